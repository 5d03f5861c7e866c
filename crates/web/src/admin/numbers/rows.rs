//! The rows behind the figures: orders, what they hold of an offer, mails, clicks on a link.

use model::UtcMs;

use super::{Asked, Period, link};
use crate::frame::{Crumb, Pager};

pub mod clicks;
pub mod mails;
pub mod offered;
pub mod orders;
pub mod spent;

/// Rows on a page; a file holds all.
const PAGE: i64 = 100;

/// Everything that was asked for, but where the list goes on.
fn kept(period: &Period, asked: &Asked) -> Vec<(&'static str, String)> {
    let mut query = period.query().to_vec();
    let number = |n: i64| if n == 0 { String::new() } else { n.to_string() };
    let all = [
        ("won", asked.won.clone()),
        ("days", number(asked.days)),
        ("channel", asked.channel.clone()),
        ("origin", asked.origin.clone()),
        ("product", asked.product.clone()),
        ("currency", asked.currency.clone()),
        ("cohort", asked.cohort.clone()),
        ("kind", asked.kind.clone()),
        ("of", number(asked.of)),
        ("template", number(asked.template)),
        ("clicked", asked.clicked.clone()),
        ("version", number(asked.version)),
        ("position", number(asked.position)),
        ("offer", asked.offer.clone()),
        ("place", asked.place.clone()),
        ("nth", number(asked.nth)),
    ];
    query.extend(all.into_iter().filter(|(_, value)| !value.is_empty()));
    let optional = [("source", &asked.source), ("landing", &asked.landing)];
    query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    query
}

/// Where a list goes on: an instant and an id.
fn before<I: std::str::FromStr>(text: &str) -> Option<(UtcMs, I)> {
    let (at, id) = text.split_once('.')?;
    Some((UtcMs(at.parse().ok()?), id.parse().ok()?))
}

/// The way back to the page of the figures, with its days.
fn back(period: &Period, asked: &Asked) -> Crumb {
    let mut query = period.query().to_vec();
    let kept = [("channel", &asked.channel), ("product", &asked.product)];
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(kept.map(|(name, value)| (name, value.clone())));
    Crumb { href: link("/admin/numbers/revenue", &query), label: "Revenue".to_owned() }
}

/// To the rows that follow `last`, where the page is full.
fn pager<T>(
    path: &str,
    query: &[(&'static str, String)],
    rows: &[T],
    last: impl Fn(&T) -> String,
) -> Pager {
    let full = i64::try_from(rows.len()).unwrap_or(0) == PAGE;
    let next = rows.last().filter(|_| full).map(|row| {
        let mut on = query.to_vec();
        on.push(("before", last(row)));
        link(path, &on)
    });
    Pager { next, ..Pager::default() }
}

fn when(period: &Period, at: UtcMs) -> String {
    period.zone.local(at).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M").to_string()
}
