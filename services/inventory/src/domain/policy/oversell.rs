//! Oversell: how many of the units that are there may be promised. Never more than there are, whatever a seller says. A seller may hold some
//! back, because a count can be wrong, and goods are damaged or sold elsewhere: a safety stock.

/// How many of what is available, over all open warehouses, may be promised. All figures are in units.
pub fn promisable(available: i64, safety_stock: i64) -> i64 {
    available.saturating_sub(safety_stock).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safety_stock_is_never_promised() {
        for (available, safety_stock, units) in [
            (0, 0, 0),
            (7, 0, 7),
            (7, 3, 4),
            (7, 6, 1),
            (7, 7, 0),
            (7, 8, 0),
            (0, 1_000_000, 0),
            (i64::MAX, 1, i64::MAX - 1),
        ] {
            assert_eq!(promisable(available, safety_stock), units, "{available} of which {safety_stock} are held back");
        }
    }
}
