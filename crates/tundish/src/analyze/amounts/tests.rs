//! Cells as people and their programs write them.

use super::*;

fn near(text: &str, decimal: Decimal, wanted: f64) {
    let read = parse(text, decimal).unwrap_or_else(|| panic!("{text} is {wanted}"));
    assert!((read - wanted).abs() < 1e-9, "{text}: {read}");
}

#[test]
fn amounts_are_read_as_people_write_them() {
    near("19", Decimal::Point, 19.0);
    near("$1,234.56", Decimal::Point, 1_234.56);
    near("1.234,56 €", Decimal::Comma, 1_234.56);
    near("CHF 1'234.50", Decimal::Point, 1_234.5);
    near("-0.5", Decimal::Point, -0.5);
    near("1 234,50 kr", Decimal::Comma, 1_234.5);
    near("12\u{a0}345\u{202f}678", Decimal::Point, 12_345_678.0);
    near("=\"19.00\"", Decimal::Point, 19.0);
    near("19.00 (incl. VAT)", Decimal::Point, 19.0);
    near("19,00 €/Monat", Decimal::Comma, 19.0);
    near("Total: 19.00", Decimal::Point, 19.0);
    near("19.00 - monthly", Decimal::Point, 19.0);
    near("₹1,25,000.50", Decimal::Point, 125_000.5);
    near("'19.00", Decimal::Point, 19.0);
    for text in [
        "",
        "free",
        "n/a",
        "-",
        "NaN",
        "inf",
        "1e300",
        "2 x 19.00",
        "2x19",
        "10-20",
        "50%",
        "31.12.2024",
        "1.2.3",
        "12:30",
        "2 19.00",
        "1,2345.67",
        "5.00)",
        "(5.00",
        "-5-",
        "--5",
        "Order 55",
        "v2",
        "5k",
        "2nd",
        "1e",
        "1e3e3",
        "1,2.3e4",
    ] {
        assert_eq!(parse(text, Decimal::Point), None, "{text}");
        assert_eq!(parse(text, Decimal::Comma), None, "{text}");
    }
}

#[test]
fn powers_of_ten_are_read_alike_whatever_the_mark() {
    for decimal in [Decimal::Point, Decimal::Comma] {
        near("1e3", decimal, 1_000.0);
        near("1,5E+03", decimal, 1_500.0);
        near("-2.5e-1", decimal, -0.25);
        assert_eq!(number("1e3", decimal), Some(1_000.0));
    }
}

#[test]
fn a_dot_that_ends_a_word_is_no_mark_of_a_fraction() {
    for decimal in [Decimal::Point, Decimal::Comma] {
        near("Rs. 500", decimal, 500.0);
        near("Rs.500", decimal, 500.0);
        near("kr. 199", decimal, 199.0);
        near("S/.50", decimal, 50.0);
        near("Fr. 49.50", decimal, 49.5);
        near("500 Kč.", decimal, 500.0);
    }
    near("Rs. 1,250", Decimal::Point, 1_250.0);
    near("Rs. 1,250.00", Decimal::Comma, 1_250.0);
    near("$.99", Decimal::Point, 0.99);
}

#[test]
fn what_is_owed_is_below_zero_wherever_its_sign_stands() {
    for text in ["(5.00)", "$(5.00)", "$ (5.00)", "($5.00)", "(5.00) USD", "-$5", "$-5", "- 5"] {
        near(text, Decimal::Point, -5.0);
    }
    for text in ["5,00-", "5,00- EUR", "5,00 € -", "\u{2212}5,00 €"] {
        near(text, Decimal::Comma, -5.0);
    }
    // A dash for no parts is no sign.
    for text in ["49.-", "49,-", "49.--", "Fr. 49.-", "49,\u{2013} €"] {
        near(text, Decimal::Point, 49.0);
        near(text, Decimal::Comma, 49.0);
    }
    near("1.250,-", Decimal::Point, 1_250.0);
    near("-49.-", Decimal::Point, -49.0);
}

#[test]
fn what_a_cell_says_by_itself_goes_before_what_the_column_does() {
    near("19,90", Decimal::Point, 19.9);
    near("19.90", Decimal::Comma, 19.9);
    near("1.234.567", Decimal::Point, 1_234_567.0);
    near("1.234.567", Decimal::Comma, 1_234_567.0);
    near("0,125", Decimal::Point, 0.125);
    near("1.500 €", Decimal::Comma, 1_500.0);
    near("1.500", Decimal::Point, 1.5);
    near("1,500", Decimal::Point, 1_500.0);
}

#[test]
fn a_number_has_no_words_around_it() {
    assert_eq!(number("1.234,5", Decimal::Comma), Some(1_234.5));
    for text in ["Room 5", "5 days", "1/2", "a1"] {
        assert_eq!(number(text, Decimal::Point), None, "{text}");
    }
}
