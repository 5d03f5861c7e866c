//! RFM: how recently, how often and for how much a customer bought, each scored from 1 to 5.
//!
//! Edges are the quantiles at .2, .4, .6 and .8 by linear interpolation (type 7 of Hyndman & Fan
//! 1996, *Sample Quantiles in Statistical Packages*, The American Statistician 50(4)), or one more
//! than those. A bin holds what is at least its lower edge and below its upper one. Where many
//! customers have the same value, as with small counts of orders, it decides whether one is added:
//! see [`Ties`]. Recency is scored the other way round: few days are good.

use crate::lifetime::Purchase;
use crate::quantiles::quantile;
use crate::real::{real, real_len, real_signed};

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

/// Where the edges lie.
const SHARES: Edges = [0.2, 0.4, 0.6, 0.8];

/// Scores the customers of `orders`, each a purchase, in any order, as they stand on day `at`. Later
/// orders are left out. `minor_per_unit` is 100 for dollars and 1 for yen. Nothing where there is no order.
pub fn score<K: Ord + Clone>(
    orders: &[Purchase<K>],
    at: i64,
    minor_per_unit: u32,
    ties: Ties,
) -> Option<Rfm<K>> {
    let mut known: Vec<&Purchase<K>> = orders.iter().filter(|order| order.day <= at).collect();
    known.sort_by(|a, b| (&a.customer, a.day).cmp(&(&b.customer, b.day)));
    let mut customers: Vec<Scored<K>> = known
        .chunk_by(|a, b| a.customer == b.customer)
        .filter_map(|own| {
            let paid = own.iter().fold(0_i64, |sum, order| sum.saturating_add(order.amount));
            let last = own.last()?;
            Some(Scored {
                customer: last.customer.clone(),
                recency: real(at.abs_diff(last.day)),
                frequency: real_len(own.len()),
                monetary: real_signed(paid) / f64::from(minor_per_unit.max(1)),
                r: 0,
                f: 0,
                m: 0,
            })
        })
        .collect();
    let between = |of: fn(&Scored<K>) -> f64, step: f64| {
        let mut values: Vec<f64> = customers.iter().map(of).collect();
        values.sort_unstable_by(f64::total_cmp);
        edges(&values, ties, step)
    };
    let step = step_of(known.iter().map(|order| order.amount), minor_per_unit);
    let recency = between(|customer| customer.recency, 1.0)?;
    let frequency = between(|customer| customer.frequency, 1.0)?;
    let monetary = between(|customer| customer.monetary, step)?;
    for customer in &mut customers {
        customer.r = 6 - bin(customer.recency, &recency);
        customer.f = bin(customer.frequency, &frequency);
        customer.m = bin(customer.monetary, &monetary);
    }
    Some(Rfm { recency, frequency, monetary, customers })
}

/// The edges of ascending values that differ by `step` at least; nothing where there are none.
pub fn edges(sorted: &[f64], ties: Ties, step: f64) -> Option<Edges> {
    let shift = match ties {
        Ties::Below => step,
        Ties::Above => 0.0,
    };
    sorted.first()?;
    Some(SHARES.map(|share| quantile(sorted, share).map_or(f64::NAN, |value| value + shift)))
}

/// The step of amounts in minor units, as a share of the unit: one where all are whole units, else
/// the tenth, hundredth … that all of them are whole ones of.
pub fn step_of(amounts: impl Iterator<Item = i64>, minor_per_unit: u32) -> f64 {
    let unit = i64::from(minor_per_unit.max(1));
    let mut step = unit;
    for amount in amounts {
        while step > 1 && amount % step != 0 {
            step /= 10;
        }
    }
    real_signed(step.max(1)) / real_signed(unit)
}

/// From 1, below all edges, to 5. A value of recency scores six less this.
pub fn bin<T: PartialOrd>(value: T, edges: &[T; 4]) -> u8 {
    edges.iter().fold(1, |bin, edge| if value >= *edge { bin + 1 } else { bin })
}

#[cfg(test)]
mod tests;
