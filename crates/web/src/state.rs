//! What every handler may reach.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use engine::Engine;
use store::Reader;

use crate::error::WebError;
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
    /// How long a page waits for figures that take long; it shows them when they are there.
    pub page_wait: PageWait,
}

/// How long a page waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageWait(pub Duration);

impl Default for PageWait {
    fn default() -> Self {
        Self(Duration::from_secs(2))
    }
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
    is_full: AtomicBool,
    settings_refused: Mutex<Option<String>>,
}

/// Whether there is room for what visitors send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is.
    Enough,
    /// The disk is all but full.
    None,
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
            is_full: AtomicBool::new(false),
            settings_refused: Mutex::default(),
            settings,
        }))
    }
}

impl Reach {
    /// Whether browsers reach it by https.
    pub fn https(&self) -> bool {
        self.https.load(Ordering::Relaxed)
    }

    /// The disk was looked at.
    pub fn set_room(&self, room: Room) {
        self.is_full.store(room == Room::None, Ordering::Relaxed);
    }

    /// Before something new is taken from a visitor: whether it could be kept.
    ///
    /// # Errors
    /// The disk is all but full: what is refused now is told so, instead of being lost.
    pub(crate) fn check_room(&self) -> Result<(), WebError> {
        if !self.is_full.load(Ordering::Relaxed) {
            return Ok(());
        }
        let why = "we cannot take anything just now, because our disk is full; nothing was sent \
                   and nothing was charged: please try again in an hour";
        Err(WebError::Bad(StatusCode::SERVICE_UNAVAILABLE, why))
    }

    /// Why the settings were not taken when they were last read again, if they were not.
    pub fn settings_refused(&self) -> Option<String> {
        self.settings_refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Settings were read again: operators are told why they were not taken.
    pub fn set_settings_refused(&self, why: Option<String>) {
        *self.settings_refused.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Learns where a site lives from now on: once one lives at https, so do the cookies.
    pub fn lives_at(&self, base_url: &str) {
        if base_url.starts_with("https://") {
            self.https.store(true, Ordering::Relaxed);
        }
    }
}
