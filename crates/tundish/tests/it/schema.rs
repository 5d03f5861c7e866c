//! `crates/store/schema.sql` is the readable whole, and equal to what the migrations make.

use std::path::PathBuf;

const HEAD: &str =
    "-- The whole schema as the migrations make it on SQLite, to be read: nothing runs it.
-- After a new migration:
--     TUNDISH_TEST_WRITE_SCHEMA=1 cargo test -p tundish --test it schema
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readable_schema_equals_what_the_migrations_make() {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../store/schema.sql"));
    let dir = tempfile::tempdir().unwrap();
    let made = format!("{HEAD}{}", ::store::testing::schema(dir.path()).await.unwrap());
    if std::env::var_os("TUNDISH_TEST_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let different = made.lines().zip(written.lines()).find(|(made, written)| made != written);
    assert!(
        made == written,
        "schema.sql is behind the migrations, first at {different:?}; write it again as its head \
         says"
    );
}
