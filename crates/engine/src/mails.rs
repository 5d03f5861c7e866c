//! Our own mails: `templates/email/<name>/{subject.txt,text.txt,html.html}` in the one layout.

use std::sync::LazyLock;

use css_inline::{CSSInliner, InlineOptions};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, TemplateSource, UndefinedBehavior};
use model::sites::Site;
use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};

use crate::render::{Rendered, filters};

/// The accent of a site that has chosen none; readable under white words.
const ACCENT: &str = "#1f6f64";
const LAYOUT: &str = "layout.html";

#[derive(RustEmbed)]
#[folder = "templates/email/"]
struct Files;

static MAILS: LazyLock<Environment<'static>> = LazyLock::new(environment);
static INLINER: LazyLock<CSSInliner<'static>> = LazyLock::new(|| {
    CSSInliner::new(InlineOptions { load_remote_stylesheets: false, ..InlineOptions::default() })
});

/// Every mail by name, the layout left out.
#[cfg(test)]
fn names() -> Vec<String> {
    let mut names: Vec<String> = Files::iter()
        .filter_map(|file| file.strip_suffix("/subject.txt").map(ToOwned::to_owned))
        .collect();
    names.sort();
    names
}

fn environment() -> Environment<'static> {
    let mut mails = Environment::new();
    mails.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    mails.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).build() {
        mails.set_syntax(syntax);
    }
    mails.set_formatter(crate::render::format);
    filters::add_to(&mut mails);
    mails.set_loader(|name| {
        let Some(file) = Files::get(name) else { return Ok(None) };
        Ok(Some(TemplateSource::new(String::from_utf8_lossy(&file.data).into_owned())))
    });
    mails
}

/// Renders the mail `name`. `context` is what its sender gave and what the frame adds.
pub(crate) fn render(name: &str, context: &Value) -> Result<Rendered, Error> {
    let part = |file: &str| {
        let template = MAILS.get_template(&format!("{name}/{file}"))?;
        template.render(Serde(context))
    };
    let subject = part("subject.txt")?.trim().to_owned();
    let mut plain = part("text.txt")?.trim().to_owned();
    plain.push_str(&plain_foot(context));
    let body = part("html.html")?;
    let html = inline(&in_layout(&subject, &body, context)?)?;
    Ok(Rendered { subject, plain, html })
}

/// The subject of the mail `name` alone.
pub(crate) fn subject(name: &str, context: &Value) -> Result<String, Error> {
    let template = MAILS.get_template(&format!("{name}/subject.txt"))?;
    Ok(template.render(Serde(context))?.trim().to_owned())
}

/// `body` in the layout, its style sheet not yet inlined.
pub(crate) fn in_layout(subject: &str, body: &str, context: &Value) -> Result<String, Error> {
    let empty = Map::new();
    let mut frame = context.as_object().unwrap_or(&empty).clone();
    for absent in ["button", "receipt", "offers", "why", "unsubscribe_url", "preferences_url"] {
        frame.entry(absent).or_insert(Value::Null);
    }
    frame.entry("preheader").or_insert(json!(""));
    frame.insert("subject".to_owned(), json!(subject));
    frame.insert("body_html".to_owned(), json!(body));
    MAILS.get_template(LAYOUT)?.render(Serde(Value::Object(frame)))
}

/// Moves the style sheet onto the elements, as mail programs need it.
pub(crate) fn inline(html: &str) -> Result<String, Error> {
    INLINER.inline(html).map_err(|e| {
        Error::new(ErrorKind::InvalidOperation, format!("the styles could not be inlined: {e}"))
    })
}

fn plain_foot(context: &Value) -> String {
    let text = |at: &str| context.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let mut foot = format!("\n\n-- \n{}\n{}\n", text("/site/name"), text("/site/address"));
    if !text("/unsubscribe_url").is_empty() {
        foot.push_str(&format!("Unsubscribe: {}\n", text("/unsubscribe_url")));
    }
    if !text("/preferences_url").is_empty() {
        foot.push_str(&format!("Choose what comes: {}\n", text("/preferences_url")));
    }
    foot
}

/// What every mail of a site sees of it.
pub(crate) fn site_view(site: &Site) -> Value {
    json!({
        "name": site.name,
        "url": site.base_url,
        "base_url": site.base_url,
        "address": site.postal_address,
        "sender_name": site.sender_name,
        "language": site.language,
        "accent": accent(site),
    })
}

/// The colour of a site's buttons and links.
pub(crate) fn accent(site: &Site) -> &str {
    let own = site.settings.theme.get("accent").map(String::as_str);
    own.filter(|colour| colour.starts_with('#')).unwrap_or(ACCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mail_has_its_three_parts_and_parses() {
        assert!(names().len() >= 7);
        for name in names() {
            for file in ["subject.txt", "text.txt", "html.html"] {
                let template = format!("{name}/{file}");
                if let Err(why) = MAILS.get_template(&template) {
                    panic!("{template}: {why:#}");
                }
            }
        }
    }
}
