//! Which version wins, how many visitors it takes, and bounds for looking before the end.

use numbers::experiments::group::{Spending, even_times, obrien_fleming, pocock, spending};
use numbers::experiments::power::{Aim, Convention, sample_size};

use super::{From, References};

pub(super) fn add(all: &mut References<'_>) {
    probabilities(all);
    best_of_three(all);
    split(all);
    sizes(all);
    bounds(all);
}

fn probabilities(all: &mut References<'_>) {
    let from = From { of: "P(B > A), Beta(1,1)", source: "closed form" };
    for (counts, wanted) in [
        ("a=100:49,b=100:51", 0.610_770_522_687_8),
        ("a=28:14,b=30:16", 0.598_548_206_681_7),
        ("a=1000:100,b=1000:130", 0.982_165_066_116_350_5),
        ("a=10:0,b=10:0", 0.5),
        ("a=100000:5000,b=100000:5200", 0.978_961_717_480_5),
    ] {
        let told = all.answer(&["experiment", "--counts", counts], "");
        let got = told["prob_best"]["b"].as_f64().unwrap();
        all.line(from, counts, wanted, got, 1e-9);
    }
}

fn best_of_three(all: &mut References<'_>) {
    let from = From { of: "Best of three", source: "computed twice" };
    let told = all.answer(&["experiment", "--counts", "a=100:10,b=100:12,c=100:7"], "");
    let wanted =
        [("/prob_best/a", 0.303551), ("/prob_best/b", 0.629127), ("/prob_best/c", 0.067322)];
    all.near(from, &told, &wanted, 1e-6);
}

fn split(all: &mut References<'_>) {
    let from = From { of: "Sample ratio", source: "Kohavi, Tang & Xu 2020" };
    let counts = "a=821588:1000,b=815482:1000";
    let told = all.answer(&["experiment", "--counts", counts], "");
    all.near(from, &told, &[("/srm_p", 1.82e-6)], 5e-9);
}

fn sizes(all: &mut References<'_>) {
    let from = From { of: "Visitors an arm, .20 to .25, 5 %/80 %", source: "R, Evan Miller" };
    let aim = Aim { control: 0.2, challenger: 0.25, alpha: 0.05, power: 0.8 };
    for (by, wanted) in [
        (Convention::ControlOnly, 1_030.22),
        (Convention::Pooled, 1_093.74),
        (Convention::Unpooled, 1_090.99),
        (Convention::Arcsine, 1_091.90),
    ] {
        all.line(from, by.word(), wanted, sample_size(&aim, by).unwrap(), 0.005);
    }
}

fn bounds(all: &mut References<'_>) {
    let from = From { of: "Five looks, two-sided 5 %", source: "Jennison & Turnbull; ldbounds" };
    all.line(from, "Pocock", 2.413, pocock(5, 0.05).unwrap(), 1e-3);
    let last = *obrien_fleming(5, 0.05).unwrap().last().unwrap();
    all.line(from, "O'Brien-Fleming", 2.0400, last, 1e-3);
    let spent = spending(&even_times(5), 0.05, Spending::ObrienFleming).unwrap();
    let wanted = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310];
    for ((nth, wanted), got) in (1..).zip(wanted).zip(spent) {
        all.line(from, &format!("Lan-DeMets O'Brien-Fleming, look {nth}"), wanted, got, 1e-3);
    }
}
