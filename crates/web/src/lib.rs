//! HTTP in; HTML and JSON out. Asks `engine` to do and `store` to read; holds no rules.

pub mod assets;
pub mod charts;
mod error;
mod extract;
pub mod frame;
#[cfg(test)]
mod gallery;
pub mod nav;
pub mod public;
mod routes;
mod serve;
mod state;
pub mod templates;
pub mod theme;
pub mod words;

pub use error::WebError;
pub use routes::router;
pub use serve::serve;
pub use state::AppState;
