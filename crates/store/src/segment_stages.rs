//! How many of one segment's contacts reached each stage. No day is rolled up by segment, for a rule
//! can change at any time: these are counted from the rows, the members first, so that it takes as
//! long as the segment is large.

use model::ids::{ContactId, ProductId, SegmentId, first_id_at};
use model::spans::Span;
use model::{SiteId, Zone};

use crate::stages::StageCount;
use crate::{Result, Session};

/// Members who reached `$stage` by `$first`, by the channel and source of their first touch.
macro_rules! reached {
    ($stage:literal, $first:literal) => {
        concat!(
            "select '",
            $stage,
            "', coalesce(t.channel, 'unknown'), coalesce(t.source, ''), '', count(*)
    from segment_members s cross join contacts c left join touches t
        on t.site_id = c.site_id and t.contact_id = c.id and t.is_first = true
    where s.site_id = $1 and s.segment_id = $2 and c.site_id = s.site_id and c.id = s.contact_id
        and c.is_test = false and ",
            $first,
            " group by coalesce(t.channel, 'unknown'), coalesce(t.source, '')"
        )
    };
}
const LEADS: &str = reached!("lead", "s.contact_id >= $3 and s.contact_id < $4");
const CONFIRMED: &str = reached!("confirmed", "c.confirmed_at >= $3 and c.confirmed_at < $4");
const QUALIFIED: &str = reached!(
    "qualified",
    "exists (select 1 from clicks k where k.site_id = s.site_id
            and k.contact_id = s.contact_id and k.verdict = 'human' and k.at >= $3 and k.at < $4)
        and not exists (select 1 from clicks e where e.site_id = s.site_id
            and e.contact_id = s.contact_id and e.verdict = 'human' and e.at < $3)"
);
// `+ 0`: by the member, not by the time.
const REFERRALS: &str = reached!(
    "referral",
    "exists (select 1 from referrals r where r.site_id = s.site_id
            and r.referrer_id = s.contact_id and r.state in ('held', 'credited')
            and r.created_at + 0 >= $3 and r.created_at + 0 < $4)
        and not exists (select 1 from referrals e where e.site_id = s.site_id
            and e.referrer_id = s.contact_id and e.state in ('held', 'credited')
            and e.created_at + 0 < $3)"
);
const ORDERS: &str = "select case when f.nth = 1 then 'order' else 'second' end, f.channel,
    f.source, '', count(*)
    from segment_members s cross join order_figures f
    where s.site_id = $1 and s.segment_id = $2 and f.site_id = s.site_id
        and f.contact_id = s.contact_id and f.paid_day >= $3 and f.paid_day <= $4 and f.nth <= 2
        and (cast($5 as bigint) = 0 or f.first_product_id = $5)
    group by f.nth, f.channel, f.source";

/// Every stage but the visit, as `stages::within`; orders are those of customers who bought
/// `product` first (0: anything). Pages are not told apart.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    segment: SegmentId,
    (span, zone): (Span, &Zone),
    product: ProductId,
) -> Result<Vec<StageCount>> {
    let (from, until) = span.bounds(zone);
    let made = |at| ContactId(first_id_at(at));
    let query = session.query(LEADS).bind(site).bind(segment);
    let mut counts: Vec<StageCount> = query.bind(made(from)).bind(made(until)).all().await?;
    for sql in [CONFIRMED, QUALIFIED, REFERRALS] {
        let query = session.query(sql).bind(site).bind(segment).bind(from).bind(until);
        counts.extend(query.all::<StageCount>().await?);
    }
    let query = session.query(ORDERS).bind(site).bind(segment);
    let query = query.bind(span.from.to_string()).bind(span.to.to_string()).bind(product);
    counts.extend(query.all::<StageCount>().await?);
    Ok(counts)
}
