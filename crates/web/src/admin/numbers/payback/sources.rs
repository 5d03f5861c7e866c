//! Cost and margin by where customers came from, and day by day.

use std::collections::BTreeMap;

use model::spans::Span;
use numbers::economics::Payback;

use super::tiles::won_for;
use super::{Group, Question, day_count, payback_cell};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{channel_name, days_text, link};

/// Orders of the customers the page follows; by the day they were paid, or as `more` says.
pub(super) fn first_orders(
    question: &Question,
    origin: &str,
    more: &[(&'static str, String)],
) -> String {
    let mut query = days(question.won_in, origin);
    query.push(("currency", question.currency.clone()));
    query.extend(question.narrowed());
    query.extend(more.iter().cloned());
    link("/admin/numbers/orders", &query)
}

/// What was spent on some days.
pub(super) fn spent_at(question: &Question, span: Span, origin: &str) -> String {
    let mut query = days(span, origin);
    query.push(question.home.clone());
    link("/admin/numbers/spent", &query)
}

/// The leads of some days.
pub(super) fn leads_at(question: &Question, span: Span, origin: &str) -> String {
    let mut query = days(span, origin);
    query.push(question.home.clone());
    link("/admin/numbers/stages/lead", &query)
}

fn days(span: Span, origin: &str) -> Vec<(&'static str, String)> {
    let mut query = vec![("from", span.from.to_string()), ("to", span.to.to_string())];
    if !origin.is_empty() {
        query.push(("origin", origin.to_owned()));
    }
    query
}

/// A line a source.
pub(super) fn sheet(question: &Question, groups: &BTreeMap<String, Group>) -> Sheet {
    Sheet {
        title: "By source".to_owned(),
        note: Some(
            "Spend meets customers by the source tag of their first touch where money was ever \
             spent on it, else by its channel."
                .to_owned(),
        ),
        formula: Some(
            "CAC = (spend + discounts of first orders + rewards of referrals) / customers"
                .to_owned(),
        ),
        columns: columns(&[
            "Source",
            "#Spend",
            "#Discounts",
            "#Rewards",
            "#Customers",
            "#CAC",
            "#First-order margin",
            "#Margin so far",
            "Payback",
        ]),
        rows: groups
            .iter()
            .filter(|(word, _)| question.origin.is_empty() || question.origin == **word)
            .filter(|(_, group)| group.is_won())
            .map(|(word, group)| row(question, word, group))
            .collect(),
        ..Sheet::default()
    }
}

fn row(question: &Question, word: &str, group: &Group) -> Vec<Cell> {
    let paid = &group.acquisition;
    let customers = i64::try_from(paid.customers).unwrap_or(i64::MAX);
    let told = question.told(paid, &group.margins, day_count(question.horizon));
    let money = |minor| Cell::money(minor, &question.currency);
    let mean = |value| Cell::mean(value, &question.currency).few(customers);
    let firsts = || first_orders(question, word, &[("nth", "1".to_owned())]);
    let mut rewards = days(question.won_in, word);
    rewards.extend(question.narrowed());
    let known = |cell: Cell| if question.knows_cost() { cell } else { Cell::unknown() };
    vec![
        Cell::text(channel_name(word)),
        known(money(paid.spend).to(spent_at(question, question.won_in, word))),
        money(paid.discounts).to(firsts()),
        match question.segment.0 {
            0 => money(paid.commissions).to(link("/admin/numbers/rewarded", &rewards)),
            _ => Cell::unknown(),
        },
        Cell::count(customers).to(firsts()),
        mean(told.cac),
        mean(told.first_order),
        mean(told.by_day.last().copied()).to(first_orders(question, word, &won_for(question))),
        payback_cell(&told, &question.currency),
    ]
}

/// What a lead and a click cost in all the days, and what they may cost by what is known of the
/// customers who are old enough.
pub(super) fn leads(question: &Question, groups: &BTreeMap<String, Group>) -> Sheet {
    let span = question.period.span;
    let row = |(word, group): (&String, &Group)| {
        let told = question.told(&group.acquisition, &group.margins, day_count(question.horizon));
        let customers = i64::try_from(told.customers).unwrap_or(i64::MAX);
        let mean = |value| Cell::mean(value, &question.currency);
        let may = |value| mean(value).few(customers);
        let seen = &group.seen;
        let spent = || spent_at(question, span, word);
        let some = |count: i64, href: String| match count {
            0 => Cell::unknown(),
            _ => Cell::count(count).to(href),
        };
        vec![
            Cell::text(channel_name(word)),
            Cell::money(seen.spend, &question.currency).to(spent()),
            some(seen.leads, leads_at(question, span, word)),
            mean(seen.cost_of(seen.leads)),
            may(group.per(&told, group.leads)),
            some(seen.clicks, spent()),
            mean(seen.cost_of(seen.clicks)),
            may(group.per(&told, group.clicks)),
        ]
    };
    let chosen = |word: &str| question.origin.is_empty() || question.origin == word;
    let shown =
        groups.iter().filter(|(word, group)| chosen(word) && (group.is_seen() || group.is_won()));
    Sheet {
        title: "Leads and clicks by source".to_owned(),
        note: Some(format!(
            "What one did cost {}, beside what it may cost without a loss.",
            days_text(span)
        )),
        formula: Some(format!(
            "cost of a lead = spend / leads, of a click = spend / clicks paid for; what one may \
             cost = (Σ margin by day {} − discounts of first orders − rewards of referrals) / \
             leads, or / clicks paid for, of the days whose customers are old enough",
            question.horizon
        )),
        columns: columns(&[
            "Source",
            "#Spend",
            "#Leads",
            "#Cost of a lead",
            "#A lead may cost",
            "#Clicks paid for",
            "#Cost of a click",
            "#A click may cost",
        ]),
        rows: shown.map(row).collect(),
        ..Sheet::default()
    }
}

/// The curve as a table, each tenth of the way.
pub(super) fn by_day(question: &Question, told: &Payback, before: Option<&Payback>) -> Sheet {
    let knows_cost = question.knows_cost();
    let cac = told.cac.unwrap_or(0.0);
    let step = usize::try_from(question.horizon).unwrap_or(0).div_ceil(10).max(1);
    let shown = told.by_day.iter().enumerate().filter(|(day, _)| day % step == 0);
    let row = |(day, margin): (usize, &f64)| {
        let mut cells = vec![
            Cell::count(i64::try_from(day).unwrap_or(0)),
            Cell::mean(Some(*margin), &question.currency),
            Cell::mean(Some(margin - cac).filter(|_| knows_cost), &question.currency),
        ];
        if let Some(was) = before {
            let left = was.by_day.get(day).zip(was.cac).map(|(margin, cac)| margin - cac);
            cells.push(Cell::mean(left, &question.currency));
        }
        cells
    };
    let mut heads = vec!["#Day", "#Margin so far", "#Less what they cost"];
    if before.is_some() {
        heads.push("#The same before");
    }
    Sheet {
        title: "Day by day".to_owned(),
        note: Some("The picture's curve, per customer.".to_owned()),
        formula: Some(
            "margin so far on day d = Σ margin of orders up to d days after the first / customers"
                .to_owned(),
        ),
        columns: columns(&heads),
        rows: shown.map(row).collect(),
        ..Sheet::default()
    }
}
