//! What lifetime value must come to.

mod data;
mod fits;
mod hostile;
mod more_fits;
mod points;
