//! Fits: what takes seconds to work out of a million customers, worked out once a day beside
//! everything else, and kept: the grid of recency, frequency and money, and the models of what
//! customers will still buy.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::ids::ContactId;
use model::sites::Site;
use model::spans::{day_number, day_of};
use model::{Currency, SiteId, UtcMs};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::customer_figures::CustomerFigure;
use store::fits::Fit;
use store::{Session, StoreError};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::zone_of;
use crate::segments;

pub mod rfm;
pub mod value;

use value::Purchases;

/// The kinds of them, by their words in the table.
pub const RFM: &str = "rfm";
/// The models of buying.
pub const VALUE: &str = "value";
/// Customers read at a time: no page waits behind them for long.
const BATCH: i64 = 5_000;
/// Made anew on the same day once so many customers more, or fewer, are known,
const CHANGED_MIN: i64 = 25;
/// or one in so many.
const CHANGED_PART: i64 = 10;

/// A fit as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept<T> {
    /// The day it is of, ISO.
    pub day: String,
    /// When it was made.
    pub made_at: UtcMs,
    /// How many customers it is of.
    pub customers: i64,
    /// What it says.
    pub body: T,
}

/// Everybody who bought in one currency, and what the models are fitted to.
#[derive(Debug, Default)]
struct People {
    figures: Vec<CustomerFigure>,
    purchases: Purchases,
}

/// The fit of a kind that is kept. One that cannot be read, as another version wrote it, is none.
///
/// # Errors
/// The database fails.
pub async fn find<T: DeserializeOwned>(
    session: &mut Session<'_>,
    site: SiteId,
    currency: &str,
    kind: &str,
) -> std::result::Result<Option<Kept<T>>, StoreError> {
    let fit = store::fits::find(session, site, currency, kind).await?;
    Ok(fit.and_then(|fit| {
        let body = serde_json::from_str(&fit.body).ok()?;
        Some(Kept { day: fit.day, made_at: fit.made_at, customers: fit.customers, body })
    }))
}

/// Makes the fits of a site where they are not of today, or customers have come since; how many.
///
/// # Errors
/// The database fails.
pub async fn refresh(engine: &Engine, site: &Site) -> Result<usize> {
    let (of, now) = (site.clone(), engine.now());
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { due(session, &of, now).await })
        })
        .await?;
    match due {
        Some(_) => make(engine, site.id, day_of(now, &zone_of(site))).await,
        None => Ok(0),
    }
}

/// Where the fits of a site are to be made anew: since when those stand that there are.
pub(crate) async fn due(
    session: &mut Session<'_>,
    site: &Site,
    now: UtcMs,
) -> Result<Option<UtcMs>> {
    let known = store::cohort_cells::customers(session, site.id).await?;
    let made = store::fits::made(session, site.id).await?;
    let day = day_of(now, &zone_of(site)).to_string();
    let fresh = |currency: &str, customers: i64, kind: &str| {
        made.iter().any(|fit| {
            let most = (fit.customers / CHANGED_PART).max(CHANGED_MIN);
            fit.currency == currency
                && fit.kind == kind
                && fit.day == day
                && (customers - fit.customers).abs() < most
        })
    };
    let is_due = known.iter().any(|(currency, customers)| {
        *customers > 0 && [RFM, VALUE].iter().any(|kind| !fresh(currency, *customers, kind))
    });
    let since = made.iter().map(|fit| fit.made_at).max().unwrap_or(UtcMs(0));
    Ok(is_due.then_some(since))
}

/// Makes all fits of a site.
async fn make(engine: &Engine, site: SiteId, today: Date) -> Result<usize> {
    let people = read(engine, site, day_number(today)).await?;
    let (now, day) = (engine.now(), today.to_string());
    let fits = tokio::task::spawn_blocking(move || {
        let mut fits = Vec::new();
        for (currency, people) in people {
            let parts = minor_per_unit(&currency);
            let customers = i64::try_from(people.figures.len()).unwrap_or(i64::MAX);
            let grid = rfm::grid(&people.figures, day_number(today), parts);
            let value = value::fit(&people.figures, &people.purchases, day_number(today), parts);
            for (kind, body) in [(RFM, text(&grid)), (VALUE, text(&value))] {
                let (currency, day, kind) = (currency.clone(), day.clone(), kind.to_owned());
                fits.push(Fit { currency, kind, day, customers, made_at: now, body });
            }
        }
        fits
    });
    let fits = fits.await.map_err(|e| EngineError::Fault(format!("a fit broke off: {e}")))?;
    let (count, of) = (fits.len(), engine.clone());
    engine
        .write(move |tx| {
            Box::pin(async move {
                store::fits::forget(tx, site).await?;
                for fit in &fits {
                    store::fits::put(tx, site, fit).await?;
                }
                segments::count_again_by_grid(&of, tx, site).await?;
                Ok(count)
            })
        })
        .await
}

fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Minor units of one unit of a currency: 100 for dollars, 1 for yen.
fn minor_per_unit(currency: &str) -> u32 {
    10_u32.saturating_pow(Currency::parse(currency).map_or(2, Currency::exponent))
}

/// Everybody, a few thousand at a time.
async fn read(engine: &Engine, site: SiteId, today: i64) -> Result<BTreeMap<String, People>> {
    let mut all: BTreeMap<String, People> = BTreeMap::new();
    let mut after = ContactId(0);
    loop {
        let some = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    Ok(store::customer_figures::some(session, site, after, BATCH).await?)
                })
            })
            .await?;
        // A customer's further currencies may stand on the next page: the last one waits for it.
        let full = some.len() == usize::try_from(BATCH).unwrap_or(0);
        let Some(last) = some.last().map(|figure| figure.contact_id) else { break };
        for figure in some.into_iter().filter(|figure| !full || figure.contact_id != last) {
            after = figure.contact_id;
            let people = all.entry(figure.currency.clone()).or_default();
            people.figures.push(figure);
        }
        if !full {
            break;
        }
    }
    for people in all.values_mut() {
        people.purchases = Purchases::of(&people.figures, today);
    }
    purchases(engine, site, &mut all).await?;
    Ok(all)
}

/// Goes through all orders once, by customer.
async fn purchases(
    engine: &Engine,
    site: SiteId,
    all: &mut BTreeMap<String, People>,
) -> Result<()> {
    let mut after = (ContactId(0), 0);
    loop {
        let some = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    Ok(store::customer_figures::orders(session, site, after, BATCH).await?)
                })
            })
            .await?;
        let Some(last) = some.last() else { break };
        after = (last.contact_id, last.nth);
        for order in &some {
            let Ok(day) = order.paid_day.parse::<Date>() else { continue };
            if let Some(people) = all.get_mut(&order.currency) {
                people.purchases.add(order.contact_id, day_number(day), order.net_minor);
            }
        }
    }
    for people in all.values_mut() {
        people.purchases.end();
    }
    Ok(())
}
