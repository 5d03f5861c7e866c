//! Pareto/NBD where something is known of each customer that does not change: Fader & Hardie 2007,
//! *Incorporating Time-Invariant Covariates into the Pareto/NBD and BG/NBD Models*.
//!
//! A customer with covariates z buys at a rate Gamma(r, α e^(−γ'z)) and leaves at a rate
//! Gamma(s, β e^(−λ'z)): a coefficient of ln 2 doubles the rate for each unit of its covariate.

use super::fitted::ERROR_MAX;
use super::groups::{Group, Groups};
use super::jet::Jet;
use super::newton::{self, Point};
use super::rising::{Rise, Rises};
use super::{Customer, Fitted, Parameter, ParetoNbd, Unfit};

/// The model of customers whose covariates are all zero, and what the covariates change.
#[derive(Debug, Clone, PartialEq)]
pub struct Covariates {
    /// Where all covariates are zero.
    pub base: ParetoNbd,
    /// ln of the factor on the rate of leaving, by covariate.
    pub leaving: Vec<f64>,
    /// ln of the factor on the rate of buying, by covariate.
    pub buying: Vec<f64>,
}

/// Where ln α and ln β stand among the four parameters.
const ALPHA: usize = 1;
const BETA: usize = 3;

impl Covariates {
    /// The model of greatest likelihood for `customers` with their covariates, one row a customer
    /// and one number for each of `names`. The parameters after the first four are called
    /// `life.NAME` and `trans.NAME`; they have no value where the data leave the factor between
    /// the covariate's extremes open by more than twenty either way.
    ///
    /// # Errors
    /// See [`Unfit`].
    pub fn fit(
        customers: &[Customer],
        names: &[&str],
        covariates: &[Vec<f64>],
    ) -> Result<Fitted<Self>, Unfit> {
        let plain = ParetoNbd::fit(customers)?;
        let fits = |row: &Vec<f64>| row.len() == names.len() && row.iter().all(|z| z.is_finite());
        if let Some(at) = covariates.iter().position(|row| !fits(row)) {
            return Err(Unfit::Covariate(at));
        }
        if covariates.len() != customers.len() {
            return Err(Unfit::Covariate(covariates.len().min(customers.len())));
        }
        let groups = Groups::of(customers)?;
        let rows: Vec<(Group, &[f64])> =
            customers.iter().map(Group::of).zip(covariates.iter().map(Vec::as_slice)).collect();
        let zeros = vec![0.0; 2 * names.len()];
        let start: Vec<f64> =
            plain.model.named().iter().map(|(_, value)| value.ln()).chain(zeros).collect();
        let peak = newton::maximise(&start, |at| point(at, &rows, groups.repeats_max()))
            .ok_or(Unfit::Unsettled)?;
        let model = Self::at(&peak.at);
        let named = model.base.named();
        let coefficients: Vec<f64> = peak.at.iter().skip(named.len()).copied().collect();
        let mut errors = peak.errors.iter().flatten().skip(named.len()).copied();
        let churn = plain.has_churn();
        // Whether anybody leaves is asked of the plain model: against one without covariates a gain
        // could be that of the covariates of buying.
        let mut fitted = Fitted::of(model, named, &peak, (!churn).then_some(peak.value));
        let labels = ["life", "trans"]
            .iter()
            .flat_map(|of| names.iter().enumerate().map(move |(column, name)| (of, column, name)));
        for ((of, column, name), value) in labels.zip(coefficients) {
            let shown = churn || *of == "trans";
            let spread = spread(covariates, column);
            let settled = |error: &f64| shown && spread > 0.0 && error * spread <= ERROR_MAX;
            let error = errors.next().filter(settled);
            let value = error.map(|_| value);
            fitted.parameters.push(Parameter {
                name: format!("{of}.{name}"),
                value,
                standard_error: error,
            });
        }
        Ok(fitted)
    }

    fn at(at: &[f64]) -> Self {
        let rest = at.get(4..).unwrap_or_default();
        let (leaving, buying) = rest.split_at(rest.len() / 2);
        Self { base: ParetoNbd::at(at), leaving: leaving.to_vec(), buying: buying.to_vec() }
    }

    /// The model of customers with these covariates.
    pub fn of(&self, covariates: &[f64]) -> ParetoNbd {
        let factor = |by: &[f64]| -> f64 {
            by.iter().zip(covariates).map(|(by, z)| by * z).sum::<f64>().exp()
        };
        ParetoNbd {
            alpha: self.base.alpha / factor(&self.buying),
            beta: self.base.beta / factor(&self.leaving),
            ..self.base
        }
    }
}

/// From the smallest to the largest value of a covariate.
fn spread(covariates: &[Vec<f64>], column: usize) -> f64 {
    let values = || covariates.iter().filter_map(|row| row.get(column)).copied();
    values().fold(f64::NEG_INFINITY, f64::max) - values().fold(f64::INFINITY, f64::min)
}

fn point(at: &[f64], rows: &[(Group, &[f64])], repeats_max: u32) -> Point {
    let model = Covariates::at(at);
    let rises = Rises::new(model.base.r, repeats_max);
    let size = at.len();
    let mut sum =
        Point { value: 0.0, gradient: vec![0.0; size], hessian: vec![vec![0.0; size]; size] };
    for (row, covariates) in rows {
        let rise: Rise = rises.at(row.repeats);
        add(&mut sum, &model.of(covariates).jet(row, rise), covariates);
    }
    sum
}

/// Adds one customer's part. Each parameter moves one of the customer's own four, by a factor.
fn add(sum: &mut Point, part: &Jet, covariates: &[f64]) {
    let own = (0..4).map(|at| (at, 1.0));
    let leaving = covariates.iter().map(|z| (BETA, -z));
    let buying = covariates.iter().map(|z| (ALPHA, -z));
    let moves: Vec<(usize, f64)> = own.chain(leaving).chain(buying).collect();
    let first = |at: usize| part.first.get(at).copied().unwrap_or_default();
    let second = |i: usize, j: usize| {
        part.second.get(i).and_then(|row| row.get(j)).copied().unwrap_or_default()
    };
    sum.value += part.value;
    for ((i, by), (slope, curves)) in
        moves.iter().zip(sum.gradient.iter_mut().zip(&mut sum.hessian))
    {
        *slope += by * first(*i);
        for ((j, other), curve) in moves.iter().zip(curves) {
            *curve += by * other * second(*i, *j);
        }
    }
}
