//! Users' templates: strict, small and safe. What they may do is decided before they are kept
//! (`syntax`), and bounded while they run: fuel, the size of what filters give, the size of the
//! whole.

pub mod filters;
pub mod syntax;

use std::io;

use minijinja::value::Serde;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use model::Refused;
use model::contacts::Contact;
use model::urls::{Destination, encode_component};
use serde::Serialize;
use serde_json::json;

use crate::also_bought;

/// Instructions one rendering may take: some hundred times what a long mail does.
const FUEL: u64 = 50_000;
/// Octets a rendering may give.
const OUTPUT_MAX: usize = 2 << 20;
/// How deep templates may nest.
const RECURSION_MAX: usize = 64;
/// The name under which a link's destination is rendered: its expressions are percent-encoded.
const URL: &str = "url";

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The text part.
    pub plain: String,
    /// The HTML part.
    pub html: String,
}

/// What a template sees of a contact: this and nothing else.
#[derive(Debug, Clone, Serialize)]
pub struct ContactView<'a> {
    /// The address.
    pub email: &'a str,
    /// The first name; may be empty.
    pub first_name: &'a str,
    /// The last name; may be empty.
    pub last_name: &'a str,
    /// The language, if known.
    pub language: &'a str,
    /// The time zone, if known.
    pub timezone: &'a str,
    /// What forms wrote besides.
    pub fields: &'a std::collections::BTreeMap<String, String>,
}

/// The names a template may use of a contact, for the check before saving.
pub const CONTACT_NAMES: [&str; 6] =
    ["email", "first_name", "last_name", "language", "timezone", "fields"];
/// The names at the top.
pub const TOP_NAMES: [&str; 9] = [
    "contact",
    "site",
    "unsubscribe_url",
    "preferences_url",
    "subject",
    "links",
    "extra",
    "why",
    also_bought::mails::NAME,
];

/// What a template sees of `contact`.
pub fn contact_view(contact: &Contact) -> serde_json::Value {
    json!(ContactView {
        email: &contact.email,
        first_name: &contact.first_name,
        last_name: &contact.last_name,
        language: contact.language.as_deref().unwrap_or_default(),
        timezone: contact.timezone.as_deref().unwrap_or_default(),
        fields: &contact.fields,
    })
}

/// A template version, parsed once and rendered for many.
#[derive(Debug)]
pub struct Compiled {
    env: Environment<'static>,
    links: usize,
    suggests: bool,
}

impl Compiled {
    /// Parses the parts of a version; `targets` are its links, the hidden one first.
    pub fn new(subject: &str, plain: &str, html: &str, targets: &[String]) -> Result<Self, Error> {
        let mut env = environment();
        env.add_template_owned("subject.txt", subject.to_owned())?;
        env.add_template_owned("plain.txt", plain.to_owned())?;
        env.add_template_owned("html.html", html.to_owned())?;
        for (at, target) in targets.iter().enumerate() {
            env.add_template_owned(format!("{at}.{URL}"), target.clone())?;
        }
        let suggests = [plain, html].iter().any(|part| part.contains(also_bought::mails::NAME));
        Ok(Self { env, links: targets.len(), suggests })
    }

    /// How many links it has, the hidden one counted.
    pub fn links(&self) -> usize {
        self.links
    }

    /// Whether it has a place for what its reader may also buy.
    pub fn suggests(&self) -> bool {
        self.suggests
    }

    /// Renders all three parts; the others see the subject.
    pub fn render(&self, context: &serde_json::Value) -> Result<Rendered, Error> {
        let context = Value::from(Serde(context));
        let subject = part(&self.env, "subject.txt", &context)?;
        let context = minijinja::context! { subject => &subject, ..context };
        Ok(Rendered {
            subject,
            plain: part(&self.env, "plain.txt", &context)?,
            html: part(&self.env, "html.html", &context)?,
        })
    }

    /// Renders the subject alone.
    pub fn subject(&self, context: &serde_json::Value) -> Result<String, Error> {
        part(&self.env, "subject.txt", &Value::from(Serde(context)))
    }

    /// Where link number `position` leads for one contact. What comes from data is encoded; a
    /// destination that data would choose alone must still be an address of the web (T12).
    pub fn target(&self, position: usize, context: &serde_json::Value) -> Result<String, Error> {
        let context = Value::from(Serde(context));
        let given = part(&self.env, &format!("{position}.{URL}"), &context)?;
        let is_path = given.starts_with('/') && !given.starts_with("//");
        let is_web = given.starts_with("https://") || given.starts_with("http://");
        if is_path || (is_web && Destination::parse(&given).is_ok()) {
            return Ok(given);
        }
        Err(Error::new(ErrorKind::InvalidOperation, "this link leads nowhere for this contact"))
    }
}

fn part(env: &Environment<'_>, name: &str, context: &Value) -> Result<String, Error> {
    let template = env.get_template(name)?;
    // Most of a mail is the template's own words.
    let mut out = Capped { bytes: Vec::with_capacity(template.source().len() + 1_024) };
    template.render_captured_to(context.clone(), &mut out)?;
    String::from_utf8(out.bytes)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "the template gave what is not text"))
}

/// Renders a source by itself, to see whether it can be rendered at all.
pub(crate) fn try_source(
    name: &str,
    source: &str,
    context: &serde_json::Value,
) -> Result<String, Error> {
    let mut env = environment();
    env.add_template_owned(name.to_owned(), source.to_owned())?;
    part(&env, name, &Value::from(Serde(context)))
}

/// The names a source uses that it does not define: `contact.first_name`.
pub(crate) fn names_of(source: &str) -> Result<Vec<String>, Error> {
    let env = environment();
    let template = env.template_from_str(source)?;
    let mut names: Vec<String> = template.undeclared_variables(true).into_iter().collect();
    names.sort();
    Ok(names)
}

fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(RECURSION_MAX);
    env.set_auto_escape_callback(|name| {
        if name.ends_with(".html") {
            AutoEscape::Html
        } else if name.ends_with(".url") {
            AutoEscape::Custom(URL.into())
        } else {
            AutoEscape::None
        }
    });
    env.set_formatter(format);
    filters::add_safe(&mut env);
    env
}

/// As minijinja writes values, but percent-encoded inside a destination, and with the slashes of
/// addresses left as they are: mail programs and scanners read HTML carelessly.
pub(crate) fn format(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let text = value.as_str().filter(|_| !value.is_safe());
    match (state.auto_escape(), text) {
        (AutoEscape::Html, Some(text)) => escape(out, text).map_err(Error::from),
        (AutoEscape::Custom(_), _) if value.is_undefined() => {
            Err(Error::from(ErrorKind::UndefinedError))
        }
        (AutoEscape::Custom(_), _) => {
            let text = value.to_string();
            // A whole address that stands alone is one; within another it is a part.
            let alone = text.starts_with("https://") || text.starts_with("http://");
            let written = if alone { text } else { encode_component(&text) };
            out.write_str(&written).map_err(Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

fn escape(out: &mut Output<'_>, text: &str) -> std::fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, special) = rest.split_at(at);
        out.write_str(plain)?;
        out.write_str(match special.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        })?;
        rest = special.get(1..).unwrap_or_default();
    }
    out.write_str(rest)
}

/// Stops a rendering that grows too big.
struct Capped {
    bytes: Vec<u8>,
}

impl io::Write for Capped {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > OUTPUT_MAX {
            return Err(io::Error::other("the mail would be larger than 2 MB"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is wrong with a template, for the one who writes it: line, column, and what to do.
pub(crate) fn refused(error: &Error, source: &str, field: &'static str) -> Refused {
    let said = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let mut cause = String::new();
    if let Some(source) = std::error::Error::source(error) {
        cause = format!(" ({source})");
    }
    let place = error.range().map(|range| syntax::place(source, range.start));
    let message = match (place, error.line()) {
        (Some(place), _) => format!("{place}: {said}{cause}"),
        (None, Some(line)) => format!("line {line}: {said}{cause}"),
        (None, None) => format!("{said}{cause}"),
    };
    Refused::new("template_invalid", message).at(field)
}
