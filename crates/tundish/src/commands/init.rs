//! `tundish init`: the first site and its owner, without a browser.

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
    model::sites::check_base_url(flags.base_url.trim_end_matches('/'))
        .map_err(|e| refused(format!("--base-url {} cannot be used: {e}", flags.base_url)))?;
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
