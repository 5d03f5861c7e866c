//! `tundish send-test`.

use std::time::Duration;

use engine::{Engine, EngineError, deliver, guard, sending, templates};
use model::ids::{ContactId, MessageId};
use model::messages::State;
use model::sites::Site;
use model::{EmailAddr, SiteId};
use serde::Serialize;
use store::messages::Message;

use super::{Call, contacts, site, version};
use crate::cli::SendTest;
use crate::install;
use crate::output::refused;

/// How long a server beside us may take to send it.
const WAIT_ROUNDS: usize = 150;
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How it went.
#[derive(Serialize)]
struct Sent {
    message: MessageId,
    to: String,
    state: State,
    reason: Option<String>,
    relay: Option<String>,
    reply_code: Option<i64>,
    reply: Option<String>,
}

impl From<Message> for Sent {
    fn from(message: Message) -> Self {
        Self {
            message: message.id,
            to: message.to_address,
            state: message.state,
            reason: message.reason,
            relay: message.relay,
            reply_code: message.reply_code,
            reply: message.reply_text,
        }
    }
}

/// Sends one mail to an address.
///
/// # Errors
/// There is no such template, sending is held, or the mail server did not take it.
pub async fn run(call: &Call, flags: &SendTest) -> anyhow::Result<()> {
    let installation = install::beside(&call.config).await?;
    let done = send(call, &installation.engine, flags).await;
    installation.close().await?;
    done
}

async fn send(call: &Call, engine: &Engine, flags: &SendTest) -> anyhow::Result<()> {
    if let Some(why) = version::clock_is_wrong(engine.now()) {
        return Err(refused(why));
    }
    if let Some(why) = guard::held(engine).await? {
        return Err(refused(format!("nothing is sent: {why}; decide it in the admin first")));
    }
    let site = site::find(engine, flags.site.as_deref()).await?;
    let to = EmailAddr::parse(&flags.to).map_err(EngineError::from)?;
    let contact = match &flags.contact {
        Some(email) => Some(contacts::find(engine, &site, email).await?.id),
        None => None,
    };
    let id = site.id;
    let planned = match &flags.template {
        Some(slug) => of_template(engine, site, slug, contact, to).await?,
        None => sending::send_test(engine, site, to).await?,
    };
    let message = planned.ok_or_else(|| refused("the test was not planned; try again"))?;
    let sent = Sent::from(follow(engine, id, message).await?);
    call.output.either(&sent, || vec![line(&sent)])?;
    match sent.state {
        State::Accepted => Ok(()),
        state => Err(refused(format!("the mail to {} was not accepted: it is {state}", sent.to))),
    }
}

async fn of_template(
    engine: &Engine,
    site: Site,
    slug: &str,
    contact: Option<ContactId>,
    to: EmailAddr,
) -> anyhow::Result<Option<MessageId>> {
    let (id, slug, reader) = (site.id, slug.to_owned(), engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            store::templates::find_by_slug(session, id, &slug)
                .await?
                .ok_or_else(|| EngineError::missing("template", slug))
        })
    });
    let template = found.await?.id;
    Ok(templates::send_test(engine, site, template, contact, to).await?)
}

/// Sends what is due, and waits until the message has its answer: where a server runs, it may have
/// been faster and hold it.
async fn follow(engine: &Engine, site: SiteId, id: MessageId) -> anyhow::Result<Message> {
    deliver::run_due(engine).await?;
    deliver::drain(engine).await?;
    let mut rounds = 0;
    loop {
        let reader = engine.reader();
        let found = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::messages::find(session, site, id).await?;
                found.ok_or_else(|| EngineError::missing("message", id))
            })
        });
        let message = found.await?;
        let moves = matches!(
            message.state,
            State::Planned | State::Queued | State::Leased | State::Committing
        );
        if !moves || rounds >= WAIT_ROUNDS {
            return Ok(message);
        }
        rounds += 1;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// One line for a person, with the server's own words.
fn line(sent: &Sent) -> String {
    let mut line = format!("{}: {}", sent.to, sent.state);
    match (&sent.relay, sent.reply_code, &sent.reply) {
        (Some(relay), Some(code), Some(text)) => {
            line.push_str(&format!("; {relay} answered {code} {text}"));
        }
        (Some(relay), _, _) if relay == "caught" => {
            line.push_str("; caught here and not sent: see it in the admin under Messages");
        }
        (Some(relay), _, _) => line.push_str(&format!(" by {relay}")),
        _ => {}
    }
    if let Some(why) = &sent.reason {
        line.push_str(&format!(" ({why})"));
    }
    line
}
