//! `/admin/numbers/clicks`: the mails in which one link was clicked.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::spans::DEFAULT_DAYS;
use store::link_days::ClickRow;

use super::{FILE_PAGE, PAGE, Stretch, back, kept};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, before, days_text};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/clicks";

/// First clicks of people on a link.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (site, of) = (who.site.id, (asked.version, asked.position));
    let link = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::link_days::find(session, site, of).await?) })
        })
        .await?;
    let Some(link) = link else { return Err(crate::error::WebError::NotFound) };
    if asked.format == "csv" {
        let read = move |asked| read(state.clone(), who.clone(), asked, FILE_PAGE);
        return super::file("clicks-0", asked, read).await;
    }
    let lead = format!(
        "Mails in which a person first clicked {} {}, newest first.",
        link.target,
        days_text(period.span)
    );
    let mut report = Report::new(who.frame("revenue"), "Clicks behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    let rows = read(state, who, asked.clone(), PAGE).await?;
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
    report.answer(PATH, &asked, &query)
}

async fn read(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    limit: i64,
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let (site, bounds, of) = (who.site.id, period.bounds(), (asked.version, asked.position));
    let start = before(&asked.before).map(|(at, id)| (UtcMs(at), id));
    let start = start.unwrap_or((UtcMs(i64::MAX), i64::MAX));
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::link_days::rows(session, site, of, bounds, start, limit).await?)
            })
        })
        .await?;
    let key = |row: &ClickRow| format!("{}.{}", row.at.0, row.id);
    Ok(Stretch::of(&rows, limit, key, |rows| sheet(rows, &period)))
}

fn sheet(rows: &[ClickRow], period: &Period) -> Sheet {
    let row = |row: &ClickRow| {
        let to = Cell::text(row.to_address.clone());
        vec![
            Cell::text(period.when(row.at)),
            match row.contact_id {
                Some(contact) => to.to(format!("/admin/contacts/{contact}")),
                None => to,
            },
            Cell::text("Open").to(format!("/admin/messages/{}", row.message_id)),
        ]
    };
    Sheet {
        title: "First clicks".to_owned(),
        formula: Some(
            "the first click of a person on this link in each mail; later ones are not counted"
                .to_owned(),
        ),
        columns: columns(&["First clicked", "To", "Mail"]),
        rows: rows.iter().map(row).collect(),
        empty: "Nobody clicked it in these days.".to_owned(),
        ..Sheet::default()
    }
}
