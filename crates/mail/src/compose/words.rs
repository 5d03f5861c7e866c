//! The two encodings of text in mail: quoted-printable for bodies, encoded words for headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use memchr::memchr2;

use super::LINE_MAX;

/// Octets of one encoded word (RFC 2047 §2).
const WORD_MAX: usize = 75;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Text for a header: control characters, line ends of any kind and bidirectional overrides
/// become single spaces, the ends are trimmed, at most `chars_max` characters are kept.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = 0;
    let mut space = false;
    for c in text.chars() {
        if c.is_control() || c == ' ' || is_line_end(c) || is_override(c) {
            space = !out.is_empty();
            continue;
        }
        let cost = if space { 2 } else { 1 };
        if chars + cost > chars_max {
            out.pop();
            out.push('…');
            break;
        }
        if space {
            out.push(' ');
        }
        out.push(c);
        chars += cost;
        space = false;
    }
    out
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Characters that make the following text run the other way: a name could pose as another one.
fn is_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One header being written, folded so that no line is longer than [`LINE_MAX`] where its words
/// allow it.
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    column: usize,
    is_first: bool,
}

impl<'a> Line<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, name: &str) -> Self {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        Self { out, column: name.len() + 1, is_first: true }
    }

    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }

    /// A word that stays whole, on a line of its own where it does not fit this one.
    pub(super) fn token(&mut self, word: &str) {
        // Never fold before the first word: a line of white space only is not a header line.
        if !self.is_first && self.column + 1 + word.len() > LINE_MAX {
            self.out.extend_from_slice(b"\r\n");
            self.column = 0;
        }
        self.out.push(b' ');
        self.out.extend_from_slice(word.as_bytes());
        self.column += 1 + word.len();
        self.is_first = false;
    }

    fn room(&self) -> usize {
        LINE_MAX.saturating_sub(self.column + 1)
    }

    /// Unstructured text. `text` is clean (single spaces, no controls).
    pub(super) fn text(&mut self, text: &str) {
        match text {
            "" => {}
            text if is_plain(text) => self.words(text),
            text => self.encoded(text),
        }
    }

    /// A display name: atoms, a quoted string, or encoded words. `name` is clean.
    pub(super) fn phrase(&mut self, name: &str) {
        let is_atoms = |octet: u8| octet.is_ascii_alphanumeric() || b" -_'!+".contains(&octet);
        if !is_plain(name) {
            self.encoded(name);
        } else if name.bytes().all(is_atoms) {
            self.words(name);
        } else {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            self.words(&format!("\"{quoted}\""));
        }
    }

    fn words(&mut self, text: &str) {
        for word in text.split(' ') {
            self.token(word);
        }
    }

    /// RFC 2047 encoded words, cut between characters.
    fn encoded(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            // The first word stands on the header's own line, whatever room is there.
            let room = if self.is_first { self.room() } else { WORD_MAX };
            let (word, after) = encoded_word(rest, room.min(WORD_MAX));
            self.token(&word);
            rest = after;
        }
    }
}

/// Whether text may stand in a header as it is: ASCII, nothing that looks like an encoded word,
/// and no word too long for a line.
fn is_plain(text: &str) -> bool {
    let fits = |word: &str| word.len() <= LINE_MAX - 16;
    text.is_ascii() && !text.contains("=?") && text.split(' ').all(fits)
}

/// One encoded word of at most `room` octets and what is left of the text: Q where it is shorter,
/// else B. At least one character is taken.
fn encoded_word(text: &str, room: usize) -> (String, &str) {
    let payload_max = room.saturating_sub("=?utf-8?q??=".len()).max(12);
    let (mut q, mut q_end) = (String::new(), 0);
    for c in text.chars() {
        let coded = q_coded(c);
        if q_end > 0 && q.len() + coded.len() > payload_max {
            break;
        }
        q.push_str(&coded);
        q_end += c.len_utf8();
    }
    let mut b_end = 0;
    for c in text.chars() {
        let end = b_end + c.len_utf8();
        if b_end > 0 && end.div_ceil(3) * 4 > payload_max {
            break;
        }
        b_end = end;
    }
    let (kind, end) = if q_end >= b_end { ('q', q_end) } else { ('b', b_end) };
    let (taken, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let payload = if kind == 'q' { q } else { BASE64.encode(taken) };
    (format!("=?utf-8?{kind}?{payload}?="), rest)
}

/// A character in the Q encoding, safe in a phrase as well (RFC 2047 §5 (3)).
fn q_coded(c: char) -> String {
    if c == ' ' {
        return "_".to_owned();
    }
    if c.is_ascii_alphanumeric() || "!*+-/".contains(c) {
        return c.to_string();
    }
    let mut utf8 = [0; 4];
    c.encode_utf8(&mut utf8).bytes().map(|octet| format!("={octet:02X}")).collect()
}

/// Appends `text` in quoted-printable (RFC 2045 §6.7), ending in CRLF. Any line end in, CRLF out;
/// control characters but TAB are left out; lines are at most [`LINE_MAX`] octets.
///
/// A dot or `From ` at the start of a line is encoded, so that neither a careless server nor an
/// mbox can read anything into it.
pub(super) fn quoted_printable(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        quoted_line(line, out);
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    if text.is_empty() {
        out.extend_from_slice(b"\r\n");
    }
}

/// Whether an octet may stand for itself anywhere in a line but at its end.
fn is_literal(octet: u8) -> bool {
    matches!(octet, b' '..=b'<' | b'>'..=b'~' | b'\t')
}

/// How many octets from the start may stand for themselves.
fn literal_run(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<16>();
    // A block without an early end is one vector instruction or two, and whole in most text.
    let is_whole =
        |block: &[u8; 16]| block.iter().fold(true, |all, octet| all & is_literal(*octet));
    let run = blocks.iter().take_while(|block| is_whole(block)).count() * 16;
    // The last block once more, as far as it goes: it holds what is left.
    if run + rest.len() == text.len() && text.last_chunk().is_some_and(is_whole) {
        return text.len();
    }
    let rest = text.get(run..).unwrap_or_default();
    run + rest.iter().take_while(|octet| is_literal(**octet)).count()
}

/// Control characters but TAB are left out (the line ends are gone already).
fn is_dropped(octet: u8) -> bool {
    (octet < b' ' && octet != b'\t') || octet == 0x7f
}

fn quoted_line(line: &[u8], out: &mut Vec<u8>) {
    if line.iter().fold(false, |any, octet| any | is_dropped(*octet)) {
        // First, or what is left could be a `From ` that nobody looked at.
        let kept: Vec<u8> = line.iter().copied().filter(|octet| !is_dropped(*octet)).collect();
        return quoted_line(&kept, out);
    }
    let mut rest = line;
    let mut column = 0;
    if line.starts_with(b".") || line.starts_with(b"From ") {
        column = escaped(line.first().copied().unwrap_or_default(), out);
        rest = line.get(1..).unwrap_or_default();
    }
    while !rest.is_empty() {
        let (literals, after) = rest.split_at(literal_run(rest));
        column = literal(literals, column, out);
        let Some((octet, after)) = after.split_first() else { break };
        column = broken(column, out);
        column += escaped(*octet, out);
        rest = after;
    }
    // White space at the end of a line may be lost on the way.
    if let Some(space @ (b' ' | b'\t')) = out.last().copied().filter(|_| column > 0) {
        out.pop();
        broken(column - 1, out);
        escaped(space, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Octets that stand for themselves, with soft breaks where a line is full; the new column.
fn literal(mut octets: &[u8], mut column: usize, out: &mut Vec<u8>) -> usize {
    // One octet of a line is kept free for the `=` of a soft break.
    while let Some((line, rest)) = octets.split_at_checked(LINE_MAX - 1 - column)
        && let Some((first, after)) = rest.split_first()
    {
        out.extend_from_slice(line);
        out.extend_from_slice(b"=\r\n");
        // A dot at the start of the new line is as good a trap as any other.
        let is_trap = matches!(first, b'.' | b'F');
        column = if is_trap { escaped(*first, out) } else { 0 };
        octets = if is_trap { after } else { rest };
    }
    out.extend_from_slice(octets);
    column + octets.len()
}

/// A soft break where three octets and a `=` no longer fit; the column to write at.
fn broken(column: usize, out: &mut Vec<u8>) -> usize {
    if column + 3 > LINE_MAX - 1 {
        out.extend_from_slice(b"=\r\n");
        0
    } else {
        column
    }
}

fn escaped(octet: u8, out: &mut Vec<u8>) -> usize {
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    out.extend_from_slice(&[b'=', digit(octet >> 4), digit(octet & 15)]);
    3
}
