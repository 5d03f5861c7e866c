//! `/admin/numbers/payback`: what a customer costs, what they bring, and when that meets. "We lose
//! on the first sale and earn on the second" in one picture.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::ProductId;
use model::spans::{Span, moved, start_of};
use model::spends::Spend;
use model::times::DAY_MS;
use numbers::economics::{Acquisition, MarginOn, Payback, break_even, loss_allowed, payback};
use numbers::real::{ratio, real_signed};
use store::economics::{Won, WonBy};

use super::report::{Empty, Note, Picture, Report, Select, Tile, filter};
use super::sheet::{Cell, Sheet, columns, rounded};
use super::{Asked, FEW, Period, channel_name, days_text, link};
use crate::charts::{self, Mark};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;
use crate::words::money_text;

mod months;

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
    won: Vec<WonBy>,
    rewards: Vec<(String, String, String, i64)>,
    margins: Vec<(String, String, i64, i64, i64)>,
    spends: Vec<Spend>,
    leads: i64,
    products: Vec<(ProductId, String)>,
    months: months::Rows,
}

/// What was asked, read.
struct Question {
    period: Period,
    /// Days for which customers are followed.
    horizon: i64,
    /// The days in which the customers were won who are followed for all of them.
    won_in: Span,
    product: ProductId,
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
    let mut report = Report::new(
        who.frame("cac"),
        "CAC & payback",
        "What a customer costs, what they bring, and on which day that meets.",
    );
    report.notes.extend(question.period.wrong.clone().map(Note::warn));
    fill(&mut report, &question, &rows);
    let selects = selects(&question, &rows, &asked.product);
    report.filter = Some(filter(PATH, &question.period, &LENGTHS, &query, selects));
    report.answer(PATH, &asked, &query)
}

fn question(who: &CurrentOperator, asked: &Asked) -> Question {
    let period = Period::read(who, asked, DAYS);
    let horizon = HORIZONS.into_iter().find(|days| *days == asked.days).unwrap_or(HORIZON);
    let old_enough = moved(period.today, -horizon - 1);
    let won_in = Span { from: period.span.from, to: period.span.to.min(old_enough) };
    Question {
        horizon,
        won_in,
        product: asked.product.parse().unwrap_or(ProductId(0)),
        currency: who.site.currency.clone(),
        now: who.now,
        origin: asked.source.clone().unwrap_or_default(),
        period,
    }
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
    question: &Question,
) -> Result<Rows, EngineError> {
    let site = who.site.id;
    let zone = question.period.zone.clone();
    let (won_in, whole) = (question.won_in, months::whole(question.period.span));
    let until = start_of(moved(won_in.to.max(moved(won_in.from, -1)), 1), &zone);
    let won_from = start_of(won_in.from, &zone);
    let (month_from, month_until) = whole.bounds(&zone);
    let (currency, product) = (question.currency.clone(), question.product);
    let horizon = question.horizon;
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = Won { from: won_from, until, currency: &currency, product };
                let months = Won { from: month_from, until: month_until, ..of };
                let (from, to) = (whole.from.to_string(), whole.to.to_string());
                let people = if won_in.to < won_in.from {
                    Vec::new()
                } else {
                    store::stages::within(session, site, won_in, &zone).await?
                };
                let leads = people.iter().filter(|count| count.stage == "lead");
                Ok(Rows {
                    leads: leads.map(|count| count.contacts).sum(),
                    won: store::economics::won(session, site, of).await?,
                    rewards: store::economics::rewards(session, site, of).await?,
                    margins: store::economics::margins(session, site, of, horizon).await?,
                    spends: store::spends::within(session, site, &from, &to).await?,
                    products: store::economics::first_products(session, site).await?,
                    months: months::read(session, site, months).await?,
                })
            })
        })
        .await
}

/// Customers of one origin, with what they cost and brought.
#[derive(Default)]
struct Group {
    acquisition: Acquisition,
    clicks: i64,
    margins: Vec<MarginOn>,
    /// Second orders by day.
    seconds: BTreeMap<i64, i64>,
}

/// The word by which spend and customers meet: the source tag where money was spent on it, else
/// the channel.
fn origin(channel: &str, source: &str, words: &BTreeSet<String>) -> String {
    let word = if words.contains(source) { source } else { channel };
    word.to_owned()
}

fn groups(question: &Question, rows: &Rows) -> BTreeMap<String, Group> {
    let words: BTreeSet<String> = rows.spends.iter().map(|s| s.channel.clone()).collect();
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for won in &rows.won {
        let group = groups.entry(origin(&won.channel, &won.source, &words)).or_default();
        group.acquisition.customers += u64::try_from(won.customers).unwrap_or(0);
        group.acquisition.discounts += won.discount_minor;
    }
    for (channel, source, _, minor) in &rows.rewards {
        let group = groups.entry(origin(channel, source, &words)).or_default();
        group.acquisition.commissions += minor;
    }
    for (channel, source, day, seconds, margin) in &rows.margins {
        let group = groups.entry(origin(channel, source, &words)).or_default();
        group.margins.push(MarginOn { day: u32::try_from(*day).unwrap_or(0), margin: *margin });
        *group.seconds.entry(*day).or_default() += seconds;
    }
    for spend in rows.spends.iter().filter(|spend| spend.currency == question.currency) {
        let share = spend.share_within(question.won_in.from, question.won_in.to);
        if share != 0 {
            let group = groups.entry(spend.channel.clone()).or_default();
            group.acquisition.spend += share;
            group.clicks += spend.clicks.unwrap_or(0);
        }
    }
    groups
}

fn fill(report: &mut Report, question: &Question, rows: &Rows) {
    let groups = groups(question, rows);
    let chosen = |word: &str| question.origin.is_empty() || question.origin == word;
    let mut all = Group::default();
    for (_, group) in groups.iter().filter(|(word, _)| chosen(word)) {
        let (sum, one) = (&mut all.acquisition, &group.acquisition);
        sum.spend += one.spend;
        sum.commissions += one.commissions;
        sum.discounts += one.discounts;
        sum.customers += one.customers;
        all.clicks += group.clicks;
        all.margins.extend(&group.margins);
        for (day, count) in &group.seconds {
            *all.seconds.entry(*day).or_default() += count;
        }
    }
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
        notes(report, question, &all);
        report.tiles = tiles(question, rows, &all, &told);
        report.figures.push(picture(question, &all, &told));
        report.sheets.push(by_source(question, &groups));
    }
    report.sheets.extend(months);
}

fn day_count(days: i64) -> u32 {
    u32::try_from(days).unwrap_or(0)
}

fn notes(report: &mut Report, question: &Question, all: &Group) {
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
}

fn tiles(question: &Question, rows: &Rows, all: &Group, told: &Payback) -> Vec<Tile> {
    let money = |value: Option<f64>| Cell::mean(value, &question.currency).text;
    let span = question.won_in;
    let first_orders =
        [("from", span.from.to_string()), ("to", span.to.to_string()), ("nth", "1".to_owned())];
    let rows_at = Some(link("/admin/numbers/orders", &first_orders));
    let tile = |label: &str, value: String, note: String| Tile {
        label: label.to_owned(),
        value,
        href: None,
        note: Some(note),
    };
    let last = told.by_day.last().copied();
    let horizon = usize::try_from(question.horizon).unwrap_or(0);
    let leads = u64::try_from(rows.leads).unwrap_or(0);
    let whole = question.origin.is_empty() && question.product.0 == 0;
    let per_lead =
        last.filter(|_| whole).and_then(|margin| break_even(margin, told.customers, leads));
    let mut tiles = vec![
        Tile {
            href: rows_at,
            ..tile("Customers", told.customers.to_string(), "first order in these days".to_owned())
        },
        Tile {
            href: Some("/admin/numbers/spend".to_owned()),
            ..tile("CAC", money(told.cac), "(spend + rewards + first discounts) / customers".into())
        },
        tile("First-order margin", money(told.first_order), "per customer, by day 0".to_owned()),
        tile(
            "After the first sale",
            money(told.first_order.zip(told.cac).map(|(first, cac)| first - cac)),
            "first-order margin − CAC".to_owned(),
        ),
        tile(
            &format!("Margin by day {}", question.horizon),
            money(last),
            "per customer, all orders".to_owned(),
        ),
        tile("Payback", payback_text(told.payback_day), "first day on which margin ≥ CAC".into()),
        tile(
            "Allowed loss on the first sale",
            money(loss_allowed(&told.by_day, horizon)),
            format!("margin after the first order, by day {}", question.horizon),
        ),
    ];
    if whole && rows.leads > 0 {
        let cost = ratio(real_signed(all.acquisition.spend), real_signed(rows.leads));
        tiles.push(tile("Cost of a lead", money(cost), "spend / leads of these days".to_owned()));
    }
    if per_lead.is_some() {
        let note = "margin per customer × customers / leads".to_owned();
        tiles.push(tile("Break-even cost of a lead", money(per_lead), note));
    }
    let clicks = u64::try_from(all.clicks).unwrap_or(0);
    if let Some(margin) = last.filter(|_| clicks > 0) {
        let per_click = break_even(margin, told.customers, clicks);
        let note = "margin per customer × customers / clicks paid for".to_owned();
        tiles.push(tile("Break-even cost of a click", money(per_click), note));
    }
    tiles
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

fn picture(question: &Question, all: &Group, told: &Payback) -> Picture {
    let cac = told.cac.unwrap_or(0.0);
    let money = |minor: f64| money_text(rounded(minor), &question.currency);
    let mut points = Vec::new();
    for (day, margin) in (0_i64..).zip(&told.by_day) {
        points.push((real_signed(day), margin - cac));
    }
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
        points,
        break_even: told.payback_day.and_then(|day| i64::try_from(day).ok()).map(real_signed),
        marks,
        currency: question.currency.clone(),
    };
    Picture {
        title: format!("{begins}, {ends}"),
        note: Some("Margin per customer so far, less what the customer cost.".to_owned()),
        svg: charts::both(|size| charts::payback(&spec, size)),
        formula: Some(
            "height on day d = Σ margin of orders up to d days after the first / customers − CAC; \
             margin = paid without tax − given back − cost of goods, first orders before their \
             discount, since that stands in CAC; test and offline payments cost no fee"
                .to_owned(),
        ),
    }
}

fn by_source(question: &Question, groups: &BTreeMap<String, Group>) -> Sheet {
    let row = |(word, group): (&String, &Group)| {
        let told = payback(&group.acquisition, &group.margins, day_count(question.horizon));
        let money = |minor| Cell::money(minor, &question.currency);
        let mean = |value| Cell::mean(value, &question.currency);
        let paid = &group.acquisition;
        vec![
            Cell::text(channel_name(word)),
            money(paid.spend),
            money(paid.discounts),
            money(paid.commissions),
            Cell::count(i64::try_from(paid.customers).unwrap_or(i64::MAX)),
            mean(told.cac),
            mean(told.first_order),
            mean(told.by_day.last().copied()),
            payback_cell(&told, &question.currency),
        ]
    };
    Sheet {
        title: "By source".to_owned(),
        note: Some(
            "Spend meets customers by the source tag of their first touch, or by its channel."
                .to_owned(),
        ),
        formula: Some(
            "CAC = (spend + discounts of first orders + rewards of referrals) / customers"
                .to_owned(),
        ),
        columns: columns(&[
            "Source",
            "#Spend",
            "#Discounts",
            "#Rewards",
            "#Customers",
            "#CAC",
            "#First-order margin",
            "#Margin so far",
            "Payback",
        ]),
        rows: groups
            .iter()
            .filter(|(word, _)| question.origin.is_empty() || question.origin == **word)
            .map(row)
            .collect(),
        ..Sheet::default()
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
    let mut words: BTreeSet<String> = groups(question, rows).into_keys().collect();
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

/// Whole days between two instants, not below zero.
fn days_between(earlier: UtcMs, later: UtcMs) -> u32 {
    u32::try_from(later.since_ms(earlier).div_euclid(DAY_MS)).unwrap_or(0)
}
