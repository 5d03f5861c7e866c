//! Every SQL text of the store prepares on both databases, found by reading the store's source.

use std::path::{Path, PathBuf};

use ::store::{Db, StoreError};

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// String literals that begin like a statement, with the field name before them if there is one.
fn statements(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let before = rest[..at].trim_end().to_owned();
        let body = &rest[at + 1..];
        let mut end = 0;
        let bytes = body.as_bytes();
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        let literal = body.get(..end).unwrap_or_default();
        let begins = ["select ", "insert ", "update ", "delete ", "with "];
        if begins.iter().any(|word| literal.starts_with(word)) && literal.len() > 12 {
            let field = before.rsplit([' ', '\n', '{']).next().unwrap_or_default();
            let field = field.trim_end_matches(':').to_owned();
            found.push((field, literal.replace("\\\n", " ").replace("\\\"", "\"")));
        }
        rest = body.get(end + 1..).unwrap_or_default();
    }
    found
}

async fn prepare_all(db: Db, other: &'static str) {
    let mut files = Vec::new();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../store/src");
    sources(Path::new(source), &mut files);
    let skipped = ["migrate.rs", "testing.rs", "dialect.rs", "verify_only_sqlite.rs"];
    let mut count = 0;
    for file in files {
        if skipped.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for (field, sql) in statements(&text) {
            if field == other {
                continue;
            }
            count += 1;
            let shown = format!("{}: {sql}", file.file_name().unwrap().display());
            db.reader()
                .read::<_, StoreError, _>(move |session| {
                    Box::pin(async move { session.prepare_only(&sql).await })
                })
                .await
                .unwrap_or_else(|e| panic!("{shown}\n{e}"));
        }
    }
    assert!(count > 20, "the statements were found by reading the source; only {count} were");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_prepares_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("all.db").display());
    let db = Db::connect(&url, store::Options::main()).await.unwrap();
    let views = store::Options { schema: store::Schema::Views, ..store::Options::main() };
    let db2 = Db::connect(&url, views).await.unwrap();
    drop(db);
    prepare_all(db2, "postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_prepares_on_postgres() {
    let test = "every_statement_prepares_on_postgres";
    let Some(url) = testkit::databases::postgres_url(test).await else { return };
    let db = Db::connect(&url, store::Options::main()).await.unwrap();
    let views = store::Options { schema: store::Schema::Views, ..store::Options::main() };
    let db2 = Db::connect(&url, views).await.unwrap();
    drop(db);
    prepare_all(db2, "sqlite").await;
}
