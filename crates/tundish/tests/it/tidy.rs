//! The invariants of ARCHITECTURE.md, checked against the sources: which room may know which,
//! where SQL may stand, how long a file may grow, and that every module says what it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LINES_MAX: usize = 600;

struct Source {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn collect(dir: &Path, root: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, root, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().display().to_string();
            found.push(Source { path, text });
        }
    }
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    collect(&root.join("crates"), &root, &mut found);
    assert!(found.len() > 50, "the sources were found");
    found
}

/// The part of a file before its unit tests.
fn code(source: &Source) -> &str {
    source.text.split("#[cfg(test)]\nmod ").next().unwrap()
}

fn in_src(path: &str) -> bool {
    path.contains("/src/")
}

fn room(path: &str) -> &str {
    path.split('/').nth(1).unwrap()
}

fn none(broken: Vec<String>, rule: &str) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn no_file_grows_past_600_lines() {
    let long = sources()
        .iter()
        .filter(|s| s.text.lines().count() > LINES_MAX)
        .map(|s| format!("{} has {} lines", s.path, s.text.lines().count()))
        .collect();
    none(long, "a crowded file is cut along its questions");
}

#[test]
fn every_module_says_what_it_is() {
    let silent = sources()
        .iter()
        .filter(|s| !s.text.trim_start().starts_with("//!"))
        .map(|s| s.path.clone())
        .collect();
    none(silent, "every file begins with //!");
}

#[test]
fn sql_stands_only_in_the_store() {
    let verbs = ["\"select ", "\"insert into ", "\"update ", "\"delete from "];
    let mut broken = Vec::new();
    for source in sources() {
        if !in_src(&source.path) || ["store", "testkit", "xtask"].contains(&room(&source.path)) {
            continue;
        }
        for (at, line) in code(&source).lines().enumerate() {
            if verbs.iter().any(|verb| line.contains(verb)) {
                broken.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    none(broken, "SQL text stands only in store/src");
}

#[test]
fn crates_know_only_whom_they_may() {
    let rooms = ["model", "numbers", "store", "mail", "engine", "web", "tundish", "testkit"];
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("model", &[][..]),
        ("numbers", &[][..]),
        ("store", &["model"][..]),
        ("mail", &["model"][..]),
        ("engine", &["model", "numbers", "store", "mail"][..]),
        ("web", &["model", "numbers", "store", "engine"][..]),
    ]);
    let mut broken = Vec::new();
    for (room, may) in &allowed {
        let text = manifest(room);
        for other in rooms {
            let known = text.lines().any(|line| line.starts_with(&format!("{other}.workspace")));
            if known && !may.contains(&other) {
                broken.push(format!("{room} may not know {other}"));
            }
        }
    }
    none(broken, "the arrows of ARCHITECTURE.md");
}

/// What a crate depends on to run: its manifest up to the development part.
fn manifest(room: &str) -> String {
    let path = root().join("crates").join(room).join("Cargo.toml");
    let text = std::fs::read_to_string(path).unwrap();
    text.split("[dev-dependencies]").next().unwrap().to_owned()
}

#[test]
fn each_heavy_crate_is_known_in_one_room() {
    let homes = [
        ("rusqlite", "store"),
        ("tokio-postgres", "store"),
        ("deadpool-postgres", "store"),
        ("axum", "web"),
        ("axum-extra", "web"),
        ("mail-auth", "mail"),
        ("mail-builder", "mail"),
        ("mail-parser", "mail"),
    ];
    let mut broken = Vec::new();
    for room in ["model", "numbers", "store", "mail", "engine", "web"] {
        for (name, home) in homes {
            let known = manifest(room)
                .lines()
                .any(|l| l.starts_with(&format!("{name}.")) || l.starts_with(&format!("{name} ")));
            if known && room != home {
                broken.push(format!("{room} may not know {name}; that is for {home}"));
            }
        }
    }
    none(broken, "the database drivers, axum and the MIME crates have one home each");
}

#[test]
fn the_pure_rooms_are_pure() {
    let banned = ["async fn", "std::fs", "std::net", "tokio::", "std::env", "std::time::"];
    let mut broken = Vec::new();
    for source in sources() {
        if !in_src(&source.path) || !["model", "numbers"].contains(&room(&source.path)) {
            continue;
        }
        if source.path.ends_with("test_data.rs") {
            continue;
        }
        for (at, line) in code(&source).lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            if !comment && banned.iter().any(|word| line.contains(word)) {
                broken.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    none(broken, "model and numbers do no input or output and ask nobody the time");
}

#[test]
fn only_the_engine_begins_a_write() {
    let mut broken = Vec::new();
    for source in sources() {
        if !in_src(&source.path) || !["web", "tundish"].contains(&room(&source.path)) {
            continue;
        }
        for (at, line) in code(&source).lines().enumerate() {
            if line.contains("store::Tx") || line.contains("db().write") {
                broken.push(format!("{}:{}: {}", source.path, at + 1, line.trim()));
            }
        }
    }
    none(broken, "only engine obtains a Tx");
}

#[test]
fn nothing_crowded_is_called_a_helper() {
    let banned = ["utils.rs", "helpers.rs", "common.rs", "manager.rs", "service.rs", "mod.rs"];
    let broken = sources()
        .iter()
        .filter(|s| banned.iter().any(|name| s.path.ends_with(&format!("/{name}"))))
        .map(|s| s.path.clone())
        .collect();
    none(broken, "a module is named for what it holds");
}

#[test]
fn no_test_sleeps() {
    let mut broken = Vec::new();
    for source in sources() {
        let tests = source.path.contains("/tests/") || room(&source.path) == "testkit";
        let text = if tests {
            source.text.as_str()
        } else {
            source.text.get(code(&source).len()..).unwrap()
        };
        for line in text.lines() {
            let sleeps = ["thread::sleep(", "time::sleep("].iter().any(|word| line.contains(word));
            if sleeps && !line.contains("waits for a process") && !source.path.ends_with("tidy.rs")
            {
                broken.push(format!("{}: {}", source.path, line.trim()));
            }
        }
    }
    none(broken, "a test waits for what it waits for, not for a while");
}
