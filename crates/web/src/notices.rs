//! What is true until someone changes it, told at the head of every operator page.

use engine::Transport;
use model::sites::Site;

use crate::error::WebError;
use crate::frame::{Notice, Tone};
use crate::state::AppState;

/// The standing notices of a site.
pub async fn standing(state: &AppState, site: &Site) -> Result<Vec<Notice>, WebError> {
    let mut notices = Vec::new();
    if let Some(why) = engine::guard::held(&state.engine).await? {
        notices.push(Notice {
            tone: Tone::Bad,
            text: format!("Nothing is sent: {why}."),
            href: Some("/admin/sending".to_owned()),
            label: Some("Decide".to_owned()),
        });
    }
    if let Some(why) = state.settings_refused() {
        notices.push(Notice {
            tone: Tone::Bad,
            text: format!("The changed settings do not hold, the earlier ones do: {why}."),
            href: None,
            label: None,
        });
    }
    if is_caught(state, site) {
        notices.push(Notice {
            tone: Tone::Info,
            text: "Mail is caught on this machine; nothing leaves it.".to_owned(),
            href: Some("/admin/caught".to_owned()),
            label: Some("Read it".to_owned()),
        });
    }
    Ok(notices)
}

/// Whether the site's mail is kept here, because no mail server is set.
pub fn is_caught(state: &AppState, site: &Site) -> bool {
    match &state.engine.sending().transport {
        Some(transport) => matches!(transport, Transport::Caught),
        None => site.settings.sending.smtp.is_none(),
    }
}
