//! Ordered steps: how many went from a view to an order, in one pass over what happened.
//!
//! Views come from their own database and belong to a contact where the visitor's own act joined
//! them (see [`crate::views`]); other visitors are followed for the one day they can be told apart.
//! What contacts did comes from the main database. Both are merged in the order of time and given
//! to [`numbers::steps::Pass`], a month after the other, so that memory does not grow with history.

mod answers;
mod kinds;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use model::ids::{ContactId, SegmentId};
use model::sites::Site;
use model::spans::Span;
use model::times::DAY_MS;
use model::{SiteId, UtcMs};
use numbers::steps::{Outcome, Pass};
use store::Session;
use store::acts::Act;
use store::views::Day;

pub(crate) use self::answers::Answers;
pub use self::answers::{ask, ask_within};
pub use self::kinds::Step;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::rollups::zone_of;

/// As many steps as a question may have.
pub const STEPS_MAX: usize = 5;
/// Contacts listed of those who stopped at a step, the newest.
pub const STOPPED_MAX: usize = 10_000;
/// Days whose acts are in memory at once.
const CHUNK_DAYS: i64 = 31;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The steps in their order, [`STEPS_MAX`] at most.
    pub steps: Vec<Step>,
    /// Days within which the last comes after the first.
    pub window_days: i64,
    /// All of it on these days.
    pub span: Span,
    /// By the contacts of this segment alone, and when those were counted: a newer count makes it
    /// another question. Who never said who they are is of no segment. None: by anyone.
    pub segment: Option<(SegmentId, Option<UtcMs>)>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// How many reached each step, and how long it took them.
    pub outcome: Outcome,
    /// By step: the contacts who came so far and no further, the newest first.
    pub stopped: Vec<Vec<ContactId>>,
    /// By step: how many of those who reached it are contacts.
    pub contacts: Vec<u64>,
    /// Views by those who are followed that are one of the steps.
    pub views: u64,
    /// Acts of theirs likewise.
    pub acts: u64,
    /// When it was counted.
    pub at: UtcMs,
}

async fn count(engine: &Engine, site: &Site, of: &Question, now: UtcMs) -> Result<Answered> {
    let (id, zone) = (site.id, zone_of(site));
    let steps: Arc<[Step]> = of.steps.iter().take(STEPS_MAX).cloned().collect();
    let only = match of.segment {
        Some((segment, _)) => Some(members(engine, id, segment).await?),
        None => None,
    };
    let only = Arc::new(Only(only));
    let window_ms = of.window_days.saturating_mul(DAY_MS);
    let mut walk = Walk::new(steps.len(), window_ms, Arc::clone(&only));
    for chunk in of.span.parts(CHUNK_DAYS) {
        let (bounds, wanted) = (chunk.bounds(&zone), Arc::clone(&steps));
        let only = Arc::clone(&only);
        let acts = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { acts(session, id, (&wanted, &only), bounds).await })
            })
            .await?;
        let wanted = Arc::clone(&steps);
        walk = engine
            .views_reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let fits = Fits::read(session, id, &wanted).await?;
                    walk.chunk(session, id, chunk, &fits, acts).await?;
                    Ok(walk)
                })
            })
            .await?;
    }
    Ok(walk.finish(now))
}

/// The contacts of a segment, by id; none: anyone.
#[derive(Debug)]
struct Only(Option<Vec<ContactId>>);

impl Only {
    fn holds(&self, contact: ContactId) -> bool {
        self.0.as_ref().is_none_or(|members| members.binary_search(&contact).is_ok())
    }
}

async fn members(engine: &Engine, site: SiteId, segment: SegmentId) -> Result<Vec<ContactId>> {
    let all = (ContactId(0), ContactId(i64::MAX));
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::segments::members(session, site, segment, all).await?) },
            )
        })
        .await
}

/// Something a contact did: when, who, and which steps it fits.
type Done = (i64, i64, u16);

/// What contacts did in `bounds` that fits a step, in the order of time.
async fn acts(
    session: &mut Session<'_>,
    site: SiteId,
    (steps, only): (&[Step], &Only),
    bounds: (UtcMs, UtcMs),
) -> Result<Vec<Done>> {
    // In the order in which they follow one another where they share an instant.
    let all = [
        Act::Form,
        Act::Confirmed,
        Act::Clicked,
        Act::Checkout,
        Act::Paid,
        Act::Bought,
        Act::Shown,
        Act::Taken,
    ];
    let (mut done, mut orders, mut offered) = (Vec::new(), Vec::new(), Vec::new());
    for act in all {
        // Whether any subject could fit at all.
        if !steps.iter().any(|step| act_of(step) == Some(act)) {
            continue;
        }
        let to = match act {
            Act::Paid | Act::Bought => &mut orders,
            Act::Shown | Act::Taken => &mut offered,
            _ => &mut done,
        };
        let take = |one: store::acts::Done| {
            let fits = bits(steps, |step| act_fits(step, act, one.subject));
            if fits != 0 && only.holds(one.contact) {
                to.push(((one.at, one.contact, one.order), fits));
            }
        };
        store::acts::each(session, site, act, bounds, take).await?;
    }
    // An order and the products of it are one act; two orders of one instant are two.
    orders.sort_unstable();
    orders.dedup_by(|next, first| {
        let same = next.0 == first.0;
        if same {
            first.1 |= next.1;
        }
        same
    });
    done.append(&mut orders);
    done.append(&mut offered);
    done.sort_by_key(|((at, ..), _)| *at);
    Ok(done.into_iter().map(|((at, contact, _), fits)| (at.0, contact.0, fits)).collect())
}

fn act_of(step: &Step) -> Option<Act> {
    match step {
        Step::View | Step::Page(_) | Step::Source(_) => None,
        Step::Form(_) => Some(Act::Form),
        Step::Confirmed => Some(Act::Confirmed),
        Step::Clicked => Some(Act::Clicked),
        Step::Checkout => Some(Act::Checkout),
        Step::Paid(None) | Step::Second => Some(Act::Paid),
        Step::Paid(Some(_)) => Some(Act::Bought),
        Step::Shown(_) => Some(Act::Shown),
        Step::Taken(_) => Some(Act::Taken),
    }
}

fn act_fits(step: &Step, act: Act, subject: i64) -> bool {
    act_of(step) == Some(act)
        && match step {
            Step::Form(Some(form)) => form.0 == subject,
            Step::Paid(Some(product)) => product.0 == subject,
            Step::Shown(Some(offer)) | Step::Taken(Some(offer)) => offer.0 == subject,
            Step::Second => subject == 2,
            _ => true,
        }
}

fn bits(steps: &[Step], fits: impl Fn(&Step) -> bool) -> u16 {
    steps.iter().enumerate().fold(0, |bits, (at, step)| bits | u16::from(fits(step)) << at)
}

/// Which steps a view fits, by the numbers of its page and origin.
#[derive(Debug, Default)]
struct Fits {
    any: u16,
    pages: Vec<u16>,
    origins: Vec<u16>,
}

impl Fits {
    async fn read(session: &mut Session<'_>, site: SiteId, steps: &[Step]) -> Result<Self> {
        let any = bits(steps, |step| *step == Step::View);
        let mut fits = Self { any, ..Self::default() };
        let has = |wanted: fn(&Step) -> bool| steps.iter().any(wanted);
        if has(|step| matches!(step, Step::Page(_))) {
            for (id, path) in store::views::pages(session, site).await? {
                let of = bits(steps, |step| matches!(step, Step::Page(page) if *page == path));
                put(&mut fits.pages, id, of);
            }
        }
        if has(|step| matches!(step, Step::Source(_))) {
            for (id, origin) in store::views::origins(session, site).await? {
                let of = bits(
                    steps,
                    |step| matches!(step, Step::Source(source) if *source == origin.source),
                );
                put(&mut fits.origins, id, of);
            }
        }
        Ok(fits)
    }

    fn of(&self, page: i64, origin: i64) -> u16 {
        self.any | get(&self.pages, page) | get(&self.origins, origin)
    }

    fn none(&self) -> bool {
        self.any == 0 && !self.pages.iter().chain(&self.origins).any(|bits| *bits != 0)
    }
}

fn put(bits: &mut Vec<u16>, id: i64, of: u16) {
    let Ok(at) = usize::try_from(id) else { return };
    if of != 0 {
        bits.resize(bits.len().max(at + 1), 0);
    }
    if let Some(slot) = bits.get_mut(at) {
        *slot = of;
    }
}

fn get(bits: &[u16], id: i64) -> u16 {
    usize::try_from(id).ok().and_then(|at| bits.get(at)).copied().unwrap_or(0)
}

/// Visitors are hashes already, and contacts' ids come from our own clock: no need to hash again.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_i64(&mut self, n: i64) {
        // The table takes the upper bits for its tags and the lower for its places. Ids differ in
        // the middle and above, and a product's lower bits know nothing of what is above them.
        let product = n.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }
}

type Numbered = HashMap<i64, usize, BuildHasherDefault<Same>>;

/// A pass under way.
struct Walk {
    contacts: Pass,
    numbers: Numbered,
    ids: Vec<ContactId>,
    strangers: Pass,
    of_day: Numbered,
    only: Arc<Only>,
    views: u64,
    acts: u64,
}

impl Walk {
    fn new(steps: usize, window_ms: i64, only: Arc<Only>) -> Self {
        Self {
            contacts: Pass::new(steps, window_ms),
            numbers: Numbered::default(),
            ids: Vec::new(),
            strangers: Pass::new(steps, window_ms),
            of_day: Numbered::default(),
            only,
            views: 0,
            acts: 0,
        }
    }

    async fn chunk(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        span: Span,
        fits: &Fits,
        acts: Vec<Done>,
    ) -> Result<()> {
        let mut acts = acts.into_iter().peekable();
        let days = if fits.none() {
            Vec::new()
        } else {
            let (from, to) = (span.from.to_string(), span.to.to_string());
            store::views::days(session, site, &from, &to).await?
        };
        for day in days.iter().filter(|day| day.last_id > 0) {
            let joined = joined(session, site, day, &self.only).await?;
            let with_strangers = self.only.0.is_none();
            if joined.is_empty() && !with_strangers {
                continue;
            }
            for (at, visitor, fits) in self.views_of(session, site, day, fits).await? {
                while let Some((at, contact, fits)) = acts.next_if(|act| act.0 <= at) {
                    self.see(at, contact, fits);
                }
                match joined.get(&visitor) {
                    Some(contact) => self.see_as(*contact, at, fits),
                    None if !with_strangers => continue,
                    None => {
                        let next = self.of_day.len();
                        let number = *self.of_day.entry(visitor).or_insert(next);
                        self.strangers.see(number, at, fits);
                    }
                }
                self.views += 1;
            }
            // Tomorrow nobody can tell who of them is who.
            self.of_day.clear();
            self.strangers.reuse_from(0);
        }
        for (at, contact, fits) in acts {
            self.see(at, contact, fits);
        }
        Ok(())
    }

    /// The views of a day that fit a step, by time. Several nodes write theirs in turns: then the
    /// order is nearly that of time.
    async fn views_of(
        &mut self,
        session: &mut Session<'_>,
        site: SiteId,
        day: &Day,
        fits: &Fits,
    ) -> Result<Vec<Done>> {
        let mut views: Vec<Done> = Vec::new();
        let take = |[at, visitor, page, origin]: [i64; 4]| {
            let fits = fits.of(page, origin);
            if fits != 0 && visitor != 0 {
                views.push((at, visitor, fits));
            }
        };
        store::views::each(session, site, day, take).await?;
        if !views.is_sorted_by_key(|view| view.0) {
            views.sort_by_key(|view| view.0);
        }
        Ok(views)
    }

    fn see(&mut self, at: i64, contact: i64, fits: u16) {
        self.acts += 1;
        self.see_as(ContactId(contact), at, fits);
    }

    fn see_as(&mut self, contact: ContactId, at: i64, fits: u16) {
        let next = self.ids.len();
        let number = *self.numbers.entry(contact.0).or_insert(next);
        if number == next {
            self.ids.push(contact);
        }
        self.contacts.see(number, at, fits);
    }

    fn finish(mut self, at: UtcMs) -> Answered {
        let steps = self.contacts.steps();
        let mut stopped = vec![Vec::new(); steps];
        for (number, contact) in self.ids.iter().enumerate() {
            let furthest = usize::from(self.contacts.furthest(number));
            if let Some(list) = furthest.checked_sub(1).and_then(|at| stopped.get_mut(at)) {
                list.push(*contact);
            }
        }
        for list in &mut stopped {
            list.sort_unstable_by(|a, b| b.cmp(a));
            list.truncate(STOPPED_MAX);
            list.shrink_to_fit();
        }
        let contacts = self.contacts.reached().to_vec();
        self.contacts.add(self.strangers);
        let outcome = self.contacts.finish();
        Answered { outcome, stopped, contacts, views: self.views, acts: self.acts, at }
    }
}

/// The contacts that visitors of a day turned out to be, as far as they are asked for. Whom two contacts share is nobody's.
async fn joined(
    session: &mut Session<'_>,
    site: SiteId,
    day: &Day,
    only: &Only,
) -> Result<HashMap<i64, ContactId, BuildHasherDefault<Same>>> {
    let mut joined: HashMap<i64, Option<ContactId>, BuildHasherDefault<Same>> = HashMap::default();
    let take = |visitor: i64, contact: ContactId| {
        joined.entry(visitor).and_modify(|one| *one = None).or_insert(Some(contact));
    };
    store::visits::each_of_day(session, site, &day.day, take).await?;
    let own = joined.into_iter().filter_map(|(visitor, contact)| Some((visitor, contact?)));
    Ok(own.filter(|(_, contact)| only.holds(*contact)).collect())
}

#[cfg(test)]
mod tests {
    use model::ids::{FormId, ProductId};

    use super::*;

    #[test]
    fn ids_of_one_millisecond_each_have_places_of_their_own() {
        let place = |n: i64| {
            let mut hasher = Same::default();
            hasher.write_i64(model::ids::first_id_at(UtcMs(1_780_000_000_000 + n * 60_000)));
            hasher.finish() % (1 << 16)
        };
        let places: std::collections::BTreeSet<u64> = (0..1 << 16).map(place).collect();
        // Thrown at random, 1 − 1/e of them would be hit.
        assert!(places.len() > 35_000, "{}", places.len());
    }

    #[test]
    fn a_step_is_read_as_it_is_written() {
        let steps = [
            Step::View,
            Step::Page("/p/a:b".to_owned()),
            Step::Source("paper".to_owned()),
            Step::Form(None),
            Step::Form(Some(FormId(7))),
            Step::Confirmed,
            Step::Clicked,
            Step::Checkout,
            Step::Paid(None),
            Step::Paid(Some(ProductId(9))),
            Step::Second,
        ];
        for step in steps {
            assert_eq!(step.to_string().parse::<Step>().unwrap(), step);
        }
        for bad in ["", "views", "form:", "paid:x y", "x:y"] {
            assert!(bad.parse::<Step>().is_err(), "{bad}");
        }
    }
}
