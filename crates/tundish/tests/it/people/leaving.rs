//! Less, nothing, everything we know, forgotten: by the links of mails.

use model::contacts::Status;
use model::times::DAY_MS;
use serde_json::Value;

use super::{after, app, confirmed, contact, count, fill_in, ledger, path_in};

fn unsubscribe_path(app: &testkit::TestApp, of: &model::contacts::Contact) -> String {
    let url = engine::links::unsubscribe_url_of(&app.engine, &app.site, of.id);
    url.strip_prefix(&app.site.base_url).unwrap().to_owned()
}

fn preferences_path(app: &testkit::TestApp, of: &model::contacts::Contact) -> String {
    let url = engine::links::preferences_url(&app.engine, &app.site, of.id);
    url.strip_prefix(&app.site.base_url).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_press_ends_it_and_a_week_is_time_to_take_it_back() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let path = unsubscribe_path(&app, &ada);
    assert!(app.get(&path).await.body.contains("a…@x….test"));
    assert_eq!(app.post(&path, &[("from", "page")]).await.status, 200);
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Unsubscribed);
    assert_eq!(count(&app, "unsubscribed").await, 1, "one mail says so");

    app.engine.clock().advance_ms(6 * DAY_MS);
    assert!(app.post(&format!("{path}/undo"), &[]).await.body.contains("in again"));
    let back = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(back.status, Status::Confirmed);
    let actions: Vec<_> = ledger(&app, &back).await.into_iter().map(|(_, a, s)| (a, s)).collect();
    let said = |a: &str, s: &str| (a.to_owned(), s.to_owned());
    assert_eq!(
        actions,
        [said("granted", "form"), said("withdrawn", "unsubscribe-page"), said("granted", "undo"),]
    );

    app.post(&path, &[]).await;
    app.engine.clock().advance_ms(8 * DAY_MS);
    assert_eq!(app.post(&format!("{path}/undo"), &[]).await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsubscribe_is_taken_back_on_a_clock_that_goes_on_between_two_statements() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    app.engine.clock().tick_ms(1);
    let path = unsubscribe_path(&app, &ada);
    app.post(&path, &[("from", "page")]).await;
    app.post(&format!("{path}/undo"), &[]).await;
    let back = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(back.status, Status::Confirmed);
    assert_eq!(ledger(&app, &back).await.last().unwrap().2, "undo");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_chooses_less_and_no_offers_and_the_choice_is_kept() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let path = preferences_path(&app, &ada);
    assert_eq!(app.get(&path).await.status, 200);
    let saved = app.post(&path, &[("pace", "less"), ("no_sales", "on")]).await;
    assert!(saved.body.contains("Saved."));
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert!(ada.less_often && ada.no_sales && ada.paused_until.is_none());
    app.post(&path, &[("pace", "pause")]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert!(ada.is_paused(app.engine.now()) && ada.less_often && !ada.no_sales);
    app.post(&format!("{path}/stop"), &[]).await;
    app.post(&format!("{path}/again"), &[]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.status, Status::Confirmed);
    assert_eq!(ledger(&app, &ada).await.last().unwrap().2, "preferences");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_know_goes_only_by_a_second_link_to_the_address_itself() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let path = preferences_path(&app, &ada);
    let asked = app.post(&format!("{path}/export"), &[]).await;
    assert!(asked.body.contains("a…@x….test") && !asked.body.contains("ada@x.test"));
    let second = path_in(&app, "data_link", "url").await;
    assert!(app.get(&second).await.body.contains("As JSON"));
    let data = app.post(&second, &[("format", "json")]).await;
    let known: Value = serde_json::from_str(&data.body).unwrap();
    assert_eq!(known["contact"]["email"], "ada@x.test");
    assert_eq!(known["consents"][0]["words"], super::WORDING);
    assert_eq!(known["tags"][0], "reader");
    let csv = app.post(&second, &[("format", "csv")]).await;
    assert!(csv.body.contains("\r\ncontact,email,ada@x.test\r\n"), "{}", csv.body);
    app.engine.clock().advance_ms(2 * DAY_MS);
    assert!(app.get(&second).await.body.contains("not valid any more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erasing_leaves_a_keyed_mark_and_no_word() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let waiting = engine::messages::NewMessage {
        contact_id: Some(ada.id),
        to: model::EmailAddr::parse("ada@x.test").unwrap(),
        class: model::messages::Class::Transactional,
        source_kind: model::messages::SourceKind::Notice,
        source_id: ada.id.0,
        enrolment_id: None,
        dedupe_key: "waits".to_owned(),
        content: engine::messages::Content::System {
            name: "your_links",
            context: serde_json::json!({ "stop_url": "x", "choose_url": "y" }),
        },
        not_before: Some(app.engine.now().plus_ms(30 * DAY_MS)),
        expires_at: None,
    };
    engine::messages::enqueue(&app.engine, app.site.clone(), waiting).await.unwrap().unwrap();
    app.post(&format!("{}/erase", preferences_path(&app, &ada)), &[]).await;
    let second = path_in(&app, "data_link", "url").await;
    assert!(app.get(&second).await.body.contains("Erase everything?"));
    assert!(contact(&app, "ada@x.test").await.is_some(), "a page erases nobody");
    assert!(app.post(&second, &[]).await.body.contains("forgotten"));
    assert!(contact(&app, "ada@x.test").await.is_none());
    let known = engine::privacy::export(&app.engine, app.site.id, ada.id).await;
    assert!(known.is_err());
    for message in super::messages(&app).await {
        assert!(!message.context.contains("Ada") && !message.to_address.contains("ada@"));
    }
    // What was still to leave will not, and says why.
    let found = engine::verify::run(&app.engine.reader()).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    // She may come back by her own hand.
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    let again = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(again.status, Status::Confirmed);
    assert_ne!(again.id, ada.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_confirms_is_forgotten_after_thirty_days() {
    let app = app().await;
    fill_in(&app, "chapter", &[("email", "bob@x.test")]).await;
    confirmed(&app, "ada@x.test").await;
    app.advance_ms(31 * DAY_MS).await;
    assert!(contact(&app, "bob@x.test").await.is_none());
    assert!(contact(&app, "ada@x.test").await.is_some());
    assert!(super::messages(&app).await.iter().all(|m| m.to_address != "bob@x.test"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signed_up_again_lately_still_finds_their_button() {
    let app = app().await;
    fill_in(&app, "chapter", &[("email", "bob@x.test")]).await;
    app.advance_ms(29 * DAY_MS).await;
    fill_in(&app, "chapter", &[("email", "bob@x.test")]).await;
    app.advance_ms(2 * DAY_MS).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    assert_eq!(contact(&app, "bob@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_typed_at_a_checkout_is_handed_out_and_forgotten_too() {
    let app = app().await;
    app.stock_shop().await;
    app.buy("guide", &[("email", "ada@x.test"), ("method", "declines")]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap().id;
    let (engine, site) = (&app.engine, app.site.id);
    let known = engine::privacy::export(engine, site, ada).await.unwrap();
    assert_eq!(known["carts"][0]["form"]["name"], "Iris Calloway");
    assert_eq!(known["events"][0]["what"].as_str().map(str::is_empty), Some(false));
    assert!(known["sequences"].is_array() && known["clicks"].is_array());
    engine::privacy::erase(engine, &app.site, ada).await.unwrap();
    let carts = engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::carts::of_contact(session, site, ada).await })
        })
        .await
        .unwrap();
    let kept: Vec<_> = carts.iter().map(|c| (&*c.email, &*c.choices, &*c.state)).collect();
    assert_eq!(kept, [("", "{}", "closed")]);
    app.advance_ms(DAY_MS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pasted_form_holds_what_a_person_must_read() {
    let app = app().await;
    let html = app.get("/f/chapter/embed.html").await;
    assert!(html.body.contains(super::WORDING) && !html.body.contains("_t\""));
    assert_eq!(after(&html.body, "action=\""), "http://shop.example/f/chapter");
    let script = app.get("/f/chapter/embed.js").await;
    assert_eq!(script.headers["cross-origin-resource-policy"], "cross-origin");
    assert!(script.body.contains("insertAdjacentHTML") && !script.body.contains("</form>"));
}
