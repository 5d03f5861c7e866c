//! `GET /f/{form}/embed.html`, `GET /f/{form}/embed.js`: the form for other sites, as plain HTML to
//! paste, and as a small script that puts that HTML where it stands.

use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use engine::Engine;
use engine::forms::LiveForm;
use model::forms::{HONEYPOT, VERSION_FIELD};
use model::sites::Site;
use serde_json::json;

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::reply::Reply;
use crate::state::AppState;
use crate::templates;

/// A changed form is seen on other sites within minutes.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=300");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The HTML to paste. No script, no style, no token of time: where it may stand is the form's own
/// list, and which version of its words stands there is signed.
pub async fn html(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
) -> Reply {
    let form = engine::forms::live(&state.engine, site.id, &slug).await?;
    Ok(shared("text/html; charset=utf-8", snippet(&state.engine, &site, &form)?))
}

/// The script that puts the form where the script stands.
pub async fn script(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(slug): Path<String>,
) -> Reply {
    let form = engine::forms::live(&state.engine, site.id, &slug).await?;
    let html = json!(snippet(&state.engine, &site, &form)?).to_string().replace('<', "\\u003c");
    let text = format!("document.currentScript.insertAdjacentHTML(\"afterend\", {html});\n");
    Ok(shared("text/javascript; charset=utf-8", text))
}

/// The form as it is pasted.
pub fn snippet(engine: &Engine, site: &Site, form: &LiveForm) -> Result<String, WebError> {
    let spec = &form.form.spec;
    // What one agrees to is read at the box itself.
    let mut fields = spec.fields.clone();
    for field in &mut fields {
        field.label = match field.kind {
            model::forms::FieldKind::Consent => field.wording().to_owned(),
            _ => field.label.clone(),
        };
    }
    let fields: Vec<serde_json::Value> = fields
        .iter()
        .map(|field| {
            json!({
                "key": field.key, "kind": field.kind, "label": field.label,
                "required": field.required, "default": field.default, "options": field.options,
            })
        })
        .collect();
    let context = json!({
        "action": site.url(&format!("/f/{}", form.form.slug)),
        "title": spec.title, "text": spec.intro, "fields": fields, "trap": HONEYPOT,
        "consent": spec.consent, "button": spec.button, "version_field": VERSION_FIELD,
        "version": engine::forms::sign_version(engine, &form.form),
    });
    Ok(templates::render("public/forms/embed.html", context)?)
}

/// An answer that pages of other sites may take in.
pub(crate) fn shared(kind: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, KEEP),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
    ];
    (headers, text).into_response()
}

/// Sample data for the render-all test.
pub fn sample() -> serde_json::Value {
    json!({
        "action": "https://shop.example/f/chapter", "title": "Read the first chapter",
        "text": "Twenty pages.", "trap": HONEYPOT, "button": "Send it", "consent": "",
        "version_field": VERSION_FIELD, "version": "AQAB",
        "fields": [{"key": "email", "kind": "email", "label": "Address", "required": true,
            "default": "", "options": []}],
    })
}
