//! Hashing passwords: Argon2id, slow on purpose, few at a time, never in a transaction.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Hashes at a time: 4 × 19 MiB is what a burst of sign-ins may cost.
pub(crate) const HASHES_AT_ONCE: usize = 4;
/// OWASP's minimum for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What an unknown address is checked against, so that it takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg\
    $AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash to store of a password.
pub(crate) async fn hash(engine: &Engine, password: &str) -> Result<String> {
    let salt: [u8; 16] = engine.rng().bytes();
    let password = password.to_owned();
    aside(engine, move || {
        let hash: PasswordHash = hasher().and_then(|argon| {
            argon.hash_password_with_salt(password.as_bytes(), &salt).map_err(|_| broken())
        })?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether the password has this hash. Without a hash it takes as long and answers no.
pub(crate) async fn holds(engine: &Engine, password: &str, hash: Option<String>) -> Result<bool> {
    let password = password.to_owned();
    aside(engine, move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.to_owned());
        let same = hasher()?.verify_password(password.as_bytes(), hash.as_str()).is_ok();
        Ok(same && known)
    })
    .await
}

async fn aside<T, F>(engine: &Engine, work: F) -> Result<T>
where
    F: FnOnce() -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    let _turn = engine.hashing().acquire().await.map_err(|_| broken())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| broken())?
}

fn hasher() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| broken())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken() -> EngineError {
    EngineError::Fault("a password could not be hashed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nobody_is_a_real_one_that_nothing_matches() {
        assert!(PasswordHash::new(NOBODY).is_ok());
        assert!(hasher().unwrap().verify_password(b"", NOBODY).is_err());
    }
}
