//! `tundish export`: tables, streamed a page at a time.

use engine::{Engine, EngineError};
use model::exports::csv_safe;
use model::ids::{ContactId, EventId, MessageId, OrderId};
use model::sites::Site;
use serde_json::{Map, Value, json};
use store::Session;

use super::{Call, funnel, site};
use crate::cli::Export;
use crate::install;
use crate::output::usage;

/// What can be written out.
const TABLES: &[&str] = &["funnel", "contacts", "orders", "events", "messages"];
/// Rows read at once.
const PAGE: i64 = 500;

/// Writes out what was asked for.
///
/// # Errors
/// There is no such table, or standard output is closed or full.
pub async fn run(call: &Call, flags: &Export) -> anyhow::Result<()> {
    if !TABLES.contains(&flags.what.as_str()) {
        let near = model::spelling::nearest(&flags.what, TABLES.iter().copied());
        let hint = near.map_or(String::new(), |near| format!(" (did you mean {near}?)"));
        let what = &flags.what;
        return Err(usage(format!("{what} cannot be exported{hint}: {}", TABLES.join(", "))));
    }
    let form = match flags.format.as_str() {
        "csv" => Form::Csv,
        "ndjson" => Form::Ndjson,
        _ => return Err(usage("the format is csv or ndjson")),
    };
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let done = async {
        let site = site::find(engine, flags.site.as_deref()).await?;
        if flags.what == "funnel" {
            return funnel::export(call, engine, &site, flags.to.as_deref()).await;
        }
        table(call, engine, &site, &flags.what, form).await
    };
    let done = done.await;
    installation.close().await?;
    done
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Csv,
    Ndjson,
}

async fn table(
    call: &Call,
    engine: &Engine,
    site: &Site,
    what: &str,
    form: Form,
) -> anyhow::Result<()> {
    let mut before = i64::MAX;
    let mut header = form == Form::Csv;
    loop {
        let (id, what, reader) = (site.id, what.to_owned(), engine.reader());
        let page = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move { page(session, id, &what, before).await })
        });
        let rows = page.await?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        before = *last;
        for (_, row) in rows {
            if header {
                let names: Vec<&str> = row.keys().map(String::as_str).collect();
                call.output.line(names.join(","))?;
                header = false;
            }
            match form {
                Form::Ndjson => call.output.data(&row)?,
                Form::Csv => {
                    let cells: Vec<String> = row.values().map(cell).collect();
                    call.output.line(cells.join(","))?;
                }
            }
        }
    }
}

/// A cell of CSV: quoted where it must be, and never a formula.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => csv_safe(text).into_owned(),
        other => other.to_string(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Rows newest first, each with the id to go on from.
type Rows = Vec<(i64, Map<String, Value>)>;

async fn page(
    session: &mut Session<'_>,
    site: model::SiteId,
    what: &str,
    before: i64,
) -> engine::Result<Rows> {
    let values: Vec<(i64, Value)> = match what {
        "contacts" => contacts(session, site, ContactId(before)).await?,
        "orders" => orders(session, site, OrderId(before)).await?,
        "messages" => messages(session, site, MessageId(before)).await?,
        _ => events(session, site, EventId(before)).await?,
    };
    let row = |(id, value)| match value {
        Value::Object(row) => Some((id, row)),
        _ => None,
    };
    Ok(values.into_iter().filter_map(row).collect())
}

async fn contacts(
    session: &mut Session<'_>,
    site: model::SiteId,
    before: ContactId,
) -> engine::Result<Vec<(i64, Value)>> {
    let mut rows = Vec::new();
    for contact in store::contacts::list(session, site, None, before, PAGE).await? {
        let tags = store::tags::of_contact(session, site, contact.id).await?;
        let topics = store::topics::of_contact(session, site, contact.id).await?;
        let topics: Vec<String> = topics.into_iter().map(|topic| topic.slug).collect();
        rows.push((
            contact.id.0,
            json!({
                "id": contact.id, "external_id": contact.external_id, "email": contact.email,
                "status": contact.status, "first_name": contact.first_name,
                "last_name": contact.last_name, "language": contact.language,
                "timezone": contact.timezone, "tags": tags.join(";"),
                "topics": topics.join(";"), "created_at": contact.created_at.rfc3339(),
                "confirmed_at": contact.confirmed_at.map(model::UtcMs::rfc3339),
            }),
        ));
    }
    Ok(rows)
}

async fn orders(
    session: &mut Session<'_>,
    site: model::SiteId,
    before: OrderId,
) -> engine::Result<Vec<(i64, Value)>> {
    let filter = store::orders::Filter::default();
    let orders = store::orders::list(session, site, before, &filter, PAGE).await?;
    let row = |order: store::orders::Order| {
        let money = |minor| model::Money::new(minor, order.currency).to_string();
        (
            order.id.0,
            json!({
                "order_id": order.id, "email": order.email,
                "placed_at": order.created_at.rfc3339(), "status": order.state,
                "currency": order.currency.code(), "goods": money(order.goods_minor),
                "discount": money(order.discount_minor), "tax": money(order.tax_minor),
                "total": money(order.total_minor), "refunded": money(order.refunded_minor),
                "coupon": order.coupon_code, "invoice": order.invoice_number,
            }),
        )
    };
    Ok(orders.into_iter().map(row).collect())
}

async fn messages(
    session: &mut Session<'_>,
    site: model::SiteId,
    before: MessageId,
) -> engine::Result<Vec<(i64, Value)>> {
    let messages = store::messages::list(session, site, before, PAGE).await?;
    let row = |message: store::messages::Message| {
        (
            message.id.0,
            json!({
                "id": message.id, "to": message.to_address, "class": message.class,
                "source": message.source_kind, "state": message.state, "reason": message.reason,
                "message_id": message.message_id, "relay": message.relay,
                "due": message.next_at.rfc3339(),
                "sent": message.date_at.map(model::UtcMs::rfc3339),
            }),
        )
    };
    Ok(messages.into_iter().map(row).collect())
}

async fn events(
    session: &mut Session<'_>,
    site: model::SiteId,
    before: EventId,
) -> engine::Result<Vec<(i64, Value)>> {
    let events = store::events::list(session, site, before, PAGE).await?;
    let row = |event: store::events::Event| {
        (
            event.id.0,
            json!({
                "id": event.id, "at": event.at.rfc3339(), "kind": event.kind,
                "contact": event.contact_id, "data": event.data,
            }),
        )
    };
    Ok(events.into_iter().map(row).collect())
}
