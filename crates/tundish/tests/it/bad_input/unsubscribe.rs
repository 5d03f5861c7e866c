//! L9–L13: unsubscribing.

use axum::body::Body;
use axum::http::{Version, header};
use model::contacts::Status;

use crate::people::{app, confirmed, contact, count, ledger, messages};

fn path_of(app: &testkit::TestApp, contact: &model::contacts::Contact) -> String {
    let url = engine::links::unsubscribe_url_of(&app.engine, &app.site, contact.id);
    url.strip_prefix(&app.site.base_url).unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l09_fetching_the_link_is_a_page_only() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let page = app.get(&path_of(&app, &ada)).await;
    assert_eq!(page.status, 200);
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l10_any_post_unsubscribes_at_once_however_it_is_made() {
    let forms = [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", Version::HTTP_11),
        (
            "multipart/form-data; boundary=b",
            concat!(
                "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n",
                "One-Click\r\n--b--",
            ),
            Version::HTTP_11,
        ),
        ("", "", Version::HTTP_10),
    ];
    for (kind, body, version) in forms {
        let app = app().await;
        let ada = confirmed(&app, "ada@x.test").await;
        for _ in 0..2 {
            let mut request = app.request("POST", &path_of(&app, &ada)).version(version);
            if !kind.is_empty() {
                request = request.header(header::CONTENT_TYPE, kind);
            }
            let answer = app.send(request.body(Body::from(body)).unwrap()).await;
            assert_eq!(answer.status, 200, "no redirect, as often as one likes");
            assert!(answer.headers.get(header::SET_COOKIE).is_none());
        }
        let ada = contact(&app, "ada@x.test").await.unwrap();
        assert_eq!(ada.status, Status::Unsubscribed);
        let lines = ledger(&app, &ada).await;
        assert_eq!((lines.len(), lines[1].2.as_str()), (2, "one-click"));
        assert_eq!(count(&app, "unsubscribed").await, 0, "a mail program's press needs no answer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l10_the_link_of_a_mail_names_its_reader() {
    let app = app().await;
    confirmed(&app, "ada@x.test").await;
    let message = messages(&app).await.remove(0);
    let url = engine::links::unsubscribe_url(&app.engine, &app.site, message.id);
    app.post(url.strip_prefix(&app.site.base_url).unwrap(), &[]).await;
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Unsubscribed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l11_a_forged_or_cut_link_changes_nothing() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let path = path_of(&app, &ada);
    let other = app.engine.keys().sign(model::tokens::Purpose::Click, ada.id.0, 0);
    for bad in [path[..path.len() - 2].to_owned(), format!("/u/{other}"), "/u/x".to_owned()] {
        assert_eq!(app.post(&bad, &[]).await.status, 200);
    }
    assert_eq!(contact(&app, "ada@x.test").await.unwrap().status, Status::Confirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l12_a_forwarded_mail_shows_a_masked_address_and_one_mail_tells_the_owner() {
    let app = app().await;
    let ada = confirmed(&app, "ada@x.test").await;
    let page = app.get(&path_of(&app, &ada)).await;
    assert!(page.body.contains("a…@x….test") && !page.body.contains("ada@x.test"));
    for _ in 0..3 {
        app.post(&path_of(&app, &ada), &[("from", "page")]).await;
    }
    assert_eq!(count(&app, "unsubscribed").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn l13_a_link_of_a_lost_key_leads_to_a_page_that_sends_a_new_one() {
    let app = app().await;
    confirmed(&app, "ada@x.test").await;
    let lost = model::tokens::KeyRing::new(9, [1; 32]);
    let token = lost.sign(model::tokens::Purpose::Unsubscribe, 1, 0);
    let page = app.get(&format!("/u/{token}")).await;
    assert!(page.body.contains("Type your address"));
    let known = app.post("/u", &[("email", "ada@x.test")]).await;
    let unknown = app.post("/u", &[("email", "nobody@x.test")]).await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    assert_eq!(count(&app, "your_links").await, 1);
}
