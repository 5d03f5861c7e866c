//! Lifetime value: who is still there, what they will buy, and what that is worth now.
//!
//! The unit of time is the week of seven days. Purchases of one customer on one day are one. The
//! first purchase is time zero and is not counted: x is the number of later days with a purchase,
//! t_x runs from the first to the last of them, T from the first to the end of what is known, and
//! m_x is the mean spend of the x days.
//!
//! * [`BetaGeometric`]: BG/NBD and MBG/NBD.
//! * [`ParetoNbd`]: Pareto/NBD, with [`Covariates`] where they are known.
//! * [`GammaGamma`]: spend per purchase.
//! * [`Discrete`]: BG/BB, for chances to buy that come round, as donations once a year.
//!
//! Fits maximise the likelihood by Newton's method with exact derivatives. What the data do not
//! settle is left out of the [`Parameter`]s and said in the [`Warning`]s: above all churn, where a
//! model in which nobody ever leaves explains the purchases as well.

mod beta_geometric;
mod covariates;
mod discount;
mod discrete;
mod fitted;
mod gamma;
mod groups;
mod jet;
mod log;
mod newton;
mod pareto;
mod rising;
mod spend;

pub use beta_geometric::{AtFirst, BetaGeometric};
pub use covariates::Covariates;
pub use discount::weekly_rate;
pub use discrete::{Discrete, Seasons};
pub use fitted::{Fitted, Parameter, Unfit, Warning};
pub use log::{History, Purchase, histories, later};
pub use pareto::ParetoNbd;
pub use spend::{GammaGamma, correlation};

/// What the models know of a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Customer {
    /// Days with a purchase after the first: x.
    pub repeats: u32,
    /// Weeks from the first to the last purchase: t_x; 0 where there is but one.
    pub last: f64,
    /// Weeks from the first purchase to the end of what is known: T.
    pub age: f64,
    /// Mean spend on the repeat days; nothing where there are none.
    pub spend: Option<f64>,
}

impl Customer {
    /// One who has just bought for the first time.
    pub fn new() -> Self {
        Self::default()
    }
}

/// What every model of buying and leaving in weeks can say of a customer.
pub trait Model {
    /// ln of the likelihood of what is known of the customer.
    fn log_likelihood(&self, customer: &Customer) -> f64;

    /// The chance that the customer has not left by now.
    fn alive(&self, customer: &Customer) -> f64;

    /// Purchases expected of the customer in the next `weeks`: none where these are not above zero,
    /// and not a number (NaN) where they are none, infinite, or so many beside the customer's age
    /// that the model's sum does not come to rest.
    fn expected(&self, customer: &Customer, weeks: f64) -> f64;

    /// Purchases expected of the customer, each discounted from its day to now at the continuous
    /// weekly `rate` (see [`weekly_rate`]); over the next `weeks`, or for ever (`None`). Zero where
    /// the weeks are not above zero. Nothing where the sum is infinite or does not come to rest, the
    /// rate is negative or no number, the weeks are none or infinite, or the model has no sum for
    /// ever.
    fn discounted(&self, customer: &Customer, rate: f64, weeks: Option<f64>) -> Option<f64>;

    /// Repeat purchases expected of a new customer in the first `weeks`.
    fn expected_new(&self, weeks: f64) -> f64 {
        self.expected(&Customer::new(), weeks)
    }
}

/// The weeks that a forecast looks ahead: none below zero. Nothing where they never end.
fn ahead(weeks: f64) -> Option<f64> {
    weeks.is_finite().then(|| weeks.max(0.0))
}

/// What the customer will bring, worth now: purchases discounted at the continuous weekly `rate`,
/// over the next `weeks` or for ever, times the spend expected per purchase, in units of the
/// currency. It is revenue: times the share that is margin it is a lifetime value. Nothing where
/// either factor is not known; weeks and rates that cannot be are [`Model::discounted`]'s to refuse.
pub fn worth(
    model: &impl Model,
    spend: &GammaGamma,
    customer: &Customer,
    rate: f64,
    weeks: Option<f64>,
) -> Option<f64> {
    Some(model.discounted(customer, rate, weeks)? * spend.spend(customer)?)
}

#[cfg(test)]
mod tests;
