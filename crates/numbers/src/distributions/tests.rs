//! What the distributions must come to; wanted values at 40 digits by independent means.

use super::*;

fn close(got: f64, wanted: f64, within: f64) {
    assert!((got - wanted).abs() <= within * wanted.abs(), "{got} is not {wanted}");
}

#[test]
fn normal_tails_and_quantiles_keep_their_digits() {
    for (z, wanted) in [
        (0.1, 0.460_172_162_722_971),
        (1.0, 0.158_655_253_931_457_05),
        (1.959_963_984_540_054, 0.025_000_000_000_000_012),
        (3.0, 0.001_349_898_031_630_094_6),
        (6.0, 9.865_876_450_376_98e-10),
        (10.0, 7.619_853_024_160_525e-24),
        (30.0, 4.906_713_927_148_187e-198),
    ] {
        close(normal_above(z), wanted, 1e-13);
        close(normal_below(-z), wanted, 1e-13);
        close(two_sided(z), 2.0 * wanted, 1e-13);
    }
    for (p, wanted) in [
        (0.4, 0.253_347_103_135_799_7),
        (0.025, 1.959_963_984_540_054_3),
        (0.0125, 2.241_402_727_604_945_5),
        (1e-6, 4.753_424_308_822_899),
        (1e-12, 7.034_483_825_301_132),
    ] {
        close(normal_upper_quantile(p), wanted, 1e-13);
    }
}

#[test]
fn chi_square_tails_keep_their_digits() {
    for (x, df, wanted) in [
        (0.3, 1.0, 0.583_882_420_770_365_2),
        (6.896_551_724_137_931_5, 2.0, 0.031_800_417_445_379_8),
        (1.0, 3.0, 0.801_251_956_901_200_8),
        (20.0, 5.0, 0.001_249_730_563_031_375_3),
        (100.0, 1.0, 1.523_970_604_832_105e-23),
        (150.0, 100.0, 0.000_903_932_042_354_009_1),
        (3.0, 4.0, 0.557_825_400_371_074_6),
    ] {
        close(chi_square_above(x, df).unwrap(), wanted, 1e-12);
    }
    assert_eq!(chi_square_above(0.0, 2.0), Some(1.0));
    assert_eq!(chi_square_above(1.0, 0.0), None);
}

#[test]
fn beta_keeps_twelve_digits_where_the_counts_are_millions() {
    for (a, b, x, wanted) in [
        (0.5, 0.5, 0.3, 0.369_010_119_565_545_4),
        (1.0, 11.0, 0.05, 0.431_199_907_723_540_1),
        (50.0, 52.0, 0.49, 0.498_940_716_647_793_6),
        (5_001.0, 95_001.0, 0.0513, 0.968_722_323_394_577_2),
        (200.0, 3.0, 0.9, 1.566_227_562_121_491e-7),
        (2.0, 1e6, 3e-6, 0.800_852_622_695_550_8),
        (500_001.0, 9_500_001.0, 0.0502, 0.998_118_522_432_964_5),
        (0.5, 30.5, 1e-5, 0.019_623_770_637_524_518),
        (0.1, 5.0, 0.2, 0.976_600_493_930_601_1),
    ] {
        let beta = Beta::new(a, b).unwrap();
        let (below, above) = beta.tails(x, 1.0 - x);
        close(below, wanted, 2e-12);
        close(above, 1.0 - wanted, 1e-10);
        close(beta.quantile(wanted), x, 1e-9);
    }
    assert_eq!(Beta::new(0.0, 1.0), None);
    assert_eq!(Beta::new(1.0, f64::NAN), None);
    assert_eq!(Beta::new(1.0, 2.0).unwrap().tails(0.0, 1.0), (0.0, 1.0));
}

#[test]
fn student_is_normal_with_many_degrees_and_wide_with_few() {
    // Published: t with 1 degree at 12.7062 and with 10 at 2.228139 leave 5 %.
    close(student_two_sided_quantile(0.05, 1.0).unwrap(), 12.706_204_736_174_7, 1e-9);
    close(student_two_sided_quantile(0.05, 10.0).unwrap(), 2.228_138_851_964_94, 1e-9);
    close(student_two_sided(2.228_138_851_964_94, 10.0).unwrap(), 0.05, 1e-9);
    close(student_two_sided(1.96, 1e9).unwrap(), two_sided(1.96), 1e-6);
    assert_eq!(student_two_sided(f64::INFINITY, 3.0), None);
}

#[test]
fn an_urn_is_counted_exactly() {
    // 5 of 10 marked, 4 drawn: C(5,2)·C(5,2)/C(10,4) = 100/210 and so on.
    let urn = Urn { marked: 5, plain: 5, drawn: 4 };
    close(urn.exactly(2), 100.0 / 210.0, 1e-13);
    close(urn.tails(3).0, 55.0 / 210.0, 1e-13);
    close(urn.tails(1).0, 205.0 / 210.0, 1e-13);
    assert_eq!(urn.tails(0), (1.0, 0.0));
    assert!(urn.tails(5).0.abs() < f64::EPSILON);
    let all: f64 = (0..=4).map(|x| urn.exactly(x)).sum();
    close(all, 1.0, 1e-13);
}
