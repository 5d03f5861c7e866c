//! Backup, restore, verify.

use super::Desk;

#[test]
fn a_backup_taken_while_the_server_runs_can_be_restored() {
    let desk = Desk::new();
    let server = desk.serve();
    std::fs::create_dir_all(desk.data().join("files/ab")).unwrap();
    std::fs::write(desk.data().join("files/ab/abcd"), "bytes").unwrap();
    // One that is just being put there.
    std::fs::write(desk.data().join("files/ab/17.part"), "byt").unwrap();
    let made = desk.run(&["backup", "copy", "--json"]).json();
    assert_eq!(made["with_key"], false);
    assert_eq!(made["files"], 1);
    assert!(!desk.path().join("copy/secret.key").exists());
    desk.run(&["verify"]).ok();
    server.stop();

    let elsewhere = ["--data", "other"];
    let restored = desk.run(&["restore", "copy", elsewhere[0], elsewhere[1]]);
    assert!(restored.stderr.contains("put the master key back"), "{restored:?}");
    restored.ok();
    let said = desk.run(&["verify", elsewhere[0], elsewhere[1]]).refused(1);
    assert!(said.contains("master key"), "{said}");
    std::fs::copy(desk.data().join("secret.key"), desk.path().join("other/secret.key")).unwrap();
    desk.run(&["verify", elsewhere[0], elsewhere[1]]).ok();
    let bytes = std::fs::read_to_string(desk.path().join("other/files/ab/abcd")).unwrap();
    assert_eq!(bytes, "bytes");
}

#[test]
fn the_key_goes_into_a_backup_only_when_asked_for() {
    let desk = Desk::new();
    desk.serve().stop();
    let made = desk.run(&["backup", "copy", "--with-key"]);
    assert!(made.stderr.contains("as you keep a password"), "{made:?}");
    desk.run(&["restore", "copy", "--data", "other"]).ok();
    desk.run(&["verify", "--data", "other"]).ok();
    let said = desk.run(&["backup", "copy"]).refused(1);
    assert!(said.contains("not empty"), "{said}");
}

#[test]
fn a_postgres_that_was_copied_or_set_back_sends_nothing_until_somebody_decides() {
    let test = "a_postgres_that_was_copied_or_set_back_sends_nothing_until_somebody_decides";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(url) = runtime.block_on(testkit::databases::postgres_url(test)) else { return };
    let desk = Desk::new();
    desk.write("tundish.toml", &format!("[database]\nurl = \"{url}\"\n"));
    let set = |key: &'static str, value: &'static str| {
        runtime.block_on(async {
            let db = store::Db::connect(&url, store::Options::main()).await.unwrap();
            db.write::<_, store::StoreError, _>(move |tx| {
                Box::pin(async move { store::meta::set(tx, key, value).await })
            })
            .await
            .unwrap();
        });
    };
    let held = || {
        let server = desk.serve();
        let said = server.said.clone();
        server.stop();
        said.contains("nothing is sent until an operator has decided")
    };
    assert!(!held(), "new");
    assert!(!held(), "the usual start");
    std::fs::remove_file(desk.data().join("generation")).unwrap();
    assert!(!held(), "a node that joins");
    set("generation", "1");
    assert!(held(), "older than what this node has seen");
    set("sending_held", "");
    assert!(!held(), "decided");
    set("cluster", "pg:1234:1:5");
    assert!(held(), "it comes from another PostgreSQL");
}
