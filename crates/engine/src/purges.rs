//! Purges: who never confirmed is forgotten, and so are spam, old counts and jobs that are done.
//! Once an hour.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use model::Zone;
use model::contacts::{PENDING_KEPT_DAYS, Status};
use model::ids::{ContactId, OrderId, made_at};
use model::sites::Site;
use model::spans::day_of;
use model::times::HOUR_MS;
use store::Tx;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::zone_of;
use crate::sweeps::Round;
use crate::{audits, forms, jobs, views};

/// Contacts looked at in one transaction.
const BATCH: i64 = 200;

/// The hour in which the last purge was.
#[derive(Debug, Default)]
pub(crate) struct LastPurge(AtomicI64);

/// Purges every site, if this hour's purge is not yet done; how many rows went.
pub(crate) async fn run(engine: &Engine) -> Result<usize> {
    let hour = engine.now().0.div_euclid(HOUR_MS);
    if engine.last_purge().0.swap(hour, Ordering::SeqCst) == hour {
        return Ok(0);
    }
    let sites = engine
        .reader()
        .read::<_, EngineError, _>(|session| {
            Box::pin(async move { Ok(store::sites::list(session).await?) })
        })
        .await?;
    let mut round = Round::default();
    for site in sites {
        let (gone, spam) =
            (pending(engine, &site).await, forms::forget_spam(engine, site.id).await);
        round.took(format_args!("pending contacts of site {}", site.slug), gone);
        round.took(format_args!("spam of site {}", site.slug), spam.map(|_| 0));
        let left = views::forget_left(engine, &site).await;
        round.took(format_args!("visits of who left site {}", site.slug), left);
    }
    let before = engine.now().plus_days(-PENDING_KEPT_DAYS);
    let done_before = engine.now().plus_ms(-jobs::KEPT_MS);
    let counts = engine
        .write(move |tx| {
            Box::pin(async move {
                store::jobs::forget_done(tx, done_before).await?;
                store::import_changes::forget_before(tx, before).await?;
                store::operator_links::forget_before(tx, before).await?;
                Ok(store::suppressions::forget_limits(tx, before).await?)
            })
        })
        .await;
    round.took("counts and links of long ago", counts.map(|_| 0));
    round.took("page views", views::tend(engine).await.map(|_| 0));
    round.took("the heads of the audit log", audits::note_heads(engine).await.map(|()| 0));
    round.end()
}

async fn pending(engine: &Engine, site: &Site) -> Result<usize> {
    let kept = i64::from(site.settings.pending_days);
    let now = engine.now();
    let before = store::contacts::first_id_at(now.plus_days(-kept));
    let (id, mut after, mut gone) = (site.id, ContactId(0), 0);
    let zone = zone_of(site);
    loop {
        let (from, zone) = (after, zone.clone());
        let (last, count) = engine
            .write(move |tx| {
                Box::pin(async move {
                    let span = (before, from);
                    let due = store::contacts::pending_before(tx, id, span, now, BATCH).await?;
                    let mut count = 0;
                    for contact in &due {
                        let days = days_of(tx, id, *contact, &zone).await?;
                        if forget(tx, id, *contact).await? {
                            for day in days {
                                store::stages::forget_day(tx, id, &day).await?;
                            }
                            count += 1;
                        }
                    }
                    Ok((due.last().copied(), count))
                })
            })
            .await?;
        gone += count;
        match last {
            Some(last) => after = last,
            None => return Ok(gone),
        }
    }
}

/// The days on which a contact came and answered: without it they count less, and the pages say so
/// at once.
async fn days_of(
    tx: &mut Tx<'_>,
    site: model::SiteId,
    contact: ContactId,
    zone: &Zone,
) -> Result<BTreeSet<String>> {
    let answers = store::forms::submissions_of_contact(tx, site, contact).await?;
    let made = answers.iter().map(|answer| answer.id.0).chain([contact.0]);
    Ok(made.map(|id| day_of(made_at(id), zone).to_string()).collect())
}

/// Forgets one pending contact, unless it bought something, or confirmed a moment ago.
async fn forget(tx: &mut Tx<'_>, site: model::SiteId, id: ContactId) -> Result<bool> {
    let found = store::contacts::find_to_change(tx, site, id).await?;
    if found.is_none_or(|found| found.status != Status::Pending || found.is_erased()) {
        return Ok(false);
    }
    remove(tx, site, id).await
}

/// Removes a contact with all that hangs on it, unless it bought something.
pub(crate) async fn remove(tx: &mut Tx<'_>, site: model::SiteId, id: ContactId) -> Result<bool> {
    let last = OrderId(i64::MAX);
    if !store::orders::list_of_contact(tx, site, id, last, 1).await?.is_empty() {
        return Ok(false);
    }
    store::messages::scrub_of_contact(tx, site, id).await?;
    store::forms::forget_of_contact(tx, site, id).await?;
    store::confirmations::forget(tx, site, id).await?;
    store::magnets::forget(tx, site, id).await?;
    store::touches::delete_of_contact(tx, site, id).await?;
    store::carts::forget(tx, site, id).await?;
    store::import_changes::forget_of_contact(tx, site, id).await?;
    store::tags::remove_all(tx, site, id).await?;
    store::topics::leave_all(tx, site, id).await?;
    store::scores::forget(tx, site, id).await?;
    store::learned_scores::forget(tx, site, id).await?;
    store::segments::leave_all(tx, site, id).await?;
    // Their visits stand in a database of their own: `views::forget_left` finds that they are gone.
    store::contacts::delete(tx, site, id).await?;
    Ok(true)
}
