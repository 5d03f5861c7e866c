//! `/admin/sequences/{id}/edit`: the steps as rows of one form; works without script.

use super::*;
use crate::forms::{self, Again, Theirs};

/// Steps a form shows empty, to be filled in.
const BLANK_ROWS: usize = 2;

/// A sequence being written.
#[derive(Debug, Serialize)]
pub struct EditPage {
    frame: Frame,
    id: String,
    form: SequenceForm,
    rows: Vec<StepForm>,
    templates: Vec<(String, String)>,
    triggers: Vec<(String, String)>,
    exits: Vec<(String, String)>,
    classes: Vec<(&'static str, &'static str)>,
    errors: Vec<FieldError>,
    theirs: Theirs,
}

/// What is typed; the columns of the steps come as lists of equal length.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SequenceForm {
    name: String,
    slug: String,
    revision: i64,
    starts_on: String,
    zone_of: String,
    exit: Vec<String>,
    step_id: Vec<String>,
    what: Vec<String>,
    wait: Vec<String>,
    window: Vec<String>,
    template: Vec<String>,
    class: Vec<String>,
    tag: Vec<String>,
}

/// One row of the form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StepForm {
    id: String,
    what: String,
    wait: String,
    window: String,
    template: String,
    class: String,
    tag: String,
}

const CLASSES: [(&str, &str); 5] = [
    ("value", "value: gives without asking"),
    ("promised", "promised: what was asked for"),
    ("sales", "sales: asks for money, at most one a week"),
    ("back-end", "back-end: asks customers, shares that cap"),
    ("transactional", "transactional: answers what was done"),
];

impl EditPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("sequences"),
            id: "seq_0000000000001".to_owned(),
            form: SequenceForm { name: "Welcome".to_owned(), ..SequenceForm::default() },
            rows: vec![StepForm { wait: "2 days".to_owned(), ..StepForm::default() }],
            templates: vec![("tpl_0000000000001".to_owned(), "Welcome".to_owned())],
            triggers: vec![("manual".to_owned(), "by hand".to_owned())],
            exits: vec![("bought".to_owned(), "buys anything".to_owned())],
            classes: CLASSES.to_vec(),
            errors: vec![FieldError::new("wait", "write a wait as 2 days")],
            theirs: Theirs::sample(),
        }
    }
}

impl SequenceForm {
    fn rows(&self) -> Vec<StepForm> {
        let at = |list: &[String], place: usize| list.get(place).cloned().unwrap_or_default();
        (0..self.what.len())
            .map(|place| StepForm {
                id: at(&self.step_id, place),
                what: at(&self.what, place),
                wait: at(&self.wait, place),
                window: at(&self.window, place),
                template: at(&self.template, place),
                class: at(&self.class, place),
                tag: at(&self.tag, place),
            })
            .collect()
    }

    /// The form with `rows` in its columns, as a browser sends them.
    fn with(mut form: Self, rows: &[StepForm]) -> Self {
        for row in rows {
            form.step_id.push(row.id.clone());
            form.what.push(row.what.clone());
            form.wait.push(row.wait.clone());
            form.window.push(row.window.clone());
            form.template.push(row.template.clone());
            form.class.push(row.class.clone());
            form.tag.push(row.tag.clone());
        }
        form
    }

    fn of(sequence: &Sequence, version: &Version, trigger: &Trigger) -> (Self, Vec<StepForm>) {
        let word = |value: serde_json::Result<String>| value.unwrap_or_default();
        let form = Self {
            name: sequence.name.clone(),
            slug: sequence.slug.clone(),
            revision: sequence.revision,
            starts_on: word(serde_json::to_string(trigger)),
            zone_of: version.zone_of.to_string(),
            exit: version.exits.iter().map(|exit| word(serde_json::to_string(exit))).collect(),
            ..Self::default()
        };
        (form, version.steps.iter().map(StepForm::of).collect())
    }

    fn draft(&self, fresh: impl Fn() -> i64) -> Result<Draft, Refused> {
        let unread = |field: &'static str| {
            move |_| Refused::new("choice_invalid", "choose one of those offered").at(field)
        };
        let rows = self.rows();
        let steps = rows.iter().filter(|row| !row.is_blank());
        let steps = steps.map(|row| row.step(&fresh)).collect::<Result<Vec<_>, _>>()?;
        let exits = self.exit.iter().filter(|exit| !exit.is_empty());
        let exits = exits.map(|exit| serde_json::from_str(exit).map_err(unread("exit")));
        Ok(Draft {
            slug: self.slug.trim().to_owned(),
            name: self.name.trim().to_owned(),
            starts_on: serde_json::from_str(&self.starts_on).map_err(unread("starts_on"))?,
            steps: Version {
                zone_of: ZoneOf::parse(&self.zone_of).map_err(|e| e.at("zone_of"))?,
                steps,
                exits: exits.collect::<Result<Vec<_>, _>>()?,
            },
        })
    }
}

impl StepForm {
    fn of(step: &Step) -> Self {
        let window = step.window.map(|window| window.to_string());
        let weekly = step.weekly.map(|weekly| format!("every {weekly}"));
        let mut row = Self {
            id: step.id.to_string(),
            wait: step.wait.to_string(),
            window: weekly.or(window).unwrap_or_default(),
            ..Self::default()
        };
        match &step.kind {
            StepKind::Mail { template, class } => {
                "mail".clone_into(&mut row.what);
                (row.template, row.class) = (template.to_string(), class.to_string());
            }
            StepKind::Tag { tag } => {
                "tag".clone_into(&mut row.what);
                row.tag.clone_from(tag);
            }
            StepKind::End => "end".clone_into(&mut row.what),
        }
        row
    }

    fn is_blank(&self) -> bool {
        self.what == "remove" || (self.what != "end" && self.wait.trim().is_empty())
    }

    fn step(&self, fresh: &impl Fn() -> i64) -> Result<Step, Refused> {
        let kind = match self.what.as_str() {
            "mail" => {
                let message = "choose the template of the mail";
                let template: TemplateId = self
                    .template
                    .parse()
                    .map_err(|_| Refused::new("template_missing", message).at("template"))?;
                StepKind::Mail {
                    template,
                    class: Class::parse(&self.class).map_err(|e| e.at("class"))?,
                }
            }
            "tag" => StepKind::Tag { tag: self.tag.trim().to_lowercase() },
            _ => StepKind::End,
        };
        let wait = if self.wait.trim().is_empty() { "0 minutes" } else { self.wait.trim() };
        let window = self.window.trim();
        let weekly = window.strip_prefix("every ").map(str::trim);
        let plain = Some(window).filter(|text| !text.is_empty() && weekly.is_none());
        Ok(Step {
            id: self.id.parse().unwrap_or_else(|_| StepId(fresh())),
            wait: wait.parse().map_err(|e: Refused| e.at("wait"))?,
            window: plain.map(str::parse).transpose().map_err(|e: Refused| e.at("window"))?,
            weekly: weekly.map(str::parse).transpose().map_err(|e: Refused| e.at("window"))?,
            kind,
        })
    }
}

/// The form.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    reply::page("admin/sequences/edit.html", page(&state, &who, read_id(&id)?).await?)
}

async fn page(
    state: &AppState,
    who: &CurrentOperator,
    id: SequenceId,
) -> Result<EditPage, WebError> {
    let site = who.site.id;
    let frame = who.frame("sequences");
    let page = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let sequence = find(session, site, id).await?;
                let (version, trigger) =
                    (sequences::read(&sequence)?, sequences::read_trigger(&sequence)?);
                let (form, mut rows) = SequenceForm::of(&sequence, &version, &trigger);
                rows.extend(blank_rows());
                let templates = store::templates::list(session, site).await?;
                Ok(EditPage {
                    frame,
                    id: id.to_string(),
                    triggers: triggers(session, site, &trigger).await?,
                    exits: exits(session, site, &version).await?,
                    templates: templates
                        .into_iter()
                        .filter(|template| template.retired_at.is_none())
                        .map(|template| (template.id.to_string(), template.name))
                        .collect(),
                    form,
                    rows,
                    classes: CLASSES.to_vec(),
                    errors: Vec::new(),
                    theirs: Theirs::default(),
                })
            })
        })
        .await?;
    Ok(page)
}

fn blank_rows() -> Vec<StepForm> {
    let blank =
        StepForm { what: "mail".to_owned(), class: "value".to_owned(), ..StepForm::default() };
    vec![blank; BLANK_ROWS]
}

type Choices = Vec<(String, String)>;

async fn triggers(
    session: &mut Session<'_>,
    site: SiteId,
    now: &Trigger,
) -> Result<Choices, EngineError> {
    let mut all = vec![Trigger::Manual, Trigger::Confirmed];
    let forms = store::forms::list(session, site).await?;
    all.extend(forms.into_iter().map(|form| Trigger::FormConfirmed(form.id)));
    for product in store::products::list(session, site).await? {
        all.extend([Trigger::OrderPaid(product.id), Trigger::Refunded(product.id)]);
    }
    let tags = store::tags::names(session, site, 50).await?;
    all.extend(tags.into_iter().map(Trigger::TagAdded));
    if !all.contains(now) {
        all.push(now.clone());
    }
    let mut choices = Vec::new();
    for trigger in all {
        let value = serde_json::to_string(&trigger).unwrap_or_default();
        choices.push((value, trigger_words(session, site, &trigger).await?));
    }
    Ok(choices)
}

async fn exits(
    session: &mut Session<'_>,
    site: SiteId,
    version: &Version,
) -> Result<Choices, EngineError> {
    use model::sequences::Exit;
    let mut all = vec![Exit::Bought { product: None }];
    for product in store::products::list(session, site).await? {
        all.push(Exit::Bought { product: Some(product.id) });
    }
    for exit in &version.exits {
        if !all.contains(exit) {
            all.push(exit.clone());
        }
    }
    let mut choices = Vec::new();
    for exit in all {
        let value = serde_json::to_string(&exit).unwrap_or_default();
        choices.push((value, exit_words(session, site, &exit).await?));
    }
    Ok(choices)
}

/// Keeps what was edited; nobody follows it before it is published.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(mut form): Form<SequenceForm>,
) -> Reply {
    let id = read_id(&id)?;
    let saved = match form.draft(|| state.engine.next_id()) {
        Ok(draft) => {
            sequences::save(&who.engine(&state), who.site.id, id, form.revision, draft).await
        }
        Err(refused) => Err(refused.into()),
    };
    let error = match saved {
        Ok(()) => {
            let said = "Saved. Publish it when contacts should follow it.";
            return Ok(reply::done(&format!("/admin/sequences/{id}"), said));
        }
        Err(error) => error,
    };
    let page = page(&state, &who, id).await?;
    let now = SequenceForm::with(page.form.clone(), &page.rows);
    let renew = |form: &mut SequenceForm, now: &SequenceForm| form.revision = now.revision;
    let Again { status, errors, theirs } = forms::again(error, &mut form, Some(&now), renew)?;
    let theirs = [&page.triggers, &page.exits, &page.templates]
        .into_iter()
        .fold(theirs, |theirs, choices| theirs.named(choices));
    let rows = form.rows();
    let page = EditPage { errors, theirs, rows, form, ..page };
    reply::page_with(status, "admin/sequences/edit.html", page)
}
