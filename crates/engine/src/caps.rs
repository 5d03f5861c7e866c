//! Caps by class: one sales mail a week, or what the site says; one of any kind in 14 days for
//! those who asked for less. What is over a cap is put off with its reason, never dropped.

use model::UtcMs;
use model::ids::{ContactId, MessageId, first_id_at};
use model::messages::{Class, LESS_OFTEN_DAYS, SALES_EVERY_DAYS};
use model::schedule::{LastSent, allowed_at};
use model::sites::Site;
use model::zones::Zone;
use store::Tx;

use crate::engine::Engine;
use crate::fault::Result;

/// How far back messages are looked at: the longest cap, and what a deferred one may wait.
const LOOK_BACK_DAYS: i64 = 45;

/// Until when a message is put off, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutOff {
    /// Not before.
    pub until: UtcMs,
    /// For people.
    pub why: String,
}

/// Whether `message` to `contact` must wait for a cap.
///
/// # Errors
/// The database fails.
pub async fn put_off(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    contact: ContactId,
    message: MessageId,
    class: Class,
) -> Result<Option<PutOff>> {
    if !class.is_capped() {
        return Ok(None);
    }
    let found = store::contacts::find(tx, site.id, contact).await?;
    let Some(found) = found else { return Ok(None) };
    // A test contact is fast-forwarded through what takes others weeks.
    if found.is_test || (!class.is_sales() && !found.less_often) {
        return Ok(None);
    }
    // Two nodes that count at once would both find room for theirs.
    store::contacts::lock(tx, site.id, contact).await?;
    let now = engine.now();
    let since = now.plus_ms(-LESS_OFTEN_DAYS * model::times::DAY_MS);
    let since_id = MessageId(first_id_at(now.plus_days(-LOOK_BACK_DAYS)));
    let sent = store::messages::capped(tx, site.id, contact, since_id, message, since).await?;
    let mut sales: Vec<UtcMs> =
        sent.iter().filter(|one| one.class.is_sales()).map(|one| one.at).collect();
    sales.sort_unstable();
    let any = sent.iter().map(|one| one.at).max();
    let site_zone = Zone::parse(&site.timezone).unwrap_or_else(|_| Zone::utc());
    let zone = Zone::of_contact(found.timezone.as_deref(), &site_zone);
    // Where more than one a week is allowed, the one that must be a week old is further back.
    let allowed = usize::try_from(site.settings.sales_mails_per_week.max(1)).unwrap_or(1);
    let nth = sales.len().checked_sub(allowed).and_then(|at| sales.get(at)).copied();
    let by_sales =
        allowed_at(class, LastSent { sales: nth, value: None, less_often: false }, now, &zone);
    let by_seldom = allowed_at(
        class,
        LastSent { sales: None, value: any, less_often: found.less_often },
        now,
        &zone,
    );
    let until = by_sales.max(by_seldom);
    if until <= now {
        return Ok(None);
    }
    let why = if by_seldom > by_sales {
        format!("asked for less often: one mail in {LESS_OFTEN_DAYS} days")
    } else {
        format!("cap: {allowed} sales mail in {SALES_EVERY_DAYS} days")
    };
    Ok(Some(PutOff { until, why }))
}
