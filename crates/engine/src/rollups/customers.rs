//! What customers come to, from the figures of their orders: a row each, and the sums of all of
//! them. A customer's share of a sum depends on that customer's orders alone, so that a sum is kept
//! by taking the old share off and putting the new one on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use model::SiteId;
use model::ids::{ContactId, ProductId, SegmentId};
use model::spans::day_number;
use numbers::cohorts::{Month, Week};
use store::customer_figures::CustomerFigure;
use store::order_figures::OrderFigure;
use store::{Session, StoreError, Tx, cohort_cells, value_cells};

use crate::fault::Result;

/// In which units of time cohorts are counted, by their words in the tables.
const MONTH: &str = "month";
const WEEK: &str = "week";
/// Customers of a segment whose orders are in memory at once.
const SEGMENT_AT_ONCE: i64 = 5_000;
/// Whatever was bought first.
const ANY_PRODUCT: ProductId = ProductId(0);

/// What some customers come to in the sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shares {
    cohorts: BTreeMap<cohort_cells::Key, cohort_cells::Sums>,
    values: BTreeMap<value_cells::Key, value_cells::Sums>,
}

impl Shares {
    /// Puts a customer's share on, or takes it off where `times` is −1.
    pub(super) fn add(&mut self, figures: &[OrderFigure], times: i64) {
        for own in by_currency(figures).values() {
            self.add_cohorts(own, times);
            self.add_value(own, times);
        }
    }

    fn add_cohorts(&mut self, own: &[Order<'_>], times: i64) {
        let Some(first) = own.first() else { return };
        for unit in [MONTH, WEEK] {
            let mut seen = BTreeSet::new();
            for order in own {
                let (cohort, at) = (period(unit, first.day), period(unit, order.day));
                let came = i64::from(seen.insert(at));
                for product_id in [ANY_PRODUCT, first.figure.first_product_id] {
                    let sums = self.cohorts.entry(cohort_cells::Key {
                        currency: first.figure.currency.clone(),
                        unit: unit.to_owned(),
                        product_id,
                        cohort,
                        nth: at.saturating_sub(cohort).max(0),
                    });
                    let sums = sums.or_default();
                    sums.customers += came * times;
                    sums.revenue_minor += order.figure.revenue_minor() * times;
                    sums.margin_minor += order.figure.margin_minor() * times;
                }
            }
        }
    }

    fn add_value(&mut self, own: &[Order<'_>], times: i64) {
        let (Some(first), Some(last)) = (own.first(), own.last()) else { return };
        let mut sums = value_cells::Sums {
            customers: 1,
            returned: i64::from(last.day > first.day),
            ..value_cells::Sums::default()
        };
        for Order { day, figure } in own {
            let margin = figure.margin_minor();
            for (sum, limit) in sums.margin_by.iter_mut().zip(value_cells::DAYS) {
                *sum += if day - first.day <= limit { margin } else { 0 };
            }
            sums.margin_minor += margin;
            sums.net_minor += figure.revenue_minor();
            sums.discount_minor += if figure.nth == 1 { figure.discount_minor } else { 0 };
        }
        let all = self.values.entry(value_cells::Key {
            currency: first.figure.currency.clone(),
            cohort: period(MONTH, first.day),
            channel: first.figure.channel.clone(),
            source: first.figure.source.clone(),
            product_id: first.figure.first_product_id,
        });
        let all = all.or_default();
        *all = all.plus(&sums, times);
    }

    /// Writes what is to be added to the sums, in the order of their keys: two nodes that do so at
    /// once wait for each other and never both.
    pub(super) async fn put(&self, tx: &mut Tx<'_>, site: SiteId) -> Result<usize> {
        let mut changed = 0;
        let none = cohort_cells::Sums::default();
        for (key, sums) in self.cohorts.iter().filter(|(_, sums)| **sums != none) {
            cohort_cells::add(tx, site, key, *sums).await?;
            changed += 1;
        }
        let none = value_cells::Sums::default();
        for (key, sums) in self.values.iter().filter(|(_, sums)| **sums != none) {
            value_cells::add(tx, site, key, sums).await?;
            changed += 1;
        }
        Ok(changed)
    }

    /// Takes off what the tables hold: what is left is what they lack.
    pub(super) fn less(
        &mut self,
        cohorts: Vec<cohort_cells::Cell>,
        values: Vec<value_cells::Cell>,
    ) {
        for cell in cohorts {
            let sums = self.cohorts.entry(cell.key).or_default();
            sums.customers -= cell.sums.customers;
            sums.revenue_minor -= cell.sums.revenue_minor;
            sums.margin_minor -= cell.sums.margin_minor;
        }
        for cell in values {
            let sums = self.values.entry(cell.key).or_default();
            *sums = sums.plus(&cell.sums, -1);
        }
        let (none, nothing) = (cohort_cells::Sums::default(), value_cells::Sums::default());
        self.cohorts.retain(|_, sums| *sums != none);
        self.values.retain(|_, sums| *sums != nothing);
    }

    /// Keeps what `other` holds too, to the unit.
    pub(super) fn agreed(mut self, other: &Self) -> Self {
        self.cohorts.retain(|key, sums| other.cohorts.get(key) == Some(sums));
        self.values.retain(|key, sums| other.values.get(key) == Some(sums));
        self
    }

    /// How many sums there are.
    pub(super) fn len(&self) -> usize {
        self.cohorts.len() + self.values.len()
    }
}

/// The sums of one segment's customers: cohorts, and what they brought by days.
pub type OfSegment = (Vec<cohort_cells::Cell>, Vec<value_cells::Cell>);

/// The sums as they are of the contacts of one segment alone, counted from their orders: nothing is
/// kept by segment, for a rule can change at any time.
///
/// # Errors
/// The orders could not be read.
pub async fn of_segment(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
) -> std::result::Result<OfSegment, StoreError> {
    let mut shares = Shares::default();
    let mut after = ContactId(0);
    loop {
        let page = (after, SEGMENT_AT_ONCE);
        let figures = store::order_figures::of_segment(session, site, segment, page).await?;
        let Some(last) = figures.last() else { break };
        after = last.contact_id;
        figures.chunk_by(|a, b| a.contact_id == b.contact_id).for_each(|own| shares.add(own, 1));
    }
    let cohorts = shares.cohorts.into_iter().map(|(key, sums)| cohort_cells::Cell { key, sums });
    let values = shares.values.into_iter().map(|(key, sums)| value_cells::Cell { key, sums });
    Ok((cohorts.collect(), values.collect()))
}

/// An order and the number of its day.
struct Order<'f> {
    day: i64,
    figure: &'f OrderFigure,
}

/// A customer's orders in each currency, first to last.
fn by_currency(figures: &[OrderFigure]) -> BTreeMap<&str, Vec<Order<'_>>> {
    let mut all: BTreeMap<&str, Vec<Order<'_>>> = BTreeMap::new();
    for figure in figures {
        let day = figure.paid_day.parse::<Date>().map_or(0, day_number);
        all.entry(&figure.currency).or_default().push(Order { day, figure });
    }
    for own in all.values_mut() {
        own.sort_by_key(|order| (order.day, order.figure.nth));
    }
    all
}

/// The number of the month or week a day lies in.
fn period(unit: &str, day: i64) -> i64 {
    if unit == WEEK {
        return i64::from(Week::of_day(i32::try_from(day).unwrap_or(0)).0);
    }
    let date = model::spans::day_numbered(day);
    let month = u8::try_from(date.month()).unwrap_or(1);
    i64::from(Month::new(i32::from(date.year()), month).0)
}

/// The rows of a customer, one a currency.
pub(super) fn rows(contact: ContactId, figures: &[OrderFigure]) -> Vec<CustomerFigure> {
    by_currency(figures).values().filter_map(|own| row(contact, own)).collect()
}

fn row(contact: ContactId, own: &[Order<'_>]) -> Option<CustomerFigure> {
    let (first, last) = (own.first()?, own.last()?);
    let later = || own.iter().filter(|order| order.day > first.day);
    let days: BTreeSet<i64> = later().map(|order| order.day).collect();
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Some(CustomerFigure {
        contact_id: contact,
        currency: first.figure.currency.clone(),
        first_day: first.day,
        last_day: last.day,
        last_at: last.figure.paid_at,
        orders: count(own.len()),
        repeat_days: count(days.len()),
        repeat_minor: later().map(|order| order.figure.revenue_minor()).sum(),
        repeat_margin_minor: later().map(|order| order.figure.margin_minor()).sum(),
        net_minor: own.iter().map(|order| order.figure.revenue_minor()).sum(),
        margin_minor: own.iter().map(|order| order.figure.margin_minor()).sum(),
        first_product_id: first.figure.first_product_id,
        channel: first.figure.channel.clone(),
        source: first.figure.source.clone(),
    })
}
