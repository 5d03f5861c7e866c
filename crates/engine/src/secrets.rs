//! Secrets that must be read again (an authenticator's, a mail server's password): sealed under
//! the installation's key, so that a stolen database or backup does not hold them.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use model::tokens::{KEY_BYTES, KeyRing, Purpose};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rng::Rng;

/// Bytes of an XChaCha20 nonce: long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;

/// Seals `secret`; the text may stand in the database.
pub(crate) fn seal(engine: &Engine, secret: &[u8]) -> Result<String> {
    seal_with(engine.keys(), engine.rng(), secret)
}

/// The same under the signing key of `ring`, whose number stands first.
pub(crate) fn seal_with(ring: &KeyRing, rng: &Rng, secret: &[u8]) -> Result<String> {
    let nonce: [u8; NONCE_BYTES] = rng.bytes();
    let sealed = cipher(&ring.derive(Purpose::Secrets))
        .encrypt(&XNonce::from(nonce), secret)
        .map_err(|_| EngineError::Fault("a secret could not be sealed".to_owned()))?;
    let mut bytes = vec![ring.kid()];
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// It was sealed under a key that is not here: the database was brought without its `secret.key`,
/// or an earlier key was put away too soon.
pub(crate) fn open(engine: &Engine, sealed: &str) -> Result<Vec<u8>> {
    open_with(engine.keys(), sealed)
}

/// The same with any key of `ring`.
pub(crate) fn open_with(ring: &KeyRing, sealed: &str) -> Result<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| other_key())?;
    let (number, rest) = bytes.split_first().ok_or_else(other_key)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(other_key)?;
    let key = ring.derive_by(*number, Purpose::Secrets).ok_or_else(other_key)?;
    cipher(&key).decrypt(&XNonce::from(*nonce), text).map_err(|_| other_key())
}

fn cipher(key: &[u8; KEY_BYTES]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&(*key).into())
}

fn other_key() -> EngineError {
    EngineError::Fault(
        "a stored secret was sealed under another key; put back the secret.key it was made with, \
         or name it under secret.previous_keys"
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_key_sealed_opens_as_long_as_that_key_is_here() {
        let rng = Rng::seeded(1);
        let before = KeyRing::new(1, [1; KEY_BYTES]);
        let sealed = seal_with(&before, &rng, b"hush").unwrap();
        let after = KeyRing::new(2, [2; KEY_BYTES]).with_old(1, [1; KEY_BYTES]);
        assert_eq!(open_with(&after, &sealed).unwrap(), b"hush");
        let anew = seal_with(&after, &rng, b"hush").unwrap();
        assert!(open_with(&before, &anew).is_err(), "sealed under the new one");
        let without = KeyRing::new(2, [2; KEY_BYTES]);
        assert!(open_with(&without, &sealed).is_err());
        assert_eq!(open_with(&without, &anew).unwrap(), b"hush");
    }
}
