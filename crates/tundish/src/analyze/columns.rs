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

/// Names of columns in files, as [`plain`] leaves them, the surest first.
const NAMES: [(Role, &[&str]); 19] = [
    (
        Role::Customer,
        &[
            "customer",
            "customerid",
            "custid",
            "customeremail",
            "purchaseemail",
            "buyeremail",
            "billingemail",
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
            "id",
        ],
    ),
    (
        Role::Date,
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
        Role::Product,
        &[
            "product",
            "productid",
            "productname",
            "itemname",
            "item",
            "items",
            "lineitemname",
            "sku",
            "stockcode",
            "description",
            "title",
        ],
    ),
    (Role::Quantity, &["quantity", "qty", "lineitemquantity", "units", "count", "cds"]),
    (Role::Price, &["unitprice", "price", "lineitemprice", "itemprice"]),
    (
        Role::Order,
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
    (Role::Status, &["status", "financialstatus", "fullyrefunded", "orderstatus"]),
    (
        Role::Contact,
        &["contact", "contactid", "customer", "customerid", "user", "userid", "email", "id"],
    ),
    (Role::Time, &["time", "timestamp", "date", "at", "datetime"]),
    (Role::Channel, &["channel", "source", "medium", "utmsource", "touch", "touchpoint"]),
    (Role::Conversion, &["conversion", "converted", "isconversion"]),
    (Role::Value, &["value", "totalconversionvalue", "conversionvalue", "revenue", "amount"]),
    (Role::Path, &["path", "journey", "channels"]),
    (Role::Conversions, &["conversions", "totalconversions", "converted", "orders"]),
    (Role::Nulls, &["nulls", "totalnull", "totalnulls", "null", "lost"]),
    (Role::Variant, &["variant", "group", "arm", "version", "experimentgroup", "bucket"]),
    (Role::Converted, &["converted", "conversion", "success", "outcome", "bought"]),
    (Role::Revenue, &["revenue", "amount", "value", "spend"]),
];

impl Role {
    const ALL: [Self; 19] = [
        Self::Customer,
        Self::Date,
        Self::Amount,
        Self::Product,
        Self::Quantity,
        Self::Price,
        Self::Order,
        Self::Status,
        Self::Contact,
        Self::Time,
        Self::Channel,
        Self::Conversion,
        Self::Value,
        Self::Path,
        Self::Conversions,
        Self::Nulls,
        Self::Variant,
        Self::Converted,
        Self::Revenue,
    ];

    /// Its word in `--map`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Date => "date",
            Self::Amount => "amount",
            Self::Product => "product",
            Self::Quantity => "quantity",
            Self::Price => "price",
            Self::Order => "order",
            Self::Status => "status",
            Self::Contact => "contact",
            Self::Time => "time",
            Self::Channel => "channel",
            Self::Conversion => "conversion",
            Self::Value => "value",
            Self::Path => "path",
            Self::Conversions => "conversions",
            Self::Nulls => "nulls",
            Self::Variant => "variant",
            Self::Converted => "converted",
            Self::Revenue => "revenue",
        }
    }

    fn names(self) -> &'static [&'static str] {
        NAMES.iter().find(|(role, _)| *role == self).map_or(&[], |(_, names)| names)
    }

    fn parse(word: &str) -> anyhow::Result<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::word).collect();
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
        let free = |at: &usize| !self.taken.contains(at);
        let at = role.names().iter().find_map(|name| {
            self.headers.iter().position(|header| plain(header) == *name).filter(free)
        })?;
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
