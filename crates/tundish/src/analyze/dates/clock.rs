//! Times of day and the zones they are of.

use super::digits;

/// Zones that exports name by letters, with the seconds they are east of UTC.
const ZONES: &[(&str, i64)] = &[
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("bst", 3_600),
    ("west", 3_600),
    ("cet", 3_600),
    ("mez", 3_600),
    ("cest", 7_200),
    ("mesz", 7_200),
    ("eet", 7_200),
    ("eest", 10_800),
    ("msk", 10_800),
    ("jst", 32_400),
    ("aest", 36_000),
    ("aedt", 39_600),
    ("est", -18_000),
    ("edt", -14_400),
    ("cst", -21_600),
    ("cdt", -18_000),
    ("mst", -25_200),
    ("mdt", -21_600),
    ("pst", -28_800),
    ("pdt", -25_200),
];

/// `8:26`, `08:26:00.123`, `8:26 PM`, with `Z`, an offset or a zone behind it: the seconds of the
/// day, and how many of them its zone is east of UTC; no answer to that where nobody knows.
pub(super) fn time(text: &str) -> Option<(i64, Option<i64>)> {
    let (hours, rest) = digits(text);
    let (minutes, mut rest) = digits(rest.strip_prefix([':', 'h'])?);
    let mut seconds = "0";
    if let Some(more) = rest.strip_prefix(':') {
        (seconds, rest) = digits(more);
        if let Some(fraction) = rest.strip_prefix(['.', ',']) {
            rest = digits(fraction).1;
        }
    }
    let (mut hours, minutes, seconds): (i64, i64, i64) =
        (hours.parse().ok()?, minutes.parse().ok()?, seconds.parse().ok()?);
    let mut rest = rest.trim();
    for (words, later) in [(["am", "a.m."], 0), (["pm", "p.m."], 12)] {
        for word in words {
            if rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)) {
                hours = hours % 12 + later;
                rest = rest.get(word.len()..).unwrap_or_default().trim();
            }
        }
    }
    if hours > 24 || minutes > 59 || seconds > 60 {
        return None;
    }
    let is_zone = rest.is_empty()
        || rest.starts_with(['+', '-', '\u{2212}', '[', '('])
        || rest.starts_with(|c: char| c.is_alphabetic());
    is_zone.then(|| (hours * 3_600 + minutes * 60 + seconds, offset(rest)))
}

/// Seconds east of UTC that a time ends with; nothing said is nought.
fn offset(text: &str) -> Option<i64> {
    // `GMT+0200 (Central European Summer Time)`, `+02:00[Europe/Berlin]`.
    let text = text.split(['(', '[']).next().unwrap_or_default().trim();
    let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    let zone = match word {
        "" => 0,
        word => ZONES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?.1,
    };
    let sign = match rest.chars().next() {
        None => return Some(zone),
        Some('+') => 1,
        Some('-' | '\u{2212}') => -1,
        Some(_) => return None,
    };
    let (hours, rest) = digits(rest.trim_start_matches(['+', '-', '\u{2212}']));
    let (hours, minutes) = match (hours.len(), rest.strip_prefix(':')) {
        (1 | 2, Some(minutes)) => (hours, minutes),
        (4, None) => hours.split_at_checked(2)?,
        (1 | 2, None) => (hours, "0"),
        _ => return None,
    };
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    Some(zone + sign * (hours * 3_600 + minutes * 60))
}
