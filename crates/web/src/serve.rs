//! Listens and answers until told to stop. HTTP/1.1 only; who sends a request head too slowly or
//! too large is not waited for.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::routes;
use crate::state::AppState;

/// How long a request's head may take to arrive; an idle connection is closed after it too.
/// Longer than a proxy's own pings, short enough that ten thousand slow ones do not pile up.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// Bytes of a request's head at which no more is read: twice what browsers and proxies send at
/// their worst. The last read may bring as much again.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// How long, and for how many bytes, one is listened to who was answered before they had ended:
/// closed at once, the connection would be reset and the answer lost.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 2 << 20;
/// How long accepting rests when the machine has no more files to open.
const ACCEPT_REST: Duration = Duration::from_millis(500);

/// Serves HTTP on `listener` until `stop`; requests then open may finish within `limit`.
///
/// # Errors
/// The listener breaks.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    stop: CancellationToken,
    limit: Duration,
) -> io::Result<()> {
    let patience = Patience { end: limit, ..Patience::default() };
    serve_router(listener, routes::router(state), stop, patience).await;
    Ok(())
}

/// How long visitors are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Until a request's head is there.
    pub head: Duration,
    /// Until open requests are answered, after a stop was asked for.
    pub end: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: HEAD_MAX, end: Duration::ZERO }
    }
}

/// The same over a router that was made already.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    patience: Patience,
) {
    // Turned into its final form once, not for every request.
    let router = router.with_state(());
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                let (router, stop) = (router.clone(), stop.clone());
                drop(open.spawn(answer(stream, from, router, patience.head, stop)));
            }
            Err(error) if is_of_one_visitor(&error) => {}
            Err(error) => {
                tracing::error!(%error, "connections cannot be taken");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
    drop(listener);
    open.close();
    // Held-open connections must not hold the whole process.
    if tokio::time::timeout(patience.end, open.wait()).await.is_err() {
        tracing::warn!(open = open.len(), "connections were still open at the end");
    }
}

/// Answers what one connection asks, one request after the other.
async fn answer(
    mut stream: TcpStream,
    from: SocketAddr,
    router: Router,
    head: Duration,
    stop: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection answers with delay");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(from));
        let router = router.clone();
        async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(never)) }
    });
    let ended = {
        let mut conn = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(head)
                .max_buf_size(HEAD_BYTES_MAX)
                .serve_connection(TokioIo::new(&mut stream), service)
        );
        tokio::select! {
            ended = conn.as_mut() => ended,
            () = stop.cancelled() => {
                conn.as_mut().graceful_shutdown();
                conn.as_mut().await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    tokio::select! {
        _ = tokio::time::timeout(LINGER, hear_out(&mut stream)) => {}
        () = stop.cancelled() => {}
    }
}

/// Reads what still comes, for nothing, until the other side has ended.
async fn hear_out(stream: &mut TcpStream) {
    let (mut heard, mut buffer) = (0, [0_u8; 4096]);
    while let Ok(count) = stream.read(&mut buffer).await {
        heard += count;
        if count == 0 || heard > LINGER_BYTES {
            return;
        }
    }
}

fn never<T>(impossible: Infallible) -> T {
    match impossible {}
}

/// Whether only the one who came is concerned: they went away before they were taken.
fn is_of_one_visitor(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
