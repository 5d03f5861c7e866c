//! A crash after each point where something durable was written: nothing is charged twice, nothing
//! paid is not granted.

use model::audits::Actor;
use model::orders::{AttemptState, OrderState};
use testkit::TestApp;

use super::{is_sound, on_both};

const POINTS: [&str; 5] = ["P0", "P1", "P2", "P3", "P4"];

async fn charges(app: &TestApp) -> i64 {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::test_charges::count_succeeded(session, site).await?) })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_form_sent_again_after_a_crash_at_any_point_is_paid_once() {
    for app in on_both("the_same_form_sent_again").await {
        app.stock_shop().await;
        for (n, point) in (1_i64..).zip(POINTS) {
            let form = app.checkout_form(&format!("{point}@example.org"), 1900);
            app.engine.crash_at(point);
            let crashed = app.place("guide", form.clone()).await;
            assert!(crashed.unwrap_err().is_fault(), "{point}");
            is_sound(&app).await;
            let order = app.place("guide", form).await.unwrap();
            app.advance_ms(60_000).await;
            let whole = app.order(order).await;
            assert_eq!(whole.order.state, OrderState::Paid, "{point}");
            assert_eq!(whole.payments.len(), 1, "{point}");
            assert_eq!(charges(&app).await, n, "{point}");
            is_sound(&app).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_nobody_waits_for_is_taken_up_by_itself() {
    for app in on_both("an_attempt_that_nobody_waits_for").await {
        app.stock_shop().await;
        for point in ["P1", "P2", "P3"] {
            let form = app.checkout_form(&format!("{point}@example.org"), 1900);
            app.engine.crash_at(point);
            app.place("guide", form.clone()).await.unwrap_err();
            app.advance_ms(60_000).await;
            let found = engine::orders::by_token(&app.engine, &app.site, &form.token).await;
            assert_eq!(found.unwrap().order.state, OrderState::Paid, "{point}");
        }
        app.advance_ms(3_600_000).await;
        assert_eq!(app.mails().len(), 3, "one receipt each");
        assert_eq!(charges(&app).await, 3);
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_whose_answer_was_lost_is_found_and_not_repeated() {
    for app in on_both("a_charge_whose_answer_was_lost").await {
        app.stock_shop().await;
        let mut form = app.checkout_form("iris@example.org", 1900);
        form.method = "times_out".to_owned();
        let order = app.place("guide", form).await.unwrap();
        let whole = app.order(order).await;
        assert_eq!(whole.payments[0].state, AttemptState::Unknown);
        assert_eq!(whole.standing(), engine::orders::Standing::Checking);
        assert_eq!(charges(&app).await, 1);
        app.advance_ms(60_000).await;
        assert_eq!(app.order(order).await.order.state, OrderState::Paid);
        assert_eq!(charges(&app).await, 1);
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_crashes_is_paid_back_once() {
    for app in on_both("a_refund_that_crashes").await {
        app.stock_shop().await;
        for point in ["R1", "R2"] {
            let form = app.checkout_form(&format!("{point}@example.org"), 1900);
            let order = app.place("guide", form).await.unwrap();
            let (engine, site) = (&app.engine, &app.site);
            let whole = engine::refund::What::Whole;
            let by = ("asked for", Actor::Console);
            engine::refund::refund(engine, site, order, whole, by).await.unwrap();
            app.engine.crash_at(point);
            app.run_until_idle().await;
            app.advance_ms(600_000).await;
            let order = app.order(order).await.order;
            assert_eq!(order.state, OrderState::Refunded, "{point}");
            assert_eq!((order.refunded_minor, order.refunding_minor), (1900, 0));
            is_sound(&app).await;
        }
    }
}
