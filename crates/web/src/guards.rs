//! What stands before every handler: a number for the request, the shape of its address, where it
//! comes from, what every answer says to the browser, and how a failure looks.

pub mod addresses;
pub mod admin_host;
pub mod cross_site;
pub mod headers;
pub mod plain_errors;
pub mod request_id;
pub mod site_errors;
