//! Sequences, caps and clicks: from a confirmed address to the mails that follow it.

mod deadlines;

use axum::body::Body;
use engine::care::{self, Forward, Switch};
use engine::messages::{Content, NewMessage};
use engine::opt_in::Answer;
use engine::sequences::{self, Follow};
use engine::templates;
use engine::{Engine, EngineError, confirmations, forms, opt_in};
use model::EmailAddr;
use model::audits::Actor;
use model::clicks::VERDICT_WAIT_MS;
use model::forms::FormSpec;
use model::ids::{ContactId, FormId, MessageId, SequenceId, StepId, TemplateId, TemplateVersionId};
use model::messages::{Class, SourceKind, State};
use model::operators::Role;
use model::sequences::{Exit, Step, StepKind, Version, ZoneOf};
use model::sites::Site;
use model::sources::Touch;
use model::times::{DAY_MS, HOUR_MS, MINUTE_MS};
use model::triggers::Trigger;
use store::messages::Message;
use testkit::TestApp;

pub const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/122.0.0.0 Safari/537.36";

/// A form for the newsletter, which the test sequence starts on.
pub async fn form(app: &TestApp) -> FormId {
    let spec: FormSpec = serde_json::from_value(serde_json::json!({
        "title": "News",
        "consent": "Send me the newsletter",
        "fields": [{ "key": "email", "label": "E-mail", "kind": "email", "required": true }],
    }))
    .unwrap();
    forms::put(&app.engine, app.site.id, "news", "News", spec).await.unwrap()
}

/// Someone leaves an address and confirms it.
pub async fn confirmed(app: &TestApp, email: &str) -> ContactId {
    let form = forms::live(&app.engine, app.site.id, "news").await.unwrap();
    let answer = Answer {
        pairs: vec![("email".to_owned(), email.to_owned())],
        touch: Touch { at: app.engine.now(), ..Touch::default() },
        suspicion: None,
    };
    opt_in::submit(&app.engine, app.site.clone().into(), form, answer).await.unwrap();
    app.run_until_idle().await;
    let path = app.mail_to(email).path("/confirm/");
    let token = path.rsplit('/').next().unwrap();
    let confirmations::Standing::Open(asked) =
        confirmations::look(&app.engine, &app.site, token).await.unwrap()
    else {
        panic!("the link is open")
    };
    confirmations::confirm(&app.engine, &app.site, asked.confirmation.id).await.unwrap();
    asked.contact.id
}

/// A template.
pub async fn template(app: &TestApp, slug: &str, source: &str) -> TemplateId {
    let draft = templates::Draft {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        format: "markdown".to_owned(),
        subject: format!("Mail {slug}"),
        source: source.to_owned(),
    };
    templates::save(&app.engine, app.site.clone(), None, draft).await.unwrap()
}

/// A mail of a sequence.
pub fn step(id: i64, wait: &str, template: TemplateId, class: Class) -> Step {
    Step {
        id: StepId(id),
        wait: wait.parse().unwrap(),
        window: None,
        weekly: None,
        kind: StepKind::Mail { template, class },
    }
}

/// A sequence, live.
pub async fn sequence(app: &TestApp, starts_on: Trigger, steps: Vec<Step>) -> SequenceId {
    let name = "Welcome".to_owned();
    let id = sequences::create(&app.engine, &app.site, "welcome".into(), name).await.unwrap();
    edit(app, id, 1, starts_on, steps, Vec::new()).await;
    sequences::publish(&app.engine, app.site.clone(), id, Follow::NewOnly).await.unwrap();
    id
}

async fn edit(
    app: &TestApp,
    id: SequenceId,
    revision: i64,
    starts_on: Trigger,
    steps: Vec<Step>,
    exits: Vec<Exit>,
) {
    let draft = sequences::Draft {
        slug: "welcome".to_owned(),
        name: "Welcome".to_owned(),
        starts_on,
        steps: Version { zone_of: ZoneOf::Contact, steps, exits },
    };
    sequences::save(&app.engine, app.site.id, id, revision, draft).await.unwrap();
}

/// Plans a mail of value to a contact.
pub async fn plan(engine: &Engine, site: &Site, version: TemplateVersionId, email: &str) {
    let (id, key, reader) = (site.id, EmailAddr::parse(email).unwrap().key(), engine.reader());
    let found = reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::contacts::find_by_key(session, id, &key).await?) })
    });
    let contact = found.await.unwrap().unwrap();
    let new = NewMessage {
        contact_id: Some(contact.id),
        to: EmailAddr::parse(email).unwrap(),
        class: Class::Value,
        source_kind: SourceKind::Broadcast,
        source_id: 1,
        enrolment_id: None,
        dedupe_key: format!("one:{email}"),
        content: Content::Template { version, extra: serde_json::json!({ "why": "You asked." }) },
        not_before: None,
        expires_at: None,
    };
    engine::messages::enqueue(engine, site.clone(), new).await.unwrap().unwrap();
}

/// The messages to a contact, oldest first.
pub async fn messages(app: &TestApp, contact: ContactId) -> Vec<Message> {
    let site = app.site.id;
    let before = MessageId(i64::MAX);
    let mut all = app
        .engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::messages::list_of_contact(session, site, contact, before, 100).await?)
            })
        })
        .await
        .unwrap();
    all.reverse();
    all
}

fn subjects(app: &TestApp) -> Vec<String> {
    let mails = app.mails().into_iter();
    mails.filter(|mail| mail.subject.starts_with("Mail ")).map(|mail| mail.subject).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmed_contact_gets_each_step_once_and_in_time() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let (one, two) =
        (template(&app, "one", "First.").await, template(&app, "two", "Second.").await);
    let steps = vec![
        step(1, "0 minutes", one, Class::Promised),
        step(2, "2 days", two, Class::Value),
        Step {
            id: StepId(3),
            kind: StepKind::Tag { tag: "welcomed".into() },
            ..step(3, "1 hour", one, Class::Value)
        },
    ];
    sequence(&app, Trigger::FormConfirmed(form), steps).await;
    let contact = confirmed(&app, "ada@example.com").await;
    assert!(subjects(&app).is_empty());
    app.run_until_idle().await;
    assert_eq!(subjects(&app), ["Mail one"]);
    app.advance_ms(DAY_MS).await;
    assert_eq!(subjects(&app).len(), 1);
    app.advance_ms(DAY_MS).await;
    app.advance_ms(2 * HOUR_MS).await;
    app.advance_ms(30 * DAY_MS).await;
    assert_eq!(subjects(&app), ["Mail one", "Mail two"]);
    let mail = app.mail_to("ada@example.com");
    assert!(mail.header("List-Unsubscribe").unwrap().contains("/u/"), "{}", mail.source);
    assert!(mail.header("List-Id").is_some() && mail.header("Feedback-ID").is_some());
    let states: Vec<State> = messages(&app, contact).await.iter().map(|m| m.state).collect();
    assert_eq!(states, [State::Accepted; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unconfirmed_contact_gets_no_sequence_mail() {
    let app = TestApp::start().await;
    let form_id = form(&app).await;
    let one = template(&app, "one", "First.").await;
    sequence(&app, Trigger::FormConfirmed(form_id), vec![step(1, "0 minutes", one, Class::Value)])
        .await;
    let form = forms::live(&app.engine, app.site.id, "news").await.unwrap();
    let answer = Answer {
        pairs: vec![("email".to_owned(), "shy@example.com".to_owned())],
        touch: Touch::default(),
        suspicion: None,
    };
    opt_in::submit(&app.engine, app.site.clone().into(), form, answer).await.unwrap();
    app.advance_ms(10 * DAY_MS).await;
    assert!(subjects(&app).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sales_mail_in_a_week_is_put_off_with_its_reason() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let (one, two) =
        (template(&app, "one", "Buy.").await, template(&app, "two", "Buy more.").await);
    let steps =
        vec![step(1, "0 minutes", one, Class::Sales), step(2, "1 day", two, Class::BackEnd)];
    sequence(&app, Trigger::FormConfirmed(form), steps).await;
    let contact = confirmed(&app, "ada@example.com").await;
    app.run_until_idle().await;
    app.advance_ms(DAY_MS).await;
    assert_eq!(subjects(&app), ["Mail one"]);
    let put_off = messages(&app, contact).await.pop().unwrap();
    assert_eq!(put_off.state, State::Planned);
    assert!(put_off.reason.as_ref().unwrap().starts_with("cap:"), "{put_off:?}");
    let first = messages(&app, contact).await[1].accepted_at.unwrap();
    assert_eq!(put_off.next_at.since_ms(first), 7 * DAY_MS);
    app.advance_ms(7 * DAY_MS).await;
    assert_eq!(subjects(&app), ["Mail one", "Mail two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l14_who_unsubscribes_gets_nothing_that_was_still_to_leave() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let one = template(&app, "one", "First.").await;
    let steps = vec![step(1, "0 minutes", one, Class::Value), step(2, "1 day", one, Class::Value)];
    sequence(&app, Trigger::FormConfirmed(form), steps).await;
    let contact = confirmed(&app, "ada@example.com").await;
    app.run_until_idle().await;
    let header = app.mail_to("ada@example.com").header("List-Unsubscribe").unwrap();
    let token = header.split("/u/").nth(1).unwrap().split('>').next().unwrap().to_owned();
    let answer = app.post(&format!("/u/{token}"), &[("List-Unsubscribe", "One-Click")]).await;
    assert_eq!(answer.status, 200);
    app.advance_ms(3 * DAY_MS).await;
    assert_eq!(subjects(&app), ["Mail one"]);
    let last = messages(&app, contact).await.pop().unwrap();
    assert!(last.state == State::Accepted || last.state.is_skipped(), "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_contact_is_carried_forward_without_touching_the_clock() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let one = template(&app, "one", "First.").await;
    let steps = vec![step(1, "5 days", one, Class::Sales), step(2, "5 days", one, Class::Sales)];
    sequence(&app, Trigger::FormConfirmed(form), steps).await;
    let contact = confirmed(&app, "ada@example.com").await;
    let (engine, site) = (&app.engine, app.site.id);
    let forward = async || care::forward(engine, Actor::Console, site, contact, Forward::All).await;
    assert!(forward().await.is_err(), "what others were promised keeps its time");
    care::switch(engine, Actor::Console, site, contact, Switch::Test(true)).await.unwrap();
    for sent in 1..=2 {
        assert_eq!(forward().await.unwrap(), 1);
        app.run_until_idle().await;
        assert_eq!(subjects(&app).len(), sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_moves_those_on_their_way_and_those_who_had_finished() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let (one, two) =
        (template(&app, "one", "First.").await, template(&app, "two", "Second.").await);
    let starts_on = Trigger::FormConfirmed(form);
    let id = sequence(&app, starts_on.clone(), vec![step(1, "0 minutes", one, Class::Value)]).await;
    confirmed(&app, "ada@example.com").await;
    app.run_until_idle().await;
    assert_eq!(sequences::reach(&app.engine, app.site.id, id).await.unwrap().finished, 1);
    let steps = vec![step(1, "0 minutes", one, Class::Value), step(2, "1 hour", two, Class::Value)];
    edit(&app, id, 3, starts_on, steps, Vec::new()).await;
    let moved = sequences::publish(&app.engine, app.site.clone(), id, Follow::Finished).await;
    assert_eq!(moved.unwrap(), 1);
    app.advance_ms(2 * HOUR_MS).await;
    assert_eq!(subjects(&app), ["Mail one", "Mail two"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_is_looked_at_when_the_mail_is_about_to_leave() {
    let app = TestApp::start().await;
    let form = form(&app).await;
    let one = template(&app, "one", "First.").await;
    let starts_on = Trigger::FormConfirmed(form);
    let id = sequence(&app, starts_on.clone(), vec![step(1, "1 day", one, Class::Value)]).await;
    let exits = vec![Exit::Tagged { tag: "bought-elsewhere".to_owned() }];
    edit(&app, id, 3, starts_on, vec![step(1, "1 day", one, Class::Value)], exits).await;
    sequences::publish(&app.engine, app.site.clone(), id, Follow::NewOnly).await.unwrap();
    let contact = confirmed(&app, "ada@example.com").await;
    let tag = "bought-elsewhere".to_owned();
    engine::tags::put_on(&app.engine, app.site.clone(), contact, tag).await.unwrap();
    app.advance_ms(2 * DAY_MS).await;
    assert!(subjects(&app).is_empty());
    assert_eq!(sequences::reach(&app.engine, app.site.id, id).await.unwrap().exited, 1);
}

/// A mail with two links to a confirmed contact; the paths of its links.
async fn mail_with_links(app: &TestApp) -> (ContactId, Vec<String>) {
    let form = form(app).await;
    let source = "[Book](/p/book) or [elsewhere](https://other.example/?q={{ contact.email }})";
    let one = template(app, "one", source).await;
    sequence(app, Trigger::FormConfirmed(form), vec![step(1, "0 minutes", one, Class::Value)])
        .await;
    let contact = confirmed(app, "ada+x@example.com").await;
    app.run_until_idle().await;
    let html = app.mail_to("ada+x@example.com").html;
    let links = html.split("http://shop.example/l/").skip(1);
    let links = links.map(|rest| format!("/l/{}", &rest[..28])).collect();
    (contact, links)
}

async fn click(app: &TestApp, path: &str, method: &str, agent: &str) -> testkit::Answer {
    let request = app.request(method, path).header("user-agent", agent).body(Body::empty());
    app.send(request.unwrap()).await
}

async fn verdicts(app: &TestApp, contact: ContactId) -> Vec<String> {
    app.advance_ms(VERDICT_WAIT_MS + 1_000).await;
    let site = app.site.id;
    let clicks = app
        .engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::clicks::of_contact(session, site, contact, 100).await?) },
            )
        })
        .await
        .unwrap();
    clicks.into_iter().rev().map(|click| click.verdict.unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_redirects_at_once_and_counts_as_a_persons_after_twenty_seconds() {
    let app = TestApp::start().await;
    let (contact, links) = mail_with_links(&app).await;
    app.advance_ms(MINUTE_MS).await;
    let answer = click(&app, &links[0], "GET", CHROME).await;
    let (page, reader) = answer.location().split_once("?c=").unwrap();
    assert_eq!((answer.status.as_u16(), page), (302, "http://shop.example/p/book"));
    assert_eq!(engine::links::reader_of(&app.engine, reader), Some(contact));
    let answer = click(&app, &links[1], "GET", CHROME).await;
    // L6: what comes from the contact is encoded.
    assert_eq!(answer.location(), "https://other.example/?q=ada%2Bx%40example.com");
    assert_eq!(verdicts(&app, contact).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l01_l02_no_destination_comes_from_the_request_and_a_cut_link_counts_for_nobody() {
    let app = TestApp::start().await;
    let (contact, links) = mail_with_links(&app).await;
    app.advance_ms(MINUTE_MS).await;
    let asked = format!("{}?url=https://evil.example", links[0]);
    let answer = click(&app, &asked, "GET", CHROME).await;
    assert!(answer.location().starts_with("http://shop.example/p/book?c="));
    let mut cut: Vec<u8> = links[0].clone().into_bytes();
    let last = cut.len() - 1;
    cut[last] = if cut[last] == b'A' { b'B' } else { b'A' };
    let answer = click(&app, &String::from_utf8(cut).unwrap(), "GET", CHROME).await;
    assert_eq!(answer.location(), "http://shop.example/p/book");
    assert_eq!(click(&app, "/l/nonsense", "GET", CHROME).await.status, 404);
    assert_eq!(verdicts(&app, contact).await, ["human"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hammers_at_a_link_keeps_nothing_else_waiting() {
    let app = TestApp::start().await;
    let (contact, links) = mail_with_links(&app).await;
    app.advance_ms(MINUTE_MS).await;
    click(&app, &links[0], "GET", CHROME).await;
    app.advance_ms(MINUTE_MS).await;
    for _ in 0..510 {
        assert_eq!(click(&app, &links[1], "GET", "curl/8.5.0").await.status, 302);
    }
    app.advance_ms(VERDICT_WAIT_MS + 1_000).await;
    assert_eq!(app.run_until_idle().await, 0, "it is judged once");
    let site = app.site.id;
    let clicks = app
        .engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::clicks::of_contact(session, site, contact, 1_000).await?) },
            )
        })
        .await
        .unwrap();
    assert_eq!(clicks.len(), 500, "more are not kept");
    let people = clicks.iter().filter(|click| click.verdict.as_deref() == Some("human"));
    assert_eq!(people.count(), 1);
    assert!(clicks.iter().all(|click| click.verdict.is_some()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l03_l04_machines_are_answered_and_not_counted() {
    let app = TestApp::start().await;
    let (contact, links) = mail_with_links(&app).await;
    app.advance_ms(MINUTE_MS).await;
    assert_eq!(click(&app, &links[0], "HEAD", CHROME).await.status, 302);
    click(&app, &links[0], "GET", "BingPreview/1.0").await;
    let hidden = links.last().unwrap();
    let led = click(&app, hidden, "GET", "Odd scanner").await;
    assert!(led.location().starts_with("http://shop.example/?c="));
    click(&app, &links[1], "GET", "Odd scanner").await;
    assert_eq!(verdicts(&app, contact).await, ["machine"; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l07_a_link_works_after_its_template_was_changed() {
    let app = TestApp::start().await;
    let (_, links) = mail_with_links(&app).await;
    let id = {
        let site = app.site.id;
        let reader = app.engine.reader();
        let found = reader.read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::templates::find_by_slug(session, site, "one").await?) })
        });
        found.await.unwrap().unwrap().id
    };
    let draft = templates::Draft {
        slug: "one".to_owned(),
        name: "one".to_owned(),
        format: "markdown".to_owned(),
        subject: "Other".to_owned(),
        source: "No links any more.".to_owned(),
    };
    templates::save(&app.engine, app.site.clone(), Some((id, 1)), draft).await.unwrap();
    app.advance_ms(300 * DAY_MS).await;
    let led = click(&app, &links[0], "GET", CHROME).await;
    assert!(led.location().starts_with("http://shop.example/p/book?c="));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_guard_is_closed_nothing_is_sent() {
    let app = TestApp::start().await;
    form(&app).await;
    engine::guard::close(&app.engine, "restored from an older state").await.unwrap();
    let form = forms::live(&app.engine, app.site.id, "news").await.unwrap();
    let answer = Answer {
        pairs: vec![("email".to_owned(), "ada@example.com".to_owned())],
        touch: Touch::default(),
        suspicion: None,
    };
    opt_in::submit(&app.engine, app.site.clone().into(), form, answer).await.unwrap();
    app.run_until_idle().await;
    assert!(app.mails().is_empty());
    engine::guard::choose(&app.engine, engine::guard::Choice::Continue).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(app.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l15_a_thousand_clicks_at_once_all_lead_on_and_what_counts_is_kept() {
    let app = TestApp::start().await;
    let (contact, links) = mail_with_links(&app).await;
    let message = messages(&app, contact).await.into_iter().last().unwrap().id;
    app.advance_ms(MINUTE_MS).await;
    // The disk stands still: who clicks is led on before the click is written.
    let (free, held) = std::sync::mpsc::channel::<()>();
    let engine = app.engine.clone();
    let stuck = tokio::spawn(async move {
        let held = std::sync::Mutex::new(held);
        let wait = move || held.lock().unwrap().recv().is_ok();
        engine
            .db()
            .write(move |_| Box::pin(async move { Ok::<_, store::StoreError>(wait()) }))
            .await
            .unwrap()
    });
    let answer = click(&app, &links[0], "GET", CHROME).await;
    assert!(answer.location().starts_with("http://shop.example/p/book?c="));
    free.send(()).unwrap();
    assert!(stuck.await.unwrap());

    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..999 {
        let request = app.request("GET", &links[0]).header("user-agent", CHROME);
        let (request, router) = (request.body(Body::empty()).unwrap(), app.router.clone());
        clicks.spawn(async move { tower::ServiceExt::oneshot(router, request).await.unwrap() });
    }
    while let Some(answer) = clicks.join_next().await {
        assert_eq!(answer.unwrap().status(), 302);
    }
    // What is in the queue of the database is written before anything that comes after it.
    let engine = &app.engine;
    engine.db().write(|_| Box::pin(async { Ok::<_, store::StoreError>(()) })).await.unwrap();
    let site = app.site.id;
    let written = app
        .engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                Ok(store::clicks::of_message(session, site, message, 2_000).await?.len())
            })
        })
        .await
        .unwrap();
    // Of one message five hundred are kept: more is a machine that hammers.
    assert_eq!(written, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_contact_is_put_into_a_sequence_by_hand_and_refused_by_the_rules_of_mail() {
    let app = TestApp::start().await;
    form(&app).await;
    let one = template(&app, "one", "First.").await;
    let steps = vec![step(1, "0 minutes", one, Class::Value), step(2, "9 days", one, Class::Value)];
    let id = sequence(&app, Trigger::Manual, steps).await;
    let ada = confirmed(&app, "ada@example.com").await;
    app.sign_in(Role::Editor).await;
    let page = format!("/admin/contacts/{ada}");
    let put = async |page: &str, into: &str| {
        let answer = app.post(&format!("{page}/sequence"), &[("sequence", into)]).await;
        assert_eq!(answer.status, 303);
        app.get(answer.location()).await.plain()
    };
    assert!(app.get(&format!("{page}?tab=sequences")).await.body.contains(&id.to_string()));
    let into = id.to_string();
    assert!(put(&page, &into).await.contains("They are in it"));
    app.run_until_idle().await;
    assert_eq!(subjects(&app), ["Mail one"]);
    assert!(put(&page, &into).await.contains("nobody gets it twice"));
    assert!(put(&page, "seq_nonsense").await.contains("choose a sequence"));
    let timeline = app.get(&page).await.plain();
    assert!(timeline.contains("Entered the sequence “welcome”") && timeline.contains("by hand"));

    let bo = EmailAddr::parse("bo@example.com").unwrap();
    let bo = care::add(&app.engine, Actor::Console, &app.site, &bo).await.unwrap().id;
    let bo = format!("/admin/contacts/{bo}");
    assert!(put(&bo, &into).await.contains("have not confirmed their address"));
    let cy = confirmed(&app, "cy@example.com").await;
    care::unsubscribe(&app.engine, Actor::Console, &app.site, cy).await.unwrap();
    assert!(put(&format!("/admin/contacts/{cy}"), &into).await.contains("they unsubscribed"));
    let di = confirmed(&app, "di@example.com").await;
    let bounced = model::contacts::SuppressionReason::HardBounce;
    engine::contacts::suppress(&app.engine, &app.site, di, bounced, "no such user").await.unwrap();
    assert!(put(&format!("/admin/contacts/{di}"), &into).await.contains("no mail goes there"));
    engine::privacy::erase(&app.engine, &app.site, di).await.unwrap();
    let gone = app.post(&format!("/admin/contacts/{di}/sequence"), &[("sequence", &into)]).await;
    assert_eq!(gone.status, 404);

    // Taken out again before the mail is due, they get none, and stay out.
    let fay = confirmed(&app, "fay@example.com").await;
    let paused = Switch::PausedUntil(Some(app.engine.now().plus_days(1)));
    care::switch(&app.engine, Actor::Console, app.site.id, fay, paused).await.unwrap();
    let page_of_fay = format!("/admin/contacts/{fay}");
    put(&page_of_fay, &into).await;
    app.run_until_idle().await;
    let tab = app.get(&format!("{page_of_fay}?tab=sequences")).await;
    let enrolment = ("enrolment", &*tab.hidden("enrolment"));
    let out = format!("{page_of_fay}/take-out");
    assert_eq!(app.post(&format!("{page}/take-out"), &[enrolment]).await.status, 404);
    assert_eq!(app.post(&out, &[enrolment]).await.status, 303);
    assert_eq!(app.post(&out, &[enrolment]).await.status, 404);
    app.advance_ms(2 * DAY_MS).await;
    assert!(
        app.mails().iter().all(|mail| mail.to != "fay@example.com" || mail.subject != "Mail one")
    );
    app.sign_in(Role::Editor).await;
    assert!(put(&page_of_fay, &into).await.contains("nobody gets it twice"));

    sequences::set_state(&app.engine, app.site.id, id, "paused").await.unwrap();
    let ed = confirmed(&app, "ed@example.com").await;
    let said = put(&format!("/admin/contacts/{ed}"), &into).await;
    assert!(said.contains("the sequence is paused"), "{said}");
    app.run_until_idle().await;
    assert_eq!(subjects(&app), ["Mail one"]);
    app.other_browser();
    app.sign_in(Role::Viewer).await;
    let answer = app.post(&format!("{page}/sequence"), &[("sequence", &into)]).await;
    assert_eq!(answer.status, 403);
    app.sign_in(Role::Owner).await;
    assert!(app.get("/admin/audits").await.body.contains("contact.enrolled"));
}
