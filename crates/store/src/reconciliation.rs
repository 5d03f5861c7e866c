//! Reconciliation: the same sum taken two ways, from tables that were written by different hands.
//!
//! Each statement gives two sums over the orders paid, or the rows made, in `$2 .. $3`, by currency
//! where they are money, and of how many rows the own two sums differ: two faults that cancel out
//! in the whole are two faults.

use model::ids::{MessageId, OrderId};
use model::spans::Span;
use model::{SiteId, UtcMs, Zone};

use crate::balances::BalanceSum;
use crate::{FromRow, Result, Row, Session, stages};

/// What a comparison counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Things.
    Rows,
    /// Minor units.
    Money,
}

/// Over which range a comparison runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    /// Instants.
    Times,
    /// Ids made between the instants.
    Ids,
}

/// A comparison.
#[derive(Debug)]
pub struct Balance {
    /// In short: `orders_payments`.
    pub name: &'static str,
    /// What the first sum is.
    pub left: &'static str,
    /// What the second is.
    pub right: &'static str,
    /// What they count.
    pub counts: Counts,
    range: Range,
    sql: &'static str,
}

/// Money and orders.
pub const MONEY: &[Balance] = &[
    Balance {
        name: "orders_payments",
        left: "captured on orders",
        right: "payments that succeeded",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, o.captured_minor as l,
                coalesce((select cast(sum(p.amount_minor) as bigint) from payments p
                    where p.site_id = o.site_id and p.order_id = o.id
                        and p.state = 'succeeded'), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "orders_lines",
        left: "captured on orders",
        right: "lines whose payment succeeded",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, o.captured_minor as l,
                coalesce((select cast(sum(l.total_minor) as bigint) from order_lines l
                        join payments p on p.site_id = l.site_id and p.id = l.payment_id
                    where l.site_id = o.site_id and l.order_id = o.id
                        and p.state = 'succeeded'), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "payments_ledger",
        left: "payments that succeeded",
        right: "cash booked as sales in the ledger",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, coalesce((select cast(sum(p.amount_minor) as bigint) from payments p
                    where p.site_id = o.site_id and p.order_id = o.id
                        and p.state = 'succeeded'), 0) as l,
                coalesce((select cast(sum(g.minor) as bigint) from ledger_lines g
                    where g.site_id = o.site_id and g.order_id = o.id and g.refund_id is null
                        and g.account like 'cash:%'), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "ledger_zero",
        left: "ledger, what was debited",
        right: "ledger, what was credited",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, coalesce((select cast(sum(g.minor) as bigint) from ledger_lines g
                    where g.site_id = o.site_id and g.order_id = o.id and g.minor > 0), 0) as l,
                coalesce((select cast(sum(-g.minor) as bigint) from ledger_lines g
                    where g.site_id = o.site_id and g.order_id = o.id and g.minor < 0), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "orders_refunds",
        left: "given back on orders",
        right: "refunds that succeeded",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, o.refunded_minor as l,
                coalesce((select cast(sum(r.amount_minor) as bigint) from refunds r
                    where r.site_id = o.site_id and r.order_id = o.id
                        and r.state = 'succeeded'), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "refunds_ledger",
        left: "refunds that succeeded",
        right: "cash booked as given back in the ledger",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, coalesce((select cast(sum(r.amount_minor) as bigint) from refunds r
                    where r.site_id = o.site_id and r.order_id = o.id
                        and r.state = 'succeeded'), 0) as l,
                coalesce((select cast(sum(-g.minor) as bigint) from ledger_lines g
                    where g.site_id = o.site_id and g.order_id = o.id
                        and g.refund_id is not null and g.account like 'cash:%'), 0) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "lines_entitlements",
        left: "lines paid and not given back",
        right: "goods granted and not taken back",
        counts: Counts::Rows,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select '' as part, (select count(*) from order_lines l
                    where l.site_id = o.site_id and l.order_id = o.id and l.state = 'paid') as l,
                (select count(*) from order_lines l
                        join entitlements e on e.site_id = l.site_id and e.line_id = l.id
                    where l.site_id = o.site_id and l.order_id = o.id and e.revoked_at is null) as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "orders_invoices",
        left: "orders closed with a receipt",
        right: "invoices of orders",
        counts: Counts::Rows,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select '' as part, case when o.closed_at is null then 0 else 1 end as l,
                (select count(*) from invoices i
                    where i.site_id = o.site_id and i.order_id = o.id and i.kind = 'order') as r
                from orders o where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3) p group by p.part",
    },
    Balance {
        name: "orders_figures",
        left: "paid orders, test contacts left out",
        right: "orders in the figures of these pages",
        counts: Counts::Rows,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select '' as part, 1 as l,
                (select count(*) from order_figures f
                    where f.site_id = o.site_id and f.order_id = o.id) as r
                from orders o join contacts c on c.site_id = o.site_id and c.id = o.contact_id
                where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3
                    and c.is_test = false) p group by p.part",
    },
    Balance {
        name: "revenue_figures",
        left: "captured less tax and refunds, test contacts left out",
        right: "revenue in the figures of these pages",
        counts: Counts::Money,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select o.currency as part, o.captured_minor - o.tax_minor
                    - coalesce((select cast(sum(r.amount_minor - r.tax_minor) as bigint) from refunds r
                    where r.site_id = o.site_id and r.order_id = o.id
                        and r.state = 'succeeded'), 0) as l,
                coalesce((select cast(sum(f.net_minor - f.refunded_minor) as bigint) from order_figures f
                    where f.site_id = o.site_id and f.order_id = o.id), 0) as r
                from orders o join contacts c on c.site_id = o.site_id and c.id = o.contact_id
                where o.site_id = $1 and o.paid_at >= $2 and o.paid_at < $3
                    and c.is_test = false) p group by p.part",
    },
];

/// Mail and opt-ins.
pub const PEOPLE: &[Balance] = &[
    Balance {
        name: "messages_attempts",
        left: "mails accepted, but for those that only a click shows to have arrived",
        right: "tries a mail server accepted",
        counts: Counts::Rows,
        range: Range::Ids,
        // The words are those of `messages::ASKED_FOR`.
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select '' as part, case when m.state = 'accepted'
                    and (coalesce(m.reason, '') <> 'a link in it was asked for'
                        or exists (select 1 from message_attempts a where a.site_id = m.site_id
                            and a.message_id = m.id and a.outcome = 'accepted'))
                    then 1 else 0 end as l,
                (select count(*) from message_attempts a
                    where a.site_id = m.site_id and a.message_id = m.id
                        and a.outcome = 'accepted') as r
                from messages m where m.site_id = $1 and m.id >= $2 and m.id < $3) p group by p.part",
    },
    Balance {
        name: "clicks_messages",
        left: "human clicks",
        right: "of them on mails that left",
        counts: Counts::Rows,
        range: Range::Times,
        sql: "select p.part, cast(sum(p.l) as bigint), cast(sum(p.r) as bigint),
            cast(sum(case when p.l <> p.r then 1 else 0 end) as bigint)
            from (select '' as part, 1 as l,
                (select count(*) from messages m
                    where m.site_id = k.site_id and m.id = k.message_id
                        and m.date_at is not null) as r
                from clicks k
                where k.site_id = $1 and k.verdict = 'human' and k.at >= $2 and k.at < $3) p group by p.part",
    },
];

const MESSAGES: &str = "select state, count(*) from messages
    where site_id = $1 and id >= $2 and id < $3 group by state order by state";
const MESSAGES_ALL: &str = "select count(*) from messages
    where site_id = $1 and id >= $2 and id < $3";
const SUBMISSIONS: &str = "select state, count(*) from submissions
    where site_id = $1 and state in ('accepted', 'spam', 'held', 'discarded')
        and id >= $2 and id < $3 group by state order by state";
const SUBMISSIONS_ALL: &str = "select count(*) from forms f
    join submissions s on s.site_id = f.site_id and s.form_id = f.id
    where f.site_id = $1 and s.id >= $2 and s.id < $3";
const LEADS: &str = "select count(*) from contacts
    where site_id = $1 and id >= $2 and id < $3 and is_test = false";
const CONFIRMED: &str = "select count(*) from contacts
    where site_id = $1 and confirmed_at >= $2 and confirmed_at < $3 and is_test = false";

const FIRST_PAID: &str = "select min(paid_at) from orders
    where site_id = $1 and paid_at is not null";
const FIRST_IDS: [&str; 2] = [
    "select id from contacts where site_id = $1 and id > 0 order by id limit 1",
    "select id from messages where site_id = $1 and id > 0 order by id limit 1",
];

const ORDERS_AT: &str = "select id from orders
    where site_id = $1 and paid_at >= $2 and paid_at < $3
        and (cast($4 as text) = '' or currency = $4) order by paid_at, id limit 20";
const MESSAGES_AT: &str = "select id from messages
    where site_id = $1 and id >= $2 and id < $3 order by id limit 20";
const CLICKED_AT: &str = "select message_id from clicks
    where site_id = $1 and verdict = 'human' and at >= $2 and at < $3 order by at, id limit 20";

/// The comparison of this name.
pub fn named(name: &str) -> Option<&'static Balance> {
    MONEY.iter().chain(PEOPLE).find(|balance| balance.name == name)
}

/// Both sums of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// The currency of amounts, else empty.
    pub currency: String,
    /// The first sum.
    pub left: i64,
    /// The second.
    pub right: i64,
    /// Rows whose own two sums differ.
    pub apart: i64,
}

impl FromRow for Taken {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            currency: row.take()?,
            left: row.take()?,
            right: row.take()?,
            apart: row.take()?,
        })
    }
}

/// Rows that stand at one instant and make two sums differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// The instant: when they were paid, made or clicked.
    pub at: UtcMs,
    /// Both sums there.
    pub taken: Taken,
    /// The orders.
    pub orders: Vec<OrderId>,
    /// The mails.
    pub messages: Vec<MessageId>,
}

/// Where the sums of a comparison differ within some stretches, at most `most` instants: halves
/// that are equal are left alone, the others halved again, so that a lost row among a million is
/// found in some forty looks.
pub async fn apart(
    session: &mut Session<'_>,
    site: SiteId,
    balance: &'static Balance,
    mut open: Vec<(UtcMs, UtcMs)>,
    most: usize,
) -> Result<Vec<Apart>> {
    open.reverse();
    let mut found = Vec::new();
    while let Some((from, until)) = open.pop() {
        let taken = sums(session, site, balance, (from, until)).await?;
        let parts: Vec<Taken> = taken.into_iter().filter(|taken| taken.apart > 0).collect();
        if parts.is_empty() || found.len() >= most {
            continue;
        }
        let length = until.since_ms(from);
        if length <= 1 {
            for taken in parts {
                found.push(instant(session, site, balance, (from, until), taken).await?);
            }
            continue;
        }
        let middle = from.plus_ms(length / 2);
        open.push((middle, until));
        open.push((from, middle));
    }
    Ok(found)
}

/// The rows of one instant.
async fn instant(
    session: &mut Session<'_>,
    site: SiteId,
    balance: &'static Balance,
    (from, until): (UtcMs, UtcMs),
    taken: Taken,
) -> Result<Apart> {
    let mut apart = Apart { at: from, taken, orders: Vec::new(), messages: Vec::new() };
    let (first, last) = bounds(balance, (from, until));
    match (balance.name, balance.range) {
        (_, Range::Ids) => {
            let query = session.query(MESSAGES_AT).bind(site).bind(first).bind(last);
            apart.messages = query.all().await?;
        }
        ("clicks_messages", _) => {
            let query = session.query(CLICKED_AT).bind(site).bind(first).bind(last);
            apart.messages = query.all().await?;
        }
        _ => {
            let query = session.query(ORDERS_AT).bind(site).bind(first).bind(last);
            apart.orders = query.bind(&apart.taken.currency).all().await?;
        }
    }
    Ok(apart)
}

fn bounds(balance: &Balance, (from, until): (UtcMs, UtcMs)) -> (i64, i64) {
    match balance.range {
        Range::Times => (from.0, until.0),
        Range::Ids => ids(from, until),
    }
}

/// Both sums of a comparison, one line a currency; none where there are no rows.
pub async fn sums(
    session: &mut Session<'_>,
    site: SiteId,
    balance: &'static Balance,
    span: (UtcMs, UtcMs),
) -> Result<Vec<Taken>> {
    let (from, until) = bounds(balance, span);
    session.query(balance.sql).bind(site).bind(from).bind(until).all().await
}

/// The comparison of leads by the stages page with those counted row by row.
pub const LEADS_MADE: &str = "stages_leads";
/// The same of confirmed contacts.
pub const LEADS_CONFIRMED: &str = "stages_confirmed";
/// Mails planned: all of them, and by state.
pub const MAILS: &str = "mails";
/// Forms sent: all of them, and by outcome.
pub const ANSWERS: &str = "answers";

/// When the first of the rows was made, or paid, that comparisons look at.
pub async fn first(session: &mut Session<'_>, site: SiteId) -> Result<Option<UtcMs>> {
    let mut first: Option<UtcMs> = session.query(FIRST_PAID).bind(site).one().await?;
    for sql in FIRST_IDS {
        let id: Option<i64> = session.query(sql).bind(site).maybe().await?;
        let made = id.map(model::ids::made_at);
        first = [first, made].into_iter().flatten().min();
    }
    Ok(first)
}

/// Every comparison of a span, counted from its rows.
pub async fn count(
    session: &mut Session<'_>,
    site: SiteId,
    (span, zone): (Span, &Zone),
) -> Result<Vec<BalanceSum>> {
    let bounds = span.bounds(zone);
    let mut all = Vec::new();
    for balance in MONEY.iter().chain(PEOPLE) {
        let taken = sums(session, site, balance, bounds).await?;
        all.extend(taken.into_iter().map(|taken| BalanceSum::of(balance.name, taken)));
    }
    let staged = stages::within(session, site, (span, zone), &["lead", "confirmed"]).await?;
    let of = |stage: &str| -> i64 {
        staged.iter().filter(|count| count.stage == stage).map(|count| count.contacts).sum()
    };
    let (made, confirmed) = contacts(session, site, bounds).await?;
    all.push(BalanceSum::two(LEADS_MADE, of("lead"), made));
    all.push(BalanceSum::two(LEADS_CONFIRMED, of("confirmed"), confirmed));
    for (name, by) in [
        (MAILS, messages(session, site, bounds).await?),
        (ANSWERS, submissions(session, site, bounds).await?),
    ] {
        let sum = by.states.iter().map(|(_, count)| count).sum();
        all.push(BalanceSum::two(name, by.all, sum));
        all.extend(by.states.into_iter().map(|(state, count)| BalanceSum {
            name: name.to_owned(),
            part: state,
            left: count,
            right: count,
            apart: 0,
        }));
    }
    Ok(all)
}

/// Rows of one kind in a span: all of them, and by where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ByState {
    /// All, counted without looking at their state.
    all: i64,
    /// By state.
    states: Vec<(String, i64)>,
}

/// Mails planned in a span.
async fn messages(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<ByState> {
    let (from, until) = ids(from, until);
    Ok(ByState {
        all: session.query(MESSAGES_ALL).bind(site).bind(from).bind(until).one().await?,
        states: session.query(MESSAGES).bind(site).bind(from).bind(until).all().await?,
    })
}

/// Forms sent in a span.
async fn submissions(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<ByState> {
    let (from, until) = ids(from, until);
    Ok(ByState {
        all: session.query(SUBMISSIONS_ALL).bind(site).bind(from).bind(until).one().await?,
        states: session.query(SUBMISSIONS).bind(site).bind(from).bind(until).all().await?,
    })
}

/// Contacts made, and contacts confirmed, counted without their origin.
async fn contacts(
    session: &mut Session<'_>,
    site: SiteId,
    (from, until): (UtcMs, UtcMs),
) -> Result<(i64, i64)> {
    let (first, last) = ids(from, until);
    let made = session.query(LEADS).bind(site).bind(first).bind(last).one().await?;
    let confirmed = session.query(CONFIRMED).bind(site).bind(from).bind(until).one().await?;
    Ok((made, confirmed))
}

fn ids(from: UtcMs, until: UtcMs) -> (i64, i64) {
    (model::ids::first_id_at(from), model::ids::first_id_at(until))
}
