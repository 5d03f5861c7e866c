//! Which part of `a/b/2024` is the month, by what the cells of a file say.

use super::{Order, digits};

/// What was seen of a column of days.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    told: Option<Order>,
    /// The first cell that can be read in two ways.
    either: Option<String>,
}

/// How it came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Which it is.
    pub order: Order,
    /// A cell that would be another day the other way round, where nothing told them apart.
    pub doubt: Option<String>,
}

impl Parts {
    /// Looks at a cell: one day beyond the twelfth decides.
    pub fn see(&mut self, cell: &str) {
        if self.told.is_some() {
            return;
        }
        let Some((first, second, mark)) = first_two(cell.trim()) else { return };
        match (first, second) {
            // Dots are of a day first unless something speaks against it.
            (13..=31, 1..=12) if mark != '.' => self.told = Some(Order::DayFirst),
            (1..=12, 13..=31) => self.told = Some(Order::MonthFirst),
            (1..=12, 1..=12) if first != second && mark != '.' => {
                self.either.get_or_insert_with(|| cell.to_owned());
            }
            _ => {}
        }
    }

    /// Whether more cells would tell more.
    pub fn is_open(&self) -> bool {
        self.told.is_none() && self.either.is_some()
    }

    /// What it comes to; `usual` where no cell tells.
    pub fn settle(&self, usual: Order) -> Settled {
        let order = self.told.unwrap_or(usual);
        let doubt = self.told.is_none().then(|| self.either.clone()).flatten();
        Settled { order, doubt }
    }
}

/// The first two numbers of `31/12/2024` and what stands between them; nothing where the year comes
/// first.
fn first_two(cell: &str) -> Option<(u32, u32, char)> {
    let (first, rest) = digits(cell);
    let mark = rest.chars().next().filter(|mark| matches!(mark, '/' | '-' | '.'))?;
    let (second, rest) = digits(rest.get(1..)?);
    let is_date = rest.starts_with(mark) && first.len() <= 2 && second.len() <= 2;
    is_date.then(|| Some((first.parse().ok()?, second.parse().ok()?, mark))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(cells: &[&str]) -> (Order, bool) {
        let mut parts = Parts::default();
        cells.iter().for_each(|cell| parts.see(cell));
        let settled = parts.settle(Order::Usual);
        assert_eq!(settled.doubt.is_some(), parts.is_open());
        (settled.order, settled.doubt.is_some())
    }

    #[test]
    fn one_day_beyond_the_twelfth_tells_which_part_is_the_month() {
        assert_eq!(settled(&["1/2/2024", "3/25/2024"]), (Order::MonthFirst, false));
        assert_eq!(settled(&["1/2/2024 08:00", "25/3/2024"]), (Order::DayFirst, false));
        assert_eq!(settled(&["01-02-2024", "25-03-24"]), (Order::DayFirst, false));
        assert_eq!(settled(&["12.31.2024"]), (Order::MonthFirst, false));
    }

    #[test]
    fn days_that_can_be_read_in_two_ways_are_in_doubt_and_others_are_not() {
        assert_eq!(settled(&["1/2/2024", "3/3/2024"]), (Order::Usual, true));
        for cells in [
            &["2024-01-02", "2024-02-25"][..],
            &["1.2.2024", "31.12.2024"],
            &["3/3/2024"],
            &["Dec 31, 2024", "20240102", ""],
        ] {
            assert_eq!(settled(cells), (Order::Usual, false), "{cells:?}");
        }
    }
}
