//! Paying back: never more than came in, and what was paid back is taken back.

use std::sync::Arc;

use engine::refund::{What, refund};
use model::audits::Actor;
use model::orders::OrderState;
use model::payments::LineState;
use testkit::TestApp;

use super::{is_sound, on_both};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_in_parallel_never_pass_what_came_in() {
    for app in on_both("refunds_in_parallel").await {
        app.stock_shop().await;
        let form = app.checkout_form("iris@example.org", 1900);
        let order = app.place("guide", form).await.unwrap();
        let app = Arc::new(app);
        let tries: Vec<_> = (0..20)
            .map(|_| {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    let by = ("asked for", Actor::Console);
                    refund(&app.engine, &app.site, order, What::Amount(600), by).await
                })
            })
            .collect();
        let mut begun = 0;
        for one in tries {
            begun += i32::from(one.await.unwrap().is_ok());
        }
        assert_eq!(begun, 3);
        app.run_until_idle().await;
        let order = app.order(order).await.order;
        assert_eq!(order.refunded_minor, 1800);
        assert_eq!(order.state, OrderState::PartiallyRefunded);
        is_sound(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_is_paid_back_is_taken_back_and_the_others_stay() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let mut form = app.checkout_form("iris@example.org", 2600);
    form.bump = true;
    let order = app.place("guide", form).await.unwrap();
    let bump = app.order(order).await.lines[1].id;
    let by = ("not wanted", Actor::Console);
    refund(&app.engine, &app.site, order, What::Line(bump), by).await.unwrap();
    app.run_until_idle().await;
    let whole = app.order(order).await;
    let states: Vec<LineState> = whole.lines.iter().map(|line| line.state).collect();
    assert_eq!(states, [LineState::Paid, LineState::Refunded]);
    is_sound(&app).await;
    let over = refund(&app.engine, &app.site, order, What::Amount(2000), by).await;
    assert!(over.unwrap_err().to_string().contains("more than is left"));
    refund(&app.engine, &app.site, order, What::Whole, by).await.unwrap();
    app.run_until_idle().await;
    assert_eq!(app.order(order).await.order.state, OrderState::Refunded);
    let again = refund(&app.engine, &app.site, order, What::Whole, by).await;
    assert!(again.unwrap_err().to_string().contains("nothing of this is left"));
    is_sound(&app).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_paid_back_once_however_often_the_button_is_pressed() {
    for app in on_both("a_line_is_paid_back_once").await {
        app.stock_shop().await;
        let mut form = app.checkout_form("iris@example.org", 2600);
        form.bump = true;
        let order = app.place("guide", form).await.unwrap();
        let bump = app.order(order).await.lines[1].id;
        let by = ("not wanted", Actor::Console);
        refund(&app.engine, &app.site, order, What::Line(bump), by).await.unwrap();
        // The provider has not answered yet.
        let again = refund(&app.engine, &app.site, order, What::Line(bump), by).await;
        assert!(again.unwrap_err().to_string().contains("nothing of this is left"));
        app.run_until_idle().await;
        assert_eq!(app.order(order).await.order.refunded_minor, 700);
        is_sound(&app).await;
    }
}
