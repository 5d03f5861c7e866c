//! How figures, money and instants are written on a page. Pure; the template filters call these.

use jiff::tz::TimeZone;
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use model::money::Currency;

/// Shown where a value is not known, which is not the same as nothing.
const UNKNOWN: &str = "–";

/// Money in minor units as people write it: `1234567`, `EUR` → `€12,345.67`.
pub fn money_text(minor: i64, currency: &str) -> String {
    let digits = Currency::parse(currency).map_or(2, Currency::exponent);
    let unit = 10_u64.saturating_pow(digits);
    let size = minor.unsigned_abs();
    let whole = grouped(size.checked_div(unit).unwrap_or(size));
    let rest = size.checked_rem(unit).unwrap_or(0);
    let sign = if minor < 0 { "\u{2212}" } else { "" };
    let fraction = match digits {
        0 => String::new(),
        digits => format!(".{rest:0width$}", width = usize::try_from(digits).unwrap_or(2)),
    };
    match symbol_of(currency) {
        Some(symbol) => format!("{sign}{symbol}{whole}{fraction}"),
        None => format!("{sign}{whole}{fraction}\u{a0}{currency}"),
    }
}

fn symbol_of(currency: &str) -> Option<&'static str> {
    Some(match currency {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        "INR" => "₹",
        "CAD" => "CA$",
        "AUD" => "A$",
        "NZD" => "NZ$",
        _ => return None,
    })
}

/// A whole number with its thousands set apart: `12,345`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first % 3 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `{{ price | money }}`: `{minor, currency}` or `{amount, currency}` in minor units; text passes
/// through as it is; nothing known is a dash. `{{ 4900 | money("EUR") }}` works as well.
pub fn money(value: &Value, currency: Option<&str>) -> Result<String, Error> {
    if is_nothing(value) {
        return Ok(UNKNOWN.to_owned());
    }
    if let Some(text) = value.as_str() {
        return Ok(text.to_owned());
    }
    if let Some(currency) = currency {
        return Ok(money_text(whole(value)?, currency));
    }
    let minor = match value.get_attr("minor")? {
        minor if minor.is_undefined() => value.get_attr("amount")?,
        minor => minor,
    };
    let currency = value.get_attr("currency")?;
    let currency = currency.as_str().ok_or_else(|| wrong("money needs a currency"))?;
    Ok(money_text(whole(&minor)?, currency))
}

/// `{{ at | date }}`: `21 Nov 2026`, in UTC or in `tz="Europe/Athens"`.
pub fn date(value: &Value, options: Kwargs) -> Result<String, Error> {
    written(value, &options, "%-d %b %Y")
}

/// `{{ at | datetime }}`: `21 Nov 2026, 20:39`, in UTC or in `tz="Europe/Athens"`.
pub fn datetime(value: &Value, options: Kwargs) -> Result<String, Error> {
    written(value, &options, "%-d %b %Y, %H:%M")
}

/// `{{ at | time }}`: `20:39`, in UTC or in `tz="Europe/Athens"`.
pub fn time_of_day(value: &Value, options: Kwargs) -> Result<String, Error> {
    written(value, &options, "%H:%M")
}

/// `{{ at | iso }}`: RFC 3339, for the `datetime` attribute of `<time>`.
pub fn iso(value: &Value) -> Result<String, Error> {
    if is_nothing(value) {
        return Ok(String::new());
    }
    Ok(model::UtcMs(whole(value)?).rfc3339())
}

/// `{{ at | ago(now) }}`: `3 hours ago`, `in 2 days`, `just now`.
pub fn ago(value: &Value, now: i64) -> Result<String, Error> {
    if is_nothing(value) {
        return Ok(UNKNOWN.to_owned());
    }
    let ms = now.saturating_sub(whole(value)?);
    let size = ms.unsigned_abs() / 60_000;
    let (count, unit) = match size {
        0 => return Ok("just now".to_owned()),
        1..60 => (size, "minute"),
        60..1440 => (size / 60, "hour"),
        1440..43_200 => (size / 1440, "day"),
        43_200..525_600 => (size / 43_200, "month"),
        _ => (size / 525_600, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    Ok(match ms {
        0.. => format!("{count} {unit}{plural} ago"),
        _ => format!("in {count} {unit}{plural}"),
    })
}

/// `{{ share | percent }}`: `0.1234` → `12.3%`; `percent(0)` for no decimals.
pub fn percent(value: &Value, decimals: Option<usize>) -> Result<String, Error> {
    if is_nothing(value) {
        return Ok(UNKNOWN.to_owned());
    }
    let share = f64::try_from(value.clone())?;
    if !share.is_finite() {
        return Ok(UNKNOWN.to_owned());
    }
    Ok(signed(&format!("{:.*}%", decimals.unwrap_or(1), share * 100.0)))
}

/// `{{ 12345 | number }}`: `12,345`; `number(2)` for two decimals; not known is a dash.
pub fn number(value: &Value, decimals: Option<usize>) -> Result<String, Error> {
    if is_nothing(value) {
        return Ok(UNKNOWN.to_owned());
    }
    if let (Some(text), None) = (value.as_str(), decimals) {
        return Ok(text.to_owned());
    }
    if let (Some(whole), None) = (value.as_i64(), decimals) {
        let sign = if whole < 0 { "\u{2212}" } else { "" };
        return Ok(format!("{sign}{}", grouped(whole.unsigned_abs())));
    }
    let real = f64::try_from(value.clone())?;
    if !real.is_finite() {
        return Ok(UNKNOWN.to_owned());
    }
    let text = format!("{real:.*}", decimals.unwrap_or(1));
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let size = whole.trim_start_matches('-').parse::<u64>().unwrap_or(0);
    let sign = if whole.starts_with('-') { "\u{2212}" } else { "" };
    let point = if rest.is_empty() { "" } else { "." };
    Ok(format!("{sign}{}{point}{rest}", grouped(size)))
}

/// `{{ n | count("order") }}`: `1 order`, `12 orders`; `count("reply", "replies")`.
pub fn count(value: &Value, one: &str, many: Option<&str>) -> Result<String, Error> {
    let figure = number(value, None)?;
    Ok(match (value.as_i64(), many) {
        (Some(1), _) => format!("{figure} {one}"),
        (_, Some(many)) => format!("{figure} {many}"),
        (_, None) => format!("{figure} {one}s"),
    })
}

/// Plain text as paragraphs: an empty line parts two, a line break stays one.
pub fn paragraphs(text: &str) -> Value {
    let mut html = String::new();
    for part in text.replace("\r\n", "\n").split("\n\n").filter(|part| !part.trim().is_empty()) {
        let lines: Vec<String> = part.trim().lines().map(escaped).collect();
        html.push_str("<p>");
        html.push_str(&lines.join("<br>"));
        html.push_str("</p>");
    }
    Value::from_safe_string(html)
}

/// Text for use between tags and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

fn written(value: &Value, options: &Kwargs, format: &str) -> Result<String, Error> {
    let tz: Option<&str> = options.get("tz")?;
    options.assert_all_used()?;
    if is_nothing(value) {
        return Ok(UNKNOWN.to_owned());
    }
    let at = match value.as_str() {
        Some(text) => text.parse().map_err(|_| wrong("an instant is milliseconds or RFC 3339"))?,
        None => model::UtcMs(whole(value)?).timestamp(),
    };
    let zone = tz.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    Ok(at.to_zoned(zone).strftime(format).to_string())
}

fn is_nothing(value: &Value) -> bool {
    value.is_none() || value.kind() == ValueKind::Undefined
}

fn whole(value: &Value) -> Result<i64, Error> {
    i64::try_from(value.clone()).map_err(|_| wrong("a whole number is needed here"))
}

fn signed(text: &str) -> String {
    text.replace('-', "\u{2212}")
}

fn wrong(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn money_is_written_in_its_own_decimals() {
        assert_eq!(money_text(1_234_567, "EUR"), "€12,345.67");
        assert_eq!(money_text(-500, "USD"), "\u{2212}$5.00");
        assert_eq!(money_text(1200, "JPY"), "¥1,200");
        assert_eq!(money_text(5, "KWD"), "0.005\u{a0}KWD");
        assert_eq!(money_text(100_000, "CHF"), "1,000.00\u{a0}CHF");
    }

    #[test]
    fn money_takes_every_shape_a_page_may_hold() {
        let minor = context! { minor => 4900, currency => "EUR" };
        let amount = context! { amount => 4900, currency => "EUR" };
        assert_eq!(money(&minor, None).unwrap(), "€49.00");
        assert_eq!(money(&amount, None).unwrap(), "€49.00");
        assert_eq!(money(&Value::from(4900), Some("EUR")).unwrap(), "€49.00");
        assert_eq!(money(&Value::from("€49"), None).unwrap(), "€49");
        assert_eq!(money(&Value::from(()), None).unwrap(), "–");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in
            [(0, "0"), (12, "12"), (123, "123"), (1234, "1,234"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(super::number(&Value::from(-1234.5), Some(1)).unwrap(), "\u{2212}1,234.5");
    }

    #[test]
    fn an_instant_is_written_in_the_zone_asked_for() {
        let at = Value::from(1_795_293_548_000_i64);
        let none: Kwargs = Kwargs::from_iter(Vec::<(&str, Value)>::new());
        assert_eq!(datetime(&at, none).unwrap(), "21 Nov 2026, 20:39");
        let athens = Kwargs::from_iter([("tz", Value::from("Europe/Athens"))]);
        assert_eq!(datetime(&at, athens).unwrap(), "21 Nov 2026, 22:39");
    }

    #[test]
    fn how_long_ago_is_said_in_one_unit() {
        let now = 1_795_293_548_000_i64;
        let at = |ms: i64| ago(&Value::from(now - ms), now).unwrap();
        assert_eq!(at(5_000), "just now");
        assert_eq!(at(60_000), "1 minute ago");
        assert_eq!(at(3 * 3_600_000), "3 hours ago");
        assert_eq!(at(-2 * 86_400_000), "in 2 days");
    }

    #[test]
    fn paragraphs_let_no_markup_through() {
        let html = paragraphs("One <b>\ntwo\n\nthree").to_string();
        assert_eq!(html, "<p>One &lt;b&gt;<br>two</p><p>three</p>");
    }
}
