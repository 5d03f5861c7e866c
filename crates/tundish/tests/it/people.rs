//! From a stranger's address to a confirmed contact, and away again; what the tests of people
//! share.

mod leaving;
mod lists;
mod opting_in;

use engine::magnets::Gift;
use model::contacts::Contact;
use model::forms::{Delivery, FormSpec};
use model::ids::MessageId;
use serde_json::Value;
use store::StoreError;
use store::messages::Message;
use testkit::{Answer, TestApp};

/// The wording of the test form.
pub const WORDING: &str = "Yes, send me the letters. I can stop them in every mail.";

/// An application with the form `/f/chapter` that gives a file.
pub async fn app() -> TestApp {
    app_with(|_| {}).await
}

/// The same with the form changed.
pub async fn app_with(change: fn(&mut FormSpec)) -> TestApp {
    let app = TestApp::start().await;
    form(&app, "chapter", change).await;
    app
}

/// A form that gives a file.
pub async fn form(app: &TestApp, slug: &str, change: fn(&mut FormSpec)) {
    let (engine, site) = (&app.engine, app.site.id);
    let bytes = b"%PDF-1.4 the first chapter".to_vec();
    let file =
        engine::files::put(engine, site, "chapter.pdf", "application/pdf", bytes).await.unwrap();
    engine::magnets::put(engine, site, "chapter", "The first chapter", Gift::File(file))
        .await
        .unwrap();
    let mut spec = FormSpec::simple("Read the first chapter", WORDING);
    spec.magnet = Some("chapter".to_owned());
    spec.delivery = Delivery::Mail;
    spec.tags = vec!["reader".to_owned()];
    change(&mut spec);
    engine::forms::put(engine, site, slug, "The chapter", spec).await.unwrap();
}

/// Opens the form as a browser does and fills it in as a person does.
pub async fn fill_in(app: &TestApp, form: &str, fields: &[(&str, &str)]) -> Answer {
    let token = token_of(app, form).await;
    app.engine.clock().advance_ms(5_000);
    let mut all = vec![("_t", token.as_str()), ("_website", "")];
    all.extend(fields);
    app.post(&format!("/f/{form}"), &all).await
}

/// The time token of the form's page.
pub async fn token_of(app: &TestApp, form: &str) -> String {
    let page = app.get(&format!("/f/{form}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    after(&page.body, "name=\"_t\" value=\"").to_owned()
}

/// What stands in `text` after `mark`, up to the next quote.
pub fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    let (_, rest) = text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in {text}"));
    rest.split('"').next().unwrap()
}

/// The contact with this address.
pub async fn contact(app: &TestApp, key: &str) -> Option<Contact> {
    let (site, key) = (app.site.id, key.to_owned());
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::contacts::find_by_key(session, site, &key).await })
        })
        .await
        .unwrap()
}

/// The site's messages, newest first.
pub async fn messages(app: &TestApp) -> Vec<Message> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                store::messages::list(session, site, MessageId(i64::MAX), 1_000).await
            })
        })
        .await
        .unwrap()
}

/// The path of a link in the newest message of a kind.
pub async fn path_in(app: &TestApp, name: &str, link: &str) -> String {
    let all = messages(app).await;
    let message = all.iter().find(|m| m.system_name.as_deref() == Some(name));
    let message = message.unwrap_or_else(|| panic!("no {name} among {}", all.len()));
    let context: Value = serde_json::from_str(&message.context).unwrap();
    context[link].as_str().unwrap().strip_prefix(&app.site.base_url).unwrap().to_owned()
}

/// How many messages of a kind there are.
pub async fn count(app: &TestApp, name: &str) -> usize {
    let all = messages(app).await;
    all.iter().filter(|m| m.system_name.as_deref() == Some(name)).count()
}

/// Fills in the form and presses the button of the mail.
pub async fn confirmed(app: &TestApp, address: &str) -> Contact {
    fill_in(app, "chapter", &[("email", address), ("first_name", "Ada")]).await;
    let path = path_in(app, "confirmation", "confirm_url").await;
    assert_eq!(app.post(&path, &[]).await.status, 200);
    contact(app, address).await.unwrap()
}

/// The lines of a contact's consent ledger: purpose, action, source.
pub async fn ledger(app: &TestApp, contact: &Contact) -> Vec<(String, String, String)> {
    let (site, id) = (app.site.id, contact.id);
    let lines = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::consents::list(session, site, id).await })
        })
        .await
        .unwrap();
    lines.into_iter().map(|l| (l.purpose, l.action.to_string(), l.source.to_string())).collect()
}
