//! What goes over the wire, and what an answer makes of the row.

use model::contacts::Status;
use model::messages::{Class, State};
use model::times::{HOUR_MS, MINUTE_MS};
use store::Db;
use testkit::Mail;
use testkit::sink::{Action, Gate, Options, Rule, Sink, Step};

use super::{Rig, smtp_to};

testkit::both!(mail_leaves_over_smtp_and_every_step_is_in_the_ledger, leaves);

async fn leaves(db: Db) {
    let sink = Sink::start(Options::default());
    let rig = Rig::new(db, smtp_to(sink.port(), 2)).await;
    for n in 0..20 {
        rig.plan(&format!("reader{n}@example.com")).await;
    }
    rig.plan("reader3@example.com").await;
    engine::deliver::drain(&rig.engine).await.unwrap();

    let messages = rig.messages().await;
    assert_eq!(messages.len(), 20, "a dedupe key is planned once");
    assert!(sink.counts().values().all(|count| *count == 1));
    assert_eq!(sink.mails(), 20);
    assert!(sink.faults().is_empty(), "{:?}", sink.faults());
    for message in &messages {
        assert_eq!(message.state, State::Accepted, "{message:?}");
        assert_eq!((message.attempts, message.reply_code), (1, Some(250)));
        assert!(message.relay.as_ref().unwrap().starts_with("127.0.0.1:"));
        let attempts = rig.attempts(message).await;
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].outcome, "accepted");
        assert!(attempts[0].commit_at.is_some());
    }
    let received = &sink.received()[0];
    let mail = Mail::read(&received.to, &received.bytes);
    assert_eq!(mail.subject, "Please confirm your address");
    assert!(mail.text.contains("https://shop.example/confirm/x"), "{}", mail.text);
    assert!(mail.html.contains("Confirm my address"));
    assert!(mail.text.contains("1 Test Street"), "the postal address stands at the foot");
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    assert!(mail.header("List-Unsubscribe").is_none());
}

testkit::both!(what_a_server_answers_decides_where_a_message_stands, answers);

async fn answers(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rcpt).to("busy@").reply("451 4.7.1 greylisted, come back"));
    sink.rule(Rule::at(Step::Rcpt).to("gone@").reply("550 5.1.1 no such user"));
    sink.rule(Rule::at(Step::Dot).to("later@").reply("451 4.3.0 try again"));
    sink.rule(Rule::at(Step::Dot).to("spam@").reply("554 5.7.1 blocked"));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    for name in ["busy", "gone", "fine", "later", "spam", "good"] {
        rig.plan(&format!("{name}@example.com")).await;
    }
    engine::deliver::drain(&rig.engine).await.unwrap();
    let states: Vec<State> = rig.messages().await.iter().map(|message| message.state).collect();
    use State::{Accepted, Deferred, Failed};
    assert_eq!(states, [Deferred, Failed, Accepted, Deferred, Failed, Accepted]);
    let busy = &rig.messages().await[0];
    assert!(busy.reason.as_ref().unwrap().contains("greylisted"), "{:?}", busy.reason);
    let wait = busy.next_at.since_ms(rig.engine.now());
    assert!((48_000..=72_000).contains(&wait), "a minute, spread by a fifth: {wait}");

    sink.behave();
    rig.advance_ms(2 * MINUTE_MS).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    let states: Vec<State> = rig.messages().await.iter().map(|message| message.state).collect();
    assert_eq!(states, [Accepted, Failed, Accepted, Accepted, Failed, Accepted]);
    assert_eq!(rig.attempts(&rig.messages().await[0]).await.len(), 2);
    assert!(sink.counts().values().all(|count| *count == 1));
}

testkit::both!(tries_end_when_the_mail_is_of_no_use_any_more, given_up);

async fn given_up(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rcpt).reply("450 4.2.1 not now"));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan("never@example.com").await;
    for _ in 0..40 {
        engine::deliver::drain(&rig.engine).await.unwrap();
        rig.advance_ms(HOUR_MS).await;
    }
    let message = &rig.messages().await[0];
    assert!(matches!(message.state, State::Failed | State::Expired), "{message:?}");
    assert!(message.attempts > 5 && message.attempts < 30, "{}", message.attempts);
    assert_eq!(sink.mails(), 0);
}

testkit::both!(marketing_needs_a_contact_who_said_yes, no_consent);

async fn no_consent(db: Db) {
    let sink = Sink::start(Options::default());
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    rig.plan_as("stranger@example.com", Class::Value).await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!(rig.messages().await[0].state, State::Suppressed);
    assert_eq!(sink.mails(), 0);
}

testkit::both!(a_wrong_password_pauses_the_relay_and_not_the_mails, paused);

async fn paused(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Mail).reply("530 5.7.0 authentication required"));
    let rig = Rig::new(db, smtp_to(sink.port(), 2)).await;
    for n in 0..5 {
        rig.plan(&format!("reader{n}@example.com")).await;
    }
    engine::deliver::drain(&rig.engine).await.unwrap();
    let messages = rig.messages().await;
    assert!(messages.iter().all(|m| m.state == State::Queued && m.attempts == 0), "{messages:#?}");
    assert_eq!(sink.mails(), 0);
}

testkit::both!(mail_leaves_another_way_once_the_settings_say_so, another_way);

async fn another_way(db: Db) {
    let (old, new) = (Sink::start(Options::default()), Sink::start(Options::default()));
    let gate = Gate::default();
    old.rule(Rule::at(Step::Dot).to("first@").act(Action::Wait(gate.clone())));
    let rig = Rig::new(db, smtp_to(old.port(), 1)).await;
    for name in ["first", "second", "third"] {
        rig.plan(&format!("{name}@example.com")).await;
    }
    let engine = rig.engine.clone();
    let drained = tokio::spawn(async move { engine::deliver::drain(&engine).await });
    gate.reached().await;
    rig.engine.set_sending(smtp_to(new.port(), 1));
    gate.open();
    drained.await.unwrap().unwrap();
    assert_eq!(old.mails(), 1, "the connection ends after the mail it was at");
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!((old.mails(), new.mails()), (1, 2));
    assert!(rig.messages().await.iter().all(|message| message.state == State::Accepted));
}

testkit::both!(a_mailbox_that_is_off_twice_in_a_week_gets_no_more, off_twice);

async fn off_twice(db: Db) {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rcpt).to("off@").reply("550 5.2.1 this mailbox is disabled"));
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    let contact = rig.contact("off@example.com").await;
    for (days, status) in [(0, Status::Pending), (8, Status::Pending), (1, Status::Suppressed)] {
        rig.advance_ms(days * 24 * HOUR_MS).await;
        rig.plan_to(contact, "off@example.com").await;
        engine::deliver::drain(&rig.engine).await.unwrap();
        assert_eq!(rig.stands(contact).await.status, status, "after {days} days");
    }
    assert_eq!(rig.happened(contact).await, ["message.bounced"; 3]);
}

testkit::both!(what_never_left_did_not_come_back, too_big);

async fn too_big(db: Db) {
    let sink = Sink::start(Options { size_max: Some(100), ..Options::default() });
    let rig = Rig::new(db, smtp_to(sink.port(), 1)).await;
    let contact = rig.contact("ada@example.com").await;
    rig.plan_to(contact, "ada@example.com").await;
    engine::deliver::drain(&rig.engine).await.unwrap();
    assert_eq!(rig.messages().await[0].state, State::Held);
    assert_eq!(rig.happened(contact).await, ["message.held"]);
}
