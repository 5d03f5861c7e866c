//! SMTP replies: reading them out of a stream of bytes, and their parts.

use std::fmt;

use memchr::memchr;

/// Octets of one reply line we accept. RFC 5321 §4.5.3.1.5 says 512; real servers send more.
pub const LINE_MAX: usize = 4_096;
/// Octets of one whole reply we accept, so that a babbling server cannot fill our memory.
pub const REPLY_MAX: usize = 64 * 1_024;

/// One whole reply of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The basic code, 200 to 599.
    pub code: u16,
    /// The enhanced code (RFC 3463) of the first line that has one.
    pub enhanced: Option<Enhanced>,
    /// The text of all lines as they came, joined by `\n`, codes and separators removed; bytes
    /// that are not UTF-8 are replaced.
    pub text: String,
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Enhanced {
    /// 2 success, 4 persistent transient, 5 permanent.
    pub class: u16,
    /// 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail within the subject.
    pub detail: u16,
}

/// What the bytes read so far hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A whole reply, and how many octets it took.
    Reply(Reply, usize),
    /// Not a whole reply yet.
    More,
    /// Not an SMTP reply at all; the reason, for a person.
    Garbage(String),
}

/// Reads the first reply out of `bytes`. Lines may end in CRLF or, from sloppy servers, LF alone.
pub fn parse(bytes: &[u8]) -> Parsed {
    let mut rest = bytes;
    let mut used = 0;
    let mut code = None;
    let mut texts: Vec<String> = Vec::new();
    loop {
        let Some(end) = memchr(b'\n', rest) else {
            return match (rest.len() > LINE_MAX, used + rest.len() > REPLY_MAX) {
                (false, false) => unfinished(rest),
                _ => Parsed::Garbage("the server's answer never ends".to_owned()),
            };
        };
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        used += end + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some((line_code, last, text)) = split_line(line) else {
            return Parsed::Garbage(format!("not an SMTP answer: {}", printable(line)));
        };
        if code.is_some_and(|code| code != line_code) {
            return Parsed::Garbage("one answer with two codes".to_owned());
        }
        code = Some(line_code);
        texts.push(String::from_utf8_lossy(text).into_owned());
        if last {
            let enhanced = texts.iter().find_map(|text| Enhanced::leading(text, line_code));
            let reply = Reply { code: line_code, enhanced, text: texts.join("\n") };
            return Parsed::Reply(reply, used);
        }
        if used > REPLY_MAX {
            return Parsed::Garbage("the server's answer never ends".to_owned());
        }
    }
}

/// A line without its end: garbage is told at once where three octets already show it.
fn unfinished(line: &[u8]) -> Parsed {
    let wrong = line.iter().take(3).any(|octet| !octet.is_ascii_digit());
    if wrong {
        Parsed::Garbage(format!("not an SMTP answer: {}", printable(line)))
    } else {
        Parsed::More
    }
}

fn split_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if !digits.iter().all(u8::is_ascii_digit) || !(200..600).contains(&code) {
        return None;
    }
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

fn printable(bytes: &[u8]) -> String {
    let shown: Vec<u8> = bytes.iter().copied().take(80).collect();
    String::from_utf8_lossy(&shown).escape_debug().to_string()
}

impl Reply {
    /// 2xx.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4xx: not now.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5xx: not ever.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// Code and text on one line, control characters shown as spaces: for logs and pages.
    pub fn one_line(&self) -> String {
        let text: String =
            self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("{} {}", self.code, text.trim_end())
    }
}

impl Enhanced {
    /// An enhanced code at the start of `text`, whose class agrees with the basic code.
    fn leading(text: &str, code: u16) -> Option<Self> {
        let word = text.split([' ', '\t', ':']).next()?;
        let found: Self = word.parse().ok()?;
        (found.class == code / 100).then_some(found)
    }
}

impl std::str::FromStr for Enhanced {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut part = |digits_max: usize| {
            let part = parts.next().ok_or(())?;
            let fits = !part.is_empty()
                && part.len() <= digits_max
                && part.bytes().all(|octet| octet.is_ascii_digit());
            if fits { part.parse::<u16>().map_err(|_| ()) } else { Err(()) }
        };
        let found = Self { class: part(1)?, subject: part(3)?, detail: part(3)? };
        let ended = parts.next().is_none();
        (ended && matches!(found.class, 2 | 4 | 5)).then_some(found).ok_or(())
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.one_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> Reply {
        match parse(bytes) {
            Parsed::Reply(reply, used) => {
                assert_eq!(used, bytes.len());
                reply
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_multi_line_reply_is_read_whole_and_kept_verbatim() {
        let reply = whole(b"550-5.1.1 no such user\r\n550-5.1.1 try again\r\n550 5.1.1 gone\r\n");
        assert_eq!(reply.code, 550);
        assert_eq!(reply.enhanced.unwrap().to_string(), "5.1.1");
        assert_eq!(reply.text, "5.1.1 no such user\n5.1.1 try again\n5.1.1 gone");
    }

    #[test]
    fn a_reply_in_pieces_asks_for_more_at_every_cut() {
        let bytes = b"250-first\r\n250 2.0.0 ok\r\n";
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Parsed::More, "cut at {cut}");
        }
    }

    #[test]
    fn garbage_is_told_from_answers() {
        for bytes in [
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            b"99 low\r\n",
            b"600 high\r\n",
            b"2x0 ok\r\n",
            b"\r\n",
            b"250_ok\r\n",
            b"250-one\r\n550 two\r\n",
            b"\xff\xfe\xfd\xfc\r\n",
            b"hello",
        ] {
            assert!(matches!(parse(bytes), Parsed::Garbage(_)), "{bytes:?}");
        }
    }

    #[test]
    fn eight_bit_and_long_lines_are_read() {
        assert_eq!(whole(b"450 4.2.2 bo\xeete pleine\r\n").text, "4.2.2 bo\u{fffd}te pleine");
        let long = [b"550 ", &vec![b'x'; 600][..], b"\r\n"].concat();
        assert_eq!(whole(&long).text.len(), 600);
        assert!(matches!(parse(&vec![b'2'; LINE_MAX + 1]), Parsed::Garbage(_)));
        let endless = b"250-x\r\n".repeat(REPLY_MAX / 7 + 2);
        assert!(matches!(parse(&endless), Parsed::Garbage(_)));
    }

    #[test]
    fn enhanced_codes_must_agree_with_the_basic_code() {
        assert_eq!(whole(b"550 4.2.2 odd\r\n").enhanced, None);
        assert_eq!(whole(b"250 2.1.5 Ok\r\n").enhanced.unwrap().detail, 5);
        assert_eq!(whole(b"250 10.0.0.1 hello\r\n").enhanced, None);
        assert_eq!(whole(b"554\r\n").text, "");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
