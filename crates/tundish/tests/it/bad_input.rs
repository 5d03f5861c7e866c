//! Every row of the list of bad input, by its id.

mod commands;
