//! P: pages that hold what they should not, are looked at too early or too late, or show too much.

use model::blocks::{Block, PageContent, PageKind};
use model::ids::PageId;
use model::operators::Role;
use model::pages::PageDraft;
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS};
use testkit::{TestApp, usd};

use crate::people::after;

/// What people paste from elsewhere, and what others make them paste.
const PASTED: &str = "Hello <script>alert(1)</script><img src=x onerror=alert(2)> \
    <a href=\"javascript:alert(3)\">a</a> [b](javascript:alert%284%29) \
    <iframe src=\"https://evil.example\"></iframe><svg onload=alert(5)> \
    <form action=\"https://evil.example\"><input name=card></form>";

fn draft(text: &str) -> PageDraft {
    let block = |json| serde_json::from_value::<Block>(json).unwrap();
    let blocks = vec![
        block(serde_json::json!({"type": "hero", "title": "Bread", "text": text})),
        block(serde_json::json!({"type": "text", "text": text})),
        block(serde_json::json!({"type": "faq", "items": [{"question": "Why?", "answer": text}]})),
    ];
    let content = PageContent { title: "Bread".into(), description: text.into(), blocks };
    PageDraft { slug: "bread".into(), kind: PageKind::Sales, content }
}

async fn published(app: &TestApp, text: &str) -> PageId {
    let (engine, site) = (&app.engine, app.site.id);
    let id = engine::pages::create(engine, site, draft(text)).await.unwrap();
    engine::pages::publish(engine, site, id).await.unwrap();
    id
}

/// No part of what was pasted is alive in `body`.
fn is_harmless(body: &str) {
    let lower = body.to_lowercase();
    for alive in
        ["<script>", "<img src=x", "<iframe", "<svg onload", "\"javascript:", "<input name"]
    {
        assert!(!lower.contains(alive), "{alive}: {body}");
    }
    assert!(!lower.contains("action=\"https://evil.example"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p04_pasted_script_runs_on_no_page_and_least_of_all_where_one_pays() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    published(&app, PASTED).await;
    for slug in ["first", "second"] {
        let product = engine::products::Draft {
            description: PASTED.to_owned(),
            summary: "x <script>alert(6)</script>".to_owned(),
            ..testkit::product(slug, slug, model::products::Role::Front)
        };
        engine::products::put(&app.engine, app.site.id, product).await.unwrap();
        let offer = engine::offers::Draft {
            pitch: PASTED.to_owned(),
            title: "<script>alert(7)</script>".to_owned(),
            ..testkit::offer(slug, slug, usd(1_900))
        };
        engine::offers::put(&app.engine, app.site.id, offer).await.unwrap();
    }
    app.path("first", "checklists", &[("second", "workbook")]).await;
    for path in ["/p/bread", "/buy/first", "/catalogue"] {
        let page = app.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        is_harmless(&page.body);
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let bought = app.buy("first", &[("shown_total", "1900")]).await;
    let upsell = app.get(bought.answer.location()).await;
    assert!(upsell.plain().contains("/accept"), "{}", upsell.body);
    is_harmless(&upsell.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p07_the_link_to_a_draft_ends_after_a_day_and_is_found_by_no_search_engine() {
    let app = TestApp::start().await;
    let id = published(&app, "First words.").await;
    engine::pages::change(&app.engine, app.site.id, id, 1, draft("Second words.")).await.unwrap();
    app.sign_in(Role::Editor).await;
    let admin = app.get(&format!("/admin/pages/{id}")).await.plain();
    let path = format!("/preview/{}", after(&admin, "/preview/"));

    app.other_browser();
    let shown = app.get(&path).await;
    assert!(shown.body.contains("Second words."), "{}", shown.body);
    assert_eq!(shown.headers["x-robots-tag"], "noindex");
    assert_eq!(shown.headers["cache-control"], "no-store");
    assert!(app.get("/p/bread").await.body.contains("First words."));
    assert!(!app.get("/p/bread").await.headers.contains_key("x-robots-tag"));

    let mut forged = path.clone().into_bytes();
    let within = forged.len() - 6;
    forged[within] = if forged[within] == b'A' { b'B' } else { b'A' };
    assert_eq!(app.get(&String::from_utf8(forged).unwrap()).await.status, 404);
    app.engine.clock().advance_ms(DAY_MS - MINUTE_MS);
    assert_eq!(app.get(&path).await.status, 200);
    // The time in a link is counted in steps of six hours.
    app.engine.clock().advance_ms(6 * HOUR_MS + 2 * MINUTE_MS);
    assert_eq!(app.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_what_an_address_asks_is_never_markup() {
    let app = TestApp::start().await;
    let spec = model::forms::FormSpec::simple("Letters", "Yes, send me the letters.");
    engine::forms::put(&app.engine, app.site.id, "news", "News", spec).await.unwrap();
    let block = |json| serde_json::from_value::<Block>(json).unwrap();
    let content = PageContent {
        title: "Bread".into(),
        description: String::new(),
        blocks: vec![
            block(serde_json::json!({"type": "hero", "title": "{{ name }} Bread"})),
            block(serde_json::json!({"type": "form", "form": "news"})),
        ],
    };
    let draft = PageDraft { slug: "x".into(), kind: PageKind::Landing, content };
    let id = engine::pages::create(&app.engine, app.site.id, draft).await.unwrap();
    engine::pages::publish(&app.engine, app.site.id, id).await.unwrap();
    let script = "%3Csvg%20onload%3Dalert(1)%3E%22%3E%3Cscript%3E";
    let query = format!("name={script}&utm_source={script}&r={script}&{script}=1");
    // Twice: the second answer comes from what was kept.
    for _ in 0..2 {
        for page in [format!("/p/x?{query}"), format!("/f/news?{query}")] {
            let answer = app.get(&page).await;
            assert_eq!(answer.status, 200, "{page}");
            let lower = answer.body.to_lowercase();
            assert!(!lower.contains("<svg onload") && !lower.contains("\"><script"), "{page}");
        }
    }
    let plain = app.get("/p/x").await;
    assert!(!plain.body.contains("onload"), "another visitor's query is not kept");
    assert!(plain.body.contains("{{ name }} Bread"), "no parameter is put into a text");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_page_that_was_taken_down_says_so_and_offers_what_there_is() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let id = published(&app, "Words.").await;
    engine::pages::retire(&app.engine, app.site.id, id).await.unwrap();
    let gone = app.get("/p/bread?utm_source=google&utm_medium=cpc").await;
    assert_eq!(gone.status, 410);
    assert!(gone.body.contains("href=\"/catalogue\""), "{}", gone.body);
    assert!(app.get("/catalogue").await.body.contains("The guide"));
    // What never was is not over.
    let never = app.get("/p/other").await;
    assert_eq!(never.status, 404);
    assert!(!never.body.contains("href=\"/catalogue\""), "{}", never.body);
}

/// A picture of so many pixels: its header, and nothing that could be drawn.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    out.extend_from_slice(&width.to_be_bytes());
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(b"\x08\x02\0\0\0crc!\0\0\0\x0aeXIfgps 52.5 Ncrc!\0\0\0\0IENDcrc!");
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p12_a_picture_no_device_could_show_is_refused_and_the_others_tell_no_place() {
    let app = TestApp::start().await;
    let (engine, site) = (&app.engine, app.site.id);
    let put = |bytes| engine::files::put_picture(engine, site, "a.png", "image/png", bytes);
    let refused = put(png(10_000, 10_000)).await.unwrap_err();
    assert!(refused.to_string().contains("10000 × 10000 pixels"), "{refused}");
    let refused = put(b"<script>alert(1)</script>".to_vec()).await.unwrap_err();
    assert!(refused.to_string().contains("no png picture"), "{refused}");
    let id = put(png(1_200, 800)).await.unwrap();
    let shown: Result<(), engine::EngineError> = engine
        .db()
        .write(move |tx| Box::pin(async move { Ok(store::files::show(tx, site, id).await?) }))
        .await;
    shown.unwrap();
    let shown = app.get(&format!("/media/{id}")).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("IHDR") && !shown.body.contains("52.5"), "{:?}", shown.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p12_a_picture_that_is_sold_stays_as_it_was_brought_and_a_page_shows_it_without_its_place()
{
    let app = TestApp::start().await;
    let (engine, site) = (&app.engine, app.site.id);
    let mut ids = Vec::new();
    for (name, bytes) in [("wall.png", png(10_000, 10_000)), ("hero.png", png(1_200, 800))] {
        let id = engine::files::put(engine, site, name, "image/png", bytes.clone()).await.unwrap();
        let kept = engine::files::read(engine, site, id).await.unwrap().1;
        assert!(kept == bytes, "what is sold reaches its buyer as it was brought");
        ids.push(id);
    }
    let showing = |name: &str| {
        let mut draft = draft("Words.");
        let image = serde_json::json!({"type": "image", "image": name, "alt": "Bread"});
        draft.content.blocks.push(serde_json::from_value(image).unwrap());
        engine::pages::create(engine, site, draft)
    };
    let refused = showing("wall.png").await.unwrap_err().to_string();
    assert!(refused.contains("wall.png: this picture has 10000 × 10000 pixels"), "{refused}");
    showing("hero.png").await.unwrap();
    let shown = app.get(&format!("/media/{}", ids[1])).await;
    assert_eq!(shown.status, 200);
    assert!(shown.body.contains("IHDR") && !shown.body.contains("52.5"), "{:?}", shown.body);
    assert_eq!(app.get(&format!("/media/{}", ids[0])).await.status, 404);
}
