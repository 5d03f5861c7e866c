//! `/admin/numbers/mails`: the mails behind a figure.

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::MessageId;
use model::spans::DEFAULT_DAYS;
use store::revenue::{Clicked, MailRow};

use super::orders::mail_of;
use super::{PAGE, back, before, kept, pager, when};
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, days_text};
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
    let (site, bounds) = (who.site.id, period.bounds());
    let start = before(&asked.before).map_or(MessageId(i64::MAX), |(_, id)| id);
    let most = asked.rows_max(PAGE);
    let clicked = if asked.clicked.is_empty() { Clicked::OrNot } else { Clicked::Only };
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let page = (clicked, start);
                Ok(store::revenue::mail_rows(session, site, &key, bounds, page, most).await?)
            })
        })
        .await?;
    let days = days_text(period.span);
    let lead = match clicked {
        Clicked::OrNot => format!("Mails that left {days}, newest first."),
        Clicked::Only => format!("Mails that a person first clicked {days}, newest first."),
    };
    let mut report = Report::new(who.frame("revenue"), "Mails behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    report.pager = pager(PATH, &query, &rows, |row| format!("0.{}", row.id));
    report.sheets.push(sheet(&rows, &period));
    report.answer(PATH, &asked, &query)
}

fn sheet(rows: &[MailRow], period: &Period) -> Sheet {
    let row = |row: &MailRow| {
        let to = Cell::text(row.to_address.clone());
        vec![
            Cell::text(when(period, row.accepted_at)).to(format!("/admin/messages/{}", row.id)),
            match row.contact_id {
                Some(contact) => to.to(format!("/admin/contacts/{contact}")),
                None => to,
            },
            Cell::text(row.state.clone()),
            Cell::text(row.relay.clone()),
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
        columns: columns(&["Left", "To", "State", "By", "#Human clicks"]),
        rows: rows.iter().map(row).collect(),
        empty: "No mail fits.".to_owned(),
        ..Sheet::default()
    }
}
