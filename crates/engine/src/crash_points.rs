//! Where a test may stop a story as a crash would: between two steps that are each durable. Nothing
//! after the point runs; what stands in the database is all that is left.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// No end is set: every write goes through.
const FOREVER: i64 = -1;

/// The point that is armed, if one is, and how many writes are left before the end. Nothing arms
/// either outside tests.
#[derive(Debug)]
pub(crate) struct CrashPoints {
    point: Mutex<Option<&'static str>>,
    nap: Mutex<Option<(&'static str, i64)>>,
    writes_left: AtomicI64,
}

impl Default for CrashPoints {
    fn default() -> Self {
        Self {
            point: Mutex::default(),
            nap: Mutex::default(),
            writes_left: AtomicI64::new(FOREVER),
        }
    }
}

impl Engine {
    /// Stops the next story that passes `point`, once.
    pub fn crash_at(&self, point: &'static str) {
        *self.crash_points().point.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
    }

    /// Lets the machine sleep for `ms` when the next story passes `point`, once: on a fake clock.
    pub fn sleep_at(&self, point: &'static str, ms: i64) {
        *self.crash_points().nap.lock().unwrap_or_else(PoisonError::into_inner) = Some((point, ms));
    }

    /// Passes `point`.
    pub(crate) fn pass(&self, point: &'static str) -> Result<()> {
        let mut nap = self.crash_points().nap.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, ms)) = nap.take_if(|(at, _)| *at == point) {
            self.clock().advance_ms(ms);
        }
        drop(nap);
        let mut armed = self.crash_points().point.lock().unwrap_or_else(PoisonError::into_inner);
        if *armed == Some(point) {
            *armed = None;
            return Err(EngineError::Fault(format!("stopped at {point}")));
        }
        Ok(())
    }

    /// Lets `writes` more writes through, then none: what stands in the database is what a crash
    /// between any two of them would leave. Only another engine over the same database goes on.
    pub fn end_after(&self, writes: u32) {
        self.crash_points().writes_left.store(i64::from(writes), Ordering::SeqCst);
    }

    /// Whether that end has come.
    pub fn has_ended(&self) -> bool {
        self.crash_points().writes_left.load(Ordering::SeqCst) == 0
    }

    /// Counts a write that is about to begin.
    pub(crate) fn count_write(&self) -> Result<()> {
        let left = &self.crash_points().writes_left;
        if left.load(Ordering::Relaxed) == FOREVER {
            return Ok(());
        }
        let counted = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            0 => None,
            left => Some(left - 1),
        });
        // The last write that was let through is followed by an attempt that finds nothing left.
        counted.map(drop).map_err(|_| EngineError::Fault("the engine has ended".to_owned()))
    }
}
