//! HTTP in; HTML and JSON out. Asks `engine` to do and `store` to read; holds no rules.

pub mod admin;
pub mod api;
pub mod assets;
pub mod charts;
pub mod cookies;
pub mod countries;
mod error;
pub mod extract;
pub mod forms;
pub mod frame;
#[cfg(test)]
mod gallery;
pub mod guards;
pub mod nav;
mod notices;
pub mod pages;
mod plain;
pub mod public;
pub mod reply;
mod routes;
mod serve;
mod state;
pub mod templates;
pub mod theme;
pub mod words;

pub use error::WebError;
pub use routes::router;
pub use serve::{Patience, serve, serve_router};
pub use state::{AppState, PageWait, Room, WebSettings};
