//! Reservation: how many units one order may have, and for how long they are held for it. Of what everybody wants, a seller lets nobody have
//! all, and lets nobody keep it from others for long without paying.

use std::time::Duration;

/// The shortest time for which a SKU may be held: a payment is not begun within the last minute of it.
pub const TTL_MIN: Duration = Duration::from_mins(2);
/// The longest: an order that is not paid for is cancelled a minute later.
pub const TTL_MAX: Duration = Duration::from_mins(15);

/// How many of the units that may be promised one order may have.
pub fn at_most(promisable: i64, order_limit: Option<i64>) -> i64 {
    order_limit.map_or(promisable, |limit| promisable.min(limit))
}

/// For how long an order holds SKUs of which these times are said, if reservations hold for `ttl` otherwise: an order that gave up one of its
/// SKUs could not be paid for any more, so the shortest counts.
pub fn ttl(ttl: Duration, of_skus: impl IntoIterator<Item = Option<Duration>>) -> Duration {
    of_skus.into_iter().flatten().fold(ttl, Duration::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_order_may_have_up_to_the_limit() {
        for (promisable, order_limit, units) in
            [(5, None, 5), (5, Some(6), 5), (5, Some(5), 5), (5, Some(4), 4), (0, Some(4), 0), (0, None, 0)]
        {
            assert_eq!(at_most(promisable, order_limit), units, "{promisable}, {order_limit:?}");
        }
    }

    #[test]
    fn the_shortest_time_of_an_orders_skus_counts_and_none_is_longer_than_the_services() {
        let minutes = |minutes: Option<u64>| minutes.map(Duration::from_mins);
        for (of_skus, expected) in [
            (vec![], 15),
            (vec![None], 15),
            (vec![Some(5)], 5),
            (vec![None, Some(9), Some(3), None], 3),
            (vec![Some(20), None], 15),
        ] {
            let held = ttl(Duration::from_mins(15), of_skus.iter().copied().map(minutes));
            assert_eq!(held, Duration::from_mins(expected), "{of_skus:?}");
        }
    }
}
