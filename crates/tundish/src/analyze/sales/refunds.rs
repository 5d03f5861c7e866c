//! Rows that give money back, and the sales they are taken off: those whose order they name.
//!
//! A refund may stand before its sale or after it, so it is known only when a file was read to its
//! end; with any of them that names an order, the file is read once more.

mod named;

use std::collections::{BTreeMap, HashSet};

use self::named::Named;
use crate::analyze::amounts::words::unit;
use crate::analyze::currencies;
use crate::analyze::left_out::LeftOut;
use crate::analyze::words::{money, some};

/// Why a row is left out that could not be taken off.
pub const NONE_OF_IT: &str = "taken back, or none of it";
/// And one that was.
const TAKEN_OFF: &str = "money given back, taken off its sale";

/// What came back to the seller, and what it came back from.
pub(super) const UNDONE: &str = "a refund or chargeback that was undone, or what undid it";

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

/// What of a sale says which refunds are its own.
pub(super) struct Sold<'a> {
    pub(super) order: &'a str,
    pub(super) customer: &'a str,
    /// The cell of a column that says the currency, and that of the amount, which may say it too.
    pub(super) currency: &'a str,
    pub(super) amount: &'a str,
}

impl Sold<'_> {
    /// In which currency; empty where nothing says.
    fn unit(&self) -> String {
        let said = currencies::of(self.currency, self.amount);
        if said.is_empty() { String::new() } else { unit(said) }
    }
}

struct Open {
    refund: Refund,
    left: f64,
    is_met: bool,
    /// Whether nothing was left of it before any sale was looked at.
    is_undone: bool,
}

/// All of a file.
#[derive(Default)]
pub(super) struct Refunds {
    all: Vec<Open>,
    /// By the orders they name.
    by_order: Named,
    /// By their own numbers, whoever they are of.
    by_own: Named,
    /// What undoes some of them, and the orders those name.
    undoings: Vec<(Refund, Vec<String>)>,
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
    /// A row that gives money back, its own number, and the orders it may be of.
    pub(super) fn see(
        &mut self,
        refund: Refund,
        own: &str,
        orders: &[&str],
        left_out: &mut LeftOut,
    ) {
        let mut orders = orders.iter().filter(|order| !order.is_empty()).peekable();
        if orders.peek().is_none() {
            left_out.count(refund.reason);
            self.add_loose(&refund, refund.sum);
        } else if !self.is_known {
            let place = self.all.len();
            for order in orders {
                self.by_order.add(order, &refund.customer, &refund.currency, place);
            }
            if !own.is_empty() {
                self.by_own.add(own, "", &refund.currency, place);
            }
            self.all.push(Open { left: refund.sum, refund, is_met: false, is_undone: false });
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

    /// A row that undoes what others gave back, whatever side of it they stand on, and the orders
    /// they may name. What they gave back is the sale's again; it is no sale of its own.
    pub(super) fn undo(&mut self, undoing: Refund, orders: &[&str]) {
        if !self.is_known {
            let orders = orders.iter().filter(|order| !order.is_empty());
            self.undoings.push((undoing, orders.map(|order| (*order).to_owned()).collect()));
        }
    }

    /// Takes off the refunds what was undone of them.
    fn undo_all(&mut self) {
        let Self { all, by_order, by_own, undoings, .. } = self;
        for (undoing, orders) in std::mem::take(undoings) {
            let mut left = undoing.sum;
            let mut less = |place: usize| {
                let Some(open) = all.get_mut(place).filter(|open| open.left >= LEAST) else {
                    return true;
                };
                let part = open.left.min(left);
                (left, open.left) = (left - part, open.left - part);
                open.is_undone = open.left < LEAST;
                open.is_undone
            };
            let (customer, currency) = (undoing.customer.as_str(), undoing.currency.as_str());
            for order in &orders {
                let sold = Sold { order, customer, currency, amount: "" };
                by_order.walk(&sold, &mut less);
                // A reference may name the row that gave back instead of the sale.
                if customer.is_empty() {
                    by_own.walk(&sold, &mut less);
                }
            }
        }
    }

    /// What of a sale was given back, `paid` at most.
    pub(super) fn take_off(&mut self, sold: &Sold<'_>, paid: f64) -> f64 {
        let mut back = 0.0;
        self.each(sold, |refund| {
            if paid - back < LEAST {
                return false;
            }
            let part = refund.left.min(paid - back);
            refund.left -= part;
            refund.is_met = true;
            back += part;
            refund.left < LEAST
        });
        // Sums of fractions miss by a hair.
        if paid - back < LEAST { paid } else { back }
    }

    /// A sale that is left out already as taken back: there is nothing left to take its refund off.
    pub(super) fn meet(&mut self, sold: &Sold<'_>) {
        self.each(sold, |refund| {
            (refund.left, refund.is_met) = (0.0, true);
            true
        });
    }

    /// Shows the refunds of a sale until one is not spent by it: those that are spent are not shown
    /// again, so that many sales beside many refunds of one order take no longer than both.
    fn each(&mut self, sold: &Sold<'_>, mut is_spent: impl FnMut(&mut Open) -> bool) {
        let Self { all, by_order, .. } = self;
        if !self.is_known || all.is_empty() {
            return;
        }
        by_order.walk(sold, &mut |place| {
            all.get_mut(place).filter(|open| open.left >= LEAST).is_none_or(&mut is_spent)
        });
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
        self.undo_all();
        self.is_known = true;
        self.loose.clear();
        self
    }

    /// Counts what was taken off and what was not, and says the sum of the latter.
    pub(super) fn settle(&mut self, left_out: &mut LeftOut) {
        self.undo_all();
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
        for Open { refund, left, is_met, is_undone } in std::mem::take(&mut self.all) {
            left_out.count(match () {
                () if is_met => TAKEN_OFF,
                () if is_undone => UNDONE,
                () => refund.reason,
            });
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

    fn sold<'a>(order: &'a str, customer: &'a str) -> Sold<'a> {
        Sold { order, customer, currency: "", amount: "" }
    }

    #[test]
    fn what_is_given_back_goes_off_the_lines_of_its_order_one_after_another() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        refunds.see(refund("ada", 0.3), "", &["1"], &mut left_out);
        refunds.see(refund("", 50.0), "", &["2", ""], &mut left_out);
        refunds.see(refund("bob", 7.0), "", &["3"], &mut left_out);
        assert!(refunds.is_open() && refunds.take_off(&sold("1", "ada"), 5.0) == 0.0);
        let mut refunds = refunds.known();
        assert_eq!(refunds.take_off(&sold("1", "bob"), 5.0), 0.0, "it is Ada's");
        assert_eq!(
            refunds.take_off(&sold("1", "ada"), 0.1 + 0.2),
            0.1 + 0.2,
            "all of it, to a hair"
        );
        assert_eq!(
            (
                refunds.take_off(&sold("2", "cleo"), 20.0),
                refunds.take_off(&sold("2", "cleo"), 20.0)
            ),
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
        refunds.see(refund("ada", 3.0), "", &["1"], &mut left_out);
        assert!(!refunds.is_cancellation("C5") && !refunds.is_cancellation("5"));
        refunds.settle(&mut left_out);
        assert_eq!(left_out.notes.len(), 2);
        assert!(left_out.notes.iter().all(|note| note.contains("read")), "{left_out:?}");
    }

    #[test]
    fn nothing_is_taken_off_a_sale_in_another_currency() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        let of = |currency: &str, sum| Refund { currency: currency.to_owned(), ..refund("", sum) };
        for (currency, sum) in [("EUR", 20.0), ("", 3.0), ("USD", 5.0)] {
            refunds.see(of(currency, sum), "", &["1"], &mut left_out);
        }
        let mut refunds = refunds.known();
        let dollars = Sold { amount: "$100", ..sold("1", "ada") };
        assert_eq!(refunds.take_off(&dollars, 100.0), 8.0);
        refunds.meet(&dollars);
        refunds.settle(&mut left_out);
        assert_eq!([TAKEN_OFF, NONE_OF_IT].map(|why| left_out.reasons[why]), [2, 1]);
        assert!(left_out.notes[0].starts_with("1 row gives back 20.00 EUR"), "{left_out:?}");
        let mut refunds = Refunds::default();
        refunds.see(of("EUR", 20.0), "", &["1"], &mut left_out);
        assert_eq!(
            refunds.known().take_off(&sold("1", "ada"), 100.0),
            20.0,
            "nothing else is said"
        );
    }

    #[test]
    fn a_refund_that_is_spent_or_anothers_is_not_looked_at_again() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        for nth in 0..1_000 {
            let customer = ["", "ada", "bob"][nth % 3];
            refunds.see(refund(customer, 1.0), "", &["all"], &mut left_out);
        }
        let mut refunds = refunds.known();
        let mut looks = 0;
        for _ in 0..1_000 {
            let mut is_first = true;
            refunds.each(&sold("all", "ada"), |refund| {
                looks += 1;
                if std::mem::take(&mut is_first) {
                    refund.left = 0.0;
                }
                refund.left < LEAST
            });
        }
        assert!(looks <= 2_000, "{looks}");
        assert_eq!(refunds.take_off(&sold("all", "ada"), 9.0), 0.0);
        assert_eq!(refunds.take_off(&sold("all", "bob"), 9.0), 9.0);
    }

    #[test]
    fn what_undoes_a_refund_names_its_sale_or_itself() {
        let (mut refunds, mut left_out) = (Refunds::default(), LeftOut::default());
        refunds.undo(refund("", 50.0), &["T1"]);
        refunds.see(refund("", 50.0), "T2", &["T1"], &mut left_out);
        refunds.see(refund("", 30.0), "T4", &["T3"], &mut left_out);
        refunds.undo(refund("", 10.0), &["T4"]);
        refunds.see(refund("ada", 7.0), "5", &["5"], &mut left_out);
        refunds.undo(refund("bob", 7.0), &["5"]);
        let mut refunds = refunds.known();
        assert_eq!(refunds.take_off(&sold("T1", "ada"), 50.0), 0.0);
        assert_eq!(refunds.take_off(&sold("T3", "ada"), 50.0), 20.0);
        assert_eq!(refunds.take_off(&sold("5", "ada"), 50.0), 7.0);
        refunds.settle(&mut left_out);
        assert_eq!([TAKEN_OFF, UNDONE].map(|why| left_out.reasons[why]), [2, 1]);
        assert!(left_out.notes.is_empty(), "{left_out:?}");
    }
}
