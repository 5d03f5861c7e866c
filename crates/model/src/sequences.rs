//! Sequences: follow-up in steps, each due a while after the one before it.

use serde::{Deserialize, Serialize};

use crate::ids::{OfferId, ProductId, StepId, TemplateId};
use crate::messages::Class;
use crate::refused::Refused;
use crate::schedule::{DayMeans, Wait, Weekly, Window};
use crate::times::UtcMs;
use crate::words::words;
use crate::zones::Zone;

/// More steps than this in one sequence is a mistake.
pub const STEPS_MAX: usize = 200;

/// What a step does when it is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepKind {
    /// Sends a mail.
    Mail {
        /// Its content: the template's published version at the time.
        template: TemplateId,
        /// Its class.
        class: Class,
    },
    /// Puts a tag on the contact.
    Tag {
        /// The tag.
        tag: String,
    },
    /// Ends the sequence for this contact.
    End,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Stays the same from version to version, so that no one gets a step twice.
    pub id: StepId,
    /// How long after the step before (or after joining).
    pub wait: Wait,
    /// Only in these hours, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Only at this weekly hour, if given; the window is then not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<Weekly>,
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
}

impl Step {
    /// What a day means in this step's wait: of the calendar where it keeps to an hour of the day,
    /// else 24 hours. Shown on the screen beside the step.
    pub fn day_means(&self) -> DayMeans {
        if self.window.is_some() || self.weekly.is_some() {
            DayMeans::Calendar
        } else {
            DayMeans::Hours24
        }
    }

    /// When it is due, the step before it having run at `before`.
    pub fn due_at(&self, before: UtcMs, zone: &Zone) -> UtcMs {
        let earliest = self.wait.after(before, zone, self.day_means());
        match (self.weekly, self.window) {
            (Some(weekly), _) => weekly.next(earliest, zone).at,
            (None, Some(window)) => window.next(earliest, zone),
            (None, None) => earliest,
        }
    }
}

words! {
    /// Whose clock the steps go by.
    ZoneOf "zone_of" {
        /// The contact's where it is known, else the site's.
        Contact = "contact",
        /// The site's.
        Site = "site",
    }
}

/// What ends a sequence for a contact before its last step. Looked at when a step is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case", deny_unknown_fields)]
pub enum Exit {
    /// The contact bought this product, or any where none is named, since joining.
    Bought {
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        product: Option<ProductId>,
    },
    /// The contact has this tag.
    Tagged {
        /// Which.
        tag: String,
    },
    /// The offer is over for this contact.
    DeadlinePassed {
        /// Which.
        offer: OfferId,
    },
}

impl Exit {
    /// The word kept with the enrolment as the reason it ended.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bought { .. } => "bought",
            Self::Tagged { .. } => "tagged",
            Self::DeadlinePassed { .. } => "deadline_passed",
        }
    }
}

/// What is known of a contact when an exit is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Products bought since joining.
    pub bought: Vec<ProductId>,
    /// Tags now.
    pub tags: Vec<String>,
    /// Offers that are over for this contact.
    pub offers_over: Vec<OfferId>,
}

/// One version of a sequence: what runs. A published version never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Whose clock.
    pub zone_of: ZoneOf,
    /// In order.
    pub steps: Vec<Step>,
    /// Any of these ends it.
    #[serde(default)]
    pub exits: Vec<Exit>,
}

impl Version {
    /// Checks what cannot be right.
    ///
    /// # Errors
    /// `sequence_empty`, `sequence_too_long`, `step_twice`, `step_after_end`, `tag_missing`.
    pub fn check(&self) -> Result<(), Refused> {
        if self.steps.is_empty() {
            return Err(Refused::new("sequence_empty", "give the sequence at least one step"));
        }
        if self.steps.len() > STEPS_MAX {
            return Err(Refused::new(
                "sequence_too_long",
                format!("a sequence has {STEPS_MAX} steps at most: split it in two"),
            ));
        }
        for (at, step) in self.steps.iter().enumerate() {
            let place = format!("steps[{at}]");
            if self.steps.iter().take(at).any(|earlier| earlier.id == step.id) {
                return Err(Refused::new("step_twice", "this step stands here twice").at(place));
            }
            if step.kind == StepKind::End && at + 1 < self.steps.len() {
                return Err(Refused::new(
                    "step_after_end",
                    "nothing after this step would ever run: move it to the end",
                )
                .at(place));
            }
            if matches!(&step.kind, StepKind::Tag { tag } if tag.trim().is_empty()) {
                return Err(Refused::new("tag_missing", "name the tag").at(place));
            }
        }
        Ok(())
    }

    /// The place of a step.
    pub fn place_of(&self, id: StepId) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }

    /// The step after `id`, or the first where `id` is none.
    pub fn step_after(&self, id: Option<StepId>) -> Option<&Step> {
        match id {
            None => self.steps.first(),
            Some(id) => self.steps.get(self.place_of(id)? + 1),
        }
    }

    /// The first exit that holds.
    pub fn exit_for(&self, facts: &Facts) -> Option<&Exit> {
        self.exits.iter().find(|exit| match exit {
            Exit::Bought { product: None } => !facts.bought.is_empty(),
            Exit::Bought { product: Some(product) } => facts.bought.contains(product),
            Exit::Tagged { tag } => facts.tags.contains(tag),
            Exit::DeadlinePassed { offer } => facts.offers_over.contains(offer),
        })
    }
}

/// When each step would be due for someone who joins at `joined_at` and meets no cap: what the
/// screen shows as "someone joining now".
pub fn plan_dates(version: &Version, joined_at: UtcMs, zone: &Zone) -> Vec<(StepId, UtcMs)> {
    let mut before = joined_at;
    version
        .steps
        .iter()
        .map(|step| {
            before = step.due_at(before, zone);
            (step.id, before)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> UtcMs {
        UtcMs::from(text.parse::<jiff::Timestamp>().unwrap())
    }

    fn mail(id: i64, wait: &str, window: Option<&str>) -> Step {
        Step {
            id: StepId(id),
            wait: wait.parse().unwrap(),
            window: window.map(|text| text.parse().unwrap()),
            weekly: None,
            kind: StepKind::Mail { template: TemplateId(9), class: Class::Value },
        }
    }

    fn version(steps: Vec<Step>) -> Version {
        Version { zone_of: ZoneOf::Contact, steps, exits: Vec::new() }
    }

    #[test]
    fn someone_joining_now_sees_real_dates_across_a_change_of_clocks() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let mut weekly = mail(4, "1 day", None);
        weekly.weekly = Some(Weekly::parse("tue 18:00").unwrap());
        let steps = vec![
            mail(1, "0 minutes", None),
            mail(2, "2 days", None),
            mail(3, "2 days", Some("mon-fri 09:00-17:00")),
            weekly,
        ];
        let dates = plan_dates(&version(steps), utc("2026-03-26T20:15Z"), &berlin);
        let wanted =
            ["2026-03-26T20:15Z", "2026-03-28T20:15Z", "2026-03-31T07:00Z", "2026-04-07T16:00Z"];
        // 48 hours to the second; then two calendar days (30 March, 21:15) and the next opening;
        // then the first Tuesday evening a day after that.
        assert_eq!(dates.iter().map(|(_, at)| *at).collect::<Vec<_>>(), wanted.map(utc));
    }

    #[test]
    fn exits_hold_by_facts_alone() {
        let mut version = version(vec![mail(1, "1 day", None)]);
        version.exits = vec![
            Exit::Bought { product: Some(ProductId(5)) },
            Exit::DeadlinePassed { offer: OfferId(7) },
            Exit::Tagged { tag: "vip".to_owned() },
        ];
        let word = |facts: &Facts| version.exit_for(facts).map(Exit::as_str);
        assert_eq!(word(&Facts::default()), None);
        assert_eq!(word(&Facts { bought: vec![ProductId(4)], ..Facts::default() }), None);
        assert_eq!(word(&Facts { bought: vec![ProductId(5)], ..Facts::default() }), Some("bought"));
        let over = Facts { offers_over: vec![OfferId(7)], ..Facts::default() };
        assert_eq!(word(&over), Some("deadline_passed"));
        assert_eq!(
            word(&Facts { tags: vec!["vip".to_owned()], ..Facts::default() }),
            Some("tagged")
        );
    }

    #[test]
    fn a_version_reads_back_from_its_json_and_refuses_what_cannot_be_right() {
        let good = version(vec![mail(1, "1 day", Some("09:00-17:00")), mail(2, "3 hours", None)]);
        let json = serde_json::to_string(&good).unwrap();
        assert!(json.contains(r#""wait":"1 day","window":"09:00-17:00","kind":"mail""#), "{json}");
        assert_eq!(serde_json::from_str::<Version>(&json).unwrap(), good);
        assert!(good.check().is_ok());
        assert_eq!(good.step_after(None).unwrap().id, StepId(1));
        assert_eq!(good.step_after(Some(StepId(1))).unwrap().id, StepId(2));
        assert!(good.step_after(Some(StepId(2))).is_none());
        let code = |steps| version(steps).check().unwrap_err().code;
        assert_eq!(code(Vec::new()), "sequence_empty");
        assert_eq!(code(vec![mail(1, "1 day", None), mail(1, "1 day", None)]), "step_twice");
        let end = Step { kind: StepKind::End, ..mail(3, "1 day", None) };
        assert_eq!(code(vec![end, mail(1, "1 day", None)]), "step_after_end");
    }
}
