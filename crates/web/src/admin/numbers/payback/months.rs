//! Payback by the month in which customers were won.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use model::spans::{Span, month_start, moved};
use model::{SiteId, UtcMs};
use numbers::economics::{Acquisition, MarginOn, payback};
use store::economics::Won;
use store::{Session, StoreError};

use super::{Question, day_count, days_between, payback_cell};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{link, month_name};

/// The months as stored.
pub(super) struct Rows {
    cohorts: Vec<(String, i64, i64, UtcMs)>,
    days: Vec<(String, i64, i64, i64)>,
    rewards: Vec<(String, String, String, i64)>,
}

/// The whole months that a span touches.
pub(super) fn whole(span: Span) -> Span {
    Span { from: month_start(span.from, 0), to: moved(month_start(span.to, 1), -1) }
}

pub(super) async fn read(
    session: &mut Session<'_>,
    site: SiteId,
    of: Won<'_>,
) -> Result<Rows, StoreError> {
    Ok(Rows {
        cohorts: store::economics::cohorts(session, site, of).await?,
        days: store::economics::cohort_days(session, site, of).await?,
        rewards: store::economics::rewards(session, site, of).await?,
    })
}

/// A line a month; nothing where no customer was won, or where one source alone is asked for.
pub(super) fn sheet(question: &Question, rows: &super::Rows) -> Option<Sheet> {
    let of = &rows.months;
    if of.cohorts.is_empty() || !question.origin.is_empty() {
        return None;
    }
    let mut margins: BTreeMap<&str, Vec<MarginOn>> = BTreeMap::new();
    let mut seconds: BTreeMap<&str, i64> = BTreeMap::new();
    for (month, day, second, margin) in &of.days {
        let day = day_count(*day);
        margins.entry(month).or_default().push(MarginOn { day, margin: *margin });
        *seconds.entry(month).or_default() += second;
    }
    let months: BTreeSet<&str> = of.cohorts.iter().map(|(month, ..)| month.as_str()).collect();
    let line = |month: &&str| {
        let empty = Vec::new();
        let known = margins.get(month).unwrap_or(&empty);
        row(question, rows, month, known, seconds.get(month).copied().unwrap_or(0))
    };
    Some(Sheet {
        title: "By month won".to_owned(),
        note: Some(
            "Each month as far as its youngest customer is known. A month that has not paid back \
             says so; it is neither zero nor never."
                .to_owned(),
        ),
        formula: Some(
            "customers and discounts: first orders of the month; spend: that of the same month"
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
        rows: months.iter().rev().map(line).collect(),
        ..Sheet::default()
    })
}

fn row(
    question: &Question,
    rows: &super::Rows,
    month: &str,
    margins: &[MarginOn],
    seconds: i64,
) -> Vec<Cell> {
    let cohort = rows.months.cohorts.iter().find(|(of, ..)| of == month);
    let (customers, discounts, last) =
        cohort.map_or((0, 0, question.now), |(_, customers, off, last)| (*customers, *off, *last));
    let first = format!("{month}-01").parse::<Date>().unwrap_or(question.period.today);
    let span = whole(Span { from: first, to: first });
    let own = rows.spends.iter().filter(|spend| spend.currency == question.currency);
    let acquisition = Acquisition {
        spend: own.map(|spend| spend.share_within(span.from, span.to)).sum(),
        commissions: rows
            .months
            .rewards
            .iter()
            .filter(|(_, _, of, _)| of == month)
            .map(|(.., minor)| minor)
            .sum(),
        discounts,
        customers: u64::try_from(customers).unwrap_or(0),
    };
    let known = days_between(last, question.now);
    let told = payback(&acquisition, margins, known);
    let mean = |value| Cell::mean(value, &question.currency);
    let orders = |nth: &str| {
        let query = [
            ("from", span.from.to_string()),
            ("to", question.period.today.to_string()),
            ("cohort", month.to_owned()),
            ("nth", nth.to_owned()),
        ];
        link("/admin/numbers/orders", &query)
    };
    vec![
        Cell::text(month).shown(month_name(first)),
        Cell::count(customers).to(orders("1")),
        Cell::money(acquisition.spend, &question.currency).to("/admin/numbers/spend".to_owned()),
        mean(told.cac),
        mean(told.first_order),
        mean(told.first_order.zip(told.cac).map(|(first, cac)| first - cac)),
        Cell::count(seconds).to(orders("2")),
        mean(told.by_day.last().copied()).to(orders("0")),
        Cell::count(i64::from(known)),
        payback_cell(&told, &question.currency),
    ]
}
