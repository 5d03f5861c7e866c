//! The exports of ad networks: which columns are what, days and amounts as they write them, and the
//! lines that are none (titles, totals, campaigns that cost nothing).
//!
//! A network says what a campaign cost on a day, and says it again later when it has looked more
//! closely. So its line takes the place of what it said before; lines of one campaign and day
//! (by device, by ad) are added up first.

use std::collections::BTreeMap;

use jiff::civil::Date;
use model::ids::SpendId;
use model::notes::clean_line;
use model::sites::Site;
use model::spends::Spend;
use model::{Currency, Refused, UtcMs};

use super::amounts::{self, Reading, is_blank, number, reading};
use super::{LINES_MAX, too_long};
use crate::fault::Result;
use crate::files::columns::Taken;
use crate::files::tables::{Row, Table, plain};

/// Lines of a title above the header, at most.
const TITLE_MAX: usize = 6;
/// Letters shown of what should have been the code of a currency.
const CODE_SHOWN: usize = 12;

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

/// What an export comes to: amounts with the keys under which the network says them again (of
/// nothing too, for they may take the place of something), and what there is to know.
pub(super) struct Said {
    pub(super) taken: Taken,
    pub(super) amounts: BTreeMap<String, Spend>,
    /// How many lines say nothing was spent, by the key of their amount.
    nothings: BTreeMap<String, usize>,
    /// Lines that are no amounts: totals, and those that say nothing was spent.
    passed: usize,
    lead: String,
}

impl Said {
    /// An amount of nothing took the place of one that stood.
    pub(super) fn took_away(&mut self, key: &str) {
        let lines = self.nothings.remove(key).unwrap_or(0);
        self.passed = self.passed.saturating_sub(lines);
        self.taken.rows += lines;
        self.taken.updated += 1;
    }

    /// What there is to know.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![self.lead.clone()];
        let lines = match self.passed {
            0 => return notes,
            1 => "1 line was".to_owned(),
            lines => format!("{lines} lines were"),
        };
        notes.push(format!("{lines} passed over: totals, and campaigns that cost nothing."));
        notes
    }

    /// Adds a line: those of one network, account and campaign and of the same days are one amount.
    fn add(&mut self, key: String, spend: Spend) -> std::result::Result<(), Refused> {
        let both = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        let sum = match self.amounts.get(&key) {
            None => spend,
            Some(known) => Spend {
                amount_minor: known.amount_minor.saturating_add(spend.amount_minor),
                clicks: both(known.clicks, spend.clicks),
                impressions: both(known.impressions, spend.impressions),
                ..spend
            },
        };
        check(&sum)?;
        self.amounts.insert(key, sum);
        Ok(())
    }
}

/// As [`Spend::check`], but nothing may be spent.
fn check(spend: &Spend) -> std::result::Result<(), Refused> {
    match spend.amount_minor {
        0 => Spend { amount_minor: 1, ..spend.clone() }.check(spend.created_at),
        _ => spend.check(spend.created_at),
    }
}

impl Export {
    /// Reads it. `source` is the word for where it was spent; empty: the usual of the network.
    pub(super) fn read(&self, site: &Site, now: UtcMs, source: &str) -> Result<Said> {
        let source = if source.is_empty() { self.network.source() } else { source };
        let rows: Vec<Row> = self.rows().take(LINES_MAX + 1).collect();
        if rows.len() > LINES_MAX {
            return Err(too_long().into());
        }
        let currency = Currency::parse(&site.currency)?;
        let comma = self.comma_is_decimal(&rows, currency)?;
        let lead = format!(
            "Read as an export of {}: its amounts stand under the source \"{source}\", and take \
             the place of what it said before of the same campaign and days.",
            self.network.name()
        );
        let mut said = Said {
            taken: Taken::default(),
            amounts: BTreeMap::new(),
            nothings: BTreeMap::new(),
            passed: 0,
            lead,
        };
        for row in &rows {
            if row.readable().is_ok_and(|cells| self.is_none(cells)) {
                said.passed += 1;
            } else if let Err(why) = self.line(&mut said, row, site, (now, source), comma) {
                said.taken.rows += 1;
                said.taken.reject(row.line, why);
            }
        }
        Ok(said)
    }

    /// Adds what a line says.
    fn line(
        &self,
        said: &mut Said,
        row: &Row,
        site: &Site,
        by: (UtcMs, &str),
        comma: bool,
    ) -> std::result::Result<(), Refused> {
        let cells = row.readable()?;
        let spend = self.amount(cells, site, by, comma)?;
        let account = clean_line(self.columns.cell(cells, "account"));
        let key = key(self.network, &account, &spend);
        let is_nothing = spend.amount_minor == 0;
        said.add(key.clone(), spend)?;
        if is_nothing {
            *said.nothings.entry(key).or_default() += 1;
            said.passed += 1;
        } else {
            said.taken.rows += 1;
        }
        Ok(())
    }

    fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        self.table.rows().filter(|row| row.line > self.head)
    }

    /// Whether a line is a total, or says nothing of what was spent.
    fn is_none(&self, cells: &[String]) -> bool {
        let day = [self.columns.cell(cells, "day"), self.columns.cell(cells, "from")].concat();
        let has_day = day.chars().any(|c| c.is_ascii_digit());
        let amount = self.columns.cell(cells, "amount");
        let nothing = !amount.chars().any(|c| c.is_ascii_digit() && c != '0')
            && !amount.contains('-')
            && !amount.chars().any(char::is_alphabetic);
        let named = self.columns.cell(cells, "campaign");
        let total = cells.first().is_some_and(|first| is_total(first)) || is_total(named);
        !has_day && (nothing || total || day.is_empty() && named.is_empty()) || is_blank(amount)
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
            let code: String = clean_line(&code).chars().take(CODE_SHOWN).collect();
            let why = format!(
                "this is in {code}, and the site counts in {}: amounts are never converted, so \
                 export the report in {}",
                site.currency, site.currency
            );
            return Err(Refused::new("currency_other", why).at("currency"));
        }
        let amount = amounts::amount(cell("amount"), comma, Currency::parse(&code)?)?;
        let (from, to) = match cell("day") {
            "" => (cell("from"), cell("to")),
            day => (day, day),
        };
        let spend = Spend {
            id: SpendId(0),
            channel: source.to_owned(),
            campaign: cell("campaign").to_owned(),
            from_day: day_of(from)?,
            to_day: day_of(to)?,
            amount_minor: amount.minor,
            currency: code,
            clicks: number(cell("clicks"), "clicks")?,
            impressions: number(cell("impressions"), "impressions")?,
            note: String::new(),
            created_at: now,
        }
        .cleaned();
        check(&spend)?;
        Ok(spend)
    }

    /// Whether `12,50` is twelve and a half here. An amount that can be read in one way alone
    /// decides for all of them; where there is none, what separates the cells does.
    fn comma_is_decimal(&self, rows: &[Row], currency: Currency) -> Result<bool> {
        let (mut commas, mut dots, mut unsure) = (None, None, false);
        for row in rows {
            let Ok(cells) = row.readable() else { continue };
            match reading(self.columns.cell(cells, "amount"), currency) {
                Some(Reading::Comma) => commas = commas.or(Some(row.line)),
                Some(Reading::Dot) => dots = dots.or(Some(row.line)),
                Some(Reading::Either) => unsure = true,
                Some(Reading::Plain) | None => {}
            }
        }
        let refuse = |why: String| Err(Refused::new("amount_unsure", why).at("file").into());
        match (commas, dots, self.table.separator) {
            (Some(comma), Some(dot), _) => refuse(format!(
                "the amount of line {comma} has a decimal comma and that of line {dot} a decimal \
                 dot: export the amounts in one way of writing"
            )),
            (Some(_), None, _) | (None, None, ';') => Ok(true),
            (None, Some(_), _) | (None, None, ',') => Ok(false),
            (None, None, _) if !unsure => Ok(false),
            (None, None, _) => refuse(
                "it cannot be told whether 1,234 is a thousand or one here: export the amounts \
                 with two decimals"
                    .to_owned(),
            ),
        }
    }
}

/// `Total`, `Total: Account`; but `Total comfort` is a campaign.
fn is_total(cell: &str) -> bool {
    let cell = cell.trim().to_lowercase();
    let after = TOTALS.iter().filter_map(|word| cell.strip_prefix(word));
    after.map(str::trim_start).any(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// What tells one amount of a network from another.
fn key(network: Network, account: &str, spend: &Spend) -> String {
    format!(
        "said:{}\u{1f}{account}\u{1f}{}\u{1f}{}\u{1f}{}\u{1f}{}",
        network.source(),
        spend.channel,
        spend.campaign,
        spend.from_day,
        spend.to_day
    )
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
