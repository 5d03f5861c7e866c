//! R: the API.

use axum::body::Body;
use axum::http::{Request, header};
use engine::keys::NewKey;
use model::keys::Scope;
use serde_json::{Value, json};
use testkit::{Answer, TestApp};

async fn key(app: &TestApp, scopes: &[Scope]) -> String {
    let new = NewKey { name: "test".to_owned(), scopes: scopes.to_vec(), expires_at: None };
    engine::keys::make(&app.engine, app.site.id, None, new).await.unwrap().1
}

fn asked(app: &TestApp, method: &str, path: &str, key: &str) -> axum::http::request::Builder {
    let _ = app;
    Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::HOST, "shop.example")
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
}

async fn get(app: &TestApp, path: &str, key: &str) -> Answer {
    app.send(asked(app, "GET", path, key).body(Body::empty()).unwrap()).await
}

async fn send(app: &TestApp, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let request = asked(app, method, path, key).header(header::CONTENT_TYPE, "application/json");
    app.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r01_a_key_must_hold_and_stand_in_its_header() {
    let app = TestApp::start().await;
    let good = key(&app, &[Scope::ContactsRead]).await;
    assert_eq!(get(&app, "/contacts", &good).await.status, 200);
    for wrong in ["", "tun_", "tun_AAAA", &good.replace("tun_", ""), &format!("{good}x")] {
        let answer = get(&app, "/contacts", wrong).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
    let request = Request::builder()
        .uri(format!("/api/v1/contacts?key={good}"))
        .header(header::HOST, "shop.example");
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status.as_u16(), json_of(&answer)["code"].as_str()),
        (401, Some("key_in_query"))
    );
    // Revoked, it is over at once.
    let hash = model::tokens::hash_secret(
        &model::tokens::secret_bytes(good.trim_start_matches("tun_")).unwrap(),
    );
    let site = app.site.id;
    let found = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::keys::find_by_hash(session, site, &hash).await })
        })
        .await
        .unwrap()
        .unwrap();
    let actor = model::audits::Actor::Console;
    engine::keys::revoke(&app.engine, site, actor, found.id).await.unwrap();
    assert_eq!(get(&app, "/contacts", &good).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r02_a_post_sent_again_gets_its_first_answer() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsWrite]).await;
    let post = async |name: &str, body: &str| {
        let request = asked(&app, "POST", "/contacts", &key)
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", name);
        app.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let body = r#"{"email": "iris@example.com"}"#;
    let first = post("one", body).await;
    assert_eq!(first.status, 201);
    let again = post("one", body).await;
    assert_eq!((again.status.as_u16(), &again.body), (201, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = post("one", r#"{"email": "noor@example.com"}"#).await;
    assert_eq!(other.status, 422);
    assert_eq!(json_of(&other)["code"], "idempotency_reused");
    // A refusal is an answer too; after a day the key is free.
    assert_eq!(post("two", body).await.status, 409);
    assert_eq!(post("two", body).await.headers["idempotent-replayed"], "true");
    app.engine.clock().advance_ms(25 * 3_600_000);
    assert!(!post("two", body).await.headers.contains_key("idempotent-replayed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r03_a_body_is_read_strictly_and_the_mistake_is_pointed_at() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsWrite]).await;
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let unreadable =
        ["", "{", "NaN", r#"{"email": "a@b.example"} x"#, r#"{"email": "\ud800"}"#, &deep];
    for body in unreadable {
        let answer = send(&app, "POST", "/contacts", &key, body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{body:.30} {}", answer.status);
    }
    let pointed = [
        (r#"{"email": "a@b.example", "email": "c@d.example"}"#, ""),
        (r#"{"email": "a@b.example", "fields": {"a": "1", "a": "2"}}"#, "/fields"),
        (r#"{"email": "a@b.example", "fields": {"a": 1e400}}"#, "/fields/a"),
        (r#"{"email": "a@b.example", "tags": ["x", 5]}"#, "/tags/1"),
        (r#"{"email": "nobody"}"#, "/email"),
    ];
    for (body, place) in pointed {
        let answer = send(&app, "POST", "/contacts", &key, body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 422), "{body} {}", answer.status);
        let field = json_of(&answer)["errors"][0]["field"].as_str().unwrap().to_owned();
        assert!(field.starts_with(place), "{body}: {field}");
    }
    let request = asked(&app, "POST", "/contacts", &key).header(header::CONTENT_TYPE, "text/plain");
    let answer = app.send(request.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.status, 415);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r04_what_a_program_may_not_set_is_refused_not_ignored() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsWrite]).await;
    for member in ["role", "site_id", "confirmed_at", "status", "is_admin"] {
        let body = json!({ "email": "iris@example.com", member: "confirmed" }).to_string();
        let answer = send(&app, "POST", "/contacts", &key, &body).await;
        assert_eq!(answer.status, 422, "{member}");
        assert!(json_of(&answer)["detail"].as_str().unwrap().contains(member));
    }
    assert_eq!(get(&app, "/contacts?sort=(select+1)", &key).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r05_what_is_absent_stays_and_null_clears() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsRead, Scope::ContactsWrite]).await;
    let body = r#"{"email": "iris@example.com", "first_name": "Iris", "last_name": "C",
        "fields": {"garden": "balcony", "pots": "7"}, "tags": ["fern"], "external_id": "42"}"#;
    let made = json_of(&send(&app, "POST", "/contacts", &key, body).await);
    let path = format!("/contacts/{}", made["id"].as_str().unwrap());
    let change = r#"{"last_name": null, "fields": {"pots": null}}"#;
    let changed = json_of(&send(&app, "PATCH", &path, &key, change).await);
    assert_eq!(changed["first_name"], "Iris");
    assert_eq!(changed["last_name"], "");
    assert_eq!(changed["fields"], json!({"garden": "balcony"}));
    assert_eq!(changed["tags"], json!(["fern"]));
    assert_eq!(changed["external_id"], "42");
    // By address: made or changed.
    let put = send(&app, "PUT", "/contacts/by-email/IRIS@example.com", &key, "{}").await;
    assert_eq!((put.status.as_u16(), json_of(&put)["id"].clone()), (200, made["id"].clone()));
    let put = send(&app, "PUT", "/contacts/by-email/new%2Btag@example.com", &key, "{}").await;
    assert_eq!(put.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r06_an_altered_cursor_is_refused_and_a_page_is_bounded() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsRead, Scope::ContactsWrite, Scope::OrdersRead]).await;
    for n in 0..5 {
        let body = format!(r#"{{"email": "p{n}@example.com"}}"#);
        assert_eq!(send(&app, "POST", "/contacts", &key, &body).await.status, 201);
    }
    let mut seen = Vec::new();
    let mut path = "/contacts?limit=2".to_owned();
    loop {
        let page = json_of(&get(&app, &path, &key).await);
        for item in page["items"].as_array().unwrap() {
            seen.push(item["email"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/contacts?limit=2&cursor={next}");
    }
    assert_eq!(seen.len(), 5);
    let page = json_of(&get(&app, "/contacts?limit=2", &key).await);
    let cursor = page["next_cursor"].as_str().unwrap();
    let altered = format!("{}x", &cursor[..cursor.len() - 1]);
    assert_eq!(get(&app, &format!("/contacts?cursor={altered}"), &key).await.status, 400);
    assert_eq!(get(&app, &format!("/orders?cursor={cursor}"), &key).await.status, 400);
    assert_eq!(get(&app, "/contacts?limit=1000000000", &key).await.status, 200);
    assert_eq!(get(&app, "/contacts?limit=99999999999999999999", &key).await.status, 200);
    assert_eq!(get(&app, "/contacts?limit=0", &key).await.status, 400);
    assert_eq!(get(&app, "/contacts?limit=-1", &key).await.status, 400);
    assert_eq!(get(&app, "/contacts?sort=(select+1)", &key).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r07_a_key_above_its_rate_waits_and_others_do_not() {
    let app = TestApp::start().await;
    let busy = key(&app, &[Scope::ContactsRead]).await;
    let calm = key(&app, &[Scope::ContactsRead]).await;
    let mut last = get(&app, "/contacts", &busy).await;
    for _ in 0..600 {
        last = get(&app, "/contacts", &busy).await;
    }
    assert_eq!(last.status, 429);
    assert!(last.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(get(&app, "/contacts", &calm).await.status, 200);
    app.engine.clock().advance_ms(60_000);
    assert_eq!(get(&app, "/contacts", &busy).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r09_no_other_origin_is_let_in() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsRead]).await;
    let request =
        asked(&app, "GET", "/contacts", &key).header(header::ORIGIN, "http://evil.example");
    let answer = app.send(request.body(Body::empty()).unwrap()).await;
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r11_a_change_over_another_one_is_refused() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsRead, Scope::ContactsWrite]).await;
    let made = send(&app, "POST", "/contacts", &key, r#"{"email": "iris@example.com"}"#).await;
    let path = format!("/contacts/{}", json_of(&made)["id"].as_str().unwrap());
    let tag = get(&app, &path, &key).await.headers[header::ETAG].to_str().unwrap().to_owned();
    let change = async |tag: &str| {
        app.engine.clock().advance_ms(5);
        let request = asked(&app, "PATCH", &path, &key)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, tag);
        let body = Body::from(r#"{"first_name": "Iris"}"#);
        app.send(request.body(body).unwrap()).await.status
    };
    assert_eq!(change(&tag).await, 200);
    assert_eq!(change(&tag).await, 412);
    assert_eq!(change("*").await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r12_an_instant_needs_its_zone() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::KeysWrite, Scope::ContactsRead]).await;
    let make = async |until: &str| {
        let body = json!({"name": "x", "scopes": ["contacts:read"], "expires_at": until});
        send(&app, "POST", "/keys", &key, &body.to_string()).await
    };
    for wrong in ["2026-11-21T20:00:00", "tomorrow", "+10000-01-01T00:00:00Z"] {
        let answer = make(wrong).await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(json_of(&answer)["detail"].as_str().unwrap().contains("2026-11-21T20:00:00Z"));
    }
    let made = make("2026-11-21T20:00:00Z").await;
    assert_eq!(made.status, 201);
    let token = json_of(&made)["token"].as_str().unwrap().to_owned();
    assert_eq!(get(&app, "/contacts", &token).await.status, 200);
    // A key cannot give what it has not.
    let body = r#"{"name": "x", "scopes": ["orders:read"]}"#;
    assert_eq!(send(&app, "POST", "/keys", &key, body).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_ids_of_another_kind_or_another_site_name_nothing() {
    let app = TestApp::start().await;
    let key = key(&app, &[Scope::ContactsRead, Scope::OrdersRead, Scope::MessagesRead]).await;
    let other = model::ids::ContactId(app.engine.next_id()).to_string();
    for path in [
        "/contacts/-1".to_owned(),
        "/contacts/5".to_owned(),
        format!("/contacts/{other}"),
        format!("/orders/{other}"),
        format!("/messages/{}", other.replace("con_", "msg_")),
        "/nothing".to_owned(),
    ] {
        let answer = get(&app, &path, &key).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(json_of(&answer)["code"], "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_description_names_every_route_and_nothing_else() {
    let app = TestApp::start().await;
    let request =
        Request::builder().uri("/api/v1/openapi.json").header(header::HOST, "shop.example");
    let served = app.send(request.body(Body::empty()).unwrap()).await;
    let described = json_of(&served);
    let paths = described["paths"].as_object().unwrap();
    assert!(paths.len() >= 8, "{paths:?}");
    let all = Scope::ALL.to_vec();
    let key = key(&app, &all).await;
    for (path, methods) in paths {
        let path = path.replace("{id}", "x_0000000000001").replace("{email}", "a@b.example");
        for method in methods.as_object().unwrap().keys() {
            let answer = send(&app, &method.to_uppercase(), &path, &key, "{}").await;
            assert_ne!(answer.status, 405, "{method} {path}");
            let body = json_of(&answer);
            assert!(body["code"] != "not_found" || body["detail"] != "there is no such address");
        }
        // What is not described is not there.
        assert_eq!(send(&app, "OPTIONS", &path, &key, "").await.status, 405, "{path}");
    }
}
