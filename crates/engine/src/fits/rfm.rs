//! The grid of recency, frequency and money: the edges between the five scores of each, and what
//! the customers of each cell come to. A cell is kept as ranges of days, orders and money, so that
//! its customers are found by an index and need not be written down one by one.

use std::collections::BTreeMap;

use model::segments::Cells;
use numbers::rfm::{Cuts, Ties, bin, step_of};
use serde::{Deserialize, Serialize};
use store::customer_figures::{ANY, CustomerFigure, Range};

/// The grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// The day it is of, counted from 1970-01-01.
    pub at: i64,
    /// The least days since the last order of each score below the best: of 4, 3, 2, 1.
    pub recency: [i64; 4],
    /// The least number of orders of each score above the worst: of 2, 3, 4, 5.
    pub frequency: [i64; 4],
    /// The least that was paid, in minor units, likewise.
    pub monetary: [i64; 4],
    /// Every cell that has customers.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Score of recency.
    pub r: u8,
    /// Score of frequency.
    pub f: u8,
    /// Score of money.
    pub m: u8,
    /// Customers in it.
    pub customers: i64,
    /// What they paid.
    pub net_minor: i64,
    /// What was left of it.
    pub margin_minor: i64,
}

/// Ranges of figures; both ends with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// The day of the last order.
    pub last_day: Range,
    /// Orders.
    pub orders: Range,
    /// Paid in all, in minor units.
    pub net: Range,
}

/// Scores customers as they stand on day `at`; nothing where there are none.
pub(super) fn grid(figures: &[CustomerFigure], at: i64, parts: u32) -> Option<Grid> {
    let between = |of: &dyn Fn(&CustomerFigure) -> i64, step: i64| {
        let mut values: Vec<i64> = figures.iter().map(of).collect();
        values.sort_unstable();
        // As `tundish analyze rfm` has it: who has just what the quantile is stands below it.
        Cuts::of(&values, Ties::Below, step).map(|cuts| cuts.least())
    };
    let step = step_of(figures.iter().map(|one| one.net_minor), i64::from(parts.max(1)));
    let mut grid = Grid {
        at,
        recency: between(&|one| (at - one.last_day).max(0), 1)?,
        frequency: between(&|one| one.orders, 1)?,
        monetary: between(&|one| one.net_minor, step)?,
        cells: Vec::new(),
    };
    grid.count(figures);
    Some(grid)
}

impl Grid {
    /// Counts `figures` into the cells, in place of what stands there; the edges stay.
    pub fn count(&mut self, figures: &[CustomerFigure]) {
        let mut cells: BTreeMap<(u8, u8, u8), Cell> = BTreeMap::new();
        for figure in figures {
            let (r, f, m) = self.scores(figure);
            let none = Cell { r, f, m, customers: 0, net_minor: 0, margin_minor: 0 };
            let cell = cells.entry((r, f, m)).or_insert(none);
            cell.customers += 1;
            cell.net_minor += figure.net_minor;
            cell.margin_minor += figure.margin_minor;
        }
        self.cells = cells.into_values().collect();
    }

    /// The scores of a customer.
    pub fn scores(&self, figure: &CustomerFigure) -> (u8, u8, u8) {
        (
            6 - bin((self.at - figure.last_day).max(0), &self.recency),
            bin(figure.orders, &self.frequency),
            bin(figure.net_minor, &self.monetary),
        )
    }

    /// Where the customers of a block of cells stand. Who has ordered since the grid was made is
    /// among the most recent.
    pub fn ranges(&self, cells: &Cells) -> Ranges {
        let worst_first = (6 - cells.r.1.min(5), 6 - cells.r.0.min(5));
        let (least, most) = range(&self.recency, worst_first);
        let since = |days: i64| self.at.saturating_sub(days);
        Ranges {
            last_day: (
                if most == i64::MAX { i64::MIN } else { since(most) },
                if least == i64::MIN { i64::MAX } else { since(least) },
            ),
            orders: range(&self.frequency, cells.f),
            net: range(&self.monetary, cells.m),
        }
    }
}

/// The values of the bins `from ..= to`.
fn range(cuts: &[i64; 4], (from, to): (u8, u8)) -> Range {
    let cut = |at: u8| cuts.get(usize::from(at)).copied();
    let least = if from <= 1 { None } else { cut(from - 2) };
    let most = if to == 0 { None } else { cut(to - 1).map(|cut| cut - 1) };
    (least.unwrap_or(ANY.0), most.unwrap_or(ANY.1))
}

#[cfg(test)]
mod tests {
    use model::UtcMs;
    use model::ids::{ContactId, ProductId};
    use model::segments::ANY_SCORE;

    use super::*;

    fn figure(n: i64, last_day: i64, orders: i64, net_minor: i64) -> CustomerFigure {
        CustomerFigure {
            contact_id: ContactId(n),
            currency: "USD".to_owned(),
            first_day: 0,
            last_day,
            last_at: UtcMs(0),
            orders,
            repeat_days: orders - 1,
            repeat_minor: 0,
            repeat_margin_minor: 0,
            net_minor,
            margin_minor: net_minor / 2,
            first_product_id: ProductId(1),
            channel: "direct".to_owned(),
            source: String::new(),
        }
    }

    fn fits(ranges: &Ranges, one: &CustomerFigure) -> bool {
        let within = |value: i64, range: Range| range.0 <= value && value <= range.1;
        within(one.last_day, ranges.last_day)
            && within(one.orders, ranges.orders)
            && within(one.net_minor, ranges.net)
    }

    #[test]
    fn a_cell_holds_just_those_whose_figures_lie_in_its_ranges() {
        let all: Vec<CustomerFigure> = (0..500)
            .map(|n| figure(n, 1_000 - n * n % 377, 1 + n * 7 % 11, 1_000 + n * 131 % 9_973))
            .collect();
        let grid = grid(&all, 1_000, 100).unwrap();
        assert_eq!(grid.cells.iter().map(|cell| cell.customers).sum::<i64>(), 500);
        for cell in &grid.cells {
            let block = Cells { r: (cell.r, cell.r), f: (cell.f, cell.f), m: (cell.m, cell.m) };
            let ranges = grid.ranges(&block);
            let own = all.iter().filter(|one| fits(&ranges, one)).count();
            assert_eq!(i64::try_from(own).unwrap(), cell.customers, "{cell:?}");
        }
        let all_cells = Cells { r: ANY_SCORE, f: ANY_SCORE, m: ANY_SCORE };
        assert_eq!(grid.ranges(&all_cells).orders, ANY);
        assert_eq!(grid.ranges(&all_cells).last_day, ANY);
    }

    #[test]
    fn the_scores_are_those_of_the_maths() {
        let all: Vec<CustomerFigure> =
            (0..300).map(|n| figure(n, 1_000 - n * 13 % 211, 1, n * 37 % 101 + n % 3)).collect();
        let orders: Vec<numbers::lifetime::Purchase<i64>> = all
            .iter()
            .map(|one| numbers::lifetime::Purchase {
                customer: one.contact_id.0,
                day: one.last_day,
                amount: one.net_minor,
            })
            .collect();
        let grid = grid(&all, 1_000, 100).unwrap();
        let scored = numbers::rfm::score(&orders, 1_000, 100, Ties::Below).unwrap();
        for (one, wanted) in all.iter().zip(&scored.customers) {
            assert_eq!(grid.scores(one), (wanted.r, wanted.f, wanted.m));
        }
    }
}
