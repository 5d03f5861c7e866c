//! Every address there is.

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::error::WebError;
use crate::public::{health, metrics, robots, theme, views};
use crate::state::AppState;
use crate::{admin, api, assets, guards};

/// The most a request may carry, unless its route says otherwise (uploads do).
const BODY_MAX: usize = 1 << 20;
/// The most an upload may carry: the largest file, and the rest of its form.
const UPLOAD_MAX: usize = engine::files::BYTES_MAX + (1 << 20);
/// The most a visitor's form may carry: forty long answers.
const FORM_MAX: usize = 256 << 10;
/// The longest a handler may take before the visitor is told to try again.
const HANDLER_MAX: Duration = Duration::from_secs(60);

/// The whole of HTTP.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(platform())
        .merge(admin_numbers())
        .merge(admin_roads())
        .merge(shop())
        .merge(admin_shop())
        .merge(pages())
        .merge(admin_pages())
        .merge(mail())
        .merge(admin_frame())
        .merge(admin_contacts())
        .merge(admin_settings())
        .merge(people())
        .merge(admin_mail())
        .nest("/api/v1", api::router())
        .merge(admin_leads())
        .merge(admin_qualify())
        .fallback(async || WebError::NotFound)
        .method_not_allowed_fallback(async || {
            WebError::Bad(StatusCode::METHOD_NOT_ALLOWED, "this is not asked that way")
        })
        .layer(
            ServiceBuilder::new()
                .layer(CompressionLayer::new())
                .layer(from_fn_with_state(state.clone(), guards::layer))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, HANDLER_MAX))
                .layer(DefaultBodyLimit::max(BODY_MAX)),
        )
        .with_state(state)
}

/// What panicked was logged by the panic itself; the process lives on.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let why = "this did not work; please try again";
    WebError::Bad(StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
}

/// By which roads orders came.
fn admin_roads() -> Router<AppState> {
    use admin::numbers::journeys::rows as journeys;
    use admin::numbers::{attribution, roads};
    Router::new()
        .route("/admin/numbers/roads", get(roads::index))
        .route("/admin/numbers/roads/orders", get(journeys::orders))
        .route("/admin/numbers/roads/open", get(journeys::open))
        .route("/admin/numbers/attribution", get(attribution::index))
        .route("/admin/numbers/attribution/orders", get(journeys::credited))
}

/// What it costs and what it brings.
fn admin_numbers() -> Router<AppState> {
    use admin::numbers::{cohorts, customers, payback, reconciliation, revenue, rfm, rows};
    use admin::numbers::{simulator, spend, stages, steps, value};
    Router::new()
        .route("/admin/numbers/stages", get(stages::index))
        .route("/admin/numbers/stages/{stage}", get(stages::show))
        .route("/admin/numbers/steps", get(steps::index))
        .route("/admin/numbers/revenue", get(revenue::index))
        .route("/admin/numbers/orders", get(rows::orders::index))
        .route("/admin/numbers/mails", get(rows::mails::index))
        .route("/admin/numbers/clicks", get(rows::clicks::index))
        .route("/admin/numbers/offered", get(rows::offered::index))
        .route("/admin/numbers/spent", get(rows::spent::index))
        .route("/admin/numbers/rewarded", get(rows::spent::rewarded))
        .route("/admin/numbers/spend", get(spend::index).post(spend::create))
        .route(
            "/admin/numbers/spend/file",
            post(spend::upload).layer(DefaultBodyLimit::max(UPLOAD_MAX)),
        )
        .route("/admin/numbers/spend/{id}/delete", post(spend::delete))
        .route("/admin/numbers/payback", get(payback::index))
        .route("/admin/numbers/cohorts", get(cohorts::index))
        .route("/admin/numbers/value", get(value::index))
        .route("/admin/numbers/rfm", get(rfm::index))
        .route("/admin/numbers/customers", get(customers::index))
        .route("/admin/numbers/simulator", get(simulator::index))
        .route("/admin/numbers/reconciliation", get(reconciliation::index))
        .route("/admin/numbers/reconciliation/again", post(reconciliation::again))
        .route("/admin/numbers/reconciliation/{name}", get(reconciliation::apart::show))
}

/// The process itself, and what every page needs.
fn platform() -> Router<AppState> {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/robots.txt", get(robots::show))
        .route("/theme.css", get(theme::show))
        .route("/assets/{hash}/{*name}", get(assets::show))
        .route("/e.js", get(views::script))
        .route("/e", post(views::create).layer(DefaultBodyLimit::max(views::REPORT_MAX)))
}

/// What is bought, and everything after it.
fn shop() -> Router<AppState> {
    use crate::public::{catalogue, checkout, orders, referrals, upsell};
    Router::new()
        .route("/buy/{offer}", get(checkout::show).post(checkout::create))
        .route("/cart/{token}", get(checkout::restore))
        .route("/catalogue", get(catalogue::index))
        .route("/r/{code}", get(referrals::show))
        .route("/order/{token}", get(orders::show))
        .route("/order/{token}/receipt", get(orders::receipt))
        .route("/order/{token}/pay", post(orders::pay))
        .route("/order/{token}/confirm", post(orders::confirm))
        .route("/order/{token}/challenge/{payment}", get(orders::challenge).post(orders::answer))
        .route("/order/{token}/next", get(upsell::show))
        .route("/order/{token}/offer/{offer}/accept", post(upsell::accept))
        .route("/order/{token}/offer/{offer}/decline", post(upsell::decline))
        .route("/order/{token}/offer/{offer}/pay", post(upsell::pay))
        .layer(map_response(token_page))
}

/// An address with a token is told to no other site.
async fn token_page(mut response: Response) -> Response {
    crate::public::confirmations::keep_to_ourselves(response.headers_mut());
    response
}

/// Writing pages.
fn admin_pages() -> Router<AppState> {
    use admin::pages::{self, blocks};
    Router::new()
        .route("/admin/pages", get(pages::index).post(pages::create))
        .route("/admin/pages/new", get(pages::new))
        .route("/admin/pages/{id}", get(pages::show))
        .route("/admin/pages/{id}/edit", get(pages::edit).post(pages::update))
        .route("/admin/pages/{id}/publish", post(pages::publish))
        .route("/admin/pages/{id}/retire", post(pages::retire))
        .route("/admin/pages/{id}/blocks", post(blocks::create))
        .route("/admin/pages/{id}/blocks/new", get(blocks::new))
        .route("/admin/pages/{id}/blocks/{number}", get(blocks::edit).post(blocks::update))
        .route("/admin/pages/{id}/blocks/{number}/arrange", post(blocks::arrange))
}

/// What the site shows.
fn pages() -> Router<AppState> {
    use crate::public::{media, pages};
    Router::new()
        .route("/", get(pages::home))
        .route("/p/{slug}", get(pages::show))
        .route("/media/{file}", get(media::show))
        .route("/preview/{token}", get(pages::preview))
}

/// What is sold and what was bought, for those who sell it.
fn admin_shop() -> Router<AppState> {
    use crate::admin::{
        also_bought, catalogue, coupons, offers, orders, paths, products, referrals,
    };
    let uploads = DefaultBodyLimit::max(UPLOAD_MAX);
    Router::new()
        .route("/admin/products", get(products::index).post(products::create).layer(uploads))
        .route("/admin/products/new", get(products::new))
        .route("/admin/products/{id}", get(products::show).post(products::update).layer(uploads))
        .route("/admin/offers", get(offers::index).post(offers::create))
        .route("/admin/offers/new", get(offers::new))
        .route("/admin/offers/{id}", get(offers::show).post(offers::update))
        .route("/admin/paths", get(paths::index).post(paths::create))
        .route("/admin/paths/new", get(paths::new))
        .route("/admin/paths/{id}", get(paths::show).post(paths::update))
        .route("/admin/coupons", get(coupons::index).post(coupons::create))
        .route("/admin/coupons/new", get(coupons::new))
        .route("/admin/coupons/{id}", get(coupons::show).post(coupons::update))
        .route("/admin/orders", get(orders::index))
        .route("/admin/orders/{id}", get(orders::show))
        .route("/admin/orders/{id}/refund", post(orders::refund))
        .route("/admin/orders/{id}/mark-paid", post(orders::mark_paid))
        .route("/admin/orders/{id}/resend", post(orders::resend))
        .route("/admin/orders/{id}/reviewed", post(orders::reviewed))
        .route("/admin/catalogue", get(catalogue::index))
        .route("/admin/also-bought", get(also_bought::index))
        .route("/admin/also-bought/customers", get(also_bought::customers))
        .route("/admin/also-bought/{id}", get(also_bought::show).post(also_bought::pin))
        .route("/admin/also-bought/{id}/csv", get(also_bought::csv))
        .route("/admin/referrals", get(referrals::index))
}

/// What mails lead to.
fn mail() -> Router<AppState> {
    use crate::public::clicks;
    Router::new().route("/l/{token}", get(clicks::show))
}

/// Signing in, one's own account, and the first page.
fn admin_frame() -> Router<AppState> {
    use admin::{account, password, setup, sign_in, site, today};
    Router::new()
        .route("/admin", get(today::index))
        .route("/admin/site", post(site::update))
        .route("/admin/setup", get(setup::index).post(setup::create))
        .route("/admin/sign-in", get(sign_in::index).post(sign_in::create))
        .route("/admin/sign-in/code", get(sign_in::code).post(sign_in::check_code))
        .route("/admin/sign-in/link/{token}", get(sign_in::link).post(sign_in::follow_link))
        .route("/admin/sign-out", post(sign_in::delete))
        .route("/admin/forgot", get(password::forgot).post(password::ask))
        .route("/admin/password/{token}", get(password::show).post(password::update))
        .route("/admin/account", get(account::show))
        .route("/admin/account/password", post(account::change_password))
        .route("/admin/account/sessions/{id}/end", post(account::end_session))
        .route(
            "/admin/account/second-step",
            get(account::second_step).post(account::add_second_step),
        )
        .route("/admin/account/second-step/off", post(account::remove_second_step))
}

/// Contacts: the list, one of them, and what is done to one.
fn admin_contacts() -> Router<AppState> {
    use admin::contacts::{self, actions, csv, show};
    use admin::segments;
    Router::new()
        .route("/admin/segments", get(segments::index).post(segments::create))
        .route("/admin/segments/new", get(segments::new))
        .route("/admin/segments/{id}", get(segments::show))
        .route("/admin/segments/{id}/edit", get(segments::edit).post(segments::update))
        .route("/admin/segments/{id}/delete", post(segments::delete))
        .route("/admin/segments/{id}/count", post(segments::count))
        .route("/admin/contacts", get(contacts::index).post(actions::create))
        .route("/admin/contacts.csv", get(csv::show))
        .route("/admin/contacts/new", get(contacts::new))
        .route("/admin/contacts/{id}", get(show::show))
        .route("/admin/contacts/{id}/name", post(actions::rename))
        .route("/admin/contacts/{id}/tag", post(actions::tag))
        .route("/admin/contacts/{id}/untag", post(actions::untag))
        .route("/admin/contacts/{id}/switch", post(actions::switch))
        .route("/admin/contacts/{id}/unsubscribe", post(actions::unsubscribe))
        .route("/admin/contacts/{id}/sequence", post(actions::enrol))
        .route("/admin/contacts/{id}/take-out", post(actions::take_out))
        .route("/admin/contacts/{id}/forward", post(actions::forward))
        .route("/admin/contacts/{id}/export", post(actions::export))
        .route("/admin/contacts/{id}/erase", get(show::erase_plan).post(actions::erase))
}

/// Who is warm.
fn admin_qualify() -> Router<AppState> {
    use admin::scores;
    Router::new()
        .route("/admin/scores", get(scores::index).post(scores::act))
        .route("/admin/scores/new", get(scores::new).post(scores::create))
        .route("/admin/scores/learned", get(scores::learned::show).post(scores::learned::act))
        .route("/admin/scores/learned/csv", get(scores::learned::csv))
        .route("/admin/scores/{id}", get(scores::edit).post(scores::update))
        .route("/admin/scores/{id}/delete", post(scores::delete))
}

/// Follow-up and delivery.
fn admin_mail() -> Router<AppState> {
    use admin::sequences::{people, runs};
    use admin::{messages, sending, sequences, templates, topics};
    Router::new()
        .route("/admin/topics", get(topics::index).post(topics::update))
        .route("/admin/topics/{id}/delete", post(topics::delete))
        .route("/admin/messages", get(messages::index))
        .route("/admin/messages/{id}", get(messages::show))
        .route("/admin/messages/{id}/html", get(messages::html))
        .route("/admin/messages/{id}/source", get(messages::source))
        .route("/admin/messages/{id}/{act}", post(messages::act))
        .route("/admin/caught", get(messages::caught))
        .route("/admin/sending", get(sending::show).post(sending::update))
        .route("/admin/sending/act", post(sending::act))
        .route("/admin/templates", get(templates::index).post(templates::create))
        .route("/admin/templates/new", get(templates::new))
        .route("/admin/templates/{id}", get(templates::edit).post(templates::update))
        .route("/admin/templates/{id}/preview", get(templates::preview))
        .route("/admin/templates/{id}/test", post(templates::test))
        .route("/admin/sequences", get(sequences::index).post(sequences::create))
        .route("/admin/sequences/{id}", get(sequences::show).post(sequences::act))
        .route("/admin/sequences/{id}/edit", get(sequences::edit).post(sequences::update))
        .route("/admin/sequences/{id}/people", get(people::show).post(people::create))
        .route("/admin/sequences/{id}/runs/{run}", get(runs::show).post(runs::stop))
}

/// The site's settings, its operators, its keys, its log.
fn admin_settings() -> Router<AppState> {
    use admin::{audits, keys, operators, settings};
    Router::new()
        .route("/admin/settings", get(settings::show).post(settings::update))
        .route("/admin/operators", get(operators::index).post(operators::create))
        .route("/admin/operators/new", get(operators::new))
        .route("/admin/operators/{id}", get(operators::show).post(operators::update))
        .route("/admin/operators/{id}/invite", post(operators::invite))
        .route("/admin/keys", get(keys::index).post(keys::create))
        .route("/admin/keys/{id}/revoke", post(keys::revoke))
        .route("/admin/audits", get(audits::index))
}

/// What strangers fill in, and what the links of mails lead to.
fn people() -> Router<AppState> {
    use crate::public::{confirmations, embeds, forms, magnets, preferences, privacy, unsubscribe};
    Router::new()
        .route("/go/{code}", get(crate::public::short_links::show))
        .route("/f/{form}", get(forms::show).post(forms::create))
        .route("/f/{form}/embed.html", get(embeds::html))
        .route("/f/{form}/embed.js", get(embeds::script))
        .route("/confirm/{token}", get(confirmations::show).post(confirmations::create))
        .route("/confirm/{token}/again", post(confirmations::again))
        .route("/m/{token}", get(magnets::show).post(magnets::create))
        .route("/u", post(unsubscribe::links))
        .route("/u/{token}", get(unsubscribe::show).post(unsubscribe::create))
        .route("/u/{token}/undo", post(unsubscribe::undo))
        .route("/preferences/{token}", get(preferences::show).post(preferences::update))
        .route("/preferences/{token}/stop", post(preferences::stop))
        .route("/preferences/{token}/again", post(preferences::again))
        .route("/preferences/{token}/export", get(privacy::show_export).post(privacy::export))
        .route("/preferences/{token}/erase", get(privacy::show_erase).post(privacy::erase))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

/// Forms, magnets, imports, sources.
fn admin_leads() -> Router<AppState> {
    use admin::{channel_rules, forms, imports, left_out, magnets, sources, view_origins};
    let uploads = Router::new()
        .route("/admin/magnets", get(magnets::index).post(magnets::create))
        .route("/admin/magnets/new", get(magnets::new))
        .route("/admin/magnets/{id}", get(magnets::edit).post(magnets::update))
        .route("/admin/imports", get(imports::index).post(imports::create))
        .layer(DefaultBodyLimit::max(UPLOAD_MAX));
    Router::new()
        .route("/admin/answers", get(forms::all_answers))
        .route("/admin/forms", get(forms::index).post(forms::create))
        .route("/admin/forms/new", get(forms::new))
        .route("/admin/forms/{id}", get(forms::show).post(forms::update))
        .route("/admin/forms/{id}/edit", get(forms::edit))
        .route("/admin/forms/{id}/retire", post(forms::retire))
        .route("/admin/forms/{id}/answers/{answer}", post(forms::decide))
        .route("/admin/imports/{id}", get(imports::show))
        .route("/admin/imports/{id}/start", post(imports::start))
        .route("/admin/imports/{id}/columns", post(imports::columns))
        .route("/admin/imports/{id}/undo", get(imports::show_undo).post(imports::undo))
        .route("/admin/imports/{id}/pause", post(imports::pause))
        .route("/admin/imports/{id}/errors.csv", get(imports::errors))
        .route("/admin/sources", get(sources::index).post(sources::create))
        .route("/admin/sources/left-out", get(left_out::index))
        .route("/admin/sources/rules", get(channel_rules::index).post(channel_rules::create))
        .route("/admin/sources/rules/past", post(channel_rules::relabel))
        .route("/admin/sources/rules/{id}/delete", post(channel_rules::delete))
        .route("/admin/sources/sites", get(view_origins::show).post(view_origins::update))
        .merge(uploads)
}
