//! From a frozen message to its final bytes: rendered, composed, signed. The same row gives the
//! same bytes, today and after a crash.

use std::sync::Arc;

use mail::compose::{Automation, FeedbackId, ListId, ListUnsubscribe};
use mail::dkim::Signer;
use mail::smtp::Envelope;
use mail::{Letter, Mailbox, compose_signed};
use model::ids::{ContactId, MessageId, to_base32};
use model::messages::{Class, SourceKind};
use model::sites::Site;
use model::tokens::Purpose;
use model::{EmailAddr, UtcMs};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::also_bought;
use crate::engine::Engine;
use crate::links;
use crate::mails;
use crate::render::{Compiled, Rendered};

/// The name under which templates find the address to unsubscribe at.
const UNSUBSCRIBE: &str = "unsubscribe_url";

/// What a message says and to whom, as its row has kept it.
#[derive(Debug, Clone)]
pub(crate) struct Frozen {
    pub id: MessageId,
    pub class: Class,
    pub source_kind: SourceKind,
    pub source_id: i64,
    pub contact_id: Option<ContactId>,
    pub to_address: String,
    pub system_name: Option<String>,
    pub context: String,
    pub message_id: String,
    pub date_at: UtcMs,
}

/// Who writes, and with which keys: one a site.
#[derive(Debug)]
pub(crate) struct Sender {
    pub site: Site,
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    pub signers: Vec<Signer>,
    site_view: Value,
}

/// A mail ready for the wire.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub bytes: Vec<u8>,
    pub envelope: Envelope,
    pub sha256: String,
}

impl Sender {
    /// The sender of `site`; fails where its address is none.
    pub fn new(site: Site, signers: Vec<Signer>) -> Result<Self, String> {
        let address = |text: &str| {
            EmailAddr::parse(text)
                .map_err(|e| format!("the site's address {text} cannot send: {}", e.message))
        };
        let from = Mailbox::named(site.sender_name.clone(), address(&site.sender_address)?);
        let reply_to = match &site.reply_to {
            None => None,
            Some(text) => Some(Mailbox::bare(address(text)?)),
        };
        let site_view = mails::site_view(&site);
        Ok(Self { site, from, reply_to, signers, site_view })
    }

    /// What the templates of a message see.
    pub fn context(&self, engine: &Engine, frozen: &Frozen, links: usize) -> Result<Value, String> {
        let mut context: Map<String, Value> = serde_json::from_str(&frozen.context)
            .map_err(|e| format!("what was kept of the message cannot be read: {e}"))?;
        context.insert("site".to_owned(), self.site_view.clone());
        context.insert("language".to_owned(), json!(self.site.language));
        if frozen.class.needs_unsubscribe() {
            let url = links::unsubscribe_url(engine, &self.site, frozen.id);
            context.insert(UNSUBSCRIBE.to_owned(), json!(url));
            context.entry("why").or_insert_with(|| {
                json!(format!("You get this mail because you signed up at {}.", self.site.name))
            });
            let url = match frozen.contact_id {
                Some(contact) => links::preferences_url(engine, &self.site, contact),
                None => self.site.url("/"),
            };
            context.insert("preferences_url".to_owned(), json!(url));
        }
        if frozen.system_name.is_none() {
            // Not composed yet: looked at before anybody worked out what it suggests.
            context.entry(also_bought::mails::NAME).or_insert_with(|| json!([]));
        }
        if links > 0 {
            let tracked = (0..u16::try_from(links).unwrap_or(u16::MAX)).map(|position| {
                let token = engine.keys().sign(Purpose::Click, frozen.id.0, position);
                Value::String(self.site.url(&format!("/l/{token}")))
            });
            context.insert("links".to_owned(), tracked.collect());
        }
        Ok(Value::Object(context))
    }

    /// The words of a message.
    pub fn render(
        &self,
        engine: &Engine,
        frozen: &Frozen,
        compiled: Option<&Arc<Compiled>>,
    ) -> Result<Rendered, String> {
        let links = compiled.map_or(0, |compiled| compiled.links());
        words(frozen, compiled, &self.context(engine, frozen, links)?)
    }

    /// The subject alone.
    pub fn subject(
        &self,
        engine: &Engine,
        frozen: &Frozen,
        compiled: Option<&Arc<Compiled>>,
    ) -> Result<String, String> {
        let context = self.context(engine, frozen, 0)?;
        let rendered = match (compiled, &frozen.system_name) {
            (Some(compiled), _) => compiled.subject(&context),
            (None, Some(name)) => mails::subject(name, &context),
            (None, None) => return Err("the message has lost its template".to_owned()),
        };
        rendered.map_err(|error| format!("the template does not render: {error}"))
    }

    /// The bytes of a message.
    pub fn seal(
        &self,
        engine: &Engine,
        frozen: &Frozen,
        compiled: Option<&Arc<Compiled>>,
    ) -> Result<Sealed, String> {
        let links = compiled.map_or(0, |compiled| compiled.links());
        let context = self.context(engine, frozen, links)?;
        let Rendered { subject, plain, html } = words(frozen, compiled, &context)?;
        let to = EmailAddr::parse(&frozen.to_address).map_err(|e| e.message)?;
        let marketing = frozen.class.needs_unsubscribe();
        // The header and the foot say the same address.
        let unsubscribe = context.get(UNSUBSCRIBE).and_then(Value::as_str).filter(|_| marketing);
        let letter = Letter {
            from: self.from.clone(),
            to: Mailbox::bare(to),
            reply_to: self.reply_to.clone(),
            subject,
            text: plain,
            html: Some(html),
            message_id: frozen.message_id.clone(),
            date: frozen.date_at,
            list_unsubscribe: unsubscribe
                .map(|url| ListUnsubscribe { url: url.to_owned(), mailto: None }),
            list_id: marketing.then(|| self.list_id()),
            feedback_id: marketing.then(|| self.feedback_id(frozen)),
            automation: if marketing { Automation::Mailing } else { Automation::Generated },
            envelope_from: Some(self.from.address.clone()),
        };
        let signers: Vec<&Signer> = self.signers.iter().collect();
        let bytes = compose_signed(&letter, &signers).map_err(|e| e.message)?;
        let envelope = letter.envelope(&bytes);
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
        Ok(Sealed { bytes, envelope, sha256 })
    }

    fn list_id(&self) -> ListId {
        let id = format!("{}.{}", self.site.slug, self.site.sender_domain());
        ListId { name: self.site.name.clone(), id }
    }

    fn feedback_id(&self, frozen: &Frozen) -> FeedbackId {
        FeedbackId {
            campaign: format!("{}-{}", frozen.source_kind, to_base32(frozen.source_id)),
            list: frozen.class.to_string(),
            account: self.site.slug.clone(),
        }
    }
}

fn words(
    frozen: &Frozen,
    compiled: Option<&Arc<Compiled>>,
    context: &Value,
) -> Result<Rendered, String> {
    let rendered = match (compiled, &frozen.system_name) {
        (Some(compiled), _) => compiled.render(context),
        (None, Some(name)) => mails::render(name, context),
        (None, None) => return Err("the message has lost its template".to_owned()),
    };
    rendered.map_err(|error| format!("the template does not render: {error}"))
}
