//! What stands before every handler: a number for the request, the shape of its address, where it
//! comes from, and what every answer says to the browser.

pub mod addresses;
pub mod cross_site;
pub mod headers;
pub mod plain_errors;
pub mod request_id;
