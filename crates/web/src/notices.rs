//! What is true until someone changes it, told at the head of every operator page.

use model::sites::Site;

use crate::error::WebError;
use crate::frame::Notice;
use crate::state::AppState;

/// The standing notices of a site.
pub async fn standing(_state: &AppState, _site: &Site) -> Result<Vec<Notice>, WebError> {
    Ok(Vec::new())
}
