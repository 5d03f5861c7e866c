//! Answers that come late, and mails that only a click shows to have arrived.

use model::messages::State;
use model::times::MINUTE_MS;
use store::Db;
use testkit::sink::{Action, Gate, Options, Rule, Sink, Step};

use super::{Rig, smtp_to};

/// Sends one mail whose claim is taken for lost while the server thinks it over; `meanwhile_ms`
/// pass before it answers. The state the mail waits in, and what became of it all.
async fn answered_late(db: Db, meanwhile_ms: i64) -> (State, Rig, Sink) {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Dot).act(Action::Wait(gate.clone())));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    // Another life of this node takes the claim for lost.
    engine::deliver::take_up(&rig.engine).await.unwrap();
    rig.advance_ms(meanwhile_ms).await;
    let waits = rig.messages().await[0].state;
    gate.open();
    drained.await.unwrap().unwrap();
    engine::deliver::drain(&rig.engine).await.unwrap();
    (waits, rig, sink)
}

/// Accepted mails and accepted tries, as the reconciliation counts them.
async fn balance(rig: &Rig) -> (i64, i64) {
    let (site, now) = (rig.site.id, rig.engine.now());
    let mut all = store::reconciliation::PEOPLE.iter();
    let balance = all.find(|one| one.name == "messages_attempts").unwrap();
    rig.engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move {
                let ever = (model::UtcMs(0), now.plus_days(1));
                let taken = store::reconciliation::sums(session, site, balance, ever).await?;
                Ok(taken.first().map_or((0, 0), |taken| (taken.left, taken.right)))
            })
        })
        .await
        .unwrap()
}

testkit::both!(a_late_answer_is_kept_with_its_try, kept);

async fn kept(db: Db) {
    let (waits, rig, sink) = answered_late(db, 0).await;
    let message = &rig.messages().await[0];
    assert_eq!((waits, message.state, sink.mails()), (State::Unknown, State::Accepted, 1));
    let tries = rig.attempts(message).await;
    let kept: Vec<_> = tries.iter().map(|one| (one.outcome.as_str(), one.code)).collect();
    assert_eq!(kept, [("accepted", Some(250))], "its answer is not thrown away");
    assert_eq!(message.reply_text.as_ref(), Some(&tries[0].reply));
    assert_eq!(balance(&rig).await, (1, 1));
}

testkit::both!(an_answer_that_comes_when_the_mail_waits_to_go_again_keeps_it_here, once);

async fn once(db: Db) {
    let (waits, rig, sink) = answered_late(db, 2 * MINUTE_MS).await;
    let message = &rig.messages().await[0];
    assert_eq!((waits, message.state, sink.mails()), (State::Queued, State::Accepted, 1));
    assert_eq!(balance(&rig).await, (1, 1));
}

testkit::both!(a_mail_that_only_a_click_shows_to_have_arrived_is_no_red_line, shown_by_click);

async fn shown_by_click(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Dot).once().act(Action::KeepAndDrop));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    rig.plan("two@example.com").await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let (one, now) = (rig.messages().await.remove(0), rig.engine.now());
    assert_eq!(one.state, State::Unknown);
    let settled = rig
        .db
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                let why = store::messages::ASKED_FOR;
                store::messages::settle_by_evidence(tx, one.site_id, one.id, now, why, None).await
            })
        })
        .await;
    assert!(settled.unwrap());
    assert!(rig.messages().await.iter().all(|message| message.state == State::Accepted));
    assert_eq!(balance(&rig).await, (1, 1));
}
