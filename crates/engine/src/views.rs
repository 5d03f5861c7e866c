//! Counts page views: in memory as they come, written together by a sweep into the database of
//! views, so that no view ever delays an opt-in. A crash forgets at most the views of a second or
//! two; they are figures, not promises.
//!
//! A visitor is told from another for one day by a hash of what the browser says, salted with
//! bytes that exist only in this process's memory and change with the day. Neither hash nor salt
//! is ever written; a browser that asks not to be tracked is counted as a view and no visitor.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use model::SiteId;
use model::views::DayKey;
use sha2::Sha256;

use crate::engine::Engine;
use crate::fault::Result;

/// Distinct rows kept before the next flush; a flood beyond it is counted without its source.
const KEYS_MAX: usize = 5_000;
/// Visitors told apart in a day; beyond it views are still counted.
const VISITORS_MAX: usize = 500_000;

/// What is waiting to be written, and who was seen today.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    waiting: BTreeMap<(SiteId, DayKey), (i64, i64)>,
    salt: [u8; 32],
    day: String,
    seen: HashSet<[u8; 16]>,
}

/// One view. Counts it in memory and returns at once.
///
/// `visitor` is what tells one browser from another today (network and user agent), or `None`
/// where the browser asks not to be told apart.
pub fn count(engine: &Engine, site: SiteId, key: DayKey, visitor: Option<&str>) {
    let mut counts = engine.tally().0.lock().unwrap_or_else(PoisonError::into_inner);
    if counts.day != key.day {
        counts.day.clone_from(&key.day);
        counts.salt = engine.rng().bytes();
        counts.seen.clear();
    }
    let new = visitor.is_some_and(|visitor| counts.is_new(site, visitor));
    let key = if counts.waiting.len() < KEYS_MAX { key } else { without_source(key) };
    let row = counts.waiting.entry((site, key)).or_default();
    row.0 += 1;
    row.1 += i64::from(new);
}

impl Counts {
    fn is_new(&mut self, site: SiteId, visitor: &str) -> bool {
        if self.seen.len() >= VISITORS_MAX {
            return false;
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.salt) else { return false };
        mac.update(&site.0.to_be_bytes());
        mac.update(visitor.as_bytes());
        let hash = mac.finalize().into_bytes();
        let mut short = [0; 16];
        short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        self.seen.insert(short)
    }
}

fn without_source(key: DayKey) -> DayKey {
    DayKey { source: String::new(), medium: String::new(), campaign: String::new(), ..key }
}

/// Writes what is waiting; how many rows.
pub async fn flush(engine: &Engine) -> Result<usize> {
    let waiting = {
        let mut counts = engine.tally().0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut counts.waiting)
    };
    let rows = waiting.len();
    if rows > 0 {
        engine
            .write_views(move |tx| {
                Box::pin(async move {
                    for ((site, key), (views, visitors)) in waiting {
                        store::views::add(tx, site, &key, views, visitors).await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(rows)
}
