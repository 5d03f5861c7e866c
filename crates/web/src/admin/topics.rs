//! `/admin/topics`: what one may subscribe to.

use axum::extract::{Path, State};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::topics::{self, Draft};
use model::ids::TopicId;
use model::operators::Role;
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

const PATH: &str = "/admin/topics";

/// The topics, and the form for one more.
#[derive(Debug, Serialize)]
pub struct TopicsPage {
    frame: Frame,
    rows: Vec<TopicRow>,
    form: TopicForm,
    errors: Vec<FieldError>,
}

/// One topic.
#[derive(Debug, Serialize)]
pub struct TopicRow {
    id: String,
    slug: String,
    name: String,
    description: String,
    readers: i64,
}

/// What the form holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicForm {
    slug: String,
    name: String,
    description: String,
}

impl TopicsPage {
    pub(crate) fn sample() -> Self {
        let row = TopicRow {
            id: "top_0000000000001".to_owned(),
            slug: "letters".to_owned(),
            name: "Letters from the bakery".to_owned(),
            description: "What I found out this week.".to_owned(),
            readers: 0,
        };
        Self {
            frame: Frame::sample("topics"),
            rows: vec![row],
            form: TopicForm::default(),
            errors: vec![FieldError::new("name", "give the topic a name")],
        }
    }

    async fn of(state: &AppState, who: &CurrentOperator) -> Result<Self, WebError> {
        let site = who.site.id;
        let (topics, counts) = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let topics = store::topics::list(session, site).await?;
                    Ok((topics, store::topics::counts(session, site).await?))
                })
            })
            .await?;
        let rows = topics.into_iter().map(|topic| TopicRow {
            readers: counts.iter().find(|(id, _)| *id == topic.id).map_or(0, |(_, n)| *n),
            id: topic.id.to_string(),
            slug: topic.slug,
            name: topic.name,
            description: topic.description,
        });
        let form = TopicForm::default();
        Ok(Self { frame: who.frame("topics"), rows: rows.collect(), form, errors: Vec::new() })
    }
}

/// The topics.
pub async fn index(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    reply::page("admin/topics/index.html", TopicsPage::of(&state, &who).await?)
}

/// Makes or changes one.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<TopicForm>,
) -> Reply {
    who.require(Role::Editor)?;
    let TopicForm { slug, name, description } = form.clone();
    let draft = Draft { slug, name, description };
    match topics::put(&state.engine, who.actor(), who.site.id, draft).await {
        Ok(()) => Ok(reply::done(PATH, "The topic is saved.")),
        Err(error) => {
            let errors = to_mend(error)?;
            let page = TopicsPage { form, errors, ..TopicsPage::of(&state, &who).await? };
            reply::again("admin/topics/index.html", page)
        }
    }
}

/// Removes one that nobody subscribes to.
pub async fn delete(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<TopicId>,
) -> Reply {
    who.require(Role::Editor)?;
    match topics::remove(&state.engine, who.actor(), who.site.id, id).await {
        Ok(()) => Ok(reply::done(PATH, "The topic is gone.")),
        Err(error) if !error.is_fault() => Ok(reply::sorry(PATH, &error.to_string())),
        Err(error) => Err(error.into()),
    }
}
