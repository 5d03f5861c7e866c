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
    Fake(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at`.
    pub fn fake(at: UtcMs) -> Self {
        Self::Fake(Arc::new(AtomicI64::new(at.0)))
    }

    /// The time now.
    pub fn now(&self) -> UtcMs {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
            Self::System => UtcMs::from(jiff::Timestamp::now()),
            Self::Fake(at) => UtcMs(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fake clock to `at`; the machine's clock cannot be moved, so there it does nothing.
    pub fn set(&self, at: UtcMs) {
        if let Self::Fake(shared) = self {
            shared.store(at.0, Ordering::SeqCst);
        }
    }

    /// Moves a fake clock on by `ms` milliseconds.
    pub fn advance_ms(&self, ms: i64) {
        self.set(self.now().plus_ms(ms));
    }
}
