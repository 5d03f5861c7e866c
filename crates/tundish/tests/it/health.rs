//! The process says that it lives.

use axum::body::Body;
use axum::http::header;
use engine::keys::NewKey;
use model::keys::Scope;
use testkit::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_is_healthy_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/health").await.body, "ok");
    assert_eq!(app.get("/ready").await.body, "ok");
    assert_eq!(app.get("/nothing-here").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_of_the_process_are_for_keys_that_may_see_them() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/metrics").await.status, 401);
    for (scope, status) in [(Scope::ContactsRead, 403), (Scope::MetricsRead, 200)] {
        let new = NewKey { name: "The watcher".to_owned(), scopes: vec![scope], expires_at: None };
        let key = engine::keys::make(&app.engine, app.site.id, None, new).await.unwrap().1;
        let request = app
            .request("GET", "/metrics")
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .body(Body::empty());
        let answer = app.send(request.unwrap()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body.contains("tundish_messages{state=\"queued\""), status == 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said_in_the_look_of_the_site() {
    let app = TestApp::start().await;
    for path in ["/nothing-here", "/order/nothing-here", "/buy/nothing-here"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Back to The Test Shop"), "{path}: {}", answer.body);
        assert!(answer.body.contains("/theme.css") && !answer.body.contains("Tundish"), "{path}");
    }
    assert!(!app.get("/admin/nothing-here").await.body.contains("/theme.css"));
}
