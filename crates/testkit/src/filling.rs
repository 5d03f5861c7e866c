//! Sends forms back as a browser does: every field as the page holds it, but for what is typed.

use axum::body::Body;
use futures_util::StreamExt;

use crate::app::{Answer, HOST, TestApp};

/// A choice none of whose options was seen yet: the first holds unless one is marked.
const UNCHOSEN: &str = "\u{4}";

impl Answer {
    /// The fields of the form that goes to `action`, as a browser would send them untouched.
    pub fn fields_of(&self, action: &str) -> Vec<(String, String)> {
        let page = unescape(&self.body);
        let mark = format!("action=\"{action}\"");
        let at = page.find(&mark).unwrap_or_else(|| panic!("no form to {action}: {page}"));
        let form = page[at..].split("</form>").next().unwrap();
        let mut fields = Vec::new();
        for part in form.split('<').skip(1) {
            let (tag, text) = part.split_once('>').unwrap_or((part, ""));
            let name = attribute(tag, "name").unwrap_or_default();
            if tag.starts_with("input ") && !name.is_empty() {
                let kind = attribute(tag, "type").unwrap_or_default();
                let pressed = !matches!(kind.as_str(), "checkbox" | "radio" | "file")
                    || tag.ends_with(" checked")
                    || tag.contains(" checked ");
                if pressed && kind != "file" {
                    fields.push((name, attribute(tag, "value").unwrap_or_default()));
                }
            } else if tag.starts_with("textarea ") {
                fields.push((name, text.strip_prefix('\n').unwrap_or(text).to_owned()));
            } else if tag.starts_with("select ") {
                fields.push((name, UNCHOSEN.to_owned()));
            } else if tag.starts_with("option ") {
                let (value, last) = (attribute(tag, "value").unwrap(), fields.last_mut().unwrap());
                if last.1 == UNCHOSEN || tag.ends_with(" selected") {
                    last.1 = value;
                }
            }
        }
        fields
    }
}

impl TestApp {
    /// Opens `page` and sends its form to `action` with `typed` in place of what stood there.
    pub async fn fill(&self, page: &str, action: &str, typed: &[(&str, &str)]) -> Answer {
        let mut fields = self.get(page).await.fields_of(action);
        fields.retain(|(name, _)| !typed.iter().any(|(given, _)| given == name));
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = fields.chain(typed.iter().copied()).collect();
        self.post(action, &fields).await
    }

    /// Sends fields and files (name, file name, content type, bytes) as a form that uploads.
    pub async fn upload(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &str, &str, &[u8])],
    ) -> Answer {
        let mut body = Vec::new();
        for (name, value) in fields {
            let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"");
            body.extend_from_slice(format!("{head}\r\n\r\n{value}\r\n").as_bytes());
        }
        for (name, file, kind, bytes) in files {
            let head = format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                 Content-Type: {kind}\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--b--\r\n");
        let request = self
            .request("POST", path)
            .header("content-type", "multipart/form-data; boundary=b")
            .header("sec-fetch-site", "same-origin")
            .header("origin", format!("http://{HOST}"));
        self.send(request.body(in_pieces(body)).unwrap()).await
    }
}

/// As a network brings it.
fn in_pieces(bytes: Vec<u8>) -> Body {
    let pieces: Vec<Vec<u8>> = bytes.chunks(1 << 16).map(<[u8]>::to_vec).collect();
    let pieces = futures_util::stream::iter(pieces).enumerate().then(async |(n, piece)| {
        if n > 0 {
            tokio::task::yield_now().await;
        }
        Ok::<_, std::io::Error>(piece)
    });
    Body::from_stream(pieces)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.replace('\u{1}', "\"").replace('\u{2}', "<").replace('\u{3}', ">"))
}

/// Marks that would end an attribute or a tag stay apart from those that do.
fn unescape(text: &str) -> String {
    let pairs = [
        ("&#x2f;", "/"),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&quot;", "\u{1}"),
        ("&#34;", "\u{1}"),
        ("&lt;", "\u{2}"),
        ("&gt;", "\u{3}"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
