//! P: what an address may look like, and what every answer says.

use axum::body::Body;
use axum::http::header;
use model::operators::Role;
use testkit::TestApp;

use crate::people;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_a_path_that_climbs_hides_or_is_too_long_is_refused() {
    let app = TestApp::start().await;
    for path in ["/p/..%2f..%2fetc", "/p/%00", "/p/%c0%ae%c0%ae", "/assets/0/..%2f..%2fCargo.toml"]
    {
        let status = app.get(path).await.status.as_u16();
        assert!(status == 400 || status == 404, "{path} {status}");
    }
    assert_eq!(app.get(&format!("/p/{}", "a".repeat(8_000))).await.status, 414);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p02_only_configured_hosts_are_answered_whatever_a_proxy_header_says() {
    let app = TestApp::start().await;
    let ask = async |host: &str, forwarded: &str| {
        let request = axum::http::Request::builder()
            .uri("/theme.css")
            .header(header::HOST, host)
            .header("x-forwarded-host", forwarded);
        app.send(request.body(Body::empty()).unwrap()).await.status
    };
    assert_eq!(ask("shop.example", "shop.example").await, 200);
    assert_eq!(ask("shop.example:8095", "evil.example").await, 200);
    assert_eq!(ask("evil.example", "shop.example").await, 421);
    assert_eq!(ask("shop.example.evil.example", "shop.example").await, 421);
    // An absolute request line names a host too; the header alone counts.
    let request = axum::http::Request::builder()
        .uri("http://evil.example/theme.css")
        .header(header::HOST, "shop.example");
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p09_no_page_may_be_framed_and_every_answer_carries_the_policy() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    for path in ["/admin", "/admin/sign-in", "/nothing-here", "/health", "/robots.txt"] {
        let answer = app.get(path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_pages_with_personal_data_are_not_kept_anywhere() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    for path in ["/admin", "/admin/account", "/admin/operators", "/admin/settings"] {
        assert_eq!(app.get(path).await.headers[header::CACHE_CONTROL], "no-store", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p11_what_a_buyer_or_reader_is_shown_by_their_own_link_is_kept_nowhere() {
    let app = people::app().await;
    app.stock_shop().await;
    let ada = people::confirmed(&app, "ada@x.test").await;
    people::fill_in(&app, "chapter", &[("email", "ben@x.test")]).await;
    let path = |url: String| url.strip_prefix(&app.site.base_url).unwrap().to_owned();
    let fetched = people::path_in(&app, "magnet", "magnet_url").await;
    let asked = people::path_in(&app, "confirmation", "confirm_url").await;
    let bought = app.buy("guide", &[("email", "iris@example.org")]).await;
    let order = format!("/order/{}", bought.token);
    let mut next = bought.answer.location().to_owned();
    while let Some(onward) = app.get(&next).await.headers.get(header::LOCATION) {
        next = onward.to_str().unwrap().to_owned();
    }
    let pages = [
        ("what comes after the order", next),
        ("the order", order.clone()),
        ("the receipt", format!("{order}/receipt")),
        ("the checkout", "/buy/guide".to_owned()),
        ("preferences", path(engine::links::preferences_url(&app.engine, &app.site, ada.id))),
        ("unsubscribe", path(engine::links::unsubscribe_url_of(&app.engine, &app.site, ada.id))),
        ("a question", asked),
        ("a magnet", fetched),
    ];
    let check = async |what: &str, page: &str| {
        let answer = app.get(page).await;
        assert_eq!(answer.status, 200, "{what} {page}: {}", answer.body);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{what} {page}");
    };
    for (what, page) in pages {
        check(what, &page).await;
    }
    app.buy("guide", &[("email", "ada@x.test"), ("method", "declines")]).await;
    app.advance_ms(5 * model::times::HOUR_MS).await;
    let mails = app.mails();
    let cart = mails.iter().find(|mail| mail.subject.contains("cart")).expect("a mail of the cart");
    check("the cart", &app.follow(cart, "/cart/").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_a_method_that_no_page_has_is_refused() {
    let app = TestApp::start().await;
    for method in ["TRACE", "CONNECT", "BREW"] {
        let request = app.request(method, "/health").body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.status, 405, "{method}");
    }
    let request = app.request("DELETE", "/admin/sign-in").header("sec-fetch-site", "same-origin");
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 405);
}
