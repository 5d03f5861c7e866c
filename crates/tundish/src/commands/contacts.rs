//! `tundish contact …`.

use engine::care::{self, Forward, Switch};
use engine::{Engine, EngineError, privacy};
use model::EmailAddr;
use model::audits::Actor;
use model::contacts::Contact;
use model::sites::Site;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Call, site};
use crate::cli::ContactCommand;
use crate::install;
use crate::output::{refused, usage};

/// Does what concerns one contact.
///
/// # Errors
/// Nobody has this address here.
pub async fn run(call: &Call, command: ContactCommand) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = act(call, &installation.engine, command).await;
    installation.close().await?;
    done
}

async fn act(call: &Call, engine: &Engine, command: ContactCommand) -> anyhow::Result<()> {
    match command {
        ContactCommand::Show { email, site } => {
            let site = site::find(engine, site.as_deref()).await?;
            let contact = find(engine, &site, &email).await?;
            let known = privacy::export(engine, site.id, contact.id).await?;
            let shown = flat(known);
            call.output.either(&shown, || lines(&shown))
        }
        ContactCommand::Export { email, site, format } => {
            let site = site::find(engine, site.as_deref()).await?;
            let contact = find(engine, &site, &email).await?;
            let known = privacy::export(engine, site.id, contact.id).await?;
            match format.as_str() {
                "json" => call.output.line(serde_json::to_string_pretty(&known)?),
                "csv" => call.output.line(privacy::as_csv(&known).trim_end()),
                _ => Err(usage("the format is json or csv")),
            }
        }
        ContactCommand::Forward { email, site, test } => {
            let site = site::find(engine, site.as_deref()).await?;
            forward(call, engine, &site, &email, test).await
        }
        ContactCommand::Erase { email, site, yes } => {
            let site = site::find(engine, site.as_deref()).await?;
            let contact = find(engine, &site, &email).await?;
            call.output.confirm(yes, &format!("{email} will be forgotten for good."))?;
            privacy::erase(engine, &site, contact.id).await?;
            call.output.say("forgotten; orders keep their figures without a name");
            Ok(())
        }
    }
}

/// What a fast-forward came to.
#[derive(Serialize)]
struct Forwarded {
    id: String,
    email: String,
    /// Sequences whose next step is due now.
    sequences: usize,
}

/// Makes the next step due of every sequence a test contact is in. What others were promised
/// keeps its time.
async fn forward(
    call: &Call,
    engine: &Engine,
    site: &Site,
    email: &str,
    test: bool,
) -> anyhow::Result<()> {
    let contact = find(engine, site, email).await?;
    if !contact.is_test && !test {
        return Err(refused(format!(
            "{email} is no test contact: only those are fast-forwarded; say --test to make it \
             one, and no figure counts it from then on"
        )));
    }
    if !contact.is_test {
        care::switch(engine, Actor::Console, site.id, contact.id, Switch::Test(true)).await?;
    }
    let (actor, all) = (Actor::Console, Forward::All);
    let moved = care::forward(engine, actor, site.id, contact.id, all).await?;
    let done =
        Forwarded { id: contact.id.to_string(), email: contact.email.clone(), sequences: moved };
    call.output.either(&done, || match moved {
        0 => vec![format!("{email} is in no sequence that runs")],
        1 => vec![format!("the next step of one sequence of {email} is due now")],
        _ => vec![format!("the next steps of {moved} sequences of {email} are due now")],
    })?;
    call.output.say("a running server does it within a second");
    Ok(())
}

/// The contact with this address.
///
/// # Errors
/// Nobody has it here.
pub async fn find(engine: &Engine, site: &Site, email: &str) -> anyhow::Result<Contact> {
    let key = EmailAddr::parse(email).map_err(EngineError::from)?.key();
    let (id, reader) = (site.id, engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::contacts::find_by_key(session, id, &key).await?) })
    });
    found.await?.ok_or_else(|| refused(format!("{} does not know {email}", site.name)))
}

/// What is known, with the contact's own members beside the lists: `{"id", "email", "status",
/// "consents": […], "messages": […], …}`.
fn flat(known: Value) -> Value {
    let Value::Object(mut all) = known else { return known };
    let Some(Value::Object(mut shown)) = all.remove("contact") else { return json!(all) };
    shown.append(&mut all);
    Value::Object(shown)
}

fn lines(shown: &Value) -> Vec<String> {
    let Value::Object(members) = shown else { return Vec::new() };
    let line = |(name, value): (&String, &Value)| match value {
        Value::Array(items) => format!("{name:16}{} of them", items.len()),
        Value::String(text) => format!("{name:16}{text}"),
        Value::Null => format!("{name:16}-"),
        other => format!("{name:16}{other}"),
    };
    members.iter().map(line).collect()
}
