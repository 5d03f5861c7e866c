//! The whole admin, as an operator walks it: every entry of the menu, one page of each kind behind
//! it, and what a visitor of the shop is shown when something is not there. On each page no other
//! host is asked for anything, and nothing sticks out of the screen. axe, which takes longest,
//! looks at every page once: at half of them in the light, at the others on a phone at night.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use testkit::browser::{Browser, Look};

use crate::cli::Desk;

/// Days of history the shop has: enough that no list is empty, few enough to wait for.
const DAYS: &str = "10";

/// A page, and the links to follow from it to one page of its kind. A selector that matches
/// nothing is a page that has gone missing, and fails.
struct Stop(&'static str, &'static [&'static str]);

const STOPS: &[Stop] = &[
    Stop("/admin", &[]),
    Stop("/admin/forms", &["main td a[href^='/admin/forms/']", "main a[href$='/edit']"]),
    Stop("/admin/forms/new", &[]),
    Stop("/admin/magnets", &["main td a[href^='/admin/magnets/']"]),
    Stop("/admin/imports", &[]),
    Stop("/admin/sources", &[]),
    Stop("/admin/sequences", &["main td a[href^='/admin/sequences/']", "main a[href$='/edit']"]),
    Stop("/admin/templates", &["main td a[href^='/admin/templates/']"]),
    Stop("/admin/messages", &["main td a[href^='/admin/messages/']"]),
    Stop("/admin/topics", &[]),
    Stop("/admin/pages", &["main td a[href^='/admin/pages/']", "main td a[href*='/blocks/']"]),
    Stop("/admin/products", &["main td a[href^='/admin/products/']"]),
    Stop("/admin/offers", &["main td a[href^='/admin/offers/']"]),
    Stop("/admin/paths", &["main td a[href^='/admin/paths/']"]),
    Stop("/admin/coupons", &["main td a[href^='/admin/coupons/']"]),
    Stop("/admin/orders", &["main td a[href^='/admin/orders/']"]),
    Stop("/admin/catalogue", &[]),
    Stop("/admin/also-bought", &["main td a[href^='/admin/also-bought/prd']"]),
    Stop("/admin/segments", &["main td a[href^='/admin/segments/']"]),
    Stop("/admin/scores", &[]),
    Stop("/admin/scores/learned", &[]),
    Stop("/admin/scores/new", &[]),
    Stop("/admin/referrals", &[]),
    Stop("/admin/numbers/stages", &["main td a[href^='/admin/numbers/stages/']"]),
    Stop("/admin/numbers/revenue", &["main td a[href^='/admin/numbers/orders']"]),
    Stop("/admin/numbers/steps", &[]),
    Stop("/admin/numbers/attribution", &["main td a[href^='/admin/numbers/']"]),
    Stop("/admin/numbers/roads", &[]),
    Stop("/admin/numbers/value", &[]),
    Stop("/admin/numbers/rfm", &[]),
    Stop("/admin/numbers/simulator", &[]),
    Stop("/admin/numbers/spend", &[]),
    Stop("/admin/numbers/payback", &[]),
    Stop("/admin/numbers/cohorts", &[]),
    Stop("/admin/numbers/reconciliation", &[]),
    Stop("/admin/caught", &[]),
    Stop("/admin/sending", &[]),
    Stop("/admin/contacts", &["main td a[href^='/admin/contacts/']", "main a[href$='/erase']"]),
    Stop("/admin/settings", &[]),
    Stop("/admin/operators", &["main td a[href^='/admin/operators/']"]),
    Stop("/admin/keys", &[]),
    Stop("/admin/audits", &[]),
    Stop("/admin/account", &["main a[href$='/second-step']"]),
    Stop("/admin/nothing-here", &[]),
    // What visitors of the same shop see.
    Stop("/", &[]),
    Stop("/catalogue", &[]),
    Stop("/p/imprint", &[]),
    Stop("/order/nothing-here", &[]),
    Stop("/confirm/nothing-here", &[]),
    Stop("/u/nothing-here", &[]),
];

/// The demo, served; ended when it goes out of scope.
struct Shop {
    _desk: Desk,
    child: Child,
    site: String,
    email: String,
    password: String,
}

impl Shop {
    fn open() -> Self {
        let desk = Desk::new();
        let args = ["demo", "--days", DAYS, "--listen", "127.0.0.1:0", "--json"];
        let mut child = desk.command(&args).args(["--data", "shop"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let word = |name: &str| ready[name].as_str().unwrap().to_owned();
        let site = word("site").trim_end_matches('/').to_owned();
        Self { _desk: desk, child, site, email: word("email"), password: word("password") }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One operator at one screen.
struct Walk<'s> {
    shop: &'s Shop,
    browser: &'s Browser,
    name: &'static str,
    /// Whether axe looks at the pages of this stop.
    looks: bool,
    wrong: Vec<String>,
}

impl Walk<'_> {
    fn sign_in(&self) {
        self.browser.goto(&format!("{}/admin/sign-in", self.shop.site));
        self.browser.fill("input[name=email]", &self.shop.email);
        self.browser.fill("input[name=password]", &self.shop.password);
        self.browser.click_through("form .btn-primary");
    }

    fn stop(&mut self, stop: &Stop) {
        self.goto(&format!("{}{}", self.shop.site, stop.0));
        for css in stop.1 {
            if !self.browser.has(css) {
                let url = self.browser.url();
                self.wrong.push(format!("{}: {url}: no link matches {css}", self.name));
                return;
            }
            let link = self.browser.attribute(css, "href").unwrap();
            let link =
                if link.starts_with('/') { format!("{}{link}", self.shop.site) } else { link };
            self.goto(&link);
        }
    }

    fn goto(&mut self, url: &str) {
        self.browser.goto(url);
        self.keep_picture(url);
        let host = self.shop.site.trim_start_matches("http://");
        let mut found = self.browser.complaints(host);
        if self.looks {
            found.extend(self.browser.axe());
        }
        let over = self.browser.overflow();
        if over > 0 {
            found.push(format!("sticks out by {over} pixels"));
        }
        self.wrong.extend(found.into_iter().map(|one| format!("{}: {url}: {one}", self.name)));
    }

    /// With `TUNDISH_PICTURES` set to a folder, every page is kept to be looked at.
    fn keep_picture(&self, url: &str) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let Some(dir) = std::env::var_os("TUNDISH_PICTURES") else { return };
        let path = url.trim_start_matches(&self.shop.site);
        let words = path.chars().take(30).map(|c| if c.is_alphanumeric() { c } else { '-' });
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}{}-{count:03}.png", self.name, words.collect::<String>());
        self.browser.picture(&Path::new(&dir).join(name));
    }
}

/// Walks every stop; axe looks at every second one, beginning with the one numbered `first`.
fn walk(shop: &Shop, browser: &Browser, name: &'static str, first: usize) -> Vec<String> {
    let mut walk = Walk { shop, browser, name, looks: false, wrong: Vec::new() };
    walk.sign_in();
    for (number, stop) in STOPS.iter().enumerate() {
        // With pictures asked for, somebody is looking anyway, and at all of it.
        walk.looks = number % 2 == first || std::env::var_os("TUNDISH_PICTURES").is_some();
        walk.stop(stop);
    }
    walk.wrong
}

#[test]
fn every_page_of_the_admin_is_fit_to_be_seen() {
    let test = "every_page_of_the_admin_is_fit_to_be_seen";
    let Some(desktop) = Browser::start(test, Look::DESKTOP) else { return };
    let phone = Browser::start(test, Look::PHONE_DARK).unwrap();
    let shop = Shop::open();
    let wrong = std::thread::scope(|scope| {
        let light = scope.spawn(|| walk(&shop, &desktop, "desktop", 0));
        let mut wrong = walk(&shop, &phone, "phone", 1);
        wrong.extend(light.join().unwrap());
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_entry_of_the_menu_is_walked() {
    for group in web::nav::GROUPS {
        for href in std::iter::once(group.href).chain(group.items.iter().map(|item| item.href)) {
            assert!(STOPS.iter().any(|stop| stop.0 == href), "{href} is in the menu, not in STOPS");
        }
    }
}
