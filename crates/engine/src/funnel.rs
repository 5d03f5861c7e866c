//! A funnel as a file: read it, say what it would change, make it so, and write one out.

pub mod changes;
pub mod document;
pub mod text;

pub use changes::{Action, Change};
pub use document::Document;
pub use text::{Parsed, parse};
