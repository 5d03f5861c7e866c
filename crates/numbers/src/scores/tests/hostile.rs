//! Tables as they should not be.

use proptest::prelude::*;

use super::near;
use crate::draws::tests::seeded;
use crate::scores::metrics::metrics;
use crate::scores::table::{Cell, Field, Values, is_held_out};
use crate::scores::{self, Refusal, Warning, learn};

fn field(name: &str, cells: &[String]) -> Field {
    Field::read(name, cells.iter().map(String::as_str))
}

/// `n` cases with one honest field, and their outcomes.
fn honest(n: usize, seed: u64) -> (Vec<Field>, Vec<bool>) {
    let mut uniform = seeded(seed);
    let x: Vec<f64> = (0..n).map(|_| 4.0 * uniform() - 2.0).collect();
    let y = x.iter().map(|x| uniform() < 1.0 / (1.0 + (-x).exp())).collect();
    (
        vec![Field {
            name: "visits".into(),
            values: Values::Numbers(x.into_iter().map(Some).collect()),
        }],
        y,
    )
}

#[test]
fn a_table_of_nothing_is_refused() {
    assert_eq!(learn(&[], &[], 0.0), Err(Refusal::OneOutcome));
    assert_eq!(learn(&[], &[true; 20], 0.0), Err(Refusal::OneOutcome));
    let (fields, outcome) = honest(50, 1);
    assert_eq!(learn(&fields, &outcome[1..], 0.0), Err(Refusal::Lengths));
    // No field at all: everyone gets the share of positives.
    let told = learn(&[], &outcome, 0.0).unwrap();
    near(told.log_likelihood.unwrap(), told.log_likelihood_null, 1e-9);
    let empty = metrics(&[], &[]);
    assert_eq!((empty.auc, empty.brier, empty.ks, empty.ece), (None, None, None, None));
    let one = metrics(&[0.4, 0.6], &[true, true]);
    assert_eq!((one.auc, one.ks), (None, None));
    assert_eq!(metrics(&[f64::NAN, 0.5], &[true, false]).auc, None);
}

#[test]
fn constant_repeated_and_endless_fields_are_left_out_with_a_word() {
    let (mut fields, outcome) = honest(600, 2);
    let n = outcome.len();
    fields.push(field("currency", &vec!["USD".to_owned(); n]));
    fields.push(field("empty", &vec![String::new(); n]));
    fields.push(field("zero", &vec!["0".to_owned(); n]));
    fields.push(field("e-mail", &(0..n).map(|i| format!("p{i}@shop.example")).collect::<Vec<_>>()));
    let mut twice = fields[0].clone();
    if let Values::Numbers(numbers) = &mut twice.values {
        for number in numbers.iter_mut().flatten() {
            *number = 7.0 - 3.0 * *number;
        }
    }
    twice.name = "visits again".into();
    fields.push(twice);
    let told = learn(&fields, &outcome, 0.0).unwrap();
    let constant = |field: &str| Warning::Constant { field: field.into() };
    let wanted = [
        constant("currency"),
        constant("empty"),
        constant("zero"),
        Warning::TooManyWords { field: "e-mail".into() },
        Warning::Repeats { column: "visits again".into() },
    ];
    assert_eq!(told.warnings, wanted);
    assert_eq!(told.coefficients.len(), 3);
    assert_eq!(told.coefficients[2].value, None);
    near(told.coefficients[1].value.unwrap(), 4.0 / 12.0_f64.sqrt(), 0.3);
}

#[test]
fn what_is_missing_is_not_zero() {
    let (mut fields, outcome) = honest(2_000, 3);
    if let Values::Numbers(numbers) = &mut fields[0].values {
        for number in numbers.iter_mut().skip(1).step_by(3) {
            *number = None;
        }
    }
    let told = learn(&fields, &outcome, 0.0).unwrap();
    let names: Vec<&str> = told.coefficients.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["const", "visits", "visits=(not known)"]);
    near(told.coefficients[1].value.unwrap(), 1.15, 0.25);
    // Not known adds next to nothing here, since it says nothing.
    let unknown = told.model.explain(&[Cell::Missing]);
    assert_eq!(unknown.lines[0].value, "not known");
    assert!(unknown.lines[0].adds.abs() < 0.3);
    near(told.model.probability(&[]), unknown.probability, 1e-15);
}

#[test]
fn separation_is_said_and_its_parameters_are_not() {
    // Complete: one number tells all.
    let n = 300;
    let y: Vec<bool> = (0..n).map(|i| i % 7 > 3).collect();
    let number = |i: usize| if y[i] { 5.0 } else { 1.0 };
    let (noise, _) = honest(n, 4);
    let mut fields = noise.clone();
    fields.push(field(
        "days since order",
        &(0..n).map(|i| number(i).to_string()).collect::<Vec<_>>(),
    ));
    let told = learn(&fields, &y, 0.0).unwrap();
    let separated = |told: &crate::scores::Report| -> Vec<String> {
        let found = told.warnings.iter().find_map(|w| match w {
            Warning::Separated { columns } => Some(columns.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{:?}", told.warnings))
    };
    assert_eq!(separated(&told), ["days since order"]);
    assert!(told.coefficients.iter().all(|c| c.value.is_none()));
    near(told.held_out.auc.unwrap().value, 1.0, 1e-12);
    // Quasi-complete: one word was never positive.
    let (mut fields, mut outcome) = honest(n, 5);
    let words: Vec<String> = (0..n).map(|i| ["ad", "friend", "search"][i % 3].to_owned()).collect();
    for i in (1..n).step_by(3) {
        outcome[i] = false;
    }
    fields.push(field("source", &words));
    let told = learn(&fields, &outcome, 0.0).unwrap();
    assert_eq!(separated(&told), ["source=friend"]);
    assert!(told.held_out.auc.unwrap().value > 0.6);
    let text = told.warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    assert!(text.contains("source=friend tell the outcomes apart without fault"), "{text}");
    // With a penalty a maximum exists and is shown.
    let told = learn(&fields, &outcome, 1.0).unwrap();
    assert!(told.coefficients.iter().all(|c| c.value.is_some()));
    // By a combination of two fields, neither of which does it alone.
    let mut uniform = seeded(6);
    let pairs: Vec<(f64, f64)> = (0..n).map(|_| (uniform(), uniform())).collect();
    let y: Vec<bool> = pairs.iter().map(|(a, b)| a + b > 1.0).collect();
    let of =
        |name: &str, x: Vec<f64>| field(name, &x.iter().map(f64::to_string).collect::<Vec<_>>());
    let fields = [
        of("a", pairs.iter().map(|p| p.0).collect()),
        of("b", pairs.iter().map(|p| p.1).collect()),
    ];
    assert_eq!(separated(&learn(&fields, &y, 0.0).unwrap()), ["a", "b"]);
}

#[test]
fn nearly_separated_is_not_separated() {
    let n = 400;
    let mut y: Vec<bool> = (0..n).map(|i| i % 2 == 0).collect();
    let x: Vec<String> = (0..n).map(|i| if i % 2 == 0 { "9" } else { "1" }.to_owned()).collect();
    // One fault each way in the training part.
    let faults: Vec<usize> = (0..n).filter(|i| !is_held_out(u64::try_from(*i).unwrap())).collect();
    let even = faults.iter().find(|i| **i % 2 == 0).unwrap();
    let odd = faults.iter().find(|i| **i % 2 == 1).unwrap();
    y[*even] = false;
    y[*odd] = true;
    let told = learn(&[field("x", &x)], &y, 0.0).unwrap();
    assert!(told.coefficients[1].value.unwrap() > 2.0);
    assert!(matches!(told.warnings.as_slice(), [Warning::TellsAll { .. }]), "{:?}", told.warnings);
}

#[test]
fn a_field_filled_only_after_the_sale_is_asked_about() {
    let (mut fields, outcome) = honest(500, 8);
    let filled =
        |y: bool, i: usize| if y && !i.is_multiple_of(8) { "2026-01-02" } else { "" }.to_owned();
    let cells: Vec<String> = outcome.iter().enumerate().map(|(i, y)| filled(*y, i)).collect();
    fields.push(field("first paid on", &cells));
    let told = learn(&fields, &outcome, 0.0).unwrap();
    let asked = told
        .warnings
        .iter()
        .any(|w| matches!(w, Warning::FillTells { field, .. } if field == "first paid on"));
    assert!(asked, "{:?}", told.warnings);
}

#[test]
fn extreme_numbers_do_not_break_the_fit() {
    let (mut fields, outcome) = honest(400, 9);
    let wild: Vec<f64> = (0..400_u32).map(|i| f64::from(i % 5) * 1e120).collect();
    fields.push(Field {
        name: "wild".into(),
        values: Values::Numbers(wild.into_iter().map(Some).collect()),
    });
    let tiny: Vec<f64> = (0..400_u32).map(|i| 1e9 + f64::from(i % 3) * 1e-3).collect();
    fields.push(Field {
        name: "tiny".into(),
        values: Values::Numbers(tiny.into_iter().map(Some).collect()),
    });
    let told = learn(&fields, &outcome, 0.0).unwrap();
    assert!(told.log_likelihood.is_some(), "{:?}", told.warnings);
    assert!(told.held_out.auc.unwrap().value > 0.6);
    assert_eq!(Field::read("x", ["1", "inf"].into_iter()).values, {
        Values::Words(vec![Some("1".into()), Some("inf".into())])
    });
    assert_eq!(
        Field::read("x", [" 1 ", ""].into_iter()).values,
        Values::Numbers(vec![Some(1.0), None])
    );
}

#[test]
fn a_word_for_nothing_among_numbers_is_no_number_and_among_words_a_word() {
    for gap in ["NA", "NaN", "n/a", "null", "?", "#N/A", "-", "None"] {
        let read = Field::read("x", ["1", gap, "2.5"].into_iter()).values;
        assert_eq!(read, Values::Numbers(vec![Some(1.0), None, Some(2.5)]), "{gap}");
        let read = Field::read("x", ["a", gap, ""].into_iter()).values;
        assert_eq!(read, Values::Words(vec![Some("a".into()), Some(gap.into()), None]), "{gap}");
    }
}

#[test]
fn a_case_that_was_left_out_moves_no_other_into_another_part() {
    let (fields, outcome) = honest(300, 3);
    let train: Vec<bool> = (0..300).map(|row| !is_held_out(row)).collect();
    let whole = learn(&fields, &outcome, 0.0).unwrap();
    assert_eq!(scores::learn_apart(&fields, &outcome, &train, 0.0).as_ref(), Ok(&whole));
    let Values::Numbers(visits) = &fields[0].values else { panic!("numbers") };
    let less = Field { name: "visits".into(), values: Values::Numbers(visits[1..].to_vec()) };
    let told = scores::learn_apart(&[less], &outcome[1..], &train[1..], 0.0).unwrap();
    let first_held_out = u64::from(!train[0]);
    assert_eq!(told.held_out.n, whole.held_out.n - first_held_out);
    assert_eq!(scores::learn_apart(&fields, &outcome, &train[1..], 0.0), Err(Refusal::Lengths));
}

#[test]
fn words_that_say_the_same_in_two_fields_count_once() {
    let (mut fields, outcome) = honest(800, 10);
    let n = outcome.len();
    let plan = |i: usize, b: &str| ["no line", "no", b][i % 3].to_owned();
    fields.push(field("backup", &(0..n).map(|i| plan(i, "yes")).collect::<Vec<_>>()));
    let other = |i: usize| {
        if i.is_multiple_of(3) { "no line" } else { ["no", "yes"][i / 3 % 2] }.to_owned()
    };
    fields.push(field("support", &(0..n).map(other).collect::<Vec<_>>()));
    fields.push(field(
        "paid",
        &(0..n).map(|i| if i % 50 > 0 { "1" } else { " " }.to_owned()).collect::<Vec<_>>(),
    ));
    let told = learn(&fields, &outcome, 0.0).unwrap();
    assert_eq!(told.warnings, [Warning::Repeats { column: "support=no line".into() }]);
    let missing: Vec<&str> =
        told.coefficients.iter().filter(|c| c.value.is_none()).map(|c| c.name.as_str()).collect();
    assert_eq!(missing, ["support=no line"]);
    assert!(told.coefficients.iter().any(|c| c.name == "paid=(not known)"));
    let case = [Cell::Number(1.0), Cell::Word("yes"), Cell::Word("never seen"), Cell::Missing];
    assert!((0.0..=1.0).contains(&told.model.probability(&case)));
    assert_eq!(told.model.explain(&case).lines.len(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_table_is_learned_or_refused(
        rows in proptest::collection::vec(
            (any::<bool>(), proptest::option::of(-3..4_i32), 0..4_u8, any::<f64>()),
            0..80,
        ),
    ) {
        let outcome: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let few = rows.iter().map(|row| row.1.map(f64::from)).collect();
        let any = rows.iter().map(|row| Some(row.3)).collect();
        let words = [Some("a"), Some("b"), Some("c"), None];
        let word = rows.iter().map(|row| words[usize::from(row.2)].map(str::to_owned)).collect();
        let fields = [
            Field { name: "few".into(), values: Values::Numbers(few) },
            Field { name: "any".into(), values: Values::Numbers(any) },
            Field { name: "word".into(), values: Values::Words(word) },
        ];
        let Ok(told) = learn(&fields, &outcome, 0.0) else { return Ok(()) };
        prop_assert!(told.held_out.auc.is_none_or(|auc| (0.0..=1.0).contains(&auc.value)));
        prop_assert!(told.training.brier.unwrap() <= 1.0);
        prop_assert!(told.coefficients.iter().all(|c| c.value.is_none_or(f64::is_finite)));
        if let Some(reached) = told.log_likelihood {
            prop_assert!(reached >= told.log_likelihood_null - 1e-6);
        }
        for row in &rows {
            let case = [
                row.1.map_or(Cell::Missing, |n| Cell::Number(f64::from(n))),
                Cell::Number(row.3),
                Cell::Word("b"),
            ];
            prop_assert!((0.0..=1.0).contains(&told.model.probability(&case)));
        }
        for warning in &told.warnings {
            prop_assert!(!warning.to_string().is_empty());
        }
    }
}
