//! What every handler may reach.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::Engine;
use store::Reader;

use crate::extract::net::Net;
use crate::public::pages::Kept;

/// How this server stands in the world; from the configuration.
#[derive(Debug, Clone, Default)]
pub struct WebSettings {
    /// Whether browsers reach it by https from the start: cookies are `Secure`, HSTS is said.
    pub https: bool,
    /// Whether this is the demo: no second step is asked for.
    pub demo: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Net>,
    /// The only host that answers to `/admin`, where one is set.
    pub admin_host: Option<String>,
    /// Where the first page of the first run proposes that the shop lives.
    pub base_url: Option<String>,
}

/// What every handler may reach. Cloned for every layer of every request, so it is one pointer.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Reach>);

/// What [`AppState`] points to.
#[derive(Debug)]
pub struct Reach {
    /// For every change.
    pub engine: Engine,
    /// For every read.
    pub reader: Reader,
    /// Pages as they were drawn.
    pub kept: Kept,
    /// How this server stands in the world.
    pub settings: WebSettings,
    https: AtomicBool,
}

impl Deref for AppState {
    type Target = Reach;

    fn deref(&self) -> &Reach {
        &self.0
    }
}

impl AppState {
    /// The state of a server over `engine`.
    pub fn new(engine: Engine) -> Self {
        Self::with_settings(engine, WebSettings::default())
    }

    /// The same, as configured.
    pub fn with_settings(engine: Engine, settings: WebSettings) -> Self {
        Self(Arc::new(Reach {
            reader: engine.reader(),
            engine,
            kept: Kept::default(),
            https: AtomicBool::new(settings.https),
            settings,
        }))
    }
}

impl Reach {
    /// Whether browsers reach it by https.
    pub fn https(&self) -> bool {
        self.https.load(Ordering::Relaxed)
    }

    /// Learns where a site lives from now on: once one lives at https, so do the cookies.
    pub fn lives_at(&self, base_url: &str) {
        if base_url.starts_with("https://") {
            self.https.store(true, Ordering::Relaxed);
        }
    }
}
