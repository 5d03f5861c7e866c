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
