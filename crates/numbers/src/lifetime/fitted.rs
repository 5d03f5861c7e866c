//! What a fit gives, and what it cannot.

use super::groups::Groups;
use super::newton::{self, Peak};

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The customer at this place has times that cannot be.
    Row(usize),
    /// The customer at this place lacks a covariate, or has one that is no number.
    Covariate(usize),
    /// Nobody bought twice.
    NobodyCameBack,
    /// The search for the most likely parameters did not end.
    Unsettled,
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row(at) => write!(
                f,
                "customer {} has times that cannot be: the last purchase must lie between the \
                 first and the end, and be later than the first where there are repeats",
                at + 1
            ),
            Self::Covariate(at) => write!(
                f,
                "customer {} lacks a covariate, or has one that is no number: give every customer \
                 a number for each",
                at + 1
            ),
            Self::NobodyCameBack => write!(
                f,
                "nobody bought on a second day: wait until some have, or take a longer span"
            ),
            Self::Unsettled => write!(
                f,
                "these purchases do not settle the model's parameters: take more customers or a \
                 longer span"
            ),
        }
    }
}

impl std::error::Error for Unfit {}

/// What must be said beside the figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Warning {
    /// A model in which nobody leaves explains the purchases as well: the parameters of leaving
    /// mean nothing.
    NoMeasurableChurn,
    /// The likelihood is flat along these parameters: only what they say together is known.
    NotToldApart(Vec<&'static str>),
    /// Spend and frequency go together, against what the Gamma-Gamma model assumes: their
    /// correlation.
    SpendFollowsFrequency(f64),
    /// So many customers came back but their mean spend is not above zero; they are left out of
    /// the model of spend.
    NoSpend(u64),
    /// The mean spend of the model is infinite: a few customers spend nearly everything.
    NoMeanSpend,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoMeasurableChurn => write!(f, "no measurable churn in this window"),
            Self::NotToldApart(names) => write!(
                f,
                "{} cannot be told apart: only what they say together is known",
                names.join(" and ")
            ),
            Self::SpendFollowsFrequency(correlation) => write!(
                f,
                "spend and frequency go together (correlation {correlation:.2}): the model of \
                 spend assumes that they do not"
            ),
            Self::NoSpend(customers) => write!(
                f,
                "{customers} customers came back without paying: left out of the model of spend"
            ),
            Self::NoMeanSpend => {
                write!(f, "the model's mean spend is infinite: a new customer's value is not known")
            }
        }
    }
}

/// A parameter of a fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name in the literature.
    pub name: String,
    /// Its value; nothing where the data do not settle it.
    pub value: Option<f64>,
    /// Its standard error, from the matrix of second derivatives; nothing where it has none.
    pub standard_error: Option<f64>,
}

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted<M> {
    /// The model, good for forecasts even where some of its parameters mean nothing by themselves.
    pub model: M,
    /// ln of the likelihood.
    pub log_likelihood: f64,
    /// The parameters as they may be shown.
    pub parameters: Vec<Parameter>,
    /// What to say beside them.
    pub warnings: Vec<Warning>,
}

impl<M> Fitted<M> {
    /// Whether leaving can be measured.
    pub fn has_churn(&self) -> bool {
        !self.warnings.contains(&Warning::NoMeasurableChurn)
    }
}

/// Twice the gain in ln likelihood that a model with churn must show over one without: the 95 %
/// point of χ² with one degree of freedom (Wilks 1938, Annals of Mathematical Statistics 9(1)).
const GAIN_MIN: f64 = 3.841_458_820_694_124;
/// A standard error of ln p above this, a factor of twenty either way, is a flat direction.
pub(super) const ERROR_MAX: f64 = 3.0;

/// Names and values of a model's parameters: two of buying, then two of leaving.
pub(super) type Named = [(&'static str, f64); 4];

impl<M> Fitted<M> {
    /// A model of buying and leaving. `without_churn` is ln of the greatest likelihood of the same
    /// model where nobody leaves, if there is one.
    pub(super) fn of(model: M, named: Named, peak: &Peak, without_churn: Option<f64>) -> Self {
        let churn = without_churn.is_none_or(|none| 2.0 * (peak.value - none) > GAIN_MIN);
        let mut errors = peak.errors.iter().flatten().copied().map(Some).chain([None; 4]);
        let (buying, leaving) = named.split_at(2);
        let mut fitted = Self {
            model,
            log_likelihood: peak.value,
            parameters: Vec::new(),
            warnings: Vec::new(),
        };
        fitted.show(buying, &mut errors);
        if churn {
            fitted.show(leaving, &mut errors);
        } else {
            fitted.warnings.push(Warning::NoMeasurableChurn);
            fitted.parameters.extend(leaving.iter().map(|(name, _)| Parameter::unknown(name)));
        }
        fitted
    }

    /// Adds parameters that belong together, with the standard errors of their logarithms: none of
    /// them is shown where one is flat.
    pub(super) fn show(
        &mut self,
        named: &[(&'static str, f64)],
        errors: &mut impl Iterator<Item = Option<f64>>,
    ) {
        let errors: Vec<Option<f64>> = errors.by_ref().take(named.len()).collect();
        if errors.iter().all(|error| error.is_some_and(|error| error <= ERROR_MAX)) {
            let known = named.iter().zip(errors).map(|((name, value), error)| Parameter {
                name: (*name).to_owned(),
                value: Some(*value),
                standard_error: error.map(|error| error * value),
            });
            self.parameters.extend(known);
        } else {
            self.warnings
                .push(Warning::NotToldApart(named.iter().map(|(name, _)| *name).collect()));
            self.parameters.extend(named.iter().map(|(name, _)| Parameter::unknown(name)));
        }
    }
}

impl Parameter {
    fn unknown(name: &str) -> Self {
        Self { name: name.to_owned(), value: None, standard_error: None }
    }
}

/// ln of the greatest likelihood of a model in which nobody leaves.
pub(super) fn without_churn(groups: &Groups) -> Option<f64> {
    let rate = groups.rate();
    // Shape and rate of a negative binomial have one peak.
    let peak = newton::maximise(&[f64::ln(0.5), f64::ln(0.5 / rate)], |at| {
        let mut values = at.iter().map(|log| log.exp());
        let mut next = || values.next().unwrap_or(f64::NAN);
        groups.without_churn(next(), next())
    });
    peak.map(|peak| peak.value)
}
