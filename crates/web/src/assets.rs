//! Style sheets, scripts, icons and fonts: embedded, addressed by the hash of what they hold, and
//! kept gzipped, so that a browser asks for each of them once.
//!
//! In a debug build the files are read from disk at every request; in a release build they are
//! part of the binary.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// How many hexadecimal digits of the hash stand in an address: 48 bits, enough that no two
/// versions of one file meet.
const HASH_DIGITS: usize = 12;

/// An asset whose address holds its hash never changes: a year, the longest caches keep.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// An asset asked for under the hash of another version: right now, but not for keeping.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");

/// One file, ready to send.
struct Asset {
    hash: String,
    kind: &'static str,
    plain: Cow<'static, [u8]>,
    /// Absent where packing would not make it smaller (fonts, pictures).
    packed: Option<Vec<u8>>,
}

/// The hash of a source, and what was made from it.
type Made = ([u8; 32], Arc<Asset>);

/// Assets by name, each with the hash of the source it was made from, so that a file changed on
/// disk is made anew.
static READY: RwLock<BTreeMap<String, Made>> = RwLock::new(BTreeMap::new());

/// The address of an asset: `app.css` → `/assets/3fa85b91c2d0/app.css`. `None` if there is no
/// such file.
pub fn url(name: &str) -> Option<String> {
    find(name).map(|asset| format!("/assets/{}/{name}", asset.hash))
}

/// Every asset by name: what a test or an offline export walks.
pub fn names() -> impl Iterator<Item = String> {
    Files::iter().map(Cow::into_owned)
}

/// `GET /assets/{hash}/{*name}`: the file, for ever where the hash is its own.
pub async fn show(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let Some(asset) = find(&name) else {
        return (StatusCode::NOT_FOUND, "there is no such file\n").into_response();
    };
    let tag = format!("\"{}\"", asset.hash);
    let keep = if asset.hash == hash { FOREVER } else { REVALIDATE };
    let common = [
        (header::CACHE_CONTROL, keep),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
        (
            header::ETAG,
            HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
        ),
    ];
    if says(&headers, &header::IF_NONE_MATCH, &tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    match &asset.packed {
        Some(packed) if says(&headers, &header::ACCEPT_ENCODING, "gzip") => {
            let packing = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            (common, packing, packed.clone()).into_response()
        }
        _ => (common, asset.plain.to_vec()).into_response(),
    }
}

/// What an asset holds.
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    find(name).map(|asset| asset.plain.to_vec())
}

/// The text of an asset, for tests and for pages that must stand alone.
pub fn text(name: &str) -> Option<String> {
    find(name).map(|asset| String::from_utf8_lossy(&asset.plain).into_owned())
}

fn says(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim().split(';').next() == Some(word)))
}

fn find(name: &str) -> Option<Arc<Asset>> {
    let file = Files::get(name)?;
    let source = file.metadata.sha256_hash();
    if let Some((made_from, asset)) = READY.read().unwrap_or_else(PoisonError::into_inner).get(name)
        && *made_from == source
    {
        return Some(Arc::clone(asset));
    }
    let asset = Arc::new(make(name, file));
    READY
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(name.to_owned(), (source, Arc::clone(&asset)));
    Some(asset)
}

fn make(name: &str, file: EmbeddedFile) -> Asset {
    let plain = if name.ends_with(".css") { with_addresses(&file.data).into() } else { file.data };
    let digest = Sha256::digest(&plain);
    let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let hash = hash.chars().take(HASH_DIGITS).collect();
    let kind = kind_of(name);
    let packed = if kind == "font/woff2" { None } else { pack(&plain) };
    Asset { hash, kind, plain, packed }
}

/// A style sheet with `url("vendor/x.woff2")` turned into the hashed address of that asset.
fn with_addresses(css: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(css).into_owned();
    for name in names().filter(|name| !name.ends_with(".css")) {
        let written = format!("url(\"{name}\")");
        if text.contains(&written)
            && let Some(address) = url(&name)
        {
            text = text.replace(&written, &format!("url(\"{address}\")"));
        }
    }
    text.into_bytes()
}

fn pack(plain: &[u8]) -> Option<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(plain).ok()?;
    packer.finish().ok().filter(|packed| packed.len() < plain.len())
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "ico" => "image/x-icon",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_asset_is_kept_for_ever_under_its_own_hash_only() {
        let address = url("app.css").expect("app.css is there");
        let mut parts = address.split('/').skip(2);
        let hash = parts.next().unwrap().to_owned();
        let own = show(Path((hash, "app.css".to_owned())), HeaderMap::new()).await;
        assert_eq!(own.headers()[header::CACHE_CONTROL], FOREVER);
        let other = show(Path(("0".into(), "app.css".to_owned())), HeaderMap::new()).await;
        assert_eq!(other.headers()[header::CACHE_CONTROL], REVALIDATE);
        let none = show(Path(("0".into(), "none.css".to_owned())), HeaderMap::new()).await;
        assert_eq!(none.status(), StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn a_browser_that_takes_gzip_gets_it() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.8"));
        let packed = show(Path(("0".into(), "app.css".to_owned())), headers).await;
        assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn what_was_taken_from_elsewhere_is_still_what_was_taken() {
        let list = text("vendor.toml").unwrap();
        let value = |line: &str| line.split('"').nth(1).unwrap().to_owned();
        let mut lines = list.lines();
        let mut checked = 0;
        while let Some(line) = lines.next() {
            if line.starts_with("path = ") {
                let sum = value(lines.next().unwrap());
                let found = Sha256::digest(bytes(&value(line)).unwrap());
                let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(found, sum, "{line}: mend vendor.toml if this change is meant");
                checked += 1;
            }
        }
        assert_eq!(checked, 4);
    }

    #[test]
    fn a_visitors_page_has_room_to_stay_under_100_kilobytes() {
        let sent =
            |name: &str| find(name).map(|a| a.packed.as_ref().unwrap_or(&a.plain.to_vec()).len());
        let sum: usize =
            ["base.css", "site.css", "vendor/figtree/latin.woff2", "icons.svg", "mark.svg"]
                .iter()
                .map(|name| sent(name).unwrap())
                .sum();
        assert!(sum < 48 * 1024, "style, letters and icons come to {sum} bytes");
    }

    #[test]
    fn style_sheets_name_fonts_by_their_hashed_address() {
        let css = text("base.css").unwrap();
        assert!(!css.contains("url(\"vendor/"), "an address was left unhashed");
        assert!(css.contains("url(\"/assets/"));
    }
}
