//! Fulfilment: what lets the goods of an order leave.

use crate::domain::status::{Milestone, Walk};

/// Whether the goods of an order may leave once it has reached a milestone, and not before: what is prepaid when the money is here, in cash
/// when the stock is. Whatever tells of that milestone tells shipping all that it needs.
pub const fn lets_goods_leave(walk: Walk, reached: Milestone) -> bool {
    match (walk, reached) {
        (Walk::Prepaid, Milestone::Paid) | (Walk::CashOnDelivery, Milestone::Confirmed) => true,
        (Walk::Prepaid, Milestone::Confirmed)
        | (Walk::CashOnDelivery, Milestone::Paid)
        | (
            Walk::Prepaid | Walk::CashOnDelivery,
            Milestone::Created
            | Milestone::Shipped
            | Milestone::Delivered
            | Milestone::Refunded
            | Milestone::Closed
            | Milestone::Failed
            | Milestone::Cancelled,
        ) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_leave_once_for_each_walk_and_never_unpaid_unless_they_are_paid_for_at_the_door() {
        let leave = |walk| -> Vec<Milestone> {
            Milestone::ALL.into_iter().filter(|milestone| lets_goods_leave(walk, *milestone)).collect()
        };
        assert_eq!(leave(Walk::Prepaid), [Milestone::Paid]);
        assert_eq!(leave(Walk::CashOnDelivery), [Milestone::Confirmed]);
    }
}
