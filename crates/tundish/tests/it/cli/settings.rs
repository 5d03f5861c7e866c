//! Settings, the version, completions.

use super::Desk;

#[test]
fn the_settings_that_hold_are_shown_with_their_origin() {
    let desk = Desk::new();
    desk.write("tundish.toml", "# mine\n[smtp]\nhost = \"relay.example\"\npassword = \"hush\"\n");
    let variables = [("TUNDISH_SERVER_LISTEN", "127.0.0.1:9000")];
    let shown = desk.run_with(&["config", "show", "--origin"], &variables).ok();
    assert!(shown.contains("\"127.0.0.1:9000\""), "{shown}");
    assert!(shown.contains("# TUNDISH_SERVER_LISTEN"), "{shown}");
    assert!(shown.contains("# tundish.toml line 3"), "{shown}");
    assert!(shown.contains("# default"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
    let json = desk.run_with(&["config", "show", "--json"], &variables).json();
    assert_eq!(json[0]["name"], "server.listen");
    assert_eq!(json[0]["origin"], "TUNDISH_SERVER_LISTEN");
}

#[test]
fn the_version_is_one_line_or_one_object() {
    let desk = Desk::new();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(desk.run(&["version"]).ok(), format!("tundish {version}\n"));
    assert_eq!(desk.run(&["version", "--json"]).json()["version"], version);
}

#[test]
fn completions_are_printed_for_a_shell() {
    assert!(Desk::new().run(&["completions", "bash"]).ok().contains("_tundish"));
}

#[test]
fn a_wrong_flag_is_wrong_usage() {
    assert_eq!(Desk::new().run(&["serve", "--colour"]).code, 2);
    assert_eq!(Desk::new().run(&["dance"]).code, 2);
}
