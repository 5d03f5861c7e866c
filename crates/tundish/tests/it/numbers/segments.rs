//! Stages, steps, roads and attribution of one segment: what its contacts did and no more, and with
//! those of all the others the whole.

use std::collections::BTreeMap;

use engine::rollups::{Roads, roads_of_segment};
use model::audits::Actor;
use model::channels::Channel;
use model::ids::{ProductId, SegmentId};
use model::operators::Role;
use model::segments::{Rule, Statement};
use model::spans::Span;
use store::road_sums::{Level, RoadsOf};
use store::stages::StageCount;
use testkit::TestApp;

use super::pages::{body_of, page};
use super::{contact, read, span, sql, zone};

both_apps! {
    journeys_of_a_segment_and_of_the_others_are_all_journeys: roads_are_parted,
    stages_of_a_segment_and_of_the_others_are_the_stages_of_all: stages_are_parted,
    roads_and_attribution_of_a_segment_open_to_its_journeys: pages_of_journeys,
    stages_of_a_segment_open_to_its_contacts: page_of_stages,
}

/// Who first came by a channel, and everybody else.
async fn halves(app: &TestApp, channel: Channel) -> [SegmentId; 2] {
    let rule = Rule::Is(Statement::Channel(channel));
    let some = keep(app, "Some", &rule).await;
    [some, keep(app, "Others", &Rule::Not(Box::new(rule.clone()))).await]
}

/// A segment whose contacts are counted.
pub(super) async fn keep(app: &TestApp, name: &str, rule: &Rule) -> SegmentId {
    let kept = engine::segments::keep(&app.engine, Actor::Console, app.site.id, (name, rule)).await;
    engine::recounts::run_due(&app.engine).await.unwrap();
    kept.unwrap()
}

async fn roads(app: &TestApp, segment: SegmentId, product: ProductId, level: Level) -> Roads {
    let site = app.site.id;
    read(app, move |session| {
        Box::pin(async move {
            let of = RoadsOf { level, span: spring(), currency: "USD", product };
            if segment.0 != 0 {
                return roads_of_segment(session, site, segment, of).await;
            }
            Ok(Roads {
                sums: store::road_sums::paths(session, site, of).await?,
                decays: store::road_sums::decays(session, site, of).await?,
                foreign: store::road_sums::foreign(session, site, of).await?,
            })
        })
    })
    .await
}

fn spring() -> Span {
    span("2026-01-01", "2026-03-31")
}

async fn roads_are_parted(app: TestApp) {
    super::roads::story(&app).await;
    sql(&app, "update orders set currency = 'EUR' where site_id = $s and total_minor = 1900").await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    let halves = halves(&app, Channel::PaidSocial).await;
    let bought = read(&app, {
        let site = app.site.id;
        move |session| Box::pin(store::road_sums::products(session, site))
    })
    .await;
    let products = bought.iter().map(|(product, _)| *product).chain([ProductId(0)]);
    for (product, level) in products.flat_map(|product| Level::ALL.map(|level| (product, level))) {
        let whole = roads(&app, SegmentId(0), product, level).await;
        let [mut some, others] = [
            roads(&app, halves[0], product, level).await,
            roads(&app, halves[1], product, level).await,
        ];
        assert_ne!(some, whole);
        for (path, sum) in &others.sums {
            some.sums.entry(path.clone()).or_default().add(sum, 1);
        }
        let mut decays: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        for (channel, source, credit, revenue) in some.decays.into_iter().chain(others.decays) {
            let mine = decays.entry((channel, source)).or_default();
            *mine = (mine.0 + credit, mine.1 + revenue);
        }
        some.decays =
            decays.into_iter().map(|((c, s), (credit, minor))| (c, s, credit, minor)).collect();
        some.foreign += others.foreign;
        assert_eq!(some, whole, "{product:?} {level:?}");
    }
    assert!(roads(&app, SegmentId(9), ProductId(0), Level::Channel).await.sums.is_empty());
}

async fn stages(app: &TestApp, segment: SegmentId, product: i64) -> BTreeMap<[String; 3], i64> {
    let (site, days) = (app.site.id, span("2026-01-01", "2026-07-11"));
    let counts: Vec<StageCount> = read(app, move |session| {
        Box::pin(async move {
            let (zone, product) = (zone(), ProductId(product));
            if segment.0 != 0 {
                return store::segment_stages::within(
                    session,
                    site,
                    segment,
                    (days, &zone),
                    product,
                )
                .await;
            }
            store::stages::within(session, site, (days, &zone), &store::stages::ALL).await
        })
    })
    .await;
    let mut sums = BTreeMap::new();
    for count in counts {
        *sums.entry([count.stage, count.channel, count.source]).or_insert(0) += count.contacts;
    }
    sums
}

async fn stages_are_parted(app: TestApp) {
    super::story(&app).await;
    // Ann recommended the shop twice, Ben in a way that did not count.
    let (ann, ben) = (contact(super::ANN).0, contact(super::BEN).0);
    for (n, (who, state)) in [(ann, "credited"), (ann, "held"), (ben, "refused")].iter().enumerate()
    {
        let at = super::day(50 + n as i64);
        let text = format!(
            "insert into referrals (site_id, id, referrer_id, referred_id, order_id, state, reason,
                due_at, created_at) values ($s, {n} + 1, {who}, {n} + 1, {n} + 1, '{state}', '',
                0, {at})"
        );
        sql(&app, &text).await;
    }
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    let [some, others] = halves(&app, Channel::Direct).await;
    let whole = stages(&app, SegmentId(0), 0).await;
    assert_eq!(whole.values().sum::<i64>(), 8, "{whole:?}");
    let (mut parts, ben) = (stages(&app, others, 600).await, stages(&app, some, 0).await);
    let told: Vec<(&str, i64)> = ben.iter().map(|(key, n)| (key[0].as_str(), *n)).collect();
    assert_eq!(told, [("lead", 1), ("order", 1)], "the test contact is none");
    parts.extend(ben);
    assert_eq!(parts, whole);
    assert_eq!(stages(&app, others, 601).await.len(), 4, "nobody bought that first");
}

/// Lines of a page's table as a file, without the head.
async fn file(app: &TestApp, address: &str, sheet: usize) -> Vec<Vec<String>> {
    let answer = app.get(&format!("{address}&format=csv&sheet={sheet}")).await;
    assert_eq!(answer.status, 200, "{address}");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    answer.body.lines().skip(1).map(cells).collect()
}

/// The links of a page that begin so.
fn links(html: &str, begin: &str) -> Vec<String> {
    let links = html.split("href=\"").filter_map(|part| part.split('"').next());
    links.filter(|link| link.starts_with(begin)).map(str::to_owned).collect()
}

async fn pages_of_journeys(app: TestApp) {
    super::roads::story(&app).await;
    let rule = Rule::Is(Statement::Channel(Channel::PaidSocial));
    let ads = keep(&app, "By ads", &rule).await;
    app.sign_in(Role::Owner).await;
    let spend =
        [("key", "a"), ("channel", "facebook"), ("amount", "50"), ("from_day", "2026-01-20")];
    app.post("/admin/numbers/spend", &spend).await;
    let asked = format!("from=2026-01-01&to=2026-03-31&segment={ads}");
    for name in ["roads", "attribution"] {
        let address = format!("/admin/numbers/{name}?{asked}");
        let html = page(&app, &format!("{address}&compare=before")).await;
        let text = body_of(&html);
        assert!(text.contains("Only the contacts who were in “By ads”"), "{text}");
        assert!(text.contains("Orders 2") && text.contains("$116.00"), "ada's alone: {text}");
        assert!(!text.contains("$50.00"), "an ad is not of a segment: {text}");
        let lists = links(&html, &format!("/admin/numbers/{name}/orders"));
        assert!(
            !lists.is_empty() && lists.iter().all(|link| link.contains("segment=")),
            "{lists:?}"
        );
        let files = html.split("href=\"").filter(|link| link.contains("format=csv"));
        assert!(
            files.clone().count() > 0 && files.clone().all(|link| link.contains(&ads.to_string()))
        );
        let rows = file(&app, &format!("/admin/numbers/{name}/orders?{asked}"), 0).await;
        assert_eq!(rows.len(), 2);
        assert!(rows.iter().all(|row| row.iter().any(|cell| cell == "ada@x.test")), "{rows:?}");
        let list = page(&app, &format!("/admin/numbers/{name}/orders?{asked}")).await;
        assert!(
            links(&list, &format!("/admin/numbers/{name}?"))
                .iter()
                .any(|link| link.contains("segment="))
        );
        let nobody = format!("/admin/numbers/{name}?segment={}", SegmentId(9));
        let gone = body_of(&page(&app, &nobody).await);
        assert!(gone.contains("This segment is gone: nobody is in it."), "{gone}");
    }
    let all = file(&app, &format!("/admin/numbers/roads?{asked}"), 0).await;
    assert_eq!(all.last().unwrap()[..3], ["All", "2", "116.00"]);
    assert!(file(&app, &format!("/admin/numbers/roads/open?{asked}"), 0).await.is_empty(), "ben's");
    for model in ["last", "first", "linear", "position", "time_decay", "markov", "shapley"] {
        let rows = file(&app, &format!("/admin/numbers/attribution?{asked}&by={model}"), 0).await;
        let (all, parts) = rows.split_last().unwrap();
        let sum = |at: usize| parts.iter().map(|row| row[at].parse::<f64>().unwrap()).sum::<f64>();
        assert_eq!((all[1].as_str(), all[3].as_str()), ("2.00", "116.00"), "{model}");
        assert!((sum(1) - 2.0).abs() < 1e-9 && (sum(3) - 116.0).abs() < 1e-9, "{model} {rows:?}");
    }
}

async fn page_of_stages(app: TestApp) {
    super::story(&app).await;
    let rule = Rule::Is(Statement::Channel(Channel::PaidSearch));
    let ads = keep(&app, "By ads", &rule).await;
    super::views::view(&app, "/", Some("a stranger's"));
    app.run_until_idle().await;
    app.sign_in(Role::Owner).await;
    let asked = format!("from=2026-01-01&to=2026-07-11&segment={ads}");
    let address = format!("/admin/numbers/stages?{asked}");
    let html = page(&app, &format!("{address}&compare=year")).await;
    let text = body_of(&html);
    assert!(text.contains("Only the contacts who were in “By ads”"), "{text}");
    assert!(text.contains("Nobody is known by a visit") && !text.contains("Of visits"), "{text}");
    let lists = links(&html, "/admin/numbers/stages/");
    assert!(lists.iter().all(|link| link.contains("segment=")), "{lists:?}");
    assert!(!html.contains("/admin/numbers/stages/visit"), "no figure, no rows");
    let figures = file(&app, &address, 0).await;
    let names: Vec<&str> = figures.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, ["Lead", "Confirmed", "Qualified", "Order", "Second order", "Referral"]);
    for (row, word) in
        figures.iter().zip(["lead", "confirmed", "qualified", "order", "second", "referral"])
    {
        let rows = file(&app, &format!("/admin/numbers/stages/{word}?{asked}"), 0).await;
        assert_eq!(row[1], rows.len().to_string(), "{word}");
        assert!(rows.iter().all(|row| row[0] == "c1@x.test"), "{word}: {rows:?}");
    }
    assert_eq!(
        figures.iter().filter(|row| row[1] == "1").count(),
        5,
        "no recommendation: {figures:?}"
    );
    let visits = body_of(&page(&app, &format!("/admin/numbers/stages/visit?{asked}")).await);
    assert!(visits.contains("Nobody is known by a visit"), "{visits}");
    let sources = file(&app, &address, 1).await;
    assert_eq!(sources, [["Paid Search", "1", "1", "1", "1", "1", "0"].map(str::to_owned)]);
    let nobody = format!("/admin/numbers/stages?segment={}", SegmentId(9));
    let gone = body_of(&page(&app, &nobody).await);
    assert!(gone.contains("This segment is gone: nobody is in it."), "{gone}");
}
