//! The nouns of Tundish and their rules. Pure: no input or output, no clock, no database.
//!
//! One file a noun, under the same name as in `store`, `engine` and `web`.

pub mod ids;
pub mod refused;
pub mod times;

pub use ids::SiteId;
pub use refused::Refused;
pub use times::UtcMs;
