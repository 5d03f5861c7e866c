//! A5: what others wrote is shown to operators as text.

use axum::body::Body;
use axum::http::header;
use model::operators::Role;
use testkit::TestApp;

use super::admin::{PASSWORD, owner};
use crate::people;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a05_what_a_browser_says_of_itself_is_never_markup() {
    let app = TestApp::start().await;
    owner(&app).await;
    let request = app
        .request("POST", "/admin/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .header(header::USER_AGENT, "Firefox <img src=x onerror=alert(1)>")
        .header(header::REFERER, "http://shop.example/<script>");
    let body = format!("email=owner%40shop.example&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(app.send(request.body(Body::from(body)).unwrap()).await.location(), "/admin");
    let page = app.get("/admin/account").await;
    assert!(page.body.contains("Firefox") && !page.body.contains("onerror"));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a05_names_of_files_and_titles_of_pages_are_shown_as_text() {
    let app = TestApp::start().await;
    app.sign_in(Role::Owner).await;
    let markup = "<img src=x onerror=alert(1)>";
    let fields = [("title", markup), ("slug", "bread"), ("kind", "landing")];
    let page = app.post("/admin/pages", &fields).await;
    let page = page.location().to_owned();
    app.post(&format!("{page}/publish"), &[]).await;
    // A browser sends the name of a file with its quotes escaped, and nothing else.
    let file = ("file", "<img src=x onerror=alert(1)>.pdf", "application/pdf", b"%PDF".as_slice());
    let texts = [("name", markup), ("role", "front"), ("state", "active")];
    let product = app.upload("/admin/products", &texts, &[file]).await;
    let product = product.location().to_owned();
    let texts = [("slug", "chapter"), ("name", markup), ("url", "")];
    assert_eq!(app.upload("/admin/magnets", &texts, &[file]).await.status, 303);
    let list = ("file", "<img src=x onerror=alert(1)>.csv", "text/csv", b"email\na@x.test\n");
    let list = (list.0, list.1, list.2, list.3.as_slice());
    let import = app.upload("/admin/imports", &[], &[list]).await.location().to_owned();
    let magnets = app.get("/admin/magnets").await.plain();
    let magnet = magnets.split("href=\"").find(|rest| rest.starts_with("/admin/magnets/mag_"));
    let magnet = magnet.unwrap().split('"').next().unwrap().to_owned();
    for shown in [
        "/admin/pages",
        &page,
        "/p/bread",
        "/admin/products",
        &product,
        "/admin/magnets",
        &magnet,
        "/admin/imports",
        &import,
    ] {
        let answer = app.get(shown).await;
        assert_eq!(answer.status, 200, "{shown}");
        assert!(!answer.body.contains("<img src=x"), "{shown}: {}", answer.body);
        assert!(answer.body.contains("img src=x"), "it is shown at {shown}: {}", answer.body);
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a05_what_a_browser_calls_itself_at_a_click_or_a_form_is_shown_nowhere_as_markup() {
    let app = people::app().await;
    let token = people::token_of(&app, "chapter").await;
    app.engine.clock().advance_ms(5_000);
    let markup = "Firefox <img src=x onerror=alert(1)>";
    let request = app
        .request("POST", "/f/chapter")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, markup)
        .header(
            header::REFERER,
            "http://elsewhere.example/<img src=x onerror=alert(1)>?q=<script>",
        );
    let body = format!(
        "_t={token}&email=ada%40x.test&first_name=A&_landing=%2F%3Cimg%20src%3Dx%20onerror%3E\
         &_referrer=http%3A%2F%2Fx.example%2F%3Cimg%20src%3Dx%20onerror%3E"
    );
    assert_eq!(app.send(request.body(Body::from(body)).unwrap()).await.status, 303);
    let path = people::path_in(&app, "confirmation", "confirm_url").await;
    app.post(&path, &[]).await;
    app.advance_ms(60_000).await;
    let mail = app.mail_to("ada@x.test");
    let words = mail.text.split(|c: char| c.is_whitespace() || "<>()".contains(c));
    for link in words.filter(|word| word.contains("/l/")) {
        let path = link.split_once("shop.example").unwrap().1;
        let request = app.request("GET", path).header(header::USER_AGENT, markup);
        app.send(request.body(Body::empty()).unwrap()).await;
    }
    app.advance_ms(60_000).await;
    app.sign_in(Role::Owner).await;
    let ada = people::contact(&app, "ada@x.test").await.unwrap().id;
    let forms = app.get("/admin/forms").await.plain();
    let form = forms.split("href=\"").find(|rest| rest.starts_with("/admin/forms/frm_")).unwrap();
    let form = form.split('"').next().unwrap();
    for shown in [
        &format!("/admin/contacts/{ada}"),
        form,
        "/admin/numbers/stages/lead",
        "/admin/numbers/channels",
        "/admin/messages",
        "/admin",
    ] {
        let answer = app.get(shown).await;
        assert!(!answer.body.contains("<img src=x"), "{shown}: {}", answer.body);
    }
}
