//! The "relaxed" canonical form of RFC 6376 §3.4: what a signature covers.

use memchr::{memchr, memmem};

/// A mail cut into header fields, with its canonical body.
pub(super) struct Message<'a> {
    /// Each field from its name to before its last CRLF.
    fields: Vec<(&'a [u8], &'a [u8])>,
    /// The body in relaxed form.
    pub(super) body: Vec<u8>,
}

impl<'a> Message<'a> {
    /// Cuts a mail whose lines end in CRLF.
    pub(super) fn read(message: &'a [u8]) -> Self {
        let (head, body) = match memmem::find(message, b"\r\n\r\n") {
            Some(at) => {
                let (head, rest) = message.split_at(at);
                (head, rest.get(4..).unwrap_or_default())
            }
            None => (message, &[][..]),
        };
        Self { fields: fields(head), body: relaxed_body(body) }
    }

    /// The names for `h=` and the canonical headers they stand for: each of `wanted` as often as
    /// it is there, the lowest one first (§5.4.2), and `over_signed` once more.
    pub(super) fn signed_headers(
        &self,
        wanted: &[&'static str],
        over_signed: &str,
    ) -> (Vec<&'static str>, Vec<u8>) {
        let mut names = Vec::with_capacity(wanted.len() + 1);
        let mut canonical = Vec::with_capacity(2_048);
        for name in wanted {
            for (found, whole) in self.fields.iter().rev() {
                if found.eq_ignore_ascii_case(name.as_bytes()) {
                    names.push(*name);
                    relaxed_header(whole, &mut canonical);
                }
            }
            if *name == over_signed {
                names.push(*name);
            }
        }
        (names, canonical)
    }
}

/// Header fields: name, and the whole field with its folded lines.
fn fields(head: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut fields = Vec::with_capacity(16);
    let mut rest = head;
    while !rest.is_empty() {
        let mut end = 0;
        // A field ends at a line end that no white space follows.
        let end = loop {
            let after = rest.get(end..).unwrap_or_default();
            match memmem::find(after, b"\r\n") {
                None => break rest.len(),
                Some(at) => match rest.get(end + at + 2) {
                    Some(b' ' | b'\t') => end += at + 2,
                    _ => break end + at,
                },
            }
        };
        let (field, after) = rest.split_at(end);
        if let Some(colon) = memchr(b':', field) {
            let (name, _) = field.split_at(colon);
            fields.push((name.trim_ascii_end(), field));
        }
        rest = after.get(2..).unwrap_or_default();
    }
    fields
}

/// Name in lower case, lines unfolded, white space runs as one space, none around the value.
pub(super) fn relaxed_header(field: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(b':', field).unwrap_or(field.len());
    let (name, value) = field.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let mut space = false;
    for octet in value.get(1..).unwrap_or_default().trim_ascii() {
        match octet {
            b' ' | b'\t' => space = true,
            b'\r' | b'\n' => {}
            octet => {
                if space {
                    out.push(b' ');
                }
                space = false;
                out.push(*octet);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// White space at line ends gone, runs of it as one space, no empty lines at the end.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let line_end = memmem::Finder::new(b"\r\n");
    let mut rest = body;
    let mut empty_lines = 0;
    while !rest.is_empty() {
        let end = line_end.find(rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(2..).unwrap_or_default();
        let line = line.trim_ascii_end();
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..empty_lines {
            out.extend_from_slice(b"\r\n");
        }
        empty_lines = 0;
        relaxed_line(line, &mut out);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn relaxed_line(line: &[u8], out: &mut Vec<u8>) {
    let is_space = |octet: &u8| matches!(octet, b' ' | b'\t');
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.iter().position(is_space).unwrap_or(rest.len());
        let (taken, after) = rest.split_at(word);
        out.extend_from_slice(taken);
        let spaces = after.iter().position(|octet| !is_space(octet)).unwrap_or(after.len());
        if spaces > 0 {
            out.push(b' ');
        }
        rest = after.get(spaces..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_6376_come_out_as_printed() {
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let read = Message::read(message);
        assert_eq!(read.body, b" C\r\nD E\r\n");
        let (names, headers) = read.signed_headers(&["A", "B"], "A");
        assert_eq!(headers, b"a:X\r\nb:Y Z\r\n");
        assert_eq!(names, ["A", "A", "B"]);
    }

    #[test]
    fn an_empty_body_is_empty() {
        assert_eq!(Message::read(b"A: b\r\n\r\n\r\n\r\n").body, b"");
        assert_eq!(Message::read(b"A: b\r\n").body, b"");
    }
}
