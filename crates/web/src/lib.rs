//! HTTP in; HTML and JSON out. Asks `engine` to do and `store` to read; holds no rules.

mod error;
mod extract;
pub mod public;
mod routes;
mod state;

pub use error::WebError;
pub use routes::router;
pub use state::AppState;
//! HTTP in; HTML and JSON out.

pub mod assets;
pub mod charts;
pub mod frame;
#[cfg(test)]
mod gallery;
pub mod nav;
pub mod templates;
pub mod words;
