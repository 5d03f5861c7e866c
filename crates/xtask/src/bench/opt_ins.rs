//! Durable opt-ins over HTTP, 64 connections, the load generator on the same cores.

use std::time::Duration;

use anyhow::Context;
use testkit::asking;

use super::{control, disk, load, tools};

const CONNECTIONS: usize = 64;
/// Nobody fills in a form faster; the program holds such answers apart.
const FILLED_IN: Duration = Duration::from_millis(2_500);

/// Measures the three sides at each delay and prints them with their ratios.
pub fn run(seconds: u64, delays_ms: &[u64], form: &str, role: &str) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    println!(
        "| delay | fsync p50 | group commit | one commit each | tundish over HTTP | p50 | p99 | of \
         group commit | times one commit each |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for delay_ms in delays_ms {
        let dir = tempfile::tempdir()?;
        let delay = Duration::from_millis(*delay_ms);
        let fsync = disk::fsync_p50_ms(dir.path())?;
        let group = control::group_commit(dir.path(), seconds, delay)?;
        let single = control::one_commit_each(dir.path(), seconds.min(4), delay)?;
        let found =
            runtime.block_on(side(&binary, dir.path(), seconds, *delay_ms, (form, role)))?;
        println!(
            "| +{delay_ms} ms | {fsync:.3} ms | {group:.0}/s | {single:.0}/s | {:.0}/s | {:.1} ms \
             | {:.1} ms | {:.2} | {:.1} |",
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

async fn side(
    binary: &std::path::Path,
    dir: &std::path::Path,
    seconds: u64,
    delay_ms: u64,
    (form, role): (&str, &str),
) -> anyhow::Result<load::Load> {
    let (installation, engine, _) = tools::shop(binary, dir).await?;
    tools::close(engine).await;
    let settings = [
        ("TUNDISH_DATABASE_COMMIT_DELAY", format!("{delay_ms} ms")),
        ("TUNDISH_SERVER_ROLE", role.to_owned()),
        ("TUNDISH_LOG_LEVEL", "warn".to_owned()),
    ];
    let server = installation.serve(&settings);
    let path = format!("/f/{form}");
    let page = asking::get(&server.address, &path, "").await?;
    let token = asking::hidden(&page, model::forms::TIME_FIELD).context("a form with a token")?;
    tokio::time::sleep(FILLED_IN).await;
    let host = server.address.clone();
    let length = Duration::from_secs(seconds);
    let found = load::run(&server.address, CONNECTIONS, length, &[303], move |connection, n| {
        opt_in(&host, &path, &token, connection, n)
    })
    .await?;
    server.stop();
    let db = installation.database().await;
    let taken =
        testkit::kills::number(&db, "select count(*) from submissions where state = 'accepted'")
            .await;
    db.close().await;
    let counted = (found.per_second * found.seconds) as i64;
    anyhow::ensure!(taken >= counted, "{counted} were answered and {taken} taken");
    Ok(found)
}

fn opt_in(host: &str, path: &str, token: &str, connection: usize, n: u64) -> Vec<u8> {
    let time = model::forms::TIME_FIELD;
    let body = format!("email=p{connection}x{n}%40example.org&{time}={token}");
    format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
