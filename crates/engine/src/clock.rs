//! Where the time comes from. The one place that asks the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use model::UtcMs;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;

/// The time as the engine sees it.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved: tests, the simulation, the demo's history.
    Fake(Arc<Hands>),
}

/// Where a fake clock stands, by the wall and by what has passed, and how far each look moves it.
#[derive(Debug)]
pub struct Hands {
    wall: AtomicI64,
    steady: AtomicI64,
    step: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fake(at: UtcMs) -> Self {
        let at = || AtomicI64::new(at.0);
        let (step, moved) = (AtomicI64::new(0), Notify::new());
        Self::Fake(Arc::new(Hands { wall: at(), steady: at(), step, moved }))
    }

    /// The time now.
    pub fn now(&self) -> UtcMs {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
            Self::System => UtcMs::from(jiff::Timestamp::now()),
            Self::Fake(hands) => {
                let step = hands.step.load(Ordering::SeqCst);
                hands.steady.fetch_add(step, Ordering::SeqCst);
                UtcMs(hands.wall.fetch_add(step, Ordering::SeqCst))
            }
        }
    }

    /// Milliseconds that have passed since some instant, suspends of the machine included
    /// (`CLOCK_BOOTTIME`): nobody can set this one.
    pub fn steady_ms(&self) -> i64 {
        match self {
            Self::System => {
                let since = clock_gettime(ClockId::Boottime);
                since.tv_sec.saturating_mul(1_000).saturating_add(since.tv_nsec / 1_000_000)
            }
            Self::Fake(hands) => hands.steady.load(Ordering::SeqCst),
        }
    }

    /// Waits until [`Clock::steady_ms`] says `until`; by a fake clock, until somebody moves it
    /// there.
    pub async fn sleep_until(&self, until: i64) {
        match self {
            Self::System => {
                let left = u64::try_from(until.saturating_sub(self.steady_ms())).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(left)).await;
            }
            Self::Fake(hands) => loop {
                let moved = hands.moved.notified();
                if hands.steady.load(Ordering::SeqCst) >= until {
                    return;
                }
                moved.await;
            },
        }
    }

    /// Moves a fake clock to `at`; the machine's clock cannot be moved, so there it does nothing.
    pub fn set(&self, at: UtcMs) {
        if let Self::Fake(hands) = self {
            let moved = at.since_ms(UtcMs(hands.wall.swap(at.0, Ordering::SeqCst)));
            hands.steady.fetch_add(moved.max(0), Ordering::SeqCst);
            hands.moved.notify_waiters();
        }
    }

    /// Moves a fake clock on by `ms` milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.set(self.now().plus_ms(ms));
    }

    /// Moves a fake clock on by `ms` at every look from now on: what is read twice differs, as it
    /// does by the machine's.
    pub fn tick_ms(&self, ms: i64) {
        if let Self::Fake(hands) = self {
            hands.step.store(ms, Ordering::SeqCst);
        }
    }

    /// Somebody sets a fake clock by hand: no time passes.
    pub fn jump_ms(&self, ms: i64) {
        if let Self::Fake(hands) = self {
            hands.wall.fetch_add(ms, Ordering::SeqCst);
        }
    }
}
