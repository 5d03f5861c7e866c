//! An opt-in form as the `optin` component draws it: on its own page, and on pages that hold it.

use std::collections::BTreeMap;

use engine::Engine;
use model::forms::{self, Field, FieldKind};
use model::tokens::Purpose;
use model::{Refused, UtcMs};
use serde::Serialize;
use store::forms::Form;

/// What the component takes.
#[derive(Debug, Clone, Serialize)]
pub struct FormView {
    action: String,
    title: String,
    text: String,
    fields: Vec<FieldView>,
    consent: Option<()>,
    button: String,
    fine: String,
    hidden: BTreeMap<String, String>,
    trap: &'static str,
    errors: BTreeMap<String, String>,
    values: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize)]
struct FieldView {
    name: String,
    label: String,
    kind: &'static str,
    required: bool,
    help: Option<String>,
    autocomplete: Option<&'static str>,
    options: Vec<(String, String)>,
}

/// Where a visitor came from, as the hidden fields carry it.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Path and questions of the page the form stands on.
    pub landing: String,
    /// The page before.
    pub referrer: String,
    /// `code.sig` of the one who recommends.
    pub code: String,
}

impl FormView {
    /// The form as it is shown at `now`, empty.
    pub fn new(engine: &Engine, form: &Form, origin: &Origin, now: UtcMs) -> Self {
        let (slug, spec) = (&form.slug, &form.spec);
        let time = engine.keys().sign(Purpose::FormTime, now.0, 0);
        let mut hidden = BTreeMap::from([
            (forms::TIME_FIELD.to_owned(), time),
            (forms::VERSION_FIELD.to_owned(), engine::forms::sign_version(engine, form)),
            (forms::LANDING_FIELD.to_owned(), origin.landing.clone()),
        ]);
        let more = [(forms::REFERRER_FIELD, &origin.referrer), (forms::CODE_FIELD, &origin.code)];
        for (name, value) in more {
            if !value.is_empty() {
                hidden.insert(name.to_owned(), value.clone());
            }
        }
        let mut values = BTreeMap::new();
        for field in &spec.fields {
            if field.kind == FieldKind::Hidden {
                hidden.insert(field.key.clone(), field.default.clone());
            } else if field.kind != FieldKind::Consent && !field.default.is_empty() {
                values.insert(field.key.clone(), field.default.clone());
            }
        }
        let fields = spec.fields.iter().filter(|field| field.kind != FieldKind::Hidden);
        Self {
            action: format!("/f/{slug}"),
            title: spec.title.clone(),
            text: spec.intro.clone(),
            fields: fields.map(FieldView::of).collect(),
            consent: None,
            button: spec.button.clone(),
            fine: spec.consent.clone(),
            hidden,
            trap: forms::HONEYPOT,
            errors: BTreeMap::new(),
            values,
        }
    }

    /// The same with what was typed, and what must be mended beside its field.
    #[must_use]
    pub fn again(mut self, typed: &[(String, String)], refused: &[Refused]) -> Self {
        for (name, value) in typed {
            if self.fields.iter().any(|field| field.name == *name) {
                self.values.insert(name.clone(), value.clone());
            }
        }
        for one in refused {
            let field = one.field.clone().unwrap_or_default().into_owned();
            self.errors.entry(field).or_insert_with(|| one.message.clone());
        }
        self
    }

    /// The same without its own heading, where the page gives one.
    #[must_use]
    pub fn headed(mut self, title: &str, text: &str) -> Self {
        title.clone_into(&mut self.title);
        text.clone_into(&mut self.text);
        self
    }

    /// Sample data for the render-all test.
    pub fn sample() -> Self {
        Self {
            action: "/f/chapter".to_owned(),
            title: "Read the first chapter".to_owned(),
            text: "Twenty pages, as a PDF.".to_owned(),
            fields: vec![FieldView {
                name: "email".to_owned(),
                label: "Your address".to_owned(),
                kind: "email",
                required: true,
                help: None,
                autocomplete: Some("email"),
                options: Vec::new(),
            }],
            consent: None,
            button: "Send me the chapter".to_owned(),
            fine: "You also get a letter a week. One click ends it.".to_owned(),
            hidden: BTreeMap::new(),
            trap: forms::HONEYPOT,
            errors: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }
}

impl FieldView {
    fn of(field: &Field) -> Self {
        Self {
            name: field.key.clone(),
            // What one agrees to is read at the box itself.
            label: match field.kind {
                FieldKind::Consent => field.wording().to_owned(),
                _ => field.label.clone(),
            },
            kind: input_kind(field.kind),
            required: field.required,
            help: (!field.help.is_empty()).then(|| field.help.clone()),
            autocomplete: autocomplete(field),
            options: field.options.iter().map(|o| (o.clone(), o.clone())).collect(),
        }
    }
}

/// The word of the component for a kind of field.
fn input_kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Phone => "tel",
        FieldKind::Checkboxes => "checkbox_group",
        other => other.as_str(),
    }
}

fn autocomplete(field: &Field) -> Option<&'static str> {
    match (field.kind, field.key.as_str()) {
        (FieldKind::Email, _) => Some("email"),
        (FieldKind::Phone, _) => Some("tel"),
        (_, "first_name") => Some("given-name"),
        (_, "last_name") => Some("family-name"),
        _ => None,
    }
}
