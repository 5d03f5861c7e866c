//! Amounts and counts as ad networks write them. What is not known is refused, not passed over:
//! `1E+03` is no 103, and a pound no dollar.

use model::{Currency, Money, Refused};

/// Marks that part thousands and are no decimal point anywhere.
const PARTS: [char; 2] = ['\'', '’'];

/// How an amount may be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Its comma is its decimal point.
    Comma,
    /// Its dot is.
    Dot,
    /// Either may be.
    Either,
    /// It has neither.
    Plain,
}

/// Whether a cell of amounts says nothing at all.
pub(super) fn is_blank(amount: &str) -> bool {
    ["", "--", "-", "—", "–"].contains(&amount.trim())
}

/// The digits and marks of an amount in this currency, of blanks only those that part thousands:
/// `€ 1 234,50` → `1'234,50`.
fn bare(amount: &str, currency: Currency) -> Option<String> {
    let amount = amount.trim();
    let (minus, rest) = match amount.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => ("-", rest.trim()),
        None => ("", amount),
    };
    let rest = without_currency(rest, currency);
    // `$-5.00`.
    let (minus, rest) = match rest.strip_prefix(['-', '\u{2212}']) {
        Some(rest) if minus.is_empty() => ("-", rest),
        _ => (minus, rest),
    };
    let mark = |c: char| if c.is_whitespace() || PARTS.contains(&c) { '\'' } else { c };
    let rest: String = rest.chars().map(mark).collect();
    let known = rest.chars().all(|c| c.is_ascii_digit() || [',', '.', '\''].contains(&c));
    (known && rest.starts_with(|c: char| c.is_ascii_digit())).then(|| format!("{minus}{rest}"))
}

/// An amount without the code or the sign of its currency, before it or after it.
fn without_currency(text: &str, currency: Currency) -> &str {
    let code = currency.to_string();
    for name in [Some(code.as_str()), currency.sign()].into_iter().flatten() {
        let is_name = |part: &str| part.eq_ignore_ascii_case(name);
        if let Some((head, rest)) = text.split_at_checked(name.len())
            && is_name(head)
        {
            return rest.trim();
        }
        let end = text.len().saturating_sub(name.len());
        if let Some((rest, tail)) = text.split_at_checked(end)
            && is_name(tail)
        {
            return rest.trim();
        }
    }
    text
}

/// How an amount may be read; nothing where it is none.
pub(super) fn reading(amount: &str, currency: Currency) -> Option<Reading> {
    let amount = bare(amount, currency)?;
    let (comma, dot) = (amount.rfind(','), amount.rfind('.'));
    let after = |mark: char| amount.rsplit(mark).next().map_or(0, str::len);
    Some(match (comma, dot) {
        (None, None) => Reading::Plain,
        (Some(comma), Some(dot)) if comma > dot => Reading::Comma,
        (Some(_), Some(_)) => Reading::Dot,
        (Some(_), None) if amount.matches(',').count() > 1 => Reading::Dot,
        (None, Some(_)) if amount.matches('.').count() > 1 => Reading::Comma,
        (Some(_), None) if after(',') != 3 => Reading::Comma,
        (None, Some(_)) if after('.') != 3 => Reading::Dot,
        _ => Reading::Either,
    })
}

/// An amount, where `comma` says whether a comma is the decimal point.
pub(super) fn amount(text: &str, comma: bool, currency: Currency) -> Result<Money, Refused> {
    decimal(text, comma, currency)
        .ok_or_else(|| {
            let why = format!("write the amount in digits, in {currency} alone");
            Refused::new("amount_invalid", why)
        })
        .and_then(|amount| Money::parse_amount(&amount, currency))
        .map_err(|refused| refused.at("amount"))
}

/// An amount as the program writes it: `1.234,50` → `1234.50`.
fn decimal(amount: &str, comma: bool, currency: Currency) -> Option<String> {
    let (thousands, point) = if comma { ('.', ',') } else { (',', '.') };
    let amount = bare(amount, currency)?;
    let (minus, digits) = match amount.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", amount.as_str()),
    };
    let (whole, part) = match digits.split_once(point) {
        Some((whole, part)) => (whole, Some(part)),
        None => (digits, None),
    };
    let whole = joined(whole, &[thousands, '\''])?;
    match part {
        Some(part) if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("{minus}{whole}.{part}"))
        }
        Some(_) => None,
        None => Some(format!("{minus}{whole}")),
    }
}

/// A whole number without the marks between its thousands (or lakhs, which go by two).
fn joined(whole: &str, marks: &[char]) -> Option<String> {
    let groups: Vec<&str> = whole.split(marks).collect();
    let last = groups.len().saturating_sub(1);
    let fits = |(place, group): (usize, &&str)| match place {
        0 if last == 0 => !group.is_empty(),
        0 => (1..=3).contains(&group.len()),
        place if place == last => group.len() == 3,
        _ => (2..=3).contains(&group.len()),
    };
    let good = groups.iter().enumerate().all(fits);
    let joined = groups.concat();
    (good && joined.bytes().all(|byte| byte.is_ascii_digit())).then_some(joined)
}

/// A count as networks write it: `1,234`, `1.234`, ` --`.
pub(super) fn number(text: &str, field: &'static str) -> Result<Option<i64>, Refused> {
    if is_blank(text) {
        return Ok(None);
    }
    let mark = |c: char| if c.is_whitespace() || PARTS.contains(&c) { '\'' } else { c };
    let text: String = text.trim().chars().map(mark).collect();
    let digits = [',', '.', '\''].iter().find_map(|mark| joined(&text, &[*mark]));
    match digits.and_then(|digits| digits.parse::<i64>().ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(Refused::new("number_invalid", "write a whole number").at(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        Currency::parse("USD").unwrap()
    }

    #[test]
    fn amounts_are_read_as_their_file_writes_them() {
        let read = |text| reading(text, usd());
        assert_eq!(read("1.234,50"), Some(Reading::Comma));
        assert_eq!(read("$1,234.50"), Some(Reading::Dot));
        assert_eq!(read("1,234"), Some(Reading::Either));
        assert_eq!(read("12,5"), Some(Reading::Comma));
        assert_eq!(read("1,234,567"), Some(Reading::Dot));
        assert_eq!(read("1.5k"), None);
        for (text, comma, minor) in [
            ("$ 1.234,50", true, 123_450),
            ("1\u{202f}234,50 USD", true, 123_450),
            ("usd 1'234.5", false, 123_450),
            ("12,34,567.00$", false, 123_456_700),
            ("1,234.5", false, 123_450),
            ("0.00", false, 0),
            ("\u{2212}5.00", false, -500),
            ("$-5.00", false, -500),
        ] {
            assert_eq!(amount(text, comma, usd()).unwrap().minor, minor, "{text}");
        }
    }

    #[test]
    fn amounts_that_are_not_known_are_refused() {
        for text in [
            "1E+03", "(5.00)", "£7.00", "EUR 8.00", "¥800", "1.5k", "5.00-", "--5", "12.5.3",
            "1,23", "12,50", "5 0", ".5", "5.", "$", "$5$", "٥", "",
        ] {
            let refused = amount(text, false, usd()).unwrap_err();
            assert_eq!(refused.field.as_deref(), Some("amount"), "{text}");
        }
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(number("1,234", "clicks"), Ok(Some(1_234)));
        assert_eq!(number("1.234.567", "clicks"), Ok(Some(1_234_567)));
        assert_eq!(number("1\u{a0}234", "clicks"), Ok(Some(1_234)));
        assert_eq!(number(" --", "clicks"), Ok(None));
        for text in ["12.5", "1.5", "-3", "1e3", "1,234.567", "12,34", "x", "."] {
            assert!(number(text, "clicks").is_err(), "{text}");
        }
    }
}
