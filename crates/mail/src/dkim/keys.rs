//! DKIM keys: reading, making, and the text of their DNS record.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use model::Refused;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{CryptoRng, Error as RngError, RngCore};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// Octets of one string of a TXT record (RFC 1035 §3.3).
pub const TXT_STRING_MAX: usize = 255;
/// Bits of the RSA keys we make: what every receiver takes, in a record that fits one UDP answer.
const RSA_BITS: usize = 2_048;
/// A PKCS#8 Ed25519 key (RFC 8410 §7) up to its 32 secret octets.
const ED25519_PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// `SEQUENCE { OID rsaEncryption, NULL }`: the algorithm of an RSA public key in a certificate.
const RSA_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// The two kinds of key receivers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with SHA-256: understood by everybody.
    Rsa,
    /// Ed25519 (RFC 8463): short and fast, understood by some; sign with RSA as well.
    Ed25519,
}

impl KeyKind {
    /// The word of `a=`.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }

    /// The word of `k=` in the DNS record.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

/// A private key, read once and used many times. `Debug` shows its kind only.
pub struct DkimKey(Pair);

enum Pair {
    // An RSA pair is ten times the size of the other.
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl fmt::Debug for DkimKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DkimKey").field(&self.kind()).finish()
    }
}

impl DkimKey {
    /// Reads a PEM text: PKCS#8 (`BEGIN PRIVATE KEY`) of either kind, or PKCS#1
    /// (`BEGIN RSA PRIVATE KEY`). RSA keys must have 2048 to 4096 bits.
    pub fn from_pem(pem: &str) -> Result<Self, Refused> {
        let unreadable = || {
            let why = "no private key found: paste a PEM text with BEGIN PRIVATE KEY";
            Refused::new("dkim_key_invalid", why)
        };
        let unusable = |_| {
            let why = "the key cannot be used: it must be RSA of 2048 to 4096 bits, or Ed25519";
            Refused::new("dkim_key_invalid", why)
        };
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable())? {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der())
                .map(|pair| Self(Pair::Rsa(Box::new(pair))))
                .map_err(unusable),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self(Pair::Ed25519(pair)));
                }
                RsaKeyPair::from_pkcs8(der)
                    .map(|pair| Self(Pair::Rsa(Box::new(pair))))
                    .map_err(unusable)
            }
            _ => Err(unreadable()),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Pair::Rsa(_) => KeyKind::Rsa,
            Pair::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The `p=` value: base64 of the public key in the form DNS wants.
    pub fn public_base64(&self) -> String {
        match &self.0 {
            Pair::Rsa(pair) => BASE64.encode(subject_public_key_info(pair.public_key().as_ref())),
            Pair::Ed25519(pair) => BASE64.encode(pair.public_key()),
        }
    }

    /// A signature; the same octets give the same signature with both kinds.
    pub(super) fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, Refused> {
        match &self.0 {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature)
                    .map_err(|_| Refused::new("dkim_key_invalid", "the DKIM key cannot sign"))?;
                Ok(signature)
            }
            // RFC 8463 §3 signs the SHA-256 of the data, not the data.
            Pair::Ed25519(pair) => {
                let hash = ring::digest::digest(&ring::digest::SHA256, octets);
                Ok(pair.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }
}

/// Makes a key and gives it as a PKCS#8 PEM text for [`DkimKey::from_pem`].
///
/// `fill` fills a slice with random octets from a cryptographic source. RSA takes up to a second.
pub fn generate(kind: KeyKind, fill: impl FnMut(&mut [u8])) -> Result<String, Refused> {
    let mut random = Random(fill);
    let der = match kind {
        KeyKind::Ed25519 => {
            let mut der = ED25519_PKCS8_HEAD.to_vec();
            let mut seed = [0; 32];
            random.fill_bytes(&mut seed);
            der.extend_from_slice(&seed);
            der
        }
        KeyKind::Rsa => {
            let failed = || Refused::new("dkim_key_failed", "no RSA key could be made: try again");
            let key = rsa::RsaPrivateKey::new(&mut random, RSA_BITS).map_err(|_| failed())?;
            key.to_pkcs8_der().map_err(|_| failed())?.as_bytes().to_vec()
        }
    };
    Ok(pem(&der))
}

fn pem(der: &[u8]) -> String {
    let mut text = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in BASE64.encode(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END PRIVATE KEY-----\n");
    text
}

/// The value of the key's TXT record, as one text: `v=DKIM1; k=rsa; p=…`.
pub fn txt_record(key: &DkimKey) -> String {
    format!("v=DKIM1; k={}; p={}", key.kind().as_str(), key.public_base64())
}

/// The same value as the strings a zone file holds, each at most 255 octets:
/// `"v=DKIM1; k=rsa; p=MII…" "…"`.
pub fn txt_strings(key: &DkimKey) -> Vec<String> {
    let record = txt_record(key);
    let pieces = record.as_bytes().chunks(TXT_STRING_MAX);
    pieces.map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
}

/// A PKCS#1 public key as X.509 has it: what `p=` holds for RSA everywhere.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    let bits = [&[0][..], pkcs1].concat();
    let inner = [&RSA_ALGORITHM[..], &der(3, &bits)].concat();
    der(0x30, &inner)
}

/// One DER value of at most 65,535 octets: RSA keys have some hundred.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..=127) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(value);
    out
}

/// Chance as a parameter, in the form the `rsa` crate takes it.
pub(super) struct Random<F>(pub(super) F);

impl<F: FnMut(&mut [u8])> RngCore for Random<F> {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.fill_bytes(&mut octets);
        u32::from_le_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        let mut octets = [0; 8];
        self.fill_bytes(&mut octets);
        u64::from_le_bytes(octets)
    }

    fn fill_bytes(&mut self, octets: &mut [u8]) {
        (self.0)(octets);
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), RngError> {
        self.fill_bytes(octets);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> CryptoRng for Random<F> {}
