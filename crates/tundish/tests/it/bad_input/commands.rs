//! Commands (X) and settings (G) of the list of bad input.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use model::EmailAddr;
use testkit::sink::{Action, Gate, Options, Rule, Sink, Step};

use crate::cli::operators::{PASSWORD, shop};
use crate::cli::{Desk, opened};

#[test]
fn x01_root_does_not_work_in_the_folder_of_another() {
    let desk = Desk::new();
    std::fs::create_dir(desk.data()).unwrap();
    if std::os::unix::fs::chown(desk.data(), Some(65_534), None).is_err() {
        // Never demanded: whoever runs the tests as themselves cannot be root.
        let _ = writeln!(std::io::stderr(), "skipped x01: only root can give a folder away");
        return;
    }
    let said = desk.run(&["serve"]).refused(1);
    assert!(said.contains("sudo -u nobody"), "{said}");
}

#[test]
fn x02_a_second_server_on_a_folder_names_the_first() {
    let desk = Desk::new();
    let server = desk.serve();
    let said = desk.run(&["serve", "--listen", "127.0.0.1:0"]).refused(75);
    assert!(said.contains(&format!("pid {}", server.pid())), "{said}");
    let said = desk.run(&["migrate"]).refused(75);
    assert!(said.contains("already running"), "{said}");
}

#[test]
fn x04_a_newer_database_is_refused() {
    let desk = Desk::new();
    desk.run(&["migrate"]).ok();
    let url = format!("sqlite:{}", desk.data().join("tundish.db").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let db = store::Db::connect(&url, store::Options::main()).await.unwrap();
        db.write::<_, store::StoreError, _>(|tx| {
            Box::pin(async move {
                let sql = "insert into migrations (name, checksum) values ('main/9999_x.sql', '')";
                tx.query(sql).run().await.map(drop)
            })
        })
        .await
        .unwrap();
        db.close().await;
    });
    for command in ["migrate", "serve"] {
        let said = desk.run(&[command]).refused(1);
        assert!(said.contains("newer tundish"), "{said}");
    }
}

/// What a database holds: its tables and the migrations it knows.
fn schema_of(desk: &Desk) -> Vec<String> {
    let mut whole = Vec::new();
    for (name, options) in
        [("tundish.db", store::Options::main()), ("views.db", store::Options::views())]
    {
        let url = format!("sqlite:{}", desk.data().join(name).display());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let db = store::Db::connect_as_is(&url, &options).await.unwrap();
            let reader = db.reader();
            let found = reader.read::<_, store::StoreError, _>(|session| {
                Box::pin(async move {
                    let sql = "select coalesce(sql, name) from sqlite_master order by name";
                    let mut all: Vec<String> = session.query(sql).all().await?;
                    let sql = "select name || checksum from migrations order by name";
                    all.extend(session.query(sql).all::<String>().await?);
                    Ok(all)
                })
            });
            whole.extend(found.await.unwrap());
            db.close().await;
        });
    }
    whole
}

#[test]
fn x04_a_migrate_that_was_stopped_anywhere_is_continued_by_the_next() {
    use std::time::Duration;

    use tokio::time::Instant;
    let whole = Desk::new();
    let begun = Instant::now();
    whole.run(&["migrate"]).ok();
    let takes = begun.elapsed();
    let wanted = schema_of(&whole);
    let signals = [rustix::process::Signal::KILL, rustix::process::Signal::TERM];
    for part in 0..12_u32 {
        for signal in signals {
            let desk = Desk::new();
            let mut child = desk.command(&["migrate"]).spawn().unwrap();
            let at = Instant::now() + takes * part / 12 + Duration::from_millis(1);
            while Instant::now() < at && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            let pid = rustix::process::Pid::from_child(&child);
            // It may have ended by itself, which is fine too.
            let _ = rustix::process::kill_process(pid, signal);
            child.wait().unwrap();
            desk.run(&["migrate"]).ok();
            desk.run(&["migrate", "--check"]).ok();
            assert_eq!(schema_of(&desk), wanted, "stopped at part {part} by {signal:?}");
        }
    }
}

#[test]
fn x06_what_cannot_be_read_or_written_ends_in_one_sentence() {
    let desk = Desk::new();
    let said = desk.run(&["serve", "--config", "nowhere.toml"]).refused(1);
    assert!(said.contains("nowhere.toml cannot be read"), "{said}");
    desk.run(&["serve", "--config", "."]).refused(1);
    std::fs::write(desk.path().join("latin1.toml"), [b'#', 0xE9]).unwrap();
    let said = desk.run(&["serve", "--config", "latin1.toml"]).refused(1);
    assert!(said.contains("UTF-8"), "{said}");

    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut to_full = desk.command(&["config", "show"]);
    let ended = to_full.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&ended.stderr).lines().count(), 1);

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut to_nobody = desk.command(&["config", "show"]);
    let ended = to_nobody.stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.is_empty());
}

#[test]
fn x10_an_odd_zone_or_language_changes_nothing() {
    let odd = [("TZ", ":bad"), ("LANG", "tlh_QO.EBCDIC")];
    let desk = Desk::new();
    assert_eq!(
        desk.run_with(&["version", "--json"], &odd).ok(),
        desk.run(&["version", "--json"]).ok()
    );
    desk.run_with(&["migrate"], &odd).ok();
}

#[test]
fn g01_an_unknown_setting_is_refused_with_its_line_and_what_was_meant() {
    let desk = Desk::new();
    let comments = "# a line\n".repeat(10);
    desk.write("tundish.toml", &format!("{comments}[smpt]\nhost = \"relay.example\"\n"));
    let said = desk.run(&["serve"]).refused(1);
    assert!(said.contains("did you mean smtp.host? (line 12)"), "{said}");
}

#[test]
fn g02_a_secret_others_can_read_is_warned_about_and_refused_in_public() {
    let desk = Desk::new();
    desk.serve().stop();
    let key = desk.data().join("secret.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let server = desk.serve();
    assert!(server.said.contains("chmod 600"), "{}", server.said);
    drop(server);
    let public = [("TUNDISH_SERVER_TRUSTED_PROXIES", "127.0.0.1")];
    let said = desk.run_with(&["serve", "--listen", "0.0.0.0:0"], &public).refused(1);
    assert!(said.contains("chmod 600"), "{said}");
}

#[test]
fn g03_plain_http_off_loopback_is_refused() {
    let said = Desk::new().run(&["serve", "--listen", "0.0.0.0:8095"]).refused(1);
    assert!(said.contains("trusted_proxies"), "{said}");
}

#[test]
fn g04_a_password_is_not_sent_over_an_open_line() {
    let desk = Desk::new();
    let text = "[smtp]\nhost = \"relay.example\"\nusername = \"u\"\ntls = \"none\"\n";
    desk.write("tundish.toml", text);
    let said = desk.run(&["serve"]).refused(1);
    assert!(said.contains("starttls"), "{said}");
    desk.write("tundish.toml", &text.replace("relay.example", "127.0.0.1"));
    desk.run(&["config", "show"]).ok();
}

#[test]
fn g10_another_master_key_or_none_is_refused() {
    let desk = Desk::new();
    desk.serve().stop();
    let other = "ab".repeat(32);
    let said = desk.run_with(&["serve"], &[("TUNDISH_SECRET_KEY", &other)]).refused(1);
    assert!(said.contains("not the one"), "{said}");
    std::fs::remove_file(desk.data().join("secret.key")).unwrap();
    let said = desk.run(&["serve"]).refused(1);
    assert!(said.contains("missing"), "{said}");
    assert!(!desk.data().join("secret.key").exists(), "none is made up");
}

#[test]
fn g12_a_value_of_the_wrong_kind_is_told_with_its_line() {
    let desk = Desk::new();
    for wrong in ["\"1e9\"", "-1", "\"yes\"", "1e9", "true"] {
        desk.write("tundish.toml", &format!("[disk]\npause_below = {wrong}\n"));
        let said = desk.run(&["config", "show"]).refused(1);
        assert!(said.contains("line 2") && said.contains("1 GB"), "{said}");
    }
    desk.write("tundish.toml", "[disk]\npause_below = \"10 MB\"\n");
    desk.run(&["config", "show"]).ok();
}

#[test]
fn g13_the_environment_wins_over_the_file_and_it_shows() {
    let desk = Desk::new();
    desk.write("tundish.toml", "[log]\nlevel = \"warn\"\n");
    let shown = desk.run_with(&["config", "show", "--origin"], &[("TUNDISH_LOG_LEVEL", "error")]);
    let shown = shown.ok();
    let line = shown.lines().find(|line| line.starts_with("log.level")).unwrap();
    assert!(line.contains("\"error\"") && line.contains("TUNDISH_LOG_LEVEL"), "{line}");
}

#[test]
fn g15_too_many_connections_are_brought_down_with_a_message() {
    let desk = Desk::new();
    desk.write("tundish.toml", "[database]\nconnections = 10_000\n");
    let ran = desk.run(&["config", "show"]);
    assert!(ran.stderr.contains("64 is used"), "{ran:?}");
    assert!(ran.stdout.contains("\"64\""), "{ran:?}");
}

#[test]
fn x03_restore_refuses_a_folder_in_use_and_keeps_the_old_one_when_forced() {
    let desk = Desk::new();
    desk.serve().stop();
    desk.run(&["backup", "copy"]).ok();
    let said = desk.run(&["restore", "copy"]).refused(1);
    assert!(said.contains("not empty"), "{said}");
    let said = desk.run(&["restore", "nowhere"]).refused(1);
    assert!(said.contains("not a backup"), "{said}");
    desk.run(&["restore", "copy", "--force"]).ok();
    assert!(desk.path().join("data.bak/tundish.db").exists());
    // The key that lay there is taken along.
    desk.run(&["verify"]).ok();
    let server = desk.serve();
    let said = desk.run(&["restore", "copy", "--force"]).refused(75);
    assert!(said.contains(&server.pid().to_string()), "{said}");
}

#[test]
fn x07_a_password_as_an_argument_is_not_accepted() {
    let desk = shop();
    let ran = desk.run(&["operator", "reset", "ada@shop.example", "--password", "x"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let said = desk.run(&["operator", "reset", "ada@shop.example"]).refused(1);
    assert!(said.contains("TUNDISH_PASSWORD"), "{said}");
    let given = [("TUNDISH_PASSWORD", "another long sentence")];
    desk.run_with(&["operator", "reset", "ada@shop.example"], &given).ok();
}

#[test]
fn x11_resetting_somebody_who_is_not_there_says_nothing_of_others() {
    let desk = shop();
    let said = desk.run_saying(&["operator", "reset", "ade@shop.example"], "x").refused(1);
    assert!(said.contains("nobody signs in here") && !said.contains("ada@"), "{said}");
}

#[test]
fn g03_a_base_address_that_is_not_https_or_has_a_path_is_refused() {
    for url in ["http://shop.example", "https://192.0.2.1", "https://shop.example/shop", "shop"] {
        let desk = Desk::new();
        let mut args = vec!["init", "--site-name", "x", "--postal-address", "x"];
        args.extend(["--email", "x@shop.example", "--base-url", url]);
        let said = desk.run_saying(&args, PASSWORD).refused(1);
        assert!(said.contains("https://"), "{said}");
    }
}

/// What still waits to be sent.
fn queued(desk: &Desk) -> i64 {
    let listed = desk.run(&["queue", "list", "--limit", "1", "--json"]).json();
    let counts = listed["counts"].as_array().unwrap();
    counts.iter().map(|count| count["count"].as_i64().unwrap()).sum()
}

#[test]
fn x05_a_backup_taken_while_mail_leaves_is_whole_and_its_copy_sends_nothing() {
    const MAILS: u64 = 300;
    let desk = shop();
    opened(&desk, async |engine, site| {
        for n in 0..MAILS {
            let to = EmailAddr::parse(&format!("p{n}@x.test")).unwrap();
            engine::sending::send_test(&engine, site.clone(), to).await.unwrap();
        }
    });
    let sink = Sink::start(Options::default());
    let gate = Gate::default();
    sink.rule(Rule::at(Step::Dot).after(100).act(Action::Wait(gate.clone())));
    let port = sink.port();
    let text =
        format!("[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nconnections = 2\n");
    desk.write("tundish.toml", &text);
    let server = desk.serve();
    desk.run(&["backup", "copy", "--with-key"]).ok();
    assert!(queued(&desk) > 0, "the backup was taken while mail left");
    (0..MAILS).for_each(|_| gate.open());
    while queued(&desk) > 0 {}
    server.stop();
    assert_eq!(sink.mails(), MAILS);

    // The copy does not know what was sent since: it asks before it sends.
    desk.run(&["restore", "copy", "--force"]).ok();
    desk.run(&["verify"]).ok();
    let server = desk.serve();
    assert!(server.said.contains("nothing is sent until"), "{}", server.said);
    assert!(queued(&desk) > 0);
    let said = desk.run(&["send-test", "--to", "ada@x.test"]).refused(1);
    assert!(said.contains("nothing is sent"), "{said}");
    server.stop();
    assert_eq!(sink.mails(), MAILS, "nothing twice");
    assert!(sink.counts().values().all(|count| *count == 1));
}

#[test]
fn x08_without_a_network_each_check_fails_on_its_own_with_advice() {
    let desk = shop();
    let text = "[server]\nlisten = \"127.0.0.1:0\"\n[smtp]\nhost = \"relay.invalid\"\n";
    desk.write("tundish.toml", text);
    let ran = desk.run(&["doctor", "--json"]);
    let checks: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    for check in checks.as_array().unwrap() {
        let (name, health) = (check["check"].as_str().unwrap(), check["health"].as_str().unwrap());
        assert_eq!(health == "fail", name == "mail", "{check}");
        assert!(health == "ok" || !check["mend"].as_str().unwrap().is_empty(), "{check}");
    }
    assert!(ran.refused(1).contains("1 of "));
}

#[test]
fn x12_nothing_is_sent_by_hand_while_sending_is_held() {
    let desk = shop();
    desk.serve().stop();
    // The folder was restored without its memory of starts.
    std::fs::remove_file(desk.data().join("generation")).unwrap();
    desk.serve().stop();
    let said = desk.run(&["send-test", "--to", "ada@x.test"]).refused(1);
    assert!(said.contains("restored or copied") && said.contains("admin"), "{said}");
    let listed = desk.run(&["queue", "list", "--json"]).json();
    assert!(listed["sending_held"].as_str().unwrap().contains("restored or copied"), "{listed}");
    assert!(desk.run(&["queue", "list"]).ok().starts_with("nothing is sent: "));
}

#[test]
fn g09_proxies_are_named_by_address_or_network_and_https_holds_behind_them() {
    let desk = Desk::new();
    let named = |text: &str| {
        let variable = [("TUNDISH_SERVER_TRUSTED_PROXIES", text)];
        desk.run_with(&["serve", "--listen", "127.0.0.1:1"], &variable)
    };
    let said = named("10.0.0.0/8, proxy").refused(1);
    assert!(said.contains("server.trusted_proxies") && said.contains("proxy"), "{said}");
    let mut args = vec!["init", "--site-name", "x", "--postal-address", "x"];
    args.extend(["--email", "x@shop.example", "--base-url", "https://shop.example"]);
    desk.run_saying(&args, PASSWORD).ok();
    desk.write("tundish.toml", "[server]\ntrusted_proxies = \"127.0.0.1, 10.0.0.0/8\"\n");
    let server = desk.serve();
    let answer = server.get_from("shop.example", "/admin/sign-in").to_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age="), "{answer}");
}

#[test]
fn g14_settings_read_again_with_an_error_change_nothing_and_the_error_is_said() {
    let desk = Desk::new();
    let written = |level: &str, more: &str| {
        desk.write("tundish.toml", &format!("[log]\nlevel = \"{level}\"\n{more}"));
    };
    written("info", "");
    let server = desk.serve();
    written("debug", "[smtp]\nconnections = \"many\"\n");
    server.signal("-HUP");
    let said = server.hear("were not taken");
    assert!(said.contains("smtp.connections") && said.contains("line 4"), "{said}");
    assert!(server.get("/health").ends_with("ok"), "it goes on");
    // What stood beside the error does not hold either: it is still to be changed.
    written("debug", "[smtp]\nconnections = 3\n[server]\nshutdown = \"1 s\"\n");
    server.signal("-HUP");
    assert!(server.hear("only the next start changes").contains("server.shutdown"));
    let said = server.hear("settings read again");
    assert!(said.contains("smtp.connections, log.level"), "{said}");
    std::fs::remove_file(desk.path().join("tundish.toml")).unwrap();
    server.signal("-HUP");
    assert!(server.hear("settings read again").contains("log.level"));
    assert_eq!(server.stop().0, 0);
}

#[test]
fn the_admin_is_not_put_on_the_host_of_a_shop() {
    let desk = shop();
    desk.write("tundish.toml", "[server]\nadmin_host = \"https://admin.localhost\"\n");
    assert!(desk.run(&["serve"]).refused(1).contains("without https://"));
    desk.write("tundish.toml", "[server]\nadmin_host = \"127.0.0.1\"\n");
    let said = desk.run(&["serve", "--listen", "127.0.0.1:0"]).refused(1);
    assert!(said.contains("give the admin a host of its own"), "{said}");
    desk.write("tundish.toml", "[server]\nadmin_host = \"admin.localhost\"\n");
    let server = desk.serve();
    assert!(server.get("/admin/sign-in").starts_with("HTTP/1.1 404"));
    assert!(server.get_from("admin.localhost", "/admin/sign-in").starts_with("HTTP/1.1 200"));
    let link = desk.run(&["operator", "link", "ada@shop.example"]).ok();
    assert!(link.contains("//admin.localhost"), "{link}");
}

#[test]
fn g06_several_hosts_of_a_database_are_refused_unless_loss_is_accepted() {
    let desk = Desk::new();
    let url = "[database]\nurl = \"postgres://u@a.example,b.example/shop\"\n";
    desk.write("tundish.toml", url);
    let said = desk.run(&["config", "show"]).refused(1);
    assert!(said.contains("ha.accept_data_loss"), "{said}");
    desk.write("tundish.toml", &format!("{url}[ha]\naccept_data_loss = true\n"));
    desk.run(&["config", "show"]).ok();
}
