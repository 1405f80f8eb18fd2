use std::time::Duration;

/// How the owner of a test token wants the provider to behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// `tok_approved`: everything succeeds.
    Approved,
    /// `tok_insufficient_funds`, `tok_card_expired`, and any token that is not of this list: no authorization, for this reason.
    Declined(&'static str),
    /// `tok_capture_fails`: authorized, but the capture is declined.
    CaptureFails,
    /// `tok_slow`, `tok_slow_<ms>`: authorized, and answered late. Without a number the provider's own delay holds.
    Slow(Option<Duration>),
    /// `tok_lost_answer`: each operation is carried out, and the connection cut instead of its first answer.
    LostAnswer,
    /// `tok_down`, `tok_down_<n>`: the first attempts of each operation are answered 503 and do nothing. Without a number the
    /// provider's own count holds.
    Down(Option<u32>),
    /// `tok_refund_fails_<n>`: the first attempts of each refund are refused, and the next one succeeds.
    RefundFails(u32),
}

impl Token {
    /// Reads a test token.
    pub fn parse(token: &str) -> Self {
        match token {
            "tok_approved" => Self::Approved,
            "tok_insufficient_funds" => Self::Declined("INSUFFICIENT_FUNDS"),
            "tok_card_expired" => Self::Declined("CARD_EXPIRED"),
            "tok_capture_fails" => Self::CaptureFails,
            "tok_slow" => Self::Slow(None),
            "tok_lost_answer" => Self::LostAnswer,
            "tok_down" => Self::Down(None),
            _ => Self::parse_numbered(token).unwrap_or(Self::Declined("CARD_UNKNOWN")),
        }
    }

    fn parse_numbered(token: &str) -> Option<Self> {
        if let Some(millis) = token.strip_prefix("tok_slow_") {
            return millis.parse().ok().map(|millis| Self::Slow(Some(Duration::from_millis(millis))));
        }
        if let Some(attempts) = token.strip_prefix("tok_refund_fails_") {
            return attempts.parse().ok().map(Self::RefundFails);
        }
        token.strip_prefix("tok_down_")?.parse().ok().map(|attempts| Self::Down(Some(attempts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_a_token_overrides_the_default() {
        assert_eq!(Token::parse("tok_slow"), Token::Slow(None));
        assert_eq!(Token::parse("tok_slow_250"), Token::Slow(Some(Duration::from_millis(250))));
        assert_eq!(Token::parse("tok_down_2"), Token::Down(Some(2)));
        assert_eq!(Token::parse("tok_refund_fails_2"), Token::RefundFails(2));
    }

    #[test]
    fn a_token_that_is_not_in_the_list_is_an_unknown_card() {
        for token in [
            "",
            "tok_",
            "tok_slow_",
            "tok_slow_x",
            "tok_down_-1",
            "tok_refund_fails",
            "tok_refund_fails_",
            "4242424242424242",
        ] {
            assert_eq!(Token::parse(token), Token::Declined("CARD_UNKNOWN"), "{token}");
        }
    }
}
