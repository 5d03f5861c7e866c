//! P8: what comes over the wire before anything of ours sees it, sent by hand to the real server.

use testkit::TestApp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A second request, hidden behind the first: it must never be answered.
const HIDDEN: &str = "GET /health HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";

async fn served() -> (TestApp, String) {
    served_with(web::Patience::default()).await
}

async fn served_with(patience: web::Patience) -> (TestApp, String) {
    let app = TestApp::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    tokio::spawn(web::serve_router(listener, app.router.clone(), stop, patience));
    (app, address)
}

/// Everything the server says to `bytes` until it closes the connection.
async fn said(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has refused already may close before all of it was sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

fn answers(answer: &str) -> usize {
    answer.matches("HTTP/1.1 ").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_two_lengths_of_one_body_never_hide_a_second_request() {
    let (_app, address) = served().await;
    let post = "POST /f/nothing HTTP/1.1\r\nHost: shop.example\r\n";
    let both = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 400\r\n",
    ];
    for lengths in both {
        let sent = format!("{post}{lengths}\r\n0\r\n\r\n{HIDDEN}");
        let answer = said(&address, sent.as_bytes()).await;
        assert_eq!(answers(&answer), 1, "{lengths}: {answer}");
        assert!(!answer.ends_with("ok"), "{lengths}: {answer}");
    }
    let wrong = [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Host\r\n",
        "X: a\rb\r\n",
        "X: a\0b\r\n",
    ];
    for line in wrong {
        let answer = said(&address, format!("{post}{line}\r\nhello{HIDDEN}").as_bytes()).await;
        assert_eq!((status(&answer), answers(&answer)), ("400", 1), "{line}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_chunks_that_lie_about_themselves_end_the_connection() {
    let (_app, address) = served().await;
    let head = "POST /f/nothing HTTP/1.1\r\nHost: shop.example\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = [
        "0x3\r\na=b\r\n0\r\n\r\n",
        "-1\r\na=b\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\na=b\r\n0\r\n\r\n",
        "3\ra=b\r\n0\r\n\r\n",
        "3;x\na=b\r\n0\r\n\r\n",
        "3\r\na=bcd\r\n0\r\n\r\n",
        "\r\n",
    ];
    for chunk in chunks {
        let answer = said(&address, format!("{head}{chunk}{HIDDEN}").as_bytes()).await;
        assert!(answers(&answer) <= 1 && !answer.ends_with("ok"), "{chunk:?}: {answer}");
        assert!(!answer.starts_with("HTTP/1.1 200"), "{chunk:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_a_head_without_end_is_refused_and_the_next_visitor_is_answered() {
    let (_app, address) = served().await;
    let long =
        format!("GET /health HTTP/1.1\r\nHost: shop.example\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    assert_eq!(status(&said(&address, long.as_bytes()).await), "431");
    let many = format!(
        "GET /health HTTP/1.1\r\nHost: shop.example\r\n{}\r\n",
        (0..500).map(|n| format!("X-{n}: 1\r\n")).collect::<String>()
    );
    assert_eq!(status(&said(&address, many.as_bytes()).await), "431");
    // The preface of HTTP/2: not spoken here, so nothing of it can be reset rapidly.
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = said(&address, preface.as_bytes()).await;
    assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    // A bare LF ends a line, as RFC 9112 §2.2 allows; it is still one request and one answer.
    let bare =
        said(&address, b"GET /health HTTP/1.1\nHost: shop.example\nConnection: close\n\n").await;
    assert_eq!(answers(&bare), 1, "{bare}");
    assert!(said(&address, HIDDEN.as_bytes()).await.ends_with("ok"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p08_a_head_that_never_ends_is_not_waited_for() {
    let head = std::time::Duration::from_millis(50);
    let (_app, address) = served_with(web::Patience { head, ..web::Patience::default() }).await;
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: shop.exa").await.unwrap();
    let mut answer = Vec::new();
    // The limit is ours: what the server's own library waits is longer.
    let within = std::time::Duration::from_secs(5);
    let read = tokio::time::timeout(within, slow.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server still waits");
    assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
}
