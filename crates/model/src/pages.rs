//! Pages: what the public sees at `/p/{slug}`.

use crate::UtcMs;
use crate::blocks::{PageContent, PageKind};
use crate::ids::PageId;

/// A page. Its content is a version; a version never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its id.
    pub id: PageId,
    /// Its place in the address.
    pub slug: String,
    /// What it is for.
    pub kind: PageKind,
    /// The title of its newest version.
    pub title: String,
    /// The newest version.
    pub draft_version: i64,
    /// The version the public sees.
    pub published_version: Option<i64>,
    /// Since when it is public.
    pub published_at: Option<UtcMs>,
    /// Since when it is gone.
    pub retired_at: Option<UtcMs>,
    /// When it was made.
    pub created_at: UtcMs,
    /// When its newest version was made.
    pub updated_at: UtcMs,
}

impl Page {
    /// The word for its state: draft, published, changed (published, with a newer draft), retired.
    pub fn status(&self) -> &'static str {
        match (self.retired_at, self.published_version) {
            (Some(_), _) => "retired",
            (None, None) => "draft",
            (None, Some(version)) if version < self.draft_version => "changed",
            (None, Some(_)) => "published",
        }
    }
}

/// A page as it is to be: what a form or a file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageDraft {
    /// Its place in the address.
    pub slug: String,
    /// What it is for.
    pub kind: PageKind,
    /// Its content.
    pub content: PageContent,
}
