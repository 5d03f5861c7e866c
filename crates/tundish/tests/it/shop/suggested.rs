//! Also bought in mails: for the reader, without what they have, and no trace of it where there is
//! nothing.

use engine::templates;
use model::clicks::VERDICT_WAIT_MS;
use model::messages::{Class, State};
use model::operators::Role;
use model::products::ProductState;
use model::times::DAY_MS;
use model::triggers::Trigger;
use testkit::{Mail, Shop, TestApp};

use crate::follow_up::{CHROME, confirmed, form, messages, plan, sequence, step, template};

const SOURCE: &str = "Before.\n\n{{ also_bought | titled(\"More & better\") }}\n\nAfter.";

/// Six customers have the guide and the workbook, six the course and the club, one all but the
/// checklists; the club is pinned to the guide.
async fn sold(app: &TestApp) -> Shop {
    let shop = app.stock_shop().await;
    for n in 0..12 {
        let email = format!("buyer{n}@example.org");
        let pair = if n % 2 == 0 { ["guide", "workbook"] } else { ["course", "club"] };
        for offer in pair {
            buy(app, offer, &email).await;
        }
        if n == 11 {
            buy(app, "guide", &email).await;
        }
    }
    app.advance_ms(DAY_MS).await;
    shop
}

async fn buy(app: &TestApp, offer: &str, email: &str) {
    let price = match offer {
        "guide" => 1_900,
        "workbook" => 3_700,
        "course" => 9_700,
        "club" => 2_900,
        _ => 700,
    };
    app.place(offer, app.checkout_form(email, price)).await.unwrap();
}

/// Somebody who wants mail buys the guide and gets the mail that follows it.
async fn follow_up(app: &TestApp, source: &str, has: &[&str]) -> Mail {
    let email = "ada@example.com";
    app.subscribe(email).await;
    for offer in has {
        buy(app, offer, email).await;
        app.advance_ms(DAY_MS).await;
    }
    let one = template(app, "one", source).await;
    let guide = app.engine.reader();
    let site = app.site.id;
    let guide = guide
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(
                async move { Ok(store::products::find_by_slug(session, site, "guide").await?) },
            )
        })
        .await
        .unwrap()
        .unwrap();
    let steps = vec![step(1, "0 minutes", one, Class::Value)];
    sequence(app, Trigger::OrderPaid(guide.id), steps).await;
    buy(app, "guide", email).await;
    app.run_until_idle().await;
    let sent = app.mails().into_iter().rev().find(|mail| mail.subject == "Mail one");
    sent.expect("the mail that follows the guide")
}

both_apps!(
    a_mail_suggests_what_its_reader_has_not_pins_first: suggests,
    a_mail_with_nothing_to_suggest_has_no_trace_of_it: nothing,
    whose_row_cannot_be_read_is_held_alone_and_the_others_get_their_suggestions: one_is_broken,
);

async fn suggests(app: TestApp) {
    let shop = sold(&app).await;
    engine::products::pin(&app.engine, app.site.id, shop.guide.0, vec![shop.club.0]).await.unwrap();
    let mail = follow_up(&app, SOURCE, &["workbook"]).await;
    let words = &mail.text;
    assert!(words.contains("More & better"), "{words}");
    assert!(words.contains("- The club, $29.00"), "{words}");
    assert!(words.contains("- The course, $97.00"), "{words}");
    assert!(!words.contains("The workbook"), "they have it: {words}");
    assert!(!words.contains("The guide,"), "they have just bought it: {words}");
    assert!(words.find("The club").unwrap() < words.find("The course").unwrap(), "pinned first");
    let html = &mail.html;
    for part in ["More &amp; better", ">The club</a>", ">The course</a>", "$29.00"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("The workbook") && !html.contains("{%") && !html.contains("<!--{"));
    // The same link in both parts, and it is counted.
    let at = words.find("- The club").unwrap();
    let link = words[at..].split_whitespace().find(|word| word.contains("/l/")).unwrap();
    assert!(html.contains(link), "{link}: {html}");
    let path = link.split_once("shop.example").unwrap().1;
    app.advance_ms(60_000).await;
    let onward = app.visit(path, &[("user-agent", CHROME)]).await;
    assert!(onward.location().contains("/buy/club"), "{}", onward.location());
    app.advance_ms(VERDICT_WAIT_MS + 1_000).await;
    let ada = app.contact("ada@example.com").await.id;
    let site = app.site.id;
    let touches = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::touches::of_contact(session, site, ada, 9).await?) })
        })
        .await
        .unwrap();
    assert!(touches.iter().any(|touch| touch.touch.landing == "/buy/club"), "{touches:?}");
    app.sign_in(Role::Owner).await;
    let page = app.get("/admin/numbers/revenue?by=link").await.plain();
    assert!(page.contains("also bought, place 1"), "{page}");
}

async fn nothing(app: TestApp) {
    sold(&app).await;
    let mail = follow_up(&app, SOURCE, &["workbook", "course", "club", "checklists"]).await;
    assert!(mail.text.starts_with("Before.\r\n\r\nAfter.\r\n\r\n-- "), "{:?}", mail.text);
    assert!(
        !mail.html.contains("More &amp; better") && !mail.html.contains("class=\"offer-link\"")
    );
}

async fn one_is_broken(app: TestApp) {
    sold(&app).await;
    let all = ["ada@example.com", "bo@example.com", "cy@example.com"];
    form(&app).await;
    for email in all {
        confirmed(&app, email).await;
        buy(&app, "guide", email).await;
        app.advance_ms(DAY_MS).await;
    }
    let (id, site) = (template(&app, "one", SOURCE).await, app.site.id);
    let reader = app.engine.reader();
    let found = reader.read::<_, engine::EngineError, _>(move |session| {
        Box::pin(async move { Ok(store::templates::find(session, site, id).await?) })
    });
    let version = found.await.unwrap().unwrap().version_id;
    for email in all {
        plan(&app.engine, &app.site, version, email).await;
    }
    let broken = app.engine.db().write::<_, store::StoreError, _>(|tx| {
        Box::pin(async move {
            let sql = "update messages set context = '{' where dedupe_key = 'one:bo@example.com'";
            tx.query(sql).run().await
        })
    });
    assert_eq!(broken.await.unwrap(), 1);
    app.run_until_idle().await;
    let last = |email: &str| {
        let mut mails = app.mails().into_iter().rev();
        mails.find(|mail| mail.to == email && mail.subject == "Mail one")
    };
    for email in ["ada@example.com", "cy@example.com"] {
        let mail = last(email).expect(email);
        assert!(mail.text.contains("- The workbook, $37.00"), "{email}: {}", mail.text);
    }
    assert!(last("bo@example.com").is_none());
    let bo = app.contact("bo@example.com").await.id;
    let held = messages(&app, bo).await.pop().unwrap();
    assert_eq!(held.state, State::Held, "{held:?}");
    assert!(held.reason.as_deref().unwrap().contains("cannot be read"), "{held:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_product_is_suggested_in_no_mail() {
    let app = TestApp::start().await;
    let shop = sold(&app).await;
    let mut draft = testkit::product("workbook", "The workbook", model::products::Role::Back);
    draft.id = Some(shop.workbook.0);
    draft.state = ProductState::Withdrawn;
    engine::products::put(&app.engine, app.site.id, draft).await.unwrap();
    let mail = follow_up(&app, SOURCE, &[]).await;
    assert!(!mail.text.contains("The workbook"), "{}", mail.text);
    assert!(mail.text.contains("The course"), "{}", mail.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_of_who_wants_mail_suggests_what_goes_with_the_order() {
    let app = TestApp::start().await;
    sold(&app).await;
    app.subscribe("ada@example.com").await;
    buy(&app, "guide", "ada@example.com").await;
    buy(&app, "guide", "shy@example.com").await;
    app.advance_ms(DAY_MS).await;
    let to = |email: &str| {
        let mails = app.mails().into_iter().rev();
        mails.filter(|mail| mail.to == email).find(|mail| mail.text.contains("The guide")).unwrap()
    };
    let ada = to("ada@example.com");
    assert!(ada.text.contains("Customers also bought"), "{}", ada.text);
    assert!(ada.text.contains("The workbook, $37.00") && ada.html.contains("/buy/workbook"));
    // The path's next offer is the club: it stands there once.
    assert_eq!(ada.text.matches("The club").count(), 1, "{}", ada.text);
    let shy = to("shy@example.com");
    assert!(!shy.text.contains("Customers also bought") && !shy.html.contains("also bought"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_sees_the_block_before_there_is_a_reader() {
    let app = TestApp::start().await;
    sold(&app).await;
    let id = template(&app, "one", SOURCE).await;
    app.sign_in(Role::Editor).await;
    let page = app.get(&format!("/admin/templates/{id}/preview")).await.plain();
    assert!(page.contains("More & better") && page.contains("The club"), "{page}");
    let buyer = app.contact("buyer11@example.org").await.id;
    let page = app.get(&format!("/admin/templates/{id}/preview?contact={buyer}")).await.plain();
    assert!(page.contains("The workbook") && !page.contains("The guide"), "{page}");
    for (source, subject) in [
        ("{{ also_bought | upper }}", "Hello"),
        ("{{ also_bought | titled() }}", "Hello"),
        ("{{ also_bought | titled(\"{{ x }}\") }}", "Hello"),
        ("Hello", "{{ also_bought }}"),
    ] {
        let draft = templates::Draft {
            slug: "odd".to_owned(),
            name: "odd".to_owned(),
            format: "markdown".to_owned(),
            subject: subject.to_owned(),
            source: source.to_owned(),
        };
        let made = templates::make(&app.site, &draft);
        assert_eq!(made.unwrap_err().code, "template_invalid", "{source}");
    }
}
