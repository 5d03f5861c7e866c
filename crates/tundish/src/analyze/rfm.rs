//! `tundish analyze rfm`: who bought recently, often and for much.

use numbers::real::real_len;
use numbers::rfm::{self, Edges, Scored, Ties};
use serde::Serialize;
use web::charts::{self, Heat, HeatRow, Unit};

use super::buyers::{Buyers, PARTS};
use super::dates;
use super::formats::said;
use super::left_out::LeftOut;
use super::plot;
use super::sales::Wanted;
use super::words::{figure, money, some};
use crate::cli::Rfm;
use crate::output::{Output, table, usage};

#[derive(Debug, Serialize)]
struct Answer {
    at: String,
    edges: AllEdges,
    customers: Vec<One>,
    left_out: LeftOut,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AllEdges {
    /// Days.
    recency: Edges,
    /// Orders.
    frequency: Edges,
    /// Money.
    monetary: Edges,
}

#[derive(Debug, Serialize)]
struct One {
    customer: String,
    r: u8,
    f: u8,
    m: u8,
    score: u16,
    recency: f64,
    frequency: f64,
    monetary: f64,
}

/// Answers.
///
/// # Errors
/// The file holds no sales with amounts, or a flag is no use.
pub fn run(output: Output, flags: &Rfm) -> anyhow::Result<()> {
    let ties = match flags.ties.as_str() {
        "below" => Ties::Below,
        "above" => Ties::Above,
        other => return Err(usage(format!("--ties {other:?}: say below or above"))),
    };
    let wanted = Wanted { amount: true, said: said(&flags.table)? };
    let buyers = Buyers::read_orders(&flags.table, wanted)?;
    let at = buyers.last_day(flags.at.as_deref(), "--at")?;
    let scored = rfm::score(&buyers.bought, at, PARTS, ties)
        .ok_or_else(|| usage(format!("--at {}: nobody had bought by then", dates::iso(at))))?;
    let one = |one: &Scored<u32>| One {
        customer: buyers.name(one.customer).to_owned(),
        r: one.r,
        f: one.f,
        m: one.m,
        score: one.score(),
        recency: one.recency,
        frequency: one.frequency,
        monetary: one.monetary,
    };
    let (recency, frequency, monetary) = (scored.recency, scored.frequency, scored.monetary);
    let answer = Answer {
        at: dates::iso(at),
        edges: AllEdges { recency, frequency, monetary },
        customers: scored.customers.iter().map(one).collect(),
        left_out: buyers.left_out.clone(),
        notes: buyers.left_out.notes.clone(),
    };
    output.say(&buyers.told);
    if let Some(doubt) = buyers.doubtful_end(flags.at.as_deref(), "--at") {
        output.say(format!("! {doubt}"));
    }
    plot::write(output, &flags.picture, || charts::grid(&drawn(&answer)))?;
    output.either(&answer, || human(&answer))
}

/// How many customers have each pair of scores: how recently against how often.
fn drawn(answer: &Answer) -> Heat {
    let [first, .., last] = answer.edges.recency;
    let when = |r: u8| match r {
        5 => format!("< {} days", figure(first.ceil())),
        1 => format!("{}+ days", figure(last.ceil())),
        _ => String::new(),
    };
    let row = |r: u8| {
        let own = || answer.customers.iter().filter(move |one| one.r == r);
        let cell = |f: u8| Some(real_len(own().filter(|one| one.f == f).count()));
        HeatRow { label: format!("R {r}"), size: when(r), cells: (1..=5).map(cell).collect() }
    };
    let [first, .., last] = answer.edges.frequency;
    let column = |f: u8| match f {
        1 => format!("F 1: <{}", figure(first)),
        5 => format!("F 5: {}+", figure(last)),
        _ => format!("F {f}"),
    };
    Heat {
        title: "Customers by how recently and how often they bought".to_owned(),
        about: format!("{} as of {}", customers(answer), answer.at),
        corner: "Last order".to_owned(),
        columns: (1..=5).map(column).collect(),
        rows: (1..=5).rev().map(row).collect(),
        unit: Unit::Count,
    }
}

fn customers(answer: &Answer) -> String {
    some(u64::try_from(answer.customers.len()).unwrap_or(0), "customer")
}

fn human(answer: &Answer) -> Vec<String> {
    let mut lines = vec![format!("{} as of {}", customers(answer), answer.at)];
    for (name, edges) in [
        ("days since the last order", &answer.edges.recency),
        ("orders", &answer.edges.frequency),
        ("paid in all", &answer.edges.monetary),
    ] {
        let edges: Vec<String> = edges.iter().map(|edge| figure(*edge)).collect();
        lines.push(format!("edges of {name}: {}", edges.join(", ")));
    }
    let head = ["customer", "R", "F", "M", "days", "orders", "paid"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut best: Vec<&One> = answer.customers.iter().collect();
    best.sort_by(|a, b| b.score.cmp(&a.score).then(b.monetary.total_cmp(&a.monetary)));
    rows.extend(best.into_iter().map(|one| {
        vec![
            one.customer.clone(),
            one.r.to_string(),
            one.f.to_string(),
            one.m.to_string(),
            figure(one.recency),
            format!("{:.0}", one.frequency),
            money(one.monetary),
        ]
    }));
    lines.push(String::new());
    lines.extend(table(&rows));
    lines.extend(answer.left_out.told());
    lines
}
