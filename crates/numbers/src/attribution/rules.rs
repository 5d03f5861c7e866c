//! Credit by a fixed rule: by where, or when, in its path a touch stands.

use super::Credit;
use crate::journeys::{Journey, Journeys};
use crate::real::{real_len, real_signed};

/// What the first and the last touch get each by position (settled with the field: 40/20/40).
const POSITION_END: f64 = 0.4;

/// A day in milliseconds.
const DAY_MS: f64 = 86_400_000.0;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// All to the first touch.
    First,
    /// All to the last touch.
    Last,
    /// Each touch the same; a channel that comes up twice gets two parts.
    Linear,
    /// 40 % to the first, 40 % to the last, 20 % over those between in equal parts; a half each
    /// where there are two, all where there is one.
    Position,
    /// In proportion to 2^(−age / half-life), the age counted back from the last touch: in days
    /// where the journey has times, in steps where it has none.
    TimeDecay,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::First, Self::Last, Self::Linear, Self::Position, Self::TimeDecay];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Linear => "linear",
            Self::Position => "position",
            Self::TimeDecay => "time_decay",
        }
    }
}

/// After how long a touch counts half.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalfLife {
    days: f64,
    steps: f64,
}

impl Default for HalfLife {
    /// Seven days where times are known, one step where they are not.
    fn default() -> Self {
        Self { days: 7.0, steps: 1.0 }
    }
}

impl HalfLife {
    /// `days` where times are known, `steps` where they are not; nothing unless both are numbers
    /// above zero.
    pub fn new(days: f64, steps: f64) -> Option<Self> {
        let usable = |figure: f64| figure.is_finite() && figure > 0.0;
        (usable(days) && usable(steps)).then_some(Self { days, steps })
    }

    /// The same with another number of days; nothing unless it is a number above zero.
    pub fn with_days(self, days: f64) -> Option<Self> {
        Self::new(days, self.steps)
    }
}

/// The credits by `rule`, for each of [`Journeys::channels`]. `half_life` is for
/// [`Rule::TimeDecay`] alone.
pub fn by_rule(journeys: &Journeys, rule: Rule, half_life: HalfLife) -> Vec<Credit> {
    let mut credits = vec![Credit::default(); journeys.channels().len()];
    let mut shares = Vec::new();
    for journey in journeys.iter().filter(|journey| journey.outcomes.conversions > 0.0) {
        shares_of(&journey, rule, half_life, &mut shares);
        for (place, share) in journey.steps.iter().zip(&shares) {
            if let Some(credit) = credits.get_mut(*place) {
                credit.conversions += share * journey.outcomes.conversions;
                credit.value += share * journey.outcomes.value;
            }
        }
    }
    credits
}

/// The share of each step of one journey; they add up to 1.
pub fn shares(journey: &Journey<'_>, rule: Rule, half_life: HalfLife) -> Vec<f64> {
    let mut shares = Vec::with_capacity(journey.steps.len());
    shares_of(journey, rule, half_life, &mut shares);
    shares
}

/// The same into `shares`.
fn shares_of(journey: &Journey<'_>, rule: Rule, half_life: HalfLife, shares: &mut Vec<f64>) {
    let steps = journey.steps.len();
    shares.clear();
    match rule {
        Rule::First => shares.extend((0..steps).map(|at| if at == 0 { 1.0 } else { 0.0 })),
        Rule::Last => shares.extend((1..=steps).map(|at| if at == steps { 1.0 } else { 0.0 })),
        Rule::Linear => shares.extend(std::iter::repeat_n(1.0 / real_len(steps), steps)),
        Rule::Position => shares.extend((1..=steps).map(|at| position(at, steps))),
        Rule::TimeDecay => decay(journey, half_life, shares),
    }
}

/// The share of step `at` of `steps`, both counted from one.
fn position(at: usize, steps: usize) -> f64 {
    if steps <= 2 {
        1.0 / real_len(steps)
    } else if at == 1 || at == steps {
        POSITION_END
    } else {
        (1.0 - 2.0 * POSITION_END) / real_len(steps.saturating_sub(2))
    }
}

fn decay(journey: &Journey<'_>, half_life: HalfLife, shares: &mut Vec<f64>) {
    // Ages count from the last touch, not from the order: the factor between the two is the same
    // for all touches of a journey and cancels. So the last weighs 1 and no sum can vanish.
    match journey.times_ms {
        Some(times) => {
            let last = times.last().copied().unwrap_or(0);
            let age = |at: &i64| real_signed(last.saturating_sub(*at)) / DAY_MS;
            shares.extend(times.iter().map(|at| (-age(at) / half_life.days).exp2()));
        }
        None => {
            let ages = (0..journey.steps.len()).rev().map(real_len);
            shares.extend(ages.map(|age| (-age / half_life.steps).exp2()));
        }
    }
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
}
