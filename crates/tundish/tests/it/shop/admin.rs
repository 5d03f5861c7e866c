//! The shop as its owner sees it: made, changed, sold, paid back, all in the browser.

use model::operators::Role as Rank;
use model::orders::OrderState;
use testkit::{TestApp, usd};

use super::is_sound;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_makes_a_shop_and_it_sells() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    for page in [
        "products",
        "offers",
        "paths",
        "coupons",
        "orders",
        "catalogue",
        "also-bought",
        "referrals",
    ] {
        let empty = app.get(&format!("/admin/{page}")).await;
        assert_eq!(empty.status, 200, "{page}: {}", empty.body);
    }
    let texts = [("name", "The guide"), ("role", "front"), ("state", "active"), ("cost", "1.00")];
    let guide: &[u8] = b"%PDF-1.7";
    let files = [("file", "guide.pdf", "application/pdf", guide)];
    let made = app.upload("/admin/products", &texts, &files).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let product = app.get(made.location()).await;
    assert!(product.body.contains("guide.pdf"), "{}", product.body);

    let wrong =
        [("product", "the-guide"), ("slug", "guide"), ("price", "19,00"), ("state", "active")];
    let refused = app.post("/admin/offers", &wrong).await;
    assert_eq!(refused.status, 422);
    let fields = [
        ("product", "the-guide"),
        ("slug", "guide"),
        ("price", "19.00"),
        ("deadline", "none"),
        ("quantity_max", "3"),
        ("state", "active"),
    ];
    let offer = app.post("/admin/offers", &fields).await;
    assert_eq!(offer.status, 303, "{}", offer.body);
    assert_eq!(app.get(offer.location()).await.status, 200);
    let path = app.post("/admin/paths", &[("name", "First"), ("main", "guide"), ("active", "on")]);
    let path = path.await;
    assert_eq!(path.status, 303, "{}", path.body);
    assert_eq!(app.get(path.location()).await.status, 200);
    let fields = [("code", "save10"), ("kind", "percent"), ("value", "10%"), ("active", "on")];
    let coupon = app.post("/admin/coupons", &fields).await;
    assert_eq!(coupon.status, 303, "{}", coupon.body);
    let shown = app.get(coupon.location()).await;
    assert!(shown.plain().contains("/buy/guide?coupon=SAVE10"), "{}", shown.body);

    let bought = app.buy("guide", &[("coupon", "SAVE10"), ("shown_total", "1710")]).await;
    assert_eq!(bought.answer.status, 303, "{}", bought.answer.body);
    let thanks = app.get(&format!("/order/{}", bought.token)).await;
    let link = thanks.plain().split("/m/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let page = app.get(&format!("/m/{link}")).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("guide.pdf"), "{}", page.body);
    let file = app.post(&format!("/m/{link}"), &[]).await;
    assert_eq!((file.status.as_u16(), file.body.as_str()), (200, "%PDF-1.7"));

    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    let order = format!("/admin/orders/{}", whole.order.id);
    let list = app.get("/admin/orders?q=iris@example.org").await;
    assert!(list.plain().contains(&order));
    assert!(!app.get("/admin/orders?q=nobody@example.org").await.plain().contains(&order));
    let shown = app.get(&order).await;
    assert!(shown.body.contains("cash, test card"), "{}", shown.body);
    let fields = [("what", "whole"), ("reason", "not wanted")];
    let back = app.post(&format!("{order}/refund"), &fields).await;
    assert_eq!(back.status, 303);
    app.run_until_idle().await;
    assert_eq!(app.order(whole.order.id).await.order.state, OrderState::Refunded);
    let gone = app.get(&format!("/m/{link}")).await;
    assert!(gone.body.contains("paid back"), "{}", gone.body);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_edit_one_offer_are_told() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.sign_in(Rank::Owner).await;
    let list = app.get("/admin/offers").await.plain();
    let path = list.split("href=\"").find(|rest| rest.starts_with("/admin/offers/ofr_")).unwrap();
    let path = path.split('"').next().unwrap().to_owned();
    let page = app.get(&path).await;
    let version = page.hidden("version");
    let slug = page.body.split("name=\"slug\"").nth(1).unwrap();
    let slug = slug.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let fields = [
        ("version", version.as_str()),
        ("product", slug.as_str()),
        ("slug", slug.as_str()),
        ("price", "20.00"),
        ("quantity_max", "3"),
        ("state", "active"),
    ];
    assert_eq!(app.post(&path, &fields).await.status, 303);
    assert_eq!(app.post(&path, &fields).await.status, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_look_changes_nothing() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "offline")]).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    app.sign_in(Rank::Viewer).await;
    let path = format!("/admin/orders/{}/mark-paid", whole.order.id);
    assert_eq!(app.post(&path, &[]).await.status, 403);
    app.other_browser();
    let stranger = app.post(&path, &[]).await;
    assert_ne!(stranger.status, 200);
    assert_eq!(app.order(whole.order.id).await.order.state, OrderState::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saving_changes_neither_the_currency_nor_the_seconds_of_what_it_was_not_asked_to() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", model::products::Role::Front, usd(1900)).await;
    // A second before midnight in Berlin.
    let at = model::UtcMs(1_772_319_599_000);
    let fixed = engine::offers::Draft {
        deadline: model::offers::Deadline::Fixed { at },
        ..testkit::offer("today", "guide", usd(1900))
    };
    let offer = engine::offers::put(&app.engine, app.site.id, fixed).await.unwrap();
    let mut five = testkit::coupon("FIVE", 10);
    five.cut = model::coupons::Cut::Fixed(usd(500));
    five.ends_at = Some(at);
    let coupon = app.coupon(five).await;
    let euros = model::sites::Site { currency: "EUR".to_owned(), ..app.site.clone() };
    engine::sites::put(&app.engine, euros, Vec::new()).await.unwrap();
    app.sign_in(Rank::Owner).await;

    let path = format!("/admin/offers/{offer}");
    let page = app.get(&path).await.plain();
    assert!(page.contains("2026-02-28T23:59") && page.contains("USD"), "{page}");
    let fields = [
        ("product", "guide"),
        ("slug", "today"),
        ("title", "Only today"),
        ("price", "19.00"),
        ("deadline", "fixed"),
        ("at", "2026-02-28T23:59"),
        ("quantity_max", "3"),
        ("state", "active"),
    ];
    assert_eq!(app.post(&path, &fields).await.status, 303);
    let fields = [
        ("code", "five"),
        ("kind", "fixed"),
        ("value", "5.00"),
        ("ends_at", "2026-02-28T23:59"),
        ("active", "on"),
    ];
    assert_eq!(app.post(&format!("/admin/coupons/{coupon}"), &fields).await.status, 303);
    let product = app.get("/admin/products").await.plain();
    let product = product.split("href=\"").find(|rest| rest.starts_with("/admin/products/prd_"));
    let product = product.unwrap().split('"').next().unwrap().to_owned();
    let texts = [("name", "The guide"), ("slug", "guide"), ("role", "front"), ("cost", "2.00")];
    let texts = [&texts[..], &[("state", "active")]].concat();
    assert_eq!(app.upload(&product, &texts, &[]).await.status, 303);

    let site = app.site.id;
    let (offer, coupon, product) = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let offer = store::offers::find(session, site, offer).await?.unwrap();
                let coupon = store::coupons::find(session, site, coupon).await?.unwrap();
                let product = store::products::find(session, site, offer.product_id).await?;
                Ok((offer, coupon, product.unwrap()))
            })
        })
        .await
        .unwrap();
    assert_eq!((offer.title.as_str(), offer.price_minor), ("Only today", 1900));
    assert_eq!(offer.currency, model::Currency::USD);
    assert_eq!(offer.deadline, model::offers::Deadline::Fixed { at });
    assert_eq!(coupon.coupon.cut, model::coupons::Cut::Fixed(usd(500)));
    assert_eq!(coupon.coupon.ends_at, Some(at));
    assert_eq!((product.cost_minor, product.currency), (200, model::Currency::USD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_form_or_magnet_does_not_overwrite_one_of_the_same_name() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    let magnet =
        |url: &'static str| [("slug", "chapter"), ("name", "The first chapter"), ("url", url)];
    let first = app.upload("/admin/magnets", &magnet("https://a.example/1"), &[]).await;
    assert_eq!(first.status, 303, "{}", first.body);
    let second = app.upload("/admin/magnets", &magnet("https://b.example/2"), &[]).await;
    assert_eq!(second.status, 422);
    assert!(second.body.contains("another magnet has this name"), "{}", second.body);

    let form = |title: &'static str| {
        [
            ("slug", "letters"),
            ("name", "Letters"),
            ("title", title),
            ("button", "Send"),
            ("consent", "Yes, send me the letters."),
            ("delivery", "mail"),
            ("double_opt_in", "yes"),
            ("after", "message"),
            ("after_value", "Please look into your mail."),
            ("key", "email"),
            ("label", "Your address"),
            ("kind", "email"),
            ("required", "yes"),
            ("writes", ""),
            ("options", ""),
            ("wording", ""),
        ]
    };
    let first = app.post("/admin/forms", &form("The first")).await;
    assert_eq!(first.status, 303, "{}", first.body);
    let second = app.post("/admin/forms", &form("The second")).await;
    assert_eq!(second.status, 422);
    assert!(second.body.contains("another form has this name"), "{}", second.body);
    let changed = app.post(first.location(), &form("The same, changed")).await;
    assert_eq!(changed.status, 303, "{}", changed.body);
    let shown = app.get("/f/letters").await;
    assert!(shown.body.contains("The same, changed"), "{}", shown.body);
}
