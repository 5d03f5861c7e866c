//! Mail (L8, T13, T17, G11): what a message may carry, and when it may not leave.

use engine::templates::{self, Draft};
use engine::{Engine, EngineError, Sending, Transport, sending};
use model::ids::TemplateVersionId;
use model::messages::State;
use model::sending::{SmtpSettings, SmtpTls};
use model::sites::Site;
use store::Db;
use store::messages::Message;
use testkit::TestApp;

use crate::delivery::Rig;
use crate::follow_up::plan;

fn draft(source: &str) -> Draft {
    Draft {
        slug: "t".to_owned(),
        name: "T".to_owned(),
        format: "markdown".to_owned(),
        subject: "Hello {{ contact.first_name }}".to_owned(),
        source: source.to_owned(),
    }
}

/// A template of the site; its version.
async fn template(engine: &Engine, site: &Site, source: &str) -> TemplateVersionId {
    let id = templates::save(engine, site.clone(), None, draft(source)).await.unwrap();
    let (site, reader) = (site.id, engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::templates::find(session, site, id).await?) })
    });
    found.await.unwrap().unwrap().version_id
}

/// Takes in people of a list, with a town each.
async fn people(engine: &Engine, site: &Site, rows: &[(&str, &str, String)]) {
    let mut text = "email,first_name,town\n".to_owned();
    for (email, name, town) in rows {
        text.push_str(&format!("{email},\"{name}\",{town}\n"));
    }
    let plan = engine::imports::Plan { consent: "at the fair".to_owned(), ..Default::default() };
    let bytes = text.into_bytes();
    engine::imports::run(engine, site, "l.csv", bytes, &plan, |_| ()).await.unwrap();
}

async fn messages(engine: &Engine, site: &Site) -> Vec<Message> {
    let (site, reader) = (site.id, engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let last = model::ids::MessageId(i64::MAX);
            Ok(store::messages::list(session, site, last, 100).await?)
        })
    });
    found.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l08_there_is_no_pixel_that_an_open_could_fetch() {
    let app = TestApp::start().await;
    people(&app.engine, &app.site, &[("ada@x.test", "Ada", "Bonn".to_owned())]).await;
    let version =
        template(&app.engine, &app.site, "Hello, [a page]({{ site.base_url }}/p/book).").await;
    plan(&app.engine, &app.site, version, "ada@x.test").await;
    app.run_until_idle().await;
    let mail = app.mail_to("ada@x.test");
    for fetched in ["<img", "background=", "url(", "<link", "@import", "<iframe"] {
        assert!(!mail.html.contains(fetched), "{fetched}: {}", mail.html);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t13_who_a_mail_is_from_never_comes_from_a_contact() {
    let app = TestApp::start().await;
    let name = "Mallory <mallory@evil.example>, x";
    people(
        &app.engine,
        &app.site,
        &[("ada@x.test", name, "\"Bonn\r\nFrom: m@evil.example\"".to_owned())],
    )
    .await;
    let version =
        template(&app.engine, &app.site, "From {{ contact.fields.town | default('afar') }}").await;
    plan(&app.engine, &app.site, version, "ada@x.test").await;
    app.run_until_idle().await;
    let mail = app.mail_to("ada@x.test");
    let from = mail.header("From").unwrap();
    assert!(from.contains("<ada@shop.example>") && !from.contains("evil"), "{from}");
    let head = mail.source.split("\r\n\r\n").next().unwrap();
    assert_eq!(head.lines().filter(|line| line.starts_with("From:")).count(), 1, "{head}");
    for name in ["Sender", "Reply-To", "Return-Path"] {
        assert!(!mail.header(name).unwrap_or_default().contains("evil"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t17_who_a_mail_cannot_be_made_for_is_held_and_the_others_get_theirs() {
    let app = TestApp::start().await;
    let rows = [
        ("ada@x.test", "Ada", "Bonn".to_owned()),
        ("bo@x.test", "Bo", "x".repeat(400)),
        ("cy@x.test", "Cy", "Ulm".to_owned()),
    ];
    people(&app.engine, &app.site, &rows).await;
    let long = "y".repeat(300);
    let source =
        format!("Near {{{{ contact.fields.town | default('') | replace('x', '{long}') }}}}.");
    let version = template(&app.engine, &app.site, &source).await;
    for (email, ..) in &rows {
        plan(&app.engine, &app.site, version, email).await;
    }
    app.run_until_idle().await;
    for message in messages(&app.engine, &app.site).await {
        let why = message.reason.clone().unwrap_or_default();
        if message.to_address == "bo@x.test" {
            assert_eq!(message.state, State::Held, "{why}");
            assert!(why.contains("64 kB"), "{why}");
        } else {
            assert_eq!(message.state, State::Accepted, "{why}");
        }
    }
    assert!(app.mail_to("cy@x.test").text.contains("Near Ulm."));
}

testkit::both!(
    g11_marketing_mail_does_not_leave_unsigned_unless_somebody_typed_that_it_may,
    unsigned
);

async fn unsigned(db: Db) {
    let settings = SmtpSettings {
        // Not this machine; it is never spoken to.
        host: "192.0.2.1".to_owned(),
        port: 587,
        tls: SmtpTls::Starttls,
        username: String::new(),
        password_sealed: String::new(),
        connections: 1,
        per_second: 0,
        relay_signs: false,
    };
    let relay = Transport::smtp(&settings, String::new(), "shop.example");
    let Rig { engine, site, .. } = &Rig::new(db, Sending::by(relay)).await;
    people(engine, site, &[("ada@x.test", "Ada", "Bonn".to_owned())]).await;
    let version = template(engine, site, "Hello").await;
    let why = sending::status(engine, site.id).await.unwrap().marketing_blocked;
    assert!(why.unwrap().contains("make a DKIM key"));
    plan(engine, site, version, "ada@x.test").await;
    engine::deliver::drain(engine).await.unwrap();
    let held = &messages(engine, site).await[0];
    assert_eq!(held.state, State::Held, "{held:?}");
    assert!(held.reason.as_ref().unwrap().starts_with("unsigned"), "{held:?}");

    let words = sending::UNSIGNED_WORDS;
    let wrong = sending::allow_unsigned(engine, site, "ada", "yes").await.unwrap_err();
    assert!(wrong.to_string().contains(words), "{wrong}");
    assert_eq!(messages(engine, site).await[0].state, State::Held);
    sending::allow_unsigned(engine, site, "ada", words).await.unwrap();
    assert_eq!(messages(engine, site).await[0].state, State::Queued);
    let status = sending::status(engine, site.id).await.unwrap();
    assert_eq!(status.marketing_blocked, None);
}
