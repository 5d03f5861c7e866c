//! A13: many people put into a sequence by hand: pressed twice, by two, by mistake, and while all
//! changes under it.

use axum::body::Body;
use axum::http::{Request, header};
use engine::care;
use engine::imports::Plan;
use engine::sequences::{self, Follow};
use model::SiteId;
use model::audits::Actor;
use model::ids::{ContactId, EnrolmentId, SequenceId, SequenceRunId};
use model::messages::Class;
use model::operators::Role;
use model::sequence_runs::{Audience, Outcome};
use model::times::MINUTE_MS;
use model::triggers::Trigger;
use store::enrolments::Enrolment;
use store::sequence_runs::{Dealt, SequenceRun, Which};
use testkit::{Answer, TestApp};
use tower::ServiceExt;

use crate::follow_up::{sequence, step, template};

/// Their addresses: `p1@x.test` to the last.
const MANY: usize = 1_001;

async fn people(app: &TestApp, rows: &str) {
    let plan = Plan { consent: "At the fair in May, paper kept.".to_owned(), ..Plan::default() };
    let bytes = format!("email,status,tags\n{rows}").into_bytes();
    engine::imports::run(&app.engine, &app.site, "list.csv", bytes, &plan, |_| ()).await.unwrap();
}

fn many() -> String {
    (1..=MANY).map(|n| format!("p{n}@x.test,confirmed,\n")).collect()
}

/// A sequence nobody enters but by hand; its first mail is due in two days.
async fn by_hand(app: &TestApp) -> SequenceId {
    let mail = template(app, "spring", "Spring is here.").await;
    sequence(app, Trigger::Manual, vec![step(1, "2 days", mail, Class::Value)]).await
}

async fn runs(app: &TestApp, id: SequenceId) -> Vec<SequenceRun> {
    let site = app.site.id;
    let reader = app.engine.reader();
    let read = reader.read::<_, store::StoreError, _>(move |session| {
        Box::pin(store::sequence_runs::list_of_sequence(session, site, id, 10))
    });
    read.await.unwrap()
}

async fn enrolments(app: &TestApp, id: SequenceId) -> Vec<Enrolment> {
    let (site, last) = (app.site.id, EnrolmentId(i64::MAX));
    let reader = app.engine.reader();
    let read = reader.read::<_, store::StoreError, _>(move |session| {
        Box::pin(store::enrolments::list_of_sequence(session, site, id, last, 5_000))
    });
    read.await.unwrap()
}

async fn dealt(app: &TestApp, id: SequenceRunId, which: Which) -> Vec<Dealt> {
    let (site, first) = (app.site.id, ContactId(0));
    let reader = app.engine.reader();
    let read = reader.read::<_, store::StoreError, _>(move |session| {
        Box::pin(store::sequence_runs::people(session, site, id, which, first, 5_000))
    });
    read.await.unwrap()
}

/// A press of the button of `page`, by the browser of now, to be sent at any time.
fn press(app: &TestApp, path: &str, page: &Answer, typed: &str) -> Request<Body> {
    assert!(page.body.contains("name=\"turn\""), "{}", page.plain());
    let mut body = String::new();
    for name in ["who", "tag", "product", "turn", "before", "people"] {
        // The form of the choice, above, has fields of the same names.
        let pressed = page.body.split("id=\"press\"").nth(1).unwrap();
        body.push_str(&format!("{name}={}&", testkit::asking::hidden(pressed, name).unwrap()));
    }
    let typed = typed.replace(',', "%2C");
    app.request("POST", path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header(header::ORIGIN, "http://shop.example")
        .body(Body::from(format!("{body}typed={typed}")))
        .unwrap()
}

/// Asked for by `who`, however few they are.
async fn ask(app: &TestApp, id: SequenceId, who: &str) -> SequenceRunId {
    let path = format!("/admin/sequences/{id}/people");
    let page = app.get(&format!("{path}?{who}")).await;
    let answer = app.send(press(app, &path, &page, &page.hidden("people"))).await;
    assert_eq!(answer.status, 303, "{}", answer.plain());
    answer.location().rsplit('/').next().unwrap().parse().unwrap()
}

both_apps! {
    a13_send_now_pressed_twice_by_two_admins_is_one_run: one_run,
    a13_two_workers_and_people_who_leave_at_the_same_time_agree: workers_agree,
}

async fn workers_agree(app: TestApp) {
    people(&app, &many()).await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    let run = ask(&app, id, "who=everyone").await;
    let mut leaving = Vec::new();
    for n in (20..MANY).step_by(20) {
        leaving.push(app.contact(&format!("p{n}@x.test")).await.id);
    }
    app.engine.clock().advance_ms(MINUTE_MS);
    let mut at_work = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let engine = app.engine.clone();
        at_work.spawn(async move { engine::sweeps::run_until_idle(&engine).await.map(drop) });
    }
    let (engine, site, gone) = (app.engine.clone(), app.site.clone(), leaving.clone());
    at_work.spawn(async move {
        for (nth, contact) in gone.into_iter().enumerate() {
            match nth % 3 {
                0 => care::unsubscribe(&engine, Actor::Console, &site, contact).await?,
                1 => engine::privacy::erase(&engine, &site, contact).await?,
                // Put in by hand at the same time: now or before, and once.
                _ => drop(care::enrol(&engine, Actor::Console, &site, contact, id).await),
            }
        }
        Ok(())
    });
    while let Some(done) = at_work.join_next().await {
        done.unwrap().unwrap();
    }
    app.advance_ms(MINUTE_MS).await;
    let done = runs(&app, id).await.remove(0);
    assert_eq!((done.id, done.state.as_str()), (run, "done"));
    let dealt = dealt(&app, run, Which::All).await;
    assert_eq!(done.entered + done.left_out, i64::try_from(dealt.len()).unwrap());
    let all = enrolments(&app, id).await;
    for enrolment in all.iter().filter(|one| one.state == "active") {
        let nth = leaving.iter().position(|gone| *gone == enrolment.contact_id);
        assert!(nth.is_none_or(|nth| nth % 3 == 2), "one who left is still in it");
    }
    let active = all.iter().filter(|one| one.state == "active").count();
    let left = (0..leaving.len()).filter(|nth| nth % 3 != 2).count();
    assert_eq!(active, MANY - left, "everybody else is in it, once");
    assert!(app.findings().await.is_empty());
}

async fn one_run(app: TestApp) {
    people(&app, &many()).await;
    let id = by_hand(&app).await;
    let path = format!("/admin/sequences/{id}/people");
    let look = format!("{path}?who=everyone");

    // Without its number typed, nothing happens and the form keeps what was chosen.
    app.sign_in(Role::Owner).await;
    let page = app.get(&look).await;
    assert!(page.body.contains("1,001") && page.hidden("turn") == "1", "{}", page.body);
    for typed in ["", "1000", "all"] {
        let refused = app.send(press(&app, &path, &page, typed)).await;
        assert_eq!(refused.status, 422);
        assert!(refused.plain().contains("type 1001 to show that you mean it"));
        assert!(refused.body.contains("value=\"everyone\" checked"), "{}", refused.body);
        assert_eq!(refused.hidden("people"), "1001");
    }
    assert!(runs(&app, id).await.is_empty());

    // Two admins, two presses each, at the same time.
    let mut presses = vec![press(&app, &path, &page, "1,001"), press(&app, &path, &page, "1001")];
    app.other_browser();
    app.sign_in(Role::Editor).await;
    let page = app.get(&look).await;
    presses.extend([press(&app, &path, &page, "1001"), press(&app, &path, &page, "1.001")]);
    let mut answers = tokio::task::JoinSet::new();
    for press in presses {
        let router = app.router.clone();
        answers.spawn(async move { router.oneshot(press).await.unwrap() });
    }
    let mut led = Vec::new();
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 303);
        led.push(answer.headers()[header::LOCATION].to_str().unwrap().to_owned());
    }
    led.dedup();
    assert_eq!(led.len(), 1, "{led:?}");
    let [run] = runs(&app, id).await.try_into().unwrap();
    assert_eq!((run.asked, run.turn, run.audience), (1_001, 1, Audience::Everyone));

    // Nobody is in it for a minute, then all are, once.
    app.run_until_idle().await;
    assert!(enrolments(&app, id).await.is_empty());
    app.advance_ms(MINUTE_MS).await;
    let [run] = runs(&app, id).await.try_into().unwrap();
    assert_eq!((run.state.as_str(), run.entered, run.left_out), ("done", 1_001, 0));
    let mut entered: Vec<_> = enrolments(&app, id).await.iter().map(|e| e.contact_id).collect();
    entered.sort();
    entered.dedup();
    assert_eq!(entered.len(), MANY);

    // Pressed once more on the old page it is the same run; asked for anew, nobody enters twice.
    let late = app.send(press(&app, &path, &page, "1001")).await;
    assert_eq!(late.location(), led[0]);
    let again = ask(&app, id, "who=everyone").await;
    app.advance_ms(MINUTE_MS).await;
    let [second, _] = runs(&app, id).await.try_into().unwrap();
    assert_eq!((second.id, second.turn, second.entered, second.left_out), (again, 2, 0, 1_001));
    assert_eq!(enrolments(&app, id).await.len(), MANY);
    let shown = app.get(&format!("{}?outcome=left-out", led[0])).await;
    assert!(shown.body.contains("<h2>Nobody</h2>"));
    let shown = app.get(&format!("/admin/sequences/{id}/runs/{again}?outcome=already")).await;
    assert!(shown.body.contains("p1@x.test") && shown.body.contains("in it already"));
    let asked = audits(&app).await.into_iter().filter(|what| what == "sequence.run_asked");
    assert_eq!(asked.count(), 2);
    assert!(app.findings().await.is_empty());
}

async fn audits(app: &TestApp) -> Vec<String> {
    let site = app.site.id;
    let reader = app.engine.reader();
    let read = reader.read::<_, store::StoreError, _>(move |session| {
        Box::pin(store::audits::list(session, site, i64::MAX, 500))
    });
    read.await.unwrap().into_iter().map(|line| line.action).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_a_press_by_mistake_is_stopped_with_nobody_in_it() {
    let app = TestApp::start().await;
    people(&app, "ada@x.test,confirmed,\n").await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    let run = ask(&app, id, "who=everyone").await;
    let here = format!("/admin/sequences/{id}/runs/{run}");
    assert!(app.get(&here).await.plain().contains("Stopped before, nobody is in it"));
    // Until then the same people are not asked for again.
    let page = app.get(&format!("/admin/sequences/{id}/people?who=everyone")).await;
    assert!(
        page.plain().contains("being put in right now") && !page.body.contains("name=\"turn\"")
    );
    app.post(&here, &[]).await;
    app.advance_ms(MINUTE_MS).await;
    assert!(enrolments(&app, id).await.is_empty());
    assert_eq!(runs(&app, id).await[0].state, "stopped");
    assert!(app.get(&here).await.plain().contains("stopped by an operator"));
    assert!(audits(&app).await.contains(&"sequence.run_stopped".to_owned()));
    // A viewer may look, and no more.
    app.other_browser();
    app.sign_in(Role::Viewer).await;
    assert_eq!(app.get(&here).await.status, 200);
    assert_eq!(app.post(&here, &[]).await.status, 403);
    let path = format!("/admin/sequences/{id}/people");
    assert_eq!(app.post(&path, &[("who", "everyone")]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_who_leaves_while_a_run_is_at_work_is_not_put_in() {
    let app = TestApp::start().await;
    people(&app, &many()).await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    let run = ask(&app, id, "who=everyone").await;
    app.engine.clock().advance_ms(MINUTE_MS);
    engine::sweeps::tick(&app.engine).await.unwrap();
    let half = runs(&app, id).await.remove(0);
    assert_eq!((half.state.as_str(), half.entered), ("running", 500));
    let (gone, left) = (app.contact("p900@x.test").await, app.contact("p901@x.test").await);
    engine::privacy::erase(&app.engine, &app.site, gone.id).await.unwrap();
    care::unsubscribe(&app.engine, Actor::Console, &app.site, left.id).await.unwrap();
    // One who is in leaves as everybody does; one who came late is not meant.
    let first = app.contact("p1@x.test").await;
    care::unsubscribe(&app.engine, Actor::Console, &app.site, first.id).await.unwrap();
    people(&app, "late@x.test,confirmed,\n").await;
    // Those who enter from here on follow the new version.
    sequences::publish(&app.engine, app.site.clone(), id, Follow::NewOnly).await.unwrap();
    app.run_until_idle().await;
    let all = enrolments(&app, id).await;
    assert_eq!(all.len(), MANY - 2);
    let late = app.contact("late@x.test").await;
    assert!(all.iter().all(|e| ![gone.id, left.id, late.id].contains(&e.contact_id)));
    let exited: Vec<_> = all.iter().filter(|e| e.state == "exited").map(|e| e.contact_id).collect();
    assert_eq!(exited, [first.id]);
    let new = all.iter().filter(|e| e.version_id != all.last().unwrap().version_id);
    assert_eq!(new.count(), MANY - 2 - 500);
    let done = runs(&app, id).await.remove(0);
    assert_eq!((done.state.as_str(), done.entered, done.left_out), ("done", 999, 0));
    assert_eq!(dealt(&app, run, Which::All).await.len(), 999);
    let page = app.get(&format!("/admin/sequences/{id}/runs/{run}")).await;
    assert!(page.plain().contains("999 of them were still among these people"));
    assert!(app.findings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_a_run_waits_for_a_paused_sequence_and_ends_with_a_retired_one() {
    let app = TestApp::start().await;
    people(&app, "ada@x.test,confirmed,fern\nbo@x.test,confirmed,\n").await;
    let id = by_hand(&app).await;
    let set = async |state| {
        sequences::set_state(&app.engine, app.site.id, id, state).await.unwrap();
    };
    app.sign_in(Role::Editor).await;
    let tagged = ask(&app, id, "who=tag&tag=fern").await;
    set("paused").await;
    app.advance_ms(MINUTE_MS).await;
    assert_eq!(runs(&app, id).await[0].state, "running");
    let page = app.get(&format!("/admin/sequences/{id}/runs/{tagged}")).await.plain();
    assert!(page.contains("this goes on when it does"), "{page}");
    let closed = app.get(&format!("/admin/sequences/{id}/people?who=everyone")).await;
    assert!(
        closed.plain().contains("let it go on first") && !closed.body.contains("name=\"turn\"")
    );
    set("live").await;
    app.run_until_idle().await;
    assert_eq!(dealt(&app, tagged, Which::Of(Outcome::Entered)).await.len(), 1);
    let rest = ask(&app, id, "who=everyone").await;
    set("retired").await;
    app.advance_ms(MINUTE_MS).await;
    let run = runs(&app, id).await.remove(0);
    assert_eq!((run.id, run.state.as_str(), run.entered), (rest, "stopped", 0));
    assert_eq!(run.why.as_deref(), Some("the sequence was retired"));
    assert!(app.findings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_those_who_bought_and_those_who_have_not_are_counted_as_the_list_shows_them() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.subscribe("ada@x.test").await;
    people(&app, "bo@x.test,confirmed,\ncy@x.test,unsubscribed,\n").await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    let site = app.site.id;
    let reader = app.engine.reader();
    let read = reader.read::<_, store::StoreError, _>(move |session| {
        Box::pin(store::products::list(session, site))
    });
    let products = read.await.unwrap();
    let leaflet = products.iter().find(|one| one.slug == "leaflet").unwrap().id;
    let path = format!("/admin/sequences/{id}/people");
    for (who, address) in [("bought", "ada@x.test"), ("not-bought", "bo@x.test")] {
        let page = app.get(&format!("{path}?who={who}&product={leaflet}")).await;
        assert_eq!(page.hidden("people"), "1", "{who}");
        let listed = page.body.split("href=\"/admin/contacts?").nth(1).map(|rest| rest.to_owned());
        let listed = listed.or_else(|| {
            let rest = page.body.split("href=\"&#x2f;admin&#x2f;contacts?").nth(1)?;
            Some(rest.replace("&#x2f;", "/"))
        });
        let query = listed.unwrap().split('"').next().unwrap().replace("&amp;", "&");
        let list = app.get(&format!("/admin/contacts?{query}")).await;
        assert_eq!(list.body.matches("row-link").count(), 1, "{query}");
        assert!(list.body.contains(address));
        // The same beside the beginning of an address, and as a file.
        let found = app.get(&format!("/admin/contacts?{query}&q={}", &address[..2])).await;
        assert_eq!(found.body.matches("row-link").count(), 1);
        let none = app.get(&format!("/admin/contacts?{query}&q=zz")).await;
        assert_eq!(none.body.matches("row-link").count(), 0);
        let file = app.get(&format!("/admin/contacts.csv?{query}")).await;
        assert_eq!(file.body.lines().count(), 2);
        let run = ask(&app, id, &format!("who={who}&product={leaflet}")).await;
        app.advance_ms(MINUTE_MS).await;
        let contact = app.contact(address).await.id;
        let entered = dealt(&app, run, Which::All).await;
        assert_eq!(entered.iter().map(|one| one.contact_id).collect::<Vec<_>>(), [contact]);
    }
    let nothing = app.get(&format!("{path}?who=bought")).await;
    assert_eq!(nothing.status, 422);
    assert!(nothing.plain().contains("choose a product"));
    let nobody = app.get(&format!("{path}?who=tag&tag=nobody")).await;
    assert!(nobody.plain().contains("There is nobody to put in"));
}

/// A press whose list has grown, or whose turn is over, is looked at again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_never_more_people_than_the_page_said() {
    let app = TestApp::start().await;
    people(&app, "ada@x.test,confirmed,fern\nbo@x.test,confirmed,\n").await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    let path = format!("/admin/sequences/{id}/people");
    let page = app.get(&format!("{path}?who=tag&tag=fern")).await;
    let bo = app.contact("bo@x.test").await.id;
    engine::tags::put_on(&app.engine, app.site.clone(), bo, "fern".to_owned()).await.unwrap();
    let grown = app.send(press(&app, &path, &page, "")).await;
    assert_eq!(grown.status, 422);
    assert!(grown.plain().contains("there are 2 people now, and not 1"), "{}", grown.plain());
    assert_eq!(grown.hidden("people"), "2");
    assert_eq!(app.send(press(&app, &path, &grown, "")).await.status, 303);
    let forged = [("who", "tag"), ("tag", "fern"), ("turn", "9"), ("people", "9")];
    let last = ContactId(i64::MAX).to_string();
    let forged: Vec<_> = forged.into_iter().chain([("before", last.as_str())]).collect();
    assert_eq!(app.post(&path, &forged).await.status, 422);
    assert_eq!(app.post(&path, &[("who", "tag"), ("tag", "fern")]).await.status, 422);
    assert_eq!(runs(&app, id).await.len(), 1);
    // Who gets the tag after the press was not counted, and is not put in.
    people(&app, "cy@x.test,confirmed,fern\ndi@x.test,confirmed,fern\n").await;
    let early = app.contact("ada@x.test").await.id;
    engine::tags::take_off(&app.engine, app.site.clone(), early, "fern".to_owned()).await.unwrap();
    engine::tags::put_on(&app.engine, app.site.clone(), early, "late".to_owned()).await.unwrap();
    ask(&app, id, "who=tag&tag=late").await;
    engine::tags::put_on(&app.engine, app.site.clone(), bo, "late".to_owned()).await.unwrap();
    app.advance_ms(MINUTE_MS).await;
    let run = runs(&app, id).await.remove(0);
    assert_eq!((run.asked, run.entered + run.left_out), (1, 1));
    assert_eq!(run.state, "stopped");
    assert_eq!(run.why.as_deref(), Some("more people were among them than were asked for"));
    assert!(app.findings().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_what_was_asked_for_before_a_restore_is_not_done_again() {
    let app = TestApp::start().await;
    people(&app, "ada@x.test,confirmed,\n").await;
    let id = by_hand(&app).await;
    app.sign_in(Role::Editor).await;
    ask(&app, id, "who=everyone").await;
    engine::guard::close(&app.engine, "restored").await.unwrap();
    app.advance_ms(MINUTE_MS).await;
    assert!(enrolments(&app, id).await.is_empty());
    let choice = engine::guard::Choice::SentBefore(app.engine.now());
    engine::guard::choose(&app.engine, choice).await.unwrap();
    app.run_until_idle().await;
    assert!(enrolments(&app, id).await.is_empty());
    let run = runs(&app, id).await.remove(0);
    assert_eq!((run.state.as_str(), run.site_id), ("stopped", SiteId(app.site.id.0)));
}
