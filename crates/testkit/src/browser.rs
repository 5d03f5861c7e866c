//! A headless Chromium, driven over WebDriver: what a person would see and press, and what no
//! person sees: requests to other hosts, violations of the content security policy, and what
//! axe finds.
//!
//! The protocol is a dozen JSON calls to a process on loopback, so it is spoken here directly;
//! see `docs/decisions/0003-webdriver.md`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const AXE: &str = include_str!("../vendor/axe.min.js");
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
const CHROMIUM: &str = "/usr/bin/chromium";
/// The tallest picture of a page, in CSS pixels: longer lists repeat themselves.
const PICTURE_MAX: u32 = 3_000;
/// The member under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How the browser is set up.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Prefers a dark page.
    pub dark: bool,
    /// Width and height of the window in CSS pixels.
    pub size: (u32, u32),
    /// Whether pages may run script.
    pub script: bool,
}

impl Look {
    /// A desktop, light.
    pub const DESKTOP: Self = Self { dark: false, size: (1280, 900), script: true };
    /// A phone, dark.
    pub const PHONE_DARK: Self = Self { dark: true, size: (390, 844), script: true };
    /// A desktop whose pages may run no script.
    pub const NO_SCRIPT: Self = Self { dark: false, size: (1280, 900), script: false };
}

/// A running browser.
pub struct Browser {
    look: Look,
    driver: Child,
    port: u16,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` with a printed line where Chromium is absent.
    pub fn start(test: &str, look: Look) -> Option<Self> {
        if !Path::new(CHROMEDRIVER).exists() || !Path::new(CHROMIUM).exists() {
            crate::data::skipped(test, "chromium and chromium-driver are not installed");
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver();
        let mut browser = Self { look, driver, port, session: String::new(), _profile: profile };
        let wanted = browser.capabilities(look);
        let answer = browser.call("POST", "/session", &wanted);
        browser.session = answer["sessionId"].as_str().unwrap().to_owned();
        if look.dark {
            let media = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
            browser.devtools("Emulation.setEmulatedMedia", &media);
        }
        browser.resize(look.size.1);
        Some(browser)
    }

    fn resize(&self, height: u32) {
        let width = self.look.size.0;
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
    }

    fn capabilities(&self, look: Look) -> Value {
        let profile = format!("--user-data-dir={}", self._profile.path().display());
        let size = format!("--window-size={},{}", look.size.0, look.size.1);
        let mut args = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ];
        args.push(&profile);
        args.push(&size);
        let mut options = json!({"binary": CHROMIUM, "args": args});
        if !look.script {
            options["prefs"] = json!({"profile.managed_default_content_settings.javascript": 2});
        }
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }}})
    }

    /// Goes to an address and waits until the page has loaded.
    pub fn goto(&self, url: &str) {
        self.order("/url", &json!({"url": url}));
    }

    /// The address the browser is at.
    pub fn url(&self) -> String {
        self.ask("/url").as_str().unwrap().to_owned()
    }

    /// The page as HTML.
    pub fn html(&self) -> String {
        self.ask("/source").as_str().unwrap().to_owned()
    }

    /// Whether something matches the selector.
    pub fn has(&self, css: &str) -> bool {
        let all = self.order("/elements", &json!({"using": "css selector", "value": css}));
        !all.as_array().unwrap().is_empty()
    }

    /// The text a person reads in the first element that matches.
    pub fn text(&self, css: &str) -> String {
        let id = self.find(css);
        self.ask(&format!("/element/{id}/text")).as_str().unwrap().to_owned()
    }

    /// An attribute of the first element that matches.
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let id = self.find(css);
        self.ask(&format!("/element/{id}/attribute/{name}")).as_str().map(str::to_owned)
    }

    /// Presses the first element that matches, and waits for the page that follows.
    pub fn click(&self, css: &str) {
        let id = self.find(css);
        self.order(&format!("/element/{id}/click"), &json!({}));
    }

    /// Presses the first element that matches and waits until another page stands in its place:
    /// a form without script leaves the browser a moment after the click was answered.
    #[expect(clippy::disallowed_methods, reason = "a real browser takes real time")]
    pub fn click_through(&self, css: &str) {
        let page = self.find("html");
        self.click(css);
        let path = format!("/session/{}/element/{page}/name", self.session);
        let gives_up = Instant::now() + Duration::from_secs(20);
        while http(self.port, "GET", &path, &Value::Null)["value"]["error"].is_null() {
            assert!(Instant::now() < gives_up, "no page followed a click on {css}");
        }
    }

    /// Types into the first element that matches, in place of what stood there.
    pub fn fill(&self, css: &str, text: &str) {
        let id = self.find(css);
        self.order(&format!("/element/{id}/clear"), &json!({}));
        self.order(&format!("/element/{id}/value"), &json!({"text": text}));
    }

    /// Chooses the option with this value.
    pub fn choose(&self, css: &str, value: &str) {
        let option = format!("{css} option[value=\"{value}\"]");
        let id = self.find(&option);
        self.order(&format!("/element/{id}/click"), &json!({}));
    }

    /// Runs a script's body; what it returns.
    pub fn eval(&self, script: &str) -> Value {
        self.order("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Saves what the window shows as a PNG.
    pub fn screenshot(&self, path: &Path) {
        let text = self.ask("/screenshot");
        std::fs::write(path, from_base64(text.as_str().unwrap())).unwrap();
    }

    /// Saves the whole page as a PNG, as far as [`PICTURE_MAX`].
    pub fn picture(&self, path: &Path) {
        let tall = self.eval("return document.documentElement.scrollHeight").as_u64().unwrap();
        let tall = u32::try_from(tall).unwrap().clamp(self.look.size.1, PICTURE_MAX);
        self.resize(tall);
        self.screenshot(path);
        self.resize(self.look.size.1);
    }

    /// How much wider the page is than the window, in CSS pixels.
    pub fn overflow(&self) -> i64 {
        let script = "const e = document.documentElement; return e.scrollWidth - e.clientWidth";
        self.eval(script).as_i64().unwrap()
    }

    /// What axe finds wrong on the page: one line each, with the elements.
    ///
    /// Of a long list the first rows stand for all: looking at each takes most of a second.
    pub fn axe(&self) -> Vec<String> {
        self.eval(&format!("{AXE}; return true;"));
        let script = "const LOOKED_AT = {exclude: [['tbody tr:nth-child(n+5)'], ['svg *']]};
            const done = arguments[arguments.length - 1];
            axe.run(LOOKED_AT, {resultTypes: ['violations']}).then(r => done(r.violations.map(v =>
                v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' +
                    (n.failureSummary || '')).join(' | '))));";
        let found = self.order("/execute/async", &json!({"script": script, "args": []}));
        found.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    }

    /// What went wrong unseen since the last call: requests to other hosts than `host`
    /// (`127.0.0.1:8095`), violations of the content security policy, errors of scripts.
    pub fn complaints(&self, host: &str) -> Vec<String> {
        let mut found = Vec::new();
        for entry in self.log("performance") {
            let text = entry["message"].as_str().unwrap_or_default();
            let event: Value = serde_json::from_str(text).unwrap_or_default();
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let url = event["message"]["params"]["request"]["url"].as_str().unwrap_or("");
                let ours = url.starts_with(&format!("http://{host}/"));
                let inline = ["data:", "blob:", "about:", "chrome"];
                if !ours && !inline.iter().any(|scheme| url.starts_with(scheme)) {
                    found.push(format!("request to another host: {url}"));
                }
            }
        }
        for entry in self.log("browser") {
            let text = entry["message"].as_str().unwrap_or_default();
            let refusal = text.contains("Content Security Policy") || text.contains("Uncaught");
            if refusal {
                found.push(text.to_owned());
            }
        }
        found
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        self.order("/se/log", &json!({"type": kind})).as_array().cloned().unwrap_or_default()
    }

    fn devtools(&self, method: &str, params: &Value) {
        self.order("/goog/cdp/execute", &json!({"cmd": method, "params": params}));
    }

    fn find(&self, css: &str) -> String {
        let found = self.order("/element", &json!({"using": "css selector", "value": css}));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("nothing matches {css}")).to_owned()
    }

    fn ask(&self, path: &str) -> Value {
        self.call("GET", &format!("/session/{}{path}", self.session), &Value::Null)
    }

    fn order(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = http(self.port, method, path, body);
        let value = answer["value"].clone();
        if let Some(error) = value["error"].as_str() {
            let message = value["message"].as_str().unwrap_or_default();
            let first = message.lines().next().unwrap_or_default();
            panic!("{method} {path}: {error}: {first}");
        }
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            let path = format!("/session/{}", self.session);
            let _ = http(self.port, "DELETE", &path, &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Times a driver is started before a test gives up.
const STARTS: usize = 5;

/// Starts a driver on a port of its choosing.
fn start_driver() -> (Child, u16) {
    // It looks for a port that is free by IPv4, and ends if somebody else has it by IPv6.
    let mut started = (0..STARTS).filter_map(|_| try_driver());
    started.next().expect("chromedriver starts")
}

/// One try; `None` where it ended without a port.
fn try_driver() -> Option<(Child, u16)> {
    let mut driver = Command::new(CHROMEDRIVER)
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok()
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    // The pipe must stay read, or the driver stops when it is full.
    std::thread::spawn(move || lines.for_each(drop));
    Some((driver, port))
}

fn http(port: u16, method: &str, path: &str, body: &Value) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bytes: Vec<u8> = text.bytes().filter(|b| *b != b'=' && !b.is_ascii_whitespace()).collect();
    let mut out = Vec::with_capacity(bytes.len() * 3 / 4);
    for chunk in bytes.chunks(4) {
        let word = chunk.iter().fold(0_u32, |word, b| (word << 6) | u32::from(digit(*b)))
            << (6 * (4 - chunk.len()));
        out.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    out
}
