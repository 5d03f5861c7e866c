//! Markdown as safe HTML: for pages, and for the bodies of mails.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};

/// What may stand in HTML that came from Markdown: no script, no style, no frame, no form.
static SAFE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut safe = Builder::default();
    safe.url_schemes(HashSet::from(["http", "https", "mailto", "tel"]));
    safe.link_rel(Some("noopener"));
    safe
});

/// The text as safe HTML.
pub fn to_html(text: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut raw = String::with_capacity(text.len() * 2);
    html::push_html(&mut raw, Parser::new_ext(text, options));
    SAFE.clean(&raw).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p03_pasted_script_is_taken_out() {
        let html = to_html("Hello <script>alert(1)</script> [x](javascript:alert(1)) **you**");
        assert!(!html.contains("script") && html.contains("<strong>you</strong>"), "{html}");
    }
}
