//! A QR code as SVG: black on white in both themes, since readers want the contrast.

use qrcode::QrCode;
use qrcode::render::svg::Color;

/// Pixels of a side, quiet zone included: large enough to be read from a screen.
const SIDE: u32 = 220;

/// The code for `text`; empty where it is too long for one.
pub fn qr(text: &str) -> String {
    let Ok(code) = QrCode::new(text.as_bytes()) else { return String::new() };
    let drawn = code.render::<Color<'_>>().min_dimensions(SIDE, SIDE).build();
    // An element of a page needs no declaration, and says what it is.
    let svg = drawn.split_once("?>").map_or(drawn.as_str(), |(_, svg)| svg);
    svg.replacen("<svg ", "<svg role=\"img\" aria-label=\"QR code\" class=\"qr\" ", 1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_code_is_an_element_without_inline_style() {
        let svg = super::qr("otpauth://totp/Tundish:a@b.example?secret=AAAA");
        assert!(svg.starts_with("<svg role=\"img\"") && !svg.contains("style="));
        assert!(super::qr(&"x".repeat(10_000)).is_empty());
    }
}
