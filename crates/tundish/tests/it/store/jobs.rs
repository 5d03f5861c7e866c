//! Jobs are claimed once, and a lost lease changes nothing.

use model::ids::JobId;
use model::{SiteId, UtcMs};
use store::jobs::NewJob;
use store::{Db, StoreError};

testkit::both!(a_job_is_made_once_claimed_once_and_ended_once, once);
testkit::both!(a_long_job_is_claimed_alone_and_held_for_as_long_as_it_is_renewed, alone);

async fn once(db: Db) {
    let site = SiteId(1);
    let made = db
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let job = NewJob {
                    id: JobId(10),
                    kind: "forget_done_jobs",
                    payload: "{}",
                    dedupe_key: "k",
                    due_at: UtcMs(5),
                };
                let first = store::jobs::insert(tx, site, job, UtcMs(1)).await?;
                let again = NewJob { id: JobId(11), ..job };
                Ok((first, store::jobs::insert(tx, site, again, UtcMs(1)).await?))
            })
        })
        .await
        .unwrap();
    assert_eq!(made, (true, false));

    let claimed = db
        .write::<_, StoreError, _>(|tx| {
            Box::pin(async move {
                assert!(
                    store::jobs::claim(tx, (1, UtcMs(60)), &[], UtcMs(4), 10).await?.is_empty()
                );
                let mut first = store::jobs::claim(tx, (1, UtcMs(60)), &[], UtcMs(5), 10).await?;
                assert!(
                    store::jobs::claim(tx, (2, UtcMs(60)), &[], UtcMs(5), 10).await?.is_empty()
                );
                Ok(first.remove(0))
            })
        })
        .await
        .unwrap();

    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            assert_eq!(store::jobs::free_expired(tx, UtcMs(61)).await?, 1);
            let again =
                store::jobs::claim(tx, (2, UtcMs(120)), &[], UtcMs(61), 10).await?.remove(0);
            assert!(!store::jobs::done(tx, &claimed, UtcMs(62)).await?);
            assert!(store::jobs::done(tx, &again, UtcMs(62)).await?);
            assert_eq!(store::jobs::count_open(tx).await?, 0);
            Ok(())
        })
    })
    .await
    .unwrap();
}

async fn alone(db: Db) {
    let (site, long) = (SiteId(1), ["rebuild", "channels"]);
    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            for (id, site, kind) in
                [(10, 1, "channels"), (11, 1, "rebuild"), (12, 2, "rebuild"), (13, 1, "refund")]
            {
                let key = format!("k{id}");
                let (id, due_at) = (JobId(id), UtcMs(id));
                let job = NewJob { id, kind, payload: "{}", dedupe_key: &key, due_at };
                assert!(!store::jobs::is_made(tx, SiteId(site), &key).await?);
                store::jobs::insert(tx, SiteId(site), job, UtcMs(1)).await?;
                assert!(store::jobs::is_made(tx, SiteId(site), &key).await?);
            }
            let mut kinds = store::jobs::due_kinds(tx, UtcMs(20)).await?;
            kinds.sort();
            assert_eq!(kinds, ["channels", "rebuild", "refund"]);
            Ok(())
        })
    })
    .await
    .unwrap();

    let held = db
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let now = UtcMs(20);
                let short = store::jobs::claim(tx, (1, UtcMs(60)), &long, now, 10).await?;
                assert_eq!(short.iter().map(|job| job.id.0).collect::<Vec<_>>(), [13]);
                let first = store::jobs::claim_alone(tx, (1, UtcMs(60)), &long, now).await?;
                let other = store::jobs::claim_alone(tx, (2, UtcMs(60)), &long, now).await?;
                assert_eq!(other.map(|job| (job.site_id, job.id.0)), Some((SiteId(2), 12)));
                let third = store::jobs::claim_alone(tx, (2, UtcMs(60)), &long, now).await?;
                assert_eq!(third, None, "the other of site 1 waits for the first");
                Ok(first.unwrap())
            })
        })
        .await
        .unwrap();
    assert_eq!((held.site_id, held.id.0), (site, 10));

    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            assert!(store::jobs::renew(tx, &held, UtcMs(120)).await?);
            assert!(store::jobs::has_over(tx, UtcMs(61)).await?, "those that were not renewed");
            assert_eq!(store::jobs::free_expired(tx, UtcMs(61)).await?, 2);
            assert!(!store::jobs::has_over(tx, UtcMs(61)).await?);
            assert_eq!(store::jobs::free_expired(tx, UtcMs(121)).await?, 1);
            assert!(!store::jobs::renew(tx, &held, UtcMs(200)).await?, "it was lost");
            let again = store::jobs::claim_alone(tx, (2, UtcMs(200)), &long, UtcMs(121)).await?;
            assert_eq!(again.map(|job| job.id.0), Some(10));
            assert!(!store::jobs::done(tx, &held, UtcMs(122)).await?);
            Ok(())
        })
    })
    .await
    .unwrap();
}
