//! The ledger by state, newest first, whether few or many stand in it.

use model::ids::MessageId;
use model::messages::{Class, SourceKind, State};
use model::{SiteId, UtcMs};
use store::messages::{End, Insert};
use store::{Db, StoreError, Tx};

const SITE: SiteId = SiteId(1);
/// More than are sorted.
const MANY: i64 = 2_100;

testkit::both!(a_state_lists_its_messages_newest_first_be_they_few_or_many, by_state);

async fn plan(tx: &mut Tx<'_>, id: i64, state: State) -> Result<(), StoreError> {
    let text = id.to_string();
    let row = Insert {
        site_id: SITE,
        id: MessageId(id),
        dedupe_key: &text,
        class: Class::Value,
        source_kind: SourceKind::Sequence,
        source_id: 1,
        enrolment_id: None,
        contact_id: None,
        to_address: "iris@example.com",
        domain: "example.com",
        version_id: None,
        system_name: Some("confirm"),
        context: "{}",
        message_id: &text,
        state,
        reason: None,
        // The oldest leave last: not the order of the list.
        next_at: UtcMs(1_000_000 - id),
        expires_at: None,
    };
    assert!(store::messages::insert(tx, &row, UtcMs(1)).await?);
    Ok(())
}

/// Claims all that are due from `from` on, and has the server take those below `until`.
async fn send(tx: &mut Tx<'_>, from: i64, until: i64) -> Result<(), StoreError> {
    let due = UtcMs(1_000_000 - from);
    let claimed = store::messages::claim(tx, SITE, 7, UtcMs(60_000), due, MANY).await?;
    for one in claimed.iter().filter(|one| one.id.0 < until) {
        let end = End {
            state: State::Accepted,
            reason: None,
            next_at: UtcMs(2),
            counts: true,
            reply: None,
            accepted_at: Some(UtcMs(one.id.0)),
        };
        assert!(store::messages::end(tx, SITE, one.id, one.epoch, &end).await?);
    }
    Ok(())
}

async fn ids(db: &Db, state: State, before: i64) -> Vec<i64> {
    let found = db
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                let before = MessageId(before);
                store::messages::list_of_state(session, SITE, state, before, 3).await
            })
        })
        .await
        .unwrap();
    found.iter().map(|one| one.id.0).collect()
}

async fn by_state(db: Db) {
    let add = |from: i64, until: i64, state| {
        db.write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for id in from..until {
                    plan(tx, id, state).await?;
                }
                Ok(())
            })
        })
    };
    add(1, 11, State::Queued).await.unwrap();
    add(11, 21, State::Planned).await.unwrap();
    let last = i64::MAX;
    assert_eq!(ids(&db, State::Queued, last).await, [10, 9, 8]);
    assert_eq!(ids(&db, State::Queued, 8).await, [7, 6, 5]);
    assert_eq!(ids(&db, State::Queued, 2).await, [1]);
    assert_eq!(ids(&db, State::Planned, 13).await, [12, 11]);
    assert!(ids(&db, State::Accepted, last).await.is_empty());

    let sent = |from, until| {
        db.write::<_, StoreError, _>(move |tx| Box::pin(async move { send(tx, from, until).await }))
    };
    sent(5, 8).await.unwrap();
    assert_eq!(ids(&db, State::Accepted, last).await, [7, 6, 5]);
    assert_eq!(ids(&db, State::Accepted, 6).await, [5]);
    assert_eq!(ids(&db, State::Leased, last).await, [10, 9, 8]);
    assert_eq!(ids(&db, State::Leased, 10).await, [9, 8]);
    assert_eq!(ids(&db, State::Queued, last).await, [4, 3, 2]);

    add(100, 100 + MANY, State::Queued).await.unwrap();
    assert_eq!(ids(&db, State::Queued, 102).await, [101, 100, 4]);
    sent(100, last).await.unwrap();
    assert_eq!(ids(&db, State::Accepted, 101).await, [100, 7, 6]);
    assert_eq!(ids(&db, State::Queued, last).await, [4, 3, 2]);
}
