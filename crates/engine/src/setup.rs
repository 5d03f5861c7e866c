//! The first run: whoever can read the console names the first owner and the first site.

use model::audits::Actor;
use model::operators::Role;
use model::sites::{Site, SiteSettings, check_base_url};
use model::{Currency, Refused, SiteId, Slug, UtcMs, tokens};

use crate::engine::Engine;
use crate::fault::{EngineError, Result};
use crate::operators::{self, NewOperator};
use crate::{audits, sites};

/// Where the hash of the console token is kept.
const TOKEN: &str = "setup_token";

/// What the first page asks for.
#[derive(Debug, Clone)]
pub struct FirstRun {
    /// The name of the shop.
    pub site_name: String,
    /// Where it lives: `https://shop.example`.
    pub base_url: String,
    /// The postal address that marketing mail must carry.
    pub postal_address: String,
    /// ISO 4217 code of its prices.
    pub currency: String,
    /// IANA name of its time zone.
    pub timezone: String,
    /// The owner's name.
    pub name: String,
    /// The owner's address; the first site sends from it.
    pub email: String,
    /// The owner's password.
    pub password: String,
}

/// Whether nobody can sign in yet.
pub async fn is_needed(engine: &Engine) -> Result<bool> {
    engine
        .reader()
        .read(|session| Box::pin(async move { Ok(store::operators::count(session).await? == 0) }))
        .await
}

/// A fresh console token where one is needed; tokens printed before stop working.
pub async fn token(engine: &Engine) -> Result<Option<String>> {
    if !is_needed(engine).await? {
        return Ok(None);
    }
    let secret: [u8; tokens::KEY_BYTES] = engine.rng().bytes();
    let hash = tokens::hash_secret(&secret);
    engine
        .write(move |tx| Box::pin(async move { Ok(store::meta::set(tx, TOKEN, &hash).await?) }))
        .await?;
    Ok(Some(tokens::secret_text(&secret)))
}

/// Whether this is the token on the console, and still needed.
pub async fn token_holds(engine: &Engine, token: &str) -> Result<bool> {
    let Some(secret) = tokens::secret_bytes(token.trim()) else { return Ok(false) };
    let hash = tokens::hash_secret(&secret);
    engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let kept = store::meta::find(session, TOKEN).await?.unwrap_or_default();
                let same = tokens::equal(kept.as_bytes(), hash.as_bytes());
                Ok(same && store::operators::count(session).await? == 0)
            })
        })
        .await
}

/// Makes the first site and its owner.
///
/// # Errors
/// `setup_token` where the token is not the console's; what was typed cannot be used.
pub async fn run(engine: &Engine, token: &str, first: FirstRun) -> Result<()> {
    if !token_holds(engine, token).await? {
        let say =
            "this is not the token on the console: copy it again, or restart to get a new one";
        return Err(Refused::new("setup_token", say).at("token").into());
    }
    let owner = NewOperator {
        email: first.email.clone(),
        name: first.name.clone(),
        role: Role::Owner,
        password: Some(first.password.clone()),
        sites: Vec::new(),
    };
    let site = site_of(&first)?;
    let host = site.host().to_ascii_lowercase();
    let (operator, key) = operators::prepare(engine, &owner).await?;
    let prepared = sites::prepared(engine, site)?;
    let engine_in = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                if store::operators::count(tx).await? > 0 {
                    let say = "someone has set this up already: please sign in";
                    return Err(Refused::new("setup_done", say).into());
                }
                store::sites::put(tx, &prepared, engine_in.now()).await?;
                store::sites::add_host(tx, prepared.id, &host).await?;
                let actor = Actor::Console;
                operators::insert(&engine_in, tx, actor, &operator, &key, &[]).await?;
                store::meta::set(tx, TOKEN, "").await?;
                audits::record(&engine_in, tx, prepared.id, actor, "site.made", prepared.id, &())
                    .await
            })
        })
        .await
}

fn site_of(first: &FirstRun) -> Result<Site> {
    let name = first.site_name.trim();
    if name.is_empty() {
        return Err(Refused::new("name_missing", "please give it a name").at("site_name").into());
    }
    if first.postal_address.trim().is_empty() {
        let say = "every marketing mail must say where you are: please give a postal address";
        return Err(Refused::new("address_missing", say).at("postal_address").into());
    }
    check_base_url(first.base_url.trim().trim_end_matches('/'))?;
    let currency = Currency::parse(&first.currency.trim().to_uppercase())
        .map_err(|refused| refused.at("currency"))?;
    let slug = Slug::suggest(name).map_or_else(|| "shop".to_owned(), |slug| slug.to_string());
    let sender = model::EmailAddr::parse(&first.email).map_err(|refused| refused.at("email"))?;
    Ok(Site {
        id: SiteId(0),
        slug,
        name: name.to_owned(),
        base_url: first.base_url.trim().trim_end_matches('/').to_owned(),
        sender_name: name.to_owned(),
        sender_address: sender.as_str().to_owned(),
        reply_to: None,
        postal_address: first.postal_address.trim().to_owned(),
        currency: currency.code().to_owned(),
        timezone: first.timezone.trim().to_owned(),
        language: "en".to_owned(),
        settings: SiteSettings::default(),
        created_at: UtcMs(0),
        updated_at: UtcMs(0),
    })
}
