//! Who is meant by a cell, and which column names people.

use std::borrow::Cow;
use std::collections::HashSet;

use super::answers;
use super::columns::{Columns, Role};
use super::formats::LOOKED_AT;
use super::source::Source;

/// A name as it is compared: an address is the same in small letters and in large ones, and `NaN`
/// is nobody.
pub fn person(cell: Cow<'_, str>) -> Cow<'_, str> {
    if answers::is_missing(&cell) {
        return Cow::Borrowed("");
    }
    let is_address = cell.contains('@');
    if is_address && cell.chars().any(char::is_uppercase) {
        return Cow::Owned(cell.to_lowercase());
    }
    cell
}

/// The column that names people. One called `Id` numbers people or rows: it is people where
/// somebody comes twice in the first rows.
///
/// # Errors
/// There is none, or the file cannot be read.
pub fn column(source: &mut Source, columns: &mut Columns, role: Role) -> anyhow::Result<usize> {
    if let Some(at) = columns.find(role) {
        return Ok(at);
    }
    if let Some(at) = columns.free("id") {
        source.hold(LOOKED_AT)?;
        let mut seen = HashSet::new();
        if source.held().any(|row| !seen.insert(row.cell(at))) {
            columns.take(role, at);
            return Ok(at);
        }
    }
    columns.need(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_in_small_letters_and_large_ones_and_a_name_is_not() {
        assert_eq!(person("Ada@X.Test".into()), "ada@x.test");
        assert_eq!(person("Ada".into()), "Ada");
        assert_eq!((person("nan".into()), person("NULL".into())), ("".into(), "".into()));
        assert!(matches!(person("ada@x.test".into()), Cow::Borrowed(_)));
    }

    #[test]
    fn a_column_of_numbers_names_people_only_where_one_comes_twice() {
        for (rows, is_people) in [("1,5\n1,6\n2,7\n", true), ("1,5\n2,6\n3,7\n", false)] {
            let text = format!("Id,amount\n{rows}").into_bytes();
            let text = Box::new(std::io::Cursor::new(text));
            let mut source = Source::read("a.csv".to_owned(), text).unwrap();
            let mut columns = Columns::mapped(source.headers(), &[]).unwrap();
            let found = column(&mut source, &mut columns, Role::Customer);
            assert_eq!(found.is_ok(), is_people, "{rows}");
        }
    }
}
