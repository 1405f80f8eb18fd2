//! What the statements cost once the tables have grown.

use contracts::products::v1::{Product, ProductCreated, Variant};
use inventory::adapters::postgres;
use inventory::domain::address::Place;
use inventory::domain::allocation::Returned;
use inventory::domain::fact::{
    Dispatch, Fact, Receipt, StockChange, StockChangeKind, TransferDispatch, TransferReceipt,
};
use inventory::domain::ids::{OrderId, SellerId, WarehouseId};
use inventory::jobs::expire_reservations::expire_reservations;
use inventory::jobs::fill_backorders::fill_backorders;
use inventory::read_model::listing::{Question, Sort, Stock};
use inventory::read_model::{Views, seller_inventory, sku_availability, warehouse_stock};
use inventory::{Inventory, SERVICE};
use kernel::{Id, Quantity};
use messaging::{Cause, Caused, EventStore, Outcome, react, read_model};
use prost::Message as _;
use sqlx::PgPool;
use testkit::{Database, Reads, TestClock};
use uuid::Uuid;

use crate::marketplace::{inventory, sku};

const STOCK_ITEMS: i64 = 20_000;
const TABLES: &[&str] = &[
    "stock_item",
    "stock_movement",
    "reservation",
    "warehouse",
    "stock_policy",
    "sku_policy",
    "transfer",
    "journal",
    "heard_event",
    "stock_contribution",
    "warehouse_stock_view",
    "seller_inventory_view",
];
const PRODUCT_ID: Uuid = Uuid::from_u128(3);
const ROUNDS: u128 = 10;
const ORDERS_PER_ROUND: u128 = 20;

fn seller_id() -> SellerId {
    Id::from_uuid(Uuid::from_u128(1))
}

fn warehouse_id() -> WarehouseId {
    Id::from_uuid(Uuid::from_u128(2))
}

/// A shop that opens: 20,000 stock items with a movement each.
async fn open_shop(pool: &PgPool) {
    for statement in [
        "INSERT INTO warehouse VALUES (lpad('1', 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'OTHER', 'Other', 0, now()),
                                      (lpad('2', 32, '0')::uuid, lpad('1', 32, '0')::uuid, 'MAIN', 'Main', 0, now())",
        "INSERT INTO warehouse
         SELECT md5('warehouse' || n)::uuid, md5('seller' || n)::uuid, 'MAIN', 'Main', 0, now()
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO stock_policy SELECT seller_id, 'nearest' FROM warehouse WHERE code = 'MAIN'",
        "INSERT INTO sku_policy SELECT lpad('1', 32, '0')::uuid, 'SKU-' || n, 5, 0, 0, 0, 5000, 0 FROM generate_series(1, 20000) AS n",
        "INSERT INTO transfer
         SELECT md5('transfer' || n)::uuid, lpad('1', 32, '0')::uuid, 'SKU-' || n, lpad('1', 32, '0')::uuid,
                lpad('2', 32, '0')::uuid, 5, 5, 0, now(), now(), 2, decode(repeat('00', 32), 'hex'), md5('transfer' || n)::uuid
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO stock_item
         SELECT md5('item' || n)::uuid, 'SKU-' || n, lpad('2', 32, '0')::uuid, lpad('1', 32, '0')::uuid, 1000, 0, 0, 0,
                decode(repeat('00', 32), 'hex'), md5('item' || n)::uuid
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO stock_movement
         SELECT md5('movement' || n)::uuid, md5('item' || n)::uuid, 'add', 1000, '', 'seller:test', now()
         FROM generate_series(1, 20000) AS n",
        "INSERT INTO warehouse_stock_view (generation, warehouse_id, sku, seller_id, named_by, total, reserved, committed, in_transit)
         SELECT 1, lpad('2', 32, '0')::uuid, 'SKU-' || n, lpad('1', 32, '0')::uuid, 1, 1000, 0, 0, 0 FROM generate_series(1, 20000) AS n",
        "INSERT INTO seller_inventory_view (generation, seller_id, sku, title, places, warehouses, total, reserved, committed, in_transit)
         SELECT 1, lpad('1', 32, '0')::uuid, 'SKU-' || n, 'Mug', 1, 1, 1000, 0, 0, 0 FROM generate_series(1, 20000) AS n",
        "INSERT INTO heard_event
         SELECT md5('product' || n)::uuid, 'tradewind.products.v1', 1, md5('event' || n)::uuid, 'tradewind.products.v1.ProductCreated', '', now()
         FROM generate_series(1, 20000) AS n",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
    let variants = vec![Variant { sku: "SKU-1".to_owned(), ..Variant::default() }];
    let product = Product { seller_id: seller_id().to_string(), variants, ..Product::default() };
    let heard = "INSERT INTO heard_event VALUES ($1, 'tradewind.products.v1', 1, $1, 'tradewind.products.v1.ProductCreated', $2, now())";
    let payload = ProductCreated { product: Some(product) }.encode_to_vec();
    sqlx::query(heard).bind(PRODUCT_ID).bind(payload).execute(pool).await.unwrap();
}

/// What the years bring: 50,000 reservations of which a fifth is active.
async fn sell_for_years(pool: &PgPool) {
    for statement in [
        "INSERT INTO reservation
         SELECT md5('order' || n)::uuid, CASE WHEN n % 5 = 0 THEN 'active' ELSE 'committed' END,
                jsonb_build_array(jsonb_build_object('stock_item_id', md5('item' || n % 20000 + 1)::uuid,
                    'sku', 'SKU-' || n % 20000 + 1, 'warehouse_id', lpad('2', 32, '0')::uuid, 'quantity', 1)),
                '2030-01-01', 0, decode(repeat('00', 32), 'hex'), md5('order' || n)::uuid
         FROM generate_series(1, 50000) AS n",
        "INSERT INTO journal
         SELECT md5('order' || n)::uuid, 1, md5('event' || n)::uuid, 'reservation', 'tradewind.inventory.v1.InventoryReserved', '',
                md5('order' || n)::uuid, NULL, 'service:inventory', NULL, now(), sha256('a'), sha256('b')
         FROM generate_series(1, 50000) AS n",
        "INSERT INTO stock_contribution SELECT 1, md5('order' || n)::uuid, 2, '[]' FROM generate_series(1, 50000) AS n",
    ] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

async fn happen(store: &EventStore, inventory: &Inventory, facts: Vec<Fact>) {
    let caused = |fact| Caused { fact, cause: Cause::command("service:test") };
    let facts: Vec<_> = facts.into_iter().map(caused).collect();
    let mut unit = store.begin().await.unwrap();
    let outcomes = react(inventory, &mut unit, &facts).await.unwrap();
    unit.commit().await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Applied), "{outcomes:?}");
}

/// Twenty orders over forty SKUs: reserved, a half paid for and sent, a quarter cancelled, a quarter left to expire. One more waits for stock, is given it
/// and cancelled. Answers what changed.
async fn do_business(store: &EventStore, clock: &TestClock, round: u128) -> Vec<Uuid> {
    let inventory = inventory();
    let order = |number: u128| OrderId::from_uuid(Uuid::from_u128((round << 64) + number + 1));
    let one = Quantity::new(1).unwrap();
    let line = |number: u128| (sku(&format!("SKU-{}", 1 + round * 97 + number * 401)), one);
    let created = |number: u128| Fact::OrderCreated {
        order_id: order(number),
        seller_id: seller_id(),
        lines: vec![line(number), line(number + ORDERS_PER_ROUND)],
        ship_to: Place::new("DE", "22767"),
    };
    happen(store, &inventory, (0..ORDERS_PER_ROUND).map(created).collect()).await;
    happen(store, &inventory, (0..10).map(|number| Fact::PaymentAuthorized(order(number))).collect()).await;
    let dispatched = |number: u128| {
        Fact::ShipmentDispatched(Dispatch {
            order_id: order(number),
            shipment_id: Id::generate(),
            parcel_id: Id::generate(),
            warehouse_id: warehouse_id(),
            dispatched: [line(number), line(number + ORDERS_PER_ROUND)].into(),
        })
    };
    happen(store, &inventory, (0..10).map(dispatched).collect()).await;
    happen(store, &inventory, (10..15).map(|number| Fact::OrderEnded(order(number))).collect()).await;
    clock.advance(inventory.policy.reservation_ttl);
    assert_eq!(expire_reservations(store, &inventory).await.unwrap(), 5);
    let waits = order(ORDERS_PER_ROUND);
    let lines = vec![(line(0).0, Quantity::new(2_000).unwrap())];
    let ship_to = Place::new("DE", "22767");
    let created = Fact::OrderCreated { order_id: waits, seller_id: seller_id(), lines, ship_to };
    happen(store, &inventory, vec![created]).await;
    assert_eq!(fill_backorders(store, &inventory).await.unwrap(), 0);
    let change = StockChange {
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        warehouse_id: warehouse_id(),
        seller_id: seller_id(),
        sku: line(0).0,
        kind: StockChangeKind::Add(Quantity::new(2_000).unwrap()),
        reason: String::new(),
        actor: "seller:test".to_owned(),
    };
    happen(store, &inventory, vec![Fact::StockChange(change)]).await;
    assert_eq!(fill_backorders(store, &inventory).await.unwrap(), 1);
    happen(store, &inventory, vec![Fact::OrderEnded(waits)]).await;

    let received = |number: u128| {
        let receipt = Receipt {
            order_id: order(number),
            return_id: Id::generate(),
            received: [((warehouse_id(), line(number).0), Returned { resalable: 1, ..Returned::default() })].into(),
        };
        Fact::ReturnReceived(receipt)
    };
    happen(store, &inventory, (0..5).map(received).collect()).await;
    let transfer = TransferDispatch {
        transfer_id: Id::generate(),
        seller_id: seller_id(),
        sku: line(0).0,
        from_warehouse_id: warehouse_id(),
        to_warehouse_id: Id::from_uuid(Uuid::from_u128(1)),
        quantity: one,
        actor: "seller:test".to_owned(),
    };
    let transfer_id = transfer.transfer_id;
    happen(store, &inventory, vec![Fact::TransferDispatched(transfer)]).await;
    let receipt = TransferReceipt {
        transfer_id,
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        quantity: Some(one),
        complete: true,
        actor: "seller:test".to_owned(),
    };
    happen(store, &inventory, vec![Fact::TransferReceived(receipt)]).await;
    let newest_first = Id::from_uuid(Uuid::max());
    assert_eq!(postgres::transfer::of_seller(store.pool(), seller_id(), newest_first, 20).await.unwrap().len(), 20);

    let skus: Vec<_> = (0..ORDERS_PER_ROUND).map(|number| line(number).0).collect();
    let available = postgres::availability(store.pool(), &skus).await.unwrap();
    assert_eq!(available.len(), skus.len());
    let (item, _) = postgres::find_stock_item(store.pool(), warehouse_id(), &skus[0]).await.unwrap().unwrap();
    assert!(postgres::movements(store.pool(), item.id(), None, 20).await.unwrap().len() >= 2);
    assert!(postgres::find_reservation(store.pool(), order(0)).await.unwrap().is_some());

    let mut happened: Vec<_> = (0..ORDERS_PER_ROUND).map(|number| order(number).uuid()).collect();
    happened.extend([transfer_id.uuid(), item.id().uuid(), PRODUCT_ID]);
    happened
}

/// What happened is put into the views.
async fn project(store: &EventStore, aggregates: &[Uuid]) {
    let mut unit = store.begin().await.unwrap();
    read_model::project(&Views, unit.tx(), &[1], aggregates).await.unwrap();
    unit.commit().await.unwrap();
}

/// A page of each list is read in each order.
async fn read_views(store: &EventStore) {
    for sort in [Sort::Sku, Sort::AvailableAscending, Sort::AvailableDescending] {
        let question = Question { stock: Stock::In, sku_prefix: "SKU-1".to_owned(), sort };
        let (pool, behind) = (store.pool(), Some((1, "SKU-1".to_owned())));
        let behind = behind.filter(|_| sort != Sort::AvailableDescending);
        let stock = warehouse_stock::list(pool, warehouse_id(), &question, behind.clone(), 21).await.unwrap();
        let skus = sku_availability::list(pool, seller_id(), &question, behind.clone(), 21).await.unwrap();
        let items = seller_inventory::list(pool, seller_id(), &question, false, behind, 21).await.unwrap();
        assert_eq!((stock.len(), skus.len(), items.len()), (21, 21, 21));
    }
    for sort in [Sort::AvailableAscending, Sort::AvailableDescending] {
        let question = Question { stock: Stock::Out, sku_prefix: String::new(), sort };
        assert_eq!(sku_availability::list(store.pool(), seller_id(), &question, None, 21).await.unwrap(), []);
    }
}

async fn assert_little_was_read(database: &Database, before: &Reads) {
    let after = Reads::count(database, TABLES).await;
    for (table, read) in after.since(before) {
        assert!((1..STOCK_ITEMS).contains(&read), "{read} rows of {table} were read");
    }
}

#[tokio::test]
async fn all_business_of_a_day_reads_fewer_rows_than_one_walk_over_a_grown_table() {
    let database = Database::migrated(&SERVICE).await;
    open_shop(database.pool()).await;
    sell_for_years(database.pool()).await;
    sqlx::query("ANALYZE").execute(database.pool()).await.unwrap();
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    for round in 0..ROUNDS {
        let happened = do_business(&store, &clock, round).await;
        project(&store, &happened).await;
        read_views(&store).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}

#[tokio::test]
async fn no_plan_of_the_first_day_walks_over_a_table_that_has_grown() {
    let database = Database::migrated(&SERVICE).await;
    open_shop(database.pool()).await;
    let another = database.another_pool().await;
    database.pool().close().await;
    let before = Reads::count(&database, TABLES).await;

    let clock = TestClock::at("2026-03-01T09:00:00Z");
    let store = EventStore::new(SERVICE.name, database.another_pool().await, clock.clock());
    let happened = do_business(&store, &clock, ROUNDS).await;
    project(&store, &happened).await;
    sell_for_years(&another).await;
    another.close().await;
    for round in 0..ROUNDS {
        let happened = do_business(&store, &clock, round).await;
        project(&store, &happened).await;
    }
    store.pool().close().await;
    assert_little_was_read(&database, &before).await;
}
