//! The whole road, as a customer walks it: a stranger's address, the free thing, the letters, the
//! sales page, the order with a bump and a coupon, the one-click offer, the receipt with its
//! offer, a second order, a recommendation. Every page on the way is looked at by axe and must ask
//! no other host for anything.

use std::path::Path;

use model::times::DAY_MS;
use testkit::TestApp;
use testkit::browser::{Browser, Look};

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/ebook-shop/funnel.toml");
const ADDRESS: &str = "pat@reader.example";

/// The example shop, served, and a browser beside it.
struct Road {
    app: TestApp,
    host: String,
    browser: Browser,
    look: Look,
}

impl Road {
    async fn begin(test: &str, look: Look) -> Option<Self> {
        let browser = Browser::start(test, look)?;
        let app = TestApp::start().await;
        testkit::funnels::apply(&app, Path::new(SHOP)).await;
        let host = app.serve().await;
        Some(Self { app, host, browser, look })
    }

    fn goto(&self, path: &str) {
        self.browser.goto(&format!("http://{}{path}", self.host));
        self.look();
    }

    fn follow(&self, link: &str) {
        assert!(link.contains(&self.host), "{link} leads elsewhere");
        self.browser.goto(link);
        self.look();
    }

    fn press(&self, css: &str) {
        self.browser.click_through(css);
        self.look();
    }

    /// What must hold on every page: nothing unseen goes wrong, and axe finds nothing.
    fn look(&self) {
        let url = self.browser.url();
        // axe is a script, and waits by timers: where pages may run none, it has nothing to say.
        if self.look.script {
            assert_eq!(self.browser.axe(), Vec::<String>::new(), "{url}");
        }
        assert_eq!(self.browser.complaints(&self.host), Vec::<String>::new(), "{url}");
        self.keep_picture(&url);
    }

    /// With `TUNDISH_PICTURES` set to a folder, every page on the way is kept to be looked at.
    fn keep_picture(&self, url: &str) {
        let Some(dir) = std::env::var_os("TUNDISH_PICTURES") else { return };
        let path = url.split(&self.host).nth(1).unwrap_or("x");
        let name: String =
            path.chars().take(24).map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let count = std::fs::read_dir(&dir).map_or(0, Iterator::count);
        self.browser.screenshot(&Path::new(&dir).join(format!("{count:03}{name}.png")));
    }

    async fn opt_in(&self) {
        self.goto("/");
        self.browser.fill("form.panel input[name=first_name]", "Pat");
        self.browser.fill("form.panel input[name=email]", ADDRESS);
        self.browser.click("form.panel input[type=checkbox]");
        // The clock of the shop stands still; people need longer than a moment for a form.
        self.app.engine.clock().advance_ms(10_000);
        self.press("form.panel button");
        self.app.run_until_idle().await;
    }

    async fn confirm(&self) {
        let mail = self.app.mail_to(ADDRESS);
        self.follow(&mail.link("/confirm/"));
        self.press(".note-card form button");
        self.app.run_until_idle().await;
    }

    fn mails(&self) -> usize {
        self.subjects().len()
    }

    fn subjects(&self) -> Vec<String> {
        let ours = self.app.mails().into_iter().filter(|mail| mail.to == ADDRESS);
        ours.map(|mail| mail.subject).collect()
    }

    /// Fills the checkout in and pays with the test card that succeeds.
    async fn buy(&self, bump: bool, coupon: &str) {
        self.browser.fill("input[name=email]", ADDRESS);
        self.browser.fill("input[name=name]", "Pat Reader");
        if self.browser.has("select[name=country]") {
            self.browser.choose("select[name=country]", "US");
        }
        if bump {
            self.browser.click(".bump input");
        }
        if !coupon.is_empty() {
            self.browser.click("details.coupon summary");
            self.browser.fill("input[name=coupon]", coupon);
            self.press("button[name=update]");
        }
        self.browser.click("label.choice:has(input[value=succeeds])");
        self.press(".checkout-form .btn-primary");
        self.app.run_until_idle().await;
    }
}

async fn walk(test: &str, look: Look) {
    let Some(road) = Road::begin(test, look).await else { return };
    road.opt_in().await;
    assert_eq!(road.mails(), 1, "the confirmation");
    road.confirm().await;
    assert!(road.browser.has("a[href*='/m/']") || road.browser.url().contains("/m/"));

    for _ in 0..21 {
        road.app.advance_ms(DAY_MS).await;
    }
    assert!(road.mails() >= 6, "the five letters follow: {}", road.mails());

    road.goto("/p/weekday-bread");
    road.press(".price-card a.btn");
    road.buy(true, "HELLO10").await;
    assert!(road.browser.url().contains("/next"), "{}", road.browser.url());
    road.press(".offer-answer form:first-child button");
    road.app.run_until_idle().await;
    assert!(road.browser.has("#files"), "{}", road.browser.url());
    road.app.advance_ms(DAY_MS / 12).await;

    let receipt = road.app.mail_to(ADDRESS);
    assert!(receipt.text.contains("BAKEAGAIN"), "{}", receipt.text);
    road.follow(&receipt.link("/order/"));
    let friend = road.browser.text("#recommend code");

    road.goto("/buy/rye-class");
    road.buy(false, "BAKEAGAIN").await;
    assert!(road.browser.url().contains("/order/"), "{}", road.browser.url());
    road.follow(&friend);
    let found = engine::verify::run(&road.app.engine.reader()).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_road_on_a_desktop() {
    walk("the_whole_road_on_a_desktop", Look::DESKTOP).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_road_on_a_phone_at_night() {
    walk("the_whole_road_on_a_phone_at_night", Look::PHONE_DARK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_total_follows_what_is_ticked_and_the_first_press_pays_it() {
    let test = "the_total_follows_what_is_ticked_and_the_first_press_pays_it";
    let Some(road) = Road::begin(test, Look::DESKTOP).await else { return };
    road.goto("/buy/weekday-bread");
    assert!(road.browser.text(".checkout-form .btn-big").contains("$19.00"));
    road.browser.click(".bump input");
    // The answer is on its way; every look takes a moment of its own.
    let is_there = |road: &Road| road.browser.text(".checkout-form .btn-big").contains("$26.00");
    assert!((0..2_000).any(|_| is_there(&road)), "{}", road.browser.html());
    assert!(road.browser.text(".summary").contains("Starter Rescue Cards"));
    road.buy(false, "").await;
    assert!(road.browser.url().contains("/next"), "{}", road.browser.url());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ways_to_pay_come_with_the_first_thing_that_costs_and_go_with_it() {
    let test = "the_ways_to_pay_come_with_the_first_thing_that_costs_and_go_with_it";
    let Some(road) = Road::begin(test, Look::DESKTOP).await else { return };
    let app = &road.app;
    let front = model::products::Role::Front;
    app.sell("gift", "The gift", front, testkit::usd(0)).await;
    app.sell("extra", "The extra", front, testkit::usd(700)).await;
    app.sell("club", "The club", front, testkit::usd(2900)).await;
    app.path("gift", "extra", &[]).await;
    road.goto("/buy/gift");
    let big = |road: &Road| road.browser.text(".checkout-form .btn-big");
    assert!(big(&road).contains("Order for free") && !road.browser.has("[name=method]"));
    road.browser.click(".bump input");
    assert!((0..2_000).any(|_| big(&road).contains("Pay $7.00")), "{}", road.browser.html());
    assert!(road.browser.has("[name=method]"), "{}", road.browser.html());
    road.browser.click(".bump input");
    assert!((0..2_000).any(|_| big(&road).contains("Order for free")));
    assert!(!road.browser.has("[name=method]"), "{}", road.browser.html());
    road.browser.click(".bump input");
    assert!((0..2_000).any(|_| big(&road).contains("Pay $7.00")));
    road.buy(false, "").await;
    assert!(road.browser.url().contains("/order/"), "{}", road.browser.url());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_script_one_can_opt_in_confirm_buy_and_leave() {
    let test = "without_script_one_can_opt_in_confirm_buy_and_leave";
    let Some(road) = Road::begin(test, Look::NO_SCRIPT).await else { return };
    road.opt_in().await;
    road.confirm().await;
    road.goto("/buy/weekday-bread");
    road.buy(false, "").await;
    road.press(".offer-answer form:last-child button");
    road.press(".offer-answer form:last-child button");
    assert!(road.browser.has("#files"), "{}", road.browser.url());

    road.app.advance_ms(5 * DAY_MS).await;
    let letters: Vec<_> = road.app.mails().into_iter().filter(|m| m.text.contains("/u/")).collect();
    road.follow(&letters.last().expect("a letter came").link("/u/"));
    road.press(".note-card form .btn-primary");
    // The one notice that it was done, for whoever's mail was passed on.
    road.app.run_until_idle().await;
    let before = road.subjects();
    for _ in 0..20 {
        road.app.advance_ms(DAY_MS).await;
    }
    assert_eq!(road.subjects(), before, "nothing follows an unsubscribe");
}
