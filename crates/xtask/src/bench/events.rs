//! Page views: what taking one costs as history grows, and a question over all of them.

use std::time::Instant;

use anyhow::Context;
use engine::steps::{Question, Step};
use engine::views::{self, By, OwnAct};
use engine::{Clock, Engine, Parts, Rng, Sending};
use model::ids::{ClickId, ContactId};
use model::sites::Site;
use model::spans::{Span, day_of, moved};
use model::views::{Origin, View};
use model::{UtcMs, Zone};
use store::{Db, Options};

/// 2025-01-01T00:00:00Z.
const BEGIN: UtcMs = UtcMs(1_735_689_600_000);
const DAYS: usize = 365;
const DAY_MS: usize = 86_400_000;
/// People there are; one in [`OF_CONTACTS`] of them left an address.
const PEOPLE: u64 = 454_000;
const OF_CONTACTS: u64 = 10;
/// Pages one looks at in a visit, at most.
const LOOKS_MAX: u64 = 8;
/// Views written together: what some seconds of a busy shop bring.
const BATCH: usize = 1_000;
const SOURCES: [&str; 8] =
    ["", "google", "facebook", "newsletter", "podcast.example", "paper", "partner", "bing"];

/// Measures and prints.
pub fn run(count: usize) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(
        async {
            let dir = tempfile::tempdir()?;
            let (engine, site) = open(dir.path()).await?;
            contacts(&dir.path().join("tundish.db"), site.id.0)?;
            take(&engine, &site, count).await?;
            let size = std::fs::metadata(dir.path().join("views.db"))?.len();
            println!("views.db: {} octets a view, rollups and all", size / u64::try_from(count)?);
            questions(&engine, &site).await?;
            engine.db().close().await;
            engine.views().close().await;
            Ok(())
        },
    )
}

async fn open(dir: &std::path::Path) -> anyhow::Result<(Engine, Site)> {
    let file = |name: &str| format!("sqlite:{}", dir.join(name).display());
    let parts = Parts {
        db: Db::connect(&file("tundish.db"), Options::main()).await?,
        views: Db::connect(&file("views.db"), Options::views()).await?,
        clock: Clock::fake(BEGIN),
        rng: Rng::seeded(8095),
        master_key: [7; 32],
        previous_keys: Vec::new(),
        data_dir: dir.to_owned(),
        node_name: "bench".to_owned(),
        sending: Sending::default(),
    };
    let engine = Engine::start(parts).await?;
    let site = Site { timezone: "UTC".to_owned(), ..testkit::site() };
    let id = engine::sites::put(&engine, site.clone(), vec!["shop.example".to_owned()]).await?;
    Ok((engine, Site { id, ..site }))
}

/// Contacts who confirmed before all this, each with a click of its own.
fn contacts(file: &std::path::Path, site: i64) -> anyhow::Result<()> {
    let link = rusqlite::Connection::open(file)?;
    link.execute(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < ?2)
         insert into contacts (site_id, id, email, email_key, address_hmac, status, first_name,
            last_name, fields, is_test, no_sales, less_often, created_at, updated_at, confirmed_at)
         select ?1, i, 'r' || i || '@example.org', 'r' || i || '@example.org',
            printf('%064x', i), 'confirmed', '', '', '{}', false, false, false, ?3, ?3, ?3 from n",
        rusqlite::params![site, i64::try_from(PEOPLE / OF_CONTACTS)?, BEGIN.0],
    )?;
    link.execute(
        "insert into clicks (site_id, id, message_id, contact_id, version_id, position, at, method,
            user_agent, prefetch, verdict)
         select site_id, id, id, id, 1, 1, ?1, 'GET', '', false, 'human' from contacts",
        [BEGIN.0],
    )?;
    Ok(())
}

/// Numbers that look like chance and repeat.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33).checked_rem(bound).unwrap_or(0)
    }
}

/// A year of visits, through the product's own door.
async fn take(engine: &Engine, site: &Site, count: usize) -> anyhow::Result<()> {
    let (mut dice, zone) = (Dice(8095), Zone::utc());
    let (mut done, mut asked) = (0_usize, (Instant::now(), cpu()?));
    let mut waiting = 0;
    while done < count {
        let at = BEGIN.plus_ms(i64::try_from(done * (DAYS * DAY_MS) / count)?);
        engine.clock().set(at);
        let person = dice.below(PEOPLE);
        let visitor = format!("192.0.2.{} Mozilla/5.0 (X11; rv:{person}.0) Firefox", person % 250);
        let source = SOURCES.get(usize::try_from(dice.below(8))?).copied().unwrap_or_default();
        for _ in 0..=dice.below(LOOKS_MAX) {
            let view = View {
                at,
                day: day_of(at, &zone),
                page: format!("/p/{}", dice.below(40)),
                origin: Origin { source: source.to_owned(), ..Origin::default() },
                visitor: Some(visitor.clone()),
            };
            views::count(engine, site.id, view);
            done += 1;
            waiting += 1;
            if done % 1_000_000 == 0 {
                asked = report(done, asked)?;
            }
        }
        if person % OF_CONTACTS == 0 {
            let contact = ContactId(i64::try_from(person / OF_CONTACTS)? + 1);
            let (day, by) = (day_of(at, &zone), By::Click(ClickId(contact.0)));
            views::acted(engine, site.id, OwnAct { at, day, visitor, contact, by });
        }
        if waiting >= BATCH {
            waiting = 0;
            views::flush(engine).await?;
            views::sweep(engine).await?;
        }
    }
    views::flush(engine).await?;
    while views::sweep(engine).await? > 0 {}
    Ok(())
}

/// What the last million cost.
fn report(done: usize, (since, used): (Instant, f64)) -> anyhow::Result<(Instant, f64)> {
    let now = (Instant::now(), cpu()?);
    let (wall, cpu) = ((now.0 - since).as_secs_f64(), now.1 - used);
    println!(
        "{:>3} M views: {:.2} \u{b5}s of processor a view, {:.0} a second a core, {wall:.1} s",
        done / 1_000_000,
        cpu,
        1e6 / cpu,
    );
    Ok(now)
}

async fn questions(engine: &Engine, site: &Site) -> anyhow::Result<()> {
    let first = day_of(BEGIN, &Zone::utc());
    let page = |n: u32| Step::Page(format!("/p/{n}"));
    let five = vec![page(3), page(14), page(15), page(9), page(26)];
    let any = vec![Step::View, page(3), page(14), Step::Source("google".to_owned()), page(26)];
    for (name, steps, days) in [
        ("five pages in order, a year", five.clone(), 365),
        ("any page first, a year", any.clone(), 365),
        ("five pages in order, 30 days", five, 30),
        ("any page first, 30 days", any, 30),
    ] {
        let last = moved(first, 364);
        let span = Span { from: moved(last, 1 - days), to: last };
        let question = Question { steps, window_days: 30, span, segment: None };
        let (since, used) = (Instant::now(), cpu()?);
        let answered = engine::steps::ask(engine, site, &question).await?;
        println!(
            "{name}: {:.2} s of processor, {:.2} s, {} views of the steps, reached {:?}",
            cpu()? - used,
            since.elapsed().as_secs_f64(),
            answered.views,
            answered.outcome.reached,
        );
    }
    Ok(())
}

/// Seconds of processor time this process has used.
fn cpu() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let after = text.rsplit_once(')').context("no /proc/self/stat")?.1;
    let mut fields = after.split_ascii_whitespace().skip(11);
    let mut next = || -> anyhow::Result<f64> { Ok(fields.next().context("short")?.parse()?) };
    // Ticks of a hundredth of a second.
    Ok((next()? + next()?) / 100.0)
}
