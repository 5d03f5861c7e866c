//! The body as it goes over the wire: every line ends in CRLF, a leading dot is doubled.
//!
//! A bare CR or LF is never sent, whatever comes in: servers differ on whether `\n.\n` ends a mail,
//! and what follows would be read as commands ("SMTP smuggling").

use memchr::{memchr, memchr2, memrchr};

/// Octets of one line without its CRLF (RFC 5321 §4.5.3.1.6).
pub const LINE_MAX: usize = 998;

/// Appends `message` to `out`, stuffed, ending in CRLF. Lone CR and lone LF become CRLF.
///
/// Refuses NUL and lines longer than [`LINE_MAX`]: servers cut or reject those, and a mail that
/// arrives altered has a broken signature.
pub fn stuff(message: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    if memchr(0, message).is_some() {
        return Err("the mail holds a NUL octet");
    }
    out.reserve(message.len() + 64);
    let ends_with_line = message.ends_with(b"\r\n");
    if is_clean(message) {
        if has_long_line(message) {
            return Err(TOO_LONG);
        }
        double_dots(message, out);
        if !ends_with_line && !message.is_empty() {
            out.extend_from_slice(b"\r\n");
        }
        return Ok(());
    }
    let mut rest = message;
    while !rest.is_empty() {
        let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        if line.len() > LINE_MAX {
            return Err(TOO_LONG);
        }
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    }
    Ok(())
}

const TOO_LONG: &str = "the mail has a line of more than 998 octets";

/// Whether every CR is followed by LF and every LF preceded by CR: the case of all our own mails.
fn is_clean(message: &[u8]) -> bool {
    let after = message.get(1..).unwrap_or_default();
    // Without an early end this is a few vector instructions for 32 octets.
    let torn = message
        .iter()
        .zip(after)
        .fold(false, |torn, (this, next)| torn | ((*this == b'\r') != (*next == b'\n')));
    !torn && message.first() != Some(&b'\n') && message.last() != Some(&b'\r')
}

/// Whether a line of a clean message is longer than [`LINE_MAX`]: looked at in strides of a whole
/// longest line, each ending at its last line end.
fn has_long_line(message: &[u8]) -> bool {
    const STRIDE: usize = LINE_MAX + 2;
    let mut rest = message;
    while rest.len() > LINE_MAX {
        match memrchr(b'\n', rest.get(..STRIDE).unwrap_or(rest)) {
            Some(at) => rest = rest.get(at + 1..).unwrap_or_default(),
            None => return true,
        }
    }
    false
}

fn double_dots(message: &[u8], out: &mut Vec<u8>) {
    if message.first() == Some(&b'.') {
        out.push(b'.');
    }
    let mut rest = message;
    for at in memchr::memmem::find_iter(message, b"\n.") {
        let done = message.len() - rest.len();
        let (line, after) = rest.split_at(at + 1 - done);
        out.extend_from_slice(line);
        out.push(b'.');
        rest = after;
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        stuff(message, &mut out).unwrap();
        out
    }

    #[test]
    fn leading_dots_are_doubled_and_only_those() {
        assert_eq!(stuffed(b".\r\n..\r\n.x\r\na.\r\n"), b"..\r\n...\r\n..x\r\na.\r\n");
        assert_eq!(stuffed(b"a\r\n.\r\nb\r\n"), b"a\r\n..\r\nb\r\n");
        assert_eq!(stuffed(b".\r\n.\r\n.\r\n"), b"..\r\n..\r\n..\r\n");
    }

    #[test]
    fn no_bare_cr_or_lf_is_ever_sent() {
        assert_eq!(stuffed(b"a\nb\rc\r\nd"), b"a\r\nb\r\nc\r\nd\r\n");
        assert_eq!(stuffed(b"a\n.\nMAIL FROM:<x>\n"), b"a\r\n..\r\nMAIL FROM:<x>\r\n");
        assert_eq!(stuffed(b"a\r.\rb"), b"a\r\n..\r\nb\r\n");
        assert_eq!(stuffed(b"a\r\r\nb"), b"a\r\n\r\nb\r\n");
    }

    #[test]
    fn lines_too_long_and_nul_are_refused() {
        let mut out = Vec::new();
        let long = vec![b'x'; LINE_MAX + 1];
        assert!(stuff(&long, &mut out).is_err());
        assert!(stuff(&[&long[..], b"\r\n"].concat(), &mut out).is_err());
        assert!(stuff(&[b"a\n", &long[..], b"\n"].concat(), &mut out).is_err());
        assert!(stuff(&long[..LINE_MAX], &mut out).is_ok());
        assert!(stuff(&[&long[..LINE_MAX], b"\r\n"].concat(), &mut out).is_ok());
        assert!(stuff(b"a\0b", &mut out).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_is_sent_holds_no_dot_line_and_gives_the_mail_back(
            text in "([a.]|\r\n|\r|\n){0,60}"
        ) {
            let wire = stuffed(text.as_bytes());
            let wire = String::from_utf8(wire).unwrap();
            let mut lines: Vec<&str> = wire.split("\r\n").collect();
            assert_eq!(lines.pop(), Some(""));
            assert!(lines.iter().all(|line| *line != "." && !line.contains(['\r', '\n'])));
            let back: Vec<&str> =
                lines.iter().map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
            let plain = text.replace("\r\n", "\n").replace('\r', "\n");
            let mut want: Vec<&str> = plain.split('\n').collect();
            if want.last() == Some(&"") {
                want.pop();
            }
            assert_eq!(back, want);
        }
    }
}
