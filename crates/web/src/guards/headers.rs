//! What every answer says to the browser, unless the handler said something narrower: one policy
//! for content, no sniffing, no framing, few referrers, no sharing across origins.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::Response;

use crate::cookies;
use crate::state::AppState;

/// The one policy: everything from here, nothing inline, framed by nobody.
pub const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";
/// The policy of a mail shown in the admin: its own styles, its own pictures, nothing that runs.
pub const MAIL_POLICY: &str = "default-src 'none'; img-src 'self' data:; \
    style-src 'unsafe-inline'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox";
/// A year, as ASVS 5.0 V3 asks.
const STRICT_TRANSPORT: &str = "max-age=31536000";
const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Room for everything said here and by a handler: growing by one again and again costs more.
const HEADERS: usize = 16;

/// What of a request decides what its answer says.
#[derive(Debug)]
pub struct Page {
    is_admin: bool,
    forget: Option<HeaderValue>,
}

impl Page {
    /// Of this request.
    pub fn of(request: &Request) -> Self {
        let is_admin = request.uri().path().starts_with("/admin");
        let told = is_admin && request.method() == Method::GET;
        let forget = if told { cookies::forget_told(request.headers()) } else { None };
        Self { is_admin, forget }
    }

    /// Adds what the handler left unsaid.
    pub fn dress(self, state: &AppState, mut response: Response) -> Response {
        let shown = response.status().is_success() || response.status().is_client_error();
        let said = response.headers_mut();
        said.reserve(HEADERS);
        let mut unless_said = |name: HeaderName, value: &'static str| {
            said.entry(name).or_insert(HeaderValue::from_static(value));
        };
        unless_said(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
        unless_said(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        unless_said(REFERRER_POLICY, "strict-origin-when-cross-origin");
        unless_said(OPENER_POLICY, "same-origin");
        unless_said(RESOURCE_POLICY, "same-origin");
        unless_said(PERMISSIONS_POLICY, "geolocation=(), camera=(), microphone=()");
        if state.https() {
            unless_said(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
        }
        if self.is_admin {
            // What an operator sees is of people: no copy of it stays in a browser or a proxy.
            unless_said(header::CACHE_CONTROL, "no-store");
        }
        if let Some(forget) = self.forget.filter(|_| shown) {
            said.append(header::SET_COOKIE, forget);
        }
        if state.https() {
            cookies::secure(said);
        }
        response
    }
}
