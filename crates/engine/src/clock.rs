//! Where the time comes from. The one place that asks the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::UtcMs;

/// The time as the engine sees it.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved: tests, the simulation, the demo's history.
    Fake(Arc<Hands>),
}

/// Where a fake clock stands, and how far each look moves it.
#[derive(Debug, Default)]
pub struct Hands {
    at: AtomicI64,
    step: AtomicI64,
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fake(at: UtcMs) -> Self {
        Self::Fake(Arc::new(Hands { at: AtomicI64::new(at.0), step: AtomicI64::new(0) }))
    }

    /// The time now.
    pub fn now(&self) -> UtcMs {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
            Self::System => UtcMs::from(jiff::Timestamp::now()),
            Self::Fake(hands) => {
                let step = hands.step.load(Ordering::SeqCst);
                UtcMs(hands.at.fetch_add(step, Ordering::SeqCst))
            }
        }
    }

    /// Moves a fake clock to `at`; the machine's clock cannot be moved, so there it does nothing.
    pub fn set(&self, at: UtcMs) {
        if let Self::Fake(hands) = self {
            hands.at.store(at.0, Ordering::SeqCst);
        }
    }

    /// Moves a fake clock on by `ms` at every look from now on: what is read twice differs, as it
    /// does by the machine's.
    pub fn tick_ms(&self, ms: i64) {
        if let Self::Fake(hands) = self {
            hands.step.store(ms, Ordering::SeqCst);
        }
    }

    /// Moves a fake clock on by `ms` milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.set(self.now().plus_ms(ms));
    }
}
