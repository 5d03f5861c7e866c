//! What customers will still buy, with what the models say of the past held against what happened.

use engine::fits::Kept;
use engine::fits::value::{
    Ahead, Forecast, RETURNED_MIN, Shown, Tracking, Value, WEEKS_AHEAD, each,
};
use model::ids::ContactId;
use model::spans::{day_number, day_numbered};
use numbers::real::{ratio, real_signed};

use super::super::report::{Empty, Note, Picture, Report, Tile};
use super::super::sheet::{Cell, Sheet, columns, rounded};
use super::super::{as_of, channel_name, percent};
use super::{Question, Rows};
use crate::charts::{self, Lines, Series, Unit};
use crate::extract::operator::CurrentOperator;

/// In the table of weeks, one line in so many.
const WEEKS_A_LINE: usize = 4;

const BOUGHT: &str = "BG/NBD: a customer orders at a rate that is Gamma(r, α) among customers, and \
                      after each repeat order leaves with a chance that is Beta(a, b); fitted by \
                      greatest likelihood to repeat days, recency and age";
const TRACKED: &str = "by the model = Σ over customers of the repeat orders expected in the weeks \
                       since their first order";

/// The forecast, or the sentence that says why there is none.
pub(super) fn fill(report: &mut Report, who: &CurrentOperator, rows: &Rows, question: &Question) {
    let Some(kept) = &rows.kept else {
        return say(
            report,
            "No customers to learn from yet".to_owned(),
            "The models are fitted \
            once a day, and some minutes after the first orders.",
        );
    };
    let value = &kept.body;
    let Some(forecast) = &value.forecast else { return too_little(report, value) };
    let at = as_of(who, kept.made_at);
    report.notes.push(Note::info(format!("As of {at}; fitted anew every day.")));
    for warning in warnings(forecast) {
        report.notes.push(Note::warn(warning));
    }
    let currency = &question.currency;
    report.tiles = tiles(forecast, kept, currency);
    report.figures.push(by_repeats(forecast));
    report.figures.push(tracking(&forecast.tracking));
    report.sheets.push(channels(forecast, currency));
    report.sheets.push(top(forecast, question));
    report.sheets.push(parameters(forecast, currency));
    report.sheets.push(counts(forecast));
    report.sheets.push(weeks(&forecast.tracking, question.is_file));
}

fn say(report: &mut Report, title: String, text: &str) {
    report.empty = Some(Empty {
        title,
        text: text.to_owned(),
        action: ("/admin/numbers/cohorts".to_owned(), "See who came back".to_owned()),
    });
}

fn too_little(report: &mut Report, value: &Value) {
    if let Some(why) = &value.unfit {
        return say(report, "These orders settle no forecast".to_owned(), why);
    }
    let title = match value.returned {
        0 => "Nobody has ordered on a second day yet".to_owned(),
        1 => "Only one customer came back on a later day".to_owned(),
        count => format!("Only {count} customers came back on a later day"),
    };
    say(report, title, &format!("A forecast needs {RETURNED_MIN} of them: fewer settle nothing."));
}

fn warnings(forecast: &Forecast) -> Vec<String> {
    let sentence = |model: &str, warning: &String| format!("{model}: {warning}.");
    let mut all: Vec<String> =
        forecast.bg.warnings.iter().map(|warning| sentence("Buying", warning)).collect();
    let spend = forecast.spend.iter().flat_map(|spend| &spend.warnings);
    all.extend(spend.map(|warning| sentence("Spend", warning)));
    if forecast.spend.is_none() {
        all.push(
            "What customers spend settles no model: purchases are expected, not money.".into(),
        );
    }
    all
}

fn number(value: f64) -> String {
    Cell::count(rounded(value)).text
}

fn tiles(forecast: &Forecast, kept: &Kept<Value>, currency: &str) -> Vec<Tile> {
    let tile = |label: &str, value: String, note: &str| Tile {
        label: label.to_owned(),
        value,
        href: None,
        note: Some(note.to_owned()),
    };
    let ahead = &forecast.ahead;
    let money = |value: Option<f64>| Cell::mean(value, currency).text;
    let correlation =
        forecast.correlation.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    vec![
        tile("Customers", Cell::count(kept.customers).text, "who ever ordered"),
        tile("Still customers", number(ahead.alive), "Σ of each one's chance"),
        tile(
            &format!("Orders in {WEEKS_AHEAD} weeks"),
            number(ahead.expected),
            "expected of those there are",
        ),
        tile(
            &format!("Value of {WEEKS_AHEAD} weeks"),
            money(ahead.value),
            "their margin: orders × spend × margin share",
        ),
        tile("A customer", money(each(ahead)), "value / customers"),
        tile(
            "Do frequent buyers spend more?",
            correlation,
            "0: no more, as the forecast takes it; 1: ever more (correlation)",
        ),
    ]
}

fn by_repeats(forecast: &Forecast) -> Picture {
    let last = forecast.by_repeats.len().saturating_sub(1);
    let label = |at: usize| if at == last { format!("{at}+") } else { at.to_string() };
    let counts = &forecast.by_repeats;
    let spec = Lines {
        title: "Customers by repeat purchases".to_owned(),
        about: "Where both lines run together the model tells the past right".to_owned(),
        labels: (0..counts.len()).map(label).collect(),
        series: vec![
            Series::new("There are", counts.iter().map(|(count, _)| real_signed(*count))),
            Series::new("By the model", counts.iter().map(|(_, expected)| *expected)),
        ],
        unit: Unit::Count,
    };
    Picture {
        title: "Does the model tell how often customers came back?".to_owned(),
        note: Some("Customers by the number of later days on which they ordered.".to_owned()),
        svg: charts::both(|size| charts::lines(&spec, size)),
        formula: Some(BOUGHT.to_owned()),
    }
}

fn week_end(tracking: &Tracking, nth: usize) -> jiff::civil::Date {
    let weeks = i64::try_from(nth).unwrap_or(0) + 1;
    day_numbered(tracking.from + weeks * 7 - 1)
}

fn tracking(tracking: &Tracking) -> Picture {
    let label = |nth: usize| week_end(tracking, nth).strftime("%-d %b %y").to_string();
    let spec = Lines {
        title: "Repeat orders, week by week".to_owned(),
        about: "Summed up since the first order of all".to_owned(),
        labels: (0..tracking.weeks.len()).map(label).collect(),
        series: vec![
            Series::new("There were", tracking.weeks.iter().map(|(n, _)| real_signed(*n))),
            Series::new("By the model", tracking.weeks.iter().map(|(_, expected)| *expected)),
        ],
        unit: Unit::Count,
    };
    let fitted_to = day_numbered(tracking.fitted_to).strftime("%-d %b %Y").to_string();
    let note = match tracking.later {
        Some((were, expected)) => {
            let off = ratio(expected - real_signed(were), real_signed(were));
            let off = off.map_or_else(String::new, |off| format!(" ({:+.0}%)", off * 100.0));
            format!(
                "Fitted to what was known on {fitted_to}; what came after was held back: {} \
                 repeat orders were forecast{off}, {} came.",
                number(expected),
                Cell::count(were).text,
            )
        }
        None => "The history is too short to hold a part of it back.".to_owned(),
    };
    Picture {
        title: "Does it forecast what it has not seen?".to_owned(),
        note: Some(note),
        svg: charts::both(|size| charts::lines(&spec, size)),
        formula: Some(TRACKED.to_owned()),
    }
}

fn channels(forecast: &Forecast, currency: &str) -> Sheet {
    let row = |name: String, ahead: &Ahead| {
        vec![
            Cell::text(name),
            Cell::count(ahead.customers),
            Cell::count(rounded(ahead.alive)),
            Cell::count(rounded(ahead.expected)),
            Cell::mean(ahead.value, currency),
            Cell::mean(each(ahead), currency),
        ]
    };
    let mut rows: Vec<Vec<Cell>> =
        forecast.channels.iter().map(|(word, ahead)| row(channel_name(word), ahead)).collect();
    rows.push(row("All".to_owned(), &forecast.ahead));
    Sheet {
        title: format!("The next {WEEKS_AHEAD} weeks"),
        note: Some(
            "Of the customers there are, by the channel of their first touch; not discounted, \
             and new customers are not in it."
                .to_owned(),
        ),
        formula: Some(format!(
            "value = Σ orders expected × spend expected (Gamma-Gamma) × margin share of later \
             orders ({})",
            forecast.margin_share.map_or_else(|| "not known".to_owned(), percent)
        )),
        columns: columns(&[
            "Channel",
            "#Customers",
            "#Still customers",
            "#Orders",
            "#Value",
            "#Value each",
        ]),
        rows,
        ..Sheet::default()
    }
}

fn top(forecast: &Forecast, question: &Question) -> Sheet {
    let currency = &question.currency;
    let today = day_number(question.period.today);
    let row = |(rank, one): (i64, &engine::fits::value::Top)| {
        let contact = ContactId(one.contact);
        let last = day_numbered(one.last_day).strftime("%-d\u{a0}%b\u{a0}%Y").to_string();
        vec![
            Cell::text(contact.to_string())
                .shown(format!("Customer {rank}"))
                .to(format!("/admin/contacts/{contact}")),
            Cell::count(one.orders),
            Cell::text(day_numbered(one.last_day).to_string())
                .shown(last)
                .note(format!("{} days ago", (today - one.last_day).max(0))),
            Cell::money(one.margin_minor, currency),
            Cell::worded(percent(one.alive), rounded(one.alive * 100.0)),
            Cell::decimal(one.expected, 1),
            Cell::mean(one.value, currency),
        ]
    };
    Sheet {
        title: "The most valuable customers ahead".to_owned(),
        note: Some(
            "Each opens the contact. A customer who never came back counts as still one: the \
             model has seen no chance to leave."
                .to_owned(),
        ),
        formula: Some(format!(
            "value ahead = orders expected in {WEEKS_AHEAD} weeks × spend expected (Gamma-Gamma) × \
             margin share of later orders; still a customer = the chance by BG/NBD"
        )),
        columns: columns(&[
            "Customer",
            "#Orders",
            "Last order",
            "#Margin so far",
            "#Still a customer",
            "#Orders ahead",
            "#Value ahead",
        ]),
        rows: (1..).zip(&forecast.top).map(row).collect(),
        ..Sheet::default()
    }
}

fn parameters(forecast: &Forecast, currency: &str) -> Sheet {
    let figure = |value: f64| format!("{value:.4}");
    let lines = |model: &str, shown: &Shown| -> Vec<Vec<Cell>> {
        let of = |(name, value, error): &(String, Option<f64>, Option<f64>)| {
            let cell = |value: Option<f64>| match value {
                Some(value) => Cell::text(figure(value)),
                None => Cell::unknown(),
            };
            vec![
                Cell::text(model),
                Cell::text(name.clone()),
                cell(*value),
                cell(*error),
                Cell::text(format!("{:.2}", shown.log_likelihood)),
                match shown.expected {
                    Some(expected) => Cell::count(rounded(expected)),
                    None => Cell::default(),
                },
            ]
        };
        shown.parameters.iter().map(of).collect()
    };
    let mut rows = lines("BG/NBD", &forecast.bg);
    rows.extend(forecast.mbg.iter().flat_map(|shown| lines("MBG/NBD", shown)));
    rows.extend(forecast.spend.iter().flat_map(|shown| lines("Gamma-Gamma", shown)));
    let mean = Cell::mean(forecast.mean_spend, currency).text;
    Sheet {
        title: "The fit".to_owned(),
        note: Some(format!(
            "Time in weeks, spend in whole units; the mean purchase by Gamma-Gamma is {mean}. A \
             dash: the orders do not settle it. MBG/NBD lets customers leave after their first \
             order too."
        )),
        formula: Some(
            "fit = ln of the likelihood: of two models of the same orders, the one nearer to 0 tells \
             them better; errors from the matrix of second derivatives. Fader, Hardie & Lee 2005; \
             Batislam et al. 2007; Fader & Hardie 2013"
                .to_owned(),
        ),
        columns: columns(&[
            "Model",
            "Parameter",
            "#Value",
            "#Standard error",
            "#Fit",
            "#Orders ahead",
        ]),
        rows,
        ..Sheet::default()
    }
}

fn counts(forecast: &Forecast) -> Sheet {
    let last = forecast.by_repeats.len().saturating_sub(1);
    let row = |(at, (count, expected)): (usize, &(i64, f64))| {
        let label = if at == last { format!("{at} or more") } else { at.to_string() };
        vec![Cell::text(label), Cell::count(*count), Cell::decimal(*expected, 1)]
    };
    Sheet {
        title: "Customers by repeat purchases".to_owned(),
        formula: Some(BOUGHT.to_owned()),
        columns: columns(&["Repeat purchases", "#Customers", "#By the model"]),
        rows: forecast.by_repeats.iter().enumerate().map(row).collect(),
        ..Sheet::default()
    }
}

fn weeks(tracking: &Tracking, is_file: bool) -> Sheet {
    let count = tracking.weeks.len();
    let shown = |nth: &usize| is_file || (count - nth - 1).is_multiple_of(WEEKS_A_LINE);
    let row = |nth: usize| {
        let (were, expected) = tracking.weeks.get(nth).copied()?;
        Some(vec![
            Cell::text(week_end(tracking, nth).to_string()),
            Cell::count(were),
            Cell::decimal(expected, 1),
        ])
    };
    Sheet {
        title: "Repeat orders by week".to_owned(),
        note: Some("Summed up; every fourth week. The file has every one.".to_owned()),
        formula: Some(TRACKED.to_owned()),
        columns: columns(&["Week up to", "#Repeat orders", "#By the model"]),
        rows: (0..count).filter(shown).filter_map(row).collect(),
        ..Sheet::default()
    }
}
