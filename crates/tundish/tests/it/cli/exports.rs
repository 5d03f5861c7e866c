//! `tundish analyze` on files as the programs and the countries of people write them.

use serde_json::{Value, json};

use super::Desk;

fn ask(question: &str, text: &str, flags: &[&str]) -> Value {
    let desk = Desk::new();
    let file = desk.write("export.csv", text);
    let mut all = vec!["analyze", question, file.to_str().unwrap(), "--json"];
    all.extend(flags);
    desk.run(&all).json()
}

fn paid(text: &str, flags: &[&str]) -> f64 {
    ask("ltv", text, flags)["paid"].as_f64().unwrap()
}

fn refused(question: &str, text: &str, flags: &[&str], code: i32) -> String {
    let desk = Desk::new();
    let file = desk.write("export.csv", text);
    let mut all = vec!["analyze", question, file.to_str().unwrap()];
    all.extend(flags);
    desk.run(&all).refused(code)
}

#[test]
fn amounts_in_the_words_of_any_country_are_summed_as_they_are_meant() {
    for (cells, wanted) in [
        (&["Rs. 500", "Rs. 1,250", "Rs. 99.50"][..], 1_849.5),
        (&["kr. 199", "kr. 1.250,00"], 1_449.0),
        (&["49.-", "Fr. 49.50", "1'250.00"], 1_348.5),
        (&["1.234.567 €", "99 €"], 1_234_666.0),
        (&["1.500 €", "99 €"], 1_599.0),
        // Given back: no sale.
        (&["$20.00", "$(5.00)", "$ (5.00)", "5.00-"], 20.0),
        (&["19.00", "2 x 19.00"], 19.0),
    ] {
        let rows: Vec<String> =
            (0..).zip(cells).map(|(n, cell)| format!("c{n},2024-01-01,\"{cell}\"\n")).collect();
        let text = format!("customer,date,amount\n{}", rows.concat());
        assert!((paid(&text, &[]) - wanted).abs() < 1e-6, "{cells:?}: {}", paid(&text, &[]));
    }
}

/// Notes that name a word by which the file could be read otherwise.
fn guesses(all: &serde_json::Value) -> usize {
    let notes = all["notes"].as_array().unwrap();
    notes.iter().filter(|note| note.as_str().unwrap().contains("--d")).count()
}

#[test]
fn what_nothing_in_a_file_decides_is_said_and_can_be_said_otherwise() {
    let text = "Datum;Kunde;Betrag\n03/04/2024;Ada;1.500\n05/06/2024;Ada;2.500\n";
    let all = ask("cohorts", text, &[]);
    assert_eq!(all["cohorts"][0]["start"], "2024-04");
    assert_eq!(all["cohorts"][0]["revenue"], json!([1500.0, 0.0, 2500.0]));
    assert_eq!(guesses(&all), 2, "{}", all["notes"]);
    let notes = all["notes"].to_string();
    assert!(notes.contains("--dates mdy") && notes.contains("--decimal point"), "{notes}");
    let all = ask("cohorts", text, &["--dates", "mdy", "--decimal", "point"]);
    assert_eq!(all["cohorts"][0]["start"], "2024-03");
    assert_eq!((&all["cohorts"][0]["revenue"][0], guesses(&all)), (&json!(1.5), 0));
    assert!(refused("ltv", text, &["--dates", "ymd"], 2).contains("dmy or mdy"));
}

#[test]
fn a_date_far_down_in_a_file_still_tells_which_part_is_the_month() {
    let early = "ada,3/4/2024,5\n".repeat(3_000);
    let text = format!("customer,date,amount\n{early}ada,25/4/2024,5\n");
    let all = ask("cohorts", &text, &[]);
    assert_eq!((&all["cohorts"][0]["start"], guesses(&all)), (&json!("2024-04"), 0));
    let desk = Desk::new();
    let streamed = desk.run_saying(&["analyze", "cohorts", "-", "--json"], &text).json();
    assert_eq!(streamed["cohorts"][0]["start"], "2024-04");
    // Some one way and some the other: nobody can tell what 3/4 is.
    let both = "customer,date,amount\nada,25/4/2024,5\nada,4/25/2024,5\nada,3/4/2024,5\n";
    let said = refused("ltv", both, &[], 1);
    assert!(said.contains("1 of 3 dates") && said.contains("--dates"), "{said}");
}

#[test]
fn a_total_that_stands_on_every_line_of_its_order_is_counted_once() {
    let lines = "order_id,customer_email,order_date,order_total,item_name\n\
                 7,ada@x.test,2024-01-01,30.00,loaf\n7,ada@x.test,2024-01-01,30.00,jam\n\
                 8,bo@x.test,2024-01-02,30.00,loaf\n9,ada@x.test,2024-02-02,12.50,jam\n\
                 7,ada@x.test,2024-01-01,30.00,oil\n";
    let all = ask("ltv", lines, &[]);
    assert_eq!(all["paid"], 72.5);
    assert_eq!(all["left_out"]["further lines of an order whose total stands on each"], 2);
    // What each line costs is no total of the order, whatever it is called.
    for text in [
        "order,email,date,total,item\n7,a@x,2024-01-01,30,loaf\n7,a@x,2024-01-01,12,jam\n\
         8,b@x,2024-01-01,30,loaf\n8,b@x,2024-01-01,30,jam\n",
        "order,email,date,total,qty,price\n7,a@x,2024-01-01,21,1,21\n7,a@x,2024-01-01,21,3,7\n\
         8,b@x,2024-01-01,30,2,15\n8,b@x,2024-01-01,30,1,30\n",
    ] {
        assert_eq!(paid(text, &[]), 102.0, "{text}");
    }
}

#[test]
fn customers_are_one_however_their_address_is_written_and_rows_are_none() {
    let text = "email,date,amount\nAda@X.test,2024-01-01,5\nada@x.test,2024-02-01,5\n";
    let all = ask("ltv", text, &[]);
    assert_eq!((&all["customers"], &all["came_back"]), (&json!(1), &json!(1)));
    let said = refused("ltv", "id,date,amount\n1,2024-01-01,5\n2,2024-02-01,5\n", &[], 2);
    assert!(said.contains("--map customer=NAME"), "{said}");
    let said = ask("cohorts", "email,date,cost_of_it\na@x.test,2024-01-01,5\n", &[]);
    assert!(said["notes"].to_string().contains("no column of money found"), "{said}");
}

#[test]
fn sales_that_did_not_hold_are_left_out_in_the_words_of_each_shop() {
    let states = [
        ("wc-completed", 1.0),
        ("wc-refunded", 0.0),
        ("requires_payment_method", 0.0),
        ("Chargeback", 0.0),
        ("on-hold", 0.0),
        ("1", 1.0),
    ];
    for (state, wanted) in states {
        let text = format!(
            "order_id,email,date,total,status\n1,a@x,2024-01-01,1,{state}\n2,b@x,2024-01-01,1,paid\n"
        );
        assert_eq!(paid(&text, &[]), wanted + 1.0, "{state}");
    }
}

#[test]
fn what_other_programs_write_for_nothing_is_nothing() {
    let text = "order,email,date,amount,amount_refunded\nnan,nan,2024-01-01,5,NaN\n\
                NaN,a@x,2024-01-01,5,NaN\nNaN,a@x,2024-02-01,7,null\n9,a@x,NaT?,7,2\n8,a@x,NA,7,\n\
                7,a@x,2024-03-01,8,3\n";
    let all = ask("rfm", text, &[]);
    let one = &all["customers"][0];
    assert_eq!((&one["frequency"], &one["monetary"]), (&json!(3.0), &json!(17.0)));
    let left_out = json!({ "nobody is named": 1, "no date": 1, "not a date": 1 });
    assert_eq!(all["left_out"], left_out);
}

#[test]
fn a_sale_late_at_night_is_of_its_own_day() {
    let text = "email,created_at,amount\na@x,2024-01-31T23:30:00-08:00,5\n";
    assert_eq!(ask("ltv", text, &[])["until"], "2024-01-31");
}

#[test]
fn titles_remarks_and_second_columns_of_a_name_are_no_obstacle() {
    let rows = "a@x.test|2024-01-01|5|z@x.test\na@x.test|2024-02-01|7|z@x.test\n";
    for above in ["", "Sales of Ada's shop\n2024\n\n", "# made on Monday\n# by Ada\n", "sep=|\n"] {
        let text = format!("{above}Email|Date|Amount|Email\n{rows}");
        assert_eq!(paid(&text, &[]), 12.0, "{above:?}");
        let all = ask("rfm", &text, &["--map", "customer=Email#2"]);
        assert_eq!(all["customers"][0]["customer"], "z@x.test");
    }
}

#[test]
fn rows_that_are_left_out_are_counted_in_every_answer() {
    let rows: String = (0..40)
        .map(|n| format!("{},{},\"{},50\"\n", ["a", "b", ""][n % 3], n % 4 / 3, n % 5 + 1))
        .collect();
    let all = ask("experiment", &format!("group,converted,revenue\n{rows}"), &[]);
    assert_eq!(all["left_out"], json!({ "no version": 13 }));
    let mean = all["revenue"]["per_visitor"]["a"].as_f64().unwrap();
    assert!((mean - 3.5).abs() < 0.2, "{mean}: the comma stands before the fraction");
    let touches = "contact,time,channel,value\na,1/2/2024,mail,5\nb,soon,mail,5\n,1/2/2024,ad,\n";
    for question in ["attribution", "roads"] {
        let all = ask(question, touches, &[]);
        let left_out = json!({ "nobody is named": 1, "not a time": 1 });
        assert_eq!(all["left_out"], left_out, "{question}");
        assert!(all["notes"].to_string().contains("--dates dmy"), "{question}: {all}");
    }
}

#[test]
fn a_gap_is_a_gap_and_no_word_to_learn_from() {
    let rows: String = (0..200)
        .map(|n| {
            let size = if n % 9 == 0 { "NA".to_owned() } else { format!("\"{},5\"", n % 7) };
            let came = ["yes", "no", ""][if n % 10 == 0 { 2 } else { usize::from(n % 7 < 3) }];
            format!("case{n},{size},{came}\n")
        })
        .collect();
    let text = format!("id,size,bought\n{rows}");
    let flags = ["--map", "target=bought,customer=id", "--positive", "yes"];
    let all = ask("score", &text, &flags);
    assert_eq!(all["left_out"], json!({ "what came of it is not known": 20 }));
    assert_eq!(all["cases"], 180);
    let names: Vec<&str> = all["coefficients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["const", "size", "size=(not known)"]);
    assert!(refused("score", &text, &["--positive", "yes"], 2).contains("--target NAME"));
}
