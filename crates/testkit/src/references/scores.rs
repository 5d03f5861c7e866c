//! Scores of leads.

use numbers::scores::metrics;

use super::{From, References, rows};

pub(super) fn add(all: &mut References<'_>) {
    let flags = "--target y --positive yes --exclude duration";
    let Some(told) = all.ask("score", "lead/bank_full.csv.gz", flags) else { return };
    let from = From { of: "UCI Bank without duration", source: "statsmodels, scikit-learn" };
    all.near(from, &told, &[("/log_likelihood", -9_508.26315)], 1e-3);
    let judged = [
        ("/auc", 0.768_145_835_031_859),
        ("/brier", 0.085_740_535_440_800),
        ("/log_loss", 0.300_548_947_960_339),
        ("/ks", 0.422_956_274_607_86),
        ("/ece", 0.012_069_969_084_622),
        ("/top_decile_lift", 4.206),
    ];
    all.near(from, &told, &judged, 5e-4);
    let flags = "--target y --positive yes";
    let told = all.ask("score", "lead/bank_full.csv.gz", flags).unwrap();
    let leak = From { of: "UCI Bank with duration, which leaks", ..from };
    all.near(leak, &told, &[("/auc", 0.908)], 1e-3);
    hospital(all);
}

/// The area under the curve of a score that is given.
fn hospital(all: &mut References<'_>) {
    let Some(rows) = rows("lead/aSAH.csv.gz") else { return };
    // gos6, outcome, gender, age, wfns, s100b, ndka
    let outcome: Vec<bool> = rows.iter().map(|row| row[1] == "Poor").collect();
    let scores: Vec<f64> = rows.iter().map(|row| row[5].parse().unwrap()).collect();
    let auc = metrics::auc(&scores, &outcome).unwrap();
    let from = From { of: "aSAH, s100b", source: "pROC, DeLong" };
    let (low, high) = auc.interval.unwrap();
    all.line(from, "AUC", 0.731369, auc.value, 1e-6);
    all.line(from, "interval, low", 0.630118, low, 1e-6);
    all.line(from, "interval, high", 0.832619, high, 1e-6);
}
