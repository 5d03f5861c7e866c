//! `tundish analyze ltv`: what customers will still buy, and what that is worth now.

mod tracking;

use std::collections::BTreeMap;

use numbers::lifetime::{
    self, AtFirst, BetaGeometric, Customer, Fitted, GammaGamma, History, Model, ParetoNbd, Unfit,
};
use numbers::real::{ratio, real_len};
use serde::Serialize;
use web::charts::{self, Size};

use self::tracking::Tracked;
use super::buyers::{Buyers, PARTS};
use super::dates;
use super::formats::said;
use super::left_out::LeftOut;
use super::plot;
use super::sales::Wanted;
use super::words::{count, figure, figures, money, percent, some};
use crate::cli::Ltv;
use crate::output::{Output, table, usage};

/// With fewer who came back, a forecast is a guess, and says so.
const FEW: usize = 30;
/// Nobody plans further ahead; and a model's sum takes the longer, the further it looks.
const WEEKS_MAX: f64 = 5_200.0;

#[derive(Debug, Serialize)]
struct Answer {
    customers: usize,
    repeat_purchases: u64,
    came_back: usize,
    first_day: String,
    until: String,
    /// What was paid so far, by all.
    paid: Option<f64>,
    bg_nbd: Option<Fit>,
    mbg_nbd: Option<Fit>,
    pareto_nbd: Option<Fit>,
    gamma_gamma: Option<Spend>,
    /// What all will still bring, worth now.
    total_clv: Option<f64>,
    warnings: Vec<String>,
    left_out: LeftOut,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per_customer: Option<Vec<One>>,
}

/// A model of buying and leaving.
#[derive(Debug, Serialize)]
struct Fit {
    /// By their names in the literature; null where the data do not settle them.
    #[serde(flatten)]
    parameters: BTreeMap<String, Option<f64>>,
    log_likelihood: f64,
    se: BTreeMap<String, Option<f64>>,
    /// Purchases of all in the weeks ahead; null where the model cannot say.
    expected: Option<f64>,
    /// Purchases of somebody new in as many weeks, after the first.
    expected_new: Option<f64>,
    #[serde(skip)]
    order: Vec<String>,
}

/// The model of spend.
#[derive(Debug, Serialize)]
struct Spend {
    /// Null where the data do not settle it, as `q` and `gamma`.
    p: Option<f64>,
    q: Option<f64>,
    gamma: Option<f64>,
    /// Of one purchase.
    mean: Option<f64>,
    log_likelihood: f64,
    /// Of frequency and spend: the model assumes there is none.
    correlation: Option<f64>,
}

#[derive(Debug, Serialize)]
struct One {
    customer: String,
    repeats: u32,
    /// Weeks.
    last: f64,
    /// Weeks.
    age: f64,
    paid: Option<f64>,
    bg_nbd: Option<Ahead>,
    pareto_nbd: Option<Ahead>,
    clv: Option<f64>,
}

/// What a model says of one customer.
#[derive(Debug, Serialize)]
struct Ahead {
    /// Purchases in the weeks ahead; null where the model cannot say.
    expected: Option<f64>,
    /// How probable it is that they buy at all any more.
    alive: f64,
}

impl Ahead {
    fn of<M: Model>(fit: Option<&Fitted<M>>, customer: &Customer, weeks: f64) -> Option<Self> {
        let model = &fit?.model;
        let expected = known(model.expected(customer, weeks));
        Some(Self { expected, alive: model.alive(customer) })
    }
}

/// Answers.
///
/// # Errors
/// The file holds no sales, or a flag is no use.
pub fn run(output: Output, flags: &Ltv) -> anyhow::Result<()> {
    let weeks = horizon(flags)?;
    let rate = discount(flags)?;
    let buyers = Buyers::read(&flags.table, Wanted { amount: false, said: said(&flags.table)? })?;
    let until = buyers.last_day(flags.until.as_deref(), "--until")?;
    let histories = lifetime::histories(&buyers.bought, until, PARTS);
    if histories.is_empty() {
        return Err(usage(format!("--until {}: nobody had bought by then", dates::iso(until))));
    }
    let customers: Vec<Customer> = histories.iter().map(|history| history.known).collect();
    let mut warnings = Vec::new();
    warnings.extend(buyers.doubtful_end(flags.until.as_deref(), "--until"));
    warnings.extend(rough(customers.iter().filter(|one| one.repeats > 0).count()));
    let learned = Learned::of(&customers, buyers.has_amounts, rate, &mut warnings);
    let known =
        Known { buyers: &buyers, histories: &histories, customers: &customers, until, weeks };
    let answer = known.answer(&learned, warnings, flags.per_customer);
    output.say(&buyers.told);
    plot::write(output, &flags.picture, || {
        let tracked = Tracked { bought: &buyers.bought, histories: &histories, until, weeks };
        let bg = learned.bg.as_ref().map(|fit| ("BG/NBD", &fit.model));
        charts::lines(&tracking::lines(&tracked, bg), Size::Wide)
    })?;
    output.either(&answer, || human(&answer, flags))
}

/// The models, as far as they fit.
struct Learned {
    bg: Option<Fitted<BetaGeometric>>,
    mbg: Option<Fitted<BetaGeometric>>,
    pareto: Option<Fitted<ParetoNbd>>,
    spend: Option<Fitted<GammaGamma>>,
    /// What money loses in a week.
    rate: f64,
}

impl Learned {
    fn of(known: &[Customer], has_amounts: bool, rate: f64, warnings: &mut Vec<String>) -> Self {
        Self {
            bg: fitted("BG/NBD", BetaGeometric::fit(known, AtFirst::Stays), warnings),
            mbg: fitted("MBG/NBD", BetaGeometric::fit(known, AtFirst::MayLeave), warnings),
            pareto: fitted("Pareto/NBD", ParetoNbd::fit(known), warnings),
            spend: has_amounts
                .then(|| fitted("Gamma-Gamma", GammaGamma::fit(known), warnings))
                .flatten(),
            rate,
        }
    }

    /// What a customer will still bring, worth now.
    fn clv(&self, customer: &Customer) -> Option<f64> {
        let (pareto, spend) = (self.pareto.as_ref()?, self.spend.as_ref()?);
        lifetime::worth(&pareto.model, &spend.model, customer, self.rate, None)
    }
}

/// What a file says of its customers.
struct Known<'a> {
    buyers: &'a Buyers,
    histories: &'a [History<u32>],
    customers: &'a [Customer],
    until: i64,
    weeks: f64,
}

impl Known<'_> {
    fn answer(&self, learned: &Learned, warnings: Vec<String>, per_customer: bool) -> Answer {
        let Self { buyers, histories, customers, until, weeks } = *self;
        let first_day = histories.iter().map(|one| one.first_day).min();
        let total_clv = customers.iter().map(|one| learned.clv(one)).sum::<Option<f64>>();
        Answer {
            customers: customers.len(),
            repeat_purchases: customers.iter().map(|one| u64::from(one.repeats)).sum(),
            came_back: customers.iter().filter(|one| one.repeats > 0).count(),
            first_day: first_day.map_or_else(String::new, dates::iso),
            until: dates::iso(until),
            paid: self.paid(histories.iter().map(|history| history.paid).sum()),
            bg_nbd: learned.bg.as_ref().map(|fit| shown(fit, customers, weeks)),
            mbg_nbd: learned.mbg.as_ref().map(|fit| shown(fit, customers, weeks)),
            pareto_nbd: learned.pareto.as_ref().map(|fit| shown(fit, customers, weeks)),
            gamma_gamma: learned.spend.as_ref().map(|fit| of_spend(fit, customers)),
            total_clv: total_clv.filter(|sum| sum.is_finite()),
            warnings,
            left_out: buyers.left_out.clone(),
            notes: buyers.left_out.notes.clone(),
            per_customer: per_customer
                .then(|| histories.iter().map(|history| self.one(history, learned)).collect()),
        }
    }

    fn one(&self, history: &History<u32>, learned: &Learned) -> One {
        One {
            customer: self.buyers.name(history.customer).to_owned(),
            repeats: history.known.repeats,
            last: history.known.last,
            age: history.known.age,
            paid: self.paid(history.paid),
            bg_nbd: Ahead::of(learned.bg.as_ref(), &history.known, self.weeks),
            pareto_nbd: Ahead::of(learned.pareto.as_ref(), &history.known, self.weeks),
            clv: learned.clv(&history.known),
        }
    }

    /// In whole units; nothing where no column says what was paid.
    fn paid(&self, parts: i64) -> Option<f64> {
        let has_amounts = self.buyers.has_amounts;
        has_amounts.then(|| numbers::real::real_signed(parts) / f64::from(PARTS))
    }
}

/// How many weeks ahead.
fn horizon(flags: &Ltv) -> anyhow::Result<f64> {
    let weeks = flags.horizon_weeks;
    if weeks > 0.0 && weeks <= WEEKS_MAX {
        return Ok(weeks);
    }
    Err(usage(format!(
        "--horizon-weeks {weeks}: give a number of weeks above zero, {WEEKS_MAX} at most (a \
         hundred years)"
    )))
}

/// What money loses in a week.
fn discount(flags: &Ltv) -> anyhow::Result<f64> {
    lifetime::weekly_rate(flags.discount / 100.0)
        .filter(|rate| *rate > 0.0)
        .ok_or_else(|| usage("--discount: give the percent a year, above zero"))
}

/// Said where few came back.
fn rough(came_back: usize) -> Option<String> {
    let who = || some(u64::try_from(came_back).unwrap_or(0), "customer");
    (1..FEW)
        .contains(&came_back)
        .then(|| format!("only {} came back so far: take the forecast as a rough guess", who()))
}

fn fitted<M>(
    name: &str,
    fit: Result<Fitted<M>, Unfit>,
    warnings: &mut Vec<String>,
) -> Option<Fitted<M>> {
    match fit {
        Ok(fit) => {
            warnings.extend(fit.warnings.iter().map(|warning| format!("{name}: {warning}")));
            Some(fit)
        }
        Err(why) => {
            warnings.push(format!("{name}: {why}"));
            None
        }
    }
}

/// What is a number.
fn known(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn shown<M: Model>(fit: &Fitted<M>, customers: &[Customer], weeks: f64) -> Fit {
    let by_name = |of: fn(&lifetime::Parameter) -> Option<f64>| {
        fit.parameters.iter().map(|one| (one.name.clone(), of(one))).collect()
    };
    Fit {
        parameters: by_name(|one| one.value),
        se: by_name(|one| one.standard_error),
        log_likelihood: fit.log_likelihood,
        expected: known(customers.iter().map(|one| fit.model.expected(one, weeks)).sum()),
        expected_new: known(fit.model.expected_new(weeks)),
        order: fit.parameters.iter().map(|one| one.name.clone()).collect(),
    }
}

fn of_spend(fit: &Fitted<GammaGamma>, known: &[Customer]) -> Spend {
    let value =
        |name: &str| fit.parameters.iter().find(|one| one.name == name).and_then(|one| one.value);
    Spend {
        p: value("p"),
        q: value("q"),
        gamma: value("gamma"),
        mean: fit.model.mean(),
        log_likelihood: fit.log_likelihood,
        correlation: lifetime::correlation(known),
    }
}

fn human(answer: &Answer, flags: &Ltv) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} from {} to {}; {} came back ({}), {} after the first",
            some(u64::try_from(answer.customers).unwrap_or(0), "customer"),
            answer.first_day,
            answer.until,
            count(u64::try_from(answer.came_back).unwrap_or(0)),
            percent(real_len(answer.came_back) / real_len(answer.customers)),
            some(answer.repeat_purchases, "purchase"),
        ),
        String::new(),
    ];
    lines.extend(worth(answer, flags));
    lines.push(String::new());
    lines.extend(models(answer, flags.horizon_weeks));
    lines.extend(answer.gamma_gamma.as_ref().map(spent));
    lines.extend(answer.warnings.iter().map(|warning| format!("! {warning}")));
    lines.extend(answer.left_out.told());
    lines.extend(answer.per_customer.iter().flat_map(|all| each(all)));
    lines
}

/// What all of them paid, and what is still to come.
fn worth(answer: &Answer, flags: &Ltv) -> Vec<String> {
    let each = |sum: f64| money(ratio(sum, real_len(answer.customers)).unwrap_or(0.0));
    let mut lines = Vec::new();
    lines.extend(answer.paid.map(|paid| {
        format!("paid so far            {:>16}   {} a customer", money(paid), each(paid))
    }));
    lines.extend(answer.total_clv.map(|clv| {
        format!(
            "still to come, now     {:>16}   {} a customer (revenue; {} % a year off)",
            money(clv),
            each(clv),
            flags.discount,
        )
    }));
    let expected = answer.bg_nbd.as_ref().and_then(|fit| fit.expected);
    if answer.total_clv.is_none()
        && let Some(expected) = expected
    {
        let mean = answer.gamma_gamma.as_ref().and_then(|spend| spend.mean);
        let worth = mean.map_or_else(String::new, |mean| {
            format!("   about {} at {} each", money(expected * mean), money(mean))
        });
        let ahead = format!("in the next {}", figures(flags.horizon_weeks, "week"));
        lines.push(format!("{ahead:<22} {expected:>16.1}{worth} (purchases, by BG/NBD)"));
    }
    lines
}

fn spent(spend: &Spend) -> String {
    let maybe = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
    format!(
        "Gamma-Gamma: mean purchase {} (p {}, q {}, γ {}; ln likelihood {}; spend and frequency \
         correlate {})",
        spend.mean.map_or_else(|| "not known".to_owned(), money),
        maybe(spend.p),
        maybe(spend.q),
        maybe(spend.gamma),
        figure(spend.log_likelihood),
        maybe(spend.correlation),
    )
}

fn models(answer: &Answer, weeks: f64) -> Vec<String> {
    let ahead = format!("purchases in {}", figures(weeks, "week"));
    let head = ["model", "parameters", "ln likelihood", &ahead].map(str::to_owned);
    let mut rows = vec![head.to_vec()];
    let all = [
        ("BG/NBD", &answer.bg_nbd),
        ("MBG/NBD", &answer.mbg_nbd),
        ("Pareto/NBD", &answer.pareto_nbd),
    ];
    for (name, fit) in all {
        let Some(fit) = fit else { continue };
        let one = |name: &String| {
            let value = fit.parameters.get(name).copied().flatten();
            let error = fit.se.get(name).copied().flatten();
            match (value, error) {
                (Some(value), Some(error)) => {
                    format!("{name} {} ±{}", figure(value), figure(error))
                }
                (Some(value), None) => format!("{name} {}", figure(value)),
                (None, _) => format!("{name} –"),
            }
        };
        let settled = fit.parameters.values().any(Option::is_some);
        let parameters = match settled {
            true => fit.order.iter().map(one).collect::<Vec<_>>().join("  "),
            false => "not settled by these purchases".to_owned(),
        };
        rows.push(vec![
            name.to_owned(),
            parameters,
            figure(fit.log_likelihood),
            fit.expected.map_or_else(|| "–".to_owned(), figure),
        ]);
    }
    if rows.len() > 1 { table(&rows) } else { Vec::new() }
}

fn each(all: &[One]) -> Vec<String> {
    let head = ["customer", "again", "last", "age", "paid", "alive", "expected", "worth now"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let maybe = |value: Option<f64>, word: fn(f64) -> String| value.map_or_else(String::new, word);
    rows.extend(all.iter().map(|one| {
        vec![
            one.customer.clone(),
            one.repeats.to_string(),
            format!("{:.1}", one.last),
            format!("{:.1}", one.age),
            maybe(one.paid, money),
            maybe(one.pareto_nbd.as_ref().map(|ahead| ahead.alive), percent),
            maybe(one.pareto_nbd.as_ref().and_then(|ahead| ahead.expected), figure),
            maybe(one.clv, money),
        ]
    }));
    std::iter::once(String::new()).chain(table(&rows)).collect()
}
