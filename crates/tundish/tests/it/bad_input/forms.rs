//! F: public forms.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header;
use model::contacts::{Contact, Status, SuppressionReason};
use model::forms::{Field, FieldKind};
use model::ids::SubmissionId;
use model::times::{DAY_MS, HOUR_MS};
use std::net::SocketAddr;
use store::StoreError;
use store::forms::Submission;
use testkit::TestApp;

use crate::people::{
    self, app, app_with, confirmed, contact, count, fill_in, form, ledger, messages, path_in,
    token_of,
};

async fn submissions(app: &TestApp, state: &'static str) -> Vec<Submission> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                let all = (SubmissionId(0), SubmissionId(i64::MAX));
                store::forms::submissions_between(session, site, state, all, 100).await
            })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_an_address_is_asked_once_an_hour_and_three_times_in_all() {
    let app = app().await;
    form(&app, "other", |_| {}).await;
    for n in 0..40 {
        let slug = if n % 2 == 0 { "chapter" } else { "other" };
        let sent = fill_in(&app, slug, &[("email", "ada+x@x.test")]).await;
        assert_eq!(sent.status, 303);
    }
    assert_eq!(count(&app, "confirmation").await, 1);
    for _ in 0..10 {
        app.engine.clock().advance_ms(2 * HOUR_MS);
        // Another tag of the same mailbox is the same mailbox.
        fill_in(&app, "chapter", &[("email", "ada+y@x.test")]).await;
    }
    assert_eq!(count(&app, "confirmation").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_a_flood_is_held_released_by_hand_and_the_page_is_the_same() {
    let app = app().await;
    let mut site = app.site.clone();
    site.settings.confirmations_per_hour = Some(5);
    engine::sites::put(&app.engine, site.clone(), Vec::new()).await.unwrap();
    for n in 0..8 {
        let address = format!("p{n}@x.test");
        let sent = fill_in(&app, "chapter", &[("email", &address)]).await;
        assert_eq!((sent.status.as_u16(), sent.location()), (303, "/f/chapter?sent"));
    }
    let held = submissions(&app, "held").await;
    assert_eq!((held.len(), count(&app, "confirmation").await), (3, 5));
    assert!(contact(&app, "p7@x.test").await.is_none());
    let live = engine::forms::live(&app.engine, site.id, "chapter").await.unwrap();
    let release = engine::opt_in::Decision::Release;
    engine::opt_in::decide(&app.engine, site.clone(), live.clone(), held[0].id, release)
        .await
        .unwrap();
    assert_eq!(count(&app, "confirmation").await, 6);
    let twice = engine::opt_in::decide(&app.engine, site, live, held[0].id, release).await;
    assert!(twice.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_many_answers_from_one_network_are_held_then_refused() {
    let app = app().await;
    let token = token_of(&app, "chapter").await;
    app.engine.clock().advance_ms(5_000);
    let peer: SocketAddr = "198.51.100.77:4000".parse().unwrap();
    let mut statuses = Vec::new();
    for n in 0..310 {
        let body = format!("email=n{n}%40x.test&_t={token}");
        let request = app
            .request("POST", "/f/chapter")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(ConnectInfo(peer))
            .body(Body::from(body))
            .unwrap();
        statuses.push(app.send(request).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[100], statuses[309]), (303, 303, 429));
    assert!(!submissions(&app, "held").await.is_empty());
    assert!(count(&app, "confirmation").await < 60);
}

/// An address that is in, one that left, one that does not take mail, one that complained.
async fn four_known(app: &TestApp) {
    confirmed(app, "in@x.test").await;
    let left = confirmed(app, "left@x.test").await;
    let path = engine::links::unsubscribe_url_of(&app.engine, &app.site, left.id);
    app.post(path.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
    for (address, why) in [
        ("gone@x.test", SuppressionReason::HardBounce),
        ("angry@x.test", SuppressionReason::Complaint),
    ] {
        let id = confirmed(app, address).await.id;
        engine::contacts::suppress(&app.engine, &app.site, id, why, "").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_known_unknown_and_suppressed_addresses_get_the_same_answer() {
    let app = app().await;
    four_known(&app).await;
    let mut answers = Vec::new();
    for address in ["new@x.test", "in@x.test", "left@x.test", "gone@x.test", "angry@x.test"] {
        let got = fill_in(&app, "chapter", &[("email", address)]).await;
        let page = app.get(got.location()).await;
        assert_eq!(page.status, 200);
        let bare = |answer: &testkit::Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers.remove(header::DATE);
            (answer.status, headers, answer.body.clone())
        };
        answers.push((bare(&got), bare(&page)));
    }
    for other in &answers[1..] {
        assert_eq!(other, &answers[0]);
    }
    // "You are in already" is said by mail alone, and once a day.
    let to_them = async || {
        let all = messages(&app).await;
        all.iter().filter(|message| message.to_address == "in@x.test").count()
    };
    let once = to_them().await;
    fill_in(&app, "chapter", &[("email", "in@x.test")]).await;
    assert_eq!(to_them().await, once);
    app.engine.clock().advance_ms(DAY_MS);
    fill_in(&app, "chapter", &[("email", "in@x.test")]).await;
    assert_eq!(to_them().await, once + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_the_time_an_answer_takes_tells_nothing_of_the_address() {
    let app = app().await;
    four_known(&app).await;
    let kinds = ["new", "in", "left", "gone", "angry"];
    let mut took: [Vec<f64>; 5] = Default::default();
    for n in 0..25 {
        // In turns: what else the machine does meets all of them alike.
        for (kind, took) in kinds.iter().zip(&mut took) {
            let token = token_of(&app, "chapter").await;
            app.engine.clock().advance_ms(5_000);
            let address =
                if *kind == "new" { format!("new{n}@x.test") } else { format!("{kind}@x.test") };
            let fields = [("email", address.as_str()), ("_t", token.as_str())];
            let begun = tokio::time::Instant::now();
            assert_eq!(app.post("/f/chapter", &fields).await.status, 303);
            took.push(begun.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    let medians = took.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    });
    let least = medians.iter().copied().fold(f64::MAX, f64::min);
    let most = medians.iter().copied().fold(0.0, f64::max);
    // On a machine that is busy with other tests everything takes longer, the difference too.
    assert!(most - least <= least.max(5.0), "medians in ms: {medians:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_who_unsubscribed_is_asked_anew_and_gives_a_new_consent() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let path = engine::links::unsubscribe_url_of(&app.engine, &app.site, ada.id);
    app.post(path.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
    app.engine.clock().advance_ms(2 * HOUR_MS);
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Unsubscribed);
    assert_eq!(count(&app, "confirmation").await, 2);
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
    let actions: Vec<String> = ledger(&app, &ada).await.into_iter().map(|line| line.1).collect();
    assert_eq!(actions, ["granted", "withdrawn", "granted"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f05_a_complaint_is_lifted_by_a_click_and_not_by_a_form() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let reason = SuppressionReason::Complaint;
    engine::contacts::suppress(&app.engine, &app.site, ada.id, reason, "").await.unwrap();
    for days in [2, 40] {
        app.engine.clock().advance_ms(days * DAY_MS);
        let sent = fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
        assert_eq!(sent.location(), "/f/chapter?sent");
        assert_eq!(count(&app, "confirmation").await, 1, "nothing goes to who complained");
        assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Suppressed);
    }
    // A mail they have from before leads to their preferences: looking changes nothing, the
    // button does.
    let path = engine::links::preferences_url(&app.engine, &app.site, ada.id);
    let path = path.strip_prefix(&app.site.base_url).unwrap();
    assert_eq!(app.get(path).await.status, 200);
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Suppressed);
    let back = app.post(&format!("{path}/again"), &[]).await;
    assert_eq!(back.status, 200, "{}", back.body);
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.status, Status::Confirmed);
    assert!(suppressed(&app, &ada).await.is_none());
}

async fn suppressed(app: &TestApp, of: &Contact) -> Option<store::suppressions::Suppression> {
    let (site, hmac) = (app.site.id, of.address_hmac.clone());
    app.engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::suppressions::find(session, site, &hmac).await })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f05_a_mailbox_that_was_not_there_is_tried_once_in_thirty_days() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    app.run_until_idle().await;
    let reason = SuppressionReason::HardBounce;
    engine::contacts::suppress(&app.engine, &app.site, ada.id, reason, "550 5.1.1").await.unwrap();
    let asked = async || {
        let sent = fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        app.run_until_idle().await;
        let sent = app.mails().into_iter().filter(|mail| mail.text.contains("/confirm/"));
        (count(&app, "confirmation").await, sent.count())
    };
    assert_eq!(asked().await, (1, 1), "nothing so soon");
    app.engine.clock().advance_ms(29 * DAY_MS);
    assert_eq!(asked().await, (1, 1), "nor within thirty days");
    app.engine.clock().advance_ms(2 * DAY_MS);
    assert_eq!(asked().await, (2, 2), "one try");
    for _ in 0..2 {
        app.engine.clock().advance_ms(14 * DAY_MS);
        assert_eq!(asked().await, (2, 2), "and no other for thirty days");
    }
    app.engine.clock().advance_ms(3 * DAY_MS);
    assert_eq!(asked().await, (3, 3));
    // The mailbox is there again: the click of its owner lifts it.
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.status, Status::Confirmed);
    assert!(suppressed(&app, &ada).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_f07_what_is_no_address_is_refused_at_its_field() {
    let app = app().await;
    let long = format!("{}@x.test", "a".repeat(65));
    for bad in [
        "a@b.test\r\nBcc: x@y.test",
        "a\0@x.test",
        "a%0d%0a@x.test",
        "a\u{2028}@x.test",
        "a@[127.0.0.1]",
        "a@localhost",
        "a@b",
        "a@x.test.",
        "a@@x.test",
        long.as_str(),
        "",
    ] {
        let got = fill_in(&app, "chapter", &[("email", bad)]).await;
        assert_eq!(got.status, 422, "{bad:?}");
        assert!(got.body.contains("email-error"), "{bad:?}");
    }
    assert!(messages(&app).await.is_empty());
    let quoted = fill_in(&app, "chapter", &[("email", "\"a b\"@x.test")]).await;
    assert_eq!(quoted.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f08_f09_one_mailbox_is_one_contact_however_it_is_written() {
    let app = app().await;
    fill_in(&app, "chapter", &[("email", "Ju\u{308}rgen@EXAMPLE.test")]).await;
    fill_in(&app, "chapter", &[("email", "J\u{fc}rgen@example.TEST")]).await;
    fill_in(&app, "chapter", &[("email", "user@例え.jp")]).await;
    fill_in(&app, "chapter", &[("email", "user@xn--r8jz45g.jp")]).await;
    fill_in(&app, "chapter", &[("email", "a.b+tag@gmail.com")]).await;
    fill_in(&app, "chapter", &[("email", "ab@gmail.com")]).await;
    for key in ["jürgen@example.test", "user@xn--r8jz45g.jp", "a.b+tag@gmail.com", "ab@gmail.com"]
    {
        assert!(contact(&app, key).await.is_some(), "{key}");
    }
    // Two contacts, as typed; one mailbox for the limit.
    assert_eq!(count(&app, "confirmation").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f10_programs_get_the_same_page_and_no_mail() {
    let app = app().await;
    let token = token_of(&app, "chapter").await;
    let fast = [("email", "fast@x.test"), ("_t", token.as_str())];
    assert_eq!(app.post("/f/chapter", &fast).await.location(), "/f/chapter?sent");
    let got = fill_in(&app, "chapter", &[("email", "bot@x.test"), ("_website", "x")]).await;
    // The filled-in trap stands before the empty one that people leave.
    assert_eq!(got.status, 303);
    let trapped = [("email", "bot@x.test"), ("_website", "http://spam"), ("_t", token.as_str())];
    assert_eq!(app.post("/f/chapter", &trapped).await.location(), "/f/chapter?sent");
    let none = app.post("/f/chapter", &[("email", "none@x.test")]).await;
    assert!(none.body.contains("press the button once more"));
    assert_eq!(submissions(&app, "spam").await.len(), 2);
    assert!(contact(&app, "fast@x.test").await.is_none());
    app.advance_ms(31 * DAY_MS).await;
    assert!(submissions(&app, "spam").await.is_empty(), "kept for thirty days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f11_a_form_open_for_days_asks_for_one_press_more_and_keeps_the_values() {
    let app = app().await;
    let token = token_of(&app, "chapter").await;
    app.engine.clock().advance_ms(3 * DAY_MS);
    let late = [("email", "ada@x.test"), ("first_name", "Ada L"), ("_t", token.as_str())];
    let page = app.post("/f/chapter", &late).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("once more") && page.body.contains("Ada L"));
    let token = people::after(&page.body, "name=\"_t\" value=\"").to_owned();
    // At once: it was filled in before.
    let again = app.post("/f/chapter", &[("email", "ada@x.test"), ("_t", &token)]).await;
    assert_eq!(again.status, 303);
    assert_eq!(count(&app, "confirmation").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_f14_what_the_form_does_not_ask_is_dropped_and_code_stays_text() {
    let app = app().await;
    let name = "<script>{{7*7}}\u{202e}";
    fill_in(
        &app,
        "chapter",
        &[("email", "ada@x.test"), ("first_name", name), ("is_admin", "1"), ("list", "private")],
    )
    .await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.first_name, "<script>{{7*7}}");
    assert!(ada.fields.is_empty());
    assert_eq!(submissions(&app, "accepted").await[0].dropped, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_what_is_too_much_or_twice_is_refused() {
    let app = app().await;
    let long = "x".repeat(100_000);
    let got = fill_in(&app, "chapter", &[("email", "a@x.test"), ("first_name", &long)]).await;
    assert_eq!(got.status, 422);
    let twice = [("email", "a@x.test"), ("email", "b@x.test")];
    assert_eq!(fill_in(&app, "chapter", &twice).await.status, 422);
    let keys: Vec<String> = (0..500).map(|n| format!("k{n}")).collect();
    let mut many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
    many.push(("email", "a@x.test"));
    assert_eq!(fill_in(&app, "chapter", &many).await.status, 422);
    let huge = "x".repeat(2_000_000);
    assert_eq!(app.post("/f/chapter", &[("email", &huge)]).await.status, 413);
    let request = app
        .request("POST", "/f/chapter")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=none")
        .body(Body::from("--nothing"))
        .unwrap();
    let status = app.send(request).await.status.as_u16();
    assert!((400..500).contains(&status), "{status}");
    assert!(messages(&app).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_another_site_may_send_only_where_the_form_lets_it() {
    let app = app().await;
    let send = async |origin: &str| {
        let request = app
            .request("POST", "/f/chapter")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin)
            .header("sec-fetch-site", "cross-site")
            .body(Body::from("email=ada%40x.test"))
            .unwrap();
        app.send(request).await
    };
    let page = send("https://blog.example").await;
    assert!(page.body.contains("once more") && contact(&app, "ada@x.test").await.is_none());
    form(&app, "chapter", |spec| {
        spec.embed_origins = vec!["https://blog.example".to_owned()];
    })
    .await;
    let sent = send("https://blog.example").await;
    assert_eq!((sent.status.as_u16(), sent.location()), (303, "/f/chapter?sent"));
    assert!(sent.headers.get(header::SET_COOKIE).is_none());
    assert!(send("https://evil.example").await.body.contains("once more"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_scanner_that_fetches_the_link_confirms_nobody() {
    let app = app().await;
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    for method in ["GET", "HEAD", "GET"] {
        let request = app.request(method, &path).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.status, 200);
    }
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_replayed_expired_cut_and_foreign_links_each_say_what_they_are() {
    let app = app().await;
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    assert!(app.post(&path, &[]).await.body.contains("is confirmed"));
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ledger(&app, &ada).await.len(), 1, "once");
    let cut = &path[..path.len() - 3];
    assert!(app.get(cut).await.body.contains("not valid"));
    assert!(app.get("/confirm/AAAAAAAAAAAAAAAAAAAAAAAAAAAA").await.body.contains("not valid"));

    fill_in(&app, "chapter", &[("email", "bob@x.test")]).await;
    let old = path_in(&app, "confirmation", "confirm_url").await;
    app.engine.clock().advance_ms(8 * DAY_MS);
    assert!(app.post(&old, &[]).await.body.contains("has expired"));
    assert_eq!(contact(&app, "bob@x.test").await.unwrap().status, Status::Pending);
    assert!(app.post(&format!("{old}/again"), &[]).await.body.contains("look into your inbox"));
    let new = path_in(&app, "confirmation", "confirm_url").await;
    assert_ne!(new, old);
    assert!(app.post(&new, &[]).await.body.contains("is confirmed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_a_box_left_empty_agrees_to_nothing_and_the_rest_stands() {
    let app = app_with(|spec| {
        spec.consent.clear();
        for (key, purpose) in [("letters", "newsletter"), ("partners", "partners")] {
            let field = Field::new(key, FieldKind::Consent, &format!("Yes, {key}."));
            spec.fields.push(Field { purpose: Some(purpose.to_owned()), ..field });
        }
    })
    .await;
    fill_in(&app, "chapter", &[("email", "ada@x.test"), ("partners", "on")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.status, Status::Pending, "no newsletter was agreed to");
    let lines = ledger(&app, &ada).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, "partners");
    assert_eq!(count(&app, "magnet").await, 1, "what was promised still comes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_kept_apart_are_found_at_their_form_whatever_the_others_get() {
    let app = app().await;
    form(&app, "other", |_| {}).await;
    let token = token_of(&app, "chapter").await;
    let fast = [("email", "mine@x.test"), ("first_name", "Mina"), ("_t", token.as_str())];
    app.post("/f/chapter", &fast).await;
    let token = token_of(&app, "other").await;
    for n in 0..60 {
        let email = format!("bot{n}@x.test");
        app.post("/f/other", &[("email", &email), ("_t", &token)]).await;
    }
    app.sign_in(model::operators::Role::Owner).await;
    let list = app.get("/admin/forms").await.plain();
    let at = list.find("/f/chapter").unwrap();
    let path = list[..at].rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    for tab in ["waiting", "spam"] {
        let page = app.get(&format!("{path}?state={tab}")).await.body;
        assert!(page.contains("mine@x.test") && !page.contains("bot1@"), "{tab}: {page}");
        assert!(!page.contains("&quot;Mina"), "as it was typed: {page}");
    }
    // And the other form's go on behind the first fifty.
    let at = list.find("/f/other").unwrap();
    let path = list[..at].rsplit("href=\"").next().unwrap().split('"').next().unwrap();
    let page = app.get(&format!("{path}?state=waiting")).await.plain();
    let next = page.split("href=\"").find(|rest| rest.contains("before=")).unwrap();
    let next = next.split('"').next().unwrap();
    assert!(app.get(next).await.body.contains("bot0@x.test"));
}
