//! Lines as they end anywhere, made to end in LF.

use std::io::{self, Read};

/// Octets of one line; a file with longer ones is no table, and would fill the memory.
const LINE_OCTETS_MAX: usize = 16 * 1_024 * 1_024;

/// A line that is put behind the text. It holds nothing, so no row comes of it; where a quotation
/// mark was not closed, the last cell ends in it.
pub(super) const END: &[u8] = b"\n\x0c \x0c\n";

/// Text whose lines end in LF, the last one too, whatever they ended in, and [`END`].
pub(super) struct Lines<R> {
    text: R,
    after_return: bool,
    last: u8,
    is_over: bool,
    /// What is still to be put behind it.
    behind: &'static [u8],
    /// Octets since the last end of a line.
    line: usize,
}

impl<R> Lines<R> {
    pub(super) fn of(text: R) -> Self {
        Self { text, after_return: false, last: b'\n', is_over: false, behind: END, line: 0 }
    }

    /// Puts LF in place of CRLF and of CR; how many octets are left.
    fn mended(&mut self, octets: &mut [u8]) -> usize {
        let mut kept = 0;
        for at in 0..octets.len() {
            let octet = octets.get(at).copied().unwrap_or_default();
            let was_return = std::mem::replace(&mut self.after_return, octet == b'\r');
            if was_return && octet == b'\n' {
                continue;
            }
            if let Some(place) = octets.get_mut(kept) {
                *place = if octet == b'\r' { b'\n' } else { octet };
            }
            kept += 1;
        }
        kept
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_over && !into.is_empty() {
            let read = self.text.read(into)?;
            let Some(octets) = into.get_mut(..read).filter(|octets| !octets.is_empty()) else {
                self.is_over = true;
                break;
            };
            let has_return = self.after_return || octets.contains(&b'\r');
            let kept = if has_return { self.mended(octets) } else { read };
            let kept = octets.get(..kept).unwrap_or_default();
            let Some(last) = kept.last() else { continue };
            self.last = *last;
            self.line = match kept.iter().rposition(|octet| *octet == b'\n') {
                Some(end) => kept.len() - end,
                None => self.line + kept.len(),
            };
            if self.line > LINE_OCTETS_MAX {
                let megabytes = LINE_OCTETS_MAX / 1_048_576;
                let why = format!("a line is longer than {megabytes} MB: this is no table");
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
            return Ok(kept.len());
        }
        if self.last == b'\n' {
            self.last = 0;
            self.behind = self.behind.strip_prefix(b"\n").unwrap_or_default();
        }
        self.behind.read(into)
    }
}
