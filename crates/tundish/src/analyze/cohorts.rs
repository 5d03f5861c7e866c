//! `tundish analyze cohorts`: who came when, and how many of them came back.
//!
//! Sales are summed by customer and period while they are read, so that a file may be larger than
//! memory as long as its customers are not.

use numbers::cohorts::{Grid, InPeriod, Month, PeriodCohort, Week};
use numbers::real::{ratio, real, real_signed};
use serde::Serialize;
use web::charts::{self, Heat, HeatRow, Unit};

use super::buyers::{PARTS, parts};
use super::columns::Columns;
use super::dates;
use super::formats::said;
use super::left_out::LeftOut;
use super::names::Names;
use super::plot;
use super::sales::{self, Sale, Sink, Wanted};
use super::source::Source;
use super::words::{count, money, some};
use crate::cli::Cohorts;
use crate::output::{Output, table, usage};

/// Periods that are printed for people.
const PERIODS_MAX: usize = 24;
/// Cohorts and periods that can be read in one picture.
const DRAWN_MAX: (usize, usize) = (36, 13);

#[derive(Debug, Serialize)]
struct Answer {
    customers: u64,
    cohorts: Vec<Cohort>,
    left_out: LeftOut,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Cohort {
    /// `2010-12`, or the Monday of a week.
    start: String,
    size: u64,
    /// Customers who bought in each period from the first on.
    active: Vec<u64>,
    /// What they paid in it; null where no column says.
    revenue: Option<Vec<f64>>,
}

/// How long a period is.
#[derive(Debug, Clone, Copy)]
enum By {
    Month,
    Week,
}

impl By {
    fn period(self, day: i64) -> Option<i32> {
        let day = i32::try_from(day).ok()?;
        Some(match self {
            Self::Month => Month::of_day(day).0,
            Self::Week => Week::of_day(day).0,
        })
    }

    /// Said where the period of the last day that is known goes on behind it.
    fn running(self, day: i64) -> Option<String> {
        let period = self.period(day)?;
        let word = match self {
            Self::Month => "month",
            Self::Week => "week",
        };
        (self.period(day + 1) == Some(period)).then(|| {
            format!(
                "the last sale is of {}: the {word} {} may not be over, and then what stands in it \
                 is not whole",
                dates::iso(day),
                self.name(period),
            )
        })
    }

    fn name(self, period: i32) -> String {
        match self {
            Self::Month => Month(period).to_string(),
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
    let mut sums = Sums::of(by);
    let wanted = Wanted { amount: false, said: said(&flags.table)? };
    let mut left_out = sales::read(&mut source, &mut columns, wanted, &mut sums)?;
    sums.settle();
    left_out.notes.extend(sums.last.and_then(|day| by.running(day)));
    let customers = u64::try_from(sums.names.len()).unwrap_or(u64::MAX);
    let shown = |cohort| shown(cohort, by, sums.has_amounts);
    let cohorts = sums.cohorts().into_iter().map(shown).collect();
    let answer = Answer { customers, cohorts, notes: left_out.notes.clone(), left_out };
    output.say(columns.told());
    plot::write(output, &flags.picture, || charts::heat(&drawn(&answer)))?;
    output.either(&answer, || human(&answer))
}

/// Rows that wait to be summed: in the order of customers, memory is walked through instead of
/// jumped about in, which for many customers is most of the time.
const WAITING_MAX: usize = 1 << 20;

/// What each customer paid in each period.
struct Sums {
    by: By,
    /// The last day on which anybody bought.
    last: Option<i64>,
    names: Names,
    /// By customer: period and sum, ascending.
    paid: Vec<Vec<(i32, i64)>>,
    /// Customer, period and amount.
    waiting: Vec<(u32, i32, i64)>,
    has_amounts: bool,
}

impl Sink for Sums {
    fn take(&mut self, sale: &Sale<'_>) {
        let Some(period) = self.by.period(sale.day) else { return };
        self.last = self.last.max(Some(sale.day));
        self.has_amounts |= sale.amount.is_some();
        let amount = sale.amount.and_then(parts).unwrap_or(0);
        self.waiting.push((self.names.place(sale.customer), period, amount));
        if self.waiting.len() >= WAITING_MAX {
            self.settle();
        }
    }

    fn clear(&mut self) {
        *self = Self::of(self.by);
    }
}

impl Sums {
    fn of(by: By) -> Self {
        Self {
            by,
            last: None,
            names: Names::default(),
            paid: Vec::new(),
            waiting: Vec::new(),
            has_amounts: false,
        }
    }

    fn settle(&mut self) {
        self.waiting.sort_unstable_by_key(|(customer, ..)| *customer);
        self.paid.resize_with(self.names.len(), Vec::new);
        for &(customer, period, amount) in &self.waiting {
            let place = usize::try_from(customer).unwrap_or(usize::MAX);
            let Some(own) = self.paid.get_mut(place) else { continue };
            match own.binary_search_by_key(&period, |(known, _)| *known) {
                Ok(at) => {
                    if let Some((_, sum)) = own.get_mut(at) {
                        *sum = sum.saturating_add(amount);
                    }
                }
                Err(at) => own.insert(at, (period, amount)),
            }
        }
        self.waiting.clear();
    }

    fn cohorts(&self) -> Vec<PeriodCohort> {
        let mut grid = Grid::default();
        for own in &self.paid {
            let one = |&(period, revenue)| InPeriod { period, revenue, margin: 0 };
            grid.add(own.iter().map(one));
        }
        let last = self.paid.iter().filter_map(|own| own.last()).map(|(period, _)| *period).max();
        grid.cohorts(last.unwrap_or(0))
    }
}

fn shown(cohort: PeriodCohort, by: By, has_amounts: bool) -> Cohort {
    let units = |paid: &i64| real_signed(*paid) / f64::from(PARTS);
    Cohort {
        start: by.name(cohort.start),
        size: cohort.size,
        active: cohort.active,
        revenue: has_amounts.then(|| cohort.revenue.iter().map(units).collect()),
    }
}

/// The youngest cohorts, and the share of each that bought in the periods after the first.
fn drawn(answer: &Answer) -> Heat {
    let (rows_max, columns_max) = DRAWN_MAX;
    let skipped = answer.cohorts.len().saturating_sub(rows_max);
    let shown = || answer.cohorts.iter().skip(skipped);
    let periods = shown().map(|cohort| cohort.active.len()).max().unwrap_or(0).min(columns_max);
    let row = |cohort: &Cohort| HeatRow {
        label: cohort.start.clone(),
        size: count(cohort.size),
        cells: (cohort.active.iter().take(periods))
            .map(|active| ratio(real(*active), real(cohort.size)))
            .collect(),
    };
    let older = match skipped {
        0 => String::new(),
        1 => "; 1 older cohort is in the table".to_owned(),
        n => format!("; {n} older cohorts are in the table"),
    };
    Heat {
        title: "Customers who bought again, by their first order".to_owned(),
        about: format!("{}{older}", some(answer.customers, "customer")),
        corner: "First order".to_owned(),
        columns: (0..periods).map(|k| k.to_string()).collect(),
        rows: shown().map(row).collect(),
        unit: Unit::Share,
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
    let has_amounts = answer.cohorts.iter().any(|cohort| cohort.revenue.is_some());
    let mut head = vec!["first order".to_owned(), "customers".to_owned()];
    head.extend(has_amounts.then(|| "paid".to_owned()));
    let mut rows =
        vec![head.into_iter().chain((0..shown).map(|k| k.to_string())).collect::<Vec<_>>()];
    for cohort in &answer.cohorts {
        let mut row = vec![cohort.start.clone(), count(cohort.size)];
        row.extend(cohort.revenue.iter().map(|paid| money(paid.iter().sum())));
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
