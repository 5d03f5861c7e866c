//! What starts, ends and fills a sequence, in words.

use engine::EngineError;
use model::ids::ProductId;
use model::sequence_runs::{Audience, Outcome};
use model::sequences::{Exit, StepKind};
use model::triggers::Trigger;
use model::urls::encode_component;
use model::{SiteId, UtcMs};
use store::Session;

pub(super) async fn trigger_words(
    session: &mut Session<'_>,
    site: SiteId,
    trigger: &Trigger,
) -> Result<String, EngineError> {
    Ok(match trigger {
        Trigger::Manual => "by hand".to_owned(),
        Trigger::Confirmed => "an address is confirmed".to_owned(),
        Trigger::FormConfirmed(id) => {
            let form = store::forms::find(session, site, *id).await?;
            format!("the form {}", form.map_or_else(|| id.to_string(), |form| form.name))
        }
        Trigger::TagAdded(tag) => format!("the tag {tag}"),
        Trigger::OrderPaid(id) => format!("buying {}", product(session, site, *id).await?),
        Trigger::Refunded(id) => format!("a refund of {}", product(session, site, *id).await?),
    })
}

pub(super) async fn exit_words(
    session: &mut Session<'_>,
    site: SiteId,
    exit: &Exit,
) -> Result<String, EngineError> {
    Ok(match exit {
        Exit::Bought { product: None } => "buys anything".to_owned(),
        Exit::Bought { product: Some(id) } => {
            format!("buys {}", product(session, site, *id).await?)
        }
        Exit::Tagged { tag } => format!("gets the tag {tag}"),
        Exit::DeadlinePassed { offer } => {
            let found = store::offers::find(session, site, *offer).await?;
            let slug = found.map_or_else(|| offer.to_string(), |offer| offer.slug.to_string());
            format!("the deadline of {slug} passes")
        }
    })
}

pub(super) async fn audience_words(
    session: &mut Session<'_>,
    site: SiteId,
    audience: &Audience,
) -> Result<String, EngineError> {
    Ok(match audience {
        Audience::Everyone => "Everyone who may be written to".to_owned(),
        Audience::Tagged(tag) => format!("People with the tag {tag}"),
        Audience::Bought(id) => format!("People who bought {}", product(session, site, *id).await?),
        Audience::NotBought(id) => {
            format!("People who have not bought {}", product(session, site, *id).await?)
        }
    })
}

/// The list of contacts that shows the same people.
pub(super) fn audience_href(audience: &Audience) -> String {
    let rest = match audience {
        Audience::Everyone => String::new(),
        Audience::Tagged(tag) => format!("&tag={}", encode_component(tag)),
        product => format!("&product={}", encode_component(&product.to_string())),
    };
    format!("/admin/contacts?status=confirmed{rest}")
}

pub(super) fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Entered => "entered",
        Outcome::Already => "in it already, or was",
        Outcome::Unconfirmed => "address not confirmed",
        Outcome::Unsubscribed => "unsubscribed",
        Outcome::Suppressed => "the address takes no mail",
        Outcome::Erased => "erased",
    }
}

async fn product(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
) -> Result<String, EngineError> {
    let found = store::products::find(session, site, id).await?;
    Ok(found.map_or_else(|| id.to_string(), |product| product.name))
}

pub(super) async fn step_title(
    session: &mut Session<'_>,
    site: SiteId,
    kind: &StepKind,
) -> Result<String, EngineError> {
    Ok(match kind {
        StepKind::Mail { template, class } => {
            let found = store::templates::find(session, site, *template).await?;
            let name = found.map_or_else(|| template.to_string(), |found| found.name);
            format!("{name} ({class})")
        }
        StepKind::Tag { tag } => format!("Put on the tag {tag}"),
        StepKind::End => "End".to_owned(),
    })
}

pub(super) fn step_icon(kind: &StepKind) -> &'static str {
    match kind {
        StepKind::Mail { .. } => "mail",
        StepKind::Tag { .. } => "tag",
        StepKind::End => "circle",
    }
}

pub(super) fn shown_at(at: UtcMs, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    at.timestamp().to_zoned(zone).strftime("%a %-d %b %Y, %H:%M").to_string()
}
