//! Which mark stands before the fraction, by what the cells of a file say.

use super::{Bare, Decimal, Shape};

/// What was seen of the cells with figures.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    told: Option<Decimal>,
    columns: Vec<Column>,
}

/// What was seen of one column.
#[derive(Debug, Clone, Default)]
struct Column {
    /// The first cell that can be read in two ways, and its mark.
    either: Option<(String, char)>,
    /// Whether figures below a thousand stand in it without any mark.
    has_small: bool,
    /// Whether larger ones do.
    has_large: bool,
}

/// How it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which mark it is.
    pub decimal: Decimal,
    /// A cell that would be read otherwise by the other mark, where nothing told them apart.
    pub doubt: Option<String>,
}

impl Marks {
    /// Looks at a cell of a column, counted from 0.
    pub fn see(&mut self, column: usize, cell: &str) {
        if self.told.is_some() {
            return;
        }
        let Some(bare) = Bare::of(cell.trim()) else { return };
        let Some(shape) = Shape::of(&bare.digits) else { return };
        if self.columns.len() <= column {
            self.columns.resize_with(column + 1, Column::default);
        }
        let Some(seen) = self.columns.get_mut(column) else { return };
        match shape {
            Shape::Fraction(at) => {
                self.told =
                    bare.digits.get(at..).and_then(|rest| rest.chars().next()).map(Decimal::of);
            }
            Shape::Thousands('.') => self.told = Some(Decimal::Comma),
            Shape::Thousands(_) => self.told = Some(Decimal::Point),
            Shape::Either(_, mark) => {
                seen.either.get_or_insert_with(|| (cell.to_owned(), mark));
            }
            Shape::Whole if bare.digits.len() <= 3 => seen.has_small = true,
            Shape::Whole => seen.has_large |= !bare.digits.contains(' '),
        }
    }

    /// Whether more cells would tell more.
    pub fn is_open(&self) -> bool {
        self.told.is_none() && self.columns.iter().any(|column| column.either.is_some())
    }

    /// What it comes to. Where no cell tells, thousands are what stands beside small figures without
    /// a mark: a program that writes three digits behind the mark writes them everywhere. Else it is
    /// `usual`.
    pub fn settle(&self, usual: Decimal) -> Settled {
        if let Some(decimal) = self.told {
            return Settled { decimal, doubt: None };
        }
        let mut open = self.columns.iter().filter_map(|one| Some((one, one.either.as_ref()?)));
        let Some((column, (cell, mark))) = open.next() else {
            return Settled { decimal: usual, doubt: None };
        };
        let are_thousands = column.has_small && !column.has_large;
        let decimal = match (are_thousands, mark) {
            (true, '.') => Decimal::Comma,
            (true, _) => Decimal::Point,
            (false, _) => usual,
        };
        Settled { decimal, doubt: Some(cell.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(cells: &[&str], usual: Decimal) -> (Decimal, bool) {
        let mut marks = Marks::default();
        cells.iter().for_each(|cell| marks.see(0, cell));
        let settled = marks.settle(usual);
        assert_eq!(settled.doubt.is_some(), marks.is_open());
        (settled.decimal, settled.doubt.is_some())
    }

    #[test]
    fn the_mark_of_the_fraction_is_told_by_the_cells() {
        for (cells, wanted) in [
            (&["1,000", "12,50"][..], Decimal::Comma),
            (&["1,000", "12.50"], Decimal::Point),
            (&["1.000,00"], Decimal::Comma),
            (&["1.234.567"], Decimal::Comma),
            (&["1,234,567"], Decimal::Point),
            (&["1.000", "49,-"], Decimal::Comma),
            (&["3.195", "0.244"], Decimal::Point),
            (&["Rs. 1,250", "Rs. 99.50"], Decimal::Point),
            (&["1 234,567"], Decimal::Comma),
        ] {
            for usual in [Decimal::Point, Decimal::Comma] {
                assert_eq!(settled(cells, usual), (wanted, false), "{cells:?}");
            }
        }
        assert_eq!(settled(&["7", "free", ""], Decimal::Comma), (Decimal::Comma, false));
    }

    #[test]
    fn where_no_cell_tells_whole_figures_beside_do_or_what_is_usual() {
        assert_eq!(settled(&["1.500 €", "99 €"], Decimal::Point), (Decimal::Comma, true));
        assert_eq!(settled(&["1,500", "99"], Decimal::Comma), (Decimal::Point, true));
        assert_eq!(settled(&["1.500", "2500", "99"], Decimal::Point), (Decimal::Point, true));
        assert_eq!(settled(&["1.500"], Decimal::Point), (Decimal::Point, true));
        assert_eq!(settled(&["1.500"], Decimal::Comma), (Decimal::Comma, true));
    }

    #[test]
    fn small_figures_of_another_column_tell_nothing() {
        let mut marks = Marks::default();
        marks.see(0, "1.499");
        marks.see(1, "2");
        assert_eq!(marks.settle(Decimal::Point).decimal, Decimal::Point);
    }
}
