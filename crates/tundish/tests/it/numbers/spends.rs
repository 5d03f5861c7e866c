//! Amounts from files and by hand.

use engine::spends::{self, Imported};
use model::audits::Actor;
use testkit::TestApp;

async fn read(app: &TestApp, text: &str) -> Imported {
    spends::import(&app.engine, Actor::Console, &app.site, text.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_file_read_twice_counts_once_and_bad_lines_are_told() {
    let app = TestApp::start().await;
    let text = "\u{feff}Date;Channel;campaign;AMOUNT;currency;clicks;impressions;note\r\n\
        2026-01-01;Google;spring;12.50;USD;40;;\r\n\
        2026-01-02;google;;0;usd;;;\r\n\
        2026-13-02;google;;1.00;USD;;;\r\n\
        \r\n\
        2026-01-03;google;;1.999;USD;;;\r\n\
        2026-01-03;google;;5;EUR;;;\r\n\
        2026-01-04;google;;5;;x;;\r\n\
        2026-01-05;google;;5;;;;two\r\n\
        2026-01-05;google;;5;;;;two\r\n";
    let first = read(&app, text).await;
    assert_eq!((first.lines, first.added, first.known, first.rejected), (8, 3, 0, 5));
    let told: Vec<(u64, &str)> =
        first.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    let wanted = [(3, "amount"), (4, "from_day"), (6, "amount"), (7, "currency"), (8, "clicks")];
    assert_eq!(told, wanted);
    let again = read(&app, text).await;
    assert_eq!((again.added, again.known), (0, 3));
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_in_a_sentence() {
    let app = TestApp::start().await;
    for text in ["", "hello", "date,amount\n2026-01-01,5\n", "\u{0}\u{1}"] {
        let read = spends::import(&app.engine, Actor::Console, &app.site, text.as_bytes()).await;
        let why = read.unwrap_err().to_string();
        assert!(why.contains("is missing"), "{text}: {why}");
    }
}
