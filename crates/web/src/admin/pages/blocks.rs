//! The blocks of a page: one form each, and their order.

use std::mem::discriminant;

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
    let action = action(&id, None);
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
    let action = action(&id, Some(number));
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

/// What a block's form sent, and for which place of which version of the page.
struct Sent {
    kind: String,
    version: i64,
    number: Option<usize>,
    pairs: Vec<(String, String)>,
}

async fn save(
    state: &AppState,
    who: &CurrentOperator,
    id: &str,
    number: Option<usize>,
    pairs: Vec<(String, String)>,
) -> Reply {
    let (kind, version) = (value(&pairs, "kind"), value(&pairs, "version").parse().unwrap_or(0));
    let sent = Sent { kind, version, number, pairs };
    let Found { page, content, .. } = find(state, who, id).await?;
    // A place is one of the version that was open: in another, something else may stand there.
    if number.is_some() && version != page.draft_version {
        return merge(state, who, id, &sent).await;
    }
    let error = match fields::read(&sent.kind, &sent.pairs) {
        Err(error) => EngineError::from(model::Refused::new("block_incomplete", error)),
        Ok(block) => {
            let content = put(content, number, block)?;
            let draft = PageDraft { slug: page.slug.clone(), kind: page.kind, content };
            let site = who.site.id;
            match engine::pages::change(&who.engine(state), site, page.id, version, draft).await {
                Ok(()) => {
                    return Ok(reply::done(
                        &format!("/admin/pages/{id}"),
                        "Saved, as a new draft.",
                    ));
                }
                Err(EngineError::Conflict(_)) => return merge(state, who, id, &sent).await,
                Err(error) => error,
            }
        }
    };
    if field_errors(&error).is_empty() {
        return Err(error.into());
    }
    let context =
        BlockPage { version, error: Some(error.to_string()), ..again(who, &page, &sent)? };
    reply::page_with(StatusCode::UNPROCESSABLE_ENTITY, "admin/pages/block.html", context)
}

fn put(
    mut content: PageContent,
    number: Option<usize>,
    block: Block,
) -> Result<PageContent, WebError> {
    match number {
        None => content.blocks.push(block),
        Some(number) => *content.blocks.get_mut(number).ok_or(WebError::NotFound)? = block,
    }
    Ok(content)
}

/// The form with what was typed.
fn again(who: &CurrentOperator, page: &Page, sent: &Sent) -> Result<BlockPage, WebError> {
    let action = action(&page.id.to_string(), sent.number);
    let mut context = form(who, page, &sent.kind, action, &Value::Null)?;
    for input in &mut context.inputs {
        input.value = value(&sent.pairs, input.name);
    }
    Ok(context)
}

fn action(page: &str, number: Option<usize>) -> String {
    let blocks = format!("/admin/pages/{page}/blocks");
    number.map_or(blocks.clone(), |number| format!("{blocks}/{number}"))
}

/// Somebody else saved meanwhile: the form with both texts, for the place where its block stands
/// now.
async fn merge(state: &AppState, who: &CurrentOperator, id: &str, sent: &Sent) -> Reply {
    let Found { page, content, .. } = find(state, who, id).await?;
    let (site, page_id, version) = (who.site.id, page.id, sent.version);
    let opened = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::pages::content(session, site, page_id, version).await?) },
            )
        })
        .await?
        .map(|opened| opened.blocks)
        .unwrap_or_default();
    let place = sent.number.and_then(|number| place_now(&opened, &content.blocks, number));
    let theirs = place.and_then(|place| content.blocks.get(place));
    let changed = theirs.filter(|theirs| !opened.contains(theirs));
    let said = match (sent.number, theirs, changed) {
        (Some(_), None, _) => "somebody else took this block out; saving again adds it at the end",
        (_, _, Some(_)) => "somebody else saved this block after you opened it: compare both texts",
        _ => "somebody else saved another part of this page after you opened it: save again",
    };
    let sent = Sent { number: place, pairs: sent.pairs.clone(), kind: sent.kind.clone(), version };
    let mut context = again(who, &page, &sent)?;
    context.error = Some(said.to_owned());
    if let Some(theirs) = changed {
        let theirs = serde_json::to_value(theirs).unwrap_or_default();
        context.theirs = fields::inputs(&sent.kind, &theirs);
    }
    reply::page_with(StatusCode::CONFLICT, "admin/pages/block.html", context)
}

/// Where the block stands now that stood at `number` when the page was opened: the same block, or
/// else the nearest one of its kind that is new, which is what somebody made of it.
fn place_now(opened: &[Block], now: &[Block], number: usize) -> Option<usize> {
    let mine = opened.get(number)?;
    let kind = discriminant(mine);
    let is_new = |block: &Block| discriminant(block) == kind && !opened.contains(block);
    nearest(now, number, |block| block == mine).or_else(|| nearest(now, number, is_new))
}

fn nearest(blocks: &[Block], to: usize, fits: impl Fn(&Block) -> bool) -> Option<usize> {
    let fitting = blocks.iter().enumerate().filter(|(_, block)| fits(block)).map(|(n, _)| n);
    fitting.min_by_key(|n| n.abs_diff(to))
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
    if form.version != page.draft_version {
        let said = "somebody else saved this page after you opened it: look at it again";
        return Err(EngineError::Conflict(said.to_owned()).into());
    }
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
