//! `GET /go/{code}` leads on; `GET /go/{code}.png` is the same as a picture for print.

use std::io::Write;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use qrcode::{Color, QrCode};
use store::short_links::ShortLink;

use crate::error::WebError;
use crate::extract::site::CurrentSite;
use crate::reply::Reply;
use crate::state::AppState;

/// Pixels of one module; a hand's breadth in print.
const SCALE: usize = 16;
/// White modules around the code, as its standard wants.
const QUIET: usize = 4;

/// Leads on, or shows the picture.
pub async fn show(
    State(state): State<AppState>,
    CurrentSite(site): CurrentSite,
    Path(name): Path<String>,
) -> Reply {
    let (code, is_picture) = match name.strip_suffix(".png") {
        Some(code) => (code.to_owned(), true),
        None => (name, false),
    };
    let id = site.id;
    let found: Option<ShortLink> = state
        .reader
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move { Ok(store::short_links::find_by_code(session, id, &code).await?) })
        })
        .await?;
    let link = found.ok_or(WebError::NotFound)?;
    if is_picture {
        let png = picture(&site.url(&format!("/go/{}", link.code))).ok_or(WebError::NotFound)?;
        return Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response());
    }
    let target = engine::short_links::target(&link);
    let to = HeaderValue::from_str(&target).map_err(|_| WebError::NotFound)?;
    let keep = HeaderValue::from_static("no-store");
    let headers = [(header::LOCATION, to), (header::CACHE_CONTROL, keep)];
    let response: Response = (StatusCode::FOUND, headers).into_response();
    Ok(response)
}

/// The QR code of `text` as a PNG of black and white.
fn picture(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::new(text).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = (width + 2 * QUIET) * SCALE;
    let mut raw = Vec::with_capacity(side * (side / 8 + 2));
    for y in 0..side {
        raw.push(0);
        for byte in 0..side.div_ceil(8) {
            let bits = (0..8).fold(0_u8, |bits, bit| {
                let x = byte * 8 + bit;
                let module = |at: usize| (at / SCALE).checked_sub(QUIET).filter(|m| *m < width);
                let dark = match (module(x), module(y)) {
                    (Some(mx), Some(my)) => colors.get(my * width + mx) == Some(&Color::Dark),
                    _ => false,
                };
                bits << 1 | u8::from(!dark)
            });
            raw.push(bits);
        }
    }
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&raw).ok()?;
    let packed = packer.finish().ok()?;
    let side = u32::try_from(side).ok()?.to_be_bytes();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    // One bit a pixel, greys, no interlacing.
    chunk(&mut png, b"IHDR", &[&side[..], &side[..], &[1, 0, 0, 0, 0]].concat())?;
    chunk(&mut png, b"IDAT", &packed)?;
    chunk(&mut png, b"IEND", &[])?;
    Some(png)
}

fn chunk(png: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Option<()> {
    png.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
    png.extend(name);
    png.extend(data);
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    png.extend(crc.sum().to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_with_its_parts() {
        let png = picture("http://shop.example/go/flyer").unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(png.ends_with(b"IEND\xae\x42\x60\x82"));
        assert!(png.windows(4).any(|four| four == b"IDAT"));
    }
}
