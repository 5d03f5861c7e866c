//! The maths against the Python packages that people use for it: the same question to both in turn,
//! in one run, each on one thread.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::Context;
use numbers::attribution::markov;
use numbers::journeys::{Journeys, Outcomes};
use numbers::lifetime::{AtFirst, BetaGeometric, Customer, Purchase, histories};

/// Copies of the CDNOW sample: 23,570 customers.
const COPIES: usize = 10;
/// What is measured against, by the names and versions their makers gave them.
const PACKAGES: [&str; 6] = [
    "lifetimes==0.11.3",
    "ChannelAttribution==2.2.5",
    "matplotlib",
    "numpy<2",
    "scipy<1.14",
    "pandas<2.2",
];

/// Measures and prints.
pub fn run(rounds: usize) -> anyhow::Result<()> {
    let python = python()?;
    let dir = tempfile::tempdir()?;
    println!("| question | Tundish, ms | Python, ms | ratio | both say |");
    println!("|---|---|---|---|---|");
    lifetimes(&python, dir.path(), rounds)?;
    channel_attribution(&python, dir.path(), rounds)
}

/// A Python with the packages in it, under `target`.
fn python() -> anyhow::Result<PathBuf> {
    let root = crate::release::root()?.join("target/bench-tools/python");
    let python = root.join("bin/python");
    if !python.exists() {
        run_to_end(Command::new("python3").args(["-m", "venv"]).arg(&root))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run_to_end(Command::new(&python).args(pip).args(PACKAGES))?;
    Ok(python)
}

fn run_to_end(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    anyhow::ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// A script that answers once for every line it is sent: seconds, then what it found.
struct Peer {
    child: Child,
    ask: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, script: &str, file: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(python)
            .args(["-W", "ignore", "-c", script])
            .arg(file)
            .envs([("OMP_NUM_THREADS", "1"), ("OPENBLAS_NUM_THREADS", "1")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = child.stdin.take().context("no way in")?;
        let told = BufReader::new(child.stdout.take().context("no way out")?);
        Ok(Self { child, ask, told })
    }

    fn once(&mut self) -> anyhow::Result<(f64, f64)> {
        self.ask.write_all(b"again\n")?;
        // What the package itself prints stands before the answer.
        let mut line = String::new();
        while !line.starts_with("answer ") {
            line.clear();
            anyhow::ensure!(self.told.read_line(&mut line)? > 0, "the script ended");
        }
        let numbers: Result<Vec<f64>, _> =
            line.split_whitespace().skip(1).map(str::parse::<f64>).collect();
        match numbers?.as_slice() {
            [seconds, found] => Ok((*seconds, *found)),
            _ => anyhow::bail!("{line:?} is no answer of two numbers"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks both in turn, and prints the medians.
fn compare(
    name: &str,
    rounds: usize,
    peer: &mut Peer,
    ours: &dyn Fn() -> f64,
) -> anyhow::Result<()> {
    let (mut here, mut there, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut said = (0.0, 0.0);
    // The first is to warm up.
    for round in 0..=rounds {
        let begun = Instant::now();
        said.0 = black_box(ours());
        let own = begun.elapsed().as_secs_f64();
        let (theirs, answer) = peer.once()?;
        said.1 = answer;
        if round > 0 {
            here.push(own);
            there.push(theirs);
            ratios.push(theirs / own);
        }
    }
    let (own, theirs, ratio) = (median(&mut here), median(&mut there), median(&mut ratios));
    let (low, high) = (ratios[0], ratios[ratios.len() - 1]);
    println!(
        "| {name} | {:.2} | {:.1} | {ratio:.0} ({low:.0} to {high:.0}) | {:.4}, {:.4} |",
        own * 1e3,
        theirs * 1e3,
        said.0,
        said.1
    );
    Ok(())
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn lifetimes(python: &Path, dir: &Path, rounds: usize) -> anyhow::Result<()> {
    let customers = cdnow()?;
    let file = dir.join("customers.csv");
    let rows: String =
        customers.iter().map(|one| format!("{},{},{}\n", one.repeats, one.last, one.age)).collect();
    std::fs::write(&file, rows)?;
    let mut peer = Peer::start(python, include_str!("maths/lifetimes.py"), &file)?;
    let count = customers.len();
    let ours = || BetaGeometric::fit(&customers, AtFirst::Stays).unwrap().model.r;
    let name = format!("BG/NBD, {count} customers; r");
    compare(&name, rounds, &mut peer, &ours)
}

/// The sample as it stands on 1997-09-30, several times over.
fn cdnow() -> anyhow::Result<Vec<Customer>> {
    let text = table("clv/cdnow_sample_transactions.csv.gz")?;
    let mut purchases = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let day: jiff::civil::Date = cells[2].parse()?;
        let day = i64::from(day.since(jiff::civil::date(1997, 1, 1))?.get_days());
        purchases.push(Purchase { customer: cells[1].to_owned(), day, amount: 0 });
    }
    let known: Vec<Customer> =
        histories(&purchases, 272, 100).iter().map(|history| history.known).collect();
    Ok((0..COPIES).flat_map(|_| known.clone()).collect())
}

fn channel_attribution(python: &Path, dir: &Path, rounds: usize) -> anyhow::Result<()> {
    let text = table("attribution/pathdata.csv.gz")?;
    let file = dir.join("paths.csv");
    std::fs::write(&file, &text)?;
    let mut peer = Peer::start(python, include_str!("maths/channel_attribution.py"), &file)?;
    let rows: Vec<(&str, Outcomes)> = text
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split(',');
            let path = cells.next()?.trim_matches('"');
            let mut number = || cells.next()?.parse().ok();
            let (conversions, value, nulls) = (number()?, number()?, number()?);
            Some((path, Outcomes { conversions, value, nulls }))
        })
        .collect();
    anyhow::ensure!(rows.len() == 10_000, "{} paths were read", rows.len());
    let ours = || {
        let mut journeys = Journeys::default();
        for (path, outcomes) in &rows {
            journeys.add_written(path, ">", *outcomes).unwrap();
        }
        let told = markov(&journeys, NonZeroUsize::MIN).unwrap();
        let alpha = journeys.channels().iter().position(|channel| channel == "alpha");
        told.credits[alpha.unwrap()].conversions
    };
    let name = "Markov attribution of order 1, 10,000 paths; credit of alpha";
    compare(name, rounds, &mut peer, &ours)
}

fn table(path: &str) -> anyhow::Result<String> {
    let file = testkit::data::dir().join(path);
    let told = Command::new("zcat").arg(&file).output()?;
    anyhow::ensure!(told.status.success(), "{}: {:?}", file.display(), told.status);
    Ok(String::from_utf8(told.stdout)?)
}
