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

/// Less than is kept of any amount.
const LEAST: f64 = 0.5 / 10_000.0;

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
        if refund.reason == NONE_OF_IT && sum > LEAST {
            let (rows, all) = self.loose.entry(refund.currency.clone()).or_default();
            *rows += 1;
            *all += sum;
        }
    }

    /// What of a sale was given back, `paid` at most.
    pub(super) fn take_off(&mut self, order: &str, customer: &str, paid: f64) -> f64 {
        let mut back = 0.0;
        self.each(order, customer, |refund| {
            let part = refund.left.min(paid - back);
            refund.left -= part;
            refund.is_met = true;
            back += part;
        });
        // Sums of fractions miss by a hair.
        if paid - back < LEAST { paid } else { back }
    }

    /// A sale that is left out already as taken back: there is nothing left to take its refund off.
    pub(super) fn meet(&mut self, order: &str, customer: &str) {
        self.each(order, customer, |refund| (refund.left, refund.is_met) = (0.0, true));
    }

    fn each(&mut self, order: &str, customer: &str, mut act: impl FnMut(&mut Open)) {
        if !self.is_known || self.all.is_empty() {
            return;
        }
        for place in self.by_order.get(order).into_iter().flatten() {
            let open = self.all.get_mut(*place).filter(|open| {
                let theirs = &open.refund.customer;
                theirs.is_empty() || theirs == customer
            });
            open.into_iter().for_each(&mut act);
        }
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
        let why = match self.is_open() {
            true => "standard input is read only once; give a file",
            false => "no sale of the file is named beside it, or one that brought less",
        };
        if !self.is_known && self.has_cancellations() {
            left_out.notes.push(
                "orders such as C1001 were counted: standard input is read once, so whether they take \
                 others back is not known; give a file"
                    .to_owned(),
            );
        }
        for Open { refund, left, is_met } in std::mem::take(&mut self.all) {
            left_out.count(if is_met { TAKEN_OFF } else { refund.reason });
            self.add_loose(&refund, left);
        }
        for (currency, (rows, sum)) in std::mem::take(&mut self.loose) {
            let space = if currency.is_empty() { "" } else { " " };
            let verb = if rows == 1 { "gives" } else { "give" };
            left_out.notes.push(format!(
                "{} {verb} back {}{space}{currency} that was not taken off: {why}",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refund(customer: &str, sum: f64) -> Refund {
        let (customer, currency) = (customer.to_owned(), String::new());
        Refund { customer, sum, currency, reason: NONE_OF_IT }
    }

    #[test]
    fn what_is_given_back_goes_off_the_lines_of_its_order_one_after_another() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        refunds.see(refund("ada", 0.3), &["1"], &mut left_out);
        refunds.see(refund("", 50.0), &["2", ""], &mut left_out);
        refunds.see(refund("bob", 7.0), &["3"], &mut left_out);
        assert!(refunds.is_open() && refunds.take_off("1", "ada", 5.0) == 0.0);
        let mut refunds = refunds.known();
        assert_eq!(refunds.take_off("1", "bob", 5.0), 0.0, "it is Ada's");
        assert_eq!(refunds.take_off("1", "ada", 0.1 + 0.2), 0.1 + 0.2, "all of it, to a hair");
        assert_eq!(
            (refunds.take_off("2", "cleo", 20.0), refunds.take_off("2", "cleo", 20.0)),
            (20.0, 20.0)
        );
        refunds.settle(&mut left_out);
        let reasons: Vec<u64> = [TAKEN_OFF, NONE_OF_IT].map(|why| left_out.reasons[why]).to_vec();
        assert_eq!(reasons, [2, 1]);
        assert!(left_out.notes[0].starts_with("2 rows give back 17.00 that was"), "{left_out:?}");
    }

    #[test]
    fn a_stream_that_cannot_be_read_twice_says_so() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        refunds.see(refund("ada", 3.0), &["1"], &mut left_out);
        assert!(!refunds.is_cancellation("C5") && !refunds.is_cancellation("5"));
        refunds.settle(&mut left_out);
        assert_eq!(left_out.notes.len(), 2);
        assert!(left_out.notes.iter().all(|note| note.contains("read")), "{left_out:?}");
    }
}
