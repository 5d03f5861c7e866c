//! The engine: a cheap handle over everything a story needs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::audits::Actor;
use model::ids::IdMaker;
use model::sites::Site;
use model::tokens::KeyRing;
use model::{SiteId, UtcMs};
use serde::Serialize;
use store::{Db, Reader, Story, Tx};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;

use crate::cards::Cards;
use crate::ceiling::Ceilings;
use crate::clock::Clock;
use crate::crash_points::CrashPoints;
use crate::deliver;
use crate::fault::{EngineError, Result};
use crate::forms::LiveForm;
use crate::jumps::Jumps;
use crate::kept::Kept;
use crate::left_out::Aside;
use crate::master_keys;
use crate::passwords::HASHES_AT_ONCE;
use crate::purges::LastPurge;
use crate::rng::Rng;
use crate::rollups::Looked;
use crate::sweeps::Resting;
use crate::throttle::{Rate, Throttle};
use crate::transport::Sending;
use crate::views::Tally;

/// What an engine is made of.
#[derive(Debug)]
pub struct Parts {
    /// The main database.
    pub db: Db,
    /// The database of page views.
    pub views: Db,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where chance comes from.
    pub rng: Rng,
    /// The key every other key is derived from.
    pub master_key: [u8; 32],
    /// Keys that were it before: what they signed and sealed still opens.
    pub previous_keys: Vec<[u8; 32]>,
    /// The folder that holds `files/`.
    pub data_dir: PathBuf,
    /// The stable name of this node.
    pub node_name: String,
    /// How mail leaves, as far as the configuration says.
    pub sending: Sending,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
    keys: KeyRing,
    kept_forms: Kept<(SiteId, String), Arc<LiveForm>>,
    kept_sites: Kept<String, Arc<Site>>,
    ceilings: Ceilings,
    last_purge: LastPurge,
    looked: Looked,
    resting: Resting,
    ids: Mutex<IdMaker>,
    node: i64,
    epoch: i64,
    wake: Notify,
    revision: AtomicI64,
    tally: Tally,
    /// Clicks on their way to the disk: their visitors were sent on.
    clicks: TaskTracker,
    aside: Aside,
    hashing: Semaphore,
    reading: Arc<Semaphore>,
    throttle: Throttle,
    cards: Cards,
    rate: Rate,
    crash_points: CrashPoints,
    delivery: deliver::Shared,
    jumps: Jumps,
    sending: RwLock<Arc<Sending>>,
}

/// Closed from the start: who waits for it waits for what runs, and more may still begin.
fn tracker() -> TaskTracker {
    let tracker = TaskTracker::new();
    tracker.close();
    tracker
}

/// The engine, and for whom it acts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Inner>, Actor);

impl Engine {
    /// Joins the database as a node. A master key that is new to the database takes over.
    ///
    /// # Errors
    /// The database fails, or was used with a key that is not here.
    pub async fn start(parts: Parts) -> Result<Self> {
        let now = parts.clock.now();
        let name = parts.node_name.clone();
        let (node, epoch, ids) = parts
            .db
            .write::<_, EngineError, _>(move |tx| {
                Box::pin(async move {
                    let version = env!("CARGO_PKG_VERSION");
                    let (node, epoch) = store::nodes::join(tx, &name, version, now).await?;
                    let mut ids = IdMaker::new(node, epoch, store::nodes::last_id(tx).await?);
                    store::nodes::begin_ids(tx, node, ids.next(now)).await?;
                    Ok((node, epoch, ids))
                })
            })
            .await?;
        let ids = Mutex::new(ids);
        let jumps = Jumps::new(&parts.clock);
        let sending = RwLock::new(Arc::new(parts.sending.clone()));
        let keys = master_keys::ring(&parts).await?;
        let inner = Inner {
            parts,
            keys,
            kept_forms: Kept::default(),
            kept_sites: Kept::default(),
            ceilings: Ceilings::default(),
            last_purge: LastPurge::default(),
            looked: Looked::default(),
            resting: Resting::default(),
            ids,
            node,
            epoch,
            wake: Notify::new(),
            revision: AtomicI64::new(0),
            tally: Tally::default(),
            clicks: tracker(),
            aside: Aside::default(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            reading: Arc::new(Semaphore::new(1)),
            throttle: Throttle::default(),
            cards: Cards::default(),
            rate: Rate::default(),
            crash_points: CrashPoints::default(),
            delivery: deliver::Shared::default(),
            jumps,
            sending,
        };
        Ok(Self(Arc::new(inner), Actor::System))
    }

    /// The same engine, acting for `actor`: what its stories do is theirs in the audit log.
    #[must_use]
    pub fn by(&self, actor: Actor) -> Self {
        Self(self.0.clone(), actor)
    }

    /// For whom it acts.
    pub fn actor(&self) -> Actor {
        self.1
    }

    /// The time now.
    pub fn now(&self) -> UtcMs {
        self.0.parts.clock.now()
    }

    /// Whether the machine's clock was set a moment ago: then nothing is done because of the time.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.jumps.is_quiet(&self.0.parts.clock)
    }

    /// The instant that leases of this process go by, where the database has no clock of its own.
    pub(crate) fn lease_now(&self) -> UtcMs {
        self.0.jumps.lease_now(&self.0.parts.clock)
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    /// Where chance comes from.
    pub fn rng(&self) -> &Rng {
        &self.0.parts.rng
    }

    /// The next id; wrap it: `ContactId(engine.next_id())`.
    pub fn next_id(&self) -> i64 {
        let now = self.now();
        self.0.ids.lock().unwrap_or_else(PoisonError::into_inner).next(now)
    }

    /// A handle that can only read.
    pub fn reader(&self) -> Reader {
        self.0.parts.db.reader()
    }

    /// A handle that can only read the page views.
    pub fn views_reader(&self) -> Reader {
        self.0.parts.views.reader()
    }

    /// Runs a story in one transaction of the main database.
    pub(crate) async fn write<T, F>(&self, story: F) -> Result<T>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, EngineError> + Send + 'static,
        T: Send + 'static,
    {
        self.count_write()?;
        self.0.parts.db.write(story).await
    }

    /// Runs a story that changes content (sites, forms, pages, offers, templates …): what is kept
    /// of content in memory is dropped here at once, in other processes within a second.
    pub(crate) async fn write_content<T, F>(&self, story: F) -> Result<T>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, EngineError> + Send + 'static,
        T: Send + 'static,
    {
        let stamp = self.next_id();
        let outcome = self
            .write(move |tx| {
                Box::pin(async move {
                    let outcome = story(tx).await?;
                    store::meta::set_revision(tx, stamp).await?;
                    Ok(outcome)
                })
            })
            .await;
        // Only now: a page read before the commit must not be kept under the new stamp.
        self.0.revision.store(stamp, Ordering::SeqCst);
        outcome
    }

    /// A stamp that moves whenever content changes: what is kept in memory is kept under it.
    pub fn revision(&self) -> i64 {
        self.0.revision.load(Ordering::SeqCst)
    }

    /// Looks whether another process changed content.
    pub(crate) async fn read_revision(&self) -> Result<()> {
        let stamp = self
            .reader()
            .read::<_, EngineError, _>(|session| {
                Box::pin(async move { Ok(store::meta::revision(session).await?) })
            })
            .await?;
        self.saw_revision(stamp);
        Ok(())
    }

    /// Notes the stamp of the last change of content, by whatever process.
    pub(crate) fn saw_revision(&self, stamp: i64) {
        self.0.revision.fetch_max(stamp, Ordering::SeqCst);
    }

    /// Runs a story in one transaction of the view database.
    pub(crate) async fn write_views<T, F>(&self, story: F) -> Result<T>
    where
        F: for<'a, 'c> FnOnce(&'a mut Tx<'c>) -> Story<'a, T, EngineError> + Send + 'static,
        T: Send + 'static,
    {
        self.0.parts.views.write(story).await
    }

    /// The views that are not counted, and who is in a hurry.
    pub(crate) fn aside(&self) -> &Aside {
        &self.0.aside
    }

    /// The page views that wait to be written.
    pub(crate) fn clicks(&self) -> &TaskTracker {
        &self.0.clicks
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// The main database, for what concerns it as a whole: backup, verify, closing.
    pub fn db(&self) -> &Db {
        &self.0.parts.db
    }

    /// The view database, likewise.
    pub fn views(&self) -> &Db {
        &self.0.parts.views
    }

    /// The number of this node and the epoch of this start.
    pub fn node(&self) -> (i64, i64) {
        (self.0.node, self.0.epoch)
    }

    /// The key every other key is derived from.
    pub(crate) fn master_key(&self) -> &[u8; 32] {
        &self.0.parts.master_key
    }

    /// The keys derived from it, one for each purpose.
    pub fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    /// Turns for hashing passwords.
    pub(crate) fn hashing(&self) -> &Semaphore {
        &self.0.hashing
    }

    /// The turn for reading a large table: one at a time.
    pub(crate) fn reading(&self) -> &Arc<Semaphore> {
        &self.0.reading
    }

    /// Wrong tries, in memory.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// Declined payments, in memory.
    pub(crate) fn cards(&self) -> &Cards {
        &self.0.cards
    }

    /// Forms that were read since content last changed.
    pub(crate) fn kept_forms(&self) -> &Kept<(SiteId, String), Arc<LiveForm>> {
        &self.0.kept_forms
    }

    /// Sites by host, likewise.
    pub(crate) fn kept_sites(&self) -> &Kept<String, Arc<Site>> {
        &self.0.kept_sites
    }

    /// Answers to forms in this hour.
    pub(crate) fn ceilings(&self) -> &Ceilings {
        &self.0.ceilings
    }

    /// The rows that rest because their turn ended in a fault.
    pub(crate) fn resting(&self) -> &Resting {
        &self.0.resting
    }

    /// When people were last forgotten.
    pub(crate) fn last_purge(&self) -> &LastPurge {
        &self.0.last_purge
    }

    /// How far changed orders were looked at.
    pub(crate) fn looked(&self) -> &Looked {
        &self.0.looked
    }

    /// Requests of API keys, counted in memory.
    pub fn rate(&self) -> &Rate {
        &self.0.rate
    }

    /// The folder that holds `files/`.
    pub fn data_dir(&self) -> &Path {
        &self.0.parts.data_dir
    }

    /// Where a test may stop a story.
    pub(crate) fn crash_points(&self) -> &CrashPoints {
        &self.0.crash_points
    }

    /// What delivery keeps in memory.
    pub(crate) fn delivery(&self) -> &deliver::Shared {
        &self.0.delivery
    }

    /// How mail leaves, as far as the configuration says.
    pub fn sending(&self) -> Arc<Sending> {
        Arc::clone(&self.0.sending.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on mail leaves so: the configuration was read again. Connections made before end
    /// after the mail they are at.
    pub fn set_sending(&self, sending: Sending) {
        *self.0.sending.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sending);
        self.0.delivery.forget_routes();
        self.wake();
    }

    /// Tells the workers that something may be due.
    pub fn wake(&self) {
        self.0.wake.notify_waiters();
    }

    /// Waits until [`Self::wake`] is called.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Appends an event to the transaction it belongs to.
    pub(crate) async fn record<T: Serialize + Sync>(
        &self,
        tx: &mut Tx<'_>,
        site: SiteId,
        event: store::events::NewEvent<'_, T>,
    ) -> Result<()> {
        let id = model::ids::EventId(self.next_id());
        Ok(store::events::insert(tx, site, id, self.now(), event).await?)
    }
}
