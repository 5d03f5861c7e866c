//! `tundish analyze`: published results from raw files, and files as people have them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Desk;

/// Runs `analyze` on a file of the reference data; nothing where that is absent.
fn analyzed(file: &str, args: &[&str]) -> Option<Value> {
    let path = testkit::data::file(args[0], file)?;
    let desk = Desk::new();
    let mut all = vec!["analyze", args[0], path.to_str().unwrap(), "--json"];
    all.extend(&args[1..]);
    Some(desk.run(&all).json())
}

fn near(value: &Value, wanted: f64, relative: f64) {
    let got = value.as_f64().unwrap_or_else(|| panic!("{value} where {wanted} was wanted"));
    assert!((got - wanted).abs() <= wanted.abs() * relative, "{got} where {wanted} was wanted");
}

#[test]
fn published_results_come_out_of_raw_files() {
    let lines = testkit::references::all(Path::new(env!("CARGO_BIN_EXE_tundish")));
    let wrong: Vec<_> = lines.iter().filter(|line| !line.holds()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(lines.is_empty() || lines.len() > 100, "{}", lines.len());
}

#[test]
fn touches_of_contacts_become_journeys_that_end_with_each_order() {
    let desk = Desk::new();
    let file = desk.write(
        "touches.csv",
        "contact,time,channel,conversion,value\n\
         ada,2026-01-01 10:00,search,0,\n\
         ada,2026-01-02,mail,yes,19.00\n\
         bob,2026-01-01,search,,\n\
         ada,2026-01-03,direct,0,\n",
    );
    let all = desk.run(&["analyze", "attribution", file.to_str().unwrap(), "--json"]).json();
    assert_eq!(
        (all["total_conversions"].as_f64(), all["journeys"].as_f64()),
        (Some(1.0), Some(3.0))
    );
    assert_eq!(all["models"]["first"]["values"]["search"], 19.0);
    assert_eq!(all["models"]["linear"]["credits"]["mail"], 0.5);
}

#[test]
fn known_experiments_come_out_of_counts_and_of_rows() {
    let desk = Desk::new();
    let ask = |args: &[&str]| {
        let mut all = vec!["analyze", "experiment", "--json"];
        all.extend(args);
        desk.run(&all)
    };
    let all = ask(&["--counts", "a=1000:100,b=1000:130"]).json();
    near(&all["prob_best"]["b"], 0.982_165_066_116_350_5, 1e-9);
    near(&all["p_value"], 0.0355, 1e-2);
    assert_eq!(all["verdict"], "too_early");
    let split = ask(&["--counts", "a=821588:1000,b=815482:1000"]).json();
    near(&split["srm_p"], 1.82e-6, 1e-2);
    assert_eq!(split["verdict"], "srm");
    let rows: String = (0..400)
        .map(|n| {
            format!("{},{},{}\n", if n % 2 == 0 { "old" } else { "new" }, n % 5 / 4, n % 5 / 4 * 19)
        })
        .collect();
    let file = desk.write("rows.csv", &format!("variant,converted,revenue\n{rows}"));
    let all = ask(&[file.to_str().unwrap(), "--control", "new"]).json();
    assert_eq!(
        (all["arms"][0]["variant"].as_str(), all["arms"][0]["n"].as_i64()),
        (Some("new"), Some(200))
    );
    near(&all["revenue"]["per_visitor"]["old"], 3.8, 1e-9);
    assert_eq!(ask(&["--counts", "a=10:20,b=10:1"]).code, 1);
    assert_eq!(ask(&["--counts", "a=10"]).code, 2);
    assert_eq!(ask(&[]).code, 2);
}

#[test]
fn a_field_that_is_known_only_after_the_call_is_asked_about() {
    let with = ["score", "--target", "y", "--positive", "yes"];
    let Some(leak) = analyzed("lead/bank_full.csv.gz", &with) else { return };
    assert!(leak["warnings"].to_string().contains("duration"), "{leak}");
}

#[test]
fn the_files_of_shops_are_understood_as_they_are() {
    let Some(gumroad) = analyzed("csv_exports/gumroad_sales.csv", &["ltv"]) else { return };
    // Fifty sales and a row of totals; three sales were given back in full.
    near(&gumroad["paid"], 2070.0 - 147.0, 0.2);
    assert_eq!(gumroad["left_out"]["returned, refunded or failed"], 3);
    let shopify = analyzed("csv_exports/shopify_orders_export.csv", &["ltv"]).unwrap();
    assert!(shopify["customers"].as_i64().unwrap() >= 20, "{shopify}");
}

#[test]
fn i01_a_file_that_is_none_is_refused_with_what_to_do() {
    let desk = Desk::new();
    let file = |name: &str, text: &str| -> PathBuf {
        let path = desk.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ask = |path: &PathBuf| desk.run(&["analyze", "ltv", path.to_str().unwrap()]);
    let absent = ask(&desk.path().join("none.csv"));
    assert_eq!(absent.code, 2, "{absent:?}");
    let columns = ask(&file("a.csv", "color,size\nred,1\n"));
    assert!(columns.code == 2 && columns.stderr.contains("--map customer=NAME"), "{columns:?}");
    let dates = ask(&file("b.csv", "customer,date,amount\nada,soon,5\n"));
    assert!(dates.code == 1 && dates.stderr.contains("line"), "{dates:?}");
    let one = ask(&file("c.csv", "customer;date;amount\nada;31.12.2024;5,00\n"));
    assert!(one.code == 0 && one.stdout.contains("nobody bought on a second day"), "{one:?}");
}

#[test]
fn i02_cells_beyond_all_use_are_left_out_with_their_lines() {
    let desk = Desk::new();
    let ask = |name: &str, text: &str| {
        let path = desk.write(name, text);
        desk.run(&["analyze", "ltv", path.to_str().unwrap(), "--json"])
    };
    let rows = "customer,date,amount\n\
                ada,2024-01-01,5\n\
                ada,0001-01-01,5\n\
                bob,2024-01-02,1e308\n\
                ,2024-01-02,5\n\
                cleo,2024-01-03,-5\n";
    let all = ask("odd.csv", rows).json();
    assert_eq!((all["customers"].as_i64(), all["paid"].as_f64()), (Some(1), Some(5.0)));
    let left_out = serde_json::json!({
        "not a date": 1, "not a number": 1, "nobody is named": 1, "taken back, or none of it": 1,
    });
    assert_eq!(all["left_out"], left_out);
    let said = ask("head.csv", "customer,date,amount\n").refused(1);
    assert!(said.contains("no row below the names"), "{said}");
    let said = ask("binary.csv", "customer\0date\n").refused(1);
    assert!(said.contains("no table of text"), "{said}");
}
