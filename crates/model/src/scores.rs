//! Scores: rules that give points for what a contact did.

use serde_json::Value;

use crate::contacts::{Contact, clean, tag};
use crate::ids::{FormId, MagnetId, ScoreRuleId};
use crate::words::words;
use crate::{Refused, UtcMs};

words! {
    /// What gives points.
    Cause "score_cause" {
        /// A form was sent.
        FormSent = "form_sent",
        /// A consent was given: the address is theirs.
        Confirmed = "confirmed",
        /// A free thing was fetched.
        MagnetFetched = "magnet_fetched",
        /// A person clicked a link of a mail.
        LinkClicked = "link_clicked",
        /// A tag was put on.
        TagAdded = "tag_added",
        /// An order was begun.
        OrderBegun = "order_begun",
        /// A cart was left behind.
        CartLeft = "cart_left",
        /// An order was paid.
        OrderPaid = "order_paid",
        /// A one-click offer was taken.
        OfferTaken = "offer_taken",
        /// A one-click offer was declined.
        OfferDeclined = "offer_declined",
        /// Money went back.
        Refunded = "refunded",
        /// A recommendation counted.
        Recommended = "recommended",
        /// A consent was withdrawn.
        ConsentWithdrawn = "consent_withdrawn",
        /// A mail came back.
        MailBounced = "mail_bounced",
        /// A field is filled in, or has a value.
        Field = "field",
    }
}

/// Characters of a rule's name, and of what it is about.
const TEXT_MAX: usize = 100;
/// Characters of a group.
const TOPIC_MAX: usize = 40;
/// Points of one thing.
const POINTS_MAX: i64 = 1_000;
/// Times that count.
const TIMES_MAX: i64 = 100;
/// Points a rule comes to in all.
const SUM_MAX: i64 = 10_000;
/// Half-lives: ten years.
const HALF_LIFE_MAX: i64 = 3_650;
/// Rules of a site: more than anybody can explain.
pub const RULES_MAX: usize = 50;

impl Cause {
    /// The kind of event; none where it is a field.
    pub fn event(self) -> Option<&'static str> {
        Some(match self {
            Self::FormSent => "form.submitted",
            Self::Confirmed => "consent.granted",
            Self::MagnetFetched => "magnet.downloaded",
            Self::LinkClicked => "message.clicked",
            Self::TagAdded => "tag.added",
            Self::OrderBegun => "order.created",
            Self::CartLeft => "cart.abandoned",
            Self::OrderPaid => "order.paid",
            Self::OfferTaken => "offer.accepted",
            Self::OfferDeclined => "offer.declined",
            Self::Refunded => "order.refunded",
            Self::Recommended => "referral.qualified",
            Self::ConsentWithdrawn => "consent.withdrawn",
            Self::MailBounced => "message.bounced",
            Self::Field => return None,
        })
    }

    /// As people read it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::FormSent => "Sent a form",
            Self::Confirmed => "Agreed to get mail",
            Self::MagnetFetched => "Fetched a free thing",
            Self::LinkClicked => "Clicked a link of a mail",
            Self::TagAdded => "Got a tag",
            Self::OrderBegun => "Began to buy",
            Self::CartLeft => "Left a cart behind",
            Self::OrderPaid => "Paid an order",
            Self::OfferTaken => "Took a one-click offer",
            Self::OfferDeclined => "Declined a one-click offer",
            Self::Refunded => "Got money back",
            Self::Recommended => "Brought someone",
            Self::ConsentWithdrawn => "Withdrew a consent",
            Self::MailBounced => "A mail came back",
            Self::Field => "A field says",
        }
    }
}

/// A rule that gives points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: ScoreRuleId,
    /// As people call it.
    pub name: String,
    /// What gives points.
    pub cause: Cause,
    /// Which of them: the id of a form or a free thing, a tag, part of an address, a field. Empty:
    /// any.
    pub about: String,
    /// The value of a field; empty: any.
    pub value: String,
    /// Points each time; below zero they are taken away.
    pub points: i64,
    /// Only the newest so many count.
    pub times_max: Option<i64>,
    /// No more points than so many in all.
    pub points_max: Option<i64>,
    /// Days after which half of the points are left.
    pub half_life_days: Option<i64>,
    /// The group its points are shown under.
    pub topic: String,
    /// Whether it counts.
    pub is_on: bool,
    /// When it was written.
    pub created_at: UtcMs,
    /// When it was last changed.
    pub updated_at: UtcMs,
}

impl Rule {
    /// Whether an event is what it is about. `data` is asked for only where the rule looks inside.
    pub fn matches(&self, kind: &str, subject: Option<i64>, data: impl FnOnce() -> Value) -> bool {
        if self.cause.event() != Some(kind) {
            return false;
        }
        if self.about.is_empty() {
            return true;
        }
        let holds = |key: &str, is: &dyn Fn(&str) -> bool| {
            data().get(key).and_then(Value::as_str).is_some_and(is)
        };
        match self.cause {
            Cause::FormSent => self.about.parse::<FormId>().ok().map(|id| id.0) == subject,
            Cause::MagnetFetched => self.about.parse::<MagnetId>().ok().map(|id| id.0) == subject,
            Cause::LinkClicked => holds("to", &|to| to.contains(&self.about)),
            Cause::TagAdded => holds("tag", &|tag| tag == self.about),
            _ => true,
        }
    }

    /// Whether a field of a contact is what it is about.
    pub fn holds(&self, contact: &Contact) -> bool {
        if self.cause != Cause::Field {
            return false;
        }
        let found = match self.about.as_str() {
            "language" => contact.language.as_deref(),
            "timezone" => contact.timezone.as_deref(),
            field => contact.fields.get(field).map(String::as_str),
        };
        let found = found.map(str::trim).filter(|text| !text.is_empty());
        found.is_some_and(|text| {
            self.value.is_empty() || text.to_lowercase() == self.value.to_lowercase()
        })
    }

    /// The rule with its texts cleaned, if it can stand.
    ///
    /// # Errors
    /// Every field that must be mended.
    pub fn checked(mut self) -> Result<Self, Vec<Refused>> {
        self.name = clean(&self.name, TEXT_MAX);
        self.about = clean(&self.about, TEXT_MAX);
        self.value = clean(&self.value, TEXT_MAX);
        self.topic = clean(&self.topic, TOPIC_MAX).to_lowercase();
        if self.name.is_empty() {
            self.name = self.cause.sentence().to_owned();
        }
        if self.topic.is_empty() {
            "interest".clone_into(&mut self.topic);
        }
        let mut wrong = self.about_wrong();
        let mut must = |holds: bool, field: &'static str, message: String| {
            if !holds {
                wrong.push(Refused::new("score_rule", message).at(field));
            }
        };
        let within = |n: Option<i64>, most: i64| n.is_none_or(|n| (1..=most).contains(&n));
        let points = self.points != 0 && self.points.unsigned_abs() <= POINTS_MAX.unsigned_abs();
        must(points, "points", format!("give from 1 to {POINTS_MAX} points, or take as many away"));
        let times = format!("let from 1 to {TIMES_MAX} of them count, or leave it empty");
        must(within(self.times_max, TIMES_MAX), "times_max", times);
        let most = format!("cap at 1 to {SUM_MAX} points, or leave it empty");
        must(within(self.points_max, SUM_MAX), "points_max", most);
        let days = format!("give a half-life of 1 to {HALF_LIFE_MAX} days, or leave it empty");
        must(within(self.half_life_days, HALF_LIFE_MAX), "half_life_days", days);
        if wrong.is_empty() { Ok(self) } else { Err(wrong) }
    }

    /// What must be mended about what it is about.
    fn about_wrong(&mut self) -> Vec<Refused> {
        let mut wrong = Vec::new();
        let mut refuse = |field: &'static str, message: &str| {
            wrong.push(Refused::new("score_rule", message).at(field));
        };
        match self.cause {
            Cause::FormSent | Cause::MagnetFetched => {
                let is_id =
                    self.about.parse::<FormId>().is_ok() || self.about.parse::<MagnetId>().is_ok();
                if !self.about.is_empty() && !is_id {
                    refuse("cause", "choose one of the list");
                }
            }
            Cause::TagAdded => self.about = tag(&self.about).unwrap_or_default(),
            Cause::Field => {
                if self.about.is_empty() {
                    refuse("about", "name the field: as it is called on the contact");
                }
                if self.half_life_days.is_some() {
                    let message = "a field says what is so now: it has no age to fade with";
                    refuse("half_life_days", message);
                }
                self.times_max = None;
            }
            Cause::LinkClicked => {}
            _ => self.about.clear(),
        }
        if self.cause != Cause::Field {
            self.value.clear();
        }
        wrong
    }
}

/// Rules that fit most: people who ask, answer and buy are warm, and cool down again.
pub fn usual() -> Vec<Rule> {
    let rule = |name: &str, cause, points, topic: &str| Rule {
        id: ScoreRuleId(0),
        name: name.to_owned(),
        cause,
        about: String::new(),
        value: String::new(),
        points,
        times_max: None,
        points_max: None,
        half_life_days: None,
        topic: topic.to_owned(),
        is_on: true,
        created_at: UtcMs(0),
        updated_at: UtcMs(0),
    };
    let fading = |rule: Rule, times, days| Rule {
        times_max: Some(times),
        half_life_days: Some(days),
        ..rule
    };
    vec![
        Rule { times_max: Some(1), ..rule("Confirmed the address", Cause::Confirmed, 5, "fit") },
        fading(rule("Asked for something", Cause::FormSent, 5, "interest"), 3, 60),
        fading(rule("Fetched a free thing", Cause::MagnetFetched, 10, "interest"), 3, 60),
        fading(rule("Clicked in a mail", Cause::LinkClicked, 5, "interest"), 10, 30),
        fading(rule("Began to buy", Cause::OrderBegun, 15, "intent"), 2, 14),
        fading(rule("Left a cart behind", Cause::CartLeft, 10, "intent"), 1, 14),
        fading(rule("Bought", Cause::OrderPaid, 30, "customer"), 5, 180),
        fading(rule("Got money back", Cause::Refunded, -20, "customer"), 5, 180),
        rule("Brought someone", Cause::Recommended, 10, "customer"),
        Rule {
            times_max: Some(1),
            ..rule("Withdrew a consent", Cause::ConsentWithdrawn, -30, "interest")
        },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(cause: Cause, about: &str) -> Rule {
        let usual = usual().into_iter().next().unwrap();
        Rule { cause, about: about.to_owned(), ..usual }
    }

    #[test]
    fn a_rule_matches_what_it_is_about_and_nothing_else() {
        let click = || json!({ "to": "https://shop.example/p/guide?x=1" });
        assert!(rule(Cause::LinkClicked, "").matches("message.clicked", None, click));
        assert!(rule(Cause::LinkClicked, "/p/guide").matches("message.clicked", None, click));
        assert!(!rule(Cause::LinkClicked, "/p/other").matches("message.clicked", None, click));
        assert!(!rule(Cause::LinkClicked, "").matches("order.paid", None, click));
        let form = FormId(7);
        let of_form = rule(Cause::FormSent, &form.to_string());
        assert!(of_form.matches("form.submitted", Some(7), || Value::Null));
        assert!(!of_form.matches("form.submitted", Some(8), || Value::Null));
        assert!(!of_form.matches("form.submitted", None, || Value::Null));
        let tag = || json!({ "tag": "fern" });
        assert!(rule(Cause::TagAdded, "fern").matches("tag.added", None, tag));
        assert!(!rule(Cause::TagAdded, "fer").matches("tag.added", None, tag));
    }

    #[test]
    fn the_usual_rules_can_stand() {
        for rule in usual() {
            assert_eq!(rule.clone().checked(), Ok(rule));
        }
    }

    #[test]
    fn what_must_be_mended_is_said_at_its_field() {
        let bad = Rule {
            points: 0,
            times_max: Some(0),
            points_max: Some(99_999),
            half_life_days: Some(-1),
            ..rule(Cause::FormSent, "no id")
        };
        let wrong = bad.checked().unwrap_err();
        let mut fields: Vec<&str> =
            wrong.iter().map(|w| w.field.as_deref().unwrap_or_default()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["cause", "half_life_days", "points", "points_max", "times_max"]);
        let field = Rule { half_life_days: Some(3), ..rule(Cause::Field, "") };
        assert_eq!(field.checked().unwrap_err().len(), 2);
        let extreme = Rule { points: i64::MIN + 1, ..rule(Cause::Confirmed, "") };
        assert_eq!(extreme.checked().unwrap_err().len(), 1);
    }
}
