//! What strangers and customers see.

pub mod catalogue;
pub mod checkout;
pub mod clicks;
pub mod confirmations;
pub mod embeds;
pub mod floods;
pub mod form_view;
pub mod forms;
pub mod frame;
pub mod health;
pub mod magnets;
pub mod media;
pub mod metrics;
pub mod orders;
pub mod pages;
pub mod preferences;
pub mod privacy;
pub mod referrals;
pub mod robots;
pub mod short_links;
pub mod theme;
pub mod unsubscribe;
pub mod upsell;
pub mod views;
pub(crate) mod visits;
