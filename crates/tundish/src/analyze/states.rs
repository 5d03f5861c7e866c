//! What the word says that stands beside a sale: whether it holds, was taken back, or is not paid
//! yet.

use engine::files::tables::plain;

use super::left_out::LeftOut;

/// Why most rows are left out.
pub const TAKEN_BACK: &str = "returned, refunded or failed";
const NOT_PAID: &str = "not paid yet";

/// How a sale stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Nothing speaks against it.
    #[default]
    Holds,
    /// It came to nothing.
    TakenBack,
    /// Nobody has paid it yet.
    Unpaid,
}

impl State {
    /// Counts a row that does not hold; whether it was one.
    pub fn leaves_out(self, left_out: &mut LeftOut) -> bool {
        match self {
            Self::Holds => return false,
            Self::TakenBack => left_out.count(TAKEN_BACK),
            Self::Unpaid => left_out.count(NOT_PAID),
        }
        true
    }
}

/// What programs of shops call orders that came to nothing, as [`plain`] leaves it.
const BACK: &[&str] = &[
    "refunded",
    "refund",
    "fullyrefunded",
    "voided",
    "void",
    "failed",
    "failure",
    "paymentfailed",
    "error",
    "cancelled",
    "canceled",
    "cancelledbycustomer",
    "declined",
    "paymentdeclined",
    "denied",
    "rejected",
    "reversed",
    "reversal",
    "chargeback",
    "chargedback",
    "chargebacked",
    "disputed",
    "disputelost",
    "blocked",
    "trash",
    "deleted",
    "returned",
    "uncollectible",
    "writtenoff",
    "fraud",
    "fraudulent",
    "storniert",
    "erstattet",
    "abgelehnt",
    "abgebrochen",
    "fehlgeschlagen",
    "zuruckgegeben",
    "zuruckerstattet",
    "annule",
    "annulee",
    "rembourse",
    "remboursee",
    "cancelado",
    "reembolsado",
];

/// And those that nobody has paid yet.
const UNPAID: &[&str] = &[
    "pending",
    "pendingpayment",
    "paymentpending",
    "authorized",
    "authorised",
    "unpaid",
    "notpaid",
    "expired",
    "incompleteexpired",
    "onhold",
    "held",
    "draft",
    "autodraft",
    "checkoutdraft",
    "incomplete",
    "uncaptured",
    "requirespaymentmethod",
    "requiresaction",
    "requiresconfirmation",
    "requirescapture",
    "requiressource",
    "requiressourceaction",
    "awaitingpayment",
    "waitingforpayment",
    "paymentdue",
    "pastdue",
    "overdue",
    "abandoned",
    "abandonedcheckout",
    "ausstehend",
    "unbezahlt",
    "nichtbezahlt",
    "offen",
    "wartend",
    "enattente",
    "impaye",
    "pendiente",
];

/// Columns that say yes where a sale was taken back.
const FLAGS: &[&str] = &[
    "refunded",
    "fullyrefunded",
    "isrefunded",
    "disputed",
    "isdisputed",
    "cancelled",
    "canceled",
    "voided",
    "returned",
];

/// Reads the words of one column.
#[derive(Debug, Clone, Default)]
pub struct States {
    is_flag: bool,
    /// The word before and what it says: rows that follow say the same, as a rule.
    last: (String, State),
}

impl States {
    /// Of a column of this name, as [`super::columns::Columns::named`] has it.
    pub fn of(name: &str) -> Self {
        Self { is_flag: FLAGS.contains(&name), ..Self::default() }
    }

    /// What a cell says.
    pub fn read(&mut self, cell: &str) -> State {
        if cell.is_empty() {
            return State::Holds;
        }
        if self.last.0 != cell {
            self.last = (cell.to_owned(), self.told(cell));
        }
        self.last.1
    }

    fn told(&self, cell: &str) -> State {
        // `wc-refunded`: how one program keeps its own words.
        let word = plain(cell.strip_prefix("wc-").unwrap_or(cell));
        let word = word.as_str();
        let is_yes = || matches!(word, "true" | "yes" | "y" | "1" | "10" | "ja" | "oui" | "x");
        match () {
            () if BACK.contains(&word) || (self.is_flag && is_yes()) => State::TakenBack,
            () if UNPAID.contains(&word) => State::Unpaid,
            () => State::Holds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_shops_are_understood_however_they_are_written() {
        let mut states = States::of("status");
        for cell in ["wc-refunded", "Refunded", "CANCELED", "Charge-back", "denied", "wc-failed"] {
            assert_eq!(states.read(cell), State::TakenBack, "{cell}");
        }
        for cell in ["requires_payment_method", "On hold", "wc-pending", "Pending payment"] {
            assert_eq!(states.read(cell), State::Unpaid, "{cell}");
        }
        for cell in ["", "paid", "wc-completed", "Partially refunded", "processing", "1", "true"] {
            assert_eq!(states.read(cell), State::Holds, "{cell}");
        }
    }

    #[test]
    fn a_yes_takes_a_sale_back_only_in_a_column_that_asks_that() {
        let mut states = States::of("fullyrefunded");
        assert_eq!((states.read("1"), states.read("true")), (State::TakenBack, State::TakenBack));
        assert_eq!((states.read("0"), states.read("no")), (State::Holds, State::Holds));
    }
}
