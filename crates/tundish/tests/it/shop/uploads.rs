//! What is uploaded with the forms of the shop: kept while a form is mended, and never public by
//! mistake.

use model::operators::Role as Rank;
use testkit::TestApp;

const FILM: (&str, &str, &str, &[u8]) = ("file", "lesson.mp4", "video/mp4", b"the lesson");
const COVER: (&str, &str, &str, &[u8]) = ("image", "cover.png", "image/png", PNG);
/// One pixel, as far as a container goes.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0crc!\
    \0\0\0\0IENDcrc!";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_that_is_sold_is_not_among_the_public_pictures() {
    for app in super::on_both("a_film_that_is_sold").await {
        app.sign_in(Rank::Owner).await;
        let texts = [("name", "The course"), ("role", "front"), ("state", "active")];
        let made = app.upload("/admin/products", &texts, &[FILM, COVER]).await;
        assert_eq!(made.status, 303, "{}", made.body);
        let stored = stored_files(&app).await;
        let id = |name: &str| stored.iter().find(|file| file.name == name).unwrap().id;
        app.other_browser();
        let cover = app.get(&format!("/media/{}", id("cover.png"))).await;
        assert!(cover.status == 200 && cover.body.contains("IHDR"), "{}", cover.body);
        assert_eq!(app.get(&format!("/media/{}", id("lesson.mp4"))).await.status, 404);
        // A film that a page shows is public; what it is called decides nothing.
        let film = model::blocks::Block::Video {
            file: Some("lesson.mp4".to_owned()),
            poster: None,
            url: None,
            title: "A lesson".to_owned(),
        };
        let draft = model::pages::PageDraft {
            slug: "welcome".to_owned(),
            kind: model::blocks::PageKind::Landing,
            content: model::blocks::PageContent {
                title: "Welcome".to_owned(),
                description: String::new(),
                blocks: vec![film],
            },
        };
        engine::pages::create(&app.engine, app.site.id, draft).await.unwrap();
        assert_eq!(app.get(&format!("/media/{}", id("lesson.mp4"))).await.status, 200);
    }
}

async fn stored_files(app: &TestApp) -> Vec<store::files::File> {
    let site = app.site.id;
    app.engine
        .reader()
        .read::<_, engine::EngineError, _>(move |session| {
            Box::pin(async move {
                let last = model::ids::FileId(i64::MAX);
                Ok(store::files::list(session, site, last, 100).await?)
            })
        })
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_uploaded_with_a_form_that_must_be_mended_is_kept() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    let mut texts = vec![("name", "The course"), ("role", "front"), ("state", "active")];
    texts.push(("cost", "12,,5"));
    let refused = app.upload("/admin/products", &texts, &[FILM, COVER]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Remove lesson.mp4"), "{}", refused.body);
    let (file, image) = (refused.hidden("kept_file"), refused.hidden("kept_image"));
    texts.pop();
    texts.extend([("cost", "12.50"), ("kept_file", &file), ("kept_image", &image)]);
    let saved = app.upload("/admin/products", &texts, &[]).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let page = app.get(saved.location()).await.plain();
    assert!(page.contains("Remove lesson.mp4"), "{page}");
    assert!(page.contains(&format!("/media/{image}")), "{page}");

    let whole = vec![b'x'; engine::files::BYTES_MAX];
    let fits = ("file", "film.mp4", "video/mp4", whole.as_slice());
    let saved = app.upload(saved.location(), &texts, &[fits]).await;
    assert_eq!(saved.status, 303, "exactly what is promised: {}", saved.body);
    let large = vec![b'x'; engine::files::BYTES_MAX + 1];
    let too_large = ("file", "film.mp4", "video/mp4", large.as_slice());
    let refused = app.upload(saved.location(), &texts, &[too_large]).await;
    assert_eq!(refused.status, 413);
    assert!(refused.body.contains("100 MB is the most"), "{}", refused.body);
    assert!(refused.body.contains("12.50"), "what was typed stands there: {}", refused.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_none_costs_neither_the_text_nor_the_file_beside_it() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    let mut texts = vec![("name", "The course"), ("role", "front"), ("state", "active")];
    texts.push(("description", "Twelve lessons, long typed."));
    let broken = ("image", "cover.png", "image/png", b"a HEIC, renamed".as_slice());
    for (slug, files) in [("one", [FILM, broken]), ("two", [broken, FILM])] {
        let refused = app.upload("/admin/products", &texts, &files).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains("id=\"image-error\""), "{}", refused.body);
        assert!(refused.body.contains("this is no png picture"), "{}", refused.body);
        assert!(refused.body.contains("Twelve lessons, long typed."), "{}", refused.body);
        let film = refused.hidden("kept_file");
        let again = [&texts[..], &[("slug", slug), ("kept_file", &film)]].concat();
        let saved = app.upload("/admin/products", &again, &[]).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        assert!(app.get(saved.location()).await.body.contains("Remove lesson.mp4"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_ticked_to_be_removed_stays_ticked_while_the_form_is_mended() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    let texts = [("name", "The course"), ("role", "front"), ("state", "active")];
    let made = app.upload("/admin/products", &texts, &[FILM]).await;
    let path = made.location().to_owned();
    let page = app.get(&path).await;
    let film = page.plain().split("name=\"drop\" value=\"").nth(1).unwrap().to_owned();
    let film = film.split('"').next().unwrap().to_owned();
    let mut fields = page.fields_of(&path);
    fields.retain(|(name, _)| name != "cost");
    fields.extend([("cost".to_owned(), "1,,2".to_owned()), ("drop".to_owned(), film)]);
    let typed: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let refused = app.upload(&path, &typed, &[]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let mut fields = refused.fields_of(&path);
    assert!(fields.iter().any(|(name, _)| name == "drop"), "{}", refused.body);
    fields.retain(|(name, _)| name != "cost");
    let typed: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(app.upload(&path, &typed, &[]).await.status, 303);
    assert!(!app.get(&path).await.body.contains("lesson.mp4"), "it is removed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_new_file_of_a_magnet_is_kept_while_its_name_is_mended() {
    let app = TestApp::start().await;
    app.sign_in(Rank::Owner).await;
    let pdf = |name: &'static str| ("file", name, "application/pdf", name.as_bytes());
    let texts = [("slug", "chapter"), ("name", "The first chapter"), ("url", "")];
    let made = app.upload("/admin/magnets", &texts, &[pdf("old.pdf")]).await;
    assert_eq!(made.status, 303, "{}", made.body);
    let list = app.get("/admin/magnets").await.plain();
    let path = list.split("href=\"").find(|rest| rest.starts_with("/admin/magnets/mag_")).unwrap();
    let path = path.split('"').next().unwrap().to_owned();

    let refused = app.upload(&path, &[("name", ""), ("url", "")], &[pdf("new.pdf")]).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("Now: old.pdf"), "{}", refused.body);
    let mut fields = refused.fields_of(&path);
    fields.retain(|(name, _)| name != "name");
    fields.push(("name".to_owned(), "The chapter, second edition".to_owned()));
    let typed: Vec<_> = fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(app.upload(&path, &typed, &[]).await.status, 303);
    let page = app.get(&path).await.body;
    assert!(page.contains("Now: new.pdf") && page.contains("second edition"), "{page}");

    // A new one whose short name is taken: the same.
    let taken = app.upload("/admin/magnets", &texts, &[pdf("third.pdf")]).await;
    assert_eq!(taken.status, 422, "{}", taken.body);
    let kept = taken.fields_of("/admin/magnets").into_iter().find(|(name, _)| name == "kept_file");
    let kept = kept.unwrap().1;
    let texts = [("slug", "third"), ("name", "Third"), ("url", ""), ("kept_file", kept.as_str())];
    assert_eq!(app.upload("/admin/magnets", &texts, &[]).await.status, 303);
}
