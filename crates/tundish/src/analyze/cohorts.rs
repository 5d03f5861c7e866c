//! `tundish analyze cohorts`: who came when, and how many of them came back.
//!
//! Sales are summed by customer and period while they are read, so that a file may be larger than
//! memory as long as its customers are not.

use std::collections::HashMap;

use numbers::cohorts::{Month, PeriodCohort, PeriodPurchase, Week, by_period};
use numbers::real::{ratio, real, real_signed};
use serde::Serialize;

use super::buyers::{PARTS, parts};
use super::columns::Columns;
use super::dates;
use super::sales::{self, LeftOut, Wanted};
use super::source::Source;
use super::words::{count, money, some};
use crate::cli::Cohorts;
use crate::output::{Output, table, usage};

/// Periods that are printed for people.
const PERIODS_MAX: usize = 24;

#[derive(Debug, Serialize)]
struct Answer {
    customers: u64,
    cohorts: Vec<Cohort>,
    left_out: LeftOut,
}

#[derive(Debug, Serialize)]
struct Cohort {
    /// `2010-12`, or the Monday of a week.
    start: String,
    size: u64,
    /// Customers who bought in each period from the first on.
    active: Vec<u64>,
    /// What they paid in it.
    revenue: Vec<f64>,
}

/// How long a period is.
#[derive(Debug, Clone, Copy)]
enum By {
    Month,
    Week,
}

impl By {
    fn period(self, day: i64) -> Option<i32> {
        match self {
            Self::Month => {
                let date = dates::date(day)?;
                Some(Month::new(i32::from(date.year()), u8::try_from(date.month()).ok()?).0)
            }
            Self::Week => Some(Week::of_day(i32::try_from(day).ok()?).0),
        }
    }

    fn name(self, period: i32) -> String {
        match self {
            Self::Month => format!("{:04}-{:02}", Month(period).year(), Month(period).month()),
            Self::Week => dates::iso(i64::from(Week(period).monday())),
        }
    }
}

/// Answers.
///
/// # Errors
/// The file holds no sales, or a flag is no use.
pub fn run(output: Output, flags: &Cohorts) -> anyhow::Result<()> {
    let by = match flags.by.as_str() {
        "month" => By::Month,
        "week" => By::Week,
        other => return Err(usage(format!("--by {other:?}: say month or week"))),
    };
    let mut source = Source::open(&flags.table.file)?;
    let mut columns = Columns::mapped(source.headers(), &flags.table.map)?;
    let mut sums = Sums::default();
    let left_out = sales::read(&mut source, &mut columns, Wanted::default(), &mut |sale| {
        sums.add(sale.customer, dates::day_of(sale.at), sale.amount, by);
    })?;
    let customers = u64::try_from(sums.places.len()).unwrap_or(u64::MAX);
    let purchases = sums.purchases();
    let last = purchases.iter().map(|one| one.period).max().unwrap_or(0);
    let cohorts = by_period(&purchases, last);
    let answer = Answer {
        customers,
        cohorts: cohorts.into_iter().map(|cohort| shown(cohort, by)).collect(),
        left_out,
    };
    output.say(columns.told());
    output.either(&answer, || human(&answer))
}

/// What each customer paid in each period.
#[derive(Default)]
struct Sums {
    places: HashMap<String, i64>,
    paid: HashMap<(i64, i32), i64>,
    /// The period of the day that was last asked for: files are in order more often than not.
    known: Option<(i64, i32)>,
}

impl Sums {
    fn add(&mut self, customer: &str, day: i64, amount: Option<f64>, by: By) {
        let period = match self.known {
            Some((known, period)) if known == day => Some(period),
            _ => by.period(day),
        };
        let Some(period) = period else { return };
        self.known = Some((day, period));
        let place = match self.places.get(customer) {
            Some(place) => *place,
            None => {
                let place = i64::try_from(self.places.len()).unwrap_or(i64::MAX);
                self.places.insert(customer.to_owned(), place);
                place
            }
        };
        let sum = self.paid.entry((place, period)).or_default();
        *sum = sum.saturating_add(amount.and_then(parts).unwrap_or(0));
    }

    fn purchases(self) -> Vec<PeriodPurchase> {
        let one =
            |((customer, period), revenue)| PeriodPurchase { customer, period, revenue, margin: 0 };
        self.paid.into_iter().map(one).collect()
    }
}

fn shown(cohort: PeriodCohort, by: By) -> Cohort {
    let units = |paid: &i64| real_signed(*paid) / f64::from(PARTS);
    Cohort {
        start: by.name(cohort.start),
        size: cohort.size,
        active: cohort.active,
        revenue: cohort.revenue.iter().map(units).collect(),
    }
}

fn human(answer: &Answer) -> Vec<String> {
    let periods = answer.cohorts.iter().map(|cohort| cohort.active.len()).max().unwrap_or(0);
    let shown = periods.min(PERIODS_MAX);
    let mut lines = vec![
        format!(
            "{} by their first order; how many of each hundred bought again",
            some(answer.customers, "customer")
        ),
        String::new(),
    ];
    let head = ["first order", "customers", "paid"].map(str::to_owned).into_iter();
    let mut rows = vec![head.chain((0..shown).map(|k| k.to_string())).collect::<Vec<_>>()];
    for cohort in &answer.cohorts {
        let paid: f64 = cohort.revenue.iter().sum();
        let mut row = vec![cohort.start.clone(), count(cohort.size), money(paid)];
        row.extend(cohort.active.iter().take(shown).map(|active| {
            let share = ratio(real(*active), real(cohort.size)).unwrap_or(0.0);
            format!("{:.0}", share * 100.0)
        }));
        rows.push(row);
    }
    lines.extend(table(&rows));
    if shown < periods {
        lines.push(format!("({shown} of {periods} periods; all are in --json)"));
    }
    lines.extend(answer.left_out.told());
    lines
}
