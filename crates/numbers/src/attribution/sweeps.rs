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

/// Sweeps before another way is tried. One sweep carries news about one touch on, so this is
/// enough for journeys of hundreds of touches on average.
const SWEEPS_MAX: usize = 4_000;

/// What a journey expects to collect, by state and column. The columns are those of `known`.
pub(super) struct Known {
    /// What is collected in each state before the next step.
    pub source: Matrix,
    /// The cells that are given, by state: they are read and never written.
    pub fixed: Vec<Vec<usize>>,
    /// The given cells; zero elsewhere.
    pub given: Matrix,
}

/// The solution of x = Qx + source, the given cells left as they are; nothing where the sweeps
/// do not come to rest in time.
pub(super) fn collected(chain: &Chain, known: Known) -> Option<Matrix> {
    let Known { source, fixed, given: mut solution } = known;
    let columns = solution.columns();
    let touches: f64 = chain.states.iter().map(|state| state.entries).sum();
    // Rounding alone moves each sum about so much; to wait for less would be to wait for ever.
    let missing_max = MISSING_MAX.max(touches * 4.0 * f64::EPSILON);
    let mut sum = vec![0.0; columns];
    let mut missing = vec![0.0; columns];
    let mut started = vec![0.0; columns];
    for _ in 0..SWEEPS_MAX {
        missing.fill(0.0);
        started.fill(0.0);
        let mut rests = true;
        for (place, state) in chain.states.iter().enumerate().rev() {
            sum.copy_from_slice(source.row(place));
            step(state, &solution, &mut sum);
            for column in fixed.get(place).into_iter().flatten() {
                let kept = solution.get(place, *column);
                sum.iter_mut().skip(*column).take(1).for_each(|cell| *cell = kept);
            }
            let here = solution.row_mut(place).iter_mut().zip(&sum);
            for ((cell, new), (missing, started)) in
                here.zip(missing.iter_mut().zip(started.iter_mut()))
            {
                let change = (new - *cell).abs();
                rests &= change <= REST * new;
                *missing += state.entries * change;
                *started += state.start * new;
                *cell = *new;
            }
        }
        if rests && missing.iter().zip(&started).all(|(missing, all)| *missing <= missing_max * all)
        {
            return Some(solution);
        }
    }
    None
}

/// Adds to `sum` what the states next to `state` expect, by how likely each is the next.
fn step(state: &State, solution: &Matrix, sum: &mut [f64]) {
    for (to, probability) in &state.next {
        for (cell, expected) in sum.iter_mut().zip(solution.row(*to)) {
            *cell += probability * expected;
        }
    }
}
