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
/// The parameter of a page's address that says in whose mail the link stood.
const READER: &str = "c";

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

/// An address as it stands in the mail of one contact: a page or a checkout of ours shows them
/// their own deadlines. Every other address is left as it is.
pub fn for_reader(engine: &Engine, site: &Site, address: &str, contact: ContactId) -> String {
    if showing(site, address).is_none() {
        return address.to_owned();
    }
    let (place, fragment) = match address.split_once('#') {
        Some((place, fragment)) => (place, format!("#{fragment}")),
        None => (address, String::new()),
    };
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    // A link copied out of somebody's own mail carries theirs.
    let others = query.split('&').filter(|pair| !pair.is_empty() && !is_reader(pair));
    let reader = format!("{READER}={}", reader_token(engine, contact));
    let query: Vec<&str> = others.chain([reader.as_str()]).collect();
    format!("{path}?{}{fragment}", query.join("&"))
}

fn is_reader(pair: &str) -> bool {
    pair.split('=').next() == Some(READER)
}

/// Says whose mail a link stood in.
pub fn reader_token(engine: &Engine, contact: ContactId) -> String {
    engine.keys().sign(Purpose::Reader, contact.0, 0)
}

/// Whose mail it was, by a [`reader_token`].
pub fn reader_of(engine: &Engine, token: &str) -> Option<ContactId> {
    engine.keys().open(Purpose::Reader, token).ok().map(|token| ContactId(token.id))
}

/// What an address of ours shows to whoever follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Showing<'a> {
    /// The page of this slug; the home page where it is empty.
    Page(&'a str),
    /// The checkout of this offer.
    Checkout(&'a str),
}

/// The page or checkout an address leads to; `None` for everything else.
pub(crate) fn showing<'a>(site: &Site, address: &'a str) -> Option<Showing<'a>> {
    let path = address.strip_prefix(site.base_url.as_str()).unwrap_or(address);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if matches!(path, "" | "/") {
        return Some(Showing::Page(""));
    }
    match path.strip_prefix('/')?.split_once('/')? {
        ("p", slug) => Some(Showing::Page(slug)),
        ("buy", slug) => Some(Showing::Checkout(slug)),
        _ => None,
    }
}
