//! A mail's HTML: what is said, put into the one table layout, with styles on the elements.
//!
//! The look stands in `templates/email/layout.html`; this module knows no contact and no
//! database, so a preview and a send draw the same bytes from the same values.

use std::sync::LazyLock;

use css_inline::CSSInliner;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

use crate::fault::{EngineError, Result};

/// Larger mails are cut off by some inboxes, unsubscribe link and all.
pub const LETTER_MAX_BYTES: usize = 102 * 1024;

static LAYOUTS: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> =
    LazyLock::new(|| {
        let mut layouts = Environment::new();
        layouts.set_undefined_behavior(UndefinedBehavior::Strict);
        layouts.set_auto_escape_callback(|_| AutoEscape::Html);
        layouts.add_template("layout", include_str!("../templates/email/layout.html"))?;
        Ok(layouts)
    });

/// One mail, ready to be drawn. Amounts and prices are written text.
#[derive(Debug, Clone, Serialize)]
pub struct Letter<'a> {
    /// BCP 47 tag of its words.
    pub language: &'a str,
    /// As in the header.
    pub subject: &'a str,
    /// What an inbox shows after the subject; may be empty.
    pub preheader: &'a str,
    /// Who writes.
    pub site: Sender<'a>,
    /// Safe HTML; a link of class `button` is drawn as one.
    pub body_html: &'a str,
    /// The one thing to do.
    pub button: Option<LinkTo<'a>>,
    /// The lines of an order.
    pub receipt: Option<ReceiptBlock>,
    /// What else there is; only for those who may get sales mail.
    pub offers: Option<OfferBlock>,
    /// Why this person gets this mail, in one sentence; may be empty.
    pub why: &'a str,
    /// Absent on transactional mail.
    pub unsubscribe_url: Option<&'a str>,
    /// Absent on transactional mail.
    pub preferences_url: Option<&'a str>,
}

/// The site as its mails show it.
#[derive(Debug, Clone, Serialize)]
pub struct Sender<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its home page.
    pub url: &'a str,
    /// Its postal address, on one line; may be empty before it is known.
    pub address: &'a str,
    /// `#rrggbb`, readable under white words (`web::theme::mail_accent`).
    pub accent: &'a str,
}

/// A link with its words.
#[derive(Debug, Clone, Serialize)]
pub struct LinkTo<'a> {
    /// Where it leads.
    pub href: &'a str,
    /// What it says.
    pub label: &'a str,
}

/// What was bought.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptBlock {
    /// `Invoice FH-1042`.
    pub number: String,
    /// The day, written.
    pub date: String,
    /// The buyer, line by line.
    pub to: Vec<String>,
    /// One a line of the order.
    pub lines: Vec<ReceiptLine>,
    /// Discount, tax, total.
    pub totals: Vec<ReceiptTotal>,
    /// Terms or thanks under the total; may be empty.
    pub note: String,
}

/// One line of an order.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptLine {
    /// What it is.
    pub name: String,
    /// How many, or which; may be empty.
    pub note: String,
    /// What it cost.
    pub amount: String,
}

/// One line under the lines.
#[derive(Debug, Clone, Serialize)]
pub struct ReceiptTotal {
    /// `of which VAT 24%`, `Total`.
    pub label: String,
    /// How much.
    pub amount: String,
    /// Whether it is the sum that was paid.
    pub strong: bool,
}

/// Offers below the letter, set apart from it.
#[derive(Debug, Clone, Serialize)]
pub struct OfferBlock {
    /// `For your next order`.
    pub title: String,
    /// One to six.
    pub items: Vec<OfferItem>,
    /// Deadline or coupon terms; may be empty.
    pub terms: String,
}

/// One offer.
#[derive(Debug, Clone, Serialize)]
pub struct OfferItem {
    /// The product.
    pub name: String,
    /// One sentence; may be empty.
    pub text: String,
    /// Written; may be empty.
    pub price: String,
    /// A signed link.
    pub href: String,
    /// What the link says.
    pub label: String,
    /// Address of a square picture.
    pub image: Option<String>,
}

impl Letter<'_> {
    /// The whole document, styles on the elements.
    ///
    /// # Errors
    /// A fault where the layout itself is wrong, which a test rules out.
    pub fn html(&self) -> Result<String> {
        let layouts = LAYOUTS.as_ref().map_err(fault)?;
        let page = layouts.get_template("layout").map_err(fault)?;
        let html = page.render(Value::from(Serde(self))).map_err(fault)?;
        CSSInliner::options().build().inline(&html).map_err(fault)
    }
}

fn fault(why: impl std::fmt::Display) -> EngineError {
    EngineError::Fault(format!("the mail layout could not be drawn: {why:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(body_html: &str) -> Letter<'_> {
        Letter {
            language: "en",
            subject: "Your field guide",
            preheader: "Twelve pages on clay and frost",
            site: Sender {
                name: "Fern & Hollow",
                url: "https://shop.example/",
                address: "4 Kiln Lane, Hythe",
                accent: "#1f5a57",
            },
            body_html,
            button: None,
            receipt: None,
            offers: None,
            why: "You asked for the guide on 21 Nov 2026.",
            unsubscribe_url: Some("https://shop.example/u/x"),
            preferences_url: Some("https://shop.example/preferences/x"),
        }
    }

    fn receipt() -> ReceiptBlock {
        let line = |name: &str, note: &str, amount: &str| ReceiptLine {
            name: name.into(),
            note: note.into(),
            amount: amount.into(),
        };
        let total = |label: &str, amount: &str, strong| ReceiptTotal {
            label: label.into(),
            amount: amount.into(),
            strong,
        };
        ReceiptBlock {
            number: "Invoice FH-1042".into(),
            date: "21 Nov 2026".into(),
            to: vec!["Iris Calloway".into(), "2 Mill Row, Hythe".into()],
            lines: vec![
                line("Starter kit", "3 pots, feet, mesh", "€29.00"),
                line("Winter course", "", "€99.00"),
            ],
            totals: vec![
                total("Coupon WINTER", "−€10.00", false),
                total("of which VAT 24%", "€22.84", false),
                total("Total", "€118.00", true),
            ],
            note: "Paid by card on 21 Nov 2026.".into(),
        }
    }

    fn offers() -> OfferBlock {
        OfferBlock {
            title: "For your next order".into(),
            items: vec![OfferItem {
                name: "Pot feet, set of nine".into(),
                text: "So that water can leave.".into(),
                price: "€12.00".into(),
                href: "https://shop.example/l/y".into(),
                label: "See them".into(),
                image: None,
            }],
            terms: "Until 28 Nov 2026, 17:33 (Europe/Athens).".into(),
        }
    }

    fn write(name: &str, html: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/gallery");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(format!("{folder}/{name}"), html).unwrap();
    }

    #[test]
    fn a_letter_has_its_styles_on_the_elements_and_its_address_at_the_foot() {
        let body = "<h1>Your field guide</h1><p>Hello Iris,</p><p>here it is. <a href=\"#\">Open \
                    it in the browser</a>, or press the button.</p><ul><li>Clay</li><li>Frost</li>\
                    </ul><blockquote><p>No pot cracked.</p></blockquote>\
                    <p><a class=\"button\" href=\"#\">Also a button</a></p>";
        let mut letter = letter(body);
        letter.button = Some(LinkTo { href: "https://shop.example/m/x", label: "Open the guide" });
        let html = letter.html().unwrap();
        assert!(
            html.contains("<p style=\"margin:") || html.contains("<p style=\"margin "),
            "{html}"
        );
        assert!(html.contains("4 Kiln Lane, Hythe"));
        assert!(html.contains("href=\"https://shop.example/u/x\""));
        assert!(html.contains("prefers-color-scheme: dark"));
        assert!(html.contains("Fern &amp; Hollow"));
        assert!(!html.contains("{#") && !html.contains("css-inline moves"));
        assert!(html.len() < 24 * 1024, "{} bytes", html.len());
        write("email-letter.html", &html);
    }

    #[test]
    fn a_receipt_names_its_lines_and_asks_nobody_to_unsubscribe() {
        let mut letter = letter("<h1>Thank you, Iris</h1><p>Your order is on its way.</p>");
        letter.receipt = Some(receipt());
        letter.offers = Some(offers());
        (letter.unsubscribe_url, letter.preferences_url) = (None, None);
        letter.why = "";
        let html = letter.html().unwrap();
        for words in ["Invoice FH-1042", "€118.00", "Pot feet, set of nine", "−€10.00"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("Unsubscribe"));
        assert!(html.len() < LETTER_MAX_BYTES / 4, "{} bytes", html.len());
        write("email-receipt.html", &html);
    }

    #[test]
    fn words_of_a_buyer_cannot_become_markup() {
        let mut letter = letter("<p>x</p>");
        let mut receipt = receipt();
        receipt.to = vec!["<img src=x onerror=alert(1)>".into()];
        letter.receipt = Some(receipt);
        assert!(!letter.html().unwrap().contains("<img src=\"x\""));
    }
}
