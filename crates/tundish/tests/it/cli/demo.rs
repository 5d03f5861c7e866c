//! The demo: a shop with something behind it, and every promise kept on the way.

use std::io::{BufRead, BufReader};

use super::Desk;

#[test]
fn a_demo_prints_where_to_look_and_keeps_every_promise() {
    let desk = Desk::new();
    let args = ["demo", "--days", "21", "--listen", "127.0.0.1:0", "--json"];
    // Tried in the folder of a real shop: neither its database nor its mail server is touched.
    desk.write("tundish.toml", "[smtp]\nhost = \"relay.example\"\n");
    let real = format!("sqlite:{}", desk.path().join("real.db").display());
    let mut command = desk.command(&args);
    command.env("TUNDISH_DATABASE_URL", real).args(["--data", "shop"]);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(ready["sign_in"].as_str().unwrap().contains("/admin/sign-in/link/"));
    assert_eq!(ready["email"], "owner@shop.example");

    assert!(!desk.path().join("real.db").exists());
    std::fs::remove_file(desk.path().join("tundish.toml")).unwrap();

    // All of it beside the running server.
    let data = ["--data", "shop"];
    desk.run(&["verify", data[0], data[1]]).ok();
    let orders = desk.run(&["export", "orders", data[0], data[1]]).ok();
    assert!(orders.lines().count() > 2, "{orders}");
    let contacts = desk.run(&["export", "contacts", "--format", "ndjson", data[0], data[1]]).ok();
    let first: serde_json::Value = serde_json::from_str(contacts.lines().next().unwrap()).unwrap();
    let email = first["email"].as_str().unwrap();
    let shown = desk.run(&["contact", "show", email, "--json", data[0], data[1]]).json();
    assert_eq!(shown["email"], email);
    assert!(shown["messages"].as_array().is_some());
    let funnel = desk.path().join("shop/shop/funnel.toml");
    let planned = desk.run(&["plan", funnel.to_str().unwrap(), "--json", data[0], data[1]]).json();
    assert_eq!(planned, serde_json::json!([]));
    child.kill().unwrap();
    child.wait().unwrap();
}
