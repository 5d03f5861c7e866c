//! Where refunds are found that name an order.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::Sold;

/// Places of refunds by currency, the first to be taken off first.
type Queues = BTreeMap<String, VecDeque<usize>>;

/// Places of refunds by order, customer and currency: a sale meets none that is not its own, for a
/// file may have thousands of customers under what it calls an order.
#[derive(Default)]
pub(super) struct Named(HashMap<String, HashMap<String, Queues>>);

impl Named {
    /// One more, of anybody where no customer is named, and of any currency where none is.
    pub(super) fn add(&mut self, order: &str, customer: &str, currency: &str, place: usize) {
        let customers = self.0.entry(order.to_owned()).or_default();
        let queues = customers.entry(customer.to_owned()).or_default();
        queues.entry(currency.to_owned()).or_default().push_back(place);
    }

    /// Shows those of a sale; forgets one that is spent, and stops at one that is not.
    pub(super) fn walk(&mut self, sold: &Sold<'_>, is_spent: &mut dyn FnMut(usize) -> bool) {
        let Some(customers) = self.0.get_mut(sold.order) else { return };
        let unit = sold.unit();
        let anybody = (!sold.customer.is_empty()).then_some("");
        for customer in anybody.into_iter().chain([sold.customer]) {
            let Some(queues) = customers.get_mut(customer) else { continue };
            let is_stopped = match unit.is_empty() {
                true => walk_all(queues, is_spent),
                // What names no currency is of the sale's; of another, nothing is taken off it.
                false => ["", &unit].iter().any(|unit| {
                    queues.get_mut(*unit).is_some_and(|queue| has_stopped(queue, is_spent))
                }),
            };
            if is_stopped {
                return;
            }
        }
    }
}

/// Of all currencies; whether it stopped at a refund that is not spent.
fn walk_all(queues: &mut Queues, is_spent: &mut dyn FnMut(usize) -> bool) -> bool {
    while let Some(mut queue) = queues.first_entry() {
        if has_stopped(queue.get_mut(), is_spent) {
            return true;
        }
        queue.remove();
    }
    false
}

/// Whether it stopped at a refund that is not spent.
fn has_stopped(queue: &mut VecDeque<usize>, is_spent: &mut dyn FnMut(usize) -> bool) -> bool {
    while let Some(place) = queue.front() {
        if !is_spent(*place) {
            return true;
        }
        queue.pop_front();
    }
    false
}
