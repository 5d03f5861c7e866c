//! Pareto/NBD: Schmittlein, Morrison & Colombo 1987, *Counting Your Customers*, Management Science
//! 33(1); Fader & Hardie 2005, *A Note on Deriving the Pareto/NBD Model*.
//!
//! A customer buys at a rate λ ~ Gamma(r, α) and leaves at a rate μ ~ Gamma(s, β), both per week.
//! Given when they left, τ, what was seen has the likelihood
//! Γ(r+x)/Γ(r) αʳ/(α+τ)^(r+x) · s β^s/(β+τ)^(s+1), and if they have not left by T,
//! Γ(r+x)/Γ(r) αʳ/(α+T)^(r+x) · (β/(β+T))^s. The likelihood is the second plus the first integrated
//! over τ from t_x to T. The usual form is the difference of two ₂F₁, which cancels where T is near
//! t_x and overflows for frequent buyers; the integral does neither, and its integrand is smooth in
//! w = ln((c+τ)/(c+t_x)), c the smaller of α and β.

use super::fitted::{Named, without_churn};
use super::groups::{Group, Groups};
use super::jet::{Jet, Mixture};
use super::newton::{self, Point};
use super::rising::{Rise, Rises, Span, gamma_block};
use super::{Customer, Fitted, Model, Unfit, ahead};
use crate::quadrature::visit;

/// A customer's rates of buying and of leaving are each Gamma; units are weeks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParetoNbd {
    /// Shape of the rate of buying.
    pub r: f64,
    /// Its rate, in weeks.
    pub alpha: f64,
    /// Shape of the rate of leaving.
    pub s: f64,
    /// Its rate, in weeks.
    pub beta: f64,
}

/// In w the nearest singularities lie at a distance of π off the line; with panels of at most this
/// length the rule's error is below 1e-16.
const WIDEST: f64 = 2.5;

impl ParetoNbd {
    /// The model of greatest likelihood for `customers`.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn fit(customers: &[Customer]) -> Result<Fitted<Self>, Unfit> {
        let groups = Groups::of(customers)?;
        let rate = groups.rate();
        let age = groups.mean_age();
        let starts = [(0.5, 0.5, 1.0), (1.5, 0.5, 1.0), (0.5, 2.0, 4.0)]
            .map(|(r, s, ages)| [f64::ln(r), f64::ln(r / rate), f64::ln(s), f64::ln(age * ages)]);
        let peak =
            newton::best(&starts, |at| Self::at(at).point(&groups)).ok_or(Unfit::Unsettled)?;
        let model = Self::at(&peak.at);
        Ok(Fitted::of(model, model.named(), &peak, without_churn(&groups)))
    }

    pub(super) fn at(logs: &[f64]) -> Self {
        let mut values = logs.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        Self { r: next(), alpha: next(), s: next(), beta: next() }
    }

    pub(super) fn named(&self) -> Named {
        [("r", self.r), ("alpha", self.alpha), ("s", self.s), ("beta", self.beta)]
    }

    fn point(&self, groups: &Groups) -> Point {
        let rises = Rises::new(self.r, groups.repeats_max());
        let mut sum = Jet::default();
        for group in groups.iter() {
            sum.add(group.weight, &self.jet(group, rises.at(group.repeats)));
        }
        sum.into()
    }

    /// ln of the likelihood of one row, with derivatives by the logarithms of the parameters.
    pub(super) fn jet(&self, row: &Group, rise: Rise) -> Jet {
        let one = Rise::of(self.s, 1);
        let (bought, left) = (Span::of(row.age, self.alpha), Span::of(row.age, self.beta));
        let mut mixture = Mixture::empty();
        mixture.add(&Jet::of(
            &gamma_block(self.r, self.alpha, row.repeats, rise, bought),
            &gamma_block(self.s, self.beta, 0, Rise::default(), left),
        ));
        self.departures(row, |tau, ln_weight| {
            let (bought, left) = (Span::of(tau, self.alpha), Span::of(tau, self.beta));
            let mut jet = Jet::of(
                &gamma_block(self.r, self.alpha, row.repeats, rise, bought),
                &gamma_block(self.s, self.beta, 1, one, left),
            );
            jet.value += ln_weight;
            mixture.add(&jet);
        });
        mixture.ln()
    }

    /// Visits times at which the customer may have left, with the logarithm of the weight in an
    /// integral over them.
    fn departures(&self, row: &Group, mut visitor: impl FnMut(f64, f64)) {
        if row.age <= row.last {
            return;
        }
        let nearest = self.alpha.min(self.beta);
        let begin = nearest + row.last;
        let end = ((row.age - row.last) / begin).ln_1p();
        let both = self.r + f64::from(row.repeats);
        let slope = |w: f64| {
            let so_far = begin * w.exp();
            let share = |rate: f64| so_far / (rate - nearest + so_far);
            1.0 - both * share(self.alpha) - (self.s + 1.0) * share(self.beta)
        };
        visit(end, WIDEST, slope, |w, weight| {
            visitor(begin.mul_add(w.exp_m1(), row.last), w + (begin * weight).ln());
        });
    }

    /// ln of the integral over departures, and of the case that there was none, without
    /// Γ(r+x)/Γ(r) · αʳ/(α+T)^(r+x) · (β/(β+T))^s; so the second is 0.
    fn ln_left(&self, row: &Group) -> f64 {
        let both = self.r + f64::from(row.repeats);
        let (alpha, beta) = (self.alpha + row.age, self.beta + row.age);
        let (mut top, mut mass) = (f64::NEG_INFINITY, 0.0_f64);
        self.departures(row, |tau, ln_weight| {
            // Relative to T, whose terms are the largest; differences are taken before logarithms.
            let ago = row.age - tau;
            let ln = ln_weight
                - both * ln_fraction(self.alpha + tau, ago, alpha)
                - self.s * ln_fraction(self.beta + tau, ago, beta)
                - (self.beta + tau).ln();
            if ln > top {
                mass *= (top - ln).exp();
                top = ln;
            }
            mass += (ln - top).exp();
        });
        if mass > 0.0 { self.s.ln() + top + mass.ln() } else { f64::NEG_INFINITY }
    }

    fn rate(&self, customer: &Customer) -> f64 {
        (self.r + f64::from(customer.repeats)) / (self.alpha + customer.age)
    }
}

impl Model for ParetoNbd {
    fn log_likelihood(&self, customer: &Customer) -> f64 {
        let row = Group::of(customer);
        self.jet(&row, Rise::of(self.r, row.repeats)).value
    }

    fn alive(&self, customer: &Customer) -> f64 {
        1.0 / (1.0 + self.ln_left(&Group::of(customer)).exp())
    }

    /// P(alive) (r+x)/(α+T) · ∫ ((β+T)/(β+T+u))^s du over the weeks to come.
    fn expected(&self, customer: &Customer, weeks: f64) -> f64 {
        let Some(weeks) = ahead(weeks) else { return f64::NAN };
        let age = self.beta + customer.age;
        let span = age * lasting(self.s - 1.0, (weeks / age).ln_1p());
        self.alive(customer) * self.rate(customer) * span
    }

    /// For ever this is DERT = P(alive) (r+x)/(α+T) (β+T)^s δ^(s−1) Ψ(s, s; δ(β+T)): Fader, Hardie
    /// & Lee 2005, *RFM and CLV*, Journal of Marketing Research 42(4).
    fn discounted(&self, customer: &Customer, rate: f64, weeks: Option<f64>) -> Option<f64> {
        let rate_least = if weeks.is_none() { f64::MIN_POSITIVE } else { 0.0 };
        if !(rate >= rate_least && rate.is_finite()) {
            return None;
        }
        let age = self.beta + customer.age;
        let end = match weeks {
            Some(weeks) => (ahead(weeks)? / age).ln_1p(),
            None => f64::INFINITY,
        };
        let span = age * discounted_span(rate * age, self.s, end);
        Some(self.alive(customer) * self.rate(customer) * span)
    }
}

/// ln((whole − rest)/whole), of which the first is `part`; exact near 0 and far from it.
fn ln_fraction(part: f64, rest: f64, whole: f64) -> f64 {
    if rest < 0.5 * whole { (-rest / whole).ln_1p() } else { (part / whole).ln() }
}

/// (1 − e^(−k·l))/k, which is l where k is zero.
fn lasting(k: f64, l: f64) -> f64 {
    if (k * l).abs() < 1e-16 { l } else { -(-k * l).exp_m1() / k }
}

/// ∫ exp(−z(e^w − 1)) e^((1−s) w) dw from 0 to `end`.
fn discounted_span(z: f64, s: f64, end: f64) -> f64 {
    // Beyond this the integrand is nothing, however s lies.
    let far = (800.0 / z).ln_1p();
    let mut sum = 0.0;
    let slope = |w: f64| (1.0 - s) - z * w.exp();
    visit(end.min(far), 1.0, slope, |w, weight| {
        sum += weight * ((1.0 - s) * w - z * w.exp_m1()).exp();
    });
    sum
}
