//! Addresses that must not be written to, as a file: taken in, and written out as keyed hashes.

use std::collections::{BTreeMap, HashMap};

use model::audits::Actor;
use model::consents::Source;
use model::contacts::{SuppressionReason, SuppressionScope};
use model::ids::ContactId;
use model::sites::Site;
use model::{EmailAddr, Refused, SiteId, UtcMs, Zone};
use serde_json::json;
use store::Tx;
use store::suppressions::Suppression;

use crate::engine::Engine;
use crate::exports::Lines;
use crate::fault::{EngineError, Result};
use crate::files::columns::{Columns, Edge, Fate, Taken, instant};
use crate::files::tables::Table;
use crate::{audits, consents, contacts, rollups};

/// The columns of the file.
pub const HEADERS: [&str; 3] = ["email_or_hash", "reason", "since"];
/// Addresses written in one transaction.
const BATCH: usize = 500;
/// Rows read at once.
const PAGE: i64 = 500;
/// Hexadecimal digits of a keyed hash.
const HASH_DIGITS: usize = 64;

/// An address of the file.
#[derive(Debug, Clone)]
struct Barred {
    hmac: String,
    contact: Option<ContactId>,
    reason: SuppressionReason,
    since: Option<UtcMs>,
}

/// Takes in a file of addresses, `email_or_hash,reason,since`; a hash is one that this
/// installation wrote out. An address that is suppressed already stays as it is, unless the file
/// holds back more mail. Contacts among them are suppressed, or unsubscribed where that is the
/// reason.
///
/// # Errors
/// It cannot be read, or the column of addresses is missing.
pub async fn import(
    engine: &Engine,
    actor: Actor,
    site: &Site,
    (name, bytes): (&str, &[u8]),
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (mut taken, all) = read(engine, site, bytes, map).await?;
    for part in all.chunks(BATCH) {
        let (of, on, part) = (engine.clone(), site.clone(), part.to_vec());
        let note = name.to_owned();
        let part = engine
            .write(move |tx| {
                Box::pin(async move {
                    let mut taken = Taken::default();
                    for barred in &part {
                        taken.count(put(&of, tx, &on, barred, &note).await?);
                    }
                    let data = json!({ "added": taken.created, "changed": taken.updated });
                    let action = "suppressions.imported";
                    audits::record(&of, tx, on.id, actor, action, "", &data).await?;
                    Ok(taken)
                })
            })
            .await?;
        taken.add(&part);
    }
    Ok(taken)
}

/// What [`import`] would do; changes nothing.
///
/// # Errors
/// As [`import`].
pub async fn look(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<Taken> {
    let (mut taken, all) = read(engine, site, bytes, map).await?;
    let id = site.id;
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                for barred in all {
                    let known = store::suppressions::find(session, id, &barred.hmac).await?;
                    taken.count(fate(known.as_ref(), &barred));
                }
                Ok(taken)
            })
        })
        .await
}

fn fate(known: Option<&Suppression>, barred: &Barred) -> Fate {
    match known {
        None => Fate::New,
        Some(known) if weight(barred.reason) > weight(known.reason) => Fate::Changed,
        Some(_) => Fate::Known,
    }
}

/// What holds back all mail weighs more than what holds back marketing.
fn weight(reason: SuppressionReason) -> u8 {
    u8::from(reason.scope() == SuppressionScope::All)
}

async fn put(
    engine: &Engine,
    tx: &mut Tx<'_>,
    site: &Site,
    barred: &Barred,
    note: &str,
) -> Result<Fate> {
    let known = store::suppressions::find(tx, site.id, &barred.hmac).await?;
    let fate = fate(known.as_ref(), barred);
    if fate == Fate::Known {
        return Ok(fate);
    }
    let now = engine.now();
    let Some(id) = barred.contact else {
        let since = barred.since.filter(|since| *since < now).unwrap_or(now);
        let (hmac, reason) = (barred.hmac.as_str(), barred.reason);
        store::suppressions::put(tx, site.id, hmac, reason, note, since).await?;
        return Ok(fate);
    };
    // From now on: mail that went to a contact before was rightly sent.
    if barred.reason == SuppressionReason::Unsubscribe {
        consents::withdraw_all(engine, tx, site, id, Source::Import, None).await?;
        store::suppressions::put(tx, site.id, &barred.hmac, barred.reason, note, now).await?;
    } else {
        contacts::suppress_in(engine, tx, site, id, barred.reason, note).await?;
    }
    Ok(fate)
}

/// The good lines, each address once; the others are noted.
async fn read(
    engine: &Engine,
    site: &Site,
    bytes: &[u8],
    map: &BTreeMap<String, String>,
) -> Result<(Taken, Vec<Barred>)> {
    let table = Table::read(bytes)?;
    let columns = Columns::of(&table, &HEADERS, &["email_or_hash"], map)?;
    let zone = rollups::zone_of(site);
    let (mut taken, mut all) = (Taken::default(), Vec::new());
    let mut seen: HashMap<String, i64> = HashMap::new();
    for row in table.rows() {
        taken.rows += 1;
        match row.readable().and_then(|cells| barred(engine, &columns, cells, &zone)) {
            Ok((barred, key)) => match seen.get(&barred.hmac) {
                Some(line) => {
                    let why = format!("the same address stands on line {line}");
                    taken.reject(row.line, Refused::new("row_repeats", why));
                }
                None => {
                    seen.insert(barred.hmac.clone(), row.line);
                    all.push((barred, key));
                }
            },
            Err(why) => taken.reject(row.line, why),
        }
    }
    Ok((taken, known(engine, site.id, all).await?))
}

/// One line, and the address it names where it does not name its hash.
fn barred(
    engine: &Engine,
    columns: &Columns,
    cells: &[String],
    zone: &Zone,
) -> std::result::Result<(Barred, Option<String>), Refused> {
    let who = columns.cell(cells, "email_or_hash");
    let is_hash = who.len() == HASH_DIGITS && who.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (hmac, key) = if is_hash {
        (who.to_ascii_lowercase(), None)
    } else {
        let address = EmailAddr::parse(who).map_err(|why| why.at("email_or_hash"))?;
        (contacts::hmac_of(engine, &address), Some(address.key()))
    };
    let reason = match columns.cell(cells, "reason").to_lowercase().replace([' ', '-'], "_") {
        empty if empty.is_empty() => SuppressionReason::Import,
        word => SuppressionReason::parse(&word).map_err(|why| why.at("reason"))?,
    };
    let since = instant(columns.cell(cells, "since"), zone, Edge::Begin);
    let since = since.map_err(|why| why.at("since"))?;
    Ok((Barred { hmac, contact: None, reason, since }, key))
}

/// Finds the contacts among them: by address, or by walking all contacts once for the hashes.
async fn known(
    engine: &Engine,
    site: SiteId,
    mut all: Vec<(Barred, Option<String>)>,
) -> Result<Vec<Barred>> {
    let by_hash = if all.iter().any(|(_, key)| key.is_none()) {
        hashes(engine, site).await?
    } else {
        HashMap::new()
    };
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                for (barred, key) in &mut all {
                    barred.contact = match key {
                        None => by_hash.get(&barred.hmac).copied(),
                        Some(key) => {
                            let found = store::contacts::find_by_key(session, site, key).await?;
                            found.map(|contact| contact.id)
                        }
                    };
                }
                Ok(all.into_iter().map(|(barred, _)| barred).collect())
            })
        })
        .await
}

/// Every contact by the keyed hash of its address.
async fn hashes(engine: &Engine, site: SiteId) -> Result<HashMap<String, ContactId>> {
    let (mut by_hash, mut after) = (HashMap::new(), ContactId(0));
    loop {
        let (from, reader) = (after, engine.reader());
        let page = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::contacts::list_from(session, site, from, PAGE).await?) },
            )
        });
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(by_hash) };
        after = last.id;
        let alive = page.into_iter().filter(|contact| !contact.is_erased());
        by_hash.extend(alive.map(|contact| (contact.address_hmac, contact.id)));
    }
}

/// Writes every suppressed address of a site as lines of CSV, header first, to `write`: keyed
/// hashes, for the addresses themselves are not kept.
///
/// # Errors
/// `write` fails, or the database does.
pub async fn export(
    engine: &Engine,
    site: SiteId,
    write: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<i64> {
    let mut out = Lines::begin(write, &HEADERS)?;
    let mut after = String::new();
    loop {
        let from = after.clone();
        let reader = engine.reader();
        let page = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::suppressions::list(session, site, &from, PAGE).await?) },
            )
        });
        let page = page.await?;
        let Some(last) = page.last() else { return Ok(out.count()) };
        after.clone_from(&last.address_hmac);
        for one in page {
            out.put(&[one.address_hmac, one.reason.to_string(), one.since.rfc3339()])?;
        }
    }
}
