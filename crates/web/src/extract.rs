//! What handlers take from a request: the *who* and the *where*.

pub mod asker;
pub mod browser;
pub mod net;
pub mod operator;
pub mod site;
pub mod upload;
