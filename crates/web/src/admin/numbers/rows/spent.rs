//! `/admin/numbers/spent` and `/admin/numbers/rewarded`: what stands in the cost of a customer.

use std::collections::BTreeSet;

use axum::extract::{Query, State};
use engine::EngineError;
use model::ids::ProductId;
use model::spans::Span;
use model::spends::Spend;
use store::customer_sums::{RewardRow, Won};
use store::road_sums::RoadsOf;

use super::super::narrow;
use super::{back, kept};
use crate::admin::numbers::attribution::step_of;
use crate::admin::numbers::journeys::level;
use crate::admin::numbers::report::Report;
use crate::admin::numbers::sheet::{Cell, Sheet, columns};
use crate::admin::numbers::{Asked, Period, channel_name, days_text};
use crate::extract::operator::CurrentOperator;
use crate::reply::Reply;
use crate::state::AppState;

/// Customers of the last so many days, where nobody asks for others: as on the page of payback.
const DAYS: i64 = 365;

/// The amounts of which a part falls on these days.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DAYS);
    let (from, to) = (period.span.from.to_string(), period.span.to.to_string());
    let site = who.site.id;
    let of = (level(&asked), period.span, who.site.currency.clone());
    let by_step = !asked.step.is_empty();
    let (mut spends, known) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let (level, span, currency) = of;
                let of = RoadsOf { level, span, currency: &currency, product: ProductId(0) };
                let known = match by_step {
                    true => store::road_sums::decays(session, site, of).await?,
                    false => Vec::new(),
                };
                Ok((store::spends::within(session, site, &from, &to).await?, known))
            })
        })
        .await?;
    spends.retain(|spend| spend.currency == who.site.currency);
    // A step of roads, as attribution has it: more than one word of the ledger can mean it.
    let meant = |spend: &Spend| step_of(&spend.channel, &known, level(&asked)) == asked.step;
    spends.retain(|spend| !by_step || meant(spend));
    spends.retain(|spend| asked.origin.is_empty() || spend.channel == asked.origin);
    spends.reverse();
    let lead = format!("Amounts of which a part falls on {}.", days_text(period.span));
    let mut report = Report::new(who.frame("spend"), "Spend behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    report.sheets.push(sheet(&spends, &period));
    report.answer("/admin/numbers/spent", &asked, &query)
}

fn sheet(spends: &[Spend], period: &Period) -> Sheet {
    let row = |spend: &Spend| {
        let days = match (spend.from_day.parse(), spend.to_day.parse()) {
            (Ok(from), Ok(to)) => days_text(Span { from, to }),
            _ => spend.from_day.clone(),
        };
        let share = spend.share_within(period.span.from, period.span.to);
        vec![
            Cell::text(days),
            Cell::text(channel_name(&spend.channel)),
            Cell::text(spend.campaign.clone()),
            Cell::money(spend.amount_minor, &spend.currency),
            Cell::money(share, &spend.currency),
            Cell::count(spend.clicks_within(period.span.from, period.span.to)),
        ]
    };
    Sheet {
        title: "Spend".to_owned(),
        formula: Some(
            "of it in these days = amount × its days in these / its days, in whole cents"
                .to_owned(),
        ),
        columns: columns(&[
            "Days",
            "Source",
            "Campaign",
            "#Amount",
            "#Of it in these days",
            "#Clicks in these days",
        ]),
        rows: spends.iter().map(row).collect(),
        empty: "Nothing was spent in these days.".to_owned(),
        ..Sheet::default()
    }
}

/// The orders that redeemed a reward for customers won in these days.
pub async fn rewarded(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let period = Period::read(&who, &asked, DAYS);
    let (site, bounds, span) = (who.site.id, period.bounds(), period.span);
    let (currency, wanted) = (who.site.currency.clone(), asked.clone());
    let rows = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let product = narrow::product_in(&wanted.product);
                let won = Won { span, currency: &currency, product };
                let rows = store::customer_sums::reward_rows(session, site, won, bounds).await?;
                let words: BTreeSet<String> =
                    store::spends::channels(session, site).await?.into_iter().collect();
                let own = |row: &RewardRow| {
                    let word = if words.contains(&row.source) { &row.source } else { &row.channel };
                    wanted.origin.is_empty() || *word == wanted.origin
                };
                Ok(rows.into_iter().filter(own).collect::<Vec<_>>())
            })
        })
        .await?;
    let lead =
        format!("Orders that redeemed the reward for a customer won {}.", days_text(period.span));
    let mut report = Report::new(who.frame("cac"), "Rewards behind the figure", &lead);
    let query = kept(&period, &asked);
    report.back.push(back(&period, &asked));
    let row = |row: &RewardRow| {
        vec![
            Cell::text(period.when(row.paid_at)).to(format!("/admin/orders/{}", row.order_id)),
            Cell::text(if row.email.is_empty() { "erased" } else { &row.email }),
            Cell::text(channel_name(&row.channel)).note(row.source.clone()),
            Cell::money(row.reward_minor, &who.site.currency),
        ]
    };
    report.sheets.push(Sheet {
        title: "Rewards".to_owned(),
        formula: Some("reward = what it took off the order, without tax".to_owned()),
        columns: columns(&["Paid", "Who was rewarded", "Brought by", "#Reward"]),
        rows: rows.iter().map(row).collect(),
        empty: "No reward was redeemed for these customers.".to_owned(),
        ..Sheet::default()
    });
    report.answer("/admin/numbers/rewarded", &asked, &query)
}
