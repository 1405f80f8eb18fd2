use std::time::Duration;

use kernel::Timestamp;

/// The rules that an operator may set.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// A payment is not authorized in the last moments of its reservation, because the authorization would come too late.
    pub authorization_margin: Duration,
}

impl Policy {
    /// Whether there is still time to authorize for stock that is held until `hold_expires_at`.
    pub fn may_authorize(&self, hold_expires_at: Timestamp, now: Timestamp) -> bool {
        hold_expires_at.since(now) > self.authorization_margin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_one_margin_before_the_hold_expires() {
        let policy = Policy { authorization_margin: Duration::from_mins(1) };
        let expires_at = Timestamp::from_unix_micros(1_700_000_000_000_000);
        assert!(policy.may_authorize(expires_at, expires_at - Duration::from_micros(60_000_001)));
        assert!(!policy.may_authorize(expires_at, expires_at - Duration::from_mins(1)));
        assert!(!policy.may_authorize(expires_at, expires_at + Duration::from_secs(1)));
    }

    #[test]
    fn without_a_margin_an_expired_hold_is_still_too_late() {
        let policy = Policy { authorization_margin: Duration::ZERO };
        let expires_at = Timestamp::from_unix_micros(0);
        assert!(policy.may_authorize(expires_at, expires_at - Duration::from_micros(1)));
        assert!(!policy.may_authorize(expires_at, expires_at));
    }
}
