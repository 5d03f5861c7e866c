//! Secrets that must be read again (an authenticator's, a mail server's password): sealed under
//! the installation's key, so that a stolen database or backup does not hold them.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use model::tokens::Purpose;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Bytes of an XChaCha20 nonce: long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;
/// The number of the only key so far; stands first in what is sealed, for the day there are two.
const KEY_NUMBER: u8 = 1;

/// Seals `secret`; the text may stand in the database.
pub(crate) fn seal(engine: &Engine, secret: &[u8]) -> Result<String> {
    let nonce: [u8; NONCE_BYTES] = engine.rng().bytes();
    let sealed = cipher(engine)
        .encrypt(&XNonce::from(nonce), secret)
        .map_err(|_| EngineError::Fault("a secret could not be sealed".to_owned()))?;
    let mut bytes = vec![KEY_NUMBER];
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&sealed);
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// It was sealed under another key: the database was brought here without its `secret.key`.
pub(crate) fn open(engine: &Engine, sealed: &str) -> Result<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| other_key())?;
    let (number, rest) = bytes.split_first().ok_or_else(other_key)?;
    let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(other_key)?;
    if *number != KEY_NUMBER {
        return Err(other_key());
    }
    cipher(engine).decrypt(&XNonce::from(*nonce), text).map_err(|_| other_key())
}

fn cipher(engine: &Engine) -> XChaCha20Poly1305 {
    let key = engine.keys().derive(Purpose::Secrets);
    XChaCha20Poly1305::new(&key.into())
}

fn other_key() -> EngineError {
    EngineError::Fault(
        "a stored secret was sealed under another key; put back the secret.key it was made with"
            .to_owned(),
    )
}
