//! The maths: what was bought together, what a customer costs and earns, cohorts, stages, and by
//! which roads orders came.
//!
//! Pure functions over plain slices. Each gives its formula and its source. Money comes in as minor
//! units; averages leave as `f64` of them. What is not known is `None`, never zero.

pub mod affinity;
pub mod attribution;
pub mod cohorts;
pub mod concentration;
pub mod economics;
pub mod journeys;
pub mod lifetime;
mod matrix;
pub mod real;
pub mod rfm;
pub mod roads;
pub mod stages;

#[cfg(test)]
mod test_data;
