//! Names by number: each is kept once, however many rows have it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// Names in the order they were first seen, from 0.
#[derive(Debug, Default)]
pub struct Names {
    /// Short ones stand in the table itself: a row of ten million looks at one place in memory.
    short: HashMap<u128, u32, RandomState>,
    long: HashMap<Box<str>, u32, RandomState>,
}

impl Names {
    /// The number of a name, a new one where it was not seen before.
    pub fn place(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.len()).unwrap_or(u32::MAX);
        if let Some(packed) = packed(name) {
            return *self.short.entry(packed).or_insert(next);
        }
        match self.long.get(name) {
            Some(place) => *place,
            None => *self.long.entry(name.into()).or_insert(next),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// All of them in order.
    pub fn into_list(self) -> Vec<String> {
        let short = self.short.into_iter().map(|(packed, place)| (place, unpacked(packed)));
        let long = self.long.into_iter().map(|(name, place)| (place, name.into_string()));
        let mut all: Vec<(u32, String)> = short.chain(long).collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, name)| name).collect()
    }
}

/// Up to fifteen octets and their number.
fn packed(name: &str) -> Option<u128> {
    let mut octets = [0; 16];
    let (length, place) = octets.split_first_mut()?;
    place.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    *length = u8::try_from(name.len()).ok()?;
    Some(u128::from_le_bytes(octets))
}

fn unpacked(packed: u128) -> String {
    let octets = packed.to_le_bytes();
    let (length, name) = octets.split_first().unwrap_or((&0, &[]));
    let name = name.get(..usize::from(*length)).unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_length_come_back_in_the_order_they_were_seen() {
        let mut names = Names::default();
        let all = ["ada", "", "fifteen octets.", "sixteen octets..", "Zoë", "ada\0"];
        for (at, name) in (0..).zip(all) {
            assert_eq!((names.place(name), names.place(name)), (at, at), "{name:?}");
        }
        assert_eq!(names.place("ada"), 0);
        assert_eq!(names.into_list(), all);
    }
}
