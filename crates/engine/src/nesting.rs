//! How deep a text nests. What walks a page goes down a step for each level, and some readers of
//! Markdown and HTML take the square of the levels: a text of nothing but `>` would stop the
//! server. Nobody who writes needs a hundred levels.

/// Quotations and lists within each other on one line of Markdown.
const MARKERS_MAX: usize = 50;
/// Elements within each other.
const DEPTH_MAX: usize = 150;
/// Elements such as `<b>` that end with their parent instead of by themselves: each is opened again
/// in everything that follows.
const LEFT_OPEN_MAX: usize = 30;

/// Elements without an end, or whose end may be left out: they cannot hold one of their own kind.
const ENDLESS: [&str; 30] = [
    "area", "base", "body", "br", "col", "colgroup", "dd", "dt", "embed", "head", "hr", "html",
    "img", "input", "li", "link", "meta", "optgroup", "option", "p", "param", "source", "tbody",
    "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];
/// Elements that are opened again where they were left open.
const REOPENED: [&str; 14] = [
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

/// Whether a line of Markdown opens too many quotations and lists at once.
pub(crate) fn markdown_is_deep(text: &str) -> bool {
    text.lines().any(|line| markers(line) > MARKERS_MAX)
}

/// Quotations and lists that a line begins with.
fn markers(line: &str) -> usize {
    let (mut rest, mut count) = (line, 0);
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let next = if digits.len() < rest.len() {
            digits.strip_prefix(['.', ')'])
        } else {
            rest.strip_prefix(['>', '-', '+', '*'])
        };
        let Some(next) = next else { return count };
        rest = next;
        count += 1;
    }
}

/// Whether elements of `html` stand too deep within each other, or too many are left open.
pub(crate) fn html_is_deep(html: &str) -> bool {
    let (mut open, mut left_open): (Vec<String>, usize) = (Vec::new(), 0);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..).unwrap_or_default();
        let (ends, tag) = match rest.strip_prefix('/') {
            Some(tag) => (true, tag),
            None => (false, rest),
        };
        let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        if name.is_empty() || ENDLESS.contains(&name.as_str()) {
            continue;
        }
        if !ends {
            open.push(name);
        } else if let Some(at) = open.iter().rposition(|known| *known == name) {
            let skipped = open.drain(at..).skip(1);
            left_open += skipped.filter(|name| REOPENED.contains(&name.as_str())).count();
        }
        if open.len() > DEPTH_MAX || left_open > LEFT_OPEN_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_deep_and_what_would_stop_the_server_is() {
        for text in ["> > said\n> twice", "1. a\n   - b\n     * c", "---------------", "***", ""] {
            assert!(!markdown_is_deep(text), "{text}");
        }
        for marker in ["> ", ">", "1. ", "> - "] {
            assert!(markdown_is_deep(&format!("a\n\n{}", marker.repeat(51))), "{marker}");
        }
        let table = "<table><tr><td><p>a<br><li>b".repeat(20);
        assert!(!html_is_deep(&table), "ends that may be left out");
        assert!(!html_is_deep(&"<p><b>a</b> &lt; <img src=x>".repeat(5_000)));
        for deep in ["<div>", "<div></x>", "<DIV\n>", "<b id=1>", "<div><b></div>"] {
            assert!(html_is_deep(&deep.repeat(2_000)), "{deep}");
        }
    }
}
