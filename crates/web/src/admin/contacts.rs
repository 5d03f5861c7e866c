//! `/admin/contacts`: who they are, where they stand, and all that happened with each.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use engine::EngineError;
use model::contacts::{Contact, Status};
use model::ids::ContactId;
use model::operators::Role;
use model::sequence_runs::Audience;
use model::urls::encode_component;
use model::{SiteId, UtcMs};
use serde::{Deserialize, Serialize};
use store::contact_lists::{After, Narrowed, Scored};

use crate::admin::scores::points_text;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::{Frame, Pager};
use crate::reply::{self, Reply};
use crate::state::AppState;

pub mod actions;
pub mod csv;
mod scores;
pub mod show;
mod timeline;

/// Contacts on a page.
const PAGE: i64 = 50;
/// Tags offered in the filter.
const TAGS: i64 = 100;

/// The list.
#[derive(Debug, Serialize)]
pub struct ContactsPage {
    frame: Frame,
    rows: Vec<ContactRow>,
    asked: Asked,
    tags: Vec<String>,
    products: Vec<(String, String)>,
    /// What may be asked of scores; empty where no rule gives points.
    scores: Vec<(String, String)>,
    segments: Vec<(String, String)>,
    pager: Pager,
    csv: String,
    /// Whether anything narrows the list; an empty list then means something else.
    narrowed: bool,
}

/// One contact of a list.
#[derive(Debug, Serialize)]
pub struct ContactRow {
    id: String,
    name: String,
    email: String,
    status: &'static str,
    is_test: bool,
    paused: bool,
    created_at: UtcMs,
    score: Option<String>,
}

/// What the list is narrowed to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    status: String,
    tag: String,
    /// `bought:prd_…` or `not-bought:prd_…`.
    product: String,
    /// So many points or more; or `hot:` and between which instants they became so.
    score: String,
    /// A segment's outside id.
    segment: String,
    after: String,
}

impl Asked {
    fn narrowed(&self) -> Narrowed {
        let (bought, not_bought) = match self.product.parse() {
            Ok(Audience::Bought(product)) => (Some(product), None),
            Ok(Audience::NotBought(product)) => (None, Some(product)),
            _ => (None, None),
        };
        Narrowed {
            prefix: self.q.trim().to_lowercase(),
            status: Status::parse(&self.status).ok(),
            tag: model::contacts::tag(&self.tag).unwrap_or_default(),
            bought,
            not_bought,
            score: self.scored(),
            segment: self.segment.parse().ok(),
        }
    }

    fn scored(&self) -> Option<Scored> {
        if let Some((from, until)) =
            self.score.strip_prefix("hot:").and_then(|span| span.split_once('-'))
        {
            let (from, until) = (from.parse().ok()?, until.parse().ok()?);
            return Some(Scored::BecameHot(UtcMs(from), UtcMs(until)));
        }
        self.score.parse().ok().map(Scored::From)
    }

    /// Where the page before ended: an id in lists by age, an address in searches.
    fn after(&self) -> After {
        match self.after.parse::<ContactId>() {
            Ok(id) => After { id: Some(id), key: String::new() },
            Err(_) => After { id: None, key: self.after.clone() },
        }
    }

    fn is_narrowed(&self) -> bool {
        self.narrowed() != Narrowed::default()
    }

    /// The address of `path` with the same narrowing, after `after`.
    fn path(&self, path: &str, after: &str) -> String {
        let pairs = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("tag", &self.tag),
            ("product", &self.product),
            ("score", &self.score),
            ("segment", &self.segment),
            ("after", after),
        ];
        let query: Vec<String> = pairs
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode_component(value)))
            .collect();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
    }
}

impl ContactRow {
    fn of(contact: &Contact, score: Option<f64>, now: UtcMs) -> Self {
        Self {
            id: contact.id.to_string(),
            name: contact.name(),
            email: contact.email.clone(),
            status: contact.status.as_str(),
            is_test: contact.is_test,
            paused: contact.is_paused(now),
            created_at: contact.created_at,
            score: score.map(|points| points_text(points, false)),
        }
    }
}

impl ContactsPage {
    pub(crate) fn sample() -> Self {
        let row = ContactRow {
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            status: "confirmed",
            is_test: true,
            paused: true,
            created_at: UtcMs(1_795_200_000_000),
            score: Some("41.5".to_owned()),
        };
        Self {
            frame: Frame::sample("contacts"),
            rows: vec![row],
            asked: Asked::default(),
            tags: vec!["customer".to_owned()],
            products: vec![("bought:prd_0000000000001".to_owned(), "Bought The guide".to_owned())],
            scores: vec![(String::new(), "Any".to_owned())],
            segments: vec![("seg_0000000000001".to_owned(), "Slipping away".to_owned())],
            pager: Pager { next: Some("#".to_owned()), ..Pager::default() },
            csv: "#".to_owned(),
            narrowed: false,
        }
    }
}

/// The list, newest first; a search by address in the order of addresses.
pub async fn index(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(asked): Query<Asked>,
) -> Reply {
    if let Ok(id) = asked.q.trim().parse::<ContactId>() {
        return Ok(reply::to(&format!("/admin/contacts/{id}")));
    }
    let Seen { mut contacts, points, tags, products, segments, scores } =
        read(&state, who.site.id, &asked).await?;
    let has_more = contacts.len() > usize::try_from(PAGE).unwrap_or(0);
    contacts.truncate(usize::try_from(PAGE).unwrap_or(0));
    let next = contacts.last().filter(|_| has_more).map(|last| {
        let by_id = asked.q.is_empty() || asked.scored().is_some();
        let after = if by_id { last.id.to_string() } else { last.email_key.clone() };
        asked.path("/admin/contacts", &after)
    });
    let first = (!asked.after.is_empty()).then(|| asked.path("/admin/contacts", ""));
    let page = ContactsPage {
        frame: who.frame("contacts"),
        rows: contacts
            .iter()
            .map(|contact| ContactRow::of(contact, points.get(&contact.id).copied(), who.now))
            .collect(),
        pager: Pager { previous: first, next, shown: None },
        csv: asked.path("/admin/contacts.csv", ""),
        narrowed: asked.is_narrowed(),
        tags,
        products,
        scores,
        segments,
        asked,
    };
    reply::page("admin/contacts/index.html", page)
}

/// What the store says of a list.
struct Seen {
    contacts: Vec<Contact>,
    points: BTreeMap<ContactId, f64>,
    tags: Vec<String>,
    products: Vec<(String, String)>,
    segments: Vec<(String, String)>,
    scores: Vec<(String, String)>,
}

async fn read(state: &AppState, site: SiteId, asked: &Asked) -> Result<Seen, WebError> {
    let (narrowed, after, score) = (asked.narrowed(), asked.after(), asked.score.clone());
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let contacts =
                store::contact_lists::page(session, site, &narrowed, &after, PAGE + 1).await?;
            let kept = store::scores::state(session, site).await?;
            let mut points = BTreeMap::new();
            for contact in contacts.iter().filter(|_| kept.is_some()) {
                let found = store::scores::find(session, site, contact.id).await?;
                points.extend(found.map(|found| (contact.id, found.points)));
            }
            let scores = kept.map(|kept| score_choices(kept.hot_points, &score));
            let tags = store::tags::names(session, site, TAGS).await?;
            let mut products = Vec::new();
            for product in store::products::list(session, site).await? {
                let (bought, not) = (Audience::Bought(product.id), Audience::NotBought(product.id));
                products.push((bought.to_string(), format!("Bought {}", product.name)));
                products.push((not.to_string(), format!("Not bought {}", product.name)));
            }
            let segments = store::segments::list(session, site).await?;
            let segments = segments.into_iter().map(|one| (one.id.to_string(), one.name)).collect();
            let scores = scores.unwrap_or_default();
            Ok(Seen { contacts, points, tags, products, segments, scores })
        })
    });
    Ok(read.await?)
}

/// What may be asked of scores; what is asked stands among them.
fn score_choices(hot: Option<i64>, asked: &str) -> Vec<(String, String)> {
    let from = |points: i64| {
        let label = if points == 1 { "A point".to_owned() } else { format!("{points} points") };
        (points.to_string(), format!("{label} or more, warmest first"))
    };
    let mut choices = vec![(String::new(), "Any".to_owned())];
    choices.extend([1, 10, 25, 50, 100].map(from));
    choices.extend(hot.map(|hot| (hot.to_string(), format!("Hot: {hot} points or more"))));
    if choices.iter().all(|(value, _)| value != asked) {
        let label = if asked.starts_with("hot:") { "Became hot then" } else { asked };
        choices.push((asked.to_owned(), label.to_owned()));
    }
    choices
}

/// The form for a new contact, or to change one.
#[derive(Debug, Serialize)]
pub struct NewPage {
    frame: Frame,
    email: String,
    error: Option<String>,
}

impl NewPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("contacts"),
            email: "iris@".to_owned(),
            error: Some("this is not an address".to_owned()),
        }
    }
}

/// The form for a new contact.
pub async fn new(who: CurrentOperator) -> Reply {
    who.require(Role::Editor)?;
    let frame = who.frame("contacts");
    reply::page("admin/contacts/new.html", NewPage { frame, email: String::new(), error: None })
}
