//! BG/NBD: Fader, Hardie & Lee 2005, *"Counting Your Customers" the Easy Way*, Marketing Science
//! 24(2). MBG/NBD: Batislam, Denizel & Filiztekin 2007, *Empirical Validation and Comparison of
//! Models for Customer Base Analysis*, International Journal of Research in Marketing 24(3).
//!
//! A customer buys at a weekly rate λ ~ Gamma(r, α), and after a purchase leaves with a chance
//! p ~ Beta(a, b): after each repeat purchase (BG), or after the first one too (MBG). With n such
//! chances so far, n = x or x+1, the likelihood is Γ(r+x)/Γ(r) αʳ times
//! B(a, b+n)/B(a, b) / (α+T)^(r+x), still there, plus
//! B(a+1, b+n−1)/B(a, b) / (α+t_x)^(r+x), left after the last purchase, where n > 0.
//!
//! By BG a customer who never came back is surely still there: no chance to leave has been taken.

use super::fitted::{Named, without_churn};
use super::groups::{Group, Groups};
use super::jet::Jet;
use super::newton::{self, Point};
use super::rising::{Rise, Rises, Span, beta_block, gamma_block};
use super::{Customer, Fitted, Model, Unfit, ahead, discount};

/// Whether a customer may leave right after the first purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtFirst {
    /// Not: BG/NBD.
    Stays,
    /// As after any other: MBG/NBD.
    MayLeave,
}

/// A customer's rate of buying is Gamma, and the chance to leave after a purchase Beta.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BetaGeometric {
    /// Which of the two models.
    pub at_first: AtFirst,
    /// Shape of the rate of buying.
    pub r: f64,
    /// Its rate, in weeks.
    pub alpha: f64,
    /// The Beta's weight on leaving.
    pub a: f64,
    /// Its weight on staying.
    pub b: f64,
}

impl BetaGeometric {
    /// The model of greatest likelihood for `customers`.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn fit(customers: &[Customer], at_first: AtFirst) -> Result<Fitted<Self>, Unfit> {
        let groups = Groups::of(customers)?;
        let rate = groups.rate();
        let starts = [(0.5, 0.5, 2.0), (2.0, 0.2, 4.0)]
            .map(|(r, a, b)| [f64::ln(r), f64::ln(r / rate), f64::ln(a), f64::ln(b)]);
        let peak = newton::best(&starts, |at| Self::at(at_first, at).point(&groups))
            .ok_or(Unfit::Unsettled)?;
        let model = Self::at(at_first, &peak.at);
        Ok(Fitted::of(model, model.named(), &peak, without_churn(&groups)))
    }

    /// The chances that a new customer makes no, one, two … up to `most` repeat purchases in the
    /// first `weeks`: what a count of customers by purchases is held against. With s the chances to
    /// stay c times, l to leave at the c-th and p those of Ehrenberg's NBD, they are
    /// s_c p_x + l_c (1 − Σ_(j<x) p_j).
    pub fn likely(&self, weeks: f64, most: u32) -> Vec<f64> {
        let share = weeks / (self.alpha + weeks);
        let mut bought = (-self.r * (weeks / self.alpha).ln_1p()).exp();
        let (mut below, mut stays, mut leaves, mut chances) = (0.0, 1.0, 0.0, 0);
        let mut all = Vec::new();
        for x in 0..=most {
            while chances < self.chances(x) {
                let both = self.a + self.b + f64::from(chances);
                leaves = stays * self.a / both;
                stays *= (self.b + f64::from(chances)) / both;
                chances += 1;
            }
            all.push(stays * bought + leaves * (1.0 - below));
            below += bought;
            bought *= (self.r + f64::from(x)) / (f64::from(x) + 1.0) * share;
        }
        all
    }

    fn at(at_first: AtFirst, logs: &[f64]) -> Self {
        let mut values = logs.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        Self { at_first, r: next(), alpha: next(), a: next(), b: next() }
    }

    pub(super) fn named(&self) -> Named {
        [("r", self.r), ("alpha", self.alpha), ("a", self.a), ("b", self.b)]
    }

    fn point(&self, groups: &Groups) -> Point {
        let most = groups.repeats_max();
        let chances = self.chances(most);
        let tables = Tables {
            bought: Rises::new(self.r, most),
            stayed: Rises::new(self.b, chances),
            both: Rises::new(self.a + self.b, chances),
            left: Rise::of(self.a, 1),
        };
        let spans = groups.spans(self.alpha);
        let span = |at: usize| spans.get(at).copied().unwrap_or_default();
        let mut sum = Jet::default();
        for row in groups.iter() {
            let jet = self.jet(row.repeats, &tables, span(row.last_at), span(row.age_at));
            sum.add(row.weight, &jet);
        }
        sum.into()
    }

    fn jet(&self, repeats: u32, tables: &Tables, last: Span, age: Span) -> Jet {
        let chances = self.chances(repeats);
        let (rise, both) = (tables.bought.at(repeats), tables.both.at(chances));
        let bought = |span| gamma_block(self.r, self.alpha, repeats, rise, span);
        let coins = |left, stayed| beta_block(self.a, self.b, left, stayed, both);
        let stays = Jet::of(&bought(age), &coins(Rise::default(), tables.stayed.at(chances)));
        if chances == 0 {
            return stays;
        }
        let leaves = coins(tables.left, tables.stayed.at(chances - 1));
        stays.either(&Jet::of(&bought(last), &leaves))
    }

    /// How often a customer with so many repeat purchases might have left.
    fn chances(&self, repeats: u32) -> u32 {
        match self.at_first {
            AtFirst::Stays => repeats,
            AtFirst::MayLeave => repeats.saturating_add(1),
        }
    }

    fn while_alive(&self, customer: &Customer, weeks: f64) -> f64 {
        let chances = f64::from(self.chances(customer.repeats));
        let shape = self.r + f64::from(customer.repeats);
        until_leaving(shape, weeks / (self.alpha + customer.age), self.a, self.b + chances)
    }
}

impl Model for BetaGeometric {
    fn log_likelihood(&self, customer: &Customer) -> f64 {
        let Group { repeats, last, age, .. } = Group::of(customer);
        let chances = self.chances(repeats);
        let bought =
            |span| gamma_block(self.r, self.alpha, repeats, Rise::of(self.r, repeats), span).value;
        let both = Rise::of(self.a + self.b, chances).ln;
        let stays = bought(Span::of(age, self.alpha)) + Rise::of(self.b, chances).ln - both;
        if chances == 0 {
            return stays;
        }
        let leaves =
            bought(Span::of(last, self.alpha)) + self.a.ln() + Rise::of(self.b, chances - 1).ln
                - both;
        let top = stays.max(leaves);
        top + ((stays - top).exp() + (leaves - top).exp()).ln()
    }

    /// By BG it is 1 for one who never came back: a
    /// property of the model.
    fn alive(&self, customer: &Customer) -> f64 {
        let chances = self.chances(customer.repeats);
        if chances == 0 {
            return 1.0;
        }
        let both = self.r + f64::from(customer.repeats);
        let since = ((customer.age - customer.last) / (self.alpha + customer.last)).ln_1p();
        let odds = self.a / (self.b + f64::from(chances - 1)) * (both * since).exp();
        1.0 / (1.0 + odds)
    }

    fn expected(&self, customer: &Customer, weeks: f64) -> f64 {
        let Some(weeks) = ahead(weeks) else { return f64::NAN };
        let alive = self.alive(customer);
        // One who has surely left buys nothing, however fast.
        if alive > 0.0 { alive * self.while_alive(customer, weeks) } else { 0.0 }
    }

    /// Nothing for ever: the sum has no closed form, and a horizon is what a business plans by.
    fn discounted(&self, customer: &Customer, rate: f64, weeks: Option<f64>) -> Option<f64> {
        let weeks = ahead(weeks?).filter(|_| rate >= 0.0 && rate.is_finite())?;
        let alive = self.alive(customer);
        if alive <= 0.0 {
            return Some(0.0);
        }
        let scale = self.alpha + customer.age;
        let purchases = |t: f64| self.while_alive(customer, t);
        let sum = alive * discount::purchases(purchases, scale, rate, weeks);
        sum.is_finite().then_some(sum)
    }
}

struct Tables {
    bought: Rises,
    stayed: Rises,
    both: Rises,
    left: Rise,
}

/// More terms than any sum over real histories takes, and a tenth of a second; a bound for absurd
/// ones, of which there is no answer.
const TERMS_MAX: usize = 20_000_000;
/// Where a sum is scaled down before it overflows.
const LARGE: f64 = 1e200;

/// Purchases expected of a customer who is there now, whose rate is Gamma(`shape`, 1) over `time`
/// and whose chance to leave after each is Beta(a, b):
/// c/(a−1) [1 − (1−z)^R ₂F₁(R, b; c; z)], R the shape, c = a+b−1, z = t/(1+t).
///
/// That form is 0/0 at a = 1 and loses its digits where a is small or R is large. Here 1 is written
/// as (1−z)^R Σ (R)_n/n! zⁿ, which makes it (1−z)^R Σ (R)_n/n! zⁿ e_n with e_n the purchases
/// expected where n would be made by one who never leaves: e_1 = 1,
/// e_(n+1) = ((b+n) e_n + c)/(c+n). No term is negative and none is singular. A sum that has not
/// come to rest is no number: what it has so far is too little.
fn until_leaving(shape: f64, time: f64, a: f64, b: f64) -> f64 {
    if time <= 0.0 || !time.is_finite() {
        return if time <= 0.0 { 0.0 } else { f64::NAN };
    }
    let z = time / (1.0 + time);
    let c = a + b - 1.0;
    let (mut term, mut made, mut n) = (shape * z, 1.0, 1.0);
    let (mut sum, mut ln_scale) = (0.0, 0.0);
    for _ in 0..TERMS_MAX {
        let part = term * made;
        sum += part;
        let ratio = (shape + n) / (n + 1.0) * z;
        // What is left is below a geometric series; e_n grows by less than one a term.
        let left = ratio * (1.0 + 1.0 / n);
        if left < 1.0 && part * left < 1e-17 * sum * (1.0 - left) {
            return (sum.ln() + ln_scale - shape * time.ln_1p()).exp();
        }
        made = ((b + n) * made + c) / (c + n);
        term *= ratio;
        n += 1.0;
        if sum > LARGE || term > LARGE {
            (sum, term, ln_scale) = (sum / LARGE, term / LARGE, ln_scale + LARGE.ln());
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_that_has_not_come_to_rest_is_no_answer() {
        let model = BetaGeometric { at_first: AtFirst::Stays, r: 0.25, alpha: 4.4, a: 0.8, b: 2.5 };
        let (weeks, most) = (1e9, 5_200.0);
        assert!(model.expected_new(weeks).is_nan());
        assert_eq!(model.discounted(&Customer::new(), 0.0, Some(weeks)), None);
        assert!(model.expected_new(most) > model.expected_new(5_199.0));
    }

    #[test]
    fn the_chances_of_counts_sum_to_one_and_have_the_expected_mean() {
        for at_first in [AtFirst::Stays, AtFirst::MayLeave] {
            let model = BetaGeometric { at_first, r: 0.525, alpha: 6.183, a: 0.891, b: 1.614 };
            for weeks in [0.0, 1.0, 39.0, 200.0] {
                let likely = model.likely(weeks, 4_000);
                let sum: f64 = likely.iter().sum();
                let mean: f64 = (0..).map(f64::from).zip(&likely).map(|(x, p)| x * p).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{at_first:?} {weeks}: {sum}");
                let expected = model.expected_new(weeks);
                assert!((mean - expected).abs() < 1e-6 * (1.0 + expected), "{mean} {expected}");
            }
        }
    }
}
