//! `/admin/numbers/…`: what it costs and what it brings. Every figure opens to its rows, every
//! picture has its table, its formula and a CSV file.

use jiff::civil::Date;
use model::spans::{Span, day_of};
use model::{UtcMs, Zone};
use serde::{Deserialize, Deserializer};

use crate::extract::operator::CurrentOperator;
use crate::frame::Crumb;

pub mod attribution;
pub mod cohorts;
pub mod compare;
pub mod customers;
pub mod journeys;
pub(crate) mod narrow;
pub mod payback;
pub mod reconciliation;
pub mod report;
pub mod revenue;
pub mod rfm;
pub mod roads;
pub mod rows;
pub mod sheet;
pub mod simulator;
pub mod spend;
pub mod stages;
pub mod steps;
pub mod value;

/// Where all these pages are.
const FOLDER: &str = "/admin/numbers/";

/// Fewer of anything are an anecdote, and the page says so.
pub(crate) const FEW: i64 = 30;

/// What a page of figures may be asked for. What does not fit is left empty, never refused: these
/// come from links and filter forms.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// First day, ISO.
    pub from: String,
    /// Last day, ISO.
    pub to: String,
    /// A channel's word.
    pub channel: String,
    /// A source tag; absent: any.
    pub source: Option<String>,
    /// A product's outside id.
    pub product: String,
    /// A month: `2026-03`.
    pub cohort: String,
    /// Of what roads are made: `source`, or channels.
    pub level: String,
    /// A road as it is stored; absent: any.
    pub path: Option<String>,
    /// A step of roads: a channel, or a channel with its source.
    pub step: String,
    /// The last step of roads.
    pub last: String,
    /// A view of the page.
    pub by: String,
    /// With which days it is compared: `before`, `year`, or not at all.
    pub compare: String,
    /// How many days after the first order are looked at.
    #[serde(deserialize_with = "lenient")]
    pub days: i64,
    /// `csv` for a file of one table.
    pub format: String,
    /// Which of the page's tables, from 0.
    #[serde(deserialize_with = "lenient")]
    pub sheet: i64,
    /// Where a list goes on: an instant and an id.
    pub before: String,
    /// A kind of mail.
    pub kind: String,
    /// Which of those.
    #[serde(deserialize_with = "lenient")]
    pub of: i64,
    /// A template.
    #[serde(deserialize_with = "lenient")]
    pub template: i64,
    /// `1`: clicked mails alone.
    pub clicked: String,
    /// A path of the site; absent: any.
    pub landing: Option<String>,
    /// An offer's outside id.
    pub offer: String,
    /// Its place in the order: main, bump, upsell, downsell, back-end.
    pub place: String,
    /// The text of a mail,
    #[serde(deserialize_with = "lenient")]
    pub version: i64,
    /// and which of its links.
    #[serde(deserialize_with = "lenient")]
    pub position: i64,
    /// The word under which customers meet what was spent.
    pub origin: String,
    /// `1`: the days are those of the contact's first order.
    pub won: String,
    /// Amounts in this currency alone.
    pub currency: String,
    /// Steps in their order.
    pub s1: String,
    /// The second of them.
    pub s2: String,
    /// The third.
    pub s3: String,
    /// The fourth.
    pub s4: String,
    /// The fifth.
    pub s5: String,
    /// Days within which the last comes after the first.
    #[serde(deserialize_with = "lenient")]
    pub window: i64,
    /// The step, from 0, after which contacts were left behind.
    pub left: String,
    /// The contact's how-many-eth order; 0: any.
    #[serde(deserialize_with = "lenient")]
    pub nth: i64,
    /// What a picture is coloured by.
    pub show: String,
    /// Scores of recency, `4` or `4-5`; empty: any.
    pub r: String,
    /// Scores of frequency.
    pub f: String,
    /// Scores of money.
    pub m: String,
    /// Who ordered from this day on too, ISO,
    pub bought_from: String,
    /// and up to this one.
    pub bought_to: String,
    /// A segment's outside id.
    pub segment: String,
    /// The page of figures a list was opened from, with its query.
    pub back: String,
}

/// Pages of figures that lists of rows are opened from: the last part of the address, and the name.
const HOMES: [(&str, &str); 10] = [
    ("revenue", "Revenue"),
    ("payback", "CAC & payback"),
    ("cohorts", "Cohorts"),
    ("value", "Lifetime value"),
    ("simulator", "What if"),
    ("attribution", "Attribution"),
    ("roads", "Roads"),
    ("rfm", "RFM"),
    ("stages", "Stages"),
    ("reconciliation", "Reconciliation"),
];

/// The way back to a page of figures with everything it was asked, as links to rows carry it.
pub(crate) fn home(path: &str, query: &[(&'static str, String)]) -> (&'static str, String) {
    let asked: Vec<(&str, String)> =
        query.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
    ("back", link(path.trim_start_matches(FOLDER), &asked))
}

/// The page that a list of rows was opened from; `usual` where the address does not name one.
pub(crate) fn way_back(asked: &Asked, usual: Crumb) -> Crumb {
    let word = asked.back.split('?').next().unwrap_or_default();
    let known = HOMES.iter().find(|(known, _)| *known == word);
    known.map_or(usual, |(_, label)| Crumb {
        href: format!("{FOLDER}{}", asked.back),
        label: (*label).to_owned(),
    })
}

/// Where a list goes on: an instant or a day, and an id.
pub(crate) fn before<I: std::str::FromStr>(text: &str) -> Option<(i64, I)> {
    let (at, id) = text.split_once('.')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

/// `12%`, for notes and tiles; cells of tables have `Cell::percent`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

/// The same, or a dash where it is not known.
pub(crate) fn percent_or_dash(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), percent)
}

/// A count as the maths takes it; no count is below zero.
pub(crate) fn natural(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    Ok(String::deserialize(from)?.parse().unwrap_or(0))
}

/// The days a page is about, in the site's zone.
#[derive(Debug, Clone)]
pub(crate) struct Period {
    pub span: Span,
    pub zone: Zone,
    pub today: Date,
    /// What was wrong with the days asked for; the default is shown instead.
    pub wrong: Option<String>,
}

impl Period {
    /// The days asked for, or the last `days`.
    pub fn read(who: &CurrentOperator, asked: &Asked, days: i64) -> Self {
        let zone = engine::rollups::zone_of(&who.site);
        let today = day_of(who.now, &zone);
        let usual = Span::ending(today, days);
        let (span, wrong) = if asked.from.trim().is_empty() && asked.to.trim().is_empty() {
            (usual, None)
        } else {
            match Span::parse(&asked.from, &asked.to, today) {
                Ok(span) => (span, None),
                Err(refused) => (usual, Some(refused.message)),
            }
        };
        Self { span, zone, today, wrong }
    }

    /// The days from `from` to `to` (ISO), for lists that are opened from a figure; nothing where
    /// no day is given.
    pub fn opened(who: &CurrentOperator, from: &str, to: &str) -> Option<Self> {
        let asked = Asked { from: from.to_owned(), to: to.to_owned(), ..Asked::default() };
        (!from.is_empty()).then(|| Self::read(who, &asked, 1))
    }

    /// From the first instant to the first after it.
    pub fn bounds(&self) -> (UtcMs, UtcMs) {
        self.span.bounds(&self.zone)
    }

    /// `21 Nov 2026, 14:05`, not to be parted at the end of a line.
    pub fn when(&self, at: UtcMs) -> String {
        self.zone.local(at).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M").to_string()
    }

    /// For links: the days as they are shown.
    pub fn query(&self) -> [(&'static str, String); 2] {
        [("from", self.span.from.to_string()), ("to", self.span.to.to_string())]
    }
}

/// `23 Oct – 21 Nov 2026`.
pub(crate) fn days_text(span: Span) -> String {
    let to = span.to.strftime("%-d %b %Y");
    if span.from == span.to {
        return to.to_string();
    }
    let same = span.from.year() == span.to.year();
    let from = span.from.strftime(if same { "%-d %b" } else { "%-d %b %Y" });
    format!("{from} – {to}")
}

/// `21 Nov 2026, 14:05`, in the site's zone.
pub(crate) fn as_of(who: &CurrentOperator, at: UtcMs) -> String {
    let zone = engine::rollups::zone_of(&who.site);
    zone.local(at).strftime("%-d %b %Y, %H:%M").to_string()
}

/// `Mar 2026`, not to be parted at the end of a line.
pub(crate) fn month_name(day: Date) -> String {
    day.strftime("%b\u{a0}%Y").to_string()
}

/// An address with its query; values are escaped.
pub(crate) fn link(path: &str, query: &[(&str, String)]) -> String {
    let mut address = path.to_owned();
    for (at, (name, value)) in query.iter().enumerate() {
        address.push(if at == 0 { '?' } else { '&' });
        address.push_str(name);
        address.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    address.push(char::from(byte));
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    address
}

/// The name of a channel's word, for people.
pub(crate) fn channel_name(word: &str) -> String {
    match word.parse::<model::channels::Channel>() {
        Ok(channel) => channel.name().to_owned(),
        Err(_) if word == "unknown" => "Not known".to_owned(),
        Err(_) => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn links_escape_what_they_carry() {
        let address = link("/admin/x", &[("a", "b c&d=é/".to_owned()), ("e", String::new())]);
        assert_eq!(address, "/admin/x?a=b%20c%26d%3D%C3%A9/&e=");
    }

    #[test]
    fn a_list_leads_back_to_the_page_it_was_opened_from_and_nowhere_else() {
        let usual = || Crumb { href: "/usual".to_owned(), label: "Usual".to_owned() };
        let query = [("days", "60".to_owned()), ("source", "a b".to_owned()), ("x", String::new())];
        let (_, back) = home("/admin/numbers/payback", &query);
        let to = |back: &str| {
            let asked = Asked { back: back.to_owned(), ..Asked::default() };
            way_back(&asked, usual()).href
        };
        assert_eq!(to(&back), "/admin/numbers/payback?days=60&source=a%20b");
        for wrong in ["", "//evil.test", "payback/../../sign-out", "https://evil.test", "orders"] {
            assert_eq!(to(wrong), "/usual", "{wrong}");
        }
    }

    #[test]
    fn where_a_list_goes_on_is_an_instant_and_an_id() {
        assert_eq!(before::<i64>("5.7"), Some((5, 7)));
        assert_eq!(
            (before::<i64>(""), before::<i64>("5"), before::<i64>("x.7")),
            (None, None, None)
        );
    }

    #[test]
    fn days_are_told_as_people_do() {
        let span = |from, to| days_text(Span { from, to });
        let last = date(2026, 11, 21);
        assert_eq!(span(date(2026, 10, 23), last), "23 Oct – 21 Nov 2026");
        assert_eq!(span(date(2025, 12, 1), last), "1 Dec 2025 – 21 Nov 2026");
        assert_eq!(span(last, last), "21 Nov 2026");
    }
}
