//! How sums are kept: beside the mail, after whatever broke off, by days that begin at another hour,
//! and compared with what they sum.

use engine::care::{Switch, switch};
use engine::channel_rules::{NewRule, add, relabel_later};
use engine::{rollups, verify};
use model::UtcMs;
use model::audits::Actor;
use model::jobs::Lane;
use model::sites::Site;
use model::times::MINUTE_MS;
use store::StoreError;
use testkit::TestApp;

use super::{BEN, all_sums, contact, read, span, sql, story, sums};

both_apps! {
    mail_leaves_while_the_past_is_given_its_channels: mail_leaves,
    a_relabel_that_broke_off_makes_the_figures_when_it_is_tried_again: broke_off,
    days_that_begin_at_another_hour_are_counted_anew: zone_moves,
    a_contact_marked_as_test_leaves_every_figure_at_once: left_out,
    whatever_is_broken_of_the_sums_is_found_and_mended: broken,
}

/// The story, whose rows were written past the counts of who has what.
async fn told(app: &TestApp) {
    story(app).await;
    rollups::rebuild(&app.engine, &app.site).await.unwrap();
}

async fn to_social(app: &TestApp) {
    let rule = NewRule {
        source: "google".to_owned(),
        channel: "paid_social".to_owned(),
        ..NewRule::default()
    };
    add(&app.engine, app.site.id, rule).await.unwrap();
    relabel_later(&app.engine, app.site.id).await.unwrap();
}

async fn channel_of_first(app: &TestApp) -> String {
    let site = app.site.id;
    let figures = read(app, move |session| {
        Box::pin(store::order_figures::of_contact(session, site, contact(super::ANN)))
    })
    .await;
    figures[0].channel.clone()
}

async fn mail_leaves(app: TestApp) {
    told(&app).await;
    crate::people::form(&app, "chapter", |_| {}).await;
    to_social(&app).await;
    let fill_in = async |email: &str| {
        let answer = crate::people::fill_in(&app, "chapter", &[("email", email)]).await;
        assert!(answer.status.as_u16() < 400, "{}", answer.body);
        app.run_until_idle().await;
        assert_eq!(app.mail_to(email).to, email);
    };
    fill_in("first@x.test").await;
    assert_eq!(channel_of_first(&app).await, "paid_search", "it is not done in the rounds");
    // Another node is at it, and renews its lease.
    let now = app.engine.now();
    let held = app
        .engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            let lease = (99, UtcMs(i64::MAX / 2));
            Box::pin(store::jobs::claim_alone(tx, lease, Lane::Rebuilding.kinds(), now))
        })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.kind, "channels");
    app.recount().await;
    fill_in("second@x.test").await;
    assert_eq!(channel_of_first(&app).await, "paid_search", "nobody else begins it");
    app.engine
        .db()
        .write::<_, StoreError, _>(move |tx| {
            Box::pin(async move { store::jobs::later(tx, &held, now, "it stopped").await })
        })
        .await
        .unwrap();
    app.recount().await;
    assert_eq!(channel_of_first(&app).await, "paid_social");
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
}

async fn broke_off(app: TestApp) {
    told(&app).await;
    app.recount().await;
    to_social(&app).await;
    app.engine.crash_at("relabel.after");
    app.recount().await;
    assert_eq!(channel_of_first(&app).await, "paid_search", "the touches alone were changed");
    app.engine.clock().advance_ms(MINUTE_MS);
    app.recount().await;
    assert_eq!(channel_of_first(&app).await, "paid_social");
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
    // Nothing is left to be made anew.
    relabel_later(&app.engine, app.site.id).await.unwrap();
    let rolled = "update rolled_days set rolled_at = 1 where site_id = $s";
    sql(&app, rolled).await;
    app.recount().await;
    let untouched = read(&app, |session| {
        Box::pin(async move {
            session
                .query("select count(*) from rolled_days where rolled_at <> 1")
                .one::<i64>()
                .await
        })
    })
    .await;
    assert_eq!(untouched, 0, "nothing had changed, so nothing is counted");
}

async fn moves_to(app: &TestApp, zone: &str) {
    let known = engine::sites::get_by_slug(&app.engine, &app.site.slug).await.unwrap();
    let site = Site { timezone: zone.to_owned(), ..known };
    engine::sites::change(&app.engine, Actor::Console, site).await.unwrap();
}

async fn zone_moves(app: TestApp) {
    told(&app).await;
    app.recount().await;
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
    let before = all_sums(&app).await;
    // From Berlin, twelve hours on: who bought at noon was won a day later.
    moves_to(&app, "Pacific/Auckland").await;
    let now = app.engine.now().0;
    sql(&app, &format!("update orders set updated_at = {now} where site_id = $s")).await;
    app.run_until_idle().await;
    let moved = all_sums(&app).await;
    assert_ne!(moved, before);
    app.recount().await;
    assert_eq!(all_sums(&app).await, moved, "taken off under the day on which it was put");
    app.run_until_idle().await;
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
    // And back, with nothing but the job that the change asks for.
    moves_to(&app, "Europe/Berlin").await;
    app.recount().await;
    app.run_until_idle().await;
    assert_eq!(all_sums(&app).await, before);
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
}

async fn left_out(app: TestApp) {
    told(&app).await;
    let (site, year) = (app.site.id, span("2026-01-01", "2026-12-31"));
    let before = (all_sums(&app).await, sums(&app, year).await);
    let test = async |on| {
        switch(&app.engine, Actor::Console, site, contact(BEN), Switch::Test(on)).await.unwrap();
    };
    let reached = |sums: &[(String, i64)], stage: &str| {
        sums.iter().find(|(of, _)| of == stage).map_or(0, |(_, count)| *count)
    };
    test(true).await;
    let without = sums(&app, year).await;
    for stage in ["lead", "order"] {
        assert_eq!(reached(&without, stage), reached(&before.1, stage) - 1, "{stage}");
    }
    app.run_until_idle().await;
    assert_eq!(sums(&app, year).await, without);
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
    test(false).await;
    assert_eq!((all_sums(&app).await, sums(&app, year).await), before);
}

async fn broken(app: TestApp) {
    told(&app).await;
    app.recount().await;
    assert_eq!(verify::rollups(&app.engine).await.unwrap(), []);
    // What is broken, and the same put right again; where nothing puts it right, a rebuild does.
    let mut ways: Vec<(String, Option<String>)> = Vec::new();
    let change = |table: &str, change: [String; 2], of: &str| {
        let [there, back] = change.map(|change| format!("update {table} set {change} {of}"));
        (there, Some(back))
    };
    let more =
        |column: &str| [format!("{column} = {column} + 1"), format!("{column} = {column} - 1")];
    let years = |column: &str| {
        ["2019", "2026"].map(|year| format!("{column} = '{year}' || substr({column}, 5)"))
    };
    for per in ["day", "month"] {
        for what in ["all", "page", "mail", "link", "offer"] {
            let of = format!("where per = '{per}' and what = '{what}'");
            ways.push(change("order_sums", more("net_minor"), &of));
            ways.push(change("order_sums", years("day"), &of));
        }
    }
    for per in ["day", "month", "total"] {
        for product in ["product_id = 0", "product_id > 0"] {
            let of = format!("where per = '{per}' and {product}");
            ways.push(change("customer_sums", more("margin_minor"), &of));
            ways.push(change("customer_sums", years("won"), &of));
        }
    }
    for (table, amount) in [
        ("cohort_cells", "customers"),
        ("value_cells", "margin_minor"),
        ("road_sums", "orders"),
        ("road_decays", "credit_ppb"),
        ("product_pairs", "together"),
    ] {
        ways.push(change(table, more(amount), ""));
        ways.push((format!("delete from {table}"), None));
    }
    ways.push(("delete from order_sums".to_owned(), None));
    ways.push(("update order_sums set day = '2025' || substr(day, 5)".to_owned(), None));
    ways.push(("delete from customer_sums".to_owned(), None));
    ways.push(("update customer_sums set won = '2025' || substr(won, 5)".to_owned(), None));
    ways.push(("update customer_sums set product_id = 5 where product_id > 0".to_owned(), None));
    for row in [
        "form_days values ($s, '2026-01-16', 1, 1, 0)",
        "mail_days values ($s, '2026-01-16', 'sequence', 7, 70, 1, 0, 0)",
        "link_days values ($s, '2026-01-16', 1, 1, 1)",
        "stage_days values ($s, '2026-01-16', 'lead', 'direct', '', '', 1)",
    ] {
        ways.push((format!("insert into {row}"), None));
    }
    for (way, back) in ways {
        sql(&app, &way).await;
        assert_ne!(verify::rollups(&app.engine).await.unwrap(), [], "{way}");
        match back {
            Some(back) => sql(&app, &back).await,
            None => drop(rollups::rebuild(&app.engine, &app.site).await.unwrap()),
        }
        assert_eq!(verify::rollups(&app.engine).await.unwrap(), [], "{way}");
    }
    // What stands in no comparison by days is a promise of its own.
    for way in [
        "insert into mail_days values ($s, '2019-05-05', 'sequence', 1, 1, 1, 0, 0)",
        "update customer_figures set net_minor = net_minor + 1",
        "update order_sums set day = '2025' || substr(day, 5) where what = 'all' and per = 'day'",
        "delete from road_sums where product_id = 0",
        "delete from road_decays where product_id = 0",
    ] {
        let before = verify::run(&app.engine.reader()).await.unwrap().len();
        sql(&app, way).await;
        assert!(verify::run(&app.engine.reader()).await.unwrap().len() > before, "{way}");
    }
}
