//! What cohorts must come to.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::test_data::{cells, text};

fn bought(customer: i64, month: u8, revenue: i64) -> PeriodPurchase {
    let period = Month::new(2026, month).0;
    PeriodPurchase { customer, period, revenue, margin: revenue / 2 }
}

#[test]
fn a_cohort_counts_each_customer_once_a_month_and_ends_where_data_end() {
    let purchases = [
        bought(1, 3, 100), // out of order on purpose
        bought(1, 1, 1_000),
        bought(1, 1, 500),
        bought(2, 1, 2_000),
        bought(3, 2, 700),
        bought(3, 4, 900),
    ];
    let cohorts = by_period(&purchases, Month::new(2026, 3).0);
    assert_eq!(cohorts.len(), 2);
    assert_eq!((cohorts[0].size, Month(cohorts[0].start).to_string()), (2, "2026-01".to_owned()));
    assert_eq!(cohorts[0].active, [2, 0, 1]);
    assert_eq!(cohorts[0].revenue, [3_500, 0, 100]);
    assert_eq!(cohorts[0].margin_so_far, [1_750, 1_750, 1_800]);
    assert_eq!(cohorts[1].active, [1, 0], "April is not known");
    assert!(by_period(&[], Month::new(2026, 3).0).is_empty());
}

#[test]
fn months_count_across_years() {
    let december = Month::new(2025, 12);
    assert_eq!(Month(december.0 + 1), Month::new(2026, 1));
    assert_eq!((december.year(), december.month()), (2025, 12));
}

#[test]
fn a_day_lies_in_its_month() {
    for (day, wanted) in [
        (0, (1970, 1)),
        (-1, (1969, 12)),
        (30, (1970, 1)),
        (31, (1970, 2)),
        (58, (1970, 2)),
        (59, (1970, 3)),
        (11_016, (2000, 2)),
        (11_017, (2000, 3)),
        (20_513, (2026, 3)),
        (-25_509, (1900, 2)),
        (-25_508, (1900, 3)),
    ] {
        let month = Month::of_day(day);
        assert_eq!((month.year(), month.month()), wanted, "{day}");
    }
}

/// `"2.55"` as 2550: in tenths of a penny, since a few prices have three decimals.
fn tenths(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<3}").parse().unwrap()
}

/// Invoice, customer, year and month, and revenue in tenths of a penny.
type Sold = (String, i64, (i32, u8), i64);

/// The clean rows of the retailer.
fn retail() -> Option<Vec<Sold>> {
    let rows = text("retail/online_retail_2010-12_2011-03.csv.gz")?;
    let mut clean = Vec::new();
    for line in rows.lines().skip(1) {
        let row = cells(line);
        let quantity: i64 = row[3].parse().unwrap();
        let price = row[5].parse::<f64>().unwrap();
        if row[6].is_empty() || row[0].starts_with('C') || quantity <= 0 || price <= 0.0 {
            continue;
        }
        let mut date = row[4].split('-');
        let year = date.next().unwrap().parse().unwrap();
        let month = date.next().unwrap().parse().unwrap();
        let revenue = quantity * tenths(&row[5]);
        clean.push((row[0].clone(), row[6].parse().unwrap(), (year, month), revenue));
    }
    Some(clean)
}

#[test]
fn the_retail_cohorts_are_those_of_the_reference() {
    let Some(rows) = retail() else { return };
    assert_eq!(rows.len(), 94_488);
    let purchases: Vec<PeriodPurchase> = rows
        .iter()
        .map(|(_, customer, (year, month), revenue)| PeriodPurchase {
            customer: *customer,
            period: Month::new(*year, *month).0,
            revenue: *revenue,
            margin: *revenue,
        })
        .collect();
    let cohorts = by_period(&purchases, Month::new(2011, 3).0);
    let active: Vec<Vec<u64>> = cohorts.iter().map(|cohort| cohort.active.clone()).collect();
    let wanted = [vec![885, 324, 286, 340], vec![417, 92, 111], vec![380, 71], vec![452]];
    assert_eq!(active, wanted);
    let pence: Vec<Vec<i64>> = cohorts
        .iter()
        .map(|cohort| cohort.revenue.iter().map(|sum| (sum + 5) / 10).collect())
        .collect();
    let wanted = [
        vec![57_271_389, 27_623_769, 23_384_537, 30_311_939],
        vec![29_320_735, 5_514_991, 6_326_817],
        vec![15_814_207, 2_904_324],
        vec![20_006_996],
    ];
    assert_eq!(pence, wanted);
    assert_eq!(cohorts.iter().map(|cohort| cohort.size).sum::<u64>(), 2_134);
}

#[test]
fn the_retail_repeat_rate_and_concentration_are_those_of_the_reference() {
    let Some(rows) = retail() else { return };
    let mut customers: BTreeMap<i64, (BTreeSet<&str>, i64)> = BTreeMap::new();
    for (invoice, customer, _, revenue) in &rows {
        let (invoices, sum) = customers.entry(*customer).or_default();
        invoices.insert(invoice);
        *sum += revenue;
    }
    assert_eq!(customers.values().map(|(_, sum)| sum).sum::<i64>(), 2_184_797_040);
    let orders = customers.values().map(|(invoices, _)| u64::try_from(invoices.len()).unwrap());
    assert_eq!(orders.clone().sum::<u64>(), 4_705);
    let rate = repeat_rate(orders).unwrap();
    assert!((rate - 0.415_651_358_950_328).abs() < 1e-12, "{rate}");
    let revenues: Vec<f64> =
        customers.values().map(|(_, sum)| crate::real::real_signed(*sum)).collect();
    let gini = crate::concentration::gini(&revenues).unwrap();
    assert!((gini - 0.655_811_525_645_474_6).abs() < 1e-12, "{gini}");
}

#[test]
fn a_repeat_rate_needs_customers() {
    assert_eq!(repeat_rate([]), None);
    assert_eq!(repeat_rate([0, 0]), None);
    assert_eq!(repeat_rate([1, 2, 0, 9, 1]), Some(0.5));
}

#[test]
fn weeks_begin_on_monday() {
    // 1970-01-01 was a Thursday, 1970-01-04 a Sunday.
    assert_eq!((Week::of_day(0), Week::of_day(3), Week::of_day(-3)), (Week(0), Week(0), Week(0)));
    assert_eq!((Week::of_day(4), Week::of_day(-4)), (Week(1), Week(-1)));
    assert_eq!((Week(0).monday(), Week(1).monday()), (-3, 4));
    let purchase = |customer, day, revenue| PeriodPurchase {
        customer,
        period: Week::of_day(day).0,
        revenue,
        margin: revenue,
    };
    let cohorts = by_period(&[purchase(1, 0, 5), purchase(1, 17, 7), purchase(2, 1, 1)], 3);
    assert_eq!(cohorts.len(), 1);
    assert_eq!((cohorts[0].start, cohorts[0].size), (0, 2));
    assert_eq!(cohorts[0].active, [2, 0, 1, 0]);
    assert_eq!(cohorts[0].margin_so_far, [6, 6, 13, 13]);
}

proptest! {
    #[test]
    fn the_sums_of_cohorts_are_those_of_the_purchases_in_whatever_order(
        bought in prop::collection::vec((0_i64..8, 0_i32..9, 0_i64..1_000), 0..40),
        last in 0_i32..9,
        turn in 0_usize..40,
    ) {
        let mut purchases: Vec<PeriodPurchase> = bought
            .into_iter()
            .map(|(customer, period, revenue)| {
                PeriodPurchase { customer, period, revenue, margin: revenue - 300 }
            })
            .collect();
        let cohorts = by_period(&purchases, last);
        let at = turn.min(purchases.len());
        purchases.rotate_left(at);
        prop_assert_eq!(&by_period(&purchases, last), &cohorts);
        let known: Vec<&PeriodPurchase> =
            purchases.iter().filter(|one| one.period <= last).collect();
        let customers: BTreeSet<i64> = known.iter().map(|one| one.customer).collect();
        let sum = |of: fn(&PeriodPurchase) -> i64| known.iter().map(|one| of(one)).sum::<i64>();
        let sizes = cohorts.iter().map(|cohort| cohort.size).sum::<u64>();
        prop_assert_eq!(sizes, u64::try_from(customers.len()).unwrap());
        let revenue = cohorts.iter().flat_map(|cohort| &cohort.revenue).sum::<i64>();
        prop_assert_eq!(revenue, sum(|one| one.revenue));
        let margin = cohorts.iter().filter_map(|cohort| cohort.margin_so_far.last()).sum::<i64>();
        prop_assert_eq!(margin, sum(|one| one.margin));
        let active: BTreeSet<(i64, i32)> =
            known.iter().map(|one| (one.customer, one.period)).collect();
        let met = cohorts.iter().flat_map(|cohort| &cohort.active).sum::<u64>();
        prop_assert_eq!(met, u64::try_from(active.len()).unwrap());
        for cohort in &cohorts {
            prop_assert!(cohort.active.first() == Some(&cohort.size) && cohort.size > 0);
            prop_assert!(cohort.active.iter().all(|active| *active <= cohort.size));
        }
    }
}
