//! What the site's own funnel did in a span of days, as counts, and what its owner would try.

use engine::EngineError;
use model::spans::{Span, moved, start_of};
use model::spends::Spend;
use numbers::economics::funnel::{Amount, Funnel, Rate, Step};
use numbers::experiments::moments::Moments;
use numbers::real::{ratio, real, real_signed};
use store::margins::{FirstOrder, Later, Recent};
use store::stages::StageCount;

use super::super::{Period, natural, stages};
use crate::extract::operator::CurrentOperator;
use crate::state::AppState;

/// The newest orders that averages are made of: their spread says how far these can be trusted,
/// and more would not make the page any truer, only slower.
pub const ORDERS_MAX: i64 = 5_000;
/// Days for which customers are followed to what they buy later.
pub const FOLLOWED_DAYS: i64 = 60;

/// A count out of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// How many took the step.
    pub count: u64,
    /// Of so many who could.
    pub of: u64,
}

/// What was counted.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Visits; where none are counted, or fewer than leads, the funnel begins with leads.
    pub visits: u64,
    /// Contacts who left an address.
    pub leads: u64,
    /// First orders of those days, in the currency of the site,
    pub orders: u64,
    /// and in any other, which are left out.
    pub foreign: u64,
    /// What was spent, in minor units.
    pub spend_minor: i64,
    /// First orders on which an offer after them was taken, of all.
    pub upsell: Seen,
    /// Customers who bought again within [`FOLLOWED_DAYS`], of those old enough.
    pub later: Seen,
    /// Who was followed: those of these days, the newest [`ORDERS_MAX`] of them.
    pub won_in: Span,
    /// The middle day of their second orders.
    pub later_day: u32,
    /// What a first order brings without the offers after it, without tax.
    pub price: Option<f64>,
    /// The share of that which is not given back.
    kept: f64,
    first_margin: Option<Amount>,
    upsell_margin: Option<Amount>,
    later_margin: Option<Amount>,
}

/// What is tried; nothing: as measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tried {
    /// Visitors, or leads where the funnel begins with them.
    pub visitors: Option<u64>,
    /// What one costs, in minor units.
    pub cost: Option<f64>,
    /// The share who leave an address.
    pub lead: Option<f64>,
    /// The share of those who order.
    pub order: Option<f64>,
    /// What a first order brings, in minor units.
    pub price: Option<f64>,
    /// The share who take an offer after it.
    pub upsell: Option<f64>,
    /// The share who buy again.
    pub later: Option<f64>,
}

/// Counts the days of `period`.
pub async fn read(
    state: &AppState,
    who: &CurrentOperator,
    period: &Period,
) -> Result<Measured, EngineError> {
    let visits = stages::visits(state, who, period.span).await?;
    let visits: i64 = visits.iter().map(|(_, seen)| seen.visitors).sum();
    let (site, zone, span) = (who.site.id, period.zone.clone(), period.span);
    let currency = who.site.currency.clone();
    let of_currency = currency.clone();
    let old_enough = moved(period.today, -FOLLOWED_DAYS - 1);
    let won_in = Span { from: span.from, to: span.to.min(old_enough) };
    let (from, until) = period.bounds();
    let won_until = start_of(moved(won_in.to, 1), &zone).max(from);
    let (people, own, firsts, later, spends) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let of = Recent { from, until, currency: &currency, limit: ORDERS_MAX };
                let won = Recent { until: won_until, ..of };
                let (first, last) = (span.from.to_string(), span.to.to_string());
                let mut spends = store::spends::within(session, site, &first, &last).await?;
                spends.retain(|spend| spend.currency == currency);
                Ok((
                    store::stages::within(session, site, (span, &zone), &["lead", "order"]).await?,
                    store::order_sums::firsts(session, site, span, &of_currency).await?,
                    store::margins::firsts(session, site, of).await?,
                    store::margins::later(session, site, won, FOLLOWED_DAYS).await?,
                    spends,
                ))
            })
        })
        .await?;
    let visits = (natural(visits), natural(own));
    Ok(Measured { won_in, ..counted(visits, &people, &firsts, &later, &spends, span) })
}

/// `own` are the first orders in the currency of the site.
fn counted(
    (visits, own): (u64, u64),
    people: &[StageCount],
    firsts: &[FirstOrder],
    later: &[Later],
    spends: &[Spend],
    span: Span,
) -> Measured {
    let stage = |word: &str| {
        natural(people.iter().filter(|one| one.stage == word).map(|one| one.contacts).sum())
    };
    let amounts = |of: &dyn Fn(&FirstOrder) -> Option<i64>| -> Vec<f64> {
        firsts.iter().filter_map(of).map(real_signed).collect()
    };
    let again: Vec<&Later> = later.iter().filter(|one| one.orders > 0).collect();
    let mut days: Vec<i64> = again.iter().map(|one| one.day).collect();
    days.sort_unstable();
    let middle = days.get(days.len() / 2).copied().unwrap_or(0);
    let later_margins: Vec<f64> = again.iter().map(|one| real_signed(one.margin_minor)).collect();
    let share = |count: usize, of: usize| Seen {
        count: u64::try_from(count).unwrap_or(0),
        of: u64::try_from(of).unwrap_or(0),
    };
    let net: i64 = firsts.iter().map(|one| one.net_minor).sum();
    let back: i64 = firsts.iter().map(|one| one.refunded_minor).sum();
    Measured {
        visits,
        leads: stage("lead"),
        orders: own,
        foreign: stage("order").saturating_sub(own),
        spend_minor: spends.iter().map(|spend| spend.share_within(span.from, span.to)).sum(),
        upsell: share(firsts.iter().filter(|one| one.took_offer).count(), firsts.len()),
        later: share(again.len(), later.len()),
        won_in: span,
        later_day: u32::try_from(middle.max(1)).unwrap_or(1),
        price: Moments::of(&amounts(&|one| Some(one.net_minor - one.upsell_net_minor)))
            .and_then(|moments| moments.mean()),
        kept: 1.0 - ratio(real_signed(back), real_signed(net)).unwrap_or(0.0).clamp(0.0, 1.0),
        first_margin: amount(&amounts(&|one| Some(one.margin_minor - one.upsell_margin_minor))),
        upsell_margin: amount(&amounts(&|one| one.took_offer.then_some(one.upsell_margin_minor))),
        later_margin: amount(&later_margins),
    }
}

/// The mean of margins, with how much they differ.
fn amount(margins: &[f64]) -> Option<Amount> {
    let moments = Moments::of(margins)?;
    Some(Amount {
        mean: moments.mean()?,
        variance: moments.variance(),
        seen: Some(moments.n()).filter(|n| *n > 0),
    })
}

impl Measured {
    /// Whether the funnel begins with visits.
    pub fn begins_with_visits(&self) -> bool {
        self.visits >= self.leads && self.visits > 0
    }

    /// Who comes in at its top.
    pub fn visitors(&self) -> u64 {
        if self.begins_with_visits() { self.visits } else { self.leads }
    }

    /// What one of them cost, in minor units.
    pub fn cost_per_visitor(&self) -> f64 {
        ratio(real_signed(self.spend_minor), real(self.visitors())).unwrap_or(0.0)
    }

    /// Leads of visits, where those are counted.
    pub fn lead(&self) -> Option<Seen> {
        self.begins_with_visits().then_some(Seen { count: self.leads, of: self.visits })
    }

    /// First orders of leads.
    pub fn order(&self) -> Seen {
        Seen { count: self.orders, of: self.leads }
    }

    /// The funnel with what is tried in the place of what was measured; nothing where no first
    /// order was seen.
    pub fn funnel(&self, tried: &Tried) -> Option<Funnel> {
        let mut steps = Vec::new();
        let rate = |seen: Seen, tried: Option<f64>| match tried {
            Some(rate) => Some(Rate::Known(rate)),
            None => Rate::seen(seen.count, seen.of),
        };
        let step = |name: &str, of, rate, margin, day| Step {
            name: name.to_owned(),
            of,
            rate,
            margin,
            day,
        };
        if let Some(lead) = self.lead() {
            steps.push(step("Leads", None, rate(lead, tried.lead)?, None, 0));
        }
        let leads = steps.len().checked_sub(1);
        let first = self.first_margin(tried.price)?;
        let order = rate(self.order(), tried.order)?;
        steps.push(step("First orders", leads, order, Some(first), 0));
        let customers = steps.len() - 1;
        if let Some(margin) = self.upsell_margin {
            let rate = rate(self.upsell, tried.upsell)?;
            steps.push(step("Took an offer after it", Some(customers), rate, Some(margin), 0));
        }
        if let Some(margin) = self.later_margin {
            let (rate, day) = (rate(self.later, tried.later)?, self.later_day);
            steps.push(step("Bought again", Some(customers), rate, Some(margin), day));
        }
        Some(Funnel {
            visitors: tried.visitors.unwrap_or_else(|| self.visitors()),
            cost_per_visitor: tried.cost.unwrap_or_else(|| self.cost_per_visitor()),
            fixed_cost: 0.0,
            steps,
            customers,
        })
    }

    /// The margin of a first order at another price: what is paid more is kept as far as orders
    /// are not given back, and amounts differ as much more as they are larger.
    fn first_margin(&self, price: Option<f64>) -> Option<Amount> {
        let (margin, was) = (self.first_margin?, self.price?);
        let Some(price) = price else { return Some(margin) };
        let times = ratio(price, was).unwrap_or(1.0);
        Some(Amount {
            mean: margin.mean + (price - was) * self.kept,
            variance: margin.variance.map(|variance| variance * times * times),
            ..margin
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn measured() -> Measured {
        let span = Span { from: date(2026, 1, 1), to: date(2026, 3, 31) };
        let people = [("lead", 400), ("order", 42)].map(|(stage, contacts)| StageCount {
            stage: stage.to_owned(),
            channel: "direct".to_owned(),
            source: String::new(),
            landing: String::new(),
            contacts,
        });
        let first = |n: i64| FirstOrder {
            net_minor: if n < 10 { 5_900 } else { 1_900 },
            refunded_minor: if n == 39 { 1_900 } else { 0 },
            margin_minor: if n < 10 {
                5_400
            } else if n == 39 {
                -100
            } else {
                1_800
            },
            upsell_net_minor: if n < 10 { 4_000 } else { 0 },
            upsell_margin_minor: if n < 10 { 3_600 } else { 0 },
            took_offer: n < 10,
        };
        let firsts: Vec<FirstOrder> = (0..40).map(first).collect();
        let later: Vec<Later> = (0..30)
            .map(|n| match n < 6 {
                true => Later { orders: 1, margin_minor: 9_000 + n * 100, day: 20 + n },
                false => Later { orders: 0, margin_minor: 0, day: 0 },
            })
            .collect();
        counted((1_000, 40), &people, &firsts, &later, &[], span)
    }

    #[test]
    fn counts_become_rates_and_orders_amounts_with_their_spread() {
        let seen = measured();
        assert_eq!(seen.lead(), Some(Seen { count: 400, of: 1_000 }));
        assert_eq!((seen.orders, seen.foreign), (40, 2), "margins are those of one currency");
        assert_eq!((seen.upsell, seen.later.count), (Seen { count: 10, of: 40 }, 6));
        assert_eq!((seen.price, seen.later_day), (Some(1_900.0), 23));
        let funnel = seen.funnel(&Tried::default()).unwrap();
        assert_eq!((funnel.steps.len(), funnel.customers, funnel.visitors), (4, 1, 1_000));
        let first = funnel.steps[1].margin.unwrap();
        assert!((first.mean - (39.0 * 1_800.0 - 100.0) / 40.0).abs() < 1e-9);
        assert!(first.variance.unwrap() > 0.0 && first.seen == Some(40));
    }

    #[test]
    fn what_is_tried_takes_the_place_of_what_was_measured() {
        let seen = measured();
        let tried = Tried { price: Some(2_900.0), order: Some(0.2), ..Tried::default() };
        let funnel = seen.funnel(&tried).unwrap();
        assert_eq!(funnel.steps[1].rate, Rate::Known(0.2));
        let was = seen.funnel(&Tried::default()).unwrap().steps[1].margin.unwrap().mean;
        let kept = 1.0 - 1_900.0 / (10.0 * 5_900.0 + 30.0 * 1_900.0);
        let more = funnel.steps[1].margin.unwrap().mean - was;
        assert!((more - 1_000.0 * kept).abs() < 1e-9, "{more}");
        let unvisited = Measured { visits: 0, ..seen };
        let funnel = unvisited.funnel(&Tried::default()).unwrap();
        assert_eq!((funnel.steps.len(), funnel.visitors, funnel.steps[0].of), (3, 400, None));
    }
}
