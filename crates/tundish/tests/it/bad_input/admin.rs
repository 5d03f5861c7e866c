//! A: the admin.

use axum::body::Body;
use axum::http::header;
use engine::operators::NewOperator;
use engine::second_step;
use model::audits::Actor;
use model::ids::OperatorId;
use model::operators::Role;
use testkit::{Answer, TestApp};
use web::{AppState, WebSettings};

pub const PASSWORD: &str = "we water ferns on friday";
const OWNER: &str = "owner@shop.example";

pub async fn owner(app: &TestApp) -> OperatorId {
    let new = NewOperator {
        email: OWNER.to_owned(),
        name: "Maren".to_owned(),
        role: Role::Owner,
        password: Some(PASSWORD.to_owned()),
        sites: Vec::new(),
    };
    engine::operators::add(&app.engine, Actor::Console, new).await.unwrap()
}

async fn knock(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/admin/sign-in", &[("email", email), ("password", password)]).await
}

/// The secret shown on the set-up page of the second step.
fn secret_on(page: &str) -> String {
    let after = page.split("class=\"mono\">").nth(1).unwrap();
    after.split('<').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a01_wrong_tries_wait_longer_and_longer_for_known_and_unknown_alike() {
    let app = TestApp::start().await;
    owner(&app).await;
    for email in [OWNER, "nobody@shop.example"] {
        for _ in 0..6 {
            assert_eq!(knock(&app, email, "not the password").await.status, 422, "{email}");
        }
        // Even the right password waits now, so that a guess tells nothing.
        assert_eq!(knock(&app, email, PASSWORD).await.status, 429, "{email}");
    }
    app.engine.clock().advance_ms(3_000);
    assert_eq!(knock(&app, OWNER, PASSWORD).await.location(), "/admin");
    // One network that tries many accounts is slowed as a whole.
    app.other_browser();
    for n in 0..20 {
        knock(&app, &format!("person{n}@shop.example"), "not the password").await;
    }
    assert_eq!(knock(&app, "fresh@shop.example", "not the password").await.status, 429);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a02_every_sign_in_gets_a_new_token_in_a_cookie_that_script_cannot_read() {
    let mut app = TestApp::start().await;
    owner(&app).await;
    let first = knock(&app, OWNER, PASSWORD).await;
    let cookie = first.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("tundish=") && cookie.contains("HttpOnly"));
    assert!(cookie.contains("SameSite=Lax") && !cookie.contains("Secure"));
    let second = knock(&app, OWNER, PASSWORD).await;
    assert_ne!(second.headers[header::SET_COOKIE].to_str().unwrap(), cookie);
    // The sign-in the browser had before is over.
    let old = cookie.split(';').next().unwrap().to_owned();
    app.other_browser();
    let request = app.request("GET", "/admin").header(header::COOKIE, old);
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 303);

    let settings = WebSettings { https: true, demo: true, ..WebSettings::default() };
    app.router = web::router(AppState::with_settings(app.engine.clone(), settings));
    let answer = knock(&app, OWNER, PASSWORD).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-tundish=") && cookie.ends_with("; Secure"));
    assert!(answer.headers.contains_key(header::STRICT_TRANSPORT_SECURITY));
    // So is every other one: what is told once, and the key to one-click charges.
    app.stock_shop().await;
    let bought = app.buy("guide", &[]).await;
    let id = app.order_of(&bought.token).await.order.id;
    let noted = app.post(&format!("/admin/orders/{id}/reviewed"), &[]).await;
    for (answer, name) in [(bought.answer, "tundish_order="), (noted, "tundish_told=")] {
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(name) && cookie.ends_with("; Secure"), "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a03_a_changed_password_ends_every_other_sign_in_and_every_link() {
    let app = TestApp::start().await;
    let id = owner(&app).await;
    let elsewhere = knock(&app, OWNER, PASSWORD).await;
    let elsewhere = elsewhere.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    let elsewhere = elsewhere.split(';').next().unwrap().to_owned();
    let reset = engine::operators::invite_link(&app.engine, Actor::Console, id).await.unwrap();
    app.other_browser();
    knock(&app, OWNER, PASSWORD).await;
    let fields = [("old_password", PASSWORD), ("password", "the ferns are dry on monday")];
    assert_eq!(app.post("/admin/account/password", &fields).await.location(), "/admin/account");
    // This browser stays, the other is out, and so is the link.
    assert_eq!(app.get("/admin").await.status, 200);
    app.other_browser();
    let request = app.request("GET", "/admin").header(header::COOKIE, elsewhere);
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 303);
    let path = format!("/admin/password/{reset}");
    let answer = app.post(&path, &[("password", "yet another long password")]).await;
    assert_eq!(answer.status, 422);
    assert_eq!(knock(&app, OWNER, PASSWORD).await.status, 422);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a04_a_change_that_does_not_come_from_our_own_pages_is_refused() {
    let app = TestApp::start().await;
    owner(&app).await;
    let tries: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://shop.example")],
    ];
    for headers in tries {
        for path in ["/admin/sign-in", "/admin/sign-out", "/admin/account/password", "/buy/x"] {
            let mut request = app
                .request("POST", path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let body = format!("email={OWNER}&password={PASSWORD}");
            let answer = app.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert!(answer.headers.get(header::SET_COOKIE).is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a07_an_editor_cannot_do_what_owners_do() {
    let app = TestApp::start().await;
    let id = owner(&app).await;
    app.sign_in(Role::Editor).await;
    for path in ["/admin/operators", "/admin/keys", "/admin/audits", "/admin/operators/new"] {
        assert_eq!(app.get(path).await.status, 403, "{path}");
    }
    for path in ["/admin/operators", "/admin/keys", "/admin/settings"] {
        assert_eq!(app.post(path, &[("name", "x")]).await.status, 403, "{path}");
    }
    // An admin manages others, but neither owners nor into the owners' rank.
    app.sign_in(Role::Admin).await;
    let fields = [("role", "viewer"), ("may_sign_in", "on")];
    let path = format!("/admin/operators/{id}");
    assert_eq!(app.post(&path, &fields).await.status, 403);
    assert_eq!(app.post(&format!("{path}/invite"), &[]).await.status, 403);
    let fields = [("email", "new@shop.example"), ("role", "owner")];
    assert_eq!(app.post("/admin/operators", &fields).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a07_a_key_never_may_more_than_whoever_made_it() {
    let app = TestApp::start().await;
    owner(&app).await;
    let admin = app.sign_in(Role::Admin).await;
    let fields = [("name", "the shop"), ("scopes", "contacts:write"), ("scopes", "keys:read")];
    let page = app.post("/admin/keys", &fields).await;
    assert_eq!(page.status, 200);
    let text = page.body.split("tun_").nth(1).unwrap();
    let text: String =
        text.chars().take_while(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
    let text = format!("tun_{text}");
    let site = app.site.id;
    let key = engine::keys::open(&app.engine, site, &text).await.unwrap().unwrap();
    assert_eq!(key.scopes.len(), 2);
    let (yes, sites) = (engine::operators::MaySignIn::Yes, vec![site]);
    let actor = Actor::Console;
    engine::operators::set_rights(&app.engine, actor, admin, Role::Editor, sites, yes)
        .await
        .unwrap();
    let key = engine::keys::open(&app.engine, site, &text).await.unwrap().unwrap();
    assert_eq!(key.scopes, [model::keys::Scope::ContactsWrite]);
    // A key made by a key ends when that ends, at the latest.
    let soon = app.engine.now().plus_days(1);
    let by = model::keys::ApiKey { expires_at: Some(soon), ..key };
    let new = engine::keys::NewKey {
        name: "its child".to_owned(),
        scopes: vec![model::keys::Scope::ContactsWrite],
        expires_at: None,
    };
    let (child, _) = engine::keys::make_by_key(&app.engine, site, &by, new).await.unwrap();
    assert_eq!(child.expires_at, Some(soon));
    // Its maker may not open the site any more: neither may the key.
    engine::operators::set_rights(&app.engine, actor, admin, Role::Editor, Vec::new(), yes)
        .await
        .unwrap();
    let key = engine::keys::open(&app.engine, site, &text).await.unwrap();
    assert!(key.is_none_or(|key| key.scopes.is_empty()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a10_a_code_works_once_within_one_step_and_a_recovery_code_once() {
    let app = TestApp::start().await;
    owner(&app).await;
    knock(&app, OWNER, PASSWORD).await;
    let secret = secret_on(&app.get("/admin/account/second-step").await.body);
    let code = second_step::code_now(&app.engine, &secret).unwrap();
    let page = app.post("/admin/account/second-step", &[("code", &code)]).await;
    assert!(page.body.contains("Keep these codes"));
    let codes = page.body.split("<code>").nth(1).unwrap();
    let recovery = codes.lines().next().unwrap().trim().to_owned();

    let try_code = async |code: &str| {
        app.other_browser();
        assert_eq!(
            knock(&app, OWNER, PASSWORD).await.location(),
            "/admin/sign-in/code?next=/admin"
        );
        assert_eq!(app.get("/admin").await.location(), "/admin/sign-in/code");
        app.post("/admin/sign-in/code", &[("code", code)]).await.status
    };
    assert_eq!(try_code(&code).await, 422, "the code that set it up is used");
    app.engine.clock().advance_ms(30_000);
    let next = second_step::code_now(&app.engine, &secret).unwrap();
    assert_eq!(try_code(&next).await, 303);
    assert_eq!(try_code(&next).await, 422, "a second time");
    app.engine.clock().advance_ms(30_000);
    let late = second_step::code_now(&app.engine, &secret).unwrap();
    app.engine.clock().advance_ms(30_000);
    assert_eq!(try_code(&late).await, 303, "one step late");
    let old = second_step::code_now(&app.engine, &secret).unwrap();
    app.engine.clock().advance_ms(2 * 30_000);
    assert_eq!(try_code(&old).await, 422, "two steps late");
    assert_eq!(try_code(&recovery).await, 303);
    assert_eq!(try_code(&recovery).await, 422, "a recovery code a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a03_a_stolen_cookie_guesses_neither_code_nor_password_and_a_lost_step_goes_at_the_machine()
{
    let app = TestApp::start().await;
    owner(&app).await;
    knock(&app, OWNER, PASSWORD).await;
    let step = "/admin/account/second-step";
    let secret = secret_on(&app.get(step).await.body);
    let code = || second_step::code_now(&app.engine, &secret).unwrap();
    assert_eq!(app.post(step, &[("code", &code())]).await.status, 200);
    app.engine.clock().advance_ms(30_000);
    let off = "/admin/account/second-step/off";
    for _ in 0..6 {
        assert_eq!(app.post(off, &[("code", "000000")]).await.status, 422);
    }
    // Even the right code waits now.
    let waits = app.post(off, &[("code", &code())]).await;
    assert!(waits.body.contains("too many tries"), "{}", waits.body);
    let change = "/admin/account/password";
    let fields = |old: &'static str| [("old_password", old), ("password", "the ferns are dry")];
    for _ in 0..6 {
        assert_eq!(app.post(change, &fields("not this one at all")).await.status, 422);
    }
    let waits = app.post(change, &fields(PASSWORD)).await;
    assert!(waits.body.contains("too many tries"), "{}", waits.body);
    // The phone is lost, and the recovery codes: whoever sits at the machine takes the step away.
    let console = app.engine.by(Actor::Console);
    second_step::reset(&console, OWNER).await.unwrap();
    app.other_browser();
    assert_eq!(knock(&app, OWNER, PASSWORD).await.location(), "/admin");
    let log = app.get("/admin/audits?scope=installation").await.body;
    assert!(log.contains("second_step.reset") && log.contains("console"));
}

/// What two who save one thing are told: where it is changed, how, and by which field.
const SAVED: [(&str, &str); 6] = [
    ("/admin/offers/", "title"),
    ("/admin/paths/", "name"),
    ("/admin/products/", "summary"),
    ("/admin/pages/", "title"),
    ("/admin/templates/", "source"),
    ("/admin/sequences/", "name"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a12_two_who_save_one_thing_see_both_texts_and_lose_neither() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.sign_in(Role::Owner).await;
    let fields = [("title", "Bread"), ("slug", "bread"), ("kind", "landing")];
    app.post("/admin/pages", &fields).await;
    let fields = [
        ("slug", "one"),
        ("name", "One"),
        ("format", "markdown"),
        ("subject", "Mail one"),
        ("source", "Hello."),
    ];
    app.post("/admin/templates", &fields).await;
    app.post("/admin/sequences", &[("name", "Welcome"), ("slug", "welcome")]).await;
    for (kind, field) in SAVED {
        let list = app.get(kind.trim_end_matches('/')).await.plain();
        let id = list.split(&format!("href=\"{kind}")).find(|rest| rest[3..].starts_with('_'));
        let id = id.unwrap_or_else(|| panic!("{kind}: {list}")).split('"').next().unwrap();
        let edit = if matches!(kind, "/admin/pages/" | "/admin/sequences/") { "/edit" } else { "" };
        let path = format!("{kind}{id}{edit}");
        let page = app.get(&path).await;
        let send = async |page: &Answer, text: &str| {
            let mut form = page.fields_of(&path);
            form.retain(|(name, _)| name != field);
            form.push((field.to_owned(), text.to_owned()));
            let form: Vec<(&str, &str)> =
                form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            match kind {
                "/admin/products/" => app.upload(&path, &form, &[]).await,
                _ => app.post(&path, &form).await,
            }
        };
        assert_eq!(send(&page, "Theirs of old").await.status, 303, "{path}");
        let merge = send(&page, "Mine and new").await;
        assert_eq!(merge.status, 409, "{path}: {}", merge.body);
        let both = merge.body.contains("Theirs of old") && merge.body.contains("Mine and new");
        assert!(both, "{path}: {}", merge.body);
        // Having seen theirs, mine is saved by pressing the button again.
        assert_eq!(send(&merge, "Mine and new").await.status, 303, "{path}");
        assert!(app.get(&path).await.body.contains("Mine and new"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a12_a_block_that_somebody_moved_or_took_out_is_not_saved_over_another() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let fields = [("title", "Bread"), ("slug", "bread"), ("kind", "landing")];
    let made = app.post("/admin/pages", &fields).await;
    let page = made.location().to_owned();
    let blocks = format!("{page}/blocks");
    for text in ["Mine.", "Third."] {
        let new = format!("{blocks}/new?kind=text");
        assert_eq!(app.fill(&new, &blocks, &[("text", text)]).await.status, 303);
    }
    let outline = async || {
        let shown = app.get(&page).await.plain();
        ["Mine.", "Yours.", "Theirs.", "Third."].map(|word| shown.matches(word).count())
    };
    let typed = async |form: &Answer, at: usize, text: &str| {
        let action = format!("{blocks}/{at}");
        let mut fields = form.fields_of(&action);
        fields.retain(|(name, _)| name != "text");
        fields.push(("text".to_owned(), text.to_owned()));
        let fields: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        app.post(&action, &fields).await
    };
    let arrange = async |at: usize, to: &str| {
        let version = app.get(&format!("{blocks}/{at}")).await.hidden("version");
        let fields = [("to", to), ("version", version.as_str())];
        assert_eq!(app.post(&format!("{blocks}/{at}/arrange"), &fields).await.status, 303);
    };
    // The first block goes: mine stands where it stood.
    let open = app.get(&format!("{blocks}/1")).await;
    arrange(0, "remove").await;
    let merge = typed(&open, 1, "Yours.").await;
    assert_eq!(merge.status, 409, "{}", merge.body);
    assert!(merge.body.contains("another part of this page"), "{}", merge.body);
    assert_eq!(typed(&merge, 0, "Yours.").await.status, 303);
    assert_eq!(outline().await, [0, 1, 0, 1]);
    // Somebody wrote in it and moved it: both texts, at its new place.
    let open = app.get(&format!("{blocks}/0")).await;
    assert_eq!(typed(&open, 0, "Theirs.").await.status, 303);
    arrange(0, "down").await;
    let merge = typed(&open, 0, "Mine.").await;
    assert_eq!(merge.status, 409, "{}", merge.body);
    assert!(merge.body.contains("Theirs.") && merge.body.contains("Mine."), "{}", merge.body);
    assert_eq!(typed(&merge, 1, "Mine.").await.status, 303);
    assert_eq!(outline().await, [1, 0, 0, 1]);
    // Somebody took it out, and it stood last: what I typed is not lost, and nothing is replaced.
    let open = app.get(&format!("{blocks}/1")).await;
    arrange(1, "remove").await;
    let merge = typed(&open, 1, "Yours.").await;
    assert_eq!(merge.status, 409, "{}", merge.body);
    assert!(merge.body.contains("took this block out"), "{}", merge.body);
    let fields = merge.fields_of(&blocks);
    let fields: Vec<_> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(app.post(&blocks, &fields).await.status, 303);
    assert_eq!(outline().await, [0, 1, 0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_https_an_owner_sets_a_second_step_up_before_anything_else() {
    let mut app = TestApp::start().await;
    owner(&app).await;
    let settings = WebSettings { https: true, ..WebSettings::default() };
    app.router = web::router(AppState::with_settings(app.engine.clone(), settings));
    knock(&app, OWNER, PASSWORD).await;
    assert_eq!(app.get("/admin").await.location(), "/admin/account/second-step");
    let page = app.get("/admin/account/second-step").await;
    assert!(page.body.contains("need it on this server"));
    let code = second_step::code_now(&app.engine, &secret_on(&page.body)).unwrap();
    app.post("/admin/account/second-step", &[("code", &code)]).await;
    assert_eq!(app.get("/admin").await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a16_the_first_run_needs_the_token_on_the_console() {
    let app = TestApp::start().await;
    let token = engine::setup::token(&app.engine).await.unwrap().unwrap();
    let form = |token: &str| {
        vec![
            ("token".to_owned(), token.to_owned()),
            ("site_name".to_owned(), "Fern and Hollow".to_owned()),
            ("base_url".to_owned(), "http://localhost:8095".to_owned()),
            ("postal_address".to_owned(), "1 Fern Street".to_owned()),
            ("currency".to_owned(), "EUR".to_owned()),
            ("timezone".to_owned(), "Europe/Berlin".to_owned()),
            ("email".to_owned(), OWNER.to_owned()),
            ("password".to_owned(), PASSWORD.to_owned()),
        ]
    };
    let send = async |fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        app.post("/admin/setup", &fields).await
    };
    assert_eq!(app.get("/admin/sign-in").await.location(), "/admin/setup");
    for wrong in ["", "guess", &"A".repeat(43)] {
        let answer = send(form(wrong)).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains("token on the console"));
    }
    // Nor does it take an address a site cannot live at (G3).
    for far in ["http://fern.example", "https://203.0.113.9", "https://fern.example/shop"] {
        let mut fields = form(&token);
        fields[2].1 = far.to_owned();
        let answer = send(fields).await;
        assert_eq!(answer.status, 422, "{far}");
        assert!(answer.body.contains("the name of your domain"), "{far}");
    }
    assert_eq!(send(form(&token)).await.location(), "/admin");
    assert_eq!(app.get("/admin").await.status, 200);
    // Once only, whoever has the token.
    assert_eq!(send(form(&token)).await.status, 404);
    assert_eq!(app.get("/admin/setup").await.status, 404);
    assert!(engine::setup::token(&app.engine).await.unwrap().is_none());
}
