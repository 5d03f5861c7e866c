//! `tundish send-test`.

use engine::{Engine, EngineError, deliver, guard, templates};
use model::EmailAddr;

use super::{Call, contacts, site};
use crate::cli::SendTest;
use crate::install;
use crate::output::refused;

/// Sends a template to an address.
///
/// # Errors
/// There is no such template, or sending is held.
pub async fn run(call: &Call, flags: &SendTest) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = send(call, &installation.engine, flags).await;
    installation.close().await?;
    done
}

async fn send(call: &Call, engine: &Engine, flags: &SendTest) -> anyhow::Result<()> {
    if let Some(why) = guard::held(engine).await? {
        return Err(refused(format!("nothing is sent: {why}; decide it in the admin first")));
    }
    let site = site::find(engine, flags.site.as_deref()).await?;
    let to = EmailAddr::parse(&flags.to).map_err(EngineError::from)?;
    let contact = match &flags.contact {
        Some(email) => Some(contacts::find(engine, &site, email).await?.id),
        None => None,
    };
    let (id, slug, reader) = (site.id, flags.template.clone(), engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            store::templates::find_by_slug(session, id, &slug)
                .await?
                .ok_or_else(|| EngineError::missing("template", slug))
        })
    });
    let template = found.await?.id;
    templates::send_test(engine, site, template, contact, to).await?;
    // Where a server runs, it may be faster: then nothing is left for us.
    deliver::run_due(engine).await?;
    deliver::drain(engine).await?;
    call.output.say(format!("{} is on its way to {}", flags.template, flags.to));
    Ok(())
}
