//! `/admin/numbers/orders` and `/admin/numbers/mails`: the rows behind the figures.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::{MessageId, OfferId, OrderId};
use model::spans::DEFAULT_DAYS;
use store::revenue::{Clicked, MailKey, MailRow, OrderRow, OrderRows};

use super::report::Report;
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, channel_name, days_text, link};
use crate::extract::operator::CurrentOperator;
use crate::frame::{Crumb, Pager};
use crate::reply::Reply;
use crate::state::AppState;

const ORDERS: &str = "/admin/numbers/orders";
const MAILS: &str = "/admin/numbers/mails";
/// Rows on a page; a file holds all.
const PAGE: i64 = 100;

fn mail_of(asked: &Asked) -> Option<MailKey> {
    (!asked.kind.is_empty()).then(|| MailKey {
        kind: asked.kind.clone(),
        source_id: asked.of,
        template_id: asked.template,
    })
}

/// Everything that was asked for, but where the list goes on.
fn kept(period: &Period, asked: &Asked) -> Vec<(&'static str, String)> {
    let mut query = period.query().to_vec();
    let number = |n: i64| if n == 0 { String::new() } else { n.to_string() };
    let all = [
        ("channel", asked.channel.clone()),
        ("cohort", asked.cohort.clone()),
        ("kind", asked.kind.clone()),
        ("of", number(asked.of)),
        ("template", number(asked.template)),
        ("clicked", asked.clicked.clone()),
        ("offer", asked.offer.clone()),
        ("nth", number(asked.nth)),
    ];
    query.extend(all.into_iter().filter(|(_, value)| !value.is_empty()));
    let optional = [("source", &asked.source), ("landing", &asked.landing)];
    query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query
}

fn before<I: std::str::FromStr>(text: &str) -> Option<(UtcMs, I)> {
    let (at, id) = text.split_once('.')?;
    Some((UtcMs(at.parse().ok()?), id.parse().ok()?))
}

/// The orders behind a figure.
pub async fn orders(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (from, until) = period.bounds();
    let of = OrderRows {
        from,
        until,
        before: before(&asked.before).unwrap_or((UtcMs(i64::MAX), OrderId(i64::MAX))),
        channel: asked.channel.clone(),
        source: asked.source.clone().unwrap_or_default(),
        landing: asked.landing.clone(),
        mail: mail_of(&asked),
        offer: asked.offer.parse().unwrap_or(OfferId(0)),
        cohort: asked.cohort.clone(),
        nth: asked.nth,
        limit: asked.rows_max(PAGE),
    };
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::revenue::order_rows(session, site, &of).await?) })
        })
        .await?;
    let lead = format!("Orders paid {}, newest first.", days_text(period.span));
    let mut report = Report::new(who.frame("revenue"), "Orders behind the figure", &lead);
    let query = kept(&period, &asked);
    let back = Crumb {
        href: link("/admin/numbers/revenue", &period.query()),
        label: "Revenue".to_owned(),
    };
    report.back.push(back);
    if let Some(last) = rows.last().filter(|_| rows.len() == usize::try_from(PAGE).unwrap_or(0)) {
        let mut on = query.clone();
        on.push(("before", format!("{}.{}", last.paid_at.0, last.order_id)));
        report.pager = Pager { next: Some(link(ORDERS, &on)), ..Pager::default() };
    }
    report.sheets.push(order_sheet(&rows, &period));
    report.answer(ORDERS, &asked, &query)
}

fn order_sheet(rows: &[OrderRow], period: &Period) -> Sheet {
    let row = |row: &OrderRow| {
        let when =
            period.zone.local(row.paid_at).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M").to_string();
        let money = |minor| Cell::money(minor, &row.currency);
        let first = if row.nth == 1 { row.discount_minor } else { row.reward_minor };
        let margin = row.net_minor - row.refunded_minor - row.cost_minor + first;
        vec![
            Cell::text(when).to(format!("/admin/orders/{}", row.order_id)),
            Cell::text(if row.email.is_empty() { "erased" } else { &row.email }),
            Cell::count(row.nth),
            Cell::text(channel_name(&row.channel)).note(row.source.clone()),
            Cell::text(row.landing.clone()),
            Cell::text(crate::plain::mail(&row.mail_kind)),
            money(row.net_minor),
            money(row.discount_minor),
            money(row.refunded_minor),
            money(row.cost_minor),
            money(margin),
        ]
    };
    Sheet {
        title: "Orders".to_owned(),
        formula: Some(
            "margin = paid without tax − given back − cost + (on a first order the discount, \
             later the reward of a referral: both stand in CAC)"
                .to_owned(),
        ),
        columns: columns(&[
            "Paid",
            "Who",
            "#Nth",
            "Source",
            "Last page",
            "Mail before",
            "#Paid net",
            "#Discount",
            "#Given back",
            "#Cost",
            "#Margin",
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "No order fits.".to_owned(),
        ..Sheet::default()
    }
}

/// The mails behind a figure.
pub async fn mails(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let Some(key) = mail_of(&asked) else { return Err(crate::error::WebError::NotFound) };
    let (site, bounds) = (who.site.id, period.bounds());
    let start = before(&asked.before).map_or(MessageId(i64::MAX), |(_, id)| id);
    let most = asked.rows_max(PAGE);
    let clicked = if asked.clicked.is_empty() { Clicked::OrNot } else { Clicked::Only };
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let page = (clicked, start);
                Ok(store::revenue::mail_rows(session, site, &key, bounds, page, most).await?)
            })
        })
        .await?;
    let lead = format!("Mails that left {}, newest first.", days_text(period.span));
    let mut report = Report::new(who.frame("revenue"), "Mails behind the figure", &lead);
    let query = kept(&period, &asked);
    let back = Crumb {
        href: link("/admin/numbers/revenue", &period.query()),
        label: "Revenue".to_owned(),
    };
    report.back.push(back);
    if let Some(last) = rows.last().filter(|_| rows.len() == usize::try_from(PAGE).unwrap_or(0)) {
        let mut on = query.clone();
        on.push(("before", format!("0.{}", last.id)));
        report.pager = Pager { next: Some(link(MAILS, &on)), ..Pager::default() };
    }
    report.sheets.push(mail_sheet(&rows, &period));
    report.answer(MAILS, &asked, &query)
}

fn mail_sheet(rows: &[MailRow], period: &Period) -> Sheet {
    let row = |row: &MailRow| {
        let when =
            period.zone.local(row.accepted_at).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M").to_string();
        let to = Cell::text(row.to_address.clone());
        vec![
            Cell::text(when).to(format!("/admin/messages/{}", row.id)),
            match row.contact_id {
                Some(contact) => to.to(format!("/admin/contacts/{contact}")),
                None => to,
            },
            Cell::text(row.state.clone()),
            Cell::text(row.relay.clone()),
            Cell::count(row.clicks),
        ]
    };
    Sheet {
        title: "Mails".to_owned(),
        columns: columns(&["Left", "To", "State", "By", "#Human clicks"]),
        rows: rows.iter().map(row).collect(),
        empty: "No mail fits.".to_owned(),
        ..Sheet::default()
    }
}
