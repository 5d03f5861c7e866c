//! The hosts and names we know: search engines, networks, assistants, mail in the browser,
//! marketplaces, gateways of payment. Most are vendored (`vendor/referers`), the rest our own.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Vendored: see `vendor/vendor.toml`.
const VENDORED: &str = include_str!("../../vendor/referers/hosts.txt");
/// Ours: what the other does not know, and names people write into `utm_source`.
const OWN: &str = include_str!("hosts.txt");

/// What kind of site a source or a referring host is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A search engine.
    Search,
    /// A network of people.
    Social,
    /// Films.
    Video,
    /// A marketplace.
    Shopping,
    /// Mail read in a browser or an app.
    Mail,
    /// A machine that answers questions.
    Assistant,
    /// A network of ads.
    Ads,
    /// Where one pays, and comes back from: no one's origin.
    Gateway,
    /// Known by name, and none of these.
    Plain,
}

/// A site that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What kind of site it is.
    pub kind: Kind,
    /// Its name; empty where only the kind shows.
    pub name: &'static str,
}

#[derive(Debug, Default)]
struct Lists {
    /// By the host, which stands for those under it.
    own: HashMap<&'static str, Known>,
    vendored: HashMap<&'static str, Known>,
    /// By the label before the top level.
    brands: HashMap<&'static str, Known>,
    /// By the whole name in lower case.
    names: HashMap<String, Known>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(Lists::read);

impl Lists {
    fn read() -> Self {
        let mut lists = Self::default();
        for (known, hosts) in lines(VENDORED) {
            // People write the name of a network into `utm_source`; names of search engines are too
            // often words of every day.
            if known.kind == Kind::Social && !known.name.contains(' ') {
                lists.names.entry(known.name.to_lowercase()).or_insert(known);
            }
            lists.vendored.extend(hosts.split(' ').map(|host| (host, known)));
        }
        for (known, hosts) in lines(OWN) {
            for host in hosts.split(' ') {
                match host.strip_prefix('*') {
                    Some(brand) => lists.brands.insert(brand, known),
                    None => lists.own.insert(host, known),
                };
            }
        }
        lists
    }
}

fn lines(text: &'static str) -> impl Iterator<Item = (Known, &'static str)> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.split('\t');
        let (kind, name, hosts) = (parts.next()?, parts.next()?, parts.next()?);
        Some((Known { kind: Kind::read(kind), name }, hosts))
    })
}

impl Kind {
    fn read(word: &str) -> Self {
        match word {
            "search" => Self::Search,
            "social" => Self::Social,
            "video" => Self::Video,
            "shopping" => Self::Shopping,
            "email" => Self::Mail,
            "assistant" => Self::Assistant,
            "paid" => Self::Ads,
            "gateway" => Self::Gateway,
            _ => Self::Plain,
        }
    }
}

/// What is known of a source's name (`facebook`), of a host, or of an app
/// (`com.reddit.frontpage`), all in lower case.
pub fn find(name: &str) -> Option<Known> {
    let name = name.trim();
    let lists = &*LISTS;
    let brand = lists.brands.get(brand(name)).copied();
    let before_hosts = |known: &Known| {
        matches!(known.kind, Kind::Video | Kind::Shopping | Kind::Gateway | Kind::Assistant)
    };
    above(&lists.own, name)
        .or_else(|| brand.filter(before_hosts))
        .or_else(|| above(&lists.vendored, name))
        .or(brand)
        .or_else(|| lists.names.get(name).copied())
        .or_else(|| by_label(name))
}

/// The entry of the host itself or of the nearest one above it.
fn above(list: &HashMap<&'static str, Known>, host: &str) -> Option<Known> {
    let mut rest = Some(host);
    while let Some(at) = rest {
        if let Some(known) = list.get(at) {
            return Some(*known);
        }
        rest = at.split_once('.').map(|(_, above)| above);
    }
    None
}

/// By what many providers call a part of theirs: `webmail.…`, `suche.…`.
fn by_label(host: &str) -> Option<Known> {
    let (first, rest) = host.split_once('.')?;
    let of = |kind| Some(Known { kind, name: "" });
    let under = rest.contains('.');
    if host.starts_with("deref-") || (under && is_mail_label(first)) {
        return of(Kind::Mail);
    }
    if ["mastodon", "mstdn", "masto", "lemmy"].iter().any(|word| first.starts_with(word)) {
        return of(Kind::Social);
    }
    let searches = |label: &str| {
        ["search", "suche", "recherche"].iter().any(|word| label.starts_with(word))
            || label.ends_with("search")
    };
    if searches(first) || (under && rest.split('.').any(searches)) {
        return of(Kind::Search);
    }
    None
}

fn is_mail_label(label: &str) -> bool {
    label.contains("mail") || label.starts_with("messagerie") || label == "correo"
}

/// The name before the top level: `google` of `www.google.co.uk`, `reddit` of
/// `com.reddit.frontpage`. A name without dots is its own.
fn brand(name: &str) -> &str {
    let labels: Vec<&str> = name.split('.').collect();
    match labels.as_slice() {
        [] | [_] => name,
        // An app's name is turned round.
        ["com" | "org" | "net" | "co" | "jp" | "de", brand, _, ..] => brand,
        [.., brand, "co" | "com" | "org" | "net", top] if top.len() == 2 => brand,
        [.., brand, _] => brand,
    }
}

/// What the hosts of referrer spam have in them. It advertises to the owner by pretending that
/// people come from there; no list of it could be had from a registry, so these are the families
/// that are long known by name, and the words their successors use.
const SPAM: &[&str] = &[
    "semalt",
    "darodar",
    "ilovevitaly",
    "buttons-for",
    "share-button",
    "social-button",
    "-seo-",
    "seo-",
    "traffic2",
    "traffic-",
    "-traffic",
    "trafficmonetize",
    "trafficgenius",
    "free-website",
    "website-analy",
    "site-audit",
    "webmonetizer",
    "monetizationking",
    "rankings-analytics",
    "rank-checker",
    "rankchecker",
    "best-offers",
    "googlsucks",
    "get-seo",
    "success-seo",
    "o-o-6-o-o",
    "o-o-8-o-o",
    "e-buyeasy",
    "eurocredit",
    "7makemoney",
    "makemoney",
    "make-money",
    "social-traffic",
    "event-tracking",
    "guardlink",
    "hulfington",
    "keywords-monitoring",
    "law-check",
    "law-enforcement",
    "qualitymarketzone",
    "responsive-test",
    "videos-for-your-business",
    "viagra",
    "cialis",
    "casino",
    "porno",
    "kambasoft",
    "savetubevideo",
    "-bitcoin",
    "cookie-law-enforcement",
];

/// Whether a referring host is one that only pretends.
pub fn is_spam(host: &str) -> bool {
    find(host).is_none() && SPAM.iter().any(|word| host.contains(word))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::sources::referrer_host;
    use crate::test_data;

    fn kind(name: &str) -> Option<Kind> {
        find(name).map(|known| known.kind)
    }

    fn share(what: &str, hits: usize, all: usize, floor: usize) {
        // Straight to stderr: the harness swallows `println!`.
        let _ = writeln!(std::io::stderr(), "{what}: {hits} of {all} known");
        assert!(hits * 100 >= all * floor, "{what}: {hits} of {all}, wanted {floor} %");
    }

    #[test]
    fn the_nearest_entry_decides() {
        assert_eq!(kind("www.google.co.uk"), Some(Kind::Search));
        assert_eq!(kind("support.google.com"), Some(Kind::Plain));
        assert_eq!(kind("gemini.google.com"), Some(Kind::Assistant));
        assert_eq!(kind("mail.google.com"), Some(Kind::Mail));
        assert_eq!(kind("m.youtube.com"), Some(Kind::Video));
        assert_eq!(kind("linkedin"), Some(Kind::Social));
        assert_eq!(kind("com.reddit.frontpage"), Some(Kind::Social));
        assert_eq!(kind("amazon.de"), Some(Kind::Shopping));
        assert_eq!(kind("checkout.stripe.com"), Some(Kind::Gateway));
        assert_eq!(kind("trc.taboola.com"), Some(Kind::Ads));
        assert_eq!(kind("blog.example"), None);
        assert_eq!(find("google.de").unwrap().name, "Google");
    }

    #[test]
    fn every_line_of_the_lists_is_read() {
        for text in [VENDORED, OWN] {
            let wanted = text.lines().filter(|line| !line.starts_with('#')).count();
            assert_eq!(lines(text).count(), wanted);
            assert!(!text.contains("  ") && !text.contains(" \n"));
        }
    }

    /// The hosts of a list in the form of Matomo's; `{}` stands for any top level.
    fn matomo(path: &str) -> Option<Vec<String>> {
        let text = test_data::text(path)?;
        let (mut hosts, mut inside) = (Vec::new(), true);
        for line in text.lines() {
            let entry = line.trim();
            let simple = !text.contains("urls:");
            if entry.ends_with(':') {
                inside = simple || entry == "urls:";
            } else if let Some(host) = entry.strip_prefix("- ").filter(|_| inside) {
                let host = host.trim_matches('\'').replace("{}", "de");
                let host = host.split('/').next().unwrap_or_default();
                hosts.push(host.strip_prefix("www.").unwrap_or(host).to_lowercase());
            }
        }
        hosts.sort();
        hosts.dedup();
        Some(hosts)
    }

    #[test]
    fn most_hosts_of_other_lists_are_known_as_what_they_are() {
        for (file, kinds, floor) in [
            ("SearchEngines", &[Kind::Search, Kind::Assistant, Kind::Shopping][..], 75),
            ("Socials", &[Kind::Social, Kind::Video][..], 70),
            ("AIAssistants", &[Kind::Assistant][..], 85),
        ] {
            let Some(hosts) = matomo(&format!("tracking/matomo_{file}.yml")) else { return };
            let known =
                hosts.iter().filter(|host| kind(host).is_some_and(|kind| kinds.contains(&kind)));
            share(file, known.count(), hosts.len(), floor);
        }
    }

    #[test]
    fn the_recorded_referrers_have_their_medium_and_name() {
        let Some(cases) = test_data::text("tracking/referer-tests.json") else { return };
        let cases: serde_json::Value = serde_json::from_str(&cases).unwrap();
        let (mut all, mut kinds, mut names) = (0, 0, 0);
        for case in cases.as_array().unwrap() {
            let Some(host) = referrer_host(case["uri"].as_str().unwrap()) else { continue };
            let Some(medium) = case["medium"].as_str().filter(|_| case["known"] == true) else {
                continue;
            };
            let wanted: &[Kind] = match medium {
                "search" => &[Kind::Search, Kind::Shopping, Kind::Assistant],
                "social" => &[Kind::Social, Kind::Video],
                "email" => &[Kind::Mail],
                "paid" => &[Kind::Ads],
                "chatbot" => &[Kind::Assistant],
                "unknown" => &[Kind::Plain],
                _ => continue,
            };
            all += 1;
            let found = find(&host);
            if found.is_some_and(|known| wanted.contains(&known.kind)) {
                kinds += 1;
            } else {
                let _ = writeln!(std::io::stderr(), "{host}: {found:?}, not {medium}");
            }
            names += usize::from(found.is_some_and(|known| case["source"] == known.name));
        }
        share("referrers' medium", kinds, all, 85);
        share("referrers' name", names, all, 60);
    }

    #[test]
    fn referrer_spam_is_told_from_sites() {
        let Some(list) = test_data::text("tracking/matomo_referrer_spam.txt") else { return };
        let all = list.lines().count();
        share("spam", list.lines().filter(|host| is_spam(host)).count(), all, 8);
        for file in ["SearchEngines", "Socials", "AIAssistants"] {
            let hosts = matomo(&format!("tracking/matomo_{file}.yml")).unwrap();
            let blamed: Vec<_> = hosts.iter().filter(|host| is_spam(host)).collect();
            assert!(blamed.is_empty(), "{blamed:?}");
        }
        assert!(is_spam("best-seo-offer.example") && !is_spam("seoul.example"));
    }
}
