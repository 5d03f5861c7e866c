//! Roads and attribution: three people who came by several channels, and what each of these is
//! given credit for.
//!
//! Ada left her address from an ad, came back by a search to buy the guide, and bought the course
//! from an ad again. Ben left his address from a post and bought nothing. Cleo bought the guide by
//! herself, then once more without a word of how she came.

use std::collections::BTreeMap;

use engine::opt_in::{Answer, submit};
use engine::refund::{What, refund};
use engine::rollups;
use model::audits::Actor;
use model::forms::FormSpec;
use model::operators::Role;
use model::roads::Sought;
use model::sources::{Touch, Utm};
use model::spans::Span;
use model::times::DAY_MS;
use store::journeys::JourneyRows;
use store::road_sums::{Level, RoadSum, RoadsOf};
use testkit::TestApp;

use super::pages::{body_of, page};
use super::{read, span};

fn touch(app: &TestApp, source: &str, medium: &str) -> Touch {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let utm = Utm { source: given(source), medium: given(medium), ..Utm::default() };
    Touch { at: app.engine.now(), utm, landing: "/".to_owned(), ..Touch::default() }
}

async fn signs_up(app: &TestApp, email: &str, source: &str, medium: &str) {
    let form = engine::forms::live(&app.engine, app.site.id, "letter").await.unwrap();
    let pairs = vec![("email".to_owned(), email.to_owned())];
    let answer = Answer { pairs, touch: touch(app, source, medium), suspicion: None };
    submit(&app.engine, app.site.clone().into(), form, answer).await.unwrap();
    app.run_until_idle().await;
}

async fn buys(
    app: &TestApp,
    (offer, total): (&str, i64),
    email: &str,
    (source, medium): (&str, &str),
) -> model::ids::OrderId {
    let mut form = app.checkout_form(email, total);
    form.source = serde_json::to_string(&touch(app, source, medium)).unwrap();
    let order = app.place(offer, form).await.unwrap();
    app.advance_ms(DAY_MS).await;
    order
}

async fn form(app: &TestApp) {
    let spec = FormSpec::simple("Letters", "Yes, send me the letters.");
    engine::forms::put(&app.engine, app.site.id, "letter", "Letter", spec).await.unwrap();
}

/// The whole story; gives Ada's first order.
pub(super) async fn story(app: &TestApp) -> model::ids::OrderId {
    app.stock_shop().await;
    form(app).await;
    signs_up(app, "ada@x.test", "facebook", "cpc").await;
    app.advance_ms(7 * DAY_MS).await;
    let first = buys(app, ("guide", 1_900), "ada@x.test", ("google", "organic")).await;
    signs_up(app, "ben@x.test", "instagram", "social").await;
    app.advance_ms(DAY_MS).await;
    buys(app, ("guide", 1_900), "cleo@x.test", ("", "")).await;
    buys(app, ("course", 9_700), "ada@x.test", ("facebook", "cpc")).await;
    buys(app, ("course", 9_700), "cleo@x.test", ("", "")).await;
    app.sign_in(Role::Owner).await;
    first
}

fn spring() -> Span {
    span("2026-01-01", "2026-03-31")
}

async fn sums(app: &TestApp, level: Level) -> BTreeMap<String, RoadSum> {
    let site = app.site.id;
    read(app, move |session| {
        Box::pin(async move {
            let product = model::ids::ProductId(0);
            let of = RoadsOf { level, span: spring(), currency: "USD", product };
            store::road_sums::paths(session, site, of).await
        })
    })
    .await
}

fn told(sums: &BTreeMap<String, RoadSum>) -> Vec<(&str, i64, i64, i64)> {
    sums.iter()
        .map(|(path, sum)| (path.as_str(), sum.orders, sum.revenue_minor, sum.nulls))
        .collect()
}

async fn journeys_are_cut(app: TestApp) {
    let first = story(&app).await;
    assert_eq!(
        told(&sums(&app, Level::Channel).await),
        [
            ("", 1, 9_700, 0),
            (">direct>", 1, 1_900, 0),
            (">organic_social>", 0, 0, 1),
            (">paid_social>", 1, 9_700, 0),
            (">paid_social>organic_search>", 1, 1_900, 0),
        ]
    );
    let sources = sums(&app, Level::Source).await;
    let ada = &sources[">paid_social:facebook>organic_search:google>"];
    assert_eq!((ada.orders, ada.waits), (1, [0, 0, 0, 1, 0, 0, 0, 0]), "seven days later");
    refund(&app.engine, &app.site, first, What::Amount(600), ("asked for", Actor::Console))
        .await
        .unwrap();
    app.advance_ms(60_000).await;
    let sums = sums(&app, Level::Channel).await;
    assert_eq!(sums[">paid_social>organic_search>"].revenue_minor, 1_300, "less what went back");
    assert_eq!(app.findings().await, []);
    assert_eq!(rollups::compare(&app.engine, &app.site, spring()).await.unwrap(), []);
}

async fn credits_are_kept(app: TestApp) {
    story(&app).await;
    let site = app.site.id;
    let decays = read(&app, move |session| {
        Box::pin(async move {
            let product = model::ids::ProductId(0);
            let of = RoadsOf { level: Level::Channel, span: spring(), currency: "USD", product };
            store::road_sums::decays(session, site, of).await
        })
    })
    .await;
    let all: (i64, i64) = decays.iter().fold((0, 0), |sum, line| (sum.0 + line.2, sum.1 + line.3));
    assert_eq!(all, (3 * rollups::WHOLE_PPB, 1_900 + 1_900 + 9_700), "orders with a touch");
    // A week before the last touch counts half: one part of three.
    let facebook = decays.iter().find(|line| line.1 == "facebook").unwrap();
    assert_eq!((facebook.2, facebook.3), (1_333_333_333, 9_700 + 633));
}

async fn a_rebuild_finds_nothing(app: TestApp) {
    story(&app).await;
    let before = sums(&app, Level::Source).await;
    assert_eq!(rollups::rebuild(&app.engine, &app.site).await.unwrap().roads, 0);
    super::sql(
        &app,
        "delete from road_sums where site_id = $s and path = '>paid_social>';
         update road_decays set credit_ppb = credit_ppb + 5 where site_id = $s and unit = 'day';
         delete from journeys where site_id = $s and order_id = 0",
    )
    .await;
    assert_ne!(rollups::compare(&app.engine, &app.site, spring()).await.unwrap(), []);
    let named = |findings: &[engine::verify::Finding], name: &str| {
        findings.iter().any(|found| found.check == name)
    };
    let findings = app.findings().await;
    assert!(named(&findings, "roads_add_up") && named(&findings, "decays_add_up"), "{findings:?}");
    assert!(rollups::rebuild(&app.engine, &app.site).await.unwrap().roads > 0);
    assert_eq!(sums(&app, Level::Source).await, before);
    assert_eq!(rollups::compare(&app.engine, &app.site, spring()).await.unwrap(), []);
    assert_eq!(app.findings().await, []);
    assert_eq!(rollups::rebuild(&app.engine, &app.site).await.unwrap().roads, 0);
}

async fn test_contacts_are_left_out(app: TestApp) {
    story(&app).await;
    let ada = app.contact("ada@x.test").await.id;
    for (on, orders) in [(true, 2), (false, 4)] {
        let switch = engine::care::Switch::Test(on);
        engine::care::switch(&app.engine, Actor::Console, app.site.id, ada, switch).await.unwrap();
        app.run_until_idle().await;
        let all: i64 = sums(&app, Level::Channel).await.values().map(|sum| sum.orders).sum();
        assert_eq!(all, orders);
        assert_eq!(app.findings().await, []);
    }
}

async fn rows_are_found(app: TestApp) {
    story(&app).await;
    let site = app.site.id;
    let (from, until) = spring().bounds(&super::zone());
    let wanted = |sought: Sought, level: Level| JourneyRows {
        from,
        until,
        before: (model::UtcMs(i64::MAX), i64::MAX),
        channel: String::new(),
        sought,
        level,
        product: model::ids::ProductId(0),
        currency: "USD".to_owned(),
        segment: model::ids::SegmentId(0),
        limit: 9,
    };
    for (sought, level, count) in [
        (Sought::Any, Level::Channel, 4),
        (Sought::Holding("paid_social".to_owned()), Level::Channel, 2),
        (Sought::Holding("paid_social".to_owned()), Level::Source, 0),
        (Sought::Holding("paid_social:facebook".to_owned()), Level::Source, 2),
        (Sought::Ending("organic_search".to_owned()), Level::Channel, 1),
        (Sought::Path(">paid_social>organic_search>".to_owned()), Level::Channel, 1),
        (Sought::Path(String::new()), Level::Channel, 1),
    ] {
        let of = wanted(sought.clone(), level);
        let rows = read(&app, move |session| {
            Box::pin(async move { store::journeys::order_rows(session, site, &of).await })
        })
        .await;
        assert_eq!(rows.len(), count, "{sought:?} {level:?}");
    }
    let of =
        JourneyRows { channel: "organic_social".to_owned(), ..wanted(Sought::Any, Level::Channel) };
    let rows = read(&app, move |session| {
        Box::pin(async move { store::journeys::open_rows(session, site, &of).await })
    })
    .await;
    assert_eq!((rows.len(), rows[0].email.as_str()), (1, "ben@x.test"));
}

both_apps! {
    touches_are_cut_into_journeys_at_each_order: journeys_are_cut,
    time_decay_is_added_up_to_whole_orders: credits_are_kept,
    what_is_kept_up_to_date_is_what_a_rebuild_makes: a_rebuild_finds_nothing,
    a_test_contact_has_no_journeys: test_contacts_are_left_out,
    every_figure_of_roads_has_its_rows: rows_are_found,
}

const DAYS: &str = "from=2026-01-01&to=2026-03-31";

async fn csv(app: &TestApp, path: &str, sheet: usize) -> Vec<Vec<String>> {
    let answer = app.get(&format!("{path}&format=csv&sheet={sheet}")).await;
    assert_eq!(answer.status, 200, "{path}");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    answer.body.lines().skip(1).map(cells).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_model_gives_all_the_credit_there_is() {
    let app = TestApp::start().await;
    story(&app).await;
    app.post(
        "/admin/numbers/spend",
        &[("key", "a"), ("channel", "facebook"), ("amount", "50.00"), ("from_day", "2026-01-20")],
    )
    .await;
    for model in ["last", "first", "linear", "position", "time_decay", "markov", "shapley"] {
        for level in ["", "&level=source"] {
            let path = format!("/admin/numbers/attribution?{DAYS}&by={model}{level}");
            let text = body_of(&page(&app, &path).await);
            assert!(text.contains("Only 4 orders"), "{model}: {text}");
            let rows = csv(&app, &path, 0).await;
            let all = rows.last().unwrap();
            assert_eq!(
                (all[0].as_str(), all[1].as_str(), all[3].as_str()),
                ("All", "4.00", "232.00")
            );
            assert_eq!(all[4], "50.00", "all that was spent");
            let parts = &rows[..rows.len() - 1];
            let sum = |column: usize| -> f64 {
                parts.iter().map(|row| row[column].parse::<f64>().unwrap_or(0.0)).sum()
            };
            assert!(
                (sum(1) - 4.0).abs() < 1e-9 && (sum(3) - 232.0).abs() < 1e-9,
                "{model} {rows:?}"
            );
            assert!((sum(4) - 50.0).abs() < 1e-9, "{model} {rows:?}");
        }
    }
    let last = csv(&app, &format!("/admin/numbers/attribution?{DAYS}&by=last"), 0).await;
    let paid = last.iter().find(|row| row[0] == "Paid Social").unwrap();
    // One order of $97 for $50 spent.
    assert_eq!(paid[1..], ["1.00", "0.250000", "97.00", "50.00", "50.00", "1.94"]);
    let text = body_of(&page(&app, &format!("/admin/numbers/attribution?{DAYS}&by=markov")).await);
    assert!(text.contains("Lost without it") && text.contains("removal effects"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_orders_behind_a_credit_add_up_to_it() {
    let app = TestApp::start().await;
    story(&app).await;
    for (model, wanted) in
        [("last", 1.0), ("first", 2.0), ("linear", 1.5), ("position", 1.5), ("shapley", 1.5)]
    {
        let path = format!("/admin/numbers/attribution/orders?{DAYS}&by={model}&step=paid_social");
        let html = page(&app, &path).await;
        assert!(html.contains("ada@x.test") && !html.contains("cleo@x.test"));
        let rows = csv(&app, &path, 0).await;
        let credit: f64 = rows.iter().map(|row| row[row.len() - 2].parse::<f64>().unwrap()).sum();
        assert!((credit - wanted).abs() < 1e-9, "{model}: {rows:?}");
    }
    let path = format!("/admin/numbers/attribution/orders?{DAYS}&by=markov&step=paid_social");
    assert!(body_of(&page(&app, &path).await).contains("gives no order a part of its own"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roads_are_drawn_and_each_opens_to_its_orders() {
    let app = TestApp::start().await;
    story(&app).await;
    let html = page(&app, &format!("/admin/numbers/roads?{DAYS}")).await;
    assert!(html.contains("chart-flow") && html.contains("c-end-order"));
    let text = body_of(&html);
    assert!(
        text.contains("Paid Social → Organic Search") && text.contains("4 to 7 days"),
        "{text}"
    );
    assert!(text.contains("No touch before it"), "{text}");
    let road = "path=%3Epaid_social%3Eorganic_search%3E";
    assert!(html.contains(road), "its link");
    let rows = page(&app, &format!("/admin/numbers/roads/orders?{DAYS}&{road}")).await;
    assert!(rows.contains("ada@x.test") && !rows.contains("cleo@x.test"));
    let open = page(&app, &format!("/admin/numbers/roads/open?{DAYS}&last=organic_social")).await;
    assert!(open.contains("ben@x.test") && !open.contains("ada@x.test"));
    let through = format!("/admin/numbers/roads?{DAYS}&channel=organic_social");
    let text = body_of(&page(&app, &through).await);
    assert!(!text.contains("Paid Social → Organic Search"), "{text}");
    let all = csv(&app, &format!("/admin/numbers/roads?{DAYS}"), 0).await;
    assert_eq!(all.last().unwrap()[..3], ["All", "4", "232.00"]);
}

#[tokio::test]
async fn a_shop_without_journeys_says_how_they_come() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    for path in ["roads", "attribution"] {
        let text = body_of(&page(&app, &format!("/admin/numbers/{path}")).await);
        assert!(text.contains("No journey ended in these days"), "{text}");
    }
    for path in ["roads/orders", "roads/open", "attribution/orders"] {
        page(&app, &format!("/admin/numbers/{path}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn journeys_to_an_order_alone_are_so_in_every_tile_and_table_and_beside_other_days() {
    let app = TestApp::start().await;
    story(&app).await;
    let days = "from=2026-01-01&to=2026-03-31";
    let all = body_of(&page(&app, &format!("/admin/numbers/roads?{days}")).await);
    for shown in ["No order yet", "Drop-off, touch by touch", "Order rate"] {
        assert!(all.contains(shown), "{shown}: {all}");
    }
    let some = body_of(&page(&app, &format!("/admin/numbers/roads?{days}&by=orders")).await);
    for hidden in ["No order yet", "Drop-off, touch by touch", "Order rate"] {
        assert!(!some.contains(hidden), "{hidden}: {some}");
    }
    // All four orders fall into the days before these.
    let later = "from=2026-04-01&to=2026-06-29&compare=before";
    app.advance_ms(120 * DAY_MS).await;
    app.sign_in(Role::Owner).await;
    signs_up(&app, "dan@x.test", "facebook", "cpc").await;
    app.run_until_idle().await;
    for name in ["roads", "attribution"] {
        let text = body_of(&page(&app, &format!("/admin/numbers/{name}?{later}")).await);
        assert!(text.contains("Compared with the 90 days before"), "{name}: {text}");
    }
    let file = app.get(&format!("/admin/numbers/roads?{later}&format=csv")).await.body;
    let heads: Vec<&str> = file.lines().next().unwrap().split(',').collect();
    let at = heads.iter().position(|head| *head == "Before").unwrap();
    let before = |line: &str| line.split(',').nth(at).unwrap().parse::<i64>().unwrap();
    let lines: Vec<i64> = file.lines().skip(1).map(before).collect();
    let (all, roads) = lines.split_last().unwrap();
    assert_eq!((*all, roads.iter().sum::<i64>()), (4, 4), "{file}");
}
