//! `/admin/numbers/orders`: the orders behind a figure.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::OrderId;
use model::spans::DEFAULT_DAYS;
use store::revenue::{Instant, MailKey, OrderRow, OrderRows};

use super::super::narrow;
use super::{FILE_PAGE, PAGE, Stretch, back, kept};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, before, channel_name, days_text};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/orders";

pub(super) fn mail_of(asked: &Asked) -> Option<MailKey> {
    (!asked.kind.is_empty()).then(|| MailKey {
        kind: asked.kind.clone(),
        source_id: asked.of,
        template_id: asked.template,
    })
}

/// The orders behind a figure.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    if asked.format == "csv" {
        let read = move |asked| read(state.clone(), who.clone(), asked, FILE_PAGE);
        return super::file("orders-0", asked, read).await;
    }
    let days = days_text(period.span);
    let lead = match instant(&asked) {
        Instant::Paid => format!("Orders paid {days}, newest first."),
        Instant::Won if asked.days > 0 => {
            format!("Orders of customers won {days}, up to {} days after their first.", asked.days)
        }
        Instant::Won => format!("Orders of customers won {days}."),
    };
    let mut report = Report::new(who.frame("revenue"), "Orders behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    let rows = read(state, who, asked.clone(), PAGE).await?;
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
    report.answer(PATH, &asked, &query)
}

fn instant(asked: &Asked) -> Instant {
    if asked.won.is_empty() { Instant::Paid } else { Instant::Won }
}

async fn read(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    limit: i64,
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let of = wanted(&period, &asked, limit);
    let (site, by) = (who.site.id, of.by);
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::revenue::order_rows(session, site, &of).await?) })
        })
        .await?;
    let key = |row: &OrderRow| {
        let at = if by == Instant::Won { row.first_at } else { row.paid_at };
        format!("{}.{}", at.0, row.order_id)
    };
    Ok(Stretch::of(&rows, limit, key, |rows| sheet(rows, &period)))
}

fn wanted(period: &Period, asked: &Asked, limit: i64) -> OrderRows {
    let (from, until) = period.bounds();
    let start = before(&asked.before).map(|(at, id)| (UtcMs(at), id));
    OrderRows {
        from,
        until,
        by: instant(asked),
        before: start.unwrap_or((UtcMs(i64::MAX), OrderId(i64::MAX))),
        channel: asked.channel.clone(),
        source: asked.source.clone(),
        origin: asked.origin.clone(),
        landing: asked.landing.clone(),
        mail: mail_of(asked),
        link: (asked.version, asked.position),
        product: narrow::product_in(&asked.product),
        cohort: asked.cohort.clone(),
        segment: narrow::segment_in(&asked.segment),
        nth: asked.nth,
        currency: asked.currency.clone(),
        day_max: if asked.days > 0 { asked.days } else { i64::MAX },
        limit,
    }
}

fn sheet(rows: &[OrderRow], period: &Period) -> Sheet {
    let row = |row: &OrderRow| {
        let money = |minor| Cell::money(minor, &row.currency);
        let first = if row.nth == 1 { row.discount_minor } else { row.reward_minor };
        let margin = row.net_minor - row.refunded_minor - row.cost_minor;
        vec![
            Cell::text(period.when(row.paid_at)).to(format!("/admin/orders/{}", row.order_id)),
            Cell::text(if row.email.is_empty() { "erased" } else { &row.email }),
            Cell::count(row.nth),
            Cell::text(channel_name(&row.channel)).note(row.source.clone()),
            Cell::text(row.landing.clone()),
            Cell::text(crate::plain::mail(&row.mail_kind)),
            money(row.net_minor),
            money(row.refunded_minor),
            money(row.net_minor - row.refunded_minor),
            money(row.discount_minor),
            money(row.reward_minor),
            money(row.cost_minor),
            money(margin),
            money(margin + first),
        ]
    };
    Sheet {
        title: "Orders".to_owned(),
        formula: Some(
            "revenue = paid without tax − given back; margin = revenue − cost; before discounts = \
             margin + on a first order the discount, later the reward of a referral: both stand in \
             CAC, and payback counts from there"
                .to_owned(),
        ),
        columns: columns(&[
            "Paid",
            "Who",
            "#Which order",
            "Source",
            "Last page",
            "Mail before",
            "#Paid net",
            "#Given back",
            "#Revenue",
            "#Discount",
            "#Reward",
            "#Cost",
            "#Margin",
            "#Before discounts",
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "No order fits.".to_owned(),
        ..Sheet::default()
    }
}
