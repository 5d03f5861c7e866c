//! What an fsync costs here and now: every durable figure is read beside it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Median of 200 appends of 4 KB with fsync, in milliseconds.
pub fn fsync_p50_ms(dir: &Path) -> anyhow::Result<f64> {
    let mut file = File::create(dir.join("fsync-probe"))?;
    let block = [0_u8; 4096];
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..200 {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
