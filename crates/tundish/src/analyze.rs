//! `tundish analyze`: the maths of the numbers pages on any CSV file, without a database.
//!
//! | want | go to |
//! |---|---|
//! | a file as rows: encodings, separators, gzip, standard input | `source` |
//! | which column is what | `columns` |
//! | days and amounts as people write them | `dates`, `amounts` |
//! | rows that are sales, and those that are left out | `sales` |

pub mod amounts;
pub mod columns;
pub mod dates;
pub mod sales;
pub mod source;
