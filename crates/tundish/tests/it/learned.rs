//! The learned score: nothing from too little, and from enough a chance that is taken apart.

use model::UtcMs;
use model::contacts::Contact;
use model::ids::{ContactId, EventId, first_id_at};
use model::operators::Role;
use model::times::DAY_MS;
use store::StoreError;
use store::events::NewEvent;
use testkit::TestApp;

fn person(n: i64, now: UtcMs) -> Contact {
    let email = format!("p{n}@example.com");
    Contact {
        id: ContactId(first_id_at(now) + n),
        email_key: email.clone(),
        address_hmac: format!("h{email}"),
        email,
        created_at: now,
        updated_at: now,
        confirmed_at: Some(now),
        ..crate::scores::person(n)
    }
}

/// People who come now; every third clicks often.
async fn come(app: &TestApp, from: i64, count: i64) {
    let (site, now) = (app.site.id, app.engine.now());
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move {
                for n in from..from + count {
                    let one = person(n, now);
                    assert!(store::contacts::insert(tx, site, &one).await?);
                    let clicks = if n % 3 == 0 { 3 + n % 2 } else { n % 2 };
                    for click in 0..clicks {
                        let event = NewEvent {
                            kind: "message.clicked",
                            contact_id: Some(one.id),
                            subject_id: None,
                            data: &(),
                        };
                        let id = EventId(first_id_at(now) + 1_000 + n * 10 + click);
                        store::events::insert(tx, site, id, now, event).await?;
                    }
                }
                Ok(())
            })
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_is_refused_in_words_and_viewers_may_look_but_not_ask() {
    let app = TestApp::start().await;
    app.sign_in(Role::Viewer).await;
    assert!(app.get("/admin/scores/learned").await.body.contains("Nothing learned yet"));
    assert_eq!(app.post("/admin/scores/learned", &[("do", "learn")]).await.status, 403);
    app.other_browser();
    app.sign_in(Role::Editor).await;
    come(&app, 0, 30).await;
    app.advance_ms(100 * DAY_MS).await;
    app.sign_in(Role::Editor).await;
    assert_eq!(app.post("/admin/scores/learned", &[("do", "learn")]).await.status, 303);
    assert!(app.get("/admin/scores/learned").await.body.contains("It is being learned"));
    app.recount().await;
    let page = app.get("/admin/scores/learned").await.body;
    assert!(page.contains("Too little to learn from") && page.contains("50 of each"), "{page}");
    let file = app.get("/admin/scores/learned/csv").await.body;
    assert_eq!(file.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_clicks_like_those_who_bought_gets_the_better_chance_taken_apart() {
    let app = TestApp::start().await;
    app.stock_shop().await;
    app.sign_in(Role::Editor).await;
    come(&app, 0, 240).await;
    app.advance_ms(10 * DAY_MS).await;
    for n in 0..240 {
        // Most of those who click, and some of the others.
        if (n % 3 == 0 && n % 5 != 0) || n % 13 == 0 {
            let email = format!("p{n}@example.com");
            app.place("guide", app.checkout_form(&email, 1_900)).await.unwrap();
        }
    }
    app.advance_ms(80 * DAY_MS).await;
    // A month later: they are no cases yet, and have their first days behind them in time.
    come(&app, 300, 40).await;
    app.advance_ms(9 * DAY_MS).await;
    app.sign_in(Role::Editor).await;
    let sent = app.mails().len();
    app.post("/admin/scores/learned", &[("do", "allow"), ("allowed", "Age")]).await;
    app.post("/admin/scores/learned", &[("do", "learn")]).await;
    app.recount().await;
    let page = app.get("/admin/scores/learned").await.body;
    for shown in
        ["Ranking (AUC)", "One more of clicks", "makes buying likelier", "Likeliest to buy"]
    {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(page.contains("value=\"age\""));
    let likeliest = page.split("Likeliest to buy").last().unwrap();
    assert!(likeliest.contains("p300@example.com") && !likeliest.contains("p0@example.com"));
    let path = likeliest.split("row-link\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let shown = app.get(&path.replace("&#x2f;", "/").replace("&amp;", "&")).await.body;
    assert!(shown.contains("Chance to buy") && shown.contains("Clicks"), "{shown}");
    for (of, head) in [("weights", "fact,odds\r\n"), ("likeliest", "id,name,email,chance\r\n")] {
        let path = format!("/admin/scores/learned/csv?of={of}");
        assert!(page.contains(&format!("csv?of={of}")), "{of}");
        let file = app.get(&path).await.body;
        assert!(file.starts_with(head) && file.lines().count() > 1, "{of}: {file}");
    }
    let file = app.get("/admin/scores/learned/csv").await.body;
    assert!(file.lines().count() > 5, "{file}");
    // No mail went to anybody because of it.
    assert_eq!(app.mails().len(), sent);
    // A week later it is learned anew by itself.
    let before = app.get("/admin/scores/learned").await.body;
    let at = |page: &str| page.split("Learned on ").nth(1).unwrap()[..20].to_owned();
    app.advance_ms(8 * DAY_MS).await;
    app.recount().await;
    app.sign_in(Role::Editor).await;
    assert_ne!(at(&app.get("/admin/scores/learned").await.body), at(&before));
}
