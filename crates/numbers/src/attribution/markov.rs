//! Credit by removal from a Markov chain.
//!
//! The chain of order K ([`super::chain`]) converts with probability P. Without channel c, where
//! every state that holds c leads to nothing, it converts with P₋c. The removal effect is
//! 1 − P₋c / P, and the credit of c is the total times its part in the sum of removal effects;
//! values likewise, with the expected value in place of P. Anderl, Becker, von Wangenheim &
//! Schumann 2016, *Mapping the customer journey*, International Journal of Research in Marketing
//! 33(3). Solved by linear algebra, with nothing drawn at random.
//!
//! P − P₋c is not taken as a difference: it is the probability to come to c and convert after it,
//! solved for itself, so that the effect of a channel few came by is as exact as any other.

use std::fmt;
use std::num::NonZeroUsize;

use super::chain::{Chain, State};
use super::reduction::Reduced;
use super::sparse;
use super::sweeps::{self, Known, Wanted};
use super::{Credit, Removal, in_proportion};
use crate::journeys::Journeys;
use crate::matrix::Matrix;

/// States up to which a chain of order 1 is a full matrix: 12 MB each, and a second or so.
const DENSE_MAX: usize = 1_200;

/// Channels swept for at once, so that the answers of many channels need not all be in memory.
const BLOCK: usize = 16;

/// What the chain says. The lists go by [`Journeys::channels`].
#[derive(Debug, Clone, PartialEq)]
pub struct Markov {
    /// What each channel is given.
    pub credits: Vec<Credit>,
    /// What is lost without each.
    pub removals: Vec<Removal>,
    /// The probability that a journey converts, by the chain; equal to conversions over journeys
    /// at every order. Nothing where there are no journeys.
    pub conversion_rate: Option<f64>,
    /// The value a journey brings on average, by the chain.
    pub value_rate: Option<f64>,
    /// How many states the chain has.
    pub states: usize,
}

/// The chain cannot be solved: its journeys go round for thousands of touches before they end, and
/// it has too many steps to be taken apart exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotSettled;

impl fmt::Display for NotSettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the journeys are too long for a chain of this order: take a lower order, or cut \
             journeys shorter",
        )
    }
}

impl std::error::Error for NotSettled {}

/// Removal effects and credits from the chain that remembers `order` touches. An order above the
/// longest path says the same as that of the longest path.
///
/// # Errors
/// [`NotSettled`] for chains with a great many states whose journeys have many hundred touches.
pub fn markov(journeys: &Journeys, order: NonZeroUsize) -> Result<Markov, NotSettled> {
    let chain = Chain::new(journeys, order);
    let at_once = order == NonZeroUsize::MIN && chain.states.len() <= DENSE_MAX;
    let whole = at_once.then(|| reduced(&chain));
    let outcomes = outcomes(&chain, whole.as_ref())?;
    let rate = |column| started(&chain, |place| outcomes.get(place, column));
    let rates = (rate(CONVERSION), rate(VALUE));
    let lost = match &whole {
        Some(whole) => lost_at_once(&chain, whole, &outcomes),
        None => lost_by_channel(&chain, &outcomes)?,
    };
    let part = |lost: f64, rate: f64| (rate > 0.0).then(|| (lost / rate).min(1.0));
    let some = !chain.states.is_empty();
    Ok(Markov {
        credits: in_proportion(&lost, journeys.totals()),
        removals: lost
            .iter()
            .map(|lost| Removal {
                conversions: part(lost.0, rates.0),
                value: part(lost.1, rates.1),
            })
            .collect(),
        conversion_rate: some.then_some(rates.0),
        value_rate: some.then_some(rates.1),
        states: chain.states.len(),
    })
}

/// The columns of [`outcomes`].
const CONVERSION: usize = 0;
const VALUE: usize = 1;

/// What is expected from each state on: the probability of a conversion, and the value. `whole`
/// is the chain taken apart, where it is.
pub(super) fn outcomes(chain: &Chain, whole: Option<&Reduced>) -> Result<Matrix, NotSettled> {
    let size = chain.states.len();
    let mut source = Matrix::zeros(size, 2);
    for (place, state) in chain.states.iter().enumerate() {
        source.row_mut(place).copy_from_slice(&[state.conversion, state.value]);
    }
    let mut outcomes = Matrix::zeros(size, 2);
    if let Some(whole) = whole {
        for column in [CONVERSION, VALUE] {
            let source: Vec<f64> = (0..size).map(|place| source.get(place, column)).collect();
            for (place, x) in whole.collected(&source).into_iter().enumerate() {
                outcomes.set(place, column, x);
            }
        }
        return Ok(outcomes);
    }
    let known = Known { source, fixed: vec![Vec::new(); size], given: outcomes.clone() };
    if let Some(outcomes) = sweeps::collected(chain, &known, Wanted::Everywhere) {
        return Ok(outcomes);
    }
    let own = |state: &State| [state.conversion, state.value];
    let Some(solution) = sparse::collected(chain, own, |_, _| None) else {
        // Not to the last bits in states that few come to and that are left slowly, but as near as
        // sweeps lead.
        return sweeps::collected(chain, &known, Wanted::AtStart).ok_or(NotSettled);
    };
    for (place, x) in solution.iter().enumerate() {
        outcomes.row_mut(place).copy_from_slice(x);
    }
    Ok(outcomes)
}

/// The chain as a full matrix, taken apart.
fn reduced(chain: &Chain) -> Reduced {
    let mut steps = Matrix::zeros(chain.states.len(), chain.states.len());
    for (place, state) in chain.states.iter().enumerate() {
        for (to, probability) in &state.next {
            steps.set(place, *to, *probability);
        }
    }
    Reduced::new(steps, chain.states.iter().map(|state| state.end).collect())
}

/// At order 1 a channel is one state, and one reduction answers for all: a journey comes to c with
/// probability `entries(c) / visits(c)`, where `visits(c)` is how often one that came is there in
/// all, and what follows is what is expected from c on.
fn lost_at_once(chain: &Chain, whole: &Reduced, outcomes: &Matrix) -> Vec<(f64, f64)> {
    let mut lost = vec![(0.0, 0.0); chain.channels];
    for (at, state) in chain.states.iter().enumerate() {
        let visits = whole.visits(at);
        let comes = if visits > 0.0 { state.entries / visits } else { 0.0 };
        for channel in &state.channels {
            if let Some(lost) = lost.get_mut(*channel) {
                *lost = (comes * outcomes.get(at, CONVERSION), comes * outcomes.get(at, VALUE));
            }
        }
    }
    lost
}

/// What comes of journeys after they came to a channel, channel by channel: nothing is collected
/// but in the states that hold the channel, which give what is expected from them on.
pub(super) fn lost_by_channel(
    chain: &Chain,
    outcomes: &Matrix,
) -> Result<Vec<(f64, f64)>, NotSettled> {
    let mut lost = Vec::with_capacity(chain.channels);
    while lost.len() < chain.channels {
        let first = lost.len();
        let block = BLOCK.min(chain.channels - first);
        let known = known(chain, outcomes, first, block);
        match sweeps::collected(chain, &known, Wanted::AtStart) {
            Some(solution) => lost.extend((0..block).map(|at| {
                let sum = |column: usize| started(chain, |place| solution.get(place, column));
                (sum(2 * at), sum(2 * at + 1))
            })),
            None => {
                for channel in first..first + block {
                    lost.push(lost_exactly(chain, outcomes, channel)?);
                }
            }
        }
    }
    Ok(lost)
}

/// Two columns for each of `block` channels from `first` on.
fn known(chain: &Chain, outcomes: &Matrix, first: usize, block: usize) -> Known {
    let size = chain.states.len();
    let mut given = Matrix::zeros(size, 2 * block);
    let mut fixed = vec![Vec::new(); size];
    for (place, (state, fixed)) in chain.states.iter().zip(&mut fixed).enumerate() {
        let held = state.channels.iter().filter_map(|channel| channel.checked_sub(first));
        for at in held.filter(|at| *at < block) {
            for (column, outcome) in [(2 * at, CONVERSION), (2 * at + 1, VALUE)] {
                given.set(place, column, outcomes.get(place, outcome));
                fixed.push(column);
            }
        }
    }
    Known { source: Matrix::zeros(size, 2 * block), fixed, given }
}

/// The same for one channel by reduction, where sweeps do not come to rest.
pub(super) fn lost_exactly(
    chain: &Chain,
    outcomes: &Matrix,
    channel: usize,
) -> Result<(f64, f64), NotSettled> {
    let given = |place: usize, state: &State| {
        let holds = state.channels.contains(&channel);
        holds.then(|| [outcomes.get(place, CONVERSION), outcomes.get(place, VALUE)])
    };
    let solution = sparse::collected(chain, |_| [0.0; 2], given).ok_or(NotSettled)?;
    let starts = chain.states.iter().map(|state| state.start);
    Ok(starts.zip(solution).fold((0.0, 0.0), |sum, (start, [conversions, value])| {
        (sum.0 + start * conversions, sum.1 + start * value)
    }))
}

/// The mean of `expected` over where journeys start.
fn started(chain: &Chain, expected: impl Fn(usize) -> f64) -> f64 {
    let states = chain.states.iter().enumerate();
    states.map(|(place, state)| state.start * expected(place)).sum()
}
