//! What lifetime value must come to.

mod data;
mod fits;
mod more_fits;
mod points;
