//! The maths: what was bought together, what a customer costs and earns, lifetime value, cohorts,
//! stages, by which roads orders came, experiments, lead scores.
//!
//! | question | room |
//! |---|---|
//! | What goes with what in a basket? | [`affinity`] |
//! | Which channel is owed the order? | [`attribution`] |
//! | By which roads did orders come? | [`roads`], over [`journeys`] |
//! | How far did people come? | [`stages`]; in order and in time [`steps`] |
//! | Who came back, month by month? | [`cohorts`] |
//! | Who bought recently, often, for much? | [`rfm`]; how few bring how much [`concentration`] |
//! | What will a customer still buy, and what is it worth? | [`lifetime`] |
//! | What does a customer cost, when is it paid back, and what if? | [`economics`] |
//! | Which version wins, and is that known yet? | [`experiments`] |
//! | Who will buy? | [`scores`] |
//! | What is believed of a rate? | [`distributions`] |
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
