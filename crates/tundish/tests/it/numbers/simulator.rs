//! What if: the page that draws the site's own funnel again at other figures.

use super::told;

const YEAR: &str = "from=2026-01-01&to=2026-07-11";

#[tokio::test]
async fn the_measured_funnel_stands_beside_what_is_tried() {
    let app = told().await;
    let page = async |query: &str| {
        let answer = app.get(&format!("/admin/numbers/simulator?{YEAR}{query}")).await;
        assert_eq!(answer.status, 200);
        answer.body.replace("&#x2f;", "/")
    };
    let measured = page("").await;
    for words in ["As measured", "What was counted", "Only 2 first orders", "measured: 19.50"] {
        assert!(measured.contains(words), "{words}: {measured}");
    }
    assert!(!measured.contains("Back to the measured figures"));
    assert!(measured.contains("/admin/numbers/orders?from=2026-01-01&amp;to=2026-07-11&amp;nth=1"));
    let tried = page("&price=39&order=90").await;
    for words in ["What if", "more profit than measured", "Back to the measured figures"] {
        assert!(tried.contains(words), "{words}");
    }
    assert_eq!(tried, page("&price=39&order=90").await, "the same question has the same answer");
    let wrong = page("&order=much").await;
    assert!(wrong.contains("cannot be tried"));
    let file = page("&price=39&format=csv&sheet=0").await;
    assert!(file.starts_with("Figure,As measured,What if\r\nCost,"), "{file}");
}

#[tokio::test]
async fn without_orders_there_is_nothing_to_measure_by() {
    let app = told().await;
    let answer = app.get("/admin/numbers/simulator?from=2025-01-01&to=2025-02-01").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("nothing to measure a funnel by yet"));
}

#[tokio::test]
async fn other_days_keep_what_is_tried_and_nothing_that_was_measured() {
    let app = told().await;
    let page = async |query: &str| {
        let answer = app.get(&format!("/admin/numbers/simulator?{YEAR}{query}")).await;
        answer.body.replace("&#x2f;", "/").replace("&amp;", "&")
    };
    // As the form sends it: every field, one of them changed.
    let tried = page("&visitors=2&cost=0.0000&order=100.00&price=39&later=50.00").await;
    let days = tried.split("href=\"").find(|part| part.contains(">90 days<")).unwrap();
    let days = days.split('"').next().unwrap();
    assert!(days.contains("price=39") && !days.contains("visitors") && !days.contains("later"));
    let same = page("&visitors=2&price=19.5&later=50").await;
    assert!(!same.contains("Back to the measured figures"), "nothing is tried");
}

#[tokio::test]
async fn what_could_be_two_numbers_is_refused_with_a_sentence() {
    let app = told().await;
    let path = format!("/admin/numbers/simulator?{YEAR}&price=1,250&visitors=12.5");
    let text = super::pages::body_of(&app.get(&path).await.body);
    assert!(text.contains("“1,250” could be 1250 or 1.250"), "{text}");
    assert!(text.contains("“12.5” cannot be tried: write a whole number"), "{text}");
}

#[tokio::test]
async fn orders_of_another_currency_are_left_out_and_who_bought_again_can_be_seen() {
    let app = told().await;
    let path = format!("/admin/numbers/simulator?{YEAR}");
    let html = super::pages::page(&app, &path).await;
    let again = html.split("href=\"").find(|part| part.contains("nth=2")).unwrap();
    let again = again.split('"').next().unwrap();
    // Followed for 60 days: up to 60 days before 11 July.
    for part in ["from=2026-01-01&to=2026-05-11", "won=1", "days=60", "currency=USD"] {
        assert!(again.contains(part), "{again}");
    }
    let rows = app.get(&format!("{again}&format=csv")).await.body;
    assert_eq!((rows.lines().count(), rows.contains("c1@x.test")), (2, true), "{rows}");
    let ben = super::contact(super::BEN).0;
    super::sql(
        &app,
        &format!("update orders set currency = 'EUR' where site_id = $s and contact_id = {ben}"),
    )
    .await;
    engine::rollups::rebuild(&app.engine, &app.site).await.unwrap();
    let text = super::pages::body_of(&super::pages::page(&app, &path).await);
    assert!(text.contains("in other currencies than USD, 1 of them, are left out"), "{text}");
    assert!(text.contains("Only 1 first orders"), "{text}");
}
