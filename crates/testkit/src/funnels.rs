//! Funnel files applied to a test application.

use std::path::Path;

use engine::funnel::{self, Rest};

use crate::TestApp;

/// Applies the file at `path`; what it does not name stays.
pub async fn apply(app: &TestApp, path: &Path) {
    let plan = funnel::plan(&app.engine, &app.site, path, Rest::Kept).await.unwrap();
    funnel::apply(&app.engine, &app.site, plan).await.unwrap();
}
