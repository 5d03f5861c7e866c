//! Page views: kept in memory as they come, written together by a sweep into the database of
//! views, so that no view ever delays an opt-in. A crash forgets at most the views of a second or
//! two; they are figures, not promises.
//!
//! A visitor is told from another for one day of one site, by a hash of what the browser says with
//! a salt of that day. The salt is deleted after [`SALT_KEPT_HOURS`]: from then on nobody, who runs
//! the shop included, can tell whose hash it was, or which hashes of two days are one person's.

mod days;
mod visits;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use jiff::civil::Date;
use model::SiteId;
use model::spans::{day_number, month_of};
use model::views::{Origin, View};
use sha2::Sha256;
use store::Tx;
use store::views::{Day, ViewRow};

pub use self::days::{VIEWS_KEPT_DAYS, compare, rebuild};
pub(crate) use self::days::{recount_yesterday, tend, yesterday};
pub use self::visits::{By, OwnAct, acted, sweep};
pub(crate) use self::visits::{forget, forget_left};
use crate::engine::Engine;
use crate::fault::Result;
use crate::steps::Answers;

/// After these hours a day's salt is deleted.
pub const SALT_KEPT_HOURS: i64 = 48;
/// Views that wait before the sweep is woken for them.
const FLUSH_AT: usize = 20_000;
/// Views that wait at most, while the database is away; what comes beyond is not counted.
const WAITING_MAX: usize = 200_000;
/// Visitors told apart in a day; beyond it views are still counted.
const VISITORS_MAX: usize = 500_000;
/// Pages of a site that views are told apart by. A flood of made-up addresses ends here.
const PAGES_MAX: i64 = 10_000;
/// Origins of a site, likewise.
const ORIGINS_MAX: i64 = 50_000;
/// A day's new pages, and new origins, take at most this part of the room that is left: whoever
/// makes up addresses takes none from what comes tomorrow.
const DAY_TAKES: i64 = 10;
/// What a page beyond that is called.
const OTHER_PAGES: &str = "…";

/// What is waiting to be written, and what the writer knows.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    waiting: Mutex<Vec<(SiteId, View)>>,
    acts: Mutex<Vec<(SiteId, OwnAct)>>,
    /// What was asked of all of it lately.
    pub(crate) answers: Answers,
    /// Held for as long as a flush takes: there is one at a time.
    writer: tokio::sync::Mutex<Known>,
}

/// What the writer need not ask the database for again.
#[derive(Debug, Default)]
struct Known {
    words: HashMap<SiteId, Words>,
    days: HashMap<(SiteId, Date), Today>,
}

/// The numbers of a site's pages and origins.
#[derive(Debug, Default)]
struct Words {
    /// The newest day they were asked for.
    day: Option<Date>,
    /// Up to which number new pages, and new origins, are given one of their own on this day.
    upto: (i64, i64),
    pages: HashMap<String, i64>,
    origins: HashMap<Origin, i64>,
}

/// A day of a site: how its visitors are hashed, and who was seen.
#[derive(Debug)]
struct Today {
    hash: Hmac<Sha256>,
    seen: HashSet<i64>,
}

/// One view. Keeps it in memory and returns at once.
pub fn count(engine: &Engine, site: SiteId, view: View) {
    let mut waiting = engine.tally().waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if waiting.len() < WAITING_MAX {
        waiting.push((site, view));
    }
    if waiting.len() == FLUSH_AT {
        engine.wake();
    }
}

/// Writes what is waiting; how many views.
///
/// # Errors
/// The database fails; the views go on waiting.
pub async fn flush(engine: &Engine) -> Result<usize> {
    let mut writer = engine.tally().writer.lock().await;
    let views = flush_views(engine, &mut writer).await?;
    visits::flush(engine, &mut writer).await?;
    Ok(views)
}

async fn flush_views(engine: &Engine, writer: &mut Known) -> Result<usize> {
    let waiting = {
        let mut waiting = engine.tally().waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    };
    if waiting.is_empty() {
        return Ok(0);
    }
    let views = Arc::new(waiting);
    // If the story breaks off, what it knew goes with it, and is read again.
    let known = std::mem::take(writer);
    let (of, inside) = (engine.clone(), Arc::clone(&views));
    let outcome = engine
        .write_views(move |tx| {
            Box::pin(async move {
                let mut batch = Batch { engine: &of, known, rows: Vec::new(), sums: Sums::new() };
                batch.write(tx, inside).await?;
                Ok(batch.known)
            })
        })
        .await;
    match outcome {
        Ok(known) => {
            *writer = known;
            Ok(views.len())
        }
        Err(fault) => {
            let mut waiting = engine.tally().waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.extend(Arc::unwrap_or_clone(views));
            waiting.truncate(WAITING_MAX);
            Err(fault)
        }
    }
}

/// What a transaction adds, by site and day, and by page and origin.
type Sums = BTreeMap<(SiteId, Date), DaySums>;

#[derive(Debug)]
struct DaySums {
    number: i64,
    day: Day,
    by: HashMap<(i64, i64), (i64, i64)>,
}

/// One transaction of views.
struct Batch<'a> {
    engine: &'a Engine,
    known: Known,
    rows: Vec<ViewRow>,
    sums: Sums,
}

impl Batch<'_> {
    async fn write(&mut self, tx: &mut Tx<'_>, views: Arc<Vec<(SiteId, View)>>) -> Result<()> {
        let count = i64::try_from(views.len()).unwrap_or(i64::MAX);
        let mut id = store::views::take_ids(tx, count).await?;
        self.rows.reserve(views.len());
        for at in 0..views.len() {
            let Some((site, view)) = views.get(at) else { break };
            self.add(tx, *site, id, view).await?;
            id += 1;
        }
        store::views::append(tx, &self.rows).await?;
        for ((site, day), sums) in &self.sums {
            store::views::add_day(tx, *site, &sums.day).await?;
            let month = month_of(*day);
            for ((page, origin), (views, visitors)) in &sums.by {
                let row = [*page, *origin, *views, *visitors];
                store::views::add(tx, *site, ("day", &sums.day.day), row).await?;
                store::views::add(tx, *site, ("month", &month), row).await?;
            }
        }
        Ok(())
    }

    async fn add(&mut self, tx: &mut Tx<'_>, site: SiteId, id: i64, view: &View) -> Result<()> {
        let words = self.known.words.entry(site).or_default();
        words.begin(tx, site, view.day).await?;
        let page = words.page(tx, site, &view.page).await?;
        let origin = words.origin(tx, site, &view.origin).await?;
        let (visitor, is_new) = match &view.visitor {
            None => (0, false),
            Some(visitor) => {
                let today = self.known.today(self.engine, tx, site, view.day).await?;
                let hash = today.hash(visitor);
                let is_told = today.seen.len() < VISITORS_MAX;
                (hash, is_told && today.seen.insert(hash))
            }
        };
        let sums = self.sums.entry((site, view.day)).or_insert_with(|| DaySums {
            number: day_number(view.day),
            day: Day { day: view.day.to_string(), first_id: id, ..Day::default() },
            by: HashMap::new(),
        });
        self.rows.push([id, site.0, sums.number, view.at.0, visitor, page, origin]);
        sums.day.last_id = id;
        sums.day.views += 1;
        sums.day.visitors += i64::from(is_new);
        let by = sums.by.entry((page, origin)).or_default();
        by.0 += 1;
        by.1 += i64::from(is_new);
        Ok(())
    }
}

impl Words {
    /// With a new day comes new room, and what found none yesterday is looked for again.
    async fn begin(&mut self, tx: &mut Tx<'_>, site: SiteId, day: Date) -> Result<()> {
        if self.day >= Some(day) {
            return Ok(());
        }
        let (pages, origins) = store::views::last_words(tx, site).await?;
        let upto = |last: i64, most: i64| last + ((most - last) / DAY_TAKES).max(0);
        let upto = (upto(pages, PAGES_MAX), upto(origins, ORIGINS_MAX));
        *self = Self { day: Some(day), upto, ..Self::default() };
        Ok(())
    }

    async fn page(&mut self, tx: &mut Tx<'_>, site: SiteId, path: &str) -> Result<i64> {
        if let Some(id) = self.pages.get(path) {
            return Ok(*id);
        }
        let id = match store::views::page_id(tx, site, path, self.upto.0).await? {
            Some(id) => id,
            None => store::views::page_id(tx, site, OTHER_PAGES, i64::MAX).await?.unwrap_or(0),
        };
        make_room(&mut self.pages, PAGES_MAX);
        self.pages.insert(path.to_owned(), id);
        Ok(id)
    }

    async fn origin(&mut self, tx: &mut Tx<'_>, site: SiteId, origin: &Origin) -> Result<i64> {
        if let Some(id) = self.origins.get(origin) {
            return Ok(*id);
        }
        let id = match store::views::origin_id(tx, site, origin, self.upto.1).await? {
            Some(id) => id,
            None => {
                let none = Origin::default();
                store::views::origin_id(tx, site, &none, i64::MAX).await?.unwrap_or(0)
            }
        };
        make_room(&mut self.origins, ORIGINS_MAX);
        self.origins.insert(origin.clone(), id);
        Ok(id)
    }
}

/// Empties what would outgrow the words there can be: made-up ones, each on its own.
fn make_room<K>(words: &mut HashMap<K, i64>, most: i64) {
    if words.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
        words.clear();
    }
}

impl Known {
    /// The day at hand; its salt and who was seen on it are read the first time.
    async fn today(
        &mut self,
        engine: &Engine,
        tx: &mut Tx<'_>,
        site: SiteId,
        day: Date,
    ) -> Result<&mut Today> {
        match self.days.entry((site, day)) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let day = day.to_string();
                let fresh = HEXLOWER.encode(&engine.rng().bytes::<32>());
                let salt = store::views::salt(tx, site, &day, &fresh, engine.now()).await?;
                let mut seen = HashSet::new();
                for written in store::views::days(tx, site, &day, &day).await? {
                    let see = |[_, visitor, _, _]: [i64; 4]| {
                        seen.extend((visitor != 0).then_some(visitor))
                    };
                    store::views::each(tx, site, &written, see).await?;
                }
                Ok(entry.insert(Today { hash: keyed(&salt)?, seen }))
            }
        }
    }
}

fn keyed(salt: &str) -> Result<Hmac<Sha256>> {
    Hmac::new_from_slice(salt.as_bytes())
        .map_err(|_| crate::fault::EngineError::Fault("a day's salt is no key".to_owned()))
}

impl Today {
    /// A number that stands for a visitor on this day; never 0.
    fn hash(&self, visitor: &str) -> i64 {
        let mut mac = self.hash.clone();
        mac.update(visitor.as_bytes());
        let mut first = [0; 8];
        first.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        (i64::from_be_bytes(first) & i64::MAX).max(1)
    }
}
