//! A19: the audit log.

use model::operators::Role;
use testkit::TestApp;

use super::admin::owner;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a19_an_audit_line_that_is_changed_or_removed_is_found() {
    let app = TestApp::start().await;
    owner(&app).await;
    app.sign_in(Role::Owner).await;
    assert!(engine::audits::check(&app.engine).await.unwrap().is_empty());
    let page = app.get("/admin/audits?scope=installation").await;
    assert!(page.body.contains("operator.signed_in"));
    let db = app.engine.db().clone();
    db.write::<_, store::StoreError, _>(|tx| {
        Box::pin(async move {
            tx.query("update audits set object = 'nobody' where number = 2").run().await
        })
    })
    .await
    .unwrap();
    let wrong = engine::audits::check(&app.engine).await.unwrap();
    assert!(wrong.iter().any(|line| line.contains("line 2")), "{wrong:?}");
    db.write::<_, store::StoreError, _>(|tx| {
        Box::pin(async move { tx.query("delete from audits where number = 2").run().await })
    })
    .await
    .unwrap();
    let wrong = engine::audits::check(&app.engine).await.unwrap();
    assert!(wrong.iter().any(|line| line.contains("missing")), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a19_the_log_says_who_signed_out_and_that_a_password_was_set_from_the_machine() {
    let app = TestApp::start().await;
    owner(&app).await;
    app.sign_in(Role::Owner).await;
    app.post("/admin/sign-out", &[]).await;
    let address = "owner@shop.example";
    engine::operators::reset_password(&app.engine, address, "a long new password").await.unwrap();
    let reader = app.engine.reader();
    let lines = reader.read::<_, store::StoreError, _>(|session| {
        Box::pin(async move {
            store::audits::list(session, engine::audits::INSTALLATION, i64::MAX, 2).await
        })
    });
    let said: Vec<_> =
        lines.await.unwrap().into_iter().map(|line| (line.action, line.actor)).collect();
    assert_eq!(said[0], ("operator.password_set".to_owned(), "console".to_owned()));
    assert_eq!(said[1].0, "session.ended");
    assert!(said[1].1.starts_with("opr_"), "{}", said[1].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a19_a_log_whose_end_was_cut_off_or_written_anew_is_found() {
    let app = TestApp::start().await;
    owner(&app).await;
    app.sign_in(Role::Owner).await;
    // Once a day the heads are noted outside of the database.
    app.run_until_idle().await;
    let heads = app.engine.data_dir().join("audit-heads.txt");
    let noted = std::fs::read_to_string(&heads).unwrap();
    assert!(noted.starts_with("2026-01-15 0 "), "{noted}");
    app.advance_ms(3_600_000).await;
    assert_eq!(std::fs::read_to_string(&heads).unwrap(), noted, "once a day");
    app.advance_ms(24 * 3_600_000).await;
    let later = std::fs::read_to_string(&heads).unwrap();
    assert!(later.starts_with(&noted) && later.contains("2026-01-16"), "{later}");
    assert!(engine::audits::check(&app.engine).await.unwrap().is_empty());

    let change = async |sql: &'static str| {
        let db = app.engine.db();
        let changed = db.write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move { tx.query(sql).run().await })
        });
        changed.await.unwrap()
    };
    let found = async || engine::audits::check(&app.engine).await.unwrap().join("; ");
    // The last line goes, and somebody who knows of the head sets that back too: the chain is
    // whole, but not what was noted.
    let lines = engine_lines(&app).await;
    let (last, before) = (&lines[0], &lines[1]);
    change(
        "delete from audits where site_id = 0 and number = (select max(number) from audits
        where site_id = 0)",
    )
    .await;
    assert!(found().await.contains("the last audit lines"), "{}", found().await);
    let (number, hash) = (before.number, before.hash.clone());
    app.engine
        .db()
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(async move {
                let sql = "update audit_heads set number = $1, hash = $2 where site_id = 0";
                tx.query(sql).bind(number).bind(&hash).run().await
            })
        })
        .await
        .unwrap();
    let wrong = found().await;
    assert!(wrong.contains(&format!("up to {}", last.number)), "{wrong}");
    // In its place another line, properly sealed.
    let new = store::audits::NewAudit {
        at: app.engine.now(),
        actor: "console".to_owned(),
        action: "nothing.happened".to_owned(),
        object: String::new(),
        data: "{}".to_owned(),
    };
    app.engine
        .db()
        .write::<_, store::StoreError, _>(move |tx| {
            Box::pin(
                async move { store::audits::append(tx, model::SiteId(0), new).await.map(drop) },
            )
        })
        .await
        .unwrap();
    let wrong = found().await;
    assert!(wrong.contains(&format!("line {} of", last.number)), "{wrong}");
    assert!(wrong.contains("is not that of 2026-01-1"), "{wrong}");
}

/// The lines of the installation, newest first.
async fn engine_lines(app: &TestApp) -> Vec<model::audits::Audit> {
    app.engine
        .reader()
        .read::<_, store::StoreError, _>(|session| {
            Box::pin(
                async move { store::audits::list(session, model::SiteId(0), i64::MAX, 100).await },
            )
        })
        .await
        .unwrap()
}

#[test]
fn a19_no_statement_changes_or_removes_a_line_of_the_log() {
    let mut folders =
        vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../store/src"))];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            read += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            for wrong in ["update audits ", "delete from audits ", "update audits\n"] {
                assert!(!text.contains(wrong), "{}: {wrong}", path.display());
            }
        }
    }
    assert!(read > 40, "{read}");
}
