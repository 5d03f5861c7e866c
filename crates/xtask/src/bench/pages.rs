//! The landing page against nginx serving the same octets, by `wrk`, on the same cores.

use std::process::{Command, Stdio};

use anyhow::Context;

use testkit::asking;

use super::tools;

/// Measures both sides and prints.
pub fn run(seconds: u64, connections: usize) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let runtime = crate::release::runtime()?;
    let dir = tempfile::tempdir()?;
    let installation = runtime.block_on(async {
        let (installation, engine, _) = tools::shop(&binary, dir.path()).await?;
        tools::close(engine).await;
        anyhow::Ok(installation)
    })?;
    let server = installation.serve(&[("TUNDISH_LOG_LEVEL", "warn".to_owned())]);
    let page = runtime.block_on(asking::get(&server.address, "/", ""))?;
    let (head, body) = page.split_once("\r\n\r\n").context("an answer has a head")?;
    anyhow::ensure!(head.starts_with("HTTP/1.1 200"), "no landing page: {head}");
    std::fs::create_dir(dir.path().join("www"))?;
    std::fs::write(dir.path().join("www/index.html"), body)?;
    let port = tools::free_port()?;
    let _nginx = nginx(dir.path(), port)?;
    let address = format!("127.0.0.1:{port}");
    // Once to warm each, then in turns: what else runs here meets both.
    wrk(&server.address, 1, connections)?;
    wrk(&address, 1, connections)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        ours.push(wrk(&server.address, seconds.div_ceil(3), connections)?);
        theirs.push(wrk(&address, seconds.div_ceil(3), connections)?);
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("| octets | nginx | tundish | ratio |");
    println!("|---|---|---|---|");
    println!("| {} | {theirs:.0}/s | {ours:.0}/s | {:.2} |", body.len(), ours / theirs);
    server.stop();
    Ok(())
}

fn median(mut found: Vec<f64>) -> f64 {
    found.sort_by(f64::total_cmp);
    found[found.len() / 2]
}

fn nginx(dir: &std::path::Path, port: u16) -> anyhow::Result<tools::Running> {
    let root = dir.display();
    let config = format!(
        "daemon off; worker_processes 2; pid {root}/nginx.pid; error_log {root}/nginx.log;
         user root; events {{ worker_connections 1024; }}
         http {{ access_log off; sendfile on; keepalive_requests 1000000; types {{ text/html html; \
         }} server {{ listen 127.0.0.1:{port}; root {root}/www; }} }}"
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, config)?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    tools::Running::start(&mut command, port).context("nginx of Debian's package is needed")
}

/// Requests a second.
fn wrk(address: &str, seconds: u64, connections: usize) -> anyhow::Result<f64> {
    let output = Command::new("wrk")
        .args(["-t", "2", "-c", &connections.to_string(), "-d", &format!("{seconds}s")])
        .arg(format!("http://{address}/"))
        .output()
        .context("wrk of Debian's package is needed")?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(!text.contains("Non-2xx"), "not every answer was a page: {text}");
    let line = text.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(line.context("wrk says a rate")?.trim().parse()?)
}
