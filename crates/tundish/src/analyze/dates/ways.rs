//! Whether the days of a file were read the right way round.

use super::{Order, civil_day};

/// Beyond one in so many days that are none but the other way round, it was the wrong way for some.
const OTHERWISE_MAX: u64 = 20;

/// Days that were read, and those that are days only the other way round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ways {
    read: u64,
    otherwise: u64,
}

impl Ways {
    /// Counts a cell that was read.
    pub fn read(&mut self) {
        self.read += 1;
    }

    /// Counts a cell that could not be.
    pub fn not_read(&mut self, cell: &str) {
        let mut ways = [Order::DayFirst, Order::MonthFirst].into_iter();
        self.otherwise += u64::from(ways.any(|way| civil_day(cell, way).is_some()));
    }

    /// Why the days cannot be trusted, of a file that writes them both ways or was read the wrong
    /// way.
    pub fn doubt(self) -> Option<String> {
        let all = self.read + self.otherwise;
        (self.otherwise * OTHERWISE_MAX > all).then(|| {
            format!(
                "{} of {all} dates are none as the others are written, but are with day and month \
                 the other way round: say --dates dmy or mdy, or write all of them one way",
                self.otherwise,
            )
        })
    }
}
