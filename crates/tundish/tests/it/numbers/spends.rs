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

#[tokio::test]
async fn what_was_spent_is_written_out_as_it_comes_in_again() {
    let app = TestApp::start().await;
    let by_hand = model::spends::Spend {
        id: model::ids::SpendId(0),
        channel: "google".to_owned(),
        campaign: "=spring".to_owned(),
        from_day: "2026-03-01".to_owned(),
        to_day: "2026-03-31".to_owned(),
        amount_minor: 31_001,
        currency: "USD".to_owned(),
        clicks: Some(410),
        impressions: None,
        note: "-10 %, \"special\"".to_owned(),
        created_at: app.engine.now(),
    };
    let one = vec![("hand:1".to_owned(), by_hand)];
    spends::add(&app.engine, Actor::Console, app.site.id, one).await.unwrap();
    read(&app, "Date;channel;amount\n2026-01-05;Google;5\n2026-01-05;google;5.00\n").await;
    app.sign_in(model::operators::Role::Admin).await;
    let out = app.get("/admin/numbers/spend?format=csv").await;
    assert!(out.headers["content-disposition"].to_str().unwrap().contains("spend.csv"));
    let wanted = "date,channel,campaign,amount,currency,clicks,impressions,note\r\n\
        2026-01-05,google,,5.00,USD,,,\r\n2026-01-05,google,,5.00,USD,,,\r\n\
        2026-03-01/2026-03-31,google,'=spring,310.01,USD,410,,\"'-10 %, \"\"special\"\"\"\r\n";
    assert_eq!(out.body, wanted);
    // Here it changes nothing, the amount by hand included; elsewhere it makes the same.
    let again = read(&app, &out.body).await;
    assert_eq!((again.added, again.known, again.rejected), (0, 3, 0), "{again:?}");
    let other = TestApp::start().await;
    assert_eq!(read(&other, &out.body).await.added, 3);
    let mut there = String::new();
    let put = |line: &str| {
        there.push_str(line);
        Ok(())
    };
    spends::export(&other.engine, other.site.id, put).await.unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&there), sorted(&out.body));
    // One more of the same kind is one more.
    let more = format!("{}2026-01-05,google,,5.00,USD,,,\r\n", out.body);
    assert_eq!(read(&app, &more).await.added, 1);
}
