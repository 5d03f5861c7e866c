//! The files a funnel file names: bodies of mails, pictures, things to download.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use data_encoding::HEXLOWER;
use model::Refused;
use model::blocks::files_of;
use sha2::{Digest, Sha256};

use super::text::Parsed;
use crate::files::pictures;

/// How a stored file is named in place of a path.
pub const STORED: &str = "sha256:";

/// A file read from beside the funnel file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// Its media type, by its name.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Reads every file that `parsed` names, relative to `base`: bodies take the place of
/// `body_file`, and each path gives way to the hash of what was read.
///
/// # Errors
/// A file that is not there, or lies outside the folder, with the line that names it.
pub fn read(parsed: &mut Parsed, base: &Path) -> Result<BTreeMap<String, Bundled>, Refused> {
    let mut document = std::mem::take(&mut parsed.document);
    let done = all(parsed, &mut document, base);
    parsed.document = document;
    done
}

/// Whether what the pages and products of `parsed` show of `bundled` can be shown.
///
/// # Errors
/// No page could show a picture, with the line that names it.
pub fn check_shown(parsed: &Parsed, bundled: &BTreeMap<String, Bundled>) -> Result<(), Refused> {
    let document = &parsed.document;
    let pages = document.pages.values().flat_map(|page| files_of(&page.blocks));
    let products = document.products.values().filter_map(|product| product.image.as_deref());
    for name in pages.chain(products) {
        if let Some(file) = bundled.get(name) {
            pictures::check(file.content_type, &file.bytes)
                .map_err(|refused| parsed.at(&format!("files.{name}"), &refused))?;
        }
    }
    Ok(())
}

fn all(
    parsed: &Parsed,
    document: &mut super::Document,
    base: &Path,
) -> Result<BTreeMap<String, Bundled>, Refused> {
    for (slug, template) in &mut document.templates {
        let Some(file) = template.body_file.take() else { continue };
        let path = format!("templates.{slug}.body_file");
        let bytes = bytes(base, &file).map_err(|e| parsed.at(&path, &e))?;
        template.body = String::from_utf8(bytes).map_err(|_| {
            let refused = Refused::new("not_text", format!("{file} is not text in UTF-8"));
            parsed.at(&path, &refused)
        })?;
    }
    let mut bundled = BTreeMap::new();
    for (name, path) in &mut document.files {
        if path.starts_with(STORED) {
            continue;
        }
        let at = format!("files.{name}");
        let bytes = bytes(base, path).map_err(|e| parsed.at(&at, &e))?;
        *path = format!("{STORED}{}", HEXLOWER.encode(&Sha256::digest(&bytes)));
        let content_type = content_type(name);
        bundled.insert(name.clone(), Bundled { content_type, bytes });
    }
    Ok(bundled)
}

fn bytes(base: &Path, file: &str) -> Result<Vec<u8>, Refused> {
    let path = Path::new(file);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        let message = format!("{file} must lie beside this file, without .. or a leading slash");
        return Err(Refused::new("path_outside", message));
    }
    std::fs::read(base.join(path))
        .map_err(|e| Refused::new("file_missing", format!("{file} cannot be read: {e}")))
}

/// The media type a file's name promises.
pub fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "pdf" => "application/pdf",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
