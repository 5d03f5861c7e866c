//! Tokens in addresses: what a link may do, under a key, without a row to look up.
//!
//! A token is `base64url(kid u8 ‖ id u64 ‖ what u16 ‖ MAC 80 bit)`, 28 characters. The MAC is
//! HMAC-SHA256 under a key derived for one [`Purpose`], so that a click token cannot unsubscribe
//! anyone. Random tokens (orders, carts, sessions) are stored as hashes: [`hash_secret`].

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::emails::EmailAddr;
use crate::ids::EPOCH_MS;
use crate::refused::Refused;
use crate::times::{HOUR_MS, UtcMs};

/// Bytes of a key and of a random secret.
pub const KEY_BYTES: usize = 32;
const SIGNED_BYTES: usize = 11;
const MAC_BYTES: usize = 10;
const TOKEN_BYTES: usize = SIGNED_BYTES + MAC_BYTES;
/// Sixteen bits of quarter days last from 2020 until 2064.
const UNTIL_STEP_MS: i64 = 6 * HOUR_MS;

type HmacSha256 = Hmac<Sha256>;

/// What a key is for. Each has its own key, derived from the master key by its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A tracked link in a mail; id = message, what = link index.
    Click,
    /// `/u/…`; never expires.
    Unsubscribe,
    /// `/preferences/…`.
    Preferences,
    /// A purchased file; until refunded.
    File,
    /// `/m/…`, the free thing.
    Magnet,
    /// `/confirm/…`.
    Confirm,
    /// A draft shown to someone without a sign-in.
    Preview,
    /// The envelope sender (VERP).
    Bounce,
    /// The reply address of a conversation.
    Reply,
    /// When a form was rendered; id = the instant.
    FormTime,
    /// Which version of a form was shown; id = the form, what = the version.
    FormVersion,
    /// `?r=code.sig` of a customer who recommends.
    Referral,
    /// `?r=code.sig` of a partner.
    Partner,
    /// The cookie that binds upsells to the browser that paid.
    OrderCookie,
    /// A restored cart.
    Cart,
    /// An export or erasure asked for by mail link.
    Privacy,
    /// An order's page, as its mails link to it.
    Order,
    /// `?c=`: in whose mail a link to a page stood. It shows their deadlines and opens nothing.
    Reader,
    /// The variant a visitor was given.
    Variant,
    /// The check in a Message-ID.
    MessageId,
    /// Addresses kept as keyed hashes.
    Address,
    /// Secrets encrypted in the database.
    Secrets,
    /// Where the next page of an API list begins.
    Cursor,
}

impl Purpose {
    /// The word that goes into the key derivation. Never change one: old links would die.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Click => "click",
            Self::Unsubscribe => "unsubscribe",
            Self::Preferences => "preferences",
            Self::File => "file",
            Self::Magnet => "magnet",
            Self::Confirm => "confirm",
            Self::Preview => "preview",
            Self::Bounce => "bounce",
            Self::Reply => "reply",
            Self::FormTime => "form_time",
            Self::FormVersion => "form_version",
            Self::Referral => "referral",
            Self::Partner => "partner",
            Self::OrderCookie => "order_cookie",
            Self::Cart => "cart",
            Self::Privacy => "privacy",
            Self::Order => "order",
            Self::Reader => "reader",
            Self::Variant => "variant",
            Self::MessageId => "message_id",
            Self::Address => "address",
            Self::Secrets => "secrets",
            Self::Cursor => "cursor",
        }
    }
}

/// What a token says, once its MAC is found good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Which key signed it.
    pub kid: u8,
    /// The row it speaks of.
    pub id: i64,
    /// A number beside it: a link's index, or until when it holds.
    pub what: u16,
}

impl Token {
    /// Until when the token holds, where `what` was set by [`KeyRing::sign_until`].
    pub fn until(self) -> UtcMs {
        UtcMs(EPOCH_MS).plus_ms(i64::from(self.what).saturating_mul(UNTIL_STEP_MS))
    }
}

/// Why a token does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenError {
    /// Not of this form at all: cut, or made up.
    Malformed,
    /// Signed under a key this installation does not have: lost, or another installation's.
    UnknownKey(u8),
    /// The MAC is wrong (a mail program cut the link): what it claims may be shown, not trusted.
    WrongMac(Token),
    /// Good once, and over.
    Expired(Token),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed | Self::WrongMac(_) => {
                "this link is not valid: please copy it again from the mail, whole"
            }
            Self::UnknownKey(_) => "this link is not one of ours, or too old to be checked",
            Self::Expired(_) => "this link has expired: please ask for a new one",
        })
    }
}

impl std::error::Error for TokenError {}

impl From<TokenError> for Refused {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Malformed | TokenError::WrongMac(_) => "token_invalid",
            TokenError::UnknownKey(_) => "token_unknown_key",
            TokenError::Expired(_) => "token_expired",
        };
        Self::new(code, error.to_string())
    }
}

/// The master keys of an installation by their number, and which of them signs.
#[derive(Clone)]
pub struct KeyRing {
    current: u8,
    masters: BTreeMap<u8, [u8; KEY_BYTES]>,
    address: Option<[u8; KEY_BYTES]>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys stay out of logs.
        f.debug_struct("KeyRing").field("current", &self.current).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// A ring of one key, number `kid`, which signs.
    pub fn new(kid: u8, master: [u8; KEY_BYTES]) -> Self {
        Self { current: kid, masters: BTreeMap::from([(kid, master)]), address: None }
    }

    /// The same ring with an earlier key, which only verifies. The signing key is not replaced.
    #[must_use]
    pub fn with_old(mut self, kid: u8, master: [u8; KEY_BYTES]) -> Self {
        self.masters.entry(kid).or_insert(master);
        self
    }

    /// The same ring with this key for [`Purpose::Address`], whichever signs: hashes of addresses
    /// outlive every master key, since nobody can make them again from an erased address.
    #[must_use]
    pub fn with_address(mut self, key: [u8; KEY_BYTES]) -> Self {
        self.address = Some(key);
        self
    }

    /// The number of the key that signs.
    pub fn kid(&self) -> u8 {
        self.current
    }

    /// The signing key derived for `purpose`.
    pub fn derive(&self, purpose: Purpose) -> [u8; KEY_BYTES] {
        self.derive_by(self.current, purpose).unwrap_or_default()
    }

    /// The key number `kid` derived for `purpose`, if the ring has it.
    pub fn derive_by(&self, kid: u8, purpose: Purpose) -> Option<[u8; KEY_BYTES]> {
        let master = self.masters.get(&kid)?;
        if let (Purpose::Address, Some(key)) = (purpose, self.address) {
            return Some(key);
        }
        Some(finish(keyed(master).chain_update(b"tundish key 1 ").chain_update(purpose.as_str())))
    }

    /// Every key of the ring derived for `purpose`.
    pub fn derive_all(&self, purpose: Purpose) -> impl Iterator<Item = [u8; KEY_BYTES]> + '_ {
        self.masters.keys().filter_map(move |kid| self.derive_by(*kid, purpose))
    }

    /// A token for addresses of pages: 28 characters.
    pub fn sign(&self, purpose: Purpose, id: i64, what: u16) -> String {
        BASE64URL_NOPAD.encode(&self.sign_bytes(purpose, id, what))
    }

    /// A token that holds at least until `until`, and at most six hours longer.
    pub fn sign_until(&self, purpose: Purpose, id: i64, until: UtcMs) -> String {
        let steps = until.since_ms(UtcMs(EPOCH_MS)).max(0).saturating_add(UNTIL_STEP_MS - 1)
            / UNTIL_STEP_MS;
        self.sign(purpose, id, u16::try_from(steps).unwrap_or(u16::MAX))
    }

    /// Opens a token.
    ///
    /// # Errors
    /// [`TokenError`], but never `Expired`.
    pub fn open(&self, purpose: Purpose, text: &str) -> Result<Token, TokenError> {
        let bytes = decode(text).ok_or(TokenError::Malformed)?;
        let (signed, mac) = bytes.split_at_checked(SIGNED_BYTES).ok_or(TokenError::Malformed)?;
        let token = read_signed(signed).ok_or(TokenError::Malformed)?;
        let key = self.derive_by(token.kid, purpose).ok_or(TokenError::UnknownKey(token.kid))?;
        match keyed(&key).chain_update(signed).verify_truncated_left(mac) {
            Ok(()) => Ok(token),
            Err(_) => Err(TokenError::WrongMac(token)),
        }
    }

    /// Opens a token made by [`Self::sign_until`].
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_until(
        &self,
        purpose: Purpose,
        text: &str,
        now: UtcMs,
    ) -> Result<Token, TokenError> {
        let token = self.open(purpose, text)?;
        if now > token.until() { Err(TokenError::Expired(token)) } else { Ok(token) }
    }

    /// A MAC in hex over several parts, each with its length, so that none runs into the next.
    pub fn tag(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        tag_with(&self.derive(purpose), parts)
    }

    /// Whether `tag` is that of `parts` under any key of the ring, in constant time.
    pub fn tag_holds(&self, purpose: Purpose, parts: &[&[u8]], tag: &str) -> bool {
        self.derive_all(purpose).any(|key| equal(tag_with(&key, parts).as_bytes(), tag.as_bytes()))
    }

    /// `code.sig`: a word that others may carry but not make.
    pub fn sign_code(&self, purpose: Purpose, code: &str) -> String {
        let tag = self.tag(purpose, &[code.as_bytes()]);
        let short: String = tag.chars().take(2 * MAC_BYTES).collect();
        format!("{code}.{short}")
    }

    /// The word of a `code.sig`, if its signature holds under any key of the ring.
    pub fn open_code<'a>(&self, purpose: Purpose, text: &'a str) -> Option<&'a str> {
        let (code, sig) = text.rsplit_once('.')?;
        let holds = self.derive_all(purpose).any(|key| {
            let tag = tag_with(&key, &[code.as_bytes()]);
            tag.as_bytes().get(..2 * MAC_BYTES).is_some_and(|short| equal(short, sig.as_bytes()))
        });
        holds.then_some(code)
    }

    fn sign_bytes(&self, purpose: Purpose, id: i64, what: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(self.current);
        bytes.extend_from_slice(&id.to_be_bytes());
        bytes.extend_from_slice(&what.to_be_bytes());
        let mac = finish(keyed(&self.derive(purpose)).chain_update(&bytes));
        bytes.extend(mac.iter().take(MAC_BYTES));
        bytes
    }
}

/// What is stored of a random secret: SHA-256 in hex. Enough, since the secret is 256 bits.
pub fn hash_secret(secret: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(secret))
}

/// A random secret as it stands in an address: 43 characters.
pub fn secret_text(bytes: &[u8; KEY_BYTES]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The bytes of a random secret as it came in an address.
pub fn secret_bytes(text: &str) -> Option<[u8; KEY_BYTES]> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()?.try_into().ok()
}

/// An address as a keyed hash: tells that it is the same, not which. By [`EmailAddr::key`].
pub fn address_hmac(key: &[u8; KEY_BYTES], address: &EmailAddr) -> String {
    HEXLOWER.encode(&finish(keyed(key).chain_update(address.key())))
}

/// Whether two texts are equal, in time that tells nothing about where they differ.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    // Comparing MACs of both under one key hides where they differ, and their lengths too.
    let key = [0x5c; KEY_BYTES];
    keyed(&key).chain_update(a).verify_slice(&finish(keyed(&key).chain_update(b))).is_ok()
}

/// HMAC-SHA256 of `bytes`.
pub(crate) fn mac(key: &[u8; KEY_BYTES], bytes: &[u8]) -> [u8; KEY_BYTES] {
    finish(keyed(key).chain_update(bytes))
}

fn tag_with(key: &[u8; KEY_BYTES], parts: &[&[u8]]) -> String {
    let mac = parts.iter().fold(keyed(key), |mac, part| {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        mac.chain_update(length.to_be_bytes()).chain_update(part)
    });
    HEXLOWER.encode(&finish(mac))
}

fn keyed(key: &[u8; KEY_BYTES]) -> HmacSha256 {
    // HMAC fills a short key with zeros up to the block: doing so here needs no fallible call.
    let mut block = [0_u8; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    HmacSha256::new(&block.into())
}

fn finish(mac: HmacSha256) -> [u8; KEY_BYTES] {
    mac.finalize().into_bytes().into()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    (bytes.len() == TOKEN_BYTES).then_some(bytes)
}

fn read_signed(signed: &[u8]) -> Option<Token> {
    let (kid, rest) = signed.split_first()?;
    let (id, what) = rest.split_first_chunk::<8>()?;
    let what = what.first_chunk::<2>()?;
    Some(Token { kid: *kid, id: i64::from_be_bytes(*id), what: u16::from_be_bytes(*what) })
}

#[cfg(test)]
mod tests;
