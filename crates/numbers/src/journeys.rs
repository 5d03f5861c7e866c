//! Journeys: the touches that came before an order, or before nothing.
//!
//! A journey is a sequence of channels with what came of it: conversions, their value, and how
//! often the same sequence ended without one (nulls). They come as counted paths, or are cut out of
//! single touches: a contact's touches in order of time, split after each conversion; what
//! follows the last conversion is a null journey.
//!
//! Values are in whatever unit they came in, minor units as a rule, and leave in the same.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// What came of a journey, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcomes {
    /// How often it ended in a conversion.
    pub conversions: f64,
    /// What these conversions brought in all.
    pub value: f64,
    /// How often it ended without one.
    pub nulls: f64,
}

impl Outcomes {
    /// How often the journey was made.
    pub fn journeys(self) -> f64 {
        self.conversions + self.nulls
    }

    fn add(&mut self, more: Self) {
        self.conversions += more.conversions;
        self.value += more.value;
        self.nulls += more.nulls;
    }
}

/// Why a row is no journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// A figure is negative or no number; which.
    NotCounted(&'static str),
    /// It names no channel.
    NoChannel,
    /// It has value and no conversion.
    ValueAlone,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotCounted(what) => write!(f, "{what} must be a number of zero or more"),
            Self::NoChannel => f.write_str("a path must name at least one channel"),
            Self::ValueAlone => {
                f.write_str("a value needs a conversion: count one, or leave the value out")
            }
        }
    }
}

impl std::error::Error for Unusable {}

/// One touch of one contact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Touch<'a> {
    /// Whose.
    pub contact: &'a str,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Through which channel; nothing where a conversion is on record without a touch of its own.
    pub channel: Option<&'a str>,
    /// How many conversions followed at once, before any other touch; zero as a rule.
    pub conversions: f64,
    /// What they brought.
    pub value: f64,
}

/// One journey of the collection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Journey<'a> {
    /// The channels in order, by their place in [`Journeys::channels`]; never empty.
    pub steps: &'a [usize],
    /// When each step was, in milliseconds since 1970 UTC and rising; nothing where not known.
    pub times_ms: Option<&'a [i64]>,
    /// What came of it.
    pub outcomes: Outcomes,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    steps_end: usize,
    times_end: usize,
    outcomes: Outcomes,
}

/// A collection of journeys. Each channel is kept once and known by its place.
#[derive(Debug, Clone, Default)]
pub struct Journeys {
    channels: Vec<String>,
    places: HashMap<String, usize>,
    steps: Vec<usize>,
    times_ms: Vec<i64>,
    rows: Vec<Row>,
    totals: Outcomes,
    untouched: Outcomes,
}

impl Journeys {
    /// Counts a path in.
    ///
    /// # Errors
    /// Where it names no channel, a figure is negative or no number, or there is value without a
    /// conversion.
    pub fn add(&mut self, path: &[&str], outcomes: Outcomes) -> Result<(), Unusable> {
        self.push(path.iter().copied(), &[], outcomes)
    }

    /// Counts a path in that is written as one text, as in `search > mail > direct`. White space
    /// around a name does not count, and neither do empty names.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_written(
        &mut self,
        path: &str,
        separator: &str,
        outcomes: Outcomes,
    ) -> Result<(), Unusable> {
        let names = path.split(separator).map(str::trim).filter(|name| !name.is_empty());
        self.push(names, &[], outcomes)
    }

    /// Counts a path in whose touches have times, in milliseconds since 1970 UTC. They are put in
    /// order of time; those of one instant stay in the order given.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_timed(&mut self, path: &[(&str, i64)], outcomes: Outcomes) -> Result<(), Unusable> {
        let mut path = path.to_vec();
        path.sort_by_key(|(_, at_ms)| *at_ms);
        let times: Vec<i64> = path.iter().map(|(_, at_ms)| *at_ms).collect();
        self.push(path.iter().map(|(name, _)| *name), &times, outcomes)
    }

    /// Cuts journeys out of single touches, which may come in any order. A conversion ends a
    /// journey, the touch on its row included; what a contact did after the last conversion is a
    /// null journey. Conversions that no touch came before are kept apart: [`Self::untouched`].
    ///
    /// # Errors
    /// As [`Self::add`], for the first touch that is not usable; none of them is counted then.
    pub fn add_touches(&mut self, touches: &[Touch<'_>]) -> Result<(), Unusable> {
        for touch in touches {
            let outcomes =
                Outcomes { conversions: touch.conversions, value: touch.value, nulls: 0.0 };
            check(outcomes)?;
        }
        let mut contacts: BTreeMap<&str, Vec<&Touch<'_>>> = BTreeMap::new();
        for touch in touches {
            contacts.entry(touch.contact).or_default().push(touch);
        }
        for mut touches in contacts.into_values() {
            // Stable: of two rows of one instant the one that came first is the earlier.
            touches.sort_by_key(|touch| touch.at_ms);
            self.add_contact(&touches)?;
        }
        Ok(())
    }

    fn add_contact(&mut self, touches: &[&Touch<'_>]) -> Result<(), Unusable> {
        let mut path: Vec<(&str, i64)> = Vec::new();
        for touch in touches {
            path.extend(touch.channel.map(|channel| (channel, touch.at_ms)));
            if touch.conversions <= 0.0 {
                continue;
            }
            let outcomes =
                Outcomes { conversions: touch.conversions, value: touch.value, nulls: 0.0 };
            if path.is_empty() {
                self.untouched.add(outcomes);
            } else {
                self.add_timed(&path, outcomes)?;
                path.clear();
            }
        }
        if path.is_empty() {
            return Ok(());
        }
        self.add_timed(&path, Outcomes { nulls: 1.0, ..Outcomes::default() })
    }

    fn push<'a>(
        &mut self,
        names: impl Iterator<Item = &'a str>,
        times_ms: &[i64],
        outcomes: Outcomes,
    ) -> Result<(), Unusable> {
        check(outcomes)?;
        let start = self.steps.len();
        for name in names {
            let place = self.place(name);
            self.steps.push(place);
        }
        if self.steps.len() == start {
            return Err(Unusable::NoChannel);
        }
        self.times_ms.extend_from_slice(times_ms);
        let (steps_end, times_end) = (self.steps.len(), self.times_ms.len());
        self.rows.push(Row { steps_end, times_end, outcomes });
        self.totals.add(outcomes);
        Ok(())
    }

    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.channels.len();
        self.channels.push(name.to_owned());
        self.places.insert(name.to_owned(), place);
        place
    }

    /// The channels, in the order in which they first came up.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// The name of a channel by its place.
    pub fn name(&self, place: usize) -> &str {
        self.channels.get(place).map_or("", String::as_str)
    }

    /// The sums over all journeys.
    pub fn totals(&self) -> Outcomes {
        self.totals
    }

    /// Conversions that no touch came before: no channel can be given credit for them, and they are
    /// not in [`Self::totals`].
    pub fn untouched(&self) -> Outcomes {
        self.untouched
    }

    /// The journeys in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = Journey<'_>> {
        let starts = std::iter::once((0, 0))
            .chain(self.rows.iter().map(|row| (row.steps_end, row.times_end)));
        self.rows.iter().zip(starts).map(|(row, (steps, times))| Journey {
            steps: self.steps.get(steps..row.steps_end).unwrap_or_default(),
            times_ms: (times < row.times_end)
                .then(|| self.times_ms.get(times..row.times_end).unwrap_or_default()),
            outcomes: row.outcomes,
        })
    }

    /// What came of each set of channels, whatever their order and however often each came up. The
    /// sets hold places, rising; sets that nobody came by are left out.
    pub(crate) fn sets(&self) -> BTreeMap<Vec<usize>, Outcomes> {
        let mut sets: HashMap<Vec<usize>, Outcomes> = HashMap::new();
        let mut set = Vec::new();
        for journey in self.iter().filter(|journey| journey.outcomes.journeys() > 0.0) {
            distinct(journey.steps, &mut set);
            match sets.get_mut(set.as_slice()) {
                Some(outcomes) => outcomes.add(journey.outcomes),
                None => drop(sets.insert(set.clone(), journey.outcomes)),
            }
        }
        // In order, so that sums over the sets come out the same to the last bit every time.
        sets.into_iter().collect()
    }
}

/// The distinct places of `steps`, rising, into `into`.
pub(crate) fn distinct(steps: &[usize], into: &mut Vec<usize>) {
    into.clear();
    into.extend_from_slice(steps);
    into.sort_unstable();
    into.dedup();
}

fn check(outcomes: Outcomes) -> Result<(), Unusable> {
    let Outcomes { conversions, value, nulls } = outcomes;
    for (what, figure) in [("conversions", conversions), ("value", value), ("nulls", nulls)] {
        if !figure.is_finite() || figure < 0.0 {
            return Err(Unusable::NotCounted(what));
        }
    }
    if value > 0.0 && conversions <= 0.0 { Err(Unusable::ValueAlone) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(conversions: f64, value: f64, nulls: f64) -> Outcomes {
        Outcomes { conversions, value, nulls }
    }

    fn touch<'a>(contact: &'a str, at_ms: i64, channel: &'a str, value: f64) -> Touch<'a> {
        let channel = (!channel.is_empty()).then_some(channel);
        let conversions = if value > 0.0 { 1.0 } else { 0.0 };
        Touch { contact, at_ms, channel, conversions, value }
    }

    fn written(journeys: &Journeys) -> Vec<(String, f64, f64)> {
        journeys
            .iter()
            .map(|journey| {
                let names: Vec<&str> = journey.steps.iter().map(|at| journeys.name(*at)).collect();
                (names.join(" > "), journey.outcomes.conversions, journey.outcomes.nulls)
            })
            .collect()
    }

    #[test]
    fn touches_split_at_each_conversion_and_the_tail_is_a_null_journey() {
        let mut journeys = Journeys::default();
        let touches = [
            touch("b", 5, "mail", 0.0),
            touch("a", 30, "direct", 0.0), // after the second order: nothing came of it
            touch("a", 10, "search", 0.0),
            touch("a", 20, "mail", 9.0),
            touch("a", 25, "", 4.0), // an order with no touch since the last one
            touch("b", 1, "social", 0.0),
        ];
        journeys.add_touches(&touches).unwrap();
        let wanted = [
            ("search > mail".to_owned(), 1.0, 0.0),
            ("direct".to_owned(), 0.0, 1.0),
            ("social > mail".to_owned(), 0.0, 1.0),
        ];
        assert_eq!(written(&journeys), wanted);
        assert_eq!(journeys.totals(), outcomes(1.0, 9.0, 2.0));
        assert_eq!(journeys.untouched(), outcomes(1.0, 4.0, 0.0));
        let first = journeys.iter().next().unwrap();
        assert_eq!(first.times_ms, Some(&[10, 20][..]));
    }

    #[test]
    fn touches_of_one_instant_stay_in_the_order_given() {
        let mut journeys = Journeys::default();
        let touches = [touch("a", 7, "x", 0.0), touch("a", 7, "y", 0.0), touch("a", 7, "z", 1.0)];
        journeys.add_touches(&touches).unwrap();
        assert_eq!(written(&journeys), [("x > y > z".to_owned(), 1.0, 0.0)]);
    }

    #[test]
    fn a_written_path_is_cut_at_its_separator() {
        let mut journeys = Journeys::default();
        journeys.add_written(" paid search>mail >> direct ", ">", outcomes(1.0, 0.0, 0.0)).unwrap();
        assert_eq!(journeys.channels(), ["paid search", "mail", "direct"]);
        assert_eq!(journeys.iter().next().unwrap().times_ms, None);
    }

    #[test]
    fn what_is_no_journey_is_refused_in_words() {
        let mut journeys = Journeys::default();
        for (path, figures, wanted) in [
            ("", outcomes(1.0, 0.0, 0.0), Unusable::NoChannel),
            (" > ", outcomes(1.0, 0.0, 0.0), Unusable::NoChannel),
            ("a", outcomes(-1.0, 0.0, 0.0), Unusable::NotCounted("conversions")),
            ("a", outcomes(1.0, f64::NAN, 0.0), Unusable::NotCounted("value")),
            ("a", outcomes(1.0, 0.0, f64::INFINITY), Unusable::NotCounted("nulls")),
            ("a", outcomes(0.0, 5.0, 1.0), Unusable::ValueAlone),
        ] {
            let got = journeys.add_written(path, ">", figures);
            assert_eq!(got, Err(wanted), "{path:?}");
            assert!(!wanted.to_string().is_empty());
        }
        let bad = [touch("a", 1, "x", 0.0), touch("a", 2, "y", f64::INFINITY)];
        assert!(journeys.add_touches(&bad).is_err());
        assert_eq!((journeys.iter().count(), journeys.totals()), (0, Outcomes::default()));
        assert!(journeys.channels().is_empty());
    }

    #[test]
    fn sets_forget_order_and_repeats() {
        let mut journeys = Journeys::default();
        for (path, conversions) in [("a > b > a", 1.0), ("b > a", 2.0), ("b", 4.0), ("c", 0.0)] {
            journeys.add_written(path, ">", outcomes(conversions, 0.0, 0.0)).unwrap();
        }
        let sets: Vec<(Vec<usize>, f64)> =
            journeys.sets().into_iter().map(|(set, sum)| (set, sum.conversions)).collect();
        assert_eq!(sets, [(vec![0, 1], 3.0), (vec![1], 4.0)]);
    }
}
