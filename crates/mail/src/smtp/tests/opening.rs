//! Greeting, EHLO and login.

use super::*;
use crate::outcome::Failure;
use crate::smtp::Login;

async fn refused(relay: &Relay) -> Failure {
    match Connection::open(relay).await {
        Err(failure) => failure,
        Ok(_) => panic!("it should have been refused"),
    }
}

#[tokio::test]
async fn a_server_that_knows_no_ehlo_is_greeted_with_helo() {
    let sink = Sink::start(Options { ehlo: false, pipelining: false, ..Options::default() });
    let mut conn = connect(&sink).await;
    sent(&send(&mut conn, 0).await);
    assert_eq!(sink.commands()[..2], ["EHLO client.test", "HELO client.test"]);
}

#[tokio::test]
async fn a_greeting_that_is_none_is_told_apart() {
    for (action, blame, class) in [
        (Action::Reply("421 4.3.2 busy".to_owned()), Blame::Connection, Class::Connection),
        (Action::Reply("421 too many connections".to_owned()), Blame::Connection, Class::Rate),
        (Action::Reply("554 5.7.1 blocked".to_owned()), Blame::Relay, Class::Policy),
        (Action::Raw(b"SSH-2.0-OpenSSH\r\n".to_vec()), Blame::Connection, Class::Protocol),
        (Action::Drop, Blame::Connection, Class::Connection),
        (Action::Silent, Blame::Connection, Class::Connection),
    ] {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(Step::Banner).act(action));
        let failure = refused(&impatient(&sink)).await;
        assert_eq!((failure.stage, failure.class), (Stage::Greeting, class), "{failure:?}");
        assert_eq!(failure.blame(), blame, "{failure:?}");
    }
}

#[tokio::test]
async fn a_refused_ehlo_is_not_the_mails_fault() {
    for (line, blame) in
        [("421 4.3.2 busy", Blame::Connection), ("450 4.7.1 not now", Blame::Connection)]
    {
        let sink = Sink::start(Options::default());
        sink.rule(Rule::at(Step::Ehlo).reply(line));
        let failure = refused(&relay(&sink)).await;
        assert_eq!((failure.stage, failure.blame()), (Stage::Hello, blame));
    }
}

#[tokio::test]
async fn nobody_listening_is_a_failure_of_the_connection() {
    let sink = Sink::start(Options::default());
    let relay = relay(&sink);
    drop(sink);
    let failure = refused(&relay).await;
    assert_eq!((failure.stage, failure.blame()), (Stage::Connect, Blame::Connection));
    assert!(failure.why.contains("127.0.0.1:"), "{failure}");
}

#[tokio::test]
async fn a_login_is_made_with_either_mechanism() {
    for words in ["PLAIN LOGIN", "LOGIN", "LOGIN CRAM-MD5"] {
        let auth = Some((words, "käte", "s3cret"));
        let sink = Sink::start(Options { auth, ..Options::default() });
        let login = |password: &str| {
            Some(Login { user: "käte".to_owned(), password: password.to_owned() })
        };
        let good = Relay { login: login("s3cret"), ..relay(&sink) };
        let mut conn = Connection::open(&good).await.unwrap();
        sent(&send(&mut conn, 0).await);
        let wrong = refused(&Relay { login: login("guess"), ..relay(&sink) }).await;
        assert_eq!((wrong.class, wrong.blame()), (Class::Relay, Blame::Relay));
        assert!(!format!("{good:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_login_that_cannot_be_made_now_is_tried_again() {
    let auth = Some(("PLAIN", "u", "p"));
    let sink = Sink::start(Options { auth, ..Options::default() });
    sink.rule(Rule::at(Step::Auth).reply("454 4.7.0 try later"));
    let login = Some(Login { user: "u".to_owned(), password: "p".to_owned() });
    let failure = refused(&Relay { login: login.clone(), ..relay(&sink) }).await;
    assert_eq!((failure.stage, failure.blame()), (Stage::Auth, Blame::Connection));
    let none = Sink::start(Options::default());
    let failure = refused(&Relay { login, ..relay(&none) }).await;
    assert_eq!((failure.stage, failure.blame()), (Stage::Auth, Blame::Relay));
}

#[tokio::test]
async fn a_hello_name_cannot_smuggle_a_command() {
    let sink = Sink::start(Options::default());
    for name in ["", "a\r\nMAIL FROM:<x@y.test>", "a b"] {
        let relay = Relay { hello_name: name.to_owned(), ..relay(&sink) };
        assert_eq!(refused(&relay).await.blame(), Blame::Relay);
    }
    assert_eq!(sink.connections(), 0);
}
