//! Runs of many people into a sequence: one a turn, moved on by one process at a time; and the
//! lists of people they go through.

use model::contacts::{Contact, Status};
use model::ids::{ContactId, EntitlementId, LineId, OrderId, ProductId, SequenceId, SequenceRunId};
use model::sequence_runs::{Audience, Outcome};
use model::{SiteId, UtcMs};
use store::contact_lists::{After, Narrowed};
use store::entitlements::Entitlement;
use store::sequence_runs::{Portion, SequenceRun, Which};
use store::sequences::Sequence;
use store::{Db, StoreError, Tx};

const SITE: SiteId = SiteId(1);
const SEQUENCE: SequenceId = SequenceId(7);

fn run(id: i64, turn: i64) -> SequenceRun {
    SequenceRun {
        site_id: SITE,
        id: SequenceRunId(id),
        sequence_id: SEQUENCE,
        audience: Audience::Tagged("fern".to_owned()),
        turn,
        state: "running".to_owned(),
        why: None,
        actor: "console".to_owned(),
        asked: 3,
        entered: 0,
        left_out: 0,
        reached: ContactId(0),
        before_id: ContactId(90),
        begin_at: UtcMs(50),
        created_at: UtcMs(10),
        ended_at: None,
    }
}

async fn live_sequence(tx: &mut Tx<'_>, state: &str) -> store::Result<()> {
    let mut new = Sequence {
        site_id: SITE,
        id: SEQUENCE,
        slug: "spring".to_owned(),
        name: "Spring".to_owned(),
        state: "draft".to_owned(),
        starts_on: "{}".to_owned(),
        draft: "{}".to_owned(),
        version_id: None,
        revision: 1,
        created_at: UtcMs(1),
        updated_at: UtcMs(1),
    };
    if let Some(known) = store::sequences::find(tx, SITE, SEQUENCE).await? {
        new = known;
    } else {
        store::sequences::insert(tx, &new, UtcMs(1)).await?;
    }
    state.clone_into(&mut new.state);
    assert!(store::sequences::update(tx, &new, UtcMs(2)).await?);
    Ok(())
}

testkit::both!(a_turn_is_one_run_and_one_process_moves_it_on, one_run);

async fn one_run(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            live_sequence(tx, "live").await?;
            assert!(store::sequence_runs::insert(tx, &run(1, 1)).await?);
            assert!(!store::sequence_runs::insert(tx, &run(2, 1)).await?);
            let other = SequenceRun { audience: Audience::Everyone, ..run(3, 1) };
            assert!(store::sequence_runs::insert(tx, &other).await?);
            assert!(store::sequence_runs::insert(tx, &run(4, 2)).await?);
            let (id, fern) = (SequenceRunId(1), run(1, 1).audience);
            assert_eq!(store::sequence_runs::find(tx, SITE, id).await?, Some(run(1, 1)));
            assert_eq!(store::sequence_runs::find(tx, SiteId(2), id).await?, None);
            let held = store::sequence_runs::find_to_change(tx, SITE, id).await?;
            assert_eq!(held, Some(run(1, 1)));
            let newest = store::sequence_runs::newest_of(tx, SITE, SEQUENCE, &fern).await?;
            assert_eq!(newest.map(|run| run.turn), Some(2));
            let second = store::sequence_runs::find_turn(tx, SITE, SEQUENCE, &fern, 2).await?;
            assert_eq!(second.map(|run| run.id), Some(SequenceRunId(4)));
            let all = store::sequence_runs::list_of_sequence(tx, SITE, SEQUENCE, 2).await?;
            assert_eq!(all.iter().map(|run| run.id.0).collect::<Vec<_>>(), [4, 3]);

            // Due from its time on, and not while the sequence is paused.
            assert!(store::sequence_runs::due(tx, UtcMs(49), 9).await?.is_empty());
            let due = store::sequence_runs::due(tx, UtcMs(50), 9).await?;
            assert_eq!(due.iter().map(|run| run.id.0).collect::<Vec<_>>(), [1, 3, 4]);
            live_sequence(tx, "paused").await?;
            assert!(store::sequence_runs::due(tx, UtcMs(50), 9).await?.is_empty());

            let portion = Portion { reached: ContactId(20), entered: 2, left_out: 1 };
            let (from, now) = (ContactId(0), UtcMs(60));
            assert!(store::sequence_runs::advance(tx, SITE, id, from, portion, now).await?);
            assert!(!store::sequence_runs::advance(tx, SITE, id, from, portion, now).await?);
            assert!(store::sequence_runs::end(tx, SITE, id, "done", None, now).await?);
            assert!(!store::sequence_runs::end(tx, SITE, id, "stopped", None, now).await?);
            let from = portion.reached;
            assert!(!store::sequence_runs::advance(tx, SITE, id, from, portion, now).await?);
            let done = store::sequence_runs::find(tx, SITE, id).await?.unwrap();
            assert_eq!((done.entered, done.left_out, done.reached), (2, 1, from));
            assert_eq!((done.state.as_str(), done.ended_at), ("done", Some(now)));

            let stopped = store::sequence_runs::stop_asked_before(tx, UtcMs(11), now).await?;
            assert_eq!(stopped, 2);
            let why = store::sequence_runs::find(tx, SITE, SequenceRunId(4)).await?.unwrap().why;
            assert!(why.unwrap().contains("restored"));
            Ok(())
        })
    })
    .await
    .unwrap();
}

testkit::both!(what_became_of_people_is_kept_once_and_read_by_outcome, people_of_a_run);

async fn people_of_a_run(db: Db) {
    let id = SequenceRunId(1);
    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            store::sequence_runs::insert(tx, &run(1, 1)).await?;
            let now = UtcMs(60);
            let outcomes = [Outcome::Entered, Outcome::Already, Outcome::Entered, Outcome::Erased];
            for (contact, outcome) in (10..).map(ContactId).zip(outcomes) {
                store::sequence_runs::note(tx, SITE, id, contact, outcome, now).await?;
            }
            let counts = store::sequence_runs::counts(tx, SITE, id).await?;
            let counts: Vec<_> = counts.iter().map(|one| (one.outcome, one.people)).collect();
            let wanted = [(Outcome::Already, 1), (Outcome::Entered, 2), (Outcome::Erased, 1)];
            assert_eq!(counts, wanted);
            for (which, after, wanted) in [
                (Which::All, 0, vec![10, 11, 12, 13]),
                (Which::All, 11, vec![12, 13]),
                (Which::LeftOut, 0, vec![11, 13]),
                (Which::Of(Outcome::Entered), 0, vec![10, 12]),
                (Which::Of(Outcome::Unsubscribed), 0, vec![]),
            ] {
                let after = ContactId(after);
                let found = store::sequence_runs::people(tx, SITE, id, which, after, 9).await?;
                let found: Vec<_> = found.iter().map(|one| one.contact_id.0).collect();
                assert_eq!(found, wanted, "{which:?}");
            }
            let mine = store::sequence_runs::of_contact(tx, SITE, ContactId(11)).await?;
            assert_eq!(mine, [(SEQUENCE, "already".to_owned(), now)]);
            assert!(store::sequence_runs::of_contact(tx, SITE, ContactId(9)).await?.is_empty());
            Ok(())
        })
    })
    .await
    .unwrap();
    let twice = db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            let contact = ContactId(10);
            store::sequence_runs::note(tx, SITE, id, contact, Outcome::Already, UtcMs(61)).await
        })
    });
    assert!(matches!(twice.await, Err(StoreError::Duplicate(_))));
}

testkit::both!(an_audience_is_counted_walked_and_listed_alike, audiences);

async fn person(tx: &mut Tx<'_>, id: i64, status: Status) -> store::Result<()> {
    let contact = Contact {
        id: ContactId(id),
        email: format!("p{id}@x.test"),
        email_key: format!("p{id}@x.test"),
        address_hmac: format!("h{id}"),
        status,
        first_name: String::new(),
        last_name: String::new(),
        external_id: None,
        language: None,
        timezone: None,
        fields: std::collections::BTreeMap::new(),
        is_test: false,
        no_sales: false,
        less_often: false,
        paused_until: None,
        created_at: UtcMs(1),
        updated_at: UtcMs(1),
        confirmed_at: Some(UtcMs(1)),
        unsubscribed_at: None,
        erased_at: None,
    };
    assert!(store::contacts::insert(tx, SITE, &contact).await?);
    Ok(())
}

async fn granted(tx: &mut Tx<'_>, contact: i64, product: i64, line: i64) -> store::Result<()> {
    let new = Entitlement {
        id: EntitlementId(line),
        contact_id: ContactId(contact),
        product_id: ProductId(product),
        order_id: OrderId(line),
        line_id: LineId(line),
        quantity: 1,
        downloads: 0,
        granted_at: UtcMs(1),
        revoked_at: None,
    };
    assert!(store::entitlements::grant(tx, SITE, &new).await?);
    Ok(())
}

async fn audiences(db: Db) {
    db.write::<_, StoreError, _>(|tx| {
        Box::pin(async move {
            for id in [10, 11, 12, 13, 95] {
                person(tx, id, Status::Confirmed).await?;
            }
            person(tx, 14, Status::Unsubscribed).await?;
            for id in [11, 14, 95] {
                store::tags::add(tx, SITE, ContactId(id), "fern", UtcMs(1)).await?;
            }
            // Bought twice, given back, bought something else, and bought without being told.
            for (contact, product, line) in
                [(10, 5, 1), (10, 5, 2), (11, 5, 3), (12, 6, 4), (14, 5, 5)]
            {
                granted(tx, contact, product, line).await?;
            }
            store::entitlements::revoke(tx, SITE, LineId(3), UtcMs(2)).await?;
            let confirmed = Narrowed { status: Some(Status::Confirmed), ..Narrowed::default() };
            let five = Some(ProductId(5));
            let tag = "fern".to_owned();
            for (audience, narrowed, wanted) in [
                (Audience::Everyone, confirmed.clone(), vec![10, 11, 12, 13]),
                (Audience::Tagged(tag.clone()), Narrowed { tag, ..confirmed.clone() }, vec![11]),
                (
                    Audience::Bought(ProductId(5)),
                    Narrowed { bought: five, ..confirmed.clone() },
                    vec![10],
                ),
                (
                    Audience::NotBought(ProductId(5)),
                    Narrowed { not_bought: five, ..confirmed.clone() },
                    vec![11, 12, 13],
                ),
            ] {
                let before = ContactId(90);
                let count = store::contact_lists::count_of(tx, SITE, &audience, before).await?;
                assert_eq!(count, i64::try_from(wanted.len()).unwrap(), "{audience}");
                let mut walked = Vec::new();
                let mut after = ContactId(0);
                loop {
                    let between = (after, before);
                    let some =
                        store::contact_lists::some_of(tx, SITE, &audience, between, 2).await?;
                    let Some(last) = some.last() else { break };
                    after = *last;
                    walked.extend(some.iter().map(|id| id.0));
                }
                assert_eq!(walked, wanted, "{audience}");
                let from = After { id: Some(before), key: String::new() };
                let listed = store::contact_lists::page(tx, SITE, &narrowed, &from, 9).await?;
                let mut listed: Vec<_> = listed.iter().map(|one| one.id.0).collect();
                listed.reverse();
                assert_eq!(listed, wanted, "{audience}");
                let narrowed = Narrowed { prefix: "p1".to_owned(), ..narrowed };
                let found = store::contact_lists::page(tx, SITE, &narrowed, &from, 9).await?;
                let found: Vec<_> = found.iter().map(|one| one.id.0).collect();
                assert_eq!(found, wanted, "{audience} by address");
            }
            let both = Narrowed { bought: Some(ProductId(6)), not_bought: five, ..confirmed };
            let from = After::default();
            let found = store::contact_lists::page(tx, SITE, &both, &from, 9).await?;
            assert_eq!(found.iter().map(|one| one.id.0).collect::<Vec<_>>(), [12]);
            Ok(())
        })
    })
    .await
    .unwrap();
}
