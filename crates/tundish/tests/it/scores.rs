//! Scores by rules: what gives points, how they fade, and where they are seen.

use std::collections::BTreeMap;

use model::EmailAddr;
use model::contacts::{Contact, Status};
use model::ids::{ContactId, EventId, ScoreRuleId};
use model::operators::Role;
use model::scores::{Cause, Rule, usual};
use model::times::DAY_MS;
use model::{SiteId, UtcMs};
use store::contact_lists::{After, Narrowed, Scored};
use store::events::NewEvent;
use store::scores::{Score, Step};
use store::{Db, StoreError};
use testkit::TestApp;

async fn contact(app: &TestApp, address: &str) -> Contact {
    let address = EmailAddr::parse(address).unwrap();
    let actor = model::audits::Actor::Console;
    engine::care::add(&app.engine, actor, &app.site, &address).await.unwrap()
}

fn rule(cause: Cause, points: i64) -> Rule {
    let about = String::new();
    let usual = usual().into_iter().next().unwrap();
    Rule { name: String::new(), cause, about, points, times_max: None, ..usual }
}

async fn put(app: &TestApp, rule: Rule) -> ScoreRuleId {
    let id = engine::scores::put(&app.engine, &app.site, rule).await.unwrap();
    app.run_until_idle().await;
    id
}

async fn kept(app: &TestApp, id: ContactId) -> Option<Score> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::scores::find(session, site, id).await })
        })
        .await
        .unwrap()
}

async fn points(app: &TestApp, id: ContactId) -> f64 {
    kept(app, id).await.map_or(0.0, |score| score.points)
}

async fn now(app: &TestApp, id: ContactId) -> engine::scores::Explained {
    let (site, at) = (app.site.id, app.engine.now());
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { engine::scores::explain(session, site, id, at).await })
        })
        .await
        .unwrap()
}

async fn tag(app: &TestApp, id: ContactId, tag: &str) {
    engine::tags::put_on(&app.engine, app.site.clone(), id, tag.to_owned()).await.unwrap();
    app.run_until_idle().await;
}

both_apps! {
    a_deed_gives_points_within_a_round_and_they_halve_with_the_half_life: fading,
    a_changed_rule_goes_through_everyone_and_says_what_it_did: changing,
}

async fn fading(app: TestApp) {
    let iris = contact(&app, "iris@example.com").await;
    put(&app, Rule { half_life_days: Some(10), ..rule(Cause::TagAdded, 8) }).await;
    assert!(kept(&app, iris.id).await.is_none_or(|score| score.points == 0.0));
    tag(&app, iris.id, "fern").await;
    assert_eq!(points(&app, iris.id).await, 8.0);
    app.advance_ms(10 * DAY_MS).await;
    let explained = now(&app, iris.id).await;
    assert!((explained.points - 4.0).abs() < 1e-9, "{explained:?}");
    assert_eq!(explained.parts[0].lines[0].then, 8);
    // What lists are sorted by is as of midnight: a little more.
    let kept_then = kept(&app, iris.id).await.unwrap();
    assert!(kept_then.points > 4.0 && kept_then.points < 4.3, "{kept_then:?}");
    assert!(kept_then.fades);
    let age = app.engine.now().since_ms(kept_then.as_of);
    assert!((0..=DAY_MS).contains(&age), "{age}");
    // The groups and the lines add up to the whole.
    tag(&app, iris.id, "moss").await;
    let explained = now(&app, iris.id).await;
    let lines: f64 = explained.parts.iter().flat_map(|p| &p.lines).filter_map(|l| l.now).sum();
    let groups: f64 = explained.groups.iter().map(|(_, points)| points).sum();
    assert!((lines - explained.points).abs() < 1e-9 && (groups - explained.points).abs() < 1e-9);
}

async fn changing(app: TestApp) {
    let (iris, moss) = (contact(&app, "iris@a.example").await, contact(&app, "m@a.example").await);
    tag(&app, iris.id, "fern").await;
    // What happened before there was a rule counts as well.
    let id = put(&app, Rule { about: "fern".to_owned(), ..rule(Cause::TagAdded, 8) }).await;
    assert_eq!((points(&app, iris.id).await, points(&app, moss.id).await), (8.0, 0.0));
    let changed = Rule { id, about: "fern".to_owned(), ..rule(Cause::TagAdded, -3) };
    let tried = engine::scores::try_out(&app.engine, app.site.id, changed.clone()).await.unwrap();
    assert_eq!((tried.contacts, tried.raised, tried.lowered, tried.is_all), (2, 0, 1, true));
    assert_eq!(points(&app, iris.id).await, 8.0, "trying changes nothing");
    put(&app, changed).await;
    assert_eq!(points(&app, iris.id).await, -3.0);
    let site = app.site.id;
    let state = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::scores::state(session, site).await })
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((state.contacts, state.raised, state.lowered), (2, 0, 1));
    assert!(state.walk.is_none() && state.ended_at.is_some());
    engine::scores::remove(&app.engine, &app.site, id).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(points(&app, iris.id).await, 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scores_are_written_in_the_admin_and_seen_on_the_contact_and_in_the_list() {
    let app = TestApp::start().await;
    app.sign_in(Role::Editor).await;
    assert!(app.get("/admin/scores").await.body.contains("No rules yet"));
    let iris = contact(&app, "iris@example.com").await;
    let other = contact(&app, "other@example.com").await;
    tag(&app, iris.id, "fern").await;
    assert_eq!(app.post("/admin/scores", &[("do", "usual")]).await.status, 303);
    let again = app.post("/admin/scores", &[("do", "usual")]).await;
    assert_eq!(again.status, 422);
    let draft = [
        ("name", "Likes ferns"),
        ("cause", "tag_added"),
        ("about", "Fern"),
        ("points", "40"),
        ("topic", "Fit"),
        ("is_on", "on"),
    ];
    let with = |word| [&draft[..], &[("do", word)]].concat();
    let tried = app.post("/admin/scores/new", &with("try")).await;
    assert_eq!(tried.status, 200);
    assert!(tried.body.contains("Tried on all 2 contacts"), "{}", tried.body);
    assert_eq!(app.post("/admin/scores/new", &with("save")).await.status, 303);
    assert_eq!(app.post("/admin/scores", &[("hot_points", "40")]).await.status, 303);
    app.run_until_idle().await;
    let page = app.get("/admin/scores").await.body;
    assert!(page.contains("Likes ferns") && page.contains("fit") && page.contains("+40"));
    let list = app.get("/admin/contacts?score=10").await.body;
    assert!(list.contains("iris@example.com") && !list.contains("other@example.com"));
    let shown = app.get(&format!("/admin/contacts/{}?tab=score", iris.id)).await.body;
    assert!(shown.contains("Likes ferns") && shown.contains("Score: 40"), "{shown}");
    let shown = app.get(&format!("/admin/contacts/{}?tab=score", other.id)).await.body;
    assert!(shown.contains("Nothing that a rule"));
    // Tomorrow the first page says who became hot.
    app.advance_ms(DAY_MS).await;
    app.sign_in(Role::Editor).await;
    let today = app.get("/admin").await.body;
    assert!(today.contains("1 contact turned hot yesterday"), "{today}");
    let today = today.replace("&#x2f;", "/");
    let href = today.split("/admin/contacts?score=hot:").nth(1).unwrap();
    let span = href.split('"').next().unwrap();
    let rows = app.get(&format!("/admin/contacts?score=hot:{span}")).await.body;
    assert!(rows.contains("iris@example.com") && !rows.contains("other@example.com"));
    let file = app.get("/admin/contacts.csv?score=10").await.body;
    assert_eq!(file.lines().count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_cannot_stand_come_back_with_what_to_mend() {
    let app = TestApp::start().await;
    app.sign_in(Role::Editor).await;
    for (fields, field) in [
        (vec![("cause", "tag_added"), ("points", "0")], "points"),
        (vec![("cause", "nonsense"), ("points", "1")], "cause"),
        (vec![("cause", "tag_added"), ("points", "1e9")], "points"),
        (vec![("cause", "field"), ("points", "1")], "about"),
        (vec![("cause", "order_paid"), ("points", "9"), ("half_life_days", "0")], "half_life_days"),
        (vec![("cause", "form_sent:'; drop"), ("points", "9")], "cause"),
        (vec![("cause", "order_paid"), ("points", "99999999999999999999")], "points"),
    ] {
        let answer = app.post("/admin/scores/new", &fields).await;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", answer.body);
    }
    let gone = format!("/admin/scores/{}", ScoreRuleId(7));
    assert_eq!(app.get(&gone).await.status, 404);
    assert_eq!(app.post(&format!("{gone}/delete"), &[]).await.status, 404);
    for odd in ["-1", "1e9", "hot:x-y", "hot:9-1", "99999999999999999999", "hot:"] {
        assert_eq!(app.get(&format!("/admin/contacts?score={odd}")).await.status, 200, "{odd}");
    }
    let name = ("name", "<script>1</script>{{7*7}}");
    let fields = [name, ("cause", "order_paid"), ("points", "5"), ("is_on", "on")];
    assert_eq!(app.post("/admin/scores/new", &fields).await.status, 303);
    let page = app.get("/admin/scores").await.body;
    assert!(page.contains("&lt;script&gt;1") && page.contains("{{7*7}}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_contacts_and_erased_ones_have_no_score() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let iris = contact(&app, "iris@example.com").await;
    put(&app, rule(Cause::TagAdded, 8)).await;
    tag(&app, iris.id, "fern").await;
    assert_eq!(points(&app, iris.id).await, 8.0);
    let path = format!("/admin/contacts/{}", iris.id);
    app.post(&format!("{path}/switch"), &[("switch", "test")]).await;
    app.run_until_idle().await;
    assert_eq!(points(&app, iris.id).await, 0.0);
    app.post(&format!("{path}/switch"), &[("switch", "real")]).await;
    app.run_until_idle().await;
    assert_eq!(points(&app, iris.id).await, 8.0);
    engine::privacy::erase(&app.engine, &app.site, iris.id).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(points(&app, iris.id).await, 0.0);
    assert!(!app.get("/admin/contacts?score=1").await.body.contains("row-link"));
}

pub(crate) fn person(id: i64) -> Contact {
    Contact {
        id: ContactId(id),
        email: format!("p{id}@example.com"),
        email_key: format!("p{id}@example.com"),
        address_hmac: format!("h{id}"),
        status: Status::Confirmed,
        first_name: String::new(),
        last_name: String::new(),
        external_id: None,
        language: None,
        timezone: None,
        fields: BTreeMap::new(),
        is_test: false,
        no_sales: false,
        less_often: false,
        paused_until: None,
        created_at: UtcMs(1),
        updated_at: UtcMs(1),
        confirmed_at: None,
        unsubscribed_at: None,
        erased_at: None,
    }
}

testkit::both!(scores_are_listed_by_points_and_walks_begin_anew, listed);

async fn listed(db: Db) {
    const SITE: SiteId = SiteId(1);
    let score = |id: i64, points: f64| Score {
        contact_id: ContactId(id),
        points,
        as_of: UtcMs(5),
        seen_event: id,
        fades: id == 2,
        hot_since: (points > 9.0).then_some(UtcMs(50)),
    };
    db.write::<_, StoreError, _>(move |tx| {
        Box::pin(async move {
            for (id, points) in [(1, 5.0), (2, 10.5), (3, 5.0), (4, -1.0)] {
                let one = person(id);
                assert!(store::contacts::insert(tx, SITE, &one).await?);
                store::scores::put(tx, SITE, &score(id, points)).await?;
                let event = NewEvent {
                    kind: "tag.added",
                    contact_id: Some(ContactId(id)),
                    subject_id: None,
                    data: &(),
                };
                store::events::insert(tx, SITE, EventId(id), UtcMs(1), event).await?;
            }
            let narrowed = Narrowed { score: Some(Scored::From(0)), ..Narrowed::default() };
            let mut after = After::default();
            let mut seen = Vec::new();
            loop {
                let page = store::contact_lists::page(tx, SITE, &narrowed, &after, 1).await?;
                let Some(last) = page.last() else { break };
                seen.push(last.id.0);
                after.id = Some(last.id);
            }
            assert_eq!(seen, [2, 3, 1]);
            let hot = Narrowed {
                score: Some(Scored::BecameHot(UtcMs(50), UtcMs(51))),
                ..Narrowed::default()
            };
            let found = store::contact_lists::page(tx, SITE, &hot, &After::default(), 9).await?;
            assert_eq!(found.len(), 1);
            // Three are in, the newest event of the last is not.
            let none = ContactId(0);
            assert!(store::scores::stale(tx, SITE, (0, 9), none, 9).await?.is_empty());
            store::scores::put(tx, SITE, &Score { seen_event: 3, ..score(4, 0.0) }).await?;
            assert_eq!(store::scores::stale(tx, SITE, (0, 9), none, 9).await?, [ContactId(4)]);
            assert!(store::scores::stale(tx, SITE, (0, 3), none, 9).await?.is_empty(), "before it");
            assert!(store::scores::stale(tx, SITE, (0, 9), ContactId(4), 9).await?.is_empty());
            assert_eq!(store::scores::nth_event(tx, SITE, 0, 1).await?, Some(1));
            store::scores::begin(tx, SITE, UtcMs(5), 9).await?;
            assert!(store::scores::walk_day(tx, SITE, UtcMs(7), UtcMs(8)).await?);
            let state = store::scores::state(tx, SITE).await?.unwrap();
            assert_eq!(store::scores::to_walk(tx, SITE, &state, 9).await?, [ContactId(2)]);
            let step = Step { to: ContactId(2), is_last: true, contacts: 1, raised: 0, lowered: 1 };
            store::scores::walk(tx, SITE, UtcMs(7), UtcMs(9)).await?;
            let day = store::scores::walk_day(tx, SITE, UtcMs(10), UtcMs(9)).await?;
            assert!(!day, "rules that changed come first");
            assert!(!store::scores::step(tx, SITE, &state, &step, UtcMs(9)).await?, "begun anew");
            let state = store::scores::state(tx, SITE).await?.unwrap();
            assert!(store::scores::step(tx, SITE, &state, &step, UtcMs(9)).await?);
            let state = store::scores::state(tx, SITE).await?.unwrap();
            assert_eq!((state.walk, state.lowered), (None, 1));
            Ok(())
        })
    })
    .await
    .unwrap();
}
