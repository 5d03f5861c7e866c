//! The example shop as a folder: embedded, and written out where people can change it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../examples/ebook-shop"]
struct Files;

/// Writes the shop's files into `dir`; the path of its funnel file.
///
/// # Errors
/// The folder cannot be written.
pub fn write_to(dir: &Path) -> anyhow::Result<PathBuf> {
    for name in Files::iter() {
        // The covers' drawings are for those who read the repository.
        let file = Files::get(&name).filter(|_| !name.ends_with(".svg"));
        let Some(file) = file else { continue };
        let path = dir.join(name.as_ref());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        std::fs::write(&path, &file.data)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(dir.join("funnel.toml"))
}
