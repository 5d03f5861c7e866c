//! A file as a stream of rows, larger than memory or not: any usual encoding and separator, packed
//! with gzip or not, or standard input.

mod encodings;
mod lines;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use encoding_rs::WINDOWS_1252;
use engine::files::preambles::{Preamble, preamble};
use engine::files::tables;
use flate2::read::MultiGzDecoder;

use self::encodings::Text;
use self::lines::{END, Lines};
use super::left_out::LeftOut;
use super::words::some;
use crate::output::{refused, usage};

/// What is read at once.
const BUFFER: usize = 256 * 1_024;
/// Lines one row may take; beyond that a quotation mark was not closed.
const ROW_LINES_MAX: usize = 200;
/// What is said of it.
const NOT_CLOSED: &str =
    "a quotation mark is not closed; close it, take it away, or take the row out";
/// Columns and whole rows in one cell, together, from which on they are rows that a quotation mark
/// swallowed, and no text that happens to have as many separators on each of its lines.
const TELLING: usize = 5;
/// Beyond one row in so many that is longer than the names, no figure could be trusted.
const LONGER_MAX: u64 = 20;
/// Columns of a table.
const COLUMNS_MAX: usize = 10_000;

/// A table that is read row by row.
pub struct Source {
    name: String,
    /// Where it can be read again from the beginning.
    path: Option<PathBuf>,
    rows: csv::Reader<Box<dyn Read>>,
    separator: char,
    headers: Vec<String>,
    /// Lines above the names of the columns.
    above: u64,
    /// Rows that were looked at and not taken yet.
    held: VecDeque<(Place, ByteRecord)>,
    record: ByteRecord,
    /// Rows that hold anything, so far.
    rows_read: u64,
    /// Those of them that hold more than there are columns.
    longer: LeftOut,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    line: u64,
    nth: u64,
}

/// One row and the line of the file it begins on.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// From 1.
    pub line: u64,
    /// Which of the rows that hold anything, from 0.
    pub nth: u64,
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
}

fn is_blank(cell: &[u8]) -> bool {
    cell.iter().all(u8::is_ascii_whitespace)
}

impl Source {
    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// It cannot be opened, is no table, or has no row of headers.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        if name == "-" {
            return Self::read(name, Box::new(io::stdin()));
        }
        let file = File::open(path).map_err(|why| usage(format!("{name}: {why}")))?;
        let is_file = file.metadata().is_ok_and(|about| about.is_file());
        let mut source = Self::read(name, Box::new(file))?;
        source.path = is_file.then(|| path.to_owned());
        Ok(source)
    }

    /// The same from the beginning, where it is a file and no stream.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn again(&self) -> anyhow::Result<Option<Self>> {
        self.path.as_deref().map(Self::open).transpose()
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
        let unpacked = BufReader::with_capacity(BUFFER, unpacked);
        let text = encodings::text(unpacked).map_err(|why| failed(&why))?;
        let Some(Text { begin, rest }) = text else {
            return Err(failed(&"this is no table of text: save it as CSV"));
        };
        let Preamble { lines: above, separator } = preamble(&String::from_utf8_lossy(&begin));
        let begin = below(begin, above);
        let chained: Box<dyn Read> = Box::new(Lines::of(io::Cursor::new(begin).chain(rest)));
        let mut rows = csv::ReaderBuilder::new()
            .flexible(true)
            .delimiter(u8::try_from(separator).unwrap_or(b','))
            .buffer_capacity(BUFFER)
            .from_reader(chained);
        let headers = rows.byte_headers().map_err(|why| failed(&told(&why)))?.clone();
        if headers.len() > COLUMNS_MAX {
            let (line, columns) = (above + 1, headers.len());
            return Err(failed(&format!(
                "line {line} has {columns} columns: {COLUMNS_MAX} is most"
            )));
        }
        let lines = headers.as_slice().iter().filter(|octet| **octet == b'\n').count();
        if headers.as_slice().ends_with(END) || lines > ROW_LINES_MAX {
            let line = above + 1;
            return Err(refused(format!("{name}, line {line}: {NOT_CLOSED}")));
        }
        let headers = Row { line: 1, nth: 0, record: &headers };
        let headers: Vec<String> =
            (0..headers.record.len()).map(|at| headers.cell(at).into_owned()).collect();
        if headers.iter().all(String::is_empty) {
            return Err(refused(format!("{name}: the file has no row with names")));
        }
        let above = u64::try_from(above).unwrap_or(0);
        Ok(Self {
            name,
            path: None,
            rows,
            separator,
            headers,
            above,
            held: VecDeque::new(),
            record: ByteRecord::new(),
            rows_read: 0,
            longer: LeftOut::default(),
        })
    }

    /// What it is called in sentences.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What separates its cells.
    pub fn separator(&self) -> char {
        self.separator
    }

    /// The names of its columns as written.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Reads on until so many rows are held, to be looked at before they are taken.
    ///
    /// # Errors
    /// As [`Self::next_row`].
    pub fn hold(&mut self, rows: usize) -> anyhow::Result<()> {
        while self.held.len() < rows {
            let Some(place) = self.advance()? else { break };
            self.held.push_back((place, self.record.clone()));
        }
        Ok(())
    }

    /// The rows that are held.
    pub fn held(&self) -> impl Iterator<Item = Row<'_>> {
        self.held.iter().map(|(at, record)| Row { line: at.line, nth: at.nth, record })
    }

    /// The next row that holds anything.
    ///
    /// # Errors
    /// The file cannot be read on, or a quotation mark is not closed.
    pub fn next_row(&mut self) -> anyhow::Result<Option<Row<'_>>> {
        let place = match self.held.pop_front() {
            Some((place, record)) => {
                self.record = record;
                Some(place)
            }
            None => self.advance()?,
        };
        Ok(place.map(|Place { line, nth }| Row { line, nth, record: &self.record }))
    }

    /// To be called behind the last row: counts the rows that were passed over because they hold
    /// more cells than there are columns.
    ///
    /// # Errors
    /// There are so many of them that the cells stand in the wrong columns elsewhere too.
    pub fn settle(&self, left_out: &mut LeftOut) -> anyhow::Result<()> {
        let longer: u64 = self.longer.reasons.values().sum();
        if longer * LONGER_MAX > self.rows_read {
            let lines = self.longer.counted().into_iter().skip(1);
            let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
            return Err(refused(format!(
                "{}: {longer} of {} hold more cells than the {} there are columns for: put quotation \
                 marks around cells with a {:?} in them; {}",
                self.name,
                some(self.rows_read, "row"),
                self.headers.len(),
                self.separator,
                lines.join("; "),
            )));
        }
        left_out.absorb(&self.longer);
        Ok(())
    }

    /// Reads the next row that holds anything, and no more than there are columns, into `record`.
    fn advance(&mut self) -> anyhow::Result<Option<Place>> {
        loop {
            let before = self.above + self.rows.position().line();
            let more = self.rows.read_byte_record(&mut self.record);
            let failed = |why| refused(format!("{}, line {before}: {}", self.name, told(&why)));
            if !more.map_err(failed)? {
                return Ok(None);
            }
            let within = self.record.as_slice().iter().filter(|octet| **octet == b'\n').count();
            let is_open = self.record.as_slice().ends_with(END);
            // Where the row begins: the reader counts to its end, lines that hold nothing passed
            // over. No end of a line comes behind a row in which the file ends.
            let behind = u64::try_from(within).unwrap_or(0) + u64::from(!is_open);
            let line = self.above + self.rows.position().line().saturating_sub(behind);
            if is_open || within > ROW_LINES_MAX || (within > 0 && self.has_swallowed()) {
                return Err(refused(format!("{}, line {line}: {NOT_CLOSED}", self.name)));
            }
            if self.record.iter().all(is_blank) {
                continue;
            }
            let nth = self.rows_read;
            self.rows_read += 1;
            match self.record.iter().skip(self.headers.len()).find(|cell| !is_blank(cell)) {
                Some(cell) => {
                    self.longer.unreadable(LONGER, line, &String::from_utf8_lossy(cell));
                }
                None => return Ok(Some(Place { line, nth })),
            }
        }
    }

    /// Whether the row, which spans lines, holds others behind a quotation mark that is closed by
    /// one of theirs: it has more cells than there are columns, or in one of its cells stand the rest
    /// of its row, whole rows, and the beginning of one of which the other cells behind are the end.
    /// A row may be short by itself, with a line break in a cell as it should be.
    fn has_swallowed(&self) -> bool {
        let columns = self.headers.len();
        let cells = self.record.len().min(columns);
        let is_longer = self.record.iter().skip(columns).any(|cell| !is_blank(cell));
        let separator = u8::try_from(self.separator).unwrap_or(b',');
        let separators = |line: &[u8]| line.iter().filter(|octet| **octet == separator).count();
        let has_rows = |(at, cell): (usize, &[u8])| {
            let lines: Vec<usize> = cell.split(|octet| *octet == b'\n').map(separators).collect();
            let [first, whole @ .., last] = lines.as_slice() else { return false };
            // The mark that ends what closed the quotation, or so many rows that it is no text.
            let is_text = whole.is_empty() || columns + whole.len() < TELLING;
            let is_telling = cell.ends_with(b"\"") || !is_text;
            is_telling
                && first + at + 1 == columns
                && *last + cells == columns + at
                && whole.iter().all(|line| line + 1 == columns)
        };
        is_longer || self.record.iter().enumerate().any(has_rows)
    }
}

/// Why a row is left out that holds more than there are columns.
const LONGER: &str = "more cells than columns";

/// What stands below so many lines.
fn below(mut text: Vec<u8>, lines: usize) -> Vec<u8> {
    let mut at = 0;
    for _ in 0..lines {
        let rest = text.get(at..).unwrap_or_default();
        let Some(end) = rest.iter().position(|octet| matches!(octet, b'\n' | b'\r')) else { break };
        let is_both = rest.get(end..end + 2) == Some(b"\r\n");
        at += end + if is_both { 2 } else { 1 };
    }
    text.drain(..at);
    text
}

/// Why a row could not be read, without what the reader puts around it.
fn told(why: &csv::Error) -> String {
    match why.kind() {
        csv::ErrorKind::Io(why) => why.to_string(),
        _ => why.to_string(),
    }
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
    fn utf16_is_known_without_its_mark() {
        let text = "email\tn\n".to_owned() + &"Jörg@x.test\t1\n".repeat(20_000);
        let orders: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
        for order in orders {
            let wide: Vec<u8> = text.encode_utf16().flat_map(order).collect();
            let wide = Box::new(io::Cursor::new(wide));
            let mut source = Source::read("w.csv".to_owned(), wide).unwrap();
            let mut rows = 0;
            while let Some(row) = source.next_row().unwrap() {
                assert_eq!((&*row.cell(0), &*row.cell(1)), ("Jörg@x.test", "1"));
                rows += 1;
            }
            assert_eq!(rows, 20_000);
        }
    }

    #[test]
    fn what_stands_above_the_names_is_passed_over_and_lines_are_counted_with_it() {
        for (text, line) in [
            (&b"sep=;\r\nemail;n\r\na@x.test;1\r\n"[..], 3),
            (b"# Report\n# of 2024\n\nemail,n,m\na@x.test,1,2\n", 5),
            (b"Export, M\xe4rz\r\rdate;email;n\r1.3.;a@x.test;1\r1.3.;b@x.test;2\r", 4),
            (b"email|n\na@x.test|1\n", 2),
        ] {
            let mut source = Source::read("p.csv".to_owned(), Box::new(text)).unwrap();
            let email = source.headers().iter().position(|name| name == "email").unwrap();
            let row = source.next_row().unwrap().unwrap();
            assert_eq!((row.line, &*row.cell(email)), (line, "a@x.test"), "{text:?}");
        }
    }

    #[test]
    fn rows_that_are_looked_at_are_still_to_come() {
        let text = &b"n\n1\n\n2\n3\n"[..];
        let mut source = Source::read("h.csv".to_owned(), Box::new(text)).unwrap();
        source.hold(2).unwrap();
        let held: Vec<u64> = source.held().map(|row| row.line).collect();
        assert_eq!(held, [2, 4]);
        let mut lines = Vec::new();
        while let Some(row) = source.next_row().unwrap() {
            lines.push((row.line, row.cell(0).into_owned()));
        }
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 5]);
        assert_eq!(lines.iter().map(|(_, cell)| cell.as_str()).collect::<String>(), "123");
    }

    #[test]
    fn many_blank_lines_in_a_row_are_no_open_quotation() {
        let text = format!("n,m\n1,1\n{}2,2\n", "\n".repeat(900)).into_bytes();
        let mut source = Source::read("b.csv".to_owned(), Box::new(io::Cursor::new(text))).unwrap();
        source.next_row().unwrap();
        assert_eq!(source.next_row().unwrap().unwrap().line, 903);
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

    /// The rows of a text and why no more can be read.
    fn read_on(text: &str) -> (usize, Option<String>) {
        let text = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        let mut source = match Source::read("q.csv".to_owned(), text) {
            Ok(source) => source,
            Err(why) => return (0, Some(why.to_string())),
        };
        for rows in 0.. {
            match source.next_row() {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let mut left_out = LeftOut::default();
                    return (rows, source.settle(&mut left_out).err().map(|why| why.to_string()));
                }
                Err(why) => return (rows, Some(why.to_string())),
            }
        }
        (0, None)
    }

    #[test]
    fn no_quotation_swallows_rows_however_few_or_however_it_ends() {
        for (text, read, line) in [
            ("a,b\n1,2\n\n3,\"4\n5,6\n", 1, "line 4"),
            ("a,b\n1,\"2", 0, "line 2"),
            ("a,b\n1,\"2\"\"\n", 0, "line 2"),
            ("a,b\n1,\"2\n3,4\n5,\"6\"\n7,8\n", 0, "line 2"),
            ("a,b,c,d\n1,2,3,\"4\n1,2,3,4\n1,2,3,\"4\"\n1,2,3,4\n", 0, "line 2"),
            ("a,b,c\n1,2,3\n1,\"2,3\n1,2,3\n1,\"2\",3\n1,2,3\n", 1, "line 3"),
            ("a,b,c,d\n1,\"2,3,4\n1,2,3,4\n1,2 \" 2,3,4\n1,2,3,4\n", 0, "line 2"),
            ("a,b\n1,\"2\n3,4\n3,4\n3,4\n5,6\"\n7,8\n", 0, "line 2"),
            ("a,b,c\n\"1,2,3\n1,2,\"3\"\n1,2,3\n", 0, "line 2"),
            ("a,b,c\n1,\"2,3\n1,2,3\n4,5,\"6\"\n1,2,3\n", 0, "line 2"),
            ("\"a,b\n1,2\n", 0, "line 1"),
        ] {
            let (rows, why) = read_on(text);
            let why = why.unwrap_or_default();
            let wanted = format!("q.csv, {line}: a quotation mark is not closed");
            assert!(rows == read && why.starts_with(&wanted), "{text:?}: {rows}, {why}");
        }
        for whole in [
            "a,b\n1,\"2\"",
            "a,b\n1,\"2\n\"\n",
            "a,b\n1,\"2\n\n\"\n\n",
            "a,b,c,d\n1,2,3,\"Main street 4, left,\n 10115 Berlin\"\n",
            "a,b\n1,\"2\n3\",,\n",
            "a,b\n1,\"dear all\nhello, shop\nbye, you\"\n",
            "a,b,c\n1,\"two\nlines\"\n",
            "a,b,c,d\n\"two\n\nlines\",2\n",
            "a,b\n\"Main street 4, left\n10115 Berlin, rear\"\n",
        ] {
            assert_eq!(read_on(whole), (1, None), "{whole:?}");
        }
    }

    #[test]
    fn a_row_with_more_cells_than_columns_is_left_out_and_many_are_refused() {
        let text = format!("a,b\n{}1,2,,\n19,90,Mug\n", "1,2\n".repeat(30));
        let mut source = Source::read("q.csv".to_owned(), Box::new(io::Cursor::new(text))).unwrap();
        let mut places = Vec::new();
        while let Some(row) = source.next_row().unwrap() {
            places.push(row.nth);
        }
        assert_eq!(places, (0..31).collect::<Vec<u64>>());
        let mut left_out = LeftOut::default();
        source.settle(&mut left_out).unwrap();
        let told = [
            "left out: 1 row (more cells than columns)",
            "  line 33: more cells than columns: \"Mug\"",
        ];
        assert_eq!(left_out.counted(), told);
        let (_, why) = read_on(&format!("a,b\n{}19,90,Mug\n", "1,2\n".repeat(18)));
        let why = why.unwrap_or_default();
        assert!(why.contains("1 of 19 rows") && why.contains("line 20"), "{why}");
    }
}
