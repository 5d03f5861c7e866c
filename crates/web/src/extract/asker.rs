//! Who asks for a page, as far as it takes to count a view: a person or a program, and one browser
//! told from another for a day. Nothing of it is stored.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use model::bots::{self, Asking, Connection, LeftOut, says_prefetch};

use crate::extract::net::ClientNet;
use crate::extract::site::asked_host;
use crate::state::AppState;

/// What a request says of the one who makes it.
#[derive(Debug, Clone)]
pub struct Asker {
    method: String,
    user_agent: String,
    accept: String,
    accept_language: String,
    fetch_mode: String,
    prefetch: bool,
    connection: Connection,
    is_private: bool,
    /// The network it comes from.
    pub net: ClientNet,
}

impl FromRequestParts<AppState> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let net = ClientNet::from_request_parts(parts, state).await?;
        let headers = &parts.headers;
        let text = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let prefetch = headers
            .iter()
            .any(|(name, value)| says_prefetch(name.as_str(), value.to_str().unwrap_or_default()));
        let trusted = state.https() || is_here(headers);
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            user_agent: text("user-agent"),
            accept: text("accept"),
            accept_language: text("accept-language"),
            fetch_mode: text("sec-fetch-mode"),
            prefetch,
            connection: if trusted { Connection::Trusted } else { Connection::Plain },
            is_private: text("dnt") == "1" || text("sec-gpc") == "1",
            net,
        })
    }
}

/// Whether the site is asked for on the machine itself, which browsers trust as they do https.
fn is_here(headers: &HeaderMap) -> bool {
    let host = asked_host(headers).unwrap_or_default();
    host == "localhost" || host.ends_with(".localhost") || host == "127.0.0.1" || host == "[::1]"
}

impl Asker {
    /// Why a page that is asked for so is not counted as viewed, if it is not.
    pub fn left_out(&self) -> Option<LeftOut> {
        bots::left_out(&Asking {
            method: &self.method,
            user_agent: &self.user_agent,
            accept: &self.accept,
            accept_language: &self.accept_language,
            fetch_mode: &self.fetch_mode,
            prefetch: self.prefetch,
            connection: self.connection,
        })
    }

    /// Why a view that a script reports is not counted, if it is not.
    pub fn report_left_out(&self) -> Option<LeftOut> {
        bots::left_out_of_reports(&self.user_agent)
    }

    /// What tells this browser from another today; `None` where it asks not to be told apart
    /// (`DNT`, `Sec-GPC`), or says nothing of itself.
    pub fn visitor(&self) -> Option<String> {
        let is_told = !self.is_private && !self.user_agent.is_empty();
        is_told.then(|| format!("{} {}", self.net.0, self.user_agent))
    }
}
