//! The ledger to a mail server on this machine, every state durable, against `smtp-source -d`: the
//! same sink, size and connections, in the same run.

use std::path::Path;
use std::time::{Duration, Instant};

use store::Durability;
use testkit::kills::{number, send};
use testkit::process::Installation;
use testkit::sink::{Options, Sink};

use super::{disk, rows, tools};

/// How long the memory is looked at while the program sends from a long queue.
const LOOK: Duration = Duration::from_secs(15);

/// Measures both sides, then the memory, and prints.
pub fn run(mails: usize, connections: usize, octets: usize, queued: usize) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let postfix = tools::Postfix::fetch()?;
    let dir = tempfile::tempdir()?;
    let fsync = disk::fsync_p50_ms(dir.path())?;
    let padding = runtime.block_on(padding_for(&binary, octets))?;
    let source = source(&postfix, mails, connections, octets)?;
    let ours =
        runtime.block_on(tundish(&binary, dir.path(), &postfix, mails, connections, padding))?;
    let again = self::source(&postfix, mails, connections, octets)?;
    let theirs = source.max(again);
    println!("| fsync p50 | smtp-source -d | tundish, ledger to sink | ratio | its memory |");
    println!("|---|---|---|---|---|");
    println!(
        "| {fsync:.3} ms | {source:.0}/s, {again:.0}/s | {:.0}/s | {:.2} | {:.0} MB |",
        ours.per_second,
        ours.per_second / theirs,
        ours.memory_mb,
    );
    println!(
        "{octets} octets a mail ({} sent), {connections} connections, {mails} mails",
        ours.octets
    );
    if queued > 0 {
        let memory = runtime.block_on(long_queue(&binary, &postfix, connections, queued))?;
        println!("{queued} queued, while sending: {memory:.0} MB at most");
    }
    Ok(())
}

/// How much text a mail must have to come to `octets`.
async fn padding_for(binary: &Path, octets: usize) -> anyhow::Result<usize> {
    let mut padding = octets / 3;
    for _ in 0..3 {
        let size = size_with(binary, padding).await?;
        let off = octets as i64 - size as i64;
        if off.abs() < 200 {
            break;
        }
        // The text stands in a mail twice: plain, and as HTML.
        padding = usize::try_from((padding as i64 + off / 2).max(0))?;
    }
    Ok(padding)
}

async fn size_with(binary: &Path, padding: usize) -> anyhow::Result<usize> {
    let dir = tempfile::tempdir()?;
    let installation = Installation::new(binary, dir.path(), None);
    let (engine, site) = installation.open(Durability::Never).await;
    send::queue(&engine, &site, &["someone@example.org".to_owned()], padding).await;
    tools::close(engine).await;
    let sink = Sink::start(Options::default());
    let server = installation.serve(&send::settings(sink.port(), 1));
    wait_for(&installation, 1).await?;
    server.stop();
    Ok(sink.received().first().map_or(0, |mail| mail.bytes.len()))
}

/// Waits until `count` mails were accepted.
async fn wait_for(installation: &Installation, count: i64) -> anyhow::Result<()> {
    let db = installation.database().await;
    let begun = Instant::now();
    while number(&db, "select count(*) from message_attempts where outcome = 'accepted'").await
        < count
    {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(600), "the mails do not leave");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    db.close().await;
    Ok(())
}

/// Mails a second of Postfix's generator, which keeps nothing.
fn source(
    postfix: &tools::Postfix,
    mails: usize,
    connections: usize,
    octets: usize,
) -> anyhow::Result<f64> {
    let port = tools::free_port()?;
    let _sink = postfix.sink(port)?;
    let begun = Instant::now();
    let status = postfix
        .tool("smtp-source")
        .args(["-d", "-s", &connections.to_string(), "-m", &mails.to_string()])
        .args(["-l", &octets.to_string(), "-f", "a@example.org", "-t", "b@example.org"])
        .arg(format!("inet:127.0.0.1:{port}"))
        .status()?;
    anyhow::ensure!(status.success(), "smtp-source ended with {status}");
    Ok(mails as f64 / begun.elapsed().as_secs_f64())
}

struct Ours {
    per_second: f64,
    memory_mb: f64,
    octets: usize,
}

async fn tundish(
    binary: &Path,
    dir: &Path,
    postfix: &tools::Postfix,
    mails: usize,
    connections: usize,
    padding: usize,
) -> anyhow::Result<Ours> {
    let installation = Installation::new(binary, dir, None);
    let (engine, site) = installation.open(Durability::Answered).await;
    let addresses: Vec<String> = (0..mails).map(|n| format!("reader-{n}@example.org")).collect();
    send::queue(&engine, &site, &addresses, padding).await;
    tools::close(engine).await;
    let port = tools::free_port()?;
    let _sink = postfix.sink(port)?;
    let server = installation.serve(&send::settings(port, connections));
    wait_for(&installation, i64::try_from(mails)?).await?;
    let memory_mb = server.memory_mb("VmHWM");
    server.stop();
    let db = installation.database().await;
    // From the first claim's first try to the last word of the server, as the ledger has it.
    let first = number(&db, "select min(started_at) from message_attempts").await;
    let last = number(&db, "select max(ended_at) from message_attempts").await;
    db.close().await;
    let seconds = (last - first) as f64 / 1e3;
    let octets = size_with(binary, padding).await?;
    Ok(Ours { per_second: mails as f64 / seconds, memory_mb, octets })
}

/// The most memory while the program sends from a queue of very many.
async fn long_queue(
    binary: &Path,
    postfix: &tools::Postfix,
    connections: usize,
    queued: usize,
) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let installation = Installation::new(binary, dir.path(), None);
    let (engine, site) = installation.open(Durability::Never).await;
    send::queue(&engine, &site, &["reader-0@example.org".to_owned()], 1_000).await;
    tools::close(engine).await;
    rows::repeat_message(&installation.data.join("tundish.db"), queued)?;
    let port = tools::free_port()?;
    let _sink = postfix.sink(port)?;
    let server = installation.serve(&send::settings(port, connections));
    tokio::time::sleep(LOOK).await;
    let memory = server.memory_mb("VmHWM");
    server.stop();
    Ok(memory)
}
