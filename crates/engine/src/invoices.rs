//! What each invoice of an order says: what was charged for when it was made, and nothing besides.

use model::UtcMs;
use model::orders::AttemptState;
use model::payments::LineState;
use store::order_lines::Line;
use store::payments::Payment;

use crate::orders::Whole;

/// An invoice with its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Its number; none: the order is not closed yet.
    pub number: Option<i64>,
    /// When what it asks for was paid.
    pub paid_at: UtcMs,
    /// What was charged for.
    pub lines: Vec<Line>,
}

impl Invoice {
    /// What the coupon took off.
    pub fn discount_minor(&self) -> i64 {
        self.lines.iter().map(|line| line.discount_minor).sum()
    }

    /// The tax, within the total.
    pub fn tax_minor(&self) -> i64 {
        self.lines.iter().map(|line| line.tax_minor).sum()
    }

    /// What was paid.
    pub fn total_minor(&self) -> i64 {
        self.lines.iter().map(|line| line.total_minor).sum()
    }
}

/// The invoices of an order, by their numbers; before it is closed, what will stand on its first.
pub fn of(whole: &Whole) -> Vec<Invoice> {
    let late = |line: &Line| whole.invoices.iter().any(|row| is_of(row.payment_id, line));
    let charged = charged(&whole.lines, &whole.payments);
    let first = || charged.iter().filter(|line| !late(line)).cloned().collect();
    let paid_at = whole.order.paid_at.unwrap_or(whole.order.updated_at);
    if whole.invoices.is_empty() {
        return vec![Invoice { number: None, paid_at, lines: first() }];
    }
    let invoice = |row: &store::invoices::Invoice| Invoice {
        number: Some(row.number),
        paid_at: if row.payment_id.is_some() { row.created_at } else { paid_at },
        lines: match row.payment_id {
            None => first(),
            paid_by => charged.iter().filter(|line| is_of(paid_by, line)).cloned().collect(),
        },
    };
    whole.invoices.iter().map(invoice).collect()
}

fn is_of(payment: Option<model::ids::PaymentId>, line: &Line) -> bool {
    payment.is_some() && line.payment_id == payment
}

/// The lines that money came for, one that was sold out and goes back included.
fn charged(lines: &[Line], payments: &[Payment]) -> Vec<Line> {
    let came = |line: &&Line| {
        let payment = payments.iter().find(|payment| Some(payment.id) == line.payment_id);
        line.state != LineState::Pending
            && payment.is_some_and(|payment| payment.state == AttemptState::Succeeded)
    };
    lines.iter().filter(came).cloned().collect()
}
