//! `tundish analyze also-bought`: what is bought together.

use std::collections::BTreeMap;

use numbers::affinity::{Measure, PairCounts};
use serde::Serialize;

use super::baskets::Baskets;
use super::columns::Columns;
use super::sales::LeftOut;
use super::source::Source;
use super::words::{count, figure};
use crate::cli::AlsoBought;
use crate::output::{Output, refused, table, usage};

/// Pairs that are printed for people.
const SHOWN_MAX: usize = 30;

#[derive(Debug, Serialize)]
struct Answer {
    baskets: u64,
    products: usize,
    pairs: Vec<Pair>,
    items: BTreeMap<String, Vec<Partner>>,
    left_out: LeftOut,
}

#[derive(Debug, Serialize)]
struct Pair {
    a: String,
    b: String,
    together: u64,
    a_count: u64,
    b_count: u64,
    llr: f64,
    cosine: Option<f64>,
    lift: Option<f64>,
    jaccard: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Partner {
    product: String,
    score: f64,
    together: u64,
}

/// Answers.
///
/// # Errors
/// The file holds no orders with products, or a flag is no use.
pub fn run(output: Output, flags: &AlsoBought) -> anyhow::Result<()> {
    let measure = Measure::parse(&flags.measure).ok_or_else(|| {
        usage(format!("--measure {:?}: say llr, cosine, lift or jaccard", flags.measure))
    })?;
    let mut source = Source::open(&flags.table.file)?;
    let mut columns = Columns::mapped(source.headers(), &flags.table.map)?;
    let all = Baskets::read(&mut source, &mut columns)?;
    if all.baskets.is_empty() {
        let mut why = vec![format!("{}: no row names an order and a product", source.name())];
        why.extend(all.left_out.told());
        return Err(refused(why.join("; ")));
    }
    let answer = answer(all, measure, flags);
    output.say(columns.told());
    output.either(&answer, || human(&answer, flags))
}

fn answer(all: Baskets, measure: Measure, flags: &AlsoBought) -> Answer {
    let counts = PairCounts::from_baskets(&all.baskets);
    let name = |product: &u32| {
        let place = usize::try_from(*product).unwrap_or(usize::MAX);
        all.products.get(place).cloned().unwrap_or_default()
    };
    let mut pairs: Vec<Pair> = Vec::new();
    let mut partners: BTreeMap<String, Vec<Partner>> = BTreeMap::new();
    for (a, b, pair) in counts.pairs() {
        if pair.together < flags.min_together {
            continue;
        }
        let Some(score) = pair.score(measure) else { continue };
        for (of, with) in [(a, b), (b, a)] {
            let partner = Partner { product: name(with), score, together: pair.together };
            partners.entry(name(of)).or_default().push(partner);
        }
        pairs.push(Pair {
            a: name(a),
            b: name(b),
            together: pair.together,
            a_count: pair.a,
            b_count: pair.b,
            llr: pair.llr(),
            cosine: pair.cosine(),
            lift: pair.lift(),
            jaccard: pair.jaccard(),
        });
    }
    for all in partners.values_mut() {
        all.sort_by(|x, y| {
            y.score
                .total_cmp(&x.score)
                .then(y.together.cmp(&x.together))
                .then(x.product.cmp(&y.product))
        });
        all.truncate(flags.top);
    }
    let by = |pair: &Pair| match measure {
        Measure::Llr => Some(pair.llr),
        Measure::Cosine => pair.cosine,
        Measure::Lift => pair.lift,
        Measure::Jaccard => pair.jaccard,
    };
    pairs.sort_by(|x, y| {
        by(y).unwrap_or(0.0).total_cmp(&by(x).unwrap_or(0.0)).then(y.together.cmp(&x.together))
    });
    let (baskets, products) = (counts.baskets(), counts.items());
    Answer { baskets, products, pairs, items: partners, left_out: all.left_out }
}

fn human(answer: &Answer, flags: &AlsoBought) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} baskets, {} products, {} pairs in {} baskets or more; by {}",
            count(answer.baskets),
            count(u64::try_from(answer.products).unwrap_or(0)),
            count(u64::try_from(answer.pairs.len()).unwrap_or(0)),
            flags.min_together,
            flags.measure,
        ),
        String::new(),
    ];
    let head = ["together", "of", "and", "llr", "cosine", "lift", "jaccard", "pair"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let maybe = |value: Option<f64>| value.map_or_else(String::new, figure);
    rows.extend(answer.pairs.iter().take(SHOWN_MAX).map(|pair| {
        vec![
            count(pair.together),
            count(pair.a_count),
            count(pair.b_count),
            figure(pair.llr),
            maybe(pair.cosine),
            maybe(pair.lift),
            maybe(pair.jaccard),
            format!("{} + {}", pair.a, pair.b),
        ]
    }));
    lines.extend(table(&rows));
    lines.extend(answer.left_out.told());
    lines
}
