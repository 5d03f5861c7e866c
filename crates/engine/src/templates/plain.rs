//! The text part: what the HTML part says, for those who read text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The text of Markdown: paragraphs apart, lists with dashes, links with their address behind.
pub(super) fn of_markdown(source: &str) -> String {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut writer = Writer::default();
    for event in Parser::new_ext(source, options) {
        writer.take(event);
    }
    tidy(&writer.out)
}

#[derive(Default)]
struct Writer {
    out: String,
    links: Vec<(String, usize)>,
    lists: Vec<Option<u64>>,
    quotes: usize,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.out.push_str(&text),
            Event::SoftBreak => self.out.push(' '),
            Event::HardBreak => self.line(),
            Event::Rule => self.out.push_str("\n\n----\n\n"),
            Event::Html(html) | Event::InlineHtml(html) => self.out.push_str(&of_html(&html)),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.quotes > 0 => self.out.push_str("> "),
            Tag::BlockQuote(_) => {
                self.quotes += 1;
                self.out.push_str("\n\n");
            }
            Tag::Heading { .. } => self.out.push_str("\n\n"),
            Tag::List(first) => {
                self.lists.push(first);
                self.line();
            }
            Tag::Item => {
                self.line();
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.out.push_str(&mark);
            }
            Tag::Link { dest_url, .. } => {
                self.links.push((dest_url.into_string(), self.out.len()));
            }
            Tag::TableRow | Tag::TableHead => self.line(),
            Tag::TableCell => self.out.push(' '),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock => self.out.push_str("\n\n"),
            TagEnd::List(_) => {
                self.lists.pop();
                self.out.push_str("\n\n");
            }
            TagEnd::BlockQuote(_) => self.quotes = self.quotes.saturating_sub(1),
            TagEnd::Link => {
                let Some((url, from)) = self.links.pop() else { return };
                let says = self.out.get(from..).unwrap_or_default();
                if says.trim() != url && !url.is_empty() {
                    self.out.push_str(&format!(" ({url})"));
                }
            }
            TagEnd::TableCell => self.out.push_str(" |"),
            _ => {}
        }
    }

    fn line(&mut self) {
        if !self.out.ends_with('\n') && !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

/// The text of HTML: tags out, blocks apart, links with their address behind.
pub(super) fn of_html(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut href: Option<String> = None;
    while let Some(open) = rest.find('<') {
        let (text, after) = rest.split_at(open);
        out.push_str(&unescape(text));
        let end = after.find('>').map_or(after.len(), |at| at + 1);
        let (tag, left) = after.split_at(end);
        rest = left;
        let inside = tag.trim_start_matches('<').trim_end_matches('>');
        let name = inside.split([' ', '\n', '\t']).next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            "style" | "script" | "head" | "title" => {
                let close = format!("</{name}");
                rest = rest.find(&close).and_then(|at| rest.get(at..)).unwrap_or_default();
            }
            "br" | "br/" | "tr" | "/tr" => out.push('\n'),
            "li" => out.push_str("\n- "),
            "a" => href = attribute(inside, "href"),
            "/a" => {
                if let Some(url) = href.take().filter(|url| !out.ends_with(url.as_str())) {
                    out.push_str(&format!(" ({url})"));
                }
            }
            "p" | "/p" | "/h1" | "/h2" | "/h3" | "/h4" | "h1" | "h2" | "h3" | "h4" | "div"
            | "/div" | "/ul" | "/ol" | "/table" | "hr" | "blockquote" | "/blockquote" => {
                out.push_str("\n\n");
            }
            _ => {}
        }
    }
    out.push_str(&unescape(rest));
    tidy(&out)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = after.split_once('"')?;
    Some(unescape(value))
}

fn unescape(text: &str) -> String {
    text.replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// No more than one empty line anywhere, no blanks at line ends.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.lines() {
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty <= 1 {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim().to_owned()
}
