//! Back-off after wrong tries: per account and per network, in memory only, so that no address of
//! a network is ever stored. A restart forgets, which an attacker cannot cause.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::UtcMs;
use model::times::{HOUR_MS, MINUTE_MS, SECOND_MS};

/// Wrong tries that cost nothing: people mistype.
const FREE_TRIES: u32 = 5;
/// The pause after the first try too many; it doubles with each further one.
const FIRST_PAUSE_MS: i64 = 2 * SECOND_MS;
/// The longest pause: a known account can always be reached again within this.
const PAUSE_MAX_MS: i64 = 15 * MINUTE_MS;
/// Wrong tries are forgotten after this long without one.
const FORGET_MS: i64 = HOUR_MS;
/// Keys held; beyond this those that are over are dropped, and then the oldest.
const KEYS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy)]
struct Tries {
    wrong: u32,
    last: UtcMs,
    until: UtcMs,
}

/// Wrong tries by key.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, Tries>>);

impl Throttle {
    /// How long the key must wait; `None` where it may try now.
    pub fn wait_ms(&self, key: &str, now: UtcMs) -> Option<i64> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = tries.get(key)?.until.since_ms(now);
        (left > 0).then_some(left)
    }

    /// Notes a wrong try. `free` is how many more cost nothing: a network many share has more.
    pub fn wrong(&self, key: &str, now: UtcMs, more_free: u32) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= KEYS_MAX {
            tries.retain(|_, t| now.since_ms(t.last) < FORGET_MS);
            if tries.len() >= KEYS_MAX {
                let oldest = tries.iter().min_by_key(|(_, t)| t.last).map(|(key, _)| key.clone());
                oldest.and_then(|key| tries.remove(&key));
            }
        }
        let entry =
            tries.entry(key.to_owned()).or_insert(Tries { wrong: 0, last: now, until: now });
        if now.since_ms(entry.last) >= FORGET_MS {
            entry.wrong = 0;
        }
        entry.wrong = entry.wrong.saturating_add(1);
        entry.last = now;
        let over = entry.wrong.saturating_sub(FREE_TRIES.saturating_add(more_free));
        if over > 0 {
            let pause = FIRST_PAUSE_MS.saturating_mul(1 << over.saturating_sub(1).min(20));
            entry.until = now.plus_ms(pause.min(PAUSE_MAX_MS));
        }
    }

    /// Forgets the wrong tries of a key that got it right.
    pub fn right(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Requests of one key within a minute, counted per minute.
#[derive(Debug, Default)]
pub struct Rate(Mutex<HashMap<i64, (i64, u32)>>);

impl Rate {
    /// Counts a request; the milliseconds to wait where it is one too many.
    pub fn take(&self, key: i64, most: u32, now: UtcMs) -> Option<i64> {
        let minute = now.0.div_euclid(MINUTE_MS);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KEYS_MAX {
            counts.retain(|_, (of, _)| *of == minute);
        }
        let (of, count) = counts.entry(key).or_insert((minute, 0));
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        *count = count.saturating_add(1);
        (*count > most).then(|| (minute + 1) * MINUTE_MS - now.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_beyond_the_free_ones_wait_longer_and_longer() {
        let throttle = Throttle::default();
        let now = UtcMs(0);
        for _ in 0..FREE_TRIES {
            throttle.wrong("a", now, 0);
        }
        assert_eq!(throttle.wait_ms("a", now), None);
        throttle.wrong("a", now, 0);
        assert_eq!(throttle.wait_ms("a", now), Some(FIRST_PAUSE_MS));
        throttle.wrong("a", now, 0);
        assert_eq!(throttle.wait_ms("a", now), Some(2 * FIRST_PAUSE_MS));
        for _ in 0..30 {
            throttle.wrong("a", now, 0);
        }
        assert_eq!(throttle.wait_ms("a", now), Some(PAUSE_MAX_MS));
        assert_eq!(throttle.wait_ms("b", now), None);
        throttle.right("a");
        assert_eq!(throttle.wait_ms("a", now), None);
    }

    #[test]
    fn a_key_has_so_many_requests_a_minute() {
        let rate = Rate::default();
        assert!((0..3).all(|_| rate.take(1, 3, UtcMs(5)).is_none()));
        assert_eq!(rate.take(1, 3, UtcMs(5)), Some(59_995));
        assert!(rate.take(2, 3, UtcMs(5)).is_none());
        assert!(rate.take(1, 3, UtcMs(60_000)).is_none());
    }
}
