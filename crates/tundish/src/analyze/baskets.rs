//! What was bought together: the products of each order by the clean rule, or, where every order
//! holds but one, of each customer.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use super::amounts::{self, Decimal};
use super::answers;
use super::columns::{Columns, Role};
use super::formats::{Looked, Said};
use super::left_out::LeftOut;
use super::names::Names;
use super::people::person;
use super::sales;
use super::source::{Row, Source};
use super::states::{State, States, TAKEN_BACK};

/// Baskets of a file.
#[derive(Debug)]
pub struct Baskets {
    /// What one is: `order` or `customer`.
    pub of: &'static str,
    /// Products by name; a basket has the places.
    pub products: Vec<String>,
    /// Those with a product in them.
    pub baskets: Vec<Vec<u32>>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// One product on one order.
struct Line {
    order: Order,
    customer: u32,
    product: u32,
}

/// Which lines are one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Order {
    /// Those with its number.
    Numbered(u32),
    /// One alone, where none has a number.
    Row(u64),
}

/// Where the cells stand that are looked at.
struct Places {
    product: usize,
    order: Option<usize>,
    customer: Option<usize>,
    /// How many, at what price each, and for how much.
    figures: [Option<usize>; 3],
}

/// Beyond this share of lines with a number for a product, what has none is none: postage, fees.
const NUMBERED: f64 = 0.95;
/// Digits of such a number at least.
const DIGITS_MIN: usize = 3;
const NO_PRODUCT: &str = "no product, by its code";

/// Reads the baskets of a file.
///
/// # Errors
/// A column is missing, or the file cannot be read.
pub fn read(source: &mut Source, columns: &mut Columns, said: Said) -> anyhow::Result<Baskets> {
    let places = Places::of(columns)?;
    let looked = Looked { date: None, figures: &places.figures };
    let written = looked.at(source, said)?;
    let states = States::of(source, columns, written.decimal);
    let mut left_out = LeftOut::with(written.notes);
    let read = Lines::read(source, &places, (states, written.decimal), &mut left_out)?;
    source.settle(&mut left_out)?;
    left_out.notes.extend(read.states.note());
    let Lines { orders, products, mut void, mut lines, .. } = read;
    void.extend(cancelling(&orders.into_list()));
    let before = lines.len();
    lines.retain(|line| !void.contains(&line.order));
    left_out.add(TAKEN_BACK, before - lines.len());
    let (products, named) = named(products.into_list(), &lines);
    let before = lines.len();
    lines.retain_mut(|line| {
        let place = usize::try_from(line.product).ok().and_then(|at| named.get(at).copied());
        place.flatten().inspect(|place| line.product = *place).is_some()
    });
    left_out.add(NO_PRODUCT, before - lines.len());
    let (of, baskets) = gathered(&lines, places.customer.is_some());
    Ok(Baskets { of, products, baskets, left_out })
}

/// All lines of a file.
struct Lines {
    states: States,
    orders: Names,
    products: Names,
    /// Orders that came to nothing.
    void: HashSet<Order>,
    lines: Vec<Line>,
}

impl Lines {
    fn read(
        source: &mut Source,
        places: &Places,
        (states, decimal): (States, Decimal),
        left_out: &mut LeftOut,
    ) -> anyhow::Result<Self> {
        let (orders, products) = (Names::default(), Names::default());
        let mut all = Self { states, orders, products, void: HashSet::new(), lines: Vec::new() };
        let mut customers = Names::default();
        while let Some(row) = source.next_row()? {
            let cell = |at: Option<usize>| at.map_or(Cow::Borrowed(""), |at| row.cell(at));
            let (order, customer) = (cell(places.order), person(cell(places.customer)));
            let order = if answers::is_missing(&order) { Cow::Borrowed("") } else { order };
            let product = row.cell(places.product);
            let key = match order.is_empty() {
                true => Order::Row(row.line),
                false => Order::Numbered(all.orders.place(&order)),
            };
            let standing = all.states.read(row);
            if standing.state != State::Holds {
                all.void.insert(key);
            }
            match places.refused(row, decimal, (&product, &order, &customer)) {
                Some(why) => left_out.count(why),
                None => {
                    all.states.counted(standing);
                    all.lines.push(Line {
                        order: key,
                        customer: customers.place(&customer),
                        product: all.products.place(&product),
                    });
                }
            }
        }
        Ok(all)
    }
}

/// Orders that take others back by their number: `C536379` where `536379` is an order too.
fn cancelling(orders: &[String]) -> impl Iterator<Item = Order> {
    let known: HashSet<&str> = orders.iter().map(String::as_str).collect();
    let each = (0_u32..).zip(orders).filter(move |(_, order)| {
        sales::cancelled(order).is_some_and(|number| known.contains(number))
    });
    each.map(|(place, _)| Order::Numbered(place))
}

impl Places {
    fn of(columns: &mut Columns) -> anyhow::Result<Self> {
        let product = columns.need(Role::Product)?;
        let order = columns.find(Role::Order);
        let customer = columns.find(Role::Customer);
        if order.is_none() && customer.is_none() {
            columns.need(Role::Order)?;
        }
        let (quantity, price) = (columns.find(Role::Quantity), columns.find(Role::Price));
        let figures = [quantity, price, columns.look(Role::Amount)];
        Ok(Self { product, order, customer, figures })
    }

    /// Why a row is no product that somebody keeps.
    fn refused(
        &self,
        row: Row<'_>,
        decimal: Decimal,
        (product, order, customer): (&str, &str, &str),
    ) -> Option<&'static str> {
        let number = |at: Option<usize>| amounts::parse(&row.cell(at?), decimal);
        let numbers = self.figures.map(number);
        let [quantity, price, amount] = numbers;
        let is_back = || numbers.into_iter().flatten().any(|number| number < 0.0);
        // A thing in an order may be free by what the order came to, but not by its own price.
        let none_of_it = || {
            [quantity, price].into_iter().flatten().any(|number| number <= 0.0)
                || amount.is_some_and(|amount| amount < 0.0)
        };
        match () {
            () if self.customer.is_some() && customer.is_empty() => Some("nobody is named"),
            () if order.is_empty() && customer.is_empty() => Some("no order"),
            () if product.is_empty() => Some("no product"),
            () if sales::cancelled(order).is_some() && is_back() => Some(TAKEN_BACK),
            () if none_of_it() => Some("taken back, or none of it"),
            () => None,
        }
    }
}

/// The products by name, and under which of them each that was read is found. Where nearly all
/// have numbers such as `85123A`, small letters in them mean nothing, and what has no number is no
/// product.
fn named(read: Vec<String>, lines: &[Line]) -> (Vec<String>, Vec<Option<u32>>) {
    let is_number = |name: &String| {
        let letters = name.trim_start_matches(|c: char| c.is_ascii_digit());
        name.len() - letters.len() >= DIGITS_MIN
            && letters.bytes().all(|octet| octet.is_ascii_alphabetic())
    };
    let numbers: Vec<bool> = read.iter().map(is_number).collect();
    let has_number =
        |line: &&Line| usize::try_from(line.product).is_ok_and(|at| numbers.get(at) == Some(&true));
    let all = numbers::real::real_len(lines.len());
    let by_number =
        numbers::real::real_len(lines.iter().filter(has_number).count()) > NUMBERED * all;
    let name = |(name, is_number): (&String, &bool)| match (by_number, is_number) {
        (false, _) => Some(name.clone()),
        (true, true) => Some(name.to_ascii_uppercase()),
        (true, false) => None,
    };
    let names: Vec<Option<String>> = read.iter().zip(&numbers).map(name).collect();
    let mut places: BTreeMap<&str, u32> =
        names.iter().flatten().map(|name| (name.as_str(), 0)).collect();
    for (place, (_, at)) in (0_u32..).zip(&mut places) {
        *at = place;
    }
    let found = |name: &Option<String>| name.as_deref().and_then(|name| places.get(name).copied());
    let found = names.iter().map(found).collect();
    (places.into_keys().map(str::to_owned).collect(), found)
}

/// The baskets: by order, or by customer where that is known and no order holds two products.
fn gathered(lines: &[Line], has_customers: bool) -> (&'static str, Vec<Vec<u32>>) {
    let orders = by(lines, |line| line.order);
    if has_customers && orders.iter().all(|basket| basket.len() < 2) {
        return ("customer", by(lines, |line| line.customer));
    }
    ("order", orders)
}

/// What lines with the same key hold, each product once.
fn by<K: Ord + Copy>(lines: &[Line], key: impl Fn(&Line) -> K) -> Vec<Vec<u32>> {
    let mut pairs: Vec<(K, u32)> = lines.iter().map(|line| (key(line), line.product)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let basket = |own: &[(K, u32)]| own.iter().map(|(_, product)| *product).collect();
    pairs.chunk_by(|a, b| a.0 == b.0).map(basket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &'static str) -> Baskets {
        let mut source = Source::read("a.csv".to_owned(), Box::new(text.as_bytes())).unwrap();
        let mut columns = Columns::mapped(source.headers(), &[]).unwrap();
        read(&mut source, &mut columns, Said::default()).unwrap()
    }

    #[test]
    fn what_was_taken_back_given_away_or_bought_by_nobody_is_in_no_basket() {
        let all = read_text(
            "order,product,customer,quantity,price\n\
             1,tea,ada,2,\"1,50\"\n1,cup,ada,1,4\nC2,cup,ada,-1,4\n3,cup,,1,4\n\
             4,cup,bob,1,0.00\n4,tea,bob,1,3\n,cup,bob,1,3\n",
        );
        assert_eq!(all.products, ["cup", "tea"]);
        assert_eq!(
            (all.of, all.baskets.as_slice()),
            ("order", &[vec![0, 1], vec![1], vec![0]][..])
        );
        assert_eq!(all.left_out.reasons.values().sum::<u64>(), 3);
    }

    #[test]
    fn a_letter_before_a_number_takes_an_order_back_only_where_that_is_one() {
        let all = read_text("order,product\nC1,tea\nC1,cup\nC2,tea\nC2,cup\nW1,tea\nW1,cup\n");
        assert_eq!((all.baskets.len(), all.left_out.reasons.len()), (3, 0));
        let all = read_text("order,product\nC1,tea\nC1,cup\n1,tea\n1,cup\n");
        assert_eq!(all.baskets.len(), 1);
        let all = read_text("order,product,amount\nC1,tea,-5\nC2,cup,5\nC2,tea,0\n");
        assert_eq!((all.baskets.len(), all.left_out.reasons.get(TAKEN_BACK)), (1, Some(&1)));
    }

    #[test]
    fn where_products_are_codes_postage_is_none() {
        let lines: String = (10..30).map(|n| format!("{n},850{n}a\n{n},850{n}A\n")).collect();
        let text = format!("invoice,stockcode\n{lines}10,POST\n");
        let all = read_text(text.leak());
        assert_eq!((all.products.len(), all.baskets.len()), (20, 20));
        assert_eq!(all.baskets[0], [0]);
        assert_eq!(all.left_out.reasons.get(NO_PRODUCT), Some(&1));
        let few = read_text("order,product\n1,POST\n1,12345\n");
        assert_eq!(few.products, ["12345", "POST"]);
    }

    #[test]
    fn an_order_that_came_to_nothing_is_in_no_basket_nor_are_its_further_lines() {
        let all = read_text(
            "order,product,customer,status\n1,tea,ada,voided\n1,cup,ada,\n2,tea,bob,paid\n\
             3,cup,bob,paid\n",
        );
        assert_eq!((all.of, all.baskets.as_slice()), ("customer", &[vec![0, 1]][..]));
        assert_eq!(all.left_out.reasons.get(TAKEN_BACK), Some(&2));
    }
}
