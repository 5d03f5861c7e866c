//! Totals of orders that stand on each line of them.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::{Cells, Places};
use crate::analyze::amounts::{self, Decimal};
use crate::analyze::columns::{Columns, Role};
use crate::analyze::source::Row;

/// Parts of a unit by which a price times a quantity may miss what was paid for it.
const ROUNDED: f64 = 0.015;

/// The orders whose total was counted.
#[derive(Clone)]
pub(super) struct Totals {
    /// Of order, customer and figure.
    counted: HashSet<u64, RandomState>,
    by: RandomState,
}

impl Totals {
    /// Where the amounts are totals of orders, each on all lines of its order: their column is
    /// called so, and in the first rows no order shows two of them, nor are they what each line costs.
    pub(super) fn of<'a>(
        columns: &Columns,
        places: &Places,
        decimal: Decimal,
        first: impl Iterator<Item = Row<'a>>,
    ) -> Option<Self> {
        let [amount, quantity, ..] = places.figures;
        let amount = amount.filter(|at| columns.is_total(*at))?;
        let order = places.order?;
        let price = columns.look(Role::Price);
        let mut orders: HashMap<String, Vec<Row<'a>>> = HashMap::new();
        let number = |row: &Row<'_>, at: Option<usize>| {
            at.and_then(|at| amounts::parse(&row.cell(at), decimal))
        };
        // A refund beside its order says another figure.
        let is_back = |row: &Row<'_>| number(row, Some(amount)).is_some_and(|sum| sum < 0.0);
        for row in first.filter(|row| !row.cell(order).is_empty() && !is_back(row)) {
            orders.entry(row.cell(order).into_owned()).or_default().push(row);
        }
        let is_of_line = |row: &Row<'_>| {
            let each = number(row, price)?;
            let costs = each * number(row, quantity).unwrap_or(1.0);
            Some((costs - number(row, Some(amount))?).abs() <= ROUNDED)
        };
        let several = || orders.values().filter(|rows| rows.len() > 1);
        let differ = |rows: &Vec<Row<'_>>| {
            let mut figures = rows.iter().map(|row| row.cell(amount)).filter(|c| !c.is_empty());
            let first = figures.next();
            figures.any(|figure| Some(figure) != first)
        };
        let of_lines = |row: &Row<'_>| is_of_line(row) == Some(true);
        let are_of_lines = match several().next() {
            Some(_) => several().flatten().all(of_lines),
            None => !orders.is_empty() && orders.values().flatten().all(of_lines),
        };
        if are_of_lines || several().any(differ) {
            return None;
        }
        Some(Self { counted: HashSet::default(), by: RandomState::default() })
    }

    /// Whether the total of this order was counted already.
    pub(super) fn is_counted(&mut self, row: &Cells<'_>) -> bool {
        let [Some(amount), ..] = &row.figures else { return false };
        if row.order.is_empty() || amount.is_empty() {
            return false;
        }
        let key = self.by.hash_one((&*row.order, &*row.customer, &**amount));
        !self.counted.insert(key)
    }
}
