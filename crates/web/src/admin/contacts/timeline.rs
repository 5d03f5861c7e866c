//! What happened to a contact, in sentences.

use model::UtcMs;
use serde::Serialize;
use serde_json::Value;
use store::events::Event;

use crate::words::money_text;

/// One line of the timeline; what `ui.timeline` takes.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub(super) at: UtcMs,
    icon: &'static str,
    tone: &'static str,
    text: String,
    href: Option<String>,
    note: Option<String>,
}

impl Line {
    /// An event in words. Kinds this page does not know are shown by their own name.
    pub(super) fn of(event: &Event) -> Self {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let (icon, tone, text) = words(&event.kind, &data);
        Self { at: event.at, icon, tone, text, href: href(event), note: note(&data) }
    }

    /// The sentence with its note, and where it leads.
    pub(super) fn told(self) -> (String, Option<String>) {
        let text = match self.note {
            Some(note) => format!("{}: {note}", self.text),
            None => self.text,
        };
        (text, self.href)
    }

    /// A page viewed on a visit that is known to be the contact's.
    pub(super) fn viewed(at: UtcMs, page: &str) -> Self {
        let text = format!("Viewed {page}");
        Self { at, icon: "eye", tone: "plain", text, href: None, note: None }
    }
}

/// The picture, the tone and the sentence of a kind.
fn words(kind: &str, data: &Value) -> (&'static str, &'static str, String) {
    let named = |noun: &str| {
        let name = ["name", "tag", "form", "sequence", "title", "product"]
            .iter()
            .find_map(|key| data.get(key).and_then(Value::as_str));
        name.map_or_else(|| noun.to_owned(), |name| format!("{noun} “{name}”"))
    };
    let (icon, tone, text) = match kind {
        "contact.created" => ("users", "plain", "Became a contact".to_owned()),
        "contact.updated" => ("pencil", "plain", "Details were changed".to_owned()),
        "contact.erased" => ("trash-2", "warn", "Was erased on request".to_owned()),
        "form.submitted" => ("magnet", "info", named("Filled in the form")),
        "consent.granted" => ("shield-check", "good", "Agreed to get mail".to_owned()),
        "consent.withdrawn" => ("user-x", "warn", "Withdrew consent".to_owned()),
        "tag.added" => ("tag", "plain", named("Got the tag")),
        "tag.removed" => ("tag", "plain", named("Lost the tag")),
        "magnet.downloaded" => ("download", "good", named("Downloaded")),
        "sequence.entered" => ("send", "info", named("Entered the sequence")),
        "sequence.exited" => ("log-out", "plain", named("Left the sequence")),
        "message.queued" => ("clock", "plain", "A mail was put in the queue".to_owned()),
        "message.sent" => ("mail-check", "plain", "A mail was delivered".to_owned()),
        "message.deferred" => ("timer", "warn", "A mail was put off by the receiver".to_owned()),
        "message.held" => ("pause", "warn", "A mail is held for a look".to_owned()),
        "message.skipped" => ("ban", "warn", "A mail was not sent".to_owned()),
        "message.bounced" => ("x", "bad", "A mail came back".to_owned()),
        "message.complained" => ("ban", "bad", "Reported a mail as spam".to_owned()),
        "message.clicked" => ("target", "good", "Clicked a link".to_owned()),
        "cart.abandoned" => ("shopping-cart", "warn", "Left a cart behind".to_owned()),
        "order.created" => ("shopping-cart", "info", "Began to buy".to_owned()),
        "order.paid" => ("shopping-bag", "good", "Bought".to_owned()),
        "order.refunded" => ("undo-2", "warn", "Got money back".to_owned()),
        "offer.shown" => ("eye", "plain", "Saw the next offer".to_owned()),
        "offer.accepted" => ("check", "good", "Took the next offer".to_owned()),
        "offer.declined" => ("x", "plain", "Declined the next offer".to_owned()),
        "coupon.redeemed" => ("badge-percent", "plain", named("Used a coupon")),
        "referral.qualified" => ("gift", "good", "A recommendation counted".to_owned()),
        other => ("circle", "plain", other.replace(['.', '_'], " ")),
    };
    (icon, tone, text)
}

fn href(event: &Event) -> Option<String> {
    let id = event.subject_id?;
    let noun = event.kind.split('.').next().unwrap_or_default();
    match noun {
        "order" => Some(format!("/admin/orders/{}", model::ids::OrderId(id))),
        "message" => Some(format!("/admin/messages/{}", model::ids::MessageId(id))),
        _ => None,
    }
}

fn note(data: &Value) -> Option<String> {
    if let (Some(minor), Some(currency)) =
        (data.get("amount").and_then(Value::as_i64), data.get("currency").and_then(Value::as_str))
    {
        return Some(money_text(minor, currency));
    }
    let words = ["reason", "why", "subject", "url", "source"];
    words.iter().find_map(|key| data.get(key).and_then(Value::as_str)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::EventId;

    #[test]
    fn an_event_is_a_sentence_and_money_is_written_out() {
        let event = Event {
            id: EventId(1),
            at: UtcMs(0),
            kind: "order.paid".to_owned(),
            contact_id: None,
            subject_id: Some(5),
            data: r#"{"amount": 1900, "currency": "USD"}"#.to_owned(),
        };
        let line = Line::of(&event);
        assert_eq!((line.text.as_str(), line.note.as_deref()), ("Bought", Some("$19.00")));
        assert!(line.href.unwrap().starts_with("/admin/orders/ord_"));
    }

    #[test]
    fn every_picture_is_in_the_sheet() {
        let icons = crate::assets::text("icons.svg").unwrap();
        for kind in [
            "contact.created",
            "contact.updated",
            "contact.erased",
            "form.submitted",
            "consent.granted",
            "consent.withdrawn",
            "tag.added",
            "magnet.downloaded",
            "sequence.entered",
            "sequence.exited",
            "message.queued",
            "message.sent",
            "message.deferred",
            "message.held",
            "message.skipped",
            "message.bounced",
            "message.complained",
            "message.clicked",
            "cart.abandoned",
            "order.created",
            "order.paid",
            "order.refunded",
            "offer.shown",
            "offer.accepted",
            "offer.declined",
            "coupon.redeemed",
            "referral.qualified",
            "something.else",
        ] {
            let (icon, _, _) = words(kind, &Value::Null);
            assert!(icons.contains(&format!("id=\"{icon}\"")), "{kind}: {icon}");
        }
    }
}
