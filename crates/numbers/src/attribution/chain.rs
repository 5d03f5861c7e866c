//! Journeys as a Markov chain of any order.
//!
//! A state is what the chain remembers: the last K channels of a path, repeats and all; a path of
//! fewer than K touches is one state, the whole of it. A path made c times with a conversion and n
//! times without passes c + n times along every step; c leave its last state for the conversion,
//! n for nothing. Probabilities are shares of these counts (maximum likelihood).
//!
//! Steps from a state to itself are left out: what leaves a state leaves it in the same proportions
//! however long it stayed. Every path has an end, so every state is left at last.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use crate::journeys::{Journeys, distinct};

/// One state.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    /// The distinct channels it holds, by place, rising.
    pub channels: Vec<usize>,
    /// Of all journeys, the share that starts here.
    pub start: f64,
    /// How often a journey comes here on average, stays not counted. Since the chain is made of
    /// the counts themselves, this is the count of exits over all journeys, exactly.
    pub entries: f64,
    /// The probability that the next exit is to each other state, by place.
    pub next: Vec<(usize, f64)>,
    /// The probability that it is to the conversion.
    pub conversion: f64,
    /// The value that this exit brings on average, zero where it is not to the conversion.
    pub value: f64,
    /// The probability that the journey ends here, with a conversion or without.
    pub end: f64,
}

/// The chain.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Chain {
    /// Its states, in the order in which journeys first came to them.
    pub states: Vec<State>,
    /// How many channels there are.
    pub channels: usize,
}

#[derive(Default)]
struct Counts<'a> {
    places: HashMap<&'a [usize], usize>,
    states: Vec<State>,
    steps: HashMap<(usize, usize), f64>,
    journeys: f64,
}

impl<'a> Counts<'a> {
    fn place(&mut self, window: &'a [usize]) -> usize {
        let states = &mut self.states;
        *self.places.entry(window).or_insert_with(|| {
            let mut channels = Vec::new();
            distinct(window, &mut channels);
            states.push(State { channels, ..State::default() });
            states.len() - 1
        })
    }

    fn state(&mut self, place: usize) -> Option<&mut State> {
        self.states.get_mut(place)
    }
}

impl Chain {
    /// The chain of `journeys` that remembers `order` touches.
    pub(super) fn new(journeys: &Journeys, order: NonZeroUsize) -> Self {
        let mut counts = Counts::default();
        for journey in journeys.iter() {
            let made = journey.outcomes.journeys();
            if made <= 0.0 {
                continue;
            }
            counts.journeys += made;
            let length = order.get().min(journey.steps.len());
            let mut before = None;
            for window in journey.steps.windows(length.max(1)) {
                let here = counts.place(window);
                match before {
                    None => counts.state(here).into_iter().for_each(|state| state.start += made),
                    Some(before) if before == here => {}
                    Some(before) => *counts.steps.entry((before, here)).or_default() += made,
                }
                before = Some(here);
            }
            if let Some(last) = before.and_then(|last| counts.state(last)) {
                last.conversion += journey.outcomes.conversions;
                last.value += journey.outcomes.value;
                last.end += made;
            }
        }
        Self { states: shares(counts), channels: journeys.channels().len() }
    }
}

/// From counts to probabilities.
fn shares(counts: Counts<'_>) -> Vec<State> {
    let Counts { mut states, steps, journeys, .. } = counts;
    for ((from, to), count) in steps {
        if let Some(state) = states.get_mut(from) {
            state.next.push((to, count));
        }
    }
    for state in &mut states {
        // In order, so that sums come out the same to the last bit every time.
        state.next.sort_unstable_by_key(|(to, _)| *to);
        let exits = state.end + state.next.iter().map(|(_, count)| count).sum::<f64>();
        state.next.iter_mut().for_each(|(_, count)| *count /= exits);
        state.conversion /= exits;
        state.value /= exits;
        state.end /= exits;
        state.start /= journeys;
        state.entries = exits / journeys;
    }
    states
}
