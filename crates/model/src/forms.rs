//! Opt-in forms: their fields, and reading what was posted to one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::consents::{NEWSLETTER, check_wording};
use crate::emails::EmailAddr;
use crate::notes::{clean_line, clean_text, refuse_card_number};
use crate::refused::Refused;
use crate::slugs::Slug;
use crate::urls::Destination;
use crate::words::words;

/// A form a person fills in has fewer fields than this.
pub const FIELDS_MAX: usize = 60;
/// A browser posts no more pairs than this for one.
pub const PAIRS_MAX: usize = 200;
/// Characters in a line of text, where the field does not say.
pub const LINE_MAX: usize = 200;
/// Characters in a text of several lines, where the field does not say.
pub const TEXT_MAX: usize = 5_000;
/// No field may ask for more than this.
pub const LIMIT_MAX: usize = 20_000;

/// The hidden box that only programs fill in.
pub const HONEYPOT: &str = "_website";
/// The hidden field with the signed time of rendering.
pub const TIME_FIELD: &str = "_t";
/// The hidden field with the signed version of the form: what was read is what was agreed to.
pub const VERSION_FIELD: &str = "_v";
/// The hidden field with the address of the page the form stands on.
pub const LANDING_FIELD: &str = "_landing";
/// The hidden field with the address of the page before.
pub const REFERRER_FIELD: &str = "_referrer";
/// The hidden field with `code.sig` of the one who recommends.
pub const CODE_FIELD: &str = "_r";
/// A person needs longer than this to fill in a form.
pub const FILL_MS_MIN: i64 = 2_000;
/// How long a rendered form can be sent without another press of its button.
pub const FORM_HOURS: i64 = 24;
/// The contact's own columns that a field may fill.
pub const CONTACT_COLUMNS: [&str; 4] = ["first_name", "last_name", "language", "timezone"];

words! {
    /// What a field holds.
    FieldKind "field_kind" {
        /// One line.
        Text = "text",
        /// The address; each form has one.
        Email = "email",
        /// Several lines.
        Textarea = "textarea",
        /// A number.
        Number = "number",
        /// A telephone number.
        Phone = "phone",
        /// A web address.
        Url = "url",
        /// A date.
        Date = "date",
        /// One of some options, from a list.
        Select = "select",
        /// Any of some options.
        Checkboxes = "checkboxes",
        /// One of some options.
        Radio = "radio",
        /// Set by the page.
        Hidden = "hidden",
        /// A box to agree to something; never ticked before.
        Consent = "consent",
    }
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name in the form, `first_name`.
    pub key: String,
    /// What it holds.
    pub kind: FieldKind,
    /// What stands beside it.
    pub label: String,
    /// A word of help.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// Whether it must be filled in. A consent is never required to get what was promised, but a
    /// form may ask for one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// What stands in it at first; not for consents.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub default: String,
    /// What one may choose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The most characters, if other than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// The contact's field it fills, `first_name`; none keeps it with the submission alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writes: Option<String>,
    /// For a consent: what for; the newsletter where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// For a consent: the topic it subscribes to, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// For a consent: in which words; its label where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Field {
    /// An optional field without further ado.
    pub fn new(key: &str, kind: FieldKind, label: &str) -> Self {
        Self {
            key: key.to_owned(),
            kind,
            label: label.to_owned(),
            help: String::new(),
            required: false,
            default: String::new(),
            options: Vec::new(),
            limit: None,
            writes: None,
            purpose: None,
            topic: None,
            wording: None,
        }
    }

    /// What a consent is for.
    pub fn purpose(&self) -> &str {
        self.purpose.as_deref().unwrap_or(NEWSLETTER)
    }

    /// For a consent: what one agrees to, word for word.
    pub fn wording(&self) -> &str {
        self.wording.as_deref().unwrap_or(&self.label)
    }

    /// The most characters it takes.
    pub fn limit(&self) -> usize {
        let usual = if self.kind == FieldKind::Textarea { TEXT_MAX } else { LINE_MAX };
        self.limit.unwrap_or(usual).min(LIMIT_MAX)
    }
}

/// What someone sent in, read and cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// Whose.
    pub email: EmailAddr,
    /// What was filled in, by the field's key; empty fields are left out.
    pub values: BTreeMap<String, Vec<String>>,
    /// The consents given, by the field's key.
    pub consents: BTreeSet<String>,
    /// Pairs that belong to no field: dropped, and counted.
    pub dropped: usize,
}

impl Submission {
    /// The value of a field with one.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key)?.first().map(String::as_str)
    }
}

fn check_field(field: &Field) -> Result<(), Refused> {
    let refuse = |code, message: &str| Err(Refused::new(code, message));
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let key = field.key.as_str();
    if key.is_empty() || key.len() > 40 || key.starts_with('_') || !key.bytes().all(plain) {
        return refuse("field_key", "name the field with small letters, digits and _");
    }
    if field.label.trim().is_empty() && field.kind != FieldKind::Hidden {
        return refuse("field_label", "say beside the field what to fill in");
    }
    let chooses =
        matches!(field.kind, FieldKind::Select | FieldKind::Radio | FieldKind::Checkboxes);
    if chooses && field.options.is_empty() {
        return refuse("field_options", "give at least one option to choose");
    }
    if field.kind == FieldKind::Consent {
        if !field.default.is_empty() {
            return refuse("consent_ticked", "a consent is never ticked before: leave it empty");
        }
        check_wording(field.wording())?;
    }
    if field.limit.is_some_and(|limit| limit == 0 || limit > LIMIT_MAX) {
        return refuse("field_limit", "choose a limit from 1 to 20000 characters");
    }
    Ok(())
}

/// Reads what was posted. Names that begin with `_` or `utm_` are the page's own and left alone.
///
/// # Errors
/// Every field that must be mended, in the form's order; a flood of pairs alone.
pub fn read(spec: &FormSpec, pairs: &[(String, String)]) -> Result<Submission, Vec<Refused>> {
    if pairs.len() > PAIRS_MAX {
        return Err(vec![Refused::new("form_too_many_fields", "this form sent too many fields")]);
    }
    let mut refusals = Vec::new();
    let mut email = None;
    let mut values = BTreeMap::new();
    let mut consents = BTreeSet::new();
    for field in &spec.fields {
        let typed: Vec<&str> = pairs
            .iter()
            .filter(|(key, _)| *key == field.key)
            .map(|(_, value)| value.as_str())
            .collect();
        match read_field(field, &typed) {
            Err(refused) => refusals.push(refused.at(field.key.clone())),
            Ok(Read::Email(address)) => email = Some(address),
            Ok(Read::Agreed) => {
                consents.insert(field.key.clone());
            }
            Ok(Read::Values(read)) => {
                values.insert(field.key.clone(), read);
            }
            Ok(Read::Nothing) => {}
        }
    }
    let ours = |key: &str| {
        key.starts_with('_') || key.starts_with("utm_") || spec.fields.iter().any(|f| f.key == key)
    };
    let dropped = pairs.iter().filter(|(key, _)| !ours(key)).count();
    match email {
        Some(email) if refusals.is_empty() => Ok(Submission { email, values, consents, dropped }),
        None if refusals.is_empty() => Err(vec![
            Refused::new("address_missing", "please type your e-mail address").at("email"),
        ]),
        _ => Err(refusals),
    }
}

enum Read {
    Nothing,
    Email(EmailAddr),
    Agreed,
    Values(Vec<String>),
}

fn read_field(field: &Field, typed: &[&str]) -> Result<Read, Refused> {
    let several = field.kind == FieldKind::Checkboxes;
    if typed.len() > 1 && !several {
        return Err(Refused::new("field_repeated", "this field came twice: please send it once"));
    }
    let mut values = Vec::new();
    for value in typed {
        let value = match field.kind {
            FieldKind::Textarea => clean_text(value),
            // The address is not mended but refused: what is invisible in it matters.
            FieldKind::Email => value.trim_matches(' ').to_owned(),
            _ => clean_line(value),
        };
        if value.chars().count() > field.limit() {
            return Err(Refused::new(
                "field_too_long",
                format!("use {} characters or fewer", field.limit()),
            ));
        }
        if !value.is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }
    let Some(first) = values.first() else {
        return if field.required || field.kind == FieldKind::Email {
            Err(missing(field))
        } else {
            Ok(Read::Nothing)
        };
    };
    match field.kind {
        FieldKind::Email => EmailAddr::parse(first).map(Read::Email),
        // A box has no value but its being ticked; browsers send "on".
        FieldKind::Consent if matches!(first.as_str(), "0" | "false" | "no" | "off") => {
            if field.required { Err(missing(field)) } else { Ok(Read::Nothing) }
        }
        FieldKind::Consent => Ok(Read::Agreed),
        _ => values
            .iter()
            .map(|value| check_value(field, value))
            .collect::<Result<Vec<_>, _>>()
            .map(Read::Values),
    }
}

fn missing(field: &Field) -> Refused {
    match field.kind {
        FieldKind::Email => Refused::new("address_missing", "please type your e-mail address"),
        FieldKind::Consent => Refused::new("consent_missing", "please tick this box to go on"),
        _ => Refused::new("field_missing", "please fill this in"),
    }
}

fn check_value(field: &Field, value: &str) -> Result<String, Refused> {
    match field.kind {
        FieldKind::Number => {
            let plain =
                value.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit() || b == b'.');
            if !plain || value.parse::<f64>().is_err() {
                return Err(Refused::new("number_invalid", "give a number, as in 12 or 12.5"));
            }
        }
        FieldKind::Date => {
            if value.parse::<jiff::civil::Date>().is_err() {
                return Err(Refused::new("date_invalid", "give a date as in 2026-11-21"));
            }
        }
        FieldKind::Url => {
            return Destination::parse(value).map(|to| to.as_str().to_owned());
        }
        FieldKind::Phone => {
            let digits = value.chars().filter(char::is_ascii_digit).count();
            let fits = |c: char| c.is_ascii_digit() || " +-()./x".contains(c);
            if !(4..=20).contains(&digits) || !value.chars().all(fits) {
                return Err(Refused::new("phone_invalid", "give a number as in +49 30 123456"));
            }
        }
        FieldKind::Select | FieldKind::Radio | FieldKind::Checkboxes => {
            if !field.options.iter().any(|option| clean_line(option) == value) {
                return Err(Refused::new("option_unknown", "choose one of the options shown"));
            }
        }
        _ => refuse_card_number(value)?,
    }
    Ok(value.to_owned())
}

/// A field's key from its label, for the editor.
pub fn suggest_key(label: &str) -> Option<String> {
    Slug::suggest(label).map(|slug| slug.as_str().replace('-', "_"))
}

mod spec;

pub use spec::{After, Delivery, FormSpec, check_origin};

#[cfg(test)]
mod tests;
