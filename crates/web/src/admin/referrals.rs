//! `/admin/referrals`: who recommended whom, and what came of it.

use axum::extract::{Query, State};
use engine::EngineError;
use model::UtcMs;
use model::ids::ReferralId;
use serde::{Deserialize, Serialize};

use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Recommendations on one page.
const PAGE: i64 = 50;

/// The recommendations.
#[derive(Debug, Serialize)]
pub struct ReferralsPage {
    frame: Frame,
    rows: Vec<Row>,
    pager: Pager,
    hold_days: u32,
}

#[derive(Debug, Serialize)]
struct Row {
    referrer: String,
    referrer_id: String,
    referred: String,
    referred_id: String,
    order: String,
    state: &'static str,
    reason: String,
    due_at: UtcMs,
    coupon: Option<String>,
}

impl ReferralsPage {
    pub(crate) fn sample() -> Self {
        let row = Row {
            referrer: "ada@example.org".to_owned(),
            referrer_id: "con_0000000000001".to_owned(),
            referred: "bob@example.org".to_owned(),
            referred_id: "con_0000000000002".to_owned(),
            order: "ord_0000000000001".to_owned(),
            state: "credited",
            reason: String::new(),
            due_at: UtcMs(1_795_200_000_000),
            coupon: Some("THANKS-ABCDEFGH".to_owned()),
        };
        let frame = Frame::sample("referrals");
        Self { frame, rows: vec![row], pager: Pager::default(), hold_days: 30 }
    }
}

/// Where a list begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    before: Option<ReferralId>,
}

/// The recommendations, newest first.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    let site = who.site.id;
    let before = asked.before.unwrap_or(ReferralId(i64::MAX));
    let (rows, last) = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let found = store::referrals::list(session, site, before, PAGE).await?;
                let full = i64::try_from(found.len()) == Ok(PAGE);
                let last = found.last().filter(|_| full).map(|referral| referral.id);
                let mut rows = Vec::new();
                for referral in found {
                    rows.push(row(session, site, referral).await?);
                }
                Ok((rows, last))
            })
        })
        .await?;
    let next = last.map(|id| format!("/admin/referrals?before={id}"));
    let page = ReferralsPage {
        frame: who.frame("referrals"),
        rows,
        pager: Pager { next, ..Pager::default() },
        hold_days: who.site.settings.referral_hold_days,
    };
    reply::page("admin/referrals/index.html", page)
}

async fn row(
    session: &mut store::Session<'_>,
    site: model::SiteId,
    referral: store::referrals::Referral,
) -> Result<Row, EngineError> {
    let referrer = store::contacts::find(session, site, referral.referrer_id).await?;
    let referred = store::contacts::find(session, site, referral.referred_id).await?;
    let coupon = match referral.reward_coupon_id {
        Some(id) => store::coupons::find(session, site, id).await?,
        None => None,
    };
    Ok(Row {
        referrer: referrer.map(|contact| contact.email).unwrap_or_default(),
        referrer_id: referral.referrer_id.to_string(),
        referred: referred.map(|contact| contact.email).unwrap_or_default(),
        referred_id: referral.referred_id.to_string(),
        order: referral.order_id.to_string(),
        state: referral.state.as_str(),
        reason: referral.reason,
        due_at: referral.due_at,
        coupon: coupon.map(|row| row.coupon.code.to_string()),
    })
}
