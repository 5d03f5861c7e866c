//! `/admin/scores/learned`: how likely contacts are to buy, learned from those before them, and how
//! far that can be trusted.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use engine::EngineError;
use engine::learned::{self, BinTold, HORIZON_DAYS, LEAST, PER_COLUMN, SEEN_DAYS, Told};
use model::UtcMs;
use model::exports::csv_row;
use model::operators::Role;
use serde::{Deserialize, Serialize};
use store::learned_scores::Learned;

use crate::charts::{self, Lines, Series, Unit};
use crate::error::WebError;
use crate::extract::operator::CurrentOperator;
use crate::frame::Frame;
use crate::reply::{self, Reply};
use crate::state::AppState;
use crate::words::grouped;

const PATH: &str = "/admin/scores/learned";
/// Contacts shown with their chance.
const LIKELIEST: i64 = 20;

/// What was learned.
#[derive(Debug, Serialize)]
pub struct LearnedPage {
    frame: Frame,
    /// When it was last learned, or refused.
    at: Option<UtcMs>,
    /// Whether a lesson was asked for that is not over.
    is_learning: bool,
    /// Why nothing was learned.
    why: Option<String>,
    lesson: Option<Lesson>,
    contacts: Vec<Likely>,
    allowed: String,
    terms: Terms,
    may_change: bool,
}

/// The numbers the page speaks of.
#[derive(Debug, Serialize)]
struct Terms {
    seen_days: i64,
    horizon_days: i64,
    least: usize,
    per_column: usize,
}

const TERMS: Terms = Terms {
    seen_days: SEEN_DAYS,
    horizon_days: HORIZON_DAYS,
    least: LEAST,
    per_column: PER_COLUMN,
};

/// A lesson and how it was judged.
#[derive(Debug, Serialize)]
struct Lesson {
    tiles: Vec<Tile>,
    verdict: String,
    figure: Option<Figure>,
    weights: Vec<WeightRow>,
    warnings: Vec<String>,
    left_out: Vec<String>,
}

/// A drawing with its table.
#[derive(Debug, Serialize)]
struct Figure {
    title: String,
    note: String,
    svg: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    num: Vec<usize>,
    formula: String,
    csv: String,
}

#[derive(Debug, Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Debug, Serialize)]
struct WeightRow {
    text: String,
    odds: String,
    words: String,
}

/// A contact with its chance.
#[derive(Debug, Serialize)]
struct Likely {
    id: String,
    name: String,
    email: String,
    chance: f64,
}

impl LearnedPage {
    pub(crate) fn sample() -> Self {
        let bins = vec![
            BinTold { n: 90, positives: 2, said: 0.02, came: 2.0 / 90.0 },
            BinTold { n: 90, positives: 19, said: 0.2, came: 19.0 / 90.0 },
        ];
        let weight =
            learned::Weight { text: "one more of clicks".to_owned(), odds: Some(1.4), share: 0.0 };
        let told = Told {
            cases: 900,
            buyers: 120,
            held_out: 270,
            held_out_buyers: 36,
            auc: Some(0.71),
            auc_interval: Some((0.63, 0.79)),
            brier: Some(0.09),
            brier_of_share: Some(0.11),
            ece: Some(0.02),
            top_tenth: Some(3.1),
            bins,
            weights: vec![weight],
            warnings: vec!["look at this".to_owned()],
            left_out: vec!["answer: age: protected".to_owned()],
            ..Told::default()
        };
        let contact = Likely {
            id: "con_0000000000001".to_owned(),
            name: "Iris Calloway".to_owned(),
            email: "iris@example.com".to_owned(),
            chance: 0.34,
        };
        Self {
            frame: Frame::sample("scores"),
            at: Some(UtcMs(1_795_200_000_000)),
            is_learning: true,
            why: Some("too little to learn from".to_owned()),
            lesson: Some(Lesson::of(&told)),
            contacts: vec![contact],
            allowed: String::new(),
            terms: TERMS,
            may_change: true,
        }
    }

    async fn of(state: &AppState, who: &CurrentOperator) -> Result<Self, WebError> {
        let (found, contacts) = read(state, who).await?;
        let is_learning = found.as_ref().is_some_and(|learned| {
            learned.asked_at.is_some_and(|asked| learned.learned_at.is_none_or(|at| at < asked))
        });
        let has_model = found.as_ref().is_some_and(|learned| learned.kept.is_some());
        let told = found.as_ref().filter(|_| has_model).and_then(learned::told);
        Ok(Self {
            frame: who.frame("scores"),
            at: found.as_ref().and_then(|learned| learned.learned_at),
            is_learning,
            why: found.as_ref().and_then(|learned| learned.why.clone()),
            lesson: told.as_ref().map(Lesson::of),
            contacts,
            allowed: found.map(|learned| learned.allowed).unwrap_or_default(),
            terms: TERMS,
            may_change: who.present.operator.role.may(Role::Editor),
        })
    }
}

async fn read(
    state: &AppState,
    who: &CurrentOperator,
) -> Result<(Option<Learned>, Vec<Likely>), WebError> {
    let site = who.site.id;
    let read = state.reader.read::<_, EngineError, _>(move |session| {
        Box::pin(async move {
            let found = store::learned_scores::find(session, site).await?;
            let mut contacts = Vec::new();
            for (id, chance) in store::learned_scores::likeliest(session, site, LIKELIEST).await? {
                if let Some(contact) = store::contacts::find(session, site, id).await? {
                    contacts.push(Likely {
                        id: id.to_string(),
                        name: contact.name(),
                        email: contact.email,
                        chance,
                    });
                }
            }
            Ok((found, contacts))
        })
    });
    Ok(read.await?)
}

impl Lesson {
    fn of(told: &Told) -> Self {
        Self {
            tiles: tiles(told),
            verdict: verdict(told),
            figure: figure(told),
            weights: told.weights.iter().map(weight).collect(),
            warnings: told.warnings.clone(),
            left_out: told.left_out.clone(),
        }
    }
}

fn tiles(told: &Told) -> Vec<Tile> {
    let count = |n: usize| grouped(u64::try_from(n).unwrap_or(u64::MAX));
    let figure = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| format!("{x:.3}"));
    let between = told
        .auc_interval
        .map_or_else(String::new, |(low, high)| format!("likely {low:.2} to {high:.2}; "));
    vec![
        Tile {
            label: "Learned from and judged on",
            value: format!("{} contacts", count(told.cases)),
            note: format!(
                "{} bought; {} of all were held out to judge it",
                count(told.buyers),
                grouped(told.held_out)
            ),
        },
        Tile {
            label: "Ranking (AUC)",
            value: figure(told.auc),
            note: format!("{between}0.5 is a coin, 1 is perfect"),
        },
        Tile {
            label: "Error of the chances (Brier)",
            value: figure(told.brier),
            note: format!(
                "always saying the share of all: {}; less is better",
                figure(told.brier_of_share)
            ),
        },
        Tile {
            label: "The likeliest tenth bought",
            value: told.top_tenth.map_or_else(|| "–".to_owned(), |x| format!("{x:.1} ×")),
            note: "the average".to_owned(),
        },
    ]
}

/// Whether to believe it, in a sentence.
fn verdict(told: &Told) -> String {
    let low = told.auc_interval.map(|(low, _)| low).or(told.auc);
    match (low, told.auc) {
        (Some(low), Some(_)) if low > 0.6 => {
            "It ranks clearly better than chance on contacts it had not seen.".to_owned()
        }
        (Some(low), Some(_)) if low > 0.5 => {
            "It ranks somewhat better than chance on contacts it had not seen.".to_owned()
        }
        (Some(_), Some(_)) => {
            "It does not rank better than chance for sure: do not act on it yet.".to_owned()
        }
        _ => "Too few buyers were held out to judge it: do not act on it yet.".to_owned(),
    }
}

fn weight(weight: &learned::Weight) -> WeightRow {
    let words = match weight.odds {
        None => "no finite value: it tells buyers apart without fault".to_owned(),
        Some(odds) if (odds - 1.0).abs() < 0.005 => "makes no difference".to_owned(),
        Some(odds) if odds > 1.0 => "makes buying likelier".to_owned(),
        Some(_) => "makes buying less likely".to_owned(),
    };
    let odds = weight.odds.map_or_else(|| "–".to_owned(), |odds| format!("× {odds:.2}"));
    WeightRow { text: weight.text.clone(), odds, words }
}

/// What was said against what came, tenth by tenth.
fn figure(told: &Told) -> Option<Figure> {
    if told.bins.is_empty() {
        return None;
    }
    let percent = |x: f64| format!("{:.1} %", x * 100.0);
    let spec = Lines {
        title: "Said and came".to_owned(),
        about: "For each tenth of the contacts held out, the chance it was given and the share \
                that bought"
            .to_owned(),
        labels: (1..=told.bins.len()).map(|tenth| tenth.to_string()).collect(),
        series: vec![
            Series::new("Said", told.bins.iter().map(|bin| bin.said)),
            Series::new("Came", told.bins.iter().map(|bin| bin.came)),
        ],
        unit: Unit::Share,
    };
    let rows = (1_usize..).zip(&told.bins).map(|(tenth, bin)| {
        vec![
            tenth.to_string(),
            percent(bin.said),
            percent(bin.came),
            grouped(bin.positives),
            grouped(bin.n),
        ]
    });
    let ece = told.ece.map_or_else(|| "–".to_owned(), percent);
    Some(Figure {
        title: spec.title.clone(),
        note: format!(
            "Tenths of the contacts held out, the least likely first. The nearer the lines, the \
             truer the chances; on average they are {ece} off."
        ),
        svg: charts::both(|size| charts::lines(&spec, size)),
        columns: ["Tenth", "Said", "Came", "Bought", "Contacts"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        num: vec![1, 2, 3, 4],
        formula: "chance = 1 / (1 + e^−(constant + Σ weight × fact)), a logistic regression by \
                  maximum likelihood; said = mean chance, came = bought / contacts"
            .to_owned(),
        csv: format!("{PATH}/csv"),
    })
}

/// What was learned.
pub async fn show(State(state): State<AppState>, who: CurrentOperator) -> Reply {
    reply::page("admin/scores/learned.html", LearnedPage::of(&state, &who).await?)
}

/// Which of the page's tables is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Table {
    of: String,
}

/// A table of the page as a file: what was said against what came, `weights`, or `likeliest`.
pub async fn csv(
    State(state): State<AppState>,
    who: CurrentOperator,
    Query(table): Query<Table>,
) -> Result<Response, WebError> {
    let (found, contacts) = read(&state, &who).await?;
    let told = found.as_ref().and_then(learned::told).unwrap_or_default();
    let (name, text) = match table.of.as_str() {
        "weights" => ("learned-weights", weights_file(&told)),
        "likeliest" => ("learned-likeliest", likeliest_file(&contacts)),
        _ => ("learned", bins_file(&told)),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    Ok((headers, text).into_response())
}

fn bins_file(told: &Told) -> String {
    let mut text = "tenth,said,came,bought,contacts\r\n".to_owned();
    for (tenth, bin) in (1_usize..).zip(&told.bins) {
        text.push_str(&csv_row(&[
            tenth.to_string(),
            format!("{:.6}", bin.said),
            format!("{:.6}", bin.came),
            bin.positives.to_string(),
            bin.n.to_string(),
        ]));
    }
    text
}

fn weights_file(told: &Told) -> String {
    let mut text = "fact,odds\r\n".to_owned();
    for weight in &told.weights {
        let odds = weight.odds.map_or_else(String::new, |odds| format!("{odds:.6}"));
        text.push_str(&csv_row(&[weight.text.clone(), odds]));
    }
    text
}

fn likeliest_file(contacts: &[Likely]) -> String {
    let mut text = "id,name,email,chance\r\n".to_owned();
    for one in contacts {
        let chance = format!("{:.6}", one.chance);
        text.push_str(&csv_row(&[one.id.clone(), one.name.clone(), one.email.clone(), chance]));
    }
    text
}

/// What is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Act {
    r#do: String,
    allowed: String,
}

/// Asks for a lesson, or sets which protected fields may be learned from.
pub async fn act(
    State(state): State<AppState>,
    who: CurrentOperator,
    Form(act): Form<Act>,
) -> Reply {
    who.require(Role::Editor)?;
    let engine = who.engine(&state);
    if act.r#do == "allow" {
        learned::allow(&engine, &who.site, &act.allowed).await?;
        return Ok(reply::done(PATH, "Saved. It holds from the next lesson on."));
    }
    learned::ask(&engine, &who.site).await?;
    Ok(reply::done(PATH, "It is being learned; look again in a minute."))
}
