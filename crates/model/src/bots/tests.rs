//! Bots and people, and how many of each are taken for the other.

use std::io::Write;

use super::*;
use crate::test_data;

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
     Gecko) Chrome/142.0.0.0 Safari/537.36";
const OLD_CHROME: &str = "Mozilla/5.0 (Windows NT 6.1) AppleWebKit/537.36 (KHTML, like Gecko) \
     Chrome/49.0.2623.112 Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) \
     AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn person(user_agent: &str) -> Asking<'_> {
    Asking {
        method: "GET",
        user_agent,
        accept: HTML,
        accept_language: "de,en;q=0.5",
        fetch_mode: "navigate",
        prefetch: false,
        connection: Connection::Trusted,
    }
}

#[test]
fn people_are_counted() {
    for agent in [CHROME, IPHONE, FIREFOX, OLD_CHROME] {
        assert_eq!(left_out(&person(agent)), None, "{agent}");
    }
    let old = Asking { fetch_mode: "", ..person(OLD_CHROME) };
    assert_eq!(left_out(&old), None, "it never said how a request came about");
    let plain = Asking { fetch_mode: "", connection: Connection::Plain, ..person(CHROME) };
    assert_eq!(left_out(&plain), None, "over plain http no browser says it");
}

#[test]
fn a_borrowed_name_is_given_away_by_what_it_leaves_out() {
    let headers = Some(LeftOut::Headers);
    assert_eq!(left_out(&Asking { accept_language: "", ..person(CHROME) }), headers);
    assert_eq!(left_out(&Asking { accept: "*/*", ..person(FIREFOX) }), headers);
    assert_eq!(left_out(&Asking { accept: "", ..person(IPHONE) }), headers);
    assert_eq!(left_out(&Asking { fetch_mode: "", ..person(CHROME) }), headers);
    assert_eq!(left_out(&Asking { fetch_mode: "", ..person(IPHONE) }), headers);
    assert_eq!(left_out(&Asking { fetch_mode: "no-cors", ..person(CHROME) }), headers);
}

#[test]
fn what_nobody_looks_at_is_not_counted() {
    assert_eq!(left_out(&Asking { method: "HEAD", ..person(CHROME) }), Some(LeftOut::Head));
    let ahead =
        Asking { prefetch: says_prefetch("Sec-Purpose", "prefetch;prerender"), ..person(CHROME) };
    assert_eq!(left_out(&ahead), Some(LeftOut::Ahead));
    assert!(says_prefetch("X-Moz", "prefetch") && !says_prefetch("Accept", "prefetch"));
    for agent in ["", "Mozilla/5.0", "curl/8.9.1", "python-requests/2.32", "Wget/1.21", "Java/17"] {
        assert_eq!(left_out(&person(agent)), Some(LeftOut::Agent), "{agent}");
    }
    let headless = CHROME.replace("Chrome/", "HeadlessChrome/");
    assert_eq!(left_out(&person(&headless)), Some(LeftOut::Agent));
    assert!(left_out_of_reports("Googlebot/2.1 (+http://www.google.com/bot.html)").is_some());
    assert!(left_out_of_reports(CHROME).is_none());
}

#[test]
fn names_with_innocent_words_are_people() {
    for agent in [
        "Mozilla/5.0 (Linux; Android 12; CUBOT C30) AppleWebKit/537.36 Chrome/120.0 Mobile",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/141.0 GoogleApp/14.1",
        "Mozilla/5.0 (Windows NT 10.0; rv:60.0) Gecko/20100101 Thunderbird/60.7.0 Lightning/6.2.7",
        "Opera/9.80 (Windows NT 6.0) Presto/2.12.388 Version/12.14",
    ] {
        assert!(!is_bot(agent), "{agent}");
    }
    let long = "ä".repeat(5_000);
    assert!(is_bot(&long), "and absurd ones are no people");
}

fn list(fixture: &serde_json::Value, side: &str) -> Vec<String> {
    let list = fixture[side].as_array().unwrap();
    list.iter().map(|agent| agent.as_str().unwrap().to_owned()).collect()
}

/// Straight to stderr: the harness swallows `println!`.
fn print(what: &str, found: usize, all: usize) {
    let _ = writeln!(std::io::stderr(), "{what}: {found} of {all}");
}

#[test]
fn nearly_all_recorded_bots_are_found_by_name_and_nearly_no_people() {
    let Some(fixture) = test_data::text("tracking/isbot_fixture.json") else { return };
    let fixture: serde_json::Value = serde_json::from_str(&fixture).unwrap();
    let (bots, people) = (list(&fixture, "bot"), list(&fixture, "human"));
    let missed: Vec<_> = bots.iter().filter(|agent| !is_bot(agent)).collect();
    let blamed: Vec<_> = people.iter().filter(|agent| is_bot(agent)).collect();
    print("bots found by name", bots.len() - missed.len(), bots.len());
    print("people left out by name", blamed.len(), people.len());
    assert!(missed.len() * 100 <= bots.len() * 3, "{missed:#?}");
    assert!(blamed.len() * 100 <= people.len(), "{blamed:#?}");
}

#[test]
fn nearly_all_recorded_crawlers_are_found_by_name() {
    let Some(crawlers) = test_data::text("tracking/crawler-user-agents.json") else { return };
    let crawlers: serde_json::Value = serde_json::from_str(&crawlers).unwrap();
    let agents: Vec<String> =
        crawlers.as_array().unwrap().iter().flat_map(|one| list(one, "instances")).collect();
    let missed: Vec<_> = agents.iter().filter(|agent| !is_bot(agent)).collect();
    print("crawlers found by name", agents.len() - missed.len(), agents.len());
    assert!(missed.len() * 100 <= agents.len() * 2, "{missed:#?}");
}

/// A library that borrows a browser's whole name is in no list; what it leaves out tells, while
/// every person whose browser asks as it does is counted.
#[test]
fn behaviour_finds_those_no_list_knows() {
    let unknown = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
         Gecko) Chrome/131.0.0.0 Safari/537.36";
    assert!(!is_bot(unknown));
    let library = Asking { accept: "*/*", accept_language: "", fetch_mode: "", ..person(unknown) };
    assert_eq!(left_out(&library), Some(LeftOut::Headers));
    let Some(fixture) = test_data::text("tracking/isbot_fixture.json") else { return };
    let fixture: serde_json::Value = serde_json::from_str(&fixture).unwrap();
    let people = list(&fixture, "human");
    let blamed = people.iter().filter(|agent| left_out(&person(agent)).is_some()).count();
    print("people left out by name and headers", blamed, people.len());
    assert!(blamed * 100 <= people.len());
}

#[test]
fn the_vendored_lists_are_still_what_was_taken() {
    use sha2::{Digest, Sha256};
    let text = include_str!("../../vendor/vendor.toml");
    let files = [
        ("referers/hosts.txt", &include_bytes!("../../vendor/referers/hosts.txt")[..]),
        ("crawlers/crawler-user-agents.txt", AS_WRITTEN.as_bytes()),
        ("crawlers/isbot.txt", ANY_CASE.as_bytes()),
    ];
    for (path, bytes) in files {
        let (_, entry) = text.split_once(&format!("path = \"{path}\"\nsha256 = \"")).unwrap();
        let sum: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert!(entry.starts_with(&sum), "{path}: mend vendor.toml if this change is meant");
    }
}
