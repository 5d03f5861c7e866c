//! The client against a server that fails where it is told to: the SMTP fault matrix.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on should stop where it stands"
)]

// The sink belongs to `testkit`, which knows `engine` and so may not be known here.
#[path = "../../../testkit/src/sink.rs"]
#[allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "taken in whole")]
mod sink;

mod faults;
mod invariants;
mod opening;
mod tls;

use std::time::Duration;

use sink::{Action, Gate, Options, Rule, Sink, Step};

use super::{Connection, Envelope, Limits, Relay, Tls};
use crate::classify::Class;
use crate::outcome::{Blame, Outcome, Stage};

/// For a server that never answers: long enough for a loopback answer on a busy machine.
const SHORT: Duration = Duration::from_millis(300);

fn relay(sink: &Sink) -> Relay {
    Relay { tls: Tls::None, ..Relay::new("127.0.0.1", sink.port(), "client.test") }
}

fn impatient(sink: &Sink) -> Relay {
    let limits = Limits {
        greeting: SHORT,
        mail: SHORT,
        rcpt: SHORT,
        data: SHORT,
        dot: SHORT,
        quit: SHORT,
        ..Limits::default()
    };
    Relay { limits, ..relay(sink) }
}

async fn connect(sink: &Sink) -> Connection {
    Connection::open(&relay(sink)).await.unwrap()
}

fn envelope(nth: usize) -> Envelope {
    Envelope::parse("b@bounce.example.test", &format!("c{nth}@example.test")).unwrap()
}

fn message(nth: usize) -> Vec<u8> {
    format!("Message-ID: <m{nth}@example.test>\r\nSubject: {nth}\r\n\r\nhello\r\n.\r\n..x\r\n")
        .into_bytes()
}

/// One mail by itself.
async fn send(conn: &mut Connection, nth: usize) -> Outcome {
    match conn.envelope_and_body(&envelope(nth), &message(nth)).await {
        Ok(()) => conn.dot(None).await,
        Err(outcome) => outcome,
    }
}

fn sent(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
}

#[tokio::test]
async fn many_mails_on_one_connection_arrive_once_and_unchanged() {
    for pipelining in [true, false] {
        let sink = Sink::start(Options { pipelining, ..Options::default() });
        let mut conn = connect(&sink).await;
        conn.envelope(&envelope(0)).await.unwrap();
        for nth in 0..5 {
            conn.body(&message(nth)).await.unwrap();
            let next = envelope(nth + 1);
            let outcome = conn.dot((nth < 4).then_some(&next)).await;
            sent(&outcome);
            if nth < 4 {
                conn.envelope(&next).await.unwrap();
            }
        }
        assert_eq!(conn.messages(), 5);
        conn.quit().await;
        sink.closed(1).await;
        let received = sink.received();
        assert_eq!(received.len(), 5);
        for (nth, mail) in received.iter().enumerate() {
            assert_eq!(mail.bytes, message(nth));
            assert_eq!(mail.to, format!("c{nth}@example.test"));
            assert_eq!(mail.from, "b@bounce.example.test");
        }
        assert_eq!(sink.grouped(), if pipelining { 4 } else { 0 });
        assert_eq!((sink.connections(), sink.half_bodies()), (1, 0));
        assert_eq!(sink.faults(), [""; 0]);
        assert_eq!(sink.commands().last().unwrap(), "QUIT");
    }
}

#[tokio::test]
async fn an_abandoned_mail_never_arrives() {
    let sink = Sink::start(Options::default());
    for (nth, size) in [(0, 10), (1, 500_000)] {
        let mut conn = connect(&sink).await;
        conn.envelope(&envelope(nth)).await.unwrap();
        let body = "x\r\n".repeat(size / 3);
        conn.body(body.as_bytes()).await.unwrap();
        conn.abandon();
        assert!(!conn.is_open());
    }
    // Dropping does the same.
    let mut conn = connect(&sink).await;
    conn.envelope_and_body(&envelope(2), &message(2)).await.unwrap();
    drop(conn);
    sink.closed(3).await;
    assert_eq!((sink.mails(), sink.half_bodies()), (0, 3));
    assert!(!sink.commands().iter().any(|line| line == "QUIT"));
}

#[tokio::test]
async fn nothing_of_a_small_mail_leaves_before_the_dot_is_asked_for() {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Body).act(Action::Drop));
    let mut conn = connect(&sink).await;
    conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
    drop(conn);
    sink.closed(1).await;
    assert_eq!(sink.half_bodies(), 1, "counted at the end of the connection, not at a first octet");
}

#[tokio::test]
async fn an_envelope_may_be_waited_for_in_two_halves() {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Rcpt).once().act(Action::Wait(gate.clone())));
    let mut conn = connect(&sink).await;
    let wanted = envelope(0);
    tokio::select! {
        biased;
        done = conn.envelope(&wanted) => panic!("the gate is closed: {done:?}"),
        () = gate.reached() => {}
    }
    gate.open();
    conn.envelope(&wanted).await.unwrap();
    conn.body(&message(0)).await.unwrap();
    sent(&conn.dot(None).await);
    assert_eq!(sink.mails(), 1);
}

#[tokio::test]
async fn another_envelope_than_the_one_promised_closes_the_connection() {
    let sink = Sink::start(Options::default());
    let mut conn = connect(&sink).await;
    conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
    sent(&conn.dot(Some(&envelope(1))).await);
    let Err(Outcome::Later(failure)) = conn.envelope(&envelope(2)).await else { panic!() };
    assert_eq!(failure.blame(), Blame::Connection);
    assert!(!conn.is_open());
    sink.closed(1).await;
    assert_eq!(sink.mails(), 1);
}

#[tokio::test]
async fn a_dropped_dot_leaves_a_closed_connection() {
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Dot).act(Action::Wait(gate.clone())));
    let mut conn = connect(&sink).await;
    conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
    tokio::select! {
        biased;
        outcome = conn.dot(None) => panic!("the gate is closed: {outcome:?}"),
        () = gate.reached() => {}
    }
    assert!(!conn.is_open());
    let Err(Outcome::Later(_)) = conn.envelope(&envelope(1)).await else { panic!() };
    gate.open();
    sink.closed(1).await;
    assert_eq!(sink.mails(), 1);
}

#[tokio::test]
async fn a_connection_carries_as_many_mails_as_it_may() {
    let sink = Sink::start(Options::default());
    let mut conn = Connection::open(&Relay { messages_max: 2, ..relay(&sink) }).await.unwrap();
    conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
    sent(&conn.dot(Some(&envelope(1))).await);
    assert!(conn.is_open());
    conn.envelope_and_body(&envelope(1), &message(1)).await.unwrap();
    sent(&conn.dot(Some(&envelope(2))).await);
    assert!(!conn.is_open());
    conn.quit().await;
    sink.closed(1).await;
    assert_eq!((sink.mails(), sink.half_bodies()), (2, 0));
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_noticed() {
    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rset).act(Action::Drop));
    sink.rule(Rule::at(Step::Dot).act(Action::Extra("421 4.4.2 idle too long".to_owned())));
    let mut conn = connect(&sink).await;
    assert!(conn.still_there().await);
    sent(&send(&mut conn, 0).await);
    assert!(!conn.still_there().await);
    assert!(!conn.is_open());
}

#[tokio::test]
async fn odd_bodies_arrive_as_lines_and_impossible_ones_are_refused() {
    let sink = Sink::start(Options::default());
    let mut conn = connect(&sink).await;
    let odd = b"Message-ID: <odd@x.test>\n\n.\n..\r.x\r\n\r\n.\r\nMAIL FROM:<evil@x.test>\r\nlast";
    conn.envelope_and_body(&envelope(0), odd).await.unwrap();
    sent(&conn.dot(None).await);
    let want = b"Message-ID: <odd@x.test>\r\n\r\n.\r\n..\r\n.x\r\n\r\n.\r\n\
        MAIL FROM:<evil@x.test>\r\nlast\r\n";
    assert_eq!(sink.received()[0].bytes, want);
    for (nth, bad) in [b"a\0b".to_vec(), vec![b'x'; 999]].iter().enumerate() {
        let mut conn = connect(&sink).await;
        let refused = conn.envelope_and_body(&envelope(nth), bad).await;
        let Err(Outcome::Never(failure)) = refused else { panic!("{refused:?}") };
        assert_eq!((failure.stage, failure.class), (Stage::Body, Class::Protocol));
        assert!(!conn.is_open());
    }
    assert_eq!((sink.mails(), sink.faults()), (1, vec![]));
}

#[tokio::test]
async fn a_big_mail_is_sent_before_its_dot() {
    let sink = Sink::start(Options::default());
    let mut conn = connect(&sink).await;
    let big = [&message(0)[..], "y".repeat(76).as_bytes(), b"\r\n"].concat().repeat(20_000);
    conn.envelope_and_body(&envelope(0).sized(big.len()), &big).await.unwrap();
    sent(&conn.dot(None).await);
    assert_eq!(sink.received()[0].bytes, big);
    assert!(
        sink.commands().contains(&format!("MAIL FROM:<b@bounce.example.test> SIZE={}", big.len()))
    );
}

#[tokio::test]
async fn what_the_server_cannot_take_is_not_offered() {
    let sink = Sink::start(Options { size_max: Some(100), smtputf8: false, ..Options::default() });
    let mut conn = connect(&sink).await;
    let Err(Outcome::Never(failure)) = conn.envelope(&envelope(0).sized(101)).await else {
        panic!()
    };
    assert_eq!(failure.class, Class::TooBig);
    let utf8 = Envelope::parse("", "用户@example.test").unwrap();
    let Err(Outcome::Never(failure)) = conn.envelope(&utf8).await else { panic!() };
    assert!(failure.why.contains("SMTPUTF8"));
    // Not even along with a dot.
    conn.envelope_and_body(&envelope(1).sized(100), &message(1)).await.unwrap();
    sent(&conn.dot(Some(&utf8)).await);
    assert!(conn.envelope(&utf8).await.is_err());
    sent(&send(&mut conn, 2).await);
    assert_eq!(sink.mails(), 2);
    assert_eq!(sink.commands().iter().filter(|line| line.starts_with("MAIL")).count(), 2);
}

#[tokio::test]
async fn addresses_beyond_ascii_are_sent_to_servers_that_know_them() {
    let sink = Sink::start(Options::default());
    let mut conn = connect(&sink).await;
    let utf8 = Envelope::parse("", "用户@example.test").unwrap();
    conn.envelope_and_body(&utf8, &message(0)).await.unwrap();
    sent(&conn.dot(None).await);
    assert!(sink.commands().contains(&"MAIL FROM:<> SMTPUTF8".to_owned()));
    assert_eq!(sink.received()[0].to, "用户@example.test");
}
