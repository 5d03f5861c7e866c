//! What strangers and customers see.

pub mod frame;
pub mod health;
pub mod robots;
pub mod theme;
