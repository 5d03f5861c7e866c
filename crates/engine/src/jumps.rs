//! Notices when somebody sets the machine's clock: for a while then nothing is done because of the
//! time, so that a clock that is put right again within moments sends no burst.

use std::sync::{Mutex, PoisonError};

use model::UtcMs;

use crate::clock::Clock;

/// Wall and steady clock may drift apart by this much between two looks: NTP slews, leap seconds.
const JUMP_MS: i64 = 60_000;
/// For how long nothing is fired after a jump.
const QUIET_MS: i64 = 30_000;

/// What was seen of the two clocks.
#[derive(Debug)]
pub(crate) struct Jumps {
    seen: Mutex<Seen>,
    /// The wall clock at the start, less the steady one.
    begun: i64,
}

#[derive(Debug)]
struct Seen {
    ahead: i64,
    quiet_until: Option<i64>,
}

impl Jumps {
    /// Begins to look.
    pub fn new(clock: &Clock) -> Self {
        let begun = ahead(clock);
        Self { seen: Mutex::new(Seen { ahead: begun, quiet_until: None }), begun }
    }

    /// Whether the clock was set a moment ago.
    pub fn is_quiet(&self, clock: &Clock) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, steady) = (ahead(clock), clock.steady_ms());
        let moved = now.saturating_sub(seen.ahead);
        if moved.abs() > JUMP_MS {
            tracing::warn!(
                seconds = moved / 1_000,
                "the clock was set; nothing is sent or released for half a minute"
            );
            seen.quiet_until = Some(steady.saturating_add(QUIET_MS));
        }
        seen.ahead = now;
        if seen.quiet_until.is_some_and(|until| steady >= until) {
            seen.quiet_until = None;
        }
        seen.quiet_until.is_some()
    }

    /// An instant for leases: runs on as time passes, whatever the wall clock is set to.
    pub fn lease_now(&self, clock: &Clock) -> UtcMs {
        UtcMs(self.begun.saturating_add(clock.steady_ms()))
    }
}

fn ahead(clock: &Clock) -> i64 {
    clock.now().0.saturating_sub(clock.steady_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_is_noticed_and_one_that_runs_is_not() {
        let clock = Clock::fake(UtcMs(1_000_000));
        let jumps = Jumps::new(&clock);
        clock.advance_ms(86_400_000);
        assert!(!jumps.is_quiet(&clock), "time passed");
        clock.jump_ms(-59_000);
        assert!(!jumps.is_quiet(&clock), "the clock was put right");
        for jump in [3_600_000, -7_200_000] {
            let lease = jumps.lease_now(&clock);
            clock.jump_ms(jump);
            assert!(jumps.is_quiet(&clock));
            assert_eq!(jumps.lease_now(&clock), lease, "leases do not see it");
            clock.advance_ms(29_999);
            assert!(jumps.is_quiet(&clock));
            clock.advance_ms(1);
            assert!(!jumps.is_quiet(&clock));
        }
    }

    #[test]
    fn the_steady_clock_of_the_machine_runs() {
        let begun = Clock::System.steady_ms();
        assert!(begun > 0 && Clock::System.steady_ms() >= begun);
    }
}
