//! Logistic regression by Newton's method.
//!
//! Maximises Σ y ln p + (1 − y) ln(1 − p) − (λ/2) Σ β_j² with p = 1/(1 + e^(−xβ)), the intercept
//! left out of the penalty; λ = 0 gives the maximum likelihood (McCullagh and Nelder 1989,
//! *Generalized Linear Models*, ch. 4). Standard errors are those of the inverse information.
//!
//! Where some combination of columns tells positives from the others without fault, or without
//! fault but for ties, the likelihood has no maximum at finite parameters (Albert and Anderson
//! 1984, *On the Existence of Maximum Likelihood Estimates in Logistic Regression Models*,
//! Biometrika 71). Newton's steps then do not shrink: each moves that combination by about one
//! while the likelihood stands still. The last step is checked against every row, so what is
//! reported as separated is.

use super::gram::{Gram, Rows, dot};

/// A maximum is found in about eight steps, a separation shows itself in about twenty-five.
const STEPS_MAX: u32 = 60;

/// A pivot below this share of its diagonal is rounding.
const PIVOT_LEAST: f64 = 1e-13;

/// What became of a fit.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fit {
    /// The maximum.
    Found { beta: Vec<f64>, se: Vec<f64>, log_likelihood: f64 },
    /// No finite maximum: the columns in this direction separate the outcomes.
    Separated { direction: Vec<f64> },
    /// Neither was reached.
    NotFound,
}

/// ln(1 + eˣ) without overflow.
pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The probability at log odds `x`.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Σ y η − ln(1 + e^η).
pub(super) fn log_likelihood(rows: &Rows, outcome: &[bool], beta: &[f64]) -> f64 {
    rows.iter()
        .zip(outcome)
        .map(|(row, y)| {
            let eta = dot(row, beta);
            if *y { -softplus(-eta) } else { -softplus(eta) }
        })
        .sum()
}

/// Fits outcomes to rows whose first column is the intercept, with penalty `lambda`.
pub(super) fn fit(rows: &Rows, outcome: &[bool], lambda: f64) -> Fit {
    let width = rows.width();
    let penalty = || std::iter::once(0.0).chain(std::iter::repeat(lambda)).take(width);
    let goal = |beta: &[f64]| {
        let squares: f64 = beta.iter().skip(1).map(|b| b * b).sum();
        log_likelihood(rows, outcome, beta) - 0.5 * lambda * squares
    };
    let mut beta = vec![0.0; width];
    let mut reached = goal(&beta);
    let mut last_step: Vec<f64> = Vec::new();
    for _ in 0..STEPS_MAX {
        let (gram, gradient) = curvature(rows, outcome, &beta, penalty());
        let Some(factor) = gram.factor(PIVOT_LEAST) else {
            return judged(rows, outcome, last_step);
        };
        let step = factor.solve(&gradient);
        let moves = rows.iter().map(|row| dot(row, &step).abs()).fold(0.0, f64::max);
        let (next, value) = shortened(&beta, &step, reached, goal);
        let gained = value - reached;
        (beta, reached) = (next, value);
        if moves < 1e-9 {
            let se = factor.inverse_diagonal().into_iter().map(f64::sqrt).collect();
            let log_likelihood = log_likelihood(rows, outcome, &beta);
            return Fit::Found { beta, se, log_likelihood };
        }
        if lambda <= 0.0 && moves > 0.1 && gained.abs() < 1e-9 * (1.0 + reached.abs()) {
            return judged(rows, outcome, step);
        }
        last_step = step;
    }
    judged(rows, outcome, last_step)
}

/// The information with its penalty, and the gradient.
fn curvature(
    rows: &Rows,
    outcome: &[bool],
    beta: &[f64],
    penalty: impl Iterator<Item = f64> + Clone,
) -> (Gram, Vec<f64>) {
    let mut gram = Gram::new(rows.width());
    let mut gradient: Vec<f64> =
        beta.iter().zip(penalty.clone()).map(|(b, lambda)| -lambda * b).collect();
    for (row, y) in rows.iter().zip(outcome) {
        let p = logistic(dot(row, beta));
        let off = if *y { 1.0 - p } else { -p };
        gram.add(row, p * (1.0 - p));
        for (g, x) in gradient.iter_mut().zip(row) {
            *g += off * x;
        }
    }
    gram.add_diagonal(penalty);
    (gram, gradient)
}

/// The step, halved until it does not lose.
fn shortened(
    beta: &[f64],
    step: &[f64],
    reached: f64,
    goal: impl Fn(&[f64]) -> f64,
) -> (Vec<f64>, f64) {
    let mut share = 1.0;
    for _ in 0..30_u8 {
        let next: Vec<f64> = beta.iter().zip(step).map(|(b, s)| b + share * s).collect();
        let value = goal(&next);
        // Rounding at the maximum must not count as a loss.
        if value >= reached - 1e-12 * reached.abs() {
            return (next, value);
        }
        share *= 0.5;
    }
    (beta.to_vec(), reached)
}

/// Whether a direction separates the outcomes: no row lies on the wrong side of it.
fn judged(rows: &Rows, outcome: &[bool], direction: Vec<f64>) -> Fit {
    let sides = || {
        rows.iter().zip(outcome).map(|(row, y)| {
            let side = dot(row, &direction);
            if *y { side } else { -side }
        })
    };
    let far = sides().fold(0.0, f64::max);
    let wrong = sides().fold(0.0, f64::min);
    if far > 0.1 && wrong > -1e-3 * far { Fit::Separated { direction } } else { Fit::NotFound }
}
