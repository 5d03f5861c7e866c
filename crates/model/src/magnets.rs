//! Magnets: the free thing given for an address, and the right to it.

use crate::ids::{ClaimId, ConfirmationId, ContactId, FileId, MagnetId};
use crate::refused::Refused;
use crate::times::UtcMs;
use crate::urls::Destination;
use crate::words::words;

words! {
    /// What it is.
    MagnetKind "magnet_kind" {
        /// A stored file.
        File = "file",
        /// A page elsewhere.
        Link = "link",
    }
}

/// The free thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magnet {
    /// Its id.
    pub id: MagnetId,
    /// Its name in files.
    pub slug: String,
    /// Its name as people read it.
    pub name: String,
    /// A file or a link.
    pub kind: MagnetKind,
    /// The file.
    pub file_id: Option<FileId>,
    /// The link.
    pub url: Option<String>,
    /// When it was made.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl Magnet {
    /// Checks a magnet before it is stored.
    ///
    /// # Errors
    /// It has no name, no file, or no web address.
    pub fn check(&self) -> Result<(), Refused> {
        if self.name.trim().is_empty() {
            return Err(Refused::new("magnet_name", "give it a name").at("name"));
        }
        match (self.kind, self.file_id, self.url.as_deref()) {
            (MagnetKind::File, Some(_), _) => Ok(()),
            (MagnetKind::File, None, _) => {
                Err(Refused::new("magnet_file", "choose the file to give away").at("file"))
            }
            (MagnetKind::Link, _, url) => {
                let to = Destination::parse(url.unwrap_or_default()).map_err(|e| e.at("url"))?;
                if to.as_str().starts_with("http") && !to.has_expressions() {
                    return Ok(());
                }
                let message = "write the whole address, as https://example.com/lesson";
                Err(Refused::new("magnet_url", message).at("url"))
            }
        }
    }
}

/// One contact's right to one magnet: what `/m/{token}` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Of what.
    pub magnet_id: MagnetId,
    /// Whose.
    pub contact_id: ContactId,
    /// What fetching it confirms.
    pub confirmation_id: Option<ConfirmationId>,
    /// How often it was fetched.
    pub downloads: i64,
    /// When it was made.
    pub created_at: UtcMs,
    /// Until when it can be fetched.
    pub expires_at: UtcMs,
    /// When it was last fetched.
    pub last_at: Option<UtcMs>,
}
