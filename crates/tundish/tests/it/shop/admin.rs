//! The shop as its owner sees it: made, changed, sold, paid back, all in the browser.

use model::operators::Role as Rank;
use model::orders::OrderState;
use testkit::TestApp;

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
    let body = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nThe guide\r\n\
        --b\r\nContent-Disposition: form-data; name=\"role\"\r\n\r\nfront\r\n\
        --b\r\nContent-Disposition: form-data; name=\"state\"\r\n\r\nactive\r\n\
        --b\r\nContent-Disposition: form-data; name=\"cost\"\r\n\r\n1.00\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"guide.pdf\"\r\n\
        Content-Type: application/pdf\r\n\r\n%PDF-1.7\r\n--b--\r\n";
    let request = app
        .request("POST", "/admin/products")
        .header("content-type", "multipart/form-data; boundary=b")
        .header("sec-fetch-site", "same-origin")
        .body(axum::body::Body::from(body))
        .unwrap();
    let made = app.send(request).await;
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
