//! Signed-in browsers: begun, used, ended.

use model::audits::Actor;
use model::ids::{OperatorId, SessionId};
use model::operators::{Operator, SECOND_STEP_MS, SESSION_IDLE_MS, SESSION_MAX_MS, Stage};
use model::sites::Site;
use model::times::MINUTE_MS;
use model::{SiteId, UtcMs, tokens};
use store::Tx;
use store::sessions::SignIn;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// How exactly the last use is known: a write per page would cost more than it tells.
const SEEN_EVERY_MS: i64 = 5 * MINUTE_MS;
/// Characters kept of a browser's name.
const BROWSER_MAX: usize = 60;

/// Who is signed in in a browser, and what they may open.
#[derive(Debug, Clone)]
pub struct Present {
    /// The sign-in.
    pub sign_in: SignIn,
    /// Who.
    pub operator: Operator,
    /// The sites they may open, oldest first.
    pub sites: Vec<Site>,
}

/// Begins a sign-in; the token for the cookie. Any earlier one of this browser must be ended by
/// the caller: a sign-in never keeps the id it began with.
pub(crate) async fn begin(
    engine: &Engine,
    tx: &mut Tx<'_>,
    operator: OperatorId,
    stage: Stage,
    browser: &str,
) -> Result<String> {
    let secret: [u8; tokens::KEY_BYTES] = engine.rng().bytes();
    let now = engine.now();
    let sign_in = SignIn {
        id: SessionId(engine.next_id()),
        token_hash: tokens::hash_secret(&secret),
        operator_id: operator,
        stage,
        site_id: None,
        browser: browser.chars().filter(|c| !c.is_control()).take(BROWSER_MAX).collect(),
        totp_offer: None,
        created_at: now,
        seen_at: now,
    };
    store::sessions::insert(tx, &sign_in).await?;
    store::sessions::delete_old(tx, now.plus_ms(-SESSION_IDLE_MS), now.plus_ms(-SESSION_MAX_MS))
        .await?;
    Ok(tokens::secret_text(&secret))
}

/// Who is signed in with this token, whatever the stage; `None` where nobody is (any more).
pub async fn present(engine: &Engine, token: &str) -> Result<Option<Present>> {
    let Some(secret) = tokens::secret_bytes(token) else { return Ok(None) };
    let hash = tokens::hash_secret(&secret);
    let now = engine.now();
    let found = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let Some(sign_in) = store::sessions::find(session, &hash).await? else {
                    return Ok(None);
                };
                let Some(operator) = store::operators::find(session, sign_in.operator_id).await?
                else {
                    return Ok(None);
                };
                if operator.disabled || is_over(&sign_in, now) {
                    return Ok(None);
                }
                let sites = store::operators::sites_of(session, &operator).await?;
                Ok(Some(Present { sign_in, operator, sites }))
            })
        })
        .await?;
    if let Some(present) = &found
        && now.since_ms(present.sign_in.seen_at) >= SEEN_EVERY_MS
    {
        note_seen(engine, present.sign_in.id, now).await?;
    }
    Ok(found)
}

fn is_over(sign_in: &SignIn, now: UtcMs) -> bool {
    let age = now.since_ms(sign_in.created_at);
    match sign_in.stage {
        Stage::Code => age >= SECOND_STEP_MS,
        Stage::Full => age >= SESSION_MAX_MS || now.since_ms(sign_in.seen_at) >= SESSION_IDLE_MS,
    }
}

async fn note_seen(engine: &Engine, id: SessionId, now: UtcMs) -> Result<()> {
    engine
        .write(move |tx| Box::pin(async move { Ok(store::sessions::seen(tx, id, now).await?) }))
        .await
}

/// Puts another site in view.
///
/// # Errors
/// The operator may not open it: for them there is no such site.
pub async fn choose_site(engine: &Engine, present: &Present, site: SiteId) -> Result<()> {
    if !present.sites.iter().any(|known| known.id == site) {
        return Err(EngineError::missing("site", site));
    }
    let id = present.sign_in.id;
    engine
        .write(move |tx| {
            Box::pin(async move { Ok(store::sessions::set_site(tx, id, site).await?) })
        })
        .await
}

/// Signs out the browser that asks; nothing where it was signed out meanwhile.
pub async fn end(engine: &Engine, sign_in: &SignIn) -> Result<()> {
    match end_own(engine, sign_in.operator_id, sign_in.id).await {
        Err(EngineError::Missing { .. }) => Ok(()),
        done => done,
    }
}

/// Signs one of an operator's own browsers out.
///
/// # Errors
/// It is not theirs, or over.
pub async fn end_own(engine: &Engine, operator: OperatorId, id: SessionId) -> Result<()> {
    let engine_in = engine.clone();
    engine
        .write(move |tx| {
            Box::pin(async move {
                if !store::sessions::delete_one_of(tx, operator, id).await? {
                    return Err(EngineError::missing("session", id));
                }
                let actor = Actor::Operator(operator);
                let site = audits::INSTALLATION;
                audits::record(&engine_in, tx, site, actor, "session.ended", id, &()).await
            })
        })
        .await
}
