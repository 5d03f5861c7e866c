//! Pages kept in memory as they were drawn.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::body::Bytes;
use model::{SiteId, UtcMs};

/// Pages kept at most; more sites than this draw anew.
const PAGES_MAX: usize = 2_000;

/// What stands in a kept page for the host that linked to it. No host is called like this: names
/// below `invalid` are nobody's (RFC 2606).
pub const ANY_REFERRER: &str = "whoever-linked-here.invalid";

/// A page that is kept for all, and where in it [`ANY_REFERRER`] stands: looked for once, when it
/// was drawn, and not at every answer.
#[derive(Debug, Clone)]
pub struct KeptPage {
    html: Bytes,
    marks: Arc<[usize]>,
}

impl KeptPage {
    fn new(html: String) -> Self {
        let marks = html.match_indices(ANY_REFERRER).map(|(at, _)| at).collect();
        Self { html: Bytes::from(html), marks }
    }

    /// The page, where nothing in it is one visitor's own.
    pub fn for_all(&self) -> Option<Bytes> {
        self.marks.is_empty().then(|| self.html.clone())
    }

    /// The page with `host` where it says who linked here.
    pub fn linked_from(&self, host: &str) -> Bytes {
        let mut out = Vec::with_capacity(self.html.len() + host.len() * self.marks.len());
        let mut done = 0;
        for at in self.marks.iter() {
            out.extend_from_slice(self.html.get(done..*at).unwrap_or_default());
            out.extend_from_slice(host.as_bytes());
            done = at + ANY_REFERRER.len();
        }
        out.extend_from_slice(self.html.get(done..).unwrap_or_default());
        out.into()
    }
}

/// Pages as they were drawn. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<RwLock<HashMap<(SiteId, String), One>>>);

#[derive(Debug)]
struct One {
    revision: i64,
    until: UtcMs,
    page: KeptPage,
}

impl Kept {
    /// The page at this path, where it is still as it would be drawn.
    pub fn find(&self, site: SiteId, path: &str, revision: i64, now: UtcMs) -> Option<KeptPage> {
        let pages = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let one = pages.get(&(site, path.to_owned()))?;
        (one.revision == revision && now < one.until).then(|| one.page.clone())
    }

    /// Keeps a page that was drawn under `revision` until `until`.
    pub fn put(
        &self,
        key: (SiteId, String),
        revision: i64,
        until: UtcMs,
        html: String,
    ) -> KeptPage {
        let page = KeptPage::new(html);
        let mut pages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGES_MAX {
            pages.clear();
        }
        pages.insert(key, One { revision, until, page: page.clone() });
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_filled_and_a_page_without_one_goes_out_as_it_is() {
        let page = KeptPage::new(format!("a {ANY_REFERRER} b {ANY_REFERRER}"));
        assert!(page.for_all().is_none());
        assert_eq!(page.linked_from("x.example"), "a x.example b x.example");
        assert_eq!(page.linked_from(""), "a  b ");
        assert_eq!(KeptPage::new("plain".to_owned()).for_all().unwrap(), "plain");
    }
}
