//! Lists that are brought along: what their columns are is said in the admin, and an import that
//! was a mistake is taken back.

use std::sync::Arc;

use engine::EngineError;
use engine::imports::{Plan, undo};
use model::audits::Actor;
use model::consents::Source;
use model::contacts::Status;
use model::ids::ImportId;
use model::operators::Role;
use model::spans::Span;
use model::times::{DAY_MS, MINUTE_MS};
use store::StoreError;
use testkit::{Answer, TestApp};
use tokio::sync::Notify;

use super::{app, contact, ledger};

const AGREED: &str = "Signed up at the fair in May 2025, paper list kept.";

async fn take(app: &TestApp, text: &str) -> ImportId {
    let plan = Plan { consent: AGREED.to_owned(), tags: vec!["fair".into()], ..Plan::default() };
    let bytes = text.as_bytes().to_vec();
    let report = engine::imports::run(&app.engine, &app.site, "list.csv", bytes, &plan, |_| ());
    let id = report.await.unwrap().import.id;
    app.engine.clock().advance_ms(MINUTE_MS);
    id
}

async fn tags(app: &TestApp, email: &str) -> Vec<String> {
    let (site, id) = (app.site.id, contact(app, email).await.unwrap().id);
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::tags::of_contact(session, site, id).await })
        })
        .await
        .unwrap()
}

async fn unsubscribe(app: &TestApp, email: &str) {
    let id = contact(app, email).await.unwrap().id;
    let url = engine::links::unsubscribe_url_of(&app.engine, &app.site, id);
    app.post(url.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
}

/// Brings a file as a browser does.
async fn upload(app: &TestApp, text: &str) -> Answer {
    app.upload("/admin/imports", &[], &[("file", "liste.csv", "text/csv", text.as_bytes())]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_import_made_goes_and_who_acted_since_stays_with_the_reason() {
    let app = app().await;
    take(&app, "email,first_name,city\nold@x.test,Otto,Rome\nsame@x.test,Sam,\n").await;
    super::fill_in(&app, "chapter", &[("email", "asked@x.test")]).await;
    app.engine.clock().advance_ms(MINUTE_MS);
    let before = contact(&app, "old@x.test").await.unwrap();
    let second = "email,first_name,city,tags\nold@x.test,Ottilie,Oslo,vip\nsame@x.test,Sam,,\n\
        asked@x.test,Ann,,\nnew@x.test,Nia,,vip\nacted@x.test,Amy,,\n";
    let id = take(&app, second).await;
    assert_eq!(contact(&app, "old@x.test").await.unwrap().first_name, "Ottilie");
    assert_eq!(contact(&app, "asked@x.test").await.unwrap().status, Status::Confirmed);
    unsubscribe(&app, "acted@x.test").await;
    app.engine.clock().advance_ms(MINUTE_MS);

    // What it would do is shown first; nothing has happened then.
    app.sign_in(Role::Admin).await;
    let page = app.get(&format!("/admin/imports/{id}/undo")).await;
    assert!(page.body.contains("acted@x.test"), "{}", page.body);
    assert!(page.body.contains("has said yes or no to mail since"));
    assert!(contact(&app, "new@x.test").await.is_some());
    app.post(&format!("/admin/imports/{id}/undo"), &[]).await;
    app.run_until_idle().await;

    assert!(contact(&app, "new@x.test").await.is_none(), "the import made it");
    let old = contact(&app, "old@x.test").await.unwrap();
    assert_eq!((old.first_name.as_str(), old.fields["city"].as_str()), ("Otto", "Rome"));
    assert_eq!((old.status, old.confirmed_at), (before.status, before.confirmed_at));
    assert_eq!(tags(&app, "old@x.test").await, ["fair"], "the tag of the first list stays");
    let asked = contact(&app, "asked@x.test").await.unwrap();
    assert_eq!((asked.status, asked.first_name.as_str()), (Status::Pending, ""));
    let lines: Vec<String> = ledger(&app, &asked).await.into_iter().map(|line| line.1).collect();
    assert_eq!(lines, ["granted", "withdrawn"], "the ledger says both");
    assert_eq!(contact(&app, "acted@x.test").await.unwrap().status, Status::Unsubscribed);

    let undone = undo::found(&app.engine, app.site.id, id).await.unwrap().unwrap();
    assert_eq!((undone.taken_back, undone.kept, undone.is_done), (3, 1, true));
    let shown = app.get(&format!("/admin/imports/{id}")).await.body;
    assert!(shown.contains("acted@x.test") && !shown.contains("Take it back…"), "{shown}");
    assert!(app.get("/admin/audits").await.body.contains("import.undone"));
    assert!(app.findings().await.is_empty());
    // Not twice, and not on: a file that was taken back is brought again as a new import.
    let again = undo::begin(&app.engine, Actor::Console, app.site.id, id).await;
    assert!(again.unwrap_err().to_string().contains("taken back already"));
    let on = engine::imports::start(&app.engine, app.site.id, id).await;
    assert!(on.unwrap_err().to_string().contains("bring the file again"));
    assert_ne!(take(&app, second).await, id);
    assert!(contact(&app, "new@x.test").await.is_some());
    assert_eq!(contact(&app, "acted@x.test").await.unwrap().status, Status::Unsubscribed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_that_a_list_brought_is_not_taken_back_from_who_was_here() {
    let app = app().await;
    take(&app, "email\nhere@x.test\n").await;
    let id = take(&app, "email,status\nhere@x.test,unsubscribed\nmade@x.test,bounced\n").await;
    let undone = undo::run(&app.engine, Actor::Console, &app.site, id).await.unwrap();
    assert_eq!((undone.taken_back, undone.kept), (1, 1));
    assert!(undone.reasons[0].why.contains("never taken back"), "{undone:?}");
    assert_eq!(contact(&app, "here@x.test").await.unwrap().status, Status::Unsubscribed);
    // The address that only the list knew may be brought again.
    assert!(contact(&app, "made@x.test").await.is_none());
    take(&app, "email\nmade@x.test\n").await;
    assert_eq!(contact(&app, "made@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_taken_back_for_seven_days_and_in_batches() {
    let app = app().await;
    let rows: String = (0..450).map(|n| format!("p{n}@x.test\n")).collect();
    let id = take(&app, &format!("email\n{rows}")).await;
    let late = take(&app, "email\nlate@x.test\n").await;
    app.engine.clock().advance_ms(6 * DAY_MS);
    undo::begin(&app.engine, Actor::Console, app.site.id, id).await.unwrap();
    // One batch is done, the process is gone, another goes on.
    engine::sweeps::tick(&app.engine).await.unwrap();
    let half = undo::found(&app.engine, app.site.id, id).await.unwrap().unwrap();
    assert_eq!((half.taken_back, half.is_done), (200, false));
    app.run_until_idle().await;
    let whole = undo::found(&app.engine, app.site.id, id).await.unwrap().unwrap();
    assert_eq!((whole.taken_back, whole.kept, whole.is_done), (450, 0, true));
    app.engine.clock().advance_ms(2 * DAY_MS);
    let refused = undo::begin(&app.engine, Actor::Console, app.site.id, late).await;
    assert!(refused.unwrap_err().to_string().contains("for 7 days"));
    assert!(contact(&app, "late@x.test").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_columns_nobody_knows_is_mapped_by_hand() {
    let app = app().await;
    app.sign_in(Role::Admin).await;
    let text = "Kontakt;Rufname;IP;Ort\nada@x.test;Ada;192.0.2.1;Bonn\nbo@x.test;Bo;;Köln\n";
    let brought = upload(&app, text).await;
    assert_eq!(brought.status, 303, "{}", brought.body);
    let here = brought.location().to_owned();
    let page = app.get(&here).await.body;
    for shown in ["Which column holds the address?", "ada@x.test", "Rufname", "never taken"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("name=\"column-2\""), "an IP address has nothing to choose: {page}");

    // No address, and two of them: said at the select, what was chosen is kept.
    let columns = format!("{here}/columns");
    let none = app.post(&columns, &[("column-1", "first_name"), ("column-3", "-")]).await;
    assert_eq!(none.status, 422);
    assert!(none.body.contains("no column holds the address"), "{}", none.body);
    let twice = app.post(&columns, &[("column-0", "email"), ("column-1", "email")]).await;
    assert_eq!(twice.status, 422);
    assert!(twice.body.contains("id=\"column-1-error\""), "{}", twice.body);

    let fields = [("column-0", "email"), ("column-1", "first_name"), ("column-3", "field.ort")];
    assert_eq!(app.post(&columns, &fields).await.status, 303);
    let page = app.get(&here).await.body;
    assert!(page.contains("Can be taken") && page.contains("Run it"), "{page}");
    // I6: a typed statement, or nothing happens.
    let bare = app.post(&format!("{here}/start"), &[("consent", "")]).await;
    assert_eq!(bare.status, 422);
    app.post(&format!("{here}/start"), &[("consent", AGREED)]).await;
    app.run_until_idle().await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!((ada.first_name.as_str(), ada.fields["ort"].as_str()), ("Ada", "Bonn"));
    assert!(!ada.fields.values().any(|value| value.contains("192.0.2")), "{:?}", ada.fields);
    assert_eq!(app.post(&columns, &fields).await.status, 422, "it has begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_person_was_is_taken_by_no_mapping() {
    let app = app().await;
    let map = [("OPTIN_IP".to_owned(), "field.ip".to_owned())].into();
    let plan = Plan { consent: AGREED.to_owned(), map, ..Plan::default() };
    let text = b"email,OPTIN_IP\nada@x.test,192.0.2.1\n".to_vec();
    let refused = engine::imports::run(&app.engine, &app.site, "l.csv", text, &plan, |_| ()).await;
    assert!(refused.unwrap_err().to_string().contains("never taken"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_purged_counts_no_more_on_the_day_they_came() {
    let app = app().await;
    super::fill_in(&app, "chapter", &[("email", "gone@x.test")]).await;
    super::confirmed(&app, "here@x.test").await;
    app.advance_ms(2 * DAY_MS).await;
    app.advance_ms(29 * DAY_MS).await;
    assert!(contact(&app, "gone@x.test").await.is_none(), "a month is over");
    let days = ("2026-01-15".parse().unwrap(), "2026-01-20".parse().unwrap());
    let span = Span { from: days.0, to: days.1 };
    let drift = engine::rollups::compare(&app.engine, &app.site, span).await.unwrap();
    assert_eq!(drift, []);
    assert_eq!(counted(&app, span).await, [("confirmed", 1), ("lead", 1)]);
    app.sign_in(Role::Admin).await;
    let asked = "from=2026-01-10&to=2026-02-10";
    let page = app.get(&format!("/admin/numbers/reconciliation?{asked}")).await.body;
    assert!(page.contains("contacts made") && page.contains("Everything adds up"), "{page}");
}

/// Leads and confirmed contacts of a span, as the pages of figures count them.
async fn counted(app: &TestApp, span: Span) -> Vec<(&'static str, i64)> {
    let (site, zone) = (app.site.id, engine::rollups::zone_of(&app.site));
    let stages = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                store::stages::within(session, site, (span, &zone), &store::stages::ALL).await
            })
        })
        .await
        .unwrap();
    let sum = |stage: &'static str| {
        let own = stages.iter().filter(|count| count.stage == stage);
        (stage, own.map(|count| count.contacts).sum())
    };
    ["confirmed", "lead"].map(sum).to_vec()
}

/// Mails that were sent in a span, as the pages of figures count them.
async fn sent(app: &TestApp, span: Span) -> i64 {
    let (site, zone) = (app.site.id, engine::rollups::zone_of(&app.site));
    let mails = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                store::revenue::by_mail(session, site, span, &zone, crate::numbers::USD).await
            })
        })
        .await
        .unwrap();
    mails.values().map(|figure| figure.sent).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_that_is_unmarked_counts_once_and_is_rolled_up_again() {
    let app = app().await;
    super::confirmed(&app, "here@x.test").await;
    app.advance_ms(4 * DAY_MS).await;
    let span = Span { from: "2026-01-15".parse().unwrap(), to: "2026-01-20".parse().unwrap() };
    let before = (counted(&app, span).await, sent(&app, span).await);
    assert_eq!(before.0, [("confirmed", 1), ("lead", 1)]);
    assert!(before.1 > 0);
    let site = app.site.id;
    for first in [None, Some("2026-01-15")] {
        let unmarked: Result<(), EngineError> = app
            .engine
            .db()
            .write(move |tx| {
                Box::pin(async move {
                    match first {
                        None => store::stages::forget_day(tx, site, "2026-01-15").await?,
                        Some(day) => store::stages::forget_days(tx, site, day).await?,
                    }
                    Ok(())
                })
            })
            .await;
        unmarked.unwrap();
        assert_eq!((counted(&app, span).await, sent(&app, span).await), before);
        app.advance_ms(MINUTE_MS).await;
        let rolled = app
            .engine
            .reader()
            .read::<_, StoreError, _>(move |session| {
                Box::pin(async move {
                    store::stages::rolled_days(session, site, "2026-01-15", "2026-01-18").await
                })
            })
            .await
            .unwrap();
        assert_eq!(rolled.len(), 4, "no hole stays: {rolled:?}");
        assert_eq!((counted(&app, span).await, sent(&app, span).await), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_goodbye_that_is_on_its_way_while_the_import_is_taken_back_is_kept() {
    // SQLite has one writer: there the one comes wholly after the other.
    let Some(url) = testkit::databases::postgres_url("goodbye_beside_undo").await else { return };
    let app = TestApp::start_on(&url, tempfile::tempdir().unwrap()).await;
    let import = take(&app, "email\namy@x.test\n").await;
    let amy = contact(&app, "amy@x.test").await.unwrap().id;
    let (said, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (engine, site) = (app.engine.clone(), app.site.clone());
    let (saying, go_on) = (Arc::clone(&said), Arc::clone(&heard));
    let goodbye = tokio::spawn(async move {
        let of = engine.clone();
        let left = engine.db().write::<_, EngineError, _>(move |tx| {
            Box::pin(async move {
                let form = Source::Form;
                engine::consents::withdraw_all(&of, tx, &site, amy, form, None).await?;
                saying.notify_one();
                go_on.notified().await;
                Ok(())
            })
        });
        left.await.unwrap();
    });
    said.notified().await;
    let (engine, site) = (app.engine.clone(), app.site.clone());
    let undone =
        tokio::spawn(async move { undo::run(&engine, Actor::Console, &site, import).await });
    while waiting(&app).await == 0 {
        tokio::task::yield_now().await;
    }
    heard.notify_one();
    goodbye.await.unwrap();
    let undone = undone.await.unwrap().unwrap();
    assert_eq!((undone.taken_back, undone.kept), (0, 1), "{undone:?}");
    assert_eq!(contact(&app, "amy@x.test").await.unwrap().status, Status::Unsubscribed);
}

/// How many transactions wait for another's lock.
async fn waiting(app: &TestApp) -> i64 {
    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { session.query(sql).one().await })
        })
        .await
        .unwrap()
}
