//! The first site, and who may sign in.

use super::Desk;

pub const PASSWORD: &str = "a long sentence of four";

/// A folder with a shop in it.
pub fn shop() -> Desk {
    let desk = Desk::new();
    let args = [
        "init",
        "--site-name",
        "The Shop",
        "--postal-address",
        "1 Street, Town",
        "--email",
        "ada@shop.example",
    ];
    desk.run_saying(&args, PASSWORD).ok();
    desk
}

#[test]
fn a_shop_is_made_without_a_browser_once() {
    let desk = shop();
    let args = ["init", "--site-name", "x", "--postal-address", "x", "--email", "x@shop.example"];
    let said = desk.run_saying(&args, PASSWORD).refused(1);
    assert!(said.contains("has an owner already"), "{said}");
    let listed = desk.run(&["operator", "list", "--json"]).json();
    assert_eq!(listed[0]["email"], "ada@shop.example");
    assert_eq!(listed[0]["role"], "owner");
}

#[test]
fn an_operator_is_added_invited_and_linked_beside_a_running_server() {
    let desk = shop();
    let server = desk.serve();
    assert!(!server.said.contains("first run"), "{}", server.said);
    let with_file = desk.write("password", &format!("{PASSWORD}\n"));
    let file = with_file.to_str().unwrap();
    desk.run(&["operator", "add", "bo@shop.example", "--password-file", file]).ok();
    let invited = desk.run(&["operator", "add", "cy@shop.example", "--invite", "--json"]).json();
    assert!(invited["url"].as_str().unwrap().contains("/admin/password/"));
    let link = desk.run(&["operator", "link", "ada@shop.example"]).ok();
    assert!(link.starts_with("http://127.0.0.1:8095/admin/sign-in/link/"), "{link}");
    assert_eq!(desk.run(&["operator", "list"]).ok().lines().count(), 3);
    let said = desk.run(&["operator", "add", "d@shop.example", "--role", "king"]).refused(1);
    assert!(!said.is_empty());
}

#[test]
fn a_first_run_prints_where_to_set_it_up() {
    let desk = Desk::new();
    let server = desk.serve();
    assert!(server.said.contains("/admin/setup?token="), "{}", server.said);
}
