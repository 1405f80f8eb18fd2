//! Refund eligibility: which refunds may be asked for. Amounts, units and the time in which goods may be sent back are looked at apart.

use crate::domain::order::Standing;
use crate::domain::refund::RefundKind;
use crate::domain::status::{FulfilmentStatus, Status, Walk};

/// Whether a refund of a kind may be asked for of an order that stands there. Before dispatch shipping has the last word, after a return
/// whoever receives it.
pub fn is_refundable(kind: RefundKind, standing: Standing, walk: Walk) -> bool {
    let is_paid_and_arrived = match walk {
        Walk::Prepaid => standing.status == Status::Delivered,
        Walk::CashOnDelivery => standing.status == Status::Paid,
    };
    match kind {
        RefundKind::BeforeDispatch => {
            walk == Walk::Prepaid
                && standing.status == Status::Paid
                && standing.fulfilment == FulfilmentStatus::Allocated
        }
        RefundKind::AfterReturn | RefundKind::Exchange => is_paid_and_arrived,
        // Before everything has left, whoever wants to be kind cancels or gives all of it back.
        RefundKind::Goodwill => is_paid_and_arrived || (walk == Walk::Prepaid && standing.status == Status::Shipped),
        // Nobody asks for it: it follows from what the carrier says.
        RefundKind::ParcelFailed => false,
    }
}

/// Whether units that have not left may be asked back of an order that stands there: also when others have. Shipping has the last word.
pub fn is_refundable_in_part(standing: Standing, walk: Walk) -> bool {
    walk == Walk::Prepaid
        && standing.status == Status::Paid
        && match standing.fulfilment {
            FulfilmentStatus::Allocated | FulfilmentStatus::PartlyShipped => true,
            FulfilmentStatus::Unallocated
            | FulfilmentStatus::Released
            | FulfilmentStatus::Shipped
            | FulfilmentStatus::Delivered
            | FulfilmentStatus::Failed => false,
        }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::where_it_is;
    use super::*;

    #[test]
    fn a_refund_may_be_asked_for_where_it_makes_sense_and_nowhere_else() {
        let granted = |kind| where_it_is(|standing, walk| is_refundable(kind, standing, walk));
        assert_eq!(granted(RefundKind::BeforeDispatch), ["prepaid PAID"]);
        assert_eq!(granted(RefundKind::AfterReturn), ["prepaid DELIVERED", "cash PAID"]);
        assert_eq!(granted(RefundKind::Exchange), granted(RefundKind::AfterReturn));
        let goodwill = ["prepaid SHIPPED", "prepaid SHIPPED, all failed", "prepaid DELIVERED", "cash PAID"];
        assert_eq!(granted(RefundKind::Goodwill), goodwill);
        assert_eq!(granted(RefundKind::ParcelFailed), [""; 0]);
    }

    #[test]
    fn units_may_be_asked_back_before_they_leave_also_when_others_have() {
        assert_eq!(where_it_is(is_refundable_in_part), ["prepaid PAID", "prepaid PAID, partly shipped"]);
    }
}
