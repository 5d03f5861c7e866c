//! Writes down what was spent to be seen, by hand or from a file. Either is written once, however
//! often it is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::audits::Actor;
use model::ids::SpendId;
use model::notes::clean_line;
use model::sites::Site;
use model::spends::{HEADERS, Spend, has_letters};
use model::{Currency, Money, Refused, SiteId, UtcMs};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{Session, Tx};

use crate::audits;
use crate::engine::Engine;
use crate::exports::Lines;
use crate::fault::{EngineError, Result};
use crate::files::columns::{Columns, Taken};
use crate::files::tables::{Table, plain};

mod again;
mod amounts;
mod networks;
mod overlaps;

/// Lines of one file: ten years of days by five channels.
const LINES_MAX: usize = 20_000;
/// Octets of one line: a hundred columns of long words.
const LINE_BYTES_MAX: usize = 64 * 1_024;
/// Lines written in one transaction: whoever else writes waits for no more than these.
const BATCH: usize = 500;
/// Amounts read at once.
const PAGE: i64 = 500;
/// Between the first and the last day of an amount, where it has several (ISO 8601 §5.5).
const DAYS_BETWEEN: char = '/';

/// Writes amounts down, all or none. One with the key of an earlier one counts once; how many
/// were new.
///
/// # Errors
/// An amount must be mended, or another was written down with its key: `written_already`.
pub async fn add(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    spends: Vec<(String, Spend)>,
) -> Result<usize> {
    let clean = |(key, spend): (String, Spend)| (key, spend.cleaned());
    let spends: Vec<(String, Spend)> = spends.into_iter().map(clean).collect();
    for (_, spend) in &spends {
        spend.check(engine.now())?;
    }
    let engine_too = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let now = engine_too.now();
                let mut made = 0;
                for (key, mut spend) in spends {
                    spend.id = SpendId(engine_too.next_id());
                    if store::spends::insert(tx, site, &spend, &key, now).await? {
                        made += 1;
                        continue;
                    }
                    let known = store::spends::find_by_key(tx, site, &key).await?;
                    if let Some(known) = known.filter(|known| !is_same(known, &spend)) {
                        return Err(written_already(&known)?.into());
                    }
                }
                if made > 0 {
                    let data = json!({ "amounts": made });
                    audits::record(&engine_too, tx, site, actor, "spend.added", "", &data).await?;
                }
                Ok(made)
            })
        })
        .await
}

/// Whether two amounts say the same, whatever they are called.
fn is_same(known: &Spend, spend: &Spend) -> bool {
    Spend { id: known.id, created_at: known.created_at, ..spend.clone() } == *known
}

fn written_already(known: &Spend) -> Result<Refused> {
    let amount = Money::new(known.amount_minor, Currency::parse(&known.currency)?);
    let days = match known.from_day == known.to_day {
        true => known.from_day.clone(),
        false => format!("{} to {}", known.from_day, known.to_day),
    };
    let why = format!(
        "this was written down already as {} of {}, {days}: send it once more if it is another \
         amount, or delete that one",
        amount.human(),
        known.channel
    );
    Ok(Refused::new("written_already", why).at("amount"))
}

/// Takes an amount away.
pub async fn remove(engine: &Engine, actor: Actor, site: SiteId, id: SpendId) -> Result<()> {
    let engine_too = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let spend = store::spends::find(tx, site, id)
                    .await?
                    .ok_or_else(|| EngineError::missing("spend", id))?;
                store::spends::delete(tx, site, id).await?;
                let data = json!({ "channel": spend.channel, "from": spend.from_day,
                    "to": spend.to_day, "amount": spend.amount_minor,
                    "currency": spend.currency });
                audits::record(&engine_too, tx, site, actor, "spend.removed", id, &data).await
            })
        })
        .await
}

/// Reads a file of amounts and writes down its good lines: `date,channel,campaign,amount,currency,
/// clicks,impressions,note`, with `map` (header to name) where it calls a column otherwise; or an
/// export of Google Ads or Meta, whose amounts stand under `source` (empty: the usual of each).
/// The same line counts once, however often its file is read; a line that stands twice in one plain
/// file counts twice, and what an export says anew takes the place of what it said before.
///
/// # Errors
/// It is no such file: it cannot be read, a column is missing, or it is too long.
pub async fn import(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    bytes: &[u8],
    how: (&BTreeMap<String, String>, &str),
) -> Result<Taken> {
    let (mut taken, lines) = match said(engine, bytes, site, how).await? {
        Read::Lines(taken, lines) => (taken, lines),
        Read::Export(said) => return again::say(engine, actor, site.id, said).await,
    };
    let (good, site) = (lines.len(), site.id);
    let (mut created, mut lines) = (Vec::new(), lines.into_iter());
    loop {
        let batch: Vec<Line> = lines.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        created.extend(write_lines(engine, actor, site, batch).await?);
    }
    taken.created = created.len();
    taken.unchanged = good.saturating_sub(taken.created);
    taken.notes.extend(overlaps::told(engine, site, created).await?);
    Ok(taken)
}

/// Writes down those of some lines that do not stand yet, all or none.
async fn write_lines(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    lines: Vec<Line>,
) -> Result<Vec<Spend>> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut made = Vec::new();
                for line in &lines {
                    made.extend(write_down(&of, tx, site, line).await?);
                }
                if !made.is_empty() {
                    let data = json!({ "amounts": made.len() });
                    audits::record(&of, tx, site, actor, "spend.added", "", &data).await?;
                }
                Ok(made)
            })
        })
        .await
}

/// What a file holds.
enum Read {
    /// Lines of the own format; the others are noted.
    Lines(Taken, Vec<Line>),
    /// What an ad network says.
    Export(networks::Said),
}

/// Reads a file, one at a time and beside everything else: whoever visits the shop waits for none.
async fn said(
    engine: &Engine,
    bytes: &[u8],
    site: &Site,
    (map, source): (&BTreeMap<String, String>, &str),
) -> Result<Read> {
    let broken = || EngineError::Fault("the reading of a file was broken off".to_owned());
    let turn = Arc::clone(engine.reading()).acquire_owned().await.map_err(|_| broken())?;
    let (bytes, site, now) = (bytes.to_vec(), site.clone(), engine.now());
    let (map, source) = (map.clone(), source.to_owned());
    let read = move || {
        // Whoever sent the file may be gone before it is read: the next waits all the same.
        let _turn = turn;
        parsed(&bytes, &site, now, (&map, &source))
    };
    tokio::task::spawn_blocking(read).await.map_err(|_| broken())?
}

fn parsed(
    bytes: &[u8],
    site: &Site,
    now: UtcMs,
    (map, source): (&BTreeMap<String, String>, &str),
) -> Result<Read> {
    refuse_long_lines(bytes)?;
    let word = clean_line(source).to_lowercase();
    if !source.trim().is_empty() && !has_letters(&word) {
        return Err(Refused::new("channel_missing", "write the source in letters")
            .at("source")
            .into());
    }
    let table = Table::read(bytes)?;
    let names: Vec<String> = table.headers.iter().map(|header| plain(header)).collect();
    let is_plain = !map.is_empty()
        || ["date", "channel", "amount"].iter().all(|n| names.iter().any(|h| h == n));
    if let Some(export) = networks::find(&table, is_plain) {
        return Ok(Read::Export(export.read(site, now, &word)?));
    }
    let (taken, lines) = read(&table, site, now, map)?;
    Ok(Read::Lines(taken, lines))
}

/// A file whose line never ends is no table, and would be looked through again and again.
fn refuse_long_lines(bytes: &[u8]) -> std::result::Result<(), Refused> {
    let mut lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    match lines.any(|line| line.len() > LINE_BYTES_MAX) {
        true => {
            let why =
                format!("a line has more than {} kB: this is no table", LINE_BYTES_MAX / 1_024);
            Err(Refused::new("line_too_long", why).at("file"))
        }
        false => Ok(()),
    }
}

fn too_long() -> Refused {
    let why = format!("at most {LINES_MAX} lines are read at once: send it in parts");
    Refused::new("file_too_long", why).at("file")
}

/// A good line of a file: an amount, a hash of all it says, and how many such lines the file has
/// had with this one.
struct Line {
    spend: Spend,
    hash: String,
    nth: i64,
}

/// Writes a line down unless it stands already; what was written.
async fn write_down(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    line: &Line,
) -> Result<Option<Spend>> {
    for n in line.nth.. {
        // Looked at before each key: another may take in the same file at this moment, and a key
        // may be left of a line whose like was deleted.
        if store::spends::count_equal(tx, site, &line.spend).await? >= line.nth {
            return Ok(None);
        }
        let spend = Spend { id: SpendId(engine.next_id()), ..line.spend.clone() };
        let key = format!("file:{}:{n}", line.hash);
        if store::spends::insert(tx, site, &spend, &key, engine.now()).await? {
            return Ok(Some(spend));
        }
    }
    Ok(None)
}

/// The lines that stand nowhere yet, as `write_down` would find them. An amount that was written
/// down by hand, or came in a file that said the same in other letters, is the same amount: what is
/// written out comes in again and changes nothing.
async fn fresh(session: &mut Session<'_>, site: SiteId, lines: Vec<Line>) -> Result<Vec<Line>> {
    let mut standing: BTreeMap<String, i64> = BTreeMap::new();
    let mut fresh = Vec::new();
    for line in lines {
        let stand = match standing.get(&line.hash) {
            Some(stand) => *stand,
            None => store::spends::count_equal(session, site, &line.spend).await?,
        };
        standing.insert(line.hash.clone(), stand);
        if line.nth > stand {
            fresh.push(line);
        }
    }
    Ok(fresh)
}

/// Writes every amount of a site as lines of CSV, header first, to `write`, as [`import`] reads
/// them.
///
/// # Errors
/// `write` fails, or the database does.
pub async fn export(
    engine: &Engine,
    site: SiteId,
    write: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<i64> {
    let mut out = Lines::begin(write, &HEADERS)?;
    let mut before = SpendId(i64::MAX);
    loop {
        let from = before;
        let page = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::spends::list(session, site, from, PAGE).await?) })
            })
            .await?;
        let Some(last) = page.last() else { return Ok(out.count()) };
        before = last.id;
        for spend in &page {
            out.put(&cells(spend)?)?;
        }
    }
}

/// An amount as a line of its file.
fn cells(spend: &Spend) -> Result<[String; 8]> {
    let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
    let currency = Currency::parse(&spend.currency)?;
    // `19.00 USD` without its currency, which has a column of its own.
    let amount = Money::new(spend.amount_minor, currency).to_string();
    let amount = amount.split(' ').next().unwrap_or_default().to_owned();
    let days = if spend.from_day == spend.to_day {
        spend.from_day.clone()
    } else {
        format!("{}{DAYS_BETWEEN}{}", spend.from_day, spend.to_day)
    };
    Ok([
        days,
        spend.channel.clone(),
        spend.campaign.clone(),
        amount,
        spend.currency.clone(),
        number(spend.clicks),
        number(spend.impressions),
        spend.note.clone(),
    ])
}

/// What [`import`] would do; changes nothing.
///
/// # Errors
/// As [`import`].
pub async fn look(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    how: (&BTreeMap<String, String>, &str),
) -> Result<Taken> {
    let read = said(engine, bytes, site, how).await?;
    let site = site.id;
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                match read {
                    Read::Lines(mut taken, lines) => {
                        let good = lines.len();
                        taken.created = fresh(session, site, lines).await?.len();
                        taken.unchanged = good.saturating_sub(taken.created);
                        Ok(taken)
                    }
                    Read::Export(said) => again::look(session, site, said).await,
                }
            })
        })
        .await
}

/// The good lines; the others are noted.
fn read(
    table: &Table,
    site: &Site,
    now: UtcMs,
    map: &BTreeMap<String, String>,
) -> Result<(Taken, Vec<Line>)> {
    let columns = Columns::of(table, &HEADERS, &["date", "channel", "amount"], map)?;
    let (mut taken, mut lines) = (Taken::default(), Vec::new());
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    for row in table.rows() {
        taken.rows += 1;
        if taken.rows > LINES_MAX {
            return Err(too_long().into());
        }
        let read =
            row.readable().and_then(|cells| spend(|name| columns.cell(cells, name), site, now));
        match read {
            Ok(spend) => {
                let hash = hash(&cells(&spend)?.join("\u{1f}"));
                let nth = seen.entry(hash.clone()).or_default();
                *nth += 1;
                lines.push(Line { spend, hash, nth: *nth });
            }
            Err(why) => taken.reject(row.line, why),
        }
    }
    Ok((taken, lines))
}

/// One line as an amount.
fn spend<'r>(
    cell: impl Fn(&'static str) -> &'r str,
    site: &Site,
    now: UtcMs,
) -> std::result::Result<Spend, Refused> {
    let currency = match cell("currency") {
        "" => site.currency.clone(),
        code => code.to_uppercase(),
    };
    if currency != site.currency {
        let why = format!("write it in {}, the currency of this site", site.currency);
        return Err(Refused::new("currency_other", why).at("currency"));
    }
    let amount = Money::parse_amount(cell("amount"), Currency::parse(&currency)?)
        .map_err(|refused| refused.at("amount"))?;
    let number = |name: &'static str| match cell(name) {
        "" => Ok(None),
        digits => match digits.parse::<i64>() {
            Ok(number) if number >= 0 => Ok(Some(number)),
            _ => Err(Refused::new("number_invalid", "write a whole number").at(name)),
        },
    };
    let (from_day, to_day) = match cell("date").split_once(DAYS_BETWEEN) {
        Some((from, to)) => (from.trim(), to.trim()),
        None => (cell("date"), cell("date")),
    };
    let spend = Spend {
        id: SpendId(0),
        channel: cell("channel").to_owned(),
        campaign: cell("campaign").to_owned(),
        from_day: from_day.to_owned(),
        to_day: to_day.to_owned(),
        amount_minor: amount.minor,
        currency,
        clicks: number("clicks")?,
        impressions: number("impressions")?,
        note: cell("note").to_owned(),
        created_at: now,
    }
    .cleaned();
    spend.check(now)?;
    Ok(spend)
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
