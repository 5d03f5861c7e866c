//! Files that are no contacts: spend, suppressed addresses, coupons.

use serde_json::Value;

use super::Desk;
use super::funnel::example;
use super::operators::shop;

fn import(desk: &Desk, preset: &str, file: &str, more: &[&str]) -> Value {
    let mut args = vec!["import", preset, file, "--json"];
    args.extend(more);
    desk.run(&args).json()
}

fn counts(taken: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "rejected"].map(|name| taken[name].as_i64().unwrap())
}

#[test]
fn spend_is_taken_once_however_often_its_file_is() {
    let desk = shop();
    let text = "Date;Kanal;Campaign;Amount\n2026-11-01;google;book;12.50\n01.11.2026;google;;1\n";
    desk.write("spend.csv", text);
    let said = desk.run(&["import", "spend", "spend.csv"]).refused(1);
    assert!(said.contains("`channel` is missing"), "{said}");
    let map = ["--map", "Kanal=channel"];
    let dry = import(&desk, "spend", "spend.csv", &[map[0], map[1], "--dry-run"]);
    assert_eq!(counts(&dry), [1, 0, 0, 1]);
    let taken = import(&desk, "spend", "spend.csv", &[map[0], map[1], "--errors", "errors.csv"]);
    assert_eq!(counts(&taken), [1, 0, 0, 1]);
    assert_eq!(taken["errors"][0]["line"], 3);
    let errors = std::fs::read_to_string(desk.path().join("errors.csv")).unwrap();
    assert!(errors.contains("3,from_day,"), "{errors}");
    assert_eq!(counts(&import(&desk, "spend", "spend.csv", &map)), [0, 0, 1, 1]);
    // Known by its columns.
    desk.write("named.csv", "date,channel,amount\n2026-11-02,google,3\n");
    let taken = import(&desk, "auto", "named.csv", &[]);
    assert_eq!((&taken["preset"], counts(&taken)), (&"spend".into(), [1, 0, 0, 0]));
    // Written out, it comes in again and is known.
    let out = desk.run(&["export", "spend"]).ok();
    assert!(out.contains("2026-11-01,google,book,12.50,USD,,,"), "{out}");
    desk.write("out.csv", &out);
    assert_eq!(counts(&import(&desk, "spend", "out.csv", &[])), [0, 0, 2, 0]);
    let rows = desk.run(&["export", "spend", "--json"]).ok();
    assert!(rows.contains("\"channel\":\"google\""), "{rows}");
    let ran = desk.run(&["import", "spend", "named.csv", "--tag", "x"]);
    assert!(ran.refused(2).contains("files of contacts"));
    let said = desk.run(&["import", "spend", "named.csv", "--map", "date=when"]).refused(1);
    assert!(said.contains("use date, channel"), "{said}");
}

#[test]
fn suppressed_addresses_are_written_to_no_more_and_their_hashes_come_in_again() {
    let desk = shop();
    desk.write("people.csv", "email,name\nada@x.test,Ada\nbo@x.test,Bo\n");
    let args = ["import", "auto", "people.csv", "--consent", "at the fair"];
    desk.run(&args).ok();
    let text = "email_or_hash,reason,since\nADA@x.test,hard bounce,2025-01-02\n\
        bo@x.test,unsubscribe,\ncy@x.test,,2025-03-04T05:06:07Z\ncy@x.test,manual,\n\
        nobody,manual,\ndi@x.test,dislike,\n";
    desk.write("list.csv", text);
    let dry = import(&desk, "suppression", "list.csv", &["--dry-run"]);
    assert_eq!(counts(&dry), [3, 0, 0, 3], "{dry}");
    let taken = import(&desk, "auto", "list.csv", &[]);
    assert_eq!((&taken["preset"], counts(&taken)), (&"suppression".into(), [3, 0, 0, 3]));
    let status = |email: &str| {
        let shown = desk.run(&["contact", "show", email, "--json"]).json();
        shown["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status("ada@x.test"), "suppressed");
    assert_eq!(status("bo@x.test"), "unsubscribed");
    let hashes = desk.run(&["export", "suppression"]).ok();
    assert_eq!(hashes.lines().count(), 4, "{hashes}");
    assert!(hashes.contains(",import,2025-03-04T05:06:07Z"), "{hashes}");
    assert!(!hashes.contains('@'), "{hashes}");
    desk.write("hashes.csv", &hashes);
    assert_eq!(counts(&import(&desk, "suppression", "hashes.csv", &[])), [0, 0, 3, 0]);
    // A file that holds back more mail is listened to; one that holds back less is not.
    desk.write("more.csv", "email_or_hash,reason\ncy@x.test,complaint\nada@x.test,import\n");
    assert_eq!(counts(&import(&desk, "suppression", "more.csv", &[])), [0, 1, 1, 0]);
    // A contact that came later is found by the hash alone.
    let other = hashes.lines().find(|line| line.contains(",import,2025")).unwrap();
    let hash = other.split(',').next().unwrap();
    assert_eq!(hash.len(), 64);
    desk.write("hash.csv", &format!("email_or_hash,reason\n{},manual\n", hash.to_uppercase()));
    assert_eq!(counts(&import(&desk, "suppression", "hash.csv", &[])), [0, 0, 1, 0]);
    desk.run(&["verify"]).ok();
}

#[test]
fn coupons_are_taken_in_changed_and_written_out_as_they_came() {
    let desk = shop();
    desk.run(&["apply", example(&desk).to_str().unwrap()]).ok();
    let before = desk.run(&["export", "coupons"]).ok();
    let text = "code,kind,value,starts_at,ends_at,max_uses,per_contact,products\n\
        spring,percent,15,2027-03-01,2027-03-31,100,1,\"weekday-bread,sourdough-course\"\n\
        FIVER,fixed,5.00 USD,,,,,\n\
        SIX,fixed,6,,,,,\nSIX,fixed,7,,,,,\nLOT,percent,150,,,,,\nBOOK,percent,10,,,,,no-such\n\
        WHEN,percent,10,01/02/03,,,,\nODD,half,10,,,,,\n";
    desk.write("coupons.csv", text);
    let dry = import(&desk, "coupons", "coupons.csv", &["--dry-run"]);
    assert_eq!(counts(&dry), [3, 0, 0, 5], "{dry}");
    assert_eq!(desk.run(&["export", "coupons"]).ok(), before);
    let taken = import(&desk, "auto", "coupons.csv", &[]);
    assert_eq!((&taken["preset"], counts(&taken)), (&"coupons".into(), [3, 0, 0, 5]), "{taken}");
    let told = taken["errors"].to_string();
    for word in
        ["\"line\":5", "100%", "no product called no-such", "2026-11-21", "percent or fixed"]
    {
        assert!(told.contains(word), "{word}: {told}");
    }
    let out = desk.run(&["export", "coupons"]).ok();
    let line = out.lines().find(|line| line.starts_with("SPRING,")).unwrap();
    let wanted = "SPRING,percent,15%,2027-03-01T08:00:00Z,2027-04-01T07:00:00Z,100,1,";
    assert!(
        line.starts_with(wanted),
        "in the zone of the site, through the day it ends on: {line}"
    );
    desk.write("out.csv", &out);
    let again = import(&desk, "coupons", "out.csv", &[]);
    assert_eq!(counts(&again)[..2], [0, 0], "{again}");
    assert_eq!(counts(&again)[3], 0, "{again}");
    desk.write("less.csv", "code,kind,value\nSPRING,percent,20\n");
    assert_eq!(counts(&import(&desk, "coupons", "less.csv", &[])), [0, 1, 0, 0]);
    let rows = desk.run(&["export", "coupons", "--json"]).ok();
    assert!(rows.contains("\"code\":\"SPRING\"") && rows.contains("\"value\":\"20%\""), "{rows}");
    desk.run(&["verify"]).ok();
}

#[test]
fn orders_of_another_shop_count_and_nobody_hears_of_it() {
    let desk = shop();
    desk.run(&["apply", example(&desk).to_str().unwrap()]).ok();
    let text = "order_id,email,placed_at,status,currency,product,quantity,unit_price,discount,tax,\
        total,coupon,partner,channel\n\
        A-1,ada@x.test,2026-03-01T10:00:00Z,paid,USD,weekday-bread,1,19.00,1.90,,17.10,OLD10,,google\n\
        A-1,,,,,starter-cards,2,7.00,,1.00,15.00,,,\n\
        A-2,bo@x.test,2026-04-01,refunded,,sourdough-course,1,100,0,0,100,,,\n\
        A-3,ada@x.test,2026-05-01,,,weekday-bread,,19,,,,,,\n\
        A-4,cy@x.test,2026-05-01,pending,,weekday-bread,1,19,,,19,,,\n\
        A-5,cy@x.test,2026-05-01,paid,,weekday-bread,1,19,,,18,,,\n\
        A-6,cy@x.test,2026-05-01,paid,,no-such,1,19,,,19,,,\n\
        A-7,cy@x.test,2096-05-01,paid,,weekday-bread,1,19,,,19,,,\n\
        A-8,cy@x.test,2026-05-01,paid,EUR,weekday-bread,1,19,,,19,,,\n";
    desk.write("orders.csv", text);
    let dry = import(&desk, "orders", "orders.csv", &["--dry-run"]);
    assert_eq!(counts(&dry), [3, 0, 0, 5], "{dry}");
    let taken = import(&desk, "auto", "orders.csv", &[]);
    assert_eq!((&taken["preset"], counts(&taken)), (&"orders".into(), [3, 0, 0, 5]), "{taken}");
    assert_eq!(counts(&import(&desk, "orders", "orders.csv", &[])), [0, 0, 3, 5]);
    desk.run(&["verify"]).ok();
    let rows = desk.run(&["export", "orders", "--json"]).ok();
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    let first = rows.iter().find(|row| row["coupon"] == "OLD10").unwrap();
    assert_eq!((&first["total"], &first["status"]), (&"32.10 USD".into(), &"paid".into()));
    assert_eq!(first["invoice"], Value::Null);
    // Figures, and no mail; the server closes nothing.
    let server = desk.serve();
    let done = desk.run(&["rebuild", "rollups", "--json"]).json();
    assert!(done[0]["days_counted"].is_u64(), "{done}");
    server.stop();
    desk.run(&["verify"]).ok();
    assert_eq!(desk.run(&["export", "messages", "--json"]).ok(), "");
    let shown = desk.run(&["contact", "show", "ada@x.test", "--json"]).json();
    assert_eq!(
        (&shown["status"], shown["orders"].as_array().unwrap().len()),
        (&"pending".into(), 2)
    );
    // Written out, it comes in again: nothing new here, the same orders in an empty shop.
    let out = desk.run(&["export", "orders"]).ok();
    assert!(out.contains("weekday-bread,1,19.00,1.90,0.00,17.10,OLD10,,google"), "{out}");
    desk.write("out.csv", &out);
    assert_eq!(counts(&import(&desk, "orders", "out.csv", &[])), [0, 0, 3, 0]);
    let other = shop();
    other.run(&["apply", example(&other).to_str().unwrap()]).ok();
    let file = desk.path().join("out.csv");
    let taken = import(&other, "auto", file.to_str().unwrap(), &[]);
    assert_eq!(counts(&taken), [3, 0, 0, 0], "{taken}");
    let there = other.run(&["export", "orders"]).ok();
    let without_ids = |text: &str| {
        let mut lines: Vec<String> =
            text.lines().map(|line| line.split_once(',').unwrap().1.to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(without_ids(&there), without_ids(&out));
    other.run(&["verify"]).ok();
}

#[test]
fn an_import_is_taken_back_from_the_terminal() {
    let desk = shop();
    desk.write("people.csv", "email,name\nada@x.test,Ada\nbo@x.test,Bo\n");
    let none = desk.run(&["import", "undo", "last"]).refused(1);
    assert!(none.contains("nothing was imported"), "{none}");
    let args = ["import", "auto", "people.csv", "--consent", "at the fair", "--json"];
    let id = desk.run(&args).json()["import"].as_str().unwrap().to_owned();
    let dry = desk.run(&["import", "undo", "last", "--dry-run", "--json"]).json();
    assert_eq!(
        (&dry["undone"]["taken_back"], &dry["undone"]["is_done"]),
        (&2.into(), &false.into())
    );
    assert!(desk.run(&["export", "contacts"]).ok().contains("ada@x.test"));
    let said = desk.run(&["import", "undo", &id]).ok();
    assert!(said.contains("2 contacts taken back, 0 stay"), "{said}");
    assert!(!desk.run(&["export", "contacts"]).ok().contains("ada@x.test"));
    let again = desk.run(&["import", "undo", &id]).refused(1);
    assert!(again.contains("taken back already"), "{again}");
    assert!(desk.run(&["import", "undo", "people.csv"]).refused(2).contains("or last"));
    desk.run(&["verify"]).ok();
}
