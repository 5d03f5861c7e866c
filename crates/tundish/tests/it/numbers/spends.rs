//! Amounts from files and by hand.

use std::collections::BTreeMap;

use engine::files::columns::Taken;
use engine::spends;
use model::audits::Actor;
use model::ids::SpendId;
use testkit::TestApp;

mod hostile;

async fn import(app: &TestApp, bytes: &[u8]) -> engine::Result<Taken> {
    let how = (&BTreeMap::new(), "");
    spends::import(&app.engine, Actor::Console, &app.site, bytes, how).await
}

async fn read(app: &TestApp, text: &str) -> Taken {
    import(app, text.as_bytes()).await.unwrap()
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
    assert_eq!((first.rows, first.created, first.unchanged, first.rejected), (8, 3, 0, 5));
    let told: Vec<(i64, &str)> =
        first.errors.iter().map(|error| (error.line, error.field.as_str())).collect();
    let wanted = [(3, "amount"), (4, "from_day"), (6, "amount"), (7, "currency"), (8, "clicks")];
    assert_eq!(told, wanted);
    let again = read(&app, text).await;
    assert_eq!((again.created, again.unchanged), (0, 3));
}

#[tokio::test]
async fn an_amount_that_was_deleted_comes_in_again_and_what_is_added_is_there() {
    let app = TestApp::start().await;
    let text = "date,channel,amount\n2026-01-05,google,5\n2026-01-05,google,5\n";
    assert_eq!(read(&app, text).await.created, 2);
    for gone in [1, 0, 1] {
        let standing = amounts(&app).await;
        let (engine, site) = (&app.engine, app.site.id);
        spends::remove(engine, Actor::Console, site, standing[gone]).await.unwrap();
        let again = read(&app, text).await;
        assert_eq!((again.created, again.unchanged), (1, 1));
        assert_eq!(amounts(&app).await.len(), 2);
    }
}

/// The amounts that stand, newest first.
async fn amounts(app: &TestApp) -> Vec<SpendId> {
    let site = app.site.id;
    let all = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(
                async move { store::spends::list(session, site, SpendId(i64::MAX), 100).await },
            )
        })
        .await;
    all.unwrap().into_iter().map(|spend| spend.id).collect()
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_in_a_sentence() {
    let app = TestApp::start().await;
    let missing = ["hello", "date,amount\n2026-01-01,5\n", "\u{0}\u{1}"];
    for text in missing {
        let why = import(&app, text.as_bytes()).await.unwrap_err().to_string();
        assert!(why.contains("is missing"), "{text}: {why}");
    }
    let why = import(&app, b"").await.unwrap_err().to_string();
    assert!(why.contains("the file is empty"), "{why}");
    let why = import(&app, b"PK\x03\x04").await.unwrap_err().to_string();
    assert!(why.contains("save the sheet as CSV"), "{why}");
}

#[tokio::test]
async fn i01_a_file_of_another_encoding_says_what_it_says() {
    let app = TestApp::start().await;
    let wide = "\u{feff}date\tchannel\tamount\tnote\r2026-01-05\tgoogle\t5\tfür alle\r";
    let wide: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(import(&app, &wide).await.unwrap().created, 1);
    let old = b"date;channel;amount;note\r\n2026-01-05;google;5;f\xfcr alle\r\n";
    let taken = import(&app, old).await.unwrap();
    assert_eq!((taken.created, taken.unchanged), (0, 1), "the same line, however written");
}

#[tokio::test]
async fn a_file_sent_to_the_page_is_read_and_its_bad_lines_are_told() {
    let app = TestApp::start().await;
    app.sign_in(model::operators::Role::Admin).await;
    let send = async |text: &str| {
        let file = [("file", "spend.csv", "text/csv", text.as_bytes())];
        app.upload("/admin/numbers/spend/file", &[], &file).await
    };
    let read = send("date,channel,amount\n2026-01-05,google,5\n2026-01-06,google,x\n").await;
    assert_eq!(read.status, 200, "what was taken was taken: {}", read.body);
    let text = read.plain();
    assert!(text.contains("Of 2 lines, 1 are new, 0 were written down before, 1 are left out"));
    assert!(text.contains("Lines that were left out"), "{text}");
    let refused = send("a,b\n1,2\n").await;
    assert_eq!(refused.status, 422);
    assert!(refused.plain().contains("`date` is missing"), "{}", refused.body);
    let refused = send("").await;
    assert_eq!(refused.status, 422);
    assert!(refused.plain().contains("choose a file first"), "{}", refused.body);
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
    assert_eq!((again.created, again.unchanged, again.rejected), (0, 3, 0), "{again:?}");
    let other = TestApp::start().await;
    assert_eq!(read(&other, &out.body).await.created, 3);
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
    assert_eq!(read(&app, &more).await.created, 1);
}

/// What stands: channel, campaign, days, amount, clicks.
async fn standing(app: &TestApp) -> Vec<(String, String, String, i64, Option<i64>)> {
    let site = app.site.id;
    let all = app
        .engine
        .reader()
        .read::<_, store::StoreError, _>(move |session| {
            Box::pin(
                async move { store::spends::list(session, site, SpendId(i64::MAX), 100).await },
            )
        })
        .await
        .unwrap();
    let mut all: Vec<_> = all
        .into_iter()
        .map(|s| {
            (
                s.channel,
                s.campaign,
                format!("{} {}", s.from_day, s.to_day),
                s.amount_minor,
                s.clicks,
            )
        })
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_google_ads_is_read_with_its_title_and_totals_and_says_its_days_anew() {
    let app = TestApp::start().await;
    let file = |second: &str| {
        format!(
            "Campaign report\r\n\"1 November 2026 - 2 November 2026\"\r\n\
             Day,Campaign,Currency code,Cost,Clicks,Impr.\r\n\
             2026-11-01,Spring,USD,\"1,012.50\",40,\"1,200\"\r\n\
             2026-11-01,Spring,USD,2.50,2,10\r\n\
             2026-11-02,Spring,USD,{second},41,900\r\n\
             2026-11-02,Paused,USD,0,0,0\r\n\
             Total: Account, --,USD,\"1,035.00\",83,\"2,110\"\r\n"
        )
    };
    let first = read(&app, &file("20.00")).await;
    assert_eq!((first.rows, first.created, first.rejected), (3, 2, 0), "{first:?}");
    assert!(first.notes.iter().any(|note| note.contains("Google Ads")), "{first:?}");
    assert!(first.notes.iter().any(|note| note.contains("2 lines were passed over")), "{first:?}");
    let wanted = |second: i64| {
        let line = |day: &str, minor, clicks| {
            ("google".to_owned(), "spring".to_owned(), format!("{day} {day}"), minor, Some(clicks))
        };
        vec![line("2026-11-01", 101_500, 42), line("2026-11-02", second, 41)]
    };
    assert_eq!(standing(&app).await, wanted(2_000));
    let again = read(&app, &file("20.00")).await;
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 2));
    let later = read(&app, &file("21.00")).await;
    assert_eq!((later.created, later.updated, later.unchanged), (0, 1, 1), "it takes its place");
    assert_eq!(standing(&app).await, wanted(2_100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_is_taken_in_parts_and_counts_once_however_often_it_is_read() {
    let app = TestApp::start().await;
    let mut text = "date,channel,campaign,amount\n".to_owned();
    for n in 0..1_200 {
        let day = model::spans::day_numbered(20_000 + n / 2);
        // Each day twice the same: two amounts.
        text.push_str(&format!("{day},ads,spring,1.00\n"));
    }
    let first = read(&app, &text).await;
    assert_eq!((first.created, first.unchanged, first.rejected), (1_200, 0, 0));
    assert_eq!(first.notes, Vec::<String>::new(), "nothing stands twice");
    let again = read(&app, &text).await;
    assert_eq!((again.created, again.unchanged), (0, 1_200));
    let more = format!("{text}{},ads,,1.00\n", model::spans::day_numbered(20_000));
    let more = read(&app, &more).await;
    assert_eq!((more.created, more.unchanged), (1, 1_200));
    assert!(more.notes.iter().any(|note| note.contains("1 of its amounts")), "{more:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_networks_and_two_accounts_under_one_source_add_up_and_totals_are_no_campaigns() {
    let app = TestApp::start().await;
    let ads = async |text: &str| {
        let map = BTreeMap::new();
        let how = (&map, "ads");
        spends::import(&app.engine, Actor::Console, &app.site, text.as_bytes(), how).await.unwrap()
    };
    let google = "Day,Campaign,Account name,Cost\n\
        2026-11-01,Spring,Shop,10.00\n\
        2026-11-01,Spring,Blog,5.00\n\
        2026-11-01,Total comfort,Shop,3.00\n\
        2026-11-01,Gesamtkatalog,Shop,2.00\n\
        2026-11-01,Total,Shop,1.00\n\
        Total: Account,,,21.00\n\
        ,Total,,21.00\n";
    let first = ads(google).await;
    assert_eq!((first.created, first.rejected), (5, 0), "{first:?}");
    let meta = "Reporting starts,Reporting ends,Campaign name,Amount spent (USD)\n\
        2026-11-01,2026-11-01,Spring,7.00\n";
    assert_eq!(ads(meta).await.created, 1, "it takes the place of nothing google said");
    let again = ads(google).await;
    assert_eq!((again.created, again.updated, again.unchanged), (0, 0, 5));
    let sum: i64 = standing(&app).await.into_iter().map(|(_, _, _, minor, _)| minor).sum();
    assert_eq!(sum, 2_800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_meta_is_read_with_decimal_commas_and_another_currency_is_refused() {
    let app = TestApp::start().await;
    let file = "Reporting starts;Reporting ends;Campaign name;Amount spent (USD);Link clicks;Impressions\n\
        2026-11-01;2026-11-07;Leads;1.234,50;310;20.100\n\
        2026-11-01;2026-11-07;Retarget;12,5;;800\n";
    let taken = read(&app, file).await;
    assert_eq!((taken.rows, taken.created, taken.rejected), (2, 2, 0), "{taken:?}");
    let week = "2026-11-01 2026-11-07".to_owned();
    let wanted = vec![
        ("facebook".to_owned(), "leads".to_owned(), week.clone(), 123_450, Some(310)),
        ("facebook".to_owned(), "retarget".to_owned(), week, 1_250, None),
    ];
    assert_eq!(standing(&app).await, wanted);
    let euros = read(&app, &file.replace("(USD)", "(EUR)")).await;
    assert_eq!((euros.created, euros.rejected), (0, 2));
    let why = &euros.errors[0].message;
    assert!(why.contains("EUR") && why.contains("USD") && why.contains("never converted"), "{why}");
    // A day of the week that stands already: both count, and it is said.
    let day =
        file.lines().next().unwrap().to_owned() + "\n2026-11-03;2026-11-03;Leads;100,00;9;500\n";
    let over = read(&app, &day).await;
    assert_eq!(over.created, 1);
    assert!(over.notes.iter().any(|note| note.contains("they add up")), "{over:?}");
}
