//! Journeys in a real browser.

mod admin;
mod road;

use testkit::TestApp;
use testkit::browser::{Browser, Look};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_address_is_an_accessible_page() {
    let app = TestApp::start().await;
    let host = app.serve().await;
    let test = "a_wrong_address_is_an_accessible_page";
    for look in [Look::DESKTOP, Look::PHONE_DARK] {
        let Some(browser) = Browser::start(test, look) else { return };
        browser.goto(&format!("http://{host}/nothing-here"));
        assert!(browser.html().contains("<h1"));
        assert_eq!(browser.axe(), Vec::<String>::new());
        assert_eq!(browser.complaints(&host), Vec::<String>::new());
    }
}
