//! What money must do.

use proptest::prelude::*;

use super::*;

#[test]
fn amounts_read_and_print_by_the_decimals_of_their_currency() {
    for (text, minor, shown, human) in [
        ("19.00 USD", 1900, "19.00 USD", "$19.00"),
        ("19 usd", 1900, "19.00 USD", "$19.00"),
        (" 19.5  EUR ", 1950, "19.50 EUR", "€19.50"),
        ("1900 JPY", 1900, "1900 JPY", "¥1,900"),
        ("1.234 KWD", 1234, "1.234 KWD", "KWD\u{a0}1.234"),
        ("-1234567.05 USD", -123_456_705, "-1234567.05 USD", "-$1,234,567.05"),
        ("12.50 CHF", 1250, "12.50 CHF", "CHF\u{a0}12.50"),
        ("0.05 CAD", 5, "0.05 CAD", "CA$0.05"),
    ] {
        let money = Money::parse(text).unwrap();
        assert_eq!((money.minor, money.to_string()), (minor, shown.to_owned()));
        assert_eq!(money.human(), human);
    }
    for (text, code) in [
        ("19.00", "money_invalid"),
        ("USD", "money_invalid"),
        ("19,00 USD", "money_invalid"),
        ("1e3 USD", "money_invalid"),
        ("１9 USD", "money_invalid"),
        ("--1 USD", "money_invalid"),
        (".5 USD", "money_invalid"),
        ("5. USD", "money_invalid"),
        ("5 XAU", "currency_unknown"),
        ("5 XXX", "currency_unknown"),
        ("5 ABC", "currency_unknown"),
        ("99999999999999999999 USD", "money_too_large"),
    ] {
        assert_eq!(Money::parse(text).unwrap_err().code, code, "{text}");
    }
}

#[test]
fn c18_decimals_a_currency_lacks_and_nine_digits_are_refused() {
    assert_eq!(Money::parse("100.50 JPY").unwrap_err().code, "money_decimals");
    assert_eq!(Money::parse("1.2345 KWD").unwrap_err().code, "money_decimals");
    assert!(Money::parse("999999.99 USD").unwrap().as_price().is_ok());
    let over = Money::parse("1000000.00 USD").unwrap().as_price().unwrap_err();
    assert_eq!(over.code, "price_too_large");
    assert!(over.message.contains("$999,999.99"), "{over}");
    assert_eq!(Money::parse("-1 USD").unwrap().as_price().unwrap_err().code, "price_negative");
}

#[test]
fn money_is_amount_and_currency_in_json() {
    let json = serde_json::to_string(&Money::new(4900, Currency::EUR)).unwrap();
    assert_eq!(json, r#"{"amount":4900,"currency":"EUR"}"#);
    assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), Money::new(4900, Currency::EUR));
    assert!(serde_json::from_str::<Money>(r#"{"amount":1,"currency":"XXX"}"#).is_err());
}

#[test]
fn sums_refuse_mixed_currencies_and_overflow() {
    let one = Money::new(1, Currency::USD);
    assert_eq!(one.checked_add(Money::new(1, Currency::EUR)).unwrap_err().code, "money_currencies");
    let most = Money::new(i64::MAX, Currency::USD);
    assert_eq!(most.checked_add(one).unwrap_err().code, "money_too_large");
    assert_eq!(most.checked_mul(2).unwrap_err().code, "money_too_large");
    assert_eq!(Money::sum(Currency::USD, [one, one, one]).unwrap().minor, 3);
}

#[test]
fn rates_read_print_and_round_half_up() {
    for (text, ppm, shown) in [
        ("19%", 190_000, "19%"),
        ("8.875 %", 88_750, "8.875%"),
        ("0%", 0, "0%"),
        ("100%", 1_000_000, "100%"),
        ("0.0001%", 1, "0.0001%"),
    ] {
        let rate = Rate::parse(text).unwrap();
        assert_eq!((rate.ppm, rate.to_string()), (ppm, shown.to_owned()));
    }
    for text in ["19", "101%", "-1%", "1.00001%", "%", "1,5%", "1e1%"] {
        assert_eq!(Rate::parse(text).unwrap_err().code, "rate_invalid", "{text}");
    }
    let vat = Rate { ppm: 190_000 };
    assert_eq!(vat.on_top(1000), 190);
    assert_eq!(vat.within(1190), 190);
    assert_eq!(Rate { ppm: 500_000 }.of(1), 1);
    assert_eq!(Rate { ppm: 499_999 }.of(1), 0);
    assert_eq!(Rate { ppm: 500_000 }.of(-1), -1);
}

#[test]
fn special_currencies_are_as_providers_charge_them() {
    let step = |code| Currency::parse(code).unwrap().charge_step();
    assert_eq!((step("USD"), step("JPY"), step("KWD"), step("MGA")), (1, 1, 10, 100));
    let exponent = |code| Currency::parse(code).unwrap().exponent();
    assert_eq!((exponent("ISK"), exponent("UGX")), (0, 0));
    assert_eq!((exponent("HUF"), exponent("TWD")), (2, 2));
    let least = |code| Currency::parse(code).unwrap().minimum_charge().to_string();
    assert_eq!(least("USD"), "0.50 USD");
    assert_eq!(least("HUF"), "175.00 HUF");
    assert_eq!(least("JPY"), "50 JPY");
    assert_eq!(least("KWD"), "0.001 KWD");
}

#[test]
fn a_split_gives_the_left_over_units_to_the_largest_remainders() {
    assert_eq!(split_largest_remainder(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(split_largest_remainder(5, &[0, 0]), [3, 2]);
    assert_eq!(split_largest_remainder(-100, &[1, 1, 1]), [-34, -33, -33]);
    assert_eq!(split_largest_remainder(7, &[]), Vec::<i64>::new());
    assert_eq!(split_largest_remainder(10, &[0, 5]), [0, 10]);
}

proptest! {
    #[test]
    fn a_split_always_adds_up_and_never_exceeds_a_weight(
        weights in proptest::collection::vec(0_i64..100_000_000, 1..12),
        part in 0_i64..1_000_000,
    ) {
        let sum: i64 = weights.iter().sum();
        let total = Rate { ppm: u32::try_from(part).unwrap() }.of(sum);
        let parts = split_largest_remainder(total, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), total);
        if sum > 0 {
            for (part, weight) in parts.iter().zip(&weights) {
                prop_assert!(*part >= 0 && part <= weight);
            }
        }
    }

    #[test]
    fn text_reads_back(minor in any::<i32>(), code in "(USD|JPY|KWD|EUR|ISK)") {
        let money = Money::new(i64::from(minor), Currency::parse(&code).unwrap());
        prop_assert_eq!(Money::parse(&money.to_string()).unwrap(), money);
    }

    #[test]
    fn tax_within_a_gross_price_is_the_tax_on_its_net(net in 0_i64..99_999_999, ppm in 0_u32..300_000) {
        let rate = Rate { ppm };
        let gross = net + rate.on_top(net);
        prop_assert!((rate.within(gross) - rate.on_top(net)).abs() <= 1);
    }
}
