//! The program is killed at random moments; a little of what `cargo xtask kill` does at length.

use std::path::Path;

use testkit::kills::{checkout, send};
use testkit::process::Installation;

async fn killed_while_sending(url: Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_tundish"));
    let installation = Installation::new(binary, dir.path(), url);
    let plan = send::Plan { kills: 8, messages: 400, connections: 8, seed: 1 };
    let outcome = send::run(&installation, &plan).await;
    assert!(outcome.broken(plan.connections).is_empty(), "{outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_sending_lose_nothing_and_double_nothing_unrecorded() {
    killed_while_sending(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_sending_do_no_harm_on_postgres_either() {
    let Some(url) = testkit::databases::postgres_url("kills_while_sending").await else { return };
    killed_while_sending(Some(url)).await;
}

async fn killed_while_people_buy(url: Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_tundish"));
    let installation = Installation::new(binary, dir.path(), url);
    let plan = checkout::Plan { kills: 6, buyers: 3, seed: 1 };
    let outcome = checkout::run(&installation, &plan).await;
    assert!(outcome.broken().is_empty(), "{outcome:#?}");
    assert!(outcome.orders.1 > 0, "somebody bought: {outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_people_buy_charge_nobody_twice_and_owe_nobody_goods() {
    killed_while_people_buy(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_while_people_buy_do_no_harm_on_postgres_either() {
    let Some(url) = testkit::databases::postgres_url("kills_while_buying").await else { return };
    killed_while_people_buy(Some(url)).await;
}
