//! Rows that give money back, and the sales they are taken off: those whose order they name.
//!
//! A refund may stand before its sale or after it, so it is known only when a file was read to its
//! end; with any of them that names an order, the file is read once more.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analyze::left_out::LeftOut;
use crate::analyze::words::{money, some};

/// Why a row is left out that could not be taken off.
pub const NONE_OF_IT: &str = "taken back, or none of it";
/// And one that was.
const TAKEN_OFF: &str = "money given back, taken off its sale";

/// A row that gives money back.
#[derive(Debug, Clone)]
pub(super) struct Refund {
    /// Who must have bought what it gives back; empty where that may be anybody.
    pub(super) customer: String,
    /// More than zero.
    pub(super) sum: f64,
    /// In which currency; empty where nothing says.
    pub(super) currency: String,
    /// Why it is left out where it can be taken off nothing.
    pub(super) reason: &'static str,
}

struct Open {
    refund: Refund,
    left: f64,
    is_met: bool,
}

/// All of a file.
#[derive(Default)]
pub(super) struct Refunds {
    all: Vec<Open>,
    /// By the orders they name.
    by_order: HashMap<String, Vec<usize>>,
    /// Rows and sums by currency that name no order.
    loose: BTreeMap<String, (u64, f64)>,
    /// Numbers of orders such as `C1001` that have amounts above zero, without the letter.
    lettered: HashSet<String>,
    /// Whether an order has a number without a letter.
    has_plain: bool,
    /// Orders of the file that such a number takes back.
    cancelled: HashSet<String>,
    /// Whether the file was read before.
    is_known: bool,
}

impl Refunds {
    /// A row that gives money back, and the orders it may be of.
    pub(super) fn see(&mut self, refund: Refund, orders: &[&str], left_out: &mut LeftOut) {
        let mut orders = orders.iter().filter(|order| !order.is_empty()).peekable();
        if orders.peek().is_none() {
            left_out.count(refund.reason);
            self.add_loose(&refund, refund.sum);
        } else if !self.is_known {
            for order in orders {
                self.by_order.entry((*order).to_owned()).or_default().push(self.all.len());
            }
            self.all.push(Open { left: refund.sum, refund, is_met: false });
        }
    }

    fn add_loose(&mut self, refund: &Refund, sum: f64) {
        // What names nobody is no refund, as a rule, but money that was withdrawn.
        if refund.reason == NONE_OF_IT && sum > 0.0 {
            let (rows, all) = self.loose.entry(refund.currency.clone()).or_default();
            *rows += 1;
            *all += sum;
        }
    }

    /// What of a sale was given back, `paid` at most.
    pub(super) fn take_off(&mut self, order: &str, customer: &str, paid: f64) -> f64 {
        let mut back = 0.0;
        for refund in self.of(order, customer) {
            let part = refund.left.min(paid - back);
            refund.left -= part;
            refund.is_met = true;
            back += part;
        }
        back
    }

    /// A sale that is left out already as taken back: there is nothing left to take its refund off.
    pub(super) fn meet(&mut self, order: &str, customer: &str) {
        self.of(order, customer).for_each(|refund| (refund.left, refund.is_met) = (0.0, true));
    }

    fn of(&mut self, order: &str, customer: &str) -> impl Iterator<Item = &mut Open> {
        let empty = !self.is_known || self.by_order.is_empty();
        let places = if empty { None } else { self.by_order.get(order) };
        let places: &[usize] = places.map_or(&[], Vec::as_slice);
        let all = &mut self.all;
        let is_theirs = move |one: &&mut Open| {
            one.refund.customer.is_empty() || one.refund.customer == customer
        };
        // Places rise, so each is behind the one before.
        let mut rest = all.iter_mut().enumerate();
        let each = places.iter().filter_map(move |place| {
            rest.by_ref().find(|(at, _)| at == place).map(|(_, open)| open)
        });
        each.filter(is_theirs)
    }

    /// Whether an order whose amount is above zero takes another back: `C536379` where `536379` is an
    /// order too.
    pub(super) fn is_cancellation(&mut self, order: &str) -> bool {
        match cancelled(order) {
            Some(number) if self.is_known => self.cancelled.contains(number),
            Some(number) => {
                self.lettered.insert(number.to_owned());
                false
            }
            None => {
                self.has_plain = self.has_plain || is_number(order);
                false
            }
        }
    }

    /// Whether the file tells more when it is read once more.
    pub(super) fn is_open(&self) -> bool {
        !self.is_known && (!self.all.is_empty() || self.has_cancellations())
    }

    /// Whether orders may be taken back by the letter in another's number.
    pub(super) fn has_cancellations(&self) -> bool {
        self.has_plain && !self.lettered.is_empty()
    }

    /// An order of the file, while it is looked through for those that are taken back.
    pub(super) fn look(&mut self, order: &str) {
        if self.lettered.contains(order) {
            self.cancelled.insert(order.to_owned());
        }
    }

    /// For reading the file once more.
    pub(super) fn known(mut self) -> Self {
        self.is_known = true;
        self.loose.clear();
        self
    }

    /// Counts what was taken off and what was not, and says the sum of the latter.
    pub(super) fn settle(&mut self, left_out: &mut LeftOut) {
        for Open { refund, left, is_met } in std::mem::take(&mut self.all) {
            left_out.count(if is_met { TAKEN_OFF } else { refund.reason });
            self.add_loose(&refund, left);
        }
        for (currency, (rows, sum)) in std::mem::take(&mut self.loose) {
            let space = if currency.is_empty() { "" } else { " " };
            let verb = if rows == 1 { "gives" } else { "give" };
            left_out.notes.push(format!(
                "{} {verb} back {}{space}{currency} that was not taken off: no order of the file is \
                 named beside it",
                some(rows, "row"),
                money(sum),
            ));
        }
    }
}

/// The number of the order that one such as `C536379` takes back.
pub fn cancelled(order: &str) -> Option<&str> {
    order.strip_prefix(['C', 'c']).filter(|number| is_number(number))
}

fn is_number(order: &str) -> bool {
    !order.is_empty() && order.bytes().all(|octet| octet.is_ascii_digit())
}
