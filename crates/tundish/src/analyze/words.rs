//! Figures as people read them.

/// With two digits behind the point and commas between thousands.
pub fn money(amount: f64) -> String {
    money_with(amount, 2)
}

/// The same with as many digits as a currency has.
pub fn money_with(amount: f64, digits: usize) -> String {
    grouped(&format!("{amount:.digits$}"))
}

/// With as many digits as tell it: four that count.
pub fn figure(value: f64) -> String {
    let digits = match value.abs() {
        _ if value.fract() == 0.0 => 0,
        size if size >= 1_000.0 => 1,
        size if size >= 100.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    grouped(&format!("{value:.digits$}"))
}

/// A whole number with commas between thousands.
pub fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// A number of things: `1 row`, `1,200 rows`.
pub fn some(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(n), if n == 1 { "" } else { "s" })
}

/// The same of what need not be whole: `1 journey`, `1.500 journeys`.
pub fn figures(n: f64, thing: &str) -> String {
    let n = figure(n);
    let s = if n == "1" { "" } else { "s" };
    format!("{n} {thing}{s}")
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn grouped(text: &str) -> String {
    let (sign, plain) = text.strip_prefix('-').map_or(("", text), |plain| ("-", plain));
    // Nothing is no less than nothing.
    let sign = if plain.bytes().any(|octet| (b'1'..=b'9').contains(&octet)) { sign } else { "" };
    let (whole, fraction) = plain.split_once('.').map_or((plain, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(money(1_234_567.891), "1,234,567.89");
        assert_eq!((money(-12.5), money(-0.001)), ("-12.50".to_owned(), "0.00".to_owned()));
        assert_eq!(
            (money_with(1_550.4, 0), money_with(10.5, 3)),
            ("1,550".into(), "10.500".into())
        );
        assert_eq!(
            (figures(1.0, "day"), figures(1.5, "day")),
            ("1 day".into(), "1.500 days".into())
        );
        assert_eq!((some(1, "row"), some(1_200, "row")), ("1 row".into(), "1,200 rows".into()));
        assert_eq!((count(999), count(1_000)), ("999".to_owned(), "1,000".to_owned()));
        assert_eq!(
            (figure(0.242_594), figure(19_785.0)),
            ("0.2426".to_owned(), "19,785".to_owned())
        );
    }
}
