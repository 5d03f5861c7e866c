//! Where people come from: views of people and of programs, the script of other sites, and an
//! owner's own rules for channels.

use std::collections::BTreeMap;

use jiff::civil::date;
use model::blocks::{PageContent, PageKind};
use model::operators::Role;
use model::pages::PageDraft;
use model::spans::Span;
use testkit::{Answer, TestApp};

async fn with_page() -> TestApp {
    let app = TestApp::start().await;
    let draft = PageDraft {
        slug: "welcome".into(),
        kind: PageKind::Landing,
        content: PageContent {
            title: "Welcome".into(),
            description: String::new(),
            blocks: Vec::new(),
        },
    };
    let id = engine::pages::create(&app.engine, app.site.id, draft).await.unwrap();
    engine::pages::publish(&app.engine, app.site.id, id).await.unwrap();
    app
}

/// Views and visitors by page, and what was left out by reason.
async fn counted(app: &TestApp) -> (Vec<(String, i64, i64)>, BTreeMap<String, i64>) {
    app.run_until_idle().await;
    let site = app.site.id;
    app.engine
        .views_reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move {
                let span = Span { from: date(2000, 1, 1), to: date(2100, 1, 1) };
                let pages = store::views::by_page(session, site, span).await?;
                let pages = pages.into_iter().map(|(path, seen)| (path, seen.views, seen.visitors));
                let pages = pages.collect();
                let (from, to) = (span.from.to_string(), span.to.to_string());
                let mut reasons = BTreeMap::new();
                for row in store::left_out::within(session, site, &from, &to).await? {
                    *reasons.entry(row.reason).or_default() += row.views;
                }
                Ok((pages, reasons))
            })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_that_no_person_made_are_counted_apart_by_why() {
    let app = with_page().await;
    assert_eq!(app.visit("/p/welcome", &[]).await.status, 200);
    for odd in [
        ("user-agent", "Googlebot/2.1 (+http://www.google.com/bot.html)"),
        ("accept", "*/*"),
        ("accept-language", ""),
        ("sec-fetch-mode", "no-cors"),
        ("sec-purpose", "prefetch;prerender"),
        ("referer", "https://best-seo-offer.example/free"),
    ] {
        assert_eq!(app.visit("/p/welcome", &[odd]).await.status, 200, "everybody gets the page");
    }
    let head = app.request("HEAD", "/p/welcome").header("user-agent", testkit::BROWSER);
    assert_eq!(app.send(head.body(axum::body::Body::empty()).unwrap()).await.status, 200);
    let (pages, reasons) = counted(&app).await;
    assert_eq!(pages, [("/p/welcome".to_owned(), 1, 1)]);
    let wanted = [("agent", 1), ("ahead", 1), ("head", 1), ("headers", 3), ("spam", 1)];
    assert_eq!(reasons, wanted.map(|(why, count)| (why.to_owned(), count)).into());

    app.sign_in(Role::Owner).await;
    let page = app.get("/admin/sources/left-out").await;
    assert!(page.body.contains("Programs that pose as browsers"), "{}", page.body);
    let sources = app.get("/admin/sources").await;
    let body = sources.body.replace("&#x2f;", "/");
    assert!(body.contains("/admin/sources/left-out?days=30"), "the figure opens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_not_to_be_tracked_is_a_view_and_no_visitor() {
    let app = with_page().await;
    app.visit("/p/welcome", &[("dnt", "1")]).await;
    app.visit("/p/welcome", &[("sec-gpc", "1")]).await;
    assert_eq!(counted(&app).await.0, [("/p/welcome".to_owned(), 2, 0)]);
    app.visit("/p/welcome", &[]).await;
    assert_eq!(counted(&app).await.0, [("/p/welcome".to_owned(), 3, 1)]);
}

async fn report(app: &TestApp, origin: &str, agent: &str, body: &str) -> Answer {
    let request = app
        .request("POST", "/e")
        .header("origin", origin)
        .header("user-agent", agent)
        .header("content-type", "text/plain;charset=UTF-8");
    app.send(request.body(axum::body::Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_sites_report_their_views_where_their_owner_named_them() {
    let app = with_page().await;
    let blog = "https://blog.example";
    let view = r#"{"u":"https://blog.example/a?utm_source=NL&utm_medium=email","r":""}"#;
    assert_eq!(report(&app, blog, testkit::BROWSER, view).await.status, 403, "not named yet");
    app.sign_in(Role::Owner).await;
    let refused = app.post("/admin/sources/sites", &[("view_origins", "blog example")]).await;
    assert_eq!(refused.status, 422);
    app.post("/admin/sources/sites", &[("view_origins", "https://blog.example/\n")]).await;
    let page = app.get("/admin/sources/sites").await;
    assert!(page.body.contains("e.js"), "{}", page.body);

    let answer = report(&app, blog, testkit::BROWSER, view).await;
    assert_eq!(answer.status, 204);
    assert!(answer.headers.get("set-cookie").is_none());
    report(&app, blog, "curl/8.9.1", view).await;
    let own = r#"{"u":"http://shop.example/p/welcome/two","r":""}"#;
    assert_eq!(report(&app, "http://shop.example", testkit::BROWSER, own).await.status, 204);
    for (origin, body, status) in [
        (blog, r#"{"u":"https://shop.example/p/welcome"}"#, 400),
        (blog, r#"{"u":"https://blog.example.evil.test/"}"#, 400),
        (blog, "nonsense", 400),
        ("https://evil.test", r#"{"u":"https://evil.test/"}"#, 403),
        ("null", r#"{"u":"null/"}"#, 403),
    ] {
        assert_eq!(report(&app, origin, testkit::BROWSER, body).await.status, status, "{body}");
    }
    let long = format!(r#"{{"u":"https://blog.example/{}"}}"#, "a".repeat(20_000));
    assert_eq!(report(&app, blog, testkit::BROWSER, &long).await.status, 413);

    let (pages, reasons) = counted(&app).await;
    let wanted = [("/p/welcome/two".to_owned(), 1, 0), ("blog.example/a".to_owned(), 1, 1)];
    assert_eq!(pages, wanted);
    assert_eq!(reasons, BTreeMap::from([("agent".to_owned(), 1)]));
    let script = app.get("/e.js").await;
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(script.headers["content-type"].to_str().unwrap().starts_with("text/javascript"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owners_rules_decide_and_relabel_the_past_when_asked() {
    let app = TestApp::start().await;
    crate::people::form(&app, "chapter", |_| {}).await;
    let opt_in = async |email: &str| {
        let landing = "/p/a?utm_source=xyz&utm_medium=post";
        let fields = [("email", email), (model::forms::LANDING_FIELD, landing)];
        let answer = crate::people::fill_in(&app, "chapter", &fields).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.body);
    };
    opt_in("ann@x.test").await;
    app.sign_in(Role::Owner).await;
    let rule = [("source", "xyz"), ("channel", "paid_social")];
    app.post("/admin/sources/rules", &rule).await;
    let page = app.get("/admin/sources/rules").await;
    assert!(page.body.contains("source is xyz"), "{}", page.body);
    assert!(page.body.contains("1 another channel"), "what it would change is said");
    assert_eq!(app.post("/admin/sources/rules", &[("channel", "direct")]).await.status, 422);

    opt_in("bob@x.test").await;
    let channels = async || {
        let site = app.site.id;
        let mut found = app
            .engine
            .reader()
            .read::<_, store::StoreError, _>(move |session| {
                Box::pin(async move { store::touches::latest(session, site, 10).await })
            })
            .await
            .unwrap();
        found.sort_by_key(|touch| touch.id);
        found.into_iter().map(|touch| touch.channel.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(channels().await, ["other", "paid_social"], "the past stays until asked");
    app.post("/admin/sources/rules/past", &[]).await;
    app.recount().await;
    assert_eq!(channels().await, ["paid_social", "paid_social"]);
    let page = app.get("/admin/sources/rules").await;
    assert!(page.body.contains("Nothing would change"), "{}", page.body);
}
