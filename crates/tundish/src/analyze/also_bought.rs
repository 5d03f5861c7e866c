//! `tundish analyze also-bought`: what is bought together.

use std::collections::{BTreeMap, HashMap};

use numbers::affinity::{Measure, PairCounts};
use serde::Serialize;

use super::columns::{Columns, Role};
use super::source::Source;
use super::words::{count, figure, some};
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
    left_out: u64,
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
    let (baskets, left_out) = baskets(&mut source, &mut columns)?;
    let counts = PairCounts::from_baskets(&baskets);
    if counts.baskets() == 0 {
        return Err(refused(format!("{}: no row names an order and a product", source.name())));
    }
    let answer = answer(&counts, measure, flags, left_out);
    output.say(columns.told());
    output.either(&answer, || human(&answer, flags))
}

/// The products of each order, and how many rows name none or were taken back.
fn baskets(source: &mut Source, columns: &mut Columns) -> anyhow::Result<(Vec<Vec<String>>, u64)> {
    let (order, product) = (columns.need(Role::Order)?, columns.need(Role::Product)?);
    let quantity = columns.find(Role::Quantity);
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut baskets: Vec<Vec<String>> = Vec::new();
    let mut left_out = 0;
    while let Some(row) = source.next_row()? {
        let (order, product) = (row.cell(order), row.cell(product));
        let taken_back = quantity.is_some_and(|at| row.cell(at).starts_with('-'));
        if order.is_empty() || product.is_empty() || taken_back {
            left_out += 1;
            continue;
        }
        let place = match places.get(&*order) {
            Some(place) => *place,
            None => {
                baskets.push(Vec::new());
                places.insert(order.into_owned(), baskets.len() - 1);
                baskets.len() - 1
            }
        };
        if let Some(basket) = baskets.get_mut(place) {
            basket.push(product.into_owned());
        }
    }
    Ok((baskets, left_out))
}

fn answer(
    counts: &PairCounts<String>,
    measure: Measure,
    flags: &AlsoBought,
    left_out: u64,
) -> Answer {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut partners: BTreeMap<String, Vec<Partner>> = BTreeMap::new();
    for (a, b, pair) in counts.pairs() {
        if pair.together < flags.min_together {
            continue;
        }
        let Some(score) = pair.score(measure) else { continue };
        for (of, with) in [(a, b), (b, a)] {
            let partner = Partner { product: with.clone(), score, together: pair.together };
            partners.entry(of.clone()).or_default().push(partner);
        }
        pairs.push(Pair {
            a: a.clone(),
            b: b.clone(),
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
    Answer { baskets: counts.baskets(), products: counts.items(), pairs, items: partners, left_out }
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
    if answer.left_out > 0 {
        let rows = some(answer.left_out, "row");
        lines.push(format!("left out: {rows} (no order, no product, or given back)"));
    }
    lines
}
