//! `/admin/numbers/mails`: the mails behind a figure.

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::MessageId;
use model::spans::DEFAULT_DAYS;
use store::revenue::{Clicked, MailKey, MailRow};

use super::orders::mail_of;
use super::{FILE_PAGE, PAGE, Stretch, back, kept};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, before, days_text};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/mails";

/// The mails behind a figure.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let Some(key) = mail_of(&asked) else { return Err(crate::error::WebError::NotFound) };
    if asked.format == "csv" {
        let read = move |asked| read(state.clone(), who.clone(), asked, key.clone(), FILE_PAGE);
        return super::file("mails-0", asked, read).await;
    }
    let days = days_text(period.span);
    let lead = match clicked(&asked) {
        Clicked::OrNot => format!("Mails that left {days}, newest first."),
        Clicked::Only => format!("Mails that a person first clicked {days}, newest first."),
    };
    let mut report = Report::new(who.frame("revenue"), "Mails behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    let rows = read(state, who, asked.clone(), key, PAGE).await?;
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
    report.answer(PATH, &asked, &query)
}

fn clicked(asked: &Asked) -> Clicked {
    if asked.clicked.is_empty() { Clicked::OrNot } else { Clicked::Only }
}

async fn read(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    key: MailKey,
    limit: i64,
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (site, bounds) = (who.site.id, period.bounds());
    let start = before(&asked.before).map_or(MessageId(i64::MAX), |(_, id)| id);
    let page = (clicked(&asked), start);
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::revenue::mail_rows(session, site, &key, bounds, page, limit).await?)
            })
        })
        .await?;
    let key = |row: &MailRow| format!("0.{}", row.id);
    Ok(Stretch::of(&rows, limit, key, |rows| sheet(rows, &period)))
}

/// Where a mail stands, for people.
fn state(word: &str) -> &str {
    match word {
        "accepted" => "left",
        "bounced" => "came back",
        "complained" => "marked as spam",
        other => other,
    }
}

/// Who took it, for people.
fn taker(relay: &str) -> &str {
    match relay {
        "caught" => "kept on this machine",
        "smtp" => "mail server",
        other => other,
    }
}

fn sheet(rows: &[MailRow], period: &Period) -> Sheet {
    let row = |row: &MailRow| {
        let to = Cell::text(row.to_address.clone());
        vec![
            Cell::text(period.when(row.accepted_at)).to(format!("/admin/messages/{}", row.id)),
            match row.contact_id {
                Some(contact) => to.to(format!("/admin/contacts/{contact}")),
                None => to,
            },
            Cell::text(row.state.clone()).shown(state(&row.state)),
            Cell::text(row.relay.clone()).shown(taker(&row.relay)),
            Cell::count(row.clicks),
        ]
    };
    Sheet {
        title: "Mails".to_owned(),
        formula: Some(
            "a mail left when a mail server took it, or it was caught here; a click is a person's \
             unless a machine's mark is on it"
                .to_owned(),
        ),
        columns: columns(&["Left", "To", "State", "Taken by", "#Human clicks"]),
        rows: rows.iter().map(row).collect(),
        empty: "No mail fits.".to_owned(),
        ..Sheet::default()
    }
}
