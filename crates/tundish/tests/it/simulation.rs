//! Shops that live for weeks under a fake clock, with crashes between any two writes.

use testkit::simulation::Ground;

/// Few, for every run of the tests; `cargo xtask simulate` lives a thousand.
const SEEDS: u64 = 4;
const DAYS: i64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_holds_after_every_day_whatever_crashes() {
    let ground = Ground::prepare().await;
    for seed in 0..SEEDS {
        if let Err(broken) = ground.live(seed, DAYS).await {
            panic!("seed {seed}: {broken:#?}");
        }
    }
}
