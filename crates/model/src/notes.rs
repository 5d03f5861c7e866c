//! Free text as people type it: what is taken out of it, and what must never be in it.

use crate::emails::is_invisible;
use crate::refused::Refused;

/// Shortest and longest card numbers (ISO/IEC 7812).
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// One line of text: control characters and direction overrides taken out, every run of white
/// space one blank, none around. Letters of any script stay as typed.
pub fn clean_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(keep).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Text of several lines: as [`clean_line`], but line breaks (as `\n`), tabs and indents stay.
pub fn clean_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}'], "\n");
    let kept: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || keep(c)).collect();
    let lines: Vec<&str> = kept.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

/// Joiners and marks that scripts need stay; what only hides or turns text round goes.
fn keep(c: &char) -> bool {
    let needed =
        matches!(*c, '\u{ad}' | '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{e0020}'..='\u{e007f}');
    !c.is_control() && (needed || !is_invisible(*c))
}

/// Refuses text in which a card number seems to stand. The text itself is in no message.
///
/// # Errors
/// `card_number`.
pub fn refuse_card_number(text: &str) -> Result<(), Refused> {
    if has_card_number(text) {
        return Err(Refused::new("card_number", "please do not type card numbers here"));
    }
    Ok(())
}

/// Whether 13 to 19 digits stand together, with single blanks, dots or hyphens at most between
/// groups of them, whose Luhn check holds and whose first digit is one that payment cards have.
pub fn has_card_number(text: &str) -> bool {
    let mut run: Vec<Vec<u32>> = vec![Vec::new()];
    let mut separators = 0;
    // A mark after the end closes the last run.
    for c in text.chars().chain(['\0']) {
        match (digit(c), c) {
            (Some(digit), _) => {
                separators = 0;
                if let Some(group) = run.last_mut() {
                    group.push(digit);
                }
            }
            (None, ' ' | '-' | '.' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '‐'..='–')
                if separators == 0 =>
            {
                separators = 1;
                run.push(Vec::new());
            }
            _ => {
                if run_has_card(&run) {
                    return true;
                }
                (run, separators) = (vec![Vec::new()], 0);
            }
        }
    }
    false
}

/// Whether any whole groups in a row make up a card number: an expiry date may follow it.
fn run_has_card(groups: &[Vec<u32>]) -> bool {
    (0..groups.len()).any(|from| {
        let mut digits: Vec<u32> = Vec::new();
        groups.iter().skip(from).any(|group| {
            digits.extend(group);
            CARD_DIGITS.contains(&digits.len())
                && digits.first().is_some_and(|first| (2..=6).contains(first))
                && luhn(&digits)
        })
    })
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) if twice > 9 => twice - 9,
            (_, twice) => twice,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The value of a digit in ASCII, full width, or the Arabic ways of writing.
fn digit(c: char) -> Option<u32> {
    let start = match c {
        '0'..='9' => '0',
        '０'..='９' => '０',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        _ => return None,
    };
    Some(u32::from(c) - u32::from(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c16_card_numbers_are_found_in_any_dress_and_other_numbers_left_alone() {
        for text in [
            "4242424242424242",
            "my card is 4242 4242 4242 4242 12/30 123",
            "4242-4242-4242-4242",
            "3782 822463 10005",
            "5555.5555.5555.4444!",
            "４２４２４２４２４２４２４２４２",
            "order 7, card 4000056655665556",
            "6011\u{a0}1111\u{a0}1111\u{a0}1117",
        ] {
            assert!(has_card_number(text), "{text}");
        }
        for text in [
            "",
            "4242424242424241",
            "call +49 30 1234567",
            "2026-11-21 20:25:56",
            "42424242  42424242",
            "order 1234567890123",
            "0000000000000000",
            "ISBN 978-3-16-148410-0",
        ] {
            assert!(!has_card_number(text), "{text}");
        }
        let refusal = refuse_card_number("4242424242424242").unwrap_err();
        assert_eq!(refusal.message, "please do not type card numbers here");
    }

    #[test]
    fn f14_text_stays_as_typed_but_for_what_hides_or_controls() {
        assert_eq!(clean_line("  Ann \t\r\n Lee\0\u{202e} "), "Ann Lee");
        assert_eq!(clean_line("<script>{{7*7}}=A1"), "<script>{{7*7}}=A1");
        assert_eq!(clean_line("👩\u{200d}🚀 نام\u{200c}ها"), "👩\u{200d}🚀 نام\u{200c}ها");
        assert_eq!(clean_text("\r\n a\r\n\tb  \u{2028}c\u{7}\n"), " a\n\tb\nc");
    }
}
