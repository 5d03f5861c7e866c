//! What a customer costs, what a customer brings in, and from which day on the second is more.
//!
//! * CAC = (spend + commissions + first-order discounts) / new customers, of one channel and span.
//! * Margin = what was paid without tax − cost of goods − payment fees − refunds.
//! * Cumulative margin per customer by day d = Σ margin of orders at most d days after their
//!   customer's first, over the customers of the cohort. Only days that *every* customer of the
//!   cohort has lived through are known; later ones would mix old customers with new.
//! * Payback day = the first known day whose cumulative margin is at least CAC. A cohort that has
//!   not paid back is `None`: *not yet*, which is neither zero nor never.
//! * Break-even cost of a lead = margin per customer × customers per lead; of a click likewise.
//! * What if: [`funnel`] draws a funnel again and again, with what is not known about it.

pub mod funnel;

use crate::real::{ratio, real, real_len, real_signed};

/// What was spent to win customers, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acquisition {
    /// Advertising and the like.
    pub spend: i64,
    /// Commissions of partners and rewards of referrals on first orders.
    pub commissions: i64,
    /// Discounts given on first orders.
    pub discounts: i64,
    /// Customers who ordered for the first time.
    pub customers: u64,
}

impl Acquisition {
    /// Everything spent, in minor units.
    pub fn cost(&self) -> i64 {
        self.spend.saturating_add(self.commissions).saturating_add(self.discounts)
    }

    /// Cost of one customer in minor units; nothing where there is no customer.
    pub fn cac(&self) -> Option<f64> {
        ratio(real_signed(self.cost()), real(self.customers))
    }
}

/// The money of one order, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OrderMoney {
    /// Paid, without tax.
    pub net: i64,
    /// Cost of the goods.
    pub cost: i64,
    /// What the payment provider kept.
    pub fees: i64,
    /// Given back, without tax.
    pub refunded: i64,
}

impl OrderMoney {
    /// What is left of it; may be negative.
    pub fn margin(&self) -> i64 {
        self.net.saturating_sub(self.cost).saturating_sub(self.fees).saturating_sub(self.refunded)
    }
}

/// One order of a customer, as payback sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarginOn {
    /// Whole days after the customer's first order; 0 for the first itself.
    pub day: u32,
    /// Its margin in minor units.
    pub margin: i64,
}

/// Cumulative margin per customer by day, from day 0 to `known_days` and no further: the days that
/// the youngest customer of the cohort has lived through. Empty where there is no customer.
pub fn margin_by_day(orders: &[MarginOn], customers: u64, known_days: u32) -> Vec<f64> {
    if customers == 0 {
        return Vec::new();
    }
    let days = usize::try_from(known_days).unwrap_or(usize::MAX).saturating_add(1);
    let mut sums = vec![0_i64; days];
    for order in orders {
        let at = usize::try_from(order.day).unwrap_or(usize::MAX);
        if let Some(sum) = sums.get_mut(at) {
            *sum = sum.saturating_add(order.margin);
        }
    }
    let mut so_far = 0_i64;
    sums.into_iter()
        .map(|sum| {
            so_far = so_far.saturating_add(sum);
            real_signed(so_far) / real(customers)
        })
        .collect()
}

/// The first day on which `by_day` has reached `cac`; `None`: not yet.
pub fn payback_day(by_day: &[f64], cac: f64) -> Option<usize> {
    by_day.iter().position(|margin| *margin >= cac)
}

/// A cohort's economics, as one line of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Payback {
    /// Customers.
    pub customers: u64,
    /// Cost of one.
    pub cac: Option<f64>,
    /// Margin of the first orders, per customer.
    pub first_order: Option<f64>,
    /// Margin so far, per customer, by day.
    pub by_day: Vec<f64>,
    /// The day it has paid back.
    pub payback_day: Option<usize>,
    /// What is still missing per customer, where it has not paid back.
    pub still_missing: Option<f64>,
}

/// The economics of one cohort. `orders` are all orders of its customers.
pub fn payback(acquisition: &Acquisition, orders: &[MarginOn], known_days: u32) -> Payback {
    let customers = acquisition.customers;
    let by_day = margin_by_day(orders, customers, known_days);
    let cac = acquisition.cac();
    let payback_day = cac.and_then(|cac| payback_day(&by_day, cac));
    let last = by_day.last().copied();
    Payback {
        customers,
        cac,
        first_order: by_day.first().copied(),
        still_missing: match (cac, last, payback_day) {
            (Some(cac), Some(last), None) => Some(cac - last),
            _ => None,
        },
        payback_day,
        by_day,
    }
}

/// The most a lead or a click may cost without a loss: margin per customer times customers per
/// lead or click. Nothing where there were no leads.
pub fn break_even(margin_per_customer: f64, customers: u64, leads_or_clicks: u64) -> Option<f64> {
    ratio(margin_per_customer * real(customers), real(leads_or_clicks))
}

/// What may be lost on a first sale because later ones bring it in: the margin that follows the
/// first order by day `horizon`, per customer. Nothing where that day is not known yet.
pub fn loss_allowed(by_day: &[f64], horizon: usize) -> Option<f64> {
    Some(by_day.get(horizon)? - by_day.first()?)
}

/// The mean of amounts in minor units; nothing where there are none, or where their sum is beyond
/// 9·10¹⁸ minor units.
pub fn mean(amounts: &[i64]) -> Option<f64> {
    let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    ratio(real_signed(i64::try_from(sum).ok()?), real_len(amounts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shop of the demo: 19 dollars at the front, 97 behind it, for some.
    fn orders() -> Vec<MarginOn> {
        let first = (0..10).map(|_| MarginOn { day: 0, margin: 1_500 });
        let later = (0..2).map(|n| MarginOn { day: 30 + n, margin: 9_000 });
        first.chain(later).collect()
    }

    const ADS: Acquisition =
        Acquisition { spend: 20_000, commissions: 3_000, discounts: 2_000, customers: 10 };

    #[test]
    fn a_loss_on_the_first_sale_is_paid_back_by_the_second() {
        assert_eq!(ADS.cac(), Some(2_500.0));
        let told = payback(&ADS, &orders(), 60);
        assert_eq!(told.first_order, Some(1_500.0));
        assert_eq!(told.payback_day, Some(31));
        assert_eq!(told.still_missing, None);
        assert_eq!(told.by_day[30], 2_400.0);
        assert_eq!(told.by_day.last(), Some(&3_300.0));
        assert_eq!(loss_allowed(&told.by_day, 60), Some(1_800.0));
    }

    #[test]
    fn a_cohort_that_has_not_paid_back_says_not_yet_and_what_is_missing() {
        let young = payback(&ADS, &orders(), 30);
        assert_eq!(young.payback_day, None);
        assert_eq!(young.still_missing, Some(100.0));
        assert_eq!(young.by_day.len(), 31);
        assert_eq!(loss_allowed(&young.by_day, 60), None);
    }

    #[test]
    fn without_customers_nothing_is_known() {
        let none = Acquisition { customers: 0, ..ADS };
        let told = payback(&none, &[], 90);
        assert_eq!((told.cac, told.first_order, told.payback_day), (None, None, None));
        assert_eq!(break_even(3_300.0, 10, 0), None);
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn free_customers_pay_back_at_once_and_break_even_follows_the_rate() {
        let free = Acquisition { customers: 10, ..Acquisition::default() };
        assert_eq!(payback(&free, &orders(), 0).payback_day, Some(0));
        assert_eq!(break_even(3_300.0, 10, 200), Some(165.0));
        let sold = OrderMoney { net: 1_900, cost: 100, fees: 85, refunded: 0 };
        assert_eq!(sold.margin(), 1_715);
        assert_eq!(OrderMoney { refunded: 1_900, ..sold }.margin(), -185);
        assert_eq!(mean(&[1, 2]), Some(1.5));
        assert_eq!((mean(&[i64::MAX, 1]), mean(&[i64::MAX, -1]).is_some()), (None, true));
    }
}
