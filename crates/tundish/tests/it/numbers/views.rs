//! Page views: counted as they come, told apart for a day, forgotten in time.

use std::collections::BTreeSet;

use engine::views;
use jiff::civil::date;
use model::spans::{Span, day_of};
use model::times::{DAY_MS, HOUR_MS};
use model::views::{Origin, View};
use store::StoreError;
use store::views::{Day, Seen};
use testkit::TestApp;

use super::zone;

both_apps! {
    views_are_kept_and_their_rollup_is_what_they_come_to: rolled_up,
    a_visitor_of_one_day_cannot_be_found_again_on_another: unlinked,
    old_views_go_and_their_rollup_stays: forgotten,
    a_visitor_is_new_once_a_day_whatever_the_server_remembers: remembered,
    a_flood_of_made_up_origins_is_counted_all_the_same: flooded,
    a_flood_leaves_room_for_what_comes_tomorrow: room_is_left,
}

/// A view of `page` by `who` now.
pub(super) fn view(app: &TestApp, page: &str, who: Option<&str>) {
    let at = app.engine.now();
    let view = View {
        at,
        day: day_of(at, &zone()),
        page: page.to_owned(),
        origin: Origin { source: "paper".to_owned(), ..Origin::default() },
        visitor: who.map(str::to_owned),
    };
    views::count(&app.engine, app.site.id, view);
}

async fn days(app: &TestApp) -> Vec<Day> {
    let site = app.site.id;
    app.engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::views::days(session, site, "2000", "3000").await })
        })
        .await
        .unwrap()
}

/// The visitors of a day as they are stored.
async fn visitors(app: &TestApp, day: Day) -> BTreeSet<i64> {
    let site = app.site.id;
    app.engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                let mut seen = BTreeSet::new();
                let see = |[_, visitor, _, _]: [i64; 4]| seen.extend([visitor]);
                store::views::each(session, site, &day, see).await?;
                Ok(seen)
            })
        })
        .await
        .unwrap()
}

async fn views_sql(app: &TestApp, text: &'static str) {
    app.engine
        .views()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { tx.query(text).run().await.map(drop) })
        })
        .await
        .unwrap();
}

async fn count(app: &TestApp, text: &'static str) -> i64 {
    app.engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { session.query(text).one::<i64>().await })
        })
        .await
        .unwrap()
}

async fn rolled_up(app: TestApp) {
    for (page, who) in
        [("/", Some("ann")), ("/p/book", Some("ann")), ("/p/book", Some("ben")), ("/p/book", None)]
    {
        view(&app, page, who);
    }
    app.run_until_idle().await;
    view(&app, "/p/book", Some("ann"));
    app.run_until_idle().await;
    let all = days(&app).await;
    assert_eq!((all.len(), all[0].views, all[0].visitors), (1, 5, 2));
    let site = app.site.id;
    let ever = Span { from: date(2000, 1, 1), to: date(3000, 1, 1) };
    let pages = app
        .engine
        .views_reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move { store::views::by_page(session, site, ever).await })
        })
        .await
        .unwrap();
    // Ann counts as a visitor of the page she came in by.
    let seen = |views, visitors| Seen { views, visitors };
    assert_eq!(pages, [("/".to_owned(), seen(1, 1)), ("/p/book".to_owned(), seen(4, 1))]);

    app.advance_ms(DAY_MS).await;
    let span =
        Span { from: day_of(app.site.created_at, &zone()), to: day_of(app.engine.now(), &zone()) };
    assert_eq!(views::compare(&app.engine, &app.site, span).await.unwrap(), []);
    let breaking = "update page_view_sums set views = views + 1 where page = 2 and per = 'month'";
    views_sql(&app, breaking).await;
    let drifts = views::compare(&app.engine, &app.site, span).await.unwrap();
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!((drifts[0].rolled, drifts[0].counted), (6, 5));
    let breaking = "update page_view_sums set views = views + 1 where page = 2 and per = 'day'";
    views_sql(&app, breaking).await;
    let drifts = views::compare(&app.engine, &app.site, span).await.unwrap();
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!((drifts[0].rolled, drifts[0].counted), (6, 5));
    let findings = engine::verify::rollups(&app.engine).await.unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(views::rebuild(&app.engine, &app.site, span).await.unwrap(), 1);
    assert_eq!(views::compare(&app.engine, &app.site, span).await.unwrap(), []);
    assert_eq!(days(&app).await, all);
}

async fn unlinked(app: TestApp) {
    for _ in 0..2 {
        view(&app, "/", Some("ann"));
        app.run_until_idle().await;
        app.advance_ms(DAY_MS).await;
    }
    let all = days(&app).await;
    assert_eq!(all.len(), 2);
    let mut seen = BTreeSet::new();
    for day in all {
        let of_day = visitors(&app, day).await;
        assert_eq!(of_day.len(), 1);
        seen.extend(of_day);
    }
    assert_eq!(seen.len(), 2, "the same browser is another visitor on the next day");
    assert!(!seen.contains(&0));
    // Two days later the salts are gone: what made the hashes cannot be tried again.
    app.advance_ms(2 * DAY_MS + HOUR_MS).await;
    assert_eq!(count(&app, "select count(*) from view_salts").await, 0);
    assert_eq!(count(&app, "select count(*) from page_views").await, 2);
}

async fn forgotten(app: TestApp) {
    view(&app, "/", Some("ann"));
    app.run_until_idle().await;
    app.advance_ms(300 * DAY_MS).await;
    view(&app, "/", Some("ann"));
    app.run_until_idle().await;
    app.advance_ms((views::VIEWS_KEPT_DAYS - 299) * DAY_MS).await;
    app.run_until_idle().await;
    assert_eq!(count(&app, "select count(*) from page_views").await, 1);
    let all = days(&app).await;
    assert_eq!(
        all.iter().map(|day| (day.views, day.last_id > 0)).collect::<Vec<_>>(),
        [(1, false), (1, true)]
    );
    // What is gone cannot be counted anew, and is not taken for a drift.
    let span =
        Span { from: day_of(app.site.created_at, &zone()), to: day_of(app.engine.now(), &zone()) };
    assert_eq!(views::compare(&app.engine, &app.site, span).await.unwrap(), []);
    assert_eq!(views::rebuild(&app.engine, &app.site, span).await.unwrap(), 1);
    assert_eq!(days(&app).await, all);
}

async fn remembered(app: TestApp) {
    view(&app, "/", Some("ann"));
    app.run_until_idle().await;
    // Every hour what is kept in memory of the day is dropped, as a restart drops it.
    app.advance_ms(HOUR_MS).await;
    view(&app, "/", Some("ann"));
    view(&app, "/", Some("ben"));
    app.run_until_idle().await;
    let all = days(&app).await;
    assert_eq!((all.len(), all[0].views, all[0].visitors), (1, 3, 2));
}

async fn room_is_left(app: TestApp) {
    let names = async || {
        let site = app.site.id;
        let (pages, origins) = app
            .engine
            .views_reader()
            .read::<_, StoreError, _>(move |session| {
                Box::pin(async move {
                    let pages = store::views::pages(session, site).await?;
                    Ok((pages, store::views::origins(session, site).await?))
                })
            })
            .await
            .unwrap();
        let pages: BTreeSet<String> = pages.into_iter().map(|(_, path)| path).collect();
        (pages, origins.len())
    };
    for flood in 0..3 {
        made_up(&app, flood);
        app.run_until_idle().await;
        view(&app, &format!("/p/late-{flood}"), None);
        app.run_until_idle().await;
        app.engine.clock().advance_ms(DAY_MS);
        view(&app, &format!("/p/new-{flood}"), None);
        app.run_until_idle().await;
        let (pages, origins) = names().await;
        assert!(pages.contains(&format!("/p/new-{flood}")), "there is room on the day after");
        assert!(!pages.contains(&format!("/p/late-{flood}")), "the day had taken its part");
        assert!(pages.contains("…") && pages.len() < 1_100 * (flood + 1), "{}", pages.len());
        assert!(origins > 2_000 * (flood + 1), "{origins}");
        view(&app, &format!("/p/late-{flood}"), None);
        app.run_until_idle().await;
        assert!(names().await.0.contains(&format!("/p/late-{flood}")), "it is looked for again");
    }
}

/// Views of three thousand pages by as many campaigns that nobody knows.
fn made_up(app: &TestApp, flood: usize) {
    let at = app.engine.now();
    for n in 0..3_000 {
        let view = View {
            at,
            day: day_of(at, &zone()),
            page: format!("/made-up/{flood}/{n}"),
            origin: Origin { campaign: format!("c{flood}-{n}"), ..Origin::default() },
            visitor: None,
        };
        views::count(&app.engine, app.site.id, view);
    }
}

async fn flooded(app: TestApp) {
    made_up(&app, 0);
    app.run_until_idle().await;
    assert_eq!(days(&app).await[0].views, 3_000);
}
