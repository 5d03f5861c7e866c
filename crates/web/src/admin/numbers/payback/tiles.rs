//! The figures first looked at, and how they differ from those of other days.

use std::collections::BTreeMap;

use numbers::economics::{Payback, loss_allowed};
use numbers::real::real_signed;

use super::sources::{first_orders, leads_at, spent_at};
use super::{Group, Question, payback_text};
use crate::admin::numbers::FEW;
use crate::admin::numbers::compare::{Delta, Good};
use crate::admin::numbers::report::Tile;
use crate::admin::numbers::sheet::{Cell, rounded};
use crate::words::money_text;

const CUSTOMERS: &str = "Customers";
const CAC: &str = "CAC";
const FIRST: &str = "First-order margin";
const AFTER: &str = "After the first sale";
const PAYBACK: &str = "Payback";
const ALLOWED: &str = "Allowed loss on the first sale";
const SPEND: &str = "Spend";
const LEADS: &str = "Leads";
const CLICKS: &str = "Clicks paid for";
const LEAD: &str = "Cost of a lead";
const LEAD_MOST: &str = "Break-even cost of a lead";
const CLICK: &str = "Cost of a click";
const CLICK_MOST: &str = "Break-even cost of a click";

fn margin_label(question: &Question) -> String {
    format!("Margin by day {}", question.horizon)
}

/// Money figures by their label, with which way is good.
fn figures(question: &Question, all: &Group, told: &Payback) -> Vec<(String, Option<f64>, Good)> {
    let horizon = usize::try_from(question.horizon).unwrap_or(0);
    let after = told.first_order.zip(told.cac).map(|(first, cac)| first - cac);
    let seen = &all.seen;
    vec![
        (CAC.to_owned(), told.cac, Good::Less),
        (FIRST.to_owned(), told.first_order, Good::More),
        (AFTER.to_owned(), after, Good::More),
        (margin_label(question), told.by_day.last().copied(), Good::More),
        (ALLOWED.to_owned(), loss_allowed(&told.by_day, horizon), Good::More),
        (LEAD.to_owned(), seen.cost_of(seen.leads), Good::Less),
        (LEAD_MOST.to_owned(), all.per(told, all.leads), Good::More),
        (CLICK.to_owned(), seen.cost_of(seen.clicks), Good::Less),
        (CLICK_MOST.to_owned(), all.per(told, all.clicks), Good::More),
    ]
}

/// How each is made.
fn formula(question: &Question, label: &str) -> String {
    match label {
        CAC => "(spend + rewards + first-order discounts) / customers".to_owned(),
        FIRST => "per customer, by day 0, before discounts".to_owned(),
        AFTER => "first-order margin − CAC".to_owned(),
        ALLOWED => format!("margin after the first order, by day {}", question.horizon),
        LEAD => "spend / leads of these days".to_owned(),
        LEAD_MOST => "(margin − discounts − rewards) / leads, of days old enough".to_owned(),
        CLICK => "spend / clicks paid for".to_owned(),
        CLICK_MOST => "(margin − discounts − rewards) / clicks, of days old enough".to_owned(),
        _ => "per customer, all orders".to_owned(),
    }
}

/// The figures first looked at: those of customers where there are any old enough, and what all
/// the days saw.
pub(super) fn all(question: &Question, all: &Group, told: &Payback) -> Vec<Tile> {
    let mut tiles = Vec::new();
    if told.customers > 0 {
        tiles.push(Tile {
            label: CUSTOMERS.to_owned(),
            value: Cell::count(i64::try_from(told.customers).unwrap_or(i64::MAX)).text,
            href: Some(first_orders(question, &question.origin, &[("nth", "1".to_owned())])),
            note: Some("first order in these days, and old enough".to_owned()),
        });
    }
    for (label, value, _) in figures(question, all, told) {
        let sure = [FIRST, AFTER, CAC, ALLOWED].contains(&label.as_str());
        let shown = told.customers > 0 && (sure || label == margin_label(question));
        if value.is_none() && !shown {
            continue;
        }
        let (span, origin) = (question.period.span, &question.origin);
        let href = match label.as_str() {
            CAC if !question.knows_cost() => None,
            CAC => Some(spent_at(question, question.won_in, origin)),
            LEAD | CLICK => Some(spent_at(question, span, origin)),
            FIRST | AFTER => Some(first_orders(question, origin, &[("nth", "1".to_owned())])),
            _ => Some(first_orders(question, origin, &won_for(question))),
        };
        tiles.push(Tile {
            value: Cell::mean(value, &question.currency).text,
            href,
            note: Some(formula(question, &label)),
            label,
        });
    }
    if told.customers > 0 && question.knows_cost() {
        let payback = Tile {
            label: PAYBACK.to_owned(),
            value: payback_text(told.payback_day),
            href: None,
            note: Some("first day on which margin ≥ CAC".to_owned()),
        };
        tiles.insert(tiles.len().min(5), payback);
    }
    tiles.extend(seen(question, all));
    tiles
}

/// What all the days saw, old enough or not.
fn seen(question: &Question, all: &Group) -> Vec<Tile> {
    let (span, origin, seen) = (question.period.span, &question.origin, &all.seen);
    let tile = |label: &str, value: String, href: String, note: &str| Tile {
        label: label.to_owned(),
        value,
        href: Some(href),
        note: Some(note.to_owned()),
    };
    let mut tiles = Vec::new();
    if seen.spend != 0 {
        let spent = money_text(seen.spend, &question.currency);
        let href = spent_at(question, span, origin);
        tiles.push(tile(SPEND, spent, href, "the part of it on all these days"));
    }
    if seen.leads != 0 {
        let href = leads_at(question, span, origin);
        tiles.push(tile(
            LEADS,
            Cell::count(seen.leads).text,
            href,
            "left an address, all these days",
        ));
    }
    if seen.clicks != 0 {
        let href = spent_at(question, span, origin);
        tiles.push(tile(CLICKS, Cell::count(seen.clicks).text, href, "as written down with spend"));
    }
    tiles
}

/// The orders of the days for which customers are followed.
pub(super) fn won_for(question: &Question) -> [(&'static str, String); 2] {
    [("won", "1".to_owned()), ("days", question.horizon.to_string())]
}

/// How they differ.
pub(super) fn deltas(
    question: &Question,
    (all, told): (&Group, &Payback),
    (group, was): (&Group, &Payback),
) -> BTreeMap<String, Delta> {
    let show = |minor: f64| money_text(rounded(minor), &question.currency);
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let base = count(was.customers);
    let mut deltas = BTreeMap::new();
    let customers = Delta::count(count(told.customers), base, Good::More);
    deltas.insert(CUSTOMERS.to_owned(), customers);
    let earlier = figures(question, group, was);
    for (label, value, good) in figures(question, all, told) {
        let before = earlier.iter().find(|(of, ..)| *of == label).and_then(|(_, value, _)| *value);
        if let Some(value) = value {
            deltas.insert(label, Delta::new(value, before, base, good, show));
        }
    }
    let text = match (told.payback_day, was.payback_day) {
        _ if was.customers == 0 => "nothing to compare with".to_owned(),
        (now, before) if now == before => "= as before".to_owned(),
        (_, before) => format!("was: {}", payback_text(before)),
    };
    let tone = match (told.payback_day, was.payback_day) {
        (Some(now), Some(before)) if now < before => "good",
        (Some(now), Some(before)) if now > before => "bad",
        (Some(_), None) if was.customers > 0 => "good",
        (None, Some(_)) => "bad",
        _ => "plain",
    };
    let tone = if base < FEW { "plain" } else { tone };
    deltas.insert(PAYBACK.to_owned(), Delta { text, tone });
    for (label, now, was) in
        [(LEADS, all.seen.leads, group.seen.leads), (CLICKS, all.seen.clicks, group.seen.clicks)]
    {
        deltas.insert(label.to_owned(), Delta::count(now, was, Good::More));
    }
    let (now, was) = (real_signed(all.seen.spend), real_signed(group.seen.spend));
    let spend = Delta::new(now, Some(was), base, Good::Neither, show);
    deltas.insert(SPEND.to_owned(), spend);
    deltas
}
