//! Listens and answers until told to stop.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::routes;
use crate::state::AppState;

/// Serves HTTP on `listener` until `stop`; requests then open may finish within `limit`.
///
/// # Errors
/// The listener breaks.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    stop: CancellationToken,
    limit: Duration,
) -> std::io::Result<()> {
    let app = routes::router(state).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = stop.clone();
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { stopping.cancelled().await });
    tokio::select! {
        ended = serving => ended,
        // Held-open connections must not hold the whole process.
        () = async { stop.cancelled().await; tokio::time::sleep(limit).await } => Ok(()),
    }
}
