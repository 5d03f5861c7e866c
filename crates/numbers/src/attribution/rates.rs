//! Shapley values of the two games that go by the name of conversion rate.
//!
//! They ask how well channels convert, not how much they brought, so nulls count here. Neither is
//! what [`super::shapley`] shows, and both give other numbers: name the game beside the figure.
//!
//! * [`SET_RATE_GAME`]: v(S) is the sum, over the sets of channels within S that someone came by,
//!   of conversions over journeys of exactly this set. Exact for any number of channels: the rate
//!   of a set is shared alike by its channels.
//! * [`POOLED_RATE_GAME`]: v(S) is conversions over journeys of all who came by channels of S
//!   alone; zero where nobody did. A channel that draws many who do not buy makes it fall, so a
//!   value may be below zero; they add up to the rate over all journeys. Exact up to 15 channels,
//!   by all 2ⁿ sets; above, the mean over orders drawn at random, each taken forwards and backwards
//!   (Castro, Gómez & Tejada 2009, *Polynomial calculation of the Shapley value based on sampling*,
//!   Computers & Operations Research 36(5)), with its standard error.

use std::collections::BTreeMap;

use super::Credit;
use crate::journeys::{Journeys, Outcomes};
use crate::real::{ratio, real_len};

/// The game of [`set_rates`], in words.
pub const SET_RATE_GAME: &str = "set rate game: v(S) = sum of the conversion rates of the sets of \
                                 channels within S";

/// The game of [`pooled_rates`], in words.
pub const POOLED_RATE_GAME: &str = "pooled rate game: v(S) = conversion rate of the journeys whose \
                                    channels are all in S";

/// How many pairs of orders to draw where nobody asks for another number.
pub const PAIRS: u32 = 2_000;

/// Channels up to which all 2ⁿ sets are gone through.
const EXACT_MAX: usize = 15;

/// What a channel adds to a rate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// To the conversions of a journey, and to its value.
    pub rate: Credit,
    /// The standard error of both; nothing where they are exact, or where too few orders were drawn
    /// to tell.
    pub standard_error: Option<Credit>,
}

/// The Shapley values of [`SET_RATE_GAME`], for each of [`Journeys::channels`].
pub fn set_rates(journeys: &Journeys) -> Vec<Credit> {
    let mut rates = vec![Credit::default(); journeys.channels().len()];
    for (set, outcomes) in journeys.sets() {
        let parts = real_len(set.len()) * outcomes.journeys();
        for place in set {
            if let Some(rate) = rates.get_mut(place) {
                rate.conversions += outcomes.conversions / parts;
                rate.value += outcomes.value / parts;
            }
        }
    }
    rates
}

/// The Shapley values of [`POOLED_RATE_GAME`], for each of [`Journeys::channels`]. With more than
/// 15 channels `pairs` orders are drawn from `random`, which gives 64 random bits a call, and each
/// is taken forwards and backwards.
pub fn pooled_rates(
    journeys: &Journeys,
    pairs: u32,
    random: &mut dyn FnMut() -> u64,
) -> Vec<Estimate> {
    let sets = journeys.sets();
    let channels = journeys.channels().len();
    if channels <= EXACT_MAX {
        let exact = |rate| Estimate { rate, standard_error: None };
        return exact_rates(&sets, channels).into_iter().map(exact).collect();
    }
    sampled_rates(&sets, channels, pairs, random)
}

/// The rates of a game as credits: in proportion to what each channel adds, so that they add up to
/// the totals. Values below zero stay so.
pub fn rate_credits(journeys: &Journeys, rates: &[Credit]) -> Vec<Credit> {
    let totals = journeys.totals();
    let whole = |of: fn(&Credit) -> f64| rates.iter().map(of).sum::<f64>();
    let (conversions, value) = (whole(|rate| rate.conversions), whole(|rate| rate.value));
    let share = |part: f64, whole: f64| ratio(part, whole).unwrap_or(0.0);
    rates
        .iter()
        .map(|rate| Credit {
            conversions: totals.conversions * share(rate.conversions, conversions),
            value: totals.value * share(rate.value, value),
        })
        .collect()
}

fn pooled(outcomes: Outcomes) -> Credit {
    let of = |figure| ratio(figure, outcomes.journeys()).unwrap_or(0.0);
    Credit { conversions: of(outcomes.conversions), value: of(outcomes.value) }
}

fn plus(a: Outcomes, b: Outcomes) -> Outcomes {
    Outcomes {
        conversions: a.conversions + b.conversions,
        value: a.value + b.value,
        nulls: a.nulls + b.nulls,
    }
}

/// All sets as bits, each with the sum over its subsets, then each channel's part.
fn exact_rates(sets: &BTreeMap<Vec<usize>, Outcomes>, channels: usize) -> Vec<Credit> {
    let mut within = vec![Outcomes::default(); 1 << channels];
    for (set, outcomes) in sets {
        let bits = set.iter().fold(0_usize, |bits, place| bits | (1 << place));
        if let Some(sum) = within.get_mut(bits) {
            *sum = *outcomes;
        }
    }
    for channel in 0..channels {
        for pair in within.chunks_mut(2 << channel) {
            let (without, with) = pair.split_at_mut(1 << channel);
            for (with, without) in with.iter_mut().zip(without) {
                *with = plus(*with, *without);
            }
        }
    }
    let games: Vec<Credit> = within.into_iter().map(pooled).collect();
    let weights = weights(channels);
    (0..channels).map(|channel| part(&games, channel, &weights)).collect()
}

/// |S|!(n−|S|−1)!/n! for each size of S.
fn weights(channels: usize) -> Vec<f64> {
    let n = real_len(channels);
    let next = |(size, weight): &(f64, f64)| {
        let size = size + 1.0;
        (size < n).then(|| (size, weight * size / (n - size)))
    };
    std::iter::successors((channels > 0).then(|| (0.0, 1.0 / n)), next)
        .map(|(_, weight)| weight)
        .collect()
}

fn part(games: &[Credit], channel: usize, weights: &[f64]) -> Credit {
    let mut part = Credit::default();
    for (block, pair) in games.chunks(2 << channel).enumerate() {
        let (without, with) = pair.split_at(1 << channel);
        for (at, (without, with)) in without.iter().zip(with).enumerate() {
            // The bits of the set are those of its place among all.
            let size = block.count_ones() + at.count_ones();
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let weight = weights.get(size).copied().unwrap_or(0.0);
            part.conversions += weight * (with.conversions - without.conversions);
            part.value += weight * (with.value - without.value);
        }
    }
    part
}

/// Sums and squares of what the pairs of orders gave.
#[derive(Clone, Copy, Default)]
struct Drawn {
    sum: Credit,
    squares: Credit,
}

fn sampled_rates(
    sets: &BTreeMap<Vec<usize>, Outcomes>,
    channels: usize,
    pairs: u32,
    random: &mut dyn FnMut() -> u64,
) -> Vec<Estimate> {
    let pairs = pairs.max(1);
    let mut drawn = vec![Drawn::default(); channels];
    let mut order: Vec<usize> = (0..channels).collect();
    for _ in 0..pairs {
        shuffle(&mut order, random);
        let mut added = vec![Credit::default(); channels];
        along(sets, &order, &mut added);
        order.reverse();
        along(sets, &order, &mut added);
        for (drawn, both) in drawn.iter_mut().zip(added) {
            let mean = Credit { conversions: both.conversions / 2.0, value: both.value / 2.0 };
            drawn.sum.conversions += mean.conversions;
            drawn.sum.value += mean.value;
            drawn.squares.conversions += mean.conversions * mean.conversions;
            drawn.squares.value += mean.value * mean.value;
        }
    }
    let n = f64::from(pairs);
    drawn.into_iter().map(|drawn| estimate(drawn, n)).collect()
}

fn estimate(drawn: Drawn, n: f64) -> Estimate {
    let error = |sum: f64, squares: f64| {
        let spread = (squares - sum * sum / n).max(0.0);
        (spread / (n - 1.0) / n).sqrt()
    };
    Estimate {
        rate: Credit { conversions: drawn.sum.conversions / n, value: drawn.sum.value / n },
        standard_error: (n > 1.0).then(|| Credit {
            conversions: error(drawn.sum.conversions, drawn.squares.conversions),
            value: error(drawn.sum.value, drawn.squares.value),
        }),
    }
}

/// Adds what each channel adds when the channels come in this order: a set of channels is complete
/// with the last of them.
fn along(sets: &BTreeMap<Vec<usize>, Outcomes>, order: &[usize], added: &mut [Credit]) {
    let mut turns = vec![0_usize; order.len()];
    for (turn, place) in order.iter().enumerate() {
        turns.iter_mut().skip(*place).take(1).for_each(|at| *at = turn);
    }
    let mut complete = vec![Outcomes::default(); order.len()];
    for (set, outcomes) in sets {
        let last = set.iter().filter_map(|place| turns.get(*place)).max();
        if let Some(sum) = last.and_then(|turn| complete.get_mut(*turn)) {
            *sum = plus(*sum, *outcomes);
        }
    }
    let mut so_far = Outcomes::default();
    let mut before = Credit::default();
    for (place, outcomes) in order.iter().zip(complete) {
        so_far = plus(so_far, outcomes);
        let now = pooled(so_far);
        if let Some(added) = added.get_mut(*place) {
            added.conversions += now.conversions - before.conversions;
            added.value += now.value - before.value;
        }
        before = now;
    }
}

/// Fisher & Yates' shuffle; every order is equally likely.
fn shuffle(order: &mut [usize], random: &mut dyn FnMut() -> u64) {
    for end in (1..order.len()).rev() {
        let among = u64::try_from(end).unwrap_or(u64::MAX).saturating_add(1);
        let at = usize::try_from(below(among, random)).unwrap_or(0);
        order.swap(at, end);
    }
}

/// A number below `among`, every one equally likely: draws beyond the last whole multiple are
/// thrown away.
fn below(among: u64, random: &mut dyn FnMut() -> u64) -> u64 {
    let spare = (u64::MAX % among + 1) % among;
    loop {
        let drawn = random();
        if drawn <= u64::MAX - spare {
            return drawn % among;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real::real;

    #[test]
    fn weights_of_all_sets_add_up_to_one() {
        for n in 1..=EXACT_MAX {
            let mut ways = 1.0;
            let mut sum = 0.0;
            for (size, weight) in weights(n).into_iter().enumerate() {
                sum += ways * weight;
                let left = real(u64::try_from(n - 1 - size).unwrap());
                ways *= left / (real_len(size) + 1.0);
            }
            assert!((sum - 1.0).abs() < 1e-12, "{n}: {sum}");
        }
        assert!(weights(0).is_empty());
    }

    #[test]
    fn every_number_below_is_drawn_alike() {
        let mut next = 0_u64;
        let mut random = || {
            next = next
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            next.rotate_left(32)
        };
        let mut seen = [0_u32; 3];
        for _ in 0..30_000 {
            seen[usize::try_from(below(3, &mut random)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|count| (9_500..10_500).contains(count)), "{seen:?}");
        let mut draws = [u64::MAX, 4].into_iter();
        assert_eq!(below(3, &mut || draws.next().unwrap()), 1, "the odd draw is thrown away");
    }
}
