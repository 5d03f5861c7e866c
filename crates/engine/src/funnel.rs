//! A funnel as a file: read it, say what it would change, make it so, and write one out.

use std::collections::BTreeMap;
use std::path::Path;

use model::ids::FileId;
use model::sites::Site;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

mod apply;
mod bundle;
pub mod changes;
mod current;
pub mod document;
mod follow_up;
mod leads;
mod normal;
mod references;
pub mod text;

pub use changes::{Action, Change};
pub use document::Document;
pub use text::{Parsed, parse};

use bundle::Bundled;
use current::Current;

/// Kinds that `--prune` retires where the file leaves them out. Topics, magnets and files stay:
/// contacts hold on to them.
const PRUNED: [&str; 8] =
    ["forms", "templates", "sequences", "products", "offers", "coupons", "paths", "pages"];

/// What becomes of nouns that the file leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// They stay as they are.
    Kept,
    /// They are withdrawn; nothing is deleted.
    Retired,
}

/// A funnel file made ready: read, checked, and held against what is there.
#[derive(Debug)]
pub struct Plan {
    /// What would change, in the order of kinds.
    pub changes: Vec<Change>,
    wanted: Document,
    bundled: BTreeMap<String, Bundled>,
    files: BTreeMap<String, FileId>,
}

/// Reads the file at `path` and says what it would change on `site`.
///
/// # Errors
/// The file cannot be read, or something in it cannot be used; with the line.
pub async fn plan(engine: &Engine, site: &Site, path: &Path, rest: Rest) -> Result<Plan> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path)
        .map_err(|e| EngineError::Conflict(format!("{} cannot be read: {e}", path.display())))?;
    let mut parsed = parse(&text, &name)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let bundled = bundle::read(&mut parsed, base)?;
    bundle::check_shown(&parsed, &bundled)?;
    normal::normalise(&mut parsed)?;
    let current = read(engine, site).await?;
    complete(&mut parsed.document, &current.document);
    references::check(&parsed, &current.document)?;
    let pruned: &[&str] = if rest == Rest::Retired { &PRUNED } else { &[] };
    let mut changes = changes::between(&current.document, &parsed.document, pruned)?;
    with_users_of_files(&mut changes, &parsed.document);
    Ok(Plan { changes, wanted: parsed.document, bundled, files: current.files })
}

/// Makes `site` as the plan says: files first, then everything else in one transaction.
///
/// # Errors
/// Something breaks a rule of its noun: then nothing was changed but stored files.
pub async fn apply(engine: &Engine, site: &Site, plan: Plan) -> Result<Vec<Change>> {
    let Plan { changes, wanted, bundled, mut files } = plan;
    for (name, file) in bundled {
        if changes.iter().any(|change| change.kind == "files" && change.slug == name) {
            let (kind, bytes) = (file.content_type, file.bytes);
            let id = crate::files::put(engine, site.id, &name, kind, bytes).await?;
            files.insert(name, id);
        }
    }
    let (of, site, done) = (engine.clone(), site.clone(), changes.clone());
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let ground = apply::Ground { engine: &of, site: &site, files: &files };
                apply::run(&ground, tx, &wanted, &done).await?;
                let data = serde_json::json!({ "changes": done.len() });
                audits::note(&of, tx, site.id, "funnel.applied", site.id, &data).await
            })
        })
        .await?;
    engine.wake();
    Ok(changes)
}

/// The site as a document. Its files are named by their hash.
///
/// # Errors
/// The database fails.
pub async fn export(engine: &Engine, site: &Site) -> Result<Document> {
    Ok(read(engine, site).await?.document)
}

/// The newest stored file of each name.
///
/// # Errors
/// The database fails.
pub async fn files(engine: &Engine, site: &Site) -> Result<BTreeMap<String, FileId>> {
    Ok(read(engine, site).await?.files)
}

/// A document as TOML.
///
/// # Errors
/// There is none for documents of our own making.
pub fn to_toml(document: &Document) -> Result<String> {
    toml::to_string_pretty(document)
        .map_err(|e| EngineError::Fault(format!("the funnel could not be written: {e}")))
}

async fn read(engine: &Engine, site: &Site) -> Result<Current> {
    let site = site.clone();
    engine
        .reader()
        .read(move |session| Box::pin(async move { current::read(session, &site).await }))
        .await
}

/// What the file leaves out of the site keeps its value, and so do files it does not list.
fn complete(wanted: &mut Document, current: &Document) {
    let (given, now) = (wanted.site.clone(), current.site.clone());
    let site = &mut wanted.site;
    site.slug = now.slug;
    site.name = given.name.or(now.name);
    site.sender_name = given.sender_name.or(now.sender_name);
    site.sender_address = given.sender_address.or(now.sender_address);
    site.postal_address = given.postal_address.or(now.postal_address);
    site.currency = given.currency.or(now.currency);
    site.timezone = given.timezone.or(now.timezone);
    site.language = given.language.or(now.language);
    site.home_page = given.home_page.or(now.home_page);
    site.sales_mails_per_week = given.sales_mails_per_week.or(now.sales_mails_per_week);
    site.prices_include_tax = given.prices_include_tax.or(now.prices_include_tax);
    if site.tax.is_empty() {
        site.tax = now.tax;
    }
    if site.footer.is_empty() {
        site.footer = now.footer;
    }
    if site.theme.is_empty() {
        site.theme = now.theme;
    }
}

/// Who shows or gives away a file that changes must point at its new row.
fn with_users_of_files(changes: &mut Vec<Change>, wanted: &Document) {
    let changed: Vec<String> = changes
        .iter()
        .filter(|change| change.kind == "files" && change.action == Action::Change)
        .map(|change| change.slug.clone())
        .collect();
    let uses = |name: Option<&String>| name.is_some_and(|name| changed.contains(name));
    let mut add = |kind: &str, slug: &String| {
        if !changes.iter().any(|change| change.kind == kind && change.slug == *slug) {
            let (kind, slug) = (kind.to_owned(), slug.clone());
            let members = vec!["its file".to_owned()];
            changes.push(Change { action: Action::Change, kind, slug, members });
        }
    };
    for (slug, magnet) in &wanted.magnets {
        if uses(magnet.file.as_ref()) {
            add("magnets", slug);
        }
    }
    for (slug, product) in &wanted.products {
        if uses(product.image.as_ref()) || product.files.iter().any(|name| uses(Some(name))) {
            add("products", slug);
        }
    }
}
