//! Reads tables as people have them: any usual encoding, any usual separator, broken rows and all.
//! A row that cannot be read is an error with its line, never the end of the file.

use std::sync::Arc;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1252};
use model::Refused;

use super::preambles::{self, Preamble, preamble};

/// Columns of a table; more is not a table of ours.
const COLUMNS_MAX: usize = 1_000;
/// Lines one row may take; beyond that a quotation mark was not closed.
const ROW_LINES_MAX: usize = 200;
/// Octets looked at to tell UTF-16 without its mark: more than titles and a row of names have.
const LOOKED_AT: usize = 64 * 1_024;

/// A table in memory, ready to be walked.
#[derive(Debug, Clone)]
pub struct Table {
    /// How its bytes were read: `UTF-8`, `UTF-16`, `Windows-1252`.
    pub encoding: &'static str,
    /// What separates its cells.
    pub separator: char,
    /// The names of its columns as written, without spaces around them.
    pub headers: Vec<String>,
    text: Arc<str>,
    first: usize,
    first_line: i64,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file it begins on, from 1.
    pub line: i64,
    /// Its cells, or why they cannot be read.
    pub cells: Result<Vec<String>, &'static str>,
}

impl Row {
    /// Its cells.
    ///
    /// # Errors
    /// They cannot be read: `row_unreadable`.
    pub fn readable(&self) -> Result<&[String], Refused> {
        self.cells.as_deref().map_err(|why| Refused::new("row_unreadable", *why))
    }
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// It is an archive or a spreadsheet, empty, or has no row of headers.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        refuse_archive(bytes)?;
        let (mut text, encoding) = decode(bytes);
        // Some programs on a Mac end lines with a carriage return alone.
        if !text.contains('\n') {
            text = text.replace('\r', "\n");
        }
        let mut table = Self {
            encoding,
            separator: ',',
            headers: Vec::new(),
            text: text.into(),
            first: 0,
            first_line: 1,
        };
        let Preamble { lines, separator } = preamble(&table.text);
        table.separator = separator;
        let above = table.text.len() - preambles::below(&table.text, lines).len();
        let mut rows = table.rows_from(above, 1 + i64::try_from(lines).unwrap_or(0));
        let header = rows.next();
        let (next, line) = (rows.at, rows.line);
        let headers = match header {
            Some(Row { cells: Ok(cells), .. }) => cells,
            _ => return Err(Refused::new("table_empty", "the file has no row with names")),
        };
        if headers.len() > COLUMNS_MAX {
            let message = format!("the file has {} columns: {COLUMNS_MAX} is most", headers.len());
            return Err(Refused::new("table_columns", message));
        }
        table.headers = headers.iter().map(|name| name.trim().to_owned()).collect();
        (table.first, table.first_line) = (next, line);
        Ok(table)
    }

    /// The same text from its first line on, with no header and cells apart at `separator`.
    #[must_use]
    pub fn separated(&self, separator: char) -> Self {
        Self { separator, headers: Vec::new(), first: 0, first_line: 1, ..self.clone() }
    }

    /// Its rows in order, blank lines left out.
    pub fn rows(&self) -> Rows<'_> {
        self.rows_from(self.first, self.first_line)
    }

    fn rows_from(&self, at: usize, line: i64) -> Rows<'_> {
        Rows { text: &self.text, separator: self.separator, at, line }
    }
}

/// The rows of a table.
#[derive(Debug)]
pub struct Rows<'a> {
    text: &'a str,
    separator: char,
    at: usize,
    line: i64,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = self.line;
            let (cells, bytes, lines) = match read_row(rest, self.separator) {
                Some((cells, bytes, lines)) => (Ok(cells), bytes, lines),
                None => {
                    let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
                    (Err("a quotation mark is not closed"), end, 1)
                }
            };
            self.at += bytes;
            self.line += lines;
            match cells {
                Ok(cells) if cells.iter().all(|cell| cell.trim().is_empty()) => {}
                Ok(cells) if cells.iter().any(|cell| cell.contains('\u{fffd}')) => {
                    return Some(Row { line, cells: Err("some letters cannot be read") });
                }
                cells => return Some(Row { line, cells }),
            }
        }
    }
}

/// One row from the start of `text`: its cells, its bytes, its lines. Nothing where a quotation
/// mark is not closed within reason.
fn read_row(text: &str, separator: char) -> Option<(Vec<String>, usize, i64)> {
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut quoted, mut fresh, mut lines) = (false, true, 0);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if quoted {
            match c {
                '"' if chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    cell.push('"');
                    chars.next();
                }
                // A quotation ends with its cell; one that ends within it was never closed.
                '"' => match chars.peek().map(|(_, next)| *next) {
                    None | Some('\n' | '\r') => quoted = false,
                    Some(next) if next == separator => quoted = false,
                    Some(_) => return None,
                },
                '\n' => {
                    lines += 1;
                    if lines >= ROW_LINES_MAX {
                        return None;
                    }
                    cell.push(c);
                }
                c => cell.push(c),
            }
            continue;
        }
        match c {
            // Only at the start of a cell does it begin a quotation: 5" is five inches.
            '"' if fresh => quoted = true,
            '\n' => {
                lines += 1;
                cells.push(cell);
                return Some((cells, at + 1, i64::try_from(lines).unwrap_or(i64::MAX)));
            }
            '\r' => continue,
            c if c == separator => {
                cells.push(std::mem::take(&mut cell));
                fresh = true;
                continue;
            }
            c => cell.push(c),
        }
        fresh = false;
    }
    if quoted {
        return None;
    }
    cells.push(cell);
    Some((cells, text.len(), i64::try_from(lines).unwrap_or(i64::MAX) + 1))
}

/// Refuses what is no text, with what to do.
///
/// # Errors
/// `table_format`.
pub fn refuse_archive(bytes: &[u8]) -> Result<(), Refused> {
    let starts = |mark: &[u8]| bytes.starts_with(mark);
    let advice = if starts(b"PK\x03\x04") || starts(b"\xd0\xcf\x11\xe0") {
        "this is a spreadsheet or an archive: open it, and save the sheet as CSV"
    } else if starts(b"\x1f\x8b") || starts(b"BZh") || starts(b"\xfd7zXZ") {
        "this is an archive: unpack it first"
    } else if starts(b"%PDF") {
        "this is a PDF, not a table: ask for a CSV file"
    } else if bytes.is_empty() {
        "the file is empty"
    } else {
        return Ok(());
    };
    Err(Refused::new("table_format", advice).at("file"))
}

/// The text of a file and how it was read. In a file of UTF-8 what is no UTF-8 becomes U+FFFD, and
/// its rows are errors; a file with no UTF-8 in it is Windows-1252, which holds Latin-1.
fn decode(bytes: &[u8]) -> (String, &'static str) {
    if let Some(encoding) = wide(bytes.get(..LOOKED_AT).unwrap_or(bytes)) {
        return (encoding.decode_with_bom_removal(bytes).0.into_owned(), "UTF-16");
    }
    let (marked, rest) = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    if let Ok(text) = std::str::from_utf8(rest) {
        return (text.to_owned(), "UTF-8");
    }
    let (mut good, mut bad) = (0, 0);
    for line in rest.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii()) {
        match std::str::from_utf8(line) {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        }
    }
    if marked || good > bad {
        return (String::from_utf8_lossy(rest).into_owned(), "UTF-8");
    }
    (WINDOWS_1252.decode_without_bom_handling(rest).0.into_owned(), "Windows-1252")
}

/// Which UTF-16 it is: by its mark, or where that is missing by the octets that are zero in the
/// letters of a table's first lines.
pub fn wide(begin: &[u8]) -> Option<&'static Encoding> {
    match begin.get(..2) {
        Some(b"\xff\xfe") => return Some(UTF_16LE),
        Some(b"\xfe\xff") => return Some(UTF_16BE),
        _ => {}
    }
    let pairs = begin.len() / 2;
    let zeros = |place: usize| begin.iter().skip(place).step_by(2).filter(|o| **o == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    match (first, second) {
        (0, second) if pairs > 0 && second * 4 > pairs * 3 => Some(UTF_16LE),
        (first, 0) if pairs > 0 && first * 4 > pairs * 3 => Some(UTF_16BE),
        _ => None,
    }
}

/// A header for comparing: small letters and digits alone, accents folded.
pub fn plain(header: &str) -> String {
    let fold = |c: char| -> Option<char> {
        Some(match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
            'ç' => 'c',
            'è' | 'é' | 'ê' | 'ë' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ñ' => 'n',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
            'ù' | 'ú' | 'û' | 'ü' => 'u',
            'ý' | 'ÿ' => 'y',
            c if c.is_alphanumeric() => c,
            _ => return None,
        })
    };
    header.chars().flat_map(char::to_lowercase).filter_map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> (Table, Vec<Row>) {
        let table = Table::read(bytes).unwrap();
        let rows = table.rows().collect();
        (table, rows)
    }

    #[test]
    fn i01_encodings_are_told_apart_and_bad_bytes_are_errors_of_their_row() {
        let (table, all) = rows(b"\xef\xbb\xbfemail;name\r\na@x.test;J\xc3\xb6rg\r\n");
        assert_eq!((table.encoding, table.separator), ("UTF-8", ';'));
        assert_eq!(all[0].cells.as_ref().unwrap()[1], "Jörg");
        let wide: Vec<u8> = "\u{feff}email\tname\na@x.test\tJörg\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let (table, all) = rows(&wide);
        assert_eq!((table.encoding, table.separator), ("UTF-16", '\t'));
        assert_eq!(all[0].cells.as_ref().unwrap()[1], "Jörg");
        let (table, unmarked) = rows(&wide[2..]);
        assert_eq!((table.encoding, &unmarked), ("UTF-16", &all));
        let (table, all) = rows(b"email,name\na@x.test,J\xf6rg\n");
        assert_eq!(table.encoding, "Windows-1252");
        assert_eq!(all[0].cells.as_ref().unwrap()[1], "Jörg");
        let mixed = b"email,name\na@x.test,J\xc3\xb6rg\nb@x.test,J\xf6rg\nc@x.test,Zo\xc3\xab\n";
        let (_, all) = rows(mixed);
        assert_eq!(all[1], Row { line: 3, cells: Err("some letters cannot be read") });
        assert!(all[0].cells.is_ok() && all[2].cells.is_ok());
    }

    #[test]
    fn i02_broken_rows_are_errors_with_their_line_and_the_rest_is_read() {
        let text = b"email,note\n\"a@x.test\",\"two\nlines, \"\"quoted\"\"\"\nb@x.test,\"open\n";
        let long: String = (0..400).map(|n| format!("p{n}@x.test,5\" disc\n")).collect();
        let (_, all) = rows(&[&text[..], long.as_bytes()].concat());
        assert_eq!(all[0].cells.as_ref().unwrap()[1], "two\nlines, \"quoted\"");
        assert_eq!((all[1].line, all[1].cells.is_err()), (4, true));
        assert_eq!(all.len(), 402);
        assert_eq!(all[401].cells.as_ref().unwrap()[1], "5\" disc");
        assert_eq!(all[401].line, 404);
        let wide = vec!["x"; 10_000].join(",");
        assert_eq!(Table::read(wide.as_bytes()).unwrap_err().code, "table_columns");
    }

    #[test]
    fn i02_titles_and_a_line_that_says_the_separator_stand_above_the_names() {
        for text in [
            "sep=;\r\nemail;name\r\na@x.test;Ada, of Köln\r\n",
            "My list\nof Monday\n\nemail|name\na@x.test|Ada, of Köln\n",
            "# Export\nemail\tname\na@x.test\tAda, of Köln\n",
        ] {
            let (table, all) = rows(text.as_bytes());
            assert_eq!(table.headers, ["email", "name"], "{text}");
            let line = i64::try_from(text.lines().count()).unwrap();
            let cells = vec!["a@x.test".to_owned(), "Ada, of Köln".to_owned()];
            assert_eq!(all, [Row { line, cells: Ok(cells) }], "{text}");
        }
    }

    #[test]
    fn i02_lines_that_end_as_on_an_old_mac_are_lines() {
        let (table, all) = rows(b"email,name\ra@x.test,Ada\r\rb@x.test,Bo\r");
        assert_eq!(table.headers, ["email", "name"]);
        let read: Vec<_> = all.iter().map(|row| (row.line, &row.readable().unwrap()[1])).collect();
        assert_eq!(read, [(2, &"Ada".to_owned()), (4, &"Bo".to_owned())]);
    }

    #[test]
    fn i03_archives_and_spreadsheets_are_refused_with_advice() {
        for bytes in [&b"PK\x03\x04xx"[..], b"\x1f\x8bxx", b"%PDF-1.7", b""] {
            assert_eq!(Table::read(bytes).unwrap_err().code, "table_format");
        }
    }

    #[test]
    fn headers_compare_without_case_accents_and_spaces() {
        assert_eq!(plain("\u{feff}E-Mail Address "), "emailaddress");
        assert_eq!(plain("Prénom"), "prenom");
    }
}
