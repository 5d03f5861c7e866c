//! Routes: how the mail of a site leaves now. Kept in memory until the site changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail::dkim::{DkimKey, Signer};
use model::SiteId;
use model::ids::TemplateVersionId;
use model::messages::Class;
use model::sites::Site;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::letters::Sender;
use crate::render::Compiled;
use crate::secrets;
use crate::transport::{Smtp, Transport};

/// The first pause after a relay could not be reached or used; doubled each time.
const PAUSE_FIRST: Duration = Duration::from_secs(15);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);
/// Template versions kept parsed: more than a site sends in an hour.
const VERSIONS_KEPT: usize = 256;

/// How the mail of one site leaves.
#[derive(Debug)]
pub(crate) struct Route {
    pub sender: Arc<Sender>,
    pub transport: Transport,
    /// Why marketing mail may not leave this way.
    pub marketing_blocked: Option<String>,
    pacer: Mutex<Option<Instant>>,
    pause: Mutex<Pause>,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Pause {
    until: Option<Instant>,
    failures: u32,
    why: String,
}

/// What delivery keeps in memory.
#[derive(Debug)]
pub(crate) struct Shared {
    routes: Mutex<HashMap<SiteId, (i64, Arc<Route>)>>,
    versions: Mutex<HashMap<TemplateVersionId, Arc<Compiled>>>,
    /// One for each processor: more mails composed at once are not composed sooner, and keep the
    /// writer of the database from its turn.
    pub composing: Semaphore,
}

impl Default for Shared {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            routes: Mutex::default(),
            versions: Mutex::default(),
            composing: Semaphore::new(processors),
        }
    }
}

impl Route {
    /// Waits for this route's turn, where it has a rate.
    pub async fn pace(&self) {
        let Transport::Smtp(smtp) = &self.transport else { return };
        if smtp.per_second == 0 {
            return;
        }
        let gap = Duration::from_secs(1) / smtp.per_second;
        let turn = {
            let mut next = self.pacer.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let turn = next.map_or(now, |at| at.max(now));
            *next = Some(turn + gap);
            turn
        };
        tokio::time::sleep_until(turn).await;
    }

    /// Stops using the relay for a while: it refuses our login, or cannot be reached.
    pub fn pause(&self, why: &str) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let doublings = pause.failures.min(6);
        pause.failures += 1;
        let wait = (PAUSE_FIRST * 2_u32.pow(doublings)).min(PAUSE_MAX);
        pause.until = Some(Instant::now() + wait);
        why.clone_into(&mut pause.why);
        tracing::warn!(relay = %self.transport.name(), wait_s = wait.as_secs(), why, "relay paused");
    }

    /// The relay works.
    pub fn works(&self) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.failures > 0 {
            *pause = Pause::default();
        }
    }

    /// Why the relay is not used just now.
    pub fn paused(&self) -> Option<String> {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        pause.until.filter(|until| *until > Instant::now()).map(|_| pause.why.clone())
    }

    /// Whether mail leaves another way by now: who sends along this one, ends.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The relay, where mail goes to one.
    pub fn smtp(&self) -> Option<&Smtp> {
        if let Transport::Smtp(smtp) = &self.transport { Some(smtp) } else { None }
    }

    /// Why a message of `class` may not leave this way.
    pub fn refuses(&self, class: Class) -> Option<&str> {
        self.marketing_blocked.as_deref().filter(|_| class.needs_unsubscribe())
    }
}

impl Shared {
    /// The route of a site.
    pub async fn route(&self, engine: &Engine, site: SiteId) -> Result<Arc<Route>> {
        let stamp = engine.revision();
        {
            let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((kept, route)) = routes.get(&site)
                && *kept == stamp
            {
                return Ok(Arc::clone(route));
            }
        }
        let found = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let found = store::sites::find(session, site).await?;
                    found.ok_or_else(|| EngineError::missing("site", site))
                })
            })
            .await?;
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kept, route)) = routes.get_mut(&site)
            && route.sender.site == found
        {
            *kept = stamp;
            return Ok(Arc::clone(route));
        }
        let route = Arc::new(resolve(engine, found)?);
        if let Some((_, before)) = routes.insert(site, (stamp, Arc::clone(&route))) {
            before.end();
        }
        Ok(route)
    }

    /// The configuration changed: every route is looked up anew.
    pub fn forget_routes(&self) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, (_, route)) in routes.drain() {
            route.end();
        }
    }

    /// A template version, parsed.
    pub async fn compiled(
        &self,
        engine: &Engine,
        site: SiteId,
        version: TemplateVersionId,
    ) -> Result<std::result::Result<Arc<Compiled>, String>> {
        {
            let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(compiled) = versions.get(&version) {
                return Ok(Ok(Arc::clone(compiled)));
            }
        }
        let (found, targets) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let found = store::templates::find_version(session, site, version).await?;
                    let found =
                        found.ok_or_else(|| EngineError::missing("template version", version))?;
                    let targets = store::templates::links(session, site, version).await?;
                    Ok((found, targets))
                })
            })
            .await?;
        let compiled = Compiled::new(&found.subject, &found.plain, &found.html, &targets);
        let compiled = match compiled {
            Ok(compiled) => Arc::new(compiled),
            Err(error) => return Ok(Err(format!("the template does not parse: {error}"))),
        };
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if versions.len() >= VERSIONS_KEPT {
            versions.clear();
        }
        versions.insert(version, Arc::clone(&compiled));
        Ok(Ok(compiled))
    }
}

/// Why marketing mail waits that would not say where its sender is. Every door of the settings
/// asks for the address; a row written past them does not send.
pub(crate) const NO_ADDRESS: &str = "no postal address: set one in the settings of the site";

fn resolve(engine: &Engine, site: Site) -> Result<Route> {
    let sending = &site.settings.sending;
    let transport = match (&engine.sending().transport, &sending.smtp) {
        (Some(transport), _) => transport.clone(),
        (None, Some(smtp)) => {
            let password = if smtp.password_sealed.is_empty() {
                String::new()
            } else {
                let bytes = secrets::open(engine, &smtp.password_sealed)?;
                String::from_utf8_lossy(&bytes).into_owned()
            };
            Transport::smtp(smtp, password, site.sender_domain())
        }
        (None, None) => Transport::Caught,
    };
    let signers = if transport.signs() { Vec::new() } else { signers(engine, &site)? };
    let marketing_blocked = if site.postal_address.trim().is_empty() {
        Some(NO_ADDRESS.to_owned())
    } else if transport.holds_unsigned(sending) {
        Some("unsigned: make a DKIM key for the sending domain first".to_owned())
    } else {
        None
    };
    let sender = Sender::new(site, signers).map_err(EngineError::Fault)?;
    Ok(Route {
        sender: Arc::new(sender),
        transport,
        marketing_blocked,
        pacer: Mutex::default(),
        pause: Mutex::default(),
        over: AtomicBool::new(false),
    })
}

/// The keys of a site, read once.
pub(crate) fn signers(engine: &Engine, site: &Site) -> Result<Vec<Signer>> {
    site.settings
        .sending
        .dkim
        .iter()
        .map(|key| {
            let pem = secrets::open(engine, &key.private_sealed)?;
            let pair = DkimKey::from_pem(&String::from_utf8_lossy(&pem))?;
            Ok(Signer::new(&key.domain, &key.selector, pair)?)
        })
        .collect()
}
