//! `/admin/numbers/orders`: the orders behind a figure.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::{OrderId, ProductId};
use model::spans::DEFAULT_DAYS;
use store::revenue::{Instant, MailKey, OrderRow, OrderRows};

use super::{PAGE, back, before, kept, pager, when};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, channel_name, days_text};
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
    let of = wanted(&period, &asked);
    let (site, by) = (who.site.id, of.by);
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::revenue::order_rows(session, site, &of).await?) })
        })
        .await?;
    let days = days_text(period.span);
    let lead = match by {
        Instant::Paid => format!("Orders paid {days}, newest first."),
        Instant::Won if asked.days > 0 => {
            format!("Orders of customers won {days}, up to {} days after their first.", asked.days)
        }
        Instant::Won => format!("Orders of customers won {days}."),
    };
    let mut report = Report::new(who.frame("revenue"), "Orders behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    report.pager = pager(PATH, &query, &rows, |row| {
        let at = if by == Instant::Won { row.first_at } else { row.paid_at };
        format!("{}.{}", at.0, row.order_id)
    });
    report.sheets.push(sheet(&rows, &period));
    report.answer(PATH, &asked, &query)
}

fn wanted(period: &Period, asked: &Asked) -> OrderRows {
    let (from, until) = period.bounds();
    OrderRows {
        from,
        until,
        by: if asked.won.is_empty() { Instant::Paid } else { Instant::Won },
        before: before(&asked.before).unwrap_or((UtcMs(i64::MAX), OrderId(i64::MAX))),
        channel: asked.channel.clone(),
        source: asked.source.clone(),
        origin: asked.origin.clone(),
        landing: asked.landing.clone(),
        mail: mail_of(asked),
        link: (asked.version, asked.position),
        product: asked.product.parse().unwrap_or(ProductId(0)),
        cohort: asked.cohort.clone(),
        nth: asked.nth,
        currency: asked.currency.clone(),
        day_max: if asked.days > 0 { asked.days } else { i64::MAX },
        limit: asked.rows_max(PAGE),
    }
}

fn sheet(rows: &[OrderRow], period: &Period) -> Sheet {
    let row = |row: &OrderRow| {
        let money = |minor| Cell::money(minor, &row.currency);
        let first = if row.nth == 1 { row.discount_minor } else { row.reward_minor };
        let margin = row.net_minor - row.refunded_minor - row.cost_minor + first;
        vec![
            Cell::text(when(period, row.paid_at)).to(format!("/admin/orders/{}", row.order_id)),
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
        ]
    };
    Sheet {
        title: "Orders".to_owned(),
        formula: Some(
            "revenue = paid without tax − given back; margin = revenue − cost + (on a first order \
             the discount, later the reward of a referral: both stand in CAC)"
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
            "#Given back",
            "#Revenue",
            "#Discount",
            "#Reward",
            "#Cost",
            "#Margin",
        ]),
        rows: rows.iter().map(row).collect(),
        empty: "No order fits.".to_owned(),
        ..Sheet::default()
    }
}
