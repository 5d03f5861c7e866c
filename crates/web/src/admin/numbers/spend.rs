//! `/admin/numbers/spend`: what was spent to be seen; by hand, or from a file.

use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum_extra::extract::Form;
use engine::files::columns::{LineError, Taken};
use engine::{EngineError, spends};
use model::ids::SpendId;
use model::spends::{HEADERS, Spend};
use model::{Currency, Money, Refused};
use serde::{Deserialize, Serialize};

use super::{Asked, link};
use crate::extract::operator::CurrentOperator;
use crate::extract::upload::Upload;
use crate::forms::{FieldError, to_mend};
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

const PATH: &str = "/admin/numbers/spend";
const TEMPLATE: &str = "admin/numbers/spend.html";
/// Rows on a page.
const PAGE: i64 = 50;
/// Letters of the key of a form.
const KEY_MAX: usize = 40;

/// The ledger of what was spent.
#[derive(Debug, Serialize)]
pub struct SpendPage {
    frame: Frame,
    /// Whoever only looks is offered no form.
    may_change: bool,
    rows: Vec<SpendRow>,
    pager: Pager,
    currency: String,
    /// Words in use, to choose from.
    channels: Vec<String>,
    form: SpendForm,
    errors: Vec<FieldError>,
    /// What came of the file that was just read.
    taken: Option<Taken>,
    headers: String,
}

/// One amount.
#[derive(Debug, Serialize)]
pub struct SpendRow {
    id: String,
    channel: String,
    campaign: String,
    days: String,
    minor: i64,
    currency: String,
    clicks: Option<i64>,
    impressions: Option<i64>,
    note: String,
}

/// What the form by hand sends.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SpendForm {
    /// Given with the form, so that sending it twice counts once.
    key: String,
    channel: String,
    campaign: String,
    from_day: String,
    to_day: String,
    amount: String,
    clicks: String,
    impressions: String,
    note: String,
}

impl SpendPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("spend"),
            may_change: true,
            rows: vec![SpendRow {
                id: "spd_0000000000001".to_owned(),
                channel: "google".to_owned(),
                campaign: "spring".to_owned(),
                days: "1 – 31 Mar 2026".to_owned(),
                minor: 31_000,
                currency: "EUR".to_owned(),
                clicks: Some(410),
                impressions: None,
                note: String::new(),
            }],
            pager: Pager::default(),
            currency: "EUR".to_owned(),
            channels: vec!["google".to_owned()],
            form: SpendForm::default(),
            errors: vec![FieldError::new("amount", "write an amount above zero")],
            taken: Some(Taken {
                rows: 3,
                created: 1,
                updated: 0,
                unchanged: 1,
                rejected: 1,
                errors: vec![LineError {
                    line: 4,
                    field: "amount".to_owned(),
                    message: "write the amount in digits".to_owned(),
                }],
                notes: vec!["Read as an export of Google Ads.".to_owned()],
            }),
            headers: HEADERS.join(","),
        }
    }
}

/// The ledger, newest first.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    if asked.format == "csv" {
        return file(&state, &who).await;
    }
    let before = asked.before.parse().unwrap_or(SpendId(i64::MAX));
    reply::page(TEMPLATE, ledger(&state, &who, before, SpendForm::default()).await?)
}

async fn ledger(
    state: &AppState,
    who: &CurrentOperator,
    before: SpendId,
    form: SpendForm,
) -> Result<SpendPage, EngineError> {
    let site = who.site.id;
    let spends = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::spends::list(session, site, before, PAGE).await?) })
        })
        .await?;
    let full = i64::try_from(spends.len()).unwrap_or(0) == PAGE;
    let next = spends.last().filter(|_| full);
    let mut channels: Vec<String> = spends.iter().map(|spend| spend.channel.clone()).collect();
    channels.sort();
    channels.dedup();
    let key = key(state, &form.key);
    Ok(SpendPage {
        frame: who.frame("spend"),
        may_change: who.may_change(),
        pager: Pager {
            next: next.map(|spend| link(PATH, &[("before", spend.id.to_string())])),
            ..Pager::default()
        },
        rows: spends.into_iter().map(row).collect(),
        currency: who.site.currency.clone(),
        channels,
        form: SpendForm { key, ..form },
        errors: Vec::new(),
        taken: None,
        headers: HEADERS.join(","),
    })
}

/// The key of a form; a new one where it has none.
fn key(state: &AppState, key: &str) -> String {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).take(KEY_MAX).collect();
    if key.is_empty() { model::ids::to_base32(state.engine.next_id()) } else { key }
}

fn row(spend: Spend) -> SpendRow {
    let days = match (spend.from_day.parse(), spend.to_day.parse()) {
        (Ok(from), Ok(to)) => super::days_text(model::spans::Span { from, to }),
        _ => spend.from_day.clone(),
    };
    SpendRow {
        id: spend.id.to_string(),
        channel: spend.channel,
        campaign: spend.campaign,
        days,
        minor: spend.amount_minor,
        currency: spend.currency,
        clicks: spend.clicks,
        impressions: spend.impressions,
        note: spend.note,
    }
}

/// Every amount in the own format, so that it can be read again.
async fn file(state: &AppState, who: &CurrentOperator) -> Reply {
    let mut text = String::new();
    let put = |line: &str| {
        text.push_str(line);
        Ok(())
    };
    spends::export(&state.engine, who.site.id, put).await?;
    let named = HeaderValue::from_static("attachment; filename=\"spend.csv\"");
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, text).into_response())
}

/// Writes an amount down.
pub async fn create(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(mut form): Form<SpendForm>,
) -> Reply {
    form.key = key(&state, &form.key);
    let made = match read(&form, &who) {
        Ok(spend) => {
            let spends = vec![(format!("hand:{}", form.key), spend)];
            spends::add(&state.engine, who.actor(), who.site.id, spends).await
        }
        Err(all) => Err(EngineError::RefusedAll(all)),
    };
    match made {
        Ok(_) => Ok(reply::done(PATH, "The amount is written down.")),
        Err(error) => {
            // Sent once more, what was typed is another amount.
            if matches!(&error, EngineError::Refused(why) if why.code == "written_already") {
                form.key.clear();
            }
            let newest = SpendId(i64::MAX);
            let mut page = ledger(&state, &who, newest, form).await?;
            page.errors = to_mend(error)?;
            reply::again(TEMPLATE, page)
        }
    }
}

/// The form as an amount; everything that must be mended otherwise.
fn read(form: &SpendForm, who: &CurrentOperator) -> Result<Spend, Vec<Refused>> {
    let mut wrong = Vec::new();
    let amount = Currency::parse(&who.site.currency)
        .and_then(|currency| Money::parse_amount(&form.amount, currency));
    let minor = match amount {
        Ok(amount) => amount.minor,
        Err(refused) => {
            wrong.push(refused.at("amount"));
            1
        }
    };
    let mut number = |text: &str, field: &'static str| match text.trim() {
        "" => None,
        digits => match digits.parse::<i64>() {
            Ok(number) if number >= 0 => Some(number),
            _ => {
                wrong.push(Refused::new("number_invalid", "write a whole number").at(field));
                None
            }
        },
    };
    let (clicks, impressions) =
        (number(&form.clicks, "clicks"), number(&form.impressions, "impressions"));
    let from_day = form.from_day.trim().to_owned();
    let to_day = form.to_day.trim().to_owned();
    let spend = Spend {
        id: SpendId(0),
        channel: form.channel.clone(),
        campaign: form.campaign.clone(),
        to_day: if to_day.is_empty() { from_day.clone() } else { to_day },
        from_day,
        amount_minor: minor,
        currency: who.site.currency.clone(),
        clicks,
        impressions,
        note: form.note.clone(),
        created_at: who.now,
    }
    .cleaned();
    wrong.extend(spend.check(who.now).err());
    if wrong.is_empty() { Ok(spend) } else { Err(wrong) }
}

/// Reads a file of amounts; the page tells what became of its lines.
pub async fn upload(State(state): State<AppState>, who: CurrentOperator, upload: Upload) -> Reply {
    let outcome = match &upload.file {
        Some(file) => {
            let (by, map) = (who.actor(), BTreeMap::new());
            let how = (&map, upload.text("source").trim());
            spends::import(&state.engine, by, &who.site, &file.bytes, how).await
        }
        None => Err(Refused::new("file_missing", "choose a file first").into()),
    };
    let mut page = ledger(&state, &who, SpendId(i64::MAX), SpendForm::default()).await?;
    match outcome {
        Ok(taken) => {
            page.taken = Some(taken);
            reply::page(TEMPLATE, page)
        }
        Err(error) => {
            page.errors = to_mend(error)?;
            page.errors.iter_mut().for_each(|error| "file".clone_into(&mut error.field));
            reply::again(TEMPLATE, page)
        }
    }
}

/// Takes an amount away.
pub async fn delete(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<SpendId>,
) -> Reply {
    spends::remove(&state.engine, who.actor(), who.site.id, id).await?;
    Ok(reply::done(PATH, "The amount is taken away."))
}
