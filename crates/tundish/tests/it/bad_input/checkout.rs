//! Bad input at the checkout (C).

use model::orders::OrderState;
use model::products::Role;
use model::{Currency, Money};
use testkit::{TestApp, coupon, offer, usd};

use crate::shop::is_sound;

async fn count_orders(app: &TestApp) -> usize {
    let (site, filter) = (app.site.id, store::orders::Filter::default());
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let last = model::ids::OrderId(i64::MAX);
                Ok(store::orders::list(session, site, last, &filter, 1_000).await?)
            })
        })
        .await
        .unwrap()
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c01_a_double_click_and_twenty_parallel_posts_are_one_order_and_one_attempt() {
    let app = std::sync::Arc::new(TestApp::start().await);
    app.stock_shop().await;
    let token = app.get("/buy/guide").await.hidden("token");
    let posts: Vec<_> = (0..20)
        .map(|_| {
            let (app, token) = (app.clone(), token.clone());
            tokio::spawn(async move {
                let fields = [
                    ("token", token.as_str()),
                    ("email", "iris@example.org"),
                    ("method", "succeeds"),
                    ("shown_total", "1900"),
                ];
                app.post("/buy/guide", &fields).await.status
            })
        })
        .collect();
    for post in posts {
        assert_eq!(post.await.unwrap(), 303);
    }
    assert_eq!(count_orders(&app).await, 1);
    let whole = engine::orders::by_token(&app.engine, &app.site, &token).await.unwrap();
    assert_eq!(whole.payments.len(), 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c02_back_after_paying_and_paying_again_leads_to_the_paid_order() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let bought = app.buy("guide", &[]).await;
    let again = app.buy("guide", &[("token", &bought.token), ("email", "x@example.org")]).await;
    assert_eq!(again.answer.status, 303);
    let page = app.get(&format!("/order/{}", bought.token)).await;
    assert!(page.body.contains("Your order is paid"));
    assert_eq!(count_orders(&app).await, 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_the_price_of_the_form_is_ignored_and_a_stale_total_is_shown_anew() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let cheap = app.buy("guide", &[("shown_total", "1"), ("price", "1"), ("unit", "1")]).await;
    assert_eq!(cheap.answer.status, 409);
    assert!(cheap.answer.body.contains("Please confirm the new total"));
    assert_eq!(cheap.answer.hidden("shown_total"), "1900");
    let more = app.buy("guide", &[("quantity", "2")]).await;
    assert_eq!(more.answer.status, 409);
    assert_eq!(more.answer.hidden("shown_total"), "3800");
    assert_eq!(count_orders(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_the_token_of_one_offer_does_not_buy_another() {
    for app in crate::shop::on_both("c03_the_token_of_one_offer").await {
        app.stock_shop().await;
        let yen = Money::new(4_900, Currency::JPY);
        app.sell("fan", "The fan", Role::Front, yen).await;
        let declined = app.buy("fan", &[("method", "declines")]).await;
        assert_eq!(declined.answer.status, 303);
        let token = declined.token.as_str();
        let other = app.buy("guide", &[("token", token)]).await.answer;
        assert_eq!(other.status, 422, "{}", other.body);
        assert!(other.body.contains("press the button once more"));
        let whole = engine::orders::by_token(&app.engine, &app.site, token).await.unwrap();
        assert_eq!((whole.order.total_minor, whole.order.currency), (4_900, Currency::JPY));
        assert_eq!(whole.payments.len(), 1);
        // The page that comes back has a token of its own.
        let fresh = other.hidden("token");
        assert_ne!(fresh, token);
        assert_eq!(app.buy("guide", &[("token", &fresh)]).await.answer.status, 303);
        let whole = engine::orders::by_token(&app.engine, &app.site, &fresh).await.unwrap();
        assert_eq!((whole.order.total_minor, whole.order.currency), (1_900, Currency::USD));
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c03_an_offer_whose_currency_changed_is_charged_in_the_new_one() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let declined = app.buy("club", &[("method", "declines")]).await;
    let (site, all) = (app.site.id, app.order_of(&declined.token).await.order.offer_id);
    let euros = engine::offers::Draft {
        id: Some(all),
        ..offer("club", "club", Money::new(3_100, Currency::EUR))
    };
    engine::offers::put(&app.engine, site, euros).await.unwrap();
    let fields = [("token", declined.token.as_str()), ("shown_total", "3100")];
    assert_eq!(app.buy("club", &fields).await.answer.status, 303);
    let whole = app.order_of(&declined.token).await;
    assert_eq!((whole.order.total_minor, whole.order.currency), (3_100, Currency::EUR));
    assert_eq!(whole.payments[1].currency, Currency::EUR);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c04_quantities_that_are_none_are_refused() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    for quantity in ["0", "-1", "1.5", "1e9", "１", "6", "999999999999999999999", "two"] {
        let bought = app.buy("guide", &[("quantity", quantity)]).await;
        assert_eq!(bought.answer.status, 422, "{quantity}");
        assert!(bought.answer.body.contains("quantity-error"), "{quantity}");
    }
    assert_eq!(count_orders(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c05_coupons_are_read_kindly_and_refused_with_the_reason() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.coupon(coupon("SAVE10", 10)).await;
    let mut over = coupon("OVER", 10);
    over.ends_at = Some(app.engine.now());
    app.coupon(over).await;
    let mut euros = coupon("EUROS", 10);
    euros.cut = model::coupons::Cut::Fixed(Money::new(500, Currency::EUR));
    app.coupon(euros).await;
    app.coupon(coupon("ALL", 100)).await;

    let good = app.buy("guide", &[("coupon", " save10 "), ("shown_total", "1710")]).await;
    assert_eq!(good.answer.status, 303);
    for (code, reason) in [
        ("OVER", "has expired"),
        ("EUROS", "orders in EUR"),
        ("SАVE10", "plain letters"),
        ("SAVE10,ALL", "plain letters"),
        ("NONE", "no such coupon"),
    ] {
        let refused = app.buy("guide", &[("coupon", code)]).await;
        assert_eq!(refused.answer.status, 422, "{code}");
        assert!(refused.answer.body.contains(reason), "{code}: {}", refused.answer.body);
    }
    // Nothing to pay: the free road, granted once the address is confirmed.
    let free = app.buy("guide", &[("coupon", "all"), ("shown_total", "0"), ("method", "")]).await;
    assert_eq!(free.answer.status, 303, "{}", free.answer.body);
    let whole = engine::orders::by_token(&app.engine, &app.site, &free.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Pending);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c06_a_coupon_for_one_is_used_once_by_ten_at_once() {
    let app = std::sync::Arc::new(TestApp::start().await);
    app.stock_shop().await;
    let mut one = coupon("ONE", 50);
    one.uses_max = Some(1);
    app.coupon(one).await;
    let buyers: Vec<_> = (0..10)
        .map(|n| {
            let app = app.clone();
            tokio::spawn(async move {
                let mut form = app.checkout_form(&format!("b{n}@example.org"), 950);
                form.coupon = "ONE".to_owned();
                app.place("guide", form).await.is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for buyer in buyers {
        won += i32::from(buyer.await.unwrap());
    }
    assert_eq!(won, 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c06_a_coupon_once_a_person_is_not_had_twice_by_two_tabs() {
    for app in crate::shop::on_both("c06_a_coupon_once_a_person").await {
        app.stock_shop().await;
        let mut once = coupon("ONCE", 50);
        once.per_contact_max = Some(1);
        app.coupon(once).await;
        let mut orders = Vec::new();
        for _ in 0..2 {
            // Both are quoted before either reserves.
            let mut form = app.checkout_form("iris@example.org", 950);
            form.coupon = "ONCE".to_owned();
            app.engine.crash_at("P0");
            app.place("guide", form.clone()).await.unwrap_err();
            orders.push(app.order_of(&form.token).await.order.id);
        }
        let pay = |order| engine::pay::pay_order(&app.engine, &app.site, order, "succeeds", "");
        pay(orders[0]).await.unwrap();
        let second = pay(orders[1]).await.unwrap_err();
        assert!(second.to_string().contains("used up"), "{second}");
        assert_eq!(app.order(orders[0]).await.order.state, OrderState::Paid);
        assert!(app.order(orders[1]).await.payments.is_empty());
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c07_the_last_piece_goes_to_one_and_late_money_goes_back() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let last = engine::offers::Draft { stock: Some(1), ..offer("last", "guide", usd(1900)) };
    engine::offers::put(&app.engine, app.site.id, last).await.unwrap();
    // A transfer holds the piece; a second buyer is told before any charge.
    let late = app.buy("last", &[("method", "offline")]).await;
    assert!(app.get("/buy/last").await.body.contains("sold out"));
    let loser = app.place("last", app.checkout_form("b@example.org", 1900)).await;
    assert!(loser.unwrap_err().to_string().contains("sold out"));
    // The hold ends, another buys, and then the first one's money comes.
    app.advance_ms(15 * 86_400_000).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &late.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Expired);
    let winner = app.buy("last", &[("email", "c@example.org"), ("shown_total", "1900")]).await;
    assert_eq!(winner.answer.status, 303);
    let money = engine::pay::mark_paid(&app.engine, &app.site, whole.order.id).await.unwrap();
    assert_eq!(money, engine::pay::Applied::Fulfilled);
    app.run_until_idle().await;
    let order = app.order(whole.order.id).await.order;
    assert_eq!(order.state, OrderState::Refunded);
    assert!(order.review.is_some());
    assert!(app.mails().iter().any(|mail| mail.subject.contains("your money goes back")));
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c08_a_browser_closed_after_paying_is_fulfilled_all_the_same() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "times_out")]).await;
    app.advance_ms(10 * 60_000).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Paid);
    app.advance_ms(60 * 60_000).await;
    assert_eq!(app.mails().len(), 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c13_an_upsell_token_replayed_elsewhere_or_later_never_charges() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[]).await;
    let offer = app.get(bought.answer.location()).await;
    let (accept, t) = (offer.form("/accept"), offer.hidden("t"));
    // Another browser.
    app.other_browser();
    let other = app.post(&accept, &[("t", &t)]).await;
    assert_eq!(other.status, 410);
    assert!(other.body.contains("This offer has ended"));
    // Another order, with that order's cookie.
    let second = app.buy("guide", &[("email", "b@example.org")]).await;
    let page = app.get(second.answer.location()).await;
    let swapped = app.post(&page.form("/accept"), &[("t", &t)]).await;
    assert_eq!(swapped.status, 410);
    // Too late, in the right browser.
    let (accept, t) = (page.form("/accept"), page.hidden("t"));
    app.advance_ms(31 * 60_000).await;
    assert_eq!(app.post(&accept, &[("t", &t)]).await.status, 410);
    for token in [&bought.token, &second.token] {
        let whole = engine::orders::by_token(&app.engine, &app.site, token).await.unwrap();
        assert_eq!(whole.order.captured_minor, 1900);
    }
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c14_nothing_is_offered_while_the_first_payment_is_under_way() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "times_out")]).await;
    let next = app.get(bought.answer.location()).await;
    assert_eq!(next.location(), format!("/order/{}", bought.token));
    let page = app.get(next.location()).await;
    assert!(page.body.contains("We are checking your payment"), "{}", page.body);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_a_card_number_in_a_note_is_refused() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let typed = app.buy("guide", &[("notes", "my card is 4242 4242 4242 4242")]).await;
    assert_eq!(typed.answer.status, 422);
    assert!(typed.answer.body.contains("please do not type card numbers here"));
    assert_eq!(count_orders(&app).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_prices_that_cannot_be_charged_are_refused_in_the_editor() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    assert!(Money::parse("100.50 JPY").is_err());
    assert!(Money::parse("1.2345 KWD").is_err());
    for price in
        [usd(100_000_000), usd(-1), usd(10), Money::new(1_001, Currency::parse("KWD").unwrap())]
    {
        let draft = offer("other", "guide", price);
        let refused = engine::offers::put(&app.engine, app.site.id, draft).await;
        assert!(!refused.unwrap_err().is_fault(), "{price}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c21_free_orders_are_granted_by_mail_alone_and_a_flood_is_refused() {
    let app = TestApp::start().await;
    app.sell("gift", "The gift", Role::Front, usd(0)).await;
    let free = app.buy("gift", &[("method", "")]).await;
    let page = app.get(app.get(free.answer.location()).await.location()).await;
    assert!(page.body.contains("Please look into your mail"));
    // The checkout's own token does not confirm the address.
    app.post(&format!("/order/{}/confirm", free.token), &[]).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &free.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Pending);
    for _ in 0..2 {
        assert_eq!(app.buy("gift", &[("method", "")]).await.answer.status, 303);
    }
    let flood = app.buy("gift", &[("method", "")]).await;
    assert_eq!(flood.answer.status, 422);
    app.run_until_idle().await;
    let path = app.mails()[0].path("/order/");
    assert!(app.get(&path).await.body.contains("Give me my order"));
    app.post(&format!("{path}/confirm"), &[]).await;
    let page = app.get(&path).await;
    assert!(page.body.contains("Thank you"), "{}", page.body);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c21_orders_by_transfer_mail_nobody_without_end() {
    for app in crate::shop::on_both("c21_orders_by_transfer").await {
        app.stock_shop().await;
        let transfer = |email: &'static str| [("method", "offline"), ("email", email)];
        for n in 0..3 {
            let taken = app.buy("guide", &transfer("victim@gmail.com")).await;
            assert_eq!(taken.answer.status, 303, "{n}");
        }
        for same in ["victim@gmail.com", "vic.tim+7@gmail.com"] {
            let flood = app.buy("guide", &transfer(same)).await.answer;
            assert_eq!(flood.status, 422, "{same}");
            assert!(flood.body.contains("wait for their money"), "{}", flood.body);
        }
        let other = app.buy("guide", &transfer("iris@example.org")).await;
        assert_eq!(other.answer.status, 303);
        // A card is another matter, and a day later they are forgotten.
        let card = app.buy("guide", &[("email", "victim@gmail.com")]).await;
        assert_eq!(card.answer.status, 303);
        app.advance_ms(25 * 3_600_000).await;
        assert_eq!(app.mails().iter().filter(|mail| mail.to.starts_with("vic")).count(), 4);
        let later = app.buy("guide", &transfer("victim@gmail.com")).await;
        assert_eq!(later.answer.status, 303);
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c22_a_shared_download_link_ends_with_a_friendly_page() {
    let app = TestApp::start().await;
    let site = app.site.id;
    let bytes = b"%PDF-1.7 the guide".to_vec();
    let file = engine::files::put(&app.engine, site, "guide.pdf", "application/pdf", bytes);
    let file = file.await.unwrap();
    let draft = engine::products::Draft {
        files: Some(vec![(file, "The guide (PDF)".to_owned())]),
        ..testkit::product("guide", "The guide", Role::Front)
    };
    engine::products::put(&app.engine, site, draft).await.unwrap();
    engine::offers::put(&app.engine, site, offer("guide", "guide", usd(1900))).await.unwrap();
    let bought = app.buy("guide", &[]).await;
    let link_of = async |bought: &testkit::Bought| {
        let thanks = app.get(&format!("/order/{}", bought.token)).await;
        format!("/m/{}", thanks.plain().split("/m/").nth(1).unwrap().split('"').next().unwrap())
    };
    let link = link_of(&bought).await;
    let other = link_of(&app.buy("guide", &[("email", "other@example.org")]).await).await;
    app.other_browser();
    for n in 0..engine::downloads::DOWNLOADS_MAX {
        let got = app.post(&link, &[]).await;
        assert_eq!((got.status.as_u16(), got.body.len()), (200, 18), "{n}");
        assert!(got.headers["content-disposition"].to_str().unwrap().contains("guide.pdf"));
    }
    // Used up: no file any more, and a page in the look of the site that says what to do.
    for _ in 0..3 {
        let over = app.post(&link, &[]).await;
        assert_eq!(over.location(), link);
        let page = app.get(&link).await;
        assert!(page.status.is_client_error(), "{}", page.status);
        assert!(page.body.contains("write to us"), "{}", page.body);
        assert!(page.body.contains("The Test Shop") && !page.body.contains("%PDF"));
    }
    // Another buyer's link has a count of its own.
    assert_eq!(app.post(&other, &[]).await.body.len(), 18);
    // A letter changed anywhere: no link of ours.
    for at in 3..other.len() {
        let mut forged = other.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let page = app.get(&forged).await;
        assert!(!page.body.contains("guide.pdf"), "{forged}: {}", page.body);
        assert!(!app.post(&forged, &[]).await.body.contains("%PDF"), "{forged}");
    }
    // What was bought stays the buyer's (docs/decisions/0005): years later it is still there.
    app.engine.clock().advance_ms(5 * 365 * model::times::DAY_MS);
    assert_eq!(app.post(&other, &[]).await.body.len(), 18);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_file_leads_to_that_file_however_the_product_is_changed() {
    for app in crate::shop::on_both("a_link_to_a_file").await {
        let (guide, _) = app.sell("guide", "The guide", Role::Front, usd(1900)).await;
        let mut files = Vec::new();
        for name in ["guide.pdf", "workbook.pdf", "bonus.pdf", "guide.pdf"] {
            let bytes = format!("{name} {}", files.len()).into_bytes();
            let kind = "application/pdf";
            let put = engine::files::put(&app.engine, app.site.id, name, kind, bytes).await;
            files.push((put.unwrap(), name.to_owned()));
        }
        let hold = |places: &[usize]| {
            let draft = engine::products::Draft {
                id: Some(guide),
                files: Some(places.iter().map(|at| files[*at].clone()).collect()),
                ..testkit::product("guide", "The guide", Role::Front)
            };
            engine::products::put(&app.engine, app.site.id, draft)
        };
        hold(&[0, 1]).await.unwrap();
        let bought = app.buy("guide", &[]).await;
        let thanks = app.get(&format!("/order/{}", bought.token)).await.plain();
        let links: Vec<String> = thanks
            .split("/m/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        let take = async |link: &str| {
            let taken = engine::downloads::take(&app.engine, &app.site, link).await;
            taken.map(|(_, bytes)| String::from_utf8(bytes).unwrap())
        };
        // A bonus goes first, then the guide is taken off, then it comes in a new edition.
        hold(&[2, 0, 1]).await.unwrap();
        assert_eq!(take(&links[0]).await.unwrap(), "guide.pdf 0");
        assert_eq!(take(&links[1]).await.unwrap(), "workbook.pdf 1");
        hold(&[2, 1]).await.unwrap();
        assert!(take(&links[0]).await.is_err());
        assert_eq!(take(&links[1]).await.unwrap(), "workbook.pdf 1");
        hold(&[2, 1, 3]).await.unwrap();
        assert_eq!(take(&links[0]).await.unwrap(), "guide.pdf 3");
        assert_eq!(take(&links[1]).await.unwrap(), "workbook.pdf 1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c23_names_of_any_script_are_kept_and_counted_in_characters() {
    let app = TestApp::start().await;
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let emoji = "🦊".repeat(200);
    for name in ["שלום עליכם", "李小龍", emoji.as_str()] {
        let bought = app.buy("guide", &[("name", name)]).await;
        assert_eq!(bought.answer.status, 303, "{name}: {}", bought.answer.body);
        let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
        assert_eq!(whole.order.name, name);
    }
    let long = "🦊".repeat(201);
    assert_eq!(app.buy("guide", &[("name", &long)]).await.answer.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_who_has_five_cards_declined_waits_for_an_hour_whatever_the_order() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let declines = [("method", "declines"), ("email", "tester@example.org")];
    for n in 0..5 {
        let bought = app.buy("guide", &declines).await;
        assert_eq!(bought.answer.status, 303, "{n}");
    }
    // A fresh form and a good card make no difference; nothing is charged.
    let good = [("method", "succeeds"), ("email", "tester@example.org")];
    let sixth = app.buy("guide", &good).await;
    assert_eq!(sixth.answer.status, 422);
    assert!(sixth.answer.body.contains("too many tries"), "{}", sixth.answer.body);
    let other = app.buy("guide", &[("email", "iris@example.org")]).await;
    assert_eq!(other.answer.status, 303);
    app.advance_ms(61 * 60_000).await;
    let later = app.buy("guide", &good).await;
    assert_eq!(later.answer.status, 303);
    is_sound(&app).await;
}
