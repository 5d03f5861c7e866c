//! The days of page views: counted anew, compared with their rollup, and forgotten in time.

use std::collections::{HashMap, HashSet};

use model::SiteId;
use model::sites::Site;
use model::spans::{Span, day_of, month_of, month_start, moved};
use store::views::{Counted, Day};
use store::{Session, Tx};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::{Drift, zone_of};
use crate::sweeps::Round;

use super::{SALT_KEPT_HOURS, VISITORS_MAX};

/// A view is kept this long as a row of its own: a year to compare with, and a month to spare.
/// Its rollup stays.
pub const VIEWS_KEPT_DAYS: i64 = 400;

/// Once an hour: the salts that have had their time go, and the views of long ago.
pub(crate) async fn tend(engine: &Engine) -> Result<usize> {
    let mut round = Round::default();
    round.took("salts of visitors", forget_salts(engine).await);
    round.took("old page views", forget_old(engine).await);
    round.end()
}

async fn forget_salts(engine: &Engine) -> Result<usize> {
    let before = engine.now().plus_hours(-SALT_KEPT_HOURS);
    // Those in memory too: the next flush reads the ones it needs again.
    engine.tally().writer.lock().await.days.clear();
    let gone = engine
        .write_views(move |tx| {
            Box::pin(async move { Ok(store::views::forget_salts(tx, before).await?) })
        })
        .await?;
    Ok(usize::try_from(gone).unwrap_or(0))
}

async fn forget_old(engine: &Engine) -> Result<usize> {
    let zone = model::Zone::utc();
    let first = day_of(engine.now().plus_days(-VIEWS_KEPT_DAYS), &zone).to_string();
    let gone = engine
        .write_views(move |tx| {
            Box::pin(async move {
                store::visits::forget_before(tx, &first).await?;
                Ok(store::views::forget_before(tx, &first).await?)
            })
        })
        .await?;
    Ok(usize::try_from(gone).unwrap_or(0))
}

/// Each node takes a visitor for new whom it has not seen: where there are several, what they
/// counted together is right once the day is counted anew.
pub(crate) async fn recount_yesterday(engine: &Engine, site: &Site) -> Result<usize> {
    let yesterday = yesterday(engine, site);
    rebuild(engine, site, Span { from: yesterday, to: yesterday }).await
}

/// The day before, once it has been over for an hour: by then every node has written its views.
pub(crate) fn yesterday(engine: &Engine, site: &Site) -> jiff::civil::Date {
    moved(day_of(engine.now().plus_hours(-1), &zone_of(site)), -1)
}

/// Views and visitors by page and origin.
type Counts = HashMap<(i64, i64), (i64, i64)>;

/// Counts a day from its views: a visitor counts where they came in, as far as they are told apart.
async fn count(session: &mut Session<'_>, site: SiteId, day: &Day) -> Result<Counts> {
    let (mut seen, mut counts) = (HashSet::new(), Counts::new());
    let add = |[_, visitor, page, origin]: [i64; 4]| {
        let sums = counts.entry((page, origin)).or_default();
        sums.0 += 1;
        let is_told = visitor != 0 && seen.len() < VISITORS_MAX;
        sums.1 += i64::from(is_told && seen.insert(visitor));
    };
    store::views::each(session, site, day, add).await?;
    Ok(counts)
}

/// Counts the days of a span anew whose views are kept; how many.
///
/// # Errors
/// The database fails.
pub async fn rebuild(engine: &Engine, site: &Site, span: Span) -> Result<usize> {
    let id = site.id;
    let mut done = 0;
    for day in kept(engine, id, span).await? {
        engine
            .write_views(move |tx| Box::pin(async move { recount(tx, id, &day.day).await }))
            .await?;
        done += 1;
    }
    Ok(done)
}

async fn recount(tx: &mut Tx<'_>, site: SiteId, day: &str) -> Result<()> {
    // Nobody appends meanwhile.
    store::views::take_ids(tx, 0).await?;
    let Some(mut day) = store::views::days(tx, site, day, day).await?.pop() else {
        return Ok(());
    };
    let counts = count(tx, site, &day).await?;
    store::views::forget_day(tx, site, &day.day).await?;
    for ((page, origin), (views, visitors)) in &counts {
        let row = [*page, *origin, *views, *visitors];
        store::views::add(tx, site, ("day", &day.day), row).await?;
    }
    store::views::count_month(tx, site, &day.day.chars().take(7).collect::<String>()).await?;
    (day.views, day.visitors) = totals(&counts);
    Ok(store::views::add_day(tx, site, &day).await?)
}

fn totals(counts: &Counts) -> (i64, i64) {
    counts.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

async fn kept(engine: &Engine, site: SiteId, span: Span) -> Result<Vec<Day>> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let mut days = engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::views::days(session, site, &from, &to).await?) })
        })
        .await?;
    days.retain(|day| day.last_id > 0);
    Ok(days)
}

/// Where the rollup of views differs from the views themselves, on the days of a span that are
/// over and whose views are kept.
///
/// # Errors
/// The database fails.
pub async fn compare(engine: &Engine, site: &Site, span: Span) -> Result<Vec<Drift>> {
    let id = site.id;
    let today = day_of(engine.now(), &zone_of(site)).to_string();
    let mut days = kept(engine, id, span).await?;
    days.retain(|day| day.day < today);
    engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut drifts = Vec::new();
                for day in days {
                    let counted = count(session, id, &day).await?;
                    let rolled = store::views::of(session, id, ("day", &day.day)).await?;
                    drifts.extend(differences(&day, &keyed_by(rolled), &counted));
                }
                for month in months(span) {
                    let rolled = store::views::of(session, id, ("month", &month)).await?;
                    let counted = store::views::by_days_of_month(session, id, &month).await?;
                    drifts.extend(month_drift(&month, &keyed_by(rolled), &keyed_by(counted)));
                }
                Ok(drifts)
            })
        })
        .await
}

fn keyed_by(rows: Vec<Counted>) -> Counts {
    rows.into_iter().map(|[page, origin, views, seen]| ((page, origin), (views, seen))).collect()
}

/// The months that a span touches.
fn months(span: Span) -> Vec<String> {
    let mut months = Vec::new();
    let mut first = month_start(span.from, 0);
    while first <= span.to {
        months.push(month_of(first));
        first = month_start(first, 1);
    }
    months
}

fn month_drift(month: &str, rolled: &Counts, counted: &Counts) -> Option<Drift> {
    (rolled != counted).then(|| Drift {
        day: month.to_owned(),
        stage: "page view of the month".to_owned(),
        rolled: totals(rolled).0,
        counted: totals(counted).0,
    })
}

fn differences(day: &Day, rolled: &Counts, counted: &Counts) -> Vec<Drift> {
    let drift = |stage: &str, rolled: i64, counted: i64| Drift {
        day: day.day.clone(),
        stage: stage.to_owned(),
        rolled,
        counted,
    };
    let (rolled_sums, counted_sums) = (totals(rolled), totals(counted));
    let mut drifts = vec![
        drift("page view", rolled_sums.0, counted_sums.0),
        drift("visitor", rolled_sums.1, counted_sums.1),
        drift("page view of the day", day.views, counted_sums.0),
        drift("visitor of the day", day.visitors, counted_sums.1),
    ];
    drifts.retain(|drift| drift.rolled != drift.counted);
    if drifts.is_empty() && rolled != counted {
        drifts.push(drift("page view by page and origin", 0, 1));
    }
    drifts
}
