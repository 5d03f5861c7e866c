//! Kills the real program at random moments, again and again, and counts what came of it. The
//! integration tests run a little of it, `cargo xtask kill` as much as is asked for.

pub mod checkout;
pub mod send;

use std::time::Duration;

use engine::Rng;
use store::{Db, StoreError};

/// The soonest and the latest moment of a kill after the server listens, in milliseconds.
const KILL_AFTER_MS: (u64, u64) = (50, 500);

/// Waits for the random moment at which the program dies.
pub(crate) async fn wait_for_the_moment(rng: &Rng) {
    let (first, last) = KILL_AFTER_MS;
    let ms = first + rng.below(last - first + 1);
    tokio::time::sleep(Duration::from_millis(ms)).await; // waits for a process
}

/// One number of a query.
pub async fn number(db: &Db, sql: &'static str) -> i64 {
    let found = db
        .reader()
        .read::<i64, StoreError, _>(move |session| {
            Box::pin(async move { session.query(sql).one().await })
        })
        .await;
    found.unwrap()
}

/// What the program's own checks find wrong.
pub async fn findings(db: &Db) -> Vec<String> {
    let found = engine::verify::run(&db.reader()).await.unwrap();
    found.into_iter().map(|f| format!("{}: {} {}", f.check, f.subject, f.found)).collect()
}
