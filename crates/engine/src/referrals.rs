//! Recommendations by customers (R2): a personal link, counted after the order was paid and its
//! time for refunds is over, rewarded with a coupon.

use model::EmailAddr;
use model::coupons::Cut;
use model::ids::{ContactId, OrderId, ReferralId};
use model::messages::{Class, SourceKind};
use model::money::Rate;
use model::payments::ReferralState;
use model::sites::Site;
use model::spans::day_of;
use model::tokens::Purpose;
use serde_json::json;
use store::Tx;
use store::events::NewEvent;
use store::orders::Order;
use store::referrals::Referral;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::messages::{Content, NewMessage};
use crate::sweeps::Round;
use crate::{coupons, messages, pay, rollups};

/// Recommendations of one batch.
const BATCH: i64 = 50;
/// What a recommendation earns: this share off the next order.
const REWARD_PPM: u32 = 200_000;
/// How long the reward may be used.
const REWARD_DAYS: i64 = 180;

/// A customer's personal link.
pub fn link(_: &Engine, site: &Site, contact: ContactId) -> String {
    site.url(&format!("/r/{}", code(contact)))
}

/// The code of a customer, as it stands in the link.
fn code(contact: ContactId) -> String {
    model::ids::to_base32(contact.0)
}

/// What a referral link hands on: `code.sig`, where the code is a customer's.
///
/// # Errors
/// The database fails.
pub async fn signed(engine: &Engine, site: &Site, code: &str) -> Result<Option<String>> {
    let Some(contact) = model::ids::from_base32(code).map(ContactId) else { return Ok(None) };
    let id = site.id;
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::contacts::find(session, id, contact).await?) })
        })
        .await?;
    Ok(found.map(|_| engine.keys().sign_code(Purpose::Referral, code)))
}

/// The customer that `code.sig` names, if it was signed by us.
pub fn read(engine: &Engine, _: &Site, text: &str) -> Option<ContactId> {
    let code = engine.keys().open_code(Purpose::Referral, text)?;
    model::ids::from_base32(code).map(ContactId)
}

/// Writes the recommendation of an order that was paid: held, or refused with its reason.
pub(crate) async fn hold(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: &Order,
) -> Result<()> {
    let Some(referrer) = order.referred_by else { return Ok(()) };
    let Some(known) = store::contacts::find(tx, site.id, referrer).await? else { return Ok(()) };
    let now = engine.now();
    let reason = if referrer == order.contact_id || known.address_hmac == order.address_hmac {
        "recommended by themself"
    } else if store::orders::paid_count(tx, site.id, &order.address_hmac).await? > 1 {
        "was a customer before"
    } else {
        ""
    };
    let state = if reason.is_empty() { ReferralState::Held } else { ReferralState::Refused };
    let referral = Referral {
        site_id: site.id,
        id: ReferralId(engine.next_id()),
        referrer_id: referrer,
        referred_id: order.contact_id,
        order_id: order.id,
        state,
        reason: reason.to_owned(),
        due_at: now.plus_days(i64::from(site.settings.referral_hold_days)),
        reward_coupon_id: None,
        created_at: now,
        decided_at: None,
    };
    store::referrals::insert(tx, &referral).await?;
    Ok(())
}

/// Credits every recommendation whose hold is over.
pub(crate) async fn credit_due(engine: &Engine) -> Result<usize> {
    let now = engine.now();
    let due = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::referrals::due(session, now, BATCH).await?) })
        })
        .await?;
    let mut round = Round::default();
    for referral in due {
        let Some(site) = pay::site(engine, referral.site_id).await? else { continue };
        let (it, id) = (engine.clone(), referral.id);
        let credited = engine
            .write(move |tx| Box::pin(async move { credit(&it, tx, &site, &referral).await }))
            .await;
        round.took(format_args!("recommendation {id}"), credited.map(|()| 1));
    }
    engine.wake();
    round.end()
}

async fn credit(engine: &Engine, tx: &mut Tx<'_>, site: &Site, referral: &Referral) -> Result<()> {
    let now = engine.now();
    let order = store::orders::find(tx, site.id, referral.order_id).await?;
    if !order.is_some_and(|order| order.state.is_paid()) {
        return reverse(engine, tx, site, referral).await;
    }
    let ends_at = now.plus_days(REWARD_DAYS);
    let what = ("THANKS", Cut::Percent(Rate { ppm: REWARD_PPM }), Some(ends_at));
    let note = "for a recommendation";
    let reward = coupons::mint(engine, tx, site.id, referral.referrer_id, what, note).await?;
    let (state, reason) = (ReferralState::Credited, "");
    let coupon = Some(reward.coupon.id);
    if !store::referrals::decide(tx, site.id, referral.id, (state, reason), coupon, now).await? {
        return Ok(());
    }
    let data = json!({ "referral": referral.id.to_string(),
        "coupon": reward.coupon.code.to_string() });
    let event = NewEvent {
        kind: "referral.qualified",
        contact_id: Some(referral.referrer_id),
        subject_id: Some(referral.id.0),
        data: &data,
    };
    engine.record(tx, site.id, event).await?;
    thank(engine, tx, site, referral, reward.coupon.code.as_str()).await
}

/// An order was paid back: the recommendation it was held for goes with it.
pub(crate) async fn reverse_of_order(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    order: OrderId,
) -> Result<()> {
    match store::referrals::held_of_order(tx, site.id, order).await? {
        Some(referral) => reverse(engine, tx, site, &referral).await,
        None => Ok(()),
    }
}

/// Takes it back. Who recommended counts on the day of the first recommendation that stands: where
/// this was that one, both days are counted anew.
async fn reverse(engine: &Engine, tx: &mut Tx<'_>, site: &Site, referral: &Referral) -> Result<()> {
    let first = store::referrals::first_of(tx, site.id, referral.referrer_id).await?;
    let end = (ReferralState::Reversed, "the order was paid back");
    store::referrals::decide(tx, site.id, referral.id, end, None, engine.now()).await?;
    let next = store::referrals::first_of(tx, site.id, referral.referrer_id).await?;
    if first != next {
        let zone = rollups::zone_of(site);
        for at in [first, next].into_iter().flatten() {
            store::stages::forget_day(tx, site.id, &day_of(at, &zone).to_string()).await?;
        }
    }
    Ok(())
}

async fn thank(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    referral: &Referral,
    code: &str,
) -> Result<()> {
    let found = store::contacts::find(tx, site.id, referral.referrer_id).await?;
    // Who was erased is thanked by nobody: there is no address any more.
    let Some(contact) = found.filter(|contact| !contact.is_erased()) else { return Ok(()) };
    let message = NewMessage {
        contact_id: Some(contact.id),
        to: EmailAddr::parse(&contact.email)?,
        class: Class::Transactional,
        source_kind: SourceKind::Notice,
        source_id: referral.id.0,
        enrolment_id: None,
        dedupe_key: format!("referral:{}", referral.id),
        content: Content::System {
            name: "referral",
            context: json!({ "name": contact.first_name, "code": code,
                "catalogue_url": site.url("/catalogue"),
                "referral_url": link(engine, site, contact.id) }),
        },
        not_before: None,
        expires_at: None,
    };
    messages::plan(engine, tx, site, message).await.map(drop)
}
