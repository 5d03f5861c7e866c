//! What was bought together: the products of each order of a file, by the clean rule.
//!
//! A line counts where it names an order and a product, somebody is named who bought (in files that
//! name buyers at all), it was not taken back, and quantity and price are above zero. Where nearly
//! all products are codes of one shape, as `85123A`, what is of another (`POST`, `BANK CHARGES`) is
//! no product, and small letters are large ones.

use std::collections::HashMap;

use numbers::real::{ratio, real};

use super::columns::{Columns, Role};
use super::sales::{LeftOut, is_taken_back};
use super::source::{Row, Source};

/// What part of the lines must have codes of one shape, so that others are none.
const CODED: f64 = 0.9;
/// Digits a code begins with.
const DIGITS: usize = 5;

/// The orders of a file.
#[derive(Debug, Default)]
pub struct Baskets {
    /// The products there are, in order of their names.
    pub products: Vec<String>,
    /// The products of each order as places in that list.
    pub baskets: Vec<Vec<u32>>,
    /// Lines that do not count, by reason.
    pub left_out: LeftOut,
}

/// Where the cells of a line stand.
struct Places {
    order: usize,
    product: usize,
    customer: Option<usize>,
    quantity: Option<usize>,
    price: Option<usize>,
    status: Option<usize>,
}

impl Baskets {
    /// Reads a file of orders.
    ///
    /// # Errors
    /// A column is missing, or the file cannot be read.
    pub fn read(source: &mut Source, columns: &mut Columns) -> anyhow::Result<Self> {
        let places = Places {
            order: columns.need(Role::Order)?,
            product: columns.need(Role::Product)?,
            customer: columns.find(Role::Customer),
            quantity: columns.find(Role::Quantity),
            price: columns.find(Role::Price),
            status: columns.find(Role::Status),
        };
        let mut all = Self::default();
        let (mut orders, mut products) = (Names::default(), Names::default());
        while let Some(row) = source.next_row()? {
            if let Some(why) = places.wrong(row) {
                all.left_out.count(why);
                continue;
            }
            let order = orders.place(&row.cell(places.order));
            let product = products.place(&row.cell(places.product));
            let order = usize::try_from(order).unwrap_or(usize::MAX);
            if order == all.baskets.len() {
                all.baskets.push(Vec::new());
            }
            if let Some(basket) = all.baskets.get_mut(order) {
                basket.push(product);
            }
        }
        all.name(&products.0);
        Ok(all)
    }

    /// Gives the products their places in order of their names, and leaves out what is none.
    fn name(&mut self, places: &HashMap<String, u32>) {
        let lines = self.baskets.iter().flatten();
        let mut counts = vec![0_u64; places.len()];
        for product in lines {
            if let Some(count) = counts.get_mut(index(*product)) {
                *count += 1;
            }
        }
        let count = |place: u32| counts.get(index(place)).copied().unwrap_or(0);
        let coded: u64 =
            places.iter().filter(|(name, _)| is_code(name)).map(|(_, place)| count(*place)).sum();
        let are_codes =
            ratio(real(coded), real(counts.iter().sum())).is_some_and(|part| part >= CODED);
        let known = |name: &str| match are_codes {
            true => is_code(name).then(|| name.to_uppercase()),
            false => Some(name.to_owned()),
        };
        let mut names: Vec<String> = places.keys().filter_map(|name| known(name)).collect();
        names.sort_unstable();
        names.dedup();
        let mut to: Vec<Option<u32>> = vec![None; places.len()];
        for (name, place) in places {
            let now = known(name).and_then(|name| names.binary_search(&name).ok());
            if let Some(to) = to.get_mut(index(*place)) {
                *to = now.and_then(|now| u32::try_from(now).ok());
            }
            if now.is_none() {
                self.left_out.count_of("no product, by its code", count(*place));
            }
        }
        let renamed = |product: &u32| to.get(index(*product)).copied().flatten();
        for basket in &mut self.baskets {
            *basket = basket.iter().filter_map(renamed).collect();
        }
        self.baskets.retain(|basket| !basket.is_empty());
        self.products = names;
    }
}

impl Places {
    /// Why a line does not count.
    fn wrong(&self, row: Row<'_>) -> Option<&'static str> {
        let maybe = |at: Option<usize>| at.map(|at| row.cell(at));
        let order = row.cell(self.order);
        if order.is_empty() || row.cell(self.product).is_empty() {
            return Some("no order or no product");
        }
        if maybe(self.customer).is_some_and(|customer| customer.is_empty()) {
            return Some("nobody is named");
        }
        if is_taken_back(&order, &maybe(self.status).unwrap_or_default()) {
            return Some("returned, refunded or failed");
        }
        let none = [self.quantity, self.price]
            .into_iter()
            .filter_map(maybe)
            .any(|cell| !cell.is_empty() && !is_above_zero(&cell));
        none.then_some("taken back, or none of it")
    }
}

/// Texts and the place of each, in the order in which they were met.
#[derive(Default)]
struct Names(HashMap<String, u32>);

impl Names {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.0.get(name) {
            return *place;
        }
        let place = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.to_owned(), place);
        place
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// `85123A`: five digits and letters behind them.
fn is_code(name: &str) -> bool {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    digits == DIGITS && name.bytes().skip(DIGITS).all(|byte| byte.is_ascii_alphabetic())
}

/// Whether a number, however it is written, is above zero.
fn is_above_zero(cell: &str) -> bool {
    !cell.starts_with(['-', '(', '−']) && cell.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Baskets {
        let mut source = Source::read("a.csv".to_owned(), Box::new(text.as_bytes())).unwrap();
        let mut columns = Columns::mapped(source.headers(), &[]).unwrap();
        Baskets::read(&mut source, &mut columns).unwrap()
    }

    #[test]
    fn what_was_taken_back_given_away_or_bought_by_nobody_is_in_no_basket() {
        let all = read(
            "order,product,customer,quantity,price\n\
             1,tea,ada,2,\"1,50\"\n1,cup,ada,1,4\nC2,cup,ada,-1,4\n3,cup,,1,4\n\
             4,cup,bob,1,0.00\n4,tea,bob,1,3\n,cup,bob,1,3\n",
        );
        assert_eq!(all.products, ["cup", "tea"]);
        assert_eq!(all.baskets, [vec![1, 0], vec![1]]);
        assert_eq!(all.left_out.reasons.values().sum::<u64>(), 4);
    }

    #[test]
    fn where_products_are_codes_postage_is_none() {
        let lines: String = (10..30).map(|n| format!("{n},850{n}a\n{n},850{n}A\n")).collect();
        let text = format!("invoice,stockcode\n{lines}10,POST\n");
        let all = read(text.leak());
        assert_eq!((all.products.len(), all.baskets.len()), (20, 20));
        assert_eq!(all.baskets[0], [0, 0]);
        assert_eq!(all.left_out.reasons.get("no product, by its code"), Some(&1));
        let few = read("order,product\n1,POST\n1,12345\n");
        assert_eq!(few.products, ["12345", "POST"]);
    }
}
