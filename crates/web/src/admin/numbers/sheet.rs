//! Tables of figures: shown with each cell opening to its rows, and written as CSV.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use model::Currency;
use model::exports::csv_cell;
pub(crate) use numbers::real::rounded;
use numbers::stages::Share;
use serde::Serialize;

use super::FEW;
use crate::words::{grouped, money_text};

/// A table.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sheet {
    /// What it lists.
    pub title: String,
    /// What to know of it.
    pub note: Option<String>,
    /// How its figures are made.
    pub formula: Option<String>,
    /// Where its file is.
    pub csv: Option<String>,
    /// Its head.
    pub columns: Vec<Column>,
    /// Its rows, a cell a column.
    pub rows: Vec<Vec<Cell>>,
    /// What to say where there are no rows.
    pub empty: String,
}

/// One column.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Over it.
    pub label: String,
    /// Whether it holds figures.
    pub num: bool,
}

/// One cell.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cell {
    /// As shown.
    pub text: String,
    /// Where its rows are.
    pub href: Option<String>,
    /// A second line.
    pub note: Option<String>,
    /// good, warn or bad, with a word of its own in `text`.
    pub tone: Option<&'static str>,
    /// As written to a file.
    #[serde(skip)]
    raw: Raw,
}

#[derive(Debug, Clone, Default)]
enum Raw {
    #[default]
    Nothing,
    Text(String),
    Number(String),
}

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { raw: Raw::Text(text.clone()), text, ..Self::default() }
    }

    /// A number of things.
    pub fn count(count: i64) -> Self {
        let sign = if count < 0 { "\u{2212}" } else { "" };
        let text = format!("{sign}{}", grouped(count.unsigned_abs()));
        Self { text, raw: Raw::Number(count.to_string()), ..Self::default() }
    }

    /// Money in minor units.
    pub fn money(minor: i64, currency: &str) -> Self {
        let raw = Raw::Number(decimal(minor, currency));
        Self { text: money_text(minor, currency), raw, ..Self::default() }
    }

    /// An average of money in minor units, to the nearest of them; a dash where it is not known.
    pub fn mean(minor: Option<f64>, currency: &str) -> Self {
        minor.map_or_else(Self::unknown, |minor| Self::money(rounded(minor), currency))
    }

    /// A share with its interval beneath; a dash where it is not known.
    pub fn share(share: Option<Share>) -> Self {
        let Some(share) = share else { return Self::unknown() };
        let percent = |value: f64| format!("{:.1}%", value * 100.0);
        let note = if share.low < share.rate || share.high > share.rate {
            Some(format!("{} to {}", percent(share.low), percent(share.high)))
        } else {
            None
        };
        let raw = Raw::Number(format!("{:.6}", share.rate));
        Self { text: percent(share.rate), note, raw, ..Self::default() }
    }

    /// A figure that is not whole, to so many decimal places.
    pub fn decimal(value: f64, places: usize) -> Self {
        let raw = format!("{:.places$}", value.abs());
        let (whole, part) = raw.split_once('.').unwrap_or((&raw, ""));
        let below = value < 0.0 && raw.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
        let (minus, sign) = if below { ("-", "\u{2212}") } else { ("", "") };
        let point = if part.is_empty() { "" } else { "." };
        let text = format!("{sign}{}{point}{part}", grouped(whole.parse().unwrap_or(0)));
        Self { text, raw: Raw::Number(format!("{minus}{raw}")), ..Self::default() }
    }

    /// A share without an interval: one of all there is, not of a sample.
    pub fn percent(share: f64) -> Self {
        let raw = Raw::Number(format!("{share:.6}"));
        Self { text: format!("{:.1}%", share * 100.0), raw, ..Self::default() }
    }

    /// A figure told in words of its own.
    pub fn worded(text: impl Into<String>, raw: i64) -> Self {
        Self { text: text.into(), raw: Raw::Number(raw.to_string()), ..Self::default() }
    }

    /// What has not come yet: words on the page, nothing in a file.
    pub fn pending(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// What is not known, which is not nothing.
    pub fn unknown() -> Self {
        Self { text: "–".to_owned(), ..Self::default() }
    }

    /// The same, opening to its rows.
    #[must_use]
    pub fn to(self, href: String) -> Self {
        Self { href: Some(href), ..self }
    }

    /// The same, shown otherwise than it is written to a file.
    #[must_use]
    pub fn shown(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }

    /// The same with a second line.
    #[must_use]
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// The same, with of how few it is where they are too few to judge by: in place of a tone.
    #[must_use]
    pub fn few(self, of: i64) -> Self {
        if of >= FEW || matches!(self.raw, Raw::Nothing) {
            return self;
        }
        let note = match &self.note {
            Some(note) => format!("{note}; of {of}"),
            None => format!("of {of}"),
        };
        Self { tone: None, note: Some(note), ..self }
    }

    /// The same with a tone.
    #[must_use]
    pub fn tone(self, tone: &'static str) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

/// Minor units as a plain decimal: `-1234`, `EUR` → `-12.34`.
fn decimal(minor: i64, currency: &str) -> String {
    let digits = Currency::parse(currency).map_or(2, Currency::exponent);
    let unit = 10_u64.saturating_pow(digits);
    let size = minor.unsigned_abs();
    let sign = if minor < 0 { "-" } else { "" };
    let whole = size.checked_div(unit).unwrap_or(size);
    let rest = size.checked_rem(unit).unwrap_or(0);
    match digits {
        0 => format!("{sign}{whole}"),
        digits => {
            let width = usize::try_from(digits).unwrap_or(2);
            format!("{sign}{whole}.{rest:0width$}")
        }
    }
}

/// Columns by their labels; those that begin with `#` hold figures.
pub fn columns(labels: &[&str]) -> Vec<Column> {
    let column = |label: &&str| match label.strip_prefix('#') {
        Some(label) => Column { label: label.to_owned(), num: true },
        None => Column { label: (*label).to_owned(), num: false },
    };
    labels.iter().map(column).collect()
}

impl Sheet {
    /// The table as a CSV file called `name`.
    pub fn file(&self, name: &str) -> Response {
        (file_headers(name), format!("{}{}", self.head(), self.lines())).into_response()
    }

    /// The first line of its file.
    pub fn head(&self) -> String {
        let labels = self.columns.iter().map(|column| Raw::Text(column.label.clone()));
        line(&labels.collect::<Vec<Raw>>())
    }

    /// The lines of its file that follow. Text that a spreadsheet would take for a formula is
    /// written as text.
    pub fn lines(&self) -> String {
        let raw = |row: &Vec<Cell>| row.iter().map(|cell| cell.raw.clone()).collect::<Vec<Raw>>();
        self.rows.iter().map(|row| line(&raw(row))).collect()
    }
}

fn line(cells: &[Raw]) -> String {
    let written = |raw: &Raw| match raw {
        Raw::Nothing => String::new(),
        Raw::Number(number) => number.clone(),
        Raw::Text(text) => csv_cell(text).into_owned(),
    };
    let cells: Vec<String> = cells.iter().map(written).collect();
    format!("{}\r\n", cells.join(","))
}

/// What a CSV file called `name` is sent with.
pub fn file_headers(name: &str) -> [(HeaderName, String); 3] {
    [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rests_on_few_says_of_how_many_and_has_no_tone() {
        let cell = |of| Cell::money(500, "EUR").tone("good").few(of);
        assert_eq!((cell(3).tone, cell(3).note.as_deref()), (None, Some("of 3")));
        assert_eq!((cell(30).tone, cell(30).note), (Some("good"), None));
        assert_eq!(Cell::unknown().few(3).note, None, "what is not known rests on nothing");
    }

    #[tokio::test]
    async fn a_file_holds_plain_figures_and_no_formulas() {
        let sheet = Sheet {
            columns: columns(&["Source", "#Revenue", "#Rate"]),
            rows: vec![
                vec![Cell::text("=1+1, \"x\""), Cell::money(-1_205, "EUR"), Cell::unknown()],
                vec![
                    Cell::text("a"),
                    Cell::money(5, "JPY"),
                    Cell::share(numbers::stages::share(1, 4)),
                ],
            ],
            ..Sheet::default()
        };
        let body = sheet.file("x").into_body();
        let bytes = axum::body::to_bytes(body, 10_000).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text, "Source,Revenue,Rate\r\n\"'=1+1, \"\"x\"\"\",-12.05,\r\na,5,0.250000\r\n");
    }
}
