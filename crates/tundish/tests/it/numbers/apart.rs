//! Orders that count like others and come otherwise: from a file, or of someone who was erased.

use std::fmt::Write as _;

use engine::rollups;
use engine::steps::{Question, Step};
use model::UtcMs;
use model::ids::{OfferId, OrderId};
use model::times::DAY_MS;
use store::order_sums::What;
use testkit::TestApp;

use super::{ANN, BEN, USD, contact, day, id, order, read, span, sql, story, zone};

both_apps! {
    an_order_of_a_file_is_listed_where_it_is_counted: of_files,
    orders_of_who_was_erased_count_under_their_channel: of_the_erased,
}

/// An order that was taken in from a file: its id is of later than it.
async fn taken_in(app: &TestApp, n: i64, who: i64, at: i64) {
    let mut rows = String::new();
    order(&mut rows, n, who, day(150), (2_000, 0, 300));
    write!(
        rows,
        "update orders set created_at = {at}, paid_at = {at}, updated_at = {}
            where site_id = $s and id = {};",
        app.engine.now().0,
        id(day(150), n)
    )
    .unwrap();
    sql(app, &rows).await;
}

async fn of_files(app: TestApp) {
    story(&app).await;
    // Two of one instant.
    taken_in(&app, 7, BEN, day(15)).await;
    taken_in(&app, 8, BEN, day(15)).await;
    app.advance_ms(DAY_MS).await;
    let (site, january) = (app.site.id, span("2026-01-01", "2026-01-31"));
    let sums = read(&app, move |session| {
        Box::pin(async move {
            store::order_sums::by_key(session, site, What::Offer, january, USD).await
        })
    })
    .await;
    assert_eq!(sums.iter().map(|(_, sums)| sums.orders).sum::<i64>(), 4);
    let list = read(&app, move |session| {
        Box::pin(async move {
            let (mut all, of) = (Vec::new(), (OfferId(500), "main"));
            let mut before = (UtcMs(i64::MAX), OrderId(i64::MAX));
            let bounds = january.bounds(&zone());
            loop {
                let page = (before, 1);
                let rows = store::revenue::offer_rows(session, site, of, bounds, USD, page).await?;
                let Some(row) = rows.last() else { return Ok(all) };
                before = (row.paid_at, row.order_id);
                all.extend(rows.into_iter().map(|row| (row.paid_at.0, row.order_id.0)));
            }
        })
    })
    .await;
    let wanted = [
        (day(20), id(day(20), 3)),
        (day(15), id(day(150), 8)),
        (day(15), id(day(150), 7)),
        (day(10), id(day(10), 1)),
    ];
    assert_eq!(list, wanted);

    let span = span("2026-01-01", "2026-07-12");
    for (steps, acts, reached) in [
        // None from a file.
        (vec![Step::Checkout], 3, vec![2]),
        // Two orders of one instant are two.
        (vec![Step::Paid(None), Step::Second], 5, vec![2, 2]),
    ] {
        let question = Question { steps, window_days: 365, span, segment: None };
        let answered = engine::steps::ask(&app.engine, &app.site, &question).await.unwrap();
        assert_eq!((answered.acts, &answered.outcome.reached), (acts, &reached), "{question:?}");
    }
}

async fn of_the_erased(app: TestApp) {
    story(&app).await;
    let (site, ann) = (app.site.id, contact(ANN));
    let figures = async || {
        read(&app, move |session| Box::pin(store::order_figures::of_contact(session, site, ann)))
            .await
    };
    let before = figures().await;
    assert_eq!((before.len(), before[0].channel.as_str()), (2, "paid_search"));
    engine::privacy::erase(&app.engine, &app.site, ann).await.unwrap();
    // They are figured again.
    let text = format!("update orders set updated_at = {}", app.engine.now().0);
    sql(&app, &text).await;
    app.advance_ms(DAY_MS).await;
    assert_eq!(figures().await, before);
    assert_eq!(rollups::rebuild(&app.engine, &app.site).await.unwrap().orders, 0);
    assert_eq!(figures().await, before);
}
