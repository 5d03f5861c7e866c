//! What customers will still buy: numbers of the papers and of R's packages.

use numbers::lifetime::{Covariates, Customer, Discrete, Purchase, Seasons, histories};

use super::{From, References, rows};

const CDNOW: &str = "clv/cdnow_sample_transactions.csv.gz";
const APPAREL: &str = "clv/apparel_transactions.csv.gz";

pub(super) fn add(all: &mut References<'_>) {
    cdnow(all);
    customers(all);
    apparel(all);
    donations(all);
}

fn cdnow(all: &mut References<'_>) {
    let flags = "--until 1997-09-30 --horizon-weeks 39";
    let Some(told) = all.ask("ltv", CDNOW, flags) else { return };
    let from = From { of: "CDNOW sample, raw log", source: "as published" };
    let counts = [("/customers", 2_357.0), ("/repeat_purchases", 2_457.0), ("/came_back", 946.0)];
    all.near(from, &told, &counts, 0.0);
    let bg = From { source: "Fader, Hardie & Lee 2005, Marketing Science 24(2)", ..from };
    let parameters = [
        ("/bg_nbd/r", 0.242594),
        ("/bg_nbd/alpha", 4.413602),
        ("/bg_nbd/a", 0.792922),
        ("/bg_nbd/b", 2.425907),
    ];
    all.relative(bg, &told, &parameters, 1e-3);
    let errors = [
        ("/bg_nbd/se/r", 0.012557),
        ("/bg_nbd/se/alpha", 0.378224),
        ("/bg_nbd/se/a", 0.185734),
        ("/bg_nbd/se/b", 0.705414),
    ];
    all.relative(bg, &told, &errors, 1e-3);
    all.near(bg, &told, &[("/bg_nbd/log_likelihood", -9_582.42921)], 1e-3);
    let mbg = From { source: "Batislam, Denizel & Filiztekin 2007; BTYDplus", ..from };
    let parameters = [
        ("/mbg_nbd/r", 0.524843),
        ("/mbg_nbd/alpha", 6.183085),
        ("/mbg_nbd/a", 0.891359),
        ("/mbg_nbd/b", 1.614002),
    ];
    all.relative(mbg, &told, &parameters, 1e-3);
    all.near(mbg, &told, &[("/mbg_nbd/log_likelihood", -9_582.13572)], 1e-3);
    let pareto = From { source: "Fader, Hardie & Lee 2005, JMR 42(4); BTYD", ..from };
    let parameters = [
        ("/pareto_nbd/r", 0.553277),
        ("/pareto_nbd/alpha", 10.577683),
        ("/pareto_nbd/s", 0.606240),
    ];
    all.relative(pareto, &told, &parameters, 1e-3);
    all.relative(pareto, &told, &[("/pareto_nbd/beta", 11.668735)], 5e-3);
    all.near(pareto, &told, &[("/pareto_nbd/log_likelihood", -9_594.97618)], 1e-3);
    let spend = From { source: "Fader & Hardie 2013, note 025", ..from };
    let parameters = [
        ("/gamma_gamma/p", 6.249572),
        ("/gamma_gamma/q", 3.744225),
        ("/gamma_gamma/gamma", 15.443521),
        ("/gamma_gamma/mean", 35.170),
    ];
    all.relative(spend, &told, &parameters, 1e-3);
    all.near(spend, &told, &[("/gamma_gamma/log_likelihood", -4_055.91769)], 1e-3);
    let later = From { of: "CDNOW sample, the 39 weeks after", source: "computed twice" };
    let expected = [
        ("/bg_nbd/expected", 1_653.41),
        ("/pareto_nbd/expected", 1_665.51),
        ("/total_clv", 261_531.671),
    ];
    all.relative(later, &told, &expected, 1e-3);
}

/// Customer 1516 and a new one.
fn customers(all: &mut References<'_>) {
    let flags = "--until 1997-09-30 --per-customer";
    let Some(told) = all.ask("ltv", CDNOW, flags) else { return };
    let often = told["per_customer"].as_array().unwrap();
    let often = often.iter().find(|one| one["customer"] == "1516").unwrap().clone();
    let new = [("/bg_nbd/expected_new", 1.44400), ("/pareto_nbd/expected_new", 1.47343)];
    let from = From { of: "CDNOW sample, 52 weeks, a new customer", source: "BTYD, walkthrough" };
    all.relative(from, &told, &new, 1e-3);
    let wanted = [
        ("/bg_nbd/expected", 25.7566),
        ("/bg_nbd/alive", 0.96885),
        ("/pareto_nbd/expected", 25.4565),
        ("/pareto_nbd/alive", 0.99787),
    ];
    let from = From { of: "CDNOW sample, 52 weeks, customer 1516", ..from };
    all.relative(from, &often, &wanted, 1e-3);
}

fn apparel(all: &mut References<'_>) {
    let Some(told) = all.ask("ltv", APPAREL, "--until 2006-12-31") else { return };
    let from = From { of: "Apparel, split after 104 weeks", source: "CLVTools 0.11.2" };
    all.near(from, &told, &[("/pareto_nbd/log_likelihood", -5_848.0978)], 1e-3);
    let purchases: Vec<Purchase<u32>> = rows(APPAREL)
        .unwrap()
        .iter()
        .map(|row| Purchase { customer: row[0].parse().unwrap(), day: day(&row[1]), amount: 0 })
        .collect();
    let known = histories(&purchases, day("2006-12-31"), 100);
    let covariates = rows("clv/apparel_static_cov.csv.gz").unwrap();
    let covariates: Vec<Vec<f64>> = known
        .iter()
        .map(|history| {
            let id = history.customer.to_string();
            let row = covariates.iter().find(|row| row[0] == id).unwrap();
            row[1..].iter().map(|cell| cell.parse().unwrap()).collect()
        })
        .collect();
    let customers: Vec<Customer> = known.iter().map(|history| history.known).collect();
    let fitted = Covariates::fit(&customers, &["Gender", "Channel"], &covariates).unwrap();
    let what = "Pareto/NBD with static covariates, log_likelihood";
    all.line(from, what, -5_821.0627, fitted.log_likelihood, 1e-3);
}

fn donations(all: &mut References<'_>) {
    let Some(rows) = rows("clv/donations_rf.csv") else { return };
    let seasons: Vec<Seasons> = rows
        .iter()
        .map(|row| {
            let cell = |at: usize| row[at].parse::<u32>().unwrap();
            let (repeats, last, seasons) = (cell(0), cell(1), cell(2));
            Seasons { customers: cell(3).into(), repeats, last, seasons }
        })
        .collect();
    let fitted = Discrete::fit(&seasons).unwrap();
    let from = From { of: "Donations", source: "Fader, Hardie & Shang 2010" };
    all.line(from, "BG/BB log_likelihood", -33_225.581, fitted.log_likelihood, 1e-3);
}

/// Days since 1970-01-01.
fn day(date: &str) -> i64 {
    let date: jiff::civil::Date = date.parse().unwrap();
    i64::from(date.since(jiff::civil::date(1970, 1, 1)).unwrap().get_days())
}
