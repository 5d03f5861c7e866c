//! Many at once: one order a token, never past a limit.

use std::sync::Arc;

use model::orders::{AttemptState, OrderState};
use testkit::{coupon, offer, usd};

use super::{is_sound, on_both};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_parallel_sends_of_one_form_are_one_order_and_one_charge() {
    for app in on_both("two_hundred_parallel_sends").await {
        app.stock_shop().await;
        let app = Arc::new(app);
        let form = app.checkout_form("iris@example.org", 1900);
        let sends: Vec<_> = (0..200)
            .map(|_| {
                let (app, form) = (Arc::clone(&app), form.clone());
                tokio::spawn(async move { app.place("guide", form).await })
            })
            .collect();
        let mut orders = Vec::new();
        for send in sends {
            orders.push(send.await.unwrap().unwrap());
        }
        orders.dedup();
        assert_eq!(orders.len(), 1);
        let whole = app.order(orders[0]).await;
        assert_eq!(whole.order.state, OrderState::Paid);
        assert_eq!(whole.payments.len(), 1);
        assert_eq!(charges(&app).await, 1);
        is_sound(&app).await;
    }
}

async fn charges(app: &testkit::TestApp) -> i64 {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::test_charges::count_succeeded(session, site).await?) })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_coupon_for_fifty_and_a_stock_of_sixty_are_never_passed_by_two_hundred_buyers() {
    for app in on_both("a_coupon_for_fifty").await {
        app.stock_shop().await;
        let mut limited = coupon("FIFTY", 50);
        limited.uses_max = Some(50);
        app.coupon(limited).await;
        let scarce =
            engine::offers::Draft { stock: Some(60), ..offer("scarce", "guide", usd(1000)) };
        engine::offers::put(&app.engine, app.site.id, scarce).await.unwrap();
        let app = Arc::new(app);
        let buyers: Vec<_> = (0..200)
            .map(|n| {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    let mut form = app.checkout_form(&format!("b{n}@example.org"), 1000);
                    if n % 2 == 0 {
                        form.coupon = "fifty".to_owned();
                        form.shown_total = Some(500);
                    }
                    if n % 10 == 0 {
                        form.method = "declines".to_owned();
                    }
                    app.place("scarce", form).await
                })
            })
            .collect();
        let (mut paid, mut refused) = (0, 0);
        for buyer in buyers {
            match buyer.await.unwrap() {
                Ok(order) => {
                    let whole = app.order(order).await;
                    let last = whole.payments.last().unwrap().state;
                    paid += i32::from(last == AttemptState::Succeeded);
                }
                Err(error) => {
                    assert!(!error.is_fault(), "{error}");
                    refused += 1;
                }
            }
        }
        assert!(paid <= 60 && paid + refused <= 200, "{paid} paid, {refused} refused");
        assert!(refused > 0);
        is_sound(&app).await;
        // What was held by declined cards is free again: the rest can be sold.
        app.engine.clock().advance_ms(3_600_000);
        app.run_until_idle().await;
        let site = app.site.id;
        let left = app
            .engine
            .reader()
            .read::<_, engine::EngineError, _>(move |session| {
                Box::pin(async move {
                    let offer = store::offers::find_by_slug(session, site, "scarce").await?;
                    Ok(offer.unwrap())
                })
            })
            .await
            .unwrap();
        assert_eq!(left.stock_held, 0, "no hold leaks");
        assert_eq!(left.stock_sold, i64::from(paid));
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_one_click_offer_pressed_by_many_hands_is_charged_once() {
    for app in on_both("a_one_click_offer_pressed").await {
        let shop = app.stock_shop().await;
        let form = app.checkout_form("iris@example.org", 1900);
        let order = app.place("guide", form).await.unwrap();
        let (engine, site, now) = (app.engine.clone(), app.site.clone(), app.engine.now());
        let whole = app.order(order).await.order;
        let step = app
            .engine
            .reader()
            .read::<_, engine::EngineError, _>(move |session| {
                Box::pin(
                    async move { engine::upsell::next(&engine, session, &site, &whole, now).await },
                )
            })
            .await
            .unwrap();
        let engine::upsell::Step::Offer(step) = step else { panic!("{step:?}") };
        let app = Arc::new(app);
        let presses: Vec<_> = (0..20)
            .map(|_| {
                let (app, token) = (Arc::clone(&app), step.token.clone());
                tokio::spawn(async move {
                    let offer = shop.course.1;
                    engine::upsell::accept(&app.engine, &app.site, order, offer, &token).await
                })
            })
            .collect();
        for press in presses {
            if let Err(error) = press.await.unwrap() {
                assert!(!error.is_fault(), "{error}");
            }
        }
        assert_eq!(charges(&app).await, 2);
        assert_eq!(app.order(order).await.order.captured_minor, 1900 + 9700);
        is_sound(&app).await;
    }
}
