//! The chain solved by sweeps: for many states, of which each leads to a few others only.
//!
//! Gauss–Seidel from zero, last state first, so that most states find those they lead to already
//! brought up to date. Everything is a sum of what is not negative, so the answers only rise, and
//! come to rest. How far they still are from the end is known and not guessed: a state's change in
//! a sweep can reach a journey's start no more often than the journey comes to that state, and how
//! often it does is a count ([`super::chain::State::entries`]). So Σ entries · change bounds what
//! is missing.
//!
//! Where journeys go round for thousands of touches, sweeps alone would take as many. Then the rest
//! is summed as the geometric series that it has become: x + Δ·λ/(1 − λ), where Δ is the change of
//! a sweep and λ what of it is left after the next (Aitken 1926). The bound holds as before.

use super::chain::{Chain, State};
use crate::matrix::Matrix;

/// What may be missing of an answer, as a part of it: far below the 1e-9 that is promised.
const MISSING_MAX: f64 = 1e-13;

/// A state is at rest when a sweep changes it by less than this part: the last bits.
const REST: f64 = 32.0 * f64::EPSILON;

/// Sweeps between two looks at what is missing, since looking costs as much as sweeping.
const SWEEPS_BLIND: usize = 4;

/// Looks from which on the rest is taken for a geometric series: what ends soon has ended by then.
const LOOKS_PLAIN: usize = 20;

/// Looks before another way is tried, by what is wanted: where every state is, there is one.
const LOOKS_MAX: usize = 400;
const LOOKS_EVERYWHERE_MAX: usize = 80;

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
    let mut open = vec![true; columns];
    let looks_max = match wanted {
        Wanted::AtStart => LOOKS_MAX,
        Wanted::Everywhere => LOOKS_EVERYWHERE_MAX,
    };
    for look in 0..looks_max {
        if look >= LOOKS_PLAIN {
            leap(chain, known, &mut solution, &open);
        }
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
        for (open, (part, whole)) in open.iter_mut().zip(missing.iter().zip(&started)) {
            *open = *part > missing_max * whole;
        }
        if !open.contains(&true) && (rests || wanted == Wanted::AtStart) {
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

/// Adds the rest of the series of changes to the columns that are `open`; the changes of the others
/// are rounding, and no series.
fn leap(chain: &Chain, known: &Known, solution: &mut Matrix, open: &[bool]) {
    if !open.contains(&true) {
        return;
    }
    let columns = solution.columns();
    let mut changes = Matrix::zeros(solution.rows(), columns);
    let mut sizes = [vec![0.0; columns], vec![0.0; columns]];
    for size in &mut sizes {
        let mut place = solution.rows();
        sweep(chain, known, solution, |state, old, new| {
            place = place.saturating_sub(1);
            let changed = changes.row_mut(place).iter_mut().zip(size.iter_mut());
            for ((cell, new), (change, size)) in old.iter_mut().zip(new).zip(changed) {
                *change = new - *cell;
                *size += state.entries * change.abs();
                *cell = *new;
            }
        });
    }
    let [first, second] = sizes;
    let rest: Vec<f64> = first
        .iter()
        .zip(&second)
        .zip(open)
        .map(|((first, second), open)| (*open && second < first, first, second))
        .map(|(on, first, second)| if on { second / (first - second) } else { 0.0 })
        .collect();
    for place in 0..solution.rows() {
        let cells = solution.row_mut(place).iter_mut().zip(changes.row(place));
        for ((cell, change), rest) in cells.zip(&rest) {
            *cell += change * rest;
        }
    }
}
