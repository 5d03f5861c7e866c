//! Bots: page views that no person made.
//!
//! A list of user agents alone finds half of them, so what a request says is looked at as well:
//! programs that borrow a browser's name seldom send what that browser sends when a person follows
//! a link. The lists are vendored (`vendor/crawlers`); the shapes beside them are isbot's.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::words::words;

/// Vendored: see `vendor/vendor.toml`. For agents as they are written.
const AS_WRITTEN: &str = include_str!("../vendor/crawlers/crawler-user-agents.txt");
/// For agents in lower case; `^` is the beginning, `<` and `>` the bounds of a word.
const ANY_CASE: &str = include_str!("../vendor/crawlers/isbot.txt");

/// Longer agents are no browser's, and are looked at no further than this.
const AGENT_MAX: usize = 1_000;
/// From these versions on a browser says how a request came about (`Sec-Fetch-Mode`).
const CHROME_SAYS: u32 = 80;
const FIREFOX_SAYS: u32 = 90;
const SAFARI_SAYS: u32 = 17;

words! {
    /// Why a view is not counted.
    LeftOut "left_out" {
        /// The program calls itself a bot, a library or a checker, or nothing at all.
        Agent = "agent",
        /// It calls itself a browser, but does not ask as that browser does.
        Headers = "headers",
        /// The browser fetched ahead: nobody looked yet.
        Ahead = "ahead",
        /// A HEAD request: nobody gets to see its answer.
        Head = "head",
        /// More pages in seconds than anyone reads.
        Haste = "haste",
        /// The site it claims to come from is known for referrer spam.
        Spam = "spam",
    }
}

impl LeftOut {
    /// For people: the reason, and what is behind it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "Bots by name",
            Self::Headers => "Programs that pose as browsers",
            Self::Ahead => "Fetched ahead",
            Self::Head => "Only asked whether it is there",
            Self::Haste => "Too many pages in seconds",
            Self::Spam => "Referrer spam",
        }
    }

    /// What tells it, in a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Self::Agent => {
                "The program says what it is: a search engine's crawler, a checker, a library, or \
                 it gives no name."
            }
            Self::Headers => {
                "It gives a browser's name, but leaves out what that browser sends whenever a \
                 person follows a link: a language, the kind of answer it can show, how the \
                 request came about."
            }
            Self::Ahead => {
                "A browser fetched the page in case someone follows the link. If they do, that is \
                 counted."
            }
            Self::Head => "A HEAD request brings no page: link checkers send it.",
            Self::Haste => {
                "One visitor asked for a dozen different pages within ten seconds: from the \
                 twelfth on, for five minutes."
            }
            Self::Spam => {
                "The address it claims to come from belongs to those who pretend visits to be seen \
                 in figures like these."
            }
        }
    }
}

/// Whether the connection is one over which browsers say how a request came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// https, or this machine itself.
    Trusted,
    /// Plain http, over which they do not.
    Plain,
}

/// What a request for a page says of the one who asks; absent headers are empty.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// `GET`, `HEAD`.
    pub method: &'a str,
    /// `User-Agent`.
    pub user_agent: &'a str,
    /// `Accept`.
    pub accept: &'a str,
    /// `Accept-Language`.
    pub accept_language: &'a str,
    /// `Sec-Fetch-Mode`.
    pub fetch_mode: &'a str,
    /// Whether a header said that it only fetches ahead: see [`says_prefetch`].
    pub prefetch: bool,
    /// How it came here.
    pub connection: Connection,
}

/// Why a view is left out, if it is.
pub fn left_out(asking: &Asking<'_>) -> Option<LeftOut> {
    if asking.method.eq_ignore_ascii_case("HEAD") {
        return Some(LeftOut::Head);
    }
    if asking.prefetch {
        return Some(LeftOut::Ahead);
    }
    if is_bot(asking.user_agent) {
        return Some(LeftOut::Agent);
    }
    (!asks_as_browser(asking)).then_some(LeftOut::Headers)
}

/// Why a view that a script reports is left out, if it is: its request is not the page's own, so
/// only the name tells.
pub fn left_out_of_reports(user_agent: &str) -> Option<LeftOut> {
    is_bot(user_agent).then_some(LeftOut::Agent)
}

/// Every browser sends a language and wants HTML when someone follows a link; newer ones also say
/// that it is a navigation.
fn asks_as_browser(asking: &Asking<'_>) -> bool {
    let wants_html = asking.accept.contains("text/html");
    let navigates = match asking.fetch_mode {
        "navigate" => true,
        "" => asking.connection == Connection::Plain || !says_mode(asking.user_agent),
        _ => false,
    };
    wants_html && !asking.accept_language.trim().is_empty() && navigates
}

/// Whether a browser of this name and version says how its requests come about.
fn says_mode(agent: &str) -> bool {
    let version = |mark: &str| -> Option<u32> {
        let (_, rest) = agent.split_once(mark)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    // Browsers on an iPhone are all Safari inside, whatever they are called.
    if agent.contains("like Mac OS X") || !agent.contains("Chrome/") && agent.contains("Safari/") {
        return version("Version/").is_some_and(|major| major >= SAFARI_SAYS);
    }
    version("Chrome/").is_some_and(|major| major >= CHROME_SAYS)
        || version("Firefox/").is_some_and(|major| major >= FIREFOX_SAYS)
}

/// Whether a header says that no one has followed the link yet. `name` in any case.
pub fn says_prefetch(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    ["sec-purpose", "purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
        && ["prefetch", "prerender", "preview"].iter().any(|word| value.contains(word))
}

/// Whether the program behind a user agent says, or shows by the form of its name, that no person
/// browses with it. No name at all is no person's either.
pub fn is_bot(user_agent: &str) -> bool {
    let agent = user_agent.trim();
    let end = (0..=AGENT_MAX).rev().find(|at| agent.is_char_boundary(*at)).unwrap_or(0);
    let agent = agent.get(..end).unwrap_or(agent);
    if agent.is_empty() {
        return true;
    }
    let lower = agent.to_ascii_lowercase();
    PIECES.as_written.found_in(agent)
        || PIECES.any_case.found_in(&lower)
        || says_a_word(&lower)
        || has_a_shape(&lower)
}

/// The words that stand in too many names to be listed, with what they are innocent in.
fn says_a_word(lower: &str) -> bool {
    let innocent = |word: &str, before: &[&str], after: &[&str]| {
        let mut found = lower.match_indices(word);
        found.any(|(at, _)| {
            let (head, tail) = (lower.get(..at), lower.get(at + word.len()..));
            let (head, tail) = (head.unwrap_or_default(), tail.unwrap_or_default());
            !before.iter().any(|text| head.ends_with(text))
                && !after.iter().any(|text| tail.starts_with(text))
        })
    };
    // A phone is called Cubot; apps are called CamScanner and NewsSapphire.
    is_called_bot(lower)
        || innocent("spider", &[], &["man"])
        || innocent("scan", &["cam"], &["ia"])
        || innocent("http", &["lib"], &[])
        || innocent("news", &["g"], &["sapphire"])
        || innocent("google", &[" channel/", "google/"], &["wv", "app", "/google", " pixel"])
        || innocent("java", &[], &[";", "fx"])
}

/// `bot` or `bots` at the end of a word, unless the phone is called Cubot.
fn is_called_bot(lower: &str) -> bool {
    lower.match_indices("bot").any(|(at, _)| {
        let tail = lower.get(at + 3..).unwrap_or_default();
        let tail = tail.strip_prefix('s').unwrap_or(tail);
        !tail.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !lower.get(..at).unwrap_or_default().ends_with("cu")
    })
}

/// Forms that no browser's name has: a name alone, an address of mail, a number first.
fn has_a_shape(lower: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = |marks: &[char]| lower.starts_with(marks);
    if starts(&['<', '(', ';']) || lower.starts_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    if lower.len() >= 50 && !lower.contains(' ') {
        return !lower.starts_with('[');
    }
    if is_bare(lower) || is_bare_mozilla(lower) || ends_in_word(lower) {
        return true;
    }
    let mut words = lower.split(' ');
    words.any(|word| {
        let (name, host) = word.split_once('@').unwrap_or_default();
        let mail = !name.is_empty() || word.starts_with('@');
        mail && host.starts_with(|c: char| c.is_ascii_lowercase())
            && host.contains('.')
            && !host.starts_with("android")
            && !host.starts_with("ios")
    }) || lower.split_once("/1.0;").is_some_and(|(name, _)| name.ends_with(is_word))
}

/// A name and perhaps a version, and nothing of a machine it runs on: `curl/8.1`, `My Reader`.
fn is_bare(lower: &str) -> bool {
    let first = lower.split(',').next().unwrap_or_default();
    let (name, version) = first.split_once('/').unwrap_or((first, ""));
    let in_name =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '.' | '-' | ':' | '%');
    let digits = version.strip_prefix('v').unwrap_or(version);
    let in_version = digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        || version.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.chars().all(in_name) && in_version
}

/// `mozilla/5.0` and one more word, or brackets with next to nothing in them.
fn is_bare_mozilla(lower: &str) -> bool {
    let Some(rest) = lower.strip_prefix("mozilla/") else { return false };
    let Some((version, rest)) = rest.split_once(' ') else { return true };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if version.len() == 3 && rest.chars().all(plain) {
        return true;
    }
    let inside = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inside.is_some_and(|inside| {
        let inside = inside.strip_prefix("compatible;").unwrap_or(inside).trim();
        let mut words = inside.split([' ', '/']);
        let version = words.by_ref().nth(1);
        let one = version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        inside.is_empty() || (one && words.next().is_none() && !inside.contains(';'))
    })
}

/// `…; word;`
fn ends_in_word(lower: &str) -> bool {
    let Some(rest) = lower.strip_suffix(';') else { return false };
    let word = rest.rsplit("; ").next().unwrap_or_default();
    word.len() < rest.len() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[derive(Debug)]
struct Both {
    as_written: Pieces,
    any_case: Pieces,
}

static PIECES: LazyLock<Both> = LazyLock::new(|| Both {
    as_written: Pieces::read(AS_WRITTEN),
    any_case: Pieces::read(ANY_CASE),
});

/// Pieces of agents, found by the three bytes they begin with: an agent is walked once.
#[derive(Debug, Default)]
struct Pieces {
    by_start: HashMap<[u8; 3], Vec<Piece>>,
    short: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    text: &'static str,
    /// It must stand at the beginning.
    first: bool,
    /// A word begins with it, or ends.
    begins: bool,
    ends: bool,
}

impl Pieces {
    fn read(list: &'static str) -> Self {
        let mut pieces = Self::default();
        for line in list.lines().filter(|line| !line.is_empty()) {
            let (first, begins) = (line.starts_with('^'), line.starts_with('<'));
            let ends = line.len() > 1 && line.ends_with('>');
            let text = line.strip_prefix(['^', '<']).unwrap_or(line);
            let text = if ends { text.strip_suffix('>').unwrap_or(text) } else { text };
            let piece = Piece { text, first, begins, ends };
            match text.as_bytes().first_chunk::<3>() {
                Some(start) => pieces.by_start.entry(*start).or_default().push(piece),
                None => pieces.short.push(piece),
            }
        }
        pieces
    }

    fn found_in(&self, agent: &str) -> bool {
        let bytes = agent.as_bytes();
        let known = bytes.windows(3).enumerate().any(|(at, start)| {
            let Some(start) = start.first_chunk::<3>() else { return false };
            let near = self.by_start.get(start).into_iter().flatten();
            near.into_iter().any(|piece| piece.stands_at(bytes, at))
        });
        known || self.short.iter().any(|piece| agent.contains(piece.text))
    }
}

impl Piece {
    fn stands_at(self, agent: &[u8], at: usize) -> bool {
        let text = self.text.as_bytes();
        let is_word = |at: Option<usize>| {
            at.and_then(|at| agent.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        };
        let end = at + text.len();
        agent.get(at..end) == Some(text)
            && (!self.first || at == 0)
            && (!self.begins || !is_word(at.checked_sub(1)))
            && (!self.ends || !is_word(Some(end)))
    }
}

#[cfg(test)]
mod tests;
