//! Files as they should not be, and sales that are given back, in other currencies, or in doubt.

use serde_json::{Value, json};

use super::super::Desk;

/// What `question` says of a table.
fn asked(question: &[&str], text: &str) -> Value {
    let desk = Desk::new();
    let file = desk.write("t.csv", text);
    let args = [&["analyze"], question, &[file.to_str().unwrap(), "--json"]].concat();
    desk.run(&args).json()
}

/// Customers by `cohorts`, what they paid, and what was left out.
fn sold(text: &str) -> (i64, f64, Value) {
    let all = asked(&["cohorts"], text);
    let paid = |cohort: &Value| -> f64 {
        let revenue = cohort["revenue"].as_array().cloned().unwrap_or_default();
        revenue.iter().filter_map(Value::as_f64).sum()
    };
    let paid = all["cohorts"].as_array().unwrap().iter().map(paid).sum();
    (all["customers"].as_i64().unwrap(), paid, all["left_out"].clone())
}

fn notes(question: &str, text: &str) -> String {
    asked(&[question], text)["notes"].to_string()
}

#[test]
fn an_open_quotation_mark_is_refused_by_every_question() {
    let desk = Desk::new();
    let rows = |n: std::ops::Range<u32>| -> String {
        n.map(|n| format!("c{n}@x.test,2024-01-{:02},10.00,Mug\n", n % 28 + 1)).collect()
    };
    let open = "c50@x.test,2024-01-02,10.00,\"Frame 12 inch\n";
    let text = format!("email,date,amount,product\n{}{open}{}", rows(0..48), rows(51..201));
    let sales = desk.write("sales.csv", &text);
    let versions = "variant,converted\na,1\n\"b,0\na,1\nb,1\na,0\nb,0\n";
    let versions = desk.write("versions.csv", versions);
    let paths = desk.write("paths.csv", "path,conversions\n\"unclosed,1\nb,2\nc > d,3\n");
    for (question, file, line) in [
        ("cohorts", &sales, 50),
        ("ltv", &sales, 50),
        ("also-bought", &sales, 50),
        ("experiment", &versions, 3),
        ("attribution", &paths, 2),
    ] {
        let why = desk.run(&["analyze", question, file.to_str().unwrap()]).refused(1);
        let wanted = format!("line {line}: a quotation mark is not closed");
        assert!(why.contains(&wanted), "{question}: {why}");
    }
}

#[test]
fn rows_with_more_cells_than_columns_are_refused_or_counted() {
    let desk = Desk::new();
    let rows: String = (1..28).map(|n| format!("c{n}@x.test,2024-01-{n:02},10\n")).collect();
    let (customers, paid, left_out) =
        sold(&format!("email,date,amount\n{rows}a@x.test,2024-01-02,19,90\n"));
    assert_eq!((customers, paid), (27, 270.0));
    assert_eq!(left_out, json!({ "more cells than columns": 1 }));
    let file = desk.write("r.csv", "email,date,amount,product\na@x.test,2024-01-02,19,90,Mug\n");
    let why = desk.run(&["analyze", "rfm", file.to_str().unwrap()]).refused(1);
    assert!(why.contains("line 2: more cells than columns: \"Mug\""), "{why}");
}

#[test]
fn a_picture_is_drawn_over_no_other_file() {
    let desk = Desk::new();
    let text = "email,date,amount\na,2024-01-01,5\nb,2024-02-01,6\n";
    let file = desk.write("own.csv", text);
    let file = file.to_str().unwrap();
    let why = desk.run(&["analyze", "cohorts", file, "--quiet", "--plot", file]).refused(1);
    assert!(why.contains("is no picture"), "{why}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), text);
    let sample = desk.run(&["simulate", "--sample"]).ok();
    let funnel = desk.write("f.toml", &sample);
    let funnel = funnel.to_str().unwrap();
    desk.run(&["simulate", funnel, "--quiet", "--plot", funnel]).refused(1);
    let out = desk.path().join("out.svg");
    for _ in 0..2 {
        desk.run(&["analyze", "cohorts", file, "--quiet", "--plot", out.to_str().unwrap()]).ok();
    }
    assert!(std::fs::read_to_string(&out).unwrap().starts_with("<svg"));
}

#[test]
fn a_letter_before_the_number_of_an_order_is_no_cancellation_by_itself() {
    let head = "order,email,date,amount\n";
    let (customers, paid, left_out) = sold(&format!(
        "{head}C1001,a,2024-01-05,10\nW1002,b,2024-01-06,20\nC1003,a,2024-02-05,30\n"
    ));
    assert_eq!((customers, paid, left_out), (2, 60.0, json!({})));
    let (_, paid, left_out) = sold(&format!(
        "{head}C1001,a,2024-01-05,10\n1001,a,2024-01-04,10\nC1003,a,2024-02-05,30\n"
    ));
    assert_eq!((paid, left_out), (40.0, json!({ "returned, refunded or failed": 1 })));
}

#[test]
fn money_given_back_is_taken_off_the_order_it_names_or_told() {
    let head = "order,email,date,amount\n";
    let text = format!(
        "{head}3,b,2024-01-09,-5\n1,a,2024-01-05,100\n2,a,2024-01-06,40\n1,a,2024-02-06,-100\n\
         3,b,2024-01-08,20\nC2,a,2024-02-06,-10\n"
    );
    let (customers, paid, left_out) = sold(&text);
    assert_eq!((customers, paid), (2, 45.0));
    let wanted = json!({
        "money given back, taken off its sale": 3, "returned, refunded or failed": 1,
    });
    assert_eq!(left_out, wanted);
    assert_eq!(asked(&["ltv"], &text)["paid"], 45.0);
    let loose = "email,date,amount\na,2024-01-05,100\na,2024-01-06,-100\nb,2024-01-06,20\nb,2024-03-05,-20\n";
    assert_eq!(sold(loose).1, 120.0);
    let told = notes("cohorts", loose);
    assert!(told.contains("2 rows give back 120.00 that was not taken off"), "{told}");
    // As one program lists them: refunds come from the seller, and withdrawals name nobody.
    let listed = "Date,Name,Type,Status,Currency,Gross,From Email Address,Transaction ID,Reference Txn ID\n\
         01/05/2024,Ann,Payment,Completed,USD,100.00,a@x.test,T1,\n\
         01/20/2024,Ann,Payment Refund,Completed,USD,-30.00,me@x.test,T2,T1\n\
         01/21/2024,Ann,Payment Refund,Completed,USD,-8.00,me@x.test,T3,\n\
         01/22/2024,,General Withdrawal,Completed,USD,-500.00,,T4,\n\
         01/25/2024,Bob,Payment,Completed,USD,50.00,b@x.test,T5,\n";
    let (customers, paid, left_out) = sold(listed);
    assert_eq!((customers, paid), (2, 120.0));
    assert_eq!(left_out["no sale but a withdrawal, fee or transfer"], 1);
    assert_eq!(left_out["money given back, taken off its sale"], 1);
    assert_eq!(left_out["taken back, or none of it"], 1);
    assert!(notes("cohorts", listed).contains("1 row gives back 8.00 USD"));
}

#[test]
fn amounts_of_other_currencies_are_never_added_up() {
    let head = "email,date,amount\n";
    for rows in [
        "a,2024-01-05,$100\nb,2024-01-06,€20\na,2024-02-05,¥3000\n",
        "a,2024-01-05,USD 100.00\nb,2024-01-06,JPY 2000\na,2024-02-05,100.00 EUR\n",
    ] {
        let (_, paid, left_out) = sold(&format!("{head}{rows}"));
        let wanted = json!({ "in another currency than the first sale": 2 });
        assert_eq!((paid, left_out), (100.0, wanted), "{rows}");
    }
    let text = "email,date,amount,currency\na,2024-01-05,100.00,KWD\nb,2024-01-06,20.125,KWD\n\
                a,2024-02-05,100.00,\na,2024-02-05,100.00,EUR\n";
    assert_eq!(sold(text).1, 220.125);
    assert!(notes("cohorts", text).contains("1 amount without a currency: it is counted as KWD"));
}

#[test]
fn all_columns_that_say_how_a_sale_stands_are_read() {
    let both = "email,date,amount,status,refunded\na,2024-01-01,100,paid,false\nb,2024-01-02,100,paid,true\n";
    assert_eq!(sold(both).1, 100.0);
    let amounts = "email,date,amount,refunded\na,2024-01-01,10,4\nb,2024-01-02,10,0\n\
                   c,2024-01-02,10,true\nd,2024-01-02,10,10.00\n";
    assert_eq!((sold(amounts).0, sold(amounts).1), (2, 16.0));
    let words = "email,date,amount,status\na,2024-01-01,100,Completed\nb,2024-01-02,100,Cancelled by \
                 seller\nb,2024-01-02,100,Payment refunded\nc,2024-01-02,10,On its way\n";
    assert_eq!(sold(words).1, 110.0);
    let told = notes("cohorts", words);
    assert!(told.contains(r#"\"On its way\" in status (1 row)"#), "{told}");
    let part = "Purchase Email,Purchase Date,Sale Price ($),Refunded?,Partial Refund ($),Fully \
                Refunded?,Disputed?,Dispute Won?\na,2024-01-01,100,0,0.0,0,0,0\nb,2024-01-02,100,0,0.0,0,1,0\n\
                c,2024-01-02,100,1,0.0,1,0,0\nd,2024-01-02,100,1,30.0,0,0,0\ne,2024-01-02,100,0,0.0,0,1,1\n";
    assert_eq!(sold(part).1, 270.0);
}

#[test]
fn what_is_not_whole_or_not_kept_is_said() {
    let price = "email,date,price\na,2024-01-01,30\nb,2024-01-01,10\n";
    assert_eq!(asked(&["rfm"], price)["customers"].as_array().unwrap().len(), 2);
    let lines = "order,email,date,amount\n1,a,2024-01-31,10\n1,a,2024-01-31,\n1,b,2024-01-31,\n2,b,2024-01-31,5\n";
    let told = notes("cohorts", lines);
    assert!(told.contains("1 row without an amount is a further line"), "{told}");
    assert!(!told.contains("may not be over"), "{told}");
    assert_eq!(asked(&["rfm"], lines)["left_out"], json!({ "no amount": 1 }));
    let coins =
        "email,date,amount\na,2024-01-01,0.00012345\nb,2024-02-01,0.1\na,2024-02-01,0.33333333\n";
    let told = notes("cohorts", coins);
    assert!(told.contains("2 amounts have more than four digits"), "{told}");
    assert!(told.contains("the last sale is of 2024-02-01: the month 2024-02 may not"), "{told}");
}

#[test]
fn figures_that_cannot_be_meant_are_refused_in_a_sentence() {
    let desk = Desk::new();
    let ask = |question: &[&str], text: &str| {
        let file = desk.write("t.csv", text);
        desk.run(&[&["analyze"], question, &[file.to_str().unwrap()]].concat())
    };
    let score = ["score", "--target", "bought", "--positive", "yes"];
    let huge = format!("age,bought\n{}", "1e308,yes\n-1e308,no\n".repeat(40));
    let why = ask(&score, &huge).refused(1);
    assert!(why.contains("line 2: age is beyond all use"), "{why}");
    let all = [&score[..], &["--exclude", "age"]].concat();
    let why = ask(&all, &huge.replace("1e308", "3")).refused(1);
    assert!(why.contains("no column is left"), "{why}");
    let why = ask(&["experiment"], "variant,converted\na,1\nb,2\n").refused(1);
    assert!(why.contains("line 3: \"2\" is neither yes nor no"), "{why}");
    let twice = ["ltv", "--map", "customer=a,customer=b"];
    let why = ask(&twice, "a,b\nx,2024-01-01\n").refused(2);
    assert!(why.contains("--map says twice which column is the customer"), "{why}");
    let one = ask(&["attribution"], "path,conversions\na -> b,1\n").ok();
    assert!(one.contains("1 conversion in 1 journey, worth 0"), "{one}");
}
