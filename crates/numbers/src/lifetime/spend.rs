//! Gamma-Gamma, the model of spend: Fader & Hardie 2013, *The Gamma-Gamma Model of Monetary Value*;
//! Colombo & Jiang 1999, *A Stochastic RFM Model*, Journal of Interactive Marketing 13(3).
//!
//! A customer's purchases are Gamma(p, ν) with ν ~ Gamma(q, γ). With x purchases of mean m,
//! L = Γ(px+q)/(Γ(px) Γ(q)) γ^q m^(px−1) x^(px)/(γ+mx)^(px+q).
//! Spend is assumed not to depend on frequency, so their [`correlation`] belongs beside the model.
//! The first purchase is left out, as it is of x.

use std::collections::BTreeMap;

use super::gamma::LnGamma;
use super::newton::{self, Point};
use super::{Customer, Fitted, Unfit, Warning};
use crate::real::{ratio, real_len};

/// A customer's purchases are Gamma about a mean that differs between customers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    /// Shape of a customer's purchases.
    pub p: f64,
    /// Shape of their rate among customers.
    pub q: f64,
    /// Rate of that rate, in units of money.
    pub gamma: f64,
}

/// A correlation above this is worth a word: what is called a medium one (Cohen 1988).
const CORRELATION_MAX: f64 = 0.3;

/// Customers with the same number of repeat days.
struct Frequent {
    x: f64,
    /// Mean spend, and ln of it.
    means: Vec<(f64, f64)>,
}

impl GammaGamma {
    /// The model of greatest likelihood for those of `customers` who came back and paid.
    ///
    /// # Errors
    /// [`Unfit::NobodyCameBack`] where there are none, [`Unfit::Unsettled`] where their spend does
    /// not settle the parameters, as when it is all the same.
    pub fn fit(customers: &[Customer]) -> Result<Fitted<Self>, Unfit> {
        let paid: Vec<(u32, f64)> = customers.iter().filter_map(paid).collect();
        let mean = ratio(paid.iter().map(|(_, m)| m).sum(), real_len(paid.len()));
        let mean = mean.filter(|mean| mean.is_finite()).ok_or(Unfit::NobodyCameBack)?;
        let mut by_frequency: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for (x, m) in &paid {
            by_frequency.entry(*x).or_default().push((*m, m.ln()));
        }
        let groups: Vec<Frequent> = by_frequency
            .into_iter()
            .map(|(x, means)| Frequent { x: f64::from(x), means })
            .collect();
        let starts = [(2.0, 3.0), (6.0, 4.0), (0.5, 2.0)]
            .map(|(p, q)| [f64::ln(p), f64::ln(q), f64::ln(mean * (q - 1.0) / p)]);
        let peak =
            newton::best(&starts, |at| Self::at(at).point(&groups)).ok_or(Unfit::Unsettled)?;
        let model = Self::at(&peak.at);
        let (log_likelihood, warnings) = (peak.value, model.warnings(customers));
        let mut fitted = Fitted { model, log_likelihood, parameters: Vec::new(), warnings };
        let named = [("p", model.p), ("q", model.q), ("gamma", model.gamma)];
        let mut errors = peak.errors.into_iter().flatten().map(Some).chain([None; 3]);
        fitted.show(&named, &mut errors);
        Ok(fitted)
    }

    fn warnings(&self, customers: &[Customer]) -> Vec<Warning> {
        let together = correlation(customers).filter(|c| c.abs() > CORRELATION_MAX);
        let came_back = customers.iter().filter(|customer| customer.repeats > 0);
        let free = came_back.filter(|customer| paid(customer).is_none()).count();
        let free = u64::try_from(free).ok().filter(|free| *free > 0);
        let infinite = self.mean().is_none().then_some(Warning::NoMeanSpend);
        together
            .map(Warning::SpendFollowsFrequency)
            .into_iter()
            .chain(free.map(Warning::NoSpend))
            .chain(infinite)
            .collect()
    }

    fn at(logs: &[f64]) -> Self {
        let mut values = logs.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        Self { p: next(), q: next(), gamma: next() }
    }

    /// Value and derivatives, first by p, q and ln γ, then by the logarithms of p and q too.
    fn point(&self, groups: &[Frequent]) -> Point {
        let Self { p, q, gamma } = *self;
        let of_q = LnGamma::of(q);
        let (mut value, mut g) = (0.0, [0.0; 3]);
        let (mut pp, mut pq, mut qq, mut pg, mut qg, mut gg) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
        for Frequent { x, means } in groups {
            let (x, n) = (*x, real_len(means.len()));
            let (shape, both) = (p * x, p * x + q);
            let (of_both, of_shape) = (LnGamma::of(both), LnGamma::of(shape));
            value += n * (of_both.value - of_shape.value - of_q.value);
            let mut first =
                [n * x * (of_both.first - of_shape.first), n * (of_both.first - of_q.first), n * q];
            pp += n * x * x * (of_both.second - of_shape.second);
            pq += n * x * of_both.second;
            qq += n * (of_both.second - of_q.second);
            for (mean, ln_mean) in means {
                let (spent, ln_both) = (mean * x, (mean * x / gamma).ln_1p());
                let (share, rest) = (gamma / (gamma + spent), spent / (gamma + spent));
                let ln_spent = ln_mean + x.ln() - gamma.ln() - ln_both;
                value += shape * ln_spent - q * ln_both - ln_mean;
                let [by_p, by_q, by_gamma] = &mut first;
                *by_p += x * ln_spent;
                *by_q -= ln_both;
                *by_gamma -= both * share;
                pg -= x * share;
                qg += rest;
                gg -= both * share * rest;
            }
            g.iter_mut().zip(first).for_each(|(sum, part)| *sum += part);
        }
        let [by_p, by_q, by_gamma] = g;
        Point {
            value,
            gradient: vec![p * by_p, q * by_q, by_gamma],
            hessian: vec![
                vec![p * p * pp + p * by_p, p * q * pq, p * pg],
                vec![p * q * pq, q * q * qq + q * by_q, q * qg],
                vec![p * pg, q * qg, gg],
            ],
        }
    }

    /// ln of the likelihood of one customer's mean spend; nothing for one who did not come back or
    /// did not pay.
    pub fn log_likelihood(&self, customer: &Customer) -> Option<f64> {
        let (repeats, mean) = paid(customer)?;
        let group = Frequent { x: f64::from(repeats), means: vec![(mean, mean.ln())] };
        Some(self.point(&[group]).value)
    }

    /// Mean spend per purchase of all customers, pγ/(q−1); nothing where it is infinite.
    pub fn mean(&self) -> Option<f64> {
        (self.q > 1.0).then(|| self.p * self.gamma / (self.q - 1.0))
    }

    /// Mean spend per purchase expected of the customer, (γ + m x) p/(p x + q − 1): between that of
    /// all and the customer's own. Nothing where it is infinite, or where the customer's own is
    /// below zero.
    pub fn spend(&self, customer: &Customer) -> Option<f64> {
        let x = f64::from(customer.repeats);
        let paid = if customer.repeats == 0 { 0.0 } else { customer.spend? * x };
        let shape = self.p * x + self.q - 1.0;
        (paid >= 0.0 && shape > 0.0).then(|| (self.gamma + paid) * self.p / shape)
    }
}

/// Frequency and mean spend of a customer who came back and paid.
fn paid(customer: &Customer) -> Option<(u32, f64)> {
    let mean = customer.spend.filter(|mean| *mean > 0.0 && mean.is_finite())?;
    (customer.repeats > 0).then_some((customer.repeats, mean))
}

/// Pearson's correlation between frequency and mean spend of those who came back and paid; nothing
/// where either is all the same.
pub fn correlation(customers: &[Customer]) -> Option<f64> {
    let paid: Vec<(f64, f64)> =
        customers.iter().filter_map(paid).map(|(x, m)| (f64::from(x), m)).collect();
    let n = real_len(paid.len());
    let mean_x = ratio(paid.iter().map(|(x, _)| x).sum(), n)?;
    let mean_m = ratio(paid.iter().map(|(_, m)| m).sum(), n)?;
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        paid.iter().map(|(x, m)| of(x - mean_x, m - mean_m)).sum()
    };
    let spread = (sum(&|x, _| x * x) * sum(&|_, m| m * m)).sqrt();
    ratio(sum(&|x, m| x * m), spread)
}
