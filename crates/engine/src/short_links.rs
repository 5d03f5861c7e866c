//! Short links: made once, never led elsewhere, since they are printed.

use model::ids::ShortLinkId;
use model::urls::{encode_component, parse_path};
use model::{Refused, SiteId, Slug};
use serde_json::json;
use store::StoreError;
use store::short_links::ShortLink;

use crate::audits;
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// A short link to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewShortLink {
    /// What stands after `/go/`.
    pub code: String,
    /// The path it leads to, on this site.
    pub destination: String,
    /// `utm_source`.
    pub source: String,
    /// `utm_medium`; `print` where empty.
    pub medium: String,
    /// `utm_campaign`.
    pub campaign: String,
}

/// Makes a short link.
///
/// # Errors
/// The code is taken or not plain; the destination is no path of this site; no source is named.
pub async fn make(engine: &Engine, site: SiteId, new: NewShortLink) -> Result<ShortLinkId> {
    let code = Slug::parse(&new.code).map_err(|refused| refused.at("code"))?.to_string();
    let destination = parse_path(&new.destination).map_err(|refused| refused.at("destination"))?;
    let source = model::contacts::clean(&new.source, 100).to_lowercase();
    if source.is_empty() {
        return Err(Refused::new("source_missing", "say where it is printed").at("source").into());
    }
    let medium = model::contacts::clean(&new.medium, 100).to_lowercase();
    let link = ShortLink {
        id: ShortLinkId(engine.next_id()),
        code,
        destination,
        source,
        medium: if medium.is_empty() { "print".to_owned() } else { medium },
        campaign: model::contacts::clean(&new.campaign, 100).to_lowercase(),
        created_at: engine.now(),
    };
    let id = link.id;
    let of = engine.clone();
    let made = engine
        .write(move |tx| {
            Box::pin(async move {
                match store::short_links::insert(tx, site, &link).await {
                    Ok(()) => {
                        let data = json!({ "code": link.code });
                        audits::note(&of, tx, site, "short_link.made", link.id, &data).await?;
                        Ok(true)
                    }
                    Err(StoreError::Duplicate(_)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            })
        })
        .await?;
    if made {
        return Ok(id);
    }
    let message = "this code leads somewhere already, perhaps on paper: choose another";
    Err(EngineError::Refused(Refused::new("code_taken", message).at("code")))
}

/// Where a short link leads: its path with its campaign's tags.
pub fn target(link: &ShortLink) -> String {
    let mut tags = vec![("utm_source", &link.source), ("utm_medium", &link.medium)];
    if !link.campaign.is_empty() {
        tags.push(("utm_campaign", &link.campaign));
    }
    let tags: Vec<String> = tags
        .into_iter()
        .map(|(name, value)| format!("{name}={}", encode_component(value)))
        .collect();
    let joint = if link.destination.contains('?') { '&' } else { '?' };
    format!("{}{joint}{}", link.destination, tags.join("&"))
}
