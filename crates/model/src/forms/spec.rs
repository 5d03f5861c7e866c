//! What the operator writes of a form: what it says, asks, and does afterwards.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{FIELDS_MAX, Field, FieldKind, Submission, check_field};
use crate::consents::{NEWSLETTER, check_wording};
use crate::refused::Refused;
use crate::slugs::Slug;
use crate::urls::Destination;
use crate::words::words;

words! {
    /// When the free thing is handed over.
    Delivery "magnet_delivery" {
        /// On the page behind the confirmation's button, and by mail after it.
        Mail = "mail",
        /// The confirmation mail carries it: fetching it confirms.
        Confirmation = "confirmation",
    }
}

/// What the visitor sees after sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// A text in place of the form.
    Message(String),
    /// Another address; chosen by the operator, never by the visitor.
    Redirect(String),
    /// A page of the site by its slug.
    Page(String),
}

impl Default for After {
    fn default() -> Self {
        Self::Message(
            "Thank you! Please look into your inbox: the mail there asks you to confirm."
                .to_owned(),
        )
    }
}

/// A form as the operator wrote it. A changed one is a new version; old embeds keep working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormSpec {
    /// Above the form.
    pub title: String,
    /// Below the title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub intro: String,
    /// What the button says.
    #[serde(default = "default_button")]
    pub button: String,
    /// What it asks.
    pub fields: Vec<Field>,
    /// What sending the form means, shown above the button: the wording of the newsletter
    /// consent, where no box of its own asks for it. Empty: sending agrees to no newsletter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consent: String,
    /// Tags the contact gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Topics it is subscribed to, by slug.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// The free thing, by slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnet: Option<String>,
    /// How the free thing is handed over.
    #[serde(default = "default_delivery")]
    pub delivery: Delivery,
    /// Whether the address must be confirmed. Off only where the law lets you.
    #[serde(default = "yes")]
    pub double_opt_in: bool,
    /// What comes after sending.
    #[serde(default)]
    pub after: After,
    /// Other sites that may show the form, as `https://blog.example`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embed_origins: Vec<String>,
}

fn default_button() -> String {
    "Send it to me".to_owned()
}

fn default_delivery() -> Delivery {
    Delivery::Mail
}

fn yes() -> bool {
    true
}

impl Default for FormSpec {
    fn default() -> Self {
        Self {
            title: "Newsletter".to_owned(),
            intro: String::new(),
            button: default_button(),
            fields: Vec::new(),
            consent: String::new(),
            tags: Vec::new(),
            topics: Vec::new(),
            magnet: None,
            delivery: Delivery::Mail,
            double_opt_in: true,
            after: After::default(),
            embed_origins: Vec::new(),
        }
    }
}

impl FormSpec {
    /// A form that asks for a first name and an address.
    pub fn simple(title: &str, consent: &str) -> Self {
        let name = Field::new("first_name", FieldKind::Text, "First name");
        let email = Field::new("email", FieldKind::Email, "E-mail address");
        Self {
            title: title.to_owned(),
            fields: vec![
                Field { writes: Some("first_name".to_owned()), ..name },
                Field { required: true, ..email },
            ],
            consent: consent.to_owned(),
            ..Self::default()
        }
    }

    /// Checks a form before a version of it is stored.
    ///
    /// # Errors
    /// What cannot be right, at the field it is in.
    pub fn check(&self) -> Result<(), Refused> {
        if self.title.trim().is_empty() {
            return Err(Refused::new("form_title", "give the form a title").at("title"));
        }
        if self.fields.len() > FIELDS_MAX {
            return Err(Refused::new(
                "form_too_long",
                format!("a form has {FIELDS_MAX} fields at most: ask for less"),
            ));
        }
        if self.fields.iter().filter(|field| field.kind == FieldKind::Email).count() != 1 {
            return Err(Refused::new(
                "form_email",
                "give the form exactly one field for the address",
            ));
        }
        let mut seen = BTreeSet::new();
        for (at, field) in self.fields.iter().enumerate() {
            check_field(field).map_err(|refused| refused.at(format!("fields[{at}]")))?;
            if !seen.insert(field.key.as_str()) {
                return Err(Refused::new("field_twice", "two fields have this name")
                    .at(format!("fields[{at}].key")));
            }
        }
        if !self.consent.is_empty() {
            check_wording(&self.consent).map_err(|refused| refused.at("consent"))?;
        }
        check_after(&self.after).map_err(|refused| refused.at("after"))?;
        let mut origins = self.embed_origins.iter();
        origins
            .try_for_each(|origin| check_origin(origin))
            .map_err(|refused| refused.at("embed_origins"))
    }

    /// What can be agreed to with this form: purpose and wording.
    pub fn wordings(&self) -> Vec<(String, String)> {
        let boxes = self.fields.iter().filter(|field| field.kind == FieldKind::Consent);
        let mut all: Vec<(String, String)> =
            boxes.map(|field| (field.purpose().to_owned(), field.wording().to_owned())).collect();
        all.extend(self.implied());
        all
    }

    /// The consent that sending the form itself gives: where it says so and no box asks.
    pub fn implied(&self) -> Option<(String, String)> {
        let boxed = self
            .fields
            .iter()
            .any(|field| field.kind == FieldKind::Consent && field.purpose() == NEWSLETTER);
        (!boxed && !self.consent.trim().is_empty())
            .then(|| (NEWSLETTER.to_owned(), self.consent.clone()))
    }

    /// What an answer agrees to, ticked boxes and what sending itself means: purpose, wording, and
    /// topic where there is one.
    pub fn agreed(&self, answer: &Submission) -> Vec<(String, String, Option<String>)> {
        let ticked = self.fields.iter().filter(|field| answer.consents.contains(&field.key));
        let of = |field: &Field| {
            (field.purpose().to_owned(), field.wording().to_owned(), field.topic.clone())
        };
        let mut all: Vec<_> = ticked.map(of).collect();
        all.extend(self.implied().map(|(purpose, wording)| (purpose, wording, None)));
        all
    }
}

fn check_after(after: &After) -> Result<(), Refused> {
    match after {
        After::Message(_) => Ok(()),
        After::Page(slug) => Slug::parse(slug).map(drop),
        After::Redirect(url) => {
            let to = Destination::parse(url)?;
            let web = to.as_str().starts_with("https://") || to.as_str().starts_with("http://");
            if web && !to.has_expressions() {
                return Ok(());
            }
            Err(Refused::new(
                "redirect_invalid",
                "write the address as https://shop.example/thanks",
            ))
        }
    }
}

/// Refuses what is no origin of pages.
///
/// # Errors
/// `origin_invalid`.
pub fn check_origin(origin: &str) -> Result<(), Refused> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c);
    match host {
        Some(host) if !host.is_empty() && host.chars().all(fine) => Ok(()),
        _ => Err(Refused::new(
            "origin_invalid",
            format!("\"{origin}\" is no site: write https://blog.example, without a path"),
        )),
    }
}
