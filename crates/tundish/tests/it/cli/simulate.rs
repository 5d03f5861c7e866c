//! `tundish simulate`: a funnel of a file, drawn and changed.

use super::Desk;

#[test]
fn the_sample_loses_on_the_first_sale_and_earns_on_the_second() {
    let desk = Desk::new();
    let all = desk.run(&["simulate", "--json", "--quiet"]).json();
    assert_eq!((all["inputs"].as_str(), all["level"].as_f64()), (Some("sample"), Some(0.9)));
    let range = |value: &serde_json::Value| {
        ["low", "middle", "high"].map(|end| value[end].as_f64().unwrap())
    };
    for key in ["profit", "cac", "allowed_first_sale_loss"] {
        let [low, middle, high] = range(&all[key]);
        assert!(low < middle && middle < high, "{key}: {}", all[key]);
    }
    for key in ["cost_per_visitor", "cost_per_lead", "cost_per_customer"] {
        let [low, middle, high] = range(&all["break_even"][key]);
        assert!(low < middle && middle < high, "{key}: {}", all["break_even"]);
    }
    assert!((all["cost"].as_f64().unwrap() - 6_000.0).abs() < 1e-9);
    assert_eq!(all["payback"]["day"], 45);
    assert_eq!(all["steps"].as_array().unwrap().len(), 4);
    let again = desk.run(&["simulate", "--json", "--quiet"]).json();
    assert_eq!(all, again, "the same seed gives the same answer");
    let other = desk.run(&["simulate", "--json", "--quiet", "--seed", "2"]).json();
    assert_ne!(all["profit"], other["profit"]);
    let human = desk.run(&["simulate"]);
    assert!(human.stderr.contains("the sample is simulated"), "{human:?}");
    assert!(human.stdout.contains("a first sale may lose"), "{human:?}");
}

#[test]
fn what_is_set_stands_beside_what_the_file_says() {
    let desk = Desk::new();
    let sample = desk.run(&["simulate", "--sample"]).ok();
    let file = desk.write("funnel.toml", &sample);
    let file = file.to_str().unwrap();
    let picture = desk.path().join("out.svg");
    let set = ["--set", "first order.price=29", "--set", "lead.rate=50 %", "--plot"];
    let mut args = vec!["simulate", file, "--json"];
    args.extend(set);
    args.push(picture.to_str().unwrap());
    let all = desk.run(&args).json();
    let profit = |told: &serde_json::Value| told["expected_profit"].as_f64().unwrap();
    assert!(profit(&all) > profit(&all["before"]), "{all}");
    assert!((all["steps"][0]["expected"].as_f64().unwrap() - 2_500.0).abs() < 1e-9);
    let svg = std::fs::read_to_string(picture).unwrap();
    assert!(svg.contains("What if") && svg.contains("<style>"), "{svg}");
}

#[test]
fn a_file_that_cannot_be_meant_is_refused_with_its_line() {
    let desk = Desk::new();
    let said = |text: &str| {
        let file = desk.write("f.toml", text);
        desk.run(&["simulate", file.to_str().unwrap()]).refused(1)
    };
    let step = "[[step]]\nname = \"sale\"\nrate = 0.1\nprice = 10\n";
    assert!(
        said(&format!("vistors = 5\n{step}"))
            .contains("line 1: there is no key \"vistors\"; did you mean visitors?")
    );
    assert!(said(&format!("visitors = 5\n{step}prise = 3\n")).contains("line 6"));
    assert!(said(&format!("visitors = 2.5\n{step}")).contains("whole number"));
    assert!(said(step).contains("how many visitors"));
    assert!(said("visitors = 5\n").contains("[[step]]"));
    assert!(said("visitors = \n").contains("is not TOML"));
    assert!(said(&format!("visitors = 5\n{step}seen = 1\nout_of = 2\n")).contains("in one way"));
    let both = "visitors = 5\n[[step]]\nname = \"a\"\nseen = 5\nout_of = 2\nprice = 1\n";
    assert!(said(both).contains("how likely"));
    let ends = "visitors = 5\n[[step]]\nname = \"a\"\nrate_low = 0\nrate_high = 0.2\nprice = 1\n";
    assert!(said(ends).contains("rate_low and rate_high between them"));
    let twice = said(&format!("visitors = 5\n{step}{}", step.replace("sale", "Sale")));
    assert!(twice.contains("line 7: two steps are called \"Sale\""), "{twice}");
    let below = said(&format!("visitors = 5\n{}", step.replace("10", "-10")));
    assert!(below.contains("line 5: price is zero or more, not -10"), "{below}");
    let unknown = said(&format!("visitors = 5\ncurrency = \"XXQ\"\n{step}"));
    assert!(unknown.contains("line 2: \"XXQ\": this is no currency we know"), "{unknown}");
    let absent = desk.run(&["simulate", "none.toml"]).refused(2);
    assert!(absent.contains("none.toml"), "{absent}");
    let set = desk.run(&["simulate", "--quiet", "--set", "upsel.rate=0.5"]).refused(2);
    assert!(set.contains("did you mean upsell?"), "{set}");
}

#[test]
fn amounts_have_the_digits_of_their_currency_and_nobody_pays_nothing_back() {
    let desk = Desk::new();
    let told = |set: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|pair| ["--set", pair]).collect();
        desk.run(&[&["simulate", "--quiet"], &set[..]].concat()).ok()
    };
    let line = |all: &str, label: &str| {
        all.lines().find(|line| line.starts_with(label)).unwrap().to_owned()
    };
    for (currency, digits) in [("JPY", "6,000  "), ("KWD", "6,000.000"), ("EUR", "6,000.00")] {
        let all = told(&[&format!("currency={currency}")]);
        assert!(line(&all, "cost, ").contains(digits), "{all}");
        assert_eq!(line(&all, "profit").contains('.'), currency != "JPY", "{all}");
    }
    let nobody = told(&["visitors=0", "cost_per_visitor=0"]);
    let paid_back = line(&nobody, "paid back");
    assert!(paid_back.trim_end().ends_with("not known"), "{nobody}");
    assert!(!nobody.contains("-0.00"), "{nobody}");
}
