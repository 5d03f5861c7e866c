//! Money that is likely written down twice: amounts for some of the days of others, but not for the
//! same, under one source and campaign; one without a campaign stands for all of them.

use std::collections::{BTreeMap, BTreeSet};

use model::SiteId;
use model::spends::Spend;
use store::Session;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The days of some amounts, to be asked how many of them touch others: in the order of the first
/// days, and in that of the last.
#[derive(Debug, Default)]
struct Days {
    first: Vec<String>,
    last: Vec<String>,
}

impl Days {
    fn add(&mut self, from: &str, to: &str) {
        self.first.push(from.to_owned());
        self.last.push(to.to_owned());
    }

    fn sort(&mut self) {
        self.first.sort_unstable();
        self.last.sort_unstable();
    }

    /// How many touch `from ..= to`: those that have begun by its end, less those that had ended
    /// before it.
    fn touching(&self, from: &str, to: &str) -> usize {
        let begun = self.first.partition_point(|first| first.as_str() <= to);
        begun.saturating_sub(self.last.partition_point(|last| last.as_str() < from))
    }
}

/// What stands under one source.
#[derive(Debug, Default)]
struct Standing {
    all: Days,
    by_campaign: BTreeMap<String, Days>,
    same: BTreeMap<(String, String, String), usize>,
}

impl Standing {
    fn of(rows: Vec<(String, String, String)>) -> Self {
        let mut standing = Self::default();
        for (campaign, from, to) in rows {
            standing.all.add(&from, &to);
            standing.by_campaign.entry(campaign.clone()).or_default().add(&from, &to);
            *standing.same.entry((campaign, from, to)).or_default() += 1;
        }
        standing.all.sort();
        standing.by_campaign.values_mut().for_each(Days::sort);
        standing
    }

    /// Whether others stand for some of the days of `spend`, but not for the same.
    fn overlap(&self, spend: &Spend) -> bool {
        let (from, to) = (spend.from_day.as_str(), spend.to_day.as_str());
        let under = |campaign: &str| {
            self.by_campaign.get(campaign).map_or(0, |days| days.touching(from, to))
        };
        let touching = match spend.campaign.as_str() {
            "" => self.all.touching(from, to),
            campaign => under(campaign) + under(""),
        };
        let own = (spend.campaign.clone(), spend.from_day.clone(), spend.to_day.clone());
        touching > self.same.get(&own).copied().unwrap_or(0)
    }
}

/// A sentence where amounts that were written down just now stand for days for which others stand
/// too.
pub(super) async fn told(
    engine: &Engine,
    site: SiteId,
    spends: Vec<Spend>,
) -> Result<Option<String>> {
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { find(session, site, &spends).await })
        })
        .await?;
    let (count, Some(first)) = found else { return Ok(None) };
    Ok(Some(format!(
        "{count} of its amounts lie on days for which others stand under the same source and \
         campaign, such as {} from {} to {}: they add up. Delete what is there twice.",
        first.channel, first.from_day, first.to_day
    )))
}

/// How many there are, and the first of them: what stands is read once for each source.
async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    spends: &[Spend],
) -> Result<(usize, Option<Spend>)> {
    let channels: BTreeSet<&str> = spends.iter().map(|spend| spend.channel.as_str()).collect();
    let mut standing = BTreeMap::new();
    for channel in channels {
        let own = || spends.iter().filter(|spend| spend.channel == channel);
        let from = own().map(|spend| spend.from_day.as_str()).min().unwrap_or_default();
        let to = own().map(|spend| spend.to_day.as_str()).max().unwrap_or_default();
        let rows = store::spends::days_of(session, site, channel, (from, to)).await?;
        standing.insert(channel, Standing::of(rows));
    }
    let overlaps = |spend: &&Spend| {
        standing.get(spend.channel.as_str()).is_some_and(|standing| standing.overlap(spend))
    };
    let found: Vec<&Spend> = spends.iter().filter(overlaps).collect();
    Ok((found.len(), found.first().copied().cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::UtcMs;
    use model::ids::SpendId;

    fn spend(campaign: &str, from: &str, to: &str) -> Spend {
        Spend {
            id: SpendId(0),
            channel: "ads".to_owned(),
            campaign: campaign.to_owned(),
            from_day: format!("2026-01-{from}"),
            to_day: format!("2026-01-{to}"),
            amount_minor: 1,
            currency: "USD".to_owned(),
            clicks: None,
            impressions: None,
            note: String::new(),
            created_at: UtcMs(0),
        }
    }

    #[test]
    fn days_that_others_stand_for_too_are_found_and_the_same_days_are_not() {
        let rows = [("a", "01", "07"), ("b", "05", "05"), ("", "20", "31"), ("a", "12", "12")];
        let rows = rows.map(|(campaign, from, to)| {
            let one = spend(campaign, from, to);
            (one.campaign, one.from_day, one.to_day)
        });
        let standing = Standing::of(rows.to_vec());
        for (campaign, from, to, wanted) in [
            ("a", "01", "07", false),
            ("a", "07", "08", true),
            ("a", "08", "11", false),
            ("b", "01", "04", false),
            ("b", "05", "05", false),
            ("a", "25", "25", true),
            ("c", "25", "25", true),
            ("c", "05", "05", false),
            ("", "05", "05", true),
            ("", "20", "31", false),
            ("", "08", "11", false),
        ] {
            let one = spend(campaign, from, to);
            assert_eq!(standing.overlap(&one), wanted, "{campaign} {from} {to}");
        }
    }
}
