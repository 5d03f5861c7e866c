//! What every handler may reach.

use engine::Engine;
use store::Reader;

/// What every handler may reach. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// For every change.
    pub engine: Engine,
    /// For every read.
    pub reader: Reader,
}

impl AppState {
    /// The state of a server over `engine`.
    pub fn new(engine: Engine) -> Self {
        Self { reader: engine.reader(), engine }
    }
}
