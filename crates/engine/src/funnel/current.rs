//! What is on a site now, as a document: the same shape a file has.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use model::ids::{CouponId, FileId, OfferId, PageId, ProductId};
use model::pages::Page;
use model::products::{OfferState, ProductState};
use model::sites::Site;
use model::{Money, Rate};
use store::Session;
use store::coupons::CouponRow;
use store::offers::Offer;
use store::products::Product;

use super::bundle::STORED;
use super::document::{
    CouponDoc, Document, LevelDoc, Nouns, OfferDoc, PageDoc, PathDoc, ProductDoc, SiteDoc, TopicDoc,
};
use super::{follow_up, leads, normal};
use crate::fault::Result;

/// Rows of one page of a list.
const PAGE: i64 = 200;

/// What is on the site, and which row each file's name stands for.
#[derive(Debug)]
pub struct Current {
    /// Everything, as a file would say it.
    pub document: Document,
    /// The newest stored file of each name.
    pub files: BTreeMap<String, FileId>,
}

/// Reads everything of a site.
pub async fn read(session: &mut Session<'_>, site: &Site) -> Result<Current> {
    let (hashes, files) = files(session, site).await?;
    let names: BTreeMap<FileId, String> =
        all_files(session, site).await?.into_iter().map(|file| (file.id, file.name)).collect();
    let products = store::products::list(session, site.id).await?;
    let offers = store::offers::list(session, site.id).await?;
    let coupons = coupons(session, site).await?;
    let slugs = Slugs::of(&products, &offers, &coupons);
    let mut document = Document {
        site: site_doc(site),
        topics: topics(session, site).await?,
        files: hashes,
        offers: offers.iter().map(|offer| offer_doc(offer, &slugs)).collect(),
        coupons: coupons.iter().map(|row| coupon_doc(row, &slugs)).collect(),
        paths: paths(session, site, &slugs).await?,
        pages: pages(session, site).await?,
        ..Document::default()
    };
    for product in products {
        let (slug, doc) = product_doc(session, site, product, &names, &slugs).await?;
        document.products.insert(slug, doc);
    }
    leads::read(session, site, &names, &mut document).await?;
    follow_up::read(session, site, &slugs, &mut document).await?;
    Ok(Current { document, files })
}

/// Slugs by id, of what others refer to.
#[derive(Debug, Default)]
pub struct Slugs {
    products: BTreeMap<ProductId, String>,
    offers: BTreeMap<OfferId, String>,
    coupons: BTreeMap<CouponId, String>,
}

impl Slugs {
    fn of(products: &[Product], offers: &[Offer], coupons: &[CouponRow]) -> Self {
        Self {
            products: products.iter().map(|p| (p.id, p.slug.clone())).collect(),
            offers: offers.iter().map(|o| (o.id, o.slug.clone())).collect(),
            coupons: coupons.iter().map(|c| (c.coupon.id, c.coupon.code.to_string())).collect(),
        }
    }

    /// The slug of a product.
    pub fn product(&self, id: ProductId) -> String {
        self.products.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    /// The slug of an offer.
    pub fn offer(&self, id: OfferId) -> String {
        self.offers.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// A site as a file says it.
pub fn site_doc(site: &Site) -> SiteDoc {
    let settings = &site.settings;
    let rate = |ppm: i64| Rate { ppm: u32::try_from(ppm).unwrap_or(0) }.to_string();
    SiteDoc {
        slug: Some(site.slug.clone()),
        name: Some(site.name.clone()),
        sender_name: Some(site.sender_name.clone()),
        sender_address: Some(site.sender_address.clone()),
        postal_address: Some(site.postal_address.clone()),
        currency: Some(site.currency.clone()),
        timezone: Some(site.timezone.clone()),
        language: Some(site.language.clone()),
        home_page: settings.home_page.clone(),
        sales_mails_per_week: Some(settings.sales_mails_per_week),
        prices_include_tax: Some(settings.prices_include_tax),
        tax: settings.tax_ppm.iter().map(|(land, ppm)| (land.clone(), rate(*ppm))).collect(),
        footer: settings.legal_pages.clone(),
        theme: settings.theme.clone(),
    }
}

async fn topics(session: &mut Session<'_>, site: &Site) -> Result<Nouns<TopicDoc>> {
    let topics = store::topics::list(session, site.id).await?.into_iter();
    let doc = |topic: store::topics::Topic| {
        (topic.slug, TopicDoc { name: topic.name, description: topic.description })
    };
    Ok(topics.map(doc).collect())
}

async fn all_files(session: &mut Session<'_>, site: &Site) -> Result<Vec<store::files::File>> {
    let mut all: Vec<store::files::File> = Vec::new();
    loop {
        let before = all.last().map_or(FileId(i64::MAX), |file| file.id);
        let page = store::files::list(session, site.id, before, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn files(
    session: &mut Session<'_>,
    site: &Site,
) -> Result<(BTreeMap<String, String>, BTreeMap<String, FileId>)> {
    let (mut hashes, mut ids) = (BTreeMap::new(), BTreeMap::new());
    for file in all_files(session, site).await? {
        // Newest first: an older file of the same name is left out.
        if let Entry::Vacant(place) = ids.entry(file.name.clone()) {
            place.insert(file.id);
            hashes.insert(file.name, format!("{STORED}{}", file.sha256));
        }
    }
    Ok((hashes, ids))
}

async fn product_doc(
    session: &mut Session<'_>,
    site: &Site,
    product: Product,
    names: &BTreeMap<FileId, String>,
    slugs: &Slugs,
) -> Result<(String, ProductDoc)> {
    let files = store::products::files(session, site.id, product.id).await?;
    let pins = store::products::pins(session, site.id, product.id).await?;
    let name = |id: FileId| names.get(&id).cloned().unwrap_or_else(|| id.to_string());
    let cost = Money::new(product.cost_minor, product.currency);
    let doc = ProductDoc {
        name: product.name,
        role: product.role.as_str().to_owned(),
        summary: product.summary,
        description: product.description,
        cost: (!cost.is_zero()).then(|| cost.to_string()),
        image: product.image.map(name),
        files: files.into_iter().map(|file| name(file.file_id)).collect(),
        pins: pins.into_iter().map(|id| slugs.product(id)).collect(),
        withdrawn: product.state == ProductState::Withdrawn,
    };
    Ok((product.slug, doc))
}

fn offer_doc(offer: &Offer, slugs: &Slugs) -> (String, OfferDoc) {
    let money = |minor| Money::new(minor, offer.currency).to_string();
    let doc = OfferDoc {
        product: slugs.product(offer.product_id),
        price: money(offer.price_minor),
        compare: offer.compare_minor.map(money),
        title: offer.title.clone(),
        pitch: offer.pitch.clone(),
        button: offer.button.clone(),
        deadline: normal::deadline_text(offer.deadline),
        quantity_max: offer.quantity_max,
        stock: offer.stock_initial,
        ended: offer.state == OfferState::Ended,
    };
    (offer.slug.clone(), doc)
}

/// Coupons that operators made; those minted for one contact are no part of a funnel.
async fn coupons(session: &mut Session<'_>, site: &Site) -> Result<Vec<CouponRow>> {
    let mut all = Vec::new();
    let mut before = CouponId(i64::MAX);
    loop {
        let page = store::coupons::list(session, site.id, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        before = last.coupon.id;
        all.extend(page.into_iter().filter(|row| row.contact_id.is_none()));
    }
}

fn coupon_doc(row: &CouponRow, slugs: &Slugs) -> (String, CouponDoc) {
    let coupon = &row.coupon;
    let doc = CouponDoc {
        off: normal::cut_text(coupon.cut),
        starts_at: coupon.starts_at.map(model::UtcMs::rfc3339),
        ends_at: coupon.ends_at.map(model::UtcMs::rfc3339),
        max_uses: coupon.uses_max,
        per_contact: coupon.per_contact_max,
        minimum: coupon.minimum.map(|minimum| minimum.to_string()),
        products: coupon.products.iter().map(|id| slugs.product(*id)).collect(),
        first_order: coupon.first_order,
        customers_only: coupon.customers_only,
        note: row.note.clone(),
        off_now: !coupon.active,
    };
    (coupon.code.to_string(), doc)
}

async fn paths(session: &mut Session<'_>, site: &Site, slugs: &Slugs) -> Result<Nouns<PathDoc>> {
    let coupon = |id: CouponId| slugs.coupons.get(&id).cloned().unwrap_or_else(|| id.to_string());
    let doc = |path: store::paths::Path| {
        let levels = path.levels.iter().map(|level| LevelDoc {
            upsell: slugs.offer(level.upsell),
            downsell: level.downsell.map(|id| slugs.offer(id)),
        });
        let doc = PathDoc {
            levels: levels.collect(),
            name: path.name,
            main: slugs.offer(path.main),
            bump: path.bump.map(|id| slugs.offer(id)),
            back_end_offer: path.back_end_offer.map(|id| slugs.offer(id)),
            back_end_coupon: path.back_end_coupon.map(coupon),
            retired: !path.active,
        };
        (path.slug, doc)
    };
    Ok(store::paths::list(session, site.id).await?.into_iter().map(doc).collect())
}

async fn pages(session: &mut Session<'_>, site: &Site) -> Result<Nouns<PageDoc>> {
    let mut all: Vec<Page> = Vec::new();
    loop {
        let after = all.last().map_or(PageId(0), |page| page.id);
        let page = store::pages::list(session, site.id, after, PAGE).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    let mut docs = Nouns::new();
    for page in all {
        let found = store::pages::content(session, site.id, page.id, page.draft_version).await?;
        let Some(content) = found else { continue };
        let doc = PageDoc {
            kind: page.kind.as_str().to_owned(),
            title: content.title,
            description: content.description,
            draft: page.status() != "published",
            blocks: content.blocks,
        };
        docs.insert(page.slug, doc);
    }
    Ok(docs)
}
