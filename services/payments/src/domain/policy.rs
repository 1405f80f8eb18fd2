use std::time::Duration;

use kernel::{InvalidRate, Money, Rate, Rounding, Timestamp};

/// The rules that an operator may set.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// A payment is not authorized in the last moments of its reservation, because the authorization would come too late.
    pub authorization_margin: Duration,
    /// How long after an issuer has authorized a payment it can still be captured.
    pub authorization_lifetime: Duration,
    /// What the marketplace keeps of what a seller earns; at most all of it ([`commission_rate`]).
    pub commission_rate: Rate,
}

impl Policy {
    /// Whether there is still time to authorize for stock that is held until `hold_expires_at`.
    pub fn may_authorize(&self, hold_expires_at: Timestamp, now: Timestamp) -> bool {
        hold_expires_at.since(now) > self.authorization_margin
    }

    /// Whether what was authorized then can no longer be captured.
    pub fn has_expired(&self, authorized_at: Timestamp, now: Timestamp) -> bool {
        now.since(authorized_at) >= self.authorization_lifetime
    }
}

/// What the marketplace keeps of an amount at a rate. Of an amount that shrinks it keeps what it keeps of what is left: rounded once, over the
/// whole, so that refunds in whichever parts end at the same.
pub fn commission(kept: Money, rate: Rate) -> Money {
    kept.apply_rate(rate, Rounding::HalfEven).expect("a rate of at most 1 makes no amount larger")
}

/// Reads a rate of commission: at most 1.
///
/// # Errors
/// No rate, or more than all of it.
pub fn commission_rate(text: &str) -> Result<Rate, InvalidCommissionRate> {
    let rate: Rate = text.parse()?;
    let one: Rate = "1".parse()?;
    if rate <= one { Ok(rate) } else { Err(InvalidCommissionRate::MoreThanAll) }
}

/// No rate of commission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCommissionRate {
    /// It is no rate.
    #[error(transparent)]
    NoRate(#[from] InvalidRate),
    /// It is more than all that a seller earns.
    #[error("must be at most 1")]
    MoreThanAll,
}

#[cfg(test)]
mod tests {
    use kernel::Currency;
    use proptest::prelude::*;

    use super::*;

    fn policy(authorization_margin: Duration) -> Policy {
        let commission_rate = commission_rate("0.05").unwrap();
        Policy { authorization_margin, authorization_lifetime: Duration::from_hours(168), commission_rate }
    }

    #[test]
    fn the_window_closes_one_margin_before_the_hold_expires() {
        let policy = policy(Duration::from_mins(1));
        let expires_at = Timestamp::from_unix_micros(1_700_000_000_000_000);
        assert!(policy.may_authorize(expires_at, expires_at - Duration::from_micros(60_000_001)));
        assert!(!policy.may_authorize(expires_at, expires_at - Duration::from_mins(1)));
        assert!(!policy.may_authorize(expires_at, expires_at + Duration::from_secs(1)));
    }

    #[test]
    fn without_a_margin_an_expired_hold_is_still_too_late() {
        let policy = policy(Duration::ZERO);
        let expires_at = Timestamp::from_unix_micros(0);
        assert!(policy.may_authorize(expires_at, expires_at - Duration::from_micros(1)));
        assert!(!policy.may_authorize(expires_at, expires_at));
    }

    #[test]
    fn an_authorization_lives_for_seven_days_and_not_a_moment_longer() {
        let policy = policy(Duration::ZERO);
        let authorized_at = Timestamp::from_unix_micros(1_700_000_000_000_000);
        let end = authorized_at + Duration::from_hours(7 * 24);
        assert!(!policy.has_expired(authorized_at, end - Duration::from_micros(1)));
        assert!(policy.has_expired(authorized_at, end));
    }

    #[test]
    fn commission_is_rounded_half_to_even() {
        let of = |minor, rate: &str| commission(Money::from_minor(minor, Currency::EUR), rate.parse().unwrap()).minor();
        assert_eq!((of(10, "0.05"), of(30, "0.05"), of(31, "0.05")), (0, 2, 2));
        assert_eq!((of(4_200, "0.05"), of(4_200, "0"), of(4_200, "1")), (210, 0, 4_200));
    }

    #[test]
    fn a_rate_above_one_is_no_commission() {
        assert!(commission_rate("1").is_ok());
        assert_eq!(commission_rate("1.01"), Err(InvalidCommissionRate::MoreThanAll));
        for text in ["-0.05", "5 %", ""] {
            assert!(matches!(commission_rate(text), Err(InvalidCommissionRate::NoRate(_))), "{text}");
        }
    }

    proptest! {
        /// So both shares of a refund are at least nothing.
        #[test]
        fn giving_a_part_back_gives_back_at_most_that_part_of_the_commission(
            kept in 0..=1_000_000_i64,
            part in 0..=1_000_000_i64,
            hundredths in 0..=100_i64,
        ) {
            let rate = commission_rate(&format!("{}.{:02}", hundredths / 100, hundredths % 100)).unwrap();
            let part = part.min(kept);
            let of = |minor| commission(Money::from_minor(minor, Currency::EUR), rate).minor();
            prop_assert!((0..=part).contains(&(of(kept) - of(kept - part))));
        }
    }
}
