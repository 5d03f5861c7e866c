//! `tundish export`: tables, streamed a page at a time. What can be taken in again is written as
//! `tundish import` reads it.

use std::io::{self, Write};

use engine::files::tables::Table;
use engine::{Engine, EngineError, coupons, exports, outbox, spends, suppressions};
use model::exports::{csv_cell, csv_quoted};
use model::ids::{ContactId, EventId, MessageId, OrderId};
use model::sites::Site;
use serde_json::{Map, Value, json};
use store::Session;

use super::{Call, funnel, site};
use crate::cli::Export;
use crate::install;
use crate::output::usage;

/// What can be written out.
const TABLES: &[&str] =
    &["funnel", "contacts", "orders", "events", "messages", "spend", "suppression", "coupons"];
/// Rows read at once.
const PAGE: i64 = 500;

/// The columns of a table in CSV, in their order.
fn columns(what: &str) -> &'static [&'static str] {
    match what {
        "messages" => &[
            "id",
            "to",
            "class",
            "source",
            "state",
            "reason",
            "message_id",
            "relay",
            "due",
            "sent",
            "subject",
            "text",
            "html",
        ],
        _ => &["id", "at", "kind", "contact", "data"],
    }
}

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
    let form = match flags.format.as_deref() {
        None if call.output.json => Form::Ndjson,
        None | Some("csv") => Form::Csv,
        Some("ndjson") => Form::Ndjson,
        Some(_) => return Err(usage("the format is csv or ndjson")),
    };
    let installation = install::beside(&call.config).await?;
    let engine = &installation.engine;
    let done = async {
        let site = site::find(engine, flags.site.as_deref()).await?;
        if flags.what == "funnel" {
            return funnel::export(call, engine, &site, flags.to.as_deref()).await;
        }
        let what = flags.what.as_str();
        let as_file = matches!(what, "contacts" | "orders") && form == Form::Csv;
        if as_file || matches!(what, "spend" | "suppression" | "coupons") {
            return again(call, engine, &site, what, form).await;
        }
        table(call, engine, &site, what, form).await
    };
    let done = done.await;
    installation.close().await?;
    done
}

/// A table that can be taken in again, as its file; or as objects with the same names.
async fn again(
    call: &Call,
    engine: &Engine,
    site: &Site,
    what: &str,
    form: Form,
) -> anyhow::Result<()> {
    let output = call.output;
    let mut header: Option<String> = None;
    // The engine has no word for a reader that has read enough (`… | head`): it is kept here.
    let mut failed = None;
    let put = |line: &str| {
        let done = match (&header, form) {
            (_, Form::Csv) => io::stdout().write_all(line.as_bytes()).map_err(Into::into),
            (None, Form::Ndjson) => {
                header = Some(line.to_owned());
                Ok(())
            }
            (Some(header), Form::Ndjson) => object(header, line).and_then(|row| output.data(&row)),
        };
        done.map_err(|error| {
            failed = Some(error);
            io::Error::other("standard output is closed")
        })
    };
    let written = match what {
        "contacts" => exports::contacts(engine, site.id, put).await,
        "orders" => engine::orders::export(engine, site.id, put).await,
        "spend" => spends::export(engine, site.id, put).await,
        "suppression" => suppressions::export(engine, site.id, put).await,
        _ => coupons::export(engine, site.id, put).await,
    };
    if let Some(error) = failed {
        return Err(error);
    }
    written?;
    Ok(io::stdout().flush()?)
}

/// A line of a file under the names of its first line.
fn object(header: &str, line: &str) -> anyhow::Result<Map<String, Value>> {
    let table = Table::read(format!("{header}{line}").as_bytes()).map_err(EngineError::from)?;
    let cells = table.rows().next().and_then(|row| row.cells.ok()).unwrap_or_default();
    let cells = cells.into_iter().map(Value::String);
    Ok(table.headers.iter().cloned().zip(cells).collect())
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
    let names_messages = what == "messages";
    let names = columns(what);
    if form == Form::Csv {
        call.output.line(names.join(","))?;
    }
    loop {
        let (id, what, reader) = (site.id, what.to_owned(), engine.reader());
        let page = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move { page(session, id, &what, before).await })
        });
        let mut rows = page.await?;
        if names_messages {
            for (id, row) in &mut rows {
                render(engine, site.id, MessageId(*id), row).await?;
            }
        }
        let Some((last, _)) = rows.last() else { return Ok(()) };
        before = *last;
        for (_, row) in rows {
            match form {
                Form::Ndjson => call.output.data(&row)?,
                Form::Csv => {
                    let cells = names.iter().map(|name| cell(row.get(*name)));
                    let cells: Vec<String> = cells.collect();
                    call.output.line(cells.join(","))?;
                }
            }
        }
    }
}

/// Puts in what a message says. One that does not render any more (it was erased, or its template
/// is broken) has nulls there.
async fn render(
    engine: &Engine,
    site: model::SiteId,
    id: MessageId,
    row: &mut Map<String, Value>,
) -> anyhow::Result<()> {
    let shown = match outbox::show(engine, site, id).await {
        Ok((_, shown)) => Some(shown),
        Err(error) if error.is_fault() => return Err(error.into()),
        Err(_) => None,
    };
    let text = |pick: fn(&outbox::Shown) -> &String| {
        shown.as_ref().map_or(Value::Null, |shown| Value::String(pick(shown).clone()))
    };
    row.insert("subject".to_owned(), text(|shown| &shown.subject));
    row.insert("text".to_owned(), text(|shown| &shown.plain));
    row.insert("html".to_owned(), text(|shown| &shown.html));
    Ok(())
}

/// A cell of CSV.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => csv_cell(text).into_owned(),
        Some(other) => csv_quoted(&other.to_string()).into_owned(),
    }
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
