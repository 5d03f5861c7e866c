//! `/admin/sources/rules`: an owner's own rules for channels, and what they would change.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::channel_rules::{self, NewRule};
use model::channels::{Channel, Rule};
use model::ids::ChannelRuleId;
use model::operators::Role;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

const HERE: &str = "/admin/sources/rules";

/// The rules.
#[derive(Debug, Serialize)]
pub struct RulesPage {
    frame: Frame,
    may_change: bool,
    rules: Vec<RuleRow>,
    /// Touches that were looked at, and how many of them the rules would give another channel.
    looked_at: usize,
    changes: usize,
    /// Of these, those that no rule takes any more.
    back: usize,
    channels: Vec<(&'static str, &'static str)>,
    form: RuleForm,
    errors: Vec<FieldError>,
}

/// One rule.
#[derive(Debug, Serialize)]
pub struct RuleRow {
    id: String,
    /// `source is xyz, campaign is spring*`.
    text: String,
    channel: &'static str,
    changes: usize,
}

/// A rule to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleForm {
    source: String,
    medium: String,
    campaign: String,
    host: String,
    channel: String,
}

impl RuleRow {
    fn of(rule: &Rule, changes: usize) -> Self {
        let parts = [
            ("source", &rule.source),
            ("medium", &rule.medium),
            ("campaign", &rule.campaign),
            ("site before", &rule.host),
        ];
        let said = parts.iter().filter(|(_, pattern)| !pattern.is_empty());
        let said: Vec<String> = said.map(|(name, is)| format!("{name} is {is}")).collect();
        Self {
            id: rule.id.to_string(),
            text: said.join(", "),
            channel: rule.channel.name(),
            changes,
        }
    }
}

impl RulesPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("sources"),
            may_change: true,
            rules: vec![RuleRow {
                id: ChannelRuleId(1).to_string(),
                text: "source is xyz, campaign is spring*".to_owned(),
                channel: "Paid Social",
                changes: 12,
            }],
            looked_at: 2_000,
            changes: 14,
            back: 2,
            channels: channels(),
            form: RuleForm::default(),
            errors: vec![FieldError::new("source", "say at least one thing")],
        }
    }

    async fn of(
        state: &AppState,
        who: &CurrentOperator,
        form: RuleForm,
        errors: Vec<FieldError>,
    ) -> Result<Self, WebError> {
        let site = who.site.id;
        let (looked_at, by) = channel_rules::changes(&state.engine, site).await?;
        let rules = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::channel_rules::list(session, site).await?) })
            })
            .await?;
        let of = |id: Option<ChannelRuleId>| {
            by.iter().find(|(rule, _)| *rule == id).map_or(0, |(_, count)| *count)
        };
        Ok(Self {
            frame: who.frame("sources"),
            may_change: who.present.operator.role.may(Role::Admin),
            rules: rules.iter().map(|rule| RuleRow::of(rule, of(Some(rule.id)))).collect(),
            looked_at,
            changes: by.iter().map(|(_, count)| count).sum(),
            back: of(None),
            channels: channels(),
            form,
            errors,
        })
    }
}

fn channels() -> Vec<(&'static str, &'static str)> {
    Channel::ALL.iter().map(|channel| (channel.as_str(), channel.name())).collect()
}

/// The rules.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    let form = RuleForm { channel: Channel::PaidSocial.as_str().to_owned(), ..RuleForm::default() };
    let page = RulesPage::of(&state, &who, form, Vec::new()).await?;
    reply::page("admin/sources/rules.html", page)
}

/// Adds one.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<RuleForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let RuleForm { source, medium, campaign, host, channel } = form.clone();
    let new = NewRule { source, medium, campaign, host, channel };
    match channel_rules::add(&who.engine(&state), who.site.id, new).await {
        Ok(_) => Ok(reply::done(HERE, "The rule is added. It holds for what comes from now on.")),
        Err(error) => {
            let page = RulesPage::of(&state, &who, form, to_mend(error)?).await?;
            reply::again("admin/sources/rules.html", page)
        }
    }
}

/// Deletes one.
pub async fn delete(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
) -> Reply {
    who.require(Role::Admin)?;
    let id: ChannelRuleId = id.parse().map_err(|_| WebError::NotFound)?;
    channel_rules::delete(&who.engine(&state), who.site.id, id).await?;
    Ok(reply::done(HERE, "The rule is deleted. What it said of the past stays until you ask."))
}

/// Gives the past its channels anew.
pub async fn relabel(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    who.require(Role::Admin)?;
    channel_rules::relabel_later(&who.engine(&state), who.site.id).await?;
    let text = "The past is being given its channels anew, and the figures with it: look again \
                in a few minutes.";
    Ok(reply::done(HERE, text))
}
