//! Who may change what in the admin, and that each change stands in the audit log with its name:
//! every POST route there is, read from the source, so that none is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use engine::audits::INSTALLATION;
use model::SiteId;
use model::audits::Audit;
use model::operators::Role;
use model::times::DAY_MS;
use testkit::{Answer, TestApp};

/// Signing in, one's own account and the site in view: no rights of a site are needed there, and
/// each has tests of its own.
const OWN: [&str; 7] = [
    "/admin/site",
    "/admin/setup",
    "/admin/sign-in",
    "/admin/sign-out",
    "/admin/forgot",
    "/admin/password",
    "/admin/account",
];

fn posts() -> BTreeSet<String> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/routes.rs");
    let text = std::fs::read_to_string(source).unwrap();
    let routes = text.split(".route(").skip(1).filter_map(|part| {
        let path = part.split('"').nth(1)?;
        let methods = part.split('"').nth(2)?;
        let ours = path.starts_with("/admin/") && !OWN.iter().any(|own| path.starts_with(own));
        (ours && methods.contains("post(")).then(|| path.to_owned())
    });
    routes.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_changes_nothing_by_any_route_of_the_admin() {
    let app = TestApp::start().await;
    app.sign_in(Role::Viewer).await;
    let routes = posts();
    assert!(routes.len() > 50, "{routes:?}");
    for route in &routes {
        let parts = route.split('/').map(|p| if p.starts_with('{') { "1" } else { p });
        let path = parts.collect::<Vec<_>>().join("/");
        assert_eq!(app.post(&path, &[]).await.status, 403, "{path}");
        assert_eq!(app.upload(&path, &[], &[]).await.status, 403, "{path}");
    }
}

/// Walks the admin as its owner, and looks at the log after each step.
struct Walk<'a> {
    app: &'a TestApp,
    by: String,
    walked: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

async fn lines(app: &TestApp) -> Vec<Audit> {
    let site = app.site.id;
    let reader = app.engine.reader();
    let read = reader.read::<_, engine::EngineError, _>(move |session| {
        Box::pin(async move {
            let of = async |session: &mut store::Session<'_>, site: SiteId| {
                store::audits::list(session, site, i64::MAX, 1_000).await
            };
            let mut all = of(session, INSTALLATION).await?;
            all.extend(of(session, site).await?);
            Ok(all)
        })
    });
    read.await.unwrap()
}

impl Walk<'_> {
    /// The step left one line, or so many, and all of them are the owner's.
    async fn step(
        &mut self,
        route: &str,
        count: usize,
        did: impl AsyncFnOnce() -> Answer,
    ) -> Answer {
        let before: BTreeSet<String> =
            lines(self.app).await.into_iter().map(|line| line.hash).collect();
        let answer = did().await;
        let said = answer.status.as_u16();
        let new = lines(self.app).await.into_iter().filter(|line| !before.contains(&line.hash));
        let new: Vec<Audit> = new.collect();
        let theirs = new.iter().all(|line| line.actor == self.by);
        if !matches!(said, 200 | 303) || new.len() != count || !theirs {
            let sorry = answer.plain().split("error-summary").nth(1).map(|s| s[..200].to_owned());
            self.wrong.push(format!("{route}: {said}, {new:?}, {sorry:?}"));
        }
        *self.walked.entry(route.to_owned()).or_default() += 1;
        answer
    }

    async fn post(&mut self, route: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let app = self.app;
        self.step(route, 1, async || app.post(path, fields).await).await
    }

    async fn fill(&mut self, route: &str, page: &str, to: &str, typed: &[(&str, &str)]) -> Answer {
        let app = self.app;
        self.step(route, 1, async || app.fill(page, to, typed).await).await
    }

    async fn upload(
        &mut self,
        route: &str,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &str, &str)],
    ) -> Answer {
        let app = self.app;
        let files =
            files.iter().map(|(name, file, kind, text)| (*name, *file, *kind, text.as_bytes()));
        let files: Vec<_> = files.collect();
        self.step(route, 1, async || app.upload(path, fields, &files).await).await
    }
}

/// Where the answer leads; nowhere, where it was refused (the walk tells that at its end).
fn went(answer: &Answer) -> &str {
    let place = answer.headers.get("location");
    place.map_or("/nowhere", |place| place.to_str().unwrap())
}

fn id_in(path: &str) -> String {
    path.trim_end_matches("/edit").rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_in_the_admin_leaves_its_line_in_the_audit_log() {
    let app = TestApp::start().await;
    let shop = app.stock_shop().await;
    let by = app.sign_in(Role::Owner).await.to_string();
    let mut walk = Walk { app: &app, by, walked: BTreeMap::new(), wrong: Vec::new() };
    follow_up(&mut walk).await;
    contacts(&mut walk).await;
    by_hand(&mut walk).await;
    leads(&mut walk).await;
    pages(&mut walk).await;
    scoring(&mut walk).await;
    figuring(&mut walk).await;
    selling(&mut walk, &shop).await;
    orders(&mut walk).await;
    settings(&mut walk).await;
    sending(&mut walk).await;
    assert!(walk.wrong.is_empty(), "{}", walk.wrong.join("\n"));
    let walked: BTreeSet<String> = walk.walked.into_keys().collect();
    let missed: Vec<String> = posts().difference(&walked).cloned().collect();
    assert!(missed.is_empty(), "not walked: {missed:?}");
    assert!(engine::audits::check(&app.engine).await.unwrap().is_empty());
}

async fn follow_up(walk: &mut Walk<'_>) {
    let fields = [("slug", "letters"), ("name", "Letters")];
    walk.post("/admin/topics", "/admin/topics", &fields).await;
    let topics = walk.app.get("/admin/topics").await.plain();
    let id = topics.split("/admin/topics/").find(|rest| rest.starts_with("top_")).unwrap();
    let path = format!("/admin/topics/{}", id.split('"').next().unwrap());
    walk.post("/admin/topics/{id}/delete", &path, &[]).await;

    let fields = [
        ("slug", "one"),
        ("name", "One"),
        ("format", "markdown"),
        ("subject", "Mail one"),
        ("source", "Hello."),
    ];
    let made = walk.post("/admin/templates", "/admin/templates", &fields).await;
    let path = format!("/admin/templates/{}", id_in(went(&made)));
    let template = id_in(&path);
    walk.fill("/admin/templates/{id}", &path, &path, &[("source", "Hello again.")]).await;
    let test = format!("{path}/test");
    walk.post("/admin/templates/{id}/test", &test, &[("to", "me@example.org")]).await;
    let list = walk.app.get("/admin/messages?state=queued").await.plain();
    let id = list.split("/admin/messages/").find(|rest| rest.starts_with("msg_")).unwrap();
    let path = format!("/admin/messages/{}", id.split('"').next().unwrap());
    for act in ["hold", "retry", "cancel"] {
        walk.post("/admin/messages/{id}/{act}", &format!("{path}/{act}"), &[]).await;
    }

    let fields = [("name", "Welcome"), ("slug", "welcome")];
    let made = walk.post("/admin/sequences", "/admin/sequences", &fields).await;
    let edit = went(&made).to_owned();
    let fields = [
        ("starts_on", "{\"when\":\"tag_added\",\"of\":\"welcome\"}"),
        ("what", "mail"),
        ("wait", "5 days"),
        ("template", template.as_str()),
        ("class", "value"),
        ("step_id", ""),
        ("window", ""),
        ("tag", ""),
    ];
    walk.fill("/admin/sequences/{id}/edit", &edit, &edit, &fields).await;
    let path = edit.trim_end_matches("/edit");
    for act in ["publish", "pause", "live"] {
        walk.post("/admin/sequences/{id}", path, &[("act", act)]).await;
    }
}

async fn contacts(walk: &mut Walk<'_>) {
    let ada = [("email", "ada@example.org")];
    let made = walk.post("/admin/contacts", "/admin/contacts", &ada).await;
    let path = went(&made).to_owned();
    let at = |word: &str| format!("{path}/{word}");
    let route = |word: &str| format!("/admin/contacts/{{id}}/{word}");
    walk.post(&route("name"), &at("name"), &[("first_name", "Ada")]).await;
    walk.post(&route("tag"), &at("tag"), &[("tag", "welcome")]).await;
    walk.post(&route("untag"), &at("untag"), &[("tag", "welcome")]).await;
    for switch in ["pause", "resume", "no-sales", "sales", "test"] {
        walk.post(&route("switch"), &at("switch"), &[("switch", switch)]).await;
    }
    let page = walk.app.get(&format!("{path}?tab=sequences")).await;
    let fields = page.fields_of(&at("forward"));
    let enrolment = fields.iter().find(|(name, _)| name == "enrolment").unwrap().1.clone();
    walk.post(&route("forward"), &at("forward"), &[("enrolment", &enrolment)]).await;
    walk.post(&route("unsubscribe"), &at("unsubscribe"), &[]).await;
    walk.post(&route("export"), &at("export"), &[]).await;
    walk.post(&route("erase"), &at("erase"), &ada).await;
}

async fn by_hand(walk: &mut Walk<'_>) {
    let app = walk.app;
    app.subscribe("bo@example.org").await;
    let list = app.get("/admin/sequences").await.plain();
    let id = list.split("/admin/sequences/").find(|rest| rest.starts_with("seq_")).unwrap();
    let id = id.split('"').next().unwrap();
    let bo = format!("/admin/contacts/{}", app.contact("bo@example.org").await.id);
    let (put, out) = (format!("{bo}/sequence"), format!("{bo}/take-out"));
    walk.post("/admin/contacts/{id}/sequence", &put, &[("sequence", id)]).await;
    let tab = app.get(&format!("{bo}?tab=sequences")).await;
    let enrolment = tab.hidden("enrolment");
    walk.post("/admin/contacts/{id}/take-out", &out, &[("enrolment", &enrolment)]).await;

    let path = format!("/admin/sequences/{id}/people");
    let page = app.get(&format!("{path}?who=everyone")).await;
    let shown = ["turn", "before", "people"].map(|name| (name, page.hidden(name)));
    let mut fields: Vec<(&str, &str)> = shown.iter().map(|(n, v)| (*n, v.as_str())).collect();
    fields.push(("who", "everyone"));
    let made = walk.post("/admin/sequences/{id}/people", &path, &fields).await;
    let run = went(&made).to_owned();
    walk.post("/admin/sequences/{id}/runs/{run}", &run, &[]).await;
}

async fn leads(walk: &mut Walk<'_>) {
    let app = walk.app;
    let fields = [("slug", "gift"), ("name", "A gift"), ("url", "https://example.org/gift")];
    walk.upload("/admin/magnets", "/admin/magnets", &fields, &[]).await;
    let list = app.get("/admin/magnets").await.plain();
    let id = list.split("/admin/magnets/").find(|rest| rest.starts_with("mag_")).unwrap();
    let path = format!("/admin/magnets/{}", id.split('"').next().unwrap());
    walk.upload("/admin/magnets/{id}", &path, &fields, &[]).await;

    let fields = [
        ("slug", "letter"),
        ("name", "The letter"),
        ("title", "Letters"),
        ("button", "Send me letters"),
        ("consent", "Send me the letters by e-mail."),
    ];
    let made = walk.fill("/admin/forms", "/admin/forms/new", "/admin/forms", &fields).await;
    let path = went(&made).to_owned();
    let edit = format!("{path}/edit");
    walk.fill("/admin/forms/{id}", &edit, &path, &[("title", "Letters")]).await;
    let token = app.get("/f/letter").await.hidden("_t");
    app.post("/f/letter", &[("email", "bot@example.org"), ("_t", &token)]).await;
    let kept = app.get(&format!("{path}?state=spam")).await;
    let plain = kept.plain();
    let answer = plain.split("/answers/").nth(1).unwrap().split('"').next().unwrap();
    let decide = format!("{path}/answers/{answer}");
    let route = "/admin/forms/{id}/answers/{answer}";
    walk.post(route, &decide, &[("decision", "discard")]).await;
    for _ in 0..2 {
        walk.post("/admin/forms/{id}/retire", &format!("{path}/retire"), &[]).await;
    }

    let file = [("file", "people.csv", "text/csv", "email,first_name\r\nbea@example.org,Bea\r\n")];
    let made = walk.upload("/admin/imports", "/admin/imports", &[], &file).await;
    let path = went(&made).to_owned();
    // What the columns mean changes nobody yet.
    let (route, columns) = ("/admin/imports/{id}/columns", format!("{path}/columns"));
    let named = [("column-0", "email"), ("column-1", "first_name")];
    walk.step(route, 0, async || app.post(&columns, &named).await).await;
    let start = [("consent", "Signed up on paper at the fair, 2025")];
    walk.post("/admin/imports/{id}/start", &format!("{path}/start"), &start).await;
    walk.post("/admin/imports/{id}/pause", &format!("{path}/pause"), &[]).await;
    app.post(&format!("{path}/start"), &start).await;
    app.run_until_idle().await;
    walk.post("/admin/imports/{id}/undo", &format!("{path}/undo"), &[]).await;

    let link = [("code", "fair"), ("destination", "/p/home"), ("source", "flyer")];
    walk.post("/admin/sources", "/admin/sources", &link).await;
}

async fn pages(walk: &mut Walk<'_>) {
    let fields = [("title", "Bread"), ("slug", "bread"), ("kind", "landing")];
    let made = walk.post("/admin/pages", "/admin/pages", &fields).await;
    let path = went(&made).to_owned();
    let edit = format!("{path}/edit");
    walk.fill("/admin/pages/{id}/edit", &edit, &edit, &[("title", "Breads")]).await;
    let blocks = format!("{path}/blocks");
    let new = format!("{blocks}/new?kind=text");
    walk.fill("/admin/pages/{id}/blocks", &new, &blocks, &[("text", "Flour.")]).await;
    let one = format!("{blocks}/1");
    let route = "/admin/pages/{id}/blocks/{number}";
    walk.fill(route, &one, &one, &[("text", "Flour and water.")]).await;
    let arrange = format!("{one}/arrange");
    let route = "/admin/pages/{id}/blocks/{number}/arrange";
    walk.fill(route, &path, &arrange, &[("to", "up")]).await;
    walk.post("/admin/pages/{id}/publish", &format!("{path}/publish"), &[]).await;
    walk.post("/admin/pages/{id}/retire", &format!("{path}/retire"), &[]).await;
}

async fn scoring(walk: &mut Walk<'_>) {
    walk.post("/admin/scores", "/admin/scores", &[("do", "usual")]).await;
    let learned = "/admin/scores/learned";
    walk.post(learned, learned, &[("do", "learn")]).await;
    let fields = [("cause", "order_paid"), ("points", "5"), ("is_on", "on")];
    walk.post("/admin/scores/new", "/admin/scores/new", &fields).await;
    let page = walk.app.get("/admin/scores").await.body;
    let path = page.split("row-link\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let path = path.replace("&#x2f;", "/");
    walk.fill("/admin/scores/{id}", &path, &path, &[("points", "6")]).await;
    walk.post("/admin/scores/{id}/delete", &format!("{path}/delete"), &[]).await;
}

async fn figuring(walk: &mut Walk<'_>) {
    let fields = [
        ("name", "Buyers"),
        ("matching", "all"),
        ("sign", "is"),
        ("what", "customer"),
        ("number", ""),
    ];
    let made = walk.post("/admin/segments", "/admin/segments", &fields).await;
    let path = went(&made).to_owned();
    let edit = format!("{path}/edit");
    walk.fill("/admin/segments/{id}/edit", &edit, &edit, &[("name", "All buyers")]).await;
    // Counting changes nothing that anybody made.
    let (app, count) = (walk.app, format!("{path}/count"));
    walk.step("/admin/segments/{id}/count", 0, async || app.post(&count, &[]).await).await;
    let again = "/admin/numbers/reconciliation/again";
    walk.step(again, 0, async || app.post(again, &[]).await).await;
    walk.post("/admin/segments/{id}/delete", &format!("{path}/delete"), &[]).await;
    let rules = "/admin/sources/rules";
    let rule = [("source", "flyer"), ("channel", "offline")];
    walk.post(rules, rules, &rule).await;
    walk.post("/admin/sources/rules/past", "/admin/sources/rules/past", &[]).await;
    let page = walk.app.get(rules).await.body.replace("&#x2f;", "/");
    let delete =
        page.split("action=\"").find(|part| part.split('"').next().unwrap().ends_with("/delete"));
    let delete = delete.unwrap().split('"').next().unwrap().to_owned();
    walk.post("/admin/sources/rules/{id}/delete", &delete, &[]).await;
    let sites = [("view_origins", "https://blog.example")];
    walk.post("/admin/sources/sites", "/admin/sources/sites", &sites).await;
}

async fn selling(walk: &mut Walk<'_>, shop: &testkit::Shop) {
    let fields = [("name", "Jam"), ("role", "front"), ("state", "active"), ("cost", "1.00")];
    let made = walk.upload("/admin/products", "/admin/products", &fields, &[]).await;
    let path = went(&made).to_owned();
    walk.upload("/admin/products/{id}", &path, &fields, &[]).await;
    let pins = [("pin", id_in(&path))];
    let pins: Vec<(&str, &str)> = pins.iter().map(|(a, b)| (*a, b.as_str())).collect();
    let beside = format!("/admin/also-bought/{}", shop.guide.0);
    walk.post("/admin/also-bought/{id}", &beside, &pins).await;
    let fields = [
        ("product", "jam"),
        ("slug", "jam"),
        ("price", "5.00"),
        ("deadline", "none"),
        ("quantity_max", "3"),
        ("state", "active"),
    ];
    let made = walk.post("/admin/offers", "/admin/offers", &fields).await;
    let path = went(&made).to_owned();
    walk.fill("/admin/offers/{id}", &path, &path, &[("price", "6.00")]).await;
    let fields = [("name", "Jam"), ("main", "jam"), ("active", "on")];
    let made = walk.post("/admin/paths", "/admin/paths", &fields).await;
    let path = went(&made).to_owned();
    walk.fill("/admin/paths/{id}", &path, &path, &[("name", "Jams")]).await;
    let fields = [("code", "save10"), ("kind", "percent"), ("value", "10%"), ("active", "on")];
    let made = walk.post("/admin/coupons", "/admin/coupons", &fields).await;
    let path = went(&made).to_owned();
    walk.fill("/admin/coupons/{id}", &path, &path, &[("value", "15%")]).await;

    let fields =
        [("channel", "google"), ("from_day", "2026-01-02"), ("amount", "12.00"), ("key", "k1")];
    let (page, ledger) = ("/admin/numbers/spend", "/admin/numbers/spend");
    walk.post(page, ledger, &fields).await;
    let file = "date,channel,campaign,amount,currency,clicks,impressions,note\r\n\
                2026-01-03,google,,5.00,USD,,,\r\n";
    let file = [("file", "spend.csv", "text/csv", file)];
    walk.upload("/admin/numbers/spend/file", "/admin/numbers/spend/file", &[], &file).await;
    let gone = walk.app.get(ledger).await.form("/delete");
    walk.post("/admin/numbers/spend/{id}/delete", &gone, &[]).await;
}

async fn orders(walk: &mut Walk<'_>) {
    let app = walk.app;
    let bought = app.buy("guide", &[("method", "offline")]).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    let path = format!("/admin/orders/{}", whole.order.id);
    walk.post("/admin/orders/{id}/mark-paid", &format!("{path}/mark-paid"), &[]).await;
    walk.post("/admin/orders/{id}/reviewed", &format!("{path}/reviewed"), &[]).await;
    app.advance_ms(DAY_MS / 8).await;
    walk.post("/admin/orders/{id}/resend", &format!("{path}/resend"), &[]).await;
    let fields = [("what", "whole"), ("reason", "not wanted")];
    walk.post("/admin/orders/{id}/refund", &format!("{path}/refund"), &fields).await;
}

async fn settings(walk: &mut Walk<'_>) {
    let app = walk.app;
    let path = "/admin/settings";
    walk.fill(path, path, path, &[("name", "The Shop")]).await;
    let site = app.site.id.to_string();
    let fields = [("email", "new@shop.example"), ("role", "editor"), ("sites", site.as_str())];
    let path = "/admin/operators";
    // One for the operator, one for the link to hand over.
    walk.step(path, 2, async || app.post(path, &fields).await).await;
    let list = app.get(path).await.plain();
    let rows: BTreeSet<&str> =
        list.split("/admin/operators/opr_").skip(1).filter_map(|r| r.split('"').next()).collect();
    let other = rows.iter().find(|id| !walk.by.ends_with(**id)).unwrap();
    let path = format!("/admin/operators/opr_{other}");
    walk.fill("/admin/operators/{id}", &path, &path, &[("role", "viewer")]).await;
    walk.post("/admin/operators/{id}/invite", &format!("{path}/invite"), &[]).await;
    let fields = [("name", "the shop"), ("scopes", "contacts:read")];
    walk.post("/admin/keys", "/admin/keys", &fields).await;
    let revoke = app.get("/admin/keys").await.form("/revoke");
    walk.post("/admin/keys/{id}/revoke", &revoke, &[]).await;
}

async fn sending(walk: &mut Walk<'_>) {
    let app = walk.app;
    let server = [
        ("host", "smtp.example.com"),
        ("port", "587"),
        ("tls", "starttls"),
        ("username", "ada"),
        ("password", "secret"),
        ("connections", "4"),
        ("per_second", "0"),
    ];
    walk.post("/admin/sending", "/admin/sending", &server).await;
    let acts: [&[(&str, &str)]; 10] = [
        &[("act", "caught")],
        &[("act", "unsigned"), ("typed", engine::sending::UNSIGNED_WORDS)],
        &[("act", "signed")],
        &[("act", "doubtful"), ("classes", "sales")],
        &[("act", "dkim"), ("kind", "ed25519"), ("selector", "s1")],
        &[("act", "dkim-off"), ("selector", "s1")],
        &[("act", "test"), ("to", "me@example.org")],
        &[("act", "copy")],
        &[("act", "sent-before")],
        &[("act", "continue")],
    ];
    for fields in acts {
        let route = "/admin/sending/act";
        walk.step(route, 1, async || app.post(route, fields).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_is_marked_twice_is_one_line() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    let bought = app.buy("guide", &[("method", "offline")]).await;
    let whole = engine::orders::by_token(&app.engine, &app.site, &bought.token).await.unwrap();
    for _ in 0..2 {
        let by = model::audits::Actor::Console;
        engine::orders::mark_paid(&app.engine, &app.site, whole.order.id, by).await.unwrap();
    }
    let all = lines(&app).await;
    assert_eq!(all.iter().filter(|line| line.action == "order.mark_paid").count(), 1);
}
