//! A fresh database for a test, on each of the two kinds.

use std::sync::atomic::{AtomicU32, Ordering};

use store::{Db, Options, Schema};
use tempfile::TempDir;

/// Where to find a PostgreSQL on which databases may be made; absent: those tests are skipped.
pub const POSTGRES_URL: &str = "TUNDISH_TEST_POSTGRES_URL";

static MADE: AtomicU32 = AtomicU32::new(0);

/// A fresh SQLite database and the folder that holds it.
pub async fn sqlite() -> (Db, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("tundish.db").display());
    (Db::connect(&url, Options::main()).await.unwrap(), dir)
}

/// The address of a fresh, empty PostgreSQL database, or `None` with a printed line.
pub async fn postgres_url(test: &str) -> Option<String> {
    let Ok(base) = std::env::var(POSTGRES_URL) else {
        crate::data::skipped(test, &format!("{POSTGRES_URL} is not set"));
        return None;
    };
    Some(fresh_postgres(&base).await)
}

/// Makes an empty database on the PostgreSQL at `base`; its address.
pub async fn fresh_postgres(base: &str) -> String {
    let number = MADE.fetch_add(1, Ordering::SeqCst);
    let name = format!("tundish_test_{}_{number}", std::process::id());
    store::testing::create_database(base, &name).await.unwrap();
    let (server, _) = base.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A fresh PostgreSQL database, or `None` with a printed line.
pub async fn postgres(test: &str) -> Option<Db> {
    let url = postgres_url(test).await?;
    let options = Options { schema: Schema::Main, ..Options::main() };
    Some(Db::connect(&url, options).await.unwrap())
}

/// Makes two tests of one body: `NAME::sqlite` and `NAME::postgres`. The body is an
/// `async fn(db: store::Db)`.
#[macro_export]
macro_rules! both {
    ($name:ident, $body:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let (db, _dir) = $crate::databases::sqlite().await;
                super::$body(db).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let test = concat!(stringify!($name), "::postgres");
                let Some(db) = $crate::databases::postgres(test).await else { return };
                super::$body(db).await;
            }
        }
    };
}
