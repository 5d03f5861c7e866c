//! Carts left behind, deadlines of one's own, taxes.

use model::contacts::Status;
use model::offers::{Deadline, Since};
use model::products::Role;
use model::schedule::Wait;
use model::{Money, UtcMs};
use testkit::{TestApp, offer, usd};

use super::is_sound;

const HOUR: i64 = 3_600_000;

/// A contact who wants mail, as a confirmed one does.
async fn confirmed(app: &TestApp, email: &str) {
    app.subscribe(email).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_left_behind_brings_one_mail_to_who_wants_mail_and_none_to_others() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    confirmed(&app, "ada@example.org").await;
    let before = app.mails().len();
    app.buy("guide", &[("email", "ada@example.org"), ("method", "declines")]).await;
    app.buy("guide", &[("email", "ada@example.org"), ("method", "declines")]).await;
    app.buy("guide", &[("email", "bob@example.org"), ("method", "declines")]).await;
    app.advance_ms(3 * HOUR).await;
    assert_eq!(app.mails().len(), before, "not before four hours");
    app.advance_ms(2 * HOUR).await;
    let mails: Vec<_> = app.mails().split_off(before);
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(mails[0].to, "ada@example.org");
    // The link gives the form back as it was, and buying ends it.
    let link = app.follow(&mails[0], "cart").await;
    let page = app.get(&link).await;
    assert!(page.plain().contains("value=\"ada@example.org\""), "{}", page.body);
    app.advance_ms(72 * HOUR).await;
    assert_eq!(app.mails().len(), before + 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_mail_is_not_sent_to_who_bought_meanwhile() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    confirmed(&app, "ada@example.org").await;
    app.buy("guide", &[("email", "ada@example.org"), ("method", "declines")]).await;
    app.buy("workbook", &[("email", "ada@example.org")]).await;
    app.advance_ms(24 * HOUR).await;
    assert!(app.mails().iter().all(|mail| !mail.subject.contains("cart")));
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_of_ones_own_begins_once_and_is_kept_by_the_server() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let deadline = Deadline::Evergreen { since: Since::Shown, lasts: Wait::Days(3) };
    let evergreen = engine::offers::Draft { deadline, ..offer("early", "guide", usd(900)) };
    engine::offers::put(&app.engine, app.site.id, evergreen).await.unwrap();
    let ada = "ada@example.org";
    // A declined card at the first showing starts the clock.
    let first = app.buy("early", &[("email", ada), ("method", "declines")]).await;
    assert_eq!(first.answer.status, 303);
    app.advance_ms(2 * 24 * HOUR).await;
    let in_time = app.buy("early", &[("email", ada), ("method", "declines")]).await;
    assert_eq!(in_time.answer.status, 303);
    app.advance_ms(25 * HOUR).await;
    let late = app.buy("early", &[("email", ada)]).await;
    assert_eq!(late.answer.status, 422);
    assert!(late.answer.body.contains("this offer has ended"), "{}", late.answer.body);
    // Another's clock is another's.
    let bob = app.buy("early", &[("email", "bob@example.org")]).await;
    assert_eq!(bob.answer.status, 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixed_deadline_closes_the_page_and_the_checkout_at_the_same_instant() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let at = UtcMs(app.engine.now().0 + HOUR);
    let fixed = engine::offers::Draft {
        deadline: Deadline::Fixed { at },
        ..offer("today", "guide", usd(900))
    };
    engine::offers::put(&app.engine, app.site.id, fixed).await.unwrap();
    let open = app.get("/buy/today").await;
    assert_eq!(open.status, 200);
    let token = open.hidden("token");
    app.advance_ms(HOUR).await;
    let over = app.get("/buy/today").await;
    assert_eq!(over.status, 410);
    assert!(over.body.contains("This offer has ended") || over.body.contains("offer has ended"));
    let fields = [
        ("token", token.as_str()),
        ("email", "ada@example.org"),
        ("method", "succeeds"),
        ("shown_total", "900"),
    ];
    assert_eq!(app.post("/buy/today", &fields).await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tax_goes_by_the_buyers_country_and_stands_on_every_line() {
    let mut app = TestApp::start().await;
    app.site.settings.prices_include_tax = false;
    app.site.settings.tax_ppm.insert("DE".to_owned(), 190_000);
    let site = app.site.clone();
    engine::sites::put(&app.engine, site, Vec::new()).await.unwrap();
    app.stock_shop().await;
    let free = app.buy("guide", &[("country", "US")]).await;
    assert_eq!(free.answer.status, 303);
    let taxed = app.buy("guide", &[("country", "DE")]).await;
    assert_eq!(taxed.answer.status, 409, "the total is another one there");
    assert_eq!(taxed.answer.hidden("shown_total"), "2261");
    let mut form = app.checkout_form("ada@example.org", 3094);
    (form.country, form.bump) = ("DE".to_owned(), true);
    let order = app.place("guide", form).await.unwrap();
    let whole = app.order(order).await;
    assert_eq!(whole.order.tax_minor, 494);
    let of_lines: i64 = whole.lines.iter().map(|line| line.tax_minor).sum();
    assert_eq!(of_lines, whole.order.tax_minor);
    assert_eq!(Money::new(whole.order.total_minor, whole.order.currency), usd(3094));
    let by = ("part", model::audits::Actor::Console);
    for minor in [1000, 1000, 1094] {
        let what = engine::refund::What::Amount(minor);
        engine::refund::refund(&app.engine, &app.site, order, what, by).await.unwrap();
    }
    app.run_until_idle().await;
    let site = app.site.id;
    let back: i64 = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::refunds::of_order(session, site, order).await?) })
        })
        .await
        .unwrap()
        .iter()
        .map(|refund| refund.tax_minor)
        .sum();
    assert_eq!(back, 494, "all of the tax goes back, to the last cent");
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_wants_mail_finds_the_next_offer_in_the_receipt() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    confirmed(&app, "ada@example.org").await;
    let contact = app.contact("ada@example.org").await;
    assert_eq!(contact.status, Status::Confirmed);
    app.place("guide", app.checkout_form("ada@example.org", 1900)).await.unwrap();
    app.advance_ms(HOUR).await;
    let receipts = app.mails().into_iter().rev();
    let receipt = receipts.into_iter().find(|mail| mail.subject.contains("invoice")).unwrap();
    assert!(receipt.text.contains("The club"), "{}", receipt.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_that_a_mail_told_is_kept_though_the_offer_is_changed() {
    for app in super::on_both("a_deadline_that_a_mail_told").await {
        app.sell("guide", "The guide", Role::Front, usd(1900)).await;
        confirmed(&app, "ada@example.org").await;
        let since = Since::Confirmed;
        let of = |days| engine::offers::Draft {
            deadline: Deadline::Evergreen { since, lasts: Wait::Days(days) },
            ..offer("early", "guide", usd(900))
        };
        let id = engine::offers::put(&app.engine, app.site.id, of(3)).await.unwrap();
        // The form is left, and nothing but the cart's mail says until when the offer stands.
        let left = app.buy("early", &[("email", "ada@example.org"), ("method", "declines")]).await;
        assert_eq!(left.answer.status, 303);
        app.advance_ms(5 * HOUR).await;
        assert!(app.mails().iter().any(|mail| mail.subject.contains("cart")));
        let shorter = engine::offers::Draft { id: Some(id), ..of(1) };
        engine::offers::put(&app.engine, app.site.id, shorter).await.unwrap();
        app.advance_ms(2 * 24 * HOUR).await;
        let again = app.buy("early", &[("email", "ada@example.org"), ("method", "declines")]).await;
        assert_eq!(again.answer.status, 303, "{}", again.answer.body);
        app.advance_ms(24 * HOUR).await;
        let late = app.buy("early", &[("email", "ada@example.org")]).await;
        assert_eq!(late.answer.status, 422);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_since_its_showing_begins_with_the_receipt_or_the_one_click_page() {
    for app in super::on_both("a_deadline_since_its_showing").await {
        let shop = app.stock_shop().await;
        let deadline = Deadline::Evergreen { since: Since::Shown, lasts: Wait::Days(2) };
        for (id, slug, price) in [(shop.course.1, "course", 9700), (shop.club.1, "club", 2900)] {
            let evergreen =
                engine::offers::Draft { id: Some(id), deadline, ..offer(slug, slug, usd(price)) };
            engine::offers::put(&app.engine, app.site.id, evergreen).await.unwrap();
        }
        let ada = "ada@example.org";
        confirmed(&app, ada).await;
        let bought = app.buy("guide", &[("email", ada)]).await;
        let page = app.get(bought.answer.location()).await;
        assert!(page.body.contains("The course"), "{}", page.body);
        let shown = app.engine.now();
        app.advance_ms(HOUR).await;
        let receipt = app.mail_to(ada);
        assert!(receipt.text.contains("The club"), "{}", receipt.text);
        assert!(receipt.text.contains("Open until 17 Jan 2026"), "{}", receipt.text);
        let contact = app.contact(ada).await.id;
        for (id, began) in [(shop.course.1, shown.0), (shop.club.1, shown.0 + HOUR)] {
            let site = app.site.id;
            let ends = app
                .engine
                .reader()
                .read::<_, engine::EngineError, _>(move |session| {
                    Box::pin(async move {
                        Ok(store::offers::deadline_of(session, site, id, contact).await?)
                    })
                })
                .await
                .unwrap();
            assert_eq!(ends, Some(UtcMs(began + 48 * HOUR)));
        }
        app.advance_ms(49 * HOUR).await;
        for slug in ["course", "club"] {
            let late = app.buy(slug, &[("email", ada)]).await.answer;
            assert_eq!(late.status, 422, "{slug}");
            assert!(late.body.contains("this offer has ended"), "{slug}: {}", late.body);
        }
        is_sound(&app).await;
    }
}
