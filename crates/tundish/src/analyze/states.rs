//! What stands in the columns beside a sale: whether it holds, was taken back, or is not paid yet.
//! All columns of words and all that say yes or no are read.

mod words;

use std::collections::BTreeMap;

use engine::files::tables::plain;

use self::words::{BACK, GOOD, UNPAID};
use super::amounts::{self, Decimal};
use super::answers;
use super::columns::Columns;
use super::dates::{self, Order};
use super::left_out::{LeftOut, shown};
use super::source::{Row, Source};
use super::words::some;

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

/// What all columns say of one row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Standing {
    /// What it comes to.
    pub state: State,
    /// What was given back, where a column that asks whether anything was has the amount.
    pub back: Option<f64>,
    /// Whether it was taken back by a mere yes: where an amount beside it is smaller than what was
    /// paid, it was so in part.
    pub by_yes: bool,
    /// A column whose word nobody here knows.
    unsure: Option<usize>,
}

/// What all columns say against money that goes back: a sale that failed came to nothing, but of a
/// refund that failed the sale holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Doubts {
    /// It did not go through.
    pub failed: bool,
    /// It was called off; or, beside a mere amount below zero, the sale was.
    pub cancelled: bool,
    /// It is not decided yet, or was decided for the seller.
    pub undecided: bool,
}

/// What one cell says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Told {
    #[default]
    Nothing,
    Paid,
    Unpaid,
    Back,
    /// A yes in a column that asks whether it was taken back.
    Yes,
    Disputed,
    DisputeWon,
    /// So much of it was given back.
    Part(f64),
    Unsure,
}

/// Columns that say yes where money was given back, or how much.
const REFUNDS: &[&str] = &["refunded", "isrefunded", "fullyrefunded", "returned"];
/// And where a sale came to nothing otherwise.
const VOIDS: &[&str] = &["cancelled", "canceled", "voided"];
const DISPUTES: &[&str] = &["disputed", "isdisputed"];
const WINS: &[&str] = &["disputewon"];
/// With a column for what was given back in full, these say yes to a part of it too.
const OF_PARTS: &[&str] = &["refunded", "isrefunded"];
/// Whoever asks for all columns that say how sales stand is told these besides those of words.
pub const FLAGS: [&[&str]; 4] = [REFUNDS, VOIDS, DISPUTES, WINS];

/// One column.
#[derive(Debug, Clone)]
struct Column {
    at: usize,
    name: String,
    header: String,
    /// Whether it holds amounts, so that a 1 is no yes.
    has_amounts: bool,
    /// The cell before and what it says: rows that follow say the same, as a rule.
    last: (String, Told),
}

/// Reads how the sales of a file stand.
#[derive(Debug, Clone, Default)]
pub struct States {
    columns: Vec<Column>,
    decimal: Decimal,
    /// Words nobody here knows, by column, and the sales beside them.
    unknown: BTreeMap<(usize, String), u64>,
}

/// Unknown words that are told apart, and those that are named.
const UNKNOWN_MAX: usize = 1_000;
const NAMED_MAX: usize = 5;

impl States {
    /// Of the columns that say it; looks at the rows that are held.
    pub fn of(source: &Source, columns: &mut Columns, decimal: Decimal) -> Self {
        let found = columns.statuses();
        let named: Vec<String> = found.iter().map(|at| columns.named(*at)).collect();
        let has_full = named.iter().any(|name| name == "fullyrefunded");
        let column = |(at, name): (&usize, &String)| Column {
            at: *at,
            has_amounts: REFUNDS.contains(&name.as_str())
                && source.held().any(|row| is_amount(&row.cell(*at), decimal)),
            name: name.clone(),
            header: source.headers().get(*at).cloned().unwrap_or_default(),
            last: (String::new(), Told::Nothing),
        };
        let is_read = |one: &Column| !has_full || !OF_PARTS.contains(&one.name.as_str());
        let columns = found.iter().zip(&named).map(column).filter(is_read).collect();
        Self { columns, decimal, unknown: BTreeMap::new() }
    }

    /// What the columns say of a row.
    pub fn read(&mut self, row: Row<'_>) -> Standing {
        let mut standing = Standing::default();
        let (mut paid, mut unpaid, mut back) = (false, false, false);
        let (mut yes, mut disputed, mut won) = (false, false, false);
        for (nth, column) in self.columns.iter_mut().enumerate() {
            match column.read(&row.cell(column.at), self.decimal) {
                Told::Nothing => {}
                Told::Paid => paid = true,
                Told::Unpaid => unpaid = true,
                Told::Back => back = true,
                Told::Yes => yes = true,
                Told::Disputed => disputed = true,
                Told::DisputeWon => won = true,
                Told::Part(sum) => standing.back = Some(sum),
                Told::Unsure => standing.unsure = Some(nth),
            }
        }
        let disputed = disputed && !won;
        standing.by_yes = yes && !back && !disputed;
        standing.state = match () {
            () if back || yes || disputed => State::TakenBack,
            // One column may say that it is not sent, another that it is paid.
            () if unpaid && !paid => State::Unpaid,
            () => State::Holds,
        };
        standing
    }

    /// What the columns say against a row that gives money back.
    pub fn doubts(&self, row: Row<'_>) -> Doubts {
        let each = self.columns.iter().map(|one| one.doubts(&row.cell(one.at), self.decimal));
        each.fold(Doubts::default(), |all, one| Doubts {
            failed: all.failed || one.failed,
            cancelled: all.cancelled || one.cancelled,
            undecided: all.undecided || one.undecided,
        })
    }

    /// Counts a sale, for the words beside it that are not known.
    pub fn counted(&mut self, standing: Standing) {
        let Some(nth) = standing.unsure else { return };
        let Some(column) = self.columns.get(nth) else { return };
        let key = (nth, column.last.0.clone());
        if self.unknown.len() < UNKNOWN_MAX || self.unknown.contains_key(&key) {
            *self.unknown.entry(key).or_default() += 1;
        }
    }

    /// Words that are not known, and how many sales beside them were counted.
    pub fn note(&self) -> Option<String> {
        let mut all: Vec<_> = self.unknown.iter().collect();
        all.sort_by(|a, b| b.1.cmp(a.1));
        let header = |nth: usize| self.columns.get(nth).map_or("", |one| one.header.as_str());
        let one = |((nth, word), rows): &(&(usize, String), &u64)| {
            format!("{} in {} ({})", shown(word), header(*nth), some(**rows, "row"))
        };
        let named: Vec<String> = all.iter().take(NAMED_MAX).map(one).collect();
        let more = match u64::try_from(all.len().saturating_sub(NAMED_MAX)).unwrap_or(0) {
            0 => String::new(),
            n => format!(" and {}", some(n, "other word")),
        };
        (!named.is_empty()).then(|| {
            format!(
                "what these say of a sale is not known, and it was counted: {}{more}; if it came to \
                 nothing, take such rows out",
                named.join(", ")
            )
        })
    }
}

/// Whether a cell is a figure that says neither yes nor no.
fn is_amount(cell: &str, decimal: Decimal) -> bool {
    amounts::parse(cell, decimal).is_some_and(|sum| sum != 0.0 && sum != 1.0)
}

impl Column {
    fn read(&mut self, cell: &str, decimal: Decimal) -> Told {
        if cell.is_empty() {
            return Told::Nothing;
        }
        if self.last.0 != cell {
            self.last = (cell.to_owned(), self.told(cell, decimal));
        }
        self.last.1
    }

    fn doubts(&self, cell: &str, decimal: Decimal) -> Doubts {
        let is_yes = |yes| !cell.is_empty() && self.told(cell, decimal) == yes;
        match self.name.as_str() {
            name if VOIDS.contains(&name) && is_yes(Told::Yes) => {
                Doubts { cancelled: true, ..Doubts::default() }
            }
            name if WINS.contains(&name) && is_yes(Told::DisputeWon) => {
                Doubts { undecided: true, ..Doubts::default() }
            }
            _ => doubts_of_word(cell),
        }
    }

    fn told(&self, cell: &str, decimal: Decimal) -> Told {
        let name = self.name.as_str();
        let yes = match () {
            () if WINS.contains(&name) => Told::DisputeWon,
            () if DISPUTES.contains(&name) => Told::Disputed,
            () if REFUNDS.contains(&name) || VOIDS.contains(&name) => Told::Yes,
            () => return of_word(cell),
        };
        let is_date = || dates::civil_day(cell, Order::Usual).is_some();
        match (amounts::parse(cell, decimal), answers::yes(cell)) {
            (Some(0.0), _) => Told::Nothing,
            (Some(sum), _) if sum == 1.0 && !self.has_amounts => yes,
            (Some(sum), _) if REFUNDS.contains(&name) => Told::Part(sum.abs()),
            (None, Some(true)) => yes,
            (None, Some(false)) => Told::Nothing,
            // The day on which it was.
            (None, None) if is_date() => yes,
            _ => of_word(cell),
        }
    }
}

/// Beginnings of the words for what came to nothing, in whatever they stand.
const BACK_STEMS: &[&str] = &[
    "refund",
    "chargeback",
    "chargedback",
    "cancel",
    "voided",
    "declin",
    "fail",
    "fraud",
    "storni",
    "erstatt",
    "annul",
    "rembours",
    "reembol",
    "return",
    "reject",
    "denied",
];
const UNPAID_STEMS: &[&str] = &["unpaid", "notpaid", "awaitingpayment", "unbezahlt", "impay"];
/// What was given back in part stands beside it as an amount.
const PARTS: &[&str] = &["partial", "partiel", "teilweise", "teilerstatt", "parcial", "parzial"];
/// Words that may turn such a one into its contrary, or into what is not decided yet.
const DOUBTS: &[&str] = &[
    "no",
    "not",
    "non",
    "never",
    "kein",
    "nicht",
    "without",
    "won",
    "reversed",
    "requested",
    "request",
    "pending",
    "review",
    "open",
    "lifted",
    "resolved",
];

/// Beginnings of the words for what did not go through.
const FAILED_STEMS: &[&str] = &[
    "fail",
    "denied",
    "declin",
    "reject",
    "error",
    "blocked",
    "trash",
    "deleted",
    "fehlgeschlagen",
    "abgelehnt",
    "abgebrochen",
];
/// And for what was called off, unless it says that the money went back for it.
const CANCELLED_STEMS: &[&str] = &["cancel", "void", "storni", "annul"];
const GIVEN_STEMS: &[&str] = &["refunded", "returned", "erstattet", "rembours", "reembols"];
/// Words of a giving back that is not decided yet, or was decided for the seller.
const UNDECIDED: &[&str] = &[
    "not",
    "nicht",
    "never",
    "won",
    "reversed",
    "requested",
    "request",
    "pending",
    "review",
    "lifted",
];

/// What a word of a status says against a row that gives money back.
fn doubts_of_word(cell: &str) -> Doubts {
    let word = plain(cell);
    let has = |stems: &[&str]| stems.iter().any(|stem| word.contains(stem));
    Doubts {
        failed: has(FAILED_STEMS),
        cancelled: has(CANCELLED_STEMS) && !has(GIVEN_STEMS),
        // Another column may say that what is pending is but the parcel.
        undecided: matches!(word.as_str(), "won" | "disputewon")
            || (of_word(cell) == Told::Unsure && says_one_of(cell, UNDECIDED)),
    }
}

/// Whether one of the words of a status is one of these.
fn says_one_of(cell: &str, words: &[&str]) -> bool {
    let mut each = cell.split(|c: char| !c.is_alphabetic()).map(plain);
    each.any(|one| words.contains(&one.as_str()))
}

/// What a word of a status says.
fn of_word(cell: &str) -> Told {
    // `wc-refunded`: how one program keeps its own words.
    let cell = cell.strip_prefix("wc-").unwrap_or(cell);
    let word = plain(cell);
    let word = word.as_str();
    let has = |stems: &[&str]| stems.iter().filter(|stem| word.contains(**stem)).count();
    match () {
        () if BACK.contains(&word) => Told::Back,
        () if UNPAID.contains(&word) => Told::Unpaid,
        () if GOOD.contains(&word) || answers::is_missing(cell) => Told::Paid,
        () if has(PARTS) > 0 => Told::Paid,
        // Two of them are one of the other: a refund that failed.
        () if has(BACK_STEMS) == 1 && !says_one_of(cell, DOUBTS) => Told::Back,
        () if has(BACK_STEMS) == 0 && has(UNPAID_STEMS) > 0 => Told::Unpaid,
        () => Told::Unsure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of each row, and what was given back.
    fn standing(text: &str) -> (Vec<(State, Option<f64>)>, Option<String>) {
        let text = Box::new(std::io::Cursor::new(text.as_bytes().to_vec()));
        let mut source = Source::read("a.csv".to_owned(), text).unwrap();
        let mut columns = Columns::mapped(source.headers(), &[]).unwrap();
        source.hold(1_000).unwrap();
        let mut states = States::of(&source, &mut columns, Decimal::Point);
        let mut all = Vec::new();
        while let Some(row) = source.next_row().unwrap() {
            let standing = states.read(row);
            states.counted(standing);
            all.push((standing.state, standing.back));
        }
        (all, states.note())
    }

    fn of_words(words: &[&str]) -> Vec<State> {
        let text =
            format!("n,status\n{}", words.iter().map(|w| format!("1,{w}\n")).collect::<String>());
        standing(&text).0.into_iter().map(|(state, _)| state).collect()
    }

    #[test]
    fn the_words_of_shops_are_understood_however_they_are_written() {
        let back = [
            "wc-refunded",
            "Refunded",
            "CANCELED",
            "Charge-back",
            "denied",
            "wc-failed",
            "Cancelled by seller",
            "Refunded (full)",
            "Payment refunded",
            "Zurückerstattet",
        ];
        assert_eq!(of_words(&back), [State::TakenBack; 10]);
        let unpaid =
            ["requires_payment_method", "On hold", "wc-pending", "Pending payment", "not paid"];
        assert_eq!(of_words(&unpaid), [State::Unpaid; 5]);
        let holds = [
            "paid",
            "wc-completed",
            "Partially refunded",
            "processing",
            "1",
            "true",
            "Chargeback reversed",
            "Refund requested",
            "Refund failed",
            "Not refunded",
        ];
        assert_eq!(of_words(&holds), [State::Holds; 10]);
    }

    #[test]
    fn a_refund_may_have_failed_been_called_off_or_not_be_decided() {
        let [failed, cancelled, undecided] = [
            Doubts { failed: true, ..Doubts::default() },
            Doubts { cancelled: true, ..Doubts::default() },
            Doubts { undecided: true, ..Doubts::default() },
        ];
        for (word, wanted) in [
            ("Failed", failed),
            ("Refund failed", failed),
            ("DENIED", failed),
            ("Canceled", cancelled),
            ("Refund cancelled", cancelled),
            ("Refund pending", undecided),
            ("Chargeback reversed", undecided),
            ("won", undecided),
            ("Cancelled, refunded", Doubts::default()),
            ("Refunded", Doubts::default()),
            ("Completed", Doubts::default()),
            ("", Doubts::default()),
        ] {
            assert_eq!(doubts_of_word(word), wanted, "{word}");
        }
    }

    #[test]
    fn words_that_are_not_known_are_told_with_how_many_were_counted() {
        let (_, note) = standing("n,status\n1,paid\n1,Pondered\n1,Pondered\n1,Refund requested\n");
        let note = note.unwrap();
        assert!(note.contains("\"Pondered\" in status (2 rows), \"Refund requested\""), "{note}");
        assert_eq!(standing("n,status\n1,paid\n1,partially_refunded\n1,\n").1, None);
    }

    #[test]
    fn all_columns_are_read_and_a_yes_counts_only_where_it_is_asked() {
        let (all, _) = standing(
            "n,status,refunded,disputed,payment status\n1,paid,false,no,\n1,paid,true,0,\n\
             1,paid,0,1,\n1,pending,,,paid\n1,pending,,,\n1,yes,,,\n",
        );
        let states: Vec<State> = all.iter().map(|(state, _)| *state).collect();
        use State::{Holds, TakenBack, Unpaid};
        assert_eq!(states, [Holds, TakenBack, TakenBack, Holds, Unpaid, Holds]);
        let (all, _) = standing(
            "n,Refunded?,Fully Refunded?,Disputed?,Dispute Won?\n1,1,0,0,\n1,1,1,0,\n1,0,0,1,0\n\
             1,0,0,1,1\n",
        );
        let states: Vec<State> = all.iter().map(|(state, _)| *state).collect();
        assert_eq!(states, [Holds, TakenBack, TakenBack, Holds]);
    }

    #[test]
    fn figures_in_a_column_of_refunds_are_amounts() {
        let (all, _) = standing("n,refunded\n1,4\n1,0\n1,true\n1,10.00\n1,1\n1,\n");
        let part = |sum| (State::Holds, Some(sum));
        let holds = (State::Holds, None);
        assert_eq!(all, [part(4.0), holds, (State::TakenBack, None), part(10.0), part(1.0), holds]);
        assert_eq!(standing("n,refunded\n1,1\n1,0\n").0, [(State::TakenBack, None), holds]);
    }
}
