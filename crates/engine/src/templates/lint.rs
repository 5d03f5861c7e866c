//! What an author should know before a mail is sent; nothing here forbids it to be kept.

use model::sites::Site;
use model::urls::{Destination, Warning as UrlWarning};

/// Gmail cuts off longer mails, unsubscribe link and all.
const CLIPPED_AT: usize = 102 * 1_024;

/// One thing to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A word for machines.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

pub(super) fn warnings(site: &Site, html: &str, targets: &[String]) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |code, message: String| found.push(Warning { code, message });
    if html.len() > CLIPPED_AT {
        let kb = html.len() / 1_024;
        warn("too_large", format!("the mail has {kb} kB; Gmail cuts it off after 102 kB"));
    }
    if site.postal_address.trim().is_empty() {
        let message = "the site has no postal address; marketing mail must carry one";
        warn("no_postal_address", message.to_owned());
    }
    let own = site.base_url.split("://").nth(1).unwrap_or_default();
    for target in targets.iter().filter(|target| !target.starts_with('/')) {
        let Ok(destination) = Destination::parse(target) else { continue };
        for warning in destination.warnings(own) {
            let host = destination.host().unwrap_or_default().to_owned();
            let message = match warning {
                UrlWarning::Idn => format!("{host} has letters that may look like others"),
                UrlWarning::HandsOver => {
                    format!("this hands something of the contact to {host}")
                }
                UrlWarning::Plain => format!("the link to {host} is not encrypted (http)"),
            };
            warn(warning.as_str(), message);
        }
    }
    for (tag, why) in [
        ("<script", "mail programs take scripts out"),
        ("<form", "forms do not work in most mail programs: link to a page instead"),
        ("<iframe", "mail programs take frames out"),
        ("<svg", "many mail programs take SVG out: use a table or a PNG"),
    ] {
        if html.contains(tag) {
            warn("unsafe_html", format!("{tag}> in the mail: {why}"));
        }
    }
    found
}
