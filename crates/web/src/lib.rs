//! HTTP in; HTML and JSON out. Asks `engine` to do and `store` to read; holds no rules.

mod error;
mod extract;
pub mod public;
mod routes;
mod state;

pub use error::WebError;
pub use routes::router;
pub use state::AppState;
