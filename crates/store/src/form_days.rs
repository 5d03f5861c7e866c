//! What each form brought: by day from the rollup, or counted from its answers.
//!
//! An answer whose contact confirmed counts on the later day of the two, so that a day that is over
//! keeps its figures.

use std::collections::BTreeMap;

use model::ids::{FormId, SubmissionId, first_id_at};
use model::spans::Span;
use model::{SiteId, UtcMs, Zone};

use crate::{FromRow, Result, Row, Session, Tx, stages};

const ANSWERED: &str = "select s.form_id, count(*),
    cast(sum(case when c.confirmed_at < $4 then 1 else 0 end) as bigint)
    from submissions s left join contacts c on c.site_id = s.site_id and c.id = s.contact_id
    where s.site_id = $1 and s.state = 'accepted' and s.id >= $2 and s.id < $3
    group by s.form_id";
const CONFIRMED_LATER: &str = "select s.form_id, cast(0 as bigint), count(*) from contacts c
    join submissions s on s.site_id = c.site_id and s.contact_id = c.id
    where c.site_id = $1 and c.confirmed_at >= $2 and c.confirmed_at < $3
    and s.state = 'accepted' and s.id < $4 group by s.form_id";
const ROLLED: &str = "select form_id, cast(sum(answers) as bigint),
    cast(sum(confirmed) as bigint) from form_days where site_id = $1 and day >= $2 and day <= $3
    group by form_id";
const FORGET: &str = "delete from form_days where site_id = $1 and day = $2";
const PUT: &str = "insert into form_days (site_id, day, form_id, answers, confirmed)
    values ($1, $2, $3, $4, $5)";
const WAITING: &str = "select form_id + 0, count(*) from submissions
    where site_id = $1 and state in ('spam', 'held') group by form_id + 0";

/// What one form brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormCount {
    /// The form.
    pub form_id: FormId,
    /// Answers that were taken.
    pub answers: i64,
    /// Those of them whose contact confirmed.
    pub confirmed: i64,
}

impl FromRow for FormCount {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { form_id: row.take()?, answers: row.take()?, confirmed: row.take()? })
    }
}

/// Counts from the rows, `from .. until`.
pub async fn count(
    session: &mut Session<'_>,
    site: SiteId,
    from: UtcMs,
    until: UtcMs,
) -> Result<Vec<FormCount>> {
    let id = |at| SubmissionId(first_id_at(at));
    let query = session.query(ANSWERED).bind(site).bind(id(from)).bind(id(until)).bind(until);
    let mut counts: Vec<FormCount> = query.all().await?;
    let query = session.query(CONFIRMED_LATER).bind(site).bind(from).bind(until).bind(id(from));
    counts.extend(query.all::<FormCount>().await?);
    Ok(sums(counts))
}

/// Writes what a day brought, in place of what stood there.
pub async fn put_day(tx: &mut Tx<'_>, site: SiteId, day: &str, counts: &[FormCount]) -> Result<()> {
    tx.query(FORGET).bind(site).bind(day).run().await?;
    for count in counts {
        let query = tx.query(PUT).bind(site).bind(day).bind(count.form_id);
        query.bind(count.answers).bind(count.confirmed).run().await?;
    }
    Ok(())
}

/// What the rollup holds of the days `from ..= to` (ISO).
pub async fn rolled(
    session: &mut Session<'_>,
    site: SiteId,
    from: &str,
    to: &str,
) -> Result<Vec<FormCount>> {
    session.query(ROLLED).bind(site).bind(from).bind(to).all().await
}

/// What each form brought in a span: days that are rolled up from the rollup, the others from
/// their rows.
pub async fn within(
    session: &mut Session<'_>,
    site: SiteId,
    span: Span,
    zone: &Zone,
) -> Result<Vec<FormCount>> {
    let mut counts = rolled(session, site, &span.from.to_string(), &span.to.to_string()).await?;
    for (from, until) in stages::unrolled(session, site, span, zone).await? {
        counts.extend(count(session, site, from, until).await?);
    }
    Ok(sums(counts))
}

/// How many answers of each form are kept apart.
pub async fn waiting(session: &mut Session<'_>, site: SiteId) -> Result<Vec<(FormId, i64)>> {
    session.query(WAITING).bind(site).all().await
}

/// One line a form.
fn sums(counts: Vec<FormCount>) -> Vec<FormCount> {
    let mut sums: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for count in counts {
        let (answers, confirmed) = sums.entry(count.form_id.0).or_default();
        *answers += count.answers;
        *confirmed += count.confirmed;
    }
    let line = |(id, (answers, confirmed))| FormCount { form_id: FormId(id), answers, confirmed };
    sums.into_iter().map(line).collect()
}
