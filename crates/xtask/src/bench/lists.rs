//! Every list of the admin, and a contact's page, over very many contacts.

use std::time::Instant;

use anyhow::Context;
use engine::operators::NewOperator;
use model::audits::Actor;
use model::operators::Role;
use testkit::asking;
use testkit::kills::number;

use super::{rows, tools};

/// Each page is asked for so often.
const ROUNDS: usize = 11;
const LISTS: &[&str] = &[
    "/admin",
    "/admin/contacts",
    "/admin/contacts?q=reader-4711",
    "/admin/contacts?status=confirmed",
    "/admin/contacts?status=unsubscribed",
    "/admin/contacts?status=suppressed",
    "/admin/contacts?tag=first-loaf",
    "/admin/forms",
    "/admin/magnets",
    "/admin/imports",
    "/admin/sources",
    "/admin/sequences",
    "/admin/templates",
    "/admin/messages",
    "/admin/messages?state=accepted",
    "/admin/messages?state=queued",
    "/admin/messages?state=failed",
    "/admin/messages?state=suppressed",
    "/admin/messages?state=unknown",
    "/admin/messages?state=committing",
    "/admin/pages",
    "/admin/products",
    "/admin/offers",
    "/admin/paths",
    "/admin/coupons",
    "/admin/orders",
    "/admin/catalogue",
    "/admin/also-bought",
    "/admin/referrals",
    "/admin/numbers/stages",
    "/admin/numbers/revenue",
    "/admin/numbers/spend",
    "/admin/numbers/payback",
    "/admin/numbers/cohorts",
    "/admin/numbers/reconciliation",
    "/admin/caught",
    "/admin/sending",
    "/admin/settings",
    "/admin/audits",
];

/// Measures and prints; what there is not yet is said.
pub fn run(contacts: usize) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let dir = tempfile::tempdir()?;
    runtime.block_on(async {
        let (installation, engine, site) = tools::shop(&binary, dir.path()).await?;
        let new = NewOperator {
            email: "owner@shop.example".to_owned(),
            name: "The owner".to_owned(),
            role: Role::Owner,
            password: None,
            sites: vec![site.id],
        };
        let owner = engine::operators::add(&engine, Actor::Console, new).await?;
        let link =
            engine::operators::sign_in_link(&engine, model::audits::Actor::Console, owner).await?;
        tools::close(engine).await;
        let file = installation.data.join("tundish.db");
        rows::contacts(&file, site.id.0, contacts)?;
        rows::submissions(&file, site.id.0)?;
        rows::messages(&file, site.id.0)?;
        rows::age(&file, site.id.0)?;
        // As the server does when a day is over.
        let (is_done, said) = installation.run(&["rebuild", "rollups"]);
        anyhow::ensure!(is_done, "the days were not rolled up: {said}");
        let server = installation.serve(&[("TUNDISH_LOG_LEVEL", "warn".to_owned())]);
        let cookie = sign_in(&server.address, &link).await?;
        let db = installation.database().await;
        // Not one who never confirmed: those are forgotten while we look.
        let sql = "select max(id) from contacts where status = 'confirmed'";
        let contact = model::ids::ContactId(number(&db, sql).await);
        db.close().await;
        let one = format!("/admin/contacts/{contact}");
        println!("| page, {contacts} contacts | status | median | slowest of {ROUNDS} |");
        println!("|---|---|---|---|");
        for path in LISTS.iter().copied().chain([one.as_str()]) {
            look(&server.address, path, &cookie).await?;
        }
        server.stop();
        Ok(())
    })
}

/// Signs in by a link; the cookie as a header.
pub(super) async fn sign_in(address: &str, link: &str) -> anyhow::Result<String> {
    let token = link.rsplit('/').next().context("a token")?;
    let answer = asking::post(address, &format!("/admin/sign-in/link/{token}"), "").await?;
    let cookies: Vec<&str> = answer
        .lines()
        .filter_map(|line| {
            line.split_once(": ").filter(|(k, _)| k.eq_ignore_ascii_case("set-cookie"))
        })
        .filter_map(|(_, value)| value.split(';').next())
        .collect();
    anyhow::ensure!(!cookies.is_empty(), "nobody was signed in: {answer}");
    Ok(format!("Cookie: {}\r\n", cookies.join("; ")))
}

async fn look(address: &str, path: &str, cookie: &str) -> anyhow::Result<()> {
    let mut times: Vec<f64> = Vec::new();
    let mut status = String::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let answer = asking::get(address, path, cookie).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    }
    times.sort_by(f64::total_cmp);
    println!("| {path} | {status} | {:.1} ms | {:.1} ms |", times[ROUNDS / 2], times[ROUNDS - 1]);
    Ok(())
}
