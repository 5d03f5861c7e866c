//! Topics: what one may subscribe to, written by the operator.

use model::audits::Actor;
use model::ids::TopicId;
use model::{Refused, SiteId, Slug};
use store::topics::Topic;

use crate::audits;
use crate::engine::Engine;
use crate::fault::Result;

/// Characters of a name: it stands beside a box to tick.
const NAME_MAX: usize = 100;
/// Characters of the sentence under it.
const DESCRIPTION_MAX: usize = 300;

/// A topic as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Its name in files; one that is known is changed.
    pub slug: String,
    /// Its name as people read it.
    pub name: String,
    /// What they get.
    pub description: String,
}

/// Writes a topic, new or changed.
///
/// # Errors
/// The short name is not plain, or it has no name.
pub async fn put(engine: &Engine, actor: Actor, site: SiteId, draft: Draft) -> Result<()> {
    let slug = Slug::parse(&draft.slug).map_err(|refused| refused.at("slug"))?.to_string();
    let name = model::contacts::clean(&draft.name, NAME_MAX);
    if name.is_empty() {
        let message = "give the topic a name: readers see it beside a box to tick";
        return Err(Refused::new("name_missing", message).at("name").into());
    }
    let description = model::contacts::clean(&draft.description, DESCRIPTION_MAX);
    let topic = Topic { id: TopicId(engine.next_id()), slug, name, description };
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let id = store::topics::put(tx, site, &topic, of.now()).await?;
                audits::record(&of, tx, site, actor, "topic.changed", id, &()).await
            })
        })
        .await
}

/// Removes a topic that nobody subscribes to.
///
/// # Errors
/// Somebody does.
pub async fn remove(engine: &Engine, actor: Actor, site: SiteId, id: TopicId) -> Result<()> {
    let of = engine.clone();
    engine
        .write_content(move |tx| {
            Box::pin(async move {
                let counts = store::topics::counts(tx, site).await?;
                if counts.iter().any(|(topic, count)| *topic == id && *count > 0) {
                    let message = "people subscribe to it: a topic goes only when nobody does";
                    return Err(Refused::new("topic_in_use", message).into());
                }
                store::topics::delete(tx, site, id).await?;
                audits::record(&of, tx, site, actor, "topic.removed", id, &()).await
            })
        })
        .await
}
