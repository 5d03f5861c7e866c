//! Customers who look alike counted once: their likelihood is computed once.

use super::jet::{Block, Jet};
use super::newton::Point;
use super::rising::{Rises, Span, gamma_block};
use super::{Customer, Unfit};
use crate::real::real_len;

/// More repeat days than a life has; a bound on tables.
const REPEATS_MAX: u32 = 100_000;

/// Customers with the same history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Group {
    /// How many.
    pub weight: f64,
    /// x.
    pub repeats: u32,
    /// `t_x`, in weeks.
    pub last: f64,
    /// T, in weeks.
    pub age: f64,
    /// Where `t_x` stands in the list of times.
    pub last_at: usize,
    /// Where T stands in the list of times.
    pub age_at: usize,
}

impl Group {
    /// One customer, in no list.
    pub fn of(customer: &Customer) -> Self {
        let Customer { repeats, last, age, .. } = *customer;
        Self { weight: 1.0, repeats, last, age, last_at: 0, age_at: 0 }
    }
}

/// All groups, and the times that occur in them.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    rows: Vec<Group>,
    times: Vec<f64>,
    repeats_max: u32,
}

impl Groups {
    /// The groups of `customers`.
    pub fn of(customers: &[Customer]) -> Result<Self, Unfit> {
        if let Some(at) = customers.iter().position(|customer| !sound(customer)) {
            return Err(Unfit::Row(at));
        }
        if customers.iter().all(|customer| customer.repeats == 0) {
            return Err(Unfit::NobodyCameBack);
        }
        let mut times: Vec<f64> =
            customers.iter().flat_map(|customer| [customer.last, customer.age]).collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        let place = |t: f64| times.partition_point(|other| *other < t);
        let mut keys: Vec<(u32, usize, usize)> = customers
            .iter()
            .map(|customer| (customer.repeats, place(customer.last), place(customer.age)))
            .collect();
        keys.sort_unstable();
        let time = |at: usize| times.get(at).copied().unwrap_or_default();
        let rows: Vec<Group> = keys
            .chunk_by(|a, b| a == b)
            .filter_map(|alike| {
                let (repeats, last_at, age_at) = *alike.first()?;
                let (last, age) = (time(last_at), time(age_at));
                Some(Group { weight: real_len(alike.len()), repeats, last, age, last_at, age_at })
            })
            .collect();
        let repeats_max = rows.iter().map(|row| row.repeats).max().unwrap_or(0);
        Ok(Self { rows, times, repeats_max })
    }

    /// Each group.
    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.rows.iter()
    }

    /// The most repeat purchases of a customer.
    pub fn repeats_max(&self) -> u32 {
        self.repeats_max
    }

    /// How many customers.
    pub fn customers(&self) -> f64 {
        self.sum(|_| 1.0)
    }

    /// Repeat purchases per week of age, over all.
    pub fn rate(&self) -> f64 {
        self.sum(|row| f64::from(row.repeats)) / self.sum(|row| row.age)
    }

    /// Mean age in weeks.
    pub fn mean_age(&self) -> f64 {
        self.sum(|row| row.age) / self.customers()
    }

    fn sum(&self, of: impl Fn(&Group) -> f64) -> f64 {
        self.rows.iter().map(|row| row.weight * of(row)).sum()
    }

    /// Each time that occurs, against `rate`.
    pub fn spans(&self, rate: f64) -> Vec<Span> {
        self.times.iter().map(|t| Span::of(*t, rate)).collect()
    }

    /// ln of the likelihood of a model in which nobody ever leaves: purchases alone, their rate
    /// Gamma(r, α) (Ehrenberg's NBD); by ln r and ln α.
    pub fn without_churn(&self, r: f64, alpha: f64) -> Point {
        let (rises, spans) = (Rises::new(r, self.repeats_max), self.spans(alpha));
        let mut sum = Jet::default();
        for row in &self.rows {
            let span = spans.get(row.age_at).copied().unwrap_or_default();
            let block = gamma_block(r, alpha, row.repeats, rises.at(row.repeats), span);
            sum.add(row.weight, &Jet::of(&block, &Block::default()));
        }
        sum.of_first_two()
    }
}

/// Whether a customer's times can be.
pub(super) fn sound(customer: &Customer) -> bool {
    let Customer { repeats, last, age, .. } = *customer;
    age.is_finite()
        && last >= 0.0
        && last <= age
        && repeats <= REPEATS_MAX
        && (repeats > 0) == (last > 0.0)
}
