//! Both sums of the reconciliation, counted day by day beside everything else and kept: a year of a
//! busy shop takes minutes to count row by row, and nobody waits for that on a page.

use jiff::civil::Date;
use model::jobs::Work;
use model::sites::Site;
use model::spans::{Span, day_of, moved};
use model::times::DAY_MS;
use model::{SiteId, UtcMs};
use store::Session;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::jobs;
use crate::rollups::zone_of;

/// Days asked for at once.
const DAYS_A_ROUND: usize = 20;
/// Days that still change much: refunds, late clicks.
const RECENT_DAYS: i64 = 60;
/// A recent day is counted again after so long,
const RECENT_MS: i64 = DAY_MS;
/// an older one after this.
const OLDER_MS: i64 = 7 * DAY_MS;

/// Counts the days of a site that were never counted, or not for long; how many.
pub(crate) async fn count_due(engine: &Engine, site: &Site) -> Result<usize> {
    let mut done = 0;
    loop {
        let some = count_some(engine, site).await?;
        done += some;
        if some < DAYS_A_ROUND {
            return Ok(done);
        }
    }
}

/// The days of a site that are over, from its first row on; nothing on its first day.
async fn over(session: &mut Session<'_>, site: &Site, now: UtcMs) -> Result<Option<Span>> {
    let zone = zone_of(site);
    let first = store::reconciliation::first(session, site.id).await?;
    let first = first.map_or(site.created_at, |row| row.min(site.created_at));
    let span = Span { from: day_of(first, &zone), to: moved(day_of(now, &zone), -1) };
    Ok((span.from <= span.to).then_some(span))
}

/// The next days of a site to be counted.
pub(crate) async fn due_days(
    session: &mut Session<'_>,
    site: &Site,
    now: UtcMs,
) -> Result<Vec<Date>> {
    let Some(span) = over(session, site, now).await? else { return Ok(Vec::new()) };
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let known = store::balances::days(session, site.id, &from, &to).await?;
    Ok(due(span, &known, now))
}

async fn count_some(engine: &Engine, site: &Site) -> Result<usize> {
    let (id, zone, of, now) = (site.id, zone_of(site), site.clone(), engine.now());
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { due_days(session, &of, now).await })
        })
        .await?;
    for day in &due {
        let (day, zone) = (Span { from: *day, to: *day }, zone.clone());
        let sums = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    Ok(store::reconciliation::count(session, id, (day, &zone)).await?)
                })
            })
            .await?;
        let now = engine.now();
        engine
            .write(move |tx| {
                Box::pin(async move {
                    let name = day.from.to_string();
                    Ok(store::balances::put_day(tx, id, (&name, now), &sums).await?)
                })
            })
            .await?;
    }
    Ok(due.len())
}

/// Which days to count now: the newest of those never counted, or asked for again, then the
/// longest ago.
fn due(span: Span, known: &[(String, UtcMs)], now: UtcMs) -> Vec<Date> {
    let recent = moved(span.to, -RECENT_DAYS);
    let counted = |day: Date| {
        let name = day.to_string();
        let at = known.binary_search_by(|(of, _)| of.as_str().cmp(&name)).ok()?;
        known.get(at).map(|(_, at)| *at).filter(|at| at.0 > 0)
    };
    let mut never = Vec::new();
    let mut stale = Vec::new();
    for day in span.each() {
        let rest = if day >= recent { RECENT_MS } else { OLDER_MS };
        match counted(day) {
            None => never.push(day),
            Some(at) if now.since_ms(at) >= rest => stale.push((at, day)),
            Some(_) => {}
        }
    }
    stale.sort_unstable();
    let all = never.into_iter().rev().chain(stale.into_iter().map(|(_, day)| day));
    all.take(DAYS_A_ROUND).collect()
}

/// Has the days of a span counted again soon.
///
/// # Errors
/// The database fails.
pub async fn count_again(engine: &Engine, site: SiteId, span: Span) -> Result<()> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::balances::count_again(tx, site, &from, &to).await?;
                let key = format!("balances:{}", of.next_id());
                jobs::enqueue(&of, tx, site, &Work::Balance, &key, of.now()).await.map(drop)
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn new_days_come_first_and_old_ones_after_a_week() {
        let span = Span { from: date(2026, 1, 1), to: date(2026, 6, 30) };
        let now = UtcMs(1_782_864_000_000);
        let all = due(span, &[], now);
        assert_eq!((all.len(), all[0]), (DAYS_A_ROUND, date(2026, 6, 30)));
        let known: Vec<(String, UtcMs)> =
            span.each().map(|day| (day.to_string(), now.plus_ms(-2 * DAY_MS))).collect();
        let again = due(span, &known, now);
        assert_eq!(again.first(), Some(&date(2026, 5, 1)), "only recent ones: {again:?}");
        let mut asked = known.clone();
        asked[0].1 = UtcMs(0);
        assert_eq!(due(span, &asked, now)[0], date(2026, 1, 1));
        let fresh: Vec<_> = known.into_iter().map(|(day, _)| (day, now)).collect();
        assert_eq!(due(span, &fresh, now), []);
    }
}
