//! `/admin/numbers/reconciliation`: the same sum taken two ways. Where they differ, something was
//! lost or counted twice, and the line is red.

use axum::extract::{Query, State};
use engine::EngineError;
use model::spans::DEFAULT_DAYS;
use store::reconciliation::{Balance, ByState, Counts, MONEY, PEOPLE};

use super::report::{LENGTHS, Note, Report, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, link};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

pub mod apart;

const PATH: &str = "/admin/numbers/reconciliation";
const MESSAGES: &str = "/admin/messages";
/// Orders and mails that are counted without being asked to: some tens of milliseconds.
const ROWS_MAX: i64 = 4_000;
const ANSWERS: &str = "/admin/answers";

/// One line: two sums that must be equal.
struct Line {
    left: (String, i64),
    right: (String, i64),
    counts: Counts,
    href: String,
    /// Where the rows stand that make them differ.
    apart: Option<String>,
}

/// Both sums of everything.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let (period, shorter) = period(&state, &who, &asked).await?;
    let query = period.query().to_vec();
    let found = read(&state, &who, &period).await?;
    let mut report = Report::new(
        who.frame("reconciliation"),
        "Reconciliation",
        "The same sum from two tables that were written by different hands. They must be equal.",
    );
    report.filter = Some(filter(PATH, &period, &LENGTHS, &query, Vec::new()));
    report.notes.extend(period.wrong.clone().map(Note::warn));
    if shorter {
        report.notes.push(Note::info(
            "Every row is counted here, none is taken from a sum; so fewer days are shown at first. \
             Choose more, and it takes as long as it takes.",
        ));
    }
    let apart = found.money.iter().chain(&found.people).filter(|l| l.left.1 != l.right.1).count();
    report.notes.push(match apart {
        0 => Note { tone: "good", text: "Everything adds up in these days.".to_owned() },
        1 => bad("One line does not add up. Look at its rows first; then run tundish verify."),
        _ => bad("Some lines do not add up. Look at their rows first; then run tundish verify."),
    });
    let currency = &who.site.currency;
    report.sheets.push(lines("Money", &found.money, currency));
    report.sheets.push(lines("People, mail and pages", &found.people, currency));
    report.sheets.push(by_state("Mails by state", &found.messages, MESSAGES, &query));
    report.sheets.push(by_state("Forms sent, by outcome", &found.submissions, ANSWERS, &query));
    report.answer(PATH, &asked, &query)
}

/// The days asked for; where nobody asks, as many as can be counted row by row at once. Whether
/// these are fewer than usual.
async fn period(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
) -> Result<(Period, bool), EngineError> {
    let usual = Period::read(who, asked, DEFAULT_DAYS);
    if !asked.from.trim().is_empty() || !asked.to.trim().is_empty() {
        return Ok((usual, false));
    }
    for days in [DEFAULT_DAYS, 7] {
        let period = Period::read(who, asked, days);
        let (site, span) = (who.site.id, period.span);
        let rows = state
            .reader
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let days = (span.from.to_string(), span.to.to_string());
                    let mails = store::revenue::rolled_mails(session, site, &days.0, &days.1);
                    let mails: i64 = mails.await?.values().map(|figure| figure.sent).sum();
                    let product = model::ids::ProductId(0);
                    let orders = store::order_sums::by_origin(session, site, span, product).await?;
                    Ok(mails + orders.iter().map(|(.., orders)| orders).sum::<i64>())
                })
            })
            .await?;
        if rows <= ROWS_MAX {
            return Ok((period, days != DEFAULT_DAYS));
        }
    }
    Ok((Period::read(who, asked, 1), true))
}

fn bad(text: &str) -> Note {
    Note { tone: "bad", text: text.to_owned() }
}

struct Found {
    money: Vec<Line>,
    people: Vec<Line>,
    messages: ByState,
    submissions: ByState,
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<Found, EngineError> {
    let (site, bounds, query) = (who.site.id, period.bounds(), period.query());
    let (span, zone) = (period.span, period.zone.clone());
    let mut found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let mut money = Vec::new();
                let mut people = Vec::new();
                for balance in MONEY.iter().chain(PEOPLE) {
                    let sums = store::reconciliation::sums(session, site, balance, bounds).await?;
                    let to = if MONEY.iter().any(|of| of.name == balance.name) {
                        &mut money
                    } else {
                        &mut people
                    };
                    to.push(line(balance, sums, &query));
                }
                let staged = store::stages::within(session, site, span, &zone).await?;
                let (made, confirmed) =
                    store::reconciliation::contacts(session, site, bounds).await?;
                let of = |stage: &str| -> i64 {
                    let own = staged.iter().filter(|count| count.stage == stage);
                    own.map(|count| count.contacts).sum()
                };
                people.push(stage_line("lead", "contacts made", of("lead"), made, &query));
                let text = "contacts confirmed";
                people.push(stage_line("confirmed", text, of("confirmed"), confirmed, &query));
                let messages = store::reconciliation::messages(session, site, bounds).await?;
                let submissions = store::reconciliation::submissions(session, site, bounds).await?;
                people.push(state_line(
                    "mails planned",
                    "sum by state",
                    &messages,
                    &link(MESSAGES, &query),
                ));
                people.push(state_line(
                    "forms sent",
                    "sum by outcome",
                    &submissions,
                    &link(ANSWERS, &query),
                ));
                Ok(Found { money, people, messages, submissions })
            })
        })
        .await?;
    found.people.push(visits(state, who, period).await?);
    Ok(found)
}

fn line(balance: &'static Balance, (left, right): (i64, i64), query: &[(&str, String)]) -> Line {
    let href = match balance.name {
        "messages_attempts" | "clicks_messages" => link(MESSAGES, query),
        _ => link("/admin/numbers/orders", query),
    };
    Line {
        left: (balance.left.to_owned(), left),
        right: (balance.right.to_owned(), right),
        counts: balance.counts,
        href,
        apart: Some(link(&format!("{PATH}/{}", balance.name), query)),
    }
}

fn stage_line(stage: &str, text: &str, staged: i64, rows: i64, query: &[(&str, String)]) -> Line {
    Line {
        left: (format!("{text}, by the stages page"), staged),
        right: (format!("{text}, counted row by row"), rows),
        counts: Counts::Rows,
        href: link(&format!("/admin/numbers/stages/{stage}"), query),
        apart: None,
    }
}

fn state_line(left: &str, right: &str, of: &ByState, href: &str) -> Line {
    Line {
        left: (left.to_owned(), of.all),
        right: (right.to_owned(), of.states.iter().map(|(_, count)| count).sum()),
        counts: Counts::Rows,
        href: href.to_owned(),
        apart: None,
    }
}

async fn visits(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<Line, EngineError> {
    let site = who.site.id;
    let (from, to) = (period.span.from.to_string(), period.span.to.to_string());
    let sources = super::stages::visits(state, who, period.span).await?;
    let pages = state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::views::by_page(session, site, &from, &to).await?) })
        })
        .await?;
    Ok(Line {
        left: ("visits, by the stages page".to_owned(), sources.iter().map(|row| row.4).sum()),
        right: ("visits, summed by page".to_owned(), pages.iter().map(|row| row.2).sum()),
        counts: Counts::Rows,
        href: link("/admin/numbers/stages/visit", &period.query()),
        apart: None,
    })
}

fn lines(title: &str, lines: &[Line], currency: &str) -> Sheet {
    let row = |line: &Line| {
        let figure = |value: i64| match line.counts {
            Counts::Money => Cell::money(value, currency),
            Counts::Rows => Cell::count(value),
        };
        let apart = line.left.1 - line.right.1;
        let verdict = if apart == 0 {
            Cell::text("equal").tone("good")
        } else {
            Cell::text("differs").tone("bad")
        };
        vec![
            Cell::text(line.left.0.clone()),
            figure(line.left.1).to(line.href.clone()),
            Cell::text(line.right.0.clone()),
            figure(line.right.1).to(line.href.clone()),
            match &line.apart {
                Some(href) if apart != 0 => figure(apart).to(href.clone()),
                _ => figure(apart),
            },
            verdict,
        ]
    };
    Sheet {
        title: title.to_owned(),
        formula: Some("difference = first sum − second sum; it must be nothing".to_owned()),
        columns: columns(&[
            "One way",
            "#Sum",
            "Another way",
            "#The same sum",
            "#Difference",
            "Verdict",
        ]),
        rows: lines.iter().map(row).collect(),
        ..Sheet::default()
    }
}

fn by_state(title: &str, of: &ByState, path: &str, days: &[(&'static str, String)]) -> Sheet {
    let row = |(state, count): &(String, i64)| {
        let mut query = days.to_vec();
        query.push(("state", state.clone()));
        let href = link(path, &query);
        vec![Cell::text(state.clone()), Cell::count(*count).to(href)]
    };
    let mut rows: Vec<Vec<Cell>> = of.states.iter().map(row).collect();
    if !rows.is_empty() {
        rows.push(vec![Cell::text("all"), Cell::count(of.all).to(link(path, days))]);
    }
    Sheet {
        title: title.to_owned(),
        note: Some("Made in these days, as they stand now.".to_owned()),
        formula: Some("count = rows made in these days that stand so".to_owned()),
        columns: columns(&["State", "#Count"]),
        rows,
        empty: "None in these days.".to_owned(),
        ..Sheet::default()
    }
}
