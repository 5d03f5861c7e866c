//! Every rollup compared with its rows: what is rolled up by day with a count of that day, and sums
//! of orders and of customers with the figures of the orders, both ways and a month at a time, so
//! that no more than a month is in memory.

use std::collections::HashMap;

use jiff::civil::Date;
use model::ids::ContactId;
use model::sites::Site;
use model::spans::{Span, day_of};
use model::times::DAY_MS;
use model::{SiteId, UtcMs, Zone};
use store::Session;
use store::form_days::FormCount;
use store::stages::StageCount;

use super::{OrderSums, journeys, lacking_twice, months, zone_of};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{also_bought, views};

/// A day whose rollup is not what its rows come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The day, ISO.
    pub day: String,
    /// The stage; `answer` for what forms took, `confirmed answer` for those who confirmed,
    /// `page view` and `visitor` for those.
    pub stage: String,
    /// What the rollup says.
    pub rolled: i64,
    /// What the rows say.
    pub counted: i64,
}

/// Where the rollup of a span differs from its rows.
///
/// # Errors
/// The database fails.
pub async fn compare(engine: &Engine, site: &Site, span: Span) -> Result<Vec<Drift>> {
    let (id, zone) = (site.id, zone_of(site));
    let mut all = views::compare(engine, site, span).await?;
    let drifts = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (from, to) = (span.from.to_string(), span.to.to_string());
                let mut drifts = Vec::new();
                for day in store::stages::rolled_days(session, id, &from, &to).await? {
                    let Ok(date) = day.parse::<Date>() else { continue };
                    let (from, until) = Span { from: date, to: date }.bounds(&zone);
                    let mut rolled = Vec::new();
                    for stage in store::stages::STAGES {
                        let own = store::stages::rolled(session, id, (&day, &day), stage);
                        rolled.extend(own.await?);
                    }
                    let counted = store::stages::count(session, id, from, until).await?;
                    drifts.extend(differences(&day, &rolled, &counted));
                    let rolled = store::form_days::rolled(session, id, &day, &day).await?;
                    let counted = store::form_days::count(session, id, from, until).await?;
                    drifts.extend(form_differences(&day, &rolled, &counted));
                    let rolled = store::revenue::rolled_mails(session, id, &day, &day).await?;
                    let counted = store::revenue::count_mails(session, id, from, until).await?;
                    let (rolled, counted) = (Vec::from_iter(rolled), Vec::from_iter(counted));
                    drifts.extend(other_lines(&day, "mails that differ", &rolled, &counted));
                    let rolled = store::link_days::rolled(session, id, &day).await?;
                    let counted = store::link_days::count(session, id, from, until).await?;
                    drifts.extend(other_lines(&day, "links that differ", &rolled, &counted));
                }
                drifts.extend(months::compare(session, id, span).await?);
                drifts.extend(journeys::compare(session, id, &zone, span.to).await?);
                Ok(drifts)
            })
        })
        .await?;
    all.extend(drifts);
    Ok(all)
}

/// Where sums of orders, of customers, and of what is bought beside what are not what their rows
/// come to.
///
/// # Errors
/// The database fails.
pub async fn compare_sums(engine: &Engine, site: &Site) -> Result<Vec<Drift>> {
    let mut drifts = figures(engine, site).await?;
    for (stage, wrong) in [
        ("sums over customers that differ", lacking_twice(engine, site.id).await?.len()),
        (
            "counts of what is bought together that differ",
            also_bought::wrong(engine, site.id).await?,
        ),
    ] {
        if wrong > 0 {
            drifts.push(Drift {
                day: String::new(),
                stage: stage.to_owned(),
                rolled: i64::try_from(wrong).unwrap_or(i64::MAX),
                counted: 0,
            });
        }
    }
    Ok(drifts)
}

pub(super) fn differences(day: &str, rolled: &[StageCount], counted: &[StageCount]) -> Vec<Drift> {
    let sum = |counts: &[StageCount], stage: &str| -> i64 {
        counts.iter().filter(|count| count.stage == stage).map(|count| count.contacts).sum()
    };
    let drift = |stage: &str| Drift {
        day: day.to_owned(),
        stage: stage.to_owned(),
        rolled: sum(rolled, stage),
        counted: sum(counted, stage),
    };
    let all = store::stages::STAGES.iter().map(|stage| drift(stage));
    all.filter(|drift| drift.rolled != drift.counted).collect()
}

/// Lines of a day that stand on one side alone.
fn other_lines<T: PartialEq>(day: &str, what: &str, rolled: &[T], counted: &[T]) -> Option<Drift> {
    let missing = |of: &[T], others: &[T]| of.iter().filter(|one| !others.contains(one)).count();
    let lines = missing(rolled, counted) + missing(counted, rolled);
    (lines > 0).then(|| Drift {
        day: day.to_owned(),
        stage: what.to_owned(),
        rolled: i64::try_from(lines).unwrap_or(i64::MAX),
        counted: 0,
    })
}

fn form_differences(day: &str, rolled: &[FormCount], counted: &[FormCount]) -> Vec<Drift> {
    let drift = |stage: &str, of: fn(&FormCount) -> i64| Drift {
        day: day.to_owned(),
        stage: stage.to_owned(),
        rolled: rolled.iter().map(of).sum(),
        counted: counted.iter().map(of).sum(),
    };
    let both = [
        drift("answer", |count| count.answers),
        drift("confirmed answer", |count| count.confirmed),
    ];
    both.into_iter().filter(|drift| drift.rolled != drift.counted).collect()
}

/// Where the sums of a site differ from the figures.
async fn figures(engine: &Engine, site: &Site) -> Result<Vec<Drift>> {
    let (id, zone) = (site.id, zone_of(site));
    let (whole, strange) = read(engine, move |session| {
        Box::pin(async move {
            let whole = known_months(session, id, &zone).await?;
            Ok((whole, store::customer_sums::of_nothing(session, id).await?))
        })
    })
    .await?;
    let mut drifts = Vec::new();
    if strange > 0 {
        drifts.push(drift("", "sums of customers of no product", strange));
    }
    for month in whole {
        let (orders, customers) = lacking(engine, site, month).await?;
        if orders.lines() + customers.lines() == 0 {
            continue;
        }
        // What orders change meanwhile is not the same both times, and is no fault.
        let again = lacking(engine, site, month).await?;
        let (orders, customers) = (again.0.agreed(&orders), again.1.agreed(&customers));
        let name = month.from.to_string();
        for (stage, lines) in
            [("sums of orders", orders.lines()), ("sums of customers", customers.lines())]
        {
            if lines > 0 {
                drifts.push(drift(&name, stage, i64::try_from(lines).unwrap_or(i64::MAX)));
            }
        }
    }
    Ok(drifts)
}

fn drift(day: &str, stage: &str, lines: i64) -> Drift {
    let stage = format!("{stage} that differ");
    Drift { day: day.to_owned(), stage, rolled: lines, counted: 0 }
}

/// The months of which there are figures, or sums of them.
pub(super) async fn known_months(
    session: &mut Session<'_>,
    site: SiteId,
    zone: &Zone,
) -> Result<Vec<Span>> {
    let (first, last) = store::order_figures::bounds(session, site).await?;
    let mut ends: Vec<_> = first.into_iter().chain(last).map(|at| day_of(at, zone)).collect();
    let orders = store::order_sums::ends(session, site).await?;
    let customers = store::customer_sums::ends(session, site).await?;
    for (first, last) in orders.into_iter().chain(customers) {
        let day = |month: &str| format!("{month}-01").parse::<Date>().ok();
        ends.extend(day(&first).into_iter().chain(day(&last)));
    }
    let (Some(first), Some(last)) = (ends.iter().min(), ends.iter().max()) else {
        return Ok(Vec::new());
    };
    Ok(journeys::months(Span { from: *first, to: *last }))
}

type Lacking = (store::order_sums::Changes, store::customer_sums::Changes);

/// What the sums of a month lack of what its figures come to.
async fn lacking(engine: &Engine, site: &Site, month: Span) -> Result<Lacking> {
    let (id, zone) = (site.id, zone_of(site));
    // A figure has its day by the zone that the site had when it was made.
    let (from, until) = month.bounds(&zone);
    let bounds = (UtcMs(from.0 - DAY_MS), UtcMs(until.0 + DAY_MS));
    read(engine, move |session| {
        Box::pin(async move {
            let mut sums = OrderSums::default();
            let (from, to) = (month.from.to_string(), month.to.to_string());
            for figure in store::order_figures::paid_in(session, id, bounds).await? {
                if figure.paid_day >= from && figure.paid_day <= to {
                    sums.orders.note(&figure, 1);
                }
            }
            sums.orders.less_written(session, id, month).await?;
            let figures = store::order_figures::won_in(session, id, bounds).await?;
            let firsts = figures.iter().filter(|figure| figure.nth == 1);
            let won: HashMap<ContactId, String> =
                firsts.map(|first| (first.contact_id, first.paid_day.clone())).collect();
            for figure in &figures {
                let Some(won) = won.get(&figure.contact_id) else { continue };
                if *won >= from && *won <= to {
                    sums.customers.note(figure, won, 1);
                }
            }
            sums.customers.less_written(session, id, month).await?;
            Ok((sums.orders, sums.customers))
        })
    })
    .await
}

async fn read<T, F>(engine: &Engine, story: F) -> Result<T>
where
    F: for<'a, 'c> FnOnce(&'a mut Session<'c>) -> store::Story<'a, T, EngineError> + Send + 'static,
    T: Send + 'static,
{
    engine.reader().read::<T, EngineError, _>(story).await
}
