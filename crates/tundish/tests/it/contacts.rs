//! Contacts in the admin: found, looked at, changed, taken along, erased.

use model::EmailAddr;
use model::contacts::Contact;
use model::operators::Role;
use testkit::TestApp;

async fn contact(app: &TestApp, address: &str) -> Contact {
    let address = EmailAddr::parse(address).unwrap();
    let actor = model::audits::Actor::Console;
    engine::care::add(&app.engine, actor, &app.site, &address).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contacts_are_found_by_the_beginning_of_their_address_and_page_by_page() {
    let app = TestApp::start().await;
    app.sign_in(Role::Editor).await;
    assert!(app.get("/admin/contacts").await.body.contains("No contacts yet"));
    for n in 0..120 {
        contact(&app, &format!("p{n:03}@example.com")).await;
    }
    let mut path = "/admin/contacts".to_owned();
    let mut seen = 0;
    loop {
        let page = app.get(&path).await;
        assert_eq!(page.status, 200);
        seen += page.body.matches("row-link").count();
        let Some((before, _)) = page.body.split_once("\"><span>Next") else { break };
        let next = before.rsplit("href=\"").next().unwrap();
        path = next.replace("&#x2f;", "/").replace("&amp;", "&");
    }
    assert_eq!(seen, 120);
    let page = app.get("/admin/contacts?q=P01").await;
    assert_eq!(page.body.matches("row-link").count(), 10);
    assert!(app.get("/admin/contacts?q=zzz").await.body.contains("Nobody like that"));
    let file = app.get("/admin/contacts.csv?q=p01").await;
    assert_eq!(file.body.lines().count(), 11);
    assert!(file.body.starts_with("id,email,status"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_to_a_contact_shows_on_its_page_and_in_the_log() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let one = contact(&app, "iris@example.com").await;
    let path = format!("/admin/contacts/{}", one.id);
    for (action, fields) in [
        ("tag", vec![("tag", "Fern")]),
        ("name", vec![("first_name", "Iris"), ("last_name", "Calloway")]),
        ("switch", vec![("switch", "test")]),
        ("switch", vec![("switch", "pause")]),
        ("switch", vec![("switch", "no-sales")]),
    ] {
        let answer = app.post(&format!("{path}/{action}"), &fields).await;
        assert_eq!(answer.status, 303, "{action}: {}", answer.body);
    }
    let page = app.get(&path).await.body;
    for shown in ["Iris Calloway", "fern", "test", "paused", "no sales mail", "Became a contact"] {
        assert!(page.contains(shown), "{shown}");
    }
    for tab in ["messages", "orders", "sequences", "consents", "sources"] {
        assert_eq!(app.get(&format!("{path}?tab={tab}")).await.status, 200, "{tab}");
    }
    let log = app.get("/admin/audits").await.body;
    for action in ["contact.added", "contact.test_set", "contact.paused", "contact.put"] {
        assert!(log.contains(action), "{action}");
    }
    assert!(!log.contains("iris@example.com"), "the log holds ids only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a14_an_erasure_shows_its_plan_and_asks_for_the_address() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let one = contact(&app, "iris@example.com").await;
    let path = format!("/admin/contacts/{}", one.id);
    let known = app.post(&format!("{path}/export"), &[]).await;
    assert!(known.body.contains("iris@example.com"));
    assert!(app.get(&format!("{path}/erase")).await.body.contains("keyed hash"));
    assert_eq!(
        app.post(&format!("{path}/erase"), &[("email", "other@x.example")]).await.status,
        422
    );
    let done = app.post(&format!("{path}/erase"), &[("email", "iris@example.com")]).await;
    assert_eq!(done.location(), "/admin/contacts");
    let page = app.get(&path).await.body;
    assert!(page.contains("Erased contact") && !page.contains("iris@example.com"));
    assert_eq!(app.post(&format!("{path}/tag"), &[("tag", "x")]).await.status, 404);
    assert!(engine::audits::check(&app.engine).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a05_a_name_that_is_markup_is_shown_as_text() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let one = contact(&app, "iris@example.com").await;
    let path = format!("/admin/contacts/{}", one.id);
    let name = "<img src=x onerror=alert(1)>";
    app.post(&format!("{path}/name"), &[("first_name", name), ("last_name", "{{7*7}}")]).await;
    app.post(&format!("{path}/tag"), &[("tag", "<script>1</script>")]).await;
    for page in [path.clone(), "/admin/contacts".to_owned(), format!("{path}/erase")] {
        let body = app.get(&page).await.body;
        assert!(!body.contains("<img src=x") && !body.contains("<script>1"), "{page}");
        assert!(body.contains("&lt;img") && body.contains("{{7*7}}"), "{page}");
    }
    // And no formula reaches a spreadsheet.
    app.post(&format!("{path}/name"), &[("first_name", "=cmd|' /C calc'!A0")]).await;
    assert!(app.download("/admin/contacts.csv").await.body.contains(",'=cmd|"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn today_shows_what_there_is_and_what_to_do_next() {
    let app = TestApp::start().await;
    app.sign_in(Role::Viewer).await;
    let page = app.get("/admin").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Next steps") && page.body.contains("all is well"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_of_a_site_are_changed_and_mistakes_are_named() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let mut fields = vec![
        ("name", "Fern & Hollow"),
        ("base_url", "http://shop.example"),
        ("sender_name", "Ada"),
        ("sender_address", "ada@shop.example"),
        ("postal_address", "1 Test Street"),
        ("currency", "EUR"),
        ("timezone", "Europe/Berlin"),
        ("language", "en"),
        ("taxes", "DE 19%"),
        ("sales_mails_per_week", "2"),
        ("accent", "#336699"),
        ("referral_hold_days", "14"),
        ("footer", "Imprint: imprint\nPrivacy: privacy"),
        ("offline_payments", "on"),
    ];
    assert_eq!(app.post("/admin/settings", &fields).await.location(), "/admin/settings");
    a_site_answers_where_its_links_lead(&app).await;
    let page = app.get("/admin/settings").await.body;
    assert!(page.contains("Fern &amp; Hollow") && page.contains("DE 19%"));
    let settings = engine::sites::get_by_slug(&app.engine, "shop").await.unwrap().settings;
    assert!(!settings.test_payments && settings.offline_payments);
    assert_eq!(settings.referral_hold_days, 14);
    let shop = app.get("/catalogue").await.body;
    assert!(shop.contains(">Imprint<") && shop.contains(">Privacy<"));
    fields.retain(|(name, _)| !["timezone", "postal_address", "taxes"].contains(name));
    fields.extend([("timezone", "Berlin"), ("postal_address", " "), ("taxes", "XX 5")]);
    let page = app.post("/admin/settings", &fields).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("line 1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_changed_and_removed_while_nobody_subscribes() {
    let app = TestApp::start().await;
    app.sign_in(Role::Editor).await;
    let unnamed = app.post("/admin/topics", &[("slug", "letters"), ("name", " ")]).await;
    assert_eq!(unnamed.status, 422);
    for name in ["Letters", "Letters from the shop"] {
        let fields = [("slug", "letters"), ("name", name), ("description", "Once a week.")];
        assert_eq!(app.post("/admin/topics", &fields).await.location(), "/admin/topics");
    }
    let page = app.get("/admin/topics").await.body;
    assert!(page.contains("Letters from the shop") && !page.contains("<strong>Letters</strong>"));
    let site = app.site.id;
    let reader = app.engine.reader();
    let topics = reader
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::topics::list(session, site).await })
        })
        .await
        .unwrap();
    let id = topics[0].id;
    app.post(&format!("/admin/topics/{id}/delete"), &[]).await;
    assert!(app.get("/admin/topics").await.body.contains("No topics yet"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doubtful_mail_of_a_class_is_held_where_the_operator_says_so() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let fields = [("act", "doubtful"), ("classes", "sales"), ("classes", "back-end")];
    assert_eq!(app.post("/admin/sending/act", &fields).await.location(), "/admin/sending");
    let site = engine::sites::get_by_slug(&app.engine, "shop").await.unwrap();
    assert_eq!(site.settings.sending.unknown_hold.len(), 2);
    app.post("/admin/sending/act", &[("act", "doubtful")]).await;
    let site = engine::sites::get_by_slug(&app.engine, "shop").await.unwrap();
    assert!(site.settings.sending.unknown_hold.is_empty());
}

/// The settings name a new home: the pages are there, and still where old links lead.
async fn a_site_answers_where_its_links_lead(app: &TestApp) {
    let settings = "/admin/settings";
    for far in ["http://new.example", "https://new.example/shop"] {
        let answer = app.fill(settings, settings, &[("base_url", far)]).await;
        assert_eq!(answer.status, 422, "{far}");
    }
    let other = model::sites::Site {
        id: model::SiteId(0),
        slug: "other".to_owned(),
        base_url: "https://other.example".to_owned(),
        ..app.site.clone()
    };
    let hosts = vec!["other.example".to_owned()];
    engine::sites::put(&app.engine, other, hosts).await.unwrap();
    let taken = app.fill(settings, settings, &[("base_url", "https://other.example")]).await;
    assert!(taken.body.contains("another site answers to other.example"), "{}", taken.body);
    let moved = [("base_url", "http://new.localhost:8095")];
    assert_eq!(app.fill(settings, settings, &moved).await.status, 303);
    for host in ["new.localhost:8095", "shop.example"] {
        let request = axum::http::Request::builder().uri("/catalogue").header("host", host);
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    let back = app.fill(settings, settings, &[("base_url", "http://localhost")]).await;
    assert_eq!(back.status, 303);
}
