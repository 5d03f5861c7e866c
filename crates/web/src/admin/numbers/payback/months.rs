//! Payback by the month in which customers were won.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use model::ids::SegmentId;
use model::spans::{Span, month_start, moved, start_of};
use model::times::DAY_MS;
use model::{SiteId, UtcMs};
use numbers::economics::{Acquisition, MarginOn};
use store::customer_sums::{Brought, Won};
use store::{Session, StoreError};

use super::{Question, day_count, payback_cell};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Period, link, month_name, natural};

/// The months as stored.
pub(super) struct Rows {
    brought: Vec<Brought>,
    rewards: Vec<(String, String, String, i64)>,
    /// The last day of each month on which a customer was won.
    last: BTreeMap<String, Date>,
}

/// The whole months that a span touches.
pub(super) fn whole(span: Span) -> Span {
    Span { from: month_start(span.from, 0), to: moved(month_start(span.to, 1), -1) }
}

pub(super) async fn read(
    session: &mut Session<'_>,
    site: SiteId,
    period: &Period,
    (of, segment): (Won<'_>, SegmentId),
) -> Result<Rows, StoreError> {
    let bounds = of.span.bounds(&period.zone);
    let brought = match segment.0 {
        0 => store::customer_sums::by_month(session, site, of).await?,
        _ => store::segment_sums::by_month(session, site, segment, of).await?,
    };
    let months: BTreeSet<&str> = brought.iter().map(|row| row.channel.as_str()).collect();
    let mut last = BTreeMap::new();
    for month in months {
        let Ok(first) = format!("{month}-01").parse::<Date>() else { continue };
        let won = Won { span: whole(Span { from: first, to: first }), ..of };
        let day = store::customer_sums::last_won(session, site, won).await?;
        last.extend(day.and_then(|day| Some((month.to_owned(), day.parse().ok()?))));
    }
    let rewards = store::customer_sums::rewards(session, site, of, bounds).await?;
    Ok(Rows { brought, rewards, last })
}

/// A line a month; nothing where no customer was won, or where one source alone is asked for.
pub(super) fn sheet(question: &Question, rows: &super::Rows) -> Option<Sheet> {
    let of = &rows.months;
    if of.last.is_empty() || !question.origin.is_empty() {
        return None;
    }
    let line = |month: &String| {
        let own: Vec<&Brought> = of.brought.iter().filter(|row| row.channel == *month).collect();
        row(question, rows, month, &own)
    };
    Some(Sheet {
        title: "By month won".to_owned(),
        note: Some(
            "Each month as far as its youngest customer is known. A month that has not paid back \
             says so; it is neither zero nor never."
                .to_owned(),
        ),
        formula: Some(
            "customers and discounts: first orders of the month; spend: that of the same month; CAC = \
             (spend + discounts + rewards) / customers; margin so far = Σ margin up to the days \
             known / customers"
                .to_owned(),
        ),
        columns: columns(&[
            "Month",
            "#Customers",
            "#Spend",
            "#CAC",
            "#First-order margin",
            "#After the first sale",
            "#Bought again",
            "#Margin so far",
            "#Days known",
            "Payback",
        ]),
        rows: of.last.keys().rev().map(line).collect(),
        ..Sheet::default()
    })
}

fn row(question: &Question, rows: &super::Rows, month: &str, own: &[&Brought]) -> Vec<Cell> {
    let sum = |of: fn(&Brought) -> i64| -> i64 { own.iter().map(|row| of(row)).sum() };
    let (customers, seconds) = (sum(|row| row.customers), sum(|row| row.seconds));
    let margins: Vec<MarginOn> = own
        .iter()
        .map(|row| MarginOn { day: day_count(row.day), margin: row.margin_minor })
        .collect();
    let first = format!("{month}-01").parse::<Date>().unwrap_or(question.period.today);
    let span = whole(Span { from: first, to: first });
    let spends = rows.spends.iter().filter(|spend| spend.currency == question.currency);
    let acquisition = Acquisition {
        spend: spends.map(|spend| spend.share_within(span.from, span.to)).sum(),
        commissions: rows
            .months
            .rewards
            .iter()
            .filter(|(_, _, of, _)| of == month)
            .map(|(.., minor)| minor)
            .sum(),
        discounts: sum(|row| row.discount_minor),
        customers: natural(customers),
    };
    // The youngest may have come in the last minute of its day.
    let zone = &question.period.zone;
    let last =
        rows.months.last.get(month).map_or(question.now, |day| start_of(moved(*day, 1), zone));
    let known = days_between(last, question.now);
    let told = question.told(&acquisition, &margins, known);
    let mean = |value| Cell::mean(value, &question.currency).few(customers);
    let orders = |more: [(&'static str, String); 2]| {
        let mut query = vec![
            ("from", span.from.to_string()),
            ("to", span.to.to_string()),
            ("won", "1".to_owned()),
            ("currency", question.currency.clone()),
        ];
        query.extend(question.narrowed());
        query.extend(more.into_iter().filter(|(_, value)| !value.is_empty()));
        link("/admin/numbers/orders", &query)
    };
    let nth = |nth: &str| orders([("nth", nth.to_owned()), ("days", String::new())]);
    let mut spent = vec![("from", span.from.to_string()), ("to", span.to.to_string())];
    spent.push(question.home.clone());
    vec![
        Cell::text(month).shown(month_name(first)),
        Cell::count(customers).to(nth("1")),
        match question.knows_cost() {
            true => Cell::money(acquisition.spend, &question.currency)
                .to(link("/admin/numbers/spent", &spent)),
            false => Cell::unknown(),
        },
        mean(told.cac),
        mean(told.first_order),
        mean(told.first_order.zip(told.cac).map(|(first, cac)| first - cac)),
        Cell::count(seconds).to(nth("2")),
        mean(told.by_day.last().copied())
            .to(orders([("days", known.to_string()), ("nth", String::new())])),
        Cell::count(i64::from(known)),
        payback_cell(&told, &question.currency),
    ]
}

/// Whole days between two instants, not below zero.
fn days_between(earlier: UtcMs, later: UtcMs) -> u32 {
    u32::try_from(later.since_ms(earlier).div_euclid(DAY_MS)).unwrap_or(0)
}
