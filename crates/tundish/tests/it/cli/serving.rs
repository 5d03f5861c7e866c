//! A server starts, answers, and stops without losing anything.

use super::Desk;

#[test]
fn a_server_starts_in_an_empty_folder_answers_and_stops_when_asked() {
    let desk = Desk::new();
    let server = desk.serve();
    assert!(server.get("/health").starts_with("HTTP/1.1 200"));
    let (code, _) = server.stop();
    assert_eq!(code, 0);
    assert!(desk.data().join("secret.key").exists());
    // A second start finds the same key and the same database.
    assert_eq!(desk.serve().stop().0, 0);
}

#[test]
fn a_server_that_was_killed_starts_again() {
    let desk = Desk::new();
    desk.serve().kill();
    assert!(desk.serve().get("/health").ends_with("ok"));
}

#[test]
fn migrations_are_checked_before_and_after() {
    let desk = Desk::new();
    let refused = desk.run(&["migrate", "--check"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stdout.contains("0001_platform.sql"));
    desk.run(&["migrate"]).ok();
    desk.run(&["migrate", "--check"]).ok();
}
