//! `tundish analyze experiment`: which version wins, and whether that is known yet.

use std::collections::BTreeMap;
use std::path::Path;

use numbers::experiments::revenue::{self, RevenueArm};
use numbers::experiments::sequential::AlwaysValid;
use numbers::experiments::{self as maths, Arm, Plan, Report};
use serde::Serialize;
use web::charts::{self, RangeRow, Ranges, Size, Unit};

use super::columns::{Columns, Role};
use super::formats::{Looked, Said};
use super::left_out::{LeftOut, shown};
use super::plot;
use super::source::Source;
use super::words::{count, figure, money, percent};
use super::{amounts, answers};
use crate::cli::Experiment;
use crate::output::{Output, refused, table, usage};

#[derive(Debug, Serialize)]
struct Answer {
    arms: Vec<Shown>,
    srm_p: Option<f64>,
    z: Option<f64>,
    p_value: Option<f64>,
    /// `p_value` corrected for several challengers (Holm); left out where there is but one.
    #[serde(skip_serializing_if = "Option::is_none")]
    p_value_holm: Option<f64>,
    prob_best: BTreeMap<String, Option<f64>>,
    expected_loss: BTreeMap<String, Option<f64>>,
    /// Of the difference of rates, the leading challenger less the control: holds at every look.
    /// Where there are several challengers, `p` is corrected for their number as the interval is.
    always_valid: Option<Valid>,
    /// The same as a share of the control's rate; null where that is not yet told from zero.
    always_valid_relative: Option<Valid>,
    /// Which challenger `z`, `p_value` and `always_valid` are of.
    challenger: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revenue: Option<Revenue>,
    left_out: LeftOut,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Shown {
    variant: String,
    n: u64,
    conversions: u64,
    rate: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Valid {
    p: f64,
    low: f64,
    high: f64,
}

/// Revenue per visitor.
#[derive(Debug, Serialize)]
struct Revenue {
    /// Larger amounts count as this.
    cap: Option<f64>,
    per_visitor: BTreeMap<String, Option<f64>>,
    per_visitor_capped: BTreeMap<String, Option<f64>>,
    /// Of the difference of capped revenue per visitor, the leading challenger less the control.
    always_valid: Option<Valid>,
    /// Which challenger `always_valid` is of.
    challenger: Option<String>,
    verdict: &'static str,
}

/// What was seen of one version.
#[derive(Debug, Default)]
struct Seen {
    name: String,
    visitors: u64,
    conversions: u64,
    amounts: Vec<f64>,
}

/// Answers.
///
/// # Errors
/// The file or the counts cannot be read, or cannot be meant.
pub fn run(output: Output, flags: &Experiment) -> anyhow::Result<()> {
    let Read { mut seen, has_revenue, left_out, told } = match (&flags.counts, &flags.file) {
        (Some(counts), _) => Read { seen: of_counts(counts)?, ..Read::default() },
        (None, Some(file)) => of_file(file, flags)?,
        (None, None) => return Err(usage("name a file, or give --counts a=1000:100,b=1000:130")),
    };
    if let Some(control) = &flags.control {
        let at = seen.iter().position(|arm| arm.name == *control);
        let at =
            at.ok_or_else(|| usage(format!("--control {control:?}: there is no such version")))?;
        let arm = seen.remove(at);
        seen.insert(0, arm);
    }
    if seen.len() < 2 {
        return Err(refused("an experiment has two versions or more: there is only one here"));
    }
    let weights = flags.split.as_deref().map(|split| weights(split, &seen)).transpose()?;
    let plan = Plan { weights: weights.unwrap_or_default(), ..Plan::default() };
    let arms: Vec<Arm> = seen
        .iter()
        .map(|arm| Arm { name: arm.name.clone(), n: arm.visitors, conversions: arm.conversions })
        .collect();
    let report = maths::compare(&arms, &plan).map_err(|why| refused(why.to_string()))?;
    let revenue = has_revenue.then(|| by_revenue(seen, &plan)).transpose()?;
    let answer = answer(&report, revenue, left_out);
    if let Some(told) = told {
        output.say(told);
    }
    plot::write(output, &flags.picture, || charts::ranges(&drawn(&answer), Size::Wide))?;
    output.either(&answer, || human(&answer))
}

fn of_counts(counts: &str) -> anyhow::Result<Vec<Seen>> {
    let one = |text: &str| {
        let (name, numbers) = text.split_once('=')?;
        let (visitors, conversions) = numbers.split_once(':')?;
        Some(Seen {
            name: name.trim().to_owned(),
            visitors: visitors.trim().parse().ok()?,
            conversions: conversions.trim().parse().ok()?,
            amounts: Vec::new(),
        })
    };
    let mut seen: Vec<Seen> = Vec::new();
    for text in counts.split(',') {
        let arm = one(text).filter(|arm| !arm.name.is_empty()).ok_or_else(|| {
            usage(format!("--counts {text:?}: write name=visitors:conversions, as in a=1000:100"))
        })?;
        if seen.iter().any(|known| known.name == arm.name) {
            return Err(usage(format!("--counts: {:?} is there twice: count it once", arm.name)));
        }
        seen.push(arm);
    }
    Ok(seen)
}

/// The shares of the visitors meant for each version, in their order.
fn weights(split: &str, seen: &[Seen]) -> anyhow::Result<Vec<f64>> {
    let mut said: BTreeMap<&str, f64> = BTreeMap::new();
    for text in split.split(',') {
        let one = text.split_once('=').and_then(|(name, share)| {
            let share: f64 = share.trim().parse().ok()?;
            (share > 0.0 && share.is_finite()).then_some((name.trim(), share))
        });
        let (name, share) = one.ok_or_else(|| {
            usage(format!("--split {text:?}: write name=share above zero, as in a=9,b=1"))
        })?;
        if !seen.iter().any(|arm| arm.name == name) {
            return Err(usage(format!("--split {name:?}: there is no such version")));
        }
        if said.insert(name, share).is_some() {
            return Err(usage(format!("--split: {name:?} is there twice: give it one share")));
        }
    }
    let share = |arm: &Seen| {
        let share = said.get(arm.name.as_str()).copied();
        share.ok_or_else(|| usage(format!("--split: give {:?} a share too", arm.name)))
    };
    seen.iter().map(share).collect()
}

/// What a file holds of an experiment.
#[derive(Default)]
struct Read {
    seen: Vec<Seen>,
    has_revenue: bool,
    left_out: LeftOut,
    told: Option<String>,
}

fn of_file(file: &Path, flags: &Experiment) -> anyhow::Result<Read> {
    let said = Said::of(None, flags.decimal.as_deref())?;
    let mut source = Source::open(file)?;
    let mut columns = Columns::mapped(source.headers(), &flags.map)?;
    let variant = columns.need(Role::Variant)?;
    let converted = columns.find(Role::Converted);
    let revenue = columns.find(Role::Revenue);
    if converted.is_none() && revenue.is_none() {
        columns.need(Role::Converted)?;
    }
    let written = Looked { date: None, figures: &[revenue] }.at(&mut source, said)?;
    let name = source.name().to_owned();
    let mut left_out = LeftOut::with(written.notes);
    let mut seen: Vec<Seen> = Vec::new();
    while let Some(row) = source.next_row()? {
        let variant = row.cell(variant);
        if answers::is_missing(&variant) {
            left_out.count("no version");
            continue;
        }
        let not_read = |cell: &str, what: &str| {
            refused(format!("{name}, line {}: {} is {what}", row.line, shown(cell)))
        };
        let paid = match revenue.map(|at| row.cell(at)).filter(|cell| !answers::is_missing(cell)) {
            None => 0.0,
            Some(cell) => amounts::parse(&cell, written.decimal)
                .ok_or_else(|| not_read(&cell, "not a number"))?,
        };
        let has_converted = match converted.map(|at| row.cell(at)) {
            None => paid > 0.0,
            Some(cell) => {
                answers::yes(&cell).ok_or_else(|| not_read(&cell, "neither yes nor no"))?
            }
        };
        let at = match seen.iter().position(|arm| arm.name == *variant) {
            Some(at) => at,
            None => {
                seen.push(Seen { name: variant.into_owned(), ..Seen::default() });
                seen.len() - 1
            }
        };
        let Some(arm) = seen.get_mut(at) else { continue };
        arm.visitors += 1;
        arm.conversions += u64::from(has_converted);
        if paid != 0.0 {
            arm.amounts.push(paid);
        }
    }
    source.settle(&mut left_out)?;
    Ok(Read { seen, has_revenue: revenue.is_some(), left_out, told: Some(columns.told()) })
}

fn valid(test: AlwaysValid) -> Valid {
    Valid { p: test.p, low: test.low, high: test.high }
}

fn by_revenue(seen: Vec<Seen>, plan: &Plan) -> anyhow::Result<Revenue> {
    let arms: Vec<RevenueArm> = seen
        .into_iter()
        .map(|arm| RevenueArm { name: arm.name, visitors: arm.visitors, amounts: arm.amounts })
        .collect();
    let report = revenue::compare(&arms, plan).map_err(|why| refused(why.to_string()))?;
    let leading = report.leading();
    Ok(Revenue {
        cap: report.cap,
        per_visitor: report.arms.iter().map(|arm| (arm.name.clone(), arm.mean)).collect(),
        per_visitor_capped: report
            .arms
            .iter()
            .map(|arm| (arm.name.clone(), arm.mean_capped))
            .collect(),
        always_valid: leading.and_then(|one| one.always_valid).map(valid),
        challenger: leading.map(|one| one.arm.clone()),
        verdict: report.verdict.word(),
    })
}

fn answer(report: &Report, revenue: Option<Revenue>, left_out: LeftOut) -> Answer {
    let leading = report.leading();
    let fixed = leading.and_then(|one| one.fixed);
    Answer {
        arms: report
            .arms
            .iter()
            .map(|arm| Shown {
                variant: arm.name.clone(),
                n: arm.n,
                conversions: arm.conversions,
                rate: arm.rate,
            })
            .collect(),
        srm_p: report.srm.as_ref().map(|srm| srm.p),
        z: fixed.and_then(|fixed| fixed.z_pooled),
        p_value: fixed.and_then(|fixed| fixed.p_pooled),
        p_value_holm: leading.and_then(|one| one.p_holm).filter(|_| report.arms.len() > 2),
        prob_best: report.arms.iter().map(|arm| (arm.name.clone(), arm.prob_best)).collect(),
        expected_loss: report
            .arms
            .iter()
            .map(|arm| (arm.name.clone(), arm.expected_loss))
            .collect(),
        always_valid: leading.and_then(|one| one.always_valid).map(valid),
        always_valid_relative: leading.and_then(|one| one.always_valid_relative).map(valid),
        challenger: leading.map(|one| one.arm.clone()),
        verdict: report.verdict.word(),
        revenue,
        notes: left_out.notes.clone(),
        left_out,
    }
}

/// The rate of each version with its Wilson interval of 95 %.
fn drawn(answer: &Answer) -> Ranges {
    let row = |arm: &Shown| {
        let share = numbers::stages::share(arm.conversions, arm.n);
        let text = share.map_or_else(String::new, |share| {
            format!("{} ({} to {})", percent(share.rate), percent(share.low), percent(share.high))
        });
        RangeRow {
            label: arm.variant.clone(),
            text,
            range: share.map(|share| (share.low, share.high)),
            points: vec![share.map(|share| share.rate)],
        }
    };
    Ranges {
        title: "How many converted, by version".to_owned(),
        about: said(answer.verdict, answer.challenger.as_deref()),
        series: vec!["rate".to_owned()],
        rows: answer.arms.iter().map(row).collect(),
        unit: Unit::Share,
    }
}

fn human(answer: &Answer) -> Vec<String> {
    let mut lines = versions(answer);
    lines.push(String::new());
    lines.push(said(answer.verdict, answer.challenger.as_deref()));
    lines.extend(of_rates(answer));
    lines.extend(answer.srm_p.map(|p| format!("split of the visitors: p {}", figure(p))));
    lines.extend(answer.revenue.iter().flat_map(of_revenue));
    lines.extend(answer.left_out.told());
    lines
}

fn maybe(value: Option<f64>, word: fn(f64) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), word)
}

fn versions(answer: &Answer) -> Vec<String> {
    let head = ["version", "seen", "converted", "rate", "best with", "gives away"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(answer.arms.iter().map(|arm| {
        vec![
            arm.variant.clone(),
            count(arm.n),
            count(arm.conversions),
            maybe(arm.rate, percent),
            maybe(answer.prob_best.get(&arm.variant).copied().flatten(), percent),
            maybe(answer.expected_loss.get(&arm.variant).copied().flatten(), percent),
        ]
    }));
    table(&rows)
}

/// How far the rates lie apart.
fn of_rates(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    let challenger = answer.challenger.as_deref();
    let valid = answer.always_valid.as_ref();
    lines.extend(valid.map(|test| at_every_look(test, challenger, percent, "of all who saw it")));
    lines.extend(answer.always_valid_relative.as_ref().map(|test| {
        format!("as a share of the control's rate: {} to {}", percent(test.low), percent(test.high))
    }));
    let fixed = answer.z.zip(answer.p_value);
    lines.extend(fixed.map(|(z, p)| {
        let holm = answer.p_value_holm.map(|p| format!(" ({} among so many)", figure(p)));
        let (z, p, holm) = (figure(z), figure(p), holm.unwrap_or_default());
        format!("at a number of visitors fixed before: z {z}, p {p}{holm}")
    }));
    lines
}

fn of_revenue(revenue: &Revenue) -> Vec<String> {
    let each = |(name, mean): (&String, &Option<f64>)| {
        let capped = revenue.per_visitor_capped.get(name).copied().flatten();
        format!(
            "{name}: {} a visitor, {} with amounts over {} counted as that",
            maybe(*mean, money),
            maybe(capped, money),
            maybe(revenue.cap, money),
        )
    };
    let mut lines: Vec<String> = revenue.per_visitor.iter().map(each).collect();
    lines.push(format!("by revenue: {}", said(revenue.verdict, revenue.challenger.as_deref())));
    let challenger = revenue.challenger.as_deref();
    let valid = revenue.always_valid.as_ref();
    lines.extend(valid.map(|test| at_every_look(test, challenger, money, "a visitor")));
    lines
}

/// By how much the challenger differs from the control, at a level that peeking does not spend.
fn at_every_look(
    test: &Valid,
    challenger: Option<&str>,
    written: impl Fn(f64) -> String,
    of_each: &str,
) -> String {
    let challenger = challenger.unwrap_or("it");
    let (low, high, p) = (written(test.low), written(test.high), figure(test.p));
    format!(
        "{challenger} less the control: {low} to {high} {of_each}, p {p} (holds however often one looks)"
    )
}

fn said(verdict: &str, challenger: Option<&str>) -> String {
    let challenger = challenger.unwrap_or("it");
    match verdict {
        "better" => format!("{challenger} is better than the control."),
        "worse" => format!("{challenger} is worse than the control."),
        "no_difference" => "No difference that would matter: keep what is simpler.".to_owned(),
        "srm" => "The split is off: more visitors on one side than chance explains. Find out why \
                  before reading anything into the rates."
            .to_owned(),
        _ => "Too early to tell: go on.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T>(result: anyhow::Result<T>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn a_version_counted_twice_is_refused() {
        assert!(why(of_counts("a=1000:100,b=1000:130,a=10:1")).contains("\"a\" is there twice"));
        assert!(of_counts("=10:1,b=10:1").is_err());
        assert_eq!(of_counts("a=10:1, b=10:1").unwrap()[1].name, "b");
    }

    #[test]
    fn a_split_names_every_version_once() {
        let seen = of_counts("a=9000:90,b=1000:10").unwrap();
        assert_eq!(weights("b=1,a=9", &seen).unwrap(), [9.0, 1.0]);
        for (split, said) in [
            ("a=9", "give \"b\" a share too"),
            ("a=9,b=1,c=1", "there is no such version"),
            ("a=9,b=1,b=2", "is there twice"),
            ("a=9,b=0", "above zero"),
            ("a:9,b:1", "as in a=9,b=1"),
        ] {
            assert!(why(weights(split, &seen)).contains(said), "{split}");
        }
    }

    #[test]
    fn the_interval_of_revenue_is_that_of_the_challenger_the_verdict_is_of() {
        let arm = |name: &str, paid: usize| Seen {
            name: name.to_owned(),
            visitors: 9_000,
            conversions: 0,
            amounts: (0..paid).map(|n| if n % 2 == 0 { 20.0 } else { 40.0 }).collect(),
        };
        let seen = vec![arm("a", 900), arm("b", 905), arm("c", 1_800)];
        let revenue = by_revenue(seen, &Plan::default()).unwrap();
        assert_eq!((revenue.verdict, revenue.challenger.as_deref()), ("better", Some("c")));
        assert!(revenue.always_valid.unwrap().low > 0.0);
    }
}
