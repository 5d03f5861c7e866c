//! `/admin/numbers/reconciliation`: the same sum taken two ways. Where they differ, something was
//! lost or counted twice, and the line is red.

use axum::extract::{Query, State};
use engine::EngineError;
use jiff::civil::Date;
use model::operators::Role;
use model::spans::{DEFAULT_DAYS, Span, moved};
use model::{SiteId, UtcMs, Zone};
use store::balances::BalanceSum;
use store::reconciliation::{self as balance};
use store::views::Seen;
use store::{Session, StoreError};

use super::report::{LENGTHS, Note, Report, filter};
use super::{Asked, Period, days_text, link};
use crate::extract::operator::CurrentOperator;
use crate::reply::{self, Reply};
use crate::state::AppState;

pub mod apart;
mod lines;

const PATH: &str = "/admin/numbers/reconciliation";
/// Orders, mails and contacts that are counted while somebody waits: some tens of milliseconds.
const ROWS_MAX: i64 = 4_000;

/// Both sums of everything, and of which rows.
struct Found {
    sums: Vec<BalanceSum>,
    visits: (i64, i64),
    kept: Option<Kept>,
}

/// Sums that were counted before now.
struct Kept {
    /// The days they are of.
    span: Span,
    /// The longest ago that one of them was counted.
    since: Option<UtcMs>,
    /// Days that are not counted yet.
    missing: i64,
}

/// Both sums of everything.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    let query = period.query().to_vec();
    let found = read(&state, &who, &period).await?;
    let mut report = Report::new(
        who.frame("reconciliation"),
        "Reconciliation",
        "The same sum from two tables that were written by different hands. They must be equal.",
    );
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, Vec::new()));
    report.notes.extend(period.wrong.clone().map(Note::warn));
    let sheets = lines::sheets(&found, &who.site.currency, &query);
    report.notes.push(verdict(sheets.apart));
    if let Some(kept) = &found.kept {
        report.notes.push(Note::info(kept_text(kept, &period)));
        let may = who.present.operator.role.may(Role::Editor);
        report.again = may.then(|| link(&format!("{PATH}/again"), &query));
    }
    report.sheets = sheets.all;
    report.answer(PATH, &asked, &query)
}

/// Has the days counted again.
pub async fn again(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    who.require(Role::Editor)?;
    let period = Period::read(&who, &asked, DEFAULT_DAYS);
    engine::balances::count_again(&state.engine, who.site.id, period.span).await?;
    Ok(reply::done(&link(PATH, &period.query()), "These days are being counted again."))
}

fn verdict(apart: usize) -> Note {
    let bad = |text: &str| Note { tone: "bad", text: text.to_owned() };
    match apart {
        0 => Note { tone: "good", text: "Everything adds up in these days.".to_owned() },
        1 => bad("One line does not add up. Look at its rows first; then run tundish verify."),
        _ => bad("Some lines do not add up. Look at their rows first; then run tundish verify."),
    }
}

fn kept_text(kept: &Kept, period: &Period) -> String {
    let mut text = "Every row is counted here, none is taken from a sum; for so many rows that is \
                    done in the background, day by day."
        .to_owned();
    if let Some(since) = kept.since {
        let when = period.zone.local(since).strftime("%-d\u{a0}%b\u{a0}%Y, %H:%M").to_string();
        let days = days_text(kept.span);
        text.push_str(&format!(" Shown: {days}; no day of them was counted before {when}."));
    }
    match kept.missing {
        0 => {}
        1 => text.push_str(" One day is not counted yet; look again in a moment."),
        n => text.push_str(&format!(" {n} days are not counted yet; look again in a minute.")),
    }
    text
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<Found, EngineError> {
    let (site, span, zone, today) = (who.site.id, period.span, period.zone.clone(), period.today);
    let visits = visits(state, who, period).await?;
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                if rows(session, site, (span, &zone)).await? <= ROWS_MAX {
                    let sums = balance::count(session, site, (span, &zone)).await?;
                    return Ok(Found { sums, visits, kept: None });
                }
                let (sums, kept) = kept(session, site, (span, today)).await?;
                Ok(Found { sums, visits, kept: Some(kept) })
            })
        })
        .await
}

/// How many rows there are to count in a span, about.
async fn rows(
    session: &mut Session<'_>,
    site: SiteId,
    (span, zone): (Span, &Zone),
) -> Result<i64, StoreError> {
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let mails = store::revenue::rolled_mails(session, site, &from, &to).await?;
    let staged = store::stages::within(session, site, (span, zone), &["lead", "order"]).await?;
    let mails: i64 = mails.values().map(|figure| figure.sent).sum();
    Ok(mails + staged.iter().map(|count| count.contacts).sum::<i64>())
}

/// What was counted in the background of the days that are over.
async fn kept(
    session: &mut Session<'_>,
    site: SiteId,
    (span, today): (Span, Date),
) -> Result<(Vec<BalanceSum>, Kept), StoreError> {
    let span = Span { from: span.from, to: span.to.min(moved(today, -1)) };
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let days = store::balances::days(session, site, &from, &to).await?;
    let first = store::balances::first_day(session, site).await?;
    let first = first.and_then(|day| day.parse().ok()).map_or(span.from, |day| span.from.max(day));
    let counted: Vec<UtcMs> = days.iter().map(|(_, at)| *at).filter(|at| at.0 > 0).collect();
    let all = Span { from: first, to: span.to }.days();
    let missing = all - i64::try_from(counted.len()).unwrap_or(all);
    let sums = store::balances::within(session, site, &from, &to).await?;
    Ok((sums, Kept { span, since: counted.into_iter().min(), missing }))
}

async fn visits(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<(i64, i64), EngineError> {
    let (site, span) = (who.site.id, period.span);
    let sources = super::stages::visits(state, who, span).await?;
    let pages = state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::views::by_page(session, site, span).await?) })
        })
        .await?;
    Ok((visitors(&sources), visitors(&pages)))
}

fn visitors<K>(rows: &[(K, Seen)]) -> i64 {
    rows.iter().map(|(_, seen)| seen.visitors).sum()
}
