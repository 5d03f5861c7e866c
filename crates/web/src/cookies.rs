//! Cookies: the sign-in, what is told once after a redirect, and the one that binds an order to its
//! browser. On https each is `Secure`: [`secure`].

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::frame::{Flash, Tone};

/// On https: bound to this host, for the whole of it, never sent in clear.
const SECURE_NAME: &str = "__Host-tundish";
/// On http: development and the demo.
const PLAIN_NAME: &str = "tundish";
/// Binds an order's one-click offers to the browser that paid.
pub const ORDER_NAME: &str = "tundish_order";
/// A little longer than one-click offers stay open.
const ORDER_SECONDS: i64 = 3_600;
/// What is told once.
const TOLD_NAME: &str = "tundish_told";
/// As long as a sign-in can last.
const SIGN_IN_SECONDS: i64 = 30 * 86_400;
/// Longer than any redirect takes.
const TOLD_SECONDS: i64 = 60;
/// A message is one sentence; anything longer was not written by us.
const TOLD_MAX: usize = 1_000;

/// The value of a cookie.
pub fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The sign-in token a browser sent.
pub fn sign_in_token(headers: &HeaderMap, https: bool) -> Option<&str> {
    find(headers, if https { SECURE_NAME } else { PLAIN_NAME })
}

/// Gives the browser a sign-in token.
pub fn sign_in(token: &str, https: bool) -> HeaderValue {
    let line = if https {
        format!(
            "{SECURE_NAME}={token}; Path=/; Max-Age={SIGN_IN_SECONDS}; HttpOnly; SameSite=Lax; Secure"
        )
    } else {
        format!("{PLAIN_NAME}={token}; Path=/; Max-Age={SIGN_IN_SECONDS}; HttpOnly; SameSite=Lax")
    };
    value(&line)
}

/// Takes the sign-in token away.
pub fn sign_out(https: bool) -> HeaderValue {
    let line = if https {
        format!("{SECURE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure")
    } else {
        format!("{PLAIN_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    };
    value(&line)
}

/// Binds the offers after an order to this browser.
pub fn order(signed: &str) -> HeaderValue {
    value(&format!(
        "{ORDER_NAME}={signed}; Path=/order; Max-Age={ORDER_SECONDS}; HttpOnly; SameSite=Lax"
    ))
}

#[derive(Debug, Serialize, Deserialize)]
struct Told {
    good: bool,
    text: String,
}

/// Tells the browser something at its next page.
pub fn tell(good: bool, text: &str) -> HeaderValue {
    let told = Told { good, text: text.chars().take(TOLD_MAX / 2).collect() };
    let json = serde_json::to_vec(&told).unwrap_or_default();
    let packed = URL_SAFE_NO_PAD.encode(json);
    value(&format!(
        "{TOLD_NAME}={packed}; Path=/admin; Max-Age={TOLD_SECONDS}; HttpOnly; SameSite=Lax"
    ))
}

/// What the browser is to be told now. It is text, shown as text: whoever could set the cookie
/// could only say something.
pub fn told(headers: &HeaderMap) -> Vec<Flash> {
    find(headers, TOLD_NAME)
        .and_then(|packed| URL_SAFE_NO_PAD.decode(packed).ok())
        .and_then(|json| serde_json::from_slice::<Told>(&json).ok())
        .filter(|told| told.text.len() <= TOLD_MAX * 4)
        .map(|told| Flash { tone: if told.good { Tone::Good } else { Tone::Bad }, text: told.text })
        .into_iter()
        .collect()
}

/// Forgets what was told; `None` where nothing was.
pub fn forget_told(headers: &HeaderMap) -> Option<HeaderValue> {
    find(headers, TOLD_NAME)?;
    Some(value(&format!("{TOLD_NAME}=; Path=/admin; Max-Age=0; HttpOnly; SameSite=Lax")))
}

/// Keeps every cookie that is given from being sent in clear: on https none ever is.
pub fn secure(headers: &mut HeaderMap) {
    let given: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in given {
        let line = cookie.to_str().unwrap_or_default();
        let is_secure = line.ends_with("; Secure");
        let kept = if is_secure { cookie } else { value(&format!("{line}; Secure")) };
        headers.append(header::SET_COOKIE, kept);
    }
}

fn value(line: &str) -> HeaderValue {
    HeaderValue::from_str(line).unwrap_or_else(|_| HeaderValue::from_static(""))
}
