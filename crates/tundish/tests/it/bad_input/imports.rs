//! I: imports and exports.

use engine::imports::{Plan, look, run};
use model::contacts::Status;
use model::times::MINUTE_MS;
use testkit::TestApp;

use crate::people::{app, confirmed, contact, ledger, messages};

fn agreed() -> Plan {
    Plan {
        consent: "Signed up at the fair in May 2025, paper list kept.".into(),
        ..Plan::default()
    }
}

async fn take(app: &TestApp, name: &str, bytes: &[u8]) -> engine::imports::Report {
    run(&app.engine, &app.site, name, bytes.to_vec(), &agreed(), |_| ()).await.unwrap()
}

fn counts(report: &engine::imports::Report) -> (i64, i64, i64, i64, i64) {
    let i = &report.import;
    assert_eq!(i.rows, i.created + i.updated + i.unchanged + i.skipped + i.rejected);
    (i.created, i.updated, i.unchanged, i.skipped, i.rejected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i01_i02_real_files_of_other_programs_come_in_whole() {
    let test = "i01_i02_real_files";
    let Some(path) = testkit::data::file(test, "csv_exports/mailchimp_subscribed.csv") else {
        return;
    };
    let app = app().await;
    let bytes = std::fs::read(&path).unwrap();
    let preview = look(&app.engine, app.site.id, &bytes, &agreed()).await.unwrap();
    assert_eq!((preview.preset.as_str(), preview.valid, preview.invalid), ("mailchimp", 40, 0));
    assert!(preview.dropped.contains(&"OPTIN_IP".to_owned()));
    assert!(preview.dropped.contains(&"LATITUDE".to_owned()));
    let report = take(&app, "mailchimp_subscribed.csv", &bytes).await;
    assert_eq!(counts(&report).0, 40);
    let ada = contact(&app, "user0000@customer.example").await.unwrap();
    assert_eq!((ada.last_name.as_str(), ada.status), ("O'Neill", Status::Confirmed));
    assert_eq!(ada.timezone.as_deref(), Some("Europe/Berlin"));
    assert!(ada.fields.values().all(|value| !value.contains("203.0.113")));
    assert!(messages(&app).await.is_empty(), "no automation starts from an import");
    let site = app.site.id;
    let tags = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::tags::of_contact(session, site, ada.id).await })
        })
        .await
        .unwrap();
    assert_eq!(tags, ["blog", "vip"]);

    let folder = path.parent().unwrap();
    let bytes = std::fs::read(folder.join("mailchimp_unsubscribed.csv")).unwrap();
    // Who left needs no consent.
    let report = run(&app.engine, &app.site, "u.csv", bytes, &Plan::default(), |_| ()).await;
    assert_eq!(counts(&report.unwrap()).0, 12);
    let wei = contact(&app, "user0100@mail.example").await.unwrap();
    assert_eq!(wei.status, Status::Unsubscribed);

    let bytes = std::fs::read(folder.join("excel_semicolon_latin1.csv")).unwrap();
    take(&app, "excel.csv", &bytes).await;
    let gil = contact(&app, "gil@mail.example").await.unwrap();
    assert_eq!((gil.first_name.as_str(), gil.last_name.as_str()), ("Gil", "Gürtler"));
    assert_eq!(gil.fields["ville"], "Köln");

    let bytes = std::fs::read(folder.join("utf8_bom_crlf_quotes.csv")).unwrap();
    let report = take(&app, "quotes.csv", &bytes).await;
    let (created, _, _, _, rejected) = counts(&report);
    assert!(created >= 1 && rejected >= 2, "{report:?}");
    let errors = engine::imports::errors_csv(&app.engine, site, report.import.id).await.unwrap();
    assert!(errors.starts_with("line,email,level,message\r\n"));
    assert!(errors.contains("bad-address,error,"), "{errors}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i04_the_same_file_the_same_row_and_case_twins_change_nothing_twice() {
    let app = app().await;
    let text =
        b"email,first_name\nann@x.test,Ann\nANN@X.test,Anna\nann@x.test,Ann\nbob@x.test,Bob\n";
    assert_eq!(counts(&take(&app, "a.csv", text).await), (2, 0, 0, 2, 0));
    assert_eq!(counts(&take(&app, "a.csv", text).await), (0, 0, 2, 2, 0));
    let ann = contact(&app, "ann@x.test").await.unwrap();
    assert_eq!((ann.first_name.as_str(), ledger(&app, &ann).await.len()), ("Ann", 1));
    // Blanks never overwrite; a new value does.
    let more = b"email,first_name,city\nann@x.test,,Rome\n";
    assert_eq!(counts(&take(&app, "b.csv", more).await), (0, 1, 0, 0, 0));
    let ann = contact(&app, "ann@x.test").await.unwrap();
    assert_eq!((ann.first_name.as_str(), ann.fields["city"].as_str()), ("Ann", "Rome"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i05_who_unsubscribed_or_was_erased_does_not_come_back_by_a_file() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let url = engine::links::unsubscribe_url_of(&app.engine, &app.site, ada.id);
    app.post(url.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
    let gone = confirmed(&app, "gone@x.test").await;
    engine::privacy::erase(&app.engine, &app.site, gone.id).await.unwrap();
    let text = b"email,status\nada@x.test,subscribed\ngone@x.test,active\nnew@x.test,\n";
    let preview = look(&app.engine, app.site.id, text, &agreed()).await.unwrap();
    assert_eq!((preview.valid, preview.unsubscribed, preview.existing), (3, 2, 1));
    assert_eq!(counts(&take(&app, "a.csv", text).await), (1, 0, 0, 2, 0));
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Unsubscribed);
    assert!(contact(&app, "gone@x.test").await.is_none());
    assert_eq!(contact(&app, "new@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i06_nobody_becomes_confirmed_without_a_statement_of_consent() {
    let app = app().await;
    let text = b"email,status,consent_at\nann@x.test,confirmed,2025-05-01\n".to_vec();
    let refused =
        run(&app.engine, &app.site, "a.csv", text.clone(), &Plan::default(), |_| ()).await;
    assert!(refused.unwrap_err().to_string().contains("what the people on this list agreed to"));
    assert!(contact(&app, "ann@x.test").await.is_none());
    take(&app, "a.csv", &text).await;
    let ann = contact(&app, "ann@x.test").await.unwrap();
    assert_eq!(ledger(&app, &ann).await[0].2, "import");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i07_formulas_are_stored_as_they_are_and_leave_as_text() {
    let app = app().await;
    let text = b"email,first_name,note\nann@x.test,=cmd|' /C calc'!A0,+1\n";
    take(&app, "a.csv", text).await;
    let ann = contact(&app, "ann@x.test").await.unwrap();
    assert_eq!(ann.first_name, "=cmd|' /C calc'!A0");
    let mut out = String::new();
    let put = |line: &str| {
        out.push_str(line);
        Ok(())
    };
    engine::exports::contacts(&app.engine, app.site.id, put).await.unwrap();
    assert!(out.contains(",'=cmd|' /C calc'!A0,") && out.contains(",'+1"), "{out}");
    // The export comes in again and changes nothing.
    let plan = Plan::default();
    let report = run(&app.engine, &app.site, "back.csv", out.into_bytes(), &plan, |_| ()).await;
    assert_eq!(counts(&report.unwrap()), (0, 0, 1, 0, 0));
}

/// Another process over the same folder and database.
async fn another(app: &TestApp) -> engine::Engine {
    let parts = engine::Parts {
        db: app.engine.db().clone(),
        views: app.engine.views().clone(),
        clock: app.engine.clock().clone(),
        rng: engine::Rng::seeded(app.engine.now().0.unsigned_abs()),
        master_key: [7; 32],
        previous_keys: Vec::new(),
        data_dir: app.engine.data_dir().to_owned(),
        node_name: "test".to_owned(),
        sending: engine::Sending::default(),
    };
    engine::Engine::start(parts).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i08_an_import_that_was_killed_between_its_batches_goes_on_from_the_last_one() {
    let app = app().await;
    let mut text = "email,first_name\n".to_owned();
    for n in 0..2_500 {
        text.push_str(&format!("p{n}@x.test,P{n}\n"));
    }
    let (plan, bytes) = (agreed(), text.into_bytes());
    let (engine, site) = (&app.engine, app.site.id);
    let id = engine::imports::prepare(engine, site, "big.csv", bytes.clone(), &plan).await.unwrap();
    engine::imports::start(engine, site, id).await.unwrap();
    // Each life ends after one more write than the one before; what is durable is whole batches.
    let mut reached = vec![0];
    for writes in 1..60 {
        let life = another(&app).await;
        life.end_after(writes);
        app.engine.clock().advance_ms(MINUTE_MS);
        // A life that ends in the middle leaves with a fault; nothing after it runs.
        let _ = engine::sweeps::run_until_idle(&life).await;
        let now = engine::imports::get(&app.engine, site, id).await.unwrap();
        let whole = now.rows % 1_000 == 0 || now.rows == 2_500;
        assert!(whole && now.created == now.rows, "{now:?}");
        reached.push(now.rows);
        if now.state == "done" {
            break;
        }
    }
    reached.dedup();
    assert!(reached.contains(&1_000), "a life ended between two batches: {reached:?}");
    assert_eq!(reached.last(), Some(&2_500));
    let done = engine::imports::get(engine, site, id).await.unwrap();
    assert_eq!((done.created, done.updated, done.unchanged), (2_500, 0, 0));
    // The file brought once more makes nobody twice.
    let report = run(engine, &app.site, "big.csv", bytes, &plan, |_| ()).await.unwrap();
    assert_eq!(counts(&report).0, 0);
    let count = testkit::kills::number(app.engine.db(), "select count(*) from contacts").await;
    assert_eq!(count, 2_500);
}
