//! Amounts as files write them: with signs of currencies, separators of thousands, brackets for
//! what is owed.

/// Which mark stands before the fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decimal {
    /// `1,234.56`
    #[default]
    Point,
    /// `1.234,56`
    Comma,
}

/// More than this is no amount of money, and no figure could be trusted beside it.
const LARGEST: f64 = 1e12;

/// Reads a cell; `None` where it holds no number, or one beyond all use.
pub fn parse(text: &str, decimal: Decimal) -> Option<f64> {
    let plain = text.trim();
    // Most cells of most files.
    if decimal == Decimal::Point
        && let Ok(number) = plain.parse::<f64>()
    {
        return (number.abs() <= LARGEST).then_some(number);
    }
    let (mark, thousands) = match decimal {
        Decimal::Point => ('.', ','),
        Decimal::Comma => (',', '.'),
    };
    let owed = plain.starts_with('(') && plain.ends_with(')');
    let mut digits = String::with_capacity(plain.len());
    let mut minus = owed;
    for c in plain.chars() {
        match c {
            '0'..='9' => digits.push(c),
            c if c == mark => digits.push('.'),
            '-' | '\u{2212}' => minus = true,
            // Thousands, signs and words of currencies, spaces of any width.
            c if c == thousands || matches!(c, '\'' | '’') => {}
            c if c.is_whitespace() || c.is_alphabetic() || !c.is_alphanumeric() => {}
            _ => return None,
        }
    }
    let number: f64 = digits.parse().ok()?;
    (number <= LARGEST).then_some(if minus { -number } else { number })
}

/// Which mark a column uses, by its first cells: the last of two different marks, or one with
/// other than three digits behind it, is the fraction's.
pub fn decimal_of<'a>(cells: impl Iterator<Item = &'a str>) -> Decimal {
    for cell in cells {
        let (point, comma) = (cell.rfind('.'), cell.rfind(','));
        match (point, comma) {
            (Some(point), Some(comma)) if comma > point => return Decimal::Comma,
            (Some(_), Some(_)) => return Decimal::Point,
            (Some(at), None) if behind(cell, at) != 3 => return Decimal::Point,
            (None, Some(at)) if behind(cell, at) != 3 => return Decimal::Comma,
            _ => {}
        }
    }
    Decimal::Point
}

fn behind(cell: &str, at: usize) -> usize {
    let rest = cell.get(at + 1..).unwrap_or_default();
    rest.chars().take_while(char::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str, decimal: Decimal, wanted: f64) {
        let read = parse(text, decimal).unwrap();
        assert!((read - wanted).abs() < 1e-9, "{text}: {read}");
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        near("19", Decimal::Point, 19.0);
        near("$1,234.56", Decimal::Point, 1_234.56);
        near("1.234,56 €", Decimal::Comma, 1_234.56);
        near("CHF 1'234.50", Decimal::Point, 1_234.5);
        near("(5.00)", Decimal::Point, -5.0);
        near("-0.5", Decimal::Point, -0.5);
        for text in ["", "free", "n/a", "-", "NaN", "inf", "1e300"] {
            assert_eq!(parse(text, Decimal::Point), None, "{text}");
        }
    }

    #[test]
    fn the_mark_of_the_fraction_is_told_by_the_column() {
        assert_eq!(decimal_of(["1,000", "12,50"].into_iter()), Decimal::Comma);
        assert_eq!(decimal_of(["1,000", "12.50"].into_iter()), Decimal::Point);
        assert_eq!(decimal_of(["1.000,00"].into_iter()), Decimal::Comma);
        assert_eq!(decimal_of(["7"].into_iter()), Decimal::Point);
    }
}
