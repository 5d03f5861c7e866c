//! `tundish simulate`: what a funnel brings, with what is not known about it, and what if.

mod inputs;

use std::path::Path;

use model::Currency;
use numbers::economics::funnel::{self, Funnel, LEVEL, Outcome, Range};
use numbers::real::{real_signed, unit};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use web::charts::{self, RangeRow, Ranges, Size, Unit};

use self::inputs::Inputs;
use crate::analyze::plot;
use crate::analyze::words::{count, figure, money_with, percent};
use crate::cli::Simulate;
use crate::output::{Output, refused, table, usage};

const SAMPLE: &str = include_str!("simulate/sample.toml");

#[derive(Debug, Serialize)]
struct Answer {
    /// `sample`, or the name of the file.
    inputs: String,
    currency: String,
    seed: u64,
    draws: u32,
    /// The share of draws inside each interval.
    level: f64,
    #[serde(flatten)]
    told: Told,
    /// The same without what `--set` changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Told>,
}

/// What came of all draws.
#[derive(Debug, Serialize)]
struct Told {
    visitors: u64,
    cost: f64,
    expected_profit: f64,
    profit: Interval,
    /// The share of draws with a loss.
    loss_share: Option<f64>,
    cac: Interval,
    payback: Payback,
    break_even: BreakEven,
    /// Margin of a customer after the first day: the most a first sale may lose.
    allowed_first_sale_loss: Interval,
    steps: Vec<Step>,
    warnings: Vec<String>,
}

/// Null ends are not known, or infinite.
#[derive(Debug, Clone, Copy, Serialize)]
struct Interval {
    low: Option<f64>,
    middle: Option<f64>,
    high: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Payback {
    /// By which half of the draws have paid back; null: not yet by the last step, or not known.
    day: Option<u32>,
    /// Of all draws; null where nobody comes.
    share: Option<f64>,
}

/// The most each may cost without a loss.
#[derive(Debug, Serialize)]
struct BreakEven {
    cost_per_visitor: Interval,
    /// Of the first step, where it is no sale.
    cost_per_lead: Option<Interval>,
    cost_per_customer: Option<Interval>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: String,
    expected: f64,
    #[serde(flatten)]
    count: Interval,
}

/// Answers.
///
/// # Errors
/// The file cannot be read, or says what cannot be.
pub fn run(output: Output, flags: &Simulate) -> anyhow::Result<()> {
    if flags.sample {
        return output.line(SAMPLE.trim_end());
    }
    let (name, text) = match &flags.file {
        None => ("sample".to_owned(), SAMPLE.to_owned()),
        Some(path) => (path.display().to_string(), read(path)?),
    };
    let before = Inputs::read(&text, &name).map_err(refused)?;
    let mut after = before.clone();
    for pair in &flags.set {
        after.set(pair).map_err(usage)?;
    }
    let tell = |inputs: &Inputs| -> anyhow::Result<Told> {
        told(&inputs.funnel().map_err(refused)?, flags)
    };
    let answer = Answer {
        inputs: name,
        currency: after.currency(),
        seed: flags.seed,
        draws: flags.draws,
        level: LEVEL,
        told: tell(&after)?,
        before: (!flags.set.is_empty()).then(|| tell(&before)).transpose()?,
    };
    if flags.file.is_none() {
        output.say("the sample is simulated: tundish simulate --sample > funnel.toml begins yours");
    }
    plot::write(output, &flags.picture, || charts::ranges(&drawn(&answer), Size::Wide))?;
    output.either(&answer, || human(&answer))
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|why| usage(format!("{}: {why}", path.display())))
}

fn told(funnel: &Funnel, flags: &Simulate) -> anyhow::Result<Told> {
    let mut rng = StdRng::seed_from_u64(flags.seed);
    let outcome = funnel::simulate(funnel, flags.draws, &mut || unit(rng.random()));
    let outcome = outcome.map_err(|why| refused(why.to_string()))?;
    let lead = funnel.steps.first().filter(|step| step.margin.is_none());
    let per_taker = |at: usize| outcome.margin_per_taker.get(at).map(interval);
    let steps = funnel.steps.iter().zip(&outcome.steps).zip(&outcome.expected);
    Ok(Told {
        visitors: funnel.visitors,
        cost: outcome.cost,
        expected_profit: outcome.expected_margin - outcome.cost,
        profit: interval(&outcome.profit),
        loss_share: outcome.loss_share,
        cac: interval(&outcome.cac),
        payback: match funnel.visitors {
            // Nobody comes, so nothing is paid, and nothing paid back.
            0 => Payback { day: None, share: None },
            _ => Payback { day: outcome.payback_day, share: outcome.payback_share },
        },
        break_even: BreakEven {
            cost_per_visitor: interval(&outcome.margin_per_visitor),
            cost_per_lead: lead.and_then(|_| per_taker(0)),
            cost_per_customer: per_taker(funnel.customers),
        },
        allowed_first_sale_loss: interval(&outcome.later_margin_per_customer),
        steps: steps
            .map(|((step, range), expected)| Step {
                name: step.name.clone(),
                expected: *expected,
                count: interval(range),
            })
            .collect(),
        warnings: warnings(&outcome),
    })
}

fn interval(range: &Range) -> Interval {
    Interval { low: range.low, middle: range.middle, high: range.high }
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    let one = |step: &String| {
        format!(
            "{step}: nothing says how much its amounts differ (price_spread), so money has no \
             interval"
        )
    };
    outcome.spread_unknown.iter().map(one).collect()
}

fn drawn(answer: &Answer) -> Ranges {
    let minor = |amount: f64| amount * minor_per_unit(&answer.currency);
    let money: Word<'_> = &|amount| written(amount, &answer.currency);
    let row = |label: &str, told: &Told| RangeRow {
        label: label.to_owned(),
        text: between(told.profit, money),
        range: told.profit.low.zip(told.profit.high).map(|(low, high)| (minor(low), minor(high))),
        points: vec![told.profit.middle.map(minor)],
    };
    let mut rows: Vec<RangeRow> =
        answer.before.iter().map(|before| row("As it is", before)).collect();
    rows.push(row(if rows.is_empty() { "Profit" } else { "What if" }, &answer.told));
    let loss = answer
        .told
        .loss_share
        .map_or_else(String::new, |share| format!(", a loss in {} of the draws", percent(share)));
    Ranges {
        title: "Profit".to_owned(),
        about: format!("{}{loss}", between(answer.told.profit, money)),
        series: vec!["middle".to_owned()],
        rows,
        unit: Unit::Money(answer.currency.clone()),
    }
}

/// Minor units in one of the currency: 100 where it is none we know, as amounts are written then.
fn minor_per_unit(currency: &str) -> f64 {
    Currency::parse(currency).map_or(100.0, |known| real_signed(known.minor_per_unit()))
}

/// How a figure is written.
type Word<'a> = &'a dyn Fn(f64) -> String;

/// An amount with as many digits behind the point as the currency has.
fn written(amount: f64, currency: &str) -> String {
    let digits = Currency::parse(currency).map_or(2, Currency::exponent);
    money_with(amount, usize::try_from(digits).unwrap_or(2))
}

/// The middle, and the interval where it is known.
fn between(interval: Interval, word: Word<'_>) -> String {
    match (interval.low, interval.middle, interval.high) {
        (Some(low), Some(middle), Some(high)) => {
            format!("{} ({} to {})", word(middle), word(low), word(high))
        }
        (Some(low), Some(middle), None) => format!("{} ({} or more)", word(middle), word(low)),
        (_, Some(middle), _) => format!("{} (no interval)", word(middle)),
        _ => "not known".to_owned(),
    }
}

type Line = (String, fn(&Told, Word<'_>) -> String);

fn human(answer: &Answer) -> Vec<String> {
    let currency = &answer.currency;
    let lines: [Line; 10] = [
        ("visitors".to_owned(), |told, _| count(told.visitors)),
        (format!("cost, {currency}"), |told, money| money(told.cost)),
        ("profit".to_owned(), |told, money| between(told.profit, money)),
        ("a loss in".to_owned(), |told, _| told.loss_share.map_or_else(dash, percent)),
        ("cost of a customer".to_owned(), |told, money| between(told.cac, money)),
        ("paid back".to_owned(), |told, _| match (told.payback.day, told.payback.share) {
            (Some(0), _) => "by the first order".to_owned(),
            (Some(day), _) => format!("by day {day}"),
            (None, Some(_)) => "not by the last step".to_owned(),
            (None, None) => "not known".to_owned(),
        }),
        ("a visitor may cost".to_owned(), |told, money| {
            between(told.break_even.cost_per_visitor, money)
        }),
        ("a lead may cost".to_owned(), |told, money| {
            told.break_even.cost_per_lead.map_or_else(dash, |one| between(one, money))
        }),
        ("a customer may cost".to_owned(), |told, money| {
            told.break_even.cost_per_customer.map_or_else(dash, |one| between(one, money))
        }),
        ("a first sale may lose".to_owned(), |told, money| {
            between(told.allowed_first_sale_loss, money)
        }),
    ];
    let money: Word<'_> = &|amount| written(amount, currency);
    let columns: Vec<&Told> = answer.before.iter().chain([&answer.told]).collect();
    let mut head = vec![String::new()];
    head.extend(answer.before.iter().map(|_| "as it is".to_owned()));
    head.push(if columns.len() > 1 { "what if" } else { "in 9 of 10 draws" }.to_owned());
    let mut rows = vec![head];
    rows.extend(lines.iter().map(|(label, of)| {
        std::iter::once(label.clone()).chain(columns.iter().map(|told| of(told, money))).collect()
    }));
    for (at, step) in answer.told.steps.iter().enumerate() {
        let of = |told: &&Told| {
            told.steps.get(at).map_or_else(dash, |step| between(step.count, &figure))
        };
        rows.push(std::iter::once(step.name.clone()).chain(columns.iter().map(of)).collect());
    }
    let mut out = table(&rows);
    out.push(String::new());
    out.push(format!(
        "{} draws from seed {}; intervals hold {} of them",
        count(u64::from(answer.draws)),
        answer.seed,
        percent(answer.level),
    ));
    out.extend(answer.told.warnings.iter().map(|warning| format!("! {warning}")));
    out
}

fn dash() -> String {
    "–".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_of_the_amounts_that_are_told_whatever_the_currency() {
        for (currency, parts) in [("USD", 100.0), ("JPY", 1.0), ("KWD", 1_000.0), ("XQQ", 100.0)] {
            let some = Interval { low: Some(900.0), middle: Some(1_500.0), high: Some(2_000.0) };
            let unknown = Interval { low: None, middle: None, high: None };
            let break_even =
                BreakEven { cost_per_visitor: some, cost_per_lead: None, cost_per_customer: None };
            let told = Told {
                visitors: 1,
                cost: 0.0,
                expected_profit: 0.0,
                profit: some,
                loss_share: None,
                cac: unknown,
                payback: Payback { day: None, share: None },
                break_even,
                allowed_first_sale_loss: unknown,
                steps: Vec::new(),
                warnings: Vec::new(),
            };
            let (inputs, currency) = (String::new(), currency.to_owned());
            let answer =
                Answer { inputs, currency, seed: 1, draws: 100, level: LEVEL, told, before: None };
            let picture = drawn(&answer);
            assert_eq!(picture.rows[0].points, [Some(1_500.0 * parts)], "{}", answer.currency);
            assert_eq!(picture.rows[0].range, Some((900.0 * parts, 2_000.0 * parts)));
        }
    }
}
