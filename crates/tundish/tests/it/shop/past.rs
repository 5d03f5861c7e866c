//! Orders of another shop, brought as a file.

use std::collections::BTreeMap;

use engine::EngineError;
use engine::files::columns::Taken;
use engine::orders;
use model::audits::Actor;
use model::ids::OrderId;
use store::StoreError;
use store::orders::Filter;
use testkit::TestApp;

const HEAD: &str = "\u{feff}order_id,email,placed_at,product,quantity,unit_price\n";

async fn bring(app: &TestApp, lines: &[u8]) -> Result<Taken, EngineError> {
    let bytes = [HEAD.as_bytes(), lines].concat();
    let map = BTreeMap::new();
    let dry = orders::look(&app.engine, &app.site, &bytes, &map).await;
    let done = orders::import(&app.engine, Actor::System, &app.site, &bytes, &map).await;
    match (&dry, &done) {
        (Ok(dry), Ok(done)) => assert_eq!(dry, done, "a look says what is done"),
        (dry, done) => assert_eq!(dry.is_err(), done.is_err()),
    }
    done
}

/// What the orders that stand here come to, by buyer.
async fn totals(app: &TestApp) -> Vec<(String, i64)> {
    let site = app.site.id;
    let all = app
        .engine
        .reader()
        .read::<_, StoreError, _>(move |session| {
            Box::pin(async move {
                let (last, filter) = (OrderId(i64::MAX), Filter::default());
                store::orders::list(session, site, last, &filter, 100).await
            })
        })
        .await
        .unwrap();
    let mut totals: Vec<_> = all.into_iter().map(|o| (o.email, o.total_minor)).collect();
    totals.sort();
    totals
}

fn counts(taken: &Taken) -> (usize, usize, usize) {
    (taken.created, taken.unchanged, taken.rejected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_first_line_is_bad_is_left_out_whole_and_comes_in_once_it_is_mended() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bad = "A7,iris@x.test,2025-13-02,course,1,97\nA7,iris@x.test,2025-01-02,guide,1,19\n\
        A8,bo@x.test,2025-01-02,guide,1,19\n,cy@x.test,2025-01-02,guide,1,19\n\
        ,cy@x.test,2025-01-02,guide,1,19\n";
    let taken = bring(&app, bad.as_bytes()).await.unwrap();
    assert_eq!(counts(&taken), (1, 0, 3), "{taken:?}");
    let told: Vec<_> = taken.errors.iter().map(|e| (e.line, e.field.as_str())).collect();
    assert_eq!(told, [(2, "placed_at"), (5, "order_id"), (6, "order_id")]);
    assert_eq!(totals(&app).await, [("bo@x.test".to_owned(), 1_900)]);
    let mended = bad.replace("-13-", "-01-");
    assert_eq!(counts(&bring(&app, mended.as_bytes()).await.unwrap()), (1, 1, 2));
    let both = [("bo@x.test".to_owned(), 1_900), ("iris@x.test".to_owned(), 11_600)];
    assert_eq!(totals(&app).await, both);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_cannot_be_read_lets_nothing_of_the_file_in() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    for broken in [
        &b"A7,iris@x.test,2025-01-02,course,1,97\nA7,ir\xff@x.test,2025-01-02,guide,1,19\n"[..],
        b"A7,iris@x.test,2025-01-02,course,1,97\nA7,\"iris@x.test,2025-01-02,guide,1,19\n",
    ] {
        let refused = bring(&app, broken).await.unwrap_err().to_string();
        assert!(refused.contains("line 3"), "{refused}");
    }
    assert_eq!(totals(&app).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_beyond_all_sums_is_left_out() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let lines = "A1,iris@x.test,2025-01-02,guide,9000000000000000,19\n\
        A2,iris@x.test,2025-01-02,guide,1000001,19\nA3,iris@x.test,2025-01-02,guide,1000000,19\n";
    let taken = bring(&app, lines.as_bytes()).await.unwrap();
    assert_eq!(counts(&taken), (1, 0, 2), "{taken:?}");
    assert_eq!(totals(&app).await, [("iris@x.test".to_owned(), 1_900_000_000)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_is_not_brought_back_by_their_orders() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let lines = b"A1,ada@x.test,2025-01-02,guide,1,19\n";
    bring(&app, lines).await.unwrap();
    let ada = crate::people::contact(&app, "ada@x.test").await.unwrap();
    engine::privacy::erase(&app.engine, &app.site, ada.id).await.unwrap();
    let more = b"A1,ada@x.test,2025-01-02,guide,1,19\nA2,Ada@x.test,2025-02-02,course,1,97\n\
        A3,bo@x.test,2025-02-02,course,1,97\n";
    let taken = bring(&app, more).await.unwrap();
    assert_eq!(counts(&taken), (1, 1, 1), "{taken:?}");
    assert_eq!((taken.errors[0].line, taken.errors[0].field.as_str()), (3, "email"));
    assert!(taken.errors[0].message.contains("erased"), "{taken:?}");
    assert!(crate::people::contact(&app, "ada@x.test").await.is_none());
}
