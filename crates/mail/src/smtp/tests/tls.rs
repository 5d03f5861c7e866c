//! STARTTLS and TLS from the start: what is believed, and that nothing is sent where it is not.

use super::sink::{TlsKind, certs};
use super::*;
use crate::smtp::{Login, Trust};

fn secure(kind: TlsKind, certificate: &certs::Certificate) -> Sink {
    let tls = Some((kind, certificate.acceptor.clone()));
    Sink::start(Options { tls, ..Options::default() })
}

fn relay_for(sink: &Sink, tls: Tls, pem: &str) -> Relay {
    Relay { tls, trust: Trust::only(pem).unwrap(), ..relay(sink) }
}

#[tokio::test]
async fn mail_goes_out_encrypted_with_both_kinds() {
    let certificate = certs::valid_for("127.0.0.1");
    for (kind, tls) in [
        (TlsKind::Start, Tls::Required),
        (TlsKind::Start, Tls::Opportunistic),
        (TlsKind::Implicit, Tls::Implicit),
    ] {
        let sink = secure(kind, &certificate);
        let mut conn = Connection::open(&relay_for(&sink, tls, &certificate.pem)).await.unwrap();
        assert!(conn.is_tls());
        conn.envelope_and_body(&envelope(0), &message(0)).await.unwrap();
        sent(&conn.dot(Some(&envelope(1))).await);
        conn.envelope_and_body(&envelope(1), &message(1)).await.unwrap();
        sent(&conn.dot(None).await);
        let big = "0123456789\r\n".repeat(50_000);
        conn.envelope_and_body(&envelope(2), big.as_bytes()).await.unwrap();
        sent(&conn.dot(None).await);
        conn.quit().await;
        sink.closed(1).await;
        assert_eq!(sink.received().iter().filter(|mail| mail.tls).count(), 3);
        assert_eq!(sink.received()[2].bytes, big.as_bytes());
    }
}

#[tokio::test]
async fn without_the_tls_that_is_required_nothing_is_sent() {
    let good = certs::valid_for("127.0.0.1");
    let other = certs::valid_for("127.0.0.1");
    let named = certs::valid_for("other.test");
    let expired = certs::expired_for("127.0.0.1");
    let plain = Sink::start(Options::default());
    let failure = Connection::open(&relay_for(&plain, Tls::Required, &good.pem)).await.err();
    let failure = failure.unwrap();
    assert_eq!((failure.stage, failure.blame()), (Stage::Tls, Blame::Relay));
    assert!(failure.why.contains("STARTTLS"));
    for (served, trusted) in [(&other, &good.pem), (&named, &named.pem), (&expired, &expired.pem)] {
        for (kind, tls) in [(TlsKind::Start, Tls::Required), (TlsKind::Implicit, Tls::Implicit)] {
            let sink = secure(kind, served);
            let failure = Connection::open(&relay_for(&sink, tls, trusted)).await.err().unwrap();
            assert_eq!((failure.stage, failure.blame()), (Stage::Tls, Blame::Relay));
            sink.closed(1).await;
            assert!(!sink.commands().iter().any(|line| line.starts_with("MAIL")));
        }
    }
}

#[tokio::test]
async fn a_handshake_cut_off_is_a_failure_and_opportunism_goes_on_plain() {
    let certificate = certs::valid_for("127.0.0.1");
    for line in ["220 2.0.0 go on", "454 4.7.0 no TLS today"] {
        let sink = secure(TlsKind::Start, &certificate);
        sink.rule(Rule::at(Step::StartTls).act(Action::ReplyAndDrop(line.to_owned())));
        let required = relay_for(&sink, Tls::Required, &certificate.pem);
        assert_eq!(Connection::open(&required).await.err().unwrap().stage, Stage::Tls);
        let relay = Relay { tls: Tls::Opportunistic, ..required };
        let mut conn = Connection::open(&relay).await.unwrap();
        assert!(!conn.is_tls());
        sent(&send(&mut conn, 0).await);
    }
}

#[tokio::test]
async fn words_slipped_in_before_the_handshake_are_not_believed() {
    let certificate = certs::valid_for("127.0.0.1");
    let sink = secure(TlsKind::Start, &certificate);
    sink.rule(Rule::at(Step::StartTls).act(Action::Extra("250 evil".to_owned())));
    let failure =
        Connection::open(&relay_for(&sink, Tls::Required, &certificate.pem)).await.err().unwrap();
    assert_eq!(failure.stage, Stage::Tls);
    assert!(failure.why.contains("between STARTTLS and the handshake"), "{failure}");
}

#[tokio::test]
async fn a_login_under_tls_is_made_after_the_handshake() {
    let certificate = certs::valid_for("127.0.0.1");
    let tls = Some((TlsKind::Start, certificate.acceptor.clone()));
    let auth = Some(("PLAIN", "u", "p"));
    let sink = Sink::start(Options { tls, auth, ..Options::default() });
    let login = Some(Login { user: "u".to_owned(), password: "p".to_owned() });
    let relay = Relay { login, ..relay_for(&sink, Tls::Required, &certificate.pem) };
    let mut conn = Connection::open(&relay).await.unwrap();
    sent(&send(&mut conn, 0).await);
    let commands = sink.commands();
    let place = |verb: &str| commands.iter().position(|line| line.starts_with(verb)).unwrap();
    assert!(place("STARTTLS") < place("AUTH"));
}

#[test]
fn a_trust_without_a_certificate_is_refused() {
    assert!(Trust::only("").is_err());
    assert!(Trust::only("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----").is_err());
}
