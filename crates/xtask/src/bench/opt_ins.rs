//! Durable opt-ins over HTTP, 64 connections, the load generator on the same cores.

use std::time::Duration;

use super::{control, disk, load, serve};

const CONNECTIONS: usize = 64;
/// A site with one form and nothing else.
const FUNNEL: &str = include_str!("opt_ins.toml");

/// Measures the three sides at each delay and prints them with their ratios.
pub fn run(seconds: u64, delays_ms: &[u64]) -> anyhow::Result<()> {
    let binary = serve::build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("delay  fsync p50   group commit   one commit each   tundish over HTTP");
    for delay_ms in delays_ms {
        let dir = tempfile::tempdir()?;
        let delay = Duration::from_millis(*delay_ms);
        let fsync = disk::fsync_p50_ms(dir.path())?;
        let group = control::group_commit(dir.path(), seconds, delay)?;
        let single = control::one_commit_each(dir.path(), seconds.min(4), delay)?;
        let data = dir.path().join("data");
        std::fs::create_dir(&data)?;
        let funnel = dir.path().join("funnel.toml");
        std::fs::write(&funnel, FUNNEL)?;
        serve::command(&binary, &data, &["apply", &funnel.to_string_lossy(), "--yes"])?;
        let env = [
            ("TUNDISH_DATABASE_COMMIT_DELAY_MS", delay_ms.to_string()),
            ("TUNDISH_ABUSE_LIMITS", "off".to_owned()),
        ];
        let server = serve::Server::start(&binary, &data, &env)?;
        let found = runtime.block_on(load::run(
            &server.address,
            CONNECTIONS,
            Duration::from_secs(seconds),
            &[200, 303],
            opt_in,
        ))?;
        println!(
            "+{delay_ms} ms  {fsync:.3} ms   {group:>8.0}/s     {single:>8.0}/s      \
             {:>8.0}/s  p50 {:.1} ms  p99 {:.1} ms  = {:.2} x group, {:.1} x single",
            found.per_second,
            found.p50_ms,
            found.p99_ms,
            found.per_second / group,
            found.per_second / single,
        );
        if let (refused @ 1.., first) = found.refused {
            anyhow::bail!("{refused} were refused, the first: {first:?}");
        }
    }
    Ok(())
}

fn opt_in(connection: usize, n: u64) -> Vec<u8> {
    // A pasted form has no token; the box for people who are none stays empty.
    let body = format!("email=p{connection}x{n}%40example.org&first_name=Pat&consent=yes");
    format!(
        "POST /f/home HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
