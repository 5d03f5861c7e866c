//! Rules in words, and as the lines of a form.

use std::collections::BTreeMap;

use model::channels::Channel;
use model::contacts::Status;
use model::ids::{ProductId, TopicId};
use model::segments::{Cells, Rule, Statement};
use model::sites::Site;
use model::{Currency, Money, Refused};
use serde::Serialize;
use store::{Session, StoreError};

use crate::admin::numbers::customers::{scores, scores_text};
use crate::words::money_text;

/// Empty lines offered below those there are.
const LINES_MORE: usize = 2;
/// Lines at least.
const LINES_MIN: usize = 4;
/// Tags offered.
const TAGS: i64 = 100;

/// What the things in rules are called.
#[derive(Debug, Default)]
pub(super) struct Names {
    currency: String,
    products: BTreeMap<ProductId, String>,
    topics: BTreeMap<TopicId, String>,
    tags: Vec<String>,
}

/// A line of the form.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Line {
    /// Whether it is denied.
    not: bool,
    /// The statement's word, with what it is about: `tag:baker`.
    what: String,
    /// How much, where the statement needs it.
    number: String,
}

/// What may be chosen in a line.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    value: String,
    label: String,
}

impl Choice {
    pub(super) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

impl Names {
    pub(super) async fn read(session: &mut Session<'_>, site: &Site) -> Result<Self, StoreError> {
        let products = store::products::list(session, site.id).await?;
        let topics = store::topics::list(session, site.id).await?;
        Ok(Self {
            currency: site.currency.clone(),
            products: products.into_iter().map(|one| (one.id, one.name)).collect(),
            topics: topics.into_iter().map(|one| (one.id, one.name)).collect(),
            tags: store::tags::names(session, site.id, TAGS).await?,
        })
    }

    /// A statement as a sentence goes on after "a contact who".
    pub(super) fn statement(&self, statement: &Statement) -> String {
        let gone = || "something that is gone".to_owned();
        match statement {
            Statement::Customer => "has ordered".to_owned(),
            Statement::Rfm(cells) => rfm_text(cells),
            Statement::Bought(id) => {
                format!("has bought {}", self.products.get(id).cloned().unwrap_or_else(gone))
            }
            Statement::Tag(tag) => format!("has the tag {tag}"),
            Statement::Topic(id) => {
                format!("reads {}", self.topics.get(id).cloned().unwrap_or_else(gone))
            }
            Statement::Channel(channel) => format!("first came by {}", channel.name()),
            Statement::OrdersAtLeast(1) => "has placed an order or more".to_owned(),
            Statement::OrdersAtLeast(n) => format!("has placed {n} orders or more"),
            Statement::MarginAtLeast(minor) => {
                format!("has brought {} of margin or more", money_text(*minor, &self.currency))
            }
            Statement::OrderedWithin(1) => "ordered since yesterday".to_owned(),
            Statement::OrderedWithin(days) => format!("ordered in the last {days} days"),
            Statement::Status(status) => format!("stands as {}", status.as_str()),
        }
    }

    /// A rule, a line each for its parts; what lies deeper is set in.
    pub(super) fn lines(&self, rule: &Rule) -> Vec<String> {
        let mut lines = Vec::new();
        self.add_lines(rule, "", &mut lines);
        lines
    }

    fn add_lines(&self, rule: &Rule, before: &str, lines: &mut Vec<String>) {
        let deeper = format!("{before}\u{2003}");
        let mut many = |word: &str, rules: &[Rule]| match rules {
            [one] => self.add_lines(one, before, lines),
            rules => {
                lines.push(format!("{before}{word} of these"));
                rules.iter().for_each(|rule| self.add_lines(rule, &deeper, lines));
            }
        };
        match rule {
            Rule::All(rules) => many("all", rules),
            Rule::Any(rules) => many("any", rules),
            Rule::Not(rule) => match rule.as_ref() {
                Rule::Is(statement) => {
                    lines.push(format!("{before}not: {}", self.statement(statement)));
                }
                rule => {
                    lines.push(format!("{before}not"));
                    self.add_lines(rule, &deeper, lines);
                }
            },
            Rule::Is(statement) => lines.push(format!("{before}{}", self.statement(statement))),
        }
    }

    /// What a line may say, and what these lines say already.
    pub(super) fn choices(&self, lines: &[Line]) -> Vec<Choice> {
        let mut all = vec![
            Choice::new("", "–"),
            Choice::new("customer", "has ordered"),
            Choice::new("orders", "has placed so many orders or more:"),
            Choice::new("margin", "has brought so much margin or more:"),
            Choice::new("within", "ordered in the last days, so many:"),
        ];
        for status in Status::ALL {
            all.push(Choice::new(format!("status:{status}"), format!("stands as {status}")));
        }
        for (id, name) in &self.products {
            all.push(Choice::new(format!("bought:{id}"), format!("has bought {name}")));
        }
        for (id, name) in &self.topics {
            all.push(Choice::new(format!("topic:{id}"), format!("reads {name}")));
        }
        for tag in &self.tags {
            all.push(Choice::new(format!("tag:{tag}"), format!("has the tag {tag}")));
        }
        for channel in Channel::ALL {
            let name = channel.name();
            all.push(Choice::new(format!("channel:{channel}"), format!("first came by {name}")));
        }
        for line in lines.iter().filter(|line| !line.what.is_empty()) {
            if all.iter().all(|choice| choice.value != line.what)
                && let Ok(statement) = statement_of(line, &self.currency)
            {
                all.push(Choice::new(line.what.clone(), self.statement(&statement)));
            }
        }
        all
    }
}

fn rfm_text(cells: &Cells) -> String {
    let parts = [("recency", cells.r), ("frequency", cells.f), ("money", cells.m)];
    let said: Vec<String> = parts
        .iter()
        .map(|(name, range)| (name, scores_text(*range)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name} {}", text.replace('-', " to ")))
        .collect();
    if said.is_empty() {
        return "stands anywhere in the RFM grid".to_owned();
    }
    format!("scores {}", said.join(", "))
}

/// The lines that were filled in.
pub(super) fn read_lines(sign: &[String], what: &[String], number: &[String]) -> Vec<Line> {
    let line = |(at, what): (usize, &String)| Line {
        not: sign.get(at).is_some_and(|sign| sign == "not"),
        what: what.clone(),
        number: number.get(at).map_or_else(String::new, |text| text.trim().to_owned()),
    };
    what.iter().enumerate().filter(|(_, what)| !what.is_empty()).map(line).collect()
}

/// Adds empty lines to write in.
pub(super) fn pad(lines: &mut Vec<Line>) {
    let length = (lines.len() + LINES_MORE).max(LINES_MIN);
    lines.resize(length, Line::default());
}

/// The rule that lines say.
pub(super) fn rule_of(lines: &[Line], matching: &str, currency: &str) -> Result<Rule, Refused> {
    let mut rules = Vec::new();
    for line in lines {
        let rule = Rule::Is(statement_of(line, currency)?);
        rules.push(if line.not { Rule::Not(Box::new(rule)) } else { rule });
    }
    let rule = if matching == "any" { Rule::Any(rules) } else { Rule::All(rules) };
    rule.check()?;
    Ok(rule)
}

fn statement_of(line: &Line, currency: &str) -> Result<Statement, Refused> {
    let refuse = |why: &str| Refused::new("condition_invalid", why).at("number");
    let whole = |why: &str| line.number.parse::<i64>().map_err(|_| refuse(why));
    let gone = |_| Refused::new("condition_invalid", "choose what is true of them").at("what");
    Ok(match line.what.split_once(':').unwrap_or((&line.what, "")) {
        ("customer", "") => Statement::Customer,
        ("orders", "") => Statement::OrdersAtLeast(whole("write how many orders, as 2")?),
        ("within", "") => Statement::OrderedWithin(whole("write how many days, as 90")?),
        ("margin", "") => {
            let amount = Money::parse_amount(&line.number, Currency::parse(currency)?);
            Statement::MarginAtLeast(amount.map_err(|refused| refused.at("number"))?.minor)
        }
        ("bought", id) => Statement::Bought(id.parse().map_err(gone)?),
        ("topic", id) => Statement::Topic(id.parse().map_err(gone)?),
        ("tag", tag) => Statement::Tag(tag.to_owned()),
        ("channel", word) => Statement::Channel(word.parse().map_err(gone)?),
        ("status", word) => Statement::Status(word.parse().map_err(gone)?),
        ("rfm", text) => {
            let mut parts = text.split('.').map(scores);
            let mut next = || parts.next().unwrap_or(model::segments::ANY_SCORE);
            Statement::Rfm(Cells { r: next(), f: next(), m: next() })
        }
        _ => return Err(Refused::new("condition_invalid", "choose a condition").at("what")),
    })
}

/// A rule as lines, and how they go together; nothing where it is deeper than lines can say.
pub(super) fn flat(rule: &Rule, currency: &str) -> Option<(&'static str, Vec<Line>)> {
    let (matching, rules) = match rule {
        Rule::All(rules) => ("all", rules.as_slice()),
        Rule::Any(rules) => ("any", rules.as_slice()),
        one => ("all", std::slice::from_ref(one)),
    };
    let line = |rule: &Rule| match rule {
        Rule::Is(statement) => Some(line_of(statement, currency)),
        Rule::Not(rule) => match rule.as_ref() {
            Rule::Is(statement) => Some(Line { not: true, ..line_of(statement, currency) }),
            _ => None,
        },
        _ => None,
    };
    Some((matching, rules.iter().map(line).collect::<Option<Vec<Line>>>()?))
}

fn line_of(statement: &Statement, currency: &str) -> Line {
    let (what, number) = match statement {
        Statement::Customer => ("customer".to_owned(), String::new()),
        Statement::Rfm(cells) => {
            let all = [cells.r, cells.f, cells.m].map(scores_text);
            (format!("rfm:{}", all.join(".")), String::new())
        }
        Statement::Bought(id) => (format!("bought:{id}"), String::new()),
        Statement::Tag(tag) => (format!("tag:{tag}"), String::new()),
        Statement::Topic(id) => (format!("topic:{id}"), String::new()),
        Statement::Channel(channel) => (format!("channel:{channel}"), String::new()),
        Statement::Status(status) => (format!("status:{status}"), String::new()),
        Statement::OrdersAtLeast(n) => ("orders".to_owned(), n.to_string()),
        Statement::OrderedWithin(n) => ("within".to_owned(), n.to_string()),
        Statement::MarginAtLeast(minor) => {
            let text = Currency::parse(currency)
                .map_or_else(|_| minor.to_string(), |of| Money::new(*minor, of).to_string());
            let digits = text.split(' ').next().unwrap_or_default().to_owned();
            ("margin".to_owned(), digits)
        }
    };
    Line { not: false, what, number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_the_same_after_its_form() {
        let is = Rule::Is;
        let cells = Cells { r: (2, 3), f: (4, 5), m: (1, 5) };
        let rules = vec![
            is(Statement::Rfm(cells)),
            Rule::Not(Box::new(is(Statement::Tag("a b:c".to_owned())))),
            is(Statement::MarginAtLeast(1_250)),
            is(Statement::OrdersAtLeast(2)),
            is(Statement::Bought(ProductId(6))),
            is(Statement::Status(Status::Confirmed)),
        ];
        for rule in [Rule::All(rules.clone()), Rule::Any(rules)] {
            let (matching, lines) = flat(&rule, "USD").unwrap();
            assert_eq!(rule_of(&lines, matching, "USD").unwrap(), rule);
        }
        let deep = Rule::All(vec![Rule::Any(vec![is(Statement::Customer)])]);
        assert_eq!(flat(&deep, "USD"), None);
        let names = Names::default();
        assert_eq!(names.lines(&deep), ["has ordered"]);
        let line = Line { what: "orders".to_owned(), ..Line::default() };
        assert!(rule_of(&[line], "all", "USD").is_err());
    }
}
