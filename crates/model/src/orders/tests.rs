//! What orders must do.

use proptest::prelude::*;

use super::*;
use crate::money::Rate;

fn rule(ppm: u32, mode: TaxMode) -> TaxRule {
    TaxRule { rate: Rate { ppm }, mode }
}

fn basket(prices: &[(i64, i64)]) -> Basket {
    let line = |(at, (price, quantity)): (i64, &(i64, i64))| Line {
        product: ProductId(at),
        offer: OfferId(at),
        role: if at == 1 { LineRole::Main } else { LineRole::Bump },
        unit_price: Money::new(*price, Currency::USD),
        quantity: *quantity,
    };
    Basket { currency: Currency::USD, lines: (1..).zip(prices).map(line).collect() }
}

#[test]
fn a_basket_comes_to_its_lines_less_the_coupon_with_tax() {
    let basket = basket(&[(1900, 1), (700, 2)]);
    let vat = rule(190_000, TaxMode::Inclusive);
    let totals = basket.totals(&[190, 140], vat).unwrap();
    assert_eq!((totals.subtotal, totals.discount, totals.total), (3300, 330, 2970));
    assert_eq!(totals.tax, 273 + 201);
    let on_top = rule(88_750, TaxMode::Exclusive);
    let totals = basket.totals(&[], on_top).unwrap();
    assert_eq!((totals.tax, totals.total), (169 + 124, 3300 + 293));
    assert_eq!(totals.to_pay().human(), "$35.93");
}

#[test]
fn tax_is_rounded_on_each_line() {
    let basket = basket(&[(33, 1), (33, 1), (33, 1)]);
    assert_eq!(basket.totals(&[], rule(100_000, TaxMode::Exclusive)).unwrap().tax, 9);
}

#[test]
fn what_cannot_be_charged_is_refused_and_nothing_is_free() {
    let none = rule(0, TaxMode::Inclusive);
    let code = |basket: Basket| basket.totals(&[], none).unwrap_err().code;
    assert_eq!(code(basket(&[])), "basket_empty");
    assert_eq!(code(basket(&[(100, 0)])), "quantity_invalid");
    assert_eq!(code(basket(&[(-100, 1)])), "price_negative");
    assert_eq!(code(basket(&[(99_999_999, 2)])), "price_too_large");
    assert_eq!(code(basket(&[(60_000_000, 1), (60_000_000, 1)])), "price_too_large");
    let mut mixed = basket(&[(100, 1)]);
    mixed.currency = Currency::EUR;
    assert_eq!(code(mixed), "money_currencies");
    let small = basket(&[(40, 1)]).totals(&[], none).unwrap();
    assert_eq!(small.check_charge().unwrap_err().message, "$0.50 is the least that can be charged");
    let free = basket(&[(1900, 1)]).totals(&[5000], none).unwrap();
    assert!(free.is_free() && free.check_charge().is_ok());
}

#[test]
fn orders_move_forward_and_late_money_opens_an_expired_one() {
    use OrderState::{Cancelled, Expired, Open, Paid, PartiallyRefunded, Pending, Refunded};
    for (from, to, may) in [
        (Open, Pending, true),
        (Pending, Paid, true),
        (Expired, Paid, true),
        (Cancelled, Paid, false),
        (Paid, Pending, false),
        (Paid, Paid, false),
        (Paid, Expired, false),
        (PartiallyRefunded, Refunded, true),
        (Refunded, Pending, false),
    ] {
        assert_eq!(from.may_become(to), may, "{from} to {to}");
    }
    assert!(PartiallyRefunded.is_paid() && !Refunded.is_paid());
    assert!(Open.may_be_paid() && !Refunded.may_become(Open));
}

#[test]
fn nothing_leaves_succeeded_and_unknown_goes_to_what_is_found() {
    use AttemptState::{Creating, Failed, Processing, Succeeded, Unknown};
    for next in AttemptState::ALL {
        assert!(!Succeeded.may_become(next), "{next}");
    }
    assert!(Failed.may_become(Succeeded), "the provider knows better");
    assert!(!Failed.may_become(Processing) && !Failed.may_become(Unknown));
    assert!(Creating.may_become(Unknown) && Unknown.may_become(Processing));
    assert!(!Unknown.may_become(Unknown));
}

proptest! {
    #[test]
    fn news_of_an_attempt_ends_alike_in_any_order(
        mut news in proptest::collection::vec(0_usize..6, 1..6),
        seed in any::<prop::sample::Index>(),
    ) {
        // `failed` and `cancelled` are two ends of one rank: a provider reports one of them.
        let known: Vec<AttemptState> = AttemptState::ALL
            .into_iter()
            .filter(|state| !matches!(state, AttemptState::Unknown | AttemptState::Cancelled))
            .collect();
        let apply = |news: &[usize]| news.iter().fold(AttemptState::Creating, |state, at| {
            if state.may_become(known[*at]) { known[*at] } else { state }
        });
        let first = apply(&news);
        let by = seed.index(news.len());
        news.rotate_left(by);
        prop_assert_eq!(apply(&news), first);
        news.reverse();
        prop_assert_eq!(apply(&news), first);
    }

    #[test]
    fn totals_are_the_exact_sums_of_their_lines_and_never_negative(
        prices in proptest::collection::vec((0_i64..200_000, 1_i64..20), 1..8),
        cuts in proptest::collection::vec(-100_i64..500_000, 0..8),
        ppm in 0_u32..300_000,
        inclusive: bool,
    ) {
        let mode = if inclusive { TaxMode::Inclusive } else { TaxMode::Exclusive };
        let totals = basket(&prices).totals(&cuts, rule(ppm, mode)).unwrap();
        let sum = |pick: fn(&LineTotals) -> i64| totals.lines.iter().map(pick).sum::<i64>();
        prop_assert_eq!(totals.subtotal, sum(|line| line.subtotal));
        prop_assert_eq!(totals.discount, sum(|line| line.discount));
        prop_assert_eq!(totals.tax, sum(|line| line.tax));
        prop_assert_eq!(totals.total, sum(|line| line.total));
        let on_top = if inclusive { 0 } else { totals.tax };
        prop_assert_eq!(totals.total, totals.subtotal - totals.discount + on_top);
        for line in &totals.lines {
            prop_assert!(line.total >= 0 && line.tax >= 0 && line.discount <= line.subtotal);
            prop_assert!(line.tax <= line.total);
        }
    }
}
