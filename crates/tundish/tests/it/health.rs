//! The process says that it lives.

use testkit::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_is_healthy_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/health").await.body, "ok");
    assert_eq!(app.get("/ready").await.body, "ok");
    assert_eq!(app.get("/nothing-here").await.status, 404);
}
