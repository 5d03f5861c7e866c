//! The maths: what was bought together, what a customer costs and earns, lifetime value, cohorts,
//! stages, by which roads orders came, experiments, lead scores.
//!
//! Pure functions over plain slices. Each gives its formula and its source. Money comes in as minor
//! units; averages leave as `f64` of them. What is not known is `None`, never zero. Chance is a
//! parameter: a closure that gives uniform numbers from 0 up to but not 1.

pub mod affinity;
pub mod attribution;
pub mod cohorts;
pub mod concentration;
pub mod distributions;
mod draws;
pub mod economics;
pub mod experiments;
pub mod journeys;
pub mod lifetime;
mod matrix;
mod quadrature;
mod quantiles;
pub mod real;
pub mod rfm;
pub mod roads;
pub mod scores;
pub mod stages;
pub mod steps;

#[cfg(test)]
mod test_data;
