//! A lesson as it is written down: what was told of it, and the model itself.

use std::collections::{BTreeMap, BTreeSet};

use numbers::scores::kept::{Kept, KeptColumn, KeptField, Stands};
use numbers::scores::table::{Field, Values};
use numbers::scores::{Model, Report};
use serde::{Deserialize, Serialize};

use super::lesson::{OTHER, brier_of_share};
use crate::fault::{EngineError, Result};

/// What is told of a lesson.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Contacts it was learned from and judged on.
    pub cases: usize,
    /// Those of them who bought.
    pub buyers: usize,
    /// Those it was judged on.
    pub held_out: u64,
    /// Those of these who bought.
    pub held_out_buyers: u64,
    /// How well it ranks, from .5 to 1, and between what that is likely to be.
    pub auc: Option<f64>,
    /// The interval of 95 %.
    pub auc_interval: Option<(f64, f64)>,
    /// The same on those it learned from.
    pub training_auc: Option<f64>,
    /// Mean squared error of the chances.
    pub brier: Option<f64>,
    /// What always saying the share of all would have got.
    pub brier_of_share: Option<f64>,
    /// How far the chances are off on average.
    pub ece: Option<f64>,
    /// How many times the average the likeliest tenth bought.
    pub top_tenth: Option<f64>,
    /// What was said against what came, the lowest chances first.
    pub bins: Vec<BinTold>,
    /// What each fact does to the odds, the strongest first.
    pub weights: Vec<Weight>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// What was not learned from, with why.
    pub left_out: Vec<String>,
}

/// Contacts who were given about the same chance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BinTold {
    /// How many.
    pub n: u64,
    /// Those who bought.
    pub positives: u64,
    /// The mean of their chances.
    pub said: f64,
    /// The share who bought.
    pub came: f64,
}

/// What one fact does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weight {
    /// The fact, in words.
    pub text: String,
    /// What the odds are multiplied by; nothing where that has no finite value.
    pub odds: Option<f64>,
    /// The mean of the column.
    pub share: f64,
}

impl Told {
    /// Takes up how the lesson was judged.
    pub(super) fn judged(&mut self, report: &Report) {
        let held_out = &report.held_out;
        self.held_out = held_out.n;
        self.held_out_buyers = held_out.positives;
        self.auc = held_out.auc.map(|auc| auc.value);
        self.auc_interval = held_out.auc.and_then(|auc| auc.interval);
        self.training_auc = report.training.auc.map(|auc| auc.value);
        self.brier = held_out.brier;
        self.brier_of_share = brier_of_share(held_out.positives, held_out.n);
        self.ece = held_out.ece;
        self.top_tenth = held_out.top_decile_lift;
        let bins = held_out.deciles.iter().rev().map(|bin| BinTold {
            n: bin.n,
            positives: bin.positives,
            said: bin.predicted,
            came: bin.observed.rate,
        });
        self.bins = bins.collect();
        self.warnings = report.warnings.iter().map(ToString::to_string).collect();
    }
}

/// The model as JSON.
#[derive(Serialize, Deserialize)]
struct ModelText {
    intercept: f64,
    fields: Vec<FieldText>,
}

#[derive(Serialize, Deserialize)]
struct FieldText {
    name: String,
    /// The words it knows by name; any other is the last of `lesson::OTHER`.
    words: Vec<String>,
    columns: Vec<ColumnText>,
}

#[derive(Serialize, Deserialize)]
struct ColumnText {
    stands: StandsText,
    weight: f64,
    mean: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StandsText {
    Number { mean: f64, sd: f64 },
    Word(String),
    Missing,
}

pub(super) fn text(told: &Told) -> Result<String> {
    serde_json::to_string(told)
        .map_err(|e| EngineError::Fault(format!("a lesson could not be written: {e}")))
}

/// The model as text. Forms are learned by their names, and kept by their ids.
pub(super) fn keep(
    kept: &Kept,
    learned: &[Field],
    forms: &BTreeMap<String, String>,
) -> Result<String> {
    let id_of = |field: &str, word: &str| {
        let by_name = forms.iter().find(|(_, name)| field == "form" && name.as_str() == word);
        by_name.map_or_else(|| word.to_owned(), |(id, _)| id.clone())
    };
    let column = |field: &str, column: &KeptColumn| ColumnText {
        stands: match &column.stands {
            Stands::Number { mean, sd } => StandsText::Number { mean: *mean, sd: *sd },
            Stands::Word(word) => StandsText::Word(id_of(field, word)),
            Stands::Missing => StandsText::Missing,
        },
        weight: column.weight,
        mean: column.mean,
    };
    let words = |name: &str| {
        let field = learned.iter().find(|field| field.name == name);
        let Some(Field { values: Values::Words(words), .. }) = field else { return Vec::new() };
        let known: BTreeSet<&String> = words.iter().flatten().collect();
        known.into_iter().map(|word| id_of(name, word)).collect()
    };
    let fields = kept.fields.iter().map(|field| FieldText {
        words: words(&field.name),
        name: field.name.clone(),
        columns: field.columns.iter().map(|one| column(&field.name, one)).collect(),
    });
    let model = ModelText { intercept: kept.intercept, fields: fields.collect() };
    serde_json::to_string(&model)
        .map_err(|e| EngineError::Fault(format!("a lesson could not be written: {e}")))
}

/// A model with the words it knows.
#[derive(Debug)]
pub(super) struct Taught {
    pub(super) model: Model,
    words: BTreeMap<String, BTreeSet<String>>,
}

impl Taught {
    /// A word of a field as it was learned: rare ones are one.
    pub(super) fn word<'a>(&self, field: &str, word: &'a str) -> &'a str {
        let known = self.words.get(field).is_some_and(|words| words.contains(word));
        if known { word } else { OTHER }
    }
}

/// The model of a text; nothing where it is none.
pub(super) fn read(text: &str) -> Option<Taught> {
    let model: ModelText = serde_json::from_str(text).ok()?;
    let words = model.fields.iter().map(|field| {
        (field.name.clone(), field.words.iter().cloned().collect::<BTreeSet<String>>())
    });
    let words = words.collect();
    let fields = model.fields.into_iter().map(|field| KeptField {
        name: field.name,
        columns: field
            .columns
            .into_iter()
            .map(|column| KeptColumn {
                stands: match column.stands {
                    StandsText::Number { mean, sd } => Stands::Number { mean, sd },
                    StandsText::Word(word) => Stands::Word(word),
                    StandsText::Missing => Stands::Missing,
                },
                weight: column.weight,
                mean: column.mean,
            })
            .collect(),
    });
    let model = Model::of(&Kept { intercept: model.intercept, fields: fields.collect() });
    Some(Taught { model, words })
}
