//! Segments: saved rules about contacts. A rule is a tree of *all of*, *any of* and *not* over
//! statements that are each true of a contact or not.

use serde::{Deserialize, Serialize};

use crate::channels::Channel;
use crate::contacts::Status;
use crate::ids::{ProductId, TopicId};
use crate::refused::Refused;

/// Deeper trees nobody reads.
const DEPTH_MAX: usize = 6;
/// Each statement is a question to the database.
const STATEMENTS_MAX: usize = 40;
/// Characters of a name.
pub const NAME_MAX: usize = 100;

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// All of these hold.
    All(Vec<Rule>),
    /// At least one of these holds.
    Any(Vec<Rule>),
    /// This does not hold.
    Not(Box<Rule>),
    /// This is true of the contact.
    Is(Statement),
}

/// What is true of a contact, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// Has ordered.
    Customer,
    /// Stands in these cells of the grid of recency, frequency and money.
    Rfm(Cells),
    /// Has a product, and has not given it back.
    Bought(ProductId),
    /// Has a tag.
    Tag(String),
    /// Reads a topic.
    Topic(TopicId),
    /// Came first by a channel.
    Channel(Channel),
    /// Has placed so many orders or more.
    OrdersAtLeast(i64),
    /// Has brought so much margin or more, in minor units of the site's currency.
    MarginAtLeast(i64),
    /// Ordered within so many days.
    OrderedWithin(i64),
    /// Stands so towards the newsletter.
    Status(Status),
}

/// A block of cells: scores from 1 to 5, both ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cells {
    /// How recently.
    pub r: (u8, u8),
    /// How often.
    pub f: (u8, u8),
    /// For how much.
    pub m: (u8, u8),
}

/// Every score.
pub const ANY_SCORE: (u8, u8) = (1, 5);

impl Cells {
    /// Whether these are scores, in order.
    fn sound(&self) -> bool {
        [self.r, self.f, self.m].iter().all(|(from, to)| 1 <= *from && from <= to && *to <= 5)
    }
}

impl Rule {
    /// The rule that the text holds.
    ///
    /// # Errors
    /// It is none, or too large.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refused = |_| Refused::new("rule_invalid", "this is not a rule").at("rule");
        let rule: Self = serde_json::from_str(text).map_err(refused)?;
        rule.check()?;
        Ok(rule)
    }

    /// As it is stored.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether a contact fits, where `holds` says which statements are true of it.
    pub fn fits(&self, holds: &impl Fn(&Statement) -> bool) -> bool {
        match self {
            Self::All(rules) => rules.iter().all(|rule| rule.fits(holds)),
            Self::Any(rules) => rules.iter().any(|rule| rule.fits(holds)),
            Self::Not(rule) => !rule.fits(holds),
            Self::Is(statement) => holds(statement),
        }
    }

    /// Its statements, in the order they are read.
    pub fn statements(&self) -> Vec<&Statement> {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                rules.iter().flat_map(Self::statements).collect()
            }
            Self::Not(rule) => rule.statements(),
            Self::Is(statement) => vec![statement],
        }
    }

    /// Whether it can be evaluated.
    ///
    /// # Errors
    /// It says nothing, is too large, or holds what cannot be.
    pub fn check(&self) -> Result<(), Refused> {
        let refuse = |code, why: &str| Err(Refused::new(code, why).at("rule"));
        let statements = self.statements();
        if statements.is_empty() || self.has_empty() {
            return refuse("rule_empty", "say at least one thing that is true of the people");
        }
        if statements.len() > STATEMENTS_MAX || self.depth() > DEPTH_MAX {
            return refuse("rule_too_large", "take fewer conditions: 40 at most, 6 levels deep");
        }
        let sound = |statement: &&Statement| match statement {
            Statement::Rfm(cells) => cells.sound(),
            Statement::OrdersAtLeast(n) | Statement::OrderedWithin(n) => *n >= 1,
            Statement::Tag(tag) => crate::contacts::tag(tag).as_ref() == Some(tag),
            _ => true,
        };
        if !statements.iter().all(sound) {
            return refuse("rule_invalid", "a condition of the rule cannot be: look at its value");
        }
        Ok(())
    }

    fn has_empty(&self) -> bool {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                rules.is_empty() || rules.iter().any(Self::has_empty)
            }
            Self::Not(rule) => rule.has_empty(),
            Self::Is(_) => false,
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::All(rules) | Self::Any(rules) => {
                1 + rules.iter().map(Self::depth).max().unwrap_or(0)
            }
            Self::Not(rule) => 1 + rule.depth(),
            Self::Is(_) => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(statement: Statement) -> Rule {
        Rule::Is(statement)
    }

    #[test]
    fn a_rule_is_read_as_it_was_written() {
        let cells = Cells { r: (1, 2), f: (4, 5), m: ANY_SCORE };
        let rule = Rule::All(vec![
            is(Statement::Customer),
            Rule::Not(Box::new(is(Statement::Tag("wholesale".to_owned())))),
            Rule::Any(vec![is(Statement::Rfm(cells)), is(Statement::Status(Status::Confirmed))]),
        ]);
        let text = rule.to_text();
        assert_eq!(Rule::parse(&text).unwrap(), rule, "{text}");
        assert!(text.contains(r#"{"not":{"is":{"tag":"wholesale"}}}"#), "{text}");
        assert_eq!(rule.statements().len(), 4);
        let holds = |wanted: &Statement| *wanted != Statement::Tag("wholesale".to_owned());
        assert!(rule.fits(&holds));
        assert!(!rule.fits(&|_| true));
    }

    #[test]
    fn what_says_nothing_or_cannot_be_is_refused() {
        let refused = |rule: &Rule| Rule::parse(&rule.to_text()).unwrap_err().code;
        assert_eq!(refused(&Rule::All(vec![])), "rule_empty");
        assert_eq!(refused(&Rule::Not(Box::new(Rule::Any(vec![])))), "rule_empty");
        let cells = Cells { r: (3, 2), f: ANY_SCORE, m: ANY_SCORE };
        assert_eq!(refused(&is(Statement::Rfm(cells))), "rule_invalid");
        assert_eq!(refused(&is(Statement::OrderedWithin(0))), "rule_invalid");
        let many = Rule::Any(vec![is(Statement::Customer); 41]);
        assert_eq!(refused(&many), "rule_too_large");
        let deep = (0..7).fold(is(Statement::Customer), |rule, _| Rule::Not(Box::new(rule)));
        assert_eq!(refused(&deep), "rule_too_large");
        assert_eq!(Rule::parse("{\"is\":").unwrap_err().code, "rule_invalid");
    }
}
