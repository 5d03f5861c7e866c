//! Refusals, closings and nonsense at every step of a mail.

use super::*;

/// What became of the mail: the word of the outcome, the class and the step.
fn told(outcome: &Outcome) -> (&'static str, Option<Class>, Option<Stage>) {
    let word = match outcome {
        Outcome::Sent(_) => "sent",
        Outcome::Later(_) => "later",
        Outcome::Never(_) => "never",
        Outcome::Unknown(_) => "unknown",
    };
    (word, outcome.failure().map(|f| f.class), outcome.failure().map(|f| f.stage))
}

#[tokio::test]
async fn a_refused_mail_is_told_why_and_the_next_one_goes_out() {
    use Class::{BadDomain, Full, NoSuchUser, Policy, Protocol, Rate, TooBig, Unknown};
    let rows = [
        (Step::Mail, "452 4.3.1 no space", "later", Full, Stage::Mail),
        (Step::Mail, "552 5.3.4 too big", "never", TooBig, Stage::Mail),
        (Step::Mail, "550 5.7.1 go away", "never", Policy, Stage::Mail),
        (Step::Rcpt, "450 4.2.0 mailbox busy", "later", Rate, Stage::Rcpt),
        (Step::Rcpt, "451 4.7.1 greylisted", "later", Rate, Stage::Rcpt),
        (Step::Rcpt, "452 4.5.3 too many", "later", Rate, Stage::Rcpt),
        (Step::Rcpt, "550 5.1.1 no such user", "never", NoSuchUser, Stage::Rcpt),
        (Step::Rcpt, "550-5.1.1 two\r\n550 5.1.1 lines", "never", NoSuchUser, Stage::Rcpt),
        (Step::Rcpt, "550 no", "never", Unknown, Stage::Rcpt),
        (Step::Rcpt, "556 5.1.10 null MX", "never", BadDomain, Stage::Rcpt),
        (Step::Data, "451 4.3.0 not now", "later", Rate, Stage::Data),
        (Step::Data, "554 5.5.1 never", "never", Protocol, Stage::Data),
        (Step::Dot, "451 4.3.0 not now", "later", Rate, Stage::Dot),
        (Step::Dot, "554 5.7.1 spam", "never", Policy, Stage::Dot),
        (Step::Dot, "552 5.2.2 full", "never", Full, Stage::Dot),
    ];
    for pipelining in [true, false] {
        for go_on_for_nobody in [true, false] {
            let sink = Sink::start(Options { pipelining, go_on_for_nobody, ..Options::default() });
            let mut conn = connect(&sink).await;
            for (nth, (step, line, word, class, stage)) in rows.iter().enumerate() {
                sink.behave();
                sink.rule(Rule::at(*step).once().reply(line));
                let outcome = send(&mut conn, nth * 2).await;
                assert_eq!(told(&outcome), (*word, Some(*class), Some(*stage)), "{line}");
                let text = &outcome.reply().unwrap().text;
                assert_eq!(text.lines().count(), line.lines().count(), "verbatim");
                assert_eq!(outcome.failure().unwrap().blame(), Blame::Letter, "{line}");
                sent(&send(&mut conn, nth * 2 + 1).await);
            }
            conn.quit().await;
            sink.closed(1).await;
            assert_eq!((sink.connections(), sink.faults()), (1, vec![]));
            let taken = sink.counts();
            assert_eq!(taken.len(), rows.len());
            assert!(taken.values().all(|count| *count == 1), "{taken:?}");
        }
    }
}

#[tokio::test]
async fn a_relay_that_refuses_us_keeps_the_mail_and_takes_the_blame() {
    for (step, line) in [
        (Step::Mail, "530 5.7.0 Authentication required"),
        (Step::Rcpt, "554 5.7.1 <c0@example.test>: Relay access denied"),
    ] {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(step).reply(line));
        let mut conn = connect(&sink).await;
        let outcome = send(&mut conn, 0).await;
        assert_eq!((told(&outcome).0, told(&outcome).1), ("later", Some(Class::Relay)), "{line}");
        assert_eq!(outcome.failure().unwrap().blame(), Blame::Relay);
    }
}

#[tokio::test]
async fn a_refusal_within_a_group_touches_only_its_own_mail() {
    let sink = Sink::start(Options { go_on_for_nobody: true, ..Options::default() });
    sink.rule(Rule::at(Step::Rcpt).to("c1@").reply("550 5.1.1 unknown"));
    sink.rule(Rule::at(Step::Dot).to("c2@").reply("451 4.3.0 later"));
    let mut conn = connect(&sink).await;
    let mut words = Vec::new();
    for nth in 0..4 {
        if let Err(outcome) = conn.envelope(&envelope(nth)).await {
            words.push(told(&outcome).0);
            continue;
        }
        conn.body(&message(nth)).await.unwrap();
        words.push(told(&conn.dot(Some(&envelope(nth + 1))).await).0);
    }
    assert_eq!(words, ["sent", "never", "later", "sent"]);
    assert_eq!(sink.counts().len(), 2);
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn closings_before_the_dot_are_later_and_after_it_unknown() {
    let go_drop = |line: &str| Action::ReplyAndDrop(line.to_owned());
    let rows: [(Step, Action, &str, u64); 17] = [
        (Step::Mail, Action::Drop, "later", 0),
        (Step::Mail, Action::Reset, "later", 0),
        (Step::Mail, go_drop("421 4.3.2 shutting down"), "later", 0),
        (Step::Rcpt, Action::Drop, "later", 0),
        (Step::Rcpt, go_drop("421 4.3.2 shutting down"), "later", 0),
        (Step::Data, Action::Drop, "later", 0),
        (Step::Data, go_drop("421 4.3.2 shutting down"), "later", 0),
        (Step::Body, Action::Drop, "later?", 0),
        (Step::Body, Action::Reset, "later?", 0),
        (Step::Body, go_drop("421 4.3.2 shutting down"), "later?", 0),
        (Step::Dot, Action::Drop, "unknown", 0),
        (Step::Dot, Action::Reset, "unknown", 0),
        (Step::Dot, Action::KeepAndDrop, "unknown", 1),
        (Step::Dot, go_drop("421 4.3.2 shutting down"), "later", 0),
        (Step::Dot, go_drop("250 2.0"), "sent", 0),
        (Step::Dot, Action::Raw(b"250 no line end".to_vec()), "unknown", 0),
        (Step::Dot, go_drop("550 5.7.1 spam"), "never", 0),
    ];
    for pipelining in [true, false] {
        for (nth, (step, action, word, kept)) in rows.iter().enumerate() {
            let sink = Sink::start(Options { pipelining, ..Options::default() });
            sink.rule(Rule::at(*step).once().act(action.clone()));
            let waits = matches!(action, Action::Raw(_));
            let relay = if waits { impatient(&sink) } else { relay(&sink) };
            let mut conn = Connection::open(&relay).await.unwrap();
            let outcome = send(&mut conn, nth).await;
            let (told, _, stage) = told(&outcome);
            // A small body and its dot leave together: which of them the server saw is not known,
            // unless it said so.
            let want = match *word {
                "later?" if outcome.reply().is_none() => "unknown",
                "later?" => "later",
                word => word,
            };
            assert_eq!(told, want, "row {nth} {stage:?}: {outcome:?}");
            assert_eq!(sink.mails(), *kept, "row {nth}");
            if let Some(failure) = outcome.failure() {
                assert_eq!(failure.blame(), Blame::Letter, "row {nth}: a fresh connection");
            }
            if !matches!(told, "sent" | "never") {
                assert!(!conn.is_open(), "row {nth}");
            }
        }
    }
}

#[tokio::test]
async fn a_big_body_cut_off_half_way_is_later_and_the_servers_words_are_heard() {
    let big = "0123456789\r\n".repeat(2_000_000);
    for (action, words) in [
        (Action::Drop, None),
        (Action::Reset, None),
        (Action::ReplyAndDrop("552 5.3.4 too big".to_owned()), Some(Class::TooBig)),
    ] {
        let sink = Sink::start(Options { size_max: None, ..Options::default() });
        sink.rule(Rule::at(Step::Body).act(action));
        let mut conn = connect(&sink).await;
        conn.envelope(&envelope(0)).await.unwrap();
        let outcome = conn.body(big.as_bytes()).await.unwrap_err();
        match words {
            // A reset may overtake the words.
            Some(class) if outcome.reply().is_some() => {
                assert_eq!(told(&outcome), ("never", Some(class), Some(Stage::Body)));
            }
            _ => assert_eq!(told(&outcome).0, "later"),
        }
        assert_eq!(sink.mails(), 0);
    }
}

#[tokio::test]
async fn silence_ends_at_its_limit() {
    for (step, word) in [
        (Step::Mail, "later"),
        (Step::Rcpt, "later"),
        (Step::Data, "later"),
        (Step::Dot, "unknown"),
    ] {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(step).act(Action::Silent));
        let mut conn = Connection::open(&impatient(&sink)).await.unwrap();
        let outcome = send(&mut conn, 0).await;
        assert_eq!(told(&outcome).0, word);
        assert!(outcome.failure().unwrap().why.contains("no answer within 0.3 s"));
        assert!(!conn.is_open());
    }
}

#[tokio::test]
async fn strange_but_whole_answers_are_understood() {
    let long = format!("250 2.0.0 {}", "x".repeat(600));
    let rows: [(Action, bool); 5] = [
        (Action::Drip, true),
        (Action::Reply("250-2.0.0 taken\r\n250-as\r\n250 4F2A".to_owned()), true),
        (Action::Reply(long), true),
        (Action::Raw(b"250 2.0.0 pris en compte, bo\xeete\r\n".to_vec()), false),
        (Action::Raw(b"250 line end without CR\n".to_vec()), false),
    ];
    for (action, keeps) in rows {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(Step::Dot).once().act(action));
        let mut conn = connect(&sink).await;
        sent(&send(&mut conn, 0).await);
        sent(&send(&mut conn, 1).await);
        assert_eq!(sink.mails(), if keeps { 2 } else { 1 });
    }
}

#[tokio::test]
async fn nonsense_after_the_dot_is_unknown_and_before_it_later() {
    for nonsense in [&b"HTTP/1.1 200 OK\r\n"[..], b"354 again?\r\n", b"220 hi\r\n", b"\x00\xff\r\n"]
    {
        for (step, word) in [(Step::Mail, "later"), (Step::Rcpt, "later"), (Step::Dot, "unknown")] {
            let sink = Sink::start(Options::default());
            sink.rule(Rule::at(step).once().act(Action::Raw(nonsense.to_vec())));
            let mut conn = connect(&sink).await;
            let outcome = send(&mut conn, 0).await;
            assert_eq!(told(&outcome).0, word, "{step:?} {outcome:?}");
            assert_eq!(outcome.failure().unwrap().class, Class::Protocol);
            assert!(!conn.is_open());
        }
    }
}

#[tokio::test]
async fn answers_out_of_step_never_lead_to_a_dot() {
    // 250 for DATA: somebody answered twice before.
    for step in [Step::Mail, Step::Rcpt] {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(step).once().act(Action::Extra("250 2.0.0 twice".to_owned())));
        let mut conn = connect(&sink).await;
        let outcome = send(&mut conn, 0).await;
        assert_eq!(told(&outcome), ("later", Some(Class::Protocol), Some(Stage::Data)));
        assert!(!conn.is_open());
        sink.closed(1).await;
        assert_eq!(sink.mails(), 0);
    }
    // Something said after 354 and before our dot.
    for (line, word) in [
        ("250 2.0.0 already", "later"),
        ("421 4.3.2 shutting down", "later"),
        ("554 5.7.1 changed my mind", "later"),
    ] {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(Step::Data).once().act(Action::Extra(line.to_owned())));
        let mut conn = connect(&sink).await;
        let outcome = send(&mut conn, 0).await;
        assert_eq!((told(&outcome).0, told(&outcome).2), (word, Some(Stage::Body)));
        assert!(!conn.is_open());
        sink.closed(1).await;
        assert_eq!(sink.mails(), 0);
    }
}

#[tokio::test]
async fn a_421_between_mails_puts_the_next_one_back() {
    for pipelining in [true, false] {
        let sink = Sink::start(Options { pipelining, ..Options::default() });
        let bye = Action::ReplyAndDrop("421 4.7.0 too many mails".to_owned());
        sink.rule(Rule::at(Step::Mail).after(1).act(bye));
        let mut conn = connect(&sink).await;
        conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
        sent(&conn.dot(Some(&envelope(1))).await);
        let Err(outcome) = conn.envelope(&envelope(1)).await else { panic!() };
        assert_eq!(told(&outcome), ("later", Some(Class::Rate), Some(Stage::Mail)));
        assert_eq!(outcome.failure().unwrap().blame(), Blame::Connection);
        assert_eq!(sink.mails(), 1);
    }
}

#[tokio::test]
async fn a_server_that_always_hangs_up_uses_up_attempts() {
    let hangs_up = [Action::Drop, Action::ReplyAndDrop("421 4.7.0 go away".to_owned())];
    for action in hangs_up {
        for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Body, Step::Dot] {
            let sink = Sink::start(Options::default());
            sink.rule(Rule::at(step).act(action.clone()));
            let mut conn = connect(&sink).await;
            let outcome = send(&mut conn, 0).await;
            assert_eq!(outcome.failure().unwrap().blame(), Blame::Letter, "{step:?}");
        }
    }
}
