//! Pages: drafts, what is public, and what becomes of a page that is gone.

use jiff::civil::date;
use model::blocks::{Block, PageContent, PageKind};
use model::pages::PageDraft;
use model::spans::Span;
use testkit::TestApp;

fn draft(title: &str) -> PageDraft {
    let hero = serde_json::json!({"type": "hero", "title": title, "text": "A line."});
    let text = serde_json::json!({"type": "text", "text": "Some **bold** words."});
    let block = |json| serde_json::from_value::<Block>(json).unwrap();
    PageDraft {
        slug: "welcome".into(),
        kind: PageKind::Landing,
        content: PageContent {
            title: title.into(),
            description: String::new(),
            blocks: vec![block(hero), block(text)],
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_not_public_and_a_change_is_seen_when_it_is_published() {
    let app = TestApp::start().await;
    let site = app.site.id;
    let id = engine::pages::create(&app.engine, site, draft("First")).await.unwrap();
    assert_eq!(app.get("/p/welcome").await.status, 404);

    engine::pages::publish(&app.engine, site, id).await.unwrap();
    let page = app.get("/p/welcome").await;
    assert!(page.body.contains("<h1>First</h1>") && page.body.contains("<strong>bold</strong>"));

    engine::pages::change(&app.engine, site, id, 1, draft("Second")).await.unwrap();
    assert!(app.get("/p/welcome").await.body.contains("First"));
    engine::pages::publish(&app.engine, site, id).await.unwrap();
    assert!(app.get("/p/welcome").await.body.contains("Second"));

    engine::pages::retire(&app.engine, site, id).await.unwrap();
    assert_eq!(app.get("/p/welcome").await.status, 410);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a12_two_who_edit_one_page_are_told() {
    let app = TestApp::start().await;
    let site = app.site.id;
    let id = engine::pages::create(&app.engine, site, draft("First")).await.unwrap();
    engine::pages::change(&app.engine, site, id, 1, draft("Mine")).await.unwrap();
    let late = engine::pages::change(&app.engine, site, id, 1, draft("Theirs")).await;
    assert!(matches!(late, Err(engine::EngineError::Conflict(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_a_reserved_or_taken_address_is_refused_with_the_reason() {
    let app = TestApp::start().await;
    let site = app.site.id;
    engine::pages::create(&app.engine, site, draft("First")).await.unwrap();
    let again = engine::pages::create(&app.engine, site, draft("Again")).await.unwrap_err();
    assert!(again.to_string().contains("another page has this address"), "{again}");
    for slug in ["admin", "api", ".well-known", "а-cyrillic"] {
        let wrong = PageDraft { slug: slug.into(), ..draft("Wrong") };
        let refused = engine::pages::create(&app.engine, site, wrong).await;
        assert!(matches!(refused, Err(engine::EngineError::Refused(_))), "{slug}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_are_counted_by_day_and_a_robot_is_not() {
    let app = TestApp::start().await;
    let site = app.site.id;
    let id = engine::pages::create(&app.engine, site, draft("First")).await.unwrap();
    engine::pages::publish(&app.engine, site, id).await.unwrap();
    for agent in [testkit::BROWSER, testkit::BROWSER, "SomeBot/1.0 (+https://bot.example)"] {
        let path = "/p/welcome?utm_source=paper&utm_medium=print";
        assert_eq!(app.visit(path, &[("user-agent", agent)]).await.status, 200);
    }
    app.run_until_idle().await;
    let rows = app
        .engine
        .views_reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move {
                let year = Span { from: date(2026, 1, 1), to: date(2026, 12, 31) };
                store::views::by_source(session, site, year).await
            })
        })
        .await
        .unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|(origin, seen)| (origin.source.as_str(), seen.views, seen.visitors))
        .collect();
    assert_eq!(rows, [("paper", 2, 1)]);
}

/// What the form of a page would send as the page before; `None` where there is no form.
fn referrer_in(page: &testkit::Answer) -> Option<String> {
    page.body.contains("name=\"_t\"").then(|| page.hidden("_referrer"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_a_kept_page_tells_nobody_where_somebody_else_came_from() {
    let app = TestApp::start().await;
    let site = app.site.id;
    let spec = model::forms::FormSpec::simple("Read the first chapter", "Yes, send me letters.");
    engine::forms::put(&app.engine, site, "chapter", "The chapter", spec).await.unwrap();
    let mut draft = draft("First");
    let form = serde_json::json!({"type": "form", "form": "chapter"});
    draft.content.blocks.push(serde_json::from_value(form).unwrap());
    let id = engine::pages::create(&app.engine, site, draft).await.unwrap();
    engine::pages::publish(&app.engine, site, id).await.unwrap();
    let come = async |from: &str| {
        let mut request = app.request("GET", "/p/welcome");
        if !from.is_empty() {
            request = request.header("referer", from);
        }
        app.send(request.body(axum::body::Body::empty()).unwrap()).await
    };
    let first = come("https://news.example/today").await;
    assert_eq!(referrer_in(&first).as_deref(), Some("https://news.example/"));
    assert_eq!(first.headers["cache-control"], "no-store");
    let direct = come("").await;
    assert!(!direct.body.contains("news.example") && !direct.body.contains("invalid"));
    let other = come("https://blog.example/").await;
    assert_eq!(referrer_in(&other).as_deref(), Some("https://blog.example/"));

    // A form that was retired is not shown: what is typed into it would be lost.
    let known = engine::forms::live(&app.engine, site, "chapter").await.unwrap().form.id;
    engine::forms::set_live(&app.engine, site, known, false).await.unwrap();
    let page = come("").await;
    assert_eq!(page.status, 200);
    assert_eq!(referrer_in(&page), None);
}
