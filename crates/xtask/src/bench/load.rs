//! A load generator: connections that stay open, one request after another on each.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load found.
pub struct Load {
    /// Answers with the wanted status, a second.
    pub per_second: f64,
    /// Milliseconds at the 50th and 99th of a hundred.
    pub p50_ms: f64,
    /// The same at the 99th.
    pub p99_ms: f64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Answers with another status, and the first of them.
    pub refused: (u64, Option<String>),
}

/// Sends what `request(connection, n)` gives over `connections` for `length`, expecting one of
/// `wanted` as status.
pub async fn run(
    address: &str,
    connections: usize,
    length: Duration,
    wanted: &'static [u16],
    request: impl Fn(usize, u64) -> Vec<u8> + Send + Sync + Clone + 'static,
) -> anyhow::Result<Load> {
    let begun = Instant::now();
    let end = begun + length;
    let mut tasks = Vec::new();
    for connection in 0..connections {
        let (address, request) = (address.to_owned(), request.clone());
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(&address).await?;
            stream.set_nodelay(true)?;
            let (mut times, mut refused, mut first) = (Vec::new(), 0_u64, None);
            let mut buffer = Vec::with_capacity(64 * 1024);
            for n in 0.. {
                if Instant::now() >= end {
                    break;
                }
                let asked = Instant::now();
                stream.write_all(&request(connection, n)).await?;
                let status = read_answer(&mut stream, &mut buffer).await?;
                times.push(asked.elapsed().as_secs_f64() * 1e3);
                if !wanted.contains(&status) {
                    refused += 1;
                    times.pop();
                    first.get_or_insert_with(|| String::from_utf8_lossy(&buffer).into_owned());
                }
            }
            anyhow::Ok((times, refused, first))
        }));
    }
    let (mut times, mut refused, mut first) = (Vec::new(), 0, None);
    for task in tasks {
        let (some, no, text) = task.await??;
        times.extend(some);
        refused += no;
        first = first.or(text);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| {
        times.get(((times.len() as f64 - 1.0).max(0.0) * share) as usize).copied().unwrap_or(0.0)
    };
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Load {
        per_second: times.len() as f64 / seconds,
        seconds,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        refused: (refused, first),
    })
}

/// Reads one answer whole; its status.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    let head = loop {
        if stream.read_buf(buffer).await? == 0 {
            anyhow::bail!("the server closed a connection");
        }
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let length: usize = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0);
    while buffer.len() < head + length {
        if stream.read_buf(buffer).await? == 0 {
            anyhow::bail!("the server closed a connection within an answer");
        }
    }
    Ok(status)
}
