use kernel::Money;

/// One of the refunds of a payment. It is asked for once, and again only after it was refused, under the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refund {
    /// Which of the order's refunds, from 1.
    pub number: i32,
    /// How much of what was captured.
    pub amount: Money,
    /// Whether it follows from the end of the order, not from a refund that orders approved.
    pub follows_from_end: bool,
    /// Whether it is set aside for an order that sends anew what came back.
    pub is_set_aside: bool,
    /// How far it got.
    pub standing: RefundStanding,
    /// The last attempt that the provider answered with a refusal; 0 if it never refused. What it says of earlier attempts is old news.
    pub refused_attempt: i32,
}

/// How far a refund got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefundStanding {
    /// The provider was asked, for the first time or again; its answer is awaited or unknown.
    Asked,
    /// The provider refused it. It is asked again when an operator wants that.
    Failed,
    /// The money is back.
    Done,
}

impl RefundStanding {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Asked, Self::Failed, Self::Done];

    /// The standing's name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }

    /// The standing of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == name)
    }
}

impl Refund {
    /// One that is asked for just now, to be given back.
    pub fn new(number: i32, amount: Money) -> Self {
        Self {
            number,
            amount,
            follows_from_end: false,
            is_set_aside: false,
            standing: RefundStanding::Asked,
            refused_attempt: 0,
        }
    }

    /// The number that others know it by: 0 for what follows from the end of the order, which nobody approved.
    pub fn told_number(&self) -> i32 {
        if self.follows_from_end { 0 } else { self.number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_has_a_name_of_its_own() {
        for standing in RefundStanding::ALL {
            assert_eq!(RefundStanding::from_name(standing.as_str()), Some(standing));
        }
        assert_eq!(RefundStanding::from_name("stolen"), None);
    }
}
