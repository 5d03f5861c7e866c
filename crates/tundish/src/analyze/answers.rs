//! Cells that say yes or no, or that nothing is known.

/// Yes or no in a word, 1 or 0; nothing where it is neither. An empty cell, or one that says
/// that nothing is there, is a no.
pub fn yes(cell: &str) -> Option<bool> {
    match cell.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "x" | "ja" | "oui" | "si" | "sí" | "wahr" | "vrai" => {
            Some(true)
        }
        "false" | "no" | "n" | "f" | "nein" | "non" | "falsch" | "faux" => Some(false),
        cell if is_missing(cell) => Some(false),
        cell => match cell.parse::<f64>() {
            Ok(0.0) => Some(false),
            Ok(1.0) => Some(true),
            _ => None,
        },
    }
}

/// Whether a cell says that nothing is known: `NA`, `null`, or nothing.
pub fn is_missing(cell: &str) -> bool {
    numbers::scores::table::is_missing(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_understood_in_words_and_in_numbers() {
        for cell in ["1", "1.0", "TRUE", "Yes", "ja"] {
            assert_eq!(yes(cell), Some(true), "{cell}");
        }
        for cell in ["0", "0.0", "false", "No", "nein", "", "NA", "null", "NaN"] {
            assert_eq!(yes(cell), Some(false), "{cell}");
        }
        for cell in ["maybe", "inf", "2", "-1"] {
            assert_eq!(yes(cell), None, "{cell}");
        }
    }
}
