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
/// What the name of a mail's whole template ends in; made of its words and the layout.
const WHOLE: &str = "/whole.html";

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
        let source = match name.strip_suffix(WHOLE) {
            Some(mail) => whole(mail)?,
            None => source(name),
        };
        Ok(source.map(TemplateSource::new))
    });
    mails
}

fn source(file: &str) -> Option<String> {
    Files::get(file).map(|file| String::from_utf8_lossy(&file.data).into_owned())
}

/// The template of a whole mail: its words in the layout, the style sheet moved onto the elements.
/// Moving it takes longer than everything else that is done for a mail, so that it is done once,
/// on the template: a tag stands in a comment meanwhile, which may stand anywhere in a page.
fn whole(mail: &str) -> Result<Option<String>, Error> {
    let parts = (source(LAYOUT), source(&format!("{mail}/html.html")));
    let (Some(layout), Some(body)) = parts else { return Ok(None) };
    let page = layout.split_once("-#}").map_or(layout.as_str(), |(_, page)| page);
    let page = page
        .replace("{{ body_html | safe }}", &body)
        .replace("{{ site.accent }}", ACCENT)
        .replace("{%", "<!--{%")
        .replace("%}", "%}-->");
    let page = inline(&page)?;
    let page =
        page.replace("<!--{%", "{%").replace("%}-->", "%}").replace(ACCENT, "{{ site.accent }}");
    Ok(Some(page))
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
    let html = MAILS.get_template(&format!("{name}{WHOLE}"))?;
    let html = html.render(Serde(Value::Object(frame(&subject, context))))?;
    Ok(Rendered { subject, plain, html })
}

/// The subject of the mail `name` alone.
pub(crate) fn subject(name: &str, context: &Value) -> Result<String, Error> {
    let template = MAILS.get_template(&format!("{name}/subject.txt"))?;
    Ok(template.render(Serde(context))?.trim().to_owned())
}

/// `body` in the layout, its style sheet not yet inlined.
pub(crate) fn in_layout(subject: &str, body: &str, context: &Value) -> Result<String, Error> {
    let mut frame = frame(subject, context);
    frame.insert("body_html".to_owned(), json!(body));
    MAILS.get_template(LAYOUT)?.render(Serde(Value::Object(frame)))
}

/// What the layout sees: `context`, and nothing for what that does not speak of.
fn frame(subject: &str, context: &Value) -> Map<String, Value> {
    let empty = Map::new();
    let mut frame = context.as_object().unwrap_or(&empty).clone();
    for absent in
        ["button", "receipt", "offers", "also_bought", "why", "unsubscribe_url", "preferences_url"]
    {
        frame.entry(absent).or_insert(Value::Null);
    }
    frame.entry("preheader").or_insert(json!(""));
    frame.insert("subject".to_owned(), json!(subject));
    frame
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
            for file in ["subject.txt", "text.txt", "html.html", "whole.html"] {
                let template = format!("{name}/{file}");
                if let Err(why) = MAILS.get_template(&template) {
                    panic!("{template}: {why:#}");
                }
            }
        }
    }

    #[test]
    fn a_mail_made_from_its_whole_template_is_the_mail_whose_styles_are_moved_last() {
        let context = json!({
            "language": "en",
            "site": { "name": "Ada & Sons <\"Bread\">", "url": "https://shop.example/?a=1&b=2",
                "base_url": "https://shop.example", "address": "1 Mill Lane", "accent": "#a03060",
                "sender_name": "Ada", "language": "en" },
            "contact": { "first_name": "Zoë O'Neill <b>" },
            "order_url": "https://shop.example/o/1?x=1&y=2",
            "downloads": [{ "url": "https://shop.example/d/1", "name": "Bread & Butter" }],
            "button": { "href": "https://shop.example/go?a=1&b=2", "label": "Go" },
            "receipt": { "number": "No. 7", "date": "today", "to": ["Ada", "London"],
                "lines": [{ "name": "Bread <1>", "note": "two", "amount": "$19.00" },
                    { "name": "Book", "note": "", "amount": "$2.00" }],
                "totals": [{ "label": "Tax", "amount": "$1.00", "strong": false },
                    { "label": "Total", "amount": "$22.00", "strong": true }],
                "note": "Thank you" },
            "offers": { "title": "Next", "terms": "while it lasts", "items": [
                { "name": "Course", "text": "learn", "price": "$97", "href": "https://shop.example/c",
                    "label": "See it", "image": "https://shop.example/i.png" }] },
            "why": "You ordered.", "unsubscribe_url": "https://shop.example/u",
            "preferences_url": "https://shop.example/p", "preheader": "Your receipt",
        });
        let whole = render("receipt", &context).unwrap();
        let body = MAILS.get_template("receipt/html.html").unwrap();
        let body = body.render(Serde(&context)).unwrap();
        let last = inline(&in_layout(&whole.subject, &body, &context).unwrap()).unwrap();
        let plainly = |html: &str| {
            let html = html.replace("&#39;", "'").replace("&quot;", "\"");
            html.split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><")
        };
        assert_eq!(plainly(&whole.html), plainly(&last));
    }
}
