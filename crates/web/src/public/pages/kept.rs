//! Pages kept in memory as they were drawn.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use model::{SiteId, UtcMs};

/// Pages kept at most; more sites than this draw anew.
const PAGES_MAX: usize = 2_000;

/// Pages as they were drawn. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<RwLock<HashMap<(SiteId, String), One>>>);

#[derive(Debug)]
struct One {
    revision: i64,
    until: UtcMs,
    html: Bytes,
}

impl Kept {
    /// The page at this path, where it is still as it would be drawn.
    pub fn find(&self, site: SiteId, path: &str, revision: i64, now: UtcMs) -> Option<Bytes> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let one = pages.get(&(site, path.to_owned()))?;
        (one.revision == revision && now < one.until).then(|| one.html.clone())
    }

    /// Keeps a page that was drawn under `revision` until `until`.
    pub fn put(&self, key: (SiteId, String), revision: i64, until: UtcMs, html: String) -> Bytes {
        let html = Bytes::from(html);
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGES_MAX {
            pages.clear();
        }
        pages.insert(key, One { revision, until, html: html.clone() });
        html
    }
}
