//! Which site a command means.

use engine::{Engine, EngineError};
use model::sites::Site;
use model::spelling::nearest;

use crate::output::refused;

/// The site with this slug, or the only one.
///
/// # Errors
/// There is none, there are several, or none is called so.
pub async fn find(engine: &Engine, slug: Option<&str>) -> anyhow::Result<Site> {
    let sites = all(engine).await?;
    let slugs = || sites.iter().map(|site| site.slug.as_str());
    match slug {
        Some(slug) => sites.iter().find(|site| site.slug == slug).cloned().ok_or_else(|| {
            let near = nearest(slug, slugs());
            let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
            refused(format!("there is no site called {slug}{hint}"))
        }),
        None if sites.len() > 1 => {
            let names: Vec<&str> = slugs().collect();
            Err(refused(format!("name one of the sites with --site: {}", names.join(", "))))
        }
        None => sites.first().cloned().ok_or_else(|| {
            refused("there is no site yet: run `tundish init`, or open the admin once")
        }),
    }
}

/// Every site.
///
/// # Errors
/// The database fails.
pub async fn all(engine: &Engine) -> anyhow::Result<Vec<Site>> {
    let reader = engine.reader();
    let found = reader.read::<_, EngineError, _>(|session| {
        Box::pin(async move { Ok(store::sites::list(session).await?) })
    });
    Ok(found.await?)
}
