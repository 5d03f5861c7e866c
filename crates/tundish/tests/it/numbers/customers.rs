//! What customers come to: rows, sums, fits and segments, from the same small story.

use engine::{recounts, rollups};
use model::audits::Actor;
use model::ids::{ContactId, ProductId};
use model::segments::{ANY_SCORE, Cells, Rule, Statement};
use model::spans::{day_number, day_of};
use numbers::cohorts::Month;
use testkit::TestApp;

use super::{ANN, BEN, contact, day, read, sql, story, told, zone};

async fn cells(app: &TestApp, product: i64) -> Vec<(i64, i64, i64, i64, i64)> {
    let site = app.site.id;
    let january = i64::from(Month::new(2026, 1).0);
    let cells = read(app, move |session| {
        let of = ("USD", "month", ProductId(product));
        Box::pin(store::cohort_cells::within(session, site, of, (0, i64::MAX)))
    })
    .await;
    let line = |cell: store::cohort_cells::Cell| {
        let sums = cell.sums;
        (
            cell.key.cohort - january,
            cell.key.nth,
            sums.customers,
            sums.revenue_minor,
            sums.margin_minor,
        )
    };
    cells.into_iter().map(line).collect()
}

#[tokio::test]
async fn a_customer_is_a_row_and_the_sums_are_those_of_all() {
    sums_are_kept(TestApp::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_is_a_row_and_the_sums_are_those_of_all_on_postgres() {
    let test = "a_customer_is_a_row_and_the_sums_are_those_of_all_on_postgres";
    let Some(url) = testkit::databases::postgres_url(test).await else { return };
    let dir = tempfile::tempdir().unwrap();
    sums_are_kept(TestApp::start_on(&url, dir).await).await;
}

async fn sums_are_kept(app: TestApp) {
    story(&app).await;
    let site = app.site.id;
    let ann = read(&app, move |session| {
        Box::pin(store::customer_figures::of_contact(session, site, contact(ANN)))
    })
    .await;
    let [ann] = &ann[..] else { panic!("one currency: {ann:?}") };
    let number = |n: i64| day_number(day_of(model::UtcMs(day(n)), &zone()));
    assert_eq!((ann.first_day, ann.last_day), (number(10), number(40)));
    assert_eq!((ann.orders, ann.repeat_days), (2, 1));
    // 19 and 97 less 7 given back; margins 19 + 1 discount − 3, and 90 − 7.
    assert_eq!((ann.net_minor, ann.repeat_minor), (1_900 + 9_000, 9_000));
    assert_eq!((ann.margin_minor, ann.repeat_margin_minor), (1_700 + 8_300, 8_300));

    let both = [(0, 0, 2, 3_900, 3_400), (0, 1, 1, 9_000, 8_300)];
    assert_eq!(cells(&app, 0).await, both);
    assert_eq!(cells(&app, 600).await, both, "the book was everybody's first");
    let values = read(&app, move |session| {
        Box::pin(store::value_cells::within(session, site, "USD", (0, i64::MAX)))
    })
    .await;
    let [direct, paid] = &values[..] else { panic!("two ways to come: {values:?}") };
    assert_eq!((direct.sums.customers, direct.sums.margin_minor), (1, 1_700));
    assert_eq!(paid.key.source, "google");
    assert_eq!((paid.sums.returned, paid.sums.discount_minor), (1, 100));
    assert_eq!(paid.sums.margin_by, [10_000; 4], "day 30 is within 30 days");

    // A refund takes its part out of every sum; a contact there to try things out stays outside.
    sql(
        &app,
        &format!(
            "insert into refunds (site_id, id, order_id, payment_id, amount_minor, tax_minor,
                currency, reason, state, idem_key, whole, actor, created_at)
                select $s, 95, id, id, 1000, 0, 'USD', '', 'succeeded', 'r9', false, '', 0
                from orders where site_id = $s and contact_id = {ben};
             update orders set updated_at = {now} where site_id = $s and contact_id = {ben};",
            ben = contact(BEN).0,
            now = app.engine.now().0,
        ),
    )
    .await;
    app.run_until_idle().await;
    let less = [(0, 0, 2, 2_900, 2_400), (0, 1, 1, 9_000, 8_300)];
    assert_eq!(cells(&app, 0).await, less);
    assert_eq!(rollups::wrong_sums(&app.engine, &app.site).await.unwrap(), 0);
    let kept = (cells(&app, 0).await, cells(&app, 600).await);

    // Whatever is wrong or missing, a rebuild makes it what the orders say.
    sql(
        &app,
        "update cohort_cells set customers = 9 where site_id = $s and nth = 1;
         delete from value_cells where site_id = $s and channel = 'direct';
         update customer_figures set orders = 7 where site_id = $s;
         insert into customer_figures (site_id, contact_id, currency, first_day, last_day, last_at,
            orders, repeat_days, repeat_minor, repeat_margin_minor, net_minor, margin_minor,
            first_product_id, channel, source)
            values ($s, 77, 'USD', 1, 1, 1, 1, 0, 0, 0, 1, 1, 600, 'direct', '');",
    )
    .await;
    assert!(rollups::wrong_sums(&app.engine, &app.site).await.unwrap() > 0);
    let rebuilt = rollups::rebuild(&app.engine, &app.site).await.unwrap();
    assert!(rebuilt.sums >= 3, "{rebuilt:?}");
    assert_eq!(rollups::wrong_sums(&app.engine, &app.site).await.unwrap(), 0);
    assert_eq!((cells(&app, 0).await, cells(&app, 600).await), kept);
    let rows = read(&app, move |session| {
        Box::pin(store::customer_figures::some(session, site, ContactId(0), 9))
    })
    .await;
    let orders: Vec<i64> = rows.iter().map(|row| row.orders).collect();
    assert_eq!(orders, [2, 1], "a customer without orders is gone");
    assert_eq!(rollups::rebuild(&app.engine, &app.site).await.unwrap().sums, 0);
}

async fn members(app: &TestApp, name: &str, rule: Rule) -> Vec<i64> {
    let site = app.site.id;
    let kept = engine::segments::keep(&app.engine, Actor::Console, site, (name, &rule)).await;
    let id = kept.unwrap();
    recounts::run_due(&app.engine).await.unwrap();
    let all = read(app, move |session| {
        let everyone = (ContactId(0), ContactId(i64::MAX));
        Box::pin(store::segments::members(session, site, id, everyone))
    })
    .await;
    let counted =
        read(app, move |session| Box::pin(store::segments::find(session, site, id))).await;
    let counted = counted.unwrap();
    assert_eq!(counted.members, i64::try_from(all.len()).unwrap());
    assert!(counted.counted_at.is_some());
    let name = |id: &ContactId| (1..=3).find(|n| contact(*n) == *id).unwrap_or(0);
    all.iter().map(name).collect()
}

#[tokio::test]
async fn a_rule_finds_its_people_and_says_why() {
    rules_hold(told().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_finds_its_people_and_says_why_on_postgres() {
    let test = "a_rule_finds_its_people_and_says_why_on_postgres";
    let Some(url) = testkit::databases::postgres_url(test).await else { return };
    let dir = tempfile::tempdir().unwrap();
    let app = TestApp::start_on(&url, dir).await;
    story(&app).await;
    rules_hold(app).await;
}

async fn rules_hold(app: TestApp) {
    let is = |statement| Rule::Is(statement);
    let not = |rule| Rule::Not(Box::new(rule));
    // There is no grid yet when this one is asked for.
    let most = Cells { r: (5, 5), f: ANY_SCORE, m: ANY_SCORE };
    let least = Cells { r: (1, 4), ..most };
    let cells = Rule::Any(vec![is(Statement::Rfm(most)), is(Statement::Rfm(least))]);
    assert_eq!(members(&app, "the whole grid", cells).await, [1, 2]);
    assert_eq!(members(&app, "customers", is(Statement::Customer)).await, [1, 2]);
    assert_eq!(members(&app, "others", not(is(Statement::Customer))).await, [3]);
    assert_eq!(members(&app, "twice", is(Statement::OrdersAtLeast(2))).await, [1]);
    assert_eq!(members(&app, "margin", is(Statement::MarginAtLeast(1_700))).await, [1, 2]);
    let has = is(Statement::Bought(ProductId(600)));
    assert_eq!(members(&app, "have the book", has).await, [1, 2, 3]);
    let by = is(Statement::Channel(model::channels::Channel::PaidSearch));
    assert_eq!(members(&app, "by ads", by.clone()).await, [1]);
    let status = is(Statement::Status(model::contacts::Status::Confirmed));
    let both = Rule::All(vec![status, not(by)]);
    assert_eq!(members(&app, "willing, not by ads", both.clone()).await, [3]);
    // In July both ordered more than a hundred days ago.
    assert_eq!(members(&app, "lately", is(Statement::OrderedWithin(100))).await, [0_i64; 0]);

    let (site, now) = (app.site.clone(), app.engine.now());
    let (fits, told) = app
        .engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let measure = engine::segments::Measure::of(session, &site, now).await?;
                let of = (&both, &measure);
                engine::segments::why(session, site.id, of, contact(ANN)).await
            })
        })
        .await
        .unwrap();
    assert!(!fits);
    assert_eq!(told.iter().map(|(_, holds)| *holds).collect::<Vec<_>>(), [true, true]);
}

#[tokio::test]
async fn a_segment_follows_its_people_and_leaves_with_its_list() {
    let app = told().await;
    let site = app.site.id;
    let rule = Rule::Is(Statement::Tag("baker".to_owned()));
    assert_eq!(members(&app, "bakers", rule.clone()).await, [0_i64; 0]);
    let again = engine::segments::keep(&app.engine, Actor::Console, site, ("bakers", &rule)).await;
    assert!(again.is_err(), "a name is one segment's");
    let put = engine::tags::put_on(&app.engine, app.site.clone(), contact(BEN), "baker".into());
    put.await.unwrap();
    app.advance_ms(2 * model::times::HOUR_MS).await;
    recounts::run_due(&app.engine).await.unwrap();
    let found = read(&app, move |session| Box::pin(store::segments::list(session, site))).await;
    let segment = found.iter().find(|one| one.name == "bakers").unwrap();
    assert_eq!(segment.members, 1);
    let id = segment.id;
    let some = async || {
        read(&app, move |session| {
            Box::pin(store::segments::some(session, site, id, ContactId(i64::MAX), 10))
        })
        .await
    };
    assert_eq!(some().await, [contact(BEN)]);
    engine::segments::remove(&app.engine, Actor::Console, site, id).await.unwrap();
    assert_eq!(some().await, []);
}
