//! The filters of mails. Those that could build a large text out of a small one are our own and
//! capped; `format`, `indent` and `tojson` do not exist here.

use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, Value, filters, functions, tests};
use model::{Currency, Money, UtcMs};

/// Octets a filter may give.
const TEXT_MAX: usize = 64 * 1_024;

fn too_long(name: &str) -> Error {
    let what = format!("`{name}` would give more than 64 kB");
    Error::new(ErrorKind::InvalidOperation, what)
}

/// The filters our own templates have beside minijinja's.
pub(crate) fn add_to(env: &mut Environment<'_>) {
    env.add_filter("default", default);
    env.add_filter("money", money);
    env.add_filter("date", date);
}

/// All that users' templates have.
pub(crate) fn add_safe(env: &mut Environment<'_>) {
    add_to(env);
    env.add_filter("titled", titled);
    env.add_filter("replace", replace);
    env.add_filter("join", join);
    env.add_filter("upper", filters::upper);
    env.add_filter("lower", filters::lower);
    env.add_filter("title", filters::title);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("trim", filters::trim);
    env.add_filter("length", filters::length);
    env.add_filter("first", filters::first);
    env.add_filter("last", filters::last);
    env.add_filter("round", filters::round);
    env.add_test("defined", tests::is_defined);
    env.add_test("undefined", tests::is_undefined);
    env.add_test("none", tests::is_none);
    env.add_function("range", functions::range);
}

/// `value`, or `other` where it is missing, empty or null: to a person they are all a gap.
fn default(value: Value, other: Option<Value>) -> Value {
    let missing = value.is_undefined()
        || value.is_none()
        || value.as_str().is_some_and(|s| s.trim().is_empty());
    if missing { other.unwrap_or_else(|| Value::from("")) } else { value }
}

/// The words above a block: it is put in its place when the mail is saved.
fn titled(block: Value, _words: &str) -> Value {
    block
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let count = text.matches(from).count();
    let grown = text.len().saturating_add(count.saturating_mul(to.len()));
    if grown > TEXT_MAX {
        return Err(too_long("replace"));
    }
    Ok(text.replace(from, to))
}

fn join(values: Value, between: Option<String>) -> Result<String, Error> {
    let between = between.unwrap_or_default();
    let mut out = String::new();
    for (at, value) in values.try_iter()?.enumerate() {
        if at > 0 {
            out.push_str(&between);
        }
        out.push_str(&value.to_string());
        if out.len() > TEXT_MAX {
            return Err(too_long("join"));
        }
    }
    Ok(out)
}

/// `{{ 4900 | money("EUR") }}`: minor units as people read them.
fn money(minor: i64, currency: &str) -> Result<String, Error> {
    let currency = Currency::parse(currency)
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, e.message))?;
    Ok(Money::new(minor, currency).human())
}

/// `{{ extra.deadline | date }}`: `21 November 2026`, in UTC or the zone that is named.
fn date(at: i64, zone: Option<&str>) -> Result<String, Error> {
    let zone = match zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            Error::new(ErrorKind::InvalidOperation, format!("there is no time zone `{name}`"))
        })?,
    };
    Ok(UtcMs(at).timestamp().to_zoned(zone).strftime("%-d %B %Y").to_string())
}
