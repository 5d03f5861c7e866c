//! Coupons: made, changed, minted for one contact, taken from a file.

mod file;

use model::coupons::{Coupon, CouponCode, Cut};
use model::ids::{ContactId, CouponId};
use model::{Refused, SiteId, UtcMs};
use store::Tx;
use store::coupons::CouponRow;

use crate::audits;
use crate::engine::Engine;
use crate::fault::Result;

pub use file::{HEADERS, export, import, look};

/// A coupon as an operator or a file writes it; an id of zero asks for a new one.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The coupon and its rules.
    pub coupon: Coupon,
    /// What the operator writes beside it.
    pub note: String,
}

/// Writes a coupon, new or changed.
///
/// # Errors
/// A field that must be mended.
pub async fn put(engine: &Engine, site: SiteId, draft: Draft) -> Result<CouponId> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let id = put_in(&of, tx, site, draft).await?;
                audits::note(&of, tx, site, "coupon.saved", id, &()).await?;
                Ok(id)
            })
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn put_in(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    draft: Draft,
) -> Result<CouponId> {
    draft.coupon.check()?;
    let now = engine.now();
    let new_id = CouponId(engine.next_id());
    let mut coupon = draft.coupon;
    let known = store::coupons::find(tx, site, coupon.id).await?;
    let by_code = store::coupons::find_by_code(tx, site, coupon.code.as_str()).await?;
    if by_code.is_some_and(|other| other.coupon.id != coupon.id) {
        let refused = Refused::new("code_taken", "another coupon has this code");
        return Err(refused.at("code").into());
    }
    if let (Some(known), Some(max)) = (&known, coupon.uses_max)
        && known.used > max
    {
        let message = format!("it was used {} times already", known.used);
        return Err(Refused::new("coupon_limit", message).at("uses_max").into());
    }
    if known.is_none() {
        coupon.id = new_id;
    }
    let row = CouponRow {
        used: 0,
        contact_id: known.as_ref().and_then(|known| known.contact_id),
        note: draft.note,
        created_at: known.as_ref().map_or(now, |known| known.created_at),
        updated_at: now,
        coupon,
    };
    store::coupons::put(tx, site, &row, now).await?;
    Ok(row.coupon.id)
}

/// Letters and digits of a minted code: none that are read for another.
const MINT_LETTERS: &[u8; 31] = b"ABCDEFGHJKLMNPQRSTUVWXYZ2345678";

/// Mints a coupon for one contact and one use.
pub(crate) async fn mint(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    contact: ContactId,
    (prefix, cut, ends_at): (&str, Cut, Option<UtcMs>),
    note: &str,
) -> Result<CouponRow> {
    let now = engine.now();
    let mut code = format!("{prefix}-");
    for _ in 0..8 {
        let at = usize::try_from(engine.rng().below(31)).unwrap_or(0);
        code.push(MINT_LETTERS.get(at).copied().map_or('A', char::from));
    }
    let row = CouponRow {
        coupon: Coupon {
            id: CouponId(engine.next_id()),
            code: CouponCode::parse(&code)?,
            cut,
            active: true,
            starts_at: None,
            ends_at,
            uses_max: Some(1),
            per_contact_max: Some(1),
            minimum: None,
            products: Vec::new(),
            first_order: false,
            customers_only: false,
        },
        used: 0,
        contact_id: Some(contact),
        note: note.to_owned(),
        created_at: now,
        updated_at: now,
    };
    store::coupons::put(tx, site, &row, now).await?;
    Ok(row)
}
