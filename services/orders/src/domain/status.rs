//! The milestone of an order and its two axes. Each goes one way.

use std::fmt;

/// A state that is left for ever once it is left.
pub trait OneWay: Copy + Eq {
    /// Whether `later` may follow, at once or after others.
    fn leads_to(self, later: Self) -> bool;
}

/// How far an order has come, and why it ended if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Stock and payment are not settled.
    Created,
    /// Stock is committed and payment authorized: the pivot.
    Confirmed,
    /// Payment is captured.
    Paid,
    /// Every parcel has left.
    Shipped,
    /// Every parcel has arrived.
    Delivered,
    /// The whole amount was given back.
    Refunded,
    /// The time in which goods may be sent back has passed, or all of the money went back. Final.
    Closed,
    /// It could not be had. Final.
    Failed(FailureReason),
    /// Somebody, or a deadline, ended it. Final.
    Cancelled(CancelReason),
}

impl Status {
    /// The milestone without the reason.
    pub const fn milestone(self) -> Milestone {
        match self {
            Self::Created => Milestone::Created,
            Self::Confirmed => Milestone::Confirmed,
            Self::Paid => Milestone::Paid,
            Self::Shipped => Milestone::Shipped,
            Self::Delivered => Milestone::Delivered,
            Self::Refunded => Milestone::Refunded,
            Self::Closed => Milestone::Closed,
            Self::Failed(_) => Milestone::Failed,
            Self::Cancelled(_) => Milestone::Cancelled,
        }
    }

    /// The stable reason of a failed or cancelled order.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Created
            | Self::Confirmed
            | Self::Paid
            | Self::Shipped
            | Self::Delivered
            | Self::Refunded
            | Self::Closed => None,
            Self::Failed(reason) => Some(reason.as_str()),
            Self::Cancelled(reason) => Some(reason.as_str()),
        }
    }

    /// The status of that milestone and reason; `None` if there is no such pair.
    pub fn from_parts(milestone: Milestone, reason: Option<&str>) -> Option<Self> {
        match (milestone, reason) {
            (Milestone::Created, None) => Some(Self::Created),
            (Milestone::Confirmed, None) => Some(Self::Confirmed),
            (Milestone::Paid, None) => Some(Self::Paid),
            (Milestone::Shipped, None) => Some(Self::Shipped),
            (Milestone::Delivered, None) => Some(Self::Delivered),
            (Milestone::Refunded, None) => Some(Self::Refunded),
            (Milestone::Closed, None) => Some(Self::Closed),
            (Milestone::Failed, Some(reason)) => FailureReason::from_name(reason).map(Self::Failed),
            (Milestone::Cancelled, Some(reason)) => CancelReason::from_name(reason).map(Self::Cancelled),
            (
                Milestone::Created
                | Milestone::Confirmed
                | Milestone::Paid
                | Milestone::Shipped
                | Milestone::Delivered
                | Milestone::Refunded
                | Milestone::Closed,
                Some(_),
            )
            | (Milestone::Failed | Milestone::Cancelled, None) => None,
        }
    }
}

/// For people: `FAILED (OUT_OF_STOCK)`.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.milestone().as_str())?;
        self.reason().map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}

/// The milestone of an order by its bare name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "Status explains each")]
pub enum Milestone {
    Created,
    Confirmed,
    Paid,
    Shipped,
    Delivered,
    Refunded,
    Closed,
    Failed,
    Cancelled,
}

/// How an order goes from its confirmation on. Each walk is one way; the two differ in when it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Walk {
    /// CREATED, CONFIRMED, PAID, SHIPPED, DELIVERED, CLOSED; from PAID on the money may go back.
    Prepaid,
    /// CREATED, CONFIRMED, SHIPPED, DELIVERED, PAID, CLOSED; SHIPPED to CANCELLED if nothing arrives.
    CashOnDelivery,
}

impl Walk {
    /// The milestones of an order that neither fails nor is cancelled, in their order.
    pub const fn milestones(self) -> [Milestone; 6] {
        use Milestone::{Closed, Confirmed, Created, Delivered, Paid, Shipped};
        match self {
            Self::Prepaid => [Created, Confirmed, Paid, Shipped, Delivered, Closed],
            Self::CashOnDelivery => [Created, Confirmed, Shipped, Delivered, Paid, Closed],
        }
    }

    /// Whether `later` may follow `milestone`, at once or after others.
    pub fn leads(self, milestone: Milestone, later: Milestone) -> bool {
        let place = |sought| self.milestones().iter().position(|milestone| *milestone == sought);
        match (place(milestone), place(later)) {
            (Some(place), Some(later)) => place < later,
            (Some(_), None) if later == Milestone::Failed => milestone == Milestone::Created,
            (Some(_), None) if later == Milestone::Refunded => milestone != Milestone::Closed,
            (Some(_), None) => match milestone {
                Milestone::Created | Milestone::Confirmed => true,
                Milestone::Shipped => self == Self::CashOnDelivery,
                Milestone::Paid
                | Milestone::Delivered
                | Milestone::Refunded
                | Milestone::Closed
                | Milestone::Failed
                | Milestone::Cancelled => false,
            },
            (None, _) => milestone == Milestone::Refunded && later == Milestone::Closed,
        }
    }
}

impl Milestone {
    /// Every milestone.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::Confirmed,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Refunded,
        Self::Closed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Confirmed => "CONFIRMED",
            Self::Paid => "PAID",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Refunded => "REFUNDED",
            Self::Closed => "CLOSED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The milestone of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|milestone| milestone.as_str() == name)
    }
}

/// Why an order could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// Inventory could not hold every line.
    OutOfStock,
    /// The issuer said no, or there was no time left to ask.
    PaymentDeclined,
    /// The payment was authorized, but too late: nothing is held any more.
    ReservationExpired,
}

impl FailureReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::OutOfStock, Self::PaymentDeclined, Self::ReservationExpired];

    /// The stable name, part of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutOfStock => "OUT_OF_STOCK",
            Self::PaymentDeclined => "PAYMENT_DECLINED",
            Self::ReservationExpired => "RESERVATION_EXPIRED",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// Why an order was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// Its buyer asked.
    ByBuyer,
    /// An employee of the marketplace asked.
    ByOperator,
    /// Its reservation expired before the payment was authorized.
    ReservationExpired,
    /// Its deadline passed before it was confirmed.
    Unpaid,
    /// The provider refused to take the money.
    CaptureFailed,
    /// Nothing of it arrived, and it was to be paid at the door.
    DeliveryFailed,
}

impl CancelReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::ByBuyer,
        Self::ByOperator,
        Self::ReservationExpired,
        Self::Unpaid,
        Self::CaptureFailed,
        Self::DeliveryFailed,
    ];

    /// The stable name, part of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByBuyer => "CANCELLED_BY_BUYER",
            Self::ByOperator => "CANCELLED_BY_OPERATOR",
            Self::ReservationExpired => "RESERVATION_EXPIRED",
            Self::Unpaid => "UNPAID",
            Self::CaptureFailed => "CAPTURE_FAILED",
            Self::DeliveryFailed => "DELIVERY_FAILED",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

/// The payment axis: what payments last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentStatus {
    /// Nothing is authorized.
    Unpaid,
    /// The amount is held for us; for cash on delivery, the carrier will collect it.
    Authorized,
    /// The money was taken.
    Captured,
    /// The issuer said no.
    Declined,
    /// The provider refused to take the money.
    CaptureFailed,
    /// The authorization was given up.
    Voided,
    /// All of the money was given back.
    Refunded,
}

impl PaymentStatus {
    /// Every state of the axis.
    pub const ALL: [Self; 7] = [
        Self::Unpaid,
        Self::Authorized,
        Self::Captured,
        Self::Declined,
        Self::CaptureFailed,
        Self::Voided,
        Self::Refunded,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unpaid => "UNPAID",
            Self::Authorized => "AUTHORIZED",
            Self::Captured => "CAPTURED",
            Self::Declined => "DECLINED",
            Self::CaptureFailed => "CAPTURE_FAILED",
            Self::Voided => "VOIDED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl OneWay for PaymentStatus {
    fn leads_to(self, later: Self) -> bool {
        match self {
            Self::Unpaid => later != Self::Unpaid,
            Self::Authorized => {
                matches!(later, Self::Captured | Self::CaptureFailed | Self::Voided | Self::Refunded)
            }
            // Of a declined payment what was set aside by an exchange, which came too late.
            Self::Captured | Self::Declined => later == Self::Refunded,
            Self::CaptureFailed => later == Self::Voided,
            Self::Voided | Self::Refunded => false,
        }
    }
}

/// The fulfilment axis: what inventory and, once goods may leave, shipping last said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FulfilmentStatus {
    /// No stock belongs to the order.
    Unallocated,
    /// Stock is committed to the order.
    Allocated,
    /// The stock was given back.
    Released,
    /// Some parcels have left.
    PartlyShipped,
    /// Every parcel has left.
    Shipped,
    /// Every parcel has arrived that was not lost, refused or sent back.
    Delivered,
    /// Every parcel was lost, refused or sent back.
    Failed,
}

impl FulfilmentStatus {
    /// Every state of the axis.
    pub const ALL: [Self; 7] = [
        Self::Unallocated,
        Self::Allocated,
        Self::Released,
        Self::PartlyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::Failed,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unallocated => "UNALLOCATED",
            Self::Allocated => "ALLOCATED",
            Self::Released => "RELEASED",
            Self::PartlyShipped => "PARTLY_SHIPPED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl OneWay for FulfilmentStatus {
    fn leads_to(self, later: Self) -> bool {
        match self {
            Self::Unallocated => later != Self::Unallocated,
            Self::Allocated => !matches!(later, Self::Unallocated | Self::Allocated),
            Self::PartlyShipped => matches!(later, Self::Shipped | Self::Delivered | Self::Failed),
            Self::Shipped => matches!(later, Self::Delivered | Self::Failed),
            Self::Released | Self::Delivered | Self::Failed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never_leads_back<S: Copy + fmt::Debug>(all: &[S], leads: impl Fn(S, S) -> bool) {
        for &one in all {
            for &other in all {
                assert!(!(leads(one, other) && leads(other, one)), "{one:?} and {other:?} lead to each other");
                for &third in all {
                    let through = leads(one, other) && leads(other, third);
                    assert!(!through || leads(one, third), "{one:?} leads to {third:?} through {other:?}");
                }
            }
        }
    }

    #[test]
    fn both_walks_and_both_axes_never_lead_back() {
        for walk in [Walk::Prepaid, Walk::CashOnDelivery] {
            never_leads_back(&Milestone::ALL, |one, other| walk.leads(one, other));
        }
        never_leads_back(&PaymentStatus::ALL, PaymentStatus::leads_to);
        never_leads_back(&FulfilmentStatus::ALL, FulfilmentStatus::leads_to);
    }

    #[test]
    fn a_status_reads_back_from_its_milestone_and_reason() {
        let failed = FailureReason::ALL.map(Status::Failed);
        let cancelled = CancelReason::ALL.map(Status::Cancelled);
        let plain = [
            Status::Created,
            Status::Confirmed,
            Status::Paid,
            Status::Shipped,
            Status::Delivered,
            Status::Refunded,
            Status::Closed,
        ];
        let all = plain.into_iter().chain(failed).chain(cancelled);
        for status in all {
            assert_eq!(Status::from_parts(status.milestone(), status.reason()), Some(status));
            assert_eq!(Milestone::from_name(status.milestone().as_str()), Some(status.milestone()));
        }
        assert_eq!(Status::from_parts(Milestone::Failed, None), None);
        assert_eq!(Status::from_parts(Milestone::Paid, Some("UNPAID")), None);
        assert_eq!(Status::from_parts(Milestone::Failed, Some("UNPAID")), None);
    }
}
