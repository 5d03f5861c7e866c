//! Cost and margin by where customers came from, and day by day.

use std::collections::BTreeMap;

use numbers::economics::{Payback, payback};

use super::tiles::won_for;
use super::{Group, Question, day_count, payback_cell};
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{channel_name, link};

/// Orders of the customers the page follows; by the day they were paid, or as `more` says.
pub(super) fn first_orders(
    question: &Question,
    origin: &str,
    more: &[(&'static str, String)],
) -> String {
    let mut query = days(question);
    query.push(("currency", question.currency.clone()));
    if !origin.is_empty() {
        query.push(("origin", origin.to_owned()));
    }
    if question.product.0 != 0 {
        query.push(("product", question.product_text.clone()));
    }
    query.extend(more.iter().cloned());
    link("/admin/numbers/orders", &query)
}

/// What was spent in the days in which these customers were won.
pub(super) fn spent_at(question: &Question, origin: &str) -> String {
    let mut query = days(question);
    if !origin.is_empty() {
        query.push(("origin", origin.to_owned()));
    }
    link("/admin/numbers/spent", &query)
}

fn days(question: &Question) -> Vec<(&'static str, String)> {
    let span = question.won_in;
    vec![("from", span.from.to_string()), ("to", span.to.to_string())]
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
            .map(|(word, group)| row(question, word, group))
            .collect(),
        ..Sheet::default()
    }
}

fn row(question: &Question, word: &str, group: &Group) -> Vec<Cell> {
    let told = payback(&group.acquisition, &group.margins, day_count(question.horizon));
    let money = |minor| Cell::money(minor, &question.currency);
    let mean = |value| Cell::mean(value, &question.currency);
    let paid = &group.acquisition;
    let firsts = || first_orders(question, word, &[("nth", "1".to_owned())]);
    let mut rewards = days(question);
    rewards.push(("origin", word.to_owned()));
    if question.product.0 != 0 {
        rewards.push(("product", question.product_text.clone()));
    }
    let customers = i64::try_from(paid.customers).unwrap_or(i64::MAX);
    vec![
        Cell::text(channel_name(word)),
        money(paid.spend).to(spent_at(question, word)),
        money(paid.discounts).to(firsts()),
        money(paid.commissions).to(link("/admin/numbers/rewarded", &rewards)),
        Cell::count(customers).to(firsts()),
        mean(told.cac),
        mean(told.first_order),
        mean(told.by_day.last().copied()).to(first_orders(question, word, &won_for(question))),
        payback_cell(&told, &question.currency),
    ]
}

/// What a lead and a click cost, and what they may cost.
pub(super) fn leads(question: &Question, groups: &BTreeMap<String, Group>) -> Sheet {
    let row = |(word, group): (&String, &Group)| {
        let told = payback(&group.acquisition, &group.margins, day_count(question.horizon));
        let mean = |value| Cell::mean(value, &question.currency);
        // A lead has bought nothing yet: there are none of a first product.
        let leads = if question.product.0 == 0 { group.leads } else { 0 };
        let mut leads_at = days(question);
        leads_at.push(("origin", word.clone()));
        vec![
            Cell::text(channel_name(word)),
            match leads {
                0 => Cell::unknown(),
                _ => Cell::count(leads).to(link("/admin/numbers/stages/lead", &leads_at)),
            },
            mean(group.lead_cost().filter(|_| leads > 0)),
            mean(group.per(&told, leads)),
            match group.clicks {
                0 => Cell::unknown(),
                clicks => Cell::count(clicks).to(spent_at(question, word)),
            },
            mean(group.click_cost()),
            mean(group.per(&told, group.clicks)),
        ]
    };
    let chosen = |word: &str| question.origin.is_empty() || question.origin == word;
    Sheet {
        title: "Leads and clicks by source".to_owned(),
        note: Some("What one may cost without a loss, beside what it does cost.".to_owned()),
        formula: Some(
            "cost of a lead = spend / leads, of a click = spend / clicks paid for; what one may \
             cost = margin so far × customers / leads, or / clicks paid for"
                .to_owned(),
        ),
        columns: columns(&[
            "Source",
            "#Leads",
            "#Cost of a lead",
            "#A lead may cost",
            "#Clicks paid for",
            "#Cost of a click",
            "#A click may cost",
        ]),
        rows: groups.iter().filter(|(word, _)| chosen(word)).map(row).collect(),
        ..Sheet::default()
    }
}

/// The curve as a table, each tenth of the way.
pub(super) fn by_day(question: &Question, told: &Payback, before: Option<&Payback>) -> Sheet {
    let cac = told.cac.unwrap_or(0.0);
    let step = usize::try_from(question.horizon).unwrap_or(0).div_ceil(10).max(1);
    let shown = told.by_day.iter().enumerate().filter(|(day, _)| day % step == 0);
    let row = |(day, margin): (usize, &f64)| {
        let mut cells = vec![
            Cell::count(i64::try_from(day).unwrap_or(0)),
            Cell::mean(Some(*margin), &question.currency),
            Cell::mean(Some(margin - cac), &question.currency),
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
