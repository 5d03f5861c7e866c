//! Days with the name of their month, in the languages exports come in.

use engine::files::tables::plain;

use super::{digits, full_year, of_parts};

/// How the names of each month begin, as [`plain`] leaves them: in English, German, French, Spanish
/// and Italian.
const MONTHS: [&[&str]; 12] = [
    &["jan", "ene", "gen"],
    &["feb", "fev"],
    &["mar", "mrz", "maer"],
    &["apr", "avr", "abr"],
    &["may", "mai", "mag"],
    &["jun", "juin", "giu"],
    &["jul", "juil", "lug"],
    &["aug", "aou", "ago"],
    &["sep", "set"],
    &["oct", "okt", "ott", "out"],
    &["nov"],
    &["dec", "dez", "dic"],
];

/// `Dec 31, 2024 …`, `31 Dec 2024 …`, `31-Dec-24 …`, with any weekday before it: the day, and what
/// comes behind it.
pub(super) fn day(text: &str) -> Option<(i64, &str)> {
    let mut month = None;
    let mut numbers: Vec<(i64, usize)> = Vec::with_capacity(2);
    let mut rest = text;
    while numbers.len() < 2 || month.is_none() {
        rest = rest.trim_start_matches([' ', ',', '-', '.', '/']);
        let (number, after) = digits(rest);
        if number.is_empty() {
            let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
            // The last one: a weekday before it, as `mar.` in French, may begin like a month.
            month = named(word).or(month);
            rest = after;
        } else {
            numbers.push((number.parse().ok()?, number.len()));
            rest = ["st", "nd", "rd", "th", "er"]
                .iter()
                .find_map(|end| after.strip_prefix(end))
                .unwrap_or(after);
        }
        if numbers.len() > 2 {
            return None;
        }
    }
    let [(a, a_len), (b, b_len)] = numbers.as_slice() else { return None };
    let (year, day) = if *a_len == 4 { (*a, *b) } else { (full_year(*b, *b_len), *a) };
    Some((of_parts(year, month?, day)?, rest))
}

fn named(word: &str) -> Option<i64> {
    let word = plain(word);
    let begins = |names: &&[&str]| names.iter().any(|name| word.starts_with(name));
    let at = MONTHS.iter().position(begins)?;
    i64::try_from(at + 1).ok()
}
