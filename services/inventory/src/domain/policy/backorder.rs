//! Backorder: for how much stock that is to come orders may wait, where there is too little now. It waits in line: nothing is held for it, nothing
//! of it is paid, and it is no promise. So nothing is ever sold that is not there.

use super::{SkuPolicy, reservation};

/// For how many units of a SKU an order may wait that comes now, if orders wait for `waiting` of it already. What no order may have is not waited
/// for.
pub fn available(policy: &SkuPolicy, waiting: i64) -> i64 {
    let left = policy.backorder_limit.unwrap_or_default().saturating_sub(waiting).max(0);
    reservation::at_most(left, policy.order_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_wait_for_up_to_the_limit_together() {
        for (backorder_limit, order_limit, waiting, units) in [
            (None, None, 0, 0),
            (Some(5), None, 0, 5),
            (Some(5), None, 3, 2),
            (Some(5), None, 5, 0),
            // The seller lowered the limit meanwhile.
            (Some(5), None, 9, 0),
            (Some(5), Some(2), 0, 2),
            (Some(5), Some(2), 4, 1),
            (None, Some(2), 0, 0),
        ] {
            let policy = SkuPolicy { order_limit, backorder_limit, ..SkuPolicy::default() };
            assert_eq!(available(&policy, waiting), units, "{policy:?} beside {waiting}");
        }
    }
}
