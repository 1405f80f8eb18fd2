//! What the statements cost once the tables have grown.

use kernel::Id;
use shipping::adapters::postgres::{self, Whose, carrier};
use shipping::domain::fact::Fact;
use shipping::domain::goods_return::ReturnCondition;
use shipping::domain::ids::{SellerId, return_of_parcel, return_of_refund};
use shipping::domain::parcel::ParcelFailure;
use shipping::domain::return_label::ReturnParcelStatus;
use shipping::domain::shipment::ShipmentStatus;
use shipping::domain::world::Tracked;
use sqlx::PgPool;
use testkit::Reads;
use uuid::Uuid;

use crate::depot::{Depot, euro};
use crate::order::{Order, UNIT_CENTS};

const TABLES: &[&str] =
    &["consignment", "shipment", "shipment_line", "parcel", "goods_return", "goods_receipt", "return_label"];
const ROUNDS: usize = 10;
const ORDERS_PER_ROUND: usize = 20;
/// What one order may read of one table in its whole life here, lists and locks included: rows or index entries.
const READS_PER_ORDER_MAX: i64 = 80;

/// The seller who has sent everything but the last few orders.
fn old_hand() -> SellerId {
    Id::from_uuid(Uuid::from_u128(1))
}

/// A marketplace that has done business for years: 50,000 orders from two warehouses each, of 31 sellers; all were delivered but
/// every hundredth of the thirty. Of every fifth order something came back.
async fn fill(pool: &PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    for statement in [
        "CREATE TEMPORARY TABLE sold AS
         SELECT md5('order' || n)::uuid AS order_id, md5('shipment' || n || place)::uuid AS shipment_id, n, place,
                CASE WHEN n % 10 = 0 THEN lpad('1', 32, '0')::uuid ELSE md5('seller' || n % 30)::uuid END AS seller_id
         FROM generate_series(1, 50000) AS n, generate_series(0, 1) AS place",
        "INSERT INTO consignment
         SELECT order_id, md5('buyer' || n)::uuid, seller_id,
                '{\"region_code\": \"DE\", \"language_code\": \"\", \"postal_code\": \"\", \"sorting_code\": \"\",
                  \"administrative_area\": \"\", \"locality\": \"\", \"sublocality\": \"\", \"address_lines\": [],
                  \"recipients\": [], \"organization\": \"\"}', 'standard', NULL, NULL, '{}', NULL, '{}', NULL, 1, sha256('head'), order_id
         FROM sold WHERE place = 0",
        "INSERT INTO shipment
         SELECT shipment_id, order_id, md5('warehouse' || place)::uuid, seller_id,
                CASE WHEN n % 100 = 1 THEN 'PENDING' ELSE 'DELIVERED' END, now(), now()
         FROM sold",
        "INSERT INTO shipment_line
         SELECT shipment_id, 'SKU', 1, CASE WHEN n % 100 = 1 THEN 0 ELSE 1 END, CASE WHEN n % 5 = 0 THEN 1 ELSE 0 END, 0
         FROM sold",
        "INSERT INTO parcel
         SELECT md5('parcel' || n || place)::uuid, shipment_id, 'DHL', 'JD-' || n || '-' || place, '{\"SKU\": 1}', now(), now()
         FROM sold WHERE n % 100 <> 1",
        "INSERT INTO goods_return
         SELECT md5('return' || n || place)::uuid, order_id, place + 1, NULL,
                jsonb_build_object(md5('warehouse' || place)::uuid, '{\"SKU\": 1}'::jsonb), 'RECEIVED', now(), now()
         FROM sold WHERE n % 5 = 0",
        "INSERT INTO goods_receipt
         SELECT md5('receipt' || n || place)::uuid, md5('return' || n || place)::uuid,
                jsonb_build_object(md5('warehouse' || place)::uuid, '{\"RESALABLE\": {\"SKU\": 1}}'::jsonb), now()
         FROM sold WHERE n % 5 = 0",
        "INSERT INTO return_label
         SELECT md5('return' || n || place)::uuid, md5('warehouse' || place)::uuid, 'DHL', 'BACK-' || n || '-' || place, now(),
                'ARRIVED', now(), false
         FROM sold WHERE n % 5 = 0",
        "DROP TABLE sold",
    ] {
        sqlx::query(statement).execute(&mut *connection).await.unwrap();
    }
}

/// Twenty orders of one seller, from two warehouses each, in cash: they leave, one parcel arrives and one comes back, and their cash is
/// passed on; what arrived is sent back by a label; a quarter is cancelled, first in part. Then they are read.
async fn do_business(depot: &Depot) -> (SellerId, usize) {
    let seller_id = Id::generate();
    let order =
        |_| Order { seller_id, ..Order::of(&[("CUP", 2), ("POT", 1)]).and_elsewhere(&[("PAN", 1)]).in_cash(100) };
    let orders: Vec<Order> = (0..ORDERS_PER_ROUND).map(order).collect();
    depot.happen(orders.iter().map(Order::asked).collect()).await;
    let (cancelled, sent) = orders.split_at(ORDERS_PER_ROUND / 4);
    depot.happen(cancelled.iter().map(|order| order.part_stopped(2, &[("CUP", 1)])).collect()).await;
    depot.happen(cancelled.iter().map(Order::stopped).collect()).await;
    for order in sent {
        let [here, elsewhere] = order.shipments()[..] else { panic!("two warehouses") };
        let (parcel_id, _) = depot.dispatch(order, here, &[]).await.unwrap();
        depot.deliver(order, here, parcel_id).await;
        let (parcel_id, _) = depot.dispatch(order, elsewhere, &[]).await.unwrap();
        depot.fail(order, elsewhere, parcel_id, ParcelFailure::Refused).await;
        depot.remit(order, euro(100 - UNIT_CENTS)).await;
        let return_id = return_of_parcel(order.id, parcel_id);
        depot.receive(order, return_id, &[(ReturnCondition::Resalable, &[("PAN", 1)])]).await.unwrap();
    }
    depot.happen(sent.iter().map(|order| order.sent_back(1, &[("CUP", 2)])).collect()).await;
    for order in sent {
        let (return_id, here) = (return_of_refund(order.id, 1), order.allocations[0].0);
        let labelled = depot.label(order, return_id, here).await.unwrap();
        let number = labelled.goods_return.labels[&here].tracking_number.to_string();
        let mut connection = depot.store.pool().acquire().await.unwrap();
        let places = carrier::places(&mut connection, &["DHL"], &[&number]).await.unwrap();
        assert_eq!(places, [Some(Tracked::Return((order.id, return_id, here)))]);
        let status = ReturnParcelStatus::Arrived;
        let seen = Fact::ReturnParcelSeen { order_id: order.id, return_id, warehouse_id: here, status };
        depot.happen(vec![seen]).await;
        let goods: &[_] = &[(ReturnCondition::Damaged, &[("CUP", 1)][..])];
        depot.receive(order, return_of_refund(order.id, 1), goods).await.unwrap();
        depot.receive(order, return_of_refund(order.id, 1), &[]).await.unwrap();
        assert_eq!(depot.returns(order).await.len(), 2);
    }

    let mut tx = postgres::snapshot(depot.store.pool()).await.unwrap();
    for order in &orders {
        assert!(postgres::parties(&mut tx, order.id).await.unwrap().is_some());
        let found = postgres::list(&mut tx, Whose::Order(order.id), None, None, 21).await.unwrap();
        assert_eq!(found.len(), 2);
        let before = Some((found[1].order_id, found[1].shipment.id));
        assert!(postgres::list(&mut tx, Whose::Order(order.id), None, before, 21).await.unwrap().is_empty());
    }
    (seller_id, sent.len())
}

/// A page of each list, of a seller who sent so many orders and of the old hand.
async fn read(depot: &Depot, seller_id: SellerId, sent: usize) {
    let mut tx = postgres::snapshot(depot.store.pool()).await.unwrap();
    let delivered = Some(ShipmentStatus::Delivered);
    for (whose, status, expected) in [
        (Whose::Seller(seller_id), None, 21),
        (Whose::Seller(seller_id), delivered, sent),
        (Whose::Seller(old_hand()), None, 21),
        // Of ten thousand shipments none is left to send.
        (Whose::Seller(old_hand()), Some(ShipmentStatus::Pending), 0),
    ] {
        let found = postgres::list(&mut tx, whose, status, None, 21).await.unwrap();
        assert_eq!(found.len(), expected, "{whose:?} {status:?}");
    }
}

async fn assert_little_was_read(depot: &Depot, before: &Reads) {
    let orders = (ROUNDS * ORDERS_PER_ROUND) as i64;
    let after = Reads::count(&depot.database, TABLES).await;
    for (table, read) in after.since(before) {
        let per_order = read / orders;
        assert!(per_order < READS_PER_ORDER_MAX, "an order read {per_order} rows of {table}");
    }
}

#[tokio::test]
async fn no_statement_reads_more_the_longer_the_tables_grow() {
    let mut depot = Depot::closed().await;
    fill(depot.database.pool()).await;
    sqlx::query("ANALYZE").execute(depot.database.pool()).await.unwrap();
    depot.store.pool().close().await;
    let before = Reads::count(&depot.database, TABLES).await;

    depot.reopen().await;
    for _ in 0..ROUNDS {
        let (seller_id, sent) = do_business(&depot).await;
        read(&depot, seller_id, sent).await;
    }
    depot.store.pool().close().await;
    assert_little_was_read(&depot, &before).await;
}

#[tokio::test]
async fn no_plan_of_the_first_day_reads_more_the_longer_the_tables_grow() {
    let mut depot = Depot::closed().await;
    let another = depot.database.another_pool().await;
    depot.store.pool().close().await;
    let before = Reads::count(&depot.database, TABLES).await;

    depot.reopen().await;
    do_business(&depot).await;
    fill(&another).await;
    another.close().await;
    for _ in 0..ROUNDS {
        do_business(&depot).await;
    }
    depot.store.pool().close().await;
    assert_little_was_read(&depot, &before).await;
}
