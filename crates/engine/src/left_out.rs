//! Views that are not counted because no person made them: how many on a day, and why. In memory
//! as they come and written by a sweep, as the views themselves are.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use model::bots::LeftOut;
use model::times::{MINUTE_MS, SECOND_MS};
use model::{SiteId, UtcMs};

use crate::engine::Engine;
use crate::fault::Result;

/// Different pages of a site within [`HASTE_MS`] that nobody opens by hand.
const HASTE_PAGES: usize = 12;
const HASTE_MS: i64 = 10 * SECOND_MS;
/// Who was that hasty is left out for as long as this.
const HASTY_MS: i64 = 5 * MINUTE_MS;
/// Visitors whose pace is watched at once; beyond it the watch begins anew.
const WATCHED_MAX: usize = 50_000;

/// Counts that wait at most, while the database is away: some reasons, sites and days.
const WAITING_MAX: usize = 10_000;

/// What waits to be written, and the pace of who is here now.
#[derive(Debug, Default)]
pub(crate) struct Aside(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<(SiteId, String, LeftOut), i64>,
    paces: HashMap<u64, Pace>,
}

/// The pages a visitor asked for within one stretch of [`HASTE_MS`], and whether that was too many.
#[derive(Debug)]
struct Pace {
    since: UtcMs,
    pages: Vec<u64>,
    hasty_until: UtcMs,
}

/// One view that is not counted. `day` is that of the site, ISO.
pub fn count(engine: &Engine, site: SiteId, day: String, reason: LeftOut) {
    let mut state = engine.aside().0.lock().unwrap_or_else(PoisonError::into_inner);
    *state.waiting.entry((site, day, reason)).or_default() += 1;
}

/// Notes that a visitor asks for a page, and says whether they ask for more than anyone reads.
/// The visitor is known for seconds, by a number, in this process's memory alone.
pub fn is_hasty(engine: &Engine, site: SiteId, visitor: &str, page: &str) -> bool {
    let now = engine.now();
    let mut state = engine.aside().0.lock().unwrap_or_else(PoisonError::into_inner);
    if state.paces.len() >= WATCHED_MAX {
        state.paces.retain(|_, pace| now.since_ms(pace.since) < HASTE_MS || pace.hasty_until > now);
        if state.paces.len() >= WATCHED_MAX {
            state.paces.clear();
        }
    }
    let fresh = Pace { since: now, pages: Vec::new(), hasty_until: now };
    let pace = state.paces.entry(number((site.0, visitor))).or_insert(fresh);
    pace.asks(number(page), now)
}

impl Pace {
    fn asks(&mut self, page: u64, now: UtcMs) -> bool {
        if now.since_ms(self.since) >= HASTE_MS {
            self.since = now;
            self.pages.clear();
        }
        if self.pages.len() < HASTE_PAGES && !self.pages.contains(&page) {
            self.pages.push(page);
        }
        if self.pages.len() >= HASTE_PAGES {
            self.hasty_until = now.plus_ms(HASTY_MS);
        }
        self.hasty_until > now
    }
}

fn number(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Writes what is waiting; how many rows. Where that fails it goes on waiting.
pub(crate) async fn flush(engine: &Engine) -> Result<usize> {
    let waiting = {
        let mut state = engine.aside().0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.waiting)
    };
    if waiting.is_empty() {
        return Ok(0);
    }
    let (rows, inside) = (waiting.len(), waiting.clone());
    let outcome = engine
        .write_views(move |tx| {
            Box::pin(async move {
                for ((site, day, reason), views) in inside {
                    store::left_out::add(tx, site, &day, reason.as_str(), views).await?;
                }
                Ok(())
            })
        })
        .await;
    if let Err(fault) = outcome {
        let mut state = engine.aside().0.lock().unwrap_or_else(PoisonError::into_inner);
        for (of, views) in waiting {
            if state.waiting.len() < WAITING_MAX || state.waiting.contains_key(&of) {
                *state.waiting.entry(of).or_default() += views;
            }
        }
        return Err(fault);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_opens_a_few_pages_is_no_bot_and_who_opens_all_is_one_for_a_while() {
        let mut pace = Pace { since: UtcMs(0), pages: Vec::new(), hasty_until: UtcMs(0) };
        for second in 0..60 {
            assert!(!pace.asks(second % 7, UtcMs(i64::try_from(second).unwrap() * 1_000)));
        }
        let mut left_out = 0;
        for page in 0..40 {
            left_out += usize::from(pace.asks(page, UtcMs(100_000 + i64::try_from(page).unwrap())));
        }
        assert_eq!(left_out, 40 - (HASTE_PAGES - 1));
        assert!(pace.asks(1, UtcMs(100_000 + HASTY_MS - 1)), "for a while");
        assert!(!pace.asks(1, UtcMs(200_000 + HASTY_MS)), "not for ever");
    }
}
