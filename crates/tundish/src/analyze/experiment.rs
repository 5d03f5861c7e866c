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
    prob_best: BTreeMap<String, Option<f64>>,
    expected_loss: BTreeMap<String, Option<f64>>,
    /// Of the difference of rates, the leading challenger less the control: holds at every look.
    always_valid: Option<Valid>,
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
    always_valid: Option<Valid>,
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
    let plan = Plan::default();
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
    counts
        .split(',')
        .map(|text| {
            one(text).ok_or_else(|| {
                usage(format!(
                    "--counts {text:?}: write name=visitors:conversions, as in a=1000:100"
                ))
            })
        })
        .collect()
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
    Ok(Revenue {
        cap: report.cap,
        per_visitor: report.arms.iter().map(|arm| (arm.name.clone(), arm.mean)).collect(),
        per_visitor_capped: report
            .arms
            .iter()
            .map(|arm| (arm.name.clone(), arm.mean_capped))
            .collect(),
        always_valid: report.comparisons.first().and_then(|one| one.always_valid).map(valid),
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
        prob_best: report.arms.iter().map(|arm| (arm.name.clone(), arm.prob_best)).collect(),
        expected_loss: report
            .arms
            .iter()
            .map(|arm| (arm.name.clone(), arm.expected_loss))
            .collect(),
        always_valid: leading.and_then(|one| one.always_valid).map(valid),
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
    let maybe =
        |value: Option<f64>, word: fn(f64) -> String| value.map_or_else(|| "–".to_owned(), word);
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
    let mut lines = table(&rows);
    lines.push(String::new());
    lines.push(said(answer.verdict, answer.challenger.as_deref()));
    if let Some(test) = &answer.always_valid {
        lines.push(format!(
            "the difference is {} to {} of all who saw it, p {} (holds however often one looks)",
            percent(test.low),
            percent(test.high),
            figure(test.p),
        ));
    }
    let fixed = answer.z.zip(answer.p_value);
    lines.extend(fixed.map(|(z, p)| {
        format!("at a number of visitors fixed before: z {}, p {}", figure(z), figure(p))
    }));
    lines.extend(answer.srm_p.map(|p| format!("split of the visitors: p {}", figure(p))));
    if let Some(revenue) = &answer.revenue {
        for (name, mean) in &revenue.per_visitor {
            let capped = revenue.per_visitor_capped.get(name).copied().flatten();
            lines.push(format!(
                "{name}: {} a visitor, {} with amounts over {} counted as that",
                maybe(*mean, money),
                maybe(capped, money),
                maybe(revenue.cap, money),
            ));
        }
        lines.push(format!("by revenue: {}", revenue.verdict.replace('_', " ")));
    }
    lines.extend(answer.left_out.told());
    lines
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
