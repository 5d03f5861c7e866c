//! What every handler may reach.

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

/// What every handler may reach. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// For every change.
    pub engine: Engine,
    /// For every read.
    pub reader: Reader,
    /// Pages as they were drawn.
    pub kept: Kept,
    /// How this server stands in the world.
    pub settings: Arc<WebSettings>,
    https: Arc<AtomicBool>,
}

impl AppState {
    /// The state of a server over `engine`.
    pub fn new(engine: Engine) -> Self {
        Self::with_settings(engine, WebSettings::default())
    }

    /// The same, as configured.
    pub fn with_settings(engine: Engine, settings: WebSettings) -> Self {
        Self {
            reader: engine.reader(),
            engine,
            kept: Kept::default(),
            https: Arc::new(AtomicBool::new(settings.https)),
            settings: Arc::new(settings),
        }
    }

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
