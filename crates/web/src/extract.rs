//! What handlers take from a request: the *who* and the *where*.

pub mod site;
