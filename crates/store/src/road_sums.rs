//! Journeys added up by path, by day and by month: what the pages of roads and attribution read.

use std::collections::BTreeMap;

use model::SiteId;
use model::ids::ProductId;
use model::spans::Span;

use crate::order_sums::pieces;
use crate::{FromRow, Result, Row, Session, Tx};

const ADD: &str = "insert into road_sums (site_id, level, unit, product_id, period, currency, path,
    orders, revenue_minor, margin_minor, nulls, wait_0, wait_1, wait_2, wait_3, wait_4, wait_5,
    wait_6, wait_7)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    on conflict (site_id, level, unit, product_id, period, currency, path) do update set
        orders = road_sums.orders + excluded.orders,
        revenue_minor = road_sums.revenue_minor + excluded.revenue_minor,
        margin_minor = road_sums.margin_minor + excluded.margin_minor,
        nulls = road_sums.nulls + excluded.nulls,
        wait_0 = road_sums.wait_0 + excluded.wait_0,
        wait_1 = road_sums.wait_1 + excluded.wait_1,
        wait_2 = road_sums.wait_2 + excluded.wait_2,
        wait_3 = road_sums.wait_3 + excluded.wait_3,
        wait_4 = road_sums.wait_4 + excluded.wait_4,
        wait_5 = road_sums.wait_5 + excluded.wait_5,
        wait_6 = road_sums.wait_6 + excluded.wait_6,
        wait_7 = road_sums.wait_7 + excluded.wait_7";
const CLEAR: &str = "delete from road_sums where site_id = $1 and level = $2 and unit = $3
    and product_id = $4 and period = $5 and currency = $6 and path = $7
    and orders = 0 and nulls = 0";
const ADD_DECAY: &str = "insert into road_decays (site_id, unit, product_id, period, currency,
    channel, source, credit_ppb, revenue_minor) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (site_id, unit, product_id, period, currency, channel, source) do update set
        credit_ppb = road_decays.credit_ppb + excluded.credit_ppb,
        revenue_minor = road_decays.revenue_minor + excluded.revenue_minor";
const CLEAR_DECAY: &str = "delete from road_decays where site_id = $1 and unit = $2
    and product_id = $3 and period = $4 and currency = $5 and channel = $6 and source = $7
    and credit_ppb = 0 and revenue_minor = 0";
const PATHS: &str = "select path, orders, revenue_minor, margin_minor, nulls, wait_0, wait_1,
    wait_2, wait_3, wait_4, wait_5, wait_6, wait_7 from road_sums
    where site_id = $1 and level = $2 and unit = $3 and product_id = $4
        and period >= $5 and period <= $6 and currency in ('', $7)";
const DECAYS: &str = "select channel, source, cast(sum(credit_ppb) as bigint),
    cast(sum(revenue_minor) as bigint) from road_decays
    where site_id = $1 and unit = $2 and product_id = $3 and period >= $4 and period <= $5
        and currency = $6 group by channel, source";
const FOREIGN: &str = "select coalesce(cast(sum(orders) as bigint), 0) from road_sums
    where site_id = $1 and level = 'channel' and unit = $2 and product_id = $3
        and period >= $4 and period <= $5 and currency not in ('', $6)";
const ROLLED: &str = "select level, unit, product_id, period, currency, path, orders,
    revenue_minor, margin_minor, nulls, wait_0, wait_1, wait_2, wait_3, wait_4, wait_5, wait_6,
    wait_7 from road_sums
    where site_id = $1 and level = $2 and unit = $3 and product_id = $4
        and period >= $5 and period <= $6";
const ROLLED_DECAYS: &str =
    "select period, currency, channel, source, credit_ppb, revenue_minor from road_decays
    where site_id = $1 and unit = $2 and product_id = $3 and period >= $4 and period <= $5";
const FIRST_DAY: &str = "select min(period) from road_sums
    where site_id = $1 and level = 'channel' and unit = 'day' and product_id = 0";
const PRODUCTS: &str = "select p.id, p.name from products p where p.site_id = $1
    and exists (select 1 from order_lines l where l.site_id = p.site_id and l.product_id = p.id)
    order by p.name, p.id";

/// Of what a path is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Channels.
    Channel,
    /// Channels with their sources.
    Source,
}

impl Level {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Channel, Self::Source];

    /// As stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Source => "source",
        }
    }
}

/// Over how long is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// A day.
    Day,
    /// A month.
    Month,
}

impl Unit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    fn word(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The name of the period of a day.
    pub fn period(self, day: &str) -> String {
        match self {
            Self::Day => day.to_owned(),
            Self::Month => day.get(..7).unwrap_or(day).to_owned(),
        }
    }
}

/// How many classes there are of how long an order took.
pub const WAITS: usize = 8;
/// The days before which an order falls into each class; the last has no end.
pub const WAIT_DAYS: [i64; WAITS - 1] = [1, 2, 4, 8, 15, 31, 91];

/// What came of a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoadSum {
    /// Orders.
    pub orders: i64,
    /// What they brought, less what went back.
    pub revenue_minor: i64,
    /// The same, less what the goods cost.
    pub margin_minor: i64,
    /// Journeys without an order.
    pub nulls: i64,
    /// Orders by how long after the first touch they were paid.
    pub waits: [i64; WAITS],
}

impl RoadSum {
    /// Adds `other`, `times` times: 1 or −1.
    pub fn add(&mut self, other: &Self, times: i64) {
        self.orders += times * other.orders;
        self.revenue_minor += times * other.revenue_minor;
        self.margin_minor += times * other.margin_minor;
        self.nulls += times * other.nulls;
        for (mine, theirs) in self.waits.iter_mut().zip(other.waits) {
            *mine += times * theirs;
        }
    }
}

/// Of which line of the sums.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoadKey {
    /// Of what the path is made.
    pub level: Level,
    /// A day or a month.
    pub unit: Unit,
    /// What was ordered; 0 for everything together, journeys without an order among it.
    pub product_id: ProductId,
    /// Which: `2026-03-14` or `2026-03`.
    pub period: String,
    /// Of the amounts; empty without an order.
    pub currency: String,
    /// As `model::roads` writes it.
    pub path: String,
}

/// Of which line of the time decay.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecayKey {
    /// A day or a month.
    pub unit: Unit,
    /// What was ordered; 0 for everything together.
    pub product_id: ProductId,
    /// Which.
    pub period: String,
    /// Of the amounts.
    pub currency: String,
    /// The channel.
    pub channel: String,
    /// The source, or empty.
    pub source: String,
}

/// Sums, or what is to be added to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// By path.
    pub roads: BTreeMap<RoadKey, RoadSum>,
    /// By channel and source: thousand millionths of orders, and minor units.
    pub decays: BTreeMap<DecayKey, (i64, i64)>,
}

impl Sums {
    /// What `self` has more than `other`: what is to be added to `other` to get there.
    #[must_use]
    pub fn beyond(mut self, other: &Self) -> Self {
        for (key, sum) in &other.roads {
            self.roads.entry(key.clone()).or_default().add(sum, -1);
        }
        for (key, (credit, revenue)) in &other.decays {
            let mine = self.decays.entry(key.clone()).or_default();
            *mine = (mine.0 - credit, mine.1 - revenue);
        }
        self.roads.retain(|_, sum| *sum != RoadSum::default());
        self.decays.retain(|_, sum| *sum != (0, 0));
        self
    }

    /// Keeps the lines that `other` holds too, to the unit.
    #[must_use]
    pub fn agreed(mut self, other: &Self) -> Self {
        self.roads.retain(|key, sum| other.roads.get(key) == Some(sum));
        self.decays.retain(|key, sum| other.decays.get(key) == Some(sum));
        self
    }

    /// The same in parts of so many lines.
    pub fn parts(self, lines: usize) -> Vec<Self> {
        let roads: Vec<(RoadKey, RoadSum)> = self.roads.into_iter().collect();
        let decays: Vec<(DecayKey, (i64, i64))> = self.decays.into_iter().collect();
        let mut parts = Vec::new();
        for some in roads.chunks(lines.max(1)) {
            parts.push(Self { roads: some.iter().cloned().collect(), ..Self::default() });
        }
        for some in decays.chunks(lines.max(1)) {
            parts.push(Self { decays: some.iter().cloned().collect(), ..Self::default() });
        }
        parts
    }

    /// How many lines there are.
    pub fn lines(&self) -> usize {
        self.roads.len() + self.decays.len()
    }
}

impl FromRow for RoadSum {
    fn from_row(row: &mut Row) -> Result<Self> {
        let mut sum = Self {
            orders: row.take()?,
            revenue_minor: row.take()?,
            margin_minor: row.take()?,
            nulls: row.take()?,
            waits: [0; WAITS],
        };
        for wait in &mut sum.waits {
            *wait = row.take()?;
        }
        Ok(sum)
    }
}

/// A path with what came of it.
struct PathRow(String, RoadSum);

impl FromRow for PathRow {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self(row.take()?, RoadSum::from_row(row)?))
    }
}

/// A line as it is written.
struct Line(RoadKey, RoadSum);

impl FromRow for Line {
    fn from_row(row: &mut Row) -> Result<Self> {
        let (level, unit): (String, String) = (row.take()?, row.take()?);
        let key = RoadKey {
            level: if level == "source" { Level::Source } else { Level::Channel },
            unit: if unit == "month" { Unit::Month } else { Unit::Day },
            product_id: row.take()?,
            period: row.take()?,
            currency: row.take()?,
            path: row.take()?,
        };
        Ok(Self(key, RoadSum::from_row(row)?))
    }
}

/// Period, currency, channel, source, credit and revenue.
type DecayLine = (String, String, String, String, i64, i64);

/// Adds to what is written; lines that come to nothing go.
pub async fn add(tx: &mut Tx<'_>, site: SiteId, more: &Sums) -> Result<()> {
    // Always in the same order, so that two who add at once do not wait for each other in a ring.
    for (key, sum) in more.roads.iter().filter(|(_, sum)| **sum != RoadSum::default()) {
        let mut query = tx.query(ADD).bind(site).bind(key.level.word()).bind(key.unit.word());
        query = query.bind(key.product_id).bind(&key.period).bind(&key.currency).bind(&key.path);
        query = query.bind(sum.orders).bind(sum.revenue_minor).bind(sum.margin_minor);
        query = query.bind(sum.nulls);
        for wait in sum.waits {
            query = query.bind(wait);
        }
        query.run().await?;
        if sum.orders < 0 || sum.nulls < 0 {
            let query = tx.query(CLEAR).bind(site).bind(key.level.word()).bind(key.unit.word());
            let query = query.bind(key.product_id).bind(&key.period).bind(&key.currency);
            query.bind(&key.path).run().await?;
        }
    }
    for (key, (credit, revenue)) in more.decays.iter().filter(|(_, sum)| **sum != (0, 0)) {
        let query = tx.query(ADD_DECAY).bind(site).bind(key.unit.word()).bind(key.product_id);
        let query = query.bind(&key.period).bind(&key.currency);
        let query = query.bind(&key.channel).bind(&key.source).bind(*credit).bind(*revenue);
        query.run().await?;
        if *credit < 0 {
            let query = tx.query(CLEAR_DECAY).bind(site).bind(key.unit.word());
            let query = query.bind(key.product_id).bind(&key.period).bind(&key.currency);
            query.bind(&key.channel).bind(&key.source).run().await?;
        }
    }
    Ok(())
}

/// Everything that is written of the periods `from ..= to` of a unit.
pub async fn rolled(
    session: &mut Session<'_>,
    site: SiteId,
    unit: Unit,
    (from, to): (&str, &str),
) -> Result<Sums> {
    let mut sums = Sums::default();
    let sold = products(session, site).await?.into_iter().map(|(product, _)| product);
    for product in std::iter::once(ProductId(0)).chain(sold) {
        for level in Level::ALL {
            let query = session.query(ROLLED).bind(site).bind(level.word()).bind(unit.word());
            let lines: Vec<Line> = query.bind(product).bind(from).bind(to).all().await?;
            sums.roads.extend(lines.into_iter().map(|Line(key, sum)| (key, sum)));
        }
        let query = session.query(ROLLED_DECAYS).bind(site).bind(unit.word()).bind(product);
        let lines: Vec<DecayLine> = query.bind(from).bind(to).all().await?;
        for (period, currency, channel, source, credit, revenue) in lines {
            let key = DecayKey { unit, product_id: product, period, currency, channel, source };
            sums.decays.insert(key, (credit, revenue));
        }
    }
    Ok(sums)
}

/// The first day on which a journey ended, as far as is written.
pub async fn first_day(session: &mut Session<'_>, site: SiteId) -> Result<Option<String>> {
    session.query(FIRST_DAY).bind(site).one().await
}

/// Which journeys are asked for.
#[derive(Debug, Clone, Copy)]
pub struct RoadsOf<'a> {
    /// Of what paths are made.
    pub level: Level,
    /// The days in which they ended, in the site's zone.
    pub span: Span,
    /// Amounts in this currency alone.
    pub currency: &'a str,
    /// To orders of this alone; 0: anything, and those that led to none.
    pub product: ProductId,
}

/// What came of each path; whole months are read as such, so that a year is some hundred lines a
/// month and not a day.
pub async fn paths(
    session: &mut Session<'_>,
    site: SiteId,
    of: RoadsOf<'_>,
) -> Result<BTreeMap<String, RoadSum>> {
    let mut sums: BTreeMap<String, RoadSum> = BTreeMap::new();
    for (per, from, to) in pieces(of.span) {
        let query = session.query(PATHS).bind(site).bind(of.level.word()).bind(per);
        let query = query.bind(of.product).bind(&from).bind(&to).bind(of.currency);
        for PathRow(path, sum) in query.all::<PathRow>().await? {
            match sums.get_mut(&path) {
                Some(mine) => mine.add(&sum, 1),
                None => drop(sums.insert(path, sum)),
            }
        }
    }
    Ok(sums)
}

/// Credits by time decay: channel, source, thousand millionths of orders, minor units.
pub async fn decays(
    session: &mut Session<'_>,
    site: SiteId,
    of: RoadsOf<'_>,
) -> Result<Vec<(String, String, i64, i64)>> {
    let mut sums: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
    for (per, from, to) in pieces(of.span) {
        let query = session.query(DECAYS).bind(site).bind(per).bind(of.product);
        let rows: Vec<(String, String, i64, i64)> =
            query.bind(&from).bind(&to).bind(of.currency).all().await?;
        for (channel, source, credit, revenue) in rows {
            let sum = sums.entry((channel, source)).or_default();
            *sum = (sum.0 + credit, sum.1 + revenue);
        }
    }
    let line = |((channel, source), (credit, revenue))| (channel, source, credit, revenue);
    Ok(sums.into_iter().map(line).collect())
}

/// How many orders in other currencies there are.
pub async fn foreign(session: &mut Session<'_>, site: SiteId, of: RoadsOf<'_>) -> Result<i64> {
    let mut orders = 0;
    for (per, from, to) in pieces(of.span) {
        let query = session.query(FOREIGN).bind(site).bind(per).bind(of.product);
        orders += query.bind(&from).bind(&to).bind(of.currency).one::<i64>().await?;
    }
    Ok(orders)
}

/// Products that were ever ordered, by name.
pub async fn products(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(ProductId, String)>> {
    session.query(PRODUCTS).bind(site).all().await
}
