//! Where a test may stop a story as a crash would: between two steps that are each durable. Nothing
//! after the point runs; what stands in the database is all that is left.

use std::sync::{Mutex, PoisonError};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// The point that is armed, if one is. Nothing arms one outside tests.
#[derive(Debug, Default)]
pub(crate) struct CrashPoints(Mutex<Option<&'static str>>);

impl Engine {
    /// Stops the next story that passes `point`, once.
    pub fn crash_at(&self, point: &'static str) {
        *self.crash_points().0.lock().unwrap_or_else(PoisonError::into_inner) = Some(point);
    }

    /// Passes `point`.
    pub(crate) fn pass(&self, point: &'static str) -> Result<()> {
        let mut armed = self.crash_points().0.lock().unwrap_or_else(PoisonError::into_inner);
        if *armed == Some(point) {
            *armed = None;
            return Err(EngineError::Fault(format!("stopped at {point}")));
        }
        Ok(())
    }
}
