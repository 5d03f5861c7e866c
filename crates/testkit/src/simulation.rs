//! A year of a shop in seconds: from a seed, strangers opt in, confirm, buy, decline, want their
//! money back, leave; mail bounces; the engine ends between any two writes and is started again on
//! what stands in the database. After each day what `tundish verify` promises must hold.

mod people;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::{Clock, Engine, EngineError, Parts, Rng, Sending, Transport};
use mail::reply::{Parsed, parse};
use mail::transport::Memory;
use model::UtcMs;
use model::sites::Site;
use model::times::HOUR_MS;
use store::{Db, Options, StoreError};
use tempfile::TempDir;

use crate::START;

/// A day has so many steps; mail and timers are looked at after each.
const STEPS_A_DAY: i64 = 4;
/// Quiet days at the end, without crashes, in which everything that waits must end.
const QUIET_DAYS: i64 = 4;
/// One life in so many steps ends early.
const CRASH_ONE_IN: u64 = 5;
/// Writes after which such a life ends, at most.
const CRASH_WRITES_MAX: u64 = 12;

/// A shop that is set up once and copied for each seed.
pub struct Ground {
    dir: TempDir,
    site: Site,
}

/// What a run came to.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// What was tried, by word, and how often.
    pub tried: BTreeMap<&'static str, u64>,
    /// How often the engine ended and was started again.
    pub crashes: u64,
    /// Mails handed over.
    pub mails: u64,
    /// Mails handed over twice, each recorded as unknown.
    pub duplicates: u64,
}

impl Tally {
    /// Adds another run to this one.
    pub fn add(&mut self, other: &Self) {
        for (word, count) in &other.tried {
            *self.tried.entry(word).or_default() += count;
        }
        self.crashes += other.crashes;
        self.mails += other.mails;
        self.duplicates += other.duplicates;
    }
}

/// One shop, living.
struct World {
    dir: TempDir,
    site: Site,
    clock: Clock,
    rng: Rng,
    memory: Memory,
    engine: Engine,
    people: Vec<String>,
    tally: Tally,
    calm: bool,
}

impl Ground {
    /// Sets the shop of `examples/ebook-shop` up.
    pub async fn prepare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = start(dir.path(), Clock::fake(START), 0, Memory::default()).await;
        let mut site = crate::site();
        site.settings.test_payments = true;
        site.settings.offline_payments = true;
        site.settings.confirmations_per_hour = Some(100_000);
        site.id = engine::sites::put(&engine, site.clone(), Vec::new()).await.unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/ebook-shop");
        let path = root.join("funnel.toml");
        let rest = engine::funnel::Rest::Kept;
        let plan = engine::funnel::plan(&engine, &site, &path, rest).await.unwrap();
        engine::funnel::apply(&engine, &site, plan).await.unwrap();
        let id = site.id;
        let found = engine
            .reader()
            .read::<_, StoreError, _>(move |session| {
                Box::pin(async move { store::sites::find(session, id).await })
            })
            .await;
        let site = found.unwrap().unwrap();
        close(engine).await;
        Self { dir, site }
    }

    /// Lives `days` days from `seed`; what does not hold, as sentences.
    pub async fn live(&self, seed: u64, days: i64) -> Result<Tally, Vec<String>> {
        let mut world = World::new(self, seed).await;
        for day in 0..days + QUIET_DAYS {
            world.calm = day >= days;
            for _ in 0..STEPS_A_DAY {
                world.step().await;
            }
            let found = world.findings().await;
            if !found.is_empty() {
                let when = format!("day {day} of seed {seed}");
                return Err(found.into_iter().map(|text| format!("{when}: {text}")).collect());
            }
        }
        world.end(seed).await
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // SQLite removes its log beside the closed file, whose every page is in the file by now.
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with("-wal") || name.ends_with("-shm") {
            continue;
        }
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn database(dir: &Path) -> (Db, Db) {
    let file = |name: &str| format!("sqlite:{}", PathBuf::from(dir).join(name).display());
    let options =
        Options { durability: store::Durability::Never, connections: 1, ..Options::main() };
    let views = Options { connections: 1, ..Options::views() };
    let main = Db::connect(&file("tundish.db"), options).await.unwrap();
    (main, Db::connect(&file("views.db"), views).await.unwrap())
}

async fn start(dir: &Path, clock: Clock, seed: u64, memory: Memory) -> Engine {
    let (db, views) = database(dir).await;
    let parts = Parts {
        db,
        views,
        clock,
        rng: Rng::seeded(seed),
        master_key: [7; 32],
        previous_keys: Vec::new(),
        data_dir: dir.to_owned(),
        node_name: "simulation".to_owned(),
        sending: Sending::by(Transport::Memory(memory)),
    };
    let engine = Engine::start(parts).await.unwrap();
    engine::deliver::take_up(&engine).await.unwrap();
    engine
}

async fn close(engine: Engine) {
    engine.db().close().await;
    engine.views().close().await;
}

impl World {
    async fn new(ground: &Ground, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        copy(ground.dir.path(), dir.path());
        let memory = Memory::default();
        for (part, line) in [
            ("gone-", "550 5.1.1 no such user\r\n"),
            ("full-", "452 4.2.2 mailbox full\r\n"),
            ("spam-", "554 5.7.1 this looks like advertising\r\n"),
        ] {
            let Parsed::Reply(reply, _) = parse(line.as_bytes()) else { panic!("a reply") };
            memory.refuse(part, reply);
        }
        let clock = Clock::fake(START);
        let engine = start(dir.path(), clock.clone(), seed, memory.clone()).await;
        Self {
            dir,
            site: ground.site.clone(),
            clock,
            rng: Rng::seeded(seed.wrapping_add(1)),
            memory,
            engine,
            people: Vec::new(),
            tally: Tally::default(),
            calm: false,
        }
    }

    /// A quarter of a day: a few people act, time passes, what is due is done.
    async fn step(&mut self) {
        if !self.calm {
            if self.rng.below(CRASH_ONE_IN) == 0 {
                let writes = self.rng.below(CRASH_WRITES_MAX);
                self.engine.end_after(u32::try_from(writes).unwrap());
            }
            for _ in 0..=self.rng.below(3) {
                self.act().await;
                self.revive().await;
            }
        }
        let day_ms = 24 * HOUR_MS;
        self.clock.advance_ms(day_ms / STEPS_A_DAY);
        let done = engine::sweeps::run_until_idle(&self.engine).await;
        self.judge("tick", done);
        self.revive().await;
    }

    /// A life that ended is followed by another on the same folder.
    async fn revive(&mut self) {
        if !self.engine.has_ended() {
            return;
        }
        self.tally.crashes += 1;
        let seed = self.rng.below(u64::MAX);
        let next = start(self.dir.path(), self.clock.clone(), seed, self.memory.clone()).await;
        close(std::mem::replace(&mut self.engine, next)).await;
    }

    /// A refusal is an answer; a fault is one only where the engine has ended.
    fn judge<T>(&mut self, word: &'static str, outcome: engine::Result<T>) -> Option<T> {
        *self.tally.tried.entry(word).or_default() += 1;
        match outcome {
            Ok(value) => Some(value),
            Err(EngineError::Fault(why)) => {
                assert!(self.engine.has_ended(), "{word}: {why}");
                None
            }
            Err(_) => None,
        }
    }

    async fn number(&self, sql: &'static str) -> i64 {
        crate::kills::number(self.engine.db(), sql).await
    }

    /// One of the rows a query gives, by chance.
    async fn one_of(&self, sql: &'static str) -> Option<i64> {
        let found = self
            .engine
            .reader()
            .read::<Vec<i64>, StoreError, _>(move |session| {
                Box::pin(async move { session.query(sql).all().await })
            })
            .await
            .unwrap();
        let at = self.rng.below(u64::try_from(found.len()).unwrap());
        found.get(usize::try_from(at).unwrap()).copied()
    }

    async fn findings(&self) -> Vec<String> {
        crate::kills::findings(self.engine.db()).await
    }

    /// The end: nothing hangs, and what was handed over twice is on record.
    async fn end(mut self, seed: u64) -> Result<Tally, Vec<String>> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for mail in self.memory.all() {
            let text = String::from_utf8_lossy(&mail.message).into_owned();
            let id = text.lines().find_map(|line| line.strip_prefix("Message-ID: "));
            *counts.entry(id.unwrap_or_default().to_owned()).or_default() += 1;
        }
        self.tally.mails = counts.values().sum();
        self.tally.duplicates = counts.values().map(|count| count - 1).sum();
        let unknown = "select count(*) from message_attempts where outcome = 'unknown'";
        let stuck = "select count(*) from messages where state in ('leased', 'committing')";
        let hanging = "select count(*) from payments where state in ('creating', 'unknown')";
        let mut broken = Vec::new();
        let unknown = u64::try_from(self.number(unknown).await).unwrap();
        if self.tally.duplicates > unknown {
            broken.push(format!("{} duplicates, {unknown} recorded", self.tally.duplicates));
        }
        for (sql, what) in [(stuck, "messages are stuck"), (hanging, "payments have no end")] {
            let count = self.number(sql).await;
            if count > 0 {
                broken.push(format!("{count} {what}"));
            }
        }
        let Self { engine, tally, .. } = self;
        close(engine).await;
        let named = broken.into_iter().map(|text| format!("end of seed {seed}: {text}"));
        let broken: Vec<String> = named.collect();
        if broken.is_empty() { Ok(tally) } else { Err(broken) }
    }

    fn now(&self) -> UtcMs {
        self.clock.now()
    }
}
