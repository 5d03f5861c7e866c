//! Many simulated shops, one thread for each core.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use testkit::simulation::{Ground, Tally};

/// Lives `count` shops from seed `first`, `days` days each. Prints the seed of each that broke.
pub fn run(first: u64, count: u64, days: i64) -> anyhow::Result<()> {
    let runtime = crate::release::runtime()?;
    let threads = std::thread::available_parallelism()?.get();
    let begun = Instant::now();
    let ground = Arc::new(runtime.block_on(Ground::prepare()));
    let next = Arc::new(AtomicU64::new(first));
    let (total, broken) = runtime.block_on(async {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                tokio::spawn(work(Arc::clone(&ground), Arc::clone(&next), first + count, days))
            })
            .collect();
        let (mut total, mut broken) = (Tally::default(), Vec::new());
        for worker in workers {
            let (tally, found) = worker.await?;
            total.add(&tally);
            broken.extend(found);
        }
        anyhow::Ok((total, broken))
    })?;
    let took = begun.elapsed().as_secs_f64();
    println!("{count} shops, {days} days each, {took:.0} s");
    println!(
        "{} crashes, {} mails, {} twice and on record",
        total.crashes, total.mails, total.duplicates
    );
    for (word, times) in &total.tried {
        println!("  {word:<12} {times}");
    }
    for line in &broken {
        println!("{line}");
    }
    anyhow::ensure!(broken.is_empty(), "promises were broken, as listed");
    println!("every promise held after every day");
    Ok(())
}

async fn work(
    ground: Arc<Ground>,
    next: Arc<AtomicU64>,
    end: u64,
    days: i64,
) -> (Tally, Vec<String>) {
    let (mut total, mut broken) = (Tally::default(), Vec::new());
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return (total, broken);
        }
        match ground.live(seed, days).await {
            Ok(tally) => total.add(&tally),
            Err(found) => {
                println!("seed {seed}: {found:#?}");
                broken.extend(found);
            }
        }
    }
}
