//! `/admin/segments`: saved rules about contacts, who fits them, and why.

use axum::extract::{Path, Query, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::segments::{self, Measure};
use model::contacts::Contact;
use model::ids::{ContactId, SegmentId};
use model::operators::Role;
use model::segments::Rule;
use model::{EmailAddr, UtcMs};
use serde::{Deserialize, Serialize};
use store::segments::Segment;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

mod words;

use words::{Choice, Line, Names};

const PATH: &str = "/admin/segments";
/// Members shown beside a rule.
const SAMPLE: i64 = 10;

/// The segments there are.
#[derive(Debug, Serialize)]
pub struct SegmentsPage {
    frame: Frame,
    rows: Vec<SegmentRow>,
    may_change: bool,
}

/// One of them.
#[derive(Debug, Serialize)]
pub struct SegmentRow {
    id: String,
    name: String,
    rule: Vec<String>,
    members: i64,
    counted_at: Option<UtcMs>,
}

impl SegmentRow {
    fn of(segment: Segment, names: &Names) -> Self {
        let rule = Rule::parse(&segment.rule);
        Self {
            id: segment.id.to_string(),
            name: segment.name,
            rule: rule.map_or_else(|_| Vec::new(), |rule| names.lines(&rule)),
            members: segment.members,
            counted_at: segment.counted_at,
        }
    }

    fn sample() -> Self {
        Self {
            id: "seg_0000000000001".to_owned(),
            name: "Slipping away".to_owned(),
            rule: vec!["all of these hold".to_owned(), "• has ordered".to_owned()],
            members: 41,
            counted_at: Some(UtcMs(1_795_200_000_000)),
        }
    }
}

impl SegmentsPage {
    pub(crate) fn sample() -> Self {
        let waiting = SegmentRow { counted_at: None, ..SegmentRow::sample() };
        Self {
            frame: Frame::sample("segments"),
            rows: vec![SegmentRow::sample(), waiting],
            may_change: true,
        }
    }
}

/// The segments there are.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let site = who.site.clone();
    let (rows, names) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let rows = store::segments::list(session, site.id).await?;
                Ok((rows, Names::read(session, &site).await?))
            })
        })
        .await?;
    let rows = rows.into_iter().map(|segment| SegmentRow::of(segment, &names)).collect();
    let page = SegmentsPage { frame: who.frame("segments"), rows, may_change: who.may_change() };
    reply::page("admin/segments/index.html", page)
}

/// One segment: its rule, a few of its people, and why somebody is in it.
#[derive(Debug, Serialize)]
pub struct SegmentPage {
    frame: Frame,
    segment: SegmentRow,
    sample: Vec<Person>,
    asked: String,
    why: Option<Why>,
    may_change: bool,
}

/// A contact in words.
#[derive(Debug, Serialize)]
pub struct Person {
    id: String,
    name: String,
    email: String,
    status: &'static str,
}

/// Why somebody is in a segment, or not.
#[derive(Debug, Serialize)]
pub struct Why {
    person: Option<Person>,
    fits: bool,
    /// Each statement in words, and whether it is true of them.
    statements: Vec<(String, bool)>,
}

impl Person {
    fn of(contact: &Contact) -> Self {
        Self {
            id: contact.id.to_string(),
            name: contact.name(),
            email: contact.email.clone(),
            status: contact.status.as_str(),
        }
    }

    fn sample() -> Self {
        Self {
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            status: "confirmed",
        }
    }
}

impl SegmentPage {
    pub(crate) fn sample() -> Self {
        let why = Why {
            person: Some(Person::sample()),
            fits: false,
            statements: vec![("has ordered".to_owned(), true), ("reads Letters".to_owned(), false)],
        };
        Self {
            frame: Frame::sample("segments"),
            segment: SegmentRow::sample(),
            sample: vec![Person::sample()],
            asked: "iris@example.com".to_owned(),
            why: Some(why),
            may_change: true,
        }
    }
}

/// About whom it is asked why.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    who: String,
}

/// One segment.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SegmentId>,
    Query(asked): Query<Asked>,
) -> Reply {
    let (site, now, about) = (who.site.clone(), who.now, asked.who.trim().to_owned());
    let (segment, sample, why) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let segment = segments::get(session, site.id, id).await?;
                let names = Names::read(session, &site).await?;
                let mut sample = Vec::new();
                let newest = ContactId(i64::MAX);
                let some = store::segments::some(session, site.id, id, newest, SAMPLE).await?;
                for contact in some {
                    let found = store::contacts::find(session, site.id, contact).await?;
                    sample.extend(found.iter().map(Person::of));
                }
                let mut why = None;
                if !about.is_empty() {
                    let rule = Rule::parse(&segment.rule)?;
                    let measure = Measure::of(session, &site, now).await?;
                    why = Some(told(session, (&rule, &measure), site.id, &about, &names).await?);
                }
                Ok((SegmentRow::of(segment, &names), sample, why))
            })
        })
        .await?;
    let page = SegmentPage {
        frame: who.frame("segments"),
        segment,
        sample,
        asked: asked.who,
        why,
        may_change: who.require(Role::Editor).is_ok(),
    };
    reply::page("admin/segments/show.html", page)
}

/// Why the contact of an address or an id fits a rule, or does not.
async fn told(
    session: &mut store::Session<'_>,
    of: (&Rule, &Measure),
    site: model::SiteId,
    about: &str,
    names: &Names,
) -> Result<Why, EngineError> {
    let contact = match (about.parse::<ContactId>(), EmailAddr::parse(about)) {
        (Ok(id), _) => store::contacts::find(session, site, id).await?,
        (_, Ok(email)) => store::contacts::find_by_key(session, site, &email.key()).await?,
        _ => None,
    };
    let Some(contact) = contact else {
        return Ok(Why { person: None, fits: false, statements: Vec::new() });
    };
    let (fits, told) = segments::why(session, site, of, contact.id).await?;
    let statements =
        told.iter().map(|(statement, holds)| (names.statement(statement), *holds)).collect();
    Ok(Why { person: Some(Person::of(&contact)), fits, statements })
}

/// The form for a segment, new or to change.
#[derive(Debug, Serialize)]
pub struct FormPage {
    frame: Frame,
    /// The segment that is changed; nothing where it is new.
    id: Option<String>,
    form: SegmentForm,
    lines: Vec<Line>,
    choices: Vec<Choice>,
    /// The rule in words, where it is deeper than the form.
    fixed: Vec<String>,
    errors: Vec<FieldError>,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SegmentForm {
    name: String,
    /// `all` or `any`.
    matching: String,
    /// A rule that the lines cannot say.
    rule: String,
    /// Of each line: `is` or `not`,
    sign: Vec<String>,
    /// what,
    what: Vec<String>,
    /// and how much of it.
    number: Vec<String>,
}

impl FormPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("segments"),
            id: None,
            form: SegmentForm { name: "Slipping away".to_owned(), ..SegmentForm::default() },
            lines: vec![Line::default()],
            choices: vec![Choice::new("customer", "has ordered")],
            fixed: vec!["has ordered".to_owned()],
            errors: vec![FieldError::new("name", "give the segment a name")],
        }
    }

    fn of(who: &CurrentOperator, names: &Names, id: Option<SegmentId>, form: SegmentForm) -> Self {
        let rule = Rule::parse(&form.rule).ok();
        let typed = words::read_lines(&form.sign, &form.what, &form.number);
        let flat = rule.as_ref().and_then(|rule| words::flat(rule, &who.site.currency));
        let fixed = match (&rule, &flat) {
            (Some(rule), None) => names.lines(rule),
            _ => Vec::new(),
        };
        let mut form = form;
        let mut lines = typed;
        if let Some((matching, own)) = flat.filter(|_| lines.is_empty()) {
            matching.clone_into(&mut form.matching);
            lines = own;
        }
        let choices = names.choices(&lines);
        words::pad(&mut lines);
        let errors = Vec::new();
        let id = id.map(|id| id.to_string());
        Self { frame: who.frame("segments"), id, form, lines, choices, fixed, errors }
    }
}

impl SegmentForm {
    /// The rule of the lines, or the one that the form could not say.
    fn rule(&self, currency: &str) -> Result<Rule, EngineError> {
        let lines = words::read_lines(&self.sign, &self.what, &self.number);
        if lines.is_empty() && !self.rule.is_empty() {
            return Ok(Rule::parse(&self.rule)?);
        }
        Ok(words::rule_of(&lines, &self.matching, currency)?)
    }
}

async fn names(state: &AppState, who: &CurrentOperator) -> Result<Names, WebError> {
    let site = who.site.clone();
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(Names::read(session, &site).await?) })
    });
    Ok(read.await?)
}

/// What a link proposes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Proposed {
    name: String,
    rule: String,
}

/// The form for a new segment.
pub async fn new(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(proposed): Query<Proposed>,
) -> Reply {
    who.require(Role::Editor)?;
    let names = names(&state, &who).await?;
    let Proposed { name, rule } = proposed;
    let form = SegmentForm { name, rule, ..SegmentForm::default() };
    reply::page("admin/segments/edit.html", FormPage::of(&who, &names, None, form))
}

/// Keeps a new one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<SegmentForm>,
) -> Reply {
    who.require(Role::Editor)?;
    let kept = match form.rule(&who.site.currency) {
        Ok(rule) => {
            let of = (form.name.as_str(), &rule);
            segments::keep(&state.engine, who.actor(), who.site.id, of).await
        }
        Err(error) => Err(error),
    };
    match kept {
        Ok(id) => Ok(reply::done(&format!("{PATH}/{id}"), "The segment is kept.")),
        Err(error) => form_again(&state, &who, None, form, error).await,
    }
}

async fn form_again(
    state: &AppState,
    who: &CurrentOperator,
    id: Option<SegmentId>,
    form: SegmentForm,
    error: EngineError,
) -> Reply {
    let errors = to_mend(error)?;
    let names = names(state, who).await?;
    let page = FormPage { errors, ..FormPage::of(who, &names, id, form) };
    reply::again("admin/segments/edit.html", page)
}

/// The form to change one.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SegmentId>,
) -> Reply {
    who.require(Role::Editor)?;
    let site = who.site.id;
    let segment = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { segments::get(session, site, id).await })
        })
        .await?;
    let names = names(&state, &who).await?;
    let form = SegmentForm { name: segment.name, rule: segment.rule, ..SegmentForm::default() };
    reply::page("admin/segments/edit.html", FormPage::of(&who, &names, Some(id), form))
}

/// Changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SegmentId>,
    Form(form): Form<SegmentForm>,
) -> Reply {
    who.require(Role::Editor)?;
    let changed = match form.rule(&who.site.currency) {
        Ok(rule) => {
            let of = (form.name.as_str(), &rule);
            segments::change(&state.engine, who.actor(), (who.site.id, id), of).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(()) => Ok(reply::done(&format!("{PATH}/{id}"), "The segment is saved.")),
        Err(error) => form_again(&state, &who, Some(id), form, error).await,
    }
}

/// Removes one.
pub async fn delete(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SegmentId>,
) -> Reply {
    who.require(Role::Editor)?;
    segments::remove(&state.engine, who.actor(), who.site.id, id).await?;
    Ok(reply::done(PATH, "The segment is gone; its people stay as they are."))
}

/// Has the members of one counted again.
pub async fn count(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SegmentId>,
) -> Reply {
    who.require(Role::Editor)?;
    segments::count_again(&state.engine, who.site.id, id).await?;
    Ok(reply::done(&format!("{PATH}/{id}"), "They are being counted again."))
}
