//! Asks a server over HTTP, one connection a request: enough for what is not about speed.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Asks `address` with a request line, further headers (each ending in CRLF) and a body; the whole
/// answer as text.
///
/// # Errors
/// The server cannot be reached, or went away before its answer was whole.
pub async fn ask(address: &str, line: &str, headers: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: \
         {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if answer.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A page.
///
/// # Errors
/// As [`ask`].
pub async fn get(address: &str, path: &str, headers: &str) -> io::Result<String> {
    ask(address, &format!("GET {path}"), headers, "").await
}

/// Sends a form (already encoded) as a browser on the same site does.
///
/// # Errors
/// As [`ask`].
pub async fn post(address: &str, path: &str, body: &str) -> io::Result<String> {
    let headers = format!(
        "Origin: http://{address}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: \
         application/x-www-form-urlencoded\r\n"
    );
    ask(address, &format!("POST {path}"), &headers, body).await
}

/// The status of an answer.
pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// The value of a hidden field of a page.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\""))?;
    Some(rest.split('"').next()?.replace("&#x2f;", "/"))
}
