//! A model as plain parts, to be written down and taken up again.

use super::Model;
use super::table::Coding;

/// What a column stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Stands {
    /// The number of the field, less `mean` over `sd`.
    Number {
        /// The mean of the training part.
        mean: f64,
        /// Its population standard deviation.
        sd: f64,
    },
    /// Whether the field is this word.
    Word(String),
    /// Whether the field is not known.
    Missing,
}

/// One column of a field.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptColumn {
    /// What it stands for.
    pub stands: Stands,
    /// Its parameter: log odds for one more of it.
    pub weight: f64,
    /// Its mean in the training part.
    pub mean: f64,
}

/// One field with its columns; a field without any tells nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptField {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<KeptColumn>,
}

/// A whole model.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Log odds where every column is nothing.
    pub intercept: f64,
    /// The fields in the order they are asked for.
    pub fields: Vec<KeptField>,
}

impl Model {
    /// Its parts.
    pub fn keep(&self) -> Kept {
        let mut parts = self.beta.iter().copied().zip(self.means.iter().copied());
        let intercept = parts.next().map_or(0.0, |(weight, _)| weight);
        let fields = self.coding.parts().map(|(name, stands)| KeptField {
            name: name.to_owned(),
            columns: stands
                .into_iter()
                .map(|stands| {
                    let (weight, mean) = parts.next().unwrap_or_default();
                    KeptColumn { stands, weight, mean }
                })
                .collect(),
        });
        Kept { intercept, fields: fields.collect() }
    }

    /// From its parts: scores as the one that was kept.
    pub fn of(kept: &Kept) -> Self {
        let (mut beta, mut means) = (vec![kept.intercept], vec![1.0]);
        for column in kept.fields.iter().flat_map(|field| &field.columns) {
            beta.push(column.weight);
            means.push(column.mean);
        }
        let fields = kept
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.columns.iter().map(|column| &column.stands)));
        Self { coding: Coding::of_parts(fields), beta, means }
    }
}

#[cfg(test)]
mod tests {
    use super::super::learn;
    use super::super::table::{Cell, Field, Values};

    #[test]
    fn a_model_that_was_kept_scores_and_explains_as_before() {
        let cases = 200_u32;
        let numbers = (0..cases).map(|n| (n % 7 != 0).then(|| f64::from(n % 11))).collect();
        let words =
            (0..cases).map(|n| Some(["a", "b", "c"][usize::try_from(n % 3).unwrap()].to_owned()));
        let fields = [
            Field { name: "n".to_owned(), values: Values::Numbers(numbers) },
            Field { name: "same".to_owned(), values: Values::Numbers(vec![Some(1.0); 200]) },
            Field { name: "w".to_owned(), values: Values::Words(words.collect()) },
        ];
        let outcome: Vec<bool> =
            (0..cases).map(|n| (n * 7_919 + n % 11 * 31) % 97 > 60 - n % 3 * 9).collect();
        let report = learn(&fields, &outcome, 0.0).unwrap();
        let kept = report.model.keep();
        let again = super::Model::of(&kept);
        assert_eq!(again.keep(), kept);
        for cells in [
            [Cell::Number(3.0), Cell::Number(1.0), Cell::Word("b")],
            [Cell::Missing, Cell::Missing, Cell::Word("unseen")],
        ] {
            assert_eq!(again.explain(&cells), report.model.explain(&cells));
        }
    }
}
