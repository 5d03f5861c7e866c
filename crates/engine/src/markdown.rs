//! Markdown as safe HTML: for pages, and for the bodies of mails.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};

use crate::nesting;

/// What may stand in HTML that came from Markdown: no script, no style, no frame, no form.
static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut safe = Builder::default();
    safe.url_schemes(HashSet::from(["http", "https", "mailto", "tel"]));
    safe.link_rel(Some("noopener"));
    safe
});

/// The text as safe HTML. One that nests deeper than anybody writes is shown as it was typed.
pub fn to_html(text: &str) -> String {
    let as_typed = || format!("<pre>{}</pre>", ammonia::clean_text(text));
    if nesting::markdown_is_deep(text) {
        return as_typed();
    }
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut raw = String::with_capacity(text.len() * 2);
    html::push_html(&mut raw, Parser::new_ext(text, options));
    if nesting::html_is_deep(&raw) {
        return as_typed();
    }
    SAFE.clean(&raw).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_nests_without_end_is_shown_as_it_was_typed() {
        for text in ["> ".repeat(20_000), "<div>".repeat(20_000), "- > ".repeat(9_000)] {
            assert!(to_html(&text).starts_with("<pre>"));
        }
    }

    #[test]
    fn p04_pasted_script_is_taken_out() {
        let html = to_html("Hello <script>alert(1)</script> [x](javascript:alert(1)) **you**");
        assert!(!html.contains("script") && html.contains("<strong>you</strong>"), "{html}");
    }
}
