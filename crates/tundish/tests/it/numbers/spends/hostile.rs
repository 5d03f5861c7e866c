//! Amounts that contradict what stands, and files that mean harm or nothing.

use std::fmt::Write;

use model::operators::Role;
use testkit::TestApp;

use super::{amounts, import, read, standing};

const DAYS: &str = "Day,Campaign,Cost,Clicks,Impr.\n";

/// What is refused of a file, by line and column.
async fn refused(app: &TestApp, text: &str) -> Vec<(i64, String)> {
    let errors = read(app, text).await.errors;
    errors.into_iter().map(|error| (error.line, error.field)).collect()
}

/// Two who say the same days at once: what one finds new, the other says anew.
async fn two_at_once(app: TestApp) {
    let file = |amount: &str| {
        let mut text = DAYS.to_owned();
        for n in 0..300 {
            writeln!(text, "2026-01-05,c{n},{amount},1,2").unwrap();
        }
        text
    };
    let (one, other) = (file("1.00"), file("2.00"));
    let (one, other) = tokio::join!(read(&app, &one), read(&app, &other));
    assert_eq!(one.created + other.created, 300, "{one:?} {other:?}");
    assert_eq!(one.updated + other.updated, 300, "{one:?} {other:?}");
    let last = if one.updated > 0 { 100 } else { 200 };
    let standing = standing(&app).await;
    assert_eq!(standing.len(), 100, "a page of them");
    assert!(standing.iter().all(|(_, _, _, minor, _)| *minor == last), "{standing:?}");
}

/// A NUL in any cell is taken out, as everything else that cannot be seen.
async fn what_cannot_be_seen(app: TestApp) {
    let export = "Day,Campaign,Account,Cost\n2026-01-05,Sp\0ring\u{202e},Sh\0op,5.00\n";
    assert_eq!(read(&app, export).await.created, 1);
    let plain = "date,channel,campaign,amount,note\n2026-01-05,goo\0gle,b,5,n\u{200b}\0\n\
        2026-01-05,\0,b,5,\n";
    let plain = read(&app, plain).await;
    assert_eq!((plain.created, plain.rejected), (1, 1), "{plain:?}");
    assert_eq!(plain.errors[0].field, "channel");
    app.sign_in(Role::Admin).await;
    let amount = |channel, key| {
        [("key", key), ("channel", channel), ("amount", "7"), ("from_day", "2026-01-05")]
    };
    assert_eq!(app.post("/admin/numbers/spend", &amount("a\0ds", "k\0")).await.status, 303);
    assert_eq!(app.post("/admin/numbers/spend", &amount("\0\u{202e}", "l")).await.status, 422);
    let words: Vec<(String, String)> =
        standing(&app).await.into_iter().map(|row| (row.0, row.1)).collect();
    let wanted = [("ads", ""), ("google", "b"), ("google", "spring")];
    assert_eq!(words, wanted.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let file = [("file", "a.csv", "text/csv", export.as_bytes())];
    let page = app.upload("/admin/numbers/spend/file", &[("source", "\0")], &file).await;
    assert_eq!(page.status, 422, "{}", page.body);
}

both_apps! {
    what_two_exports_say_at_once_is_counted_and_kept_once: two_at_once,
    what_cannot_be_seen_is_taken_out_of_words: what_cannot_be_seen,
}

#[tokio::test]
async fn a_correction_to_nothing_takes_the_place_of_what_stood() {
    let app = TestApp::start().await;
    let file = |amount: &str| format!("{DAYS}2026-01-05,alpha,{amount},3,9\n");
    assert_eq!(read(&app, &file("12.50")).await.created, 1);
    let none = read(&app, &file("0.00")).await;
    assert_eq!((none.rows, none.created, none.updated), (1, 0, 1), "{none:?}");
    assert_eq!(standing(&app).await, []);
    let again = read(&app, &file("$0.00")).await;
    assert_eq!((again.rows, again.updated, again.rejected), (0, 0, 0), "{again:?}");
    assert!(again.notes.iter().any(|note| note.starts_with("1 line was passed")), "{again:?}");
}

#[tokio::test]
async fn amounts_and_counts_that_are_not_known_are_refused_with_their_line() {
    let app = TestApp::start().await;
    let text = format!(
        "{DAYS}2026-01-01,a,1E+03,,\n2026-01-01,b,(5.00),,\n2026-01-01,c,\u{2212}5.00,,\n\
         2026-01-01,d,£7.00,,\n2026-01-01,e,EUR 8.00,,\n2026-01-01,f,¥800,,\n\
         2026-01-01,g,1.5k,,\n2026-01-01,h,1.00,12.5,\n2026-01-01,i,1.00,,1.5\n\
         2026-01-01,j,1.00,10000000001,\n26-01-01,k,1.00,,\n2029-01-01,l,1.00,,\n\
         2026-01-01,m,$1.00,\"1,000\",\n"
    );
    let mut wanted: Vec<(i64, &str)> = (2..9).map(|line| (line, "amount")).collect();
    wanted.extend([(9, "clicks"), (10, "impressions"), (11, "clicks"), (12, "from_day")]);
    wanted.push((13, "from_day"));
    let wanted: Vec<(i64, String)> = wanted.iter().map(|(n, f)| (*n, (*f).to_owned())).collect();
    assert_eq!(refused(&app, &text).await, wanted);
    let day = "2026-01-01 2026-01-01".to_owned();
    assert_eq!(standing(&app).await, [("google".into(), "m".into(), day, 100, Some(1_000))]);
    let plain = "date,channel,amount\n0001-01-01/9999-12-31,a,1\n2026-01-02/2026-01-01,a,1\n";
    let wanted = [(2, "from_day".to_owned()), (3, "to_day".to_owned())];
    assert_eq!(refused(&app, plain).await, wanted);
}

#[tokio::test]
async fn a_file_that_contradicts_itself_or_is_too_long_is_refused_in_a_sentence() {
    let app = TestApp::start().await;
    let text = "Day;Campaign;Cost\n2026-01-01;a;1.234,50\n2026-01-02;a;12.50\n";
    let why = import(&app, text.as_bytes()).await.unwrap_err().to_string();
    assert!(why.contains("line 2") && why.contains("line 3"), "{why}");
    let mut long = DAYS.to_owned();
    (0..=20_000).for_each(|n| writeln!(long, "2026-01-05,c{n},1.00,1,2").unwrap());
    let why = import(&app, long.as_bytes()).await.unwrap_err().to_string();
    assert!(why.contains("at most 20000 lines"), "{why}");
    let why = import(&app, "x,".repeat(40_000).as_bytes()).await.unwrap_err().to_string();
    assert!(why.contains("more than 64 kB"), "{why}");
    assert!(amounts(&app).await.is_empty());
}

#[tokio::test]
async fn wide_letters_are_read_without_their_mark() {
    let app = TestApp::start().await;
    let text = "Day\tCampaign\tCost\n2026-01-01\talpha\t12.50\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(import(&app, &wide).await.unwrap().created, 1);
}

#[tokio::test]
async fn a_form_sent_again_with_another_amount_says_what_stands() {
    let app = TestApp::start().await;
    app.sign_in(Role::Admin).await;
    let send = async |key: &str, amount: &str| {
        let day = ("from_day", "2026-01-05");
        let form = [("key", key), ("channel", "google"), ("amount", amount), day];
        app.post("/admin/numbers/spend", &form).await
    };
    assert_eq!(send("one", "5").await.status, 303);
    assert_eq!(send("one", "5").await.status, 303);
    let other = send("one", "6").await;
    assert_eq!(other.status, 422);
    let text = other.plain();
    assert!(text.contains("this was written down already as $5.00 of google"), "{text}");
    assert!(!other.body.contains("value=\"one\""), "sent once more, it is another amount");
    assert_eq!(amounts(&app).await.len(), 1);
    assert_eq!(send("", "7").await.status, 303);
    assert_eq!(send("", "8").await.status, 303);
    assert_eq!(amounts(&app).await.len(), 3);
}

#[tokio::test]
async fn who_only_looks_is_offered_no_form() {
    let app = TestApp::start().await;
    read(&app, "date,channel,amount\n2026-01-05,google,5\n").await;
    app.sign_in(Role::Viewer).await;
    let page = app.get("/admin/numbers/spend").await.plain();
    assert!(page.contains("google"), "{page}");
    for offered in ["Delete", "From a file", "Write it down"] {
        assert!(!page.contains(offered), "{offered}: {page}");
    }
    app.sign_in(Role::Editor).await;
    let page = app.get("/admin/numbers/spend").await.plain();
    for offered in ["Delete", "From a file", "Write it down"] {
        assert!(page.contains(offered), "{offered}: {page}");
    }
}
