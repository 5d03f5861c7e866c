//! Names of people: what a mail may begin with.

use crate::notes::clean_line;

/// Longer first words are not names.
const FIRST_NAME_MAX: usize = 30;

/// The first name to greet by, if what was typed plausibly holds one. Spam, addresses and numbers
/// typed into the field give nothing, and the greeting falls back. Words in capitals or in small
/// letters throughout are written as names are.
pub fn first_name(typed: &str) -> Option<String> {
    let line = clean_line(typed);
    let unlike = |c: char| c.is_numeric() || "@/\\:<>{}[]()|*_=+$%&#!?\"".contains(c);
    if line.contains(unlike) || line.to_lowercase().contains("www.") {
        return None;
    }
    // "Lee, Ann" is written the other way round.
    let given = line.split_once(',').map_or(line.as_str(), |(_, given)| given.trim());
    let titles = ["mr", "mrs", "ms", "dr", "prof", "herr", "frau", "mme", "mx"];
    let word = given.split(' ').find(|word| {
        !word.is_empty() && !titles.contains(&word.trim_end_matches('.').to_lowercase().as_str())
    })?;
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    // An initial is no name, but one ideograph may be.
    let initial = word.ends_with('.') || (letters == 1 && word.is_ascii());
    if letters == 0 || initial || word.chars().count() > FIRST_NAME_MAX || word.contains('.') {
        return None;
    }
    let shouted = letters > 2 && word.to_uppercase() == word;
    let whispered = word.to_lowercase() == word;
    Some(if shouted || whispered { capitalised(word) } else { word.to_owned() })
}

/// Each part of `anna-maria` or `o'neil` with a capital first letter and small ones after it.
fn capitalised(word: &str) -> String {
    let mut start = true;
    word.chars()
        .flat_map(|c| {
            let cased: Vec<char> =
                if start { c.to_uppercase().collect() } else { c.to_lowercase().collect() };
            start = matches!(c, '-' | '\'' | '’');
            cased
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_takes_what_is_plausibly_a_name() {
        for (typed, name) in [
            ("Ann Lee", Some("Ann")),
            ("  anna-maria schmidt ", Some("Anna-Maria")),
            ("JOSÉ", Some("José")),
            ("Lee, Ann", Some("Ann")),
            ("Dr. Ann Lee", Some("Ann")),
            ("o'neil", Some("O'Neil")),
            ("McDonald", Some("McDonald")),
            ("李", Some("李")),
            ("Jo", Some("Jo")),
            ("J. Smith", None),
            ("x", None),
            ("ann@x.test", None),
            ("WIN $1000 http://x", None),
            ("www.x.test", None),
            ("{{7*7}}", None),
            ("12345", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(first_name(typed).as_deref(), name, "{typed:?}");
        }
    }
}
