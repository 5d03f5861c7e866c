//! The master keys an installation was used with. Each has a number, kept in the database with a
//! value that only it can make; one signs, earlier ones still open what they made. The key for
//! hashes of addresses is that of the first master key for ever, kept sealed under the newest.

use model::tokens::{KEY_BYTES, KeyRing, Purpose};
use store::{Db, Reader};

use crate::engine::Parts;
use crate::fault::{EngineError, Result};
use crate::rng::Rng;
use crate::secrets;

/// The number of the first key of an installation.
const FIRST: u8 = 1;
/// The check value of the first key; those of later ones have their number behind it.
const CHECK: &str = "key_check";
/// The key for hashes of addresses, once a second master key took over.
const ADDRESS: &str = "address_key";

/// A master key.
type Master = [u8; KEY_BYTES];

/// What the database knows of the master keys given to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// No key was ever used here.
    Fresh,
    /// A key was used here, and none was given.
    Absent,
    /// It was used here before, and the newest one is here.
    Right,
    /// It is new here and may take over: the newest one before it is here too.
    New,
    /// Another key was used here, which is not here.
    Wrong,
}

/// What is kept of the keys.
#[derive(Debug)]
struct Kept {
    /// By number, from 1 on.
    checks: Vec<String>,
    address: Option<String>,
}

impl Kept {
    async fn read(reader: &Reader) -> Result<Self> {
        reader
            .read::<_, EngineError, _>(|session| {
                Box::pin(async move {
                    let mut checks = Vec::new();
                    for number in FIRST..=u8::MAX {
                        match store::meta::find(session, &check_name(number)).await? {
                            Some(check) => checks.push(check),
                            None => break,
                        }
                    }
                    let address = store::meta::find(session, ADDRESS).await?;
                    Ok(Self { checks, address })
                })
            })
            .await
    }

    fn number(&self, key: &Master) -> Option<u8> {
        let check = check_value(key);
        let at = self.checks.iter().position(|kept| *kept == check)?;
        u8::try_from(at + 1).ok()
    }

    fn is_newest(&self, key: &Master) -> bool {
        self.number(key).map(usize::from) == Some(self.checks.len())
    }
}

/// Compares the master key, and earlier ones, with what the database knows of them.
///
/// # Errors
/// The database fails.
pub async fn key_state(
    reader: &Reader,
    current: Option<&Master>,
    previous: &[Master],
) -> Result<KeyState> {
    let kept = Kept::read(reader).await?;
    if kept.checks.is_empty() {
        return Ok(KeyState::Fresh);
    }
    let Some(current) = current else { return Ok(KeyState::Absent) };
    let newest = kept.is_newest(current) || previous.iter().any(|key| kept.is_newest(key));
    Ok(match (newest, kept.number(current)) {
        (false, _) => KeyState::Wrong,
        (true, Some(_)) => KeyState::Right,
        (true, None) => KeyState::New,
    })
}

/// Keeps the check value of the first master key, where none is kept yet.
pub(crate) async fn keep_first(db: &Db, key: &Master) -> Result<()> {
    let value = check_value(key);
    db.write::<_, EngineError, _>(move |tx| {
        Box::pin(async move {
            store::meta::set_once(tx, CHECK, &value).await?;
            Ok(())
        })
    })
    .await
}

/// The ring of the keys given; a key that is new here takes over.
pub(crate) async fn ring(parts: &Parts) -> Result<KeyRing> {
    let kept = Kept::read(&parts.db.reader()).await?;
    let with_previous = |ring: KeyRing| {
        parts.previous_keys.iter().fold(ring, |ring, key| match kept.number(key) {
            Some(number) => ring.with_old(number, *key),
            None => {
                tracing::warn!("one of secret.previous_keys was never used here; it is left out");
                ring
            }
        })
    };
    let key = parts.master_key;
    match kept.number(&key) {
        Some(number) => with_address(with_previous(KeyRing::new(number, key)), &kept),
        None if kept.checks.is_empty() => Ok(KeyRing::new(FIRST, key)),
        None => {
            let number = u8::try_from(kept.checks.len() + 1)
                .map_err(|_| EngineError::Fault("no number is left for a new key".to_owned()))?;
            let ring = with_previous(KeyRing::new(number, key));
            take_over(&parts.db, &parts.rng, ring, &kept, &key).await
        }
    }
}

/// The ring with the key for addresses.
fn with_address(ring: KeyRing, kept: &Kept) -> Result<KeyRing> {
    let Some(sealed) = &kept.address else { return Ok(ring) };
    let bytes = secrets::open_with(&ring, sealed)?;
    let key = Master::try_from(bytes.as_slice()).map_err(|_| not_here())?;
    Ok(ring.with_address(key))
}

/// Lets the signing key of `ring`, which is new, take over from the newest one.
async fn take_over(
    db: &Db,
    rng: &Rng,
    ring: KeyRing,
    kept: &Kept,
    key: &Master,
) -> Result<KeyRing> {
    let ring = match &kept.address {
        Some(_) => with_address(ring, kept)?,
        None => {
            let address = ring.derive_by(FIRST, Purpose::Address).ok_or_else(not_here)?;
            ring.with_address(address)
        }
    };
    let sealed = secrets::seal_with(&ring, rng, &ring.derive(Purpose::Address))?;
    let (number, check) = (ring.kid(), check_value(key));
    db.write::<_, EngineError, _>(move |tx| {
        Box::pin(async move {
            // Another node may have been quicker, with the same key or with another.
            if store::meta::set_once(tx, &check_name(number), &check).await? != check {
                return Err(not_here());
            }
            Ok(store::meta::set(tx, ADDRESS, &sealed).await?)
        })
    })
    .await?;
    tracing::info!(
        number,
        "a new master key took over; keep the earlier one as long as links live"
    );
    Ok(ring)
}

fn not_here() -> EngineError {
    EngineError::Fault(
        "the master key this database was used with is not here; put it back, or name it under \
         secret.previous_keys"
            .to_owned(),
    )
}

fn check_name(number: u8) -> String {
    if number == FIRST { CHECK.to_owned() } else { format!("{CHECK}_{number}") }
}

fn check_value(key: &Master) -> String {
    KeyRing::new(0, *key).tag(Purpose::Secrets, &[b"is this the key?"])
}
