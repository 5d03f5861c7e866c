//! What customers will still buy and what that is worth: BG/NBD and Gamma-Gamma, with what they say
//! of the past held against what happened.

use std::collections::{BTreeMap, HashMap};

use model::ids::ContactId;
use numbers::concentration::{gini, share_of_best};
use numbers::lifetime::{
    self, AtFirst, BetaGeometric, Customer, Fitted, GammaGamma, Model, Purchase, Unfit,
};
use numbers::real::{ratio, real_len, real_signed};
use serde::{Deserialize, Serialize};
use store::customer_figures::CustomerFigure;

/// Fewer customers who came back settle nothing: the page says so and shows no forecast.
pub const RETURNED_MIN: i64 = 30;
/// How far ahead it is looked.
pub const WEEKS_AHEAD: i64 = 52;
/// A history of so many days is long enough to hold a forecast against its own end: half a year.
const HELD_OUT_DAYS_MIN: i64 = 182;
/// Two parts in three of it are fitted, the rest is forecast.
const FITTED_PARTS: (i64, i64) = (2, 3);
/// Customers by repeat purchases: each number up to this, and all above together.
const REPEATS_SHOWN: u32 = 7;
/// Customers listed.
const LISTED: usize = 100;
const DAYS_A_WEEK: i64 = 7;

/// Everything the page of lifetime value shows that is not a plain sum.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Customers who came back on a later day.
    pub returned: i64,
    /// Their later days.
    pub repeats: i64,
    /// How unevenly what was paid is spread over customers.
    pub gini: Option<f64>,
    /// What the best tenth paid of all.
    pub best_tenth: Option<f64>,
    /// Nothing where too few came back.
    pub forecast: Option<Forecast>,
    /// Why there is none, where enough came back.
    pub unfit: Option<String>,
}

/// What the models say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// BG/NBD, by which everything is forecast.
    pub bg: Shown,
    /// MBG/NBD beside it.
    pub mbg: Option<Shown>,
    /// Gamma-Gamma.
    pub spend: Option<Shown>,
    /// Mean spend a purchase by it, in minor units.
    pub mean_spend: Option<f64>,
    /// Of frequency and spend, which the model takes for independent.
    pub correlation: Option<f64>,
    /// Margin of later purchases over what was paid for them.
    pub margin_share: Option<f64>,
    /// Customers by repeat purchases: there are, and by the model.
    pub by_repeats: Vec<(i64, f64)>,
    /// Repeat purchases so far, week by week.
    pub tracking: Tracking,
    /// Of all customers, over the weeks ahead.
    pub ahead: Ahead,
    /// By the channel of the first touch.
    pub channels: Vec<(String, Ahead)>,
    /// The most valuable customers.
    pub top: Vec<Top>,
}

/// A fitted model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// Name, value and standard error; nothing where the data do not settle it.
    pub parameters: Vec<(String, Option<f64>, Option<f64>)>,
    /// ln of the likelihood.
    pub log_likelihood: f64,
    /// What to say beside it.
    pub warnings: Vec<String>,
    /// Repeat purchases of all in the weeks ahead.
    pub expected: Option<f64>,
}

/// Repeat purchases since the first order of all, summed up week by week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tracking {
    /// The first day.
    pub from: i64,
    /// The last day that was fitted.
    pub fitted_to: i64,
    /// Whether what came later was held out.
    pub held_out: bool,
    /// By the end of each week: there were, and by the model.
    pub weeks: Vec<(i64, f64)>,
    /// The same of the days that were held out alone.
    pub later: Option<(i64, f64)>,
}

/// What is expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    /// Customers.
    pub customers: i64,
    /// How many of them are still customers.
    pub alive: f64,
    /// Purchases.
    pub expected: f64,
    /// Their margin in minor units.
    pub value: Option<f64>,
}

/// A customer of the list.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Top {
    /// Who.
    pub contact: i64,
    /// Orders.
    pub orders: i64,
    /// The day of the last one.
    pub last_day: i64,
    /// Margin so far, in minor units.
    pub margin_minor: i64,
    /// The chance that they are still a customer.
    pub alive: f64,
    /// Purchases expected.
    pub expected: f64,
    /// Their margin, in minor units.
    pub value: Option<f64>,
}

/// Purchases as they are read: customer by customer, first to last.
#[derive(Debug, Default)]
pub(super) struct Purchases {
    from: i64,
    fitted_to: i64,
    held_out: bool,
    /// Repeat purchases on each day since `from`.
    on_day: Vec<i64>,
    /// What was known of customers on `fitted_to`.
    known_then: Vec<Customer>,
    open: Vec<Purchase<i64>>,
}

impl Purchases {
    pub(super) fn of(figures: &[CustomerFigure], today: i64) -> Self {
        let from = figures.iter().map(|one| one.first_day).min().unwrap_or(today).min(today);
        let days = today - from;
        let held_out = days >= HELD_OUT_DAYS_MIN;
        let (part, parts) = FITTED_PARTS;
        let fitted_to = if held_out { from + days * part / parts } else { today };
        let length = usize::try_from(days + 1).unwrap_or(0);
        let on_day = vec![0; length];
        Self { from, fitted_to, held_out, on_day, ..Self::default() }
    }

    pub(super) fn add(&mut self, contact: ContactId, day: i64, amount: i64) {
        if self.open.first().is_some_and(|own| own.customer != contact.0) {
            self.end();
        }
        self.open.push(Purchase { customer: contact.0, day, amount });
    }

    /// The customer is through.
    pub(super) fn end(&mut self) {
        let mut days: Vec<i64> = self.open.iter().map(|own| own.day).collect();
        days.sort_unstable();
        days.dedup();
        for day in days.iter().skip(1) {
            let at = usize::try_from(day - self.from).unwrap_or(usize::MAX);
            if let Some(count) = self.on_day.get_mut(at) {
                *count += 1;
            }
        }
        if self.held_out {
            let then = lifetime::histories(&self.open, self.fitted_to, 1);
            self.known_then.extend(then.iter().map(|history| history.known));
        }
        self.open.clear();
    }
}

/// Fits the models to customers as they stand on day `at`.
pub(super) fn fit(figures: &[CustomerFigure], purchases: &Purchases, at: i64, parts: u32) -> Value {
    let paid: Vec<f64> = figures.iter().map(|one| real_signed(one.net_minor.max(0))).collect();
    let returned = figures.iter().filter(|one| one.repeat_days > 0).count();
    let mut value = Value {
        returned: i64::try_from(returned).unwrap_or(i64::MAX),
        repeats: figures.iter().map(|one| one.repeat_days).sum(),
        gini: gini(&paid),
        best_tenth: share_of_best(&paid, 0.1),
        ..Value::default()
    };
    if value.returned >= RETURNED_MIN {
        match forecast(figures, purchases, at, parts) {
            Ok(forecast) => value.forecast = Some(forecast),
            Err(why) => value.unfit = Some(why.to_string()),
        }
    }
    value
}

fn known(one: &CustomerFigure, at: i64, parts: u32) -> Customer {
    let weeks = |days: i64| real_signed(days.max(0)) / real_signed(DAYS_A_WEEK);
    let repeats = u32::try_from(one.repeat_days).unwrap_or(0);
    let spend = ratio(real_signed(one.repeat_minor), real_signed(one.repeat_days));
    Customer {
        repeats,
        last: if repeats > 0 { weeks(one.last_day - one.first_day) } else { 0.0 },
        age: weeks(at.max(one.last_day) - one.first_day),
        spend: spend.map(|spend| spend / f64::from(parts.max(1))),
    }
}

fn forecast(
    figures: &[CustomerFigure],
    purchases: &Purchases,
    at: i64,
    parts: u32,
) -> Result<Forecast, Unfit> {
    let customers: Vec<Customer> = figures.iter().map(|one| known(one, at, parts)).collect();
    let bg = BetaGeometric::fit(&customers, AtFirst::Stays)?;
    let mbg = BetaGeometric::fit(&customers, AtFirst::MayLeave).ok();
    let spend = GammaGamma::fit(&customers).ok();
    let sum = |of: fn(&CustomerFigure) -> i64| real_signed(figures.iter().map(of).sum());
    let margin_share = ratio(sum(|one| one.repeat_margin_minor), sum(|one| one.repeat_minor));
    let worth = Worth {
        spend: spend.as_ref().map(|fit| fit.model),
        // What is left of a unit paid, in minor units; a loss is no lifetime value to plan by.
        margin: margin_share.map(|share| share * f64::from(parts)),
    };
    let (ahead, channels, top) = ahead(figures, &customers, &bg.model, worth);
    let weeks = real_signed(WEEKS_AHEAD);
    let mut bg_shown = shown(&bg);
    bg_shown.expected = Some(ahead.expected);
    let mbg = mbg.map(|fit| Shown {
        expected: Some(expected_of_all(&fit.model, &customers, weeks)),
        ..shown(&fit)
    });
    Ok(Forecast {
        by_repeats: by_repeats(&bg.model, &customers),
        tracking: tracking(figures, purchases, &bg.model),
        bg: bg_shown,
        mbg,
        mean_spend: spend
            .as_ref()
            .and_then(|fit| fit.model.mean())
            .map(|mean| mean * f64::from(parts)),
        correlation: lifetime::correlation(&customers),
        spend: spend.as_ref().map(shown),
        margin_share,
        ahead,
        channels,
        top,
    })
}

fn shown<M>(fit: &Fitted<M>) -> Shown {
    let parameters = fit.parameters.iter();
    Shown {
        parameters: parameters
            .map(|one| (one.name.clone(), one.value, one.standard_error))
            .collect(),
        log_likelihood: fit.log_likelihood,
        warnings: fit.warnings.iter().map(ToString::to_string).collect(),
        expected: None,
    }
}

/// By what expected purchases become money.
#[derive(Clone, Copy)]
struct Worth {
    spend: Option<GammaGamma>,
    margin: Option<f64>,
}

impl Worth {
    fn of(self, customer: &Customer, expected: f64) -> Option<f64> {
        let value = expected * self.spend?.spend(customer)? * self.margin?;
        value.is_finite().then_some(value)
    }
}

/// Those who look alike to the model of buying are worked out once.
struct Alike<'m> {
    model: &'m BetaGeometric,
    weeks: f64,
    known: HashMap<(u32, u64, u64), (f64, f64)>,
}

impl Alike<'_> {
    /// The chance to be a customer still, and purchases in the weeks ahead.
    fn of(&mut self, customer: &Customer) -> (f64, f64) {
        let key = (customer.repeats, customer.last.to_bits(), customer.age.to_bits());
        let (model, weeks) = (self.model, self.weeks);
        let worked_out = || (model.alive(customer), model.expected(customer, weeks));
        *self.known.entry(key).or_insert_with(worked_out)
    }
}

fn expected_of_all(model: &BetaGeometric, customers: &[Customer], weeks: f64) -> f64 {
    let mut alike = Alike { model, weeks, known: HashMap::new() };
    customers.iter().map(|customer| alike.of(customer).1).sum()
}

fn ahead(
    figures: &[CustomerFigure],
    customers: &[Customer],
    model: &BetaGeometric,
    worth: Worth,
) -> (Ahead, Vec<(String, Ahead)>, Vec<Top>) {
    let weeks = real_signed(WEEKS_AHEAD);
    let mut alike = Alike { model, weeks, known: HashMap::new() };
    let none = Ahead { value: Some(0.0), ..Ahead::default() };
    let (mut all, mut channels, mut top) = (none, BTreeMap::new(), Vec::new());
    for (figure, customer) in figures.iter().zip(customers) {
        let (alive, expected) = alike.of(customer);
        let value = worth.of(customer, expected);
        let channel: &mut Ahead = channels.entry(figure.channel.clone()).or_insert(none);
        for sum in [&mut all, channel] {
            sum.customers += 1;
            sum.alive += alive;
            sum.expected += expected;
            sum.value = sum.value.zip(value).map(|(sum, value)| sum + value);
        }
        top.push(Top {
            contact: figure.contact_id.0,
            orders: figure.orders,
            last_day: figure.last_day,
            margin_minor: figure.margin_minor,
            alive,
            expected,
            value,
        });
        // Cut back now and then: a million need not be held to find a hundred.
        if top.len() > 100 * LISTED {
            best(&mut top);
        }
    }
    best(&mut top);
    (all, channels.into_iter().collect(), top)
}

fn best(top: &mut Vec<Top>) {
    let rank = |one: &Top| (one.value.unwrap_or(0.0), one.expected);
    top.sort_by(|a, b| {
        let ((a_value, a_expected), (b_value, b_expected)) = (rank(a), rank(b));
        b_value.total_cmp(&a_value).then(b_expected.total_cmp(&a_expected))
    });
    top.truncate(LISTED);
}

/// How many customers have come back how often, and how many should have by the model.
fn by_repeats(model: &BetaGeometric, customers: &[Customer]) -> Vec<(i64, f64)> {
    let size = usize::try_from(REPEATS_SHOWN).unwrap_or(0) + 1;
    let mut counts = vec![(0_i64, 0.0); size];
    let mut ages: BTreeMap<u64, i64> = BTreeMap::new();
    for customer in customers {
        let at = customer.repeats.min(REPEATS_SHOWN);
        if let Some((count, _)) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += 1;
        }
        *ages.entry(customer.age.to_bits()).or_default() += 1;
    }
    for (age, alike) in ages {
        let mut likely = model.likely(f64::from_bits(age), REPEATS_SHOWN.saturating_sub(1));
        likely.push((1.0 - likely.iter().sum::<f64>()).max(0.0));
        for ((_, expected), chance) in counts.iter_mut().zip(likely) {
            *expected += chance * real_signed(alike);
        }
    }
    counts
}

/// Repeat purchases week by week, and by a model that knows only the fitted days.
fn tracking(figures: &[CustomerFigure], purchases: &Purchases, of_all: &BetaGeometric) -> Tracking {
    let Purchases { from, fitted_to, on_day, known_then, .. } = purchases;
    // What is held out must be forecast without it; where that cannot be fitted, nothing is.
    let earlier = purchases
        .held_out
        .then(|| BetaGeometric::fit(known_then, AtFirst::Stays).ok().map(|fit| fit.model))
        .flatten();
    let held_out = earlier.is_some();
    let model = earlier.unwrap_or(*of_all);
    let days = i64::try_from(on_day.len()).unwrap_or(0);
    let mut began: BTreeMap<i64, i64> = BTreeMap::new();
    for figure in figures {
        *began.entry(figure.first_day - from).or_default() += 1;
    }
    let by_age: Vec<f64> = (0..days)
        .map(|age| model.expected_new(real_signed(age) / real_signed(DAYS_A_WEEK)))
        .collect();
    let expected_by = |day: i64| -> f64 {
        let grown = |(first, count): (&i64, &i64)| {
            let age = usize::try_from(day - first).ok()?;
            Some(by_age.get(age)? * real_signed(*count))
        };
        began.range(..=day).filter_map(grown).sum()
    };
    let so_far =
        |day: i64| -> i64 { on_day.iter().take(usize::try_from(day + 1).unwrap_or(0)).sum() };
    let last = days - 1;
    let ends = (1..).map(|week| week * DAYS_A_WEEK - 1).take_while(|day| *day <= last);
    let weeks = ends.map(|day| (so_far(day), expected_by(day))).collect();
    let then = fitted_to - from;
    Tracking {
        from: *from,
        fitted_to: *fitted_to,
        held_out,
        weeks,
        later: held_out
            .then(|| (so_far(last) - so_far(then), expected_by(last) - expected_by(then))),
    }
}

/// The mean lifetime value there should be a customer, for a line of text.
pub fn each(ahead: &Ahead) -> Option<f64> {
    ratio(ahead.value?, real_len(usize::try_from(ahead.customers).ok()?))
}
