//! The shop, from the checkout to the second sale, through its pages and past them.

mod admin;
mod also_bought;
mod carts;
mod chance;
mod crashes;
mod crowds;
mod past;
mod refunds;
mod road;
mod suggested;
mod uploads;

use testkit::TestApp;

/// The application on SQLite, and on PostgreSQL where there is one.
pub async fn on_both(test: &str) -> Vec<TestApp> {
    let mut apps = vec![TestApp::start().await];
    if let Some(url) = testkit::databases::postgres_url(test).await {
        apps.push(TestApp::start_on(&url, tempfile::tempdir().unwrap()).await);
    }
    apps
}

/// Asserts that every promise holds.
pub async fn is_sound(app: &TestApp) {
    let findings = app.findings().await;
    assert!(findings.is_empty(), "{findings:#?}");
}
