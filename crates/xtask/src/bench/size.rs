//! How big the program is: on disk, in memory at rest, and how long it takes to start.

use std::time::{Duration, Instant};

use testkit::asking;

use super::{rows, tools};

/// At rest: after this long without a request.
const REST: Duration = Duration::from_secs(5);

/// Measures and prints.
pub fn run(contacts: usize) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let dir = tempfile::tempdir()?;
    let (installation, site) = runtime.block_on(async {
        let (installation, engine, site) = tools::shop(&binary, dir.path()).await?;
        tools::close(engine).await;
        anyhow::Ok((installation, site))
    })?;
    rows::contacts(&installation.data.join("tundish.db"), site.id.0, contacts)?;
    let mut starts: Vec<f64> = Vec::new();
    let mut rest = 0.0;
    for round in 0..5 {
        let begun = Instant::now();
        let server = installation.serve(&[("TUNDISH_LOG_LEVEL", "warn".to_owned())]);
        runtime.block_on(asking::get(&server.address, "/", ""))?;
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
        if round == 4 {
            std::thread::sleep(REST);
            rest = server.memory_mb("VmRSS");
        }
        server.stop();
    }
    starts.sort_by(f64::total_cmp);
    let size = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    println!("| binary | at rest | start to first page, {contacts} contacts |");
    println!("|---|---|---|");
    println!("| {size:.1} MB | {rest:.0} MB | {:.0} ms (median of 5) |", starts[2]);
    Ok(())
}
