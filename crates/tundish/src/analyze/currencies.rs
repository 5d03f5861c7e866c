//! Amounts of several currencies: those of the first are counted, for sums of different ones would
//! mean nothing.

use super::amounts::words::{currency, unit};
use super::answers;
use super::words::some;

/// Why an amount of another currency is left out.
pub const OTHER: &str = "in another currency than the first sale";

/// The currency of the first amount, and how many amounts name none.
#[derive(Debug, Clone, Default)]
pub struct Currencies {
    first: String,
    unsaid: u64,
}

impl Currencies {
    /// Whether an amount is of another currency than the first, by the cell of a column that says
    /// it, else by what stands in the amount itself.
    pub fn is_other(&mut self, said: &str, amount: &str) -> bool {
        let said = of(said, amount);
        if said.is_empty() {
            self.unsaid += 1;
            return false;
        }
        if self.first.is_empty() {
            self.first = unit(said);
            return false;
        }
        !said.eq_ignore_ascii_case(&self.first) && unit(said) != self.first
    }

    /// What was taken for granted.
    pub fn note(&self) -> Option<String> {
        (!self.first.is_empty() && self.unsaid > 0).then(|| {
            let them = if self.unsaid == 1 { "it is" } else { "they are" };
            let (rows, first) = (some(self.unsaid, "amount"), &self.first);
            format!("{rows} without a currency: {them} counted as {first}")
        })
    }
}

/// What says the currency; empty where nothing does.
pub fn of<'a>(said: &'a str, amount: &str) -> &'a str {
    match said.is_empty() || answers::is_missing(said) {
        true => currency(amount).unwrap_or(""),
        false => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_currency_is_counted_and_what_names_none_with_it() {
        let mut all = Currencies::default();
        assert!(!all.is_other("", "100") && all.note().is_none());
        assert!(!all.is_other("usd", "5") && !all.is_other("USD", "5") && !all.is_other("", "$5"));
        assert!(
            all.is_other("", "€20") && all.is_other("", "JPY 2000") && all.is_other("chf", "$1")
        );
        assert_eq!(all.note().unwrap(), "1 amount without a currency: it is counted as USD");
    }
}
