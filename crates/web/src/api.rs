//! `/api/v1`: the same stories for programs. JSON, bearer keys with scopes, cursors, problems as
//! RFC 9457. What it can do is described at `/api/v1/openapi.json`, made from these very handlers.

use axum::response::IntoResponse;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub mod body;
pub mod caller;
pub mod contacts;
pub mod cursor;
pub mod keys;
pub mod messages;
pub mod once;
pub mod orders;
pub mod problem;

use problem::Problem;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tundish",
        description = "Contacts, orders, messages and keys of one site. Every request carries a \
            key in `Authorization: Bearer tun_…`; a POST may carry an `Idempotency-Key` and is \
            then safe to repeat for 24 hours.",
        license(name = "MIT OR Apache-2.0")
    ),
    servers((url = "/api/v1")),
    security(("key" = []))
)]
struct Head;

fn described() -> (Router<AppState>, Description) {
    let mut head = Head::openapi();
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    head.components
        .get_or_insert_default()
        .security_schemes
        .insert("key".to_owned(), SecurityScheme::Http(scheme).into());
    OpenApiRouter::with_openapi(head)
        .routes(routes!(contacts::list, contacts::create))
        .routes(routes!(contacts::show, contacts::change))
        .routes(routes!(contacts::put_by_email))
        .routes(routes!(orders::list))
        .routes(routes!(orders::show))
        .routes(routes!(messages::list))
        .routes(routes!(messages::show))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .split_for_parts()
}

/// What the API can do, as OpenAPI.
pub fn description() -> Description {
    described().1
}

/// The API, to be hung in under `/api/v1`.
pub fn router() -> Router<AppState> {
    let (router, description) = described();
    router
        .route("/openapi.json", axum::routing::get(async move || Json(description.clone())))
        .fallback(async || Problem::not_found("address").into_response())
        .method_not_allowed_fallback(async || Problem::method().into_response())
}
