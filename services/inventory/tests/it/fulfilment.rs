//! The fulfilment saga: what shipping says has left is off the stock, once.

use contracts::inventory::v1 as wire;
use contracts::shipping::v1::ShipmentDispatched;
use futures::future::join_all;
use inventory::adapters::postgres;
use inventory::domain::allocation::Allocation;
use inventory::domain::reservation::Status;
use inventory::domain::stock::MovementType;
use inventory::domain::warehouse::Warehouse;
use kernel::Id;
use messaging::Envelope;

use crate::marketplace::{INVENTORY, Marketplace, Order, levels, short_name, sku};

/// Who takes goods off the stock.
const SHIPPING: &str = "service:shipping";

/// What inventory published as removed for an order, in the order of its stock items' histories.
fn removed(events: &[Envelope], order: &Order) -> Vec<(Envelope, wire::StockRemoved)> {
    let removals = events.iter().filter(|event| short_name(&event.event_type) == "StockRemoved");
    let read = removals.map(|event| (event.clone(), event.decode::<wire::StockRemoved>().unwrap()));
    read.filter(|(_, removed)| removed.order_id == order.id.to_string()).collect()
}

/// Waits for so many removals for an order, and answers them.
async fn told_removed(market: &Marketplace, order: &Order, count: usize) -> Vec<(Envelope, wire::StockRemoved)> {
    let awaited = format!("{count} removals for {}", order.id);
    let events = market.kafka.wait_for(INVENTORY, &awaited, |events| removed(events, order).len() >= count).await;
    let told = removed(&events, order);
    assert_eq!(told.len(), count);
    told
}

/// What of an order's allocations has left.
async fn gone(market: &Marketplace, order: &Order) -> Vec<i64> {
    let found = postgres::find_reservation(market.store.pool(), order.id).await.unwrap();
    found.unwrap().0.allocations.iter().map(|allocation: &Allocation| allocation.dispatched).collect()
}

/// Units, reason and actor of the removals from a SKU's stock, newest first.
async fn removals(market: &Marketplace, warehouse: &Warehouse, code: &str) -> Vec<(i64, String, String)> {
    let pool = market.store.pool();
    let (item, _) = postgres::find_stock_item(pool, warehouse.id, &sku(code)).await.unwrap().unwrap();
    let movements = postgres::movements(pool, item.id(), None, 100).await.unwrap();
    let removals = movements.into_iter().map(|(movement, _)| movement);
    let removals = removals.filter(|movement| movement.movement_type == MovementType::Remove);
    removals.map(|movement| (movement.quantity, movement.reason, movement.actor)).collect()
}

#[tokio::test]
async fn goods_that_leave_parcel_by_parcel_are_off_the_stock_once() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 2)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3), ("POT", 1)]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 3));

    let first_parcel = order.parcel(&shop, &[("CUP", 2)]);
    let first = order.dispatched(&first_parcel);
    market.publish_and_wait(&[&first, &first]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(3, 0, 1));
    assert_eq!(market.levels(&shop, "POT").await, levels(2, 0, 1));
    let told = told_removed(&market, &order, 1).await;
    let (envelope, stock) = (&told[0].0, told[0].1.stock_item.clone().unwrap());
    assert_eq!((told[0].1.quantity, stock.total, stock.committed, stock.available), (2, 3, 1, 2));
    assert_eq!(envelope.aggregate_id.to_string(), stock.stock_item_id);
    assert_eq!((envelope.aggregate_version, envelope.causation_id), (2, Some(first.id())));

    // The rest; and what was heard of before, also as an event of its own.
    let second_parcel = order.parcel(&shop, &[("CUP", 3), ("POT", 1)]);
    let (second, anew) = (order.dispatched(&second_parcel), order.dispatched(&first_parcel));
    market.publish_and_wait(&[&second, &second, &first, &anew]).await;
    told_removed(&market, &order, 3).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 0, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(1, 0, 0));
    assert_eq!(gone(&market, &order).await, [3, 1]);
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    let by_parcel = |units, parcel: &ShipmentDispatched| {
        (units, format!("parcel {} of shipment {}", parcel.parcel_id, parcel.shipment_id), SHIPPING.to_owned())
    };
    let newest_first = [by_parcel(-1, &second_parcel), by_parcel(-2, &first_parcel)];
    assert_eq!(removals(&market, &shop, "CUP").await, newest_first);
    assert_eq!(market.history(order.id).await, ["InventoryReserved", "InventoryCommitted"]);
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_is_heard_of_after_a_later_one_moves_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    let (earlier, later) = (order.parcel(&shop, &[("CUP", 1)]), order.parcel(&shop, &[("CUP", 3)]));
    market.publish_and_wait(&[&order.dispatched(&later), &order.dispatched(&earlier)]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 0, 0));
    assert_eq!(removals(&market, &shop, "CUP").await.len(), 1);
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn each_warehouse_sends_what_it_holds() {
    let (market, _replica) = Marketplace::open().await;
    let seller_id = Id::generate();
    let first = market.open_warehouse(seller_id, "FIRST", 10, &[("CUP", 3)]).await;
    let second = market.open_warehouse(seller_id, "SECOND", 20, &[("CUP", 9)]).await;
    let order = market.committed_order(&first, &[("CUP", 5)]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&second, &[("CUP", 2)]))]).await;
    assert_eq!(market.levels(&first, "CUP").await, levels(3, 0, 3));
    assert_eq!(market.levels(&second, "CUP").await, levels(7, 0, 0));
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&first, &[("CUP", 3)]))]).await;
    assert_eq!(market.levels(&first, "CUP").await, levels(0, 0, 0));
    assert_eq!(market.levels(&second, "CUP").await, levels(7, 0, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_an_order_was_given_is_parked_and_moves_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 50), ("POT", 9)]).await;
    let elsewhere = market.open_warehouse(shop.seller_id, "ELSEWHERE", 9, &[("CUP", 9)]).await;
    let wrong = [(&shop, [("CUP", 4)]), (&shop, [("POT", 1)]), (&elsewhere, [("CUP", 1)])];
    for (warehouse, so_far) in wrong {
        let order = market.committed_order(&shop, &[("CUP", 3)]).await;
        market.publish_and_wait(&[&order.dispatched(&order.parcel(warehouse, &so_far))]).await;
    }
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), 3);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: DISPATCHED_MORE_THAN_HELD")), "{reasons:?}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(50, 0, 9));

    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 3)]))]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(47, 0, 9));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn goods_that_leave_for_an_order_that_nothing_is_committed_to_are_parked() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9)]).await;
    let [unheard_of, unpaid, cancelled] = [(); 3].map(|()| Order::new(&shop, &[("CUP", 3)]));
    market.publish_and_wait(&[&unpaid.created()]).await;
    market.publish_and_wait(&[&cancelled.created(), &cancelled.cancelled()]).await;
    for order in [&unheard_of, &unpaid, &cancelled] {
        market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 1)]))]).await;
    }
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), 3);
    assert!(reasons.iter().all(|reason| reason.starts_with("refused: NOTHING_COMMITTED")), "{reasons:?}");
    assert_eq!(market.status(&unheard_of).await, None);
    assert_eq!(market.levels(&shop, "CUP").await, levels(9, 3, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_that_ends_when_a_part_has_left_gives_back_what_is_still_there() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 2)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3), ("POT", 1)]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 1), ("POT", 1)]))]).await;
    market.publish_and_wait(&[&order.cancelled()]).await;

    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted", "InventoryReleased"]).await;
    let released: wire::InventoryReleased = told[2].decode().unwrap();
    let given_back = wire::Allocation { sku: "CUP".to_owned(), warehouse_id: shop.id.to_string(), quantity: 2 };
    assert_eq!(released.allocations, [given_back]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(4, 0, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(1, 0, 0));
    assert_eq!(gone(&market, &order).await, [1, 1]);
    market.assert_books_balance().await;
}

/// It was to be paid at the door, and nothing of it arrived.
#[tokio::test]
async fn the_end_of_an_order_of_which_everything_has_left_gives_nothing_back() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 3)]))]).await;
    market.publish_and_wait(&[&order.cancelled()]).await;
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    assert_eq!(market.history(order.id).await, ["InventoryReserved", "InventoryCommitted"]);
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_of_which_nothing_arrived_gives_nothing_back_also_before_its_parcels_are_heard_of() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3)]).await;
    market.publish_and_wait(&[&order.not_delivered()]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 3));
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 3)]))]).await;
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    assert_eq!(market.levels(&shop, "CUP").await, levels(2, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn an_order_whose_parcels_are_stopped_gives_its_stock_back_once() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 2)]).await;
    let order = market.committed_order(&shop, &[("CUP", 3), ("POT", 1)]).await;
    let (stopped, anew) = (order.stopped(), order.stopped());
    market.publish_and_wait(&[&stopped, &stopped, &anew]).await;
    market.publish_and_wait(&[&order.refund_approved()]).await;
    market.publish_and_wait(&[&order.cancelled()]).await;

    let told = market.told(&order, &["InventoryReserved", "InventoryCommitted", "InventoryReleased"]).await;
    let released: wire::InventoryReleased = told[2].decode().unwrap();
    let given_back = [("CUP", 3), ("POT", 1)].map(|(sku, quantity)| wire::Allocation {
        sku: sku.to_owned(),
        warehouse_id: shop.id.to_string(),
        quantity,
    });
    assert_eq!((&released.allocations[..], told[2].causation_id), (&given_back[..], Some(stopped.id())));
    assert_eq!(market.status(&order).await, Some(Status::Released));
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(2, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_parcel_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 90)]).await;
    let changes: [fn(&mut ShipmentDispatched); 9] = [
        |parcel| parcel.order_id.clear(),
        |parcel| parcel.shipment_id.clear(),
        |parcel| parcel.parcel_id.clear(),
        |parcel| parcel.warehouse_id = "MAIN".to_owned(),
        |parcel| parcel.dispatched_lines.clear(),
        |parcel| parcel.dispatched_lines[0].sku = "cup".to_owned(),
        |parcel| parcel.dispatched_lines[0].quantity = 0,
        |parcel| parcel.dispatched_lines[0].quantity = -1,
        |parcel| parcel.dispatched_lines.push(parcel.dispatched_lines[0].clone()),
    ];
    for change in &changes {
        let order = market.committed_order(&shop, &[("CUP", 1)]).await;
        let mut parcel = order.parcel(&shop, &[("CUP", 1)]);
        change(&mut parcel);
        market.publish_and_wait(&[&order.dispatched(&parcel)]).await;
    }
    let order = market.committed_order(&shop, &[("CUP", 1)]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 1)]))]).await;
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), changes.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(89, 0, 9));
    market.assert_books_balance().await;
}

/// Parcels of many orders reach for the row of one SKU on several replicas at once, beside orders that still come in.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_take_every_parcel_off_a_hot_sku_once() {
    const ORDERS: usize = 30;
    let market = Marketplace::closed().await;
    let shop = market.seller_with(&[("CUP", 500)]).await;
    let _replicas = market.start_five_replicas().await;
    let orders = join_all((0..ORDERS).map(|_| market.committed_order(&shop, &[("CUP", 3)]))).await;
    let late: Vec<_> = (0..ORDERS).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
    join_all(orders.iter().zip(&late).map(async |(order, late)| {
        let parcels = [order.parcel(&shop, &[("CUP", 1)]), order.parcel(&shop, &[("CUP", 3)])];
        let [first, second] = parcels.each_ref().map(|parcel| order.dispatched(parcel));
        market.publish(&[&late.created(), &first, &second, &first]).await;
        market.taken(&second).await;
    }))
    .await;
    for order in &late {
        market.becomes(order, Status::Active).await;
    }
    let (sold, held) = (3 * ORDERS as i64, ORDERS as i64);
    assert_eq!(market.levels(&shop, "CUP").await, levels(500 - sold, held, 0));
    assert_eq!(removals(&market, &shop, "CUP").await.len(), 2 * ORDERS);
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

/// The second wall, whatever the domain decides.
#[tokio::test]
async fn the_database_refuses_that_more_has_left_than_was_held() {
    let market = Marketplace::closed().await;
    let mut connection = market.store.pool().acquire().await.unwrap();
    for (dispatched, is_refused) in [(-1, true), (0, false), (3, false), (4, true)] {
        let insert = "INSERT INTO reservation
                      VALUES (gen_random_uuid(), 'committed',
                              jsonb_build_array(jsonb_build_object('quantity', 1),
                                                jsonb_build_object('quantity', 3, 'dispatched', $1::integer)),
                              NULL, 0, decode(repeat('00', 32), 'hex'), gen_random_uuid())";
        let inserted = sqlx::query(insert).bind(dispatched).execute(&mut *connection).await;
        let refused_by = inserted.err().and_then(|error| Some(error.as_database_error()?.constraint()?.to_owned()));
        let wall = is_refused.then_some("reservation_dispatched_at_most_what_it_holds");
        assert_eq!(refused_by.as_deref(), wall, "{dispatched}");
    }
}
