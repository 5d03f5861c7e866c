//! Every crash point of the delivery table: lost, never; twice, only where the table says so.

use model::messages::State;
use model::times::{HOUR_MS, MINUTE_MS};
use store::Db;
use testkit::sink::{Action, Gate, Options, Rule, Sink, Step};

use super::{Rig, smtp_to};

/// Stops at `point` with three mails waiting on one connection; then starts again and sends what
/// is left. Returns how often each mail arrived, and how many were unknown.
async fn crash(db: Db, point: &'static str) -> (Vec<u64>, i64) {
    let sink = Sink::start(Options::default());
    let mut rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    for name in ["one", "two", "three"] {
        rig.plan(&format!("{name}@example.com")).await;
    }
    rig.engine.crash_at(point);
    let stopped = engine::deliver::drain(&rig.engine).await.unwrap_err();
    assert!(stopped.to_string().contains(point), "{stopped}");
    sink.closed(sink.connections()).await;
    rig.restart().await;
    let unknown: i64 = rig.messages().await.iter().map(|message| message.unknown_count).sum();
    assert!(unknown <= 1, "one connection leaves one message in doubt at most");
    engine::deliver::drain(&rig.engine).await.unwrap();
    rig.advance_ms(2 * MINUTE_MS).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let messages = rig.messages().await;
    assert!(messages.iter().all(|m| m.state == State::Accepted), "{messages:#?}");
    let counts = sink.counts();
    let arrived =
        messages.iter().map(|message| counts[message.message_id.trim_matches(['<', '>'])]);
    (arrived.collect(), unknown)
}

testkit::both!(stopped_after_the_claim_nothing_is_doubtful, after_w1);

async fn after_w1(db: Db) {
    assert_eq!(crash(db, "w1.after").await, (vec![1, 1, 1], 0));
}

testkit::both!(stopped_before_the_dot_one_is_unknown_and_arrives_once, after_w2);

async fn after_w2(db: Db) {
    assert_eq!(crash(db, "w2.after").await, (vec![1, 1, 1], 1));
}

testkit::both!(stopped_after_the_answer_one_is_unknown_and_arrives_twice, after_dot);

async fn after_dot(db: Db) {
    assert_eq!(crash(db, "dot.after").await, (vec![2, 1, 1], 1));
}

testkit::both!(a_lost_answer_is_unknown_and_the_copy_is_the_same_mail, lost_answer);

async fn lost_answer(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Dot).once().act(Action::KeepAndDrop));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    rig.plan("two@example.com").await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let states: Vec<State> = rig.messages().await.iter().map(|message| message.state).collect();
    assert_eq!(states, [State::Unknown, State::Accepted]);
    rig.advance_ms(30_000).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!(sink.mails(), 2, "the wait is not over");
    rig.advance_ms(2 * MINUTE_MS).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert!(rig.messages().await.iter().all(|message| message.state == State::Accepted));
    let copies: Vec<Vec<u8>> = sink
        .received()
        .into_iter()
        .filter(|received| received.to == "one@example.com")
        .map(|received| received.bytes)
        .collect();
    assert_eq!(copies.len(), 2);
    assert!(copies[0] == copies[1], "same Message-ID, Date and body");
}

testkit::both!(a_body_cut_off_is_not_counted_and_goes_again, cut_off);

async fn cut_off(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Body).once().act(Action::Reset));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    for _ in 0..4 {
        engine::deliver::drain(&rig.engine).await.unwrap();
        rig.advance_ms(11 * MINUTE_MS).await;
    }
    let message = &rig.messages().await[0];
    assert_eq!(message.state, State::Accepted, "{message:?}");
    assert_eq!(sink.mails(), 1);
}

testkit::both!(a_doubtful_mail_with_other_words_leaves_when_a_person_says_so, said_so);

async fn said_so(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Dot).once().act(Action::KeepAndDrop));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let renamed = model::sites::Site { sender_name: "Bo".to_owned(), ..rig.site.clone() };
    engine::sites::put(&rig.engine, renamed, Vec::new()).await.unwrap();
    rig.advance_ms(2 * MINUTE_MS).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let held = rig.messages().await.remove(0);
    assert_eq!(held.state, State::Held, "{held:?}");
    let retry = engine::outbox::Act::Retry;
    engine::outbox::act(&rig.engine, rig.site.id, held.id, retry).await.unwrap();
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!(rig.messages().await[0].state, State::Accepted);
}

testkit::both!(every_held_mail_is_released_however_many_there_are, all_held);

async fn all_held(db: Db) {
    let rig = Rig::new(db, smtp_to(1, 1)).await;
    for n in 0..702 {
        rig.plan(&format!("p{n}@example.com")).await;
    }
    let (all, site) = (rig.messages().await, rig.site.id);
    rig.db
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                for (n, one) in all.iter().enumerate() {
                    let why = if n < 700 { "unsigned: make a key" } else { "held by an operator" };
                    let (from, to) = (State::Queued, State::Held);
                    let at = one.next_at;
                    store::messages::shift(tx, site, one.id, from, to, Some(why), at).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    let released = engine::outbox::release_held(&rig.engine, &rig.site, "unsigned").await.unwrap();
    assert_eq!(released, 700);
}

testkit::both!(a_machine_that_slept_between_the_commit_and_the_dot_sends_no_dot, slept);

async fn slept(db: Db) {
    let sink = Sink::start(Options::default());
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    rig.engine.sleep_at("w2.after", 31_000);
    engine::deliver::drain(&rig.engine).await.unwrap();
    // The lease may have been another's by then: that body got no dot, and went again by itself.
    assert_eq!((sink.half_bodies(), sink.connections(), sink.mails()), (1, 2, 1));
    let message = &rig.messages().await[0];
    assert_eq!((message.state, message.unknown_count), (State::Accepted, 0));
}

testkit::both!(a_clock_that_is_set_sends_nothing_twice_and_fires_nothing_at_once, clock_set);

async fn clock_set(db: Db) {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Dot).to("one@").act(Action::Wait(gate.clone())));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    rig.plan("two@example.com").await;
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    // By the wall clock every lease is long over; no time has passed.
    rig.engine.clock().jump_ms(3 * HOUR_MS);
    assert_eq!(engine::deliver::sweep(&rig.engine).await.unwrap(), 0);
    gate.open();
    drained.await.unwrap().unwrap();
    engine::deliver::drain(&rig.engine).await.unwrap();
    let states: Vec<State> = rig.messages().await.iter().map(|message| message.state).collect();
    assert_eq!(states, [State::Accepted, State::Queued], "nothing is fired for half a minute");
    rig.advance_ms(30_000).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert!(rig.messages().await.iter().all(|message| message.state == State::Accepted));
    assert!(sink.counts().values().all(|count| *count == 1), "{:?}", sink.counts());
}

testkit::both!(an_answer_is_on_disk_while_the_server_dawdles_over_the_next_mail, dawdles);

async fn dawdles(db: Db) {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Rcpt).to("two@").act(Action::Wait(gate.clone())));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    rig.plan("two@example.com").await;
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    let written = async {
        // A stall of the machine is not minutes of the shop: leases would end.
        let mut moves = 0..1_000;
        while rig.messages().await[0].state != State::Accepted {
            if moves.next().is_some() {
                rig.engine.clock().advance_ms(10);
            }
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(30);
    tokio::time::timeout(limit, written).await.expect("W3 stands in memory alone");
    gate.open();
    drained.await.unwrap().unwrap();
    assert!(rig.messages().await.iter().all(|message| message.state == State::Accepted));
    assert_eq!(sink.mails(), 2);
}

testkit::both!(a_server_that_dawdles_for_longer_than_a_lease_gets_each_mail_once, dawdles_long);

async fn dawdles_long(db: Db) {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Rcpt).to("two@").act(Action::Wait(gate.clone())));
    let rig = Rig::new(db.clone(), smtp_to(sink.port(), 1)).await;
    for name in ["one", "two", "three"] {
        rig.plan(&format!("{name}@example.com")).await;
    }
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    let first_ends = "select coalesce(min(lease_until), 0) from messages where state = 'leased'";
    for _ in 0..3 {
        let until = testkit::kills::number(&db, first_ends).await;
        rig.engine.clock().advance_ms(30_000);
        let renewed = async {
            while testkit::kills::number(&db, first_ends).await <= until {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        tokio::time::timeout(limit, renewed).await.expect("the claims run out");
    }
    engine::deliver::sweep(&rig.engine).await.unwrap();
    gate.open();
    drained.await.unwrap().unwrap();
    for message in rig.messages().await {
        assert_eq!((message.state, message.attempts), (State::Accepted, 1), "{message:?}");
    }
    assert_eq!((sink.mails(), sink.half_bodies(), sink.connections()), (3, 0, 1));
}

testkit::both!(an_answer_that_comes_after_the_lease_settles_what_was_unknown, late_answer);

async fn late_answer(db: Db) {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Dot).act(Action::Wait(gate.clone())));
    let rig = Rig::new(db.clone(), smtp_to(sink.port(), 1)).await;
    rig.plan("one@example.com").await;
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    // Another life of this node takes the claim for lost.
    engine::deliver::take_up(&rig.engine).await.unwrap();
    assert_eq!(rig.messages().await[0].state, State::Unknown);
    gate.open();
    drained.await.unwrap().unwrap();
    let message = &rig.messages().await[0];
    assert_eq!(message.state, State::Accepted);
    assert_eq!(message.reason.as_deref(), Some("the answer came late"));
    rig.advance_ms(HOUR_MS).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!(sink.mails(), 1);
}
