//! Mail by hand: a test, the queue, and what is written out of it.

use engine::sending;
use model::EmailAddr;
use testkit::sink::{Options, Rule, Sink, Step};

use super::operators::shop;
use super::{Desk, Ran, opened};

/// Lets the shop's mail go to a server of the test.
fn relay(desk: &Desk, sink: &Sink) {
    let port = sink.port();
    let text = format!("[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n");
    desk.write("tundish.toml", &text);
}

/// Queues a mail without sending it; its id.
fn queue(desk: &Desk, to: &str) -> String {
    opened(desk, async |engine, site| {
        let to = EmailAddr::parse(to).unwrap();
        sending::send_test(&engine, site, to).await.unwrap().unwrap().to_string()
    })
}

fn rows(ran: Ran) -> Vec<serde_json::Value> {
    ran.ok().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_test_mail_says_what_the_server_answered_and_fails_where_it_was_refused() {
    let desk = shop();
    let caught = desk.run(&["send-test", "--to", "ada@x.test", "--json"]).json();
    assert_eq!(caught["state"], "accepted");
    assert_eq!(caught["relay"], "caught");
    let said = desk.run(&["send-test", "nothing", "--to", "ada@x.test"]).refused(1);
    assert!(said.contains("there is no template nothing"), "{said}");
    let said = desk.run(&["send-test", "--to", "no address"]).refused(1);
    assert!(said.contains("address"), "{said}");

    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rcpt).to("gone@").reply("550 5.1.1 no such user here"));
    relay(&desk, &sink);
    let said = desk.run(&["send-test", "--to", "ada@x.test"]).ok();
    assert!(said.starts_with("ada@x.test: accepted; "), "{said}");
    assert!(said.contains(" answered 250 "), "{said}");
    let ran = desk.run(&["send-test", "--to", "gone@x.test", "--json"]);
    let sent: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&sent["state"], &sent["reply_code"]), (&"failed".into(), &550.into()));
    assert!(sent["reply"].as_str().unwrap().contains("no such user here"), "{sent}");
    assert!(ran.refused(1).contains("it is failed"));
    assert_eq!(sink.mails(), 1);
}

#[test]
fn the_queue_is_listed_held_released_and_tried_again() {
    let desk = shop();
    let list = |args: &[&str]| {
        let args: Vec<&str> = ["queue", "list", "--json"].iter().chain(args).copied().collect();
        desk.run(&args).json()
    };
    assert_eq!(list(&[])["messages"], serde_json::json!([]));
    assert_eq!(desk.run(&["queue", "list"]).ok(), "nothing waits\n");
    let id = queue(&desk, "ada@x.test");
    queue(&desk, "bo@x.test");
    let all = list(&[]);
    assert_eq!(all["counts"][0]["state"], "queued");
    assert_eq!(all["counts"][0]["count"], 2);
    assert_eq!(all["sending_held"], serde_json::Value::Null);

    let held = desk.run(&["queue", "hold", &id, "--json"]).json();
    assert_eq!(held["done"][0]["to"], "held");
    let only = list(&["--state", "held"]);
    assert_eq!(only["messages"].as_array().unwrap().len(), 1);
    assert_eq!(only["messages"][0]["id"], id.as_str());
    assert_eq!(only["messages"][0]["reason"], "held by an operator");
    let said = desk.run(&["queue", "hold", &id]);
    assert!(said.stdout.contains("cannot become held"), "{said:?}");
    assert_eq!(said.code, 1);
    // A rehearsal changes nothing.
    let dry = desk.run(&["queue", "release", "--all", "--dry-run"]).ok();
    assert!(dry.starts_with("1 would be released"), "{dry}");
    let other = desk.run(&["queue", "release", "--because", "unsigned", "--json"]).json();
    assert_eq!(other["done"], serde_json::json!([]));
    let released = desk.run(&["queue", "release", "--because", "held by", "--json"]).json();
    assert_eq!(released["done"][0]["id"], id.as_str());
    assert_eq!(list(&[])["counts"][0]["count"], 2);

    let sink = Sink::start(Options::default());
    sink.rule(Rule::at(Step::Rcpt).to("ada@").once().reply("550 5.1.1 no such user here"));
    relay(&desk, &sink);
    desk.run(&["send-test", "--to", "cy@x.test"]).ok();
    assert_eq!(list(&["--state", "failed"])["messages"][0]["to"], "ada@x.test");
    let again = desk.run(&["queue", "retry", "--all", "--json"]).json();
    assert_eq!(again["done"][0]["from"], "failed");
    desk.run(&["send-test", "--to", "di@x.test"]).ok();
    assert_eq!(list(&[])["messages"], serde_json::json!([]));
    assert_eq!(sink.mails(), 4);
    assert!(sink.counts().values().all(|count| *count == 1));
}

#[test]
fn what_is_not_in_the_queue_is_refused_with_one_sentence() {
    let desk = shop();
    let said = desk.run(&["queue", "retry"]).refused(2);
    assert!(said.contains("--all"), "{said}");
    desk.run(&["queue", "retry", "msg_x", "--all"]).refused(2);
    desk.run(&["queue", "retry", "con_1"]).refused(1);
    let said = desk.run(&["queue", "list", "--state", "lost"]).refused(2);
    assert!(said.contains("queued"), "{said}");
    let id = queue(&desk, "ada@x.test");
    let (kept, last) = id.split_at(id.len() - 1);
    let gone = format!("{kept}{}", if last == "0" { "1" } else { "0" });
    let said = desk.run(&["queue", "hold", &gone]).refused(1);
    assert!(said.contains("there is no message"), "{said}");
}

#[test]
fn messages_are_written_out_with_what_they_said() {
    let desk = shop();
    desk.run(&["send-test", "--to", "ada@x.test"]).ok();
    let all = rows(desk.run(&["export", "messages", "--format", "ndjson"]));
    assert_eq!(all.len(), 1);
    let one = &all[0];
    assert_eq!((&one["to"], &one["state"]), (&"ada@x.test".into(), &"accepted".into()));
    assert!(!one["subject"].as_str().unwrap().is_empty());
    assert!(one["text"].as_str().unwrap().len() > 20, "{one}");
    assert!(one["html"].as_str().unwrap().contains("<html"), "{one}");
    assert!(one["message_id"].as_str().unwrap().contains('@'), "{one}");
    // The same as a table, and as --json says it.
    let table = desk.run(&["export", "messages"]).ok();
    assert!(table.starts_with("id,to,class,"), "{table}");
    assert_eq!(rows(desk.run(&["export", "messages", "--json"])), all);
}
