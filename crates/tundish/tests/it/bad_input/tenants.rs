//! A6: ids of another site, in every admin route there is; A17, A18.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use engine::operators::NewOperator;
use model::audits::Actor;
use model::operators::Role;
use model::sites::Site;
use model::{EmailAddr, SiteId};
use testkit::TestApp;

/// Every admin route with an id in it, read from the source, so that none is forgotten.
fn routes() -> BTreeSet<(String, bool)> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/routes.rs");
    let mut text = std::fs::read_to_string(source).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/routes");
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    let mut found = BTreeSet::new();
    for part in text.split(".route(").skip(1) {
        let path = part.split('"').nth(1).unwrap();
        // What signs in has a token, not an id; one's own account is not of a site.
        let of_site = path.starts_with("/admin/")
            && path.contains('{')
            && !path.contains("{token}")
            && !path.starts_with("/admin/account");
        if of_site {
            let methods = part.split('"').nth(2).unwrap();
            if methods.contains("get(") {
                found.insert((path.to_owned(), false));
            }
            if methods.contains("post(") {
                found.insert((path.to_owned(), true));
            }
        }
    }
    found
}

async fn other_site(app: &TestApp) -> Site {
    let site = Site {
        id: SiteId(0),
        slug: "other".to_owned(),
        name: "The Other Shop".to_owned(),
        base_url: "http://other.example".to_owned(),
        ..app.site.clone()
    };
    let hosts = vec!["other.example".to_owned()];
    let id = engine::sites::put(&app.engine, site.clone(), hosts).await.unwrap();
    Site { id, ..site }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a06_ids_of_another_site_name_nothing_in_any_admin_route() {
    let app = TestApp::start().await;
    let other = other_site(&app).await;
    let address = EmailAddr::parse("theirs@example.com").unwrap();
    let theirs = engine::care::add(&app.engine, Actor::Console, &other, &address).await.unwrap();
    let number = theirs.id.to_string();
    let (_, number) = number.split_once('_').unwrap();
    app.sign_in(Role::Admin).await;
    // Another site cannot even be put in view.
    let switched = app.post("/admin/site", &[("site", &other.id.to_string())]).await;
    assert_eq!(switched.status, 404);
    let routes = routes();
    assert!(routes.len() >= 10, "{routes:?}");
    let kinds = [
        "con", "ord", "msg", "frm", "mag", "seq", "tpl", "prd", "ofr", "pth", "cpn", "pag", "imp",
        "key", "ref", "fil", "spd", "enr", "sub", "job", "run",
    ];
    for (route, posts) in routes {
        for kind in kinds {
            let id = format!("{kind}_{number}");
            let parts = route
                .split('/')
                .map(|part| if part.starts_with('{') { id.clone() } else { part.to_owned() });
            let path = parts.collect::<Vec<_>>().join("/");
            let answer = if posts { app.post(&path, &[]).await } else { app.get(&path).await };
            let status = answer.status.as_u16();
            assert!(
                matches!(status, 400 | 404 | 415 | 422) || status == 303 && kind != "con",
                "{path} {posts}: {status}"
            );
            assert!(!answer.body.contains("theirs@example.com"), "{path}");
        }
    }
    // In its own site it is there.
    let path = format!("/admin/contacts/{}", theirs.id);
    assert_eq!(app.get(&path).await.status, 404);
    app.sign_in(Role::Owner).await;
    app.post("/admin/site", &[("site", &other.id.to_string())]).await;
    assert!(app.get(&path).await.body.contains("theirs@example.com"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a06_an_admin_of_one_site_reaches_no_operator_of_another() {
    let app = TestApp::start().await;
    let other = other_site(&app).await;
    let new = |email: &str, sites: Vec<SiteId>| NewOperator {
        email: email.to_owned(),
        name: String::new(),
        role: Role::Editor,
        password: None,
        sites,
    };
    let add = async |new| engine::operators::add(&app.engine, Actor::Console, new).await.unwrap();
    let theirs = add(new("theirs@example.com", vec![other.id])).await;
    let both = add(new("both@example.com", vec![app.site.id, other.id])).await;
    let ours = add(new("ours@example.com", vec![app.site.id])).await;
    app.sign_in(Role::Admin).await;
    let rights = [("role", "viewer"), ("may_sign_in", "on")];
    for id in [theirs, both] {
        let path = format!("/admin/operators/{id}");
        assert_eq!(app.get(&path).await.status, 404);
        assert_eq!(app.post(&path, &rights).await.status, 404);
        assert_eq!(app.post(&format!("{path}/invite"), &[]).await.status, 404);
    }
    let list = app.get("/admin/operators").await.body;
    assert!(list.contains("ours@example.com") && !list.contains("theirs@"), "{list}");
    let path = format!("/admin/operators/{ours}/invite");
    assert!(app.post(&path, &[]).await.plain().contains("/admin/password/"));
    // What holds for every site is the owner's to see and to do.
    assert_eq!(app.get("/admin/audits?scope=installation").await.status, 403);
    for act in ["continue", "sent-before", "copy"] {
        assert_eq!(app.post("/admin/sending/act", &[("act", act)]).await.status, 403, "{act}");
    }
    app.sign_in(Role::Owner).await;
    let log = app.get("/admin/audits?scope=installation").await.body;
    assert!(log.contains("operator.link_made") && log.contains("The admin"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a17_a_database_that_is_down_is_a_plain_page_that_says_when_to_come_back() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let db = app.engine.db().clone();
    db.write::<_, store::StoreError, _>(|tx| {
        Box::pin(async move { tx.query("alter table sessions rename to gone").run().await })
    })
    .await
    .unwrap();
    let answer = app.get("/admin").await;
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert!(answer.body.contains("Nothing was lost") && answer.body.contains("req_"));
    for inside in ["sessions", "select", "sqlite", "panic", ".rs"] {
        assert!(!answer.body.to_lowercase().contains(inside), "{inside}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a18_a_reset_says_the_same_to_all_and_its_link_works_once_for_half_an_hour() {
    let app = TestApp::start().await;
    let new = NewOperator {
        email: "owner@shop.example".to_owned(),
        name: "Maren".to_owned(),
        role: Role::Owner,
        password: Some("we water ferns on friday".to_owned()),
        sites: Vec::new(),
    };
    engine::operators::add(&app.engine, Actor::Console, new).await.unwrap();
    // Asked at another name of the site, and with one it does not have: the link is not led away.
    let site = app.site.clone();
    engine::sites::put(&app.engine, site, vec!["other.example".to_owned()]).await.unwrap();
    let request = app
        .request("POST", "/admin/forgot")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example");
    let mut request = request.body(Body::from("email=owner%40shop.example")).unwrap();
    request.headers_mut().insert(header::HOST, "other.example".parse().unwrap());
    let known = app.send(request).await;
    assert_eq!(known.status, 200, "{}", known.body);
    let unknown = app.post("/admin/forgot", &[("email", "nobody@shop.example")]).await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    app.run_until_idle().await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1);
    let text = format!("{:?}", mails[0]);
    assert!(!text.contains("other.example") && !text.contains("evil.example"), "{text}");
    let after = text.split("http://shop.example/admin/password/").nth(1).unwrap();
    let token: String =
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let path = format!("/admin/password/{token}");
    assert_eq!(app.get(&path).await.status, 200);
    assert_eq!(app.post(&path, &[("password", "short")]).await.status, 422);
    let fields = [("password", "the ferns are dry on monday")];
    assert_eq!(app.post(&path, &fields).await.location(), "/admin/sign-in");
    assert_eq!(app.post(&path, &fields).await.status, 422);
    app.post("/admin/forgot", &[("email", "owner@shop.example")]).await;
    app.run_until_idle().await;
    let text = format!("{:?}", app.mails().last().unwrap());
    let after = text.split("/admin/password/").nth(1).unwrap();
    let token: String =
        after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    app.engine.clock().advance_ms(31 * 60_000);
    let late = format!("/admin/password/{token}");
    assert_eq!(app.get(&late).await.status, 422);
    let fields = [("password", "the ferns are wet on sunday")];
    assert_eq!(app.post(&late, &fields).await.status, 422);
    let sign_in = [("email", "owner@shop.example"), ("password", "the ferns are wet on sunday")];
    assert_eq!(app.post("/admin/sign-in", &sign_in).await.status, 422);
}
