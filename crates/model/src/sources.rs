//! Sources: how someone came here. Campaign tags of the address, the host that referred, the page
//! they landed on.

use serde::{Deserialize, Serialize};

use crate::channels::{self, Channel};
use crate::ids::{ContactId, TouchId};
use crate::notes::clean_line;
use crate::times::UtcMs;

/// Longer tags are noise.
const TAG_MAX: usize = 150;
/// Query names of ad networks that mark a click.
const CLICK_IDS: [&str; 10] = [
    "gclid",
    "gbraid",
    "wbraid",
    "msclkid",
    "dclid",
    "fbclid",
    "ttclid",
    "li_fat_id",
    "twclid",
    "yclid",
];

/// The campaign tags of one address, cleaned, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Utm {
    /// `utm_source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `utm_medium`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// `utm_campaign`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// `utm_term`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
    /// `utm_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Which network's click mark was there (`gclid`), never its value, which names a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub click_id: Option<String>,
}

impl Utm {
    /// Reads the tags of an address or of its query. Names in any case, the first of each wins;
    /// `&amp;` counts as `&`; the fragment is looked at only where there is no query. Never fails:
    /// what is malformed is taken as far as it goes.
    pub fn parse(address: &str) -> Self {
        let (before, fragment) = address.split_once('#').unwrap_or((address, ""));
        let query = match before.split_once('?') {
            Some((_, query)) => query,
            None if before.contains('=') && !before.contains("://") => before,
            None => fragment,
        };
        let mut utm = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name).to_lowercase();
            let name = name.strip_prefix("amp;").unwrap_or(&name);
            if CLICK_IDS.contains(&name) && !value.is_empty() {
                utm.click_id.get_or_insert_with(|| name.to_owned());
                continue;
            }
            let slot = match name {
                "utm_source" => &mut utm.source,
                "utm_medium" => &mut utm.medium,
                "utm_campaign" => &mut utm.campaign,
                "utm_term" => &mut utm.term,
                "utm_content" => &mut utm.content,
                _ => continue,
            };
            let value: String =
                clean_line(&decode_again(decode(value))).chars().take(TAG_MAX).collect();
            if slot.is_none() && !value.is_empty() {
                *slot = Some(value.to_lowercase());
            }
        }
        utm
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One meeting of a visitor with a channel: kept as the contact's first or a later touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// When.
    pub at: UtcMs,
    /// The tags.
    #[serde(flatten)]
    pub utm: Utm,
    /// The host that referred, if it is not our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The path they landed on, without its query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub landing: String,
    /// `code.sig` of a partner or of a customer who recommends, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// One stored meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTouch {
    /// Whose.
    pub contact_id: ContactId,
    /// Its id.
    pub id: TouchId,
    /// Whether it is the one the contact came by.
    pub is_first: bool,
    /// By the rules of [`crate::channels::Channel`].
    pub channel: Channel,
    /// What is known.
    pub touch: Touch,
}

impl Touch {
    /// A touch from what a request says. Hosts in `own` are no referrers, nor are those of payment
    /// providers.
    pub fn read(at: UtcMs, address: &str, referrer: Option<&str>, own: &[&str]) -> Self {
        Self {
            at,
            utm: Utm::parse(address),
            referrer: referrer
                .and_then(referrer_host)
                .filter(|host| !own.iter().any(|own| same_site(host, own)) && !is_gateway(host)),
            landing: landing_path(address),
            code: None,
        }
    }

    /// The same with the code of the one who recommends.
    #[must_use]
    pub fn with_code(mut self, code: Option<&str>) -> Self {
        let code = code.map(clean_line).filter(|code| !code.is_empty());
        self.code = code.map(|code| code.chars().take(TAG_MAX).collect());
        self
    }

    /// Whether it says anything about where the visitor came from.
    pub fn is_direct(&self) -> bool {
        self.utm.is_empty() && self.referrer.is_none() && self.code.is_none()
    }
}

/// The host of a referring address, in lower case, without port and `www.`.
pub fn referrer_host(referrer: &str) -> Option<String> {
    let referrer = referrer.trim();
    let rest = referrer.split_once("://").map(|(_, rest)| rest)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let fits = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    (!host.is_empty() && host.len() <= 253 && host.chars().all(fits)).then(|| host.to_owned())
}

/// The path of an address, without host, query and fragment, cut where very long.
pub fn landing_path(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| {
        rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    let path = rest.split(['?', '#']).next().unwrap_or("/");
    let path: String = clean_line(path).chars().take(TAG_MAX).collect();
    if path.is_empty() { "/".to_owned() } else { path }
}

/// Whether a buyer comes back from there after paying: no one came from there.
fn is_gateway(host: &str) -> bool {
    channels::find(host).is_some_and(|known| known.kind == channels::Kind::Gateway)
}

fn same_site(host: &str, own: &str) -> bool {
    let own = own.strip_prefix("www.").unwrap_or(own);
    host == own || host.strip_suffix(own).is_some_and(|rest| rest.ends_with('.'))
}

/// What was encoded twice on its way, as links in mails are, is decoded twice.
fn decode_again(text: String) -> String {
    let is_hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let escaped = text.match_indices('%').any(|(at, _)| is_hex(at + 1) && is_hex(at + 2));
    if escaped { decode(&text) } else { text }
}

/// Percent and plus decoding that never fails: a bad escape stands as it is, bad UTF-8 becomes
/// U+FFFD.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: u8| char::from(byte).to_digit(16);
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                match (ahead.next().and_then(hex), ahead.next().and_then(hex)) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = ahead;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn the_recorded_addresses_give_their_tags() {
        let Some(cases) = test_data::text("tracking/utm_parse_cases.json") else { return };
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        for case in cases.as_array().unwrap() {
            let utm = Utm::parse(case["url"].as_str().unwrap());
            let got = serde_json::to_value(&utm).unwrap();
            for key in ["source", "medium", "campaign", "click_id"] {
                if let Some(wanted) = case.get(key) {
                    let got = got.get(key).unwrap_or(&serde_json::Value::Null);
                    // Values are kept in lower case, so that one campaign is one.
                    let wanted = match wanted.as_str() {
                        Some(text) => serde_json::Value::from(text.to_lowercase()),
                        None => wanted.clone(),
                    };
                    assert_eq!(*got, wanted, "{key} of {case}");
                }
            }
        }
    }

    #[test]
    fn tags_in_any_state_are_read_and_cut_and_never_refused() {
        let source = |query: &str| Utm::parse(&format!("https://x.test/?{query}")).source;
        assert_eq!(source("utm_source=spring%2520sale").as_deref(), Some("spring sale"));
        assert_eq!(source("amp%3Butm_source=NL").as_deref(), Some("nl"));
        assert_eq!(source("UTM_SOURCE=Facebook").as_deref(), Some("facebook"));
        assert_eq!(source("utm_source=100%25").as_deref(), Some("100%"));
        assert_eq!(source(&format!("utm_source={}", "a".repeat(100_000))).unwrap().len(), TAG_MAX);
        for hostile in ["%00%0d%0aSet-Cookie:x", "%ff%fe", "\u{202e}evil", "' or 1=1 --", "%%%"] {
            let kept = source(&format!("utm_source={hostile}")).unwrap_or_default();
            assert!(!kept.contains(|c: char| c.is_control()), "{hostile:?} {kept:?}");
        }
    }

    #[test]
    fn who_comes_back_from_paying_came_from_nowhere() {
        for host in ["checkout.stripe.com", "www.paypal.com", "3dsecure.io", "pay.google.com"] {
            let from = format!("https://{host}/done");
            assert!(Touch::read(UtcMs(1), "/", Some(&from), &[]).is_direct(), "{host}");
        }
    }

    #[test]
    fn a_touch_keeps_host_and_path_and_no_more() {
        let at = UtcMs(1);
        let touch = Touch::read(
            at,
            "https://shop.example/p/free?utm_source=NL&email=ann@x.test#top",
            Some("https://www.News.example:443/article?id=7"),
            &["shop.example"],
        );
        assert_eq!(touch.landing, "/p/free");
        assert_eq!(touch.referrer.as_deref(), Some("news.example"));
        assert_eq!(touch.utm.source.as_deref(), Some("nl"));
        assert!(!touch.is_direct());
        let own = Some("https://pay.shop.example/x");
        assert!(Touch::read(at, "/p/free", own, &["www.shop.example"]).is_direct());
        for (address, path) in
            [("", "/"), ("https://x.test", "/"), ("https://x.test?a", "/"), ("/a?b", "/a")]
        {
            assert_eq!(landing_path(address), path, "{address}");
        }
        for bad in ["", "about:blank", "https://", "https://a b/", "https://[::1]/"] {
            assert_eq!(referrer_host(bad), None, "{bad}");
        }
    }
}
