//! Products, their files and their pins.

use model::ids::{FileId, ProductId};
use model::products::{ProductState, Role};
use model::{Currency, SiteId, UtcMs};

use crate::{FromRow, Result, Row, Session, Tx};

const FIND: &str = "select id, slug, name, summary, description, role, state, currency,
    cost_minor, image_file_id, version, created_at, updated_at
    from products where site_id = $1 and id = $2";
const FIND_BY_SLUG: &str = "select id, slug, name, summary, description, role, state, currency,
    cost_minor, image_file_id, version, created_at, updated_at
    from products where site_id = $1 and slug = $2";
const LIST: &str = "select id, slug, name, summary, description, role, state, currency,
    cost_minor, image_file_id, version, created_at, updated_at
    from products where site_id = $1 order by name, id";
const UPSERT: &str = "insert into products (site_id, id, slug, name, summary, description, role,
    state, currency, cost_minor, image_file_id, version, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (site_id, id) do update set slug = excluded.slug, name = excluded.name,
        summary = excluded.summary, description = excluded.description, role = excluded.role,
        state = excluded.state, currency = excluded.currency, cost_minor = excluded.cost_minor,
        image_file_id = excluded.image_file_id, version = excluded.version,
        updated_at = excluded.updated_at";
const FILES: &str = "select n, file_id, title from product_files
    where site_id = $1 and product_id = $2 and position is not null order by position, n";
const FILES_EVER: &str = "select n, file_id, title from product_files
    where site_id = $1 and product_id = $2 order by n";
const TAKE_OFF_FILES: &str = "update product_files set position = null
    where site_id = $1 and product_id = $2";
const PUT_FILE: &str = "insert into product_files
    (site_id, product_id, n, file_id, title, position) values ($1, $2, $3, $4, $5, $6)
    on conflict (site_id, product_id, n) do update set file_id = excluded.file_id,
        title = excluded.title, position = excluded.position";
const PINS: &str = "select pinned_id from product_pins
    where site_id = $1 and product_id = $2 order by position, pinned_id";
const DELETE_PINS: &str = "delete from product_pins where site_id = $1 and product_id = $2";
const ADD_PIN: &str = "insert into product_pins (site_id, product_id, pinned_id, position)
    values ($1, $2, $3, $4) on conflict (site_id, product_id, pinned_id)
    do update set position = excluded.position";

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name in addresses and files.
    pub slug: String,
    /// Its name as customers read it.
    pub name: String,
    /// One or two sentences for lists.
    pub summary: String,
    /// Markdown for its own page.
    pub description: String,
    /// Which part of the business it is.
    pub role: Role,
    /// Whether it is sold.
    pub state: ProductState,
    /// Of its cost.
    pub currency: Currency,
    /// What one costs the seller, in minor units.
    pub cost_minor: i64,
    /// Its picture.
    pub image: Option<FileId>,
    /// Grows with each change: an edit of an older one is refused.
    pub version: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl FromRow for Product {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            summary: row.take()?,
            description: row.take()?,
            role: row.word()?,
            state: row.word()?,
            currency: row.word()?,
            cost_minor: row.take()?,
            image: row.take()?,
            version: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// A file of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductFile {
    /// Its number among the product's files, never another's.
    pub n: i64,
    /// Which file.
    pub file_id: FileId,
    /// What its link says.
    pub title: String,
}

impl FromRow for ProductFile {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self { n: row.take()?, file_id: row.take()?, title: row.take()? })
    }
}

/// The product with this id.
pub async fn find(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
) -> Result<Option<Product>> {
    session.query(FIND).bind(site).bind(id).maybe().await
}

/// The product with this slug.
pub async fn find_by_slug(
    session: &mut Session<'_>,
    site: SiteId,
    slug: &str,
) -> Result<Option<Product>> {
    session.query(FIND_BY_SLUG).bind(site).bind(slug).maybe().await
}

/// Every product of a site by name.
pub async fn list(session: &mut Session<'_>, site: SiteId) -> Result<Vec<Product>> {
    session.query(LIST).bind(site).all().await
}

/// Writes a product, new or changed.
pub async fn put(tx: &mut Tx<'_>, site: SiteId, product: &Product, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(site)
        .bind(product.id)
        .bind(&product.slug)
        .bind(&product.name)
        .bind(&product.summary)
        .bind(&product.description)
        .bind(product.role.as_str())
        .bind(product.state.as_str())
        .bind(product.currency.code())
        .bind(product.cost_minor)
        .bind(product.image)
        .bind(product.version)
        .bind(product.created_at)
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// What a buyer may download, in its order.
pub async fn files(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
) -> Result<Vec<ProductFile>> {
    session.query(FILES).bind(site).bind(id).all().await
}

/// Every file a product holds or held, by its number.
pub async fn files_ever(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
) -> Result<Vec<ProductFile>> {
    session.query(FILES_EVER).bind(site).bind(id).all().await
}

/// Sets what a buyer may download; the numbers of what is left out stay taken.
pub async fn set_files(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ProductId,
    files: &[ProductFile],
) -> Result<()> {
    tx.query(TAKE_OFF_FILES).bind(site).bind(id).run().await?;
    for (position, file) in (0_i64..).zip(files) {
        let q = tx.query(PUT_FILE).bind(site).bind(id).bind(file.n).bind(file.file_id);
        q.bind(&file.title).bind(position).run().await?;
    }
    Ok(())
}

/// What is shown beside the product first, by hand.
pub async fn pins(
    session: &mut Session<'_>,
    site: SiteId,
    id: ProductId,
) -> Result<Vec<ProductId>> {
    session.query(PINS).bind(site).bind(id).all().await
}

/// Sets what is shown beside the product first.
pub async fn set_pins(
    tx: &mut Tx<'_>,
    site: SiteId,
    id: ProductId,
    pins: &[ProductId],
) -> Result<()> {
    tx.query(DELETE_PINS).bind(site).bind(id).run().await?;
    for (position, pin) in (0_i64..).zip(pins) {
        tx.query(ADD_PIN).bind(site).bind(id).bind(*pin).bind(position).run().await?;
    }
    Ok(())
}
