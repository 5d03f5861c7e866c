//! `tundish analyze also-bought`: what is bought together.

use std::collections::BTreeMap;

use numbers::affinity::{Measure, PairCounts};
use numbers::real::real;
use serde::Serialize;
use web::charts::{self, Rank, RankItem, Size, Unit};

use super::baskets::{self, Baskets};
use super::columns::Columns;
use super::formats::said;
use super::left_out::LeftOut;
use super::plot;
use super::source::Source;
use super::words::{count, figure, some};
use crate::cli::AlsoBought;
use crate::output::{Output, refused, table, usage};

/// Pairs that are printed for people.
const SHOWN_MAX: usize = 30;
/// Pairs that are drawn.
const DRAWN_MAX: usize = 20;

#[derive(Debug, Serialize)]
struct Answer {
    baskets: u64,
    products: usize,
    /// What a basket is: an `order`, or a `customer` where no order holds two products.
    basket: &'static str,
    pairs: Vec<Pair>,
    items: BTreeMap<String, Vec<Partner>>,
    left_out: LeftOut,
    notes: Vec<String>,
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
    let baskets = baskets::read(&mut source, &mut columns, said(&flags.table)?)?;
    let counts = PairCounts::from_baskets(&baskets.baskets);
    if counts.baskets() == 0 {
        let mut why = vec![format!("{}: no row names an order and a product", source.name())];
        why.extend(baskets.left_out.counted());
        return Err(refused(why.join("; ")));
    }
    let answer = answer(&counts, measure, flags, baskets);
    output.say(columns.told());
    plot::write(output, &flags.picture, || {
        charts::rank(&drawn(&answer, measure, &flags.measure), Size::Wide)
    })?;
    output.either(&answer, || human(&answer, flags))
}

fn answer(
    counts: &PairCounts<u32>,
    measure: Measure,
    flags: &AlsoBought,
    baskets: Baskets,
) -> Answer {
    let name = |product: &u32| {
        let place = usize::try_from(*product).unwrap_or(usize::MAX);
        baskets.products.get(place).cloned().unwrap_or_default()
    };
    let mut pairs: Vec<Pair> = Vec::new();
    let mut partners: BTreeMap<String, Vec<Partner>> = BTreeMap::new();
    for (a, b, pair) in counts.pairs() {
        if pair.together < flags.min_together {
            continue;
        }
        let Some(score) = pair.score(measure) else { continue };
        // What is bought together less often than by chance is nobody's recommendation.
        let ends = [(a, b), (b, a)].into_iter().filter(|_| pair.attracts());
        for (of, with) in ends {
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
    pairs.sort_by(|x, y| {
        y.score(measure).total_cmp(&x.score(measure)).then(y.together.cmp(&x.together))
    });
    Answer {
        baskets: counts.baskets(),
        products: counts.items(),
        basket: baskets.of,
        pairs,
        items: partners,
        notes: baskets.left_out.notes.clone(),
        left_out: baskets.left_out,
    }
}

impl Pair {
    /// By the measure asked for; a pair without it comes last.
    fn score(&self, measure: Measure) -> f64 {
        let score = match measure {
            Measure::Llr => Some(self.llr),
            Measure::Cosine => self.cosine,
            Measure::Lift => self.lift,
            Measure::Jaccard => self.jaccard,
        };
        score.unwrap_or(0.0)
    }

    /// Whether chance alone would bring them together less often.
    fn attracts(&self) -> bool {
        self.lift.is_none_or(|lift| lift > 1.0)
    }
}

fn drawn(answer: &Answer, measure: Measure, word: &str) -> Rank {
    let item = |pair: &Pair| RankItem {
        label: format!("{} + {}", pair.a, pair.b),
        value: real(pair.together),
        note: Some(format!("{} {}", word, figure(pair.score(measure)))),
    };
    let attracting = answer.pairs.iter().filter(|pair| pair.attracts());
    Rank {
        title: "Bought together".to_owned(),
        about: format!("Baskets with both, of {}; the first by {}", count(answer.baskets), word),
        items: attracting.take(DRAWN_MAX).map(item).collect(),
        unit: Unit::Count,
    }
}

fn human(answer: &Answer, flags: &AlsoBought) -> Vec<String> {
    let whole = |n: usize| u64::try_from(n).unwrap_or(0);
    let mut lines = vec![format!(
        "{} with {}; {} in {} or more; by {}",
        some(answer.baskets, "basket"),
        some(whole(answer.products), "product"),
        some(whole(answer.pairs.len()), "pair"),
        some(flags.min_together, "basket"),
        flags.measure,
    )];
    if answer.basket == "customer" {
        lines.push("No order holds two products: a basket is all that one customer bought.".into());
    }
    if answer.pairs.is_empty() {
        lines.push(match flags.min_together {
            _ if answer.products < 2 => "There is but one product in it.".to_owned(),
            0 | 1 => "No two products were bought together.".to_owned(),
            n => format!("No two products were bought together {n} times: try --min-together 1."),
        });
        lines.extend(answer.left_out.told());
        return lines;
    }
    lines.push(String::new());
    let head = ["together", "of", "and", "llr", "cosine", "lift", "jaccard", "pair"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let maybe = |value: Option<f64>| value.map_or_else(String::new, figure);
    let attracting = answer.pairs.iter().filter(|pair| pair.attracts());
    let apart = answer.pairs.len() - attracting.clone().count();
    rows.extend(attracting.take(SHOWN_MAX).map(|pair| {
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
    if rows.len() > 1 {
        lines.extend(table(&rows));
    }
    if apart > 0 {
        let pairs = some(whole(apart), "pair");
        lines.push(format!("not shown: {pairs} that chance alone brings together as often"));
    }
    lines.extend(answer.left_out.told());
    lines
}
