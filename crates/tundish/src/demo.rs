//! The sample business: the example shop, and the year it has behind it.

pub mod agenda;
pub mod history;
pub mod people;
pub mod shop;
