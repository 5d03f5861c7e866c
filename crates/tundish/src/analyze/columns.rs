//! Which column is what: as `--map` says, or guessed from the names programs give them.

mod names;

use engine::files::tables::plain;

use self::names::{ROLES, STATUS};
use super::states::FLAGS;
use crate::output::usage;

/// What a column can be to an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Who bought.
    Customer,
    /// When.
    Date,
    /// What was paid.
    Amount,
    /// What of it was given back.
    Refunded,
    /// In which currency.
    Currency,
    /// What was bought.
    Product,
    /// How many of it.
    Quantity,
    /// The price of one.
    Price,
    /// Which rows are one order.
    Order,
    /// Which order is given back.
    Reference,
    /// How it stands: refunded, failed.
    Status,
    /// Whether it is a payment at all.
    Kind,
    /// Whose touch.
    Contact,
    /// When they were touched.
    Time,
    /// By what.
    Channel,
    /// Whether they converted there.
    Conversion,
    /// What that was worth.
    Value,
    /// A whole path, `a > b > c`.
    Path,
    /// How often it converted.
    Conversions,
    /// How often it did not.
    Nulls,
    /// Which version was shown.
    Variant,
    /// Whether who saw it converted.
    Converted,
    /// What they paid.
    Revenue,
    /// What came of a case.
    Target,
}

/// `Name` is the number of an order where this is a column as well, as one program writes it; in
/// all other files it is a person's.
const BESIDE_ORDER_NAMES: &str = "lineitemname";

impl Role {
    /// Its word in `--map`.
    pub fn word(self) -> &'static str {
        self.row().map_or("", |(_, word, _)| word)
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        self.row().map_or(&[][..], |(_, _, names)| names).iter().copied().flatten().copied()
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static [&'static [&'static str]])> {
        ROLES.iter().find(|(role, ..)| *role == self)
    }

    fn parse(word: &str) -> anyhow::Result<Self> {
        let found = ROLES.iter().find(|(_, known, _)| *known == word);
        found.map(|(role, ..)| *role).ok_or_else(|| {
            let all: Vec<&str> = ROLES.iter().map(|(_, word, _)| *word).collect();
            usage(format!("--map knows no {word:?}: it knows {}", all.join(", ")))
        })
    }
}

/// The columns of one file.
#[derive(Debug, Clone)]
pub struct Columns {
    headers: Vec<String>,
    said: Vec<(Role, usize)>,
    taken: Vec<usize>,
}

impl Columns {
    /// The columns as `--map role=name,role=name` says.
    ///
    /// # Errors
    /// A word is no role, or a name no column of the file.
    pub fn mapped(headers: &[String], map: &[String]) -> anyhow::Result<Self> {
        let mut said = Vec::new();
        for pair in map.iter().flat_map(|given| given.split(',')).filter(|pair| !pair.is_empty()) {
            let (word, name) = pair.split_once('=').ok_or_else(|| {
                usage(format!(
                    "--map {pair:?}: write what the column is, then its name, as in customer=Email"
                ))
            })?;
            let role = Role::parse(word.trim())?;
            if said.iter().any(|(known, _)| *known == role) {
                let word = role.word();
                return Err(usage(format!(
                    "--map says twice which column is the {word}: say it once"
                )));
            }
            said.push((role, find(headers, name)?));
        }
        let taken = said.iter().map(|(_, at)| *at).collect();
        Ok(Self { headers: headers.to_vec(), said, taken })
    }

    /// The column that is `role`, as was said or else guessed; none is guessed twice.
    pub fn find(&mut self, role: Role) -> Option<usize> {
        let at = self.look(role)?;
        if !self.said.iter().any(|(said, _)| *said == role) {
            self.take(role, at);
        }
        Some(at)
    }

    /// The same, for a look at it: it is not taken for that.
    pub fn look(&self, role: Role) -> Option<usize> {
        if let Some(at) = self.said(role) {
            return Some(at);
        }
        let is_called = |name: &str| self.place(name, plain).is_some();
        let fits =
            |name: &&str| *name != "name" || (role == Role::Order) == is_called(BESIDE_ORDER_NAMES);
        let names = || role.names().filter(fits);
        let exact = names().find_map(|name| self.place(name, plain).filter(|at| self.is_free(*at)));
        exact.or_else(|| {
            names().find_map(|name| self.place(name, bare).filter(|at| self.is_free(*at)))
        })
    }

    /// All columns that say how a sale stands: those of words, or the one that was said to be it, and
    /// those that say yes or no.
    pub fn statuses(&mut self) -> Vec<usize> {
        let said = self.said(Role::Status);
        let is_one = |name: &str| {
            (said.is_none() && STATUS.contains(&name))
                || FLAGS.iter().any(|all| all.contains(&name))
        };
        let is_found = |at: &usize| {
            self.is_free(*at) && (is_one(&self.plainly(*at)) || is_one(&self.named(*at)))
        };
        let found: Vec<usize> = (0..self.headers.len()).filter(is_found).collect();
        found.iter().for_each(|at| self.take(Role::Status, *at));
        said.into_iter().chain(found).collect()
    }

    fn plainly(&self, at: usize) -> String {
        self.headers.get(at).map_or_else(String::new, |header| plain(header))
    }

    /// Whether a column's name says that it has what a whole order came to.
    pub fn is_total(&self, at: usize) -> bool {
        names::is_total(&self.named(at))
    }

    /// The column that was said to be `role`.
    pub fn said(&self, role: Role) -> Option<usize> {
        self.said.iter().find(|(said, _)| *said == role).map(|(_, at)| *at)
    }

    /// A column of this name that is nothing else yet.
    pub fn free(&self, name: &str) -> Option<usize> {
        self.place(name, plain).filter(|at| self.is_free(*at))
    }

    /// Takes a column for `role`.
    pub fn take(&mut self, role: Role, at: usize) {
        self.said.push((role, at));
        self.taken.push(at);
    }

    fn is_free(&self, at: usize) -> bool {
        !self.taken.contains(&at)
    }

    fn place(&self, name: &str, as_compared: fn(&str) -> String) -> Option<usize> {
        self.headers.iter().position(|header| as_compared(header) == name)
    }

    /// A column's name as it is compared, without what brackets or a currency say beside it.
    pub fn named(&self, at: usize) -> String {
        self.headers.get(at).map_or_else(String::new, |header| bare(header))
    }

    /// All columns there are, for a sentence.
    pub fn all(&self) -> String {
        listed(&self.headers)
    }

    /// The same, where there is no doing without it.
    ///
    /// # Errors
    /// Nothing was said and nothing looks like it.
    pub fn need(&mut self, role: Role) -> anyhow::Result<usize> {
        self.find(role).ok_or_else(|| {
            let word = role.word();
            let all = self.all();
            usage(format!("no column looks like the {word}: say which with --map {word}=NAME (there are {all})"))
        })
    }

    /// Which column was taken for what, for whoever reads the figures.
    pub fn told(&self) -> String {
        let each = self.said.iter().map(|(role, at)| {
            format!("{} = {}", role.word(), self.headers.get(*at).map_or("?", String::as_str))
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// Currencies that stand beside what a column is: `Amount EUR`, `Betrag in EUR`.
const CODES: &[&str] = &[
    "usd", "eur", "gbp", "chf", "cad", "aud", "nzd", "jpy", "inr", "sek", "nok", "dkk", "pln",
    "brl", "mxn", "zar", "czk", "huf",
];

/// A header for comparing, without what stands in brackets and without a currency behind it.
fn bare(header: &str) -> String {
    let outside = header.split(['(', '[']).next().unwrap_or(header);
    let name = plain(outside);
    let is_rest = |rest: &&str| !rest.is_empty();
    match CODES.iter().find_map(|code| name.strip_suffix(code)).filter(is_rest) {
        Some(rest) => rest.strip_suffix("in").filter(is_rest).unwrap_or(rest).to_owned(),
        None => name,
    }
}

/// Columns that are named in a sentence.
const LISTED_MAX: usize = 100;

/// The columns there are, for a sentence.
pub fn listed(headers: &[String]) -> String {
    let more = match headers.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let named: Vec<&str> = headers.iter().take(LISTED_MAX).map(String::as_str).collect();
    format!("{}{more}", named.join(", "))
}

/// The column of this name; `Email#2` is the second of those called `Email`.
///
/// # Errors
/// There is none.
pub fn find(headers: &[String], name: &str) -> anyhow::Result<usize> {
    let name = name.trim();
    let nth = |name: &str, nth: usize| {
        let exact = headers.iter().enumerate().filter(|(_, header)| *header == name);
        let alike = headers.iter().enumerate().filter(|(_, header)| plain(header) == plain(name));
        exact.map(|(at, _)| at).nth(nth).or_else(|| alike.map(|(at, _)| at).nth(nth))
    };
    let numbered = || {
        let (name, number) = name.rsplit_once('#')?;
        nth(name.trim(), number.trim().parse::<usize>().ok()?.checked_sub(1)?)
    };
    let is_written = headers.iter().any(|header| header == name);
    let found = if is_written { nth(name, 0) } else { numbered().or_else(|| nth(name, 0)) };
    found
        .ok_or_else(|| usage(format!("there is no column {name:?}: there are {}", listed(headers))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(line: &str) -> Vec<String> {
        line.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn the_columns_of_usual_programs_are_guessed() {
        let gumroad =
            headers("Purchase ID,Item Name,Buyer Name,Purchase Email,Purchase Date,Sale Price ($)");
        let mut columns = Columns::mapped(&gumroad, &[]).unwrap();
        assert_eq!(columns.need(Role::Customer).unwrap(), 3);
        assert_eq!(columns.need(Role::Date).unwrap(), 4);
        assert_eq!(columns.need(Role::Amount).unwrap(), 5);
        assert_eq!((columns.find(Role::Order), columns.find(Role::Product)), (Some(0), Some(1)));
        assert_eq!(columns.find(Role::Quantity), None);
    }

    #[test]
    fn a_name_is_an_order_where_lines_of_orders_are_listed_and_a_person_elsewhere() {
        let shopify = headers("Name,Email,Paid at,Total,Lineitem name");
        let mut columns = Columns::mapped(&shopify, &[]).unwrap();
        let found = (columns.find(Role::Customer), columns.find(Role::Order));
        assert_eq!(found, (Some(1), Some(0)));
        let list = headers("Name,Date,Amount");
        let mut columns = Columns::mapped(&list, &[]).unwrap();
        let found = (columns.find(Role::Customer), columns.find(Role::Order));
        assert_eq!(found, (Some(0), None));
    }

    #[test]
    fn columns_are_guessed_in_the_words_of_many_programs() {
        for (line, wanted) in [
            ("Created date (UTC),Amount,Customer Email", [2, 0, 1]),
            ("Sale Date,Order Total (inc tax),Email (Billing)", [2, 0, 1]),
            ("Date,N. Revenue,Customer", [2, 0, 1]),
            ("Date,Gross,Fee,Net,From Email Address", [4, 0, 1]),
            ("Datum;Kunde;Betrag in EUR;Bestellnummer;Menge", [1, 0, 2]),
            ("Date de commande;Client;Montant TTC;Quantité", [1, 0, 2]),
            ("id,date,amount_usd,email", [3, 1, 2]),
        ] {
            let file = headers(&line.replace(';', ","));
            let mut columns = Columns::mapped(&file, &[]).unwrap();
            let found = [Role::Customer, Role::Date, Role::Amount].map(|role| columns.find(role));
            assert_eq!(found, wanted.map(Some), "{line}");
        }
        let file = headers("id,date,amount");
        assert_eq!(Columns::mapped(&file, &[]).unwrap().find(Role::Customer), None);
    }

    #[test]
    fn every_name_of_a_total_is_found_and_known_for_one() {
        for name in ["Order subtotal", "Invoice total", "Total pedido", "Grand total", "Subtotal"] {
            let file = headers(&format!("email,date,{name}"));
            let mut columns = Columns::mapped(&file, &[]).unwrap();
            assert_eq!(columns.find(Role::Amount), Some(2), "{name}");
            assert!(columns.is_total(2) && !columns.is_total(1), "{name}");
        }
        let mut both = Columns::mapped(&headers("Subtotal,Total,Amount paid"), &[]).unwrap();
        assert_eq!(both.find(Role::Amount), Some(1));
    }

    #[test]
    fn of_two_columns_of_one_name_each_can_be_said() {
        let file = headers("Email,Date,Email,Total #2");
        let second = |name: &str| find(&file, name).ok();
        assert_eq!(
            (second("Email"), second("Email#2"), second("email #2")),
            (Some(0), Some(2), Some(2))
        );
        assert_eq!((second("Email#3"), second("Total #2")), (None, Some(3)));
    }

    #[test]
    fn what_is_said_holds_and_what_cannot_be_is_told_with_the_names_there_are() {
        let file = headers("who,when,CDs,paid");
        let mut columns = Columns::mapped(&file, &["customer=who,date=WHEN".to_owned()]).unwrap();
        assert_eq!(columns.need(Role::Date).unwrap(), 1);
        let why = columns.need(Role::Product).unwrap_err().to_string();
        assert!(
            why.contains("--map product=NAME") && why.contains("who, when, CDs, paid"),
            "{why}"
        );
        for map in ["customer", "buyer=who", "customer=nobody", "date=who,date=when"] {
            assert!(Columns::mapped(&file, &[map.to_owned()]).is_err(), "{map}");
        }
    }
}
