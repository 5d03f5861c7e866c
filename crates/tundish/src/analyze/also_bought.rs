//! `tundish analyze also-bought`: what is bought together.

use std::num::NonZeroUsize;

use numbers::affinity::{Counts, Holdings, Measure, Partner, Wish};
use numbers::real::real;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use web::charts::{self, Rank, RankItem, Size, Unit};

use super::baskets::{self, Baskets};
use super::columns::Columns;
use super::formats::said;
use super::plot;
use super::source::Source;
use super::words::{count, figure, some};
use crate::cli::AlsoBought;
use crate::output::{Output, refused, table, usage};

/// Pairs that are printed for people.
const SHOWN_MAX: usize = 30;
/// Pairs that are drawn.
const DRAWN_MAX: usize = 20;

/// A name is made of a number where it is printed, and not before: there may be millions of pairs.
#[derive(Debug)]
struct Answer {
    baskets: Baskets,
    /// How many these are, and of how many products.
    counted: (u64, usize),
    pairs: Vec<Pair>,
    /// The best partners of each product, by its number.
    partners: Vec<Vec<Partner>>,
}

/// Two products, the one whose name comes first first.
#[derive(Debug)]
struct Pair {
    a: u32,
    b: u32,
    counts: Counts,
    /// By the measure asked for.
    score: f64,
}

#[derive(Serialize)]
struct ShownPair<'a> {
    a: &'a str,
    b: &'a str,
    together: u64,
    a_count: u64,
    b_count: u64,
    llr: f64,
    cosine: Option<f64>,
    lift: Option<f64>,
    jaccard: Option<f64>,
}

#[derive(Serialize)]
struct ShownPartner<'a> {
    product: &'a str,
    score: f64,
    together: u64,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut answer = to.serialize_struct("Answer", 7)?;
        answer.serialize_field("baskets", &self.counted.0)?;
        answer.serialize_field("products", &self.counted.1)?;
        // What a basket is: an `order`, or a `customer` where no order holds two products.
        answer.serialize_field("basket", self.baskets.of)?;
        answer.serialize_field("pairs", &Pairs(self))?;
        answer.serialize_field("items", &Items(self))?;
        answer.serialize_field("left_out", &self.baskets.left_out)?;
        answer.serialize_field("notes", &self.baskets.left_out.notes)?;
        answer.end()
    }
}

struct Pairs<'a>(&'a Answer);

impl Serialize for Pairs<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let name = |item| self.0.name(item);
        to.collect_seq(self.0.pairs.iter().map(|Pair { a, b, counts, .. }| ShownPair {
            a: name(*a),
            b: name(*b),
            together: counts.together,
            a_count: counts.a,
            b_count: counts.b,
            llr: counts.llr(),
            cosine: counts.cosine(),
            lift: counts.lift(),
            jaccard: counts.jaccard(),
        }))
    }
}

struct Items<'a>(&'a Answer);

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let shown = |one: &Partner| ShownPartner {
            product: self.0.name(one.item),
            score: one.score,
            together: one.together,
        };
        let all = (0_u32..).zip(&self.0.partners).filter(|(_, list)| !list.is_empty());
        to.collect_map(all.map(|(item, list)| {
            (self.0.name(item), list.iter().map(shown).collect::<Vec<ShownPartner<'_>>>())
        }))
    }
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
    let holdings = holdings(&baskets.baskets);
    if holdings.baskets() == 0 {
        let mut why = vec![format!("{}: no row names an order and a product", source.name())];
        why.extend(baskets.left_out.counted());
        return Err(refused(why.join("; ")));
    }
    let answer = answer(&holdings, measure, flags, baskets);
    output.say(columns.told());
    plot::write(output, &flags.picture, || {
        charts::rank(&drawn(&answer, &flags.measure), Size::Wide)
    })?;
    output.either(&answer, || human(&answer, flags))
}

fn holdings(baskets: &[Vec<u32>]) -> Holdings {
    let each = (0_u32..).zip(baskets);
    let lines = each.flat_map(|(at, basket)| basket.iter().map(move |item| (at, *item)));
    Holdings::new(&lines.collect::<Vec<(u32, u32)>>())
}

fn answer(holdings: &Holdings, measure: Measure, flags: &AlsoBought, baskets: Baskets) -> Answer {
    let mut pairs: Vec<Pair> = Vec::new();
    holdings.pairs(flags.min_together, |a, b, counts| {
        if let Some(score) = counts.score(measure) {
            pairs.push(Pair { a, b, counts, score });
        }
    });
    pairs.sort_unstable_by(|x, y| {
        let by_name = (x.a, x.b).cmp(&(y.a, y.b));
        y.score.total_cmp(&x.score).then(y.counts.together.cmp(&x.counts.together)).then(by_name)
    });
    // What is bought together less often than by chance is nobody's recommendation.
    let (top, together_min) = (flags.top, flags.min_together);
    let wish = Wish { measure, top, together_min, beyond_chance: true };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let held = (0_u32..).zip(&baskets.products).filter(|(item, _)| holdings.count(*item) > 0);
    Answer {
        counted: (holdings.baskets(), held.count()),
        pairs,
        partners: holdings.lists(&wish, threads),
        baskets,
    }
}

impl Answer {
    fn name(&self, item: u32) -> &str {
        let place = usize::try_from(item).unwrap_or(usize::MAX);
        self.baskets.products.get(place).map_or("", String::as_str)
    }

    /// The pairs that chance alone would bring together less often.
    fn attracting(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(|pair| pair.counts.attracts())
    }

    fn pair_name(&self, pair: &Pair) -> String {
        format!("{} + {}", self.name(pair.a), self.name(pair.b))
    }
}

fn drawn(answer: &Answer, word: &str) -> Rank {
    let item = |pair: &Pair| RankItem {
        label: answer.pair_name(pair),
        value: real(pair.counts.together),
        note: Some(format!("{} {}", word, figure(pair.score))),
    };
    Rank {
        title: "Bought together".to_owned(),
        about: format!("Baskets with both, of {}; the first by {}", count(answer.counted.0), word),
        items: answer.attracting().take(DRAWN_MAX).map(item).collect(),
        unit: Unit::Count,
    }
}

fn human(answer: &Answer, flags: &AlsoBought) -> Vec<String> {
    let whole = |n: usize| u64::try_from(n).unwrap_or(0);
    let mut lines = vec![format!(
        "{} with {}; {} in {} or more; by {}",
        some(answer.counted.0, "basket"),
        some(whole(answer.counted.1), "product"),
        some(whole(answer.pairs.len()), "pair"),
        some(flags.min_together, "basket"),
        flags.measure,
    )];
    if answer.baskets.of == "customer" {
        lines.push("No order holds two products: a basket is all that one customer bought.".into());
    }
    if answer.pairs.is_empty() {
        lines.push(match flags.min_together {
            _ if answer.counted.1 < 2 => "There is but one product in it.".to_owned(),
            0 | 1 => "No two products were bought together.".to_owned(),
            n => format!("No two products were bought together {n} times: try --min-together 1."),
        });
        lines.extend(answer.baskets.left_out.told());
        return lines;
    }
    lines.push(String::new());
    let head = ["together", "of", "and", "llr", "cosine", "lift", "jaccard", "pair"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let maybe = |value: Option<f64>| value.map_or_else(String::new, figure);
    let apart = answer.pairs.len() - answer.attracting().count();
    rows.extend(answer.attracting().take(SHOWN_MAX).map(|pair| {
        let counts = pair.counts;
        vec![
            count(counts.together),
            count(counts.a),
            count(counts.b),
            figure(counts.llr()),
            maybe(counts.cosine()),
            maybe(counts.lift()),
            maybe(counts.jaccard()),
            answer.pair_name(pair),
        ]
    }));
    if rows.len() > 1 {
        lines.extend(table(&rows));
    }
    if apart > 0 {
        let pairs = some(whole(apart), "pair");
        lines.push(format!("not shown: {pairs} that chance alone brings together as often"));
    }
    lines.extend(answer.baskets.left_out.told());
    lines
}
