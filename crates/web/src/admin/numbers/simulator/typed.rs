//! What a person typed to try out, as a number. A dot stands before decimals, here as everywhere;
//! what could be read in two ways is refused with a sentence rather than guessed.

use model::Currency;
use numbers::real::real_signed;

/// More of anything is a slip of the finger.
const NUMBER_MAX: f64 = 1e9;
/// The most people a funnel is drawn for.
const WHOLE_MAX: u64 = 1_000_000_000;

const PLAIN: &str = "write digits alone, with a dot for decimals";

/// A number that is not below zero, with a dot before its decimals, or a comma where that can only
/// be one.
///
/// # Errors
/// What to write in its place.
pub fn number(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let bare = text.trim_end_matches('%').trim_end();
    if let Some((whole, rest)) = bare.split_once(',') {
        if rest.len() == 3 && is_digits(whole) && is_digits(rest) {
            return Err(format!("“{text}” could be {whole}{rest} or {whole}.{rest}: {PLAIN}"));
        }
        if rest.contains([',', '.']) || whole.contains('.') {
            return Err(format!("“{text}” cannot be tried: {PLAIN}"));
        }
    }
    let dotted = bare.replace(',', ".");
    let (whole, part) = dotted.split_once('.').unwrap_or((&dotted, "0"));
    let read = dotted.parse::<f64>().ok().filter(|_| is_digits(whole) && is_digits(part));
    let read = read.ok_or_else(|| format!("“{text}” cannot be tried: {PLAIN}"))?;
    if read > NUMBER_MAX {
        return Err(format!("“{text}” cannot be tried: it is too large"));
    }
    Ok(read)
}

/// A number up to `most`.
///
/// # Errors
/// What to write in its place.
pub fn up_to(text: &str, most: f64) -> Result<f64, String> {
    let read = number(text)?;
    if read > most {
        return Err(format!("“{}” cannot be tried: write {most:.0} or less", text.trim()));
    }
    Ok(read)
}

/// An amount in minor units, by the rules of every amount: no more decimals than its currency has,
/// and `more` where it is the price of something small.
///
/// # Errors
/// What to write in its place.
pub fn amount(text: &str, currency: &str, (more, most): (u32, f64)) -> Result<f64, String> {
    let digits = Currency::parse(currency).map_or(2, Currency::exponent);
    let read = up_to(text, most)?;
    let decimals = text.trim().split_once(['.', ',']).map_or(0, |(_, part)| part.trim().len());
    if decimals > usize::try_from(digits + more).unwrap_or(2) {
        return Err(match digits + more {
            0 => format!("“{}” cannot be tried: {currency} has no decimals", text.trim()),
            n => format!("“{}” cannot be tried: write no more than {n} decimals", text.trim()),
        });
    }
    let unit = |digits: u32| 10_f64.powi(i32::try_from(digits).unwrap_or(2));
    let fine = numbers::real::nearest(read * unit(digits + more)).map_or(0.0, real_signed);
    Ok(fine / unit(more))
}

/// A whole number, thousands parted by commas or spaces as the pages write them, or not at all.
///
/// # Errors
/// What to write in its place.
pub fn whole(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let mut groups = text.split([',', ' ', '\u{a0}', '\u{202f}']);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let parted = rest.is_empty() || (1..=3).contains(&first.len());
    let fits = parted && is_digits(first) && rest.iter().all(|g| g.len() == 3 && is_digits(g));
    let digits = format!("{first}{}", rest.concat());
    let read = digits.parse::<u64>().ok().filter(|read| fits && *read <= WHOLE_MAX);
    read.ok_or_else(|| format!("“{text}” cannot be tried: write a whole number in digits alone"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_people_write_them() {
        assert_eq!(
            (number("12,5 %"), number(" 12.50"), number("0")),
            (Ok(12.5), Ok(12.5), Ok(0.0))
        );
        assert_eq!((whole("12,000"), whole("1 200"), whole("7")), (Ok(12_000), Ok(1_200), Ok(7)));
        assert_eq!(amount("19.90", "EUR", (0, 1e7)), Ok(1_990.0));
        assert_eq!(amount("500", "JPY", (0, 1e7)), Ok(500.0));
        assert_eq!(amount("0.1234", "EUR", (2, 1e7)), Ok(12.34));
    }

    #[test]
    fn what_could_be_two_numbers_is_refused_with_a_sentence() {
        let told = number("1,250").unwrap_err();
        assert!(told.contains("could be 1250 or 1.25"), "{told}");
        for wrong in ["1,250.00", "1.250,00", "1.2.3", "-1", "x", "", "1e3", "inf", "12.", ".5"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        for wrong in ["12.5", "12.000", "1,20", "1,2345", "ten", "", "-1", "1234,567"] {
            assert!(whole(wrong).is_err(), "{wrong}");
        }
        assert!(amount("1.250", "EUR", (0, 1e7)).is_err(), "an amount has two decimals");
        assert!(amount("1.5", "JPY", (0, 1e7)).is_err());
        assert!(up_to("101", 100.0).is_err());
    }
}
