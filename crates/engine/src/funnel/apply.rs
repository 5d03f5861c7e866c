//! Makes a site as a file says: all of it in one transaction.

use std::collections::BTreeMap;

use model::blocks::PageContent;
use model::coupons::{Coupon, CouponCode};
use model::ids::{CouponId, FileId, ProductId, TopicId};
use model::offers::Deadline;
use model::pages::PageDraft;
use model::products::{OfferState, ProductState, Role};
use model::sites::Site;
use model::{Currency, Money, Rate, Refused};
use store::Tx;

use super::changes::{Action, Change};
use super::document::{
    CouponDoc, Document, OfferDoc, PageDoc, PathDoc, ProductDoc, SiteDoc, TopicDoc,
};
use super::{follow_up, leads, normal};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::{coupons, offers, pages, paths, products};

/// Kinds in the order in which each can refer to those before it.
const ORDER: [&str; 10] = [
    "topics",
    "magnets",
    "forms",
    "templates",
    "products",
    "offers",
    "coupons",
    "paths",
    "pages",
    "sequences",
];

/// What every writer of a noun is given.
pub struct Ground<'e> {
    /// The engine.
    pub engine: &'e Engine,
    /// The site as it was.
    pub site: &'e Site,
    /// Every stored file by its name.
    pub files: &'e BTreeMap<String, FileId>,
}

/// Carries out `changes`, which lead to `wanted`.
pub async fn run(
    ground: &Ground<'_>,
    tx: &mut Tx<'_>,
    wanted: &Document,
    changes: &[Change],
) -> Result<()> {
    let of = |kind: &'static str| changes.iter().filter(move |change| change.kind == kind);
    // What follows is made for the site as it will be: mails carry its name and its colours.
    let changed = match of("site").next() {
        Some(_) => Some(site(ground, tx, &wanted.site).await?),
        None => None,
    };
    let site = changed.as_ref().unwrap_or(ground.site);
    let ground = &Ground { site, ..*ground };
    for kind in ORDER {
        for change in of(kind) {
            if change.action == Action::Retire {
                retire(ground, tx, change).await?;
            } else {
                write(ground, tx, wanted, change).await.map_err(|e| at(e, change))?;
            }
        }
    }
    // Pins may point both ways, so they are set when every product is there.
    for change in of("products").filter(|change| change.action != Action::Retire) {
        if let Some(product) = wanted.products.get(&change.slug) {
            pins(ground, tx, &change.slug, product).await?;
        }
    }
    Ok(())
}

/// Names the noun in a refusal that came from its own rules.
fn at(error: EngineError, change: &Change) -> EngineError {
    let place = format!("{}.{}", change.kind, change.slug);
    match error {
        EngineError::Refused(refused) => {
            let field = refused.field.as_ref().map_or(String::new(), |field| format!(".{field}"));
            let path = format!("{place}{field}");
            Refused::new(refused.code, refused.message).at(path).into()
        }
        other => other,
    }
}

async fn write(
    ground: &Ground<'_>,
    tx: &mut Tx<'_>,
    wanted: &Document,
    change: &Change,
) -> Result<()> {
    let slug = change.slug.as_str();
    match change.kind.as_str() {
        "topics" => match wanted.topics.get(slug) {
            Some(doc) => topic(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "products" => match wanted.products.get(slug) {
            Some(doc) => product(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "offers" => match wanted.offers.get(slug) {
            Some(doc) => offer(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "coupons" => match wanted.coupons.get(slug) {
            Some(doc) => coupon(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "paths" => match wanted.paths.get(slug) {
            Some(doc) => path(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "pages" => match wanted.pages.get(slug) {
            Some(doc) => page(ground, tx, slug, doc).await,
            None => Ok(()),
        },
        "magnets" | "forms" => leads::write(ground, tx, wanted, change).await,
        "templates" | "sequences" => follow_up::write(ground, tx, wanted, change).await,
        // Files were stored before: nothing but the database may be waited for in here.
        _ => Ok(()),
    }
}

async fn retire(ground: &Ground<'_>, tx: &mut Tx<'_>, change: &Change) -> Result<()> {
    let (site, now, slug) = (ground.site.id, ground.engine.now(), change.slug.as_str());
    match change.kind.as_str() {
        "products" => {
            if let Some(mut product) = store::products::find_by_slug(tx, site, slug).await? {
                product.state = ProductState::Withdrawn;
                product.version += 1;
                store::products::put(tx, site, &product, now).await?;
            }
        }
        "offers" => {
            if let Some(mut offer) = store::offers::find_by_slug(tx, site, slug).await? {
                offer.state = OfferState::Ended;
                offer.version += 1;
                store::offers::put(tx, site, &offer, now).await?;
            }
        }
        "coupons" => {
            if let Some(mut row) = store::coupons::find_by_code(tx, site, slug).await? {
                row.coupon.active = false;
                store::coupons::put(tx, site, &row, now).await?;
            }
        }
        "paths" => {
            if let Some(mut path) = store::paths::find_by_slug(tx, site, slug).await? {
                path.active = false;
                path.version += 1;
                store::paths::put(tx, site, &path, now).await?;
            }
        }
        "pages" => {
            if let Some(page) = store::pages::find_by_slug(tx, site, slug).await? {
                store::pages::retire(tx, site, page.id, now).await?;
            }
        }
        "forms" => leads::retire(ground, tx, slug).await?,
        _ => follow_up::retire(ground, tx, change).await?,
    }
    Ok(())
}

async fn site(ground: &Ground<'_>, tx: &mut Tx<'_>, doc: &SiteDoc) -> Result<Site> {
    let mut site = ground.site.clone();
    let take = |field: &mut String, given: &Option<String>| {
        if let Some(given) = given {
            field.clone_from(given);
        }
    };
    take(&mut site.name, &doc.name);
    take(&mut site.sender_name, &doc.sender_name);
    take(&mut site.sender_address, &doc.sender_address);
    take(&mut site.postal_address, &doc.postal_address);
    take(&mut site.currency, &doc.currency);
    take(&mut site.timezone, &doc.timezone);
    take(&mut site.language, &doc.language);
    let settings = &mut site.settings;
    settings.home_page.clone_from(&doc.home_page);
    if let Some(count) = doc.sales_mails_per_week {
        settings.sales_mails_per_week = count;
    }
    if let Some(included) = doc.prices_include_tax {
        settings.prices_include_tax = included;
    }
    settings.tax_ppm = BTreeMap::new();
    for (land, rate) in &doc.tax {
        settings.tax_ppm.insert(land.clone(), i64::from(Rate::parse(rate)?.ppm));
    }
    settings.legal_pages.clone_from(&doc.footer);
    settings.theme.clone_from(&doc.theme);
    Currency::parse(&site.currency).map_err(|e| e.at("currency"))?;
    let wrong = crate::sites::check_people(&site);
    if !wrong.is_empty() {
        return Err(EngineError::RefusedAll(wrong));
    }
    let site = crate::sites::prepared(ground.engine, site)?;
    crate::sites::write(ground.engine, tx, &site).await?;
    Ok(site)
}

async fn topic(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &TopicDoc) -> Result<()> {
    let topic = store::topics::Topic {
        id: TopicId(ground.engine.next_id()),
        slug: slug.to_owned(),
        name: doc.name.clone(),
        description: doc.description.clone(),
    };
    store::topics::put(tx, ground.site.id, &topic, ground.engine.now()).await?;
    Ok(())
}

/// The stored file of this name.
pub fn file(ground: &Ground<'_>, name: &str) -> Result<FileId> {
    ground.files.get(name).copied().ok_or_else(|| EngineError::missing("file", name))
}

async fn product(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &ProductDoc) -> Result<()> {
    let site = ground.site.id;
    let known = store::products::find_by_slug(tx, site, slug).await?;
    let currency = match &doc.cost {
        None => Currency::parse(&ground.site.currency)?,
        Some(cost) => Money::parse(cost)?.currency,
    };
    let cost = doc.cost.as_deref().map_or(Ok(Money::zero(currency)), Money::parse)?;
    let mut files = Vec::new();
    for name in &doc.files {
        files.push((file(ground, name)?, name.clone()));
    }
    let draft = products::Draft {
        id: known.map(|known| known.id),
        version: None,
        slug: slug.to_owned(),
        name: doc.name.clone(),
        summary: doc.summary.clone(),
        description: doc.description.clone(),
        role: Role::parse(&doc.role)?,
        state: if doc.withdrawn { ProductState::Withdrawn } else { ProductState::Active },
        cost,
        image: doc.image.as_deref().map(|name| file(ground, name)).transpose()?,
        files: Some(files),
    };
    products::put_in(ground.engine, tx, site, draft).await?;
    Ok(())
}

async fn pins(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &ProductDoc) -> Result<()> {
    let site = ground.site.id;
    let id = product_id(tx, ground.site, slug).await?;
    let mut pins = Vec::new();
    for pin in &doc.pins {
        pins.push(product_id(tx, ground.site, pin).await?);
    }
    Ok(store::products::set_pins(tx, site, id, &pins).await?)
}

/// The product of this slug.
pub async fn product_id(tx: &mut Tx<'_>, site: &Site, slug: &str) -> Result<ProductId> {
    let found = store::products::find_by_slug(tx, site.id, slug).await?;
    Ok(found.ok_or_else(|| EngineError::missing("product", slug))?.id)
}

async fn offer(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &OfferDoc) -> Result<()> {
    let known = store::offers::find_by_slug(tx, ground.site.id, slug).await?;
    let draft = offers::Draft {
        id: known.map(|known| known.id),
        version: None,
        slug: slug.to_owned(),
        product: doc.product.clone(),
        title: doc.title.clone(),
        pitch: doc.pitch.clone(),
        button: doc.button.clone(),
        price: Money::parse(&doc.price)?,
        compare: doc.compare.as_deref().map(Money::parse).transpose()?,
        deadline: doc.deadline.as_deref().map_or(Ok(Deadline::None), normal::deadline)?,
        quantity_max: doc.quantity_max,
        stock: doc.stock,
        state: if doc.ended { OfferState::Ended } else { OfferState::Active },
    };
    offers::put_in(ground.engine, tx, ground.site.id, draft).await?;
    Ok(())
}

async fn coupon(ground: &Ground<'_>, tx: &mut Tx<'_>, code: &str, doc: &CouponDoc) -> Result<()> {
    let known = store::coupons::find_by_code(tx, ground.site.id, code).await?;
    let mut products = Vec::new();
    for slug in &doc.products {
        products.push(product_id(tx, ground.site, slug).await?);
    }
    let coupon = Coupon {
        id: known.map_or(CouponId(0), |known| known.coupon.id),
        code: CouponCode::parse(code)?,
        cut: normal::cut(&doc.off)?,
        active: !doc.off_now,
        starts_at: doc.starts_at.as_deref().map(normal::instant).transpose()?,
        ends_at: doc.ends_at.as_deref().map(normal::instant).transpose()?,
        uses_max: doc.max_uses,
        per_contact_max: doc.per_contact,
        minimum: doc.minimum.as_deref().map(Money::parse).transpose()?,
        products,
        first_order: doc.first_order,
        customers_only: doc.customers_only,
    };
    let draft = coupons::Draft { coupon, note: doc.note.clone() };
    coupons::put_in(ground.engine, tx, ground.site.id, draft).await?;
    Ok(())
}

async fn path(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &PathDoc) -> Result<()> {
    let known = store::paths::find_by_slug(tx, ground.site.id, slug).await?;
    let levels = doc
        .levels
        .iter()
        .map(|level| (level.upsell.clone(), level.downsell.clone().unwrap_or_default()));
    let draft = paths::Draft {
        id: known.map(|known| known.id),
        version: None,
        slug: slug.to_owned(),
        name: doc.name.clone(),
        main: doc.main.clone(),
        bump: doc.bump.clone().unwrap_or_default(),
        levels: levels.collect(),
        back_end_offer: doc.back_end_offer.clone().unwrap_or_default(),
        back_end_coupon: doc.back_end_coupon.clone().unwrap_or_default(),
        active: !doc.retired,
    };
    paths::put_in(ground.engine, tx, ground.site.id, draft).await?;
    Ok(())
}

async fn page(ground: &Ground<'_>, tx: &mut Tx<'_>, slug: &str, doc: &PageDoc) -> Result<()> {
    let (engine, site) = (ground.engine, ground.site.id);
    let draft = PageDraft {
        slug: slug.to_owned(),
        kind: doc.kind.parse().map_err(|e: Refused| e.at("kind"))?,
        content: PageContent {
            title: doc.title.clone(),
            description: doc.description.clone(),
            blocks: doc.blocks.clone(),
        },
    };
    let id = match store::pages::find_by_slug(tx, site, slug).await? {
        Some(page) => {
            pages::change_in(engine, tx, site, page.id, page.draft_version, &draft).await?;
            page.id
        }
        None => pages::create_in(engine, tx, site, &draft).await?,
    };
    if doc.draft {
        return Ok(());
    }
    pages::publish_in(engine, tx, site, id).await
}
