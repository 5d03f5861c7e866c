//! Words and signs that stand around the digits of an amount, and the currency they say.

use model::Currency;

/// Signs of currencies and how people write them in words, with their codes.
const SIGNS: &[(&str, &str)] = &[
    ("$", "USD"),
    ("＄", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("￡", "GBP"),
    ("¥", "JPY"),
    ("￥", "JPY"),
    ("₹", "INR"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₽", "RUB"),
    ("₴", "UAH"),
    ("₪", "ILS"),
    ("₫", "VND"),
    ("₦", "NGN"),
    ("₱", "PHP"),
    ("฿", "THB"),
    ("৳", "BDT"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("pound", "GBP"),
    ("pounds", "GBP"),
    ("yen", "JPY"),
    ("rs", "INR"),
    ("rupees", "INR"),
    ("fr", "CHF"),
    ("sfr", "CHF"),
    ("franken", "CHF"),
    ("zł", "PLN"),
    ("zl", "PLN"),
    ("kč", "CZK"),
    ("kc", "CZK"),
    ("ft", "HUF"),
    ("lei", "RON"),
    ("лв", "BGN"),
    ("руб", "RUB"),
    ("грн", "UAH"),
    ("tl", "TRY"),
    ("rm", "MYR"),
    ("rp", "IDR"),
    ("r", "ZAR"),
    ("s", "PEN"),
    ("ksh", "KES"),
    ("円", "JPY"),
    ("元", "CNY"),
    ("원", "KRW"),
    // Of Sweden, Norway or Denmark: a currency by itself, for want of more.
    ("kr", "kr"),
];

/// What stands before a sign that several countries have.
const BEFORE_SIGNS: &[(&str, &str)] = &[
    ("us", "USD"),
    ("ca", "CAD"),
    ("c", "CAD"),
    ("au", "AUD"),
    ("a", "AUD"),
    ("nz", "NZD"),
    ("hk", "HKD"),
    ("s", "SGD"),
    ("mx", "MXN"),
    ("nt", "TWD"),
    ("r", "BRL"),
    ("cn", "CNY"),
    ("jp", "JPY"),
];

/// Other words that stand beside amounts and counts and change nothing about them.
const WORDS: &[&str] = &[
    "total",
    "totals",
    "subtotal",
    "sum",
    "summe",
    "gesamt",
    "amount",
    "betrag",
    "montant",
    "price",
    "preis",
    "prix",
    "paid",
    "incl",
    "inkl",
    "inc",
    "including",
    "excl",
    "exkl",
    "excluding",
    "plus",
    "zzgl",
    "vat",
    "tax",
    "taxes",
    "mwst",
    "ust",
    "tva",
    "ttc",
    "ht",
    "hors",
    "taxe",
    "iva",
    "gst",
    "hst",
    "btw",
    "moms",
    "net",
    "netto",
    "gross",
    "brutto",
    "per",
    "pro",
    "par",
    "each",
    "je",
    "only",
    "once",
    "month",
    "monthly",
    "mo",
    "monat",
    "monatlich",
    "mois",
    "mes",
    "mese",
    "year",
    "yearly",
    "yr",
    "annual",
    "annually",
    "jahr",
    "jährlich",
    "an",
    "année",
    "week",
    "weekly",
    "woche",
    "day",
    "daily",
    "tag",
    "hour",
    "stunde",
    "user",
    "seat",
    "unit",
    "units",
    "item",
    "items",
    "piece",
    "pieces",
    "pc",
    "pcs",
    "ea",
    "x",
    "st",
    "stk",
    "stck",
    "stück",
    "pièce",
    "pièces",
];

/// The code of the currency that the cell of an amount names, if it names one.
pub fn currency(cell: &str) -> Option<&'static str> {
    let is_bare = |octet: u8| octet.is_ascii_digit() || matches!(octet, b'.' | b',' | b'-' | b' ');
    if cell.bytes().all(is_bare) {
        return None;
    }
    let sign = cell.char_indices().find_map(|(at, c)| {
        let code = found(SIGNS, cell.get(at..at + c.len_utf8())?)?;
        (!c.is_alphabetic()).then_some(code)
    });
    let of_word = |word: String| {
        let beside_sign = sign.and_then(|_| found(BEFORE_SIGNS, &word));
        beside_sign.or_else(|| code(&word)).or_else(|| found(SIGNS, &word))
    };
    words(cell).find_map(of_word).or(sign)
}

/// The code a cell of a column of currencies says, or what stands in it.
pub fn unit(cell: &str) -> String {
    currency(cell).map_or_else(|| cell.trim().to_uppercase(), str::to_owned)
}

/// Whether all that is written in letters is a currency, or changes nothing: `Order 55` is no
/// amount.
pub(super) fn are_known(text: &str) -> bool {
    let is_known = |word: String| {
        let word = word.as_str();
        WORDS.contains(&word)
            || found(SIGNS, word).is_some()
            || (found(BEFORE_SIGNS, word).is_some() && word.len() < 3)
            || code(word).is_some()
    };
    words(text).all(is_known)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let apart = text.split(|c: char| !c.is_alphabetic());
    apart.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

fn found(list: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == word).map(|(_, code)| *code)
}

fn code(word: &str) -> Option<&'static str> {
    let is_code = word.len() == 3 && word.bytes().all(|octet| octet.is_ascii_alphabetic());
    is_code.then(|| Currency::parse(word).ok()).flatten().map(Currency::code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_currency_is_read_from_signs_codes_and_words() {
        for (cell, wanted) in [
            ("$100", Some("USD")),
            ("US$ 5", Some("USD")),
            ("CA$5.00", Some("CAD")),
            ("R$ 10", Some("BRL")),
            ("R 10", Some("ZAR")),
            ("€20", Some("EUR")),
            ("1.234,56 €", Some("EUR")),
            ("USD 100.00", Some("USD")),
            ("2000 jpy", Some("JPY")),
            ("Rs. 1,250", Some("INR")),
            ("199 kr", Some("kr")),
            ("Total: £5", Some("GBP")),
            ("19,00 Euro/Monat", Some("EUR")),
            ("19.00", None),
            ("19.00 (incl. VAT)", None),
        ] {
            assert_eq!(currency(cell), wanted, "{cell}");
        }
        assert_eq!(
            (unit("usd"), unit("€"), unit("points")),
            ("USD".into(), "EUR".into(), "POINTS".into())
        );
    }

    #[test]
    fn a_word_that_is_no_currency_makes_no_amount() {
        assert!(are_known("incl. VAT") && are_known("US$") && are_known("kr.") && are_known("-"));
        for text in ["Order", "v", "k", "nd", "Room"] {
            assert!(!are_known(text), "{text}");
        }
    }
}
