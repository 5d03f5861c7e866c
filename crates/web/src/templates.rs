//! The page templates: minijinja, strict, escaped, embedded; with the filters that pages share.
//!
//! `templates/components/README.md` says which macro to use for what. In a debug build a template
//! changed on disk is seen at the next request.

use std::sync::LazyLock;

use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, TemplateSource, UndefinedBehavior, Value,
};
use rust_embed::RustEmbed;
use serde::Serialize;

use crate::{assets, charts, nav, plain, words};

#[derive(RustEmbed)]
#[folder = "templates/"]
struct Files;

static PAGES: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// The page `name` (`admin/orders/index.html`) with `context`. An undefined name in the template
/// is an error, never an empty space.
pub fn render(name: &str, context: impl Serialize) -> Result<String, Error> {
    PAGES.get_template(name)?.render(Value::from(Serde(context)))
}

/// A page that is not a file: what the gallery draws.
#[cfg(test)]
pub(crate) fn render_source(source: &str, context: Value) -> Result<String, Error> {
    PAGES.render_str(source, context)
}

/// Every page template by name, layouts and components left out.
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = Files::iter()
        .map(|name| name.into_owned())
        .filter(|name| {
            name.ends_with(".html")
                && !name.starts_with("layout/")
                && !name.starts_with("components/")
        })
        .collect();
    names.sort();
    names
}

fn environment() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_loader(load);
    pages.set_auto_reload(cfg!(debug_assertions));
    pages.add_filter("money", words::money);
    pages.add_filter("date", words::date);
    pages.add_filter("datetime", words::datetime);
    pages.add_filter("time", words::time_of_day);
    pages.add_filter("iso", words::iso);
    pages.add_filter("ago", words::ago);
    pages.add_filter("percent", words::percent);
    pages.add_filter("number", words::number);
    pages.add_filter("count", words::count);
    pages.add_filter("paragraphs", words::paragraphs);
    pages.add_filter("plain", plain::plain);
    pages.add_filter("mail", plain::mail);
    pages.add_filter("provider", plain::provider);
    pages.add_filter("account", plain::account);
    pages.add_filter("details", plain::details);
    pages.add_filter("at", error_at);
    pages.add_filter("asset", asset);
    pages.add_function("asset", asset);
    pages.add_function("icon", icon);
    pages.add_function("nav", nav::value);
    pages.add_function("sparkline", sparkline);
    pages
}

fn load(name: &str) -> Result<Option<TemplateSource>, Error> {
    let Some(file) = Files::get(name) else { return Ok(None) };
    let text = String::from_utf8_lossy(&file.data).into_owned();
    let (name, loaded) = (name.to_owned(), file.metadata.sha256_hash());
    Ok(Some(TemplateSource::new(text).with_uptodate_check(move || {
        Files::get(&name).is_some_and(|now| now.metadata.sha256_hash() == loaded)
    })))
}

fn asset(name: &str) -> Result<String, Error> {
    assets::url(name).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("there is no asset `{name}`"))
    })
}

/// `{{ errors | at("email") }}`: what must be mended at a field, for its `error=`; none otherwise.
fn error_at(errors: Value, field: &str) -> Result<Value, Error> {
    for error in errors.try_iter()? {
        if error.get_attr("field")?.as_str() == Some(field) {
            return error.get_attr("message");
        }
    }
    Ok(Value::from(()))
}

/// `{{ icon("mail") }}`: a picture beside words, hidden from screen readers.
fn icon(name: &str) -> Result<Value, Error> {
    static KNOWN: LazyLock<String> =
        LazyLock::new(|| assets::text("icons.svg").unwrap_or_default());
    if !KNOWN.contains(&format!("id=\"{name}\"")) {
        let what = format!("there is no icon `{name}`; see assets/icons.svg");
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    let sheet = asset("icons.svg")?;
    Ok(Value::from_safe_string(format!(
        "<svg class=\"icon\" aria-hidden=\"true\" focusable=\"false\">\
         <use href=\"{sheet}#{name}\"/></svg>"
    )))
}

/// `{{ sparkline([3, 5, 4]) }}`: the shape of a series, said nowhere else, so hidden from readers.
fn sparkline(values: Vec<f64>) -> Value {
    Value::from_safe_string(charts::sparkline(&values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            if let Err(why) = PAGES.get_template(&name) {
                panic!("{name}: {why:#}");
            }
        }
    }

    #[test]
    fn no_template_holds_an_inline_style_or_script() {
        for name in Files::iter().filter(|name| name.ends_with(".html")) {
            let text = String::from_utf8(Files::get(&name).unwrap().data.into_owned()).unwrap();
            for (at, line) in text.lines().enumerate() {
                let bad = line.contains(" style=\"")
                    || line.contains("<style")
                    || line.contains("javascript:")
                    || (line.contains("<script") && !line.contains(" src="))
                    || [" onclick=", " onsubmit=", " onchange=", " onload="]
                        .iter()
                        .any(|word| line.contains(word));
                assert!(!bad, "{name}:{}: the page's policy forbids this: {line}", at + 1);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_not_a_gap() {
        let mut pages = environment();
        pages.add_template("x", "{{ nobody }}").unwrap();
        assert!(pages.get_template("x").unwrap().render(()).is_err());
    }
}
