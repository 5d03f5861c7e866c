//! The editor of a form: plain fields, three empty rows more than there are.

use engine::EngineError;
use model::Refused;
use model::forms::{After, Delivery, Field, FieldKind, FormSpec};
use model::ids::FormId;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::FieldError;
use crate::frame::Frame;
use crate::state::AppState;

/// Empty rows for more fields.
const MORE_ROWS: usize = 3;

/// A form being written. Rows of fields are columns here: browsers send them so.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FormDraft {
    pub(super) slug: String,
    pub(super) name: String,
    title: String,
    intro: String,
    button: String,
    consent: String,
    tags: String,
    topics: Vec<String>,
    magnet: String,
    delivery: String,
    double_opt_in: String,
    after: String,
    after_value: String,
    embed_origins: String,
    key: Vec<String>,
    label: Vec<String>,
    kind: Vec<String>,
    required: Vec<String>,
    writes: Vec<String>,
    options: Vec<String>,
    wording: Vec<String>,
}

/// One row of the table of fields.
#[derive(Debug, Clone, Serialize)]
struct FieldRow {
    key: String,
    label: String,
    kind: String,
    required: String,
    writes: String,
    options: String,
    wording: String,
}

impl FormDraft {
    /// What a new form begins with.
    pub fn begin() -> Self {
        let consent = "Yes, send me the letters. I can stop them with one click in every mail.";
        let spec = FormSpec::simple("", consent);
        Self { double_opt_in: "yes".to_owned(), ..Self::of_spec(&spec) }
    }

    /// The same at the address it has.
    #[must_use]
    pub fn under(self, slug: String) -> Self {
        Self { slug, ..self }
    }

    /// What is stored.
    pub fn of(form: &store::forms::Form) -> Self {
        let draft = Self::of_spec(&form.spec);
        Self { slug: form.slug.clone(), name: form.name.clone(), ..draft }
    }

    fn of_spec(spec: &FormSpec) -> Self {
        let (after, after_value) = match &spec.after {
            After::Message(text) => ("message", text),
            After::Redirect(url) => ("redirect", url),
            After::Page(slug) => ("page", slug),
        };
        let column = |of: fn(&Field) -> String| spec.fields.iter().map(of).collect();
        Self {
            slug: String::new(),
            name: String::new(),
            title: spec.title.clone(),
            intro: spec.intro.clone(),
            button: spec.button.clone(),
            consent: spec.consent.clone(),
            tags: spec.tags.join(", "),
            topics: spec.topics.clone(),
            magnet: spec.magnet.clone().unwrap_or_default(),
            delivery: spec.delivery.to_string(),
            double_opt_in: if spec.double_opt_in { "yes" } else { "no" }.to_owned(),
            after: after.to_owned(),
            after_value: after_value.clone(),
            embed_origins: spec.embed_origins.join("\n"),
            key: column(|field| field.key.clone()),
            label: column(|field| field.label.clone()),
            kind: column(|field| field.kind.to_string()),
            required: column(|field| if field.required { "yes" } else { "no" }.to_owned()),
            writes: column(|field| field.writes.clone().unwrap_or_default()),
            options: column(|field| field.options.join("; ")),
            wording: column(|field| field.wording.clone().unwrap_or_default()),
        }
    }

    /// The form it describes.
    ///
    /// # Errors
    /// A word that is none of those to choose from.
    pub fn spec(&self) -> Result<FormSpec, Refused> {
        let fields: Result<Vec<Field>, Refused> =
            self.rows().into_iter().filter(|row| !row.key.trim().is_empty()).map(field).collect();
        let list = |text: &str, by: char| -> Vec<String> {
            let parts = text.split(by).map(|part| part.trim().to_owned());
            parts.filter(|part| !part.is_empty()).collect()
        };
        let value = self.after_value.trim().to_owned();
        Ok(FormSpec {
            title: self.title.trim().to_owned(),
            intro: self.intro.trim().to_owned(),
            button: self.button.trim().to_owned(),
            fields: fields?,
            consent: self.consent.trim().to_owned(),
            tags: list(&self.tags, ','),
            topics: self.topics.clone(),
            magnet: (!self.magnet.is_empty()).then(|| self.magnet.clone()),
            delivery: Delivery::parse(&self.delivery).unwrap_or(Delivery::Mail),
            double_opt_in: self.double_opt_in != "no",
            after: match self.after.as_str() {
                "redirect" => After::Redirect(value),
                "page" => After::Page(value),
                _ if value.is_empty() => After::default(),
                _ => After::Message(value),
            },
            embed_origins: list(&self.embed_origins, '\n'),
        })
    }

    fn rows(&self) -> Vec<FieldRow> {
        let at = |column: &[String], n: usize| column.get(n).cloned().unwrap_or_default();
        (0..self.key.len())
            .map(|n| FieldRow {
                key: at(&self.key, n),
                label: at(&self.label, n),
                kind: at(&self.kind, n),
                required: at(&self.required, n),
                writes: at(&self.writes, n),
                options: at(&self.options, n),
                wording: at(&self.wording, n),
            })
            .collect()
    }
}

fn field(row: FieldRow) -> Result<Field, Refused> {
    let kind = FieldKind::parse(&row.kind).map_err(|refused| refused.at("fields"))?;
    let options = row.options.split(';').map(|option| option.trim().to_owned());
    let or_none = |text: String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(Field {
        required: row.required == "yes",
        options: options.filter(|option| !option.is_empty()).collect(),
        writes: or_none(row.writes),
        wording: or_none(row.wording),
        ..Field::new(row.key.trim(), kind, row.label.trim())
    })
}

/// The editor.
#[derive(Debug, Serialize)]
pub struct EditPage {
    frame: Frame,
    id: Option<String>,
    draft: FormDraft,
    rows: Vec<FieldRow>,
    kinds: Vec<(&'static str, &'static str)>,
    magnets: Vec<(String, String)>,
    topics: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl EditPage {
    pub(crate) fn sample() -> Self {
        let draft = FormDraft::begin();
        Self {
            frame: Frame::sample("forms"),
            id: None,
            rows: draft.rows(),
            draft,
            kinds: kinds(),
            magnets: vec![(String::new(), "None".to_owned())],
            topics: vec![("letters".to_owned(), "Letters".to_owned())],
            errors: vec![FieldError::new("title", "give the form a title")],
        }
    }

    /// The editor of `draft`.
    pub async fn new(
        state: &AppState,
        who: &CurrentOperator,
        id: Option<FormId>,
        draft: FormDraft,
    ) -> Result<Self, WebError> {
        let site = who.site.id;
        let (magnets, topics) = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let magnets = store::magnets::list(session, site).await?;
                    Ok((magnets, store::topics::list(session, site).await?))
                })
            })
            .await?;
        let mut rows = draft.rows();
        let filled = rows.iter().filter(|row| !row.key.trim().is_empty()).count();
        rows.retain(|row| !row.key.trim().is_empty());
        rows.resize(
            filled + MORE_ROWS,
            FieldRow {
                key: String::new(),
                label: String::new(),
                kind: "text".to_owned(),
                required: "no".to_owned(),
                writes: String::new(),
                options: String::new(),
                wording: String::new(),
            },
        );
        let none = (String::new(), "None".to_owned());
        let magnets = magnets.into_iter().map(|magnet| (magnet.slug, magnet.name));
        Ok(Self {
            frame: who.frame("forms"),
            id: id.map(|id| id.to_string()),
            draft,
            rows,
            kinds: kinds(),
            magnets: std::iter::once(none).chain(magnets).collect(),
            topics: topics.into_iter().map(|topic| (topic.slug, topic.name)).collect(),
            errors: Vec::new(),
        })
    }

    /// The same with what must be mended.
    #[must_use]
    pub fn with(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }
}

fn kinds() -> Vec<(&'static str, &'static str)> {
    let name = |kind: FieldKind| match kind {
        FieldKind::Text => "One line",
        FieldKind::Email => "E-mail address",
        FieldKind::Textarea => "Several lines",
        FieldKind::Number => "Number",
        FieldKind::Phone => "Telephone",
        FieldKind::Url => "Web address",
        FieldKind::Date => "Day",
        FieldKind::Select => "One of a list",
        FieldKind::Checkboxes => "Any of several",
        FieldKind::Radio => "One of several",
        FieldKind::Hidden => "Hidden",
        FieldKind::Consent => "Consent",
    };
    FieldKind::ALL.iter().map(|kind| (kind.as_str(), name(*kind))).collect()
}
