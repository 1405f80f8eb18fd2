use proptest::collection::vec;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::Quantity;
use crate::currency::tests::all_currencies;

fn eur(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn shares(amount: i64, weights: &[u64]) -> Vec<i64> {
    eur(amount).allocate(weights).unwrap().into_iter().map(Money::minor).collect()
}

fn any_currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(all_currencies())
}

/// Mostly everyday weights, so that ties and zeros happen, and sometimes huge ones.
fn any_weights() -> impl Strategy<Value = Vec<u64>> {
    vec(prop_oneof![4 => 0..10_u64, 1 => any::<u64>()], 1..12)
        .prop_filter("at least one is above zero", |weights| weights.iter().any(|&weight| weight > 0))
}

#[test]
fn the_text_has_as_many_decimals_as_the_currency() {
    assert_eq!(eur(1_234).to_string(), "12.34 EUR");
    assert_eq!(eur(-5).to_string(), "-0.05 EUR");
    assert_eq!(eur(0).to_string(), "0.00 EUR");
    assert_eq!(Money::from_minor(500, Currency::JPY).to_string(), "500 JPY");
    assert_eq!(Money::from_minor(-1_234, Currency::KWD).to_string(), "-1.234 KWD");
    assert_eq!(eur(i64::MIN).to_string(), "-92233720368547758.08 EUR");
}

#[test]
fn json_holds_minor_units_and_the_code() {
    let json = serde_json::to_string(&eur(-1_234)).unwrap();
    assert_eq!(json, r#"{"minor":-1234,"currency":"EUR"}"#);
    assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), eur(-1_234));
    assert!(serde_json::from_str::<Money>(r#"{"minor":1.5,"currency":"EUR"}"#).is_err());
    assert!(serde_json::from_str::<Money>(r#"{"minor":1,"currency":"XXX"}"#).is_err());
}

#[test]
fn overflow_is_an_error() {
    let (most, least) = (eur(i64::MAX), eur(i64::MIN));
    assert_eq!(most.checked_add(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(least.checked_sub(eur(1)), Err(MoneyError::Overflow));
    assert_eq!(most.checked_mul(Quantity::MAX), Err(MoneyError::Overflow));
    assert_eq!(least.checked_mul(-1), Err(MoneyError::Overflow));
    assert_eq!(least.checked_neg(), Err(MoneyError::Overflow));
    assert_eq!(Money::sum([most, eur(1)], Currency::EUR), Err(MoneyError::Overflow));
    assert_eq!(most.apply_rate(Rate::MAX, Rounding::HalfEven), Err(MoneyError::Overflow));
    assert_eq!(Money::from_units_nanos(i64::MAX, 0, Currency::EUR), Err(MoneyError::Overflow));
}

#[test]
fn two_currencies_do_not_mix() {
    let (left, right) = (eur(1), Money::from_minor(1, Currency::USD));
    let mismatch = MoneyError::CurrencyMismatch { left: Currency::EUR, right: Currency::USD };
    assert_eq!(left.checked_add(right), Err(mismatch));
    assert_eq!(left.checked_sub(right), Err(mismatch));
    assert_eq!(left.checked_cmp(right), Err(mismatch));
    assert_eq!(Money::sum([left, right], Currency::EUR), Err(mismatch));
    assert_eq!(mismatch.to_string(), "EUR and USD cannot be combined");
}

#[test]
fn only_the_total_of_a_sum_must_fit() {
    assert_eq!(Money::sum([eur(i64::MAX), eur(1), eur(-1)], Currency::EUR), Ok(eur(i64::MAX)));
    assert_eq!(Money::sum([], Currency::EUR), Ok(eur(0)));
}

#[test]
fn of_equal_remainders_the_earlier_line_gets_the_unit() {
    assert_eq!(shares(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(shares(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(shares(-100, &[1, 1, 1]), [-34, -33, -33]);
    assert_eq!(shares(1, &[1, 2, 2]), [0, 1, 0]);
    assert_eq!(shares(1, &[0, 1, 1]), [0, 1, 0]);
}

#[test]
fn the_extremes_can_be_spread() {
    assert_eq!(shares(i64::MIN, &[u64::MAX]), [i64::MIN]);
    assert_eq!(shares(i64::MIN, &[u64::MAX, u64::MAX]), [i64::MIN / 2; 2]);
    assert_eq!(shares(i64::MAX, &[u64::MAX, 0]), [i64::MAX, 0]);
    assert_eq!(shares(0, &[3, 4]), [0, 0]);
}

#[test]
fn nothing_can_be_spread_over_nobody() {
    assert_eq!(eur(10).allocate(&[]), Err(MoneyError::NoWeights));
    assert_eq!(eur(10).allocate(&[0, 0]), Err(MoneyError::NoWeights));
}

#[test]
fn a_rate_rounds_once_and_as_stated() {
    for (minor, rate, half_even, half_up) in [
        (1_000, "0.19", 190, 190),
        (50, "0.01", 0, 1),
        (150, "0.01", 2, 2),
        (250, "0.01", 2, 3),
        (-250, "0.01", -2, -3),
        (251, "0.01", 3, 3),
        (249, "0.01", 2, 2),
        (1, "0.4999", 0, 0),
        (1, "0.500000000001", 1, 1),
        (999, "0", 0, 0),
        (999, "1", 999, 999),
    ] {
        let rate: Rate = rate.parse().unwrap();
        assert_eq!(eur(minor).apply_rate(rate, Rounding::HalfEven), Ok(eur(half_even)), "{minor} at {rate}");
        assert_eq!(eur(minor).apply_rate(rate, Rounding::HalfUp), Ok(eur(half_up)), "{minor} at {rate}");
    }
    assert_eq!(Rounding::default(), Rounding::HalfEven);
}

#[test]
fn units_and_nanos_follow_google_type_money() {
    assert_eq!(Money::from_units_nanos(-1, -750_000_000, Currency::USD).unwrap().minor(), -175);
    assert_eq!(Money::from_units_nanos(0, -10_000_000, Currency::USD).unwrap().minor(), -1);
    assert_eq!(Money::from_units_nanos(1, 1_000_000, Currency::KWD).unwrap().minor(), 1_001);
    assert_eq!(Money::from_units_nanos(7, 0, Currency::JPY).unwrap().minor(), 7);
    assert_eq!(eur(-175).to_units_nanos(), (-1, -750_000_000));
}

#[test]
fn broken_units_and_nanos_are_refused_never_rounded() {
    let read = |units, nanos, currency| Money::from_units_nanos(units, nanos, currency).unwrap_err();
    for nanos in [1_000_000_000, -1_000_000_000, i32::MIN, i32::MAX] {
        assert_eq!(read(0, nanos, Currency::EUR), MoneyError::NanosOutOfRange { nanos });
    }
    for (units, nanos) in [(1, -10_000_000), (-1, 10_000_000), (i64::MIN, 10_000_000)] {
        assert_eq!(read(units, nanos, Currency::EUR), MoneyError::MixedSigns { units, nanos });
    }
    for (nanos, currency) in [(1, Currency::EUR), (1_000_000, Currency::EUR), (500_000_000, Currency::JPY)] {
        assert_eq!(read(0, nanos, currency), MoneyError::FinerThanMinorUnit { nanos, currency });
    }
}

proptest! {
    #[test]
    fn allocation_conserves_every_unit(minor: i64, weights in any_weights()) {
        let parts = eur(minor).allocate(&weights).unwrap();
        prop_assert_eq!(parts.len(), weights.len());
        prop_assert_eq!(Money::sum(parts, Currency::EUR), Ok(eur(minor)));
    }

    #[test]
    fn a_share_is_less_than_one_unit_from_its_exact_proportion(minor: i64, weights in vec(0..1_000_000_u64, 1..12)) {
        let weight_total: u64 = weights.iter().sum();
        prop_assume!(weight_total > 0);
        for (share, weight) in shares(minor, &weights).into_iter().zip(weights) {
            let scaled_share = i128::from(share) * i128::from(weight_total);
            let scaled_exact = i128::from(minor) * i128::from(weight);
            prop_assert!(scaled_share.abs_diff(scaled_exact) < u128::from(weight_total));
        }
    }

    #[test]
    fn a_larger_weight_never_gets_less_and_of_equals_the_earlier_never_less(
        minor in prop_oneof![0..100_i64, 0..=i64::MAX],
        weights in any_weights(),
    ) {
        let lines: Vec<(u64, i64)> = weights.iter().copied().zip(shares(minor, &weights)).collect();
        for (index, (weight, share)) in lines.iter().enumerate() {
            for (later_weight, later_share) in &lines[index + 1..] {
                prop_assert!(weight < later_weight || share >= later_share);
                prop_assert!(weight >= later_weight || share <= later_share);
            }
        }
    }

    #[test]
    fn a_weight_of_zero_gets_nothing(minor: i64, weights in any_weights()) {
        for (share, weight) in shares(minor, &weights).into_iter().zip(weights) {
            prop_assert!(weight > 0 || share == 0);
        }
    }

    #[test]
    fn a_refund_is_spread_as_the_mirror_of_its_charge(minor in 0..=i64::MAX, weights in any_weights()) {
        let mirrored: Vec<i64> = shares(minor, &weights).into_iter().map(|share| -share).collect();
        prop_assert_eq!(shares(-minor, &weights), mirrored);
    }

    #[test]
    fn what_is_added_can_be_taken_away_again(left: i64, right: i64) {
        match eur(left).checked_add(eur(right)) {
            Ok(sum) => prop_assert_eq!(sum.checked_sub(eur(right)), Ok(eur(left))),
            Err(error) => {
                prop_assert_eq!(error, MoneyError::Overflow);
                prop_assert!(left.checked_add(right).is_none());
            }
        }
    }

    #[test]
    fn multiplying_is_adding_many_times(minor in -1_000_000..1_000_000_i64, pieces in 1..200_i64) {
        let quantity = Quantity::new(pieces).unwrap();
        let added = Money::sum(std::iter::repeat_n(eur(minor), quantity.get() as usize), Currency::EUR);
        prop_assert_eq!(eur(minor).checked_mul(quantity), added);
    }

    #[test]
    fn a_rated_amount_is_within_half_a_unit_and_mirrors_its_opposite(
        minor in -1_000_000_000..1_000_000_000_i64,
        basis_points in 0..20_000_i64,
    ) {
        let rate = Rate::new(Decimal::new(basis_points, 4)).unwrap();
        for rounding in [Rounding::HalfEven, Rounding::HalfUp] {
            let share = eur(minor).apply_rate(rate, rounding).unwrap();
            prop_assert!((share.minor() * 10_000).abs_diff(minor * basis_points) <= 5_000);
            prop_assert_eq!(eur(-minor).apply_rate(rate, rounding), share.checked_neg());
        }
    }

    #[test]
    fn units_that_are_taken_in_any_groups_cost_exactly_the_whole(
        minor in -1_000_000_000..1_000_000_000_i64,
        groups in vec(1..50_i64, 1..10),
    ) {
        let of = groups.iter().sum();
        let (mut taken, mut cost) = (0, 0);
        for units in groups {
            let before = eur(minor).of_first_units(taken, of);
            taken += units;
            cost += eur(minor).of_first_units(taken, of).checked_sub(before).unwrap().minor();
        }
        prop_assert_eq!(cost, minor);
    }

    #[test]
    fn units_and_nanos_read_back_as_the_same_amount(minor: i64, currency in any_currency()) {
        let amount = Money::from_minor(minor, currency);
        let (units, nanos) = amount.to_units_nanos();
        prop_assert!(units.signum() * i64::from(nanos.signum()) >= 0);
        prop_assert_eq!(Money::from_units_nanos(units, nanos, currency), Ok(amount));
    }

    #[test]
    fn no_units_and_nanos_make_the_reader_panic(units: i64, nanos: i32, currency in any_currency()) {
        if let Ok(amount) = Money::from_units_nanos(units, nanos, currency) {
            prop_assert_eq!(amount.to_units_nanos(), (units, nanos));
        }
    }
}
