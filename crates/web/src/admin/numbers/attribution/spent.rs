//! Spend beside credits: amounts are written down under a word of their own, a source as a rule,
//! and meet the channel in which touches of that source came.

use std::collections::BTreeMap;

use engine::EngineError;
use model::channels::Channel;
use model::roads;
use model::sources::{Touch, Utm};
use model::spans::Span;
use model::spends::Spend;
use store::road_sums::Level;

use super::super::journeys::Read;
use crate::extract::operator::CurrentOperator;
use crate::state::AppState;

/// The amounts that fall on the days of `span`, in part or whole.
pub(super) async fn read(
    state: &AppState,
    who: &CurrentOperator,
    span: Span,
) -> Result<Vec<Spend>, EngineError> {
    let site = who.site.id;
    let (from, to) = (span.from.to_string(), span.to.to_string());
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::spends::within(session, site, &from, &to).await?) })
        })
        .await
}

/// What was spent on each step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    steps: BTreeMap<String, i64>,
    /// Whether some was in another currency.
    pub foreign: bool,
}

impl Spent {
    /// On one step.
    pub fn of(&self, step: &str) -> i64 {
        self.steps.get(step).copied().unwrap_or(0)
    }

    /// On all of them.
    pub fn total(&self) -> i64 {
        self.steps.values().sum()
    }

    pub fn steps(&self) -> impl Iterator<Item = (&str, i64)> {
        self.steps.iter().map(|(step, minor)| (step.as_str(), *minor))
    }
}

/// Adds spend up by step. Nothing where one product or segment alone is looked at: what an ad cost
/// cannot be told apart by what was bought, or by whom.
pub(super) fn by_step(spends: &[Spend], read: &Read) -> Spent {
    let mut spent = Spent::default();
    if !read.is_of_all_orders() {
        return spent;
    }
    for spend in spends {
        let share = spend.share_within(read.period.span.from, read.period.span.to);
        if spend.currency != read.currency {
            spent.foreign |= share != 0;
            continue;
        }
        let step = step_of(&spend.channel, &read.decays, read.level);
        if share != 0 {
            *spent.steps.entry(step).or_default() += share;
        }
    }
    spent
}

/// The step of roads that a word of the ledger meets.
pub fn step_of(word: &str, known: &[(String, String, i64, i64)], level: Level) -> String {
    let (channel, source) = place(word, known);
    match level {
        Level::Channel => channel,
        Level::Source => roads::step(&channel, &source),
    }
}

/// Channel and source of a word of the ledger: a channel's own word, or a source, whose channel is
/// the paid one in which touches of it came, else any in which they did, else that of its ads.
fn place(word: &str, known: &[(String, String, i64, i64)]) -> (String, String) {
    if word.parse::<Channel>().is_ok() {
        return (word.to_owned(), String::new());
    }
    let named = known.iter().filter(|(_, source, ..)| source == word);
    let best = named.max_by_key(|(channel, _, credit, _)| (is_paid(channel), *credit));
    let channel = match best {
        Some((channel, ..)) => channel.clone(),
        None => {
            let text = |text: &str| Some(text.to_owned());
            let utm = Utm { source: text(word), medium: text("cpc"), ..Utm::default() };
            Channel::of(&Touch { utm, ..Touch::default() }).to_string()
        }
    };
    (channel, word.to_owned())
}

fn is_paid(channel: &str) -> bool {
    channel.starts_with("paid_") || matches!(channel, "display" | "affiliates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spend_meets_the_paid_channel_of_its_source() {
        let row = |channel: &str, source: &str, credit| {
            (channel.to_owned(), source.to_owned(), credit, 0)
        };
        let known = [
            row("organic_social", "facebook", 900),
            row("paid_social", "facebook", 100),
            row("offline", "flyer", 5),
        ];
        let met = |word| place(word, &known);
        assert_eq!(met("facebook"), ("paid_social".to_owned(), "facebook".to_owned()));
        assert_eq!(met("flyer"), ("offline".to_owned(), "flyer".to_owned()));
        assert_eq!(met("display"), ("display".to_owned(), String::new()));
        assert_eq!(met("google"), ("paid_search".to_owned(), "google".to_owned()));
    }
}
