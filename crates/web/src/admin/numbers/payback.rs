//! `/admin/numbers/payback`: what a customer costs, what they bring, and when that meets. "We lose
//! on the first sale and earn on the second" in one picture.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::{ProductId, SegmentId};
use model::spans::{Span, moved};
use model::spends::Spend;
use numbers::economics::{Acquisition, MarginOn, Payback, break_even, payback};
use numbers::real::{ratio, real, real_signed};
use store::customer_sums::{Brought, Won};
use store::segments::Segment;

use super::compare::Compared;
use super::narrow;
use super::report::{Empty, Note, Picture, Report, Select, filter};
use super::sheet::{Cell, rounded};
use super::{Asked, FEW, Period, days_text, natural};
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
    segments: Vec<Segment>,
    months: months::Rows,
}

/// Leads by channel and source.
type Leads = Vec<(String, String, i64)>;

/// Who came on some days, and the customers won on those of them that are old enough, as stored.
struct People {
    span: Span,
    won_in: Span,
    brought: Vec<Brought>,
    rewards: Vec<(String, String, String, i64)>,
    /// Of all days,
    spends: Vec<Spend>,
    leads: Leads,
    /// and of the days that are old enough.
    won_leads: Leads,
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
    segment: SegmentId,
    segment_text: String,
    currency: String,
    now: UtcMs,
    /// Only this origin; empty: all.
    origin: String,
    /// The way back to this page.
    home: (&'static str, String),
}

impl Question {
    /// Whether what was spent can be held against these customers: no ad is paid for those of one
    /// product or segment alone.
    fn knows_cost(&self) -> bool {
        self.product.0 == 0 && self.segment.0 == 0
    }

    /// What links to rows carry beside their days.
    fn narrowed(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("product", self.product_text.clone()),
            ("segment", self.segment_text.clone()),
            self.home.clone(),
        ];
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The economics of some customers; without what they cost where that is not known.
    fn told(&self, acquisition: &Acquisition, margins: &[MarginOn], days: u32) -> Payback {
        let told = payback(acquisition, margins, days);
        if self.knows_cost() {
            return told;
        }
        Payback { cac: None, payback_day: None, still_missing: None, ..told }
    }
}

/// CAC, margin and payback.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let mut question = question(&who, &asked);
    let mut query = question.period.query().to_vec();
    query.push(("days", question.horizon.to_string()));
    query.push(("product", asked.product.clone()));
    query.push(("segment", asked.segment.clone()));
    query.push(("source", question.origin.clone()));
    query.push(Compared::kept(&asked));
    question.home = super::home(PATH, &query);
    let rows = read(&state, &who, &question).await?;
    let mut report = Report::new(
        who.frame("cac"),
        "CAC & payback",
        "What a customer costs, what they bring, and on which day that meets.",
    );
    report.notes.extend(question.period.wrong.clone().map(Note::warn));
    fill(&mut report, &question, &rows);
    let now = state.engine.now();
    report.notes.extend(narrow::of_segment(&who, &rows.segments, question.segment, now));
    let mut selects = selects(&question, &rows);
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
        product: narrow::product_in(&asked.product),
        product_text: asked.product.clone(),
        segment: narrow::segment_in(&asked.segment),
        segment_text: asked.segment.clone(),
        currency: who.site.currency.clone(),
        now: who.now,
        origin: asked.source.clone().unwrap_or_default(),
        home: super::home(PATH, &[]),
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
    let whole = months::whole(period.span);
    let (currency, product) = (question.currency.clone(), question.product);
    let (segment, horizon) = (question.segment, question.horizon);
    let earlier = question.compared.map(|other| other.span);
    state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = |span| Won { span, currency: &currency, product };
                let asked = (segment, horizon);
                let now = people(session, site, &period, of(period.span), asked).await?;
                let before = match earlier {
                    Some(span) => Some(people(session, site, &period, of(span), asked).await?),
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
                    segments: store::segments::list(session, site).await?,
                    months: months::read(session, site, &period, (of(whole), segment)).await?,
                })
            })
        })
        .await
}

/// Reads the days of `of`, and what the customers won on those of them that are old enough did.
async fn people(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    period: &Period,
    of: Won<'_>,
    (segment, horizon): (SegmentId, i64),
) -> Result<People, store::StoreError> {
    let span = of.span;
    let won_in = old_enough(span, period, horizon);
    let (from, to) = (span.from.to_string(), span.to.to_string());
    let mut people = People {
        span,
        won_in,
        brought: Vec::new(),
        rewards: Vec::new(),
        spends: store::spends::within(session, site, &from, &to).await?,
        leads: leads(session, site, span, period).await?,
        won_leads: Leads::new(),
    };
    if won_in.to < won_in.from {
        return Ok(people);
    }
    let of = Won { span: won_in, ..of };
    let bounds = won_in.bounds(&period.zone);
    people.brought = match segment.0 {
        0 => store::customer_sums::by_origin(session, site, of, horizon).await?,
        _ => {
            let of = (of, bounds);
            store::segment_sums::by_origin(session, site, segment, of, horizon).await?
        }
    };
    if segment.0 == 0 {
        people.rewards = store::customer_sums::rewards(session, site, of, bounds).await?;
    }
    people.won_leads = leads(session, site, won_in, period).await?;
    Ok(people)
}

async fn leads(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    span: Span,
    period: &Period,
) -> Result<Leads, store::StoreError> {
    let staged = store::stages::within(session, site, (span, &period.zone), &["lead"]).await?;
    let lead = |count: store::stages::StageCount| (count.channel, count.source, count.contacts);
    Ok(staged.into_iter().map(lead).collect())
}

/// Customers of one origin, with what they cost and brought; and who came by it in all days.
#[derive(Default)]
struct Group {
    acquisition: Acquisition,
    /// Clicks paid for and leads of the days that are old enough,
    clicks: i64,
    leads: i64,
    /// and what all the days saw.
    seen: Seen,
    margins: Vec<MarginOn>,
    /// Second orders by day.
    seconds: BTreeMap<i64, i64>,
}

/// Who came by one origin, and what was spent on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    spend: i64,
    clicks: i64,
    leads: i64,
}

impl Seen {
    /// What one of so many cost; nothing where nothing was spent.
    fn cost_of(&self, count: i64) -> Option<f64> {
        ratio(real_signed(self.spend), real_signed(count)).filter(|_| self.spend > 0 && count > 0)
    }
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
        self.seen.spend += one.seen.spend;
        self.seen.clicks += one.seen.clicks;
        self.seen.leads += one.seen.leads;
        self.margins.extend(&one.margins);
        for (day, count) in &one.seconds {
            *self.seconds.entry(*day).or_default() += count;
        }
    }

    /// What one of the leads or the clicks paid for may cost. Discounts and rewards are paid too:
    /// they stand in the margin only because they stand in CAC, and a lead's cost has neither.
    fn per(&self, told: &Payback, count: i64) -> Option<f64> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        let paid = self.acquisition.discounts + self.acquisition.commissions;
        let each = ratio(real_signed(paid), real(told.customers))?;
        break_even(told.by_day.last()? - each, told.customers, count)
    }

    fn is_won(&self) -> bool {
        self.acquisition.customers > 0 || self.acquisition.cost() != 0
    }

    fn is_seen(&self) -> bool {
        self.seen != Seen::default()
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
        group.acquisition.customers += natural(row.customers);
        group.acquisition.discounts += row.discount_minor;
        let day = u32::try_from(row.day).unwrap_or(0);
        group.margins.push(MarginOn { day, margin: row.margin_minor });
        *group.seconds.entry(row.day).or_default() += row.seconds;
    }
    for (channel, source, _, minor) in &people.rewards {
        let group = groups.entry(origin(channel, source, words)).or_default();
        group.acquisition.commissions += minor;
    }
    // Neither a lead nor an ad is of a product or of a segment's rule.
    if !question.knows_cost() {
        return groups;
    }
    for (channel, source, leads) in &people.leads {
        groups.entry(origin(channel, source, words)).or_default().seen.leads += leads;
    }
    for (channel, source, leads) in &people.won_leads {
        groups.entry(origin(channel, source, words)).or_default().leads += leads;
    }
    let (all, won) = (people.span, people.won_in);
    for spend in people.spends.iter().filter(|spend| spend.currency == question.currency) {
        let group = groups.entry(spend.channel.clone()).or_default();
        group.seen.spend += spend.share_within(all.from, all.to);
        group.seen.clicks += spend.clicks_within(all.from, all.to);
        group.acquisition.spend += spend.share_within(won.from, won.to);
        group.clicks += spend.clicks_within(won.from, won.to);
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
    let days = day_count(question.horizon);
    let told = question.told(&all.acquisition, &all.margins, days);
    let earlier = rows.before.as_ref().map(|people| {
        let group = all_of(question, &self::groups(question, people, &rows.words));
        let told = question.told(&group.acquisition, &group.margins, days);
        (people.won_in, group, told)
    });
    notes(report, question, rows, (&all, earlier.as_ref().map(|(span, ..)| *span)));
    report.tiles = tiles::all(question, &all, &told);
    if let Some((_, group, was)) = &earlier {
        report.deltas = tiles::deltas(question, (&all, &told), (group, was));
    }
    if all.acquisition.customers == 0 {
        report.empty = Some(Empty {
            title: format!("No customer can be followed for {} days yet", question.horizon),
            text: "Choose fewer days to follow, or other days: customers stand here once their \
                   first order is that old."
                .to_owned(),
            action: ("/admin/numbers/spend".to_owned(), "Write down what was spent".to_owned()),
        });
    } else {
        let before = earlier.as_ref().map(|(_, _, was)| was);
        report.figures.push(picture(question, &all, &told, before));
        report.sheets.push(sources::sheet(question, &groups));
    }
    report.sheets.extend(months::sheet(question, rows));
    if question.knows_cost() && groups.values().any(|group| group.is_seen()) {
        report.sheets.push(sources::leads(question, &groups));
    }
    if all.acquisition.customers > 0 {
        let before = earlier.as_ref().map(|(_, _, was)| was);
        report.sheets.push(sources::by_day(question, &told, before));
    }
}

fn day_count(days: i64) -> u32 {
    u32::try_from(days).unwrap_or(0)
}

fn notes(
    report: &mut Report,
    question: &Question,
    rows: &Rows,
    (all, before): (&Group, Option<Span>),
) {
    let customers = i64::try_from(all.acquisition.customers).unwrap_or(i64::MAX);
    if (1..FEW).contains(&customers) {
        let text =
            format!("Only {customers} customers: too few to plan by. Read it as an anecdote.");
        report.notes.push(Note::warn(text));
    }
    if !question.knows_cost() {
        report.notes.push(Note::info(
            "What an ad cost cannot be told apart by what was bought, nor by segment: spend, CAC, \
             payback, leads and clicks are left blank here.",
        ));
    } else if all.acquisition.spend == 0 && customers > 0 {
        let text = "No spend is written down for these days, so the cost of a customer is only \
                    what was taken off their first order and given as rewards.";
        report.notes.push(Note::info(text));
    }
    let span = rows.now.span;
    let foreign = |spend: &&Spend| {
        spend.currency != question.currency && spend.share_within(span.from, span.to) != 0
    };
    if question.knows_cost() && rows.now.spends.iter().any(|spend| foreign(&spend)) {
        let text = format!("Spend in other currencies than {} is left out.", question.currency);
        report.notes.push(Note::warn(text));
    }
    if customers > 0 {
        report.notes.push(Note::info(format!(
            "The picture follows the customers won {}, each for {} days. Who came later is not old \
             enough; the months below show them as far as they are known.",
            days_text(question.won_in),
            question.horizon
        )));
    }
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
    let (horizon, knows_cost) = (question.horizon, question.knows_cost());
    let begins = match first {
        _ if !knows_cost => format!("A customer brings {} on the first sale", money(first)),
        first if first < 0.0 => format!("We lose {} on the first sale", money(-first)),
        first => format!("We earn {} on the first sale", money(first)),
    };
    let ends = match told.payback_day {
        _ if !knows_cost => format!("and {} by day {horizon}", money(last)),
        Some(0) => format!("and have {} by day {horizon}", money(last)),
        Some(day) => format!("have it back on day {day}, and {} by day {horizon}", money(last)),
        None => format!("and are {} short by day {horizon}", money(-last)),
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
    let shown = if knows_cost {
        "Margin per customer so far, less what the customer cost."
    } else {
        "Margin per customer so far; what they cost is not known and not taken off."
    };
    let dashed = before.map_or("", |_| " Dashed: the customers they are compared with.");
    let less = if knows_cost { " − CAC" } else { "" };
    Picture {
        title: format!("{begins}, {ends}"),
        note: Some(format!("{shown}{dashed}")),
        svg: charts::both(|size| charts::payback(&spec, size)),
        formula: Some(format!(
            "height on day d = Σ margin of orders up to d days after the first / customers{less}; \
             margin = paid without tax − given back − cost of goods, first orders before their \
             discount, since that stands in CAC; test and offline payments cost no fee"
        )),
    }
}

/// The payback day; not yet is neither zero nor never.
fn payback_cell(told: &Payback, currency: &str) -> Cell {
    let customers = i64::try_from(told.customers).unwrap_or(i64::MAX);
    match (told.payback_day, told.still_missing) {
        (Some(day), _) => {
            let days = i64::try_from(day).unwrap_or(i64::MAX);
            Cell::worded(payback_text(Some(day)), days).tone("good").few(customers)
        }
        (None, Some(missing)) => Cell::pending("not yet")
            .note(format!("{} missing", money_text(rounded(missing), currency))),
        (None, None) if told.customers == 0 => Cell::pending("no customer"),
        (None, None) => Cell::unknown(),
    }
}

fn selects(question: &Question, rows: &Rows) -> Vec<Select> {
    let found = groups(question, &rows.now, &rows.words);
    let days = |days: i64| (days.to_string(), format!("{days} days"));
    vec![
        Select {
            name: "days",
            label: "Followed for",
            options: HORIZONS.into_iter().map(days).collect(),
            value: question.horizon.to_string(),
        },
        narrow::origins("source", found.into_keys().collect(), &question.origin),
        narrow::products("First product", &rows.products, &question.product_text),
        narrow::segments(&rows.segments, &question.segment_text),
    ]
}
