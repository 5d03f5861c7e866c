//! What strangers and customers see.

pub mod health;
