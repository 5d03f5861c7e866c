//! The addresses of what a person may do without a sign-in. Each carries a token that says which
//! row it speaks of, under a key of its own purpose.

use model::UtcMs;
use model::ids::{ClaimId, ConfirmationId, ContactId, MessageId};
use model::sites::Site;
use model::tokens::Purpose;

use crate::engine::Engine;

/// `what` of an unsubscribe token that names a contact.
pub(crate) const OF_CONTACT: u16 = 0;
/// `what` of an unsubscribe token that names a message.
pub(crate) const OF_MESSAGE: u16 = 1;

/// Where the reader of a message unsubscribes: the page, and the one-click address. Never expires.
pub fn unsubscribe_url(engine: &Engine, site: &Site, message: MessageId) -> String {
    let token = engine.keys().sign(Purpose::Unsubscribe, message.0, OF_MESSAGE);
    site.url(&format!("/u/{token}"))
}

/// The same where there is no message to name.
pub fn unsubscribe_url_of(engine: &Engine, site: &Site, contact: ContactId) -> String {
    let token = engine.keys().sign(Purpose::Unsubscribe, contact.0, OF_CONTACT);
    site.url(&format!("/u/{token}"))
}

/// A contact's preference page.
pub fn preferences_url(engine: &Engine, site: &Site, contact: ContactId) -> String {
    let token = engine.keys().sign(Purpose::Preferences, contact.0, 0);
    site.url(&format!("/preferences/{token}"))
}

/// The page with the button that confirms an address.
pub fn confirm_url(engine: &Engine, site: &Site, id: ConfirmationId, until: UtcMs) -> String {
    let token = engine.keys().sign_until(Purpose::Confirm, id.0, until);
    site.url(&format!("/confirm/{token}"))
}

/// The page with the button that downloads a free thing.
pub fn magnet_url(engine: &Engine, site: &Site, claim: ClaimId, until: UtcMs) -> String {
    let token = engine.keys().sign_until(Purpose::Magnet, claim.0, until);
    site.url(&format!("/m/{token}"))
}
