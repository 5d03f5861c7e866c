//! A funnel as a file.

use std::path::{Path, PathBuf};

use super::Desk;
use super::operators::shop;

/// The example shop, copied to where it may be changed.
pub fn example(desk: &Desk) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ebook-shop");
    let to = desk.path().join("ebook-shop");
    for folder in ["", "covers", "files", "mails"] {
        std::fs::create_dir_all(to.join(folder)).unwrap();
        for entry in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    to.join("funnel.toml")
}

fn plan(desk: &Desk, file: &Path) -> serde_json::Value {
    desk.run(&["plan", file.to_str().unwrap(), "--json"]).json()
}

#[test]
fn a_plan_is_empty_after_apply_and_after_export() {
    let desk = shop();
    let file = example(&desk);
    assert!(plan(&desk, &file).as_array().unwrap().len() > 50);
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    assert_eq!(plan(&desk, &file), serde_json::json!([]));
    desk.run(&["export", "funnel", "--to", "out"]).ok();
    let out = desk.path().join("out/funnel.toml");
    assert_eq!(plan(&desk, &out), serde_json::json!([]));
    let bytes = std::fs::read(desk.path().join("out/files/weekday-bread.png")).unwrap();
    let ours = std::fs::read(file.with_file_name("covers").join("weekday-bread.png")).unwrap();
    assert_eq!(bytes, ours);
}

#[test]
fn a_picture_from_a_phone_leaves_the_plan_empty_and_one_too_large_is_told_with_its_line() {
    let desk = shop();
    let file = example(&desk);
    let cover = file.with_file_name("covers").join("weekday-bread.png");
    let mut bytes = std::fs::read(&cover).unwrap();
    // Behind the header of 33 bytes.
    bytes.splice(33..33, *b"\0\0\0\x0aeXIfgps 52.5 Ncrc!");
    std::fs::write(&cover, &bytes).unwrap();
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    assert_eq!(plan(&desk, &file), serde_json::json!([]));
    bytes.splice(16..24, *b"\0\0\x27\x10\0\0\x27\x10");
    std::fs::write(&cover, &bytes).unwrap();
    let said = desk.run(&["plan", file.to_str().unwrap()]).refused(1);
    assert!(said.contains("10000 × 10000 pixels") && said.contains("(line "), "{said}");
}

#[test]
fn a_changed_price_is_the_only_change() {
    let desk = shop();
    let file = example(&desk);
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\"19.00 USD\"", "\"24 USD\"", 1)).unwrap();
    let planned = desk.run(&["plan", file.to_str().unwrap()]).ok();
    assert_eq!(planned, "~ offers weekday-bread\n    price: \"19.00 USD\" → \"24.00 USD\"\n");
    let dry = desk.run(&["apply", file.to_str().unwrap(), "--dry-run"]).ok();
    assert_eq!(dry, planned);
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    assert_eq!(plan(&desk, &file), serde_json::json!([]));
}

#[test]
fn a_mistake_is_told_with_its_line_and_nothing_is_changed() {
    let desk = shop();
    let file = example(&desk);
    let text = std::fs::read_to_string(&file).unwrap();
    let wrong = text.replacen("main = \"weekday-bread\"", "main = \"weekday-bred\"", 1);
    let line = wrong.lines().position(|l| l.contains("weekday-bred")).unwrap() + 1;
    std::fs::write(&file, wrong).unwrap();
    let said = desk.run(&["apply", file.to_str().unwrap()]).refused(1);
    assert!(said.contains("did you mean weekday-bread?"), "{said}");
    assert!(said.contains(&format!("(line {line})")), "{said}");
    std::fs::write(&file, text.replacen("7.00 USD", "seven dollars", 1)).unwrap();
    let said = desk.run(&["apply", file.to_str().unwrap()]).refused(1);
    assert!(said.contains("offers.starter-cards.price"), "{said}");
    let named = "\"Nora <nora@shop.example>\"";
    let named = text.replacen("\"nora@shop.example\"", named, 1);
    std::fs::write(&file, named).unwrap();
    let said = desk.run(&["apply", file.to_str().unwrap()]).refused(1);
    assert!(said.contains("address"), "no mail could leave: {said}");
    let exported = desk.run(&["export", "funnel"]).ok();
    assert!(!exported.contains("[offers"), "{exported}");
}

#[test]
fn prune_retires_what_the_file_leaves_out_and_deletes_nothing() {
    let desk = shop();
    let file = example(&desk);
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    let small = desk.write("small.toml", "[topics.news]\nname = \"News\"\n");
    let small = small.to_str().unwrap();
    let planned = desk.run(&["plan", small, "--prune"]).ok();
    assert!(planned.contains("- pages home") && planned.contains("- products"), "{planned}");
    let said = desk.run(&["apply", small, "--prune"]).refused(1);
    assert!(said.contains("--yes"), "{said}");
    desk.run(&["apply", small, "--prune", "--yes"]).ok();
    assert_eq!(desk.run(&["plan", small, "--prune"]).ok(), "");
    // All of it comes back, under the names and links it had.
    desk.run(&["apply", file.to_str().unwrap()]).ok();
    assert_eq!(plan(&desk, &file), serde_json::json!([]));
}
