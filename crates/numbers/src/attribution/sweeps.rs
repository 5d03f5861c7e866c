//! The chain solved by sweeps: for many states, of which each leads to a few others only.
//!
//! Gauss–Seidel from zero, last state first, so that most states find those they lead to already
//! brought up to date. Everything is a sum of what is not negative, so the answers only rise, and
//! come to rest. How far they still are from the end is known and not guessed: a state's change in
//! a sweep can reach a journey's start no more often than the journey comes to that state, and how
//! often it does is a count ([`super::chain::State::entries`]). So Σ entries · change bounds what
//! is missing.

use super::chain::{Chain, State};
use crate::matrix::Matrix;

/// What may be missing of an answer, as a part of it: far below the 1e-9 that is promised.
const MISSING_MAX: f64 = 1e-13;

/// A state is at rest when a sweep changes it by less than this part: the last bits.
const REST: f64 = 8.0 * f64::EPSILON;

/// Sweeps between two looks at what is missing, since looking costs as much as sweeping.
const SWEEPS_BLIND: usize = 4;

/// Looks before another way is tried. A sweep carries news on by one touch at least, so this is
/// enough for journeys of hundreds of touches on average.
const LOOKS_MAX: usize = 800;

/// What is known of x = Qx + source, by state and column.
pub(super) struct Known {
    /// What is collected in each state before the next step.
    pub source: Matrix,
    /// The cells that are given, by state: they are read and never written.
    pub fixed: Vec<Vec<usize>>,
    /// The given cells; zero elsewhere.
    pub given: Matrix,
}

/// Where the answers are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// As the mean over where journeys start.
    AtStart,
    /// In every state to the last bits, however few journeys come there.
    Everywhere,
}

/// The solution of x = Qx + source, the given cells left as they are; nothing where the sweeps
/// do not come to rest in time.
pub(super) fn collected(chain: &Chain, known: &Known, wanted: Wanted) -> Option<Matrix> {
    let mut solution = known.given.clone();
    let columns = solution.columns();
    let touches: f64 = chain.states.iter().map(|state| state.entries).sum();
    // Rounding alone moves each sum about so much; to wait for less would be to wait for ever.
    let missing_max = MISSING_MAX.max(touches * 4.0 * f64::EPSILON);
    for _ in 0..LOOKS_MAX {
        for _ in 0..SWEEPS_BLIND {
            sweep(chain, known, &mut solution, |_, old, new| old.copy_from_slice(new));
        }
        let mut missing = vec![0.0; columns];
        let mut started = vec![0.0; columns];
        let mut rests = true;
        sweep(chain, known, &mut solution, |state, old, new| {
            let sums = missing.iter_mut().zip(&mut started);
            for ((cell, new), (missing, started)) in old.iter_mut().zip(new).zip(sums) {
                let change = (new - *cell).abs();
                rests &= change <= REST * new;
                *missing += state.entries * change;
                *started += state.start * new;
                *cell = *new;
            }
        });
        let close = missing.iter().zip(&started).all(|(part, whole)| *part <= missing_max * whole);
        if close && (rests || wanted == Wanted::AtStart) {
            return Some(solution);
        }
    }
    None
}

/// One sweep; `write` is given each state, its row as it was and its row as it is to be.
fn sweep(
    chain: &Chain,
    known: &Known,
    solution: &mut Matrix,
    mut write: impl FnMut(&State, &mut [f64], &[f64]),
) {
    let mut sum = vec![0.0; solution.columns()];
    for (place, (state, fixed)) in chain.states.iter().zip(&known.fixed).enumerate().rev() {
        sum.copy_from_slice(known.source.row(place));
        for (to, probability) in &state.next {
            for (cell, expected) in sum.iter_mut().zip(solution.row(*to)) {
                *cell += probability * expected;
            }
        }
        for column in fixed {
            let kept = solution.get(place, *column);
            sum.iter_mut().skip(*column).take(1).for_each(|cell| *cell = kept);
        }
        write(state, solution.row_mut(place), &sum);
    }
}
