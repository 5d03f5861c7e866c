//! RFM: how recently, how often and for how much a customer bought, each scored from 1 to 5.
//!
//! Edges are the quantiles at .2, .4, .6 and .8 by linear interpolation (type 7 of Hyndman & Fan
//! 1996, *Sample Quantiles in Statistical Packages*, The American Statistician 50(4)), or one more
//! than those. A bin holds what is at least its lower edge and below its upper one. Where many
//! customers have the same value, as with small counts of orders, it decides whether one is added:
//! see [`Ties`]. Recency is scored the other way round: few days are good.

use crate::lifetime::Purchase;
use crate::real::real_signed;

/// In which bin a customer is whose value is the quantile itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ties {
    /// In the lower: an edge is the quantile plus one step of the values, as in the R package `rfm`,
    /// whose values are whole days, orders and units of money, and its step one. A customer with as
    /// many orders as the quantile is not above it. Where money has cents, its step is a cent.
    Below,
    /// In the upper: an edge is the quantile.
    Above,
}

/// A customer with scores from 1, worst, to 5, best.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored<K> {
    /// Whose.
    pub customer: K,
    /// Days since the last order.
    pub recency: f64,
    /// Orders.
    pub frequency: f64,
    /// What was paid in all, in whole units of the currency.
    pub monetary: f64,
    /// Score of recency; 5 is most recent.
    pub r: u8,
    /// Score of frequency.
    pub f: u8,
    /// Score of money.
    pub m: u8,
}

impl<K> Scored<K> {
    /// The three scores as digits: 555 is best.
    pub fn score(&self) -> u16 {
        u16::from(self.r) * 100 + u16::from(self.f) * 10 + u16::from(self.m)
    }
}

/// The edges between the five bins of one figure, ascending.
pub type Edges = [f64; 4];

/// All customers with their scores, and the edges by which they got them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rfm<K> {
    /// Of days since the last order.
    pub recency: Edges,
    /// Of the number of orders.
    pub frequency: Edges,
    /// Of what was paid.
    pub monetary: Edges,
    /// By key.
    pub customers: Vec<Scored<K>>,
}

/// What a customer's figures are while they are whole numbers.
struct Figures<K> {
    customer: K,
    /// Days since the last order.
    days: i64,
    orders: i64,
    /// In minor units.
    paid: i64,
}

/// Scores the customers of `orders`, each a purchase, in any order, as they stand on day `at`. Later
/// orders are left out. `minor_per_unit` is 100 for dollars and 1 for yen. Nothing where there is no order.
pub fn score<K: Ord + Clone>(
    orders: &[Purchase<K>],
    at: i64,
    minor_per_unit: u32,
    ties: Ties,
) -> Option<Rfm<K>> {
    let unit = i64::from(minor_per_unit.max(1));
    let figures = figures(orders, at);
    let between = |of: fn(&Figures<K>) -> i64, step: i64| {
        let mut values: Vec<i64> = figures.iter().map(of).collect();
        values.sort_unstable();
        Cuts::of(&values, ties, step)
    };
    let step = step_of(figures.iter().map(|own| own.paid), unit);
    let recency = between(|own| own.days, 1)?;
    let frequency = between(|own| own.orders, 1)?;
    let monetary = between(|own| own.paid, step)?;
    let (days, counts, paid) = (recency.least(), frequency.least(), monetary.least());
    let scored = figures.into_iter().map(|own| Scored {
        recency: real_signed(own.days),
        frequency: real_signed(own.orders),
        monetary: real_signed(own.paid) / real_signed(unit),
        r: 6 - bin(own.days, &days),
        f: bin(own.orders, &counts),
        m: bin(own.paid, &paid),
        customer: own.customer,
    });
    Some(Rfm {
        customers: scored.collect(),
        recency: recency.edges(1),
        frequency: frequency.edges(1),
        monetary: monetary.edges(unit),
    })
}

/// By customer, what they did until day `at`.
fn figures<K: Ord + Clone>(orders: &[Purchase<K>], at: i64) -> Vec<Figures<K>> {
    let mut known: Vec<&Purchase<K>> = orders.iter().filter(|order| order.day <= at).collect();
    known.sort_by(|a, b| (&a.customer, a.day).cmp(&(&b.customer, b.day)));
    let own = known.chunk_by(|a, b| a.customer == b.customer);
    own.filter_map(|own| {
        let last = own.last()?;
        Some(Figures {
            customer: last.customer.clone(),
            days: at.saturating_sub(last.day),
            orders: i64::try_from(own.len()).unwrap_or(i64::MAX),
            paid: own.iter().fold(0, |sum: i64, order| sum.saturating_add(order.amount)),
        })
    })
    .collect()
}

/// The edges between the five bins of whole values, in fifths of one: with them they are exact, as
/// a quantile of type 7 at a fifth lies some fifths of the way from one value to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts([i128; 4]);

impl Cuts {
    /// Of ascending values that differ by `step` at least; nothing where there are none.
    pub fn of(sorted: &[i64], ties: Ties, step: i64) -> Option<Self> {
        let steps = sorted.len().checked_sub(1)?;
        let shift = match ties {
            Ties::Below => 5 * i128::from(step),
            Ties::Above => 0,
        };
        let value = |at: usize| sorted.get(at.min(steps)).map_or(0, |value| i128::from(*value));
        Some(Self([1_u8, 2, 3, 4].map(|fifth| {
            let place = steps * usize::from(fifth);
            let (lower, upper) = (value(place / 5), value(place / 5 + 1));
            let way = (0_i128..5).nth(place % 5).unwrap_or(0);
            5 * lower + way * (upper - lower) + shift
        })))
    }

    /// The least whole value on the upper side of each.
    pub fn least(&self) -> [i64; 4] {
        self.0.map(|fifths| i64::try_from(-(-fifths).div_euclid(5)).unwrap_or(i64::MAX))
    }

    /// As shares of a unit of `parts`.
    pub fn edges(&self, parts: i64) -> Edges {
        self.0.map(|fifths| {
            let whole = i64::try_from(fifths.div_euclid(5)).unwrap_or(i64::MAX);
            let further = i8::try_from(fifths.rem_euclid(5)).unwrap_or(0);
            (real_signed(whole) + f64::from(further) / 5.0) / real_signed(parts)
        })
    }
}

/// The step of sums in minor units, of which a unit has `unit`: a unit where all are whole ones,
/// else the tenth, hundredth … that all of them are whole ones of. In minor units.
pub fn step_of(sums: impl Iterator<Item = i64>, unit: i64) -> i64 {
    let mut step = unit;
    for sum in sums {
        while step > 1 && sum % step != 0 {
            step /= 10;
        }
    }
    step.max(1)
}

/// From 1, below all edges, to 5. A value of recency scores six less this.
pub fn bin(value: i64, least: &[i64; 4]) -> u8 {
    least.iter().fold(1, |bin, least| if value >= *least { bin + 1 } else { bin })
}

#[cfg(test)]
mod tests;
