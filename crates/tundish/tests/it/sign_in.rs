//! Signing in: by password, by code, by link; and what a first run needs.

use axum::body::Body;
use engine::operators::NewOperator;
use model::audits::Actor;
use model::operators::Role;
use testkit::TestApp;

const PASSWORD: &str = "we water ferns on friday";

async fn owner(app: &TestApp) {
    let new = NewOperator {
        email: "owner@shop.example".to_owned(),
        name: "Maren".to_owned(),
        role: Role::Owner,
        password: Some(PASSWORD.to_owned()),
        sites: Vec::new(),
    };
    engine::operators::add(&app.engine, Actor::Console, new).await.unwrap();
}

async fn try_password(app: &TestApp, email: &str, password: &str) -> testkit::Answer {
    app.post("/admin/sign-in", &[("email", email), ("password", password)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_sent_to_sign_in_and_back_to_where_they_were_going() {
    let app = TestApp::start().await;
    owner(&app).await;
    assert_eq!(app.get("/admin/account").await.location(), "/admin/sign-in?next=/admin/account");
    let page = app.get("/admin/sign-in?next=/admin/account").await;
    assert!(page.body.contains("value=\"&#x2f;admin&#x2f;account\""));
    let answer = app
        .post(
            "/admin/sign-in",
            &[("email", "Owner@Shop.Example"), ("password", PASSWORD), ("next", "/admin/account")],
        )
        .await;
    assert_eq!(answer.location(), "/admin/account");
    assert!(app.get("/admin/account").await.body.contains("Signed-in browsers"));
    assert!(app.get("/admin").await.body.contains("Today"));
    app.post("/admin/sign-out", &[]).await;
    assert_eq!(app.get("/admin").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_and_a_wrong_password_look_the_same() {
    let app = TestApp::start().await;
    owner(&app).await;
    let known = try_password(&app, "owner@shop.example", "not this one at all").await;
    let unknown = try_password(&app, "nobody@shop.example", "not this one at all").await;
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (422, 422));
    assert_eq!(
        known.body.replace("owner@shop.example", "X"),
        unknown.body.replace("nobody@shop.example", "X")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_sign_in_ends_after_eight_hours_and_a_used_one_after_thirty_days() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    for _ in 0..10 {
        app.advance_ms(7 * 3_600_000).await;
        assert_eq!(app.get("/admin").await.status, 200);
    }
    app.advance_ms(8 * 3_600_000).await;
    assert_eq!(app.get("/admin").await.status, 303);

    app.sign_in(Role::Owner).await;
    for _ in 0..102 {
        app.advance_ms(7 * 3_600_000).await;
        app.get("/admin").await;
    }
    app.advance_ms(7 * 3_600_000).await;
    assert_eq!(app.get("/admin").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_link_works_once_and_only_when_its_button_is_pressed() {
    let app = TestApp::start().await;
    owner(&app).await;
    let operator = engine::operators::find(&app.engine, "owner@shop.example").await.unwrap();
    let token =
        engine::operators::sign_in_link(&app.engine, Actor::Console, operator.id).await.unwrap();
    let path = format!("/admin/sign-in/link/{token}");
    for _ in 0..3 {
        assert!(app.get(&path).await.body.contains("Sign in as Maren"));
    }
    assert_eq!(app.post(&path, &[]).await.location(), "/admin");
    app.other_browser();
    assert_eq!(app.post(&path, &[]).await.status, 422);
    assert_eq!(app.get("/admin").await.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_may_look_but_not_change() {
    let app = TestApp::start().await;
    app.sign_in(Role::Viewer).await;
    assert_eq!(app.get("/admin").await.status, 200);
    let request = app.request("GET", "/admin/nothing").body(Body::empty()).unwrap();
    assert_eq!(app.send(request).await.status, 404);
}

/// The admin on a host of its own.
async fn apart() -> TestApp {
    let mut app = TestApp::start().await;
    let settings = web::WebSettings {
        admin_host: Some("admin.example".to_owned()),
        ..web::WebSettings::default()
    };
    let state = web::AppState::with_settings(app.engine.clone(), settings);
    app.router = web::router(state);
    app
}

async fn ask(app: &TestApp, host: &str, path: &str) -> testkit::Answer {
    let request = axum::http::Request::builder().uri(path).header("host", host);
    app.send(request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_with_a_host_of_its_own_answers_there_alone() {
    let app = apart().await;
    for path in ["/admin", "/admin/sign-in", "/admin/contacts.csv", "/admin/setup"] {
        assert_eq!(ask(&app, "shop.example", path).await.status, 404, "{path}");
    }
    assert_eq!(ask(&app, "admin.example:8095", "/admin/setup").await.status, 200);
    assert_eq!(ask(&app, "admin.example", "/").await.location(), "/admin");
    assert!(ask(&app, "admin.example", "/robots.txt").await.body.contains("Disallow: /\n"));
    for path in ["/catalogue", "/p/x", "/f/x", "/buy/x", "/u/x", "/api/v1/contacts"] {
        assert_eq!(ask(&app, "admin.example", path).await.status, 421, "{path}");
    }
    for path in ["/health", "/ready"] {
        assert_eq!(ask(&app, "admin.example", path).await.body, "ok");
    }
    assert_ne!(ask(&app, "shop.example", "/catalogue").await.status, 421);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_is_chosen_where_the_admin_is() {
    let app = apart().await;
    let new = NewOperator {
        email: "ada@shop.example".to_owned(),
        name: "Ada".to_owned(),
        role: Role::Owner,
        password: None,
        sites: vec![app.site.id],
    };
    let ada = engine::operators::add(&app.engine, Actor::Console, new).await.unwrap();
    let request = axum::http::Request::post("/admin/forgot")
        .header("host", "admin.example")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from("email=ada%40shop.example"))
        .unwrap();
    assert_eq!(app.send(request).await.status, 200);
    app.run_until_idle().await;
    let mail = app.mail_to("ada@shop.example");
    assert!(mail.text.contains("://admin.example/admin/password/"), "{}", mail.text);

    // The link that is handed over leads there too.
    let by_hand = async |path: &str| {
        let request = app.request("POST", path).header("sec-fetch-site", "same-origin");
        let mut request = request.body(Body::empty()).unwrap();
        request.headers_mut().insert("host", "admin.example".parse().unwrap());
        app.send(request).await
    };
    let token = engine::operators::sign_in_link(&app.engine, Actor::Console, ada).await.unwrap();
    by_hand(&format!("/admin/sign-in/link/{token}")).await;
    let invited = by_hand(&format!("/admin/operators/{ada}/invite")).await;
    assert_eq!(invited.status, 200, "{}", invited.body);
    let page = invited.plain();
    assert!(page.contains("http://admin.example/admin/password/"), "{page}");
    let link = page.split("http://admin.example").nth(1).unwrap().split(['<', '"']).next();
    assert_eq!(ask(&app, "admin.example", link.unwrap().trim()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_were_not_taken_are_told_to_operators() {
    let mut app = TestApp::start().await;
    let state = web::AppState::new(app.engine.clone());
    app.router = web::router(state.clone());
    app.sign_in(Role::Editor).await;
    state.set_settings_refused(Some("smtp.port is a whole number".to_owned()));
    assert!(app.get("/admin").await.body.contains("smtp.port is a whole number"));
    state.set_settings_refused(None);
    assert!(!app.get("/admin").await.body.contains("smtp.port is a whole number"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_taken_away_while_someone_signs_in_stay_taken_away() {
    let app = TestApp::start().await;
    owner(&app).await;
    let email = "editor@shop.example";
    let new = NewOperator {
        email: email.to_owned(),
        name: "Ed".to_owned(),
        role: Role::Editor,
        password: Some(PASSWORD.to_owned()),
        sites: vec![app.site.id],
    };
    let id = engine::operators::add(&app.engine, Actor::Console, new).await.unwrap();
    let door = engine::sign_in::Door::default();
    // The password is being looked at while the rights go.
    let (_, taken) = tokio::join!(
        engine::sign_in::with_password(&app.engine, door, email, PASSWORD),
        engine::operators::set_rights(
            &app.engine,
            Actor::Console,
            id,
            Role::Viewer,
            vec![app.site.id],
            engine::operators::MaySignIn::No,
        )
    );
    taken.unwrap();
    let now = engine::operators::find(&app.engine, email).await.unwrap();
    assert!(now.disabled && now.role == Role::Viewer);
    let sessions = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::sessions::list_of(session, id).await })
        })
        .await;
    assert!(sessions.unwrap().is_empty());
}
