//! Page views, counted by day and by where they came from.

/// What is counted: no more is kept of a view.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayKey {
    /// The day in the site's zone, ISO: `2026-11-21`.
    pub day: String,
    /// The path of the page: `/p/home`.
    pub page: String,
    /// `utm_source`, or the host that linked here, or empty.
    pub source: String,
    /// `utm_medium`, or `referral`, or empty.
    pub medium: String,
    /// `utm_campaign`, or empty.
    pub campaign: String,
}
