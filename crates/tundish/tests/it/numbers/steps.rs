//! Whose visit it was, and how many went from step to step.

use std::time::Duration;

use engine::steps::{Question, Step};
use engine::views::{self, By, OwnAct};
use model::ids::{ClickId, ContactId, OrderId, SegmentId};
use model::operators::Role;
use model::segments::{Rule, Statement};
use model::spans::{Span, day_of};
use model::times::{DAY_MS, MINUTE_MS};
use store::StoreError;
use testkit::TestApp;

use super::pages::page as page_of;
use super::views::view;
use super::zone;
use crate::people::{after, confirmed, contact, fill_in, form, path_in};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

both_apps! {
    a_visit_is_a_contacts_once_it_acted_and_agreed: joined,
    a_visit_is_nobodys_where_nothing_was_agreed_to: not_joined,
    a_click_joins_where_a_person_made_it: by_click,
    who_types_the_address_of_another_is_not_taken_for_them: not_by_an_address,
    an_order_joins_once_it_is_paid: by_order,
    who_leaves_takes_the_visits_along: left,
    who_is_erased_takes_the_visits_along: erased,
    steps_follow_a_person_from_a_view_to_an_order: followed,
}

fn acted(app: &TestApp, who: &str, contact: ContactId, by: By) {
    let at = app.engine.now();
    let visitor = who.to_owned();
    let act = OwnAct { at, day: day_of(at, &zone()), visitor, contact, by };
    views::acted(&app.engine, app.site.id, act);
}

/// The visitor clicks in a mail of the contact's, as a person; `n` tells clicks apart.
async fn clicked(app: &TestApp, n: i64, who: &str, contact: ContactId) {
    let text = format!(
        "insert into clicks (site_id, id, message_id, contact_id, version_id, position, at,
            method, user_agent, prefetch, verdict, reason, judged_at) values ($s, {n}, 1, {},
            1, 1, 1, 'GET', '', false, 'human', 'none', 1)",
        contact.0
    );
    super::sql(app, &text).await;
    acted(app, who, contact, By::Click(ClickId(n)));
}

/// The pages that are known to be a contact's.
async fn pages_of(app: &TestApp, contact: ContactId) -> Vec<String> {
    let site = app.site.id;
    let pages = app
        .engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(
                async move { store::visits::pages_of(session, site, contact, (100, 100)).await },
            )
        })
        .await
        .unwrap();
    pages.into_iter().map(|(_, path)| path).collect()
}

async fn rows(app: &TestApp, text: &'static str) -> i64 {
    app.engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { session.query(text).one::<i64>().await })
        })
        .await
        .unwrap()
}

const VISITS: &str = "select count(*) from visits";

async fn joined(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    view(&app, "/", Some("ada's"));
    view(&app, "/p/book", Some("ada's"));
    view(&app, "/p/book", Some("somebody's"));
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap().id;
    acted(&app, "ada's", ada, By::Form);
    app.run_until_idle().await;
    assert!(pages_of(&app, ada).await.is_empty(), "not before she agreed");
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.advance_ms(20 * MINUTE_MS).await;
    assert_eq!(app.post(&path, &[]).await.status, 200);
    app.advance_ms(30 * MINUTE_MS).await;
    assert_eq!(pages_of(&app, ada).await, ["/p/book", "/"]);
    let known = engine::privacy::export(&app.engine, app.site.id, ada).await.unwrap();
    assert_eq!(known["visits"][0]["page"], "/p/book");
}

async fn not_joined(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    view(&app, "/", Some("ben's"));
    fill_in(&app, "chapter", &[("email", "ben@x.test")]).await;
    let ben = contact(&app, "ben@x.test").await.unwrap().id;
    acted(&app, "ben's", ben, By::Form);
    for _ in 0..12 {
        app.advance_ms(DAY_MS).await;
        assert!(pages_of(&app, ben).await.is_empty());
    }
    assert_eq!(rows(&app, VISITS).await, 0, "what never came to anything is forgotten");
    // The server itself: a browser that may be told apart, and one that asks not to be.
    for (address, dnt, wanted) in [("cleo@x.test", "0", 1), ("dora@x.test", "1", 1)] {
        let page = app.get("/f/chapter").await;
        let token = after(&page.body, "name=\"_t\" value=\"").to_owned();
        app.engine.clock().advance_ms(5_000);
        let body = format!("_t={token}&_website=&email={}", address.replace('@', "%40"));
        let request = app
            .request("POST", "/f/chapter")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header("user-agent", BROWSER)
            .header("dnt", dnt)
            .body(axum::body::Body::from(body))
            .unwrap();
        let answer = app.send(request).await;
        assert!(contact(&app, address).await.is_some(), "{} {}", answer.status, answer.body);
        app.run_until_idle().await;
        assert_eq!(rows(&app, VISITS).await, wanted, "{address}");
    }
}

async fn by_click(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    let ada = confirmed(&app, "ada@x.test").await.id;
    for (n, verdict) in [(1, "human"), (2, "machine")] {
        let text = format!(
            "insert into clicks (site_id, id, message_id, contact_id, version_id, position, at,
                method, user_agent, prefetch, verdict, reason, judged_at) values ($s, {n}, 1,
                {}, 1, 1, 1, 'GET', '', false, '{verdict}', 'none', 1)",
            ada.0
        );
        super::sql(&app, &text).await;
        view(&app, &format!("/p/{verdict}"), Some(verdict));
        acted(&app, verdict, ada, By::Click(ClickId(n)));
    }
    app.advance_ms(MINUTE_MS).await;
    assert_eq!(pages_of(&app, ada).await, ["/p/human"]);
    assert_eq!(rows(&app, VISITS).await, 1);
}

async fn not_by_an_address(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    let ada = confirmed(&app, "ada@x.test").await.id;
    app.engine.clock().advance_ms(MINUTE_MS);
    view(&app, "/p/bens", Some("ben's"));
    acted(&app, "ben's", ada, By::Form);
    app.advance_ms(DAY_MS).await;
    assert!(pages_of(&app, ada).await.is_empty(), "ben typed her address");
    view(&app, "/p/adas", Some("ada's"));
    acted(&app, "ada's", ada, By::Form);
    clicked(&app, 1, "ada's", ada).await;
    acted(&app, "ada's", ada, By::Form);
    app.advance_ms(30 * MINUTE_MS).await;
    assert_eq!(pages_of(&app, ada).await, ["/p/adas"], "a click in her mail shows it");
    app.advance_ms(10 * DAY_MS).await;
    assert_eq!(rows(&app, VISITS).await, 1, "what ben did is forgotten");
}

async fn by_order(app: TestApp) {
    let ben = super::contact(super::BEN);
    let (at, mut story) = (app.engine.now().0, String::new());
    super::person(&mut story, super::BEN, at, None, ["direct", "", "/"]);
    super::order(&mut story, 3, super::BEN, at, (2_000, 0, 300));
    super::sql(&app, &story).await;
    super::sql(&app, "update orders set paid_at = null, state = 'pending'").await;
    view(&app, "/p/book", Some("ben's"));
    acted(&app, "ben's", ben, By::Order(OrderId(super::id(at, 3))));
    acted(&app, "ben's", ben, By::Form);
    app.advance_ms(30 * MINUTE_MS).await;
    assert!(pages_of(&app, ben).await.is_empty(), "nobody has paid for it");
    let paid = format!("update orders set paid_at = {at}, state = 'paid'");
    super::sql(&app, &paid).await;
    app.advance_ms(60 * MINUTE_MS).await;
    assert_eq!(pages_of(&app, ben).await, ["/p/book"]);
}

async fn left(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    let site = &app.site;
    let mut people = Vec::new();
    for (n, address) in ["ada@x.test", "ben@x.test", "cleo@x.test"].into_iter().enumerate() {
        let contact = confirmed(&app, address).await.id;
        view(&app, "/", Some(address));
        clicked(&app, 1 + n as i64, address, contact).await;
        people.push(contact);
    }
    app.run_until_idle().await;
    assert_eq!(rows(&app, VISITS).await, 3);
    engine::unsubscribe::from_page(&app.engine, site, people[0], None).await.unwrap();
    assert!(pages_of(&app, people[0]).await.is_empty(), "she left");
    // By some other way: a complaint, a list, the undoing of an import.
    let reason = model::contacts::SuppressionReason::Complaint;
    engine::contacts::suppress(&app.engine, site, people[1], reason, "").await.unwrap();
    app.advance_ms(2 * 60 * MINUTE_MS).await;
    assert!(pages_of(&app, people[1]).await.is_empty());
    assert_eq!(pages_of(&app, people[2]).await, ["/"]);
}

async fn erased(app: TestApp) {
    form(&app, "chapter", |_| {}).await;
    let ada = confirmed(&app, "ada@x.test").await.id;
    view(&app, "/", Some("ada's"));
    clicked(&app, 1, "ada's", ada).await;
    app.run_until_idle().await;
    assert_eq!(pages_of(&app, ada).await, ["/"]);
    view(&app, "/", Some("ada's"));
    clicked(&app, 2, "ada's", ada).await;
    engine::privacy::erase(&app.engine, &app.site, ada).await.unwrap();
    app.advance_ms(MINUTE_MS).await;
    assert_eq!(rows(&app, VISITS).await, 0);
    assert_eq!(rows(&app, "select count(*) from page_views").await, 2, "the views are nobody's");
}

/// Ada alone, then everyone else whom a name is known of: strangers are in neither.
async fn of_a_segment(app: &TestApp, whole: &Question, ada: ContactId) {
    let tagged = format!(
        "insert into contact_tags (site_id, contact_id, tag, since) values ($s, {}, 'first', 0)",
        ada.0
    );
    super::sql(app, &tagged).await;
    let rule = Rule::Is(Statement::Tag("first".to_owned()));
    let hers = super::segments::keep(app, "First", &rule).await;
    let others = super::segments::keep(app, "Others", &Rule::Not(Box::new(rule))).await;
    let form = vec![Step::Form(None), Step::Confirmed];
    for (segment, steps, wanted) in [
        (Some(hers), whole.steps.clone(), vec![1, 1, 1, 0]),
        (Some(others), whole.steps.clone(), vec![0, 0, 0, 0]),
        (Some(others), form.clone(), vec![1, 1]),
        (Some(SegmentId(9)), form, vec![0, 0]),
    ] {
        let segment = segment.map(|segment| (segment, None));
        let question = Question { steps, segment, ..whole.clone() };
        let answered = engine::steps::ask(&app.engine, &app.site, &question).await.unwrap();
        assert_eq!(answered.outcome.reached, wanted, "{question:?}");
        let all: u64 = answered.contacts.iter().sum();
        assert_eq!(all, wanted.iter().sum::<u64>(), "contacts alone");
    }
    app.sign_in(Role::Viewer).await;
    let days = format!("from={}&to={}", whole.span.from, whole.span.to);
    let address =
        format!("/admin/numbers/steps?{days}&s1=view&s2=form&s3=confirmed&s4=paid&window=30");
    let html = page_of(app, &format!("{address}&segment={hers}")).await;
    let text = super::pages::body_of(&html);
    assert!(text.contains("Only the contacts who were in “First”"), "{text}");
    assert!(text.contains("Those of strangers are of no segment"), "{text}");
    assert!(!text.contains("Who never said who they are"), "{text}");
    assert!(html.contains(&format!("segment={hers}&left=2")), "its list");
    let list = page_of(app, &format!("{address}&segment={hers}&left=2")).await;
    assert!(list.contains("ada@x.test"));
    let list = page_of(app, &format!("{address}&segment={others}&left=2")).await;
    assert!(!list.contains("ada@x.test"));
    let file = page_of(app, &format!("{address}&segment={hers}&format=csv&sheet=0")).await;
    assert!(file.contains("Confirmed,1,1.000000,1.000000,1,1,"), "{file}");
    let gone = page_of(app, &format!("{address}&segment={}", SegmentId(9))).await;
    assert!(gone.contains("This segment is gone: nobody is in it."));
}

async fn followed(app: TestApp) {
    app.sign_in(Role::Owner).await;
    form(&app, "chapter", |_| {}).await;
    // A stranger, one who asks not to be told apart, and a browser that two contacts share.
    view(&app, "/", Some("stranger's"));
    view(&app, "/", None);
    view(&app, "/", Some("ada's"));
    view(&app, "/", Some("shared"));
    app.run_until_idle().await;
    app.engine.clock().advance_ms(MINUTE_MS);
    let ada = confirmed(&app, "ada@x.test").await.id;
    clicked(&app, 1, "ada's", ada).await;
    app.advance_ms(DAY_MS).await;
    let ben = confirmed(&app, "ben@x.test").await.id;
    for (n, contact) in [(2, ada), (3, ben)] {
        clicked(&app, n, "shared", contact).await;
    }
    view(&app, "/p/book", Some("shared"));
    app.run_until_idle().await;

    let today = day_of(app.engine.now(), &zone());
    let span = Span { from: day_of(app.site.created_at, &zone()), to: today };
    let ask =
        |steps: Vec<Step>, window_days: i64| Question { steps, window_days, span, segment: None };
    let page = |path: &str| Step::Page(path.to_owned());
    for (steps, wanted) in [
        (vec![Step::View, Step::Form(None), Step::Confirmed, Step::Paid(None)], vec![4, 1, 1, 0]),
        (vec![Step::Form(None), Step::Confirmed], vec![2, 2]),
        (vec![page("/"), page("/p/book")], vec![3, 0]),
        (vec![Step::Source("paper".to_owned())], vec![4]),
        (vec![page("/p/none"), Step::Confirmed], vec![0, 0]),
        (vec![Step::Confirmed, Step::Form(None)], vec![2, 0]),
    ] {
        let question = ask(steps.clone(), 30);
        let answered = engine::steps::ask(&app.engine, &app.site, &question).await.unwrap();
        assert_eq!(answered.outcome.reached, wanted, "{steps:?}");
    }
    let question = ask(vec![Step::View, Step::Form(None), Step::Confirmed, Step::Paid(None)], 30);
    let answered = engine::steps::ask(&app.engine, &app.site, &question).await.unwrap();
    assert_eq!(answered.stopped, [vec![], vec![], vec![ada], vec![]]);
    assert!(answered.outcome.median[1].unwrap() >= MINUTE_MS);
    of_a_segment(&app, &question, ada).await;

    let address = format!("/admin/numbers/steps?from={}&to={}", span.from, span.to);
    app.sign_in(Role::Viewer).await;
    let html = app.get(&address).await;
    assert_eq!(html.status, 200, "{}", html.body);
    assert!(html.body.contains("Viewed any page") && html.body.contains("Viewed, from paper"));
    let chosen = format!("{address}&s1=view&s2=form&s3=confirmed&s4=paid&window=30");
    let list = app.get(&format!("{chosen}&left=2")).await;
    assert!(list.body.contains("ada@x.test") && !list.body.contains("ben@x.test"));
    let file = app.get(&format!("{chosen}&format=csv&sheet=0")).await;
    assert!(file.body.contains("Confirmed,1,1.000000,0.250000,1,1,"), "{}", file.body);
    assert_eq!(app.get(&format!("{chosen}&left=9")).await.status, 404);
    assert_eq!(app.get(&format!("{address}&s1=nonsense")).await.status, 200);
}

#[tokio::test]
async fn what_nobody_waits_for_is_counted_all_the_same() {
    let app = TestApp::start().await;
    let day = day_of(app.engine.now(), &zone());
    let question = Question {
        steps: vec![Step::Confirmed, Step::Paid(None)],
        window_days: 7,
        span: Span { from: day, to: day },
        segment: None,
    };
    let within = |wait| engine::steps::ask_within(&app.engine, &app.site, &question, wait);
    assert_eq!(within(Duration::ZERO).await.unwrap(), None);
    let counted = within(Duration::MAX).await.unwrap().unwrap();
    assert_eq!(counted.outcome.reached, [0, 0]);
    assert_eq!(within(Duration::ZERO).await.unwrap(), Some(counted), "it is known now");
}
