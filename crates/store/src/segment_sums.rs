//! Sums of the orders of one segment's contacts. Nothing is rolled up by segment, for a rule can
//! change at any time: these are counted from the figures of orders, the members first, so that a
//! page takes as long as the segment is large.

use model::ids::SegmentId;
use model::spans::{Span, month_of};
use model::{SiteId, UtcMs};

use crate::customer_sums::{Brought, Won};
use crate::order_sums::{Keyed, Only, Sums, What};
use crate::{Result, Session};

/// What `$what` comes to over the orders that members paid on the days `$3 ..= $4`, as far as
/// `$rest` says.
macro_rules! paid {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from segment_members s cross join order_figures f
    where s.site_id = $1 and s.segment_id = $2 and f.site_id = s.site_id
        and f.contact_id = s.contact_id and f.paid_day >= $3 and f.paid_day <= $4
        and (cast($6 as text) = '' or f.channel = $6)
        and (cast($7 as bigint) = 0 or f.first_product_id = $7) and ",
            $rest
        )
    };
}
/// The same of customers, by `$key`, as `customer_sums` has it.
macro_rules! won {
    ($key:literal, $rest:literal) => {
        concat!(
            "select ",
            $key,
            ", cast(sum(case when f.nth = 1 then 1 else 0 end) as bigint),
    cast(sum(case when f.nth = 2 then 1 else 0 end) as bigint), count(*),
    cast(sum(case when f.nth = 1 then f.discount_minor else 0 end) as bigint),
    cast(sum(f.net_minor - f.refunded_minor - f.cost_minor + f.reward_minor
        + case when f.nth = 1 then f.discount_minor else 0 end) as bigint)
    from segment_members s cross join order_figures f
    where s.site_id = $1 and s.segment_id = $2 and f.site_id = s.site_id
        and f.contact_id = s.contact_id and f.currency = $5 and ",
            $rest
        )
    };
}
const ALL: &str = paid!(
    "'', count(*), cast(0 as bigint), cast(sum(f.net_minor) as bigint),
    cast(sum(f.refunded_minor) as bigint), cast(sum(f.cost_minor) as bigint), cast(0 as bigint),
    cast(0 as bigint)",
    "f.currency = $5 having count(*) > 0"
);
const PAGES: &str = paid!(
    "f.landing, count(*), cast(0 as bigint), cast(sum(f.net_minor) as bigint),
    cast(sum(f.refunded_minor) as bigint), cast(sum(f.cost_minor) as bigint), cast(0 as bigint),
    cast(0 as bigint)",
    "f.currency = $5 group by f.landing order by f.landing"
);
const MAILS: &str = paid!(
    "f.mail_kind || '/' || cast(f.mail_source_id as text) || '/'
        || cast(f.mail_template_id as text), count(*), cast(0 as bigint),
    cast(sum(f.net_minor) as bigint), cast(sum(f.refunded_minor) as bigint),
    cast(sum(f.cost_minor) as bigint), cast(0 as bigint), cast(0 as bigint)",
    "f.currency = $5 and f.message_id is not null
    group by f.mail_kind, f.mail_source_id, f.mail_template_id"
);
const LINKS: &str = paid!(
    "cast(f.mail_version_id as text) || '/' || cast(f.mail_position as text), count(*),
    cast(0 as bigint), cast(sum(f.net_minor) as bigint), cast(sum(f.refunded_minor) as bigint),
    cast(sum(f.cost_minor) as bigint), cast(0 as bigint), cast(0 as bigint)",
    "f.currency = $5 and f.message_id is not null group by f.mail_version_id, f.mail_position"
);
const FOREIGN: &str = paid!("count(*)", "f.currency <> $5");
const BY_DAY: &str = paid!(
    "f.paid_day, count(*), cast(sum(f.net_minor - f.refunded_minor) as bigint)",
    "f.currency = $5 group by f.paid_day"
);
const OFFERS: &str = "select cast(p.offer_id as text) || '/' || p.kind,
    cast(sum(case when p.quantity > 0 then 1 else 0 end) as bigint),
    cast(sum(p.quantity) as bigint), cast(sum(p.net_minor) as bigint),
    cast(sum(p.refunded_minor) as bigint), cast(sum(p.cost_minor) as bigint),
    cast(sum(p.shown) as bigint), cast(sum(p.taken) as bigint)
    from segment_members s cross join order_figures f
        join figure_offers p on p.site_id = f.site_id and p.order_id = f.order_id
    where s.site_id = $1 and s.segment_id = $2 and f.site_id = s.site_id
        and f.contact_id = s.contact_id and f.paid_day >= $3 and f.paid_day <= $4
        and f.currency = $5 and (cast($6 as text) = '' or f.channel = $6)
        and (cast($7 as bigint) = 0 or f.first_product_id = $7)
    group by p.offer_id, p.kind";
const BY_ORIGIN: &str = won!(
    "f.channel, f.source, f.day",
    "f.first_at >= $3 and f.first_at < $4 and f.day <= $6
        and (cast($7 as bigint) = 0 or f.first_product_id = $7)
    group by f.channel, f.source, f.day"
);
const BY_MONTH: &str = won!(
    "f.cohort, '', f.day",
    "f.cohort >= $3 and f.cohort <= $4 and (cast($6 as bigint) = 0 or f.first_product_id = $6)
    group by f.cohort, f.day"
);

/// As `order_sums::by_key`.
pub(crate) async fn by_key(
    session: &mut Session<'_>,
    site: SiteId,
    what: What,
    span: Span,
    only: Only<'_>,
) -> Result<Vec<(String, Sums)>> {
    let sql = match what {
        What::All => ALL,
        What::Page => PAGES,
        What::Mail => MAILS,
        What::Link => LINKS,
        What::Offer => OFFERS,
    };
    let query = session.query(sql).bind(site).bind(only.segment);
    let query = query.bind(span.from.to_string()).bind(span.to.to_string()).bind(only.currency);
    let rows: Vec<Keyed> = query.bind(only.channel).bind(only.product).all().await?;
    Ok(rows.into_iter().map(|Keyed(key, sums)| (key, sums)).collect())
}

/// As `order_sums::foreign`.
pub(crate) async fn foreign(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    only: Only<'_>,
) -> Result<i64> {
    let query = session.query(FOREIGN).bind(site).bind(only.segment);
    let query = query.bind(span.from.to_string()).bind(span.to.to_string()).bind(only.currency);
    query.bind(only.channel).bind(only.product).one().await
}

/// Orders and revenue of each day.
pub(crate) async fn by_day(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    only: Only<'_>,
) -> Result<Vec<(String, i64, i64)>> {
    let query = session.query(BY_DAY).bind(site).bind(only.segment);
    let query = query.bind(span.from.to_string()).bind(span.to.to_string()).bind(only.currency);
    query.bind(only.channel).bind(only.product).all().await
}

/// As `customer_sums::by_origin`, of the customers won in `bounds`.
pub async fn by_origin(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    (of, (from, until)): (Won<'_>, (UtcMs, UtcMs)),
    day_max: i64,
) -> Result<Vec<Brought>> {
    let query = session.query(BY_ORIGIN).bind(site).bind(segment).bind(from).bind(until);
    query.bind(of.currency).bind(day_max).bind(of.product).all().await
}

/// As `customer_sums::by_month`.
pub async fn by_month(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    of: Won<'_>,
) -> Result<Vec<Brought>> {
    let query = session.query(BY_MONTH).bind(site).bind(segment);
    let query = query.bind(month_of(of.span.from)).bind(month_of(of.span.to));
    query.bind(of.currency).bind(of.product).all().await
}
