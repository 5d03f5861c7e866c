//! `/admin/contacts/{id}`: one contact: where they stand, what they are worth, what happened.

use axum::extract::{Path, Query, State};
use engine::EngineError;
use model::contacts::Contact;
use model::ids::{ContactId, EventId, MessageId, OrderId};
use model::operators::Role;
use model::sites::Site;
use model::{Currency, SiteId, UtcMs, consents};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Session;
use store::orders::Order;

use super::scores::ScoreTab;
use super::timeline::Line;
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;

/// Lines of a tab at a time.
const PAGE: i64 = 50;
/// Orders a contact's value is summed over: more than any person has.
const ORDERS_MAX: i64 = 500;

/// Visits whose pages stand in the timeline, and pages of each: a visit is looked for among all
/// views of its day.
const VISITS: (i64, i64) = (5, 20);

/// One contact.
#[derive(Debug, Serialize)]
pub struct ContactPage {
    frame: Frame,
    id: String,
    name: String,
    email: String,
    first_name: String,
    last_name: String,
    status: &'static str,
    is_test: bool,
    is_erased: bool,
    no_sales: bool,
    less_often: bool,
    paused_until: Option<UtcMs>,
    facts: Vec<(String, Option<String>)>,
    fields: Vec<(String, String)>,
    tags: Vec<String>,
    topics: Vec<String>,
    worth: Vec<Worth>,
    order_count: usize,
    /// Points by rules; nothing where no rule gives any.
    score: Option<String>,
    tab: String,
    body: Tab,
    more: Option<String>,
    may_change: bool,
}

/// What came in from a contact, less what went back, in one currency.
#[derive(Debug, Clone, Serialize)]
pub struct Worth {
    minor: i64,
    currency: &'static str,
}

/// What the tab in view holds.
#[derive(Debug, Default, Serialize)]
pub struct Tab {
    timeline: Vec<Line>,
    messages: Vec<MessageRow>,
    orders: Vec<OrderRow>,
    enrolments: Vec<EnrolmentRow>,
    /// Sequences that take people in: id and name.
    sequences: Vec<(String, String)>,
    consents: Vec<ConsentRow>,
    touches: Vec<TouchRow>,
    score: Option<ScoreTab>,
}

/// One mail.
#[derive(Debug, Serialize)]
pub struct MessageRow {
    id: String,
    class: &'static str,
    source: &'static str,
    state: &'static str,
    reason: Option<String>,
    at: UtcMs,
}

/// One order.
#[derive(Debug, Serialize)]
pub struct OrderRow {
    id: String,
    state: &'static str,
    total: Worth,
    at: UtcMs,
}

/// One sequence.
#[derive(Debug, Serialize)]
pub struct EnrolmentRow {
    id: String,
    sequence_id: String,
    sequence: String,
    state: String,
    entered_at: UtcMs,
    due_at: Option<UtcMs>,
    why: Option<String>,
}

/// One line of the consent ledger.
#[derive(Debug, Serialize)]
pub struct ConsentRow {
    purpose: String,
    action: &'static str,
    source: &'static str,
    wording: Option<String>,
    at: UtcMs,
}

/// One meeting with a channel.
#[derive(Debug, Serialize)]
pub struct TouchRow {
    at: UtcMs,
    first: bool,
    channel: &'static str,
    source: String,
    campaign: String,
    landing: String,
}

/// Which tab, and from where.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    tab: String,
    before: String,
}

impl ContactPage {
    pub(crate) fn sample() -> Self {
        let worth = Worth { minor: 14_800, currency: "EUR" };
        Self {
            frame: Frame::sample("contacts"),
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            first_name: "Iris".to_owned(),
            last_name: "Calloway".to_owned(),
            status: "confirmed",
            is_test: true,
            is_erased: false,
            no_sales: true,
            less_often: true,
            paused_until: Some(UtcMs(1_797_000_000_000)),
            facts: vec![("Language".to_owned(), None)],
            fields: vec![("garden".to_owned(), "balcony".to_owned())],
            tags: vec!["customer".to_owned()],
            topics: vec!["Newsletter".to_owned()],
            worth: vec![worth.clone()],
            order_count: 2,
            score: Some("41.5".to_owned()),
            tab: "sequences".to_owned(),
            body: Tab::sample(worth),
            more: Some("#".to_owned()),
            may_change: true,
        }
    }
}

impl Tab {
    fn sample(total: Worth) -> Self {
        let at = UtcMs(1_795_200_000_000);
        let text = |text: &str| text.to_owned();
        Self {
            enrolments: vec![EnrolmentRow {
                id: text("enr_0000000000001"),
                sequence_id: text("seq_0000000000001"),
                sequence: text("Welcome"),
                state: text("active"),
                entered_at: at,
                due_at: Some(at),
                why: None,
            }],
            sequences: vec![(text("seq_0000000000002"), text("Spring letter"))],
            orders: vec![OrderRow { id: text("ord_0000000000001"), state: "paid", total, at }],
            score: Some(ScoreTab::sample()),
            ..Self::default()
        }
    }
}

/// The contact, with one tab of what happened.
pub async fn show(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
    Query(asked): Query<Asked>,
) -> Reply {
    let page = page_of(&state, &who, id, asked).await?;
    reply::page("admin/contacts/show.html", page)
}

async fn page_of(
    state: &AppState,
    who: &CurrentOperator,
    id: ContactId,
    asked: Asked,
) -> Result<ContactPage, WebError> {
    let (site, frame, now) = (who.site.clone(), who.frame("contacts"), who.now);
    let may_change = who.present.operator.role.may(Role::Editor);
    let is_newest = asked.before.is_empty();
    let own = site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let contact = store::contacts::find(session, site.id, id)
                .await?
                .ok_or_else(|| EngineError::missing("contact", id))?;
            let mut page = header(session, &site, &contact, frame).await?;
            page.may_change = may_change && !contact.is_erased();
            page.tab = tab_name(&asked.tab).to_owned();
            page.more = fill(session, &site, id, &asked, &mut page.body).await?;
            let score = ScoreTab::of(session, &site, id, now).await?;
            page.score = score.as_ref().map(ScoreTab::points);
            page.body.score = score.filter(|_| page.tab == "score");
            Ok(page)
        })
    });
    let mut page = read.await?;
    if page.tab == "timeline" && is_newest {
        let timeline = &mut page.body.timeline;
        // Of a full page the oldest line says how far back it reaches.
        let since = if page.more.is_some() { timeline.last().map(|line| line.at) } else { None };
        let views = views_of(state, own, id).await?;
        let shown = views.iter().filter(|(at, _)| since.is_none_or(|since| *at >= since));
        timeline.extend(shown.map(|(at, path)| Line::viewed(*at, path)));
        timeline.sort_by_key(|line| std::cmp::Reverse(line.at));
    }
    Ok(page)
}

/// The pages of the last visits that are known to be the contact's.
async fn views_of(
    state: &AppState,
    site: SiteId,
    id: ContactId,
) -> Result<Vec<(UtcMs, String)>, EngineError> {
    state
        .engine
        .views_reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::visits::pages_of(session, site, id, VISITS).await?) })
        })
        .await
}

fn tab_name(asked: &str) -> &'static str {
    ["messages", "orders", "sequences", "consents", "sources", "score"]
        .into_iter()
        .find(|known| *known == asked)
        .unwrap_or("timeline")
}

async fn header(
    session: &mut Session<'_>,
    site: &Site,
    contact: &Contact,
    frame: Frame,
) -> Result<ContactPage, EngineError> {
    let tags = store::tags::of_contact(session, site.id, contact.id).await?;
    let topics = store::topics::of_contact(session, site.id, contact.id).await?;
    let first = OrderId(i64::MAX);
    let orders =
        store::orders::list_of_contact(session, site.id, contact.id, first, ORDERS_MAX).await?;
    let lines = store::consents::list(session, site.id, contact.id).await?;
    let held: Vec<String> = consents::held(&lines).into_iter().map(|(what, _)| what).collect();
    let paid = orders.iter().filter(|order| order.captured_minor > 0).count();
    Ok(ContactPage {
        frame,
        id: contact.id.to_string(),
        name: if contact.is_erased() { "Erased contact".to_owned() } else { contact.name() },
        email: contact.email.clone(),
        first_name: contact.first_name.clone(),
        last_name: contact.last_name.clone(),
        status: contact.status.as_str(),
        is_test: contact.is_test,
        is_erased: contact.is_erased(),
        no_sales: contact.no_sales,
        less_often: contact.less_often,
        paused_until: contact.paused_until,
        facts: facts(site, contact, &held),
        fields: contact.fields.clone().into_iter().collect(),
        tags,
        topics: topics.into_iter().map(|topic| topic.name).collect(),
        worth: worth(&orders),
        order_count: paid,
        score: None,
        tab: String::new(),
        body: Tab::default(),
        more: None,
        may_change: false,
    })
}

fn facts(site: &Site, contact: &Contact, held: &[String]) -> Vec<(String, Option<String>)> {
    let zone =
        contact.timezone.clone().unwrap_or_else(|| format!("{} (the site's)", site.timezone));
    let consent = if held.is_empty() { "none that holds".to_owned() } else { held.join(", ") };
    let fact = |name: &str, value: Option<String>| (name.to_owned(), value);
    vec![
        fact("Consent", Some(consent)),
        fact("Language", contact.language.clone()),
        fact("Time zone", Some(zone)),
        fact("Id elsewhere", contact.external_id.clone()),
    ]
}

/// What came in less what went back, by currency.
fn worth(orders: &[Order]) -> Vec<Worth> {
    let mut sums: Vec<(Currency, i64)> = Vec::new();
    for order in orders.iter().filter(|order| order.captured_minor > 0) {
        let net = order.captured_minor.saturating_sub(order.refunded_minor);
        match sums.iter_mut().find(|(currency, _)| *currency == order.currency) {
            Some((_, sum)) => *sum = sum.saturating_add(net),
            None => sums.push((order.currency, net)),
        }
    }
    sums.into_iter().map(|(currency, minor)| Worth { minor, currency: currency.code() }).collect()
}

/// Fills the tab in view; the address of its next page, if there may be one.
async fn fill(
    session: &mut Session<'_>,
    site: &Site,
    id: ContactId,
    asked: &Asked,
    tab: &mut Tab,
) -> Result<Option<String>, EngineError> {
    let site = site.id;
    let name = tab_name(&asked.tab);
    let mut last = None;
    match name {
        "messages" => {
            let before = asked.before.parse().unwrap_or(MessageId(i64::MAX));
            let found = store::messages::list_of_contact(session, site, id, before, PAGE).await?;
            tab.messages = found.iter().map(message_row).collect();
            last = found.last().map(|message| message.id.to_string()).filter(|_| full(found.len()));
        }
        "orders" => {
            let before = asked.before.parse().unwrap_or(OrderId(i64::MAX));
            let found = store::orders::list_of_contact(session, site, id, before, PAGE).await?;
            tab.orders = found.iter().map(order_row).collect();
            last = found.last().map(|order| order.id.to_string()).filter(|_| full(found.len()));
        }
        "sequences" => {
            tab.enrolments = enrolments(session, site, id).await?;
            let live = store::sequences::live(session, site).await?;
            let open = live.into_iter().map(|one| (one.id.to_string(), one.name));
            let is_new = |(id, _): &(String, String)| {
                !tab.enrolments.iter().any(|row| row.sequence_id == *id)
            };
            tab.sequences = open.filter(is_new).collect();
        }
        "consents" => tab.consents = consent_rows(session, site, id).await?,
        "sources" => {
            let found = store::touches::of_contact(session, site, id, PAGE).await?;
            tab.touches = found.into_iter().map(touch_row).collect();
        }
        "score" => {}
        _ => {
            let before = asked.before.parse().unwrap_or(EventId(i64::MAX));
            let found = store::events::list_of_contact(session, site, id, before, PAGE).await?;
            tab.timeline = found.iter().map(Line::of).collect();
            last = found.last().map(|event| event.id.to_string()).filter(|_| full(found.len()));
        }
    }
    Ok(last.map(|before| format!("/admin/contacts/{id}?tab={name}&before={before}")))
}

fn full(found: usize) -> bool {
    i64::try_from(found).is_ok_and(|found| found == PAGE)
}

fn message_row(message: &store::messages::Message) -> MessageRow {
    MessageRow {
        id: message.id.to_string(),
        class: message.class.as_str(),
        source: message.source_kind.as_str(),
        state: message.state.as_str(),
        reason: message.reason.clone(),
        at: message.accepted_at.unwrap_or(message.next_at),
    }
}

fn order_row(order: &Order) -> OrderRow {
    OrderRow {
        id: order.id.to_string(),
        state: order.state.as_str(),
        total: Worth { minor: order.total_minor, currency: order.currency.code() },
        at: order.paid_at.unwrap_or(order.created_at),
    }
}

async fn enrolments(
    session: &mut Session<'_>,
    site: model::SiteId,
    id: ContactId,
) -> Result<Vec<EnrolmentRow>, EngineError> {
    let mut rows = Vec::new();
    for enrolment in store::enrolments::list_of_contact(session, site, id).await? {
        let sequence = store::sequences::find(session, site, enrolment.sequence_id).await?;
        rows.push(EnrolmentRow {
            id: enrolment.id.to_string(),
            sequence_id: enrolment.sequence_id.to_string(),
            sequence: sequence.map(|sequence| sequence.name).unwrap_or_default(),
            state: enrolment.state,
            entered_at: enrolment.entered_at,
            due_at: enrolment.due_at,
            why: enrolment.ended_why,
        });
    }
    Ok(rows)
}

async fn consent_rows(
    session: &mut Session<'_>,
    site: model::SiteId,
    id: ContactId,
) -> Result<Vec<ConsentRow>, EngineError> {
    let mut rows = Vec::new();
    for line in store::consents::list(session, site, id).await? {
        let wording = match line.wording_id {
            Some(wording) => store::consents::find_wording(session, site, wording).await?,
            None => None,
        };
        rows.push(ConsentRow {
            purpose: line.purpose,
            action: line.action.as_str(),
            source: line.source.as_str(),
            wording: wording.map(|wording| wording.text),
            at: line.at,
        });
    }
    rows.reverse();
    Ok(rows)
}

fn touch_row(stored: model::sources::StoredTouch) -> TouchRow {
    let touch = stored.touch;
    let source = touch.utm.source.or(touch.referrer).unwrap_or_else(|| "–".to_owned());
    let source = match touch.utm.medium {
        Some(medium) => format!("{source} / {medium}"),
        None => source,
    };
    TouchRow {
        at: touch.at,
        first: stored.is_first,
        channel: stored.channel.name(),
        source,
        campaign: touch.utm.campaign.unwrap_or_default(),
        landing: touch.landing,
    }
}

/// The plan of an erasure, before it is done.
#[derive(Debug, Serialize)]
pub struct ErasePage {
    frame: Frame,
    id: String,
    name: String,
    email: String,
    plan: Vec<(String, String)>,
    error: Option<String>,
}

impl ErasePage {
    pub(crate) fn sample() -> Self {
        let plan = vec![("Orders".to_owned(), "2, kept without the name".to_owned())];
        Self {
            frame: Frame::sample("contacts"),
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            plan,
            error: Some("type the address to go on".to_owned()),
        }
    }
}

/// What an erasure would do.
pub async fn erase_plan(
    State(state): State<AppState>,
    who: CurrentOperator,
    Path(id): Path<ContactId>,
) -> Reply {
    who.require(Role::Admin)?;
    reply::page("admin/contacts/erase.html", erase_page(&state, &who, id).await?)
}

pub(super) async fn erase_page(
    state: &AppState,
    who: &CurrentOperator,
    id: ContactId,
) -> Result<ErasePage, WebError> {
    let page = page_of(state, who, id, Asked::default()).await?;
    if page.is_erased {
        return Err(EngineError::missing("contact", id).into());
    }
    let orders = match page.order_count {
        0 => "none".to_owned(),
        count => {
            format!("{count}: kept for the books, with the name and address they were made under")
        }
    };
    let line = |what: &str, does: &str| (what.to_owned(), does.to_owned());
    let plan = vec![
        line("Name, address, fields, tags", "removed now"),
        line("Consents", "withdrawn now; that they were given and withdrawn stays on record"),
        line("Mails", "what was planned is cancelled, what was sent loses its address and text"),
        line("Orders", &orders),
        line("Address", "a keyed hash stays, so that it is never written to by mistake"),
        line("Audit log", "stays: it holds ids only"),
    ];
    let ContactPage { id, name, email, .. } = page;
    Ok(ErasePage { frame: who.frame("contacts"), id, name, email, plan, error: None })
}

impl ErasePage {
    pub(super) fn with_error(self, error: &str) -> Self {
        Self { error: Some(error.to_owned()), ..self }
    }

    pub(super) fn address(&self) -> &str {
        &self.email
    }
}

/// Everything that is known about a contact, as JSON.
pub(super) fn pretty(known: &Value) -> String {
    serde_json::to_string_pretty(known).unwrap_or_default()
}
