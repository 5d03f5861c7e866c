//! `/admin/numbers/attribution`: how much of the orders each channel is given credit for, by seven
//! rules that differ, beside what was spent on it.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use numbers::attribution::{parts, parts_to_places};
use numbers::real::{ratio, real_signed};

use super::compare::{Compared, Delta, Good};
use super::journeys::{self, LENGTHS, Read, step_name};
use super::report::{Empty, Note, Picture, Report, Select, Tab, Tile, filter};
use super::sheet::{Cell, Sheet, columns, rounded as whole};
use super::{Asked, Period, link};
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
pub(super) use spent::step_of;

const PATH: &str = "/admin/numbers/attribution";
const ORDERS: &str = "/admin/numbers/attribution/orders";
/// The figures first looked at.
const ORDERED: &str = "Orders";
const REVENUE: &str = "Revenue";
const OPEN: &str = "Without an order yet";
const SPEND: &str = "Spend";
const EACH: &str = "Spend per order";
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
    let earlier = match journeys::read_before(&state, &who, &asked).await? {
        Some((compared, read)) => {
            let spends = spent::read(&state, &who, compared.span).await?;
            let (all, spent) = (credits::all(&read, asked.of), spent::by_step(&spends, &read));
            Some(Earlier { compared, read, all, spent })
        }
        None => None,
    };
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
    selects.push(Compared::select(&asked));
    report.filter = Some(filter(PATH, &read.period, &LENGTHS, &query, selects));
    report.notes = read.notes(&state, &who);
    report.notes.extend(all.notes.iter().map(Note::info));
    let spent = spent::by_step(&spends, &read);
    if spent.foreign {
        let text = format!("Spend in other currencies than {} is left out.", read.currency);
        report.notes.push(Note::warn(text));
    }
    if let Some(earlier) = &earlier {
        report.notes.push(Note::info(format!("Compared with {}.", earlier.compared.words())));
    }
    let total = read.total();
    if total.orders == 0 && spent.total() == 0 {
        report.empty = Some(if total.nulls == 0 { journeys::empty() } else { no_order() });
    } else {
        let page = Page { read, all, spent, earlier, model, query: query.clone() };
        page.fill(&mut report);
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
        label: "Each step looks back",
        options: (1..=3).map(option).collect(),
        value: order.to_string(),
    }
}

/// What is known of the days a page is compared with.
struct Earlier {
    compared: Compared,
    read: Read,
    all: All,
    spent: Spent,
}

/// Everything the page is made from.
struct Page {
    read: Read,
    all: All,
    spent: Spent,
    earlier: Option<Earlier>,
    model: Model,
    query: Vec<(&'static str, String)>,
}

/// One line of the table.
struct Line {
    name: Cell,
    /// Where its orders are: more of the address than the page's own.
    at: Option<(&'static str, String)>,
    orders: f64,
    revenue: i64,
    spend: i64,
    removal: Option<f64>,
    /// Credited orders of the earlier days.
    was: f64,
}

impl Page {
    fn fill(&self, report: &mut Report) {
        let Some(credited) = self.all.of(self.model) else { return };
        report.tiles = self.tiles();
        report.deltas = self.deltas();
        report.figures.extend(picture(&self.read, &self.all, self.model));
        report.sheets.push(self.table(credited));
        report.sheets.push(comparison(&self.read, &self.all, &self.query));
        report.sheets.push(models(&self.all));
    }

    /// Every channel that has credit or spend, the most credit first; then the orders without a
    /// touch, and all. Orders are rounded to hundredths and revenue to minor units so that the
    /// columns add up to what there is.
    fn lines(&self, credited: &Credited) -> Vec<Line> {
        let (total, untouched) = (self.read.total(), self.read.untouched());
        let earlier = self.earlier.as_ref();
        let was = earlier.map_or_else(BTreeMap::new, |earlier| earlier.orders(self.model));
        let mut steps: BTreeMap<&str, Line> = BTreeMap::new();
        let line = |step: &str| Line {
            name: Cell::text(step_name(step)),
            at: Some(("step", step.to_owned())),
            orders: 0.0,
            revenue: 0,
            spend: self.spent.of(step),
            removal: None,
            was: was.get(step).copied().unwrap_or(0.0),
        };
        let orders = parts_to_places(&credited.orders, 2);
        let revenue = parts(&credited.revenue, total.revenue_minor - untouched.revenue_minor);
        let credits = orders.into_iter().zip(revenue);
        for (at, (step, (orders, revenue))) in self.all.steps.iter().zip(credits).enumerate() {
            let removal = credited.removals.as_ref().and_then(|all| all.get(at).copied().flatten());
            steps.insert(step, Line { orders, revenue, removal, ..line(step) });
        }
        let others = self.spent.steps().map(|(step, _)| step).chain(was.keys().map(String::as_str));
        for step in others {
            steps.entry(step).or_insert_with(|| line(step));
        }
        let shown = |line: &Line| {
            line.orders > 0.0 || line.spend != 0 || line.revenue != 0 || line.was > 0.0
        };
        let mut lines: Vec<Line> = steps.into_values().filter(shown).collect();
        lines.sort_by(|a, b| b.orders.total_cmp(&a.orders).then(b.spend.cmp(&a.spend)));
        let untouched_was = earlier.map_or(0, |earlier| earlier.read.untouched().orders);
        if untouched.orders > 0 || untouched_was > 0 {
            lines.push(Line {
                name: Cell::text("No touch before it").note("nothing tells how they came back"),
                at: Some(("path", String::new())),
                orders: real_signed(untouched.orders),
                revenue: untouched.revenue_minor,
                spend: 0,
                removal: None,
                was: real_signed(untouched_was),
            });
        }
        lines.push(Line {
            name: Cell::text("All"),
            at: None,
            orders: real_signed(total.orders),
            revenue: total.revenue_minor,
            spend: self.spent.total(),
            removal: None,
            was: real_signed(earlier.map_or(0, |earlier| earlier.read.total().orders)),
        });
        lines
    }

    fn orders_at(&self, days: &Period, more: Option<&(&'static str, String)>) -> String {
        let mut query = self.query.clone();
        query.retain(|(name, _)| !matches!(*name, "of" | "from" | "to"));
        query.extend(days.query());
        query.extend(more.cloned());
        link(ORDERS, &query)
    }

    /// What was spent on one step, or in all.
    fn spent_at(&self, more: Option<&(&'static str, String)>) -> String {
        let mut query = self.read.period.query().to_vec();
        query.extend(self.query.iter().filter(|(name, _)| *name == "level").cloned());
        query.extend(more.filter(|(name, _)| *name == "step").cloned());
        query.push(super::home(PATH, &self.query));
        link("/admin/numbers/spent", &query)
    }

    fn cells(&self, line: &Line) -> Vec<Cell> {
        let money = |minor| Cell::money(minor, &self.read.currency);
        let at = line.at.as_ref();
        let share = ratio(line.orders, real_signed(self.read.total().orders)).map(Cell::percent);
        let mut cells = vec![
            line.name.clone(),
            Cell::decimal(line.orders, 2).to(self.orders_at(&self.read.period, at)),
        ];
        cells.extend(self.earlier.as_ref().map(|earlier| {
            Cell::decimal(line.was, 2).to(self.orders_at(&earlier.read.period, at))
        }));
        cells.extend([share.unwrap_or_else(Cell::unknown), money(line.revenue)]);
        if self.with_spend() {
            let spent = real_signed(line.spend);
            let few = |cell: Cell| {
                let of = whole(line.orders);
                if line.orders > 0.0 { cell.few(of) } else { cell }
            };
            let cost = ratio(spent, line.orders).filter(|_| line.spend != 0);
            let back = ratio(real_signed(line.revenue), spent).filter(|_| line.spend > 0);
            cells.push(match line.spend {
                0 => Cell::unknown(),
                spend => money(spend).to(self.spent_at(at)),
            });
            cells.push(few(Cell::mean(cost, &self.read.currency)));
            cells.push(back.map_or_else(Cell::unknown, |back| {
                let cell = Cell::decimal(back, 2);
                let text = format!("{}×", cell.text);
                few(cell.shown(text))
            }));
        }
        if self.model == Model::Markov {
            cells.push(line.removal.map_or_else(Cell::unknown, Cell::percent));
        }
        cells
    }

    fn with_spend(&self) -> bool {
        self.read.is_of_all_orders()
    }

    fn labels(&self) -> Vec<&'static str> {
        let mut labels = vec!["Channel", "#Credited orders"];
        labels.extend(self.earlier.as_ref().map(|earlier| earlier.compared.head()));
        labels.extend(["#Share", "#Revenue"]);
        if self.with_spend() {
            labels.extend(["#Spend", "#Cost per order", "#Return"]);
        }
        if self.model == Model::Markov {
            labels.push("#Lost without it");
        }
        labels
    }

    fn table(&self, credited: &Credited) -> Sheet {
        let name = self.model.name();
        Sheet {
            title: format!("By channel: {name}"),
            note: Some(
                "Every credit opens to its orders. The parts add up to the last line.".to_owned(),
            ),
            formula: Some(format!(
                "{name}: {}. Cost per order = spend / credited orders; return = credited revenue / \
                 spend; {}",
                self.model.formula(),
                journeys::RULE
            )),
            columns: columns(&self.labels()),
            rows: self.lines(credited).iter().map(|line| self.cells(line)).collect(),
            ..Sheet::default()
        }
    }

    fn tiles(&self) -> Vec<Tile> {
        let (read, spent) = (&self.read, self.spent.total());
        let total = read.total();
        let money = |minor| money_text(minor, &read.currency);
        let tile = |label: &str, value: String, href: Option<String>, note: &str| Tile {
            label: label.to_owned(),
            value,
            href,
            note: Some(note.to_owned()),
        };
        let rows = Some(self.orders_at(&read.period, None));
        let open = {
            let mut query = read.period.query().to_vec();
            query.push(("level", read.level.word().to_owned()));
            query.extend(self.query.iter().filter(|(name, _)| *name == "segment").cloned());
            Some(link("/admin/numbers/roads/open", &query))
        };
        let mut tiles = vec![
            tile(ORDERED, Cell::count(total.orders).text, rows.clone(), "paid in these days"),
            tile(REVENUE, money(total.revenue_minor), rows, "paid without tax − given back"),
        ];
        if !read.only_ordered {
            let nulls = Cell::count(total.nulls).text;
            tiles.push(tile(OPEN, nulls, open, "journeys that ended in these days"));
        }
        if self.with_spend() {
            let at = Some(self.spent_at(None));
            tiles.push(tile(SPEND, money(spent), at, "the part of it on these days"));
            let each = ratio(real_signed(spent), real_signed(total.orders));
            let each = Cell::mean(each, &read.currency).text;
            tiles.push(tile(EACH, each, None, "spend / all orders"));
        }
        tiles
    }

    fn deltas(&self) -> BTreeMap<String, Delta> {
        let Some(earlier) = &self.earlier else { return BTreeMap::new() };
        let (now, was) = (self.read.total(), earlier.read.total());
        let (spent, spent_was) = (self.spent.total(), earlier.spent.total());
        let show = |minor: f64| money_text(whole(minor), &self.read.currency);
        let base = was.orders;
        let money = |now: i64, was: i64, good| {
            Delta::new(real_signed(now), Some(real_signed(was)), base, good, show)
        };
        let mut all = vec![
            (ORDERED, Delta::count(now.orders, was.orders, Good::More)),
            (REVENUE, money(now.revenue_minor, was.revenue_minor, Good::More)),
            (OPEN, Delta::count(now.nulls, was.nulls, Good::Neither)),
            (SPEND, money(spent, spent_was, Good::Neither)),
        ];
        let each = |spent: i64, orders: i64| ratio(real_signed(spent), real_signed(orders));
        if let Some(now) = each(spent, now.orders) {
            all.push((EACH, Delta::new(now, each(spent_was, was.orders), base, Good::Less, show)));
        }
        all.into_iter().map(|(label, delta)| (label.to_owned(), delta)).collect()
    }
}

impl Earlier {
    /// Credited orders by step.
    fn orders(&self, model: Model) -> BTreeMap<String, f64> {
        let Some(credited) = self.all.of(model) else { return BTreeMap::new() };
        self.all.steps.iter().cloned().zip(parts_to_places(&credited.orders, 2)).collect()
    }
}

fn orders_at(query: &[(&'static str, String)], step: Option<&str>) -> String {
    let mut query = query.to_vec();
    query.retain(|(name, _)| *name != "of");
    query.extend(step.map(|step| ("step", step.to_owned())));
    link(ORDERS, &query)
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
             apart, the model decides and not the figures: pause that channel for some weeks, and \
             see whether orders go down.",
            model.name()
        )),
        svg: charts::both(|size| charts::spread(&spec, size)),
        formula: Some("share = credited orders / all orders of these days".to_owned()),
    })
}

fn comparison(read: &Read, all: &All, query: &[(&'static str, String)]) -> Sheet {
    let orders: Vec<Vec<f64>> =
        all.models.iter().map(|one| parts_to_places(&one.orders, 2)).collect();
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
