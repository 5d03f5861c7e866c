//! What goes on without anybody looking: one bad row keeps nothing else waiting.

use engine::messages::NewMessage;
use model::SiteId;
use model::ids::{CartId, FileId, ImportId, JobId, OfferId};
use model::jobs::Work;
use model::messages::{Class, SourceKind};
use model::sites::Site;
use store::StoreError;
use store::carts::Cart;
use store::imports::Import;
use store::jobs::NewJob;
use testkit::TestApp;

async fn letter(app: &TestApp, key: &str) {
    let letter = letter_to(&format!("{key}@x.test"));
    engine::messages::enqueue(&app.engine, app.site.clone(), letter).await.unwrap().unwrap();
}

fn letter_to(to: &str) -> NewMessage {
    NewMessage {
        contact_id: None,
        to: model::EmailAddr::parse(to).unwrap(),
        class: Class::Transactional,
        source_kind: SourceKind::Notice,
        source_id: 1,
        enrolment_id: None,
        dedupe_key: to.to_owned(),
        content: engine::messages::Content::System {
            name: "your_links",
            context: serde_json::json!({ "stop_url": "x", "choose_url": "y" }),
        },
        not_before: None,
        expires_at: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_keeps_neither_its_like_nor_the_mail_waiting() {
    let app = TestApp::start().await;
    let (site, now) = (app.site.id, app.engine.now());
    let cart = |id: i64, email: &str| Cart {
        site_id: site,
        id: CartId(id),
        offer_id: OfferId(1),
        contact_id: None,
        email: email.to_owned(),
        choices: "{}".to_owned(),
        state: "open".to_owned(),
        order_id: None,
        due_at: now,
        created_at: now,
    };
    let mut carts: Vec<Cart> = (2..60).map(|id| cart(id, "no address at all")).collect();
    carts.push(cart(1, "no address at all"));
    carts.push(Cart { due_at: now.plus_ms(1), ..cart(99, "ada@x.test") });
    app.engine.clock().advance_ms(1);
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for cart in &carts {
                    store::carts::put(tx, &format!("t{}", cart.id.0), cart, now).await?;
                }
                Ok(())
            })
        })
        .await
        .unwrap();
    letter(&app, "first").await;
    assert!(engine::sweeps::tick(&app.engine).await.unwrap() >= 1);
    assert_eq!(app.mails().len(), 1);
    // However many there are of them, they do not stand before it for ever.
    engine::sweeps::run_until_idle(&app.engine).await.unwrap();
    let next = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::carts::find(session, site, CartId(99)).await })
        })
        .await;
    assert_eq!(next.unwrap().unwrap().state, "closed", "nobody there who wants a reminder");
    // With nothing else to do it is said, so that nobody goes round without end.
    app.engine.clock().advance_ms(60_000);
    let last = engine::sweeps::run_until_idle(&app.engine).await;
    assert!(last.unwrap_err().to_string().contains("address"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_whose_file_is_gone_is_paused_and_says_so() {
    let app = TestApp::start().await;
    begin(&app, ImportId(7), FileId(1)).await;
    app.run_until_idle().await;
    let import = engine::imports::get(&app.engine, app.site.id, ImportId(7)).await.unwrap();
    assert_eq!(import.state, "paused");
    assert!(import.why.unwrap().starts_with("it could not go on: there is no file"));
}

/// An import that runs.
async fn begin(app: &TestApp, id: ImportId, file: FileId) {
    let (site, now) = (app.site.id, app.engine.now());
    let import = Import {
        id,
        name: "a.csv".to_owned(),
        file_id: file,
        file_hash: "f".to_owned(),
        preset: "csv".to_owned(),
        plan: serde_json::to_string(&engine::imports::Plan::default()).unwrap(),
        state: "running".to_owned(),
        why: None,
        next_line: 0,
        rows: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        skipped: 0,
        rejected: 0,
        created_at: now,
        updated_at: now,
        ended_at: None,
    };
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { store::imports::insert(tx, site, &import).await })
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_breaks_off_twice_at_one_line_lets_the_ones_behind_it_go_on() {
    let app = TestApp::start().await;
    crate::follow_up::form(&app).await;
    crate::follow_up::confirmed(&app, "bad@x.test").await;
    sql(&app, "update contacts set fields = '{' where email = 'bad@x.test'").await;
    for (id, text) in [(7, "email\nbad@x.test\n"), (8, "email\ngood@x.test\n")] {
        let bytes = text.as_bytes().to_vec();
        let put = engine::files::put(&app.engine, app.site.id, "a.csv", "text/csv", bytes);
        begin(&app, ImportId(id), put.await.unwrap()).await;
    }
    let state = async |id: i64| {
        let found = engine::imports::get(&app.engine, app.site.id, ImportId(id)).await.unwrap();
        (found.state, found.why.unwrap_or_default())
    };
    drop(engine::sweeps::tick(&app.engine).await);
    let (first, why) = state(7).await;
    assert_eq!(first, "running", "the database may have been busy");
    assert!(why.starts_with("it broke off where line"), "{why}");
    engine::sweeps::run_until_idle(&app.engine).await.unwrap();
    let (first, why) = state(7).await;
    assert_eq!(first, "paused");
    assert!(why.starts_with("it could not go on: "), "{why}");
    assert_eq!(state(8).await.0, "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_whose_purge_breaks_off_keeps_no_other_site_from_its_own() {
    let app = TestApp::start().await;
    let other = Site {
        id: SiteId(0),
        slug: "other".to_owned(),
        base_url: "http://other.example".to_owned(),
        ..app.site.clone()
    };
    let hosts = vec!["other.example".to_owned()];
    let id = engine::sites::put(&app.engine, other.clone(), hosts).await.unwrap();
    let other = Site { id, ..other };
    for site in [&app.site, &other] {
        let (of, site) = (app.engine.clone(), site.clone());
        let address = model::EmailAddr::parse("shy@x.test").unwrap();
        app.engine
            .db()
            .write::<_, engine::EngineError, _>(move |tx| {
                Box::pin(async move {
                    let now = of.now();
                    engine::contacts::find_or_create(&of, tx, &site, &address, now).await
                })
            })
            .await
            .unwrap();
    }
    let first: &'static str = Box::leak(
        format!("update contacts set fields = '{{' where site_id = {}", app.site.id.0).into(),
    );
    sql(&app, first).await;
    app.engine.clock().advance_ms(31 * model::times::DAY_MS);
    drop(engine::sweeps::run_until_idle(&app.engine).await);
    let left = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(
                async move { store::contacts::find_by_key(session, other.id, "shy@x.test").await },
            )
        })
        .await;
    assert_eq!(left.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_end_was_lost_waits_no_longer_because_the_clock_was_set_back() {
    let app = TestApp::start().await;
    let (site, now) = (app.site.id, app.engine.now());
    let payload = serde_json::to_string(&Work::ForgetDoneJobs).unwrap();
    let open = async || {
        app.engine
            .reader()
            .read::<_, StoreError, _>(|session| {
                Box::pin(async move { store::jobs::count_open(session).await })
            })
            .await
            .unwrap()
    };
    app.run_until_idle().await;
    let before = open().await;
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                let job = NewJob {
                    id: JobId(10),
                    kind: Work::ForgetDoneJobs.kind(),
                    payload: &payload,
                    dedupe_key: "lost",
                    due_at: model::UtcMs(0),
                };
                store::jobs::insert(tx, site, job, now).await?;
                store::jobs::claim(tx, (1, now.plus_ms(60_000)), &[], now, 10).await.map(drop)
            })
        })
        .await
        .unwrap();
    assert_eq!(open().await, before + 1);
    app.engine.clock().jump_ms(-2 * model::times::HOUR_MS);
    app.engine.clock().advance_ms(61_000);
    engine::jobs::run_due(&app.engine).await.unwrap();
    assert_eq!(open().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_customer_who_recommended_holds_nobody_up() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let first = app.place("guide", app.checkout_form("ada@example.org", 1900)).await.unwrap();
    let ada = app.order(first).await.order.contact_id;
    let link = engine::referrals::link(&app.engine, &app.site, ada);
    let onward = app.get(link.strip_prefix("http://shop.example").unwrap()).await;
    let mut form = app.checkout_form("bob@example.org", 3700);
    form.referral = onward.location().split("?r=").nth(1).unwrap().to_owned();
    app.place("workbook", form).await.unwrap();
    app.run_until_idle().await;
    engine::privacy::erase(&app.engine, &app.site, ada).await.unwrap();
    app.advance_ms(31 * 86_400_000).await;
    letter(&app, "later").await;
    app.run_until_idle().await;
    assert_eq!(app.mails().last().unwrap().to, "later@x.test");
    assert!(app.mails().iter().all(|mail| !mail.text.contains("THANKS-")));
    assert!(app.findings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_by_command_and_the_servers_own_sweep_share_its_batches() {
    let app = TestApp::start().await;
    let mut csv = "email,first_name\n".to_owned();
    for n in 0..4_000 {
        csv.push_str(&format!("p{n}@x.test,Ann\n"));
    }
    let plan = engine::imports::Plan {
        consent: "At the fair in May.".to_owned(),
        ..engine::imports::Plan::default()
    };
    let busy = app.engine.clone();
    let server = tokio::spawn(async move {
        loop {
            engine::sweeps::tick(&busy).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let (engine, site) = (&app.engine, &app.site);
    let taken =
        engine::imports::run(engine, site, "a.csv", csv.into_bytes(), &plan, |_| ()).await.unwrap();
    server.abort();
    assert_eq!((taken.import.state.as_str(), taken.import.rows), ("done", 4_000));
    assert_eq!((taken.import.created, taken.import.rejected), (4_000, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_whose_mail_cannot_leave_holds_no_other_sites_back() {
    let app = TestApp::start().await;
    let (engine, broken) = (&app.engine, &app.site);
    let other = Site {
        id: SiteId(0),
        slug: "other".to_owned(),
        base_url: "http://other.example".to_owned(),
        ..broken.clone()
    };
    let hosts = vec!["other.example".to_owned()];
    let id = engine::sites::put(engine, other.clone(), hosts).await.unwrap();
    let other = Site { id, ..other };
    let mut mute = broken.clone();
    mute.sender_address = "Shop <a@b.example>".to_owned();
    engine::sites::put(engine, mute, Vec::new()).await.unwrap();
    for (site, to) in [(broken, "mute@x.test"), (&other, "heard@x.test")] {
        let letter = letter_to(to);
        engine::messages::enqueue(engine, site.clone(), letter).await.unwrap().unwrap();
    }
    drop(engine::sweeps::run_until_idle(engine).await);
    let heard: Vec<String> = app.mails().into_iter().map(|mail| mail.to).collect();
    assert_eq!(heard, ["heard@x.test"]);
}

async fn sql(app: &TestApp, text: &'static str) {
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { tx.query(text).run().await.map(drop) })
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_mail_that_cannot_be_looked_at_holds_up_neither_its_site_nor_the_next() {
    let app = TestApp::start().await;
    let (engine, first) = (&app.engine, &app.site);
    let other = Site {
        id: SiteId(0),
        slug: "other".to_owned(),
        base_url: "http://other.example".to_owned(),
        ..first.clone()
    };
    let hosts = vec!["other.example".to_owned()];
    let id = engine::sites::put(engine, other.clone(), hosts).await.unwrap();
    let other = Site { id, ..other };
    crate::follow_up::form(&app).await;
    let bad = crate::follow_up::confirmed(&app, "bad@x.test").await;
    let later = Some(engine.now().plus_ms(60_000));
    let planned = |to: &str| NewMessage { not_before: later, ..letter_to(to) };
    let poison = NewMessage { contact_id: Some(bad), class: Class::Sales, ..planned("bad@x.test") };
    for (site, letter) in [
        (first, poison),
        (first, planned("planned@x.test")),
        (first, planned("deferred@x.test")),
        (&other, planned("next@x.test")),
    ] {
        engine::messages::enqueue(engine, site.clone(), letter).await.unwrap().unwrap();
    }
    sql(&app, "update messages set state = 'deferred' where to_address = 'deferred@x.test'").await;
    sql(&app, "update contacts set fields = '{' where email = 'bad@x.test'").await;
    let before = app.mails().len();
    engine.clock().advance_ms(61_000);
    engine::sweeps::run_until_idle(engine).await.unwrap();
    let mut heard: Vec<String> = app.mails().into_iter().skip(before).map(|mail| mail.to).collect();
    heard.sort();
    assert_eq!(heard, ["deferred@x.test", "next@x.test", "planned@x.test"]);
    let all = crate::people::messages(&app).await;
    let waits = all.iter().find(|m| m.to_address == "bad@x.test" && m.class == Class::Sales);
    let waits = waits.unwrap();
    assert!(waits.reason.as_ref().unwrap().contains("the log says why"), "{waits:?}");
    assert_eq!(waits.next_at.since_ms(engine.now()), 60_000, "it stands before nobody");
    sql(&app, "update contacts set fields = '{}' where email = 'bad@x.test'").await;
    engine.clock().advance_ms(61_000);
    engine::sweeps::run_until_idle(engine).await.unwrap();
    assert_eq!(app.mails().last().unwrap().to, "bad@x.test");
}
