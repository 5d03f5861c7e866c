//! What people will do, and when.

use std::collections::BTreeMap;

use model::UtcMs;
use model::ids::{MessageId, OrderId};

/// One thing somebody does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Leaves an address.
    OptIn(usize),
    /// Presses the button in the mail.
    Confirm(usize),
    /// Is back another day, and leaves the address once more.
    ComeBack(usize),
    /// Buys: who, which offer, with which coupon.
    Buy(usize, &'static str, &'static str),
    /// Asks for the money back.
    Refund(OrderId),
    /// Wants no more mail.
    Leave(usize),
    /// Follows a link of a mail.
    Click(MessageId),
    /// Tells a friend.
    Recommend(usize),
}

/// Acts in the order of their times.
#[derive(Debug, Default)]
pub struct Agenda {
    acts: BTreeMap<(UtcMs, u64), Act>,
    count: u64,
}

impl Agenda {
    /// Puts an act on it.
    pub fn add(&mut self, at: UtcMs, act: Act) {
        self.count += 1;
        self.acts.insert((at, self.count), act);
    }

    /// Takes the next act due before `end`.
    pub fn next_before(&mut self, end: UtcMs) -> Option<(UtcMs, Act)> {
        let (key, _) = self.acts.first_key_value()?;
        if key.0 >= end {
            return None;
        }
        self.acts.pop_first().map(|((at, _), act)| (at, act))
    }
}
