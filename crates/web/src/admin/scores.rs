//! `/admin/scores`: which deeds give points, and who is warm by them.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::scores::Tried;
use model::ids::ScoreRuleId;
use model::operators::Role;
use model::scores::{Cause, Rule};
use model::{Refused, SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::Session;
use store::scores::State as Kept;
use store::today::MOST;

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;
use crate::words::grouped;

pub mod learned;

const PATH: &str = "/admin/scores";

/// The rules, and how far their scores are kept up.
#[derive(Debug, Serialize)]
pub struct ScoresPage {
    frame: Frame,
    rules: Vec<RuleRow>,
    tiles: Vec<Tile>,
    hot_points: String,
    errors: Vec<FieldError>,
    walk: Option<Walk>,
    may_change: bool,
}

/// One rule.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    id: String,
    name: String,
    what: String,
    points: String,
    limits: String,
    fades: String,
    topic: String,
    is_on: bool,
}

/// A figure that opens to its rows.
#[derive(Debug, Serialize)]
pub struct Tile {
    label: &'static str,
    value: String,
    href: Option<String>,
    note: String,
}

/// The last time all scores were worked out.
#[derive(Debug, Serialize)]
pub struct Walk {
    is_running: bool,
    contacts: i64,
    raised: i64,
    lowered: i64,
    at: Option<UtcMs>,
    as_of: UtcMs,
}

impl ScoresPage {
    pub(crate) fn sample() -> Self {
        let row = RuleRow {
            id: "scr_0000000000001".to_owned(),
            name: "Clicked in a mail".to_owned(),
            what: "Clicked a link of a mail".to_owned(),
            points: "+5".to_owned(),
            limits: "the newest 10".to_owned(),
            fades: "half after 30 days".to_owned(),
            topic: "interest".to_owned(),
            is_on: false,
        };
        let tile = Tile {
            label: "Contacts with points",
            value: "412".to_owned(),
            href: Some("#".to_owned()),
            note: "as of midnight".to_owned(),
        };
        let at = UtcMs(1_795_200_000_000);
        Self {
            frame: Frame::sample("scores"),
            rules: vec![row],
            tiles: vec![tile],
            hot_points: "40".to_owned(),
            errors: vec![FieldError::new("hot_points", "give a number of points")],
            walk: Some(Walk {
                is_running: true,
                contacts: 900,
                raised: 300,
                lowered: 31,
                at: Some(at),
                as_of: at,
            }),
            may_change: true,
        }
    }

    async fn of(state: &AppState, who: &CurrentOperator) -> Result<Self, WebError> {
        let site = who.site.clone();
        let (rules, names, kept, tiles) = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let rules = store::scores::rules(session, site.id).await?;
                    let names = choices(session, site.id).await?;
                    let kept = store::scores::state(session, site.id).await?;
                    let tiles = tiles(session, site.id, kept.as_ref()).await?;
                    Ok((rules, names, kept, tiles))
                })
            })
            .await?;
        let hot = kept.as_ref().and_then(|kept| kept.hot_points);
        let has_rules = !rules.is_empty();
        Ok(Self {
            frame: who.frame("scores"),
            rules: rules.iter().map(|rule| RuleRow::of(rule, &names)).collect(),
            tiles: if has_rules { tiles } else { Vec::new() },
            hot_points: hot.map(|hot| hot.to_string()).unwrap_or_default(),
            errors: Vec::new(),
            walk: kept.map(Walk::of),
            may_change: who.present.operator.role.may(Role::Editor),
        })
    }
}

impl Walk {
    fn of(kept: Kept) -> Self {
        Self {
            is_running: kept.walk.is_some(),
            contacts: kept.contacts,
            raised: kept.raised,
            lowered: kept.lowered,
            at: kept.ended_at.or(kept.began_at),
            as_of: kept.as_of,
        }
    }
}

async fn tiles(
    session: &mut Session<'_>,
    site: SiteId,
    kept: Option<&Kept>,
) -> Result<Vec<Tile>, EngineError> {
    let count = async |session: &mut Session<'_>, least: f64| -> Result<String, EngineError> {
        let count = store::scores::count_from(session, site, least, MOST + 1).await?;
        let shown = grouped(count.min(MOST).unsigned_abs());
        Ok(if count > MOST { format!("over {shown}") } else { shown })
    };
    let mut tiles = vec![Tile {
        label: "Contacts with points",
        value: count(session, LEAST).await?,
        href: Some("/admin/contacts?score=1".to_owned()),
        note: "a point or more; the warmest first".to_owned(),
    }];
    if let Some(hot) = kept.and_then(|kept| kept.hot_points) {
        tiles.push(Tile {
            label: "Hot contacts",
            value: count(session, numbers_of(hot)).await?,
            href: Some(format!("/admin/contacts?score={hot}")),
            note: format!("{hot} points or more"),
        });
    }
    Ok(tiles)
}

/// Less than this rounds to no point at all.
const LEAST: f64 = 1.0;

/// Points as they are kept.
pub(crate) fn numbers_of(points: i64) -> f64 {
    i32::try_from(points).map_or(f64::MAX, f64::from)
}

/// Points as people read them: with a sign where `signed`, one digit after the point where they
/// are not whole.
pub(crate) fn points_text(points: f64, signed: bool) -> String {
    let tenths = (points * 10.0).round() / 10.0;
    let sign = match tenths {
        below if below < 0.0 => "−",
        above if above > 0.0 && signed => "+",
        _ => "",
    };
    let size = tenths.abs();
    let text = if size.fract() == 0.0 { format!("{size:.0}") } else { format!("{size:.1}") };
    format!("{sign}{text}")
}

impl RuleRow {
    fn of(rule: &Rule, names: &[(String, String)]) -> Self {
        let key = format!("{}:{}", rule.cause, rule.about);
        let named = names.iter().find(|(value, _)| *value == key).map(|(_, label)| label.clone());
        let mut limits = Vec::new();
        limits.extend(rule.times_max.map(|times| match times {
            1 => "once".to_owned(),
            times => format!("the newest {times}"),
        }));
        limits.extend(rule.points_max.map(|most| format!("at most {most} points")));
        let fades = match rule.half_life_days {
            Some(1) => "half after a day".to_owned(),
            Some(days) => format!("half after {days} days"),
            None => "stays".to_owned(),
        };
        Self {
            id: rule.id.to_string(),
            name: rule.name.clone(),
            what: named.unwrap_or_else(|| what(rule)),
            points: points_text(numbers_of(rule.points), true),
            limits: if limits.is_empty() { "each time".to_owned() } else { limits.join(", ") },
            fades,
            topic: rule.topic.clone(),
            is_on: rule.is_on,
        }
    }
}

/// What a rule is about, in words.
pub(crate) fn what(rule: &Rule) -> String {
    let sentence = rule.cause.sentence();
    match rule.cause {
        Cause::Field if rule.value.is_empty() => format!("{} is filled in", rule.about),
        Cause::Field => format!("{} is “{}”", rule.about, rule.value),
        Cause::TagAdded if !rule.about.is_empty() => format!("Got the tag “{}”", rule.about),
        Cause::LinkClicked if !rule.about.is_empty() => {
            format!("Clicked a link with “{}”", rule.about)
        }
        Cause::FormSent | Cause::MagnetFetched if !rule.about.is_empty() => {
            format!("{sentence} that is gone")
        }
        _ => sentence.to_owned(),
    }
}

/// What may give points: a word, and after a colon the form or free thing it is about.
async fn choices(
    session: &mut Session<'_>,
    site: SiteId,
) -> Result<Vec<(String, String)>, EngineError> {
    let mut choices = Vec::new();
    for cause in Cause::ALL {
        choices.push((cause.to_string(), cause.sentence().to_owned()));
        match cause {
            Cause::FormSent => {
                for form in store::forms::list(session, site).await? {
                    choices.push((format!("{cause}:{}", form.id), format!("Sent “{}”", form.slug)));
                }
            }
            Cause::MagnetFetched => {
                for magnet in store::magnets::list(session, site).await? {
                    let label = format!("Fetched “{}”", magnet.name);
                    choices.push((format!("{cause}:{}", magnet.id), label));
                }
            }
            _ => {}
        }
    }
    Ok(choices)
}

/// The rules, and how far their scores are kept up.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    reply::page("admin/scores/index.html", ScoresPage::of(&state, &who).await?)
}

/// What the index is asked to do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Act {
    r#do: String,
    hot_points: String,
}

/// Starts with the usual rules, or sets from where on a contact is hot.
pub async fn act(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(act): Form<Act>,
) -> Reply {
    who.require(Role::Editor)?;
    let engine = who.engine(&state);
    let done = match act.r#do.as_str() {
        "usual" => {
            let made = engine::scores::start_with_usual(&engine, &who.site).await;
            made.map(|made| format!("{made} rules are on; change them as you like."))
        }
        _ => match number(&act.hot_points, "hot_points") {
            Ok(points) => engine::scores::set_hot(&engine, &who.site, points)
                .await
                .map(|()| "Saved. Who is hot is worked out anew.".to_owned()),
            Err(refused) => Err(refused.into()),
        },
    };
    match done {
        Ok(text) => Ok(reply::done(PATH, &text)),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = ScoresPage::of(&state, &who).await?;
            let page = ScoresPage { errors, hot_points: act.hot_points, ..page };
            reply::again("admin/scores/index.html", page)
        }
    }
}

/// An empty field is no number; anything else must be one.
fn number(text: &str, field: &'static str) -> Result<Option<i64>, Refused> {
    let text = text.trim().trim_start_matches('+').replace('−', "-");
    if text.is_empty() {
        return Ok(None);
    }
    let refused = || Refused::new("number", "write a whole number").at(field);
    text.parse().map(Some).map_err(|_| refused())
}

/// The form of a rule.
#[derive(Debug, Serialize)]
pub struct RulePage {
    frame: Frame,
    id: Option<String>,
    form: RuleForm,
    choices: Vec<(String, String)>,
    errors: Vec<FieldError>,
    tried: Option<TriedView>,
}

/// What a rule would change.
#[derive(Debug, Serialize)]
pub struct TriedView {
    contacts: String,
    is_all: bool,
    raised: i64,
    lowered: i64,
    hot: i64,
    hot_then: i64,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    name: String,
    cause: String,
    about: String,
    value: String,
    points: String,
    times_max: String,
    points_max: String,
    half_life_days: String,
    topic: String,
    is_on: String,
    r#do: String,
}

impl RuleForm {
    fn of(rule: &Rule) -> Self {
        let text = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let is_listed = matches!(rule.cause, Cause::FormSent | Cause::MagnetFetched);
        let is_listed = is_listed && !rule.about.is_empty();
        let cause = rule.cause.to_string();
        Self {
            name: rule.name.clone(),
            cause: if is_listed { format!("{cause}:{}", rule.about) } else { cause },
            about: if is_listed { String::new() } else { rule.about.clone() },
            value: rule.value.clone(),
            points: rule.points.to_string(),
            times_max: text(rule.times_max),
            points_max: text(rule.points_max),
            half_life_days: text(rule.half_life_days),
            topic: rule.topic.clone(),
            is_on: if rule.is_on { "on".to_owned() } else { String::new() },
            r#do: String::new(),
        }
    }

    /// A new rule, before anything is typed.
    fn fresh() -> Self {
        Self { topic: "interest".to_owned(), is_on: "on".to_owned(), ..Self::default() }
    }

    fn read(&self, id: ScoreRuleId) -> Result<Rule, EngineError> {
        let mut wrong = Vec::new();
        let mut number = |text: &str, field| match number(text, field) {
            Ok(n) => n,
            Err(refused) => {
                wrong.push(refused);
                None
            }
        };
        let (cause, about) = match self.cause.split_once(':') {
            Some((cause, about)) => (cause, about.to_owned()),
            None => (self.cause.as_str(), self.about.clone()),
        };
        let rule = Rule {
            id,
            name: self.name.clone(),
            cause: Cause::parse(cause).map_err(|refused| refused.at("cause"))?,
            about,
            value: self.value.clone(),
            points: number(&self.points, "points").unwrap_or(0),
            times_max: number(&self.times_max, "times_max"),
            points_max: number(&self.points_max, "points_max"),
            half_life_days: number(&self.half_life_days, "half_life_days"),
            topic: self.topic.clone(),
            is_on: !self.is_on.is_empty(),
            created_at: UtcMs(0),
            updated_at: UtcMs(0),
        };
        if wrong.is_empty() { Ok(rule) } else { Err(EngineError::RefusedAll(wrong)) }
    }
}

impl From<Tried> for TriedView {
    fn from(tried: Tried) -> Self {
        Self {
            contacts: grouped(tried.contacts.unsigned_abs()),
            is_all: tried.is_all,
            raised: tried.raised,
            lowered: tried.lowered,
            hot: tried.hot,
            hot_then: tried.hot_then,
        }
    }
}

impl RulePage {
    pub(crate) fn sample() -> Self {
        let tried =
            Tried { contacts: 2_000, is_all: false, raised: 431, lowered: 3, hot: 2, hot_then: 9 };
        Self {
            frame: Frame::sample("scores"),
            id: Some("scr_0000000000001".to_owned()),
            form: RuleForm { name: "Asked for something".to_owned(), ..RuleForm::fresh() },
            choices: vec![("form_sent".to_owned(), "Sent a form".to_owned())],
            errors: vec![FieldError::new("points", "give some points")],
            tried: Some(tried.into()),
        }
    }

    async fn of(
        state: &AppState,
        who: &CurrentOperator,
        id: Option<ScoreRuleId>,
    ) -> Result<Self, WebError> {
        let site = who.site.id;
        let (rules, choices) = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let rules = store::scores::rules(session, site).await?;
                    Ok((rules, choices(session, site).await?))
                })
            })
            .await?;
        let form = match id {
            None => RuleForm::fresh(),
            Some(id) => {
                let found = rules.iter().find(|rule| rule.id == id);
                RuleForm::of(found.ok_or_else(|| EngineError::missing("score rule", id))?)
            }
        };
        let (id, errors) = (id.map(|id| id.to_string()), Vec::new());
        Ok(Self { frame: who.frame("scores"), id, form, choices, errors, tried: None })
    }
}

/// The form of a new rule.
pub async fn new(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    who.require(Role::Editor)?;
    reply::page("admin/scores/edit.html", RulePage::of(&state, &who, None).await?)
}

/// The form of a rule there is.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ScoreRuleId>,
) -> Reply {
    reply::page("admin/scores/edit.html", RulePage::of(&state, &who, Some(id)).await?)
}

/// Makes a rule, or says what it would change.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<RuleForm>,
) -> Reply {
    write(state, who, None, form).await
}

/// Changes a rule, or says what that would change.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ScoreRuleId>,
    Form(form): Form<RuleForm>,
) -> Reply {
    write(state, who, Some(id), form).await
}

async fn write(
    state: AppState,
    who: CurrentOperator,
    id: Option<ScoreRuleId>,
    form: RuleForm,
) -> Reply {
    who.require(Role::Editor)?;
    let page = RulePage::of(&state, &who, id).await?;
    let engine = who.engine(&state);
    let rule = form.read(id.unwrap_or(ScoreRuleId(0)));
    let is_trial = form.r#do == "try";
    let page = RulePage { form, ..page };
    let outcome = match rule {
        Err(error) => Err(error),
        Ok(rule) if is_trial => engine::scores::try_out(&engine, who.site.id, rule).await.map(Some),
        Ok(rule) => engine::scores::put(&engine, &who.site, rule).await.map(|_| None),
    };
    match outcome {
        Ok(Some(tried)) => {
            let page = RulePage { tried: Some(tried.into()), ..page };
            reply::page("admin/scores/edit.html", page)
        }
        Ok(None) => {
            Ok(reply::done(PATH, "The rule is saved; every score is being worked out anew."))
        }
        Err(error) => {
            let errors = to_mend(error)?;
            reply::again("admin/scores/edit.html", RulePage { errors, ..page })
        }
    }
}

/// Takes a rule away.
pub async fn delete(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ScoreRuleId>,
) -> Reply {
    who.require(Role::Editor)?;
    engine::scores::remove(&who.engine(&state), &who.site, id).await?;
    Ok(reply::done(PATH, "The rule is gone; every score is being worked out anew."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_as_people_write_them() {
        for (points, signed, wanted) in [
            (5.0, true, "+5"),
            (-5.0, false, "−5"),
            (7.071, false, "7.1"),
            (-0.04, true, "0"),
            (0.0, true, "0"),
            (1234.96, false, "1235"),
        ] {
            assert_eq!(points_text(points, signed), wanted);
        }
        assert_eq!(number(" +5 ", "x"), Ok(Some(5)));
        assert_eq!(number("−5", "x"), Ok(Some(-5)));
        assert_eq!(number(" ", "x"), Ok(None));
        for bad in ["5.5", "99999999999999999999", "five", "1e3"] {
            assert!(number(bad, "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_comes_back_from_its_form_as_it_was() {
        for rule in model::scores::usual() {
            let read = RuleForm::of(&rule).read(rule.id).unwrap();
            assert_eq!(read, rule);
        }
    }
}
