//! Which column is what: as `--map` says, or guessed from the names programs give them.

use engine::files::tables::plain;

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
    /// How it stands: refunded, failed.
    Status,
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
}

/// Every role, its word in `--map`, and names of such columns in files as [`plain`] leaves them, the
/// surest first.
const ROLES: [(Role, &str, &[&str]); 21] = [
    (
        Role::Customer,
        "customer",
        &[
            "customer",
            "customeremail",
            "purchaseemail",
            "buyeremail",
            "billingemail",
            "customerid",
            "custid",
            "emailaddress",
            "email",
            "buyer",
            "client",
            "clientid",
            "userid",
            "user",
            "contact",
            "contactid",
            "customername",
            "buyername",
            "billingname",
            "name",
            "id",
        ],
    ),
    (
        Role::Date,
        "date",
        &[
            "date",
            "orderdate",
            "invoicedate",
            "purchasedate",
            "paidat",
            "paiddate",
            "placedat",
            "createdutc",
            "createdat",
            "created",
            "transactiondate",
            "datetime",
            "timestamp",
            "time",
            "day",
        ],
    ),
    (
        Role::Amount,
        "amount",
        &[
            "amount",
            "saleprice",
            "ordertotal",
            "total",
            "totalamount",
            "nettotal",
            "subtotal",
            "revenue",
            "sales",
            "value",
            "paid",
            "spend",
        ],
    ),
    (
        Role::Refunded,
        "refunded",
        &["amountrefunded", "refundedamount", "partialrefund", "refundamount"],
    ),
    (Role::Currency, "currency", &["currency", "ordercurrency", "currencycode"]),
    (
        Role::Product,
        "product",
        &[
            "product",
            "productname",
            "itemname",
            "lineitemname",
            "item",
            "items",
            "title",
            "productid",
            "sku",
            "stockcode",
            "description",
        ],
    ),
    (Role::Quantity, "quantity", &["quantity", "qty", "lineitemquantity", "units", "count", "cds"]),
    (Role::Price, "price", &["unitprice", "price", "lineitemprice", "itemprice"]),
    (
        Role::Order,
        "order",
        &[
            "order",
            "orderid",
            "ordernumber",
            "invoice",
            "invoiceno",
            "invoiceid",
            "purchaseid",
            "transaction",
            "transactionid",
            "basket",
            "basketid",
            "name",
        ],
    ),
    (Role::Status, "status", &["status", "financialstatus", "fullyrefunded", "orderstatus"]),
    (
        Role::Contact,
        "contact",
        &["contact", "contactid", "customer", "customerid", "user", "userid", "email", "id"],
    ),
    (Role::Time, "time", &["time", "timestamp", "date", "at", "datetime"]),
    (
        Role::Channel,
        "channel",
        &["channel", "source", "medium", "utmsource", "touch", "touchpoint"],
    ),
    (Role::Conversion, "conversion", &["conversion", "converted", "isconversion"]),
    (
        Role::Value,
        "value",
        &["value", "totalconversionvalue", "conversionvalue", "revenue", "amount"],
    ),
    (Role::Path, "path", &["path", "journey", "channels"]),
    (Role::Conversions, "conversions", &["conversions", "totalconversions", "converted", "orders"]),
    (Role::Nulls, "nulls", &["nulls", "totalnull", "totalnulls", "null", "lost"]),
    (
        Role::Variant,
        "variant",
        &["variant", "group", "arm", "version", "experimentgroup", "bucket"],
    ),
    (Role::Converted, "converted", &["converted", "conversion", "success", "outcome", "bought"]),
    (Role::Revenue, "revenue", &["revenue", "amount", "value", "spend"]),
];

/// `Name` is the number of an order where this is a column as well, as one program writes it; in
/// all other files it is a person's.
const BESIDE_ORDER_NAMES: &str = "lineitemname";

impl Role {
    /// Its word in `--map`.
    pub fn word(self) -> &'static str {
        self.row().map_or("", |(_, word, _)| word)
    }

    fn names(self) -> &'static [&'static str] {
        self.row().map_or(&[], |(_, _, names)| names)
    }

    fn row(self) -> Option<&'static (Self, &'static str, &'static [&'static str])> {
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
            said.push((Role::parse(word.trim())?, find(headers, name)?));
        }
        let taken = said.iter().map(|(_, at)| *at).collect();
        Ok(Self { headers: headers.to_vec(), said, taken })
    }

    /// The column that is `role`, as was said or else guessed; none is guessed twice.
    pub fn find(&mut self, role: Role) -> Option<usize> {
        if let Some((_, at)) = self.said.iter().find(|(said, _)| *said == role) {
            return Some(*at);
        }
        let place = |name: &str| self.headers.iter().position(|header| plain(header) == name);
        let fits = |name: &&&str| {
            **name != "name" || (role == Role::Order) == place(BESIDE_ORDER_NAMES).is_some()
        };
        let free = |at: &usize| !self.taken.contains(at);
        let at = role.names().iter().filter(fits).find_map(|name| place(name).filter(free))?;
        self.said.push((role, at));
        self.taken.push(at);
        Some(at)
    }

    /// The same, where there is no doing without it.
    ///
    /// # Errors
    /// Nothing was said and nothing looks like it.
    pub fn need(&mut self, role: Role) -> anyhow::Result<usize> {
        self.find(role).ok_or_else(|| {
            let word = role.word();
            let all = self.headers.join(", ");
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

fn find(headers: &[String], name: &str) -> anyhow::Result<usize> {
    let name = name.trim();
    let found = headers
        .iter()
        .position(|header| header == name)
        .or_else(|| headers.iter().position(|header| plain(header) == plain(name)));
    found.ok_or_else(|| {
        usage(format!("there is no column {name:?}: there are {}", headers.join(", ")))
    })
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
    fn what_is_said_holds_and_what_cannot_be_is_told_with_the_names_there_are() {
        let file = headers("who,when,CDs,paid");
        let mut columns = Columns::mapped(&file, &["customer=who,date=WHEN".to_owned()]).unwrap();
        assert_eq!(columns.need(Role::Date).unwrap(), 1);
        let why = columns.need(Role::Product).unwrap_err().to_string();
        assert!(
            why.contains("--map product=NAME") && why.contains("who, when, CDs, paid"),
            "{why}"
        );
        for map in ["customer", "buyer=who", "customer=nobody"] {
            assert!(Columns::mapped(&file, &[map.to_owned()]).is_err(), "{map}");
        }
    }
}
