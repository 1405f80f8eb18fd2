//! How the giving back of money may end. A scenario names those that it must meet.

use orders::domain::order::Order;
use orders::domain::refund::{Refund, RefundKind, RefundStatus};
use orders::domain::status::{FulfilmentStatus, Status};
use payments::domain::{RefundStanding, Status as PaymentStatus};
use shipping::domain::consignment::{Cancellation, Consignment};

use super::consignment;
use crate::saga::{any_ended, is_at, is_stopped, payment};
use crate::scenario::End;
use crate::state::State;

/// The whole amount was given back before anything left.
pub const REFUNDED: End = End {
    name: "REFUNDED, before anything left",
    is_met: |fleet, state| any_ended(fleet, state, |order| is_back(state, order) && is_stopped(state, order)),
};

/// A parcel had left.
pub const REJECTED: End = End {
    name: "DELIVERED, although the money was wanted back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            is_at(order, Status::Delivered) && answer(state, order) == Some(Cancellation::Refused)
        })
    },
};

/// A unit was stopped, and the other arrived.
pub const PART_BACK: End = End {
    name: "the money for a part that was stopped is back, and the rest arrived",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| has_arrived(order) && parts(order, RefundStatus::Refunded) == 1)
    },
};

/// All units were stopped one by one.
pub const IN_PARTS: End = End {
    name: "all of the money is back, part by part before anything left",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| is_back(state, order) && parts(order, RefundStatus::Refunded) == 2)
    },
};

/// A unit was stopped, and then all that was left.
pub const PART_AND_WHOLE: End = End {
    name: "all of the money is back, of a part and then of the rest",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let whole = order.refund_before_dispatch().map(|refund| refund.status);
            is_back(state, order) && parts(order, RefundStatus::Refunded) == 1 && whole == Some(RefundStatus::Refunded)
        })
    },
};

/// A unit was stopped, and the other did not arrive.
pub const PART_AND_PARCEL: End = End {
    name: "all of the money is back, for a part that was stopped and a parcel that failed",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            is_back(state, order)
                && parts(order, RefundStatus::Refunded) == 1
                && has(order, RefundKind::ParcelFailed, RefundStatus::Refunded)
        })
    },
};

/// Too much had left.
pub const PART_REJECTED: End = End {
    name: "everything arrived, although the money for a part was wanted back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            has_arrived(order) && parts(order, RefundStatus::Rejected) > 0 && parts(order, RefundStatus::Refunded) == 0
        })
    },
};

/// The provider refuses to give it back.
pub const WITH_OPERATOR: End = End {
    name: "granted, and what the provider refuses to give back is with an operator",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let is_refused = |refund: &payments::domain::Refund| refund.standing == RefundStanding::Failed;
            !order.refunds.is_empty()
                && payment(state, order).is_some_and(|payment| payment.refunds.iter().any(is_refused))
        })
    },
};

/// It was refused at first.
pub const RETRIED: End = End {
    name: "a refund that the provider refused is back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let is_retried = |refund: &payments::domain::Refund| {
                refund.standing == RefundStanding::Done && refund.refused_attempt > 0
            };
            payment(state, order).is_some_and(|payment| payment.refunds.iter().any(is_retried))
        })
    },
};

/// All of the money went back after goods had left.
pub const ALL_BACK: End = End {
    name: "all of the money is back, and goods had left",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            is_back(state, order) && consignment(state, order).is_some_and(Consignment::has_begun)
        })
    },
};

/// The money for a parcel that failed is back, and the rest of the order is sold.
pub const FOR_A_PARCEL: End = End {
    name: "the money for a parcel that failed is back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| has(order, RefundKind::ParcelFailed, RefundStatus::Refunded))
    },
};

/// What the buyer sent back is paid for.
pub const FOR_A_RETURN: End = End {
    name: "the money for what was sent back is back",
    is_met: |fleet, state| any_ended(fleet, state, |order| has(order, RefundKind::AfterReturn, RefundStatus::Refunded)),
};

/// What the buyer sent back is not accepted.
pub const RETURN_REJECTED: End = End {
    name: "nothing of what was sent back is accepted",
    is_met: |fleet, state| {
        let is_rejected = |order: &Order, kind| has(order, kind, RefundStatus::Rejected);
        any_ended(fleet, state, |order| {
            is_rejected(order, RefundKind::AfterReturn) || is_rejected(order, RefundKind::Exchange)
        })
    },
};

/// Money was given back of somebody's own accord.
pub const GOODWILL: End = End {
    name: "goodwill is given",
    is_met: |fleet, state| any_ended(fleet, state, |order| has(order, RefundKind::Goodwill, RefundStatus::Refunded)),
};

/// Two refunds of one order are back.
pub const TWO: End = End {
    name: "two refunds of one order are back",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            order.refunds.iter().filter(|refund| refund.status == RefundStatus::Refunded).count() == 2
        })
    },
};

fn has_arrived(order: &Order) -> bool {
    order.standing.fulfilment == FulfilmentStatus::Delivered
}

fn is_back(state: &State, order: &Order) -> bool {
    payment(state, order).is_some_and(|payment| payment.status == PaymentStatus::Refunded)
}

/// How many refunds of parts before dispatch have come so far.
fn parts(order: &Order, status: RefundStatus) -> usize {
    let is_part = |refund: &&Refund| refund.kind == RefundKind::BeforeDispatch && !refund.lines.is_empty();
    order.refunds.iter().filter(is_part).filter(|refund| refund.status == status).count()
}

fn has(order: &Order, kind: RefundKind, status: RefundStatus) -> bool {
    order.refunds.iter().any(|refund: &Refund| (refund.kind, refund.status) == (kind, status))
}

fn answer(state: &State, order: &Order) -> Option<Cancellation> {
    consignment(state, order)?.cancellation
}
