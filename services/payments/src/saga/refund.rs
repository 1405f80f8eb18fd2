//! The refund saga, as payments takes part in it: what was paid for an order that is not sent is given back.

use kernel::{Decision, Money};

use super::{Answer, checkout};
use crate::domain::{Entry, OrderId, Refusal, Status, World};

/// A refund is approved: the provider is asked to give back all that was captured, the only refund that there is so far. Orders approves one
/// only of an order that was paid for by card, as much as it heard was captured; whatever else it says, an operator has to look, for
/// money would be given back that is not there, or not through a provider.
pub(super) fn on_refund_approved(world: &mut World, order_id: OrderId, amount: Money) -> Answer {
    let mut payment = match world.entries.get(&order_id) {
        Some(Entry::Payment(payment)) => payment.clone(),
        None | Some(Entry::Hold { .. } | Entry::Tombstone) => {
            return Decision::Refused(Refusal::NothingCaptured { order_id });
        }
    };
    if payment.is_cash_on_delivery() {
        return Decision::Refused(Refusal::CashNotRefundable { order_id });
    }
    let captured = payment.captured;
    match payment.status {
        Status::Captured | Status::Refunding | Status::Refunded if amount != captured => {
            Decision::Refused(Refusal::RefundMismatch { order_id, captured, approved: amount })
        }
        Status::Captured => {
            checkout::refund(world, &mut payment);
            world.put(order_id, Entry::Payment(payment));
            Decision::noted()
        }
        // Asked for before, by this or by the end of the order. A provider that refused it was left to an operator.
        Status::Refunding | Status::Refunded => Decision::AlreadyApplied,
        Status::Pending
        | Status::Authorizing
        | Status::Authorized
        | Status::Capturing
        | Status::CaptureFailed
        | Status::Declined
        | Status::Voiding
        | Status::Voided
        | Status::Closed => Decision::Refused(Refusal::NothingCaptured { order_id }),
    }
}
