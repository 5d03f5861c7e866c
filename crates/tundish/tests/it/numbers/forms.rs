//! What forms brought: the same from the rollup and from the rows, whatever comes late.

use engine::opt_in::Decision;
use engine::rollups;
use model::spans::{Span, day_of};
use model::times::DAY_MS;
use store::StoreError;
use testkit::TestApp;

use crate::people::{confirmed, contact, fill_in, form, path_in};

both_apps! {
    what_a_form_brought_is_right_before_and_after_its_days_are_rolled_up: brought,
}

/// Answers, those confirmed, those kept apart.
async fn counts(app: &TestApp) -> (i64, i64, i64) {
    let (site, zone) = (app.site.clone(), rollups::zone_of(&app.site));
    let to = day_of(app.engine.now(), &zone);
    let span = Span { from: day_of(site.created_at, &zone), to };
    let drifts = rollups::compare(&app.engine, &app.site, span).await.unwrap();
    assert_eq!(drifts, [], "the rollup says what the rows say");
    let (brought, waiting) = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                let brought = store::form_days::within(session, site.id, span, &zone).await?;
                Ok((brought, store::form_days::waiting(session, site.id).await?))
            })
        })
        .await
        .unwrap();
    assert!(brought.len() <= 1 && waiting.len() <= 1, "there is one form");
    let (answers, confirmed) =
        brought.first().map_or((0, 0), |count| (count.answers, count.confirmed));
    (answers, confirmed, waiting.first().map_or(0, |(_, count)| *count))
}

async fn brought(app: TestApp) {
    let mut site = app.site.clone();
    site.settings.confirmations_per_hour = Some(2);
    engine::sites::put(&app.engine, site.clone(), Vec::new()).await.unwrap();
    form(&app, "chapter", |_| {}).await;
    assert_eq!(counts(&app).await, (0, 0, 0));
    confirmed(&app, "ada@x.test").await;
    fill_in(&app, "chapter", &[("email", "ben@x.test")]).await;
    let later = path_in(&app, "confirmation", "confirm_url").await;
    fill_in(&app, "chapter", &[("email", "cleo@x.test")]).await;
    assert_eq!(counts(&app).await, (2, 1, 1));
    app.advance_ms(2 * DAY_MS).await;
    assert_eq!(counts(&app).await, (2, 1, 1), "rolled up");

    assert_eq!(app.post(&later, &[]).await.status, 200);
    assert_eq!(counts(&app).await, (2, 2, 1), "who confirms later counts later");
    let live = engine::forms::live(&app.engine, site.id, "chapter").await.unwrap();
    let reader = app.engine.reader();
    let held = reader.read::<_, StoreError, _>(move |session| {
        Box::pin(async move {
            let last = model::ids::SubmissionId(i64::MAX);
            store::forms::submissions_between(
                session,
                site.id,
                "held",
                (model::ids::SubmissionId(0), last),
                9,
            )
            .await
        })
    });
    let held = held.await.unwrap()[0].id;
    let site = app.site.clone();
    engine::opt_in::decide(&app.engine, site, live, held, Decision::Release).await.unwrap();
    assert_eq!(counts(&app).await, (3, 2, 0), "who is released counts on the day they came");
    app.advance_ms(2 * DAY_MS).await;
    assert_eq!(counts(&app).await, (3, 2, 0));

    for _ in 0..40 {
        app.advance_ms(DAY_MS).await;
    }
    assert!(contact(&app, "cleo@x.test").await.is_none(), "who never confirmed is forgotten");
    assert_eq!(counts(&app).await, (2, 2, 0));
}
