//! What comes back is taken once, by the condition in which it comes.

use contracts::inventory::v1 as wire;
use contracts::shipping::v1::ReturnCondition::{Damaged, NotAccepted, Resalable, Unspecified};
use contracts::shipping::v1::ReturnReceived;
use futures::future::join_all;
use inventory::adapters::postgres;
use inventory::domain::allocation::Returned;
use inventory::domain::reservation::Status;
use inventory::domain::stock::MovementType;
use inventory::domain::warehouse::Warehouse;
use messaging::Envelope;
use prost::Name;

use crate::marketplace::{INVENTORY, Marketplace, Order, levels, sku};

/// An order of which everything has left.
async fn sent(market: &Marketplace, warehouse: &Warehouse, lines: &[(&'static str, i32)]) -> Order {
    let order = Order::new(warehouse, lines);
    market.publish_and_wait(&[&order.created()]).await;
    market.publish_and_wait(&[&order.authorized()]).await;
    let all: Vec<_> = lines.iter().map(|(sku, units)| (*sku, i64::from(*units))).collect();
    market.publish_and_wait(&[&order.dispatched(&order.parcel(warehouse, &all))]).await;
    order
}

/// What of an order's allocations has come back.
async fn came_back(market: &Marketplace, order: &Order) -> Vec<Returned> {
    let found = postgres::find_reservation(market.store.pool(), order.id).await.unwrap();
    found.unwrap().0.allocations.iter().map(|allocation| allocation.returned).collect()
}

/// Type and units of the movements that receipts made of a SKU's stock, the greatest last.
async fn movements(market: &Marketplace, warehouse: &Warehouse, code: &str) -> Vec<(MovementType, i64)> {
    let pool = market.store.pool();
    let (item, _) = postgres::find_stock_item(pool, warehouse.id, &sku(code)).await.unwrap().unwrap();
    let movements = postgres::movements(pool, item.id(), None, 100).await.unwrap();
    let of_receipts = movements.into_iter().filter(|(movement, _)| movement.reason.starts_with("return "));
    let mut units: Vec<_> = of_receipts.map(|(movement, _)| (movement.movement_type, movement.quantity)).collect();
    units.sort_by_key(|(_, units)| *units);
    units
}

/// Waits for so many events of a type about an order, and answers them.
async fn told<E: prost::Message + Name + Default>(
    market: &Marketplace,
    count: usize,
    about: impl Fn(&E) -> bool,
) -> Vec<(Envelope, E)> {
    let read = |events: &[Envelope]| -> Vec<(Envelope, E)> {
        let such = events.iter().filter(|event| event.event_type == E::full_name());
        let read = such.map(|event| (event.clone(), event.decode::<E>().unwrap()));
        read.filter(|(_, event)| about(event)).collect()
    };
    let events = market.kafka.wait_for(INVENTORY, E::NAME, |events| read(events).len() >= count).await;
    let told = read(&events);
    assert_eq!(told.len(), count);
    told
}

#[tokio::test]
async fn goods_that_come_back_receipt_by_receipt_are_taken_once_by_their_condition() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 9), ("POT", 2)]).await;
    let order = sent(&market, &shop, &[("CUP", 5), ("POT", 1)]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(4, 0, 0));

    let first_receipt = order.receipt(&shop, &[("CUP", 2, Resalable), ("CUP", 1, NotAccepted)]);
    let first = order.received(&first_receipt);
    market.publish_and_wait(&[&first, &first]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(6, 0, 0));
    assert_eq!(movements(&market, &shop, "CUP").await, [(MovementType::Return, 2)]);
    let is_ours = |event: &wire::StockAdded| event.order_id == order.id.to_string();
    let added = told(&market, 1, is_ours).await;
    let stock = added[0].1.stock_item.clone().unwrap();
    assert_eq!((added[0].1.quantity, stock.total, stock.available), (2, 6, 6));
    assert_eq!(added[0].0.aggregate_id.to_string(), stock.stock_item_id);
    assert_eq!(added[0].0.causation_id, Some(first.id()));

    // The rest; and what was heard of before, also as an event of its own.
    let so_far = [("CUP", 3, Resalable), ("CUP", 1, Damaged), ("CUP", 1, NotAccepted), ("POT", 1, Damaged)];
    let (second, anew) = (order.received(&order.receipt(&shop, &so_far)), order.received(&first_receipt));
    market.publish_and_wait(&[&second, &second, &first, &anew]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(7, 0, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(1, 0, 0));
    let (came_in, written_off) = (MovementType::Return, MovementType::WriteOff);
    let of_cups = [(written_off, -1), (came_in, 1), (came_in, 1), (came_in, 2)];
    assert_eq!(movements(&market, &shop, "CUP").await, of_cups);
    told(&market, 2, is_ours).await;
    let written_off = told(&market, 2, |event: &wire::StockWrittenOff| event.order_id == order.id.to_string()).await;
    assert!(written_off.iter().all(|(_, event)| (event.quantity, event.reason.as_str()) == (1, "DAMAGED")));

    let back = |resalable, damaged, not_accepted| Returned { resalable, damaged, not_accepted };
    assert_eq!(came_back(&market, &order).await, [back(3, 1, 1), back(0, 1, 0)]);
    assert_eq!(market.status(&order).await, Some(Status::Committed));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_receipt_that_is_heard_of_after_a_later_one_moves_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5)]).await;
    let order = sent(&market, &shop, &[("CUP", 3)]).await;
    let [earlier, later] = [1, 3].map(|units| order.received(&order.receipt(&shop, &[("CUP", units, Resalable)])));
    market.publish_and_wait(&[&later, &earlier]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    assert_eq!(movements(&market, &shop, "CUP").await, [(MovementType::Return, 3)]);
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn what_comes_back_is_taken_also_after_the_money_of_the_order_came_back() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 5), ("POT", 1)]).await;
    let order = Order::new(&shop, &[("CUP", 3), ("POT", 1)]);
    market.publish_and_wait(&[&order.created()]).await;
    market.publish_and_wait(&[&order.authorized()]).await;
    market.publish_and_wait(&[&order.dispatched(&order.parcel(&shop, &[("CUP", 3)]))]).await;
    market.publish_and_wait(&[&order.refunded()]).await;
    assert_eq!(market.status(&order).await, Some(Status::Released));
    market.publish_and_wait(&[&order.received(&order.receipt(&shop, &[("CUP", 3, Resalable)]))]).await;
    assert_eq!(market.levels(&shop, "CUP").await, levels(5, 0, 0));
    assert_eq!(market.levels(&shop, "POT").await, levels(1, 0, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

#[tokio::test]
async fn more_than_had_left_is_parked_and_moves_nothing() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 50)]).await;
    let elsewhere = market.open_warehouse(shop.seller_id, "ELSEWHERE", 9, &[("CUP", 9)]).await;
    for (warehouse, lines) in [
        (&shop, vec![("CUP", 4, Resalable)]),
        (&shop, vec![("CUP", 2, Resalable), ("CUP", 2, Damaged), ("CUP", 1, NotAccepted)]),
        (&shop, vec![("POT", 1, Resalable)]),
        (&elsewhere, vec![("CUP", 1, Resalable)]),
    ] {
        let order = sent(&market, &shop, &[("CUP", 3)]).await;
        market.publish_and_wait(&[&order.received(&order.receipt(warehouse, &lines))]).await;
    }
    let unsent = Order::new(&shop, &[("CUP", 1)]);
    market.publish_and_wait(&[&unsent.created()]).await;
    market.publish_and_wait(&[&unsent.received(&unsent.receipt(&shop, &[("CUP", 1, Resalable)]))]).await;
    let reasons = market.parked().await;
    let (unsent, rest) = reasons.split_last().unwrap();
    assert_eq!(rest.len(), 4);
    assert!(rest.iter().all(|reason| reason.starts_with("refused: RETURNED_MORE_THAN_DISPATCHED")), "{rest:?}");
    assert!(unsent.starts_with("refused: NOTHING_COMMITTED"), "{unsent}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(38, 1, 0));
    market.assert_books_balance().await;
}

#[tokio::test]
async fn a_receipt_that_cannot_be_read_is_parked_and_others_flow_on() {
    let (market, _replica) = Marketplace::open().await;
    let shop = market.seller_with(&[("CUP", 90)]).await;
    let changes: [fn(&mut ReturnReceived); 8] = [
        |receipt| receipt.order_id.clear(),
        |receipt| receipt.return_id.clear(),
        |receipt| receipt.order_received_lines[0].warehouse_id = "MAIN".to_owned(),
        |receipt| receipt.order_received_lines[0].sku = "cup".to_owned(),
        |receipt| receipt.order_received_lines[0].quantity = 0,
        |receipt| receipt.order_received_lines[0].condition = Unspecified.into(),
        |receipt| receipt.order_received_lines[0].condition = 99,
        |receipt| receipt.order_received_lines.push(receipt.order_received_lines[0].clone()),
    ];
    for change in &changes {
        let order = sent(&market, &shop, &[("CUP", 1)]).await;
        let mut receipt = order.receipt(&shop, &[("CUP", 1, Resalable)]);
        change(&mut receipt);
        market.publish_and_wait(&[&order.received(&receipt)]).await;
    }
    let order = sent(&market, &shop, &[("CUP", 1)]).await;
    // Nothing came of a return that is complete all the same.
    market.publish_and_wait(&[&order.received(&order.receipt(&shop, &[]))]).await;
    market.publish_and_wait(&[&order.received(&order.receipt(&shop, &[("CUP", 1, Resalable)]))]).await;
    let reasons = market.parked().await;
    assert_eq!(reasons.len(), changes.len());
    assert!(reasons.iter().all(|reason| reason.starts_with("undecodable: ")), "{reasons:?}");
    assert_eq!(market.levels(&shop, "CUP").await, levels(82, 0, 0));
    market.assert_books_balance().await;
}

/// Receipts of many orders reach for the row of one SKU on several replicas at once, beside orders that still come in.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_take_every_receipt_of_a_hot_sku_once() {
    const ORDERS: usize = 20;
    let market = Marketplace::closed().await;
    let shop = market.seller_with(&[("CUP", 500)]).await;
    let _replicas = market.start_five_replicas().await;
    let orders = join_all((0..ORDERS).map(|_| sent(&market, &shop, &[("CUP", 3)]))).await;
    let late: Vec<_> = (0..ORDERS).map(|_| Order::new(&shop, &[("CUP", 1)])).collect();
    join_all(orders.iter().zip(&late).map(async |(order, late)| {
        let receipts = [[("CUP", 1, Resalable)].as_slice(), &[("CUP", 2, Resalable), ("CUP", 1, Damaged)]];
        let [first, second] = receipts.map(|so_far| order.received(&order.receipt(&shop, so_far)));
        market.publish(&[&late.created(), &first, &second, &first]).await;
        market.taken(&second).await;
    }))
    .await;
    for order in &late {
        market.becomes(order, Status::Active).await;
    }
    let orders = ORDERS as i64;
    assert_eq!(market.levels(&shop, "CUP").await, levels(500 - orders, orders, 0));
    assert!(market.parked().await.is_empty());
    market.assert_books_balance().await;
}

/// The second wall, whatever the domain decides.
#[tokio::test]
async fn the_database_refuses_that_more_came_back_than_had_left() {
    let market = Marketplace::closed().await;
    let mut connection = market.store.pool().acquire().await.unwrap();
    for (returned, is_refused) in [
        (r#"{"resalable": 1, "damaged": 1, "not_accepted": 1}"#, false),
        (r#"{"resalable": 0, "damaged": 0, "not_accepted": 0}"#, false),
        (r#"{"resalable": 2, "damaged": 1, "not_accepted": 9}"#, false),
        (r#"{"resalable": 2, "damaged": 2, "not_accepted": 0}"#, true),
        (r#"{"resalable": 0, "damaged": 0, "not_accepted": -1}"#, true),
        (r#"{"resalable": 0, "damaged": 4, "not_accepted": 0}"#, true),
        (r#"{"resalable": -1, "damaged": 0, "not_accepted": 0}"#, true),
    ] {
        for (dispatched, nothing_left) in [(r#", "dispatched": 3"#, false), ("", true)] {
            let held = format!(r#"[{{"quantity": 1}}, {{"quantity": 5{dispatched}, "returned": {returned}}}]"#);
            let insert = "INSERT INTO reservation
                          VALUES (gen_random_uuid(), 'committed', $1::jsonb, NULL, 0, decode(repeat('00', 32), 'hex'),
                                  gen_random_uuid())";
            let inserted = sqlx::query(insert).bind(&held).execute(&mut *connection).await;
            let refused_by = inserted.err().and_then(|error| Some(error.as_database_error()?.constraint()?.to_owned()));
            let wall = (is_refused || nothing_left).then_some("reservation_returned_at_most_what_has_left");
            assert_eq!(refused_by.as_deref(), wall, "{held}");
        }
    }
}
