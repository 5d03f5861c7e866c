//! What is bought beside what, over a large shop: all lists at once against `implicit`, which does
//! the same for Python, and the lists that one order more changes.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use numbers::affinity::{Holdings, Measure, Wish};

/// Partners of each product.
const TOP: usize = 20;
/// Runs of each side; the best counts.
const RUNS: usize = 5;
/// Orders that are counted in one by one.
const ORDERS: u32 = 200;

/// Fits `implicit` to the pairs of a file: prints the seconds of its best run, and the partners of
/// one product.
const IMPLICIT: &str = "
import os, sys, time
threads = int(sys.argv[2])
os.environ['OPENBLAS_NUM_THREADS'] = os.environ['OMP_NUM_THREADS'] = str(threads)
import numpy as np
from scipy.sparse import csr_matrix
from implicit.nearest_neighbours import CosineRecommender
pairs = np.fromfile(sys.argv[1], dtype=np.uint32).reshape(-1, 2)
users = csr_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])))
users.data[:] = 1
best = 1e9
for _ in range(int(sys.argv[3])):
    model = CosineRecommender(K=int(sys.argv[4]) + 1, num_threads=threads)
    start = time.perf_counter()
    model.fit(users, show_progress=False)
    best = min(best, time.perf_counter() - start)
print(best)
row = model.similarity[int(sys.argv[5])]
print(' '.join(f'{s:.6f}' for s in sorted(row.data, reverse=True)[1:]))
";

/// Measures and prints.
pub fn run(lines: usize, products: u32, customers: u32) -> anyhow::Result<()> {
    let pairs = sold(lines, products, customers);
    let start = Instant::now();
    let mut holdings = Holdings::new(&pairs);
    let built = start.elapsed();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{lines} lines, {products} products, {customers} customers: {} with any; read in {}",
        holdings.baskets(),
        ms(built)
    )?;
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("pairs");
    let bytes: Vec<u8> =
        pairs.iter().flat_map(|(b, i)| [b.to_le_bytes(), i.to_le_bytes()]).flatten().collect();
    std::fs::write(&file, bytes)?;
    let item = 7;
    for threads in [1_usize, 2] {
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let theirs = implicit(&file, threads, item);
        for measure in [Measure::Cosine, Measure::Llr] {
            let beyond_chance = measure == Measure::Llr;
            let wish = Wish { measure, top: TOP, together_min: 1, beyond_chance };
            let mut best = Duration::MAX;
            let mut lists = Vec::new();
            for _ in 0..RUNS {
                let start = Instant::now();
                lists = holdings.lists(&wish, threads);
                best = best.min(start.elapsed());
            }
            let scores = lists.get(usize::try_from(item)?).map(|list| {
                list.iter().map(|one| format!("{:.6}", one.score)).collect::<Vec<_>>().join(" ")
            });
            let beside = match (&theirs, measure) {
                (Ok((seconds, said)), Measure::Cosine) => format!(
                    "implicit {}, ours {:.2} of it; the scores of one product are {}",
                    ms(*seconds),
                    best.as_secs_f64() / seconds.as_secs_f64(),
                    if scores.as_deref() == Some(said) { "the same" } else { "others" },
                ),
                (Err(why), Measure::Cosine) => format!("implicit is absent: {why}"),
                _ => "implicit has no such measure".to_owned(),
            };
            writeln!(out, "{threads} threads, {measure:?}: all lists in {}; {beside}", ms(best))?;
        }
    }
    let wish = Wish { measure: Measure::Llr, top: TOP, together_min: 2, beyond_chance: true };
    let mut took: Vec<Duration> = Vec::new();
    for n in 0..ORDERS {
        let order = sold_to(n, products);
        let start = Instant::now();
        holdings.add(n.wrapping_mul(7_919) % customers, &order);
        std::hint::black_box(holdings.lists_of(&order, &wish));
        took.push(start.elapsed());
    }
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).copied().unwrap_or_default();
    writeln!(
        out,
        "one order more of three products, counted in and their lists made anew: median {}, \
         99 of 100 under {}",
        ms(at(50)),
        ms(at(99))
    )?;
    Ok(())
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

/// The seconds of `implicit` and the scores it gives one product; why not, where it cannot be had.
fn implicit(file: &Path, threads: NonZeroUsize, item: u32) -> Result<(Duration, String), String> {
    let args = [threads.to_string(), RUNS.to_string(), TOP.to_string(), item.to_string()];
    let ran = Command::new("python3").args(["-c", IMPLICIT]).arg(file).args(args).output();
    let ran = ran.map_err(|e| e.to_string())?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said.lines().next_back().unwrap_or_default();
        return Err(format!("{last} (pip install implicit)"));
    }
    let said = String::from_utf8_lossy(&ran.stdout);
    let mut lines = said.lines();
    let seconds: Option<f64> = lines.next().and_then(|line| line.parse().ok());
    let seconds = seconds.ok_or_else(|| "it said no time".to_owned())?;
    Ok((Duration::from_secs_f64(seconds), lines.next().unwrap_or_default().to_owned()))
}

/// Lines of orders: who bought what, by Zipf's law of .9 for products and .6 for customers.
fn sold(lines: usize, products: u32, customers: u32) -> Vec<(u32, u32)> {
    let (items, buyers) = (Zipf::new(products, 0.9), Zipf::new(customers, 0.6));
    let mut chance = Chance(42);
    (0..lines).map(|_| (buyers.pick(chance.next()), items.pick(chance.next()))).collect()
}

/// The products of one order more.
fn sold_to(n: u32, products: u32) -> Vec<u32> {
    let items = Zipf::new(products, 0.9);
    let mut chance = Chance(u64::from(n) + 1_000);
    (0..3).map(|_| items.pick(chance.next())).collect()
}

/// Uniform numbers, the same in every run (Knuth's MMIX).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        numbers::real::real(self.0 >> 11) / 9_007_199_254_740_992.0
    }
}

/// Numbers from 0, the first the likeliest.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: u32, power: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=count).map(|n| {
            sum += f64::from(n).powf(-power);
            sum
        });
        Self(sums.collect())
    }

    fn pick(&self, chance: f64) -> u32 {
        let whole = self.0.last().copied().unwrap_or(0.0);
        let at = self.0.partition_point(|sum| *sum < chance * whole);
        u32::try_from(at.min(self.0.len().saturating_sub(1))).unwrap_or(0)
    }
}
