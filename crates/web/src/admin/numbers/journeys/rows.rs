//! `/admin/numbers/attribution/orders`, `/admin/numbers/roads/orders` and
//! `/admin/numbers/roads/open`: the journeys behind the figures.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::roads::{self, Sought};
use model::times::DAY_MS;
use store::journeys::{JourneyRow, JourneyRows};
use store::road_sums::Level;

use super::super::attribution::Model;
use super::super::narrow;
use super::super::report::{Note, Report};
use super::super::rows::{self, FILE_PAGE, PAGE, Stretch};
use super::super::sheet::{Cell, Sheet, columns};
use super::super::{Asked, Period, before, days_text, link};
use super::{DAYS, level, path_name, step_name};
use crate::extract::operator::CurrentOperator;
use crate::frame::Crumb;
use crate::reply::Reply;
use crate::state::AppState;

const CREDITED: &str = "/admin/numbers/attribution/orders";
const ORDERS: &str = "/admin/numbers/roads/orders";
const OPEN: &str = "/admin/numbers/roads/open";

/// What a list is about.
struct List {
    path: &'static str,
    section: &'static str,
    title: &'static str,
    back: (&'static str, &'static str),
    /// Whether these are journeys to orders.
    ordered: bool,
}

const CREDITED_LIST: List = List {
    path: CREDITED,
    section: "attribution",
    title: "Orders behind the credit",
    back: ("/admin/numbers/attribution", "Attribution"),
    ordered: true,
};

/// The orders behind a credit, with the part of each.
pub async fn credited(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    show(&state, &who, &asked, &CREDITED_LIST).await
}

const ORDERS_LIST: List = List {
    path: ORDERS,
    section: "roads",
    title: "Orders at the end of a road",
    back: ("/admin/numbers/roads", "Roads"),
    ordered: true,
};

/// The orders at the end of a road.
pub async fn orders(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    show(&state, &who, &asked, &ORDERS_LIST).await
}

const OPEN_LIST: List = List {
    path: OPEN,
    section: "roads",
    title: "Journeys without an order yet",
    back: ("/admin/numbers/roads", "Roads"),
    ordered: false,
};

/// The contacts whose journey led to no order yet.
pub async fn open(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    show(&state, &who, &asked, &OPEN_LIST).await
}

async fn show(
    state: &AppState,
    who: &CurrentOperator,
    asked: &Asked,
    list: &'static List,
) -> Reply {
    if asked.format == "csv" {
        let (state, who) = (state.clone(), who.clone());
        let name = format!("{}-0", list.path.rsplit('/').next().unwrap_or("orders"));
        let read = move |asked| read(state.clone(), who.clone(), asked, (list, FILE_PAGE));
        return rows::file(&name, asked.clone(), read).await;
    }
    let period = Period::read(who, asked, DAYS);
    let mut report = Report::new(who.frame(list.section), list.title, &lead(asked, &period));
    let query = kept(asked, &period);
    report.back.push(Crumb {
        href: link(list.back.0, &back_query(asked, &period)),
        label: list.back.1.to_owned(),
    });
    if model(asked, list) == Some(Model::Markov) {
        let text = "Markov asks of all journeys together what is lost without a channel: it gives \
                    no order a part of its own. These are the orders on whose path it stood.";
        report.notes.push(Note::info(text));
    }
    let rows = read(state.clone(), who.clone(), asked.clone(), (list, PAGE)).await?;
    report.pager = rows.pager(list.path, &query);
    report.sheets.push(rows.sheet);
    report.answer(list.path, asked, &query)
}

/// The model whose parts a list tells, where it does.
fn model(asked: &Asked, list: &List) -> Option<Model> {
    Model::read(&asked.by).filter(|_| list.path == CREDITED && !asked.step.is_empty())
}

async fn read(
    state: AppState,
    who: CurrentOperator,
    asked: Asked,
    (list, limit): (&'static List, i64),
) -> Result<Stretch, EngineError> {
    let period = Period::read(&who, &asked, DAYS);
    let of = wanted(&who, &asked, &period, limit);
    let (site, ordered) = (who.site.id, list.ordered);
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(if ordered {
                    store::journeys::order_rows(session, site, &of).await?
                } else {
                    store::journeys::open_rows(session, site, &of).await?
                })
            })
        })
        .await?;
    let key = |row: &JourneyRow| {
        let id = if ordered { row.order_id.0 } else { row.contact_id.0 };
        format!("{}.{id}", row.ended_at.0)
    };
    Ok(Stretch::of(&rows, limit, key, |rows| match ordered {
        true => order_sheet(rows, &period, model(&asked, list), &asked),
        false => open_sheet(rows, &period, &asked),
    }))
}

fn wanted(who: &CurrentOperator, asked: &Asked, period: &Period, limit: i64) -> JourneyRows {
    let (from, until) = period.bounds();
    let before = before(&asked.before).map(|(at, id)| (UtcMs(at), id));
    JourneyRows {
        from,
        until,
        before: before.unwrap_or((UtcMs(i64::MAX), i64::MAX)),
        channel: asked.channel.clone(),
        sought: sought(asked),
        level: level(asked),
        product: narrow::product_in(&asked.product),
        currency: who.site.currency.clone(),
        segment: narrow::segment_in(&asked.segment),
        limit,
    }
}

fn sought(asked: &Asked) -> Sought {
    match &asked.path {
        Some(path) => Sought::Path(path.clone()),
        None if !asked.step.is_empty() => Sought::Holding(asked.step.clone()),
        None if !asked.last.is_empty() => Sought::Ending(asked.last.clone()),
        None => Sought::Any,
    }
}

fn lead(asked: &Asked, period: &Period) -> String {
    let days = days_text(period.span);
    let road = match sought(asked) {
        Sought::Any => String::new(),
        Sought::Path(path) => format!("{}. ", path_name(&path)),
        Sought::Holding(step) => format!("Through {}. ", step_name(&step)),
        Sought::Ending(step) => format!("Last touch {}. ", step_name(&step)),
    };
    let through = match asked.channel.as_str() {
        "" => String::new(),
        channel => format!("Through {}. ", step_name(channel)),
    };
    format!("{road}{through}Ended {days}, newest first.")
}

/// Everything that was asked for, but where the list goes on.
fn kept(asked: &Asked, period: &Period) -> Vec<(&'static str, String)> {
    let mut query = period.query().to_vec();
    let all = [
        ("by", asked.by.clone()),
        ("level", asked.level.clone()),
        ("product", asked.product.clone()),
        ("segment", asked.segment.clone()),
        ("channel", asked.channel.clone()),
        ("step", asked.step.clone()),
        ("last", asked.last.clone()),
        ("compare", asked.compare.clone()),
    ];
    query.extend(all.into_iter().filter(|(_, value)| !value.is_empty()));
    query.extend(asked.path.clone().map(|path| ("path", path)));
    query
}

fn back_query(asked: &Asked, period: &Period) -> Vec<(&'static str, String)> {
    let mut query = kept(asked, period);
    query.retain(|(name, _)| !matches!(*name, "step" | "path" | "last"));
    query
}

/// The path as it is told apart.
fn at_level(path: &str, asked: &Asked) -> String {
    match level(asked) {
        Level::Channel => roads::channels(path),
        Level::Source => path.to_owned(),
    }
}

fn who_of(row: &JourneyRow) -> Cell {
    let name = if row.email.is_empty() { "erased" } else { &row.email };
    Cell::text(name).to(format!("/admin/contacts/{}", row.contact_id))
}

fn days_of(row: &JourneyRow) -> i64 {
    row.ended_at.since_ms(row.began_at).div_euclid(DAY_MS)
}

fn order_sheet(rows: &[JourneyRow], period: &Period, by: Option<Model>, asked: &Asked) -> Sheet {
    let of_step = by.filter(|model| *model != Model::Markov);
    let line = |row: &JourneyRow| {
        let mut cells = vec![
            Cell::text(period.when(row.ended_at)).to(format!("/admin/orders/{}", row.order_id)),
            who_of(row),
            Cell::text(path_name(&at_level(&row.path, asked))),
            Cell::count(i64::try_from(roads::touches(&row.path).count()).unwrap_or(0)),
            if row.path.is_empty() { Cell::unknown() } else { Cell::count(days_of(row)) },
            Cell::money(row.revenue_minor, &row.currency),
        ];
        if let Some(model) = of_step {
            let part =
                model.part(&row.path, &row.ages_ms, &asked.step, level(asked)).unwrap_or(0.0);
            let revenue = part * numbers::real::real_signed(row.revenue_minor);
            cells.push(Cell::decimal(part, 3));
            cells.push(Cell::mean(Some(revenue), &row.currency));
        } else {
            cells.push(Cell::money(row.margin_minor, &row.currency));
        }
        cells
    };
    let mut labels = vec!["Paid", "Who", "Road", "#Touches", "#Days", "#Revenue"];
    if of_step.is_some() {
        labels.extend(["#Credit", "#Credited"]);
    } else {
        labels.push("#Margin");
    }
    let formula = "days = whole days from the first touch to the payment; revenue = paid without \
                   tax − given back; margin = revenue − cost of goods";
    Sheet {
        title: "Orders".to_owned(),
        formula: Some(match of_step {
            Some(model) => format!("credit: {}; {formula}", model.formula()),
            None => formula.to_owned(),
        }),
        columns: columns(&labels),
        rows: rows.iter().map(line).collect(),
        empty: "No order fits.".to_owned(),
        ..Sheet::default()
    }
}

fn open_sheet(rows: &[JourneyRow], period: &Period, asked: &Asked) -> Sheet {
    let line = |row: &JourneyRow| {
        vec![
            Cell::text(period.when(row.ended_at)),
            who_of(row),
            Cell::text(path_name(&at_level(&row.path, asked))),
            Cell::count(i64::try_from(roads::touches(&row.path).count()).unwrap_or(0)),
            Cell::count(days_of(row)),
        ]
    };
    Sheet {
        title: "Journeys".to_owned(),
        note: Some("Contacts whose last touches led to no order so far.".to_owned()),
        formula: Some(format!(
            "days = whole days from the first touch to the last; {}",
            super::RULE
        )),
        columns: columns(&["Last touch", "Who", "Road", "#Touches", "#Days"]),
        rows: rows.iter().map(line).collect(),
        empty: "No journey fits.".to_owned(),
        ..Sheet::default()
    }
}
