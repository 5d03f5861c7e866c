//! A whole application: the real router over SQLite in a temporary folder, a clock that stands
//! still, chance that repeats, mail in memory.

use std::io::Read;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use engine::operators::NewOperator;
use engine::{Clock, Engine, Parts, Rng, Sending, Transport};
use mail::transport::Memory;
use model::audits::Actor;
use model::ids::OperatorId;
use model::operators::Role;
use model::sites::{Site, SiteSettings};
use model::{SiteId, UtcMs};
use store::{Db, Options};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::mails::Mail;

/// 2026-01-15T10:00:00Z, a Thursday.
pub const START: UtcMs = UtcMs(1_768_471_200_000);
/// The host of the test site.
pub const HOST: &str = "shop.example";
/// What the browser of [`TestApp::visit`] calls itself.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The application under test.
pub struct TestApp {
    /// The engine, for asking and looking.
    pub engine: Engine,
    /// The test site.
    pub site: Site,
    /// The real router.
    pub router: Router,
    memory: Memory,
    cookies: std::sync::Mutex<Vec<(String, String)>>,
    _dir: TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: axum::http::HeaderMap,
    /// The body as text.
    pub body: String,
}

impl TestApp {
    /// An application with one site, `shop.example`, on SQLite.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("tundish.db").display());
        Self::start_on(&url, dir).await
    }

    /// The same on the database at `url`.
    pub async fn start_on(url: &str, dir: TempDir) -> Self {
        let mails = Memory::default();
        Self::start_with(url, dir, mails.clone(), Sending::by(Transport::Memory(mails))).await
    }

    /// The same on SQLite, with its mail leaving as `sending` says, and not kept here.
    pub async fn start_sending(sending: Sending) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("tundish.db").display());
        Self::start_with(&url, dir, Memory::default(), sending).await
    }

    async fn start_with(url: &str, dir: TempDir, mails: Memory, sending: Sending) -> Self {
        let db = Db::connect(url, Options::main()).await.unwrap();
        let own_file = format!("sqlite:{}", dir.path().join("views.db").display());
        let views = if db.is_sqlite() { own_file.as_str() } else { url };
        let views = Db::connect(views, Options::views()).await.unwrap();
        let parts = Parts {
            db,
            views,
            clock: Clock::fake(START),
            rng: Rng::seeded(8095),
            master_key: [7; 32],
            previous_keys: Vec::new(),
            data_dir: dir.path().to_owned(),
            node_name: "test".to_owned(),
            sending,
        };
        let engine = Engine::start(parts).await.unwrap();
        let site = site();
        let id = engine::sites::put(&engine, site.clone(), vec![HOST.to_owned()]).await.unwrap();
        let router = web::router(web::AppState::with_settings(engine.clone(), patient()));
        let site = Site { id, ..site };
        Self {
            engine,
            site,
            router,
            memory: mails,
            cookies: std::sync::Mutex::default(),
            _dir: dir,
        }
    }

    /// Asks for a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Asks for a file as browsers do, packed on its way, and unpacks it.
    pub async fn download(&self, path: &str) -> Answer {
        let request = self.request("GET", path).header(header::ACCEPT_ENCODING, "gzip");
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await;
        let (parts, body) = response.unwrap().into_parts();
        let packed = axum::body::to_bytes(body, 50_000_000).await.unwrap();
        assert_eq!(parts.headers[header::CONTENT_ENCODING], "gzip", "{path}");
        let mut body = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut body).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a form as a browser on the same site does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = url_encode(fields);
        let request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::ORIGIN, format!("http://{HOST}"))
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Asks for a page as a person's browser does who follows a link; `headers` go before its own.
    pub async fn visit(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let usual = [
            ("user-agent", BROWSER),
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
            ("accept-language", "en-US,en;q=0.5"),
            ("sec-fetch-mode", "navigate"),
        ];
        let mut request = self.request("GET", path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in usual {
            if !headers.iter().any(|(known, _)| *known == name) {
                request = request.header(name, value);
            }
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// A request to the test site, to be completed and given to [`Self::send`].
    pub fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, HOST);
        let cookies = self.cookies.lock().unwrap();
        if !cookies.is_empty() {
            let all: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
            request = request.header(header::COOKIE, all.join("; "));
        }
        request
    }

    /// Sends any request; cookies that come back are kept for the next one.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for value in parts.headers.get_all(header::SET_COOKIE) {
            self.keep_cookie(value.to_str().unwrap());
        }
        let bytes = axum::body::to_bytes(body, 50_000_000).await.unwrap();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    fn keep_cookie(&self, line: &str) {
        let pair = line.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        cookies.retain(|(kept, _)| kept != name);
        if !line.contains("Max-Age=0") {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }

    /// Signs this browser in as a new operator of `role`, who may open the test site.
    pub async fn sign_in(&self, role: Role) -> OperatorId {
        let new = NewOperator {
            email: format!("{role}-{}@shop.example", self.engine.next_id()),
            name: format!("The {role}"),
            role,
            password: None,
            sites: vec![self.site.id],
        };
        let id = engine::operators::add(&self.engine, Actor::Console, new).await.unwrap();
        let token =
            engine::operators::sign_in_link(&self.engine, Actor::Console, id).await.unwrap();
        let answer = self.post(&format!("/admin/sign-in/link/{token}"), &[]).await;
        assert_eq!(answer.location(), "/admin");
        id
    }

    /// Forgets all cookies: another browser.
    pub fn other_browser(&self) {
        self.cookies.lock().unwrap().clear();
    }

    /// Serves the application on a free port of loopback, for a browser; its `host:port`. Its
    /// site's addresses then begin with that.
    pub async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let now = engine::sites::get_by_slug(&self.engine, &self.site.slug).await.unwrap();
        let site = Site { base_url: format!("http://{host}"), ..now };
        engine::sites::put(&self.engine, site, vec!["127.0.0.1".to_owned()]).await.unwrap();
        let router = self.router.clone();
        let (stop, patience) = (CancellationToken::new(), web::Patience::default());
        tokio::spawn(web::serve_router(listener, router, stop, patience));
        host
    }

    /// Every mail that was sent, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.memory.all().iter().map(Mail::of).collect()
    }

    /// The newest mail to `to`.
    pub fn mail_to(&self, to: &str) -> Mail {
        let found = self.mails().into_iter().rfind(|mail| mail.to == to);
        found.unwrap_or_else(|| panic!("no mail was sent to {to}"))
    }

    /// Does everything that is due now; how many things were done.
    pub async fn run_until_idle(&self) -> usize {
        engine::clicks::written(&self.engine).await;
        engine::sweeps::run_until_idle(&self.engine).await.unwrap()
    }

    /// Does what is worked on beside the rounds; how many things were done.
    pub async fn recount(&self) -> usize {
        engine::recounts::run_due(&self.engine).await.unwrap()
    }

    /// Moves the clock on, then does everything that is due.
    pub async fn advance_ms(&self, ms: i64) -> usize {
        self.engine.clock().advance_ms(ms);
        self.run_until_idle().await
    }
}

impl Answer {
    /// Where the answer sends the browser.
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).unwrap().to_str().unwrap()
    }
}

/// A slow machine shows what a quick one does.
fn patient() -> web::WebSettings {
    web::WebSettings { page_wait: web::PageWait(Duration::MAX), ..web::WebSettings::default() }
}

fn url_encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                    out.push(char::from(byte));
                }
                _ => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    };
    let pairs: Vec<String> =
        fields.iter().map(|(k, v)| format!("{}={}", escape(k), escape(v))).collect();
    pairs.join("&")
}

/// The test site: `shop.example`, dollars, Berlin time.
pub fn site() -> Site {
    Site {
        id: SiteId(0),
        slug: "shop".to_owned(),
        name: "The Test Shop".to_owned(),
        base_url: format!("http://{HOST}"),
        sender_name: "Ada of the Test Shop".to_owned(),
        sender_address: "ada@shop.example".to_owned(),
        reply_to: None,
        postal_address: "1 Test Street, 10115 Berlin".to_owned(),
        currency: "USD".to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        language: "en".to_owned(),
        settings: SiteSettings::default(),
        created_at: START,
        updated_at: START,
    }
}
