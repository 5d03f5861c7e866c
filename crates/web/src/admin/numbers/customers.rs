//! `/admin/numbers/customers`: the customers behind a figure, each opening to the contact.

use axum::extract::{Query, State};
use engine::EngineError;
use engine::fits::rfm::Grid;
use model::ids::{ContactId, ProductId};
use model::segments::{ANY_SCORE, Cells, Rule, Statement};
use model::spans::{day_number, day_numbered};
use store::customer_figures::{ByFirst, ByLast, Listed};

use super::report::{Empty, Note, Report};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, channel_name, days_text, link};
use crate::extract::operator::CurrentOperator;
use crate::frame::{Crumb, Pager};
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/customers";
/// Rows on a page; a file holds all.
const PAGE: i64 = 100;
/// First orders of the last so many days, where nobody asks for others.
const DAYS: i64 = 365;

/// The scores that `4` or `2-3` names; every one for anything else.
pub(crate) fn scores(text: &str) -> (u8, u8) {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) if 1 <= from && from <= to && to <= 5 => (from, to),
        _ => ANY_SCORE,
    }
}

/// `4` or `2-3`; nothing where it is every score.
pub(crate) fn scores_text(scores: (u8, u8)) -> String {
    match scores {
        ANY_SCORE => String::new(),
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from}-{to}"),
    }
}

/// The block of cells that is asked for, where one is.
fn cells_of(asked: &Asked) -> Option<Cells> {
    let all = [&asked.r, &asked.f, &asked.m];
    all.iter().any(|text| !text.is_empty()).then(|| Cells {
        r: scores(&asked.r),
        f: scores(&asked.f),
        m: scores(&asked.m),
    })
}

/// The way to the customers of a block of cells.
pub(crate) fn cells_link(cells: &Cells) -> String {
    let [r, f, m] = [cells.r, cells.f, cells.m].map(scores_text);
    let all = [("r", r), ("f", f), ("m", m)];
    let mut query: Vec<(&str, String)> = all.into_iter().filter(|(_, v)| !v.is_empty()).collect();
    if query.is_empty() {
        query.push(("r", "1-5".to_owned()));
    }
    link(PATH, &query)
}

/// The customers behind a figure.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    match cells_of(&asked) {
        Some(cells) => in_cells(&state, &who, &asked, cells).await,
        None => by_first(&state, &who, &asked).await,
    }
}

fn before(text: &str) -> (i64, ContactId) {
    let read = |(day, id): (&str, &str)| Some((day.parse().ok()?, id.parse().ok()?));
    text.split_once('.').and_then(read).unwrap_or((i64::MAX, ContactId(i64::MAX)))
}

async fn by_first(state: &AppState, who: &CurrentOperator, asked: &Asked) -> Reply {
    let period = Period::read(who, asked, DAYS);
    let bought = Period::opened(who, &asked.bought_from, &asked.bought_to);
    let of = ByFirst {
        currency: who.site.currency.clone(),
        days: (day_number(period.span.from), day_number(period.span.to)),
        origin: asked.channel.clone(),
        product: asked.product.parse().unwrap_or(ProductId(0)),
        bought: bought.as_ref().map(|b| (b.span.from.to_string(), b.span.to.to_string())),
        before: before(&asked.before),
        limit: asked.rows_max(PAGE),
    };
    let site = who.site.id;
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::customer_figures::by_first(session, site, &of).await?) },
            )
        })
        .await?;
    let mut lead = format!("First order {}", days_text(period.span));
    if let Some(bought) = &bought {
        lead.push_str(&format!(", who ordered {} too", days_text(bought.span)));
    }
    if !asked.channel.is_empty() {
        lead.push_str(&format!(", came by {}", channel_name(&asked.channel)));
    }
    lead.push_str(", newest first.");
    let mut report = Report::new(who.frame("cohorts"), "Customers behind the figure", &lead);
    let mut query = period.query().to_vec();
    let more = [
        ("channel", &asked.channel),
        ("product", &asked.product),
        ("bought_from", &asked.bought_from),
        ("bought_to", &asked.bought_to),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(more.map(|(name, value)| (name, value.clone())));
    let cohorts = "/admin/numbers/cohorts".to_owned();
    report.back.push(Crumb { href: cohorts, label: "Cohorts".to_owned() });
    let last = |row: &Listed| row.figure.first_day;
    fill(&mut report, who, &rows, None, (&query, last));
    report.answer(PATH, asked, &query)
}

async fn in_cells(state: &AppState, who: &CurrentOperator, asked: &Asked, cells: Cells) -> Reply {
    let (site, currency) = (who.site.id, who.site.currency.clone());
    let (before, limit) = (before(&asked.before), asked.rows_max(PAGE));
    let found = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let kept =
                    engine::fits::find::<Option<Grid>>(session, site, &currency, engine::fits::RFM);
                let Some(grid) = kept.await?.and_then(|kept| kept.body) else { return Ok(None) };
                let ranges = grid.ranges(&cells);
                let of = ByLast {
                    currency,
                    days: ranges.last_day,
                    orders: ranges.orders,
                    net: ranges.net,
                    before,
                    limit,
                };
                let rows = store::customer_figures::by_last(session, site, &of).await?;
                Ok(Some((grid, rows)))
            })
        })
        .await?;
    let lead = format!(
        "Customers with recency {}, frequency {}, money {}; who ordered last comes first.",
        words(cells.r),
        words(cells.f),
        words(cells.m)
    );
    let mut report = Report::new(who.frame("rfm"), "Customers of these cells", &lead);
    let home = "/admin/numbers/rfm".to_owned();
    report.back.push(Crumb { href: home.clone(), label: "RFM".to_owned() });
    let all = [("r", &asked.r), ("f", &asked.f), ("m", &asked.m), ("show", &asked.show)];
    let query: Vec<(&str, String)> = all
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, value.clone()))
        .collect();
    let Some((grid, rows)) = found else {
        report.empty = Some(Empty {
            title: "The grid is not made yet".to_owned(),
            text: "It is made once a day, and minutes after the first orders.".to_owned(),
            action: (home, "See the grid".to_owned()),
        });
        return report.answer(PATH, asked, &query);
    };
    let rule = Rule::Is(Statement::Rfm(cells));
    let keep = [("rule", rule.to_text())];
    report.action = Some((link("/admin/segments/new", &keep), "Keep as a segment".to_owned()));
    let age = day_number(Period::read(who, &Asked::default(), 1).today) - grid.at;
    if age > 0 {
        let text = format!("The edges are those of {} days ago.", age);
        report.notes.push(Note::info(text));
    }
    let last = |row: &Listed| row.figure.last_day;
    fill(&mut report, who, &rows, Some(&grid), (&query, last));
    report.answer(PATH, asked, &query)
}

/// `4 to 5`.
pub(super) fn words(scores: (u8, u8)) -> String {
    match scores {
        ANY_SCORE => "of any score".to_owned(),
        (from, to) if from == to => from.to_string(),
        (from, to) => format!("{from} to {to}"),
    }
}

/// By what a list is in order.
type Key = fn(&Listed) -> i64;

fn fill(
    report: &mut Report,
    who: &CurrentOperator,
    rows: &[Listed],
    grid: Option<&Grid>,
    (query, key): (&[(&'static str, String)], Key),
) {
    if let Some(last) = rows.last().filter(|_| rows.len() == usize::try_from(PAGE).unwrap_or(0)) {
        let mut on = query.to_vec();
        on.push(("before", format!("{}.{}", key(last), last.figure.contact_id)));
        report.pager = Pager { next: Some(link(PATH, &on)), ..Pager::default() };
    }
    let currency = &who.site.currency;
    let today = day_number(Period::read(who, &Asked::default(), 1).today);
    let row = |row: &Listed| {
        let one = &row.figure;
        let date = |day: i64| day_numbered(day).strftime("%-d\u{a0}%b\u{a0}%Y").to_string();
        let email = if row.email.is_empty() { "erased" } else { &row.email };
        let mut cells = vec![
            Cell::text(email).to(format!("/admin/contacts/{}", one.contact_id)),
            Cell::text(day_numbered(one.first_day).to_string()).shown(date(one.first_day)),
            Cell::text(day_numbered(one.last_day).to_string())
                .shown(date(one.last_day))
                .note(format!("{} days ago", (today - one.last_day).max(0))),
            Cell::count(one.orders),
            Cell::money(one.net_minor, currency),
            Cell::money(one.margin_minor, currency),
            Cell::text(channel_name(&one.channel)).note(one.source.clone()),
        ];
        if let Some(grid) = grid {
            let (r, f, m) = grid.scores(one);
            cells.push(Cell::text(format!("{r}{f}{m}")));
        }
        cells
    };
    let mut labels =
        vec!["Who", "First order", "Last order", "#Orders", "#Paid net", "#Margin", "Came by"];
    labels.extend(grid.map(|_| "RFM"));
    report.sheets.push(Sheet {
        title: "Customers".to_owned(),
        formula: Some(
            "paid net = paid without tax − given back; margin = that − cost of goods, first orders \
             before their discount, since it stands in CAC"
                .to_owned(),
        ),
        columns: columns(&labels),
        rows: rows.iter().map(row).collect(),
        empty: "No customer fits.".to_owned(),
        ..Sheet::default()
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_they_are_written() {
        for text in ["", "4", "2-3"] {
            assert_eq!(scores_text(scores(text)), text);
        }
        for wrong in ["0", "6", "3-2", "x", "1-9"] {
            assert_eq!(scores(wrong), ANY_SCORE);
        }
        assert_eq!(before("5.con_0000000000001"), (5, ContactId(1)));
        assert_eq!(before(""), (i64::MAX, ContactId(i64::MAX)));
    }
}
