//! Whatever a server does, an outcome is true: `Sent` arrived, `Later` and `Never` did not, and
//! `Unknown` may be either, once at most.

use proptest::prelude::*;

use super::*;

const MAILS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    prop::sample::select(vec![
        Step::Banner,
        Step::Ehlo,
        Step::Mail,
        Step::Mail,
        Step::Rcpt,
        Step::Rcpt,
        Step::Data,
        Step::Data,
        Step::Body,
        Step::Dot,
        Step::Dot,
        Step::Rset,
    ])
}

fn action() -> impl Strategy<Value = Action> {
    let line = prop::sample::select(vec![
        "421 4.3.2 bye",
        "450 4.2.0 busy",
        "451 grey",
        "550 5.1.1 nobody",
        "554 no",
        "250 2.0.0 stray",
        "354 stray",
    ]);
    let raw = prop::sample::select(vec![
        &b"\r\n"[..],
        b"250",
        // A 250 cut short would be made whole by the next answer: that server lies, we cannot know.
        b"451 4.3.0 half",
        b"junk\r\n",
        b"250-a\r\n550 b\r\n",
    ]);
    prop_oneof![
        // A refusal, sometimes with nonsense: 250 and 354 are only sent unasked.
        line.clone()
            .prop_filter("a refusal", |line| line.starts_with(['4', '5']))
            .prop_map(|line| Action::Reply(line.to_owned())),
        raw.prop_map(|octets| Action::Raw(octets.to_vec())),
        Just(Action::Drip),
        line.clone().prop_map(|line| Action::Extra(line.to_owned())),
        line.prop_filter("a refusal", |line| line.starts_with(['4', '5']))
            .prop_map(|line| Action::ReplyAndDrop(line.to_owned())),
        Just(Action::Drop),
        Just(Action::Reset),
        Just(Action::KeepAndDrop),
    ]
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (step(), action(), 0..4_u32, any::<bool>()).prop_map(|(at, action, skip, once)| {
        let rule = Rule::at(at).after(skip).act(action);
        if once { rule.once() } else { rule }
    });
    prop::collection::vec(rule, 0..5)
}

/// Sends [`MAILS`] mails in the manner of the ledger, opening a new connection where one is
/// needed; gives the outcome of each.
async fn run(sink: &Sink) -> Vec<Option<Outcome>> {
    let limits = Limits {
        greeting: SHORT / 4,
        mail: SHORT / 4,
        rcpt: SHORT / 4,
        data: SHORT / 4,
        dot: SHORT / 4,
        quit: SHORT / 4,
        ..Limits::default()
    };
    let relay = Relay { limits, messages_max: 4, ..relay(sink) };
    let mut conn: Option<Connection> = None;
    let mut outcomes = Vec::new();
    for nth in 0..MAILS {
        if conn.as_ref().is_none_or(|conn| !conn.is_open()) {
            conn = Connection::open(&relay).await.ok();
        }
        let Some(open) = &mut conn else {
            outcomes.push(None);
            continue;
        };
        let outcome = match open.envelope_and_body(&envelope(nth), &message(nth)).await {
            Ok(()) => {
                let next = envelope(nth + 1);
                open.dot((nth + 1 < MAILS).then_some(&next)).await
            }
            Err(outcome) => outcome,
        };
        outcomes.push(Some(outcome));
    }
    if let Some(conn) = conn {
        conn.quit().await;
    }
    outcomes
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn every_outcome_is_true(
        rules in rules(),
        pipelining: bool,
        go_on_for_nobody: bool,
        ehlo in prop::bool::weighted(0.9),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let sink =
            Sink::start(Options { pipelining, go_on_for_nobody, ehlo, ..Options::default() });
        for rule in rules {
            sink.rule(rule);
        }
        let outcomes = runtime.block_on(async {
            let outcomes = run(&sink).await;
            sink.closed(sink.connections()).await;
            outcomes
        });
        let counts = sink.counts();
        for (nth, outcome) in outcomes.iter().enumerate() {
            let count = counts.get(&format!("m{nth}@example.test")).copied().unwrap_or(0);
            match outcome {
                Some(Outcome::Sent(_)) => prop_assert_eq!(count, 1, "mail {} {:?}", nth, outcome),
                Some(Outcome::Unknown(_)) => prop_assert!(count <= 1),
                _ => prop_assert_eq!(count, 0, "mail {} {:?}", nth, outcome),
            }
        }
        prop_assert_eq!(sink.faults(), Vec::<String>::new());
    }
}
