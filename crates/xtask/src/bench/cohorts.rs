//! `tundish analyze cohorts` on very many rows against DuckDB with the same question.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

/// Times each side runs, one after the other.
const ROUNDS: usize = 2;
/// Ticks of a processor's second in `/proc`.
const TICKS: f64 = 100.0;
/// Asks DuckDB; prints how many customers bought in all months, and what they paid.
const DUCKDB: &str = "
import duckdb, sys
base = duckdb.connect()
base.execute('set threads=' + sys.argv[2])
rows = base.execute('''
with sales as (select customer, date_trunc('month', date) as month, amount
                 from read_csv_auto(?)),
     firsts as (select customer, min(month) as cohort from sales group by customer)
select cohort, month, count(distinct sales.customer), sum(amount)
  from sales join firsts using (customer) group by 1, 2 order by 1, 2''', [sys.argv[1]]).fetchall()
print(sum(row[2] for row in rows), round(sum(row[3] for row in rows), 2))
";

/// What one run took.
struct Took {
    wall: f64,
    processor: f64,
    output: String,
}

/// Measures and prints.
pub fn run(rows: u64, customers: u64) -> anyhow::Result<()> {
    let binary = crate::release::build()?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("sales.csv");
    write(&file, rows, customers)?;
    let size = std::fs::metadata(&file)?.len() as f64 / 1e6;
    println!("{rows} rows of {customers} customers, {size:.0} MB");
    let mut has_duckdb = Command::new("python3");
    let has_duckdb = has_duckdb
        .args(["-c", "import duckdb"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_duckdb {
        println!("DuckDB is absent (pip install duckdb): only our side is measured");
    }
    println!("| round | ours, s of a processor | wall | DuckDB, one thread | wall | ratio |");
    println!("|---|---|---|---|---|---|");
    for round in 1..=ROUNDS {
        let mut ours = Command::new(&binary);
        ours.args(["analyze", "cohorts", "--json", "--quiet"]).arg(&file);
        let ours = took(&mut ours)?;
        let told: serde_json::Value = serde_json::from_str(&ours.output)?;
        if !has_duckdb {
            println!("| {round} | {:.2} | {:.2} | – | – | – |", ours.processor, ours.wall);
            continue;
        }
        let mut theirs = Command::new("python3");
        theirs.args(["-c", DUCKDB]).arg(&file).arg("1");
        let theirs = took(&mut theirs)?;
        same(&told, &theirs.output)?;
        println!(
            "| {round} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} × |",
            ours.processor,
            ours.wall,
            theirs.processor,
            theirs.wall,
            ours.processor / theirs.processor
        );
    }
    Ok(())
}

/// Sales of five years: a few customers buy often, most seldom; days in no order.
fn write(path: &Path, rows: u64, customers: u64) -> anyhow::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "customer,date,amount")?;
    let mut state = 7_u64;
    let mut below = |n: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    };
    for _ in 0..rows {
        let often = below(customers) + 1;
        let (customer, amount) = (below(often), 500 + below(20_000));
        let (year, month, day) = (2020 + below(5), 1 + below(12), 1 + below(28));
        let (units, rest) = (amount / 100, amount % 100);
        writeln!(file, "c{customer:07},{year}-{month:02}-{day:02},{units}.{rest:02}")?;
    }
    file.flush()?;
    Ok(())
}

fn took(command: &mut Command) -> anyhow::Result<Took> {
    let (begun, before) = (Instant::now(), children()?);
    let output = command.stderr(Stdio::inherit()).output().context("could not be started")?;
    anyhow::ensure!(output.status.success(), "{command:?} ended with {}", output.status);
    Ok(Took {
        wall: begun.elapsed().as_secs_f64(),
        processor: children()? - before,
        output: String::from_utf8(output.stdout)?,
    })
}

/// Seconds of a processor that ended children of this process have taken.
fn children() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok());
    Ok((ticks(13).unwrap_or(0.0) + ticks(14).unwrap_or(0.0)) / TICKS)
}

/// Both must have answered the same.
fn same(ours: &serde_json::Value, theirs: &str) -> anyhow::Result<()> {
    let sum = |key: &str| -> f64 {
        let cohorts = ours["cohorts"].as_array().into_iter().flatten();
        cohorts
            .flat_map(|cohort| cohort[key].as_array().into_iter().flatten())
            .filter_map(serde_json::Value::as_f64)
            .sum()
    };
    let theirs: Vec<f64> = theirs.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    for (ours, theirs) in [sum("active"), sum("revenue")].into_iter().zip(&theirs) {
        anyhow::ensure!((ours - theirs).abs() < 1.0, "ours {ours}, theirs {theirs}");
    }
    anyhow::ensure!(theirs.len() == 2, "DuckDB printed no two figures");
    Ok(())
}
