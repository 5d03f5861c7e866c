//! What if: a funnel drawn many times, with what is not known about it.
//!
//! Each draw takes a rate for every step from its beta distribution, a mean for every amount from
//! Student's t, and then lets so many visitors walk through: counts are binomial, sums of amounts
//! gamma with the variance they should have. So the intervals hold both what is not known yet and
//! plain chance, and a future month falls inside them as often as they say.
//!
//! A rate seen as x of n is Beta(x + ½, n − x + ½) (Jeffreys), which covers well where x is small.
//! An amount whose variance is missing has no interval: missing is not zero.

use crate::distributions::Beta;
use crate::draws;
use crate::real::{ratio, real, real_len};

/// How likely a step is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Taken as it is.
    Known(f64),
    /// Believed to lie somewhere.
    Believed(Beta),
}

impl Rate {
    /// As seen: `count` of `of`. Nothing where there are more than of whom.
    pub fn seen(count: u64, of: u64) -> Option<Self> {
        let missed = of.checked_sub(count)?;
        Beta::new(real(count) + 0.5, real(missed) + 0.5).map(Self::Believed)
    }

    /// Believed to lie between two rates in nine cases of ten, and below or above them in one of
    /// twenty each: the beta distribution with these quantiles. Nothing unless both lie between 0
    /// and 1, the first below the second.
    pub fn between(low: f64, high: f64) -> Option<Self> {
        Beta::with_ends(low, high, (1.0 - LEVEL) / 2.0).map(Self::Believed)
    }

    fn sound(self) -> bool {
        match self {
            Self::Known(rate) => (0.0..=1.0).contains(&rate),
            Self::Believed(_) => true,
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Known(rate) => rate,
            Self::Believed(beta) => beta.mean(),
        }
    }

    fn draw(self, uniform: &mut impl FnMut() -> f64) -> f64 {
        match self {
            Self::Known(rate) => rate,
            Self::Believed(beta) => draws::beta(beta, uniform),
        }
    }
}

/// What one who takes a step brings, in minor units: margin, not revenue.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amount {
    /// The mean.
    pub mean: f64,
    /// The variance of single amounts; zero where the price is fixed, nothing where not known.
    pub variance: Option<f64>,
    /// On how many the mean was seen; nothing where it is decided and not measured.
    pub seen: Option<u64>,
}

impl Amount {
    fn sound(&self) -> bool {
        let variance = self.variance.is_none_or(|v| v >= 0.0 && v.is_finite());
        self.mean.is_finite() && variance && self.seen != Some(0)
    }

    /// Whether its spread is known: single amounts vary by a known variance, and the mean was seen
    /// on two at least, or decided.
    fn spread_known(&self) -> bool {
        let fixed = self.variance.is_some_and(|v| v <= 0.0);
        self.variance.is_some() && (fixed || self.seen != Some(1))
    }

    /// What `count` of them bring.
    fn draw(&self, count: u64, uniform: &mut impl FnMut() -> f64) -> f64 {
        let variance = self.variance.unwrap_or(0.0);
        let mean = match self.seen {
            Some(n) if n > 1 && variance > 0.0 => {
                let off = draws::student(real(n) - 1.0, uniform);
                self.mean + off * (variance / real(n)).sqrt()
            }
            _ => self.mean,
        };
        let sum = real(count) * mean;
        if count == 0 || variance <= 0.0 {
            sum
        } else if mean > 0.0 {
            draws::gamma(sum * mean / variance, variance / mean, uniform)
        } else {
            sum + (real(count) * variance).sqrt() * draws::normal(uniform)
        }
    }
}

/// What is given back of what was paid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Returned {
    /// Taken as it is: a share of the sales, each given back whole.
    Known(f64),
    /// As seen.
    Seen {
        /// Sales given back,
        count: u64,
        /// of so many.
        of: u64,
    },
}

/// A sale before what it costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sale {
    /// What is paid, without tax, in minor units.
    pub price: Amount,
    /// What of it is given back; goods and fees are spent all the same.
    pub returned: Returned,
    /// Goods and fees of each, in minor units.
    pub cost: f64,
    /// Fees as a share of the price.
    pub fee_share: f64,
}

impl Sale {
    /// What one leaves: P·(1 − B − f) − c of a price P, given back (B = 1) with the chance q, with
    /// mean μ·(1 − q − f) − c and variance (σ² + μ²)·((1 − f)²·(1 − q) + f²·q) − μ²·(1 − q − f)².
    /// Nothing where the share given back is none.
    pub fn margin(&self) -> Option<Amount> {
        let (q, seen) = match self.returned {
            Returned::Known(share) => (share, None),
            Returned::Seen { count, of } => (ratio(real(count), real(of))?, Some(of)),
        };
        if !(0.0..=1.0).contains(&q) {
            return None;
        }
        let (mean, f) = (self.price.mean, self.fee_share);
        let left = 1.0 - q - f;
        let squared = (1.0 - f).powi(2) * (1.0 - q) + f * f * q;
        let variance = self
            .price
            .variance
            .map(|variance| ((variance + mean * mean) * squared - (mean * left).powi(2)).max(0.0));
        let seen = match (self.price.seen, seen) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Some(Amount { mean: mean * left - self.cost, variance, seen })
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The earlier step whose takers it is a share of, counted from 0; nothing: of the visitors.
    pub of: Option<usize>,
    /// How many of those take it.
    pub rate: Rate,
    /// What each brings; nothing where it is no sale.
    pub margin: Option<Amount>,
    /// Days after the first order: 0 for the first order and what is bought with it.
    pub day: u32,
}

/// A funnel and what its visitors cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Funnel {
    /// Visitors.
    pub visitors: u64,
    /// Cost of one, in minor units.
    pub cost_per_visitor: f64,
    /// Cost besides, in minor units.
    pub fixed_cost: f64,
    /// The steps; each after the one it is a share of.
    pub steps: Vec<Step>,
    /// The step that makes a visitor a customer, counted from 0.
    pub customers: usize,
}

/// Why a funnel cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The step is a share of itself or of one that comes later.
    Order(String),
    /// The rate of the step lies outside 0 to 1.
    Rate(String),
    /// The amount of the step is not a number, its variance is negative, or it was seen on none.
    Amount(String),
    /// No step has the number that makes customers.
    Customers,
    /// A cost is not a number.
    Cost,
    /// Fewer draws than [`DRAWS_MIN`].
    Draws,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order(step) => write!(f, "{step}: name a step that comes before it"),
            Self::Rate(step) => write!(f, "{step}: give a rate between 0 and 1"),
            Self::Amount(step) => {
                write!(f, "{step}: give a mean, and a variance that is not negative or none")
            }
            Self::Customers => f.write_str("say which step makes a visitor a customer"),
            Self::Cost => f.write_str("give costs as numbers"),
            Self::Draws => write!(f, "take at least {DRAWS_MIN} draws"),
        }
    }
}

impl std::error::Error for Mistake {}

/// With fewer draws the ends of an interval are chance themselves.
pub const DRAWS_MIN: u32 = 100;

/// The share of draws inside an interval.
pub const LEVEL: f64 = 0.9;

/// A figure over all draws. An end is nothing where draws lie there that have no such figure, or
/// the spread of an amount is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Below it lie 5 % of the draws.
    pub low: Option<f64>,
    /// Below it lies half.
    pub middle: Option<f64>,
    /// Above it lie 5 %.
    pub high: Option<f64>,
}

/// What came of all draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How many took each step.
    pub steps: Vec<Range>,
    /// How many are expected to take each step.
    pub expected: Vec<f64>,
    /// Margin expected, before the cost of visitors, in minor units.
    pub expected_margin: f64,
    /// Cost of all visitors.
    pub cost: f64,
    /// Margin less cost.
    pub profit: Range,
    /// The share of draws with a loss; nothing where the spread of an amount is not known.
    pub loss_share: Option<f64>,
    /// Cost of a customer; draws without customers have none.
    pub cac: Range,
    /// Margin less the fixed cost, over all visitors: the most one may cost without a loss.
    pub margin_per_visitor: Range,
    /// The same over those who took each step.
    pub margin_per_taker: Vec<Range>,
    /// Margin of a customer after day 0: the most a first sale may lose.
    pub later_margin_per_customer: Range,
    /// The share of draws that pay back by the last step's day; nothing as above.
    pub payback_share: Option<f64>,
    /// The day by which half of the draws have paid back; nothing where half have not: not yet.
    pub payback_day: Option<u32>,
    /// Steps whose amounts have no known spread, so that money has no intervals.
    pub spread_unknown: Vec<String>,
}

/// One draw.
struct Drawn {
    counts: Vec<f64>,
    margin: f64,
    later: f64,
    payback_day: Option<u32>,
}

/// Draws a funnel `times` times. `uniform` gives numbers from 0 up to but not 1.
///
/// # Errors
///
/// Where the funnel cannot be drawn: see [`Mistake`].
pub fn simulate(
    funnel: &Funnel,
    times: u32,
    uniform: &mut impl FnMut() -> f64,
) -> Result<Outcome, Mistake> {
    check(funnel, times)?;
    let cost = funnel.fixed_cost + funnel.cost_per_visitor * real(funnel.visitors);
    let drawn: Vec<Drawn> = (0..times).map(|_| draw(funnel, cost, uniform)).collect();
    let (expected, expected_margin) = expected(funnel);
    let spread_unknown: Vec<String> = funnel
        .steps
        .iter()
        .filter(|step| step.margin.is_some_and(|amount| !amount.spread_known()))
        .map(|step| step.name.clone())
        .collect();
    let (known, fixed) = (spread_unknown.is_empty(), funnel.fixed_cost);
    let share = |of: &dyn Fn(&Drawn) -> bool| {
        let n = drawn.iter().filter(|drawn| of(drawn)).count();
        if known { ratio(real_len(n), f64::from(times)) } else { None }
    };
    let over = |of: &dyn Fn(&Drawn) -> f64| range(drawn.iter().map(of).collect());
    let money = |of: &dyn Fn(&Drawn) -> f64| {
        let told = over(of);
        if known { told } else { Range { low: None, high: None, ..told } }
    };
    let taken = |drawn: &Drawn, at: usize| drawn.counts.get(at).copied().unwrap_or(0.0);
    let customers = |drawn: &Drawn| taken(drawn, funnel.customers);
    let each = |sum: f64, of: f64| if of > 0.0 { sum / of } else { f64::INFINITY };
    let steps = (0..funnel.steps.len()).map(|at| over(&|drawn| taken(drawn, at))).collect();
    let per_taker = |at| money(&|drawn| each(drawn.margin - fixed, taken(drawn, at)));
    Ok(Outcome {
        steps,
        margin_per_taker: (0..funnel.steps.len()).map(per_taker).collect(),
        expected,
        expected_margin,
        cost,
        profit: money(&|drawn| drawn.margin - cost),
        loss_share: share(&|drawn| drawn.margin < cost),
        cac: over(&|drawn| each(cost, customers(drawn))),
        margin_per_visitor: money(&|drawn| each(drawn.margin - fixed, real(funnel.visitors))),
        later_margin_per_customer: money(&|drawn| each(drawn.later, customers(drawn))),
        payback_share: share(&|drawn| drawn.payback_day.is_some()),
        payback_day: median_day(drawn.iter().map(|drawn| drawn.payback_day)),
        spread_unknown,
    })
}

fn check(funnel: &Funnel, times: u32) -> Result<(), Mistake> {
    if times < DRAWS_MIN {
        return Err(Mistake::Draws);
    }
    if !(funnel.cost_per_visitor.is_finite() && funnel.fixed_cost.is_finite()) {
        return Err(Mistake::Cost);
    }
    if funnel.customers >= funnel.steps.len() {
        return Err(Mistake::Customers);
    }
    for (at, step) in funnel.steps.iter().enumerate() {
        if step.of.is_some_and(|of| of >= at) {
            return Err(Mistake::Order(step.name.clone()));
        }
        if !step.rate.sound() {
            return Err(Mistake::Rate(step.name.clone()));
        }
        if !step.margin.is_none_or(|amount| amount.sound()) {
            return Err(Mistake::Amount(step.name.clone()));
        }
    }
    Ok(())
}

fn draw(funnel: &Funnel, cost: f64, uniform: &mut impl FnMut() -> f64) -> Drawn {
    let mut counts: Vec<u64> = Vec::with_capacity(funnel.steps.len());
    let mut margins: Vec<(u32, f64)> = Vec::new();
    for step in &funnel.steps {
        let of = step.of.and_then(|of| counts.get(of).copied()).unwrap_or(funnel.visitors);
        let rate = step.rate.draw(uniform);
        let count = draws::binomial(of, rate, uniform);
        if let Some(amount) = step.margin {
            margins.push((step.day, amount.draw(count, uniform)));
        }
        counts.push(count);
    }
    margins.sort_by_key(|(day, _)| *day);
    let margin = margins.iter().map(|(_, margin)| margin).sum();
    let later = margins.iter().filter(|(day, _)| *day > 0).map(|(_, margin)| margin).sum();
    let mut so_far = 0.0;
    let mut payback_day = None;
    for same in margins.chunk_by(|x, y| x.0 == y.0) {
        so_far += same.iter().map(|(_, margin)| margin).sum::<f64>();
        if payback_day.is_none() && so_far >= cost {
            payback_day = same.first().map(|(day, _)| *day);
        }
    }
    Drawn { counts: counts.into_iter().map(real).collect(), margin, later, payback_day }
}

/// The mean of every count, and of the margin.
fn expected(funnel: &Funnel) -> (Vec<f64>, f64) {
    let mut counts: Vec<f64> = Vec::with_capacity(funnel.steps.len());
    let mut margin = 0.0;
    for step in &funnel.steps {
        let of = step.of.and_then(|of| counts.get(of).copied()).unwrap_or(real(funnel.visitors));
        let count = of * step.rate.mean();
        margin += step.margin.map_or(0.0, |amount| count * amount.mean);
        counts.push(count);
    }
    (counts, margin)
}

/// The ends and the middle of drawn figures; what is infinite is no figure.
fn range(mut values: Vec<f64>) -> Range {
    values.sort_by(f64::total_cmp);
    let n = real_len(values.len());
    let at = |share: f64| {
        // The smallest figure with at least this share at or below it.
        let reached = |(at, _): &(usize, &f64)| (real_len(*at) + 1.0) >= share * n;
        let found = values.iter().enumerate().find(reached).map(|(_, value)| *value);
        found.filter(|value| value.is_finite())
    };
    Range { low: at((1.0 - LEVEL) / 2.0), middle: at(0.5), high: at((1.0 + LEVEL) / 2.0) }
}

fn median_day(days: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    // What has not paid back comes after every day.
    let mut days: Vec<u64> = days.map(|day| day.map_or(u64::MAX, u64::from)).collect();
    days.sort_unstable();
    let middle = days.get(days.len().saturating_sub(1) / 2)?;
    u32::try_from(*middle).ok()
}

#[cfg(test)]
mod tests;
