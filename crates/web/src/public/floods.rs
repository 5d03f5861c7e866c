//! How many answers and orders one network may send: kept in memory, never stored. Beyond the
//! first limit answers are held for a look, beyond the second they are refused; orders have a
//! limit of their own, so that who buys makes nobody's answer look like one of a flood.

use std::num::NonZeroU32;
use std::sync::LazyLock;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::WebError;
use crate::extract::net::ClientNet;

/// A family, an office, a class room: thirty at once, ten a minute after that.
const HELD_BURST: u32 = 30;
const HELD_A_MINUTE: u32 = 10;
/// Nothing that fills in forms by hand is faster than this.
const REFUSED_BURST: u32 = 300;
const REFUSED_A_MINUTE: u32 = 60;
/// Networks remembered before those at rest are dropped.
const NETWORKS_MAX: usize = 100_000;

/// Views a script reports: a class room that clicks through a blog.
const REPORTS_BURST: u32 = 600;
const REPORTS_A_MINUTE: u32 = 240;

type Limiter = DefaultKeyedRateLimiter<String>;

static HELD: LazyLock<Limiter> = LazyLock::new(|| limiter(HELD_A_MINUTE, HELD_BURST));
static REFUSED: LazyLock<Limiter> = LazyLock::new(|| limiter(REFUSED_A_MINUTE, REFUSED_BURST));

static ORDERS: LazyLock<Limiter> = LazyLock::new(|| limiter(REFUSED_A_MINUTE, REFUSED_BURST));

static REPORTS: LazyLock<Limiter> = LazyLock::new(|| limiter(REPORTS_A_MINUTE, REPORTS_BURST));

fn limiter(a_minute: u32, burst: u32) -> Limiter {
    let of = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_minute(of(a_minute)).allow_burst(of(burst)))
}

/// What is to be done with one more answer from a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Take it.
    Fine,
    /// Keep it apart for a look.
    Hold,
    /// Say that it is too much.
    Refuse,
}

/// Counts one more answer from `net`. The machine itself is not counted: there a proxy stands
/// that was not named, and all visitors would be one.
pub fn count(net: &ClientNet) -> Verdict {
    if is_here(net) {
        return Verdict::Fine;
    }
    if REFUSED.len() > NETWORKS_MAX {
        REFUSED.retain_recent();
        HELD.retain_recent();
    }
    if REFUSED.check_key(&net.0).is_err() {
        return Verdict::Refuse;
    }
    if HELD.check_key(&net.0).is_err() { Verdict::Hold } else { Verdict::Fine }
}

/// Counts one more order from `net`, and says whether it is too much.
pub fn refuses_order(net: &ClientNet) -> bool {
    if is_here(net) {
        return false;
    }
    if ORDERS.len() > NETWORKS_MAX {
        ORDERS.retain_recent();
    }
    ORDERS.check_key(&net.0).is_err()
}

/// Counts one more view that a script reports from `net`, and says whether it is too much.
pub fn refuses_report(net: &ClientNet) -> bool {
    if is_here(net) {
        return false;
    }
    if REPORTS.len() > NETWORKS_MAX {
        REPORTS.retain_recent();
    }
    REPORTS.check_key(&net.0).is_err()
}

fn is_here(net: &ClientNet) -> bool {
    net.0 == "127.0.0.0" || net.0 == "::"
}

/// What a network is told that is refused.
pub fn too_many() -> Response {
    let why = "too much came from your network just now; please try again in a few minutes";
    let mut response = WebError::Bad(StatusCode::TOO_MANY_REQUESTS, why).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("300"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f02_one_network_is_held_then_refused_and_another_is_not() {
        let many = ClientNet("203.0.113.0".to_owned());
        let verdicts: Vec<Verdict> = (0..400).map(|_| count(&many)).collect();
        assert_eq!(verdicts[29], Verdict::Fine);
        assert_eq!(verdicts[100], Verdict::Hold);
        assert_eq!(verdicts[399], Verdict::Refuse);
        assert_eq!(count(&ClientNet("198.51.100.0".to_owned())), Verdict::Fine);
        assert_eq!(count(&ClientNet("127.0.0.0".to_owned())), Verdict::Fine);
    }

    #[test]
    fn a_network_that_buys_much_may_still_opt_in() {
        let many = ClientNet("192.0.2.0".to_owned());
        assert!((0..300).all(|_| !refuses_order(&many)));
        assert!((0..100).any(|_| refuses_order(&many)));
        assert_eq!(count(&many), Verdict::Fine);
    }
}
