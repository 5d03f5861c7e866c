//! What stands above the names of the columns: a line that says the separator, remarks, titles,
//! lines that hold nothing; and what separates the cells, which all lines tell together.

/// Lines looked at.
const LINES_MAX: usize = 60;
/// Lines above the names of the columns, at most.
const ABOVE_MAX: usize = 30;
/// What separates cells, the most usual first.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// How a table begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// Lines above the names of the columns.
    pub lines: usize,
    /// What separates the cells.
    pub separator: char,
}

/// How the table at the start of `text` begins.
pub fn preamble(text: &str) -> Preamble {
    let mut rest = text;
    let mut lines = Vec::new();
    while lines.len() < LINES_MAX {
        let (line, below) = cut(rest);
        // The last of several may be cut off.
        if below.is_none() && !lines.is_empty() {
            break;
        }
        lines.push(line);
        let Some(below) = below else { break };
        rest = below;
    }
    let said = lines.first().and_then(|line| said_separator(line));
    let begin = usize::from(said.is_some());
    let body = lines.get(begin..).unwrap_or_default();
    let separator = said.unwrap_or_else(|| told_separator(body));
    Preamble { lines: begin + above(body, separator), separator }
}

/// What stands in `text` below so many lines.
pub(super) fn below(text: &str, lines: usize) -> &str {
    (0..lines).fold(text, |rest, _| cut(rest).1.unwrap_or_default())
}

/// A line, and what stands below it where it has an end.
fn cut(text: &str) -> (&str, Option<&str>) {
    let Some(end) = text.find(['\n', '\r']) else { return (text, None) };
    let (line, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let below = rest.strip_prefix("\r\n").or_else(|| rest.get(1..));
    (line, below)
}

/// `sep=;`, as spreadsheets are told.
fn said_separator(line: &str) -> Option<char> {
    let line = line.trim_start_matches('\u{feff}').trim_matches('"');
    let (key, said) = line.split_at_checked(4)?;
    let mut chars = said.trim_matches([' ', '"']).chars();
    let separator = chars.next().or_else(|| said.contains('\t').then_some('\t'))?;
    let is_said = key.eq_ignore_ascii_case("sep=") && chars.next().is_none_or(|c| c == separator);
    (is_said && separator.is_ascii()).then_some(separator)
}

/// What stands equally often in most lines, and the most often in them.
fn told_separator(lines: &[&str]) -> char {
    let lines: Vec<&&str> = lines.iter().filter(|line| !is_remark(line)).collect();
    let told = |separator: char| {
        let mut counts: Vec<usize> = lines
            .iter()
            .map(|line| cells(line, separator).len() - 1)
            .filter(|count| *count > 0)
            .collect();
        counts.sort_unstable();
        let runs = counts.chunk_by(|a, b| a == b);
        runs.map(|run| (run.len(), run.first().copied().unwrap_or(0))).max().unwrap_or((0, 0))
    };
    // Of equals the last is taken: the most usual.
    SEPARATORS.into_iter().rev().max_by_key(|separator| told(*separator)).unwrap_or(',')
}

/// Lines above the first that can be names of columns: none where no line below is surer.
fn above(lines: &[&str], separator: char) -> usize {
    let filled = |line: &str| cells(line, separator).iter().filter(|cell| has_text(cell)).count();
    let width = lines.iter().map(|line| filled(line)).max().unwrap_or(0);
    let is_title = |line: &str| {
        let filled = filled(line);
        // A name of a column may hold the end of a line: such a line is no title.
        let is_open = line.matches('"').count() % 2 == 1;
        !is_open && (filled <= 1 && width > 1 || filled <= 2 && width > 3)
    };
    // `#` may be the name of a column: a remark has no cells, or not as many.
    let is_remark = |line: &str| is_remark(line) && filled(line) < width;
    let first = lines.iter().position(|line| has_text(line) && filled(line) > 0).unwrap_or(0);
    let names = lines.iter().position(|line| !is_remark(line) && !is_title(line));
    match names {
        Some(at) if at <= ABOVE_MAX => {
            let line = lines.get(at).copied().unwrap_or_default();
            let only_remarks =
                lines.iter().take(at).all(|line| filled(line) == 0 || is_remark(line));
            if only_remarks || are_names(&cells(line, separator)) { at } else { first }
        }
        _ => first,
    }
}

/// Whether these can be names: none is a number or an address, and most begin with a letter.
fn are_names(cells: &[String]) -> bool {
    let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).filter(|c| has_text(c)).collect();
    let is_value = |cell: &&&str| cell.parse::<f64>().is_ok() || cell.contains('@');
    let with_digit = cells.iter().filter(|cell| cell.starts_with(|c: char| c.is_ascii_digit()));
    cells.len() > 1
        && !cells.iter().any(|cell| is_value(&cell))
        && with_digit.count() * 2 < cells.len()
}

fn is_remark(line: &str) -> bool {
    line.trim_start_matches(['\u{feff}', '"', ' ']).starts_with('#')
}

fn has_text(cell: &str) -> bool {
    !cell.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\u{feff}').is_empty()
}

/// The cells of one line, quotation marks taken off.
fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (usize, char) {
        let Preamble { lines, separator } = preamble(text);
        (lines, separator)
    }

    #[test]
    fn what_most_lines_have_as_often_separates_the_cells() {
        assert_eq!(of("a,b,c\n1,2,3\n"), (0, ','));
        assert_eq!(of("a;b\n1,5;2,5\n3,5;4,5\n"), (0, ';'));
        assert_eq!(of("a|b|c\n1|x, y|3\n"), (0, '|'));
        assert_eq!(of("a\tb\n1\t2\n"), (0, '\t'));
        assert_eq!(of("path,conversions\na|b|c,1\nb|c|d,2\n"), (0, ','));
        assert_eq!(of("email\na@x.test\n"), (0, ','));
        assert_eq!(of("a;b"), (0, ';'));
        assert_eq!(of(""), (0, ','));
    }

    #[test]
    fn a_line_may_say_what_separates_the_cells() {
        assert_eq!(of("sep=;\na;b\n1;2\n"), (1, ';'));
        assert_eq!(of("\"sep=|\"\r\na,x|b\r\n1|2\r\n"), (1, '|'));
        assert_eq!(of("sep=\t\na\tb\n"), (1, '\t'));
        assert_eq!(of("sepal,petal\n1,2\n"), (0, ','));
    }

    #[test]
    fn titles_remarks_and_empty_lines_stand_above_the_names() {
        assert_eq!(of("Sales report\nMarch 2024\n\ndate,email,amount\n1,a@x,3\n"), (3, ','));
        assert_eq!(
            of("Umsatz, März\nDatum;Kunde;Betrag\n1.3.24;Ada;9,9\n2.3.24;Bo;1,5\n"),
            (1, ';')
        );
        assert_eq!(of("# ------\n# Free form, 1\n#\n\nDate,Channel,Revenue\n1,a,3\n"), (4, ','));
        assert_eq!(of("Report;;;;\nFrom;2024-01-01;;;\na;b;c;d;e\n1;2;3;4;5\n"), (2, ';'));
        assert_eq!(of(";;\n\na;b;c\n1;2;3\n"), (2, ';'));
        assert_eq!(of("\r\n\r\na,b\r\n1,2\r\n"), (2, ','));
    }

    #[test]
    fn names_that_look_like_a_title_are_still_names() {
        for text in [
            "#,Name,Date\n1,Ada,2024-01-01\n",
            ",user id,group\n0,7,a\n1,8,b\n",
            "email\na@x.test,Ada\nb@x.test,Bo\n",
            "a,b\n",
            "\"Order\nnumber\",Date,Amount,Name\n1,2,3,4\n",
            "Name,,,\nAda,1,2,3\n",
        ] {
            assert_eq!(of(text), (0, ','), "{text}");
        }
    }
}
