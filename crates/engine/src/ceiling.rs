//! How many confirmation mails may leave in an hour: a flood of answers waits to be looked at
//! instead of becoming a flood of mail. Counted in memory, for each site of this node.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::ids::SubmissionId;
use model::sites::Site;
use model::times::{DAY_MS, HOUR_MS};
use model::{SiteId, UtcMs};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// What a site may always send in an hour.
const USUAL_MIN: i64 = 200;
/// A busy site may send this many times what is usual.
const USUAL_TIMES: i64 = 5;
/// What is usual is the median hour of these days.
const DAYS: i64 = 7;

#[derive(Debug, Clone, Copy)]
struct Hour {
    number: i64,
    count: i64,
    max: i64,
}

/// The counts of every site.
#[derive(Debug, Default)]
pub(crate) struct Ceilings(Mutex<HashMap<SiteId, Hour>>);

impl Ceilings {
    /// Counts one in this hour: whether it is within the ceiling; nothing where the hour is new
    /// and its ceiling not known.
    fn count(&self, site: SiteId, number: i64) -> Option<bool> {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hours.get_mut(&site).filter(|hour| hour.number == number)?;
        hour.count += 1;
        Some(hour.count <= hour.max)
    }

    fn begin(&self, site: SiteId, number: i64, max: i64) {
        let mut hours = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = hours.entry(site).or_insert(Hour { number, count: 0, max });
        if hour.number != number {
            *hour = Hour { number, count: 0, max };
        }
    }
}

/// Counts one answer that would cause a mail; `false` where the hour's ceiling is reached.
pub(crate) async fn within(engine: &Engine, site: &Site) -> Result<bool> {
    let now = engine.now();
    let number = now.0.div_euclid(HOUR_MS);
    if let Some(within) = engine.ceilings().count(site.id, number) {
        return Ok(within);
    }
    let max = match site.settings.confirmations_per_hour {
        Some(max) => i64::from(max),
        None => USUAL_MIN.max(USUAL_TIMES * median_hour(engine, site.id, now).await?),
    };
    engine.ceilings().begin(site.id, number, max);
    Ok(engine.ceilings().count(site.id, number).unwrap_or(true))
}

async fn median_hour(engine: &Engine, site: SiteId, now: UtcMs) -> Result<i64> {
    let after = SubmissionId(model::ids::first_id_at(now.plus_ms(-DAYS * DAY_MS)));
    let hours = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::forms::per_hour(session, site, after).await?) })
        })
        .await?;
    let mut counts: Vec<i64> = hours.into_iter().map(|(_, count)| count).collect();
    counts.resize(usize::try_from(DAYS * 24).unwrap_or(0).max(counts.len()), 0);
    counts.sort_unstable();
    Ok(counts.get(counts.len() / 2).copied().unwrap_or(0))
}
