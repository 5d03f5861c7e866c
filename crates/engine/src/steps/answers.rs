//! Answers given lately and questions being counted. Who asks waits as long as they like: what is
//! counted is counted to its end, once for all who ask the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::sites::Site;
use model::times::MINUTE_MS;
use model::{SiteId, UtcMs};
use tokio::sync::watch;

use super::{Answered, Question, count};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// An answer is given again for this long after it was found.
const KEPT_MS: i64 = 10 * MINUTE_MS;
/// Answers kept.
const KEPT_MAX: usize = 50;
/// Questions that are counted or wait for their turn.
const COUNTING_MAX: usize = 20;

const FULL: &str = "Very many questions of steps are being counted now; ask again in a minute.";
const BROKE_OFF: &str = "a count of steps broke off";

type Key = (SiteId, String);
/// What came of a count; nothing until it is done.
type Outcome = Option<std::result::Result<Arc<Answered>, String>>;

/// Answers given lately, and those being found.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    known: Mutex<Known>,
    /// One question is counted at a time: each keeps a reader busy, and others read too.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// Answers, and when they were found.
    kept: BTreeMap<Key, (UtcMs, Arc<Answered>)>,
    /// Those not done yet, and those that failed, until somebody was told.
    counting: BTreeMap<Key, watch::Receiver<Outcome>>,
}

/// How a question stands.
enum Stand {
    Known(Arc<Answered>),
    Counting(watch::Receiver<Outcome>),
    /// Nobody counts it yet: whoever gets this does, and says so here.
    New(watch::Sender<Outcome>, watch::Receiver<Outcome>),
    /// Too many others are counted.
    Full,
}

impl Answers {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, key: &Key, now: UtcMs) -> Stand {
        let mut known = self.known();
        known.kept.retain(|_, (at, _)| now.since_ms(*at) < KEPT_MS);
        if let Some((_, answered)) = known.kept.get(key) {
            return Stand::Known(Arc::clone(answered));
        }
        if let Some(counting) = known.counting.get(key) {
            return Stand::Counting(counting.clone());
        }
        if known.counting.len() >= COUNTING_MAX {
            // Whoever asked for those that failed does not ask again.
            known.counting.retain(|_, it| it.borrow().is_none() && it.has_changed().is_ok());
        }
        if known.counting.len() >= COUNTING_MAX {
            return Stand::Full;
        }
        let (said, heard) = watch::channel(None);
        known.counting.insert(key.clone(), heard.clone());
        Stand::New(said, heard)
    }

    fn put(&self, key: Key, now: UtcMs, answered: Arc<Answered>) {
        let mut known = self.known();
        known.counting.remove(&key);
        if known.kept.len() >= KEPT_MAX {
            known.kept.clear();
        }
        known.kept.insert(key, (now, answered));
    }

    fn forget(&self, key: &Key) {
        self.known().counting.remove(key);
    }
}

/// Answers a question; the same one again from memory for some minutes.
///
/// # Errors
/// The database fails, or very many other questions are being counted.
pub async fn ask(engine: &Engine, site: &Site, question: &Question) -> Result<Arc<Answered>> {
    let answered = ask_within(engine, site, question, Duration::MAX).await?;
    answered.ok_or_else(|| EngineError::Fault(BROKE_OFF.to_owned()))
}

/// The same, if it is there within `wait`. Else it is counted on, and whoever asks again has it, or
/// hears that it failed.
///
/// # Errors
/// The database fails, or very many other questions are being counted.
pub async fn ask_within(
    engine: &Engine,
    site: &Site,
    question: &Question,
    wait: Duration,
) -> Result<Option<Arc<Answered>>> {
    let key = (site.id, format!("{question:?}"));
    let answers = &engine.tally().answers;
    let mut heard = match answers.stand(&key, engine.now()) {
        Stand::Known(answered) => return Ok(Some(answered)),
        Stand::Full => return Err(EngineError::Conflict(FULL.to_owned())),
        Stand::Counting(heard) => heard,
        Stand::New(said, heard) => {
            let (of, its_site, asked) = (engine.clone(), site.clone(), question.clone());
            let of_it = key.clone();
            tokio::spawn(async move { find(&of, &its_site, &asked, of_it, &said).await });
            heard
        }
    };
    if wait.is_zero() && heard.borrow().is_none() {
        return Ok(None);
    }
    let Ok(done) = tokio::time::timeout(wait, heard.wait_for(Option::is_some)).await else {
        return Ok(None);
    };
    let outcome = done.ok().and_then(|outcome| outcome.clone());
    match outcome {
        Some(Ok(answered)) => Ok(Some(answered)),
        failed => {
            answers.forget(&key);
            let why = failed.and_then(std::result::Result::err);
            Err(EngineError::Fault(why.unwrap_or_else(|| BROKE_OFF.to_owned())))
        }
    }
}

/// Counts in its turn, and says what came of it.
async fn find(
    engine: &Engine,
    site: &Site,
    question: &Question,
    key: Key,
    said: &watch::Sender<Outcome>,
) {
    let answers = &engine.tally().answers;
    let _turn = answers.turn.lock().await;
    let counted = count(engine, site, question, engine.now()).await.map(Arc::new);
    match &counted {
        Ok(answered) => answers.put(key, engine.now(), Arc::clone(answered)),
        Err(why) => tracing::error!(%why, "steps could not be counted"),
    }
    said.send_replace(Some(counted.map_err(|why| format!("steps could not be counted: {why}"))));
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UtcMs = UtcMs(0);

    fn key(of: usize) -> Key {
        (SiteId(1), of.to_string())
    }

    #[test]
    fn a_question_is_counted_once_and_who_fails_is_told() {
        let answers = Answers::default();
        let Stand::New(said, _) = answers.stand(&key(1), NOW) else { panic!("nobody counts it") };
        let Stand::Counting(heard) = answers.stand(&key(1), NOW) else { panic!("it is counted") };
        said.send_replace(Some(Err("the disk is gone".to_owned())));
        assert!(heard.borrow().as_ref().is_some_and(std::result::Result::is_err));
        assert!(matches!(answers.stand(&key(1), NOW), Stand::Counting(_)), "until it was heard");
        answers.forget(&key(1));
        assert!(matches!(answers.stand(&key(1), NOW), Stand::New(..)));
    }

    #[test]
    fn so_many_are_counted_and_no_more() {
        let answers = Answers::default();
        let all: Vec<Stand> = (0..COUNTING_MAX).map(|of| answers.stand(&key(of), NOW)).collect();
        assert!(all.iter().all(|one| matches!(one, Stand::New(..))));
        assert!(matches!(answers.stand(&key(COUNTING_MAX), NOW), Stand::Full));
        drop(all);
        assert!(
            matches!(answers.stand(&key(COUNTING_MAX), NOW), Stand::New(..)),
            "those that broke off make room"
        );
    }
}
