//! Page views: what is kept of one, which is nothing that names anybody.

use jiff::civil::Date;

use crate::times::UtcMs;

/// Where a view came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// `utm_source`, or the host that linked here, or empty.
    pub source: String,
    /// `utm_medium`, or `referral`, or empty.
    pub medium: String,
    /// `utm_campaign`, or empty.
    pub campaign: String,
}

/// One view of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// When.
    pub at: UtcMs,
    /// That day in the site's zone.
    pub day: Date,
    /// The path of the page: `/p/home`.
    pub page: String,
    /// Where it came from.
    pub origin: Origin,
    /// What tells one browser from another today (network and user agent), or `None` where the
    /// browser asks not to be told apart. Never written: only its hash with the day's salt is.
    pub visitor: Option<String>,
}
