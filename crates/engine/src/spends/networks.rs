//! The exports of ad networks: which columns are what, days and amounts as they write them, and the
//! lines that are none (titles, totals, campaigns that cost nothing).
//!
//! A network says what a campaign cost on a day, and says it again later when it has looked more
//! closely. So its line takes the place of what it said before; lines of one campaign and day
//! (by device, by ad) are added up first.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::ids::SpendId;
use model::sites::Site;
use model::spends::Spend;
use model::{Currency, Money, Refused, UtcMs};

use crate::fault::Result;
use crate::files::columns::Taken;
use crate::files::tables::{Row, Table, plain};

/// Lines of a title above the header, at most.
const TITLE_MAX: usize = 6;

/// A network whose exports are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Google Ads: a report by day and campaign.
    Google,
    /// Meta: Facebook and Instagram.
    Meta,
}

impl Network {
    /// The usual source tag of its links.
    fn source(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Meta => "facebook",
        }
    }

    /// For people.
    fn name(self) -> &'static str {
        match self {
            Self::Google => "Google Ads",
            Self::Meta => "Meta",
        }
    }
}

/// Names of columns as networks write them, without spaces and signs: ours, theirs.
const NAMES: &[(&str, &[&str])] = &[
    ("day", &["day", "date", "tag", "datum", "jour", "dia", "giorno", "dag"]),
    ("from", &["reportingstarts", "berichtsstart", "auswertungsbeginn", "debutdesrapports"]),
    ("to", &["reportingends", "berichtsende", "auswertungsende", "findesrapports"]),
    (
        "campaign",
        &["campaign", "campaignname", "kampagne", "kampagnenname", "nomdelacampagne", "campagne"],
    ),
    (
        "amount",
        &["cost", "kosten", "cout", "coste", "costo", "amountspent", "ausgegebenerbetrag", "spend"],
    ),
    ("currency", &["currencycode", "currency", "wahrungscode", "wahrung", "codedevise"]),
    (
        "account",
        &["accountid", "customerid", "account", "accountname", "kontoid", "konto", "kontoname"],
    ),
    ("clicks", &["linkclicks", "clicks", "linkklicks", "klicks", "clics"]),
    ("impressions", &["impr", "impressions", "impressionen"]),
];

/// What a line of totals calls itself.
const TOTALS: &[&str] = &["total", "totals", "gesamt", "insgesamt", "summe", "totale", "totaal"];

/// Where each of the columns stands, and the currency a header names: `Amount spent (EUR)`.
#[derive(Debug, Default)]
struct Columns {
    at: BTreeMap<&'static str, usize>,
    currency: Option<String>,
}

impl Columns {
    fn of(headers: &[String]) -> Self {
        let mut columns = Self::default();
        for (at, header) in headers.iter().enumerate() {
            let (bare, code) = in_brackets(header);
            let name = plain(bare);
            let found = NAMES.iter().find(|(_, names)| names.contains(&name.as_str()));
            let Some((ours, _)) = found else { continue };
            columns.at.entry(*ours).or_insert(at);
            if *ours == "amount" && code.is_some() {
                columns.currency = code;
            }
        }
        columns
    }

    fn network(&self) -> Option<Network> {
        let has = |name| self.at.contains_key(name);
        match () {
            () if has("from") && has("to") && has("amount") => Some(Network::Meta),
            () if has("day") && has("campaign") && has("amount") => Some(Network::Google),
            () => None,
        }
    }

    fn cell<'c>(&self, cells: &'c [String], name: &str) -> &'c str {
        self.at.get(name).and_then(|at| cells.get(*at)).map(|cell| cell.trim()).unwrap_or_default()
    }
}

/// `Amount spent (EUR)` → `Amount spent`, `EUR`.
fn in_brackets(header: &str) -> (&str, Option<String>) {
    let Some((bare, rest)) = header.split_once('(') else { return (header, None) };
    let code = rest.trim_end().trim_end_matches(')').trim().to_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    (bare, is_code.then_some(code))
}

/// An export and what it says.
pub(super) struct Export {
    network: Network,
    columns: Columns,
    table: Table,
    /// The line of its header.
    head: i64,
}

/// The export of a network in `table`, if it is one.
pub(super) fn find(table: &Table, is_plain: bool) -> Option<Export> {
    let first = Columns::of(&table.headers);
    if let Some(network) = first.network().filter(|_| !is_plain) {
        return Some(Export { network, columns: first, table: table.clone(), head: 1 });
    }
    if is_plain {
        return None;
    }
    // A title stands above the header, and what separates the cells is only seen below it.
    for separator in [',', ';', '\t'] {
        let table = table.separated(separator);
        for row in table.rows().take(TITLE_MAX) {
            let Ok(cells) = row.readable() else { continue };
            let columns = Columns::of(cells);
            if let Some(network) = columns.network() {
                return Some(Export { network, columns, head: row.line, table });
            }
        }
    }
    None
}

/// What an export comes to: amounts with the keys under which the network says them again, and what
/// there is to know.
pub(super) struct Said {
    pub(super) taken: Taken,
    pub(super) amounts: BTreeMap<String, Spend>,
    pub(super) notes: Vec<String>,
}

impl Export {
    /// Reads it. `source` is the word for where it was spent; empty: the usual of the network.
    pub(super) fn read(&self, site: &Site, now: UtcMs, source: &str) -> Result<Said> {
        let source = if source.is_empty() { self.network.source() } else { source };
        let comma = self.comma_is_decimal()?;
        let (mut passed, mut taken) = (0_usize, Taken::default());
        let mut amounts: BTreeMap<String, Spend> = BTreeMap::new();
        for row in self.rows() {
            let cells = match row.readable() {
                Ok(cells) if self.is_none(cells) => {
                    passed += 1;
                    continue;
                }
                Ok(cells) => cells,
                Err(why) => {
                    taken.rows += 1;
                    taken.reject(row.line, why);
                    continue;
                }
            };
            taken.rows += 1;
            match self.amount(cells, site, (now, source), comma) {
                Ok(spend) => {
                    let account = self.columns.cell(cells, "account");
                    add(&mut amounts, self.network, account, spend);
                }
                Err(why) => taken.reject(row.line, why),
            }
        }
        let mut notes = vec![format!(
            "Read as an export of {}: its amounts stand under the source \"{source}\", and take \
             the place of what it said before of the same campaign and days.",
            self.network.name()
        )];
        if passed > 0 {
            notes.push(format!(
                "{passed} lines were passed over: totals, and campaigns that cost nothing."
            ));
        }
        Ok(Said { taken, amounts, notes })
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.table.rows().filter(|row| row.line > self.head)
    }

    /// Whether a line is a total, or says that nothing was spent.
    fn is_none(&self, cells: &[String]) -> bool {
        let day = [self.columns.cell(cells, "day"), self.columns.cell(cells, "from")].concat();
        let has_day = day.chars().any(|c| c.is_ascii_digit());
        let amount = self.columns.cell(cells, "amount");
        let nothing = !amount.chars().any(|c| ('1'..='9').contains(&c)) && !amount.contains('-')
            || ["--", "-", "—"].contains(&amount);
        let named = self.columns.cell(cells, "campaign");
        let total = cells.first().is_some_and(|first| is_total(first)) || is_total(named);
        !has_day && (total || day.is_empty() && named.is_empty())
            || nothing && !amount.chars().any(char::is_alphabetic)
    }

    fn amount(
        &self,
        cells: &[String],
        site: &Site,
        (now, source): (UtcMs, &str),
        comma: bool,
    ) -> std::result::Result<Spend, Refused> {
        let cell = |name| self.columns.cell(cells, name);
        let code = match (cell("currency"), &self.columns.currency) {
            ("", Some(code)) => code.clone(),
            ("", None) => site.currency.clone(),
            (code, _) => code.to_uppercase(),
        };
        if code != site.currency {
            let why = format!(
                "this is in {code}, and the site counts in {}: amounts are never converted, so \
                 export the report in {}",
                site.currency, site.currency
            );
            return Err(Refused::new("currency_other", why).at("currency"));
        }
        let amount = Money::parse_amount(&decimal(cell("amount"), comma), Currency::parse(&code)?)
            .map_err(|refused| refused.at("amount"))?;
        let (from, to) = match cell("day") {
            "" => (cell("from"), cell("to")),
            day => (day, day),
        };
        let spend = Spend {
            id: SpendId(0),
            channel: source.to_lowercase(),
            campaign: cell("campaign").to_lowercase(),
            from_day: day_of(from)?,
            to_day: day_of(to)?,
            amount_minor: amount.minor,
            currency: code,
            clicks: number(cell("clicks"), "clicks")?,
            impressions: number(cell("impressions"), "impressions")?,
            note: String::new(),
            created_at: now,
        };
        spend.check()?;
        Ok(spend)
    }

    /// Whether `12,50` is twelve and a half here. One amount that can be read in one way alone
    /// decides for all of them; where there is none, what separates the cells does.
    fn comma_is_decimal(&self) -> Result<bool> {
        let mut unsure = false;
        for row in self.rows() {
            let Ok(cells) = row.readable() else { continue };
            match reading(self.columns.cell(cells, "amount")) {
                Reading::Comma => return Ok(true),
                Reading::Dot => return Ok(false),
                Reading::Either => unsure = true,
                Reading::Plain => {}
            }
        }
        match self.table.separator {
            ',' => Ok(false),
            ';' => Ok(true),
            _ if !unsure => Ok(false),
            _ => {
                let why = "it cannot be told whether 1,234 is a thousand or one here: export the \
                           amounts with two decimals";
                Err(Refused::new("amount_unsure", why).at("file").into())
            }
        }
    }
}

/// `Total`, `Total: Account`; but `Total comfort` is a campaign.
fn is_total(cell: &str) -> bool {
    let cell = cell.trim().to_lowercase();
    let after = TOTALS.iter().filter_map(|word| cell.strip_prefix(word));
    after.map(str::trim_start).any(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Lines of one network, account and campaign and of the same days are one amount.
fn add(amounts: &mut BTreeMap<String, Spend>, network: Network, account: &str, spend: Spend) {
    let key = format!(
        "said:{}\u{1f}{account}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
        network.source(),
        spend.channel,
        spend.campaign,
        spend.from_day,
        spend.to_day
    );
    let both = |a: Option<i64>, b: Option<i64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    match amounts.get_mut(&key) {
        None => drop(amounts.insert(key, spend)),
        Some(known) => {
            known.amount_minor = known.amount_minor.saturating_add(spend.amount_minor);
            known.clicks = both(known.clicks, spend.clicks);
            known.impressions = both(known.impressions, spend.impressions);
        }
    }
}

/// How an amount may be read.
#[derive(Debug, PartialEq, Eq)]
enum Reading {
    Comma,
    Dot,
    Either,
    Plain,
}

/// The digits and signs of an amount: `€ 1 234,50` → `1234,50`.
fn bare(amount: &str) -> String {
    amount.chars().filter(|c| c.is_ascii_digit() || [',', '.', '-'].contains(c)).collect()
}

fn reading(amount: &str) -> Reading {
    let amount = bare(amount);
    let (comma, dot) = (amount.rfind(','), amount.rfind('.'));
    let after = |mark: char| amount.rsplit(mark).next().map_or(0, str::len);
    match (comma, dot) {
        (None, None) => Reading::Plain,
        (Some(comma), Some(dot)) if comma > dot => Reading::Comma,
        (Some(_), Some(_)) => Reading::Dot,
        (Some(_), None) if amount.matches(',').count() > 1 => Reading::Dot,
        (None, Some(_)) if amount.matches('.').count() > 1 => Reading::Comma,
        (Some(_), None) if after(',') != 3 => Reading::Comma,
        (None, Some(_)) if after('.') != 3 => Reading::Dot,
        _ => Reading::Either,
    }
}

/// An amount as the program writes it: `1.234,50` → `1234.50`.
fn decimal(amount: &str, comma: bool) -> String {
    let (thousands, point) = if comma { ('.', ',') } else { (',', '.') };
    bare(amount).replace(thousands, "").replace(point, ".")
}

/// A count as networks write it: `1,234`, `1.234`, ` --`.
fn number(text: &str, field: &'static str) -> std::result::Result<Option<i64>, Refused> {
    let is_mark =
        |c: char| c.is_whitespace() || [',', '.', '\'', '\u{a0}', '\u{202f}'].contains(&c);
    let digits: String = text.chars().filter(|c| !is_mark(*c)).collect();
    if digits.is_empty() || digits.chars().all(|c| c == '-') {
        return Ok(None);
    }
    match digits.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(Some(number)),
        _ => Err(Refused::new("number_invalid", "write a whole number").at(field)),
    }
}

/// A day as it is told apart without guessing: `2026-11-21`, `2026/11/21`, `21.11.2026`,
/// `Nov 21, 2026`.
fn day_of(text: &str) -> std::result::Result<String, Refused> {
    let text = text.trim();
    let forms =
        ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y"];
    let found = forms.iter().find_map(|form| Date::strptime(form, text).ok());
    found.map(|day| day.to_string()).ok_or_else(|| {
        let why = "a day must be told apart from a month: export days as 2026-11-21";
        Refused::new("day_invalid", why).at("from_day")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_their_file_writes_them() {
        assert_eq!(reading("1.234,50"), Reading::Comma);
        assert_eq!(reading("$1,234.50"), Reading::Dot);
        assert_eq!(reading("1,234"), Reading::Either);
        assert_eq!(reading("12,5"), Reading::Comma);
        assert_eq!(reading("1,234,567"), Reading::Dot);
        assert_eq!(decimal("€ 1.234,50", true), "1234.50");
        assert_eq!(decimal("1,234.5", false), "1234.5");
        assert_eq!(number("1,234", "clicks"), Ok(Some(1_234)));
        assert_eq!(number(" --", "clicks"), Ok(None));
    }

    #[test]
    fn a_total_is_the_word_alone_or_before_a_colon() {
        for cell in ["Total", " TOTAL: Account", "Gesamt", "Gesamt : Kampagnen", "Summe"] {
            assert!(is_total(cell), "{cell}");
        }
        for cell in ["Total comfort", "Gesamtkatalog", "Summertime", "Totally", "", "sub total"] {
            assert!(!is_total(cell), "{cell}");
        }
    }

    #[test]
    fn days_that_could_be_months_are_refused() {
        assert_eq!(day_of("21.11.2026").unwrap(), "2026-11-21");
        assert_eq!(day_of("Nov 21, 2026").unwrap(), "2026-11-21");
        assert_eq!(day_of("2026-11-21").unwrap(), "2026-11-21");
        assert!(day_of("11/12/2026").is_err());
        assert!(day_of("2026-02-30").is_err());
    }
}
