//! People's rows: one contact an address, limits that hold over the installation, a ledger that
//! only grows, wordings that count up, imports that one process at a time moves on.

use std::collections::BTreeMap;

use model::contacts::{Contact, Status, SuppressionReason};
use model::ids::{ContactId, FileId, ImportId, WordingId};
use model::{SiteId, UtcMs};
use store::consents::NewWording;
use store::imports::{Import, Step};
use store::{Db, StoreError, Tx};

const SITE: SiteId = SiteId(1);

fn contact(id: i64, email: &str) -> Contact {
    Contact {
        id: ContactId(id),
        email: email.to_owned(),
        email_key: email.to_lowercase(),
        address_hmac: format!("h{email}"),
        status: Status::Pending,
        first_name: "Ann".to_owned(),
        last_name: String::new(),
        external_id: None,
        language: None,
        timezone: Some("Europe/Berlin".to_owned()),
        fields: BTreeMap::from([("city".to_owned(), "Köln".to_owned())]),
        is_test: false,
        no_sales: true,
        less_often: false,
        paused_until: Some(UtcMs(9)),
        created_at: UtcMs(1),
        updated_at: UtcMs(1),
        confirmed_at: None,
        unsubscribed_at: None,
        erased_at: None,
    }
}

testkit::both!(an_address_is_one_contact_and_reads_back_whole, one_contact);

async fn one_contact(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let ann = contact(10, "Ann@x.test");
            assert!(store::contacts::insert(tx, SITE, &ann).await?);
            assert!(!store::contacts::insert(tx, SITE, &contact(11, "ann@x.test")).await?);
            let other = SiteId(2);
            assert!(store::contacts::insert(tx, other, &contact(12, "ann@x.test")).await?);
            let found = store::contacts::find_by_key(tx, SITE, "ann@x.test").await?;
            assert_eq!(found, Some(ann.clone()));
            let confirmed = Contact {
                status: Status::Confirmed,
                confirmed_at: Some(UtcMs(5)),
                paused_until: None,
                ..ann
            };
            store::contacts::update_standing(tx, SITE, &confirmed).await?;
            assert!(store::contacts::insert(tx, SITE, &contact(20, "bob@x.test")).await?);
            let last = ContactId(i64::MAX);
            let of = async |tx: &mut Tx<'_>, status| {
                let all = store::contacts::list(tx, SITE, status, last, 9).await.unwrap();
                all.iter().map(|contact| contact.id.0).collect::<Vec<_>>()
            };
            assert_eq!(of(tx, None).await, [20, 10]);
            assert_eq!(of(tx, Some(Status::Confirmed)).await, [10]);
            assert!(store::tags::add(tx, SITE, ContactId(10), "vip", UtcMs(1)).await?);
            assert!(!store::tags::add(tx, SITE, ContactId(10), "vip", UtcMs(2)).await?);
            assert_eq!(store::tags::names(tx, SITE, 9).await?, ["vip"]);
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(who_read_a_contact_before_undoes_no_unsubscribe, stale_copy);

async fn stale_copy(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let ann = Contact { status: Status::Confirmed, ..contact(10, "ann@x.test") };
            store::contacts::insert(tx, SITE, &ann).await?;
            let mut left = store::contacts::find_to_change(tx, SITE, ann.id).await?.unwrap();
            left.status = Status::Unsubscribed;
            left.unsubscribed_at = Some(UtcMs(7));
            left.less_often = true;
            store::contacts::update_standing(tx, SITE, &left).await?;
            let renamed = Contact { first_name: "Anna".to_owned(), no_sales: false, ..ann };
            store::contacts::update(tx, SITE, &renamed).await?;
            let found = store::contacts::find_by_key_to_change(tx, SITE, "ann@x.test").await?;
            let found = found.unwrap();
            assert_eq!((found.first_name.as_str(), found.status), ("Anna", Status::Unsubscribed));
            assert_eq!(found.unsubscribed_at, Some(UtcMs(7)));
            assert!(found.no_sales && found.less_often);
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(of_many_who_change_a_contact_at_once_each_counts, at_once);

async fn at_once(db: Db) {
    let ann = contact(10, "ann@x.test");
    let id = ann.id;
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move { store::contacts::insert(tx, SITE, &ann).await.map(drop) })
    })
    .await
    .unwrap();
    let tasks = (0..40).map(|_| {
        let db = db.clone();
        tokio::spawn(async move {
            db.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move {
                    let mut ann = store::contacts::find_to_change(tx, SITE, id).await?.unwrap();
                    let times = ann.fields.get("times").map_or(0, |n| n.parse().unwrap());
                    ann.fields.insert("times".to_owned(), format!("{}", times + 1_i32));
                    store::contacts::update(tx, SITE, &ann).await
                })
            })
            .await
            .unwrap();
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let found = db
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::contacts::find(session, SITE, id).await })
        })
        .await;
    assert_eq!(found.unwrap().unwrap().fields["times"], "40");
}

testkit::both!(a_limit_counts_over_the_installation_and_ends, limits);

async fn limits(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let mut taken = Vec::new();
            for at in [1_000, 1_500, 2_100, 3_200, 4_300] {
                let (now, since) = (UtcMs(at), UtcMs(at - 1_000));
                let kind = "confirmation";
                taken.push(
                    store::suppressions::count_against_limit(tx, "h", kind, now, since, 3).await?,
                );
            }
            assert_eq!(taken, [true, false, true, true, false]);
            store::suppressions::end_limit(tx, "h", "confirmation").await?;
            let (now, since) = (UtcMs(9_000), UtcMs(8_000));
            let anew =
                store::suppressions::count_against_limit(tx, "h", "confirmation", now, since, 3);
            assert!(anew.await?);
            assert_eq!(store::suppressions::forget_limits(tx, UtcMs(9_001)).await?, 1);
            let reason = SuppressionReason::HardBounce;
            store::suppressions::put(tx, SITE, "h", reason, "550", UtcMs(1)).await?;
            let again = SuppressionReason::Complaint;
            store::suppressions::put(tx, SITE, "h", again, "abuse", UtcMs(2)).await?;
            let found = store::suppressions::find(tx, SITE, "h").await?.unwrap();
            assert_eq!((found.reason, found.since), (again, UtcMs(2)));
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(a_wording_is_kept_once_and_a_changed_one_is_the_next_version, wordings);

async fn wordings(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let mut versions = Vec::new();
            for (id, text) in [(1, "yes"), (2, "yes"), (3, "yes, please"), (4, "yes")] {
                let new = NewWording { id: WordingId(id), purpose: "newsletter", text, hash: text };
                let kept = store::consents::put_wording(tx, SITE, new, UtcMs(id)).await?;
                versions.push((kept.id.0, kept.version));
            }
            assert_eq!(versions, [(1, 1), (1, 1), (3, 2), (1, 1)]);
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(an_import_moves_on_from_where_it_stands_and_nowhere_else, imports);

async fn imports(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            let id = ImportId(7);
            let import = Import {
                id,
                name: "a.csv".to_owned(),
                file_id: FileId(1),
                file_hash: "f".to_owned(),
                preset: "csv".to_owned(),
                plan: "{}".to_owned(),
                state: "running".to_owned(),
                why: None,
                next_line: 0,
                rows: 0,
                created: 0,
                updated: 0,
                unchanged: 0,
                skipped: 0,
                rejected: 0,
                created_at: UtcMs(1),
                updated_at: UtcMs(1),
                ended_at: None,
            };
            store::imports::insert(tx, SITE, &import).await?;
            assert_eq!(store::imports::running(tx).await?, Some((SITE, id)));
            let step = Step { next_line: 12, rows: 10, created: 9, rejected: 1, ..Step::default() };
            assert!(store::imports::advance(tx, SITE, id, 0, step, UtcMs(2)).await?);
            assert!(!store::imports::advance(tx, SITE, id, 0, step, UtcMs(3)).await?, "twice");
            store::imports::set_state(tx, SITE, id, "done", None, UtcMs(4)).await?;
            let done = store::imports::find(tx, SITE, id).await?.unwrap();
            assert_eq!((done.rows, done.created, done.rejected), (10, 9, 1));
            assert_eq!((done.next_line, done.ended_at), (12, Some(UtcMs(4))));
            assert_eq!(store::imports::running(tx).await?, None);
            Ok(())
        })
    })
    .await
    .unwrap();
}
