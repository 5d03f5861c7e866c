//! Clicks: was it a person, or a machine that reads mail for one?
//!
//! The rules need no address of the network, which is never stored: a client is told by its user
//! agent. They look at all clicks of one message together, so a burst marks its first click too.

use crate::bots;
pub use crate::bots::says_prefetch;
use crate::times::{MINUTE_MS, SECOND_MS, UtcMs};
use crate::words::words;

/// The index of the link no reader sees. It is left out of "all links".
pub const HIDDEN_LINK: u16 = 0;
/// No person clicks sooner than this after the mail was accepted.
pub const TOO_SOON_MS: i64 = 5 * SECOND_MS;
/// Three links of one mail by one client within this are a scanner's work.
pub const BURST_MS: i64 = 2 * SECOND_MS;
/// Links in one burst that make it one.
pub const BURST_LINKS: usize = 3;
/// All links of a mail within this, by whomever.
pub const ALL_LINKS_MS: i64 = 10 * SECOND_MS;
/// Who hits the hidden link is a machine this long before and after.
pub const HIDDEN_MS: i64 = 10 * MINUTE_MS;
/// How long an automation waits for the verdict to settle.
pub const VERDICT_WAIT_MS: i64 = 20 * SECOND_MS;

words! {
    /// Who clicked.
    Verdict "click_verdict" {
        /// A person: automations act on these alone.
        Human = "human",
        /// A scanner, a preview, a prefetch.
        Machine = "machine",
        /// Could be either.
        Unsure = "unsure",
    }
}

words! {
    /// Why the verdict is what it is.
    Reason "click_reason" {
        /// Nothing speaks against a person.
        Plain = "plain",
        /// A HEAD request, which no click makes.
        Head = "head",
        /// The browser said that it only fetches ahead.
        Prefetch = "prefetch",
        /// The user agent is a known scanner, or none.
        Agent = "agent",
        /// Too soon after the mail was accepted.
        TooSoon = "too_soon",
        /// The same client hit the hidden link.
        Hidden = "hidden",
        /// Many links at once by one client.
        Burst = "burst",
        /// All links of the mail at once.
        AllLinks = "all_links",
        /// Both links of a mail that has but two.
        BothLinks = "both_links",
        /// The mail is not known to have been accepted.
        NotAccepted = "not_accepted",
        /// One of more than a person makes in a mail.
        TooMany = "too_many",
    }
}

/// What is known of one click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Click<'a> {
    /// When it came.
    pub at: UtcMs,
    /// `GET`, `HEAD`, …
    pub method: &'a str,
    /// The user agent as sent; empty if none.
    pub user_agent: &'a str,
    /// Whether a header said prefetch: see [`says_prefetch`].
    pub prefetch: bool,
    /// Which link of the mail; [`HIDDEN_LINK`] for the hidden one.
    pub link: u16,
}

/// The verdict on each of `clicks`, all of one message. `links` counts its links without the
/// hidden one; `accepted_at` is when a server took the message.
pub fn judge(
    accepted_at: Option<UtcMs>,
    links: usize,
    clicks: &[Click<'_>],
) -> Vec<(Verdict, Reason)> {
    clicks.iter().map(|click| judge_one(accepted_at, links, clicks, click)).collect()
}

fn judge_one(
    accepted_at: Option<UtcMs>,
    links: usize,
    all: &[Click<'_>],
    click: &Click<'_>,
) -> (Verdict, Reason) {
    let machine = |reason| (Verdict::Machine, reason);
    if click.method.eq_ignore_ascii_case("HEAD") {
        return machine(Reason::Head);
    }
    if click.prefetch {
        return machine(Reason::Prefetch);
    }
    if click.link == HIDDEN_LINK {
        return machine(Reason::Hidden);
    }
    if is_scanner(click.user_agent) {
        return machine(Reason::Agent);
    }
    if accepted_at.is_some_and(|accepted| click.at.since_ms(accepted) < TOO_SOON_MS) {
        return machine(Reason::TooSoon);
    }
    let same = |other: &&Click<'_>| other.user_agent == click.user_agent;
    let trapped = |other: &Click<'_>| {
        other.link == HIDDEN_LINK && other.at.since_ms(click.at).abs() <= HIDDEN_MS
    };
    if all.iter().filter(same).any(trapped) {
        return machine(Reason::Hidden);
    }
    if widest(all.iter().filter(same), click, BURST_MS) >= BURST_LINKS {
        return machine(Reason::Burst);
    }
    if links > 1 && widest(all.iter(), click, ALL_LINKS_MS) >= links {
        // Both links of two is within a person's reach.
        if links >= BURST_LINKS {
            return machine(Reason::AllLinks);
        }
        return (Verdict::Unsure, Reason::BothLinks);
    }
    if accepted_at.is_none() {
        return (Verdict::Unsure, Reason::NotAccepted);
    }
    if !is_browser(click.user_agent) {
        return (Verdict::Unsure, Reason::Agent);
    }
    (Verdict::Human, Reason::Plain)
}

/// The most distinct links in any stretch of `span_ms` that holds `click`.
fn widest<'a>(
    clicks: impl Iterator<Item = &'a Click<'a>>,
    click: &Click<'_>,
    span_ms: i64,
) -> usize {
    let near: Vec<&Click<'_>> = clicks
        .filter(|other| other.link != HIDDEN_LINK)
        .filter(|other| other.at.since_ms(click.at).abs() <= span_ms)
        .collect();
    let starts = near.iter().map(|other| other.at).filter(|start| *start <= click.at);
    starts
        .map(|start| {
            let mut seen: Vec<u16> = near
                .iter()
                .filter(|other| (0..=span_ms).contains(&other.at.since_ms(start)))
                .map(|other| other.link)
                .collect();
            seen.sort_unstable();
            seen.dedup();
            seen.len()
        })
        .max()
        .unwrap_or(0)
}

/// Pieces of user agents of those who read mail for others, in lower case. All other machines are
/// known by [`crate::bots`].
const SCANNERS: &[&str] = &[
    "existence discovery",
    "ms-office",
    "puppeteer",
    "barracuda",
    "mimecast",
    "proofpoint",
    "symantec",
    "ironport",
    "messagelabs",
    "trendmicro",
    "forcepoint",
    "safelinks",
    "googleimageproxy",
    "yahoomailproxy",
    "urlscan",
    "virustotal",
    "fetcher",
    "scrap",
    "uptime",
    "webdriver",
];

/// How the user agents of browsers begin.
const BROWSERS: &[&str] = &["Mozilla/5.0 (", "Mozilla/4.0 (", "Opera/", "Dalvik/"];

/// Whether the user agent is that of a scanner, a preview or a program, or is none.
pub fn is_scanner(user_agent: &str) -> bool {
    let agent = user_agent.trim();
    // Apple's prefetch sends the bare first word; a doubled one is a known scanner's slip.
    if agent.is_empty() || agent == "Mozilla/5.0" || agent.ends_with("Edge/12.246 Mozilla/5.0") {
        return true;
    }
    let lower = agent.to_ascii_lowercase();
    SCANNERS.iter().any(|piece| lower.contains(piece)) || bots::is_bot(agent)
}

/// Whether the user agent has the form of a browser's: what has not may be a person's app.
pub fn is_browser(user_agent: &str) -> bool {
    let agent = user_agent.trim();
    let odd = agent.contains("(compatible; ") && !agent.contains("MSIE");
    !odd && BROWSERS.iter().any(|start| agent.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/122.0.0.0 Safari/537.36";
    const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) Safari/604.1";

    fn click(at_ms: i64, link: u16, user_agent: &str) -> Click<'_> {
        Click { at: UtcMs(at_ms), method: "GET", user_agent, prefetch: false, link }
    }

    fn verdicts(links: usize, clicks: &[Click<'_>]) -> Vec<(Verdict, Reason)> {
        judge(Some(UtcMs(0)), links, clicks)
    }

    const HUMAN: (Verdict, Reason) = (Verdict::Human, Reason::Plain);

    #[test]
    fn l03_what_no_click_makes_is_a_machine() {
        let mut head = click(60_000, 1, CHROME);
        head.method = "HEAD";
        let mut ahead = click(60_000, 1, CHROME);
        ahead.prefetch = says_prefetch("Sec-Purpose", "prefetch;prerender");
        let clicks = [head, ahead, click(60_000, 1, ""), click(60_000, 1, "Mozilla/5.0")];
        let reasons: Vec<Reason> = verdicts(4, &clicks).into_iter().map(|(_, why)| why).collect();
        assert_eq!(reasons, [Reason::Head, Reason::Prefetch, Reason::Agent, Reason::Agent]);
        assert!(!says_prefetch("Accept", "prefetch"));
    }

    #[test]
    fn l04_a_burst_is_marked_backwards_and_a_person_after_it_still_counts() {
        let clicks = [
            click(60_000, 1, CHROME),
            click(60_900, 2, CHROME),
            click(61_800, 3, CHROME),
            click(90_000, 2, PHONE),
            click(3_600_000, 2, CHROME),
        ];
        let burst = (Verdict::Machine, Reason::Burst);
        assert_eq!(verdicts(5, &clicks), [burst, burst, burst, HUMAN, HUMAN]);
        let slower: Vec<Click<'_>> =
            clicks.iter().take(3).map(|one| click(one.at.0 * 3, one.link, CHROME)).collect();
        assert!(verdicts(3, &slower).iter().all(|one| one.1 == Reason::AllLinks));
        assert!(verdicts(4, &slower).iter().all(|one| *one == HUMAN));
    }

    #[test]
    fn l04_the_hidden_link_and_haste_give_a_machine_away() {
        let clicks =
            [click(60_000, 0, CHROME), click(100_000, 2, CHROME), click(100_000, 2, PHONE)];
        let hidden = (Verdict::Machine, Reason::Hidden);
        assert_eq!(verdicts(4, &clicks), [hidden, hidden, HUMAN]);
        let haste = verdicts(4, &[click(4_999, 1, CHROME), click(5_000, 1, PHONE)]);
        assert_eq!(haste, [(Verdict::Machine, Reason::TooSoon), HUMAN]);
    }

    #[test]
    fn what_could_be_either_is_unsure() {
        let both = [click(60_000, 1, PHONE), click(64_000, 2, PHONE)];
        assert!(verdicts(2, &both).iter().all(|one| one.0 == Verdict::Unsure));
        assert_eq!(
            verdicts(1, &[click(60_000, 1, PHONE), click(60_500, 1, PHONE)]),
            [HUMAN, HUMAN]
        );
        assert_eq!(
            judge(None, 3, &[click(1, 1, PHONE)])[0],
            (Verdict::Unsure, Reason::NotAccepted)
        );
    }

    #[test]
    fn the_recorded_stream_gives_its_humans_and_no_others() {
        let Some(stream) = test_data::text("tracking/mailbot_stream.jsonl") else { return };
        let Some(expected) = test_data::text("tracking/mailbot_stream_expected.json") else {
            return;
        };
        let expected: serde_json::Value = serde_json::from_str(&expected).unwrap();
        let events: Vec<serde_json::Value> =
            stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let ms = |text: &serde_json::Value| {
            UtcMs::from(text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap())
        };
        let mut by_message: std::collections::BTreeMap<&str, Vec<&serde_json::Value>> =
            std::collections::BTreeMap::new();
        for event in events.iter().filter(|event| event["kind"] == "click") {
            by_message.entry(event["message"].as_str().unwrap()).or_default().push(event);
        }
        let mut human_messages = 0;
        for (message, events) in &by_message {
            let clicks: Vec<Click<'_>> = events
                .iter()
                .map(|event| Click {
                    at: ms(&event["t"]),
                    method: event["method"].as_str().unwrap(),
                    user_agent: event["ua"].as_str().unwrap(),
                    prefetch: event["headers"].as_object().unwrap().iter().any(|(name, value)| {
                        says_prefetch(name, value.as_str().unwrap_or_default())
                    }),
                    link: u16::try_from(event["link"].as_u64().unwrap()).unwrap(),
                })
                .collect();
            let verdicts = judge(Some(ms(&events[0]["delivered"])), 4, &clicks);
            for (event, (verdict, reason)) in events.iter().zip(&verdicts) {
                let wanted =
                    if event["label"] == "human" { Verdict::Human } else { Verdict::Machine };
                assert_eq!(*verdict, wanted, "{message} {reason} {event}");
            }
            human_messages += usize::from(verdicts.iter().any(|one| one.0 == Verdict::Human));
        }
        assert_eq!(by_message.len(), 44);
        assert_eq!(
            Some(u64::try_from(human_messages).unwrap()),
            expected["unique_messages_clicked_human"].as_u64()
        );
    }

    #[test]
    fn user_agents_of_machines_are_known_and_those_of_people_left_alone() {
        if let Some(signatures) = test_data::text("tracking/mailbot_signatures.json") {
            let signatures: serde_json::Value = serde_json::from_str(&signatures).unwrap();
            for rule in signatures["ua_rules"].as_array().unwrap() {
                assert!(is_scanner(rule["example"].as_str().unwrap()), "{rule}");
            }
        }
        let Some(fixture) = test_data::text("tracking/isbot_fixture.json") else { return };
        let fixture: serde_json::Value = serde_json::from_str(&fixture).unwrap();
        let agents = |side: &str| -> Vec<String> {
            let list = fixture[side].as_array().unwrap();
            list.iter().map(|agent| agent.as_str().unwrap().to_owned()).collect()
        };
        let bots = agents("bot");
        let passed: Vec<_> = bots.iter().filter(|a| !is_scanner(a) && is_browser(a)).collect();
        assert!(passed.len() * 100 <= bots.len() * 15, "{} of {}", passed.len(), bots.len());
        let people = agents("human");
        let blamed: Vec<_> = people.iter().filter(|agent| is_scanner(agent)).collect();
        assert!(blamed.len() * 100 <= people.len() * 3, "{blamed:#?}");
    }
}
