//! What strangers and customers see.

pub mod catalogue;
pub mod checkout;
pub mod form_view;
pub mod clicks;
pub mod frame;
pub mod health;
pub mod orders;
pub mod referrals;
pub mod robots;
pub mod media;
pub mod pages;
pub mod theme;
pub mod upsell;
pub mod confirmations;
pub mod embeds;
pub mod floods;
pub mod forms;
pub mod magnets;
pub mod preferences;
pub mod privacy;
pub mod short_links;
pub mod unsubscribe;
