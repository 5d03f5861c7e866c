//! A deadline of one's own, from the link in a mail to the page and the checkout: one instant.

use model::UtcMs;
use model::blocks::{Block, PageContent, PageKind};
use model::ids::{ContactId, OfferId};
use model::offers::{Deadline, Since};
use model::pages::PageDraft;
use model::products::Role;
use model::schedule::Wait;
use testkit::{TestApp, offer, usd};

use super::{CHROME, DAY_MS, MINUTE_MS, click, confirmed, form, mail_with_links, verdicts};
use crate::shop::on_both;

/// An offer that stands for three days from its showing, and a page that shows it.
async fn early_bird(app: &TestApp) -> OfferId {
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let deadline = Deadline::Evergreen { since: Since::Shown, lasts: Wait::Days(3) };
    let draft = engine::offers::Draft { deadline, ..offer("early", "guide", usd(900)) };
    let id = engine::offers::put(&app.engine, app.site.id, draft).await.unwrap();
    let until = Block::Deadline { offer: "early".to_owned(), text: "Yours until".to_owned() };
    let content = PageContent {
        title: "The book".to_owned(),
        blocks: vec![until],
        description: String::new(),
    };
    let draft = PageDraft { slug: "book".into(), kind: PageKind::Sales, content };
    let page = engine::pages::create(&app.engine, app.site.id, draft).await.unwrap();
    engine::pages::publish(&app.engine, app.site.id, page).await.unwrap();
    id
}

async fn kept(app: &TestApp, offer: OfferId, contact: ContactId) -> Option<UtcMs> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::offers::deadline_of(session, site, offer, contact).await?) },
            )
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_click_starts_the_deadline_that_page_and_checkout_then_show() {
    for app in on_both("a_persons_click_starts_the_deadline").await {
        let offer = early_bird(&app).await;
        let (contact, links) = mail_with_links(&app).await;
        app.advance_ms(MINUTE_MS).await;
        let clicked = app.engine.now();
        let answer = click(&app, &links[0], "GET", CHROME).await;
        let query = answer.location().split_once('?').unwrap().1.to_owned();
        let ends = clicked.plus_days(3);
        let said = format!("<time datetime=\"{}\">", ends.rfc3339());
        let (page, checkout) = (format!("/p/book?{query}"), format!("/buy/early?{query}"));
        app.advance_ms(5_000).await;
        let first = app.get(&page).await.body;
        assert!(first.contains("stands for 3 days from when you first open it"), "{first}");
        // An instant that is not kept would be another at the next look.
        assert!(!app.get(&checkout).await.body.contains("class=\"deadline"));
        assert_eq!(kept(&app, offer, contact).await, None, "asking for a page begins nothing");
        assert_eq!(verdicts(&app, contact).await, ["human"]);
        assert_eq!(kept(&app, offer, contact).await, Some(ends));
        // A day later it is the same instant, and stays on the form that is drawn again.
        app.advance_ms(DAY_MS).await;
        for address in [&page, &checkout] {
            let shown = app.get(address).await;
            assert!(shown.body.contains(&said), "{address}: {}", shown.body);
        }
        let form = app.get(&checkout).await;
        let fields = [("c", form.hidden("c")), ("update", "1".to_owned())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let again = app.post("/buy/early", &fields).await;
        assert!(again.body.contains(&said), "{}", again.body);
        app.advance_ms(2 * DAY_MS).await;
        assert!(app.get(&page).await.body.contains("deadline-over"));
        let over = app.get(&checkout).await;
        assert_eq!(over.status, 410);
        assert!(over.body.contains("Order with your own address"), "{}", over.body);
        // Who comes without a link may be anybody.
        let anybody = app.get("/buy/early").await;
        assert_eq!(anybody.status, 200);
        assert!(!anybody.body.contains(&said));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_opens_a_link_starts_no_deadline() {
    let app = TestApp::start().await;
    let offer = early_bird(&app).await;
    let (contact, links) = mail_with_links(&app).await;
    app.advance_ms(MINUTE_MS).await;
    let answer = click(&app, &links[0], "HEAD", CHROME).await;
    let page = answer.location().strip_prefix("http://shop.example").unwrap().to_owned();
    assert_eq!(app.get(&page).await.status, 200);
    // Under a browser's name, every link at once, the hidden one too.
    for link in &links {
        click(&app, link, "GET", CHROME).await;
    }
    assert!(verdicts(&app, contact).await.iter().all(|verdict| verdict == "machine"));
    assert_eq!(kept(&app, offer, contact).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_says_whose_mail_it_was_once_and_only_to_our_pages() {
    let app = TestApp::start().await;
    form(&app).await;
    let ada = confirmed(&app, "ada@example.com").await;
    let bob = confirmed(&app, "bob@example.com").await;
    let (engine, site) = (&app.engine, &app.site);
    let marked = |address: &str| engine::links::for_reader(engine, site, address, ada);
    let token = engine::links::reader_token(engine, ada);
    let bobs = engine::links::reader_token(engine, bob);
    let copied = format!("http://shop.example/buy/early?c={bobs}&coupon=A#now");
    assert_eq!(marked(&copied), format!("http://shop.example/buy/early?coupon=A&c={token}#now"));
    assert_eq!(marked("http://shop.example/"), format!("http://shop.example/?c={token}"));
    let others =
        ["https://other.example/p/book", "http://shop.example/m/x", "http://shop.example.evil/p/x"];
    for address in others {
        assert_eq!(marked(address), address);
    }
    let unsubscribe = engine.keys().sign(model::tokens::Purpose::Unsubscribe, ada.0, 0);
    assert_eq!(engine::links::reader_of(engine, &unsubscribe), None);
}
