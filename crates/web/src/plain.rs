//! The program's own words as people read them: the filters `plain`, `provider` and `details`.
//!
//! What is stored and sent stays as it is; only pages speak so.

use serde_json::Value;

/// Stored words whose meaning is not plain by themselves.
const MEANINGS: &[(&str, &str)] = &[
    ("not_confirmed", "the address is not confirmed"),
    ("unsubscribed", "unsubscribed"),
    ("suppressed", "the address takes no mail"),
    ("no_consent", "gave no consent to this"),
    ("no_sales", "wants no mail that sells"),
    ("paused", "asked for a pause"),
    ("bought", "bought it in the meantime"),
    ("main", "the order itself"),
    ("bump", "ticked beside it"),
    ("upsell", "one-click offer"),
    ("downsell", "second one-click offer"),
];

/// Our own mails, and where others come from.
const MAILS: &[(&str, &str)] = &[
    ("abandoned_cart", "cart left behind"),
    ("cart", "cart left behind"),
    ("data_link", "link to one's own data"),
    ("free_order", "order without payment"),
    ("magnet", "free thing"),
    ("notice", "news about their order or address"),
    ("operator_test", "test"),
    ("referral", "thanks for a recommendation"),
    ("reset", "link to sign in"),
    ("sign_in", "link to sign in"),
    ("sold_out", "sold out, money goes back"),
    ("transfer", "how to pay"),
    ("unsubscribed", "goodbye after unsubscribing"),
    ("your_links", "links to stop or choose mail"),
];

/// What kind of mail it is: the name of one of our own, or where it comes from.
pub fn mail(kind: &str) -> String {
    let known = MAILS.iter().find(|(stored, _)| *stored == kind);
    known.map_or_else(|| kind.replace('_', " "), |(_, words)| (*words).to_owned())
}

/// A stored word or sentence as people read it.
pub fn plain(word: Option<String>) -> String {
    let word = word.unwrap_or_default();
    let known = MEANINGS.iter().find(|(stored, _)| *stored == word);
    known.map_or_else(|| word.replace('_', " "), |(_, meaning)| (*meaning).to_owned())
}

/// A way to pay: `test` is the built-in card that moves no money.
pub fn provider(word: &str) -> String {
    let name = match word {
        "test" => "test card",
        "offline" => "bank transfer",
        "stripe" => "Stripe",
        other => other,
    };
    name.to_owned()
}

/// An account of the ledger: `cash:test` is cash that came by the test card.
pub fn account(name: &str) -> String {
    match name.split_once(':') {
        Some((account, by)) => format!("{}, {}", plain(Some(account.to_owned())), provider(by)),
        None => plain(Some(name.to_owned())),
    }
}

/// A line of JSON as words: `{"amounts":2}` is `amounts: 2`.
pub fn details(json: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(pairs)) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}: {}", key.replace('_', " "), said(value))
            };
            pairs.iter().map(pair).collect::<Vec<_>>().join("; ")
        }
        Ok(value) => said(&value),
        Err(_) => json.to_owned(),
    }
}

fn said(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_are_read_as_people_say_them() {
        assert_eq!(plain(Some("not_confirmed".to_owned())), "the address is not confirmed");
        assert_eq!(plain(Some("hard_bounce".to_owned())), "hard bounce");
        assert_eq!(plain(None), "");
        assert_eq!(mail("abandoned_cart"), "cart left behind");
        assert_eq!(mail("sequence"), "sequence");
        assert_eq!(account("cash:test"), "cash, test card");
        assert_eq!(details(r#"{"amounts":2,"to":["a","b"]}"#), "amounts: 2; to: a, b");
        assert_eq!(details("{}"), "");
    }
}
