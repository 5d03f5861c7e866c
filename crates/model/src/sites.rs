//! Sites: one brand each, with its domain, sender, currency and time zone.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Refused;
use crate::money::{Rate, WHOLE_PPM};
use crate::sending::SendingSettings;
use crate::taxes::{Country, TaxMode, TaxRule};
use crate::{SiteId, UtcMs};

/// One brand.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its short name in commands and files.
    pub slug: String,
    /// Its name as customers read it.
    pub name: String,
    /// Where its public pages live, without a slash at the end: `https://shop.example`.
    pub base_url: String,
    /// The name mail comes from.
    pub sender_name: String,
    /// The address mail comes from.
    pub sender_address: String,
    /// Where replies go, if elsewhere.
    pub reply_to: Option<String>,
    /// The postal address that marketing mail must carry.
    pub postal_address: String,
    /// ISO 4217 code of its prices.
    pub currency: String,
    /// IANA name of its time zone.
    pub timezone: String,
    /// BCP 47 tag of its pages and mails.
    pub language: String,
    /// What may be set besides.
    pub settings: SiteSettings,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

/// What may be set for a site besides its name; each has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteSettings {
    /// Sales and back-end mails a contact may get in seven days.
    pub sales_mails_per_week: u32,
    /// Slug of the page served at `/`.
    pub home_page: Option<String>,
    /// Pages linked in the footer: label and slug, in alphabetical order of their labels.
    pub legal_pages: BTreeMap<String, String>,
    /// Colours and fonts of the public pages, by token name.
    pub theme: BTreeMap<String, String>,
    /// Whether prices include tax.
    pub prices_include_tax: bool,
    /// Tax rate in millionths by country code; `*` stands for every other country.
    pub tax_ppm: BTreeMap<String, i64>,
    /// Days after which a pending contact is purged.
    pub pending_days: u32,
    /// Confirmation mails an hour; more answers wait to be released. Absent: 200, or five times
    /// what is usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmations_per_hour: Option<u32>,
    /// Days a referral is held before it counts.
    pub referral_hold_days: u32,
    /// Whether to keep a signed cookie for partner and referral codes.
    pub referral_cookie: bool,
    /// Whether the built-in test cards are taken: they move no money.
    pub test_payments: bool,
    /// Whether one can pay by bank transfer or cash.
    pub offline_payments: bool,
    /// What a buyer who pays so is told: the account, the reference.
    pub offline_instructions: String,
    /// Other sites whose views are counted here, as `https://blog.example`.
    pub view_origins: Vec<String>,
    /// How its mail leaves.
    pub sending: SendingSettings,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            sales_mails_per_week: 1,
            home_page: None,
            legal_pages: BTreeMap::new(),
            theme: BTreeMap::new(),
            prices_include_tax: true,
            tax_ppm: BTreeMap::new(),
            pending_days: 30,
            confirmations_per_hour: None,
            referral_hold_days: 30,
            referral_cookie: false,
            test_payments: true,
            offline_payments: true,
            offline_instructions: String::new(),
            view_origins: Vec::new(),
            sending: SendingSettings::default(),
        }
    }
}

impl SiteSettings {
    /// How an order of a buyer there is taxed: by line, at the country's rate or that of `*`.
    pub fn tax_rule(&self, country: Option<Country>) -> TaxRule {
        let listed = country.and_then(|country| self.tax_ppm.get(country.as_str()));
        let ppm = listed.or_else(|| self.tax_ppm.get("*")).copied().unwrap_or(0);
        let most = i64::from(WHOLE_PPM);
        TaxRule {
            rate: Rate { ppm: u32::try_from(ppm.clamp(0, most)).unwrap_or(0) },
            mode: if self.prices_include_tax { TaxMode::Inclusive } else { TaxMode::Exclusive },
        }
    }
}

impl Site {
    /// The absolute address of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// The slug of the page at `/`.
    pub fn home_slug(&self) -> &str {
        self.settings.home_page.as_deref().unwrap_or("home")
    }

    /// The absolute address of `path` in the admin, which may have a host of its own.
    pub fn admin_url(&self, admin_host: Option<&str>, path: &str) -> String {
        let Some(host) = admin_host else { return self.url(path) };
        let (scheme, place) = self.base_url.split_once("://").unwrap_or(("https", ""));
        match place.rsplit_once(':') {
            Some((_, port)) => format!("{scheme}://{host}:{port}{path}"),
            None => format!("{scheme}://{host}{path}"),
        }
    }

    /// The host name its links lead to.
    pub fn host(&self) -> &str {
        host_of(&self.base_url)
    }

    /// The domain mail comes from.
    pub fn sender_domain(&self) -> &str {
        self.sender_address.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
    }
}

/// Refuses where a site cannot live: links in mails begin with its base address, and a sign-in
/// crosses the net under it. On the machine itself plain http will do.
///
/// # Errors
/// `base_url_invalid`.
pub fn check_base_url(url: &str) -> Result<(), Refused> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = host_of(url);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let local = host == "localhost"
        || host.ends_with(".localhost")
        || address.as_ref().is_ok_and(IpAddr::is_loopback);
    let is_name = host.contains('.') && address.is_err();
    let far = scheme == "https" && is_name;
    let near = local && matches!(scheme, "http" | "https");
    let odd = |c: char| matches!(c, '/' | '?' | '#' | '@' | '\\') || c.is_whitespace();
    if (far || near) && !rest.contains(odd) {
        return Ok(());
    }
    let say = "write https:// and the name of your domain, with nothing after it: \
               https://shop.example";
    Err(Refused::new("base_url_invalid", say).at("base_url"))
}

/// The host name of a base address, without its port.
pub fn host_of(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_lives_on_https_under_a_name_or_on_this_machine() {
        let good = [
            "https://shop.example",
            "https://shop.example:8443",
            "http://localhost:8095",
            "http://second.localhost",
            "http://127.0.0.1:8095",
            "http://[::1]:8095",
        ];
        for url in good {
            assert_eq!(check_base_url(url), Ok(()), "{url}");
        }
        let bad = [
            "http://shop.example",
            "https://203.0.113.9",
            "https://shop.example/shop",
            "https://shop.example/",
            "https://me@shop.example",
            "https://shop",
            "ftp://localhost",
            "shop.example",
            "",
        ];
        for url in bad {
            assert!(check_base_url(url).is_err(), "{url}");
        }
        assert_eq!(host_of("http://127.0.0.1:8095"), "127.0.0.1");
        assert_eq!(host_of("https://shop.example"), "shop.example");
    }

    #[test]
    fn tax_is_the_countrys_or_that_of_all_others() {
        let settings = SiteSettings {
            tax_ppm: BTreeMap::from([("DE".to_owned(), 190_000), ("*".to_owned(), 70_000)]),
            ..SiteSettings::default()
        };
        let rate = |code: &str| settings.tax_rule(Country::parse(code).ok()).rate.ppm;
        assert_eq!((rate("DE"), rate("FR"), rate("??")), (190_000, 70_000, 70_000));
        assert_eq!(SiteSettings::default().tax_rule(None).rate, Rate::ZERO);
        assert_eq!(settings.tax_rule(None).mode, TaxMode::Inclusive);
    }
}
