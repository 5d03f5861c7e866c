//! Every SQL text of the store prepares on both databases and walks no whole site on SQLite, found
//! by reading the store's source.

use std::path::{Path, PathBuf};

use ::store::statistics::GROWING;
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

/// A statement as the source has it.
struct Found {
    /// File and constant, `orders/OF_CONTACT`; `verify` is one for all of its checks.
    place: String,
    /// Which database it is for, where it differs.
    field: String,
    sql: String,
}

/// Every statement of the store.
fn all() -> Vec<Found> {
    let mut files = Vec::new();
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../store/src"));
    sources(source, &mut files);
    let skipped = ["migrate.rs", "testing.rs", "dialect.rs", "statistics.rs"];
    let mut found = Vec::new();
    for file in files {
        if skipped.iter().any(|name| file.ends_with(name)) {
            continue;
        }
        let short = file.strip_prefix(source).unwrap().with_extension("");
        found.extend(statements(&short.display().to_string(), &read(&file)));
    }
    assert!(found.len() > 400, "the statements were found by reading the source");
    found
}

/// A file without its own tests.
fn read(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    spelled(text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default())
}

/// Statements that a macro of their file makes (`concat!` of its pieces, its arguments between them)
/// written where it is called.
fn spelled(text: &str) -> String {
    let mut text = text.to_owned();
    let mut from = 0;
    while let Some(at) = text[from..].find("macro_rules! ").map(|at| from + at) {
        let (name, rest) = text[at + "macro_rules! ".len()..].split_once(' ').unwrap();
        let body = rest.split("\n}\n").next().unwrap();
        let Some((head, pieces)) = body.split_once("concat!(") else {
            from = at + 1;
            continue;
        };
        let named = |part: &str| part.split(':').next().unwrap_or_default().to_owned();
        let names: Vec<String> = head.split('$').skip(1).map(named).collect();
        let call = format!("{name}!(");
        let mut made = text.replacen(body, "", 1);
        while let Some((before, after)) = made.split_once(&call) {
            let (given, after) = arguments(after);
            let whole = filled(pieces, &names, &given);
            made = format!("{before}\"{whole}\"{after}");
        }
        (text, from) = (made, at + 1);
    }
    text
}

/// The literals of a call up to its bracket, and what follows that.
fn arguments(mut rest: &str) -> (Vec<&str>, &str) {
    let mut given = Vec::new();
    loop {
        let after = &rest[rest.find(['"', ')']).unwrap()..];
        match after.strip_prefix(')') {
            Some(after) => return (given, after),
            None => {
                let (literal, after) = after[1..].split_once('"').unwrap();
                given.push(literal);
                rest = after;
            }
        }
    }
}

/// The pieces of a `concat!`, with what is given in the place of names.
fn filled(pieces: &str, names: &[String], given: &[&str]) -> String {
    let mut whole = String::new();
    for (nth, part) in pieces.split('"').enumerate() {
        if nth % 2 == 1 {
            whole.push_str(part);
            continue;
        }
        for name in part.split('$').skip(1) {
            let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
            let at = names.iter().position(|one| *one == name).unwrap();
            whole.push_str(given[at]);
        }
    }
    whole
}

#[test]
fn statements_of_a_macro_are_found_where_it_is_called() {
    let text = "macro_rules! by {\n    ($at:literal) => {\n        concat!(\"select a order by \", \
        $at, \" limit \", $at, \"\")\n    };\n}\nconst A: &str = by!(\"a.x\");\nconst B: &str = \
        by!(\"a.y\");\n";
    let found = statements("file", &spelled(text));
    let found: Vec<(&str, &str)> =
        found.iter().map(|one| (one.place.as_str(), one.sql.as_str())).collect();
    let wanted = [
        ("file/A", "select a order by a.x limit a.x"),
        ("file/B", "select a order by a.y limit a.y"),
    ];
    assert_eq!(found, wanted);
    let text = "macro_rules! of {\n    ($a:literal, $b:literal) => {\n        concat!(\"select \", $a, \
        \" from t \", $b)\n    };\n}\nconst A: &str = of!(\n    \"x, count(*)\",\n    \"group by x\"\n);\n";
    assert_eq!(statements("file", &spelled(text))[0].sql, "select x, count(*) from t group by x");
}

/// String literals that begin like a statement.
fn statements(file: &str, text: &str) -> Vec<Found> {
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
            let before = &text[..text.len() - rest.len() + at];
            let name = before.rsplit_once("const ").map_or("", |(_, after)| after);
            let name = name.split(':').next().unwrap_or_default();
            let sql = literal.replace("\\\n", " ").replace("\\\"", "\"");
            found.push(Found { place: format!("{file}/{name}"), field, sql });
        }
        rest = body.get(end + 1..).unwrap_or_default();
    }
    found
}

async fn prepare_all(db: Db, other: &'static str) {
    for Found { place, field, sql } in all() {
        if field == other {
            continue;
        }
        let shown = format!("{place}: {sql}");
        db.reader()
            .read::<_, StoreError, _>(move |session| {
                Box::pin(async move { session.prepare_only(&sql).await })
            })
            .await
            .unwrap_or_else(|e| panic!("{shown}\n{e}"));
    }
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

/// Tables of what somebody set up, or of days: some hundreds of rows.
const SET_UP: &[&str] = &[
    "api_keys",
    "audit_heads",
    "channel_rules",
    "cohort_cells",
    "counters",
    "file_parts",
    "files",
    "fits",
    "form_days",
    "form_versions",
    "forms",
    "import_undos",
    "imports",
    "link_days",
    "links",
    "magnets",
    "mail_days",
    "meta",
    "migrations",
    "nodes",
    "offers",
    "operator_links",
    "operator_sites",
    "operators",
    "page_versions",
    "page_view_sums",
    "pages",
    "path_levels",
    "paths",
    "product_files",
    "product_pairs",
    "product_pins",
    "product_tops",
    "products",
    "rolled_days",
    "rolled_months",
    "learned_scores",
    "score_rules",
    "score_states",
    "segments",
    "sequence_runs",
    "sequence_versions",
    "sequences",
    "sessions",
    "short_links",
    "site_hosts",
    "sites",
    "spends",
    "stage_days",
    "stage_months",
    "balances",
    "template_versions",
    "templates",
    "view_left_out_days",
    "topics",
    "value_cells",
    "view_days",
    "view_ids",
    "view_origins",
    "view_pages",
    "view_salts",
    "wordings",
];

/// Statements that look at a table of a whole site (or more) because that is the question.
const WALKS: &[(&str, &str)] = &[
    ("clicks/HUMANS_OF_SOURCE", "the human clicks alone, for one page of the admin"),
    ("clicks/HUMANS_OF_VERSION", "the human clicks alone, for one page of the admin"),
    ("customer_sums/REWARD_ROWS", "the index of orders that took off a reward alone"),
    ("customer_sums/REWARDS", "the index of orders that took off a reward alone"),
    ("customer_sums/OF_NOTHING", "all sums compared"),
    ("customer_sums/DELETE_OF_NOTHING", "a rebuild of all sums"),
    ("customer_figures/LOST", "a rebuild of all figures"),
    ("customer_figures/STRAY", "a rebuild of all figures"),
    ("journeys/FIRST_END", "the first entry of the index"),
    ("journeys/MARKED", "the first of those that wait"),
    ("learned_scores/FORGET_ALL", "the chances of the lesson before, once a week"),
    ("learned_scores/LIKELIEST", "the last so many entries of the index"),
    ("magnets/COUNTS", "what each free thing ever brought"),
    ("messages/lists/ACCEPTED_UP_TO", "some hundreds of entries of the index, then it ends"),
    ("messages/lists/LIST_FEW_ACCEPTED", "asked where there are no more than some hundreds"),
    ("messages/lists/NEXT_DUE", "the first entry of the index of what waits"),
    ("messages/lists/QUEUED", "what waits is counted"),
    ("messages/sweeps/CANCEL_DUE", "once, after a restore"),
    ("nodes/LAST_EVENT", "the last entry of each site, once, at the start"),
    ("order_figures/FIRST", "the first entry of the index"),
    ("order_figures/LAST", "the last entry of the index"),
    ("order_figures/DELETE_LOST", "a rebuild of all figures"),
    ("order_figures/DELETE_LOST_OFFERS", "a rebuild of all figures"),
    ("order_offers/COUNTS", "what each offer ever brought"),
    ("product_pairs/COUNT_BUYERS", "counted anew from everything sold"),
    ("product_pairs/COUNT_PAIRS", "counted anew from everything sold"),
    ("product_pairs/MOST_HELD", "counted anew from everything sold"),
    ("reconciliation/FIRST_PAID", "the first entry of the index"),
    ("scores/NEWEST", "the last entry of the key"),
    ("scores/NEWEST_CONTACTS", "the last so many entries of the key"),
    ("tags/NAMES", "the first entry of the index"),
    ("test_charges/COUNT", "the test provider's own rows"),
    ("today/IN_REVIEW", "the index of what waits for a look alone"),
    ("visits/FORGET_BEFORE", "once an hour, the visits of 400 days"),
    ("topics/COUNTS", "how many follow each topic"),
];

/// The growing tables that a statement calls `name`.
fn is_growing(sql: &str, name: &str) -> bool {
    let words: Vec<&str> =
        sql.split([' ', '\n', '(', ')', ',']).filter(|w| !w.is_empty()).collect();
    let names = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        before.is_some_and(|word| ["from", "join", "update", "into"].contains(word))
    };
    GROWING.iter().any(|table| {
        let mut places = (0..words.len()).filter(|at| words[*at] == *table && names(*at));
        places.any(|at| *table == name || words.get(at + 1) == Some(&name))
    })
}

/// A range that begins where nothing ends: `x is not null` is shown as `x>?`.
fn is_of_all_set(sql: &str, line: &str) -> bool {
    let Some((_, last)) = line.rsplit_once("(site_id=? AND ") else { return false };
    let Some(column) = last.strip_suffix(">?)") else { return false };
    let says = |what: &str| sql.contains(&format!("{column} {what}"));
    says("is not null") && !says(">")
}

/// A line of a plan that goes through a growing table from end to end of a site.
fn walks(sql: &str, line: &str) -> bool {
    let mut words = line.split(' ');
    let verb = words.next().unwrap_or_default();
    let table = words.next().unwrap_or_default();
    let by_site_alone =
        line.ends_with("(site_id=?)") || line.contains("(ANY(") || is_of_all_set(sql, line);
    (verb == "SCAN" || verb == "SEARCH" && by_site_alone) && is_growing(sql, table)
}

#[tokio::test]
async fn no_statement_walks_a_whole_site_unawares() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.db");
    let url = format!("sqlite:{}", path.display());
    Db::connect(&url, store::Options::main()).await.unwrap().close().await;
    let views = store::Options { schema: store::Schema::Views, ..store::Options::main() };
    Db::connect(&url, views).await.unwrap().close().await;

    let found: Vec<Found> = all()
        .into_iter()
        .filter(|found| found.field != "postgres" && !found.place.starts_with("verify/"))
        .collect();
    let texts: Vec<String> = found.iter().map(|found| found.sql.clone()).collect();
    let plans = ::store::testing::plans(&path, &texts).unwrap();
    let mut walking: Vec<&str> = Vec::new();
    let mut unawares = Vec::new();
    for (found, plan) in found.iter().zip(&plans) {
        let Some(line) = plan.iter().find(|line| walks(&found.sql, line)) else { continue };
        walking.push(&found.place);
        if !WALKS.iter().any(|(place, _)| *place == found.place) {
            unawares.push(format!("{}: {line}", found.place));
        }
    }
    assert!(
        unawares.is_empty(),
        "give it an index, or a reason in WALKS:\n{}",
        unawares.join("\n")
    );
    let idle = WALKS.iter().filter(|(place, _)| !walking.contains(place));
    let idle: Vec<_> = idle.collect();
    assert!(idle.is_empty(), "these do not walk; strike them out: {idle:?}");
}

#[tokio::test]
async fn every_table_says_whether_it_grows() {
    let dir = tempfile::tempdir().unwrap();
    let schema = ::store::testing::schema(dir.path()).await.unwrap();
    let mut made = Vec::new();
    for line in schema.lines() {
        let Some(table) = line.strip_prefix("create table ") else { continue };
        made.push(table.trim_end_matches(" ("));
    }
    for table in GROWING.iter().chain(SET_UP) {
        assert!(made.contains(table), "there is no table {table}");
    }
    for table in made {
        let places = [GROWING.contains(&table), SET_UP.contains(&table)];
        assert!(places[0] != places[1], "{table} either grows (store/statistics.rs) or is set up");
    }
}
