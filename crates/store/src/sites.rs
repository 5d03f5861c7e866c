//! Sites: rows and the hosts they answer to.

use model::sites::{Site, SiteSettings};
use model::{SiteId, UtcMs};

use crate::{FromRow, Json, Result, Row, Session, Tx};

const COLUMNS_FIND: &str = "select id, slug, name, base_url, sender_name, sender_address, reply_to,
    postal_address, currency, timezone, language, settings, created_at, updated_at
    from sites where id = $1";
const FIND_BY_SLUG: &str = "select id, slug, name, base_url, sender_name, sender_address, reply_to,
    postal_address, currency, timezone, language, settings, created_at, updated_at
    from sites where slug = $1";
const FIND_BY_HOST: &str = "select s.id, s.slug, s.name, s.base_url, s.sender_name,
    s.sender_address, s.reply_to, s.postal_address, s.currency, s.timezone, s.language,
    s.settings, s.created_at, s.updated_at
    from site_hosts h join sites s on s.id = h.site_id where h.host = $1";
const LIST: &str = "select id, slug, name, base_url, sender_name, sender_address, reply_to,
    postal_address, currency, timezone, language, settings, created_at, updated_at
    from sites order by id";
const IDS: &str = "select id from sites order by id";
const UPSERT: &str = "insert into sites (id, slug, name, base_url, sender_name, sender_address,
    reply_to, postal_address, currency, timezone, language, settings, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (id) do update set slug = excluded.slug, name = excluded.name,
        base_url = excluded.base_url, sender_name = excluded.sender_name,
        sender_address = excluded.sender_address, reply_to = excluded.reply_to,
        postal_address = excluded.postal_address, currency = excluded.currency,
        timezone = excluded.timezone, language = excluded.language,
        settings = excluded.settings, updated_at = excluded.updated_at";
const ADD_HOST: &str = "insert into site_hosts (host, site_id) values ($1, $2)
    on conflict (host) do update set site_id = excluded.site_id";
const HOSTS: &str = "select host from site_hosts where site_id = $1 order by host";

impl FromRow for Site {
    fn from_row(row: &mut Row) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            slug: row.take()?,
            name: row.take()?,
            base_url: row.take()?,
            sender_name: row.take()?,
            sender_address: row.take()?,
            reply_to: row.take()?,
            postal_address: row.take()?,
            currency: row.take()?,
            timezone: row.take()?,
            language: row.take()?,
            settings: row.json::<SiteSettings>()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// The site with this id.
pub async fn find(session: &mut Session<'_>, id: SiteId) -> Result<Option<Site>> {
    session.query(COLUMNS_FIND).bind(id).maybe().await
}

/// The site with this slug.
pub async fn find_by_slug(session: &mut Session<'_>, slug: &str) -> Result<Option<Site>> {
    session.query(FIND_BY_SLUG).bind(slug).maybe().await
}

/// The site that answers to this exact host name (no port, lower case).
pub async fn find_by_host(session: &mut Session<'_>, host: &str) -> Result<Option<Site>> {
    session.query(FIND_BY_HOST).bind(host).maybe().await
}

/// Every site, oldest first.
pub async fn list(session: &mut Session<'_>) -> Result<Vec<Site>> {
    session.query(LIST).all().await
}

/// Writes a site, new or changed.
pub async fn put(tx: &mut Tx<'_>, site: &Site, now: UtcMs) -> Result<()> {
    tx.query(UPSERT)
        .bind(site.id)
        .bind(&site.slug)
        .bind(&site.name)
        .bind(&site.base_url)
        .bind(&site.sender_name)
        .bind(&site.sender_address)
        .bind(site.reply_to.clone())
        .bind(&site.postal_address)
        .bind(&site.currency)
        .bind(&site.timezone)
        .bind(&site.language)
        .bind(Json(&site.settings))
        .bind(site.created_at)
        .bind(now)
        .run()
        .await
        .map(drop)
}

/// Lets a site answer to a host name.
pub async fn add_host(tx: &mut Tx<'_>, site: SiteId, host: &str) -> Result<()> {
    tx.query(ADD_HOST).bind(host).bind(site).run().await.map(drop)
}

/// The host names of a site.
pub async fn hosts(session: &mut Session<'_>, site: SiteId) -> Result<Vec<String>> {
    session.query(HOSTS).bind(site).all().await
}

/// The ids of every site, oldest first.
pub async fn ids(session: &mut Session<'_>) -> Result<Vec<SiteId>> {
    session.query(IDS).all().await
}
