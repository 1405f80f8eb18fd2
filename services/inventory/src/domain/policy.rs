//! What a seller says of a SKU: the policies of inventory. A file each, with a table of what it decides beside it.
//!
//! | policy | decides |
//! | --- | --- |
//! | [`oversell`] | how many of the units that are there may be promised |
//! | [`backorder`] | for how many units orders may wait, where there are too few |
//! | [`reservation`] | how many of those one order may have, and for how long they are held for it |

pub mod backorder;
pub mod oversell;
pub mod reservation;

use std::time::Duration;

/// What a seller says of one of its SKUs. All figures are in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SkuPolicy {
    /// At how many that can be promised in a warehouse it is low; never, if none.
    pub low_stock_threshold: Option<i64>,
    /// How many are never promised, over all warehouses.
    pub safety_stock: i64,
    /// The most that one order may have; none is as many as there are.
    pub order_limit: Option<i64>,
    /// For how long they are held for an order; as long as any, if none.
    pub reservation_ttl: Option<Duration>,
    /// For how many, at most, orders may wait together when there are too few; for none, if none.
    pub backorder_limit: Option<i64>,
}

/// What is to be changed of a [`SkuPolicy`]. What is not given stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SkuPolicyChange {
    /// See there; 0 is never.
    pub low_stock_threshold: Option<i64>,
    /// See there.
    pub safety_stock: Option<i64>,
    /// See there; 0 is no limit.
    pub order_limit: Option<i64>,
    /// See there; 0 is as long as any.
    pub reservation_ttl: Option<Duration>,
    /// See there; 0 is none.
    pub backorder_limit: Option<i64>,
}

impl SkuPolicy {
    /// The policy after a change.
    #[must_use]
    pub fn with(self, change: &SkuPolicyChange) -> Self {
        let units = |given: Option<i64>, before| given.map_or(before, |units| Some(units).filter(|units| *units > 0));
        let ttl = |given: Duration| Some(given).filter(|given| !given.is_zero());
        Self {
            low_stock_threshold: units(change.low_stock_threshold, self.low_stock_threshold),
            safety_stock: change.safety_stock.unwrap_or(self.safety_stock),
            order_limit: units(change.order_limit, self.order_limit),
            reservation_ttl: change.reservation_ttl.map_or(self.reservation_ttl, ttl),
            backorder_limit: units(change.backorder_limit, self.backorder_limit),
        }
    }

    /// How many units an order that comes now may have, of which so many are available in the warehouses that are open, and others wait for so
    /// many.
    pub fn for_one_order(&self, available: i64, waiting: i64) -> i64 {
        reservation::at_most(oversell::promisable(available - waiting, self.safety_stock), self.order_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays_and_nothing_is_said_by_zero() {
        let all = SkuPolicy {
            low_stock_threshold: Some(3),
            safety_stock: 2,
            order_limit: Some(5),
            reservation_ttl: Some(Duration::from_mins(5)),
            backorder_limit: Some(7),
        };
        assert_eq!(all.with(&SkuPolicyChange::default()), all);
        let limit = SkuPolicyChange { order_limit: Some(1), ..SkuPolicyChange::default() };
        assert_eq!(all.with(&limit), SkuPolicy { order_limit: Some(1), ..all });
        let nothing = SkuPolicyChange {
            low_stock_threshold: Some(0),
            safety_stock: Some(0),
            order_limit: Some(0),
            reservation_ttl: Some(Duration::ZERO),
            backorder_limit: Some(0),
        };
        assert_eq!(all.with(&nothing), SkuPolicy::default());
        let everything = SkuPolicyChange {
            low_stock_threshold: Some(3),
            safety_stock: Some(2),
            order_limit: Some(5),
            reservation_ttl: Some(Duration::from_mins(5)),
            backorder_limit: Some(7),
        };
        assert_eq!(SkuPolicy::default().with(&everything), all);
    }

    #[test]
    fn one_order_may_have_what_the_safety_stock_and_those_who_wait_leave_up_to_its_limit() {
        for (available, waiting, safety_stock, order_limit, units) in [
            (10, 0, 0, None, 10),
            (10, 0, 4, None, 6),
            (10, 0, 4, Some(6), 6),
            (10, 0, 4, Some(5), 5),
            (3, 0, 4, Some(5), 0),
            (10, 3, 4, None, 3),
            (10, 11, 0, None, 0),
        ] {
            let policy = SkuPolicy { safety_stock, order_limit, ..SkuPolicy::default() };
            assert_eq!(policy.for_one_order(available, waiting), units, "{policy:?} of {available} less {waiting}");
        }
    }
}
