//! Coupons as a file: `code,kind,value,starts_at,ends_at,max_uses,per_contact,products`.

use std::collections::BTreeMap;

use model::audits::Actor;
use model::coupons::{Coupon, CouponCode, Cut};
use model::ids::{CouponId, ProductId};
use model::sites::Site;
use model::{Currency, Money, Rate, Refused, SiteId, UtcMs, Zone};
use serde_json::json;
use store::Session;

use super::{Draft, put_in};
use crate::engine::Engine;
use crate::exports::Lines;
use crate::fault::{EngineError, Result};
use crate::files::columns::{Columns, Edge, Taken, count, instant};
use crate::files::tables::Table;
use crate::{audits, rollups};

/// The columns of the file.
pub const HEADERS: [&str; 8] =
    ["code", "kind", "value", "starts_at", "ends_at", "max_uses", "per_contact", "products"];
/// Coupons of one file: more are minted one by one, not kept in a list.
const LINES_MAX: usize = 20_000;
/// Rows read at once.
const PAGE: i64 = 500;

/// Takes in a file of coupons. One whose code is known is changed to what the file says; its uses
/// and what the file does not speak of stay. All good lines are one transaction.
///
/// # Errors
/// It cannot be read, or a column is missing.
pub async fn import(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (table, columns) = open(bytes, map)?;
    let (of, on) = (engine.clone(), site.clone());
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let (taken, drafts) = read(tx, &on, &table, &columns).await?;
                for draft in drafts {
                    put_in(&of, tx, on.id, draft).await?;
                }
                let data = json!({ "added": taken.created, "changed": taken.updated });
                audits::record(&of, tx, on.id, actor, "coupons.imported", "", &data).await?;
                Ok(taken)
            })
        })
        .await
}

/// What [`import`] would do; changes nothing.
///
/// # Errors
/// As [`import`].
pub async fn look(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (table, columns) = open(bytes, map)?;
    let on = site.clone();
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { read(session, &on, &table, &columns).await.map(|(taken, _)| taken) },
            )
        })
        .await
}

fn open(bytes: &[u8], map: &BTreeMap<String, String>) -> Result<(Table, Columns)> {
    let table = Table::read(bytes)?;
    let columns = Columns::of(&table, &HEADERS, &["code", "kind", "value"], map)?;
    Ok((table, columns))
}

/// The coupons that are new or changed; bad lines are noted.
async fn read(
    session: &mut Session<'_>,
    site: &Site,
    table: &Table,
    columns: &Columns,
) -> Result<(Taken, Vec<Draft>)> {
    let (mut taken, mut drafts) = (Taken::default(), Vec::new());
    let products = store::products::list(session, site.id).await?;
    let products: BTreeMap<String, ProductId> =
        products.into_iter().map(|product| (product.slug, product.id)).collect();
    let zone = rollups::zone_of(site);
    let currency = Currency::parse(&site.currency)?;
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    for line in table.rows() {
        taken.rows += 1;
        if taken.rows > LINES_MAX {
            let why = format!("at most {LINES_MAX} coupons are read at once: send it in parts");
            return Err(Refused::new("file_too_long", why).at("file").into());
        }
        let read = line
            .readable()
            .and_then(|cells| coupon(|name| columns.cell(cells, name), &products, currency, &zone));
        let wanted = match read {
            Ok(coupon) => coupon,
            Err(why) => {
                taken.reject(line.line, why);
                continue;
            }
        };
        if let Some(before) = seen.insert(wanted.code.to_string(), line.line) {
            let why = format!("the same code stands on line {before}");
            taken.reject(line.line, Refused::new("code_repeats", why).at("code"));
            continue;
        }
        let known = store::coupons::find_by_code(session, site.id, wanted.code.as_str()).await?;
        let Some(known) = known else {
            taken.created += 1;
            drafts.push(Draft { coupon: wanted, note: String::new() });
            continue;
        };
        let changed = over(&known.coupon, wanted);
        if changed == known.coupon {
            taken.unchanged += 1;
        } else if changed.uses_max.is_some_and(|max| known.used > max) {
            let why = format!("it was used {} times already", known.used);
            taken.reject(line.line, Refused::new("coupon_limit", why).at("max_uses"));
        } else {
            taken.updated += 1;
            drafts.push(Draft { coupon: changed, note: known.note });
        }
    }
    Ok((taken, drafts))
}

/// A known coupon with what a file says of it.
fn over(known: &Coupon, wanted: Coupon) -> Coupon {
    let mut products = wanted.products;
    let same = |a: &[ProductId], b: &[ProductId]| {
        let (mut a, mut b) = (a.to_vec(), b.to_vec());
        a.sort_unstable();
        b.sort_unstable();
        a == b
    };
    if same(&products, &known.products) {
        products.clone_from(&known.products);
    }
    Coupon {
        cut: wanted.cut,
        starts_at: wanted.starts_at,
        ends_at: wanted.ends_at,
        uses_max: wanted.uses_max,
        per_contact_max: wanted.per_contact_max,
        products,
        ..known.clone()
    }
}

fn coupon<'r>(
    cell: impl Fn(&'static str) -> &'r str,
    products: &BTreeMap<String, ProductId>,
    currency: Currency,
    zone: &Zone,
) -> std::result::Result<Coupon, Refused> {
    let when = |name: &'static str, edge| -> std::result::Result<Option<UtcMs>, Refused> {
        instant(cell(name), zone, edge).map_err(|why| why.at(name))
    };
    let number = |name: &'static str| count(cell(name)).map_err(|why| why.at(name));
    let mut ids = Vec::new();
    for slug in cell("products").split([',', ';']).map(str::trim).filter(|slug| !slug.is_empty()) {
        let id = products.get(slug).copied().ok_or_else(|| {
            let why = format!("there is no product called {slug}");
            Refused::new("product_unknown", why).at("products")
        })?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let coupon = Coupon {
        id: CouponId(0),
        code: CouponCode::parse(cell("code")).map_err(|why| why.at("code"))?,
        cut: cut(cell("kind"), cell("value"), currency)?,
        active: true,
        starts_at: when("starts_at", Edge::Begin)?,
        ends_at: when("ends_at", Edge::End)?,
        uses_max: number("max_uses")?,
        per_contact_max: number("per_contact")?,
        minimum: None,
        products: ids,
        first_order: false,
        customers_only: false,
    };
    coupon.check()?;
    Ok(coupon)
}

fn cut(kind: &str, value: &str, currency: Currency) -> std::result::Result<Cut, Refused> {
    let cut = match kind.to_lowercase().as_str() {
        "percent" if value.ends_with('%') => Rate::parse(value).map(Cut::Percent),
        "percent" => Rate::parse(&format!("{value}%")).map(Cut::Percent),
        "fixed" if value.contains(' ') => Money::parse(value).map(Cut::Fixed),
        "fixed" => Money::parse_amount(value, currency).map(Cut::Fixed),
        _ => {
            let why = "the kind of a coupon is percent or fixed";
            return Err(Refused::new("coupon_kind", why).at("kind"));
        }
    };
    cut.map_err(|why| why.at("value"))
}

/// Writes every coupon of a site as lines of CSV, header first, to `write`.
///
/// # Errors
/// `write` fails, or the database does.
pub async fn export(
    engine: &Engine,
    site: SiteId,
    write: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<i64> {
    let mut out = Lines::begin(write, &HEADERS)?;
    let mut before = CouponId(i64::MAX);
    loop {
        let from = before;
        let (products, page) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let products = store::products::list(session, site).await?;
                    Ok((products, store::coupons::list(session, site, from, PAGE).await?))
                })
            })
            .await?;
        let Some(last) = page.last() else { return Ok(out.count()) };
        before = last.coupon.id;
        for one in page {
            let slugs = one.coupon.products.iter().filter_map(|id| {
                products.iter().find(|product| product.id == *id).map(|found| found.slug.clone())
            });
            let slugs: Vec<String> = slugs.collect();
            out.put(&cells(&one.coupon, &slugs))?;
        }
    }
}

fn cells(coupon: &Coupon, products: &[String]) -> [String; 8] {
    let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
    let when = |at: Option<UtcMs>| at.map(UtcMs::rfc3339).unwrap_or_default();
    let (kind, value) = match coupon.cut {
        Cut::Percent(rate) => ("percent", rate.to_string()),
        Cut::Fixed(amount) => ("fixed", amount.to_string()),
    };
    [
        coupon.code.to_string(),
        kind.to_owned(),
        value,
        when(coupon.starts_at),
        when(coupon.ends_at),
        number(coupon.uses_max),
        number(coupon.per_contact_max),
        products.join(","),
    ]
}
