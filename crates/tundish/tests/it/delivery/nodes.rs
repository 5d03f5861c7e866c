//! Two nodes on one database.

use engine::messages::{Content, NewMessage};
use engine::{Engine, EngineError};
use model::contacts::Contact;
use model::messages::{Class, SourceKind, State};
use model::times::HOUR_MS;
use model::{EmailAddr, UtcMs};
use store::Db;

use super::Rig;

/// Enough that two that count without looking at each other are caught at it.
const PEOPLE: usize = 30;

async fn people(rig: &Rig) -> Vec<Contact> {
    let (engine, site, now) = (rig.engine.clone(), rig.site.clone(), rig.engine.now());
    rig.db
        .write::<_, EngineError, _>(move |tx| {
            Box::pin(async move {
                let mut made = Vec::new();
                for n in 0..PEOPLE {
                    let to = EmailAddr::parse(&format!("reader{n}@example.com"))?;
                    let found = engine::contacts::find_or_create(&engine, tx, &site, &to, now);
                    made.push(found.await?);
                }
                Ok(made)
            })
        })
        .await
        .unwrap()
}

async fn offer(rig: &Rig, engine: &Engine, to: &Contact, key: &str, not_before: Option<UtcMs>) {
    let new = NewMessage {
        contact_id: Some(to.id),
        to: EmailAddr::parse(&to.email).unwrap(),
        class: Class::Sales,
        source_kind: SourceKind::Confirmation,
        source_id: 7,
        enrolment_id: None,
        dedupe_key: format!("{key}:{}", to.id),
        content: Content::System { name: "confirmation", context: serde_json::json!({}) },
        not_before,
        expires_at: None,
    };
    engine::messages::enqueue(engine, rig.site.clone(), new).await.unwrap();
}

async fn one_each(rig: &Rig) {
    let messages = rig.messages().await;
    let count = |state| messages.iter().filter(|message| message.state == state).count();
    assert_eq!((count(State::Queued), count(State::Planned)), (PEOPLE, PEOPLE));
}

testkit::both!(two_nodes_that_plan_at_once_keep_the_cap_of_a_contact, plan_at_once);

async fn plan_at_once(db: Db) {
    let rig = Rig::new(db, engine::Sending::default()).await;
    let (people, other) = (people(&rig).await, rig.other_node().await);
    for one in &people {
        tokio::join!(offer(&rig, &rig.engine, one, "a", None), offer(&rig, &other, one, "b", None));
    }
    one_each(&rig).await;
}

testkit::both!(two_nodes_that_release_at_once_keep_the_cap_of_a_contact, release_at_once);

async fn release_at_once(db: Db) {
    let rig = Rig::new(db, engine::Sending::default()).await;
    let (people, other) = (people(&rig).await, rig.other_node().await);
    let due = rig.engine.now().plus_ms(HOUR_MS);
    for one in &people {
        offer(&rig, &rig.engine, one, "a", Some(due)).await;
        offer(&rig, &rig.engine, one, "b", Some(due)).await;
    }
    for engine in [&rig.engine, &other] {
        engine.clock().set(due);
    }
    let sweep = async |engine: &Engine| engine::deliver::sweep(engine).await.unwrap();
    tokio::join!(sweep(&rig.engine), sweep(&other));
    while sweep(&rig.engine).await + sweep(&other).await > 0 {}
    one_each(&rig).await;
}
