//! The fulfilment saga: parts of an order that are stopped are on sale again, each once, and the rest leaves.

use contracts::inventory::v1::InventoryReleased;
use inventory::domain::reservation::Status;

use crate::marketplace::{COMMITTED, Marketplace, RELEASED, RESERVED, levels};

#[tokio::test]
async fn parts_that_are_stopped_are_given_back_once_and_the_rest_leaves() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9), ("POT", 2)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3), ("POT", 1)]).await;
    let first = order.part_stopped(&shop, &[("CUP", 1)]);
    let second = order.part_stopped(&shop, &[("CUP", 2), ("POT", 1)]);
    // Told once more by another event, and heard of after a later one.
    let again = order.part_stopped(&shop, &[("CUP", 1)]);
    market.publish_and_wait(&[&first, &second, &first, &again]).await;
    let told = market.told(&order, &[RESERVED, COMMITTED, RELEASED, RELEASED]).await;
    let released = [2, 3].map(|index: usize| told[index].decode::<InventoryReleased>().unwrap());
    let lines = |released: &InventoryReleased| -> Vec<(String, i64)> {
        released.allocations.iter().map(|each| (each.sku.clone(), each.quantity)).collect()
    };
    assert_eq!(
        released.each_ref().map(lines),
        [vec![("CUP".to_owned(), 1)], vec![("CUP".to_owned(), 1), ("POT".to_owned(), 1)]]
    );
    assert!(released.iter().all(|released| released.partial));
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    assert_eq!(
        (market.levels(&shop, "CUP").await, market.levels(&shop, "POT").await),
        (levels(9, 0, 1), levels(2, 0, 0))
    );

    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 1)]))]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(8, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_is_stopped_part_by_part_holds_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    let parts = [1, 3].map(|cups| order.part_stopped(&shop, &[("CUP", cups)]));
    // All of it may be stopped after a part, and then what comes of a part again is known.
    market.publish_and_wait(&[&parts[0], &parts[1], &order.stopped(), &order.part_stopped(&shop, &[("CUP", 3)])]).await;
    let told = market.told(&order, &[RESERVED, COMMITTED, RELEASED, RELEASED]).await;
    let partial = [2, 3].map(|index: usize| told[index].decode::<InventoryReleased>().unwrap().partial);
    assert_eq!(partial, [true, false]);
    assert_eq!(
        (market.status(&order).await, market.levels(&shop, "CUP").await),
        (Some(Status::Released), levels(9, 0, 0))
    );
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_is_there_is_not_given_back_and_an_operator_looks() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let (order, other) =
        (market.committed_order(&shop, &[("CUP", 3)]).await, market.committed_order(&shop, &[("CUP", 1)]).await);
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 2)]))]).await;
    market.publish_and_wait(&[&order.part_stopped(&shop, &[("CUP", 2)]), &other.part_stopped(&shop, &[])]).await;
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), 2);
    assert!(reasons.iter().any(|reason| reason.starts_with("refused: STOPPED_MORE_THAN_HELD")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(7, 0, 2));
    market.assert_books_balance().await;
}

/// The second wall, whatever the domain decides.
#[tokio::test]
async fn the_database_refuses_that_more_is_given_back_than_has_not_left() {
    let market = Marketplace::closed().await;
    let mut connection = market.store.pool().acquire().await.unwrap();
    for (dispatched, released, is_refused) in
        [(0, -1, true), (0, 3, false), (0, 4, true), (2, 1, false), (2, 2, true), (3, 1, true)]
    {
        let insert = "INSERT INTO reservation
                      VALUES (gen_random_uuid(), 'committed',
                              jsonb_build_array(jsonb_build_object('quantity', 3, 'released', $2::integer),
                                                jsonb_build_object('quantity', 3, 'dispatched', $1::integer, 'released', $2)),
                              NULL, 0, decode(repeat('00', 32), 'hex'), gen_random_uuid())";
        let inserted = sqlx::query(insert).bind(dispatched).bind(released).execute(&mut *connection).await;
        let refused_by = inserted.err().and_then(|error| Some(error.as_database_error()?.constraint()?.to_owned()));
        let wall = is_refused.then_some("reservation_released_at_most_what_has_not_left");
        assert_eq!(refused_by.as_deref(), wall, "{dispatched} {released}");
    }
}
