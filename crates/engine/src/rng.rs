//! Where chance comes from. The one place that asks the machine.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{RngExt, SeedableRng, TryRng};

/// A source of chance: the operating system's, or one that repeats from a seed.
#[derive(Debug, Clone)]
pub enum Rng {
    /// The operating system's.
    System,
    /// Repeats from its seed: tests, the simulation, the demo's history.
    Seeded(Arc<Mutex<StdRng>>),
}

impl Rng {
    /// A source that repeats from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` bytes nobody can guess (unless seeded).
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match self {
            Self::System => {
                if SysRng.try_fill_bytes(&mut bytes).is_err() {
                    // Without chance no secret is one: better to stop than to hand out zeros.
                    tracing::error!("the operating system gives no random bytes; stopping");
                    std::process::abort();
                }
            }
            Self::Seeded(rng) => {
                rng.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut bytes)
            }
        }
        bytes
    }

    /// A whole number in `0..bound`; 0 where `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        // 64 random bits against a small bound: the bias is below one in a billion.
        u64::from_le_bytes(self.bytes()).checked_rem(bound).unwrap_or(0)
    }
}
