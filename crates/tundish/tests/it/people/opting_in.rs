//! A stranger leaves an address, confirms it and gets the free thing.

use model::contacts::{Status, SuppressionReason};
use model::forms::{After, Delivery, Field, FieldKind};

use super::{app, app_with, confirmed, contact, count, fill_in, ledger, messages, path_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_opts_in_confirms_by_the_button_and_gets_the_file() {
    let app = app().await;
    let sent = fill_in(&app, "chapter", &[("email", "ada@x.test"), ("first_name", "Ada")]).await;
    assert_eq!((sent.status.as_u16(), sent.location()), (303, "/f/chapter?sent"));
    assert!(app.get("/f/chapter?sent").await.body.contains("inbox"));
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!((ada.status, ada.first_name.as_str()), (Status::Pending, "Ada"));
    assert!(ledger(&app, &ada).await.is_empty(), "asking is no consent");

    let path = path_in(&app, "confirmation", "confirm_url").await;
    let page = app.get(&path).await;
    assert!(page.body.contains("a…@x….test") && page.body.contains(super::WORDING));
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Pending);

    let done = app.post(&path, &[]).await;
    assert!(done.body.contains("is confirmed"), "{}", done.body);
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!(ada.status, Status::Confirmed);
    let given = ("newsletter".into(), "granted".into(), "form".into());
    assert_eq!(ledger(&app, &ada).await, [given]);

    let magnet = path_in(&app, "magnet", "magnet_url").await;
    assert!(app.get(&magnet).await.body.contains("Download"));
    let file = app.post(&magnet, &[]).await;
    assert_eq!(file.body, "%PDF-1.4 the first chapter");
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("chapter.pdf"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mail_that_carries_the_file_confirms_by_its_download() {
    let app = app_with(|spec| spec.delivery = Delivery::Confirmation).await;
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    assert!(path.starts_with("/m/"), "{path}");
    let page = app.get(&path).await;
    assert!(page.body.contains("you confirm your address") && page.body.contains(super::WORDING));
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Pending);
    assert!(app.post(&path, &[]).await.body.starts_with("%PDF"));
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
    assert_eq!(count(&app, "magnet").await, 0, "the file is there already");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_in_gets_the_file_again_and_nothing_is_asked() {
    let app = app().await;
    confirmed(&app, "ada@x.test").await;
    fill_in(&app, "chapter", &[("email", "Ada@x.test"), ("first_name", "Augusta")]).await;
    assert_eq!(count(&app, "confirmation").await, 1);
    assert_eq!(count(&app, "magnet").await, 2);
    let ada = contact(&app, "ada@x.test").await.unwrap();
    assert_eq!((ada.first_name.as_str(), ada.status), ("Augusta", Status::Confirmed));
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    assert_eq!(messages(&app).await.len(), 3, "once a day is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_double_opt_in_confirms_at_once() {
    let app = app_with(|spec| {
        spec.double_opt_in = false;
        spec.after = After::Page("thanks".to_owned());
    })
    .await;
    let sent = fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    assert_eq!(sent.location(), "/p/thanks");
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
    assert_eq!((count(&app, "confirmation").await, count(&app, "magnet").await), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_without_double_opt_in_asks_whoever_left_and_leaves_alone_who_complained() {
    let app = app_with(|spec| spec.double_opt_in = false).await;
    for address in ["left@x.test", "angry@x.test", "full@x.test"] {
        fill_in(&app, "chapter", &[("email", address)]).await;
    }
    let (engine, site) = (&app.engine, &app.site);
    let left = contact(&app, "left@x.test").await.unwrap().id;
    engine::unsubscribe::from_page(engine, site, left, None).await.unwrap();
    for (address, why) in [
        ("angry@x.test", SuppressionReason::Complaint),
        ("full@x.test", SuppressionReason::HardBounce),
    ] {
        let id = contact(&app, address).await.unwrap().id;
        engine::contacts::suppress(engine, site, id, why, "as its server says").await.unwrap();
    }
    for address in ["left@x.test", "angry@x.test", "full@x.test"] {
        let before = contact(&app, address).await.unwrap().status;
        fill_in(&app, "chapter", &[("email", address)]).await;
        assert_eq!(contact(&app, address).await.unwrap().status, before, "{address}");
    }
    assert_eq!(count(&app, "confirmation").await, 1, "not to who complained, nor to nobody");
    assert_eq!(count(&app, "magnet").await, 3, "from the first time alone");
    let asked = messages(&app).await;
    let asked = asked.iter().find(|m| m.to_address == "left@x.test").unwrap();
    let context: serde_json::Value = serde_json::from_str(&asked.context).unwrap();
    let url = context["confirm_url"].as_str().unwrap();
    app.post(url.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
    assert_eq!(contact(&app, "left@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_free_thing_goes_once_a_day_to_an_address_that_agreed_to_nothing() {
    let app = app_with(|spec| {
        spec.double_opt_in = false;
        spec.consent = String::new();
        spec.fields.push(Field::new("news", FieldKind::Consent, "Send me the letters."));
    })
    .await;
    for _ in 0..5 {
        fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    }
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Pending);
    assert_eq!(messages(&app).await.len(), 1);
    app.engine.clock().advance_ms(model::times::DAY_MS);
    fill_in(&app, "chapter", &[("email", "ada@x.test")]).await;
    assert_eq!(messages(&app).await.len(), 2);
    fill_in(&app, "chapter", &[("email", "ada@x.test"), ("news", "on")]).await;
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_holds_the_words_that_were_shown_and_not_the_ones_of_by_now() {
    let app = app().await;
    let page = app.get("/f/chapter").await;
    let time = super::after(&page.body, "name=\"_t\" value=\"").to_owned();
    let version = super::after(&page.body, "name=\"_v\" value=\"").to_owned();
    let pasted = app.get("/f/chapter/embed.html").await;
    assert!(pasted.body.contains(&version), "what is pasted elsewhere says it too");
    super::form(&app, "chapter", |spec| spec.consent = "Yes, and offers too.".to_owned()).await;
    app.engine.clock().advance_ms(5_000);
    let send = async |address: &str, fields: &[(&str, &str)]| {
        let mut all = vec![("_t", time.as_str()), ("_website", ""), ("email", address)];
        all.extend(fields);
        app.post("/f/chapter", &all).await;
        let path = path_in(&app, "confirmation", "confirm_url").await;
        app.post(&path, &[]).await;
        let (engine, site) = (&app.engine, app.site.id);
        let id = contact(&app, address).await.unwrap().id;
        let known = engine::privacy::export(engine, site, id).await.unwrap();
        known["consents"][0]["words"].as_str().unwrap().to_owned()
    };
    assert_eq!(send("old@x.test", &[("_v", version.as_str())]).await, super::WORDING);
    assert_eq!(send("new@x.test", &[]).await, "Yes, and offers too.");
    assert_eq!(send("odd@x.test", &[("_v", "made-up")]).await, "Yes, and offers too.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_before_double_opt_in_was_turned_on_takes_nobody_at_their_word() {
    let app = app_with(|spec| spec.double_opt_in = false).await;
    let page = app.get("/f/chapter").await;
    let version = super::after(&page.body, "name=\"_v\" value=\"").to_owned();
    super::form(&app, "chapter", |_| {}).await;
    let fields = [("_v", version.as_str()), ("email", "stranger@x.test")];
    fill_in(&app, "chapter", &fields).await;
    assert_eq!(contact(&app, "stranger@x.test").await.unwrap().status, Status::Pending);
    assert_eq!((count(&app, "confirmation").await, count(&app, "magnet").await), (1, 0));
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    assert_eq!(contact(&app, "stranger@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_before_the_free_thing_was_taken_away_gives_it_no_more() {
    let app = app().await;
    let page = app.get("/f/chapter").await;
    let version = super::after(&page.body, "name=\"_v\" value=\"").to_owned();
    super::form(&app, "chapter", |spec| spec.magnet = None).await;
    fill_in(&app, "chapter", &[("_v", version.as_str()), ("email", "ada@x.test")]).await;
    let path = path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
    assert_eq!(count(&app, "magnet").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unfinished_form_keeps_what_was_typed_and_says_what_to_mend() {
    let app = app_with(|spec| {
        let topic = Field::new("why", FieldKind::Textarea, "Why");
        spec.fields.push(Field { required: true, ..topic });
    })
    .await;
    let page = fill_in(&app, "chapter", &[("email", "ada@x"), ("first_name", "Ada <b>")]).await;
    assert_eq!(page.status, 422);
    assert!(page.body.contains("Ada &lt;b&gt;") && page.body.contains("needs a dot"));
    assert!(page.body.contains("please fill this in"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_visitor_came_is_kept_with_the_first_form() {
    let app = app().await;
    let landing = "/p/book?utm_source=Flyer&utm_medium=print&r=ada.0123&email=secret";
    fill_in(
        &app,
        "chapter",
        &[
            ("email", "bob@x.test"),
            ("_landing", landing),
            ("_referrer", "https://www.blog.example/private?x=1"),
        ],
    )
    .await;
    let bob = contact(&app, "bob@x.test").await.unwrap();
    let site = app.site.id;
    let touches = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(async move { store::touches::of_contact(session, site, bob.id, 9).await })
        })
        .await
        .unwrap();
    let first = &touches[0];
    assert_eq!((touches.len(), first.is_first, first.channel.as_str()), (1, true, "offline"));
    assert_eq!(first.touch.utm.source.as_deref(), Some("flyer"));
    assert_eq!(first.touch.referrer.as_deref(), Some("blog.example"));
    assert_eq!(first.touch.landing, "/p/book");
    assert_eq!(first.touch.code.as_deref(), Some("ada.0123"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_link_leads_to_its_page_with_its_tags_and_is_a_picture_too() {
    let app = app().await;
    let new = engine::short_links::NewShortLink {
        code: "fair".to_owned(),
        destination: "/f/chapter".to_owned(),
        source: "Flyer".to_owned(),
        medium: String::new(),
        campaign: "Spring fair".to_owned(),
    };
    engine::short_links::make(&app.engine, app.site.id, new.clone()).await.unwrap();
    assert!(engine::short_links::make(&app.engine, app.site.id, new).await.is_err());
    let led = app.get("/go/fair").await;
    let wanted = "/f/chapter?utm_source=flyer&utm_medium=print&utm_campaign=spring%20fair";
    assert_eq!((led.status.as_u16(), led.location()), (302, wanted));
    let picture = app.get("/go/fair.png").await;
    assert_eq!(picture.headers["content-type"], "image/png");
    assert_eq!(app.get("/go/nowhere").await.status, 404);
}
