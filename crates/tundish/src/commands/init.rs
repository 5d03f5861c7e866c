//! `tundish init`: the first site and its owner, without a browser.

use std::net::IpAddr;

use engine::setup::{self, FirstRun};
use engine::{Clock, Rng};
use serde::Serialize;

use super::Call;
use crate::cli::Init;
use crate::install;
use crate::output::refused;

#[derive(Serialize)]
struct Made {
    site: String,
    base_url: String,
    owner: String,
}

/// Makes the first site and its owner.
///
/// # Errors
/// It was done already, or something that was given cannot be used.
pub async fn run(call: &Call, flags: Init) -> anyhow::Result<()> {
    check_base_url(&flags.base_url)?;
    let password = flags.password.read()?;
    let installation = install::alone(&call.config, Clock::System, Rng::System).await?;
    let engine = &installation.engine;
    let made = Made {
        site: flags.site_name.clone(),
        base_url: flags.base_url.clone(),
        owner: flags.email.clone(),
    };
    let first = FirstRun {
        site_name: flags.site_name,
        base_url: flags.base_url,
        postal_address: flags.postal_address,
        currency: flags.currency,
        timezone: flags.timezone,
        name: flags.name,
        email: flags.email,
        password,
    };
    let done = match setup::token(engine).await? {
        Some(token) => setup::run(engine, &token, first).await.map_err(anyhow::Error::from),
        None => Err(refused(
            "this installation has an owner already; `tundish operator add` makes another",
        )),
    };
    installation.close().await?;
    done?;
    call.output.either(&made, || {
        vec![format!("{} is ready: `tundish serve`, then {}/admin", made.site, made.base_url)]
    })
}

/// Links in mails begin with the base address, and a sign-in crosses the net under it.
fn check_base_url(url: &str) -> anyhow::Result<()> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = setup::host_of(url);
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback && scheme == "http" && !rest.trim_end_matches('/').contains('/') {
        return Ok(());
    }
    let is_name = host.contains('.') && host.parse::<IpAddr>().is_err();
    if scheme != "https" || !is_name || rest.trim_end_matches('/').contains('/') {
        return Err(refused(format!(
            "--base-url {url} cannot be used: write https:// and the name of your domain, with \
             nothing after it"
        )));
    }
    Ok(())
}
