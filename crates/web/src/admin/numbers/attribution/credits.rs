//! The seven models: their words, their formulas, and what they say of the journeys at hand.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;

use model::roads;
use numbers::attribution::{self as maths, HalfLife, Rule};
use numbers::journeys::{Journey, Journeys, Outcomes};
use numbers::real::{real_len, real_signed};
use store::road_sums::Level;

use super::super::journeys::Read;

/// States of a chain that a page waits for; a higher order makes more of them.
const STATES_MAX: usize = 1_500;
/// How many touches a chain may look back at most.
const ORDER_MAX: usize = 3;

/// A way of giving credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// All to the last touch.
    Last,
    /// All to the first.
    First,
    /// Each touch alike.
    Linear,
    /// Most to both ends.
    Position,
    /// More to what was late.
    Decay,
    /// By what is lost without a channel.
    Markov,
    /// By every set of channels.
    Shapley,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Last,
        Self::First,
        Self::Linear,
        Self::Position,
        Self::Decay,
        Self::Markov,
        Self::Shapley,
    ];

    /// The model of a word of an address.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.word() == word)
    }

    /// Its word in an address.
    pub fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::First => "first",
            Self::Linear => "linear",
            Self::Position => "position",
            Self::Decay => "time_decay",
            Self::Markov => "markov",
            Self::Shapley => "shapley",
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last => "Last touch",
            Self::First => "First touch",
            Self::Linear => "Linear",
            Self::Position => "Position",
            Self::Decay => "Time decay",
            Self::Markov => "Markov",
            Self::Shapley => "Shapley",
        }
    }

    /// Who gets the credit, in words.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Last => "all of it goes to the last touch",
            Self::First => "all of it goes to the first touch",
            Self::Linear => "every touch gets the same part; a channel met twice gets two",
            Self::Position => {
                "40% to the first touch, 40% to the last, 20% in equal parts to those between; \
                 halves where there are two, all where there is one"
            }
            Self::Decay => {
                "each touch in proportion to 2^(−days before the last touch / 7): what was a week \
                 earlier counts half"
            }
            Self::Markov => {
                "in proportion to what would be lost without the channel: 1 − the chance of an \
                 order without it / the chance with it, where each touch leads to the next as \
                 often as it did in all journeys, those without an order among them (removal \
                 effects in a Markov chain)"
            }
            Self::Shapley => {
                "every different channel of a journey gets the same part, however often it was met \
                 (the Shapley value of the set game, v(S) = orders whose channels are all in S)"
            }
        }
    }

    fn rule(self) -> Option<Rule> {
        match self {
            Self::Last => Some(Rule::Last),
            Self::First => Some(Rule::First),
            Self::Linear => Some(Rule::Linear),
            Self::Position => Some(Rule::Position),
            Self::Decay => Some(Rule::TimeDecay),
            Self::Markov | Self::Shapley => None,
        }
    }

    /// The part of one order that a step of its path gets; nothing for a model that gives no order
    /// a part of its own. `path` has sources; `step` is of `level`.
    pub fn part(self, path: &str, ages_ms: &[i64], step: &str, level: Level) -> Option<f64> {
        let at_level = |touch: &str| match level {
            Level::Channel => roads::parts(touch).0.to_owned(),
            Level::Source => touch.to_owned(),
        };
        let touches: Vec<String> = roads::touches(path).map(at_level).collect();
        if self == Self::Shapley {
            let set: BTreeSet<&String> = touches.iter().collect();
            let is_in = set.iter().any(|one| one.as_str() == step);
            return Some(if is_in { 1.0 / real_len(set.len()) } else { 0.0 });
        }
        let rule = self.rule()?;
        let steps = vec![0; touches.len()];
        let times: Vec<i64> = ages_ms.iter().map(|age| -age).collect();
        let times_ms = (times.len() == steps.len()).then_some(times.as_slice());
        let journey = Journey { steps: &steps, times_ms, outcomes: Outcomes::default() };
        let shares = maths::shares(&journey, rule, HalfLife::default());
        let own = touches.iter().zip(shares).filter(|(touch, _)| touch.as_str() == step);
        Some(own.map(|(_, share)| share).sum())
    }
}

/// What one model says, step by step of [`All::steps`].
pub(super) struct Credited {
    pub model: Model,
    /// Orders.
    pub orders: Vec<f64>,
    /// Minor units.
    pub revenue: Vec<f64>,
    /// The share of orders lost without a step.
    pub removals: Option<Vec<Option<f64>>>,
}

/// What every model says.
pub(super) struct All {
    /// Channels, or channels with their sources.
    pub steps: Vec<String>,
    /// How far the chain looks back.
    pub order: usize,
    pub models: Vec<Credited>,
    /// What to know of them.
    pub notes: Vec<String>,
}

impl All {
    pub fn of(&self, model: Model) -> Option<&Credited> {
        self.models.iter().find(|one| one.model == model)
    }
}

/// Asks every model; a Markov chain looks `order` touches back.
pub(super) fn all(read: &Read, order: i64) -> All {
    let journeys = read.journeys();
    let wanted = usize::try_from(order).unwrap_or(1).clamp(1, ORDER_MAX);
    let order = (1..=wanted).rev().find(|order| fits(&journeys, *order)).unwrap_or(1);
    let mut all =
        All { steps: journeys.channels().to_vec(), order, models: Vec::new(), notes: Vec::new() };
    if order < wanted {
        all.notes.push(format!(
            "There are too many different roads for a chain that looks {wanted} touches back: it \
             looks {order} back."
        ));
    }
    for model in Model::ALL {
        let credited = match model {
            Model::Decay => Some(decayed(read, &journeys)),
            Model::Markov => {
                let chain = markov(&journeys, order);
                if chain.is_none() {
                    let text = "The journeys are too long for a Markov chain: choose fewer days.";
                    all.notes.push(text.to_owned());
                }
                chain
            }
            Model::Shapley => Some(credited(model, maths::shapley(&journeys))),
            _ => model
                .rule()
                .map(|rule| credited(model, maths::by_rule(&journeys, rule, HalfLife::default()))),
        };
        all.models.extend(credited);
    }
    all
}

fn credited(model: Model, credits: Vec<maths::Credit>) -> Credited {
    let (orders, revenue) = credits.iter().map(|one| (one.conversions, one.value)).unzip();
    Credited { model, orders, revenue, removals: None }
}

/// The first order is one state a channel, and at hand for any number of them.
fn fits(journeys: &Journeys, order: usize) -> bool {
    if order == 1 {
        return true;
    }
    let mut states: HashSet<&[usize]> = HashSet::new();
    for journey in journeys.iter() {
        for end in 1..=journey.steps.len() {
            let begin = end.saturating_sub(order);
            states.extend(journey.steps.get(begin..end));
        }
        if states.len() > STATES_MAX {
            return false;
        }
    }
    true
}

fn markov(journeys: &Journeys, order: usize) -> Option<Credited> {
    let chain = maths::markov(journeys, NonZeroUsize::new(order)?).ok()?;
    let removals = chain.removals.iter().map(|one| one.conversions).collect();
    Some(Credited { removals: Some(removals), ..credited(Model::Markov, chain.credits) })
}

/// Time decay goes by the times of touches, which no path holds: its credits are added up order by
/// order as orders come.
fn decayed(read: &Read, journeys: &Journeys) -> Credited {
    let mut credits = vec![maths::Credit::default(); journeys.channels().len()];
    for (channel, source, credit, revenue) in &read.decays {
        let step = match read.level {
            Level::Channel => channel.clone(),
            Level::Source => roads::step(channel, source),
        };
        let place = journeys.channels().iter().position(|known| *known == step);
        if let Some(mine) = place.and_then(|place| credits.get_mut(place)) {
            mine.conversions += real_signed(*credit) / real_signed(engine::rollups::WHOLE_PPB);
            mine.value += real_signed(*revenue);
        }
    }
    credited(Model::Decay, credits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = ">paid_social:facebook>email:sequence>paid_social:instagram>";
    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn the_parts_of_an_order_add_up_to_it() {
        let ages = [14 * DAY_MS, 7 * DAY_MS, 0];
        for model in Model::ALL.into_iter().filter(|model| *model != Model::Markov) {
            let part = |step, level| model.part(PATH, &ages, step, level).unwrap();
            let channels = part("paid_social", Level::Channel) + part("email", Level::Channel);
            assert!((channels - 1.0).abs() < 1e-12, "{model:?}");
            let sources: f64 = roads::touches(PATH).map(|step| part(step, Level::Source)).sum();
            assert!((sources - 1.0).abs() < 1e-12, "{model:?}");
        }
        assert_eq!(Model::Markov.part(PATH, &ages, "email", Level::Channel), None);
    }

    #[test]
    fn each_model_has_its_own_idea_of_a_part() {
        let ages = [14 * DAY_MS, 7 * DAY_MS, 0];
        let part = |model: Model| model.part(PATH, &ages, "email", Level::Channel).unwrap();
        assert!((part(Model::Linear) - 1.0 / 3.0).abs() < 1e-12);
        assert!((part(Model::Position) - 0.2).abs() < 1e-12);
        // Weights 1/4, 1/2 and 1.
        assert!((part(Model::Decay) - 2.0 / 7.0).abs() < 1e-12);
        assert!((part(Model::Shapley) - 0.5).abs() < 1e-12);
        assert!(part(Model::First).abs() < 1e-12);
    }
}
