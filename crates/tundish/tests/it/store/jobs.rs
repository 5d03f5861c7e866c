//! Jobs are claimed once, and a lost lease changes nothing.

use model::ids::JobId;
use model::{SiteId, UtcMs};
use store::jobs::NewJob;
use store::{Db, StoreError};

testkit::both!(a_job_is_made_once_claimed_once_and_ended_once, once);

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
                assert!(store::jobs::claim(tx, 1, UtcMs(60), UtcMs(4), 10).await?.is_empty());
                let mut first = store::jobs::claim(tx, 1, UtcMs(60), UtcMs(5), 10).await?;
                assert!(store::jobs::claim(tx, 2, UtcMs(60), UtcMs(5), 10).await?.is_empty());
                Ok(first.remove(0))
            })
        })
        .await
        .unwrap();

    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            assert_eq!(store::jobs::free_expired(tx, UtcMs(61)).await?, 1);
            let again = store::jobs::claim(tx, 2, UtcMs(120), UtcMs(61), 10).await?.remove(0);
            assert!(!store::jobs::done(tx, &claimed, UtcMs(62)).await?);
            assert!(store::jobs::done(tx, &again, UtcMs(62)).await?);
            assert_eq!(store::jobs::count_open(tx).await?, 0);
            Ok(())
        })
    })
    .await
    .unwrap();
}
