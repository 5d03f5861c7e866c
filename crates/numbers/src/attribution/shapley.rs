//! Credit by Shapley's value of the set game.
//!
//! A channel's Shapley value is its mean part over all orders in which the channels could come
//! together: φᵢ = Σ over S without i of |S|!(n−|S|−1)!/n! · (v(S ∪ i) − v(S)). Shapley 1953, *A
//! Value for n-Person Games*. What comes out depends on the game v, so the game is always named.
//!
//! In the set game v(S) is the number of conversions whose journeys came by channels of S alone.
//! It is a sum of unanimity games, one for each set of channels that someone came by, and φ of
//! such a game is an equal part for each channel of the set: so the answer is exact for any number
//! of channels, each conversion being shared alike by the *distinct* channels of its journey.

use super::Credit;
use crate::journeys::Journeys;
use crate::real::real_len;

/// The game of [`shapley`], in words.
pub const SET_GAME: &str = "set game: v(S) = conversions of the journeys whose channels are all \
                            in S";

/// The Shapley values of the set game, for each of [`Journeys::channels`]; they add up to the
/// totals.
pub fn shapley(journeys: &Journeys) -> Vec<Credit> {
    let mut credits = vec![Credit::default(); journeys.channels().len()];
    for (set, outcomes) in journeys.sets() {
        let parts = real_len(set.len());
        for place in set {
            if let Some(credit) = credits.get_mut(place) {
                credit.conversions += outcomes.conversions / parts;
                credit.value += outcomes.value / parts;
            }
        }
    }
    credits
}
