//! Ordered steps: how many went from one to the next in their order and in time, in one pass.
//!
//! An actor reached step *k* if among its events there are e₁ < e₂ < … < eₖ in the order of time,
//! each one fitting its own step, with eₖ no later than the window after e₁. Any event may be the
//! first: who starts again later is judged by the start that takes them furthest. Events may lie in
//! between; one event is one step at most.
//!
//! For each step the latest first event is kept from which a chain of events leads to it: no other
//! start can lead further (the recurrence of ClickHouse's `windowFunnel`). So the pass needs a few
//! numbers an actor, and an event costs as many steps as it fits.

/// More steps than anybody reads.
pub const STEPS_MAX: usize = 16;
/// No such event yet.
const NONE: i64 = i64::MIN;

/// How far an actor came by one step.
#[derive(Debug, Clone, Copy)]
struct Chain {
    /// The latest first event that leads here.
    start: i64,
    /// The first event that ended a chain from there here.
    end: i64,
}

const NOWHERE: Chain = Chain { start: NONE, end: NONE };

/// A pass over events in the order of time.
#[derive(Debug, Clone)]
pub struct Pass {
    steps: usize,
    window: i64,
    /// As many chains an actor as there are steps.
    chains: Vec<Chain>,
    /// How many steps each actor reached at most.
    furthest: Vec<u8>,
    /// By step: how many reached it, and how long after the step before.
    reached: Vec<u64>,
    gaps: Vec<Vec<i64>>,
}

/// What came of a pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How many actors reached each step.
    pub reached: Vec<u64>,
    /// The median time from the step before to each step, in whole units of the events; nothing for
    /// the first step, and where nobody came.
    pub median: Vec<Option<i64>>,
}

impl Pass {
    /// A pass over so many steps (at most [`STEPS_MAX`]); `window` in the unit of the events.
    pub fn new(steps: usize, window: i64) -> Self {
        let steps = steps.clamp(1, STEPS_MAX);
        Self {
            steps,
            window,
            chains: Vec::new(),
            furthest: Vec::new(),
            reached: vec![0; steps],
            gaps: vec![Vec::new(); steps],
        }
    }

    /// An event of an actor, not before any event seen; bit *k* of `fits` says that it fits step
    /// *k*. Actors are numbered from 0 without great gaps. The number of steps the actor has
    /// reached, where this event brought it further than ever.
    pub fn see(&mut self, actor: usize, at: i64, fits: u16) -> Option<u8> {
        if actor >= self.furthest.len() {
            self.furthest.resize(actor + 1, 0);
            self.chains.resize((actor + 1) * self.steps, NOWHERE);
        }
        let from = actor * self.steps;
        let chains = self.chains.get_mut(from..from + self.steps)?;
        let furthest = self.furthest.get_mut(actor)?;
        let mut further = None;
        // From the last step to the first: an event that leads to one step does not lead on.
        for step in (1..self.steps).rev().filter(|step| fits & (1 << step) != 0) {
            let before = chains.get(step - 1).copied().unwrap_or(NOWHERE);
            let Some(chain) = chains.get_mut(step) else { continue };
            let is_known = before.start == NONE || before.start == chain.start;
            if is_known || at - before.start > self.window {
                continue;
            }
            *chain = Chain { start: before.start, end: at };
            if usize::from(*furthest) == step {
                *furthest += 1;
                further = Some(*furthest);
                count(&mut self.reached, &mut self.gaps, step, at - before.end);
            }
        }
        if fits & 1 != 0 {
            if let Some(chain) = chains.first_mut() {
                *chain = Chain { start: at, end: at };
            }
            if *furthest == 0 {
                *furthest = 1;
                further = Some(1);
                if let Some(first) = self.reached.first_mut() {
                    *first += 1;
                }
            }
        }
        further
    }

    /// How many steps an actor has reached.
    pub fn furthest(&self, actor: usize) -> u8 {
        self.furthest.get(actor).copied().unwrap_or(0)
    }

    /// Gives the numbers of the actors from `first` on to others: those who had them are gone, and
    /// stay counted.
    pub fn reuse_from(&mut self, first: usize) {
        self.furthest.truncate(first);
        self.chains.truncate(first * self.steps);
    }

    /// How many steps it is over.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// How many actors reached each step until now.
    pub fn reached(&self) -> &[u64] {
        &self.reached
    }

    /// Counts the actors of another pass over the same steps as well.
    pub fn add(&mut self, other: Self) {
        self.reached.iter_mut().zip(other.reached).for_each(|(sum, count)| *sum += count);
        self.gaps.iter_mut().zip(other.gaps).for_each(|(all, gaps)| all.extend(gaps));
    }

    /// What came of it.
    pub fn finish(self) -> Outcome {
        let median = self.gaps.into_iter().map(median).collect();
        Outcome { reached: self.reached, median }
    }
}

fn count(reached: &mut [u64], gaps: &mut [Vec<i64>], step: usize, gap: i64) {
    if let (Some(count), Some(gaps)) = (reached.get_mut(step), gaps.get_mut(step)) {
        *count += 1;
        gaps.push(gap);
    }
}

/// The one in the middle; of two the mean.
fn median(mut gaps: Vec<i64>) -> Option<i64> {
    let (len, middle) = (gaps.len(), gaps.len().checked_sub(1)? / 2);
    let (_, low, above) = gaps.select_nth_unstable(middle);
    let high = if len % 2 == 0 { above.iter().min().copied() } else { None };
    Some(high.map_or(*low, |high| i64::midpoint(*low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like chance and repeat.
    fn dice(seed: &mut u64, below: u64) -> u64 {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    }

    /// Whether some chain of events leads to `steps` steps: every choice is tried.
    fn leads(events: &[(i64, u16)], steps: usize, window: i64) -> bool {
        fn on(rest: &[(i64, u16)], step: usize, steps: usize, until: i64) -> bool {
            step == steps
                || rest.iter().enumerate().any(|(n, (at, fits))| {
                    *at <= until
                        && fits & (1 << step) != 0
                        && on(&rest[n + 1..], step + 1, steps, until)
                })
        }
        events
            .iter()
            .enumerate()
            .any(|(n, (at, fits))| fits & 1 != 0 && on(&events[n + 1..], 1, steps, at + window))
    }

    #[test]
    fn a_pass_finds_what_trying_every_chain_finds() {
        let mut seed = 8095;
        for round in 0..4_000 {
            let steps = 1 + usize::try_from(dice(&mut seed, 5)).unwrap();
            let window = i64::try_from(dice(&mut seed, 14)).unwrap();
            let (mut at, mut events) = (0, Vec::new());
            for _ in 0..dice(&mut seed, 40) {
                at += i64::try_from(dice(&mut seed, 3)).unwrap();
                let actor = usize::try_from(dice(&mut seed, 3)).unwrap();
                // Events that fit several steps, and none, are among them.
                let fits = u16::try_from(dice(&mut seed, 1 << steps)).unwrap();
                let fits = fits & u16::try_from(dice(&mut seed, 1 << steps)).unwrap();
                events.push((actor, at, fits));
            }
            let mut pass = Pass::new(steps, window);
            for (actor, at, fits) in &events {
                pass.see(*actor, *at, *fits);
            }
            let of = |actor: usize| -> Vec<(i64, u16)> {
                events.iter().filter(|e| e.0 == actor).map(|(_, at, fits)| (*at, *fits)).collect()
            };
            let mut wanted = vec![0; steps];
            for actor in 0..3 {
                let reached =
                    (1..=steps).rev().find(|n| leads(&of(actor), *n, window)).unwrap_or(0);
                assert_eq!(usize::from(pass.furthest(actor)), reached, "round {round}");
                wanted.iter_mut().take(reached).for_each(|count| *count += 1);
            }
            assert_eq!(pass.finish().reached, wanted, "round {round}");
        }
    }

    #[test]
    fn times_are_measured_from_step_to_step() {
        let mut pass = Pass::new(3, 100);
        // Two views, then a form two after the later, an order 30 after the form.
        for (at, fits) in [(0, 1), (8, 1), (10, 2), (12, 2), (40, 4)] {
            pass.see(0, at, fits);
        }
        pass.see(1, 50, 1);
        pass.see(1, 56, 2);
        // Too late.
        pass.see(1, 151, 4);
        let outcome = pass.finish();
        assert_eq!(outcome.reached, [2, 2, 1]);
        assert_eq!(outcome.median, [None, Some(4), Some(30)]);
    }

    #[test]
    fn a_later_start_leads_where_the_first_came_too_early() {
        let mut pass = Pass::new(2, 30);
        for (at, fits) in [(0, 1), (40, 1), (60, 2)] {
            pass.see(0, at, fits);
        }
        assert_eq!(pass.finish().reached, [1, 1]);
    }

    #[test]
    fn two_passes_come_to_one() {
        let mut passes = [Pass::new(2, 30), Pass::new(2, 30)];
        for (pass, gap) in passes.iter_mut().zip([4, 6]) {
            pass.see(0, 0, 1);
            pass.see(0, gap, 2);
        }
        let [mut one, other] = passes;
        one.add(other);
        assert_eq!(one.steps(), 2);
        assert_eq!(one.reached(), [2, 2]);
        assert_eq!(one.finish().median, [None, Some(5)]);
    }

    #[test]
    fn numbers_of_who_is_gone_are_given_to_others() {
        let mut pass = Pass::new(2, 30);
        pass.see(0, 0, 1);
        pass.see(1, 0, 1);
        pass.reuse_from(1);
        pass.see(1, 1, 2);
        pass.see(1, 2, 1);
        assert_eq!(pass.see(0, 3, 2), Some(2));
        assert_eq!(pass.finish().reached, [3, 1]);
    }
}
