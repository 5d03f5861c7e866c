//! Whatever buyers, banks and crashes do, in any order: every promise holds after each day.

use engine::refund::What;
use engine::upsell::{self, Step};
use model::audits::Actor;
use model::ids::OrderId;
use model::orders::AttemptState;
use testkit::{TestApp, coupon, offer, usd};

use super::is_sound;

const METHODS: [&str; 7] = [
    "succeeds",
    "declines",
    "asks",
    "times_out",
    "succeeds_then_declines",
    "succeeds_then_asks",
    "offline",
];
const POINTS: [&str; 7] = ["P0", "P1", "P2", "P3", "P4", "R1", "R2"];

/// Chance that repeats from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

async fn buy(app: &TestApp, dice: &mut Dice) -> Option<OrderId> {
    let email = format!("buyer{}@example.org", dice.below(12));
    let (slug, mut total) = [("guide", 1900), ("scarce", 1000), ("workbook", 3700)][dice.below(3)];
    let mut form = app.checkout_form(&email, total);
    form.method = METHODS[dice.below(METHODS.len())].to_owned();
    if dice.below(3) == 0 {
        form.coupon = "HALF".to_owned();
        total /= 2;
        form.shown_total = Some(total);
    }
    let first = app.place(slug, form.clone()).await;
    if first.is_err() && dice.below(2) == 0 {
        return app.place(slug, form).await.ok();
    }
    first.ok()
}

async fn go_on(app: &TestApp, dice: &mut Dice, id: OrderId) {
    let whole = app.order(id).await;
    let (engine, site) = (&app.engine, &app.site);
    if let Some(asked) = whole.payments.iter().find(|p| p.state == AttemptState::RequiresAction) {
        let _ = engine::pay::answer_challenge(engine, site, id, asked.id, dice.below(2) == 0).await;
    }
    if dice.below(2) == 0 {
        let _ = engine::pay::mark_paid(engine, site, id).await;
    }
    let (it, its, order, now) = (engine.clone(), site.clone(), whole.order.clone(), engine.now());
    let step = engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move { upsell::next(&it, session, &its, &order, now).await })
        })
        .await
        .unwrap();
    match step {
        Step::Offer(step) if dice.below(3) > 0 => {
            let _ = upsell::accept(engine, site, id, step.offer.id, &step.token).await;
        }
        Step::Retry(step, _) if dice.below(2) > 0 => {
            let _ = upsell::pay_again(engine, site, id, step.offer.id, "succeeds").await;
        }
        Step::Offer(step) | Step::Retry(step, _) => {
            let _ = upsell::decline(engine, site, id, step.offer.id).await;
        }
        _ => {}
    }
}

async fn pay_back(app: &TestApp, dice: &mut Dice, id: OrderId) {
    let lines = app.order(id).await.lines;
    let what = match dice.below(3) {
        0 => What::Whole,
        1 => What::Amount(i64::try_from(dice.below(2_500)).unwrap()),
        _ => match lines.first() {
            Some(line) => What::Line(line.id),
            None => What::Whole,
        },
    };
    let _ =
        engine::refund::refund(&app.engine, &app.site, id, what, ("chance", Actor::Console)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_mixture_of_buyers_banks_refunds_and_crashes_keeps_every_promise() {
    for seed in 1..=6 {
        let app = TestApp::start().await;
        app.stock_shop().await;
        let mut half = coupon("HALF", 50);
        half.uses_max = Some(9);
        half.per_contact_max = Some(2);
        app.coupon(half).await;
        let scarce = engine::offers::Draft { stock: Some(8), ..offer("scarce", "club", usd(1000)) };
        engine::offers::put(&app.engine, app.site.id, scarce).await.unwrap();
        let mut dice = Dice(seed);
        let mut orders: Vec<OrderId> = Vec::new();
        for _ in 0..12 {
            for _ in 0..6 {
                if dice.below(4) == 0 {
                    app.engine.crash_at(POINTS[dice.below(POINTS.len())]);
                }
                orders.extend(buy(&app, &mut dice).await);
                if let Some(id) = orders.get(dice.below(orders.len().max(1))).copied() {
                    go_on(&app, &mut dice, id).await;
                    if dice.below(4) == 0 {
                        pay_back(&app, &mut dice, id).await;
                    }
                }
            }
            is_sound(&app).await;
            app.advance_ms(i64::try_from(dice.below(86_400_000)).unwrap()).await;
            is_sound(&app).await;
        }
        app.advance_ms(60 * 86_400_000).await;
        is_sound(&app).await;
    }
}
