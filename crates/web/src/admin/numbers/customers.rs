//! `/admin/numbers/customers`: the customers behind a figure, each opening to the contact.

use axum::extract::{Query, State};
use engine::EngineError;
use engine::fits::rfm::Grid;
use model::ids::{ContactId, SegmentId};
use model::segments::{ANY_SCORE, Cells, Rule, Statement};
use model::spans::{day_number, day_numbered};
use store::customer_figures::{ByFirst, ByLast, Listed};

use super::narrow;
use super::report::{Empty, Note, Report};
use super::rows::{self, FILE_PAGE, PAGE, Stretch};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, Period, before, channel_name, days_text, link, way_back};
use crate::extract::operator::CurrentOperator;
use crate::frame::Crumb;
use crate::reply::Reply;
use crate::state::AppState;

const PATH: &str = "/admin/numbers/customers";
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

/// The way to the customers of a block of cells, with what `more` asks.
pub(crate) fn cells_link(cells: &Cells, more: &[(&'static str, String)]) -> String {
    let [r, f, m] = [cells.r, cells.f, cells.m].map(scores_text);
    let all = [("r", r), ("f", f), ("m", m)];
    let mut query: Vec<(&str, String)> = all.into_iter().filter(|(_, v)| !v.is_empty()).collect();
    if query.is_empty() {
        query.push(("r", "1-5".to_owned()));
    }
    query.extend(more.iter().filter(|(_, value)| !value.is_empty()).cloned());
    link(PATH, &query)
}

/// The customers behind a figure.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    if asked.format == "csv" {
        let read = move |asked| read(state.clone(), who.clone(), asked);
        return rows::file("customers-0", asked, read).await;
    }
    match cells_of(&asked) {
        Some(cells) => in_cells(&state, &who, &asked, cells).await,
        None => by_first(&state, &who, &asked).await,
    }
}

/// A stretch of a file.
async fn read(state: AppState, who: CurrentOperator, asked: Asked) -> Result<Stretch, EngineError> {
    match cells_of(&asked) {
        Some(cells) => Ok(cell_rows(&state, &who, &asked, (cells, FILE_PAGE)).await?.1),
        None => first_rows(&state, &who, &asked, FILE_PAGE).await,
    }
}

fn segment(asked: &Asked) -> SegmentId {
    narrow::segment_in(&asked.segment)
}

async fn first_rows(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
    limit: i64,
) -> Result<Stretch, EngineError> {
    let period = Period::read(who, asked, DAYS);
    let bought = Period::opened(who, &asked.bought_from, &asked.bought_to);
    let of = ByFirst {
        currency: who.site.currency.clone(),
        days: (day_number(period.span.from), day_number(period.span.to)),
        origin: asked.channel.clone(),
        product: narrow::product_in(&asked.product),
        segment: segment(asked),
        bought: bought.as_ref().map(|b| (b.span.from.to_string(), b.span.to.to_string())),
        before: before(&asked.before).unwrap_or((i64::MAX, ContactId(i64::MAX))),
        limit,
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
    let key = |row: &Listed| format!("{}.{}", row.figure.first_day, row.figure.contact_id);
    Ok(Stretch::of(&rows, limit, key, |rows| sheet(who, rows, None)))
}

async fn by_first(state: &AppState, who: &CurrentOperator, asked: &Asked) -> Reply {
    let period = Period::read(who, asked, DAYS);
    let bought = Period::opened(who, &asked.bought_from, &asked.bought_to);
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
        ("segment", &asked.segment),
        ("bought_from", &asked.bought_from),
        ("bought_to", &asked.bought_to),
        ("back", &asked.back),
    ];
    let more = more.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend(more.map(|(name, value)| (name, value.clone())));
    let cohorts = "/admin/numbers/cohorts".to_owned();
    report.back.push(way_back(asked, Crumb { href: cohorts, label: "Cohorts".to_owned() }));
    let rows = first_rows(state, who, asked, PAGE).await?;
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
    report.answer(PATH, asked, &query)
}

/// The customers of some cells, and the grid, where it is made.
async fn cell_rows(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
    (cells, limit): (Cells, i64),
) -> Result<(Option<Grid>, Stretch), EngineError> {
    let (site, currency) = (who.site.id, who.site.currency.clone());
    let before = before(&asked.before).unwrap_or((i64::MAX, ContactId(i64::MAX)));
    let segment = segment(asked);
    let (grid, rows) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let kept =
                    engine::fits::find::<Option<Grid>>(session, site, &currency, engine::fits::RFM);
                let Some(grid) = kept.await?.and_then(|kept| kept.body) else {
                    return Ok((None, Vec::new()));
                };
                let ranges = grid.ranges(&cells);
                let of = ByLast {
                    currency,
                    days: ranges.last_day,
                    orders: ranges.orders,
                    net: ranges.net,
                    segment,
                    before,
                    limit,
                };
                let rows = store::customer_figures::by_last(session, site, &of).await?;
                Ok((Some(grid), rows))
            })
        })
        .await?;
    let key = |row: &Listed| format!("{}.{}", row.figure.last_day, row.figure.contact_id);
    let rows = Stretch::of(&rows, limit, key, |rows| sheet(who, rows, grid.as_ref()));
    Ok((grid, rows))
}

async fn in_cells(state: &AppState, who: &CurrentOperator, asked: &Asked, cells: Cells) -> Reply {
    let lead = format!(
        "Customers with recency {}, frequency {}, money {}; who ordered last comes first.",
        words(cells.r),
        words(cells.f),
        words(cells.m)
    );
    let mut report = Report::new(who.frame("rfm"), "Customers of these cells", &lead);
    let home = "/admin/numbers/rfm".to_owned();
    report.back.push(way_back(asked, Crumb { href: home.clone(), label: "RFM".to_owned() }));
    let all = [
        ("r", &asked.r),
        ("f", &asked.f),
        ("m", &asked.m),
        ("segment", &asked.segment),
        ("back", &asked.back),
    ];
    let query: Vec<(&str, String)> = all
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, value.clone()))
        .collect();
    let (grid, rows) = cell_rows(state, who, asked, (cells, PAGE)).await?;
    let Some(grid) = grid else {
        report.empty = Some(Empty {
            title: "The grid is not made yet".to_owned(),
            text: "It is made once a day, and minutes after the first orders.".to_owned(),
            action: (home, "See the grid".to_owned()),
        });
        return report.answer(PATH, asked, &query);
    };
    if who.may_change() {
        let keep = [("rule", Rule::Is(Statement::Rfm(cells)).to_text())];
        report.action = Some((link("/admin/segments/new", &keep), "Keep as a segment".to_owned()));
    }
    let age = day_number(Period::read(who, &Asked::default(), 1).today) - grid.at;
    if age > 0 {
        let text = format!("The edges are those of {} days ago.", age);
        report.notes.push(Note::info(text));
    }
    report.pager = rows.pager(PATH, &query);
    report.sheets.push(rows.sheet);
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

fn sheet(who: &CurrentOperator, rows: &[Listed], grid: Option<&Grid>) -> Sheet {
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
    Sheet {
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
    }
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
        assert_eq!(before("5.con_0000000000001"), Some((5, ContactId(1))));
    }
}
