//! `/admin/sending`: how the site's mail leaves: its server, its keys, what is held back.

use axum::extract::State;
use axum_extra::extract::Form;
use engine::guard::{self, Choice};
use engine::sending::{self, Smtp, Status, UNSIGNED_WORDS};
use model::messages::Class;
use model::operators::Role;
use model::sending::SmtpTls;
use model::sites::Site;
use model::{EmailAddr, Refused};
use serde::{Deserialize, Serialize};

use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::forms::{FieldError, to_mend};
use crate::frame::Frame;
use crate::plain;
use crate::reply::{self, Reply};
use crate::state::AppState;

const PATH: &str = "/admin/sending";
const TEMPLATE: &str = "admin/sending/show.html";

/// How mail leaves.
#[derive(Debug, Serialize)]
pub struct SendingPage {
    frame: Frame,
    status: StatusView,
    /// Whether they may say that sending goes on.
    may_open: bool,
    form: SmtpForm,
    has_password: bool,
    keys: Vec<KeyRow>,
    selector: String,
    domain: String,
    unsigned_by: Option<String>,
    unsigned_words: &'static str,
    test_to: String,
    /// Classes of mail, and whether a doubtful one of it is held for a person.
    classes: Vec<(&'static str, String, bool)>,
    errors: Vec<FieldError>,
}

/// How it stands.
#[derive(Debug, Serialize)]
pub struct StatusView {
    relay: String,
    is_caught: bool,
    is_fixed: bool,
    paused: Option<String>,
    marketing_blocked: Option<String>,
    held: Option<String>,
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        Self {
            relay: status.relay,
            is_caught: status.is_caught,
            is_fixed: status.is_fixed,
            paused: status.paused,
            marketing_blocked: status.marketing_blocked,
            held: status.held,
        }
    }
}

/// A signing key and its DNS record.
#[derive(Debug, Serialize)]
pub struct KeyRow {
    selector: String,
    kind: String,
    name: String,
    record: String,
}

/// The mail server, as typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct SmtpForm {
    host: String,
    port: String,
    tls: String,
    username: String,
    #[serde(skip_serializing)]
    password: String,
    connections: String,
    per_second: String,
    relay_signs: Option<String>,
}

impl Default for SmtpForm {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: "587".to_owned(),
            tls: "starttls".to_owned(),
            username: String::new(),
            password: String::new(),
            connections: "10".to_owned(),
            per_second: "0".to_owned(),
            relay_signs: None,
        }
    }
}

impl SmtpForm {
    fn of(site: &Site) -> Self {
        let Some(smtp) = &site.settings.sending.smtp else { return Self::default() };
        Self {
            host: smtp.host.clone(),
            port: smtp.port.to_string(),
            tls: smtp.tls.to_string(),
            username: smtp.username.clone(),
            password: String::new(),
            connections: smtp.connections.to_string(),
            per_second: smtp.per_second.to_string(),
            relay_signs: smtp.relay_signs.then(|| "on".to_owned()),
        }
    }

    fn read(&self) -> Result<Smtp, Refused> {
        let number = |text: &str, field: &'static str| {
            let message = "write a whole number";
            text.trim().parse::<u16>().map_err(|_| Refused::new("number", message).at(field))
        };
        Ok(Smtp {
            host: self.host.clone(),
            port: number(&self.port, "port")?,
            tls: SmtpTls::parse(&self.tls).map_err(|e| e.at("tls"))?,
            username: self.username.clone(),
            password: Some(self.password.clone()).filter(|password| !password.is_empty()),
            connections: number(&self.connections, "connections")?,
            per_second: number(&self.per_second, "per_second")?.into(),
            relay_signs: self.relay_signs.is_some(),
        })
    }
}

impl SendingPage {
    pub(crate) fn sample() -> Self {
        Self {
            frame: Frame::sample("sending"),
            status: StatusView {
                relay: "caught".to_owned(),
                is_caught: true,
                is_fixed: false,
                paused: Some("the server answered the login with 535 5.7.8".to_owned()),
                marketing_blocked: Some("unsigned: make a DKIM key first".to_owned()),
                held: Some("the data was restored".to_owned()),
            },
            may_open: true,
            form: SmtpForm::default(),
            has_password: true,
            keys: vec![KeyRow {
                selector: "s2026".to_owned(),
                kind: "rsa".to_owned(),
                name: "s2026._domainkey.shop.example".to_owned(),
                record: "v=DKIM1; k=rsa; p=MIIB".to_owned(),
            }],
            selector: "s2027".to_owned(),
            domain: "shop.example".to_owned(),
            unsigned_by: None,
            unsigned_words: UNSIGNED_WORDS,
            test_to: "owner@shop.example".to_owned(),
            classes: vec![("sales", "sales".to_owned(), true)],
            errors: vec![FieldError::new("host", "give the name of the mail server")],
        }
    }

    async fn of(state: &AppState, who: &CurrentOperator) -> Result<Self, WebError> {
        let status = sending::status(&state.engine, who.site.id).await?;
        let settings = &who.site.settings.sending;
        let keys = settings.dkim.iter().map(|key| KeyRow {
            selector: key.selector.clone(),
            kind: key.kind.clone(),
            name: format!("{}._domainkey.{}", key.selector, key.domain),
            record: key.record.clone(),
        });
        Ok(Self {
            frame: who.frame("sending"),
            status: status.into(),
            may_open: who.present.operator.role.may(Role::Owner),
            form: SmtpForm::of(&who.site),
            has_password: settings.smtp.as_ref().is_some_and(|s| !s.password_sealed.is_empty()),
            keys: keys.collect(),
            selector: format!("s{}", settings.dkim.len() + 1),
            domain: who.site.sender_domain().to_owned(),
            unsigned_by: settings.unsigned_allowed.as_ref().map(|allowed| allowed.by.clone()),
            unsigned_words: UNSIGNED_WORDS,
            test_to: who.present.operator.email.clone(),
            classes: classes(&settings.unknown_hold),
            errors: Vec::new(),
        })
    }
}

fn classes(held: &[Class]) -> Vec<(&'static str, String, bool)> {
    let one = |class: &Class| {
        let name = plain::plain(Some(class.to_string()));
        (class.as_str(), name, held.contains(class))
    };
    Class::ALL.iter().map(one).collect()
}

/// How it stands.
pub async fn show(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    reply::page("admin/sending/show.html", SendingPage::of(&state, &who).await?)
}

/// Sets the mail server.
pub async fn update(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<SmtpForm>,
) -> Reply {
    who.require(Role::Admin)?;
    let done = match form.read() {
        Ok(smtp) => sending::set_smtp(&who.engine(&state), &who.site, smtp).await,
        Err(refused) => Err(refused.into()),
    };
    match done {
        Ok(()) => Ok(reply::done(PATH, "The mail server is set. Send yourself a test.")),
        Err(error) => {
            let page = again(&state, &who, error).await?;
            reply::again(TEMPLATE, SendingPage { form, ..page })
        }
    }
}

async fn again(
    state: &AppState,
    who: &CurrentOperator,
    error: engine::EngineError,
) -> Result<SendingPage, WebError> {
    let errors = to_mend(error)?;
    Ok(SendingPage { errors, ..SendingPage::of(state, who).await? })
}

/// What else can be done here: one word, and what was typed beside it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActForm {
    act: String,
    selector: String,
    kind: String,
    typed: String,
    to: String,
    classes: Vec<Class>,
}

/// Keys, tests, the guard.
pub async fn act(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(form): Form<ActForm>,
) -> Reply {
    // The guard holds the mail of every site, so it is the owner's.
    let of_all = matches!(form.act.as_str(), "continue" | "sent-before" | "copy");
    who.require(if of_all { Role::Owner } else { Role::Admin })?;
    let (engine, site) = (&who.engine(&state), &who.site);
    let by = &who.present.operator.email;
    let done = match form.act.as_str() {
        "caught" => sending::remove_smtp(engine, site).await.map(|()| "Mail is caught again."),
        "try" => sending::try_smtp(engine, site.id).await.map(|()| "The server can be used."),
        "dkim" => {
            let made = sending::make_dkim(engine, site, &form.selector, &form.kind).await;
            made.map(|()| "The key is made and signs from now on. Publish its record.")
        }
        "dkim-off" => {
            let gone = sending::remove_dkim(engine, site, &form.selector).await;
            gone.map(|()| "The key is gone.")
        }
        "unsigned" => {
            let allowed = sending::allow_unsigned(engine, site, by, &form.typed).await;
            allowed.map(|()| "Marketing mail may leave unsigned.")
        }
        "signed" => {
            sending::forbid_unsigned(engine, site).await.map(|()| "Marketing mail must be signed.")
        }
        "doubtful" => {
            let held = sending::hold_unknown(engine, site, form.classes.clone()).await;
            held.map(|()| "Saved. It holds for messages that become doubtful from now on.")
        }
        "test" => test(&state, &who, &form.to).await.map(|()| "The test is on its way."),
        "continue" => guard::choose(engine, Choice::Continue).await.map(|()| "Sending goes on."),
        "sent-before" => {
            let before = Choice::SentBefore(engine.now());
            guard::choose(engine, before).await.map(|()| "What was due counts as sent.")
        }
        "copy" => guard::choose(engine, Choice::Copy).await.map(|()| "This copy never sends."),
        _ => return Err(WebError::NotFound),
    };
    match done {
        Ok(said) => Ok(reply::done(PATH, said)),
        Err(error) => {
            let mut page = again(&state, &who, error).await?;
            // What was typed beside the button stays.
            match form.act.as_str() {
                "test" => page.test_to = form.to,
                "dkim" => page.selector = form.selector,
                _ => {}
            }
            reply::again(TEMPLATE, page)
        }
    }
}

async fn test(
    state: &AppState,
    who: &CurrentOperator,
    to: &str,
) -> Result<(), engine::EngineError> {
    let to = EmailAddr::parse(to).map_err(|e| e.at("to"))?;
    sending::send_test(&who.engine(state), who.site.clone(), to).await.map(drop)
}
