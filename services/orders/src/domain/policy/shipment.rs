//! Shipment: what follows from what shipping tells of an order's parcels. Shipping counts the units and says when it was the last; what an
//! order becomes by that depends on where it stands, and on how it is paid for.

use crate::domain::order::Standing;
use crate::domain::status::{FulfilmentStatus, Status, Walk};

/// Where the goods of an order are, as far as orders know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transit {
    /// They may not leave yet, or never will.
    Nowhere,
    /// They may leave, and some may have.
    Leaving,
    /// All have left, and some are on their way.
    OnTheirWay,
    /// None is on its way any more.
    Over,
    /// All of the money went back after all had left. Where they are changes nothing any more but the axis.
    PaidBack,
}

/// What follows when a parcel left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDispatch {
    /// It is SHIPPED.
    Ships,
    /// Some of it has left.
    ShipsPartly,
    /// Nothing: more is known already.
    Known,
    /// It cannot be true.
    Contradiction,
}

/// What follows when a parcel arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterDelivery {
    /// It is DELIVERED.
    Delivers,
    /// Nothing yet: more is awaited.
    Waits,
    /// Only the axis says so.
    Notes,
    /// Nothing: more is known already.
    Known,
    /// It cannot be true.
    Contradiction,
}

/// What follows when a parcel was lost, refused or returned to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Its units are given back, or not to be paid for.
    Counts,
    /// Only the axis may say something.
    Notes,
    /// It cannot be true.
    Contradiction,
}

/// Where the goods are of an order that stands there; `is_stopped`: whether shipping has said that all of its parcels are. Inventory, which
/// gives back what was stopped, may be heard of before.
pub fn transit(standing: Standing, walk: Walk, is_stopped: bool) -> Transit {
    let so_far = match standing.fulfilment {
        FulfilmentStatus::Released => Transit::Nowhere,
        FulfilmentStatus::Delivered | FulfilmentStatus::Failed => Transit::Over,
        FulfilmentStatus::Unallocated
        | FulfilmentStatus::Allocated
        | FulfilmentStatus::PartlyShipped
        | FulfilmentStatus::Shipped => Transit::Leaving,
    };
    match standing.status {
        Status::Created | Status::Failed(_) | Status::Cancelled(_) => Transit::Nowhere,
        Status::Confirmed if walk == Walk::Prepaid => Transit::Nowhere,
        Status::Confirmed | Status::Paid if is_stopped => Transit::Nowhere,
        Status::Confirmed | Status::Paid => so_far,
        Status::Shipped if so_far == Transit::Leaving => Transit::OnTheirWay,
        Status::Shipped | Status::Delivered => Transit::Over,
        Status::Refunded | Status::Closed => match standing.fulfilment {
            FulfilmentStatus::Shipped | FulfilmentStatus::Delivered | FulfilmentStatus::Failed => Transit::PaidBack,
            FulfilmentStatus::Unallocated
            | FulfilmentStatus::Allocated
            | FulfilmentStatus::Released
            | FulfilmentStatus::PartlyShipped => Transit::Nowhere,
        },
    }
}

/// SHIPPED with the last parcel; before that the fulfilment axis says partly.
pub const fn after_dispatch(transit: Transit, is_last: bool) -> AfterDispatch {
    match transit {
        Transit::Nowhere => AfterDispatch::Contradiction,
        Transit::Leaving if is_last => AfterDispatch::Ships,
        Transit::Leaving => AfterDispatch::ShipsPartly,
        Transit::OnTheirWay | Transit::Over | Transit::PaidBack => AfterDispatch::Known,
    }
}

/// DELIVERED with the last parcel that is awaited. A delivery also says that the goods have left.
pub const fn after_delivery(transit: Transit, is_last: bool) -> AfterDelivery {
    match transit {
        Transit::Nowhere => AfterDelivery::Contradiction,
        Transit::Leaving | Transit::OnTheirWay if is_last => AfterDelivery::Delivers,
        Transit::Leaving | Transit::OnTheirWay => AfterDelivery::Waits,
        Transit::PaidBack if is_last => AfterDelivery::Notes,
        Transit::Over | Transit::PaidBack => AfterDelivery::Known,
    }
}

/// A parcel that fails was on its way.
pub const fn after_failure(transit: Transit) -> AfterFailure {
    match transit {
        Transit::Leaving | Transit::OnTheirWay => AfterFailure::Counts,
        Transit::PaidBack => AfterFailure::Notes,
        Transit::Nowhere | Transit::Over => AfterFailure::Contradiction,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::where_it_is;
    use super::*;

    #[test]
    fn goods_are_where_the_walk_and_both_axes_say() {
        let are = |wanted| where_it_is(|standing, walk| transit(standing, walk, false) == wanted);
        let nowhere = [
            "prepaid CREATED",
            "prepaid CONFIRMED",
            "prepaid PAID, released",
            "prepaid REFUNDED, released",
            "prepaid FAILED",
            "prepaid CANCELLED",
            "prepaid CANCELLED, unpaid",
            "cash CREATED",
        ];
        assert_eq!(are(Transit::Nowhere), nowhere);
        let leaving =
            ["prepaid PAID", "prepaid PAID, partly shipped", "cash CONFIRMED", "cash CONFIRMED, partly shipped"];
        assert_eq!(are(Transit::Leaving), leaving);
        assert_eq!(are(Transit::OnTheirWay), ["prepaid SHIPPED", "cash SHIPPED"]);
        let over = ["prepaid SHIPPED, all failed", "prepaid DELIVERED", "cash DELIVERED", "cash PAID"];
        assert_eq!(are(Transit::Over), over);
        let paid_back = ["prepaid REFUNDED, shipped", "prepaid REFUNDED", "prepaid CLOSED", "cash CLOSED"];
        assert_eq!(are(Transit::PaidBack), paid_back);
    }

    #[test]
    fn nothing_leaves_that_is_stopped() {
        let leaving = where_it_is(|standing, walk| transit(standing, walk, true) == Transit::Leaving);
        assert_eq!(leaving, [""; 0]);
    }

    #[test]
    fn an_order_is_shipped_and_delivered_with_its_last_parcel() {
        use Transit::{Leaving, Nowhere, OnTheirWay, Over, PaidBack};
        let all = [Nowhere, Leaving, OnTheirWay, Over, PaidBack];
        for (is_last, dispatched, delivered) in [
            (false, AfterDispatch::ShipsPartly, [AfterDelivery::Waits, AfterDelivery::Known]),
            (true, AfterDispatch::Ships, [AfterDelivery::Delivers, AfterDelivery::Notes]),
        ] {
            let known = AfterDispatch::Known;
            let expected = [AfterDispatch::Contradiction, dispatched, known, known, known];
            assert_eq!(all.map(|transit| after_dispatch(transit, is_last)), expected);
            let [awaited, paid_back] = delivered;
            let expected = [AfterDelivery::Contradiction, awaited, awaited, AfterDelivery::Known, paid_back];
            assert_eq!(all.map(|transit| after_delivery(transit, is_last)), expected);
        }
    }

    #[test]
    fn what_fails_was_on_its_way() {
        use AfterFailure::{Contradiction, Counts, Notes};
        let all = [Transit::Nowhere, Transit::Leaving, Transit::OnTheirWay, Transit::Over, Transit::PaidBack];
        assert_eq!(all.map(after_failure), [Contradiction, Counts, Counts, Contradiction, Notes]);
    }
}
