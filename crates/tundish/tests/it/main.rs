//! The one integration binary: the real router, a real database, a clock that stands still.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::zombie_processes,
    reason = "a test that cannot go on should stop where it stands; a story is read in one piece"
)]

/// Stories of an app, `name: body`, each told on both databases.
macro_rules! both_apps {
    ($($name:ident: $body:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$body(testkit::TestApp::start().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let test = concat!(stringify!($name), "::postgres");
                let Some(url) = testkit::databases::postgres_url(test).await else { return };
                let dir = tempfile::tempdir().unwrap();
                super::$body(testkit::TestApp::start_on(&url, dir).await).await;
            }
        }
    )+};
}

mod audits;
mod background;
mod bad_input;
mod browser;
mod channels;
mod cli;
mod contacts;
mod delivery;
mod follow_up;
mod health;
mod kills;
mod learned;
mod numbers;
mod pages;
mod people;
mod rotation;
mod schema;
mod scores;
mod shop;
mod sign_in;
mod simulation;
mod statements;
mod store;
mod tidy;
