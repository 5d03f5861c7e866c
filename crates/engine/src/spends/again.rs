//! What an export says takes the place of what it said before.

use std::collections::BTreeMap;

use model::SiteId;
use model::audits::Actor;
use model::ids::SpendId;
use model::spends::Spend;
use serde_json::json;
use store::{Session, Tx};

use super::{BATCH, networks, overlaps};
use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::files::columns::Taken;

/// Times an amount is looked for and written: more writers at once than this are not people.
const TRIES: usize = 5;

/// What some amounts came to.
#[derive(Debug, Default)]
struct Told {
    new: Vec<Spend>,
    updated: usize,
    unchanged: usize,
    /// The keys of those that stood and of which nothing is left.
    gone: Vec<String>,
}

/// Writes down what an export says, over what it said before.
pub(super) async fn say(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    mut said: networks::Said,
) -> Result<Taken> {
    let (mut created, mut amounts) = (Vec::new(), std::mem::take(&mut said.amounts).into_iter());
    loop {
        let batch: Vec<(String, Spend)> = amounts.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let told = say_some(engine, actor, site, batch).await?;
        created.extend(told.new);
        said.taken.updated += told.updated;
        said.taken.unchanged += told.unchanged;
        told.gone.iter().for_each(|key| said.took_away(key));
    }
    let notes = said.notes();
    let mut taken = said.taken;
    taken.created = created.len();
    taken.notes.extend(notes);
    taken.notes.extend(overlaps::told(engine, site, created).await?);
    Ok(taken)
}

/// The same of some of its amounts, all or none.
async fn say_some(
    engine: &Engine,
    actor: Actor,
    site: SiteId,
    amounts: Vec<(String, Spend)>,
) -> Result<Told> {
    let of = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                let mut told = Told::default();
                for (key, spend) in amounts {
                    say_one(&of, tx, site, (key, spend), &mut told).await?;
                }
                let again = told.updated + told.gone.len();
                if told.new.len() + again > 0 {
                    let data = json!({ "amounts": told.new.len(), "said_again": again });
                    audits::record(&of, tx, site, actor, "spend.added", "", &data).await?;
                }
                Ok(told)
            })
        })
        .await
}

/// One amount. Another may say it at this moment: whoever comes second finds it on looking again.
async fn say_one(
    of: &Engine,
    tx: &mut Tx<'_>,
    site: SiteId,
    (key, spend): (String, Spend),
    told: &mut Told,
) -> Result<()> {
    for _ in 0..TRIES {
        let known = store::spends::find_by_key(tx, site, &key).await?;
        match known.map(|known| (known.id, says_the_same(&known, &spend))) {
            Some((_, true)) => told.unchanged += 1,
            Some((id, false)) if spend.amount_minor == 0 => {
                store::spends::delete(tx, site, id).await?;
                told.gone.push(key);
            }
            Some((id, false)) => {
                store::spends::say_again(tx, site, id, &spend).await?;
                told.updated += 1;
            }
            None if spend.amount_minor == 0 => {}
            None => {
                let spend = Spend { id: SpendId(of.next_id()), ..spend.clone() };
                if !store::spends::insert(tx, site, &spend, &key, of.now()).await? {
                    continue;
                }
                told.new.push(spend);
            }
        }
        return Ok(());
    }
    Err(EngineError::Fault("an amount was written and taken away again and again".to_owned()))
}

/// What [`say`] would do; changes nothing.
pub(super) async fn look(
    session: &mut Session<'_>,
    site: SiteId,
    mut said: networks::Said,
) -> Result<Taken> {
    let amounts: BTreeMap<String, Spend> = std::mem::take(&mut said.amounts);
    for (key, spend) in &amounts {
        match store::spends::find_by_key(session, site, key).await? {
            None if spend.amount_minor == 0 => {}
            None => said.taken.created += 1,
            Some(known) if says_the_same(&known, spend) => said.taken.unchanged += 1,
            Some(_) if spend.amount_minor == 0 => said.took_away(key),
            Some(_) => said.taken.updated += 1,
        }
    }
    let notes = said.notes();
    Ok(Taken { notes, ..said.taken })
}

fn says_the_same(known: &Spend, spend: &Spend) -> bool {
    let said = |spend: &Spend| (spend.amount_minor, spend.clicks, spend.impressions);
    said(known) == said(spend)
}
