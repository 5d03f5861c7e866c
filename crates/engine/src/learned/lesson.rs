//! One lesson: the cases are read, sorted into fields, learned from and judged.

use std::collections::{BTreeMap, BTreeSet};

use model::SiteId;
use model::forms::FieldKind;
use model::ids::{ContactId, first_id_at};
use numbers::scores::kept::{Kept, Stands};
use numbers::scores::table::{Field, Values, is_held_out};
use numbers::scores::{Report, Warning, learn as fit};
use store::forms::FormVersion;

use super::facts::{ANSWER, COUNTED, Case, Fact, WORDS, read};
use super::protected::{is_protected, is_protected_field};
use super::written::{self, Told, Weight};
use super::{BATCH, CASES_MAX, HORIZON_DAYS, LEAST, PER_COLUMN, SEEN_DAYS};
use crate::engine::Engine;
use crate::fault::{EngineError, Result};

/// Words of a field with a column each; the rest are "other".
const WORDS_MAX: usize = 6;
/// A word that fewer cases have is "other".
const WORD_CASES: usize = 20;
/// What rare words are called.
pub(super) const OTHER: &str = "other";

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Lesson {
    pub(super) told: Told,
    /// The model as text, if one was learned.
    pub(super) kept: Option<String>,
    /// Why none was.
    pub(super) why: Option<String>,
}

/// Learns from a site's contacts; protected fields only where they are `allowed` by name.
pub(super) async fn learn(engine: &Engine, site: SiteId, allowed: &str) -> Result<Lesson> {
    let cases = cases(engine, site).await?;
    let (found, versions) = engine
        .reader()
        .read::<_, EngineError, _>(move |session| {
            Box::pin(async move {
                let forms = store::forms::list(session, site).await?;
                Ok((forms, store::forms::versions(session, site).await?))
            })
        })
        .await?;
    let forms: BTreeMap<String, String> =
        found.into_iter().map(|form| (form.id.to_string(), form.slug)).collect();
    let allowed = Allowed {
        names: allowed.split(", ").map(str::to_owned).collect(),
        protected: protected_keys(&versions),
    };
    // Seconds of arithmetic on a large site: not on a thread that others wait for.
    tokio::task::spawn_blocking(move || of_cases(cases, &forms, &allowed))
        .await
        .map_err(|e| EngineError::Fault(format!("the lesson did not end: {e}")))?
}

/// Which fields may be learned from.
#[derive(Debug, Default)]
struct Allowed {
    /// Protected ones that the operator allows.
    names: Vec<String>,
    /// Those whose name says nothing, but whose label or choices do in one of their forms.
    protected: BTreeSet<String>,
}

impl Allowed {
    fn has(&self, own: &str) -> bool {
        let is_protected = is_protected(own) || self.protected.contains(own);
        !is_protected || self.names.iter().any(|name| name == own)
    }
}

fn protected_keys(versions: &[FormVersion]) -> BTreeSet<String> {
    let fields = versions.iter().flat_map(|version| &version.spec.fields);
    let asked = fields.filter(|field| field.kind != FieldKind::Consent);
    asked.filter(|field| is_protected_field(field)).map(|field| field.key.to_lowercase()).collect()
}

/// Every contact whose days are over, the newest at most so many, oldest first.
async fn cases(engine: &Engine, site: SiteId) -> Result<Vec<Case>> {
    let until = engine.now().plus_days(-SEEN_DAYS - HORIZON_DAYS);
    let mut before = ContactId(first_id_at(until));
    let mut cases = Vec::new();
    while cases.len() < CASES_MAX {
        let to = before;
        let (part, last) = engine
            .reader()
            .read::<_, EngineError, _>(move |session| {
                Box::pin(async move {
                    let found =
                        store::learned_scores::came_before(session, site, to, BATCH).await?;
                    let mut part = Vec::new();
                    for id in &found {
                        part.extend(read(session, site, *id).await?);
                    }
                    Ok((part, found.last().copied()))
                })
            })
            .await?;
        let Some(last) = last else { break };
        before = last;
        cases.extend(part);
    }
    cases.reverse();
    Ok(cases)
}

fn of_cases(
    cases: Vec<Case>,
    forms: &BTreeMap<String, String>,
    allowed: &Allowed,
) -> Result<Lesson> {
    let outcome: Vec<bool> = cases
        .iter()
        .map(|case| case.bought.is_some_and(|at| at <= case.seen_at.plus_days(HORIZON_DAYS)))
        .collect();
    let buyers = outcome.iter().filter(|bought| **bought).count();
    let mut told = Told { cases: cases.len(), buyers, ..Told::default() };
    if buyers < LEAST || cases.len() - buyers < LEAST {
        let why = format!(
            "too little to learn from: of {} contacts whose {} days are over {buyers} bought and \
             {} did not; {LEAST} of each are needed",
            cases.len(),
            SEEN_DAYS + HORIZON_DAYS,
            cases.len() - buyers,
        );
        return Ok(Lesson { told, why: Some(why), ..Lesson::default() });
    }
    let (fields, left_out) = fields(&cases, &outcome, forms, allowed);
    told.left_out = left_out;
    let report = match fit(&fields, &outcome, 0.0) {
        Ok(report) => report,
        Err(why) => {
            let why = Some(why.to_string());
            return Ok(Lesson { told, why, ..Lesson::default() });
        }
    };
    if let Some(why) = report.warnings.iter().find(|w| matches!(w, Warning::FewCases { .. })) {
        let why = Some(why.to_string());
        return Ok(Lesson { told, why, ..Lesson::default() });
    }
    let kept = report.model.keep();
    told.judged(&report);
    told.weights = weights(&kept, &fields, &report);
    Ok(Lesson { told, kept: Some(written::keep(&kept, &fields, forms)?), why: None })
}

/// The fields, as many as there are buyers for, in an order fixed before anything was looked at;
/// and the names of those left out, with why.
fn fields(
    cases: &[Case],
    outcome: &[bool],
    forms: &BTreeMap<String, String>,
    allowed: &Allowed,
) -> (Vec<Field>, Vec<String>) {
    let train: Vec<bool> =
        (0..).zip(outcome).filter(|(row, _)| !is_held_out(*row)).map(|(_, y)| *y).collect();
    let positives = train.iter().filter(|y| **y).count();
    let mut room = positives.min(train.len() - positives) / PER_COLUMN;
    let mut answers: Vec<&str> = cases
        .iter()
        .flat_map(|case| case.facts.keys())
        .filter(|name| name.starts_with(ANSWER))
        .map(String::as_str)
        .collect();
    answers.sort_unstable();
    answers.dedup();
    let names = COUNTED.iter().map(|(name, _)| *name).chain(WORDS).chain(answers);
    let (mut fields, mut left_out) = (Vec::new(), Vec::new());
    for name in names {
        let own = name.trim_start_matches(ANSWER).to_lowercase();
        if !allowed.has(&own) {
            left_out.push(format!("{name}: protected"));
            continue;
        }
        let field = field(name, cases, forms);
        let width = width(&field);
        if width == 0 {
            continue;
        }
        if width > room {
            left_out.push(format!("{name}: too few buyers to learn from it"));
            continue;
        }
        room -= width;
        fields.push(field);
    }
    (fields, left_out)
}

fn field(name: &str, cases: &[Case], forms: &BTreeMap<String, String>) -> Field {
    let is_number = COUNTED.iter().any(|(counted, _)| *counted == name);
    if is_number {
        let values = cases.iter().map(|case| match case.facts.get(name) {
            Some(Fact::Number(number)) => Some(*number),
            _ => None,
        });
        return Field { name: name.to_owned(), values: Values::Numbers(values.collect()) };
    }
    let words: Vec<Option<String>> = cases
        .iter()
        .map(|case| match case.facts.get(name) {
            Some(Fact::Word(word)) => Some(forms.get(word).unwrap_or(word).clone()),
            _ => None,
        })
        .collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in words.iter().flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let mut common: Vec<(&str, usize)> =
        counts.into_iter().filter(|(_, count)| *count >= WORD_CASES).collect();
    common.sort_by(|x, y| y.1.cmp(&x.1).then(x.0.cmp(y.0)));
    common.truncate(WORDS_MAX);
    let known = |word: &str| common.iter().any(|(common, _)| *common == word);
    let values = words
        .iter()
        .map(|word| {
            word.as_ref().map(|word| if known(word) { word.clone() } else { OTHER.to_owned() })
        })
        .collect();
    Field { name: name.to_owned(), values: Values::Words(values) }
}

/// How many columns a field becomes.
fn width(field: &Field) -> usize {
    let missing = |n: usize| usize::from(n > 0 && n < field.len());
    match &field.values {
        Values::Numbers(numbers) => {
            let mut known = numbers.iter().flatten();
            let first = known.next();
            let varies = first.is_some_and(|first| known.any(|n| (n - first).abs() > 1e-12));
            usize::from(varies) + missing(numbers.iter().filter(|n| n.is_none()).count())
        }
        Values::Words(words) => {
            let mut known: Vec<&String> = words.iter().flatten().collect();
            known.sort_unstable();
            known.dedup();
            known.len().saturating_sub(1)
                + missing(words.iter().filter(|word| word.is_none()).count())
        }
    }
}

/// What each column does to the odds, in words; nothing of those without a finite value.
fn weights(kept: &Kept, fields: &[Field], report: &Report) -> Vec<Weight> {
    let shown: BTreeMap<&str, bool> =
        report.coefficients.iter().map(|one| (one.name.as_str(), one.value.is_some())).collect();
    let mut weights = Vec::new();
    for field in &kept.fields {
        let first = fields.iter().find(|known| known.name == field.name).and_then(first_word);
        for column in &field.columns {
            let (name, text, odds) = match &column.stands {
                Stands::Number { sd, .. } => {
                    let text = format!("one more of {}", field.name);
                    (field.name.clone(), text, column.weight / sd)
                }
                Stands::Word(word) => {
                    let against = first.clone().unwrap_or_default();
                    let text = format!("{} is “{word}”, not “{against}”", field.name);
                    (format!("{}={word}", field.name), text, column.weight)
                }
                Stands::Missing => {
                    let text = format!("{} is not known", field.name);
                    (format!("{}=(not known)", field.name), text, column.weight)
                }
            };
            let is_finite = shown.get(name.as_str()).copied().unwrap_or(false);
            weights.push(Weight { text, odds: is_finite.then(|| odds.exp()), share: column.mean });
        }
    }
    let far = |weight: &Weight| weight.odds.map_or(0.0, |odds| odds.ln().abs());
    weights.sort_by(|x, y| far(y).total_cmp(&far(x)));
    weights
}

/// The word that the others stand against: the alphabetically first.
fn first_word(field: &Field) -> Option<String> {
    match &field.values {
        Values::Words(words) => words.iter().flatten().min().cloned(),
        Values::Numbers(_) => None,
    }
}

/// The Brier score of someone who always says the share of all.
pub(super) fn brier_of_share(positives: u64, all: u64) -> Option<f64> {
    let share = numbers::real::ratio(numbers::real::real(positives), numbers::real::real(all))?;
    Some(share * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use model::UtcMs;
    use model::forms::FormSpec;
    use numbers::real::real_len;

    use super::*;

    fn form_field(key: &str, kind: FieldKind, label: &str) -> model::forms::Field {
        model::forms::Field::new(key, kind, label)
    }

    fn case(n: usize, bought: bool) -> Case {
        let clicks = if bought { n % 5 } else { n % 3 };
        let mut facts = BTreeMap::new();
        facts.insert("clicks".to_owned(), Fact::Number(real_len(clicks)));
        let channel = ["organic", "paid", "rare"]
            [usize::from(n.is_multiple_of(40)) + usize::from(n.is_multiple_of(5))];
        facts.insert("channel".to_owned(), Fact::Word(channel.to_owned()));
        let age = format!("{}", 20 + n % 50);
        facts.insert("answer: age".to_owned(), Fact::Word(age));
        let seen_at = UtcMs(1_000_000);
        let bought = bought.then(|| seen_at.plus_days(3));
        Case { facts, bought, seen_at }
    }

    fn cases(buyers: usize, others: usize) -> Vec<Case> {
        (0..buyers + others).map(|n| case(n, n * buyers % (buyers + others) < buyers)).collect()
    }

    #[test]
    fn too_little_is_refused_with_what_is_needed() {
        let lesson = of_cases(cases(49, 1_000), &BTreeMap::new(), &Allowed::default()).unwrap();
        assert!(lesson.kept.is_none());
        assert!(lesson.why.unwrap().contains("49 bought"));
        let lesson = of_cases(Vec::new(), &BTreeMap::new(), &Allowed::default()).unwrap();
        assert!(lesson.why.unwrap().contains("50 of each"));
    }

    #[test]
    fn what_is_learned_is_told_and_protected_fields_are_left_out() {
        let lesson = of_cases(cases(400, 2_000), &BTreeMap::new(), &Allowed::default()).unwrap();
        assert_eq!(lesson.why, None);
        let told = &lesson.told;
        assert!(told.auc.unwrap() > 0.55, "{told:?}");
        let clicks = told.weights.iter().find(|w| w.text == "one more of clicks").unwrap();
        assert!(clicks.odds.unwrap() > 1.2, "{clicks:?}");
        assert_eq!(told.left_out, ["answer: age: protected"]);
        let model = written::read(&lesson.kept.unwrap()).unwrap().model;
        assert!(model.fields().all(|name| name != "answer: age"));
        let allowed = Allowed { names: vec!["age".to_owned()], ..Allowed::default() };
        let asked = of_cases(cases(400, 2_000), &BTreeMap::new(), &allowed).unwrap();
        assert!(asked.told.left_out.is_empty() || !asked.told.left_out[0].contains("protected"));
        // One of its forms asks for a gender under the name of a channel.
        let version = |label: &str| FormVersion {
            spec: FormSpec {
                fields: vec![form_field("Channel", FieldKind::Select, label)],
                ..FormSpec::default()
            },
            grants: Vec::new(),
        };
        let protected = protected_keys(&[version("How you heard of us"), version("Your gender")]);
        let allowed = Allowed { protected, ..Allowed::default() };
        let lesson = of_cases(cases(400, 2_000), &BTreeMap::new(), &allowed).unwrap();
        assert_eq!(lesson.told.left_out, ["channel: protected", "answer: age: protected"]);
        assert!(protected_keys(&[version("How you heard of us")]).is_empty());
    }

    #[test]
    fn with_few_buyers_only_the_first_things_are_learned() {
        let lesson = of_cases(cases(60, 500), &BTreeMap::new(), &Allowed::default()).unwrap();
        assert_eq!(lesson.why, None);
        assert!(lesson.told.weights.len() <= 4, "{:?}", lesson.told.weights);
    }
}
