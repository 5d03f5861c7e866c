//! A file as a stream of rows, larger than memory or not: any usual encoding and separator, packed
//! with gzip or not, or standard input.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::ByteRecord;
use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use engine::files::tables;
use flate2::read::MultiGzDecoder;

use crate::output::{refused, usage};

/// What is read at once.
const BUFFER: usize = 256 * 1_024;
/// Octets looked at to tell the separator: more than a row of headers has.
const LOOKED_AT: usize = 64 * 1_024;
/// Lines one row may take; beyond that a quotation mark was not closed.
const ROW_LINES_MAX: u64 = 200;
/// Octets of one line; a file with longer ones is no table, and would fill the memory.
const LINE_OCTETS_MAX: usize = 16 * 1_024 * 1_024;
/// Columns of a table.
const COLUMNS_MAX: usize = 10_000;

/// A table that is read row by row.
pub struct Source {
    name: String,
    rows: csv::Reader<Box<dyn Read>>,
    headers: Vec<String>,
    record: ByteRecord,
}

/// One row and the line of the file it begins on.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// From 1.
    pub line: u64,
    record: &'a ByteRecord,
}

impl<'a> Row<'a> {
    /// The cell of a column without spaces around it; empty where the row is too short.
    pub fn cell(self, column: usize) -> Cow<'a, str> {
        let bytes = self.record.get(column).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text.trim()),
            // What is no UTF-8 comes from a program of Windows, which holds Latin-1.
            Err(_) => {
                let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
                Cow::Owned(text.trim().to_owned())
            }
        }
    }

    /// Whether nothing stands in it.
    pub fn is_blank(self) -> bool {
        self.record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace))
    }
}

impl Source {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened, is no table, or has no row of headers.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let bytes: Box<dyn Read> = if name == "-" {
            Box::new(io::stdin())
        } else {
            let file = File::open(path).map_err(|why| usage(format!("{name}: {why}")))?;
            Box::new(file)
        };
        Self::read(name, bytes)
    }

    /// Reads what is called `name` in sentences.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(name: String, bytes: Box<dyn Read>) -> anyhow::Result<Self> {
        let failed = |why: &dyn std::fmt::Display| refused(format!("{name}: {why}"));
        let mut bytes = BufReader::with_capacity(BUFFER, bytes);
        let begin = bytes.fill_buf().map_err(|why| failed(&why))?;
        let unpacked: Box<dyn Read> = if begin.starts_with(b"\x1f\x8b") {
            Box::new(MultiGzDecoder::new(bytes))
        } else {
            tables::refuse_archive(begin).map_err(|why| failed(&why.message))?;
            Box::new(bytes)
        };
        let mut unpacked = BufReader::with_capacity(BUFFER, unpacked);
        let begin = look(&mut unpacked).map_err(|why| failed(&why))?;
        let is_wide = begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff");
        if begin.contains(&0) && !is_wide {
            return Err(failed(&"this is no table of text: save it as CSV"));
        }
        let (text, text_begin) = decoded(unpacked, begin).map_err(|why| failed(&why))?;
        let separator = tables::separator(&String::from_utf8_lossy(&text_begin));
        let chained: Box<dyn Read> = Box::new(Lines::of(io::Cursor::new(text_begin).chain(text)));
        let mut rows = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(separator).unwrap_or(b','))
            .buffer_capacity(BUFFER)
            .from_reader(chained);
        let headers = rows.byte_headers().map_err(|why| failed(&told(&why)))?.clone();
        if headers.len() > COLUMNS_MAX {
            let columns = headers.len();
            return Err(failed(&format!("line 1 has {columns} columns: {COLUMNS_MAX} is most")));
        }
        let headers = Row { line: 1, record: &headers };
        let headers: Vec<String> =
            (0..headers.record.len()).map(|at| headers.cell(at).into_owned()).collect();
        if headers.iter().all(String::is_empty) {
            return Err(refused(format!("{name}: the file has no row with names")));
        }
        Ok(Self { name, rows, headers, record: ByteRecord::new() })
    }

    /// What it is called in sentences.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of its columns as written.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// The next row that holds anything.
    ///
    /// # Errors
    /// The file cannot be read on, or a quotation mark is not closed.
    pub fn next_row(&mut self) -> anyhow::Result<Option<Row<'_>>> {
        loop {
            let line = self.rows.position().line();
            let more = self.rows.read_byte_record(&mut self.record);
            let failed = |why| refused(format!("{}, line {line}: {}", self.name, told(&why)));
            if !more.map_err(failed)? {
                return Ok(None);
            }
            if self.rows.position().line().saturating_sub(line) > ROW_LINES_MAX {
                let why = "a quotation mark is not closed; close it, or take the row out";
                return Err(refused(format!("{}, line {line}: {why}", self.name)));
            }
            if !(Row { line, record: &self.record }).is_blank() {
                break;
            }
        }
        // Where the row begins: the reader counts to its end, lines that hold nothing passed over.
        let within = self.record.as_slice().iter().filter(|octet| **octet == b'\n').count();
        let within = u64::try_from(within).unwrap_or(0);
        let line = self.rows.position().line().saturating_sub(1 + within);
        Ok(Some(Row { line, record: &self.record }))
    }
}

/// Why a row could not be read, without what the reader puts around it.
fn told(why: &csv::Error) -> String {
    match why.kind() {
        csv::ErrorKind::Io(why) => why.to_string(),
        _ => why.to_string(),
    }
}

/// Text whose lines end in LF, the last one too, whatever they ended in.
struct Lines<R> {
    text: R,
    after_return: bool,
    last: u8,
    is_over: bool,
    /// Octets since the last end of a line.
    line: usize,
}

impl<R> Lines<R> {
    fn of(text: R) -> Self {
        Self { text, after_return: false, last: b'\n', is_over: false, line: 0 }
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
        match into.first_mut() {
            Some(place) if self.last != b'\n' => {
                (*place, self.last) = (b'\n', b'\n');
                Ok(1)
            }
            _ => Ok(0),
        }
    }
}

/// What stands at the beginning, taken out of `bytes`.
fn look(bytes: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut begin = Vec::with_capacity(LOOKED_AT);
    let most = u64::try_from(LOOKED_AT).unwrap_or(u64::MAX);
    bytes.take(most).read_to_end(&mut begin)?;
    Ok(begin)
}

type Text = Box<dyn Read>;

/// The text behind `begin`, and `begin` itself, both as UTF-8 or as the octets they were: cells are
/// told apart one by one. UTF-16 is read whole: only small programs write it.
fn decoded(mut rest: impl Read + 'static, begin: Vec<u8>) -> io::Result<(Text, Vec<u8>)> {
    let wide = match begin.get(..2) {
        Some(b"\xff\xfe") => Some(UTF_16LE),
        Some(b"\xfe\xff") => Some(UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = wide {
        let mut all = begin;
        rest.read_to_end(&mut all)?;
        let (text, _) = encoding.decode_with_bom_removal(&all);
        return Ok((Box::new(io::empty()), text.into_owned().into_bytes()));
    }
    let begin = match begin.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest.to_vec(),
        None => begin,
    };
    Ok((Box::new(rest), begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(bytes: &'static [u8]) -> Vec<(u64, Vec<String>)> {
        let mut source = Source::read("a.csv".to_owned(), Box::new(bytes)).unwrap();
        let columns = source.headers().len();
        let mut rows = Vec::new();
        while let Some(row) = source.next_row().unwrap() {
            rows.push((row.line, (0..columns).map(|at| row.cell(at).into_owned()).collect()));
        }
        rows
    }

    #[test]
    fn any_encoding_and_separator_is_read_with_the_lines_rows_begin_on() {
        let rows = cells(
            b"\xef\xbb\xbfemail;note\r\n\"a@x.test\";\"two\nlines\"\r\n\r\nb@x.test;J\xf6rg\r\n",
        );
        assert_eq!(rows[0], (2, vec!["a@x.test".to_owned(), "two\nlines".to_owned()]));
        assert_eq!(rows[1], (5, vec!["b@x.test".to_owned(), "Jörg".to_owned()]));
        let mac = cells(b"email,n\ra@x.test,1\r\rb@x.test,2");
        assert_eq!(mac.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn utf16_and_gzip_are_read_and_spreadsheets_refused() {
        let wide: Vec<u8> =
            "\u{feff}email\tn\na@x.test\t1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut source = Source::read("w.csv".to_owned(), Box::new(io::Cursor::new(wide))).unwrap();
        assert_eq!(source.headers(), ["email", "n"]);
        assert_eq!(source.next_row().unwrap().unwrap().cell(0), "a@x.test");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packed, b"email,n\na@x.test,1\n").unwrap();
        let packed = io::Cursor::new(packed.finish().unwrap());
        let mut source = Source::read("p.csv.gz".to_owned(), Box::new(packed)).unwrap();
        assert_eq!(source.next_row().unwrap().unwrap().cell(1), "1");
        let zip: &[u8] = b"PK\x03\x04xx";
        let why = Source::read("a.xlsx".to_owned(), Box::new(zip)).err().unwrap();
        assert!(why.to_string().contains("save the sheet as CSV"), "{why}");
    }

    #[test]
    fn a_quotation_that_is_never_closed_is_told_with_its_line() {
        let mut text = b"email,n\na@x.test,1\nb@x.test,\"open\n".to_vec();
        text.extend("c@x.test,2\n".repeat(400).bytes());
        let mut source = Source::read("q.csv".to_owned(), Box::new(io::Cursor::new(text))).unwrap();
        source.next_row().unwrap();
        let why = source.next_row().err().unwrap().to_string();
        assert!(why.starts_with("q.csv, line 3: a quotation mark is not closed"), "{why}");
    }
}
