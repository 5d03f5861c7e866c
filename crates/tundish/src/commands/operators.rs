//! `tundish operator …`.

use std::io::IsTerminal;

use engine::operators::{self, NewOperator};
use engine::{Engine, EngineError, sites};
use model::SiteId;
use model::audits::Actor;
use model::operators::{Operator, Role};
use model::spelling::nearest;
use serde::Serialize;

use super::{Call, site};
use crate::cli::OperatorCommand;
use crate::install;
use crate::output::{refused, table};

#[derive(Serialize)]
struct Shown {
    id: String,
    email: String,
    name: String,
    role: &'static str,
    second_step: bool,
    disabled: bool,
    signed_in_at: Option<String>,
}

impl From<Operator> for Shown {
    fn from(operator: Operator) -> Self {
        Self {
            id: operator.id.to_string(),
            second_step: operator.has_second_step(),
            email: operator.email,
            name: operator.name,
            role: operator.role.as_str(),
            disabled: operator.disabled,
            signed_in_at: operator.signed_in_at.map(model::UtcMs::rfc3339),
        }
    }
}

#[derive(Serialize)]
struct Link {
    url: String,
}

/// Does what concerns operators.
///
/// # Errors
/// There is no such operator, or what was given cannot be used.
pub async fn run(call: &Call, command: OperatorCommand) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = act(call, &installation.engine, command).await;
    installation.close().await?;
    done
}

async fn act(call: &Call, engine: &Engine, command: OperatorCommand) -> anyhow::Result<()> {
    match command {
        OperatorCommand::List => list(call, engine).await,
        OperatorCommand::Add { email, name, role, sites, invite, password } => {
            let password = if invite { None } else { Some(password.read()?) };
            let role = role.parse::<Role>().map_err(EngineError::from)?;
            let sites = site_ids(engine, &sites).await?;
            let new = NewOperator { email: email.clone(), name, role, password, sites };
            let id = operators::add(engine, Actor::Console, new).await?;
            if !invite {
                call.output.say(format!("{email} may sign in as {}", role.as_str()));
                return Ok(());
            }
            let token = operators::invite_link(engine, Actor::Console, id).await?;
            print(call, engine, &format!("/admin/password/{token}")).await
        }
        OperatorCommand::Reset { email, second_step: true, .. } => {
            let operator = find(engine, &email).await?;
            engine::second_step::reset(engine, &operator.email).await?;
            call.output.say(format!("{email} signs in without a second step; every sign-in ended"));
            Ok(())
        }
        OperatorCommand::Reset { email, password, .. } => {
            let operator = find(engine, &email).await?;
            operators::reset_password(engine, &operator.email, &password.read()?).await?;
            call.output.say(format!("{email} has a new password; every sign-in of theirs ended"));
            Ok(())
        }
        OperatorCommand::Link { email } => {
            let operator = find(engine, &email).await?;
            let token = operators::sign_in_link(engine, Actor::Console, operator.id).await?;
            print(call, engine, &format!("/admin/sign-in/link/{token}")).await
        }
    }
}

async fn print(call: &Call, engine: &Engine, path: &str) -> anyhow::Result<()> {
    let sites = site::all(engine).await?;
    let home = call.config.admin_host();
    let url = sites.first().map(|site| site.admin_url(home, path));
    let link = Link { url: url.unwrap_or_else(|| path.to_owned()) };
    call.output.either(&link, || vec![link.url.clone()])
}

async fn list(call: &Call, engine: &Engine) -> anyhow::Result<()> {
    let shown: Vec<Shown> = all(engine).await?.into_iter().map(Shown::from).collect();
    call.output.either(&shown, || {
        let rows: Vec<Vec<String>> = shown
            .iter()
            .map(|o| {
                let state = if o.disabled { "may not sign in" } else { "" };
                vec![o.email.clone(), o.role.to_owned(), o.name.clone(), state.to_owned()]
            })
            .collect();
        table(&rows)
    })
}

async fn all(engine: &Engine) -> anyhow::Result<Vec<Operator>> {
    let reader = engine.reader();
    let found = reader.read::<_, EngineError, _>(|session| {
        Box::pin(async move { Ok(store::operators::list(session).await?) })
    });
    Ok(found.await?)
}

async fn site_ids(engine: &Engine, slugs: &[String]) -> anyhow::Result<Vec<SiteId>> {
    let mut ids = Vec::new();
    for slug in slugs {
        ids.push(sites::get_by_slug(engine, slug).await?.id);
    }
    Ok(ids)
}

/// The operator with this address. Who is not found is told similar ones only on a terminal: a
/// script's log is read by more people than may know who signs in here.
async fn find(engine: &Engine, email: &str) -> anyhow::Result<Operator> {
    let everyone = all(engine).await?;
    if let Some(found) = everyone.iter().find(|o| o.email.eq_ignore_ascii_case(email)) {
        return Ok(found.clone());
    }
    let mut sentence = format!("nobody signs in here as {email}");
    if std::io::stderr().is_terminal()
        && let Some(similar) = nearest(email, everyone.iter().map(|o| o.email.as_str()))
    {
        sentence.push_str(&format!("; did you mean {similar}?"));
    }
    Err(refused(sentence))
}
