//! `/admin/numbers/payback`: what a customer costs, what they bring, and when that meets. "We lose
//! on the first sale and earn on the second" in one picture.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::ProductId;
use model::spans::{Span, moved};
use model::spends::Spend;
use numbers::economics::{Acquisition, MarginOn, Payback, break_even, payback};
use numbers::real::{ratio, real_signed};
use store::customer_sums::{Brought, Won};

use super::compare::Compared;
use super::report::{Empty, Note, Picture, Report, Select, filter};
use super::sheet::{Cell, rounded};
use super::{Asked, FEW, Period, channel_name, days_text};
use crate::charts::{self, Mark};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

mod months;
mod sources;
mod tiles;

const PATH: &str = "/admin/numbers/payback";
/// Customers of the last so many days, where nobody asks for others.
const DAYS: i64 = 365;
/// How long customers are followed.
const HORIZONS: [i64; 5] = [30, 60, 90, 180, 365];
/// What is shown where nobody asks.
const HORIZON: i64 = 90;
/// Spans at hand.
const LENGTHS: [(&str, i64); 3] = [("6 months", 182), ("12 months", 365), ("2 years", 730)];

/// Everything the page is made from.
struct Rows {
    now: People,
    /// Of the days it is compared with.
    before: Option<People>,
    /// Words under which money was ever spent.
    words: BTreeSet<String>,
    spends: Vec<Spend>,
    products: Vec<(ProductId, String)>,
    months: months::Rows,
}

/// The customers won on some days, as stored.
struct People {
    won_in: Span,
    brought: Vec<Brought>,
    rewards: Vec<(String, String, String, i64)>,
    spends: Vec<Spend>,
    /// Leads by channel and source.
    leads: Vec<(String, String, i64)>,
}

/// What was asked, read.
struct Question {
    period: Period,
    /// Days for which customers are followed.
    horizon: i64,
    /// The days in which the customers were won who are followed for all of them.
    won_in: Span,
    compared: Option<Compared>,
    product: ProductId,
    product_text: String,
    currency: String,
    now: UtcMs,
    /// Only this origin; empty: all.
    origin: String,
}

/// CAC, margin and payback.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let question = question(&who, &asked);
    let rows = read(&state, &who, &question).await?;
    let mut query = question.period.query().to_vec();
    query.push(("days", question.horizon.to_string()));
    query.push(("product", asked.product.clone()));
    query.push(("source", question.origin.clone()));
    query.push(Compared::kept(&asked));
    let mut report = Report::new(
        who.frame("cac"),
        "CAC & payback",
        "What a customer costs, what they bring, and on which day that meets.",
    );
    report.notes.extend(question.period.wrong.clone().map(Note::warn));
    fill(&mut report, &question, &rows);
    let mut selects = selects(&question, &rows, &asked.product);
    selects.push(Compared::select(&asked));
    report.filter = Some(filter(PATH, &question.period, &LENGTHS, &query, selects));
    report.answer(PATH, &asked, &query)
}

fn question(who: &CurrentOperator, asked: &Asked) -> Question {
    let period = Period::read(who, asked, DAYS);
    let horizon = HORIZONS.into_iter().find(|days| *days == asked.days).unwrap_or(HORIZON);
    Question {
        horizon,
        won_in: old_enough(period.span, &period, horizon),
        compared: Compared::read(asked, &period),
        product: asked.product.parse().unwrap_or(ProductId(0)),
        product_text: asked.product.clone(),
        currency: who.site.currency.clone(),
        now: who.now,
        origin: asked.source.clone().unwrap_or_default(),
        period,
    }
}

/// The part of a span whose customers have lived through all the days they are followed.
fn old_enough(span: Span, period: &Period, horizon: i64) -> Span {
    Span { from: span.from, to: span.to.min(moved(period.today, -horizon - 1)) }
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    question: &Question,
) -> Result<Rows, EngineError> {
    let site = who.site.id;
    let period = question.period.clone();
    let (won_in, whole) = (question.won_in, months::whole(period.span));
    let (currency, product) = (question.currency.clone(), question.product);
    let horizon = question.horizon;
    let earlier = question.compared.map(|other| old_enough(other.span, &period, horizon));
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = |span| Won { span, currency: &currency, product };
                let now = people(session, site, &period, of(won_in), horizon).await?;
                let before = match earlier {
                    Some(span) => Some(people(session, site, &period, of(span), horizon).await?),
                    None => None,
                };
                let (from, to) = (whole.from.to_string(), whole.to.to_string());
                let words = store::spends::channels(session, site).await?;
                Ok(Rows {
                    now,
                    before,
                    words: words.into_iter().collect(),
                    spends: store::spends::within(session, site, &from, &to).await?,
                    products: store::customer_sums::first_products(session, site).await?,
                    months: months::read(session, site, &period, of(whole)).await?,
                })
            })
        })
        .await
}

async fn people(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    period: &Period,
    of: Won<'_>,
    horizon: i64,
) -> Result<People, store::StoreError> {
    let span = of.span;
    let mut people = People {
        won_in: span,
        brought: Vec::new(),
        rewards: Vec::new(),
        spends: Vec::new(),
        leads: Vec::new(),
    };
    if span.to < span.from {
        return Ok(people);
    }
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let bounds = span.bounds(&period.zone);
    people.brought = store::customer_sums::by_origin(session, site, of, horizon).await?;
    people.rewards = store::customer_sums::rewards(session, site, of, bounds).await?;
    people.spends = store::spends::within(session, site, &from, &to).await?;
    let staged = store::stages::within(session, site, (span, &period.zone), &["lead"]).await?;
    let leads = staged.into_iter().filter(|count| count.stage == "lead");
    people.leads = leads.map(|count| (count.channel, count.source, count.contacts)).collect();
    Ok(people)
}

/// Customers of one origin, with what they cost and brought.
#[derive(Default)]
struct Group {
    acquisition: Acquisition,
    clicks: i64,
    leads: i64,
    margins: Vec<MarginOn>,
    /// Second orders by day.
    seconds: BTreeMap<i64, i64>,
}

impl Group {
    fn add(&mut self, one: &Self) {
        let sum = &mut self.acquisition;
        sum.spend += one.acquisition.spend;
        sum.commissions += one.acquisition.commissions;
        sum.discounts += one.acquisition.discounts;
        sum.customers += one.acquisition.customers;
        self.clicks += one.clicks;
        self.leads += one.leads;
        self.margins.extend(&one.margins);
        for (day, count) in &one.seconds {
            *self.seconds.entry(*day).or_default() += count;
        }
    }

    /// The clicks that were paid for, and the leads: what one of them may cost.
    fn per(&self, told: &Payback, count: i64) -> Option<f64> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        break_even(*told.by_day.last()?, told.customers, count)
    }

    fn click_cost(&self) -> Option<f64> {
        let spend = Some(self.acquisition.spend).filter(|spend| *spend > 0)?;
        ratio(real_signed(spend), real_signed(self.clicks)).filter(|_| self.clicks > 0)
    }

    fn lead_cost(&self) -> Option<f64> {
        let spend = Some(self.acquisition.spend).filter(|spend| *spend > 0)?;
        ratio(real_signed(spend), real_signed(self.leads)).filter(|_| self.leads > 0)
    }
}

/// The word by which spend and customers meet: the source tag where money was ever spent on it,
/// else the channel.
pub(super) fn origin(channel: &str, source: &str, words: &BTreeSet<String>) -> String {
    let word = if words.contains(source) { source } else { channel };
    word.to_owned()
}

fn groups(
    question: &Question,
    people: &People,
    words: &BTreeSet<String>,
) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for row in &people.brought {
        let group = groups.entry(origin(&row.channel, &row.source, words)).or_default();
        group.acquisition.customers += u64::try_from(row.customers).unwrap_or(0);
        group.acquisition.discounts += row.discount_minor;
        let day = u32::try_from(row.day).unwrap_or(0);
        group.margins.push(MarginOn { day, margin: row.margin_minor });
        *group.seconds.entry(row.day).or_default() += row.seconds;
    }
    for (channel, source, _, minor) in &people.rewards {
        let group = groups.entry(origin(channel, source, words)).or_default();
        group.acquisition.commissions += minor;
    }
    for (channel, source, leads) in &people.leads {
        groups.entry(origin(channel, source, words)).or_default().leads += leads;
    }
    for spend in people.spends.iter().filter(|spend| spend.currency == question.currency) {
        let share = spend.share_within(people.won_in.from, people.won_in.to);
        if share != 0 {
            let group = groups.entry(spend.channel.clone()).or_default();
            group.acquisition.spend += share;
            group.clicks += spend.clicks_within(people.won_in.from, people.won_in.to);
        }
    }
    groups
}

/// All groups together, or the one that was chosen.
fn all_of(question: &Question, groups: &BTreeMap<String, Group>) -> Group {
    let chosen = |word: &str| question.origin.is_empty() || question.origin == word;
    let mut all = Group::default();
    groups.iter().filter(|(word, _)| chosen(word)).for_each(|(_, group)| all.add(group));
    all
}

fn fill(report: &mut Report, question: &Question, rows: &Rows) {
    let groups = groups(question, &rows.now, &rows.words);
    let all = all_of(question, &groups);
    let months = months::sheet(question, rows);
    if all.acquisition.customers == 0 {
        report.empty = Some(Empty {
            title: format!("No customer can be followed for {} days yet", question.horizon),
            text: "Choose fewer days to follow, or other days: customers stand here once their \
                   first order is that old."
                .to_owned(),
            action: ("/admin/numbers/spend".to_owned(), "Write down what was spent".to_owned()),
        });
    } else {
        let told = payback(&all.acquisition, &all.margins, day_count(question.horizon));
        let earlier = rows.before.as_ref().map(|people| {
            let group = all_of(question, &self::groups(question, people, &rows.words));
            let told = payback(&group.acquisition, &group.margins, day_count(question.horizon));
            (people.won_in, group, told)
        });
        notes(report, question, &all, earlier.as_ref().map(|(span, ..)| *span));
        report.tiles = tiles::all(question, &all, &told);
        if let Some((_, group, was)) = &earlier {
            report.deltas = tiles::deltas(question, (&all, &told), (group, was));
        }
        let before = earlier.as_ref().map(|(_, _, was)| was);
        report.figures.push(picture(question, &all, &told, before));
        report.sheets.push(sources::sheet(question, &groups));
        report.sheets.extend(months);
        report.sheets.push(sources::leads(question, &groups));
        report.sheets.push(sources::by_day(question, &told, before));
        return;
    }
    report.sheets.extend(months);
}

fn day_count(days: i64) -> u32 {
    u32::try_from(days).unwrap_or(0)
}

fn notes(report: &mut Report, question: &Question, all: &Group, before: Option<Span>) {
    let customers = i64::try_from(all.acquisition.customers).unwrap_or(i64::MAX);
    if customers < FEW {
        let text =
            format!("Only {customers} customers: too few to plan by. Read it as an anecdote.");
        report.notes.push(Note::warn(text));
    }
    if all.acquisition.spend == 0 {
        let text = "No spend is written down for these days, so the cost of a customer is only \
                    what was taken off their first order and given as rewards.";
        report.notes.push(Note::info(text));
    }
    report.notes.push(Note::info(format!(
        "The picture follows the customers won {}, each for {} days. Who came later is not old \
         enough; the months below show them as far as they are known.",
        days_text(question.won_in),
        question.horizon
    )));
    if let (Some(compared), Some(span)) = (question.compared, before) {
        let text = if span.to < span.from {
            format!("{}: no customer of them is old enough.", compared.words())
        } else {
            format!("Compared with the customers won {}.", days_text(span))
        };
        report.notes.push(Note::info(text));
    }
}

fn payback_text(day: Option<usize>) -> String {
    match day {
        Some(0) => "by the first order".to_owned(),
        Some(day) => format!("day {day}"),
        None => "not yet".to_owned(),
    }
}

/// The median day of second orders, if there were any.
fn second_day(seconds: &BTreeMap<i64, i64>) -> Option<i64> {
    let all: i64 = seconds.values().sum();
    let mut so_far = 0;
    seconds.iter().filter(|(_, count)| **count > 0).find_map(|(day, count)| {
        so_far += count;
        (so_far * 2 >= all).then_some(*day)
    })
}

fn curve(told: &Payback) -> Vec<(f64, f64)> {
    let cac = told.cac.unwrap_or(0.0);
    let days = (0_i64..).zip(&told.by_day);
    days.map(|(day, margin)| (real_signed(day), margin - cac)).collect()
}

fn picture(question: &Question, all: &Group, told: &Payback, before: Option<&Payback>) -> Picture {
    let cac = told.cac.unwrap_or(0.0);
    let money = |minor: f64| money_text(rounded(minor), &question.currency);
    let mut marks = vec![Mark { day: 0.0, label: "after the first order".to_owned() }];
    if let Some(day) = second_day(&all.seconds).filter(|day| *day > 0) {
        marks.push(Mark { day: real_signed(day), label: "second order (median)".to_owned() });
    }
    let first = told.first_order.unwrap_or(0.0) - cac;
    let last = told.by_day.last().copied().unwrap_or(0.0) - cac;
    let begins = if first < 0.0 {
        format!("We lose {} on the first sale", money(-first))
    } else {
        format!("We earn {} on the first sale", money(first))
    };
    let ends = match told.payback_day {
        Some(0) => format!("and have {} by day {}", money(last), question.horizon),
        Some(day) => {
            format!("have it back on day {day}, and {} by day {}", money(last), question.horizon)
        }
        None => format!("and are {} short by day {}", money(-last), question.horizon),
    };
    let spec = charts::Payback {
        title: "Payback".to_owned(),
        about: format!("{begins}, {ends}"),
        points: curve(told),
        before: before.map(curve).unwrap_or_default(),
        break_even: told.payback_day.and_then(|day| i64::try_from(day).ok()).map(real_signed),
        marks,
        currency: question.currency.clone(),
    };
    Picture {
        title: format!("{begins}, {ends}"),
        note: Some(match before {
            Some(_) => "Margin per customer so far, less what the customer cost. Dashed: the \
                        customers they are compared with."
                .to_owned(),
            None => "Margin per customer so far, less what the customer cost.".to_owned(),
        }),
        svg: charts::both(|size| charts::payback(&spec, size)),
        formula: Some(
            "height on day d = Σ margin of orders up to d days after the first / customers − CAC; \
             margin = paid without tax − given back − cost of goods, first orders before their \
             discount, since that stands in CAC; test and offline payments cost no fee"
                .to_owned(),
        ),
    }
}

/// The payback day; not yet is neither zero nor never.
fn payback_cell(told: &Payback, currency: &str) -> Cell {
    match (told.payback_day, told.still_missing) {
        (Some(day), _) => {
            let days = i64::try_from(day).unwrap_or(i64::MAX);
            Cell::worded(payback_text(Some(day)), days).tone("good")
        }
        (None, Some(missing)) => Cell::pending("not yet")
            .note(format!("{} missing", money_text(rounded(missing), currency))),
        (None, None) if told.customers == 0 => Cell::pending("no customer"),
        (None, None) => Cell::unknown(),
    }
}

fn selects(question: &Question, rows: &Rows, product: &str) -> Vec<Select> {
    let found = groups(question, &rows.now, &rows.words);
    let mut words: BTreeSet<String> = found.into_keys().collect();
    if !question.origin.is_empty() {
        words.insert(question.origin.clone());
    }
    let any = |label: &str| (String::new(), label.to_owned());
    let mut origins = vec![any("Any source")];
    origins.extend(words.into_iter().map(|word| (word.clone(), channel_name(&word))));
    let mut products = vec![any("Any product")];
    products.extend(rows.products.iter().map(|(id, name)| (id.to_string(), name.clone())));
    let days = |days: i64| (days.to_string(), format!("{days} days"));
    vec![
        Select {
            name: "days",
            label: "Followed for",
            options: HORIZONS.into_iter().map(days).collect(),
            value: question.horizon.to_string(),
        },
        Select {
            name: "source",
            label: "Source",
            options: origins,
            value: question.origin.clone(),
        },
        Select {
            name: "product",
            label: "First product",
            options: products,
            value: product.to_owned(),
        },
    ]
}
