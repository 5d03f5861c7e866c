//! Octets of a file as text: UTF-8 and what is like it as they are, UTF-16 made into UTF-8.

use std::io::{self, Read};

use encoding_rs::Decoder;
use engine::files::tables::wide;

/// Octets looked at to tell how a table begins: more than titles and a row of names have.
const LOOKED_AT: usize = 64 * 1_024;
/// Octets of UTF-16 that are decoded at once.
const DECODED: usize = 64 * 1_024;

/// A text, and its beginning taken out of it.
pub(super) struct Text {
    pub(super) begin: Vec<u8>,
    pub(super) rest: Box<dyn Read>,
}

/// The text in `octets`, as UTF-8 or as the octets they were: cells are told apart one by one.
/// Nothing where it is none.
pub(super) fn text(mut octets: impl Read + 'static) -> io::Result<Option<Text>> {
    let begin = look(&mut octets)?;
    if let Some(encoding) = wide(&begin) {
        let decoder = encoding.new_decoder_with_bom_removal();
        let octets = Box::new(io::Cursor::new(begin).chain(octets));
        let mut text = Wide { octets, decoder, decoded: Vec::new(), given: 0, is_over: false };
        return Ok(Some(Text { begin: look(&mut text)?, rest: Box::new(text) }));
    }
    if begin.contains(&0) {
        return Ok(None);
    }
    let begin = match begin.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => begin,
    };
    Ok(Some(Text { begin, rest: Box::new(octets) }))
}

/// What stands at the beginning, taken out of `octets`.
fn look(octets: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut begin = Vec::with_capacity(LOOKED_AT);
    let most = u64::try_from(LOOKED_AT).unwrap_or(u64::MAX);
    octets.take(most).read_to_end(&mut begin)?;
    Ok(begin)
}

/// UTF-16 that is decoded as it is read.
struct Wide {
    octets: Box<dyn Read>,
    decoder: Decoder,
    decoded: Vec<u8>,
    given: usize,
    is_over: bool,
}

impl Wide {
    fn decode(&mut self) -> io::Result<()> {
        let mut octets = vec![0; DECODED];
        let read = self.octets.read(&mut octets)?;
        let octets = octets.get(..read).unwrap_or_default();
        self.is_over = octets.is_empty();
        let most = self.decoder.max_utf8_buffer_length(octets.len()).unwrap_or(4 * DECODED);
        let mut text = String::with_capacity(most);
        // There is room for all of it.
        let _ = self.decoder.decode_to_string(octets, &mut text, self.is_over);
        (self.decoded, self.given) = (text.into_bytes(), 0);
        Ok(())
    }
}

impl Read for Wide {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.decoded.len() {
            if self.is_over {
                return Ok(0);
            }
            self.decode()?;
        }
        let mut rest = self.decoded.get(self.given..).unwrap_or_default();
        let given = rest.read(into)?;
        self.given += given;
        Ok(given)
    }
}
