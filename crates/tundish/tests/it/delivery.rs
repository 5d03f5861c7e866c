//! The ledger and the wire: what is written when, and what a crash at any point leaves.

mod crashes;
mod late;
mod nodes;
mod others;
mod wire;

use engine::messages::{Content, NewMessage};
use engine::{Clock, Engine, EngineError, Parts, Rng, Sending, Transport};
use model::contacts::Contact;
use model::ids::ContactId;
use model::messages::{Class, SourceKind};
use model::sending::{SmtpSettings, SmtpTls};
use model::sites::Site;
use model::{EmailAddr, UtcMs};
use store::Db;
use store::messages::{Attempt, Message};
use tempfile::TempDir;
use testkit::START;

/// An installation over `db` that can be started again, as after a crash.
pub struct Rig {
    pub engine: Engine,
    pub site: Site,
    db: Db,
    views: Db,
    sending: Sending,
    dir: TempDir,
}

pub fn smtp_to(port: u16, connections: u16) -> Sending {
    let settings = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        tls: SmtpTls::None,
        username: String::new(),
        password_sealed: String::new(),
        connections,
        per_second: 0,
        relay_signs: false,
    };
    Sending::by(Transport::smtp(&settings, String::new(), "shop.example"))
}

impl Rig {
    pub async fn new(db: Db, sending: Sending) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let views = format!("sqlite:{}", dir.path().join("views.db").display());
        let views = Db::connect(&views, store::Options::views()).await.unwrap();
        let engine = start(&db, &views, &sending, &dir, "test", START).await;
        let mut site = testkit::site();
        site.id = engine::sites::put(&engine, site.clone(), Vec::new()).await.unwrap();
        Self { engine, site, db, views, sending, dir }
    }

    /// The process is gone; another begins on what stands in the database.
    pub async fn restart(&mut self) {
        let now = self.engine.now();
        self.engine = start(&self.db, &self.views, &self.sending, &self.dir, "test", now).await;
        engine::deliver::take_up(&self.engine).await.unwrap();
    }

    /// Another node on the same database.
    pub async fn other_node(&self) -> Engine {
        let now = self.engine.now();
        start(&self.db, &self.views, &self.sending, &self.dir, "other", now).await
    }

    /// Plans a confirmation to `to`.
    pub async fn plan(&self, to: &str) {
        self.plan_as(to, Class::Transactional).await;
    }

    pub async fn plan_as(&self, to: &str, class: Class) {
        let new = NewMessage {
            contact_id: None,
            to: EmailAddr::parse(to).unwrap(),
            class,
            source_kind: SourceKind::Confirmation,
            source_id: 7,
            enrolment_id: None,
            dedupe_key: format!("doi:{to}"),
            content: Content::System {
                name: "confirmation",
                context: serde_json::json!({ "confirm_url": "https://shop.example/confirm/x" }),
            },
            not_before: None,
            expires_at: None,
        };
        engine::messages::enqueue(&self.engine, self.site.clone(), new).await.unwrap();
    }

    /// A contact with this address.
    pub async fn contact(&self, email: &str) -> ContactId {
        let (engine, site) = (self.engine.clone(), self.site.clone());
        let email = EmailAddr::parse(email).unwrap();
        let made = self.db.write::<_, EngineError, _>(move |tx| {
            Box::pin(async move {
                let now = engine.now();
                engine::contacts::find_or_create(&engine, tx, &site, &email, now).await
            })
        });
        made.await.unwrap().id
    }

    /// Plans one more confirmation to a contact.
    pub async fn plan_to(&self, contact: ContactId, to: &str) {
        let new = NewMessage {
            contact_id: Some(contact),
            to: EmailAddr::parse(to).unwrap(),
            class: Class::Transactional,
            source_kind: SourceKind::Confirmation,
            source_id: 7,
            enrolment_id: None,
            dedupe_key: format!("doi:{to}:{}", self.engine.next_id()),
            content: Content::System {
                name: "confirmation",
                context: serde_json::json!({ "confirm_url": "https://shop.example/confirm/x" }),
            },
            not_before: None,
            expires_at: None,
        };
        engine::messages::enqueue(&self.engine, self.site.clone(), new).await.unwrap().unwrap();
    }

    /// How a contact stands.
    pub async fn stands(&self, contact: ContactId) -> Contact {
        let site = self.site.id;
        self.engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::contacts::find(session, site, contact).await?) })
            })
            .await
            .unwrap()
            .unwrap()
    }

    /// What happened to a contact's mail, but that it was planned.
    pub async fn happened(&self, contact: ContactId) -> Vec<String> {
        let (site, newest) = (self.site.id, model::ids::EventId(i64::MAX));
        let events = self
            .engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let all = store::events::list_of_contact(session, site, contact, newest, 100);
                    Ok(all.await?)
                })
            })
            .await
            .unwrap();
        let kinds = events.into_iter().map(|event| event.kind);
        kinds.filter(|kind| kind.starts_with("message.") && kind != "message.queued").collect()
    }

    pub async fn messages(&self) -> Vec<Message> {
        let site = self.site.id;
        let before = model::ids::MessageId(i64::MAX);
        let mut all = self
            .engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(
                    async move { Ok(store::messages::list(session, site, before, 1_000).await?) },
                )
            })
            .await
            .unwrap();
        all.reverse();
        all
    }

    pub async fn attempts(&self, message: &Message) -> Vec<Attempt> {
        let (site, id) = (message.site_id, message.id);
        self.engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move { Ok(store::messages::attempts(session, site, id).await?) })
            })
            .await
            .unwrap()
    }

    /// Moves the clock on and lets every wait that is over be over.
    pub async fn advance_ms(&self, ms: i64) {
        self.engine.clock().advance_ms(ms);
        while engine::deliver::sweep(&self.engine).await.unwrap() > 0 {}
    }
}

async fn start(
    db: &Db,
    views: &Db,
    sending: &Sending,
    dir: &TempDir,
    node: &str,
    now: UtcMs,
) -> Engine {
    let parts = Parts {
        db: db.clone(),
        views: views.clone(),
        clock: Clock::fake(now),
        rng: Rng::seeded(1),
        master_key: [7; 32],
        previous_keys: Vec::new(),
        data_dir: dir.path().to_owned(),
        node_name: node.to_owned(),
        sending: sending.clone(),
    };
    Engine::start(parts).await.unwrap()
}
