//! A site's own colours and letters, served as `/theme.css`.
//!
//! Whatever colour an operator chooses, words on it and in it can be read: the shade is moved
//! until its contrast is enough, for light pages and for dark ones.

use numbers::real::rounded;

/// What an operator may choose for the site's pages and mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Buttons and links: `#rrggbb`.
    pub accent: String,
    /// Letters of headings and text.
    pub letters: Letters,
    /// How round corners are, in pixels (0 to 24).
    pub corners: u8,
}

/// Families that need no download from anywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// The product's own face.
    Modern,
    /// Serif headings over the product's face.
    Bookish,
    /// What the visitor's system uses.
    System,
}

/// Contrast that text of ordinary size needs (WCAG 2.2, 1.4.3), with a little to spare.
const ENOUGH: f64 = 4.7;
/// The two grounds that links stand on.
const LIGHT_PAPER: Colour = Colour { red: 246.0, green: 244.0, blue: 240.0 };
const DARK_PAPER: Colour = Colour { red: 33.0, green: 30.0, blue: 27.0 };

impl Theme {
    /// The style sheet. A colour that cannot be read as one leaves the product's own in place.
    pub fn stylesheet(&self) -> String {
        let colours = Colour::parse(&self.accent).map(|accent| {
            let light = accent.readable_on(LIGHT_PAPER, Colour::BLACK);
            let dark = accent.readable_on(DARK_PAPER, Colour::WHITE);
            format!(
                "--site-accent: light-dark({}, {}); --site-on-accent: light-dark({}, {}); ",
                light.hex(),
                dark.hex(),
                light.words_on_it().hex(),
                dark.words_on_it().hex()
            )
        });
        let letters = match self.letters {
            Letters::Modern => "",
            Letters::Bookish => {
                "--site-heading: ui-serif, \"Iowan Old Style\", Charter, Georgia, serif; \
                 --site-heading-weight: 600; "
            }
            Letters::System => {
                "--site-font: system-ui, -apple-system, \"Segoe UI\", Roboto, sans-serif; \
                 --site-heading: var(--site-font); "
            }
        };
        let corners = self.corners.min(24);
        format!(":root {{ {}{letters}--site-round: {corners}px; }}\n", colours.unwrap_or_default())
    }
}

/// A colour in sRGB, each part from 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Colour {
    red: f64,
    green: f64,
    blue: f64,
}

impl Colour {
    const BLACK: Self = Self { red: 0.0, green: 0.0, blue: 0.0 };
    const WHITE: Self = Self { red: 255.0, green: 255.0, blue: 255.0 };

    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#')?;
        if digits.len() != 6 || !digits.is_ascii() {
            return None;
        }
        let part = |from: usize| {
            let pair = digits.get(from..from.saturating_add(2))?;
            u8::from_str_radix(pair, 16).ok().map(f64::from)
        };
        Some(Self { red: part(0)?, green: part(2)?, blue: part(4)? })
    }

    fn hex(self) -> String {
        let part = |value: f64| u8::try_from(rounded(value.clamp(0.0, 255.0))).unwrap_or(0);
        format!("#{:02x}{:02x}{:02x}", part(self.red), part(self.green), part(self.blue))
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let linear = |value: f64| {
            let value = value / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    fn towards(self, other: Self, share: f64) -> Self {
        let mix = |from: f64, to: f64| from + (to - from) * share;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// The nearest shade on the way to `end` that can be read on `paper`.
    fn readable_on(self, paper: Self, end: Self) -> Self {
        (0..=50_u32)
            .map(|step| self.towards(end, f64::from(step) / 50.0))
            .find(|shade| shade.contrast(paper) >= ENOUGH)
            .unwrap_or(end)
    }

    fn words_on_it(self) -> Self {
        let dark = Self { red: 20.0, green: 18.0, blue: 16.0 };
        if self.contrast(Self::WHITE) >= self.contrast(dark) { Self::WHITE } else { dark }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_accent_can_be_read_in_both_themes() {
        for accent in ["#ffff00", "#000000", "#ffffff", "#c8662b", "#00ff88", "#3b5bdb"] {
            let colour = Colour::parse(accent).unwrap();
            let light = colour.readable_on(LIGHT_PAPER, Colour::BLACK);
            let dark = colour.readable_on(DARK_PAPER, Colour::WHITE);
            assert!(light.contrast(LIGHT_PAPER) >= 4.5, "{accent}");
            assert!(dark.contrast(DARK_PAPER) >= 4.5, "{accent}");
            assert!(light.words_on_it().contrast(light) >= 4.5, "{accent}");
            assert!(dark.words_on_it().contrast(dark) >= 4.5, "{accent}");
        }
    }

    #[test]
    fn a_colour_that_is_none_never_reaches_the_sheet() {
        let theme = Theme {
            accent: "red; } body { display: none".into(),
            letters: Letters::Bookish,
            corners: 200,
        };
        let sheet = theme.stylesheet();
        assert!(!sheet.contains("display") && !sheet.contains("--site-accent"));
        assert!(sheet.contains("--site-round: 24px"));
    }
}
