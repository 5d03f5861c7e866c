//! Cards tried out: many declined payments from one address or one network within minutes are
//! somebody testing stolen numbers. Kept in memory only, so that no network is ever stored; what
//! one order may try is counted from its own rows as well.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::times::{HOUR_MS, MINUTE_MS};
use model::{Refused, UtcMs};

/// Declined payments of one address or network within [`WITHIN_MS`]; after them it must wait.
const DECLINES_MAX: u32 = 5;
/// The time those are counted in.
const WITHIN_MS: i64 = 10 * MINUTE_MS;
/// How long it must wait then.
const COOL_DOWN_MS: i64 = HOUR_MS;
/// Keys held; beyond this those that are over are dropped, and then the oldest.
const KEYS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Declines {
    since: UtcMs,
    count: u32,
    until: UtcMs,
}

/// Declined payments by who tried.
#[derive(Debug, Default)]
pub(crate) struct Cards(Mutex<HashMap<String, Declines>>);

/// Who tries: an address by its keyed hash, and the network it comes from, where that is known and
/// not this machine itself (there a proxy stands that was not named, and all visitors are one).
fn keys(address_hmac: &str, net: &str) -> Vec<String> {
    let mut keys = vec![format!("address:{address_hmac}")];
    if !matches!(net, "" | "127.0.0.0" | "::") {
        keys.push(format!("net:{net}"));
    }
    keys
}

impl Cards {
    /// Whether this address, from this network, may try a payment now.
    ///
    /// # Errors
    /// `too_many_tries`.
    pub fn check(&self, address_hmac: &str, net: &str, now: UtcMs) -> Result<(), Refused> {
        let declines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |key: &String| declines.get(key).is_some_and(|kept| now < kept.until);
        if keys(address_hmac, net).iter().any(waits) {
            let message = "that were too many tries: please wait an hour, or write to us";
            return Err(Refused::new("too_many_tries", message));
        }
        Ok(())
    }

    /// Notes a payment that was declined.
    pub fn declined(&self, address_hmac: &str, net: &str, now: UtcMs) {
        let mut declines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if declines.len() >= KEYS_MAX {
            declines.retain(|_, kept| now < kept.until || now.since_ms(kept.since) < WITHIN_MS);
            if declines.len() >= KEYS_MAX {
                let oldest = declines.iter().min_by_key(|(_, kept)| kept.since);
                oldest.map(|(key, _)| key.clone()).and_then(|key| declines.remove(&key));
            }
        }
        for key in keys(address_hmac, net) {
            let fresh = Declines { since: now, count: 0, until: now };
            let kept = declines.entry(key).or_insert(fresh);
            if now.since_ms(kept.since) >= WITHIN_MS {
                *kept = fresh;
            }
            kept.count = kept.count.saturating_add(1);
            if kept.count >= DECLINES_MAX {
                kept.until = now.plus_ms(COOL_DOWN_MS);
                tracing::warn!("cards are being tried out: who does it must wait for an hour");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(1_800_000_000_000);

    #[test]
    fn c11_five_declines_in_ten_minutes_make_an_address_and_a_network_wait_for_an_hour() {
        let cards = Cards::default();
        for n in 0..5 {
            assert!(cards.check(&format!("a{n}"), "203.0.113.0", NOW).is_ok(), "{n}");
            cards.declined(&format!("a{n}"), "203.0.113.0", NOW);
        }
        assert_eq!(cards.check("a9", "203.0.113.0", NOW).unwrap_err().code, "too_many_tries");
        assert!(cards.check("a1", "198.51.100.0", NOW).is_ok());
        assert!(cards.check("a9", "203.0.113.0", NOW.plus_ms(COOL_DOWN_MS)).is_ok());
        for n in 0..5 {
            // From everywhere: it is the address that waits.
            cards.declined("b", &format!("198.51.{n}.0"), NOW);
        }
        assert!(cards.check("b", "192.0.2.0", NOW).is_err());
        // Who mistypes now and then is nobody who tests cards.
        for n in 0..20 {
            let at = NOW.plus_ms(n * 3 * MINUTE_MS);
            assert!(cards.check("c", "", at).is_ok());
            cards.declined("c", "", at);
        }
        // This machine stands for a proxy that was not named: all visitors would be one.
        for n in 0..50 {
            cards.declined(&format!("d{n}"), "127.0.0.0", NOW);
        }
        assert!(cards.check("e", "127.0.0.0", NOW).is_ok());
    }
}
