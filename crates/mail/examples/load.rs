//! The bare client against the counting sink in one process: the ceiling of every figure about
//! sending. `cargo run --release -p mail --example load -- [mails] [connections] [octets] [port]`
//! sends to the server on that port of 127.0.0.1 where one is named.
//!
//! No database, no signature, no TLS. Every answer is read and must be a 25x.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring program: it may stop where it stands, print, and look at the clock"
)]

#[path = "../../testkit/src/sink.rs"]
#[allow(dead_code, reason = "taken in whole")]
mod sink;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mail::compose::Automation;
use mail::dkim::{DkimKey, KeyKind, Signer, generate};
use mail::smtp::{Connection, Envelope, Relay, Tls};
use mail::{Letter, Mailbox, Outcome};
use model::{EmailAddr, UtcMs};
use sink::{Options, Sink};

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<usize>().expect("a number"));
    let mails = args.next().unwrap_or(100_000);
    let connections = args.next().unwrap_or(20);
    let octets = args.next().unwrap_or(12_000);
    let other = args.next().map(|port| u16::try_from(port).expect("a port"));
    let letter = letter(octets);
    pieces(&letter);
    let sink = Sink::start(Options { keeps: false, ..Options::default() });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let message = Arc::new(mail::compose(&letter).unwrap());
    let size = message.len();
    let begun = Instant::now();
    runtime.block_on(send(other.unwrap_or(sink.port()), mails, connections, &message));
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(sink.mails(), if other.is_some() { 0 } else { mails as u64 });
    println!(
        "{mails} mails of {size} octets over {connections} connections: {:.0} a second, {} of \
         their dots came with the next envelope",
        mails as f64 / seconds,
        sink.grouped()
    );
}

async fn send(port: u16, mails: usize, connections: usize, message: &Arc<Vec<u8>>) {
    let relay = Relay::new("127.0.0.1", port, "load.test");
    let relay = Arc::new(Relay { tls: Tls::None, messages_max: u32::MAX, ..relay });
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = Vec::new();
    for _ in 0..connections {
        let (relay, next, message) = (Arc::clone(&relay), Arc::clone(&next), Arc::clone(message));
        senders.push(tokio::spawn(async move {
            let claim = || {
                let nth = next.fetch_add(1, Ordering::Relaxed);
                (nth < mails).then(|| {
                    let to = format!("c{nth}@example.test");
                    Envelope::parse("b@bounce.example.test", &to).unwrap()
                })
            };
            let mut conn = Connection::open(&relay).await.unwrap();
            let mut current = claim();
            while let Some(envelope) = current {
                conn.envelope_and_body(&envelope, &message).await.unwrap();
                current = claim();
                let outcome = conn.dot(current.as_ref()).await;
                assert!(matches!(outcome, Outcome::Sent(_)), "{outcome:?}");
            }
            conn.quit().await;
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
}

/// What one mail costs before it is sent, on one thread.
fn pieces(letter: &Letter) {
    let mut random = random();
    let mut signer = |kind| {
        let pem = generate(kind, |octets| octets.fill_with(&mut random)).unwrap();
        Signer::new("mail.shop.example", "s1", DkimKey::from_pem(&pem).unwrap()).unwrap()
    };
    let message = mail::compose(letter).unwrap();
    time("compose", 2_000, || mail::compose(letter).unwrap().len());
    for kind in [KeyKind::Ed25519, KeyKind::Rsa] {
        let signer = signer(kind);
        time(kind.as_str(), 500, || signer.header(&message, letter.date).unwrap().len());
    }
}

/// Numbers that look random enough for a key nobody uses.
fn random() -> impl FnMut() -> u8 {
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ u64::from(std::process::id());
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    }
}

fn time(what: &str, times: u32, mut work: impl FnMut() -> usize) {
    let begun = Instant::now();
    for _ in 0..times {
        black_box(work());
    }
    println!("{what}: {:.1} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(times));
}

fn letter(octets: usize) -> Letter {
    let addr = |text: &str| EmailAddr::parse(text).unwrap();
    let line = "<p style=\"color:#333\">Ein Absatz mit Umlauten wie ä, ö, ü und einem Link.</p>\n";
    Letter {
        from: Mailbox::named("Ada", addr("ada@mail.shop.example")),
        to: Mailbox::bare(addr("reader@example.test")),
        reply_to: None,
        subject: "Grüße aus der Werkstatt".to_owned(),
        text: "Plain words of the same mail.\n".repeat(octets / 150),
        html: Some(line.repeat(octets * 2 / 3 / line.len())),
        message_id: "m1.load.x@mail.shop.example".to_owned(),
        date: UtcMs(1_795_287_356_789),
        list_unsubscribe: None,
        list_id: None,
        feedback_id: None,
        automation: Automation::Mailing,
        envelope_from: Some(addr("b@bounce.example.test")),
    }
}
