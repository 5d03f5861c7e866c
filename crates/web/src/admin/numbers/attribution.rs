//! `/admin/numbers/attribution`: how much of the orders each channel is given credit for, by seven
//! rules that differ, beside what was spent on it.

use axum::extract::{Query, State};
use numbers::attribution::{parts, rounded as rounded_to};
use numbers::real::{ratio, real_signed};

use super::journeys::{self, LENGTHS, Read, step_name};
use super::report::{Empty, Note, Picture, Report, Select, Tab, Tile, filter};
use super::sheet::{Cell, Sheet, columns};
use super::{Asked, link};
use crate::charts::{self, Spread, SpreadRow, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

mod credits;
mod spent;

pub use credits::Model;
use credits::{All, Credited};
use spent::Spent;

const PATH: &str = "/admin/numbers/attribution";
const ORDERS: &str = "/admin/numbers/attribution/orders";
/// Rows of the picture.
const ROWS: usize = 10;

/// Credits by channel.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let read = journeys::read(&state, &who, &asked).await?;
    let spends = spent::read(&state, &who, read.period.span).await?;
    let model = Model::read(&asked.by).unwrap_or(Model::Linear);
    let all = credits::all(&read, asked.of);
    let mut query = read.query(&asked);
    query.retain(|(name, _)| !matches!(*name, "by" | "channel"));
    query.push(("by", model.word().to_owned()));
    if all.order > 1 {
        query.push(("of", all.order.to_string()));
    }
    let mut report = Report::new(
        who.frame("attribution"),
        "Attribution",
        "Which channels get the credit for orders, and what each credited order cost.",
    );
    report.tabs = tabs(&query);
    report.tab = model.word().to_owned();
    let mut selects = read.selects(&asked);
    if model == Model::Markov {
        selects.push(looking_back(all.order));
    }
    report.filter = Some(filter(PATH, &read.period, &LENGTHS, &query, selects));
    report.notes = read.notes();
    report.notes.extend(all.notes.iter().map(Note::info));
    let spent = spent::by_step(&spends, &read);
    if spent.foreign {
        let text = format!("Spend in other currencies than {} is left out.", read.currency);
        report.notes.push(Note::warn(text));
    }
    let total = read.total();
    if total.orders == 0 && spent.total() == 0 {
        report.empty = Some(if total.nulls == 0 { journeys::empty() } else { no_order() });
    } else {
        fill(&mut report, &read, &all, model, &spent, &query);
    }
    report.answer(PATH, &asked, &query)
}

fn no_order() -> Empty {
    Empty {
        title: "No order was paid in these days".to_owned(),
        text: "Credit is given for orders. Choose other days, or see how far people came."
            .to_owned(),
        action: ("/admin/numbers/roads".to_owned(), "See the roads so far".to_owned()),
    }
}

fn tabs(query: &[(&'static str, String)]) -> Vec<Tab> {
    let tab = |model: Model| {
        let mut query = query.to_vec();
        query.retain(|(name, _)| *name != "by");
        query.push(("by", model.word().to_owned()));
        Tab { key: model.word(), label: model.name(), href: link(PATH, &query) }
    };
    Model::ALL.into_iter().map(tab).collect()
}

fn looking_back(order: usize) -> Select {
    let option = |n: usize| {
        (n.to_string(), if n == 1 { "1 touch".to_owned() } else { format!("{n} touches") })
    };
    Select {
        name: "of",
        label: "Markov looks back",
        options: (1..=3).map(option).collect(),
        value: order.to_string(),
    }
}

/// One line of the table.
struct Line {
    step: String,
    orders: f64,
    revenue: i64,
    spend: i64,
    removal: Option<f64>,
}

fn fill(
    report: &mut Report,
    read: &Read,
    all: &All,
    model: Model,
    spent: &Spent,
    query: &[(&'static str, String)],
) {
    let Some(credited) = all.of(model) else { return };
    let lines = lines(read, all, credited, spent);
    report.tiles = tiles(read, spent, query);
    report.figures.extend(picture(read, all, model));
    report.sheets.push(table(read, &lines, model, spent, query));
    report.sheets.push(comparison(read, all, query));
    report.sheets.push(models(all));
}

/// Every channel that has credit or spend, the most credit first. Orders are rounded to hundredths
/// and revenue to minor units so that both columns add up to what there is.
fn lines(read: &Read, all: &All, credited: &Credited, spent: &Spent) -> Vec<Line> {
    let untouched = read.untouched();
    let revenue = read.total().revenue_minor - untouched.revenue_minor;
    let orders = rounded_to(&credited.orders, 2);
    let revenue = parts(&credited.revenue, revenue);
    let mut lines: Vec<Line> = all
        .steps
        .iter()
        .zip(orders.into_iter().zip(revenue))
        .enumerate()
        .map(|(at, (step, (orders, revenue)))| Line {
            step: step.clone(),
            orders,
            revenue,
            spend: spent.of(step),
            removal: credited.removals.as_ref().and_then(|all| all.get(at).copied().flatten()),
        })
        .collect();
    let known = |step: &str| all.steps.iter().any(|known| known == step);
    lines.extend(spent.steps().filter(|(step, _)| !known(step)).map(|(step, spend)| Line {
        step: step.to_owned(),
        orders: 0.0,
        revenue: 0,
        spend,
        removal: None,
    }));
    lines.retain(|line| line.orders > 0.0 || line.spend != 0 || line.revenue != 0);
    lines.sort_by(|a, b| {
        b.orders.total_cmp(&a.orders).then(b.spend.cmp(&a.spend)).then(a.step.cmp(&b.step))
    });
    lines
}

fn orders_at(query: &[(&'static str, String)], step: Option<&str>) -> String {
    let mut query = query.to_vec();
    query.retain(|(name, _)| *name != "of");
    query.extend(step.map(|step| ("step", step.to_owned())));
    link(ORDERS, &query)
}

fn tiles(read: &Read, spent: &Spent, query: &[(&'static str, String)]) -> Vec<Tile> {
    let total = read.total();
    let money = |minor| money_text(minor, &read.currency);
    let tile = |label: &str, value: String, href: Option<String>, note: &str| Tile {
        label: label.to_owned(),
        value,
        href,
        note: Some(note.to_owned()),
    };
    let rows = Some(orders_at(query, None));
    let open = {
        let mut query = read.period.query().to_vec();
        query.push(("level", read.level.word().to_owned()));
        Some(link("/admin/numbers/roads/open", &query))
    };
    let mut tiles = vec![
        tile("Orders", Cell::count(total.orders).text, rows.clone(), "paid in these days"),
        tile("Revenue", money(total.revenue_minor), rows, "paid without tax − given back"),
    ];
    if read.product.0 == 0 {
        let nulls = Cell::count(total.nulls).text;
        tiles.push(tile("Without an order yet", nulls, open, "journeys that ended in these days"));
        let spend = Some("/admin/numbers/spend".to_owned());
        tiles.push(tile("Spend", money(spent.total()), spend, "the part of it on these days"));
        let each = ratio(real_signed(spent.total()), real_signed(total.orders));
        let each = Cell::mean(each, &read.currency).text;
        tiles.push(tile("Spend per order", each, None, "spend / all orders"));
    }
    tiles
}

fn picture(read: &Read, all: &All, model: Model) -> Option<Picture> {
    let chosen = all.models.iter().position(|one| one.model == model)?;
    let orders = real_signed(read.total().orders);
    if orders <= 0.0 || all.steps.is_empty() {
        return None;
    }
    let credit = |nth: usize, at: usize| {
        let one = all.models.get(nth).and_then(|one| one.orders.get(at));
        one.copied().unwrap_or(0.0) / orders
    };
    let mut places: Vec<usize> = (0..all.steps.len()).collect();
    places.sort_by(|a, b| credit(chosen, *b).total_cmp(&credit(chosen, *a)));
    places.truncate(ROWS);
    let row = |at: &usize| SpreadRow {
        label: all.steps.get(*at).map(|step| step_name(step)).unwrap_or_default(),
        values: (0..all.models.len()).map(|nth| credit(nth, *at)).collect(),
    };
    let spec = Spread {
        title: "Share of the orders by every model".to_owned(),
        about: format!("The filled dot is {}, the rings are the other models", model.name()),
        names: all.models.iter().map(|one| one.model.name().to_owned()).collect(),
        chosen,
        rows: places.iter().map(row).collect(),
        unit: Unit::Share,
    };
    Some(Picture {
        title: "How far the models are apart".to_owned(),
        note: Some(format!(
            "Filled: {}. Rings: the other models, by name in the table below. Where they lie wide \
             apart, the model decides and not the figures: hold a channel back to know.",
            model.name()
        )),
        svg: charts::both(|size| charts::spread(&spec, size)),
        formula: Some("share = credited orders / all orders of these days".to_owned()),
    })
}

fn labels(with_spend: bool, markov: bool) -> Vec<&'static str> {
    let mut labels = vec!["Channel", "#Credited orders", "#Share", "#Revenue"];
    if with_spend {
        labels.extend(["#Spend", "#Cost per order", "#Return"]);
    }
    if markov {
        labels.push("#Lost without it");
    }
    labels
}

fn table(
    read: &Read,
    lines: &[Line],
    model: Model,
    spent: &Spent,
    query: &[(&'static str, String)],
) -> Sheet {
    let money = |minor| Cell::money(minor, &read.currency);
    let with_spend = read.product.0 == 0;
    let total = read.total();
    let markov = model == Model::Markov;
    let cells = |name: Cell, orders: Cell, credit: f64, (revenue, spend): (i64, i64)| {
        let share = ratio(credit, real_signed(total.orders)).map(Cell::percent);
        let mut cells = vec![name, orders, share.unwrap_or_else(Cell::unknown), money(revenue)];
        if with_spend {
            let spent = real_signed(spend);
            let cost = ratio(spent, credit).filter(|_| spend != 0);
            let back = ratio(real_signed(revenue), spent).filter(|_| spend > 0);
            cells.push(if spend == 0 { Cell::unknown() } else { money(spend) });
            cells.push(Cell::mean(cost, &read.currency));
            cells.push(back.map_or_else(Cell::unknown, |back| {
                let cell = Cell::decimal(back, 2);
                let text = format!("{}×", cell.text);
                cell.shown(text)
            }));
        }
        cells
    };
    let mut rows: Vec<Vec<Cell>> = lines
        .iter()
        .map(|line| {
            let orders = Cell::decimal(line.orders, 2).to(orders_at(query, Some(&line.step)));
            let name = Cell::text(step_name(&line.step));
            let mut cells = cells(name, orders, line.orders, (line.revenue, line.spend));
            if markov {
                cells.push(line.removal.map_or_else(Cell::unknown, Cell::percent));
            }
            cells
        })
        .collect();
    let untouched = read.untouched();
    if untouched.orders > 0 {
        let mut path = query.to_vec();
        path.push(("path", String::new()));
        let orders = Cell::decimal(real_signed(untouched.orders), 2).to(link(ORDERS, &path));
        let name = Cell::text("No touch before it").note("nothing tells how they came back");
        let minor = (untouched.revenue_minor, 0);
        rows.push(cells(name, orders, real_signed(untouched.orders), minor));
    }
    let orders = Cell::decimal(real_signed(total.orders), 2).to(orders_at(query, None));
    let minor = (total.revenue_minor, spent.total());
    rows.push(cells(Cell::text("All"), orders, real_signed(total.orders), minor));
    if markov {
        rows.iter_mut().filter(|row| row.len() == 4 || row.len() == 7).for_each(|row| {
            row.push(Cell::unknown());
        });
    }
    Sheet {
        title: format!("By channel: {}", model.name()),
        note: Some(
            "Every credit opens to its orders. The parts add up to the last line.".to_owned(),
        ),
        formula: Some(format!(
            "{}: {}. Cost per order = spend / credited orders; return = credited revenue / spend; \
             {}",
            model.name(),
            model.formula(),
            journeys::RULE
        )),
        columns: columns(&labels(with_spend, markov)),
        rows,
        ..Sheet::default()
    }
}

fn comparison(read: &Read, all: &All, query: &[(&'static str, String)]) -> Sheet {
    let orders: Vec<Vec<f64>> = all.models.iter().map(|one| rounded_to(&one.orders, 2)).collect();
    let mut places: Vec<usize> = (0..all.steps.len()).collect();
    let most = |at: usize| orders.iter().filter_map(|of| of.get(at)).copied().fold(0.0, f64::max);
    places.retain(|at| most(*at) > 0.0);
    places.sort_by(|a, b| most(*b).total_cmp(&most(*a)));
    let row = |at: &usize| {
        let step = all.steps.get(*at).map_or("", String::as_str);
        let mut cells = vec![Cell::text(step_name(step))];
        cells.extend(all.models.iter().zip(&orders).map(|(one, of)| {
            let mut query = query.to_vec();
            query.retain(|(name, _)| *name != "by");
            query.push(("by", one.model.word().to_owned()));
            let credit = of.get(*at).copied().unwrap_or(0.0);
            Cell::decimal(credit, 2).to(orders_at(&query, Some(step)))
        }));
        cells
    };
    let mut rows: Vec<Vec<Cell>> = places.iter().map(row).collect();
    let touched = read.total().orders - read.untouched().orders;
    let mut last = vec![Cell::text("All with a touch")];
    last.extend(all.models.iter().map(|_| Cell::decimal(real_signed(touched), 2)));
    rows.push(last);
    let mut labels = vec!["Channel".to_owned()];
    labels.extend(all.models.iter().map(|one| format!("#{}", one.model.name())));
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    Sheet {
        title: "Credited orders by every model".to_owned(),
        note: Some("None of them shows what caused an order; they are conventions.".to_owned()),
        formula: Some(
            "each model shares out the same orders; its rule stands in the table below".to_owned(),
        ),
        columns: columns(&labels),
        rows,
        ..Sheet::default()
    }
}

fn models(all: &All) -> Sheet {
    let row = |one: &Credited| {
        let name = match one.model {
            Model::Markov if all.order > 1 => format!("Markov, {} touches back", all.order),
            model => model.name().to_owned(),
        };
        let shown = name.replace(' ', "\u{a0}");
        vec![Cell::text(name).shown(shown), Cell::text(one.model.formula())]
    };
    Sheet {
        title: "The models".to_owned(),
        columns: columns(&["Model", "Who gets the credit of an order"]),
        rows: all.models.iter().map(row).collect(),
        formula: Some(
            "credits of every model add up to the orders with a touch before them, and revenue to \
             theirs"
                .to_owned(),
        ),
        ..Sheet::default()
    }
}
