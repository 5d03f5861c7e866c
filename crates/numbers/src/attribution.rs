//! Attribution: how much of the orders each channel is given credit for.
//!
//! | model | credit of a conversion goes to |
//! |---|---|
//! | first, last | the first touch, the last |
//! | linear | every touch alike |
//! | position | 40 % first, 40 % last, 20 % over those between; halves of two |
//! | time decay | touches in proportion to 2^(−age / half-life) |
//! | Markov | channels in proportion to what is lost without them: [`markov`] |
//! | Shapley | channels by their part in every set of channels: [`shapley`] |
//!
//! Every model shares out what there is: credits add up to the conversions, values to the value.
//! None of them shows what *caused* an order; they are conventions, and they differ. An experiment
//! that holds a channel back is the only proof.

use std::num::NonZeroUsize;

use crate::journeys::{Journeys, Outcomes};

mod chain;
mod markov;
mod parts;
mod rates;
mod reduction;
mod rules;
mod shapley;
mod sparse;
mod sweeps;

pub use markov::{Markov, NotSettled, markov};
pub use parts::{parts, parts_to_places};
pub use rates::{
    Estimate, PAIRS, POOLED_RATE_GAME, SET_RATE_GAME, pooled_rates, rate_credits, set_rates,
};
pub use rules::{HalfLife, Rule, by_rule, shares};
pub use shapley::{SET_GAME, shapley};

/// What one channel is given.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Credit {
    /// Conversions.
    pub conversions: f64,
    /// Value, in the unit the journeys had.
    pub value: f64,
}

/// What is lost without a channel, as a share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Removal {
    /// Of the conversions; nothing where there are none.
    pub conversions: Option<f64>,
    /// Of the value; nothing where there is none.
    pub value: Option<f64>,
}

/// How to reckon where there is a choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How many touches back the Markov chain remembers.
    pub order: NonZeroUsize,
    /// How fast the time decay forgets.
    pub half_life: HalfLife,
}

impl Default for Settings {
    fn default() -> Self {
        Self { order: NonZeroUsize::MIN, half_life: HalfLife::default() }
    }
}

/// One model and what it says. The lists go by [`Journeys::channels`], place by place.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// Its word: `first`, `last`, `linear`, `position`, `time_decay`, `markov` or `shapley`.
    pub model: &'static str,
    /// What each channel is given.
    pub credits: Vec<Credit>,
    /// What is lost without each; nothing for models that do not ask.
    pub removals: Option<Vec<Removal>>,
}

/// All models at once.
///
/// # Errors
/// Where the Markov chain cannot be solved: see [`markov`].
pub fn all(journeys: &Journeys, settings: Settings) -> Result<Vec<Attribution>, NotSettled> {
    let mut models: Vec<Attribution> = Rule::ALL
        .into_iter()
        .map(|rule| Attribution {
            model: rule.word(),
            credits: by_rule(journeys, rule, settings.half_life),
            removals: None,
        })
        .collect();
    let chain = markov(journeys, settings.order)?;
    models.push(Attribution {
        model: "markov",
        credits: chain.credits,
        removals: Some(chain.removals),
    });
    models.push(Attribution { model: "shapley", credits: shapley(journeys), removals: None });
    Ok(models)
}

/// The credits of a model in proportion to `weights`, so that they add up to `totals`. Where no
/// weight is above zero there is nothing to go by, and nothing to share out either.
fn in_proportion(weights: &[(f64, f64)], totals: Outcomes) -> Vec<Credit> {
    let conversions: f64 = weights.iter().map(|weight| weight.0).sum();
    let value: f64 = weights.iter().map(|weight| weight.1).sum();
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    weights
        .iter()
        .map(|weight| Credit {
            conversions: totals.conversions * share(weight.0, conversions),
            value: totals.value * share(weight.1, value),
        })
        .collect()
}

#[cfg(test)]
mod tests;
