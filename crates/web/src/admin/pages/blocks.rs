//! The blocks of a page: one form each, and their order.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum_extra::extract::Form;
use engine::EngineError;
use model::blocks::{Block, PageContent};
use model::pages::{Page, PageDraft};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{self, Input};
use super::{Found, Row, find};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::field_errors;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Characters of a block shown in the outline.
const WORDS_MAX: usize = 90;

/// A block in the outline.
#[derive(Debug, Serialize)]
pub struct Line {
    number: usize,
    label: &'static str,
    words: String,
}

impl Line {
    pub(crate) fn sample() -> Self {
        Self { number: 0, label: "Opening", words: "Write on paper".to_owned() }
    }
}

/// The outline of a page.
pub fn outline(content: &PageContent) -> Vec<Line> {
    let line = |(number, block): (usize, &Block)| {
        let json = serde_json::to_value(block).unwrap_or_default();
        let kind = json.get("type").and_then(Value::as_str).unwrap_or_default();
        let first = ["title", "text", "quote", "offer", "form", "image", "product", "button"];
        let words = first.iter().find_map(|name| {
            json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
        });
        let words = beginning(words.unwrap_or_default());
        Line { number, label: fields::label(kind).unwrap_or("Block"), words }
    };
    content.blocks.iter().enumerate().map(line).collect()
}

/// The first words of a text, whole words only.
fn beginning(text: &str) -> String {
    if text.chars().count() <= WORDS_MAX {
        return text.to_owned();
    }
    let cut: String = text.chars().take(WORDS_MAX).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole} …")
}

/// A block being written.
#[derive(Debug, Serialize)]
pub struct BlockPage {
    frame: Frame,
    page: Row,
    label: &'static str,
    kind: String,
    action: String,
    version: i64,
    inputs: Vec<Input>,
    error: Option<String>,
    theirs: Vec<Input>,
}

impl BlockPage {
    pub(crate) fn sample() -> Self {
        let block = serde_json::json!({"title": "Write on paper", "text": "A small book."});
        Self {
            frame: Frame::sample("pages"),
            page: Row::sample(),
            label: "Opening",
            kind: "hero".to_owned(),
            action: "/admin/pages/pag_1/blocks/0".to_owned(),
            version: 3,
            inputs: fields::inputs("hero", &block),
            error: Some("somebody else saved this page".to_owned()),
            theirs: fields::inputs("hero", &block),
        }
    }
}

/// What the address of a new block's form asks.
#[derive(Debug, Deserialize)]
pub struct NewQuery {
    kind: String,
}

/// The form of a new block.
pub async fn new(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Query(query): Query<NewQuery>,
) -> Reply {
    let found = find(&state, &who, &id).await?;
    let action = format!("/admin/pages/{id}/blocks");
    let page = form(&who, &found.page, &query.kind, action, &Value::Null)?;
    reply::page("admin/pages/block.html", page)
}

/// The form of a block.
pub async fn edit(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, number)): Path<(String, usize)>,
) -> Reply {
    let found = find(&state, &who, &id).await?;
    let block = found.content.blocks.get(number).ok_or(WebError::NotFound)?;
    let json = serde_json::to_value(block).unwrap_or_default();
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let action = format!("/admin/pages/{id}/blocks/{number}");
    let page = form(&who, &found.page, &kind, action, &json)?;
    reply::page("admin/pages/block.html", page)
}

fn form(
    who: &CurrentOperator,
    page: &Page,
    kind: &str,
    action: String,
    block: &Value,
) -> Result<BlockPage, WebError> {
    Ok(BlockPage {
        frame: who.frame("pages"),
        page: Row::from(page),
        label: fields::label(kind).ok_or(WebError::NotFound)?,
        kind: kind.to_owned(),
        action,
        version: page.draft_version,
        inputs: fields::inputs(kind, block),
        error: None,
        theirs: Vec::new(),
    })
}

/// Adds a block at the end.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<String>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Reply {
    save(&state, &who, &id, None, pairs).await
}

/// Changes a block.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, number)): Path<(String, usize)>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Reply {
    save(&state, &who, &id, Some(number), pairs).await
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: &str,
    number: Option<usize>,
    pairs: Vec<(String, String)>,
) -> Reply {
    let Found { page, mut content, .. } = find(state, who, id).await?;
    let kind = value(&pairs, "kind");
    let version = value(&pairs, "version").parse().unwrap_or(0);
    let theirs = number.and_then(|n| content.blocks.get(n)).cloned();
    let error = match fields::read(&kind, &pairs) {
        Err(error) => EngineError::from(model::Refused::new("block_incomplete", error)),
        Ok(block) => {
            put(&mut content, number, block)?;
            let draft = PageDraft { slug: page.slug.clone(), kind: page.kind, content };
            let site = who.site.id;
            match engine::pages::change(&who.engine(state), site, page.id, version, draft).await {
                Ok(()) => {
                    return Ok(reply::done(
                        &format!("/admin/pages/{id}"),
                        "Saved, as a new draft.",
                    ));
                }
                Err(error) => error,
            }
        }
    };
    again(who, &page, &kind, number, &pairs, (error, theirs))
}

fn put(content: &mut PageContent, number: Option<usize>, block: Block) -> Result<(), WebError> {
    match number {
        None => content.blocks.push(block),
        Some(number) => *content.blocks.get_mut(number).ok_or(WebError::NotFound)? = block,
    }
    Ok(())
}

/// The form again: with the sentence, or, where somebody else saved meanwhile, with both texts.
fn again(
    who: &CurrentOperator,
    page: &Page,
    kind: &str,
    number: Option<usize>,
    pairs: &[(String, String)],
    (error, theirs): (EngineError, Option<Block>),
) -> Reply {
    let conflict = matches!(error, EngineError::Conflict(_));
    let refused = field_errors(&error);
    if !conflict && refused.is_empty() {
        return Err(error.into());
    }
    let action = number.map_or(format!("/admin/pages/{}/blocks", page.id), |number| {
        format!("/admin/pages/{}/blocks/{number}", page.id)
    });
    let mut context = form(who, page, kind, action, &Value::Null)?;
    for input in &mut context.inputs {
        input.value = value(pairs, input.name);
    }
    context.error = Some(error.to_string());
    if conflict && let Some(theirs) = theirs {
        context.theirs = fields::inputs(kind, &serde_json::to_value(theirs).unwrap_or_default());
    }
    let status = if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
    reply::page_with(status, "admin/pages/block.html", context)
}

fn value(pairs: &[(String, String)], name: &str) -> String {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// What the buttons of the outline send.
#[derive(Debug, Deserialize)]
pub struct MoveForm {
    /// up, down or remove.
    to: String,
    version: i64,
}

/// Moves a block up or down, or takes it out.
pub async fn arrange(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path((id, number)): Path<(String, usize)>,
    Form(form): Form<MoveForm>,
) -> Reply {
    let Found { page, mut content, .. } = find(&state, &who, &id).await?;
    let last = content.blocks.len().checked_sub(1).ok_or(WebError::NotFound)?;
    if number > last {
        return Err(WebError::NotFound);
    }
    match form.to.as_str() {
        "up" if number > 0 => content.blocks.swap(number, number - 1),
        "down" if number < last => content.blocks.swap(number, number + 1),
        "remove" => drop(content.blocks.remove(number)),
        _ => {}
    }
    let draft = PageDraft { slug: page.slug, kind: page.kind, content };
    let site = who.site.id;
    engine::pages::change(&who.engine(&state), site, page.id, form.version, draft).await?;
    Ok(reply::to(&format!("/admin/pages/{id}#blocks")))
}
