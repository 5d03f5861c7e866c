//! From the checkout to the second sale, as a browser without script goes.

use engine::also_bought::Why;
use engine::steps::{Question, Step};
use model::Zone;
use model::orders::OrderState;
use model::products::Role;
use testkit::{TestApp, coupon, usd};

use super::is_sound;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_buys_with_bump_and_coupon_takes_the_upsell_and_gets_one_receipt() {
    let app = TestApp::start().await;
    let shop = app.stock_shop().await;
    app.coupon(coupon("SAVE10", 10)).await;

    let page = app.get("/buy/guide").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.hidden("shown_total"), "1900");
    assert!(!page.body.contains(" checked"), "nothing is ticked for anybody");

    // With bump and coupon the total is another one: 2,600 less 260.
    let stale = app.buy("guide", &[("bump", "on"), ("coupon", " save10 ")]).await;
    assert_eq!(stale.answer.status, 409);
    assert_eq!(stale.answer.hidden("shown_total"), "2340");
    assert_eq!(stale.answer.hidden("token"), stale.token);
    let fields = [
        ("token", stale.token.as_str()),
        ("email", "iris@example.org"),
        ("quantity", "1"),
        ("method", "succeeds"),
        ("bump", "on"),
        ("coupon", "save10"),
        ("newsletter", "on"),
        ("shown_total", "2340"),
    ];
    let placed = app.post("/buy/guide", &fields).await;
    assert_eq!(placed.status, 303);
    assert!(placed.location().ends_with("/next"));

    let offer = app.get(placed.location()).await;
    assert!(offer.body.contains("The course"), "{}", offer.body);
    let accept = offer.form("/accept");
    let t = offer.hidden("t");
    let taken = app.post(&accept, &[("t", &t)]).await;
    assert_eq!(taken.status, 303, "{}", taken.body);
    let again = app.post(&accept, &[("t", &t)]).await;
    assert_eq!(again.status, 303);

    let thanks = app.get(app.get(taken.location()).await.location()).await;
    assert_eq!(thanks.status, 200);
    assert!(thanks.body.contains("Thank you"));
    assert!(thanks.body.contains("The club"), "the back-end offer: {}", thanks.body);
    app.run_until_idle().await;
    let mails = app.mails();
    assert_eq!(mails.len(), 1, "one mail for all of it");
    let mail = &mails[0];
    assert!(mail.text.contains("The course") && mail.text.contains("The checklists"));
    assert!(mail.text.contains("$120.40"), "{}", mail.text);
    assert!(!mail.text.contains("The club"), "no consent, no offer in the mail");
    assert!(mail.text.contains("/confirm/"), "the newsletter waits for the receipt's button");
    let receipt = app.get(&mail.path("/order/")).await;
    assert_eq!(receipt.status, 200);

    let whole = engine::orders::by_token(&app.engine, &app.site, &stale.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Paid);
    assert_eq!(whole.order.captured_minor, 2340 + 9700);
    assert_eq!(whole.lines.len(), 3);
    let (site, contact, course) = (app.site.id, whole.order.contact_id, shop.course.0);
    let has = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(
                async move { engine::orders::has_bought(session, site, contact, course).await },
            )
        })
        .await
        .unwrap();
    assert!(has);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_upsell_leads_to_the_downsell_and_then_to_the_thank_you_page() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[]).await;
    let offer = app.get(bought.answer.location()).await;
    let next = app.post(&offer.form("/decline"), &[]).await;
    let downsell = app.get(next.location()).await;
    assert!(downsell.body.contains("The workbook"), "{}", downsell.body);
    let done = app.post(&downsell.form("/decline"), &[]).await;
    let done = app.get(done.location()).await;
    assert_eq!(done.location(), format!("/order/{}", bought.token));
    app.run_until_idle().await;
    assert_eq!(app.mails().len(), 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_buyer_who_walks_away_gets_the_receipt_after_half_an_hour() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.buy("guide", &[]).await;
    app.run_until_idle().await;
    assert!(app.mails().is_empty());
    app.advance_ms(29 * 60_000).await;
    assert!(app.mails().is_empty());
    app.advance_ms(2 * 60_000).await;
    assert_eq!(app.mails().len(), 1);
    app.advance_ms(60 * 60_000).await;
    assert_eq!(app.mails().len(), 1);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_at_the_bank_is_confirmed_or_denied() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "asks")]).await;
    let page = app.get(app.get(bought.answer.location()).await.location()).await;
    let page = app.get(page.location()).await;
    assert!(page.body.contains("Your test bank asks"), "{}", page.body);
    let plain = page.plain();
    let form = page.form(plain.split("/challenge/").nth(1).unwrap().split('"').next().unwrap());
    let denied = app.post(&form, &[("says", "deny")]).await;
    let order = app.get(app.get(denied.location()).await.location()).await;
    assert!(order.body.contains("That card did not work"), "{}", order.body);
    let paid = app.post(&order.form("/pay"), &[("method", "succeeds")]).await;
    let offer = app.get(paid.location()).await;
    assert!(offer.body.contains("The course"));
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_card_that_declines_leaves_the_first_order_safe() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "succeeds_then_declines")]).await;
    let offer = app.get(bought.answer.location()).await;
    let t = offer.hidden("t");
    let taken = app.post(&offer.form("/accept"), &[("t", &t)]).await;
    let pay = app.get(taken.location()).await;
    assert!(pay.body.contains("What you bought before is paid and safe"), "{}", pay.body);
    let paid = app.post(&pay.form("/pay"), &[("method", "succeeds")]).await;
    let done = app.get(paid.location()).await;
    assert_eq!(done.location(), format!("/order/{}", bought.token));
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    assert_eq!(whole.order.captured_minor, 1900 + 9700);
    assert_eq!(whole.payments.len(), 3);
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_buyer_has_is_not_offered_again() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let course = app.place("course", app.checkout_form("iris@example.org", 9700)).await.unwrap();
    assert_eq!(app.order(course).await.order.state, OrderState::Paid);
    let bought = app.buy("guide", &[]).await;
    let next = app.get(bought.answer.location()).await;
    assert_eq!(next.location(), format!("/order/{}", bought.token), "the level is skipped");
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_waits_for_the_operator_and_is_granted_when_the_money_came() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "offline")]).await;
    let page = app.get(app.get(bought.answer.location()).await.location()).await;
    assert!(page.body.contains("Now the transfer"), "{}", page.body);
    app.run_until_idle().await;
    assert!(app.mails()[0].text.contains("$19.00"));
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    assert_eq!(whole.order.state, OrderState::Pending);
    app.advance_ms(3 * 86_400_000).await;
    engine::pay::mark_paid(&app.engine, &app.site, whole.order.id).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(app.mails().len(), 2);
    let whole = app.order(whole.order.id).await;
    assert_eq!(whole.order.state, OrderState::Paid);
    assert_eq!(whole.order.invoice_number, Some(1));
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_bought_counts_customers_and_leaves_out_what_one_has() {
    let app = TestApp::start().await;
    let shop = app.stock_shop().await;
    for n in 0..4 {
        let email = format!("buyer{n}@example.org");
        app.place("guide", app.checkout_form(&email, 1900)).await.unwrap();
        if n < 3 {
            app.place("workbook", app.checkout_form(&email, 3700)).await.unwrap();
        }
        if n < 1 {
            app.place("club", app.checkout_form(&email, 2900)).await.unwrap();
        }
    }
    let (site, guide) = (app.site.id, shop.guide.0);
    let found = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let mut counted = store::product_pairs::list(session, site).await?;
                let mut anew = store::product_pairs::count_anew(session, site, true).await?;
                counted.sort_unstable();
                anew.sort_unstable();
                assert_eq!(counted, anew);
                engine::also_bought::for_product(session, site, guide, &[], 6).await
            })
        })
        .await
        .unwrap();
    let together = |why: &Why| match why {
        Why::Bought(beside) => beside.counts.together,
        Why::Pinned => 0,
    };
    let names: Vec<(&str, u64)> =
        found.iter().map(|one| (one.offer_slug.as_str(), together(&one.why))).collect();
    assert_eq!(names, [("workbook", 3), ("club", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recommendation_is_credited_after_its_hold_and_nobody_recommends_themself() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let first = app.place("guide", app.checkout_form("ada@example.org", 1900)).await.unwrap();
    let ada = app.order(first).await.order.contact_id;
    let link = engine::referrals::link(&app.engine, &app.site, ada);
    let path = link.strip_prefix("http://shop.example").unwrap();
    let onward = app.get(path).await;
    let code = onward.location().split("?r=").nth(1).unwrap().to_owned();

    for email in ["bob@example.org", "ada@example.org"] {
        let page = app.get(&format!("/buy/workbook?r={code}")).await;
        let referral = page.hidden("referral");
        assert_eq!(referral, code);
        let mut form = app.checkout_form(email, 3700);
        form.referral = referral;
        app.place("workbook", form).await.unwrap();
    }
    app.advance_ms(29 * 86_400_000).await;
    assert!(app.mails().iter().all(|mail| !mail.text.contains("THANKS-")));
    app.advance_ms(2 * 86_400_000).await;
    let thanks: Vec<_> =
        app.mails().into_iter().filter(|mail| mail.text.contains("THANKS-")).collect();
    assert_eq!(thanks.len(), 1);
    assert_eq!(thanks[0].to, "ada@example.org");
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recommendation_whose_order_is_given_back_leaves_the_day_it_was_counted_on() {
    for app in super::on_both("a_recommendation_whose_order_is_given_back").await {
        app.stock_shop().await;
        let first = app.place("guide", app.checkout_form("ada@example.org", 1900)).await.unwrap();
        let ada = app.order(first).await.order.contact_id;
        let mut orders = Vec::new();
        for email in ["bob@example.org", "cleo@example.org"] {
            app.advance_ms(3 * 86_400_000).await;
            let mut form = app.checkout_form(email, 3700);
            let code = engine::referrals::link(&app.engine, &app.site, ada);
            let code = code.rsplit('/').next().unwrap();
            form.referral =
                engine::referrals::signed(&app.engine, &app.site, code).await.unwrap().unwrap();
            orders.push(app.place("workbook", form).await.unwrap());
        }
        app.advance_ms(3 * 86_400_000).await;
        let faults = || engine::verify::rollups(&app.engine);
        assert_eq!(faults().await.unwrap(), []);
        // Bob's was the first: Ada counts on the day of Cleo's now, and then on none.
        for order in orders {
            let whole = engine::refund::What::Whole;
            let by = ("wanted", model::audits::Actor::Console);
            engine::refund::refund(&app.engine, &app.site, order, whole, by).await.unwrap();
            app.run_until_idle().await;
            assert_eq!(faults().await.unwrap(), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalogue_shows_what_can_be_bought_at_any_time() {
    let app = TestApp::start().await;
    assert!(app.get("/catalogue").await.body.contains("nothing to buy"));
    app.sell("guide", "The guide", Role::Front, usd(1900)).await;
    let page = app.get("/catalogue").await;
    assert!(page.plain().contains("/buy/guide"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_comes_late_has_an_invoice_of_its_own_with_its_own_lines() {
    for app in super::on_both("money_that_comes_late").await {
        app.stock_shop().await;
        let bought = app.buy("guide", &[("method", "succeeds_then_declines")]).await;
        let offer = app.get(bought.answer.location()).await;
        let taken = app.post(&offer.form("/accept"), &[("t", &offer.hidden("t"))]).await;
        let pay = app.get(taken.location()).await;
        // A second before the window closes, the bank's answer is lost.
        app.engine.clock().advance_ms(30 * 60_000 - 1_000);
        app.post(&pay.form("/pay"), &[("method", "times_out")]).await;
        app.advance_ms(2_000).await;
        assert_eq!(app.mails().len(), 1, "the order is closed");
        app.advance_ms(60_000).await;
        assert_eq!(app.mails().len(), 2, "and its answer is found");
        let id = app.order_of(&bought.token).await.order.id;
        assert_eq!(app.order(id).await.order.total_minor, 1_900 + 9_700);
        engine::close::resend_receipt(&app.engine, &app.site, id).await.unwrap();
        app.run_until_idle().await;
        let mails = app.mails();
        assert_eq!(mails.len(), 4);
        for (n, mail) in mails.iter().enumerate() {
            let bill = mail.text.split("Total").next().unwrap();
            let (its, other) = if n % 2 == 0 { ("guide", "course") } else { ("course", "guide") };
            let total = if n % 2 == 0 { "$19.00" } else { "$97.00" };
            assert!(
                mail.subject.ends_with(&format!(", invoice {}", n % 2 + 1)),
                "{}",
                mail.subject
            );
            assert!(bill.contains(its) && !bill.contains(other), "{}", mail.text);
            assert!(mail.text.contains(total) && !mail.text.contains("$116.00"), "{}", mail.text);
        }
        let page = app.get(&format!("/order/{}/receipt", bought.token)).await;
        assert!(page.body.contains("Receipt 1") && page.body.contains("Receipt 2"));
        assert!(!page.body.contains("$116.00"), "{}", page.body);
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn how_a_new_buyer_came_is_kept_as_the_first_touch_however_long_the_order_takes() {
    for app in super::on_both("how_a_new_buyer_came").await {
        app.stock_shop().await;
        app.engine.clock().tick_ms(1);
        for (email, address) in [
            ("ada@example.org", "/buy/guide?utm_source=news&utm_medium=email"),
            ("bob@example.org", "/buy/guide"),
        ] {
            let source = app.get(address).await.plain();
            let source = source.split("name=\"source\" value=\"").nth(1).unwrap();
            let source = source.split("\">").next().unwrap().to_owned();
            // A total that was stale first: nobody is kept for it.
            let fields = [("email", email), ("source", source.as_str())];
            let stale = [fields[0], fields[1], ("shown_total", "1")];
            assert_eq!(app.buy("guide", &stale).await.answer.status, 409);
            assert_eq!(app.buy("guide", &fields).await.answer.status, 303);
            let (site, contact) = (app.site.id, app.contact(email).await.id);
            let touches = app
                .engine
                .reader()
                .read::<_, engine::EngineError, _>(move |session| {
                    Box::pin(async move {
                        Ok(store::touches::of_contact(session, site, contact, 9).await?)
                    })
                })
                .await
                .unwrap();
            assert_eq!(touches.len(), 1, "{email}");
            assert!(touches[0].is_first, "{email}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offer_that_was_shown_and_taken_after_paying_is_a_step_each() {
    for app in super::on_both("an_offer_that_was_shown").await {
        let shop = app.stock_shop().await;
        for (email, takes) in [("one@example.org", true), ("two@example.org", false)] {
            app.other_browser();
            let bought = app.buy("guide", &[("email", email)]).await;
            let offer = app.get(bought.answer.location()).await;
            app.engine.clock().advance_ms(1_000);
            if takes {
                app.post(&offer.form("/accept"), &[("t", &offer.hidden("t"))]).await;
            } else {
                app.post(&offer.form("/decline"), &[]).await;
            }
            app.run_until_idle().await;
        }
        let zone = Zone::parse(&app.site.timezone).unwrap();
        let today = model::spans::day_of(app.engine.now(), &zone);
        let span = model::spans::Span { from: model::spans::moved(today, -1), to: today };
        let (course, workbook) = (Some(shop.course.1), Some(shop.workbook.1));
        for (steps, wanted) in [
            (vec![Step::Paid(None), Step::Shown(None), Step::Taken(None)], vec![2, 2, 1]),
            (vec![Step::Checkout, Step::Shown(course), Step::Taken(course)], vec![2, 2, 1]),
            (vec![Step::Shown(workbook)], vec![0]),
            (vec![Step::Taken(None), Step::Shown(None)], vec![1, 0]),
        ] {
            let question = Question { steps: steps.clone(), window_days: 1, span, segment: None };
            let answered = engine::steps::ask(&app.engine, &app.site, &question).await.unwrap();
            assert_eq!(answered.outcome.reached, wanted, "{steps:?}");
            for step in steps {
                assert_eq!(step.to_string().parse::<Step>().unwrap(), step);
            }
        }
        app.sign_in(model::operators::Role::Owner).await;
        let page = app.get("/admin/numbers/steps").await.plain();
        assert!(page.contains("Was shown an offer after paying") && page.contains("Took \u{201c}"));
    }
}
