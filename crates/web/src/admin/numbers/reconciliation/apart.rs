//! `/admin/numbers/reconciliation/{name}`: the rows that make two sums differ.

use axum::extract::{Path, Query, State};
use engine::EngineError;
use model::spans::{DEFAULT_DAYS, Span};
use store::reconciliation::{Apart, Balance, Counts, Taken};

use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, days_text, link};
use crate::extract::operator::CurrentOperator;
use crate::frame::Crumb;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/reconciliation";
/// So many places are looked for: who has more has one cause for them.
const MOST: usize = 50;

/// Where the sums of one comparison differ.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(name): Path<String>,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let found = store::reconciliation::named(&name);
    let balance = found.ok_or(crate::error::WebError::NotFound)?;
    let rows = read(&state, &who, &period, balance).await?;
    let lead = format!(
        "Where \"{}\" and \"{}\" differ, {}.",
        balance.left,
        balance.right,
        days_text(period.span)
    );
    let mut report = Report::new(who.frame("reconciliation"), "What does not add up", &lead);
    let query = period.query();
    report.back.push(Crumb { href: link(PATH, &query), label: "Reconciliation".to_owned() });
    let row = |apart: &Apart| {
        let Taken { currency, left, right, .. } = &apart.taken;
        let figure = |value: i64| match balance.counts {
            Counts::Money => Cell::money(value, currency),
            Counts::Rows => Cell::count(value),
        };
        let when = period.zone.local(apart.at).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M:%S");
        let (order, mail) = (apart.orders.first(), apart.messages.first());
        let open = match (order, mail) {
            (Some(order), _) => Cell::text("Order").to(format!("/admin/orders/{order}")),
            (_, Some(mail)) => Cell::text("Mail").to(format!("/admin/messages/{mail}")),
            _ => Cell::unknown(),
        };
        let others = apart.orders.len().saturating_add(apart.messages.len()).saturating_sub(1);
        vec![
            Cell::text(when.to_string()),
            if others > 0 { open.note(format!("and {others} of the same instant")) } else { open },
            figure(*left),
            figure(*right),
            figure(left - right),
        ]
    };
    report.sheets.push(Sheet {
        title: "Differences".to_owned(),
        note: Some(format!("At most {MOST} are looked for.")),
        formula: Some("difference = first sum − second sum, of the rows of one instant".to_owned()),
        columns: columns(&["When", "Which", "#One way", "#Another way", "#Difference"]),
        rows: rows.iter().map(row).collect(),
        empty: "Both sums are equal in these days.".to_owned(),
        ..Sheet::default()
    });
    report.answer(&format!("{PATH}/{name}"), &asked, &query)
}

/// The rows that differ; where they are too many to be counted now, those of the days on which they
/// were found to differ in the background.
async fn read(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
    balance: &'static Balance,
) -> Result<Vec<Apart>, EngineError> {
    let (site, span, zone) = (who.site.id, period.span, period.zone.clone());
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let few = super::rows(session, site, (span, &zone)).await? <= super::ROWS_MAX;
                let mut open = vec![span.bounds(&zone)];
                if !few {
                    let (from, to) = (span.from.to_string(), span.to.to_string());
                    let of = balance.name;
                    let days = store::balances::apart(session, site, (&from, &to), of).await?;
                    let days = days.iter().filter_map(|day| day.parse().ok());
                    open = days.map(|day| Span { from: day, to: day }.bounds(&zone)).collect();
                }
                Ok(store::reconciliation::apart(session, site, balance, open, MOST).await?)
            })
        })
        .await
}
