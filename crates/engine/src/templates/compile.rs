//! From what was written to what is kept: Markdown or HTML with expressions, put into the layout,
//! styles on the elements, links numbered, a text part beside it.

use model::Refused;
use model::sites::Site;
use model::urls::Destination;
use pulldown_cmark::{Options, Parser, html};
use serde_json::json;

use super::lint::{self, Warning};
use super::{Draft, plain, suggested};
use crate::render::{self, syntax};
use crate::{also_bought, mails, nesting};

/// Characters of a source: ten long newsletters.
const SOURCE_MAX: usize = 200_000;
/// Links in one mail; a link's place is two octets of its token.
const LINKS_MAX: usize = 500;
/// The addresses of the frame; they act, so they are not counted as clicks.
const OWN: [&str; 2] = ["unsubscribe_url", "preferences_url"];

/// A mail made of a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The HTML part; expressions stand in it.
    pub html: String,
    /// The text part; expressions stand in it.
    pub plain: String,
    /// Where its links lead, the hidden one first.
    pub targets: Vec<String>,
    /// What an author should know.
    pub warnings: Vec<Warning>,
}

/// Checks a draft and makes the mail of it.
pub(super) fn make(site: &Site, draft: &Draft) -> Result<Made, Refused> {
    check(site, draft)?;
    let guarded = Guarded::new(&draft.source)?;
    let deep = || {
        let message = "quotations, lists or elements stand too deep within each other: take some \
                       of them out";
        Refused::new("source_deep", message).at("source")
    };
    if draft.format == "markdown" && nesting::markdown_is_deep(&guarded.text) {
        return Err(deep());
    }
    let body = match draft.format.as_str() {
        "markdown" => markdown(&guarded),
        "html" => guarded.text.clone(),
        _ => {
            let message = "write mails in markdown or html";
            return Err(Refused::new("format_unknown", message).at("format"));
        }
    };
    if nesting::html_is_deep(&body) {
        return Err(deep());
    }
    let text = match draft.format.as_str() {
        "markdown" => plain::of_markdown(&guarded.text),
        _ => plain::of_html(&body),
    };
    let body = guarded.with_suggestions(&body);
    let fault = |e: minijinja::Error| Refused::new("template_invalid", e.to_string()).at("source");
    let frame = json!({
        "language": "{{ language }}",
        "site": {
            "name": "{{ site.name }}",
            "url": "{{ site.url }}",
            "address": "{{ site.address }}",
            "accent": mails::accent(site),
        },
        "why": "{{ why }}",
        "unsubscribe_url": "{{ unsubscribe_url }}",
        "preferences_url": "{{ preferences_url }}",
    });
    let page = mails::in_layout("{{ subject }}", &body, &frame).map_err(fault)?;
    let page = mails::inline(&page).map_err(fault)?;
    let (page, mut targets) = number_links(site, &guarded, &suggested::uncover(&page))?;
    let page = guarded.restore(&with_hidden_link(&page));
    // The hidden link leads home: a person never sees it, and who does meets no error.
    targets.insert(0, "/".to_owned());
    let text = guarded.with_suggestions_plain(&text, &targets);
    let plain = format!("{}{}", guarded.restore(&text), FOOT);
    let warnings = lint::warnings(site, &page, &targets);
    try_parts(draft, &plain, &page, &targets)?;
    Ok(Made { html: page, plain, targets, warnings })
}

const FOOT: &str = "\n\n-- \n{{ site.name }}\n{{ site.address }}\nUnsubscribe: \
                    {{ unsubscribe_url }}\nChoose what comes: {{ preferences_url | default('') }}\n";

fn with_hidden_link(page: &str) -> String {
    let hidden = "<a href=\"{{ links[0] }}\" style=\"display:none\" tabindex=\"-1\" \
                  aria-hidden=\"true\"></a></body>";
    page.replacen("</body>", hidden, 1)
}

/// Everything that can be said of the source by itself.
fn check(site: &Site, draft: &Draft) -> Result<(), Refused> {
    if draft.subject.trim().is_empty() {
        return Err(Refused::new("subject_missing", "give the mail a subject").at("subject"));
    }
    if draft.source.trim().is_empty() {
        return Err(Refused::new("source_missing", "write the mail").at("source"));
    }
    if draft.source.len() > SOURCE_MAX {
        let message = format!("keep the mail below {SOURCE_MAX} characters");
        return Err(Refused::new("source_too_long", message).at("source"));
    }
    for code in syntax::pieces(&draft.subject, "subject")? {
        if code.text.contains(also_bought::mails::NAME) {
            let message = "what was also bought stands in the mail, not in its subject";
            return Err(Refused::new("template_invalid", message).at("subject"));
        }
    }
    for (field, source) in [("subject", &draft.subject), ("source", &draft.source)] {
        syntax::check(source, field)?;
        check_names(source, field)?;
        for contact in [super::sample_contact(), empty_contact()] {
            let context = json!({
                "contact": contact,
                "site": mails::site_view(site),
                "language": site.language,
                "unsubscribe_url": "https://example.com/u",
                "preferences_url": "https://example.com/p",
                "extra": {},
                also_bought::mails::NAME: [],
            });
            render::try_source("draft.txt", source, &context)
                .map_err(|e| render::refused(&e, source, field))?;
        }
    }
    Ok(())
}

/// Somebody who gave an address and nothing else: a mail must read well for them too.
fn empty_contact() -> serde_json::Value {
    json!({
        "email": "someone@example.com",
        "first_name": "",
        "last_name": "",
        "language": "",
        "timezone": "",
        "fields": {},
    })
}

/// A misspelt name is refused even where a fallback would hide it (T1).
fn check_names(source: &str, field: &'static str) -> Result<(), Refused> {
    let names = render::names_of(source).map_err(|e| render::refused(&e, source, field))?;
    for name in names {
        let known = match name.split_once('.') {
            Some(("contact", rest)) => {
                let first = rest.split('.').next().unwrap_or_default();
                render::CONTACT_NAMES.contains(&first)
            }
            _ => {
                let first = name.split('.').next().unwrap_or_default();
                render::TOP_NAMES.contains(&first) || first == "language" || first == "range"
            }
        };
        if !known {
            let at = source.find(name.as_str()).unwrap_or(0);
            let place = syntax::place(source, at);
            let list = render::CONTACT_NAMES.map(|name| format!("contact.{name}")).join(", ");
            let message = format!("{place}: there is no `{name}`; there are {list}");
            return Err(Refused::new("template_invalid", message).at(field));
        }
    }
    Ok(())
}

/// The parts as they will be rendered parse, and render once.
fn try_parts(draft: &Draft, plain: &str, page: &str, targets: &[String]) -> Result<(), Refused> {
    render::Compiled::new(&draft.subject, plain, page, targets)
        .map(drop)
        .map_err(|e| Refused::new("template_invalid", e.to_string()).at("source"))
}

/// A source whose expressions are replaced by words that Markdown and HTML leave alone.
pub(super) struct Guarded {
    pub text: String,
    mark: String,
    pieces: Vec<(String, bool)>,
    /// The pieces that suggest products, with the words above them.
    suggestions: Vec<(usize, String)>,
}

impl Guarded {
    pub fn new(source: &str) -> Result<Self, Refused> {
        let mut number = 0;
        let mut mark = String::from("zqx0");
        while source.contains(&mark) {
            number += 1;
            mark = format!("zqx{number}");
        }
        let mut text = String::with_capacity(source.len());
        let (mut pieces, mut suggestions) = (Vec::new(), Vec::new());
        let mut from = 0;
        for code in syntax::pieces(source, "source")? {
            text.push_str(source.get(from..code.start).unwrap_or_default());
            text.push_str(&Self::word(&mark, pieces.len()));
            let title = suggested::title(source, &code)?;
            let is_block = title.is_some();
            suggestions.extend(title.map(|title| (pieces.len(), title)));
            pieces.push((code.text.to_owned(), code.silent || is_block));
            from = code.end;
        }
        text.push_str(source.get(from..).unwrap_or_default());
        Ok(Self { text, mark, pieces, suggestions })
    }

    /// Puts the expressions back.
    pub fn restore(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(&self.mark) {
            out.push_str(before);
            let piece = Self::number(after).and_then(|(number, left)| {
                self.pieces.get(number).map(|(piece, _)| (piece.as_str(), left))
            });
            let (piece, left) = piece.unwrap_or((&self.mark, after));
            out.push_str(piece);
            rest = left;
        }
        out + rest
    }

    /// Puts the blocks of suggested products in their places.
    fn with_suggestions(&self, body: &str) -> String {
        self.suggestions.iter().fold(body.to_owned(), |body, (number, title)| {
            body.replace(&Self::word(&self.mark, *number), &suggested::html(title))
        })
    }

    /// The same in the text part, where `targets` are the links of the other, the hidden one first.
    fn with_suggestions_plain(&self, text: &str, targets: &[String]) -> String {
        let first = also_bought::mails::target(0);
        let mut firsts = targets.iter().enumerate().filter(|(_, target)| **target == first);
        self.suggestions.iter().fold(text.to_owned(), |text, (number, title)| {
            // All of them lead where the first of them leads, whichever is counted.
            let at = firsts.next().map_or(0, |(at, _)| at);
            text.replace(&Self::word(&self.mark, *number), &suggested::plain(title, at))
        })
    }

    /// A statement on a line of its own, or a block, is no paragraph.
    fn unwrap_statements(&self, html: &str) -> String {
        let open = format!("<p>{}", self.mark);
        let mut out = String::with_capacity(html.len());
        let mut rest = html;
        while let Some((before, after)) = rest.split_once(&open) {
            out.push_str(before);
            let alone = Self::number(after).and_then(|(number, left)| {
                let is_silent = self.pieces.get(number).is_some_and(|(_, silent)| *silent);
                Some((number, left.strip_prefix("</p>")?)).filter(|_| is_silent)
            });
            match alone {
                Some((number, left)) => {
                    out.push_str(&Self::word(&self.mark, number));
                    rest = left;
                }
                None => {
                    out.push_str(&open);
                    rest = after;
                }
            }
        }
        out + rest
    }

    /// What stands for an expression.
    fn word(mark: &str, number: usize) -> String {
        format!("{mark}n{number}z")
    }

    /// The number of an expression, and what follows, where `after` goes on like [`Self::word`]
    /// after its mark.
    fn number(after: &str) -> Option<(usize, &str)> {
        let (number, left) = after.strip_prefix('n')?.split_once('z')?;
        Some((number.parse().ok()?, left))
    }
}

fn markdown(guarded: &Guarded) -> String {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut out = String::with_capacity(guarded.text.len() * 2);
    html::push_html(&mut out, Parser::new_ext(&guarded.text, options));
    guarded.unwrap_statements(&out)
}

/// Gives every link of the page its number; what its number leads to.
fn number_links(
    site: &Site,
    guarded: &Guarded,
    page: &str,
) -> Result<(String, Vec<String>), Refused> {
    let mut out = String::with_capacity(page.len());
    let mut targets = Vec::new();
    let mut rest = page;
    while let Some((before, href, after)) = next_href(rest) {
        out.push_str(before);
        let target = guarded.restore(&unescape(href));
        match destination(site, &target)? {
            None => out.push_str(href),
            Some(target) => {
                targets.push(target);
                if targets.len() > LINKS_MAX {
                    let message = format!("a mail has {LINKS_MAX} links at most");
                    return Err(Refused::new("links_too_many", message).at("source"));
                }
                out.push_str(&format!("{{{{ links[{}] }}}}", targets.len()));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok((out, targets))
}

/// The next `href` of an `<a …>`: what stands before its value, the value, what follows.
fn next_href(page: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + page.get(from..)?.find("<a ")?;
        let close = open + page.get(open..)?.find('>')?;
        let tag = page.get(open..close)?;
        if let Some(at) = tag.find(" href=\"") {
            let start = open + at + " href=\"".len();
            let end = start + page.get(start..)?.find('"')?;
            return Some((page.get(..start)?, page.get(start..end)?, page.get(end..)?));
        }
        from = close;
    }
}

fn unescape(href: &str) -> String {
    href.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Where a link leads as it is kept: a path of the site, or an address of the web. `None` for
/// what is not counted: the frame's own links, mail and telephone.
fn destination(site: &Site, target: &str) -> Result<Option<String>, Refused> {
    let bare = target.trim();
    let inner = bare.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    if bare.starts_with('#')
        || bare.starts_with("mailto:")
        || bare.starts_with("tel:")
        || inner.is_some_and(|name| OWN.contains(&name) || name == "site.url")
    {
        return Ok(None);
    }
    for name in ["site.url", "site.base_url"] {
        for prefix in [format!("{{{{ {name} }}}}"), format!("{{{{{name}}}}}")] {
            if let Some(path) = bare.strip_prefix(&prefix) {
                return Ok(Some(if path.is_empty() { "/".to_owned() } else { path.to_owned() }));
            }
        }
    }
    if bare.starts_with('/') && !bare.starts_with("//") {
        return Ok(Some(bare.to_owned()));
    }
    // A whole address from a field is looked at when it is followed (T12).
    if inner.is_some_and(|name| name.starts_with("contact.") || name.starts_with("extra.")) {
        return Ok(Some(bare.to_owned()));
    }
    let checked = Destination::parse(bare).map_err(|e| {
        let shown: String = bare.chars().take(60).collect();
        Refused::new(e.code, format!("the link to {shown}: {}", e.message)).at("source")
    })?;
    let own = site.url("/");
    Ok(Some(match checked.as_str().strip_prefix(own.as_str()) {
        Some(path) => format!("/{path}"),
        None => checked.as_str().to_owned(),
    }))
}
