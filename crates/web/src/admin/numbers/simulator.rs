//! `/admin/numbers/simulator`: what the funnel would bring if a rate, a price or a cost were
//! another, beside what it brings as measured; with intervals, since nothing is known exactly.

use axum::extract::{Query, State};
use model::Currency;
use numbers::economics::funnel::{self, Outcome, Range};
use numbers::real::{ratio, real, unit};
use serde::Deserialize;

use self::measured::{FOLLOWED_DAYS, Measured, ORDERS_MAX, Seen, Tried};
use self::typed::{amount, number, up_to, whole};
use super::report::{Empty, Note, Picture, Report, Tile, Tries, TryField, filter};
use super::sheet::{Cell, Sheet, columns, rounded};
use super::{Asked, FEW, Period, days_text, link, percent_or_dash};
use crate::charts::{self, RangeRow, Ranges, Unit};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

mod measured;
mod typed;

const PATH: &str = "/admin/numbers/simulator";
/// Days that are measured, where nobody asks for others.
const DAYS: i64 = 180;
/// Spans at hand.
const LENGTHS: [(&str, i64); 3] = [("90 days", 90), ("6 months", 180), ("12 months", 365)];
/// How often the funnel is drawn. At twice as many, a page of a million people took 65 to 81 ms.
const DRAWS: u32 = 2_000;
/// The same question has the same answer.
const SEED: u64 = 1;

/// What is tried, as the form sends it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Form {
    visitors: String,
    cost: String,
    lead: String,
    order: String,
    price: String,
    upsell: String,
    later: String,
}

/// The funnel as measured, and as tried.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
    Query(form): Query<Form>,
) -> Reply {
    let period = Period::read(&who, &asked, DAYS);
    let measured = measured::read(&state, &who, &period).await?;
    let mut report = Report::new(
        who.frame("simulator"),
        "What if",
        "What would profit and payback be at another price, rate or cost? Beside them, what your \
         own figures say today.",
    );
    report.notes.extend(period.wrong.clone().map(Note::warn));
    let home = super::home(PATH, &period.query());
    let mut page = Page { currency: who.site.currency.clone(), measured, period, home };
    let kept = page.kept(&form);
    page.home = super::home(PATH, &kept);
    report.filter = Some(filter(PATH, &page.period, &LENGTHS, &kept, Vec::new()));
    page.fill(&mut report, &form);
    report.answer(PATH, &asked, &kept)
}

struct Page {
    currency: String,
    measured: Measured,
    period: Period,
    /// The way back to this page.
    home: (&'static str, String),
}

/// Both answers; the second where anything is tried.
struct Told {
    now: Outcome,
    then: Option<Outcome>,
}

impl Page {
    /// The days, and what is tried: a measured figure is never kept, for other days have others.
    fn kept(&self, form: &Form) -> Vec<(&'static str, String)> {
        let mut query = self.period.query().to_vec();
        let fields = self.fields(form);
        query.extend(fields.into_iter().map(|field| (field.name, field.value)));
        query.retain(|(_, value)| !value.is_empty());
        query
    }

    fn fill(&self, report: &mut Report, form: &Form) {
        let seen = &self.measured;
        let (tried, wrong) = self.tried(form);
        let as_measured = seen.funnel(&Tried::default());
        let now = as_measured.as_ref().and_then(|funnel| drawn(funnel, report));
        let Some(now) = now else {
            report.empty = Some(Empty {
                title: "There is nothing to measure a funnel by yet".to_owned(),
                text: "It takes leads, and first orders of no more people than that, in the days \
                       above. Choose more days, or come back when there are some."
                    .to_owned(),
                action: ("/admin/numbers/stages".to_owned(), "See the stages".to_owned()),
            });
            return;
        };
        report.notes.extend(wrong.into_iter().map(Note::warn));
        self.notes(report, &now);
        let funnel = (tried != Tried::default()).then(|| seen.funnel(&tried)).flatten();
        let then = funnel.and_then(|funnel| drawn(&funnel, report));
        report.tries = Some(Tries {
            action: PATH.to_owned(),
            kept: self.period.query().to_vec(),
            fields: self.fields(form),
            reset: then.is_some().then(|| link(PATH, &self.period.query())),
        });
        let told = Told { now, then };
        report.tiles = self.tiles(&told);
        report.figures.push(self.picture(&told));
        report.sheets.push(self.outcome(&told));
        report.sheets.push(self.basis());
    }

    fn notes(&self, report: &mut Report, now: &Outcome) {
        let seen = &self.measured;
        if seen.orders < FEW.unsigned_abs() {
            report.notes.push(Note::warn(format!(
                "Only {} first orders in these days: the intervals are wide because little is \
                 known.",
                seen.orders
            )));
        }
        if seen.spend_minor == 0 {
            let text = "No spend is written down for these days, so visitors cost nothing here.";
            report.notes.push(Note::info(text));
        }
        if !seen.begins_with_visits() {
            let text = "Visits are not counted, or fewer than leads: the funnel begins with leads.";
            report.notes.push(Note::info(text));
        }
        if seen.foreign > 0 {
            report.notes.push(Note::warn(format!(
                "First orders in other currencies than {}, {} of them, are left out: amounts are \
                 never converted.",
                self.currency, seen.foreign
            )));
        }
        if seen.later.of == 0 {
            report.notes.push(Note::info(format!(
                "No customer of these days can be followed for {FOLLOWED_DAYS} days yet, so what \
                 they buy later is left out: choose earlier days."
            )));
        }
        if !now.spread_unknown.is_empty() {
            let what = now.spread_unknown.join(", ").to_lowercase();
            let text = format!("Too few amounts are known ({what}): money has no interval.");
            report.notes.push(Note::warn(text));
        }
    }

    /// What is tried, and what could not be read.
    fn tried(&self, form: &Form) -> (Tried, Vec<String>) {
        let fields = self.fields(form);
        let mut wrong = Vec::new();
        let mut read = |name: &str, how: &dyn Fn(&str) -> Result<f64, String>| -> Option<f64> {
            let field = fields.iter().find(|field| field.name == name)?;
            if field.value.is_empty() {
                return None;
            }
            how(&field.value)
                .map_err(|why| wrong.push(format!("{why}. The measured figure is shown.")))
                .ok()
        };
        let currency = self.currency.as_str();
        let share = |text: &str| up_to(text, 100.0).map(|percent| percent / 100.0);
        let people = |text: &str| whole(text).map(real);
        let visitors = read("visitors", &people);
        let tried = Tried {
            visitors: visitors.and_then(|count| u64::try_from(rounded(count)).ok()),
            cost: read("cost", &|text| amount(text, currency, (2, 1e6))),
            lead: read("lead", &share),
            order: read("order", &share),
            price: read("price", &|text| amount(text, currency, (0, 1e7))),
            upsell: read("upsell", &share),
            later: read("later", &share),
        };
        (tried, wrong)
    }

    /// The form: what is typed, and what was measured where nothing else is.
    fn fields(&self, form: &Form) -> Vec<TryField> {
        let seen = &self.measured;
        let percent = |seen: Seen| {
            let share = ratio(real(seen.count), real(seen.of));
            share.map_or_else(String::new, |share| format!("{:.2}", share * 100.0))
        };
        let digits = Currency::parse(&self.currency).map_or(2, Currency::exponent);
        let unit = 10_f64.powi(i32::try_from(digits).unwrap_or(2));
        let places = usize::try_from(digits).unwrap_or(2);
        let money = |minor: f64, more: usize| format!("{:.1$}", minor / unit, places + more);
        let who = if seen.begins_with_visits() { "Visitors" } else { "Leads" };
        let one = if seen.begins_with_visits() { "Cost of a visitor" } else { "Cost of a lead" };
        let field = |name, label: &str, suffix: &str, text: &str, measured: String| TryField {
            name,
            label: label.to_owned(),
            suffix: suffix.to_owned(),
            value: if is_same(text, &measured) { String::new() } else { text.trim().to_owned() },
            measured,
        };
        let currency = self.currency.as_str();
        let cost = money(seen.cost_per_visitor(), 2);
        let price = seen.price.map_or_else(String::new, |price| money(price, 0));
        let mut fields = vec![
            field("visitors", who, "", &form.visitors, seen.visitors().to_string()),
            field("cost", one, currency, &form.cost, cost),
        ];
        if let Some(lead) = seen.lead() {
            fields.push(field("lead", "Leave an address", "%", &form.lead, percent(lead)));
        }
        fields.push(field("order", "Of those order", "%", &form.order, percent(seen.order())));
        fields.push(field("price", "First order brings", currency, &form.price, price));
        if seen.upsell.count > 0 {
            let label = "Take an offer after it";
            fields.push(field("upsell", label, "%", &form.upsell, percent(seen.upsell)));
        }
        if seen.later.count > 0 {
            let label = "Buy again";
            fields.push(field("later", label, "%", &form.later, percent(seen.later)));
        }
        fields
    }

    fn money(&self, amount: Option<f64>) -> String {
        let text = |minor| money_text(rounded(minor), &self.currency);
        // A line may not end between the sign and its figure.
        let joined = |minor| text(minor).replace('\u{2212}', "\u{2212}\u{2060}");
        amount.map_or_else(|| "–".to_owned(), joined)
    }

    /// `$3.00 to $5.00`.
    fn between(&self, range: &Range) -> String {
        match (range.low, range.high) {
            (Some(low), Some(high)) => {
                format!("{} to {}", self.money(Some(low)), self.money(Some(high)))
            }
            (Some(low), None) => format!("{} or more", self.money(Some(low))),
            _ => "no interval".to_owned(),
        }
    }

    fn tiles(&self, told: &Told) -> Vec<Tile> {
        let shown = told.then.as_ref().unwrap_or(&told.now);
        let tile = |label: &str, of: &dyn Fn(&Outcome) -> (String, Option<String>)| {
            let (value, interval) = of(shown);
            let was = told.then.as_ref().map(|_| format!("measured: {}", of(&told.now).0));
            let note = [interval, was].into_iter().flatten().collect::<Vec<_>>().join("; ");
            Tile {
                label: label.to_owned(),
                value,
                href: None,
                note: (!note.is_empty()).then_some(note),
            }
        };
        let range = |range: &Range| (self.money(range.middle), Some(self.between(range)));
        let lead = if self.measured.begins_with_visits() { Some(0) } else { None };
        let mut tiles = vec![
            tile("Profit", &|told| range(&told.profit)),
            tile("Chance of a loss", &|told| (percent_or_dash(told.loss_share), None)),
            tile("CAC", &|told| range(&told.cac)),
            tile("Paid back", &|told| (payback(told), None)),
            tile("A visitor may cost", &|told| range(&told.margin_per_visitor)),
            tile("A first sale may lose", &|told| range(&told.later_margin_per_customer)),
        ];
        if let Some(at) = lead {
            let per_lead = tile("A lead may cost", &|told| {
                told.margin_per_taker.get(at).map_or_else(|| ("–".to_owned(), None), range)
            });
            tiles.insert(5, per_lead);
        }
        tiles
    }

    fn picture(&self, told: &Told) -> Picture {
        let row = |label: &str, outcome: &Outcome| RangeRow {
            label: label.to_owned(),
            text: self.money(outcome.profit.middle),
            range: outcome.profit.low.zip(outcome.profit.high),
            points: vec![outcome.profit.middle],
        };
        let mut rows = vec![row("As measured", &told.now)];
        rows.extend(told.then.as_ref().map(|then| row("What if", then)));
        let spec = Ranges {
            title: "Profit".to_owned(),
            about: format!("As measured {}", self.between(&told.now.profit)),
            series: vec!["middle".to_owned()],
            rows,
            unit: Unit::Money(self.currency.clone()),
        };
        let title =
            match told.then.as_ref().map(|then| (then.profit.middle, told.now.profit.middle)) {
                Some((Some(then), Some(now))) if then > now => {
                    format!("{} more profit than measured", self.money(Some(then - now)))
                }
                Some((Some(then), Some(now))) if then < now => {
                    format!("{} less profit than measured", self.money(Some(now - then)))
                }
                _ => "Profit of these visitors".to_owned(),
            };
        Picture {
            title,
            note: Some(
                "The band holds nine of ten draws, the mark is their middle. Two bands that lie \
                 over one another may be no different."
                    .to_owned(),
            ),
            svg: charts::both(|size| charts::ranges(&spec, size)),
            formula: Some(format!(
                "profit = margin of first orders, of offers after them and of what is bought \
                 within {FOLLOWED_DAYS} days − visitors × cost of one; each of {DRAWS} draws takes \
                 every rate as likely as the counts make it (Beta distribution, x + ½ and n − x + \
                 ½ for x of n), every average with its own error, and lets chance decide each \
                 visitor; what is tried is taken as it \
                 is; margin = paid without tax − given back − cost of goods"
            )),
        }
    }

    fn outcome(&self, told: &Told) -> Sheet {
        let mut names: Vec<String> = vec!["Cost".to_owned(), "Profit".to_owned()];
        names.extend(
            ["Chance of a loss", "CAC", "Paid back", "A visitor may cost", "A customer may cost"]
                .map(str::to_owned),
        );
        names.push("A first sale may lose".to_owned());
        let now = self.column(&told.now);
        let then = told.then.as_ref().map(|then| self.column(then));
        let steps = self.measured.funnel(&Tried::default());
        names.extend(steps.iter().flat_map(|funnel| &funnel.steps).map(|step| step.name.clone()));
        let mut rows: Vec<Vec<Cell>> =
            names.into_iter().zip(now).map(|(name, cell)| vec![Cell::text(name), cell]).collect();
        for (row, cell) in rows.iter_mut().zip(then.into_iter().flatten()) {
            row.push(cell);
        }
        let heads = ["Figure", "#As measured", "#What if"];
        let shown =
            if told.then.is_some() { heads.as_slice() } else { &["Figure", "#As measured"] };
        Sheet {
            title: "Outcome".to_owned(),
            note: Some("The middle of all draws, and where nine of ten of them lie.".to_owned()),
            formula: Some(
                "CAC = cost / customers; a visitor (a customer) may cost = margin / visitors \
                 (customers); a first sale may lose = margin after the first day / customers"
                    .to_owned(),
            ),
            columns: columns(shown),
            rows,
            ..Sheet::default()
        }
    }

    fn column(&self, told: &Outcome) -> Vec<Cell> {
        let range =
            |range: &Range| Cell::mean(range.middle, &self.currency).note(self.between(range));
        let customer = told.steps.len();
        let at = if self.measured.begins_with_visits() { 1 } else { 0 };
        let per_customer = told.margin_per_taker.get(at.min(customer));
        let mut cells = vec![
            Cell::mean(Some(told.cost), &self.currency),
            range(&told.profit),
            Cell::text(percent_or_dash(told.loss_share)),
            range(&told.cac),
            Cell::text(payback(told)),
            range(&told.margin_per_visitor),
            per_customer.map_or_else(Cell::unknown, range),
            range(&told.later_margin_per_customer),
        ];
        let count = |value: Option<f64>| {
            value.map_or_else(
                || "–".to_owned(),
                |n| crate::words::grouped(rounded(n).unsigned_abs()),
            )
        };
        cells.extend(told.steps.iter().map(|step| {
            let middle = step.middle.map_or_else(Cell::unknown, |n| Cell::count(rounded(n)));
            middle.note(format!("{} to {}", count(step.low), count(step.high)))
        }));
        cells
    }

    /// What the measured funnel is made of, each figure with its rows.
    fn basis(&self) -> Sheet {
        let seen = &self.measured;
        let count = |n: u64| Cell::count(i64::try_from(n).unwrap_or(i64::MAX));
        let rows_at = |path: &str, more: &[(&str, String)]| {
            let mut query = self.period.query().to_vec();
            query.extend(more.iter().cloned());
            query.push(self.home.clone());
            link(path, &query)
        };
        let row = |name: &str, note: String, part: Seen, href: Option<String>| {
            let cell = count(part.count);
            vec![
                Cell::text(name).note(note),
                match href {
                    Some(href) => cell.to(href),
                    None => cell,
                },
                count(part.of),
                Cell::share(numbers::stages::share(part.count, part.of)),
            ]
        };
        let mut rows = Vec::new();
        if let Some(lead) = seen.lead() {
            let href = rows_at("/admin/numbers/stages/lead", &[]);
            rows.push(row("Leads of visits", "in these days".to_owned(), lead, Some(href)));
        }
        let currency = ("currency", self.currency.clone());
        let nth = ("nth", "1".to_owned());
        let first = rows_at("/admin/numbers/orders", &[nth, currency.clone()]);
        let note = "in these days, not the same people followed".to_owned();
        rows.push(row("First orders of leads", note, seen.order(), Some(first)));
        let note = "of the newest first orders, shown one or not".to_owned();
        rows.push(row("Took an offer after it", note, seen.upsell, None));
        let newest = i64::try_from(seen.later.of).is_ok_and(|of| of == ORDERS_MAX);
        let whom = if newest { "of the newest 5,000 won" } else { "of those won" };
        let note = format!("within {FOLLOWED_DAYS} days, {whom} {}", days_text(seen.won_in));
        let again = [
            ("from", seen.won_in.from.to_string()),
            ("to", seen.won_in.to.to_string()),
            ("won", "1".to_owned()),
            ("nth", "2".to_owned()),
            ("days", FOLLOWED_DAYS.to_string()),
            currency,
            self.home.clone(),
        ];
        let again = (seen.later.of > 0).then(|| link("/admin/numbers/orders", &again));
        rows.push(row("Bought again", note, seen.later, again));
        Sheet {
            title: "What was counted".to_owned(),
            note: Some(
                "The measured funnel is made of these, and is as sure as they are.".to_owned(),
            ),
            formula: Some(
                "share = count / of how many, with the Wilson interval of 95%; averages are those \
                 of the newest 5,000 orders at most"
                    .to_owned(),
            ),
            columns: columns(&["Step", "#Count", "#Of", "#Share"]),
            rows,
            ..Sheet::default()
        }
    }
}

/// Whether nothing but the measured figure was typed.
fn is_same(text: &str, measured: &str) -> bool {
    let text = text.trim();
    let both = number(text).ok().zip(number(measured).ok());
    text.is_empty()
        || text == measured
        || both.is_some_and(|(typed, was)| (typed - was).abs() < 1e-9)
}

/// Draws a funnel; where it cannot be, the page says why.
fn drawn(funnel: &funnel::Funnel, report: &mut Report) -> Option<Outcome> {
    let rng = engine::Rng::seeded(SEED);
    let mut uniform = || unit(u64::from_le_bytes(rng.bytes::<8>()));
    match funnel::simulate(funnel, DRAWS, &mut uniform) {
        Ok(outcome) => Some(outcome),
        Err(why) => {
            report.notes.push(Note::warn(format!("This cannot be drawn: {why}.")));
            None
        }
    }
}

fn payback(told: &Outcome) -> String {
    match told.payback_day {
        Some(0) => "by the first order".to_owned(),
        Some(day) => format!("day {day}"),
        None => format!("not in {FOLLOWED_DAYS} days"),
    }
}
