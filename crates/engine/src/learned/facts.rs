//! What the site had seen of a contact when its first days were over.

use std::collections::BTreeMap;

use model::SiteId;
use model::UtcMs;
use model::ids::{ContactId, EventId, FormId, made_at};
use serde_json::Value;
use store::Session;

use super::{IMPORTED_MS, SEEN_DAYS};
use crate::fault::Result;

/// Events of a contact that are looked at.
const EVENTS_MAX: i64 = 2_000;
/// Answers with more characters than this name a person rather than describe one.
const WORD_MAX: usize = 60;

/// What names a person and says nothing else.
const NAMING: &[&str] =
    &["email", "e-mail", "mail", "name", "phone", "tel", "address", "street", "message", "note"];

fn is_naming(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMING.iter().any(|part| name.contains(part))
}

/// One thing that is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    Number(f64),
    Word(String),
}

/// A contact as it stood when its first days were over.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub(super) facts: BTreeMap<String, Fact>,
    /// When its first order was paid, if one ever was.
    pub(super) bought: Option<UtcMs>,
    /// When its first days were over.
    pub(super) seen_at: UtcMs,
}

/// What was done how often, by the kind of event, in the order in which things are learned where
/// there are too few buyers to learn all.
pub(super) const COUNTED: [(&str, &str); 6] = [
    ("clicks", "message.clicked"),
    ("orders begun", "order.created"),
    ("free things fetched", "magnet.downloaded"),
    ("forms sent", "form.submitted"),
    ("carts left", "cart.abandoned"),
    ("consents", "consent.granted"),
];
/// The words, in that order.
pub(super) const WORDS: [&str; 3] = ["channel", "form", "source"];
/// Before the name of an answer.
pub(super) const ANSWER: &str = "answer: ";

/// The case of a contact; nothing where it is none: erased, a test, brought by an import, or it
/// bought before its first days were over.
pub(super) async fn read(
    session: &mut Session<'_>,
    site: SiteId,
    id: ContactId,
) -> Result<Option<Case>> {
    let Some(contact) = store::contacts::find(session, site, id).await? else { return Ok(None) };
    let came = contact.created_at;
    let is_imported = made_at(id.0).since_ms(came).abs() > IMPORTED_MS;
    if contact.is_test || contact.is_erased() || is_imported {
        return Ok(None);
    }
    let seen_at = came.plus_days(SEEN_DAYS);
    let bought = store::learned_scores::first_paid(session, site, id).await?;
    if bought.is_some_and(|at| at <= seen_at) {
        return Ok(None);
    }
    let mut facts = BTreeMap::new();
    let events =
        store::events::list_of_contact(session, site, id, EventId(i64::MAX), EVENTS_MAX).await?;
    let seen: Vec<_> = events.iter().filter(|event| event.at <= seen_at).collect();
    for (name, kind) in COUNTED {
        let count = seen.iter().filter(|event| event.kind == kind).count();
        facts.insert(name.to_owned(), Fact::Number(numbers::real::real_len(count)));
    }
    let first_form = seen.iter().rev().find(|event| event.kind == "form.submitted");
    if let Some(form) = first_form.and_then(|event| event.subject_id) {
        facts.insert("form".to_owned(), Fact::Word(FormId(form).to_string()));
    }
    for touch in store::touches::of_contact(session, site, id, 1).await? {
        facts.insert("channel".to_owned(), Fact::Word(touch.channel.as_str().to_owned()));
        if let Some(source) = touch.touch.utm.source {
            facts.insert("source".to_owned(), Fact::Word(source.to_lowercase()));
        }
    }
    for answer in store::forms::submissions_of_contact(session, site, id).await? {
        if answer.created_at <= seen_at && answer.state == "accepted" {
            answers(&answer.answers, &mut facts);
        }
    }
    Ok(Some(Case { facts, bought, seen_at }))
}

/// What was answered, by the name of the field: the last answer counts.
fn answers(text: &str, facts: &mut BTreeMap<String, Fact>) {
    let Ok(Value::Object(answers)) = serde_json::from_str(text) else { return };
    for (name, given) in answers {
        let given = match given {
            Value::String(text) => text,
            Value::Array(all) => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                all.join(", ")
            }
            _ => continue,
        };
        let given = given.trim();
        if !given.is_empty() && given.chars().count() <= WORD_MAX && !is_naming(&name) {
            facts.insert(format!("{ANSWER}{name}"), Fact::Word(given.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_describe_are_read_and_those_that_name_are_not() {
        let mut facts = BTreeMap::new();
        let text = r#"{"email":["a@b.example"],"garden":["balcony"],"first_name":["Ann"],
            "likes":["ferns","moss"],"empty":[" "]}"#;
        answers(text, &mut facts);
        let names: Vec<&str> = facts.keys().map(String::as_str).collect();
        assert_eq!(names, ["answer: garden", "answer: likes"]);
        answers("not json", &mut facts);
    }
}
