//! Inventory between its topics: sellers who stock it, orders that come in, and what it says about them.

use std::sync::Arc;
use std::time::Duration;

use contracts::google::r#type::PostalAddress;
use contracts::orders::v1::{OrderCancelled, OrderCreated, OrderFailed, OrderLine};
use contracts::payments::v1::{PaymentAuthorized, PaymentRefunded};
use contracts::shipping::v1::{
    ReceivedLine, ReturnCondition, ReturnReceived, ShipmentCancelled, ShipmentDispatched, ShipmentLine, StoppedLine,
    StoppedPart,
};
use inventory::adapters::events::SUBSCRIPTIONS;
use inventory::adapters::postgres;
use inventory::app::change_stock::{ChangeStock, change_stock};
use inventory::app::create_warehouse::{CreateWarehouse, create_warehouse};
use inventory::app::set_stock_policy::{SetStockPolicy, set_stock_policy};
use inventory::app::update_warehouse::{UpdateWarehouse, update_warehouse};
use inventory::domain::address::Address;
use inventory::domain::fact::StockChangeKind;
use inventory::domain::ids::{OrderId, SellerId};
use inventory::domain::policy::SkuPolicyChange;
use inventory::domain::reservation::Status;
use inventory::domain::stock::Levels;
use inventory::domain::strategy::Strategy;
use inventory::domain::warehouse::{Priority, Warehouse, WarehouseCode};
use inventory::jobs::expire_reservations::expire_reservations;
use inventory::jobs::fill_backorders::fill_backorders;
use inventory::{CONSUMER, Inventory, SERVICE};
use kernel::{Id, Quantity, Sku, Text};
use messaging::{Consumer, Envelope, EventStore, Head, Relay, journal};
use sqlx::Row;
use testkit::{Database, Event, Kafka, TestClock, eventually};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How long a reservation holds in these tests.
pub(crate) const TTL: Duration = Duration::from_mins(15);
pub(crate) const WAIT: Duration = Duration::from_hours(14 * 24);

pub(crate) const ORDERS: &str = "tradewind.orders.v1";
pub(crate) const INVENTORY: &str = "tradewind.inventory.v1";
pub(crate) const DEAD_LETTERS: &str = "inventory.saga.dlq";

pub(crate) const RESERVED: &str = "InventoryReserved";
pub(crate) const COMMITTED: &str = "InventoryCommitted";
pub(crate) const RELEASED: &str = "InventoryReleased";

pub(crate) fn inventory() -> Inventory {
    Inventory { policy: inventory::saga::Policy { reservation_ttl: TTL, backorder_wait: WAIT } }
}

pub(crate) fn sku(code: &str) -> Sku {
    Sku::new(code).unwrap()
}

pub(crate) fn levels(total: i64, reserved: i64, committed: i64) -> Levels {
    Levels { total, reserved, committed }
}

/// A database, topics and a clock of one test's own.
pub(crate) struct Marketplace {
    pub(crate) database: Database,
    pub(crate) kafka: Kafka,
    pub(crate) clock: TestClock,
    /// For what the test does itself; each replica has a store of its own.
    pub(crate) store: EventStore,
}

/// A running replica; it stops when this is dropped.
pub(crate) struct Replica {
    _stop: DropGuard,
}

impl Marketplace {
    /// Without a replica.
    pub(crate) async fn closed() -> Self {
        let database = Database::migrated(&SERVICE).await;
        let kafka = Kafka::connect().await;
        let others = [ORDERS, "tradewind.payments.v1", "tradewind.shipping.v1", "tradewind.products.v1"];
        kafka.create_topics(&[&others[..], &[INVENTORY, DEAD_LETTERS, "inventory.views.dlq"]].concat()).await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let store = EventStore::new(SERVICE.name, database.pool().clone(), clock.clock());
        Self { database, kafka, clock, store }
    }

    /// With one replica.
    pub(crate) async fn open() -> (Self, Replica) {
        let marketplace = Self::closed().await;
        let replica = marketplace.start_replica(SERVICE.name).await;
        (marketplace, replica)
    }

    /// Another replica: a pool, a store, a relay and a consumer of its own. The journal tells replicas apart by their names.
    pub(crate) async fn start_replica(&self, name: &'static str) -> Replica {
        let store = self.another_store(name).await;
        let stop = CancellationToken::new();
        let relay = Relay::new(store.clone(), self.kafka.config()).run(stop.clone());
        let consumer = Consumer::new(store, self.kafka.config(), CONSUMER, SUBSCRIPTIONS, Arc::new(inventory()));
        tokio::spawn(relay);
        tokio::spawn(consumer.run(stop.clone()));
        Replica { _stop: stop.drop_guard() }
    }

    /// Three topics of three partitions over five replicas: none has more than two of the nine, and so none has all of a topic.
    pub(crate) async fn start_five_replicas(&self) -> Vec<Replica> {
        let mut replicas = Vec::new();
        for name in ["inventory", "inventory-2", "inventory-3", "inventory-4", "inventory-5"] {
            replicas.push(self.start_replica(name).await);
        }
        replicas
    }

    pub(crate) async fn another_store(&self, name: &'static str) -> EventStore {
        EventStore::new(name, self.database.another_pool().await, self.clock.clock())
    }

    /// Runs the sweeper once, and answers how many reservations it expired.
    pub(crate) async fn fill(&self) -> usize {
        fill_backorders(&self.store, &inventory()).await.unwrap()
    }

    pub(crate) async fn sweep(&self) -> usize {
        expire_reservations(&self.store, &inventory()).await.unwrap()
    }

    pub(crate) async fn publish(&self, events: &[&Event]) {
        for event in events {
            self.kafka.publish(event).await;
        }
    }

    /// Waits until an event has taken effect, or was parked.
    pub(crate) async fn taken(&self, event: &Event) {
        eventually("the event in the inbox", async || {
            let found = sqlx::query("SELECT FROM inbox WHERE event_id = $1").bind(event.id());
            found.fetch_optional(self.store.pool()).await.unwrap()
        })
        .await;
    }

    /// An order that is reserved and paid for: its goods may leave.
    pub(crate) async fn committed_order(&self, warehouse: &Warehouse, lines: &[(&'static str, i32)]) -> Order {
        let order = Order::new(warehouse, lines);
        self.publish_and_wait(&[&order.created()]).await;
        self.publish_and_wait(&[&order.authorized()]).await;
        order
    }

    /// Publishes events of one order, all of one topic, and waits until the last has taken effect; so have those before it.
    pub(crate) async fn publish_and_wait(&self, events: &[&Event]) {
        self.publish(events).await;
        self.taken(events.last().unwrap()).await;
    }

    /// Waits until inventory has said these things about an order, and answers them. It must have said them in this order,
    /// and nothing else.
    pub(crate) async fn told(&self, order: &Order, expected: &[&str]) -> Vec<Envelope> {
        let about = |events: &[Envelope]| -> Vec<Envelope> {
            events.iter().filter(|event| event.aggregate_id == order.id.uuid()).cloned().collect()
        };
        let awaited = format!("{expected:?} about {}", order.id);
        let events = self.kafka.wait_for(INVENTORY, &awaited, |events| about(events).len() >= expected.len()).await;
        let told = about(&events);
        assert_eq!(told.iter().map(|event| short_name(&event.event_type)).collect::<Vec<_>>(), expected);
        told
    }

    /// Everything that inventory recorded about an order, whether it was published yet or not.
    pub(crate) async fn history(&self, order_id: OrderId) -> Vec<String> {
        let mut connection = self.store.pool().acquire().await.unwrap();
        let records = journal::read(&mut connection, order_id.uuid()).await.unwrap();
        records.iter().map(|record| short_name(&record.event_type).to_owned()).collect()
    }

    pub(crate) async fn status(&self, order: &Order) -> Option<Status> {
        let found = postgres::find_reservation(self.store.pool(), order.id).await.unwrap();
        found.map(|(reservation, _)| reservation.status)
    }

    pub(crate) async fn becomes(&self, order: &Order, status: Status) {
        eventually(&format!("order {} to be {status:?}", order.id), async || {
            let seen = self.status(order).await;
            if seen == Some(status) { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    pub(crate) async fn levels(&self, warehouse: &Warehouse, code: &str) -> Levels {
        let found = postgres::find_stock_item(self.store.pool(), warehouse.id, &sku(code)).await.unwrap();
        found.map(|(item, _)| item.levels()).unwrap_or_default()
    }

    /// Reasons of the events that are parked, in order.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let parked = messaging::parked::list(&self.store, &messaging::parked::Filter::waiting()).await.unwrap();
        parked.into_iter().map(|event| event.reason).collect()
    }

    /// A new seller with one warehouse, stocked.
    pub(crate) async fn seller_with(&self, stock: &[(&str, i64)]) -> Warehouse {
        self.open_warehouse(Id::generate(), "MAIN", 0, stock).await
    }

    pub(crate) async fn open_warehouse(
        &self,
        seller_id: SellerId,
        code: &str,
        priority: i32,
        stock: &[(&str, i64)],
    ) -> Warehouse {
        let command = CreateWarehouse {
            seller_id,
            code: WarehouseCode::new(code).unwrap(),
            name: Text::new(code).unwrap(),
            priority: Priority::new(priority).unwrap(),
            address: None,
        };
        let mut unit = self.store.begin().await.unwrap();
        let warehouse = create_warehouse(&mut unit, command).await.unwrap();
        unit.commit().await.unwrap();
        for (code, units) in stock {
            self.add_stock(&warehouse, code, *units).await;
        }
        warehouse
    }

    /// The seller changes a warehouse.
    pub(crate) async fn change_warehouse(&self, warehouse: &Warehouse, closed: bool, address: Option<(&str, &str)>) {
        let address = address.map(|(region_code, postal_code)| Address {
            region: region_code.parse().unwrap(),
            language_code: None,
            postal_code: Some(Text::new(postal_code).unwrap()),
            sorting_code: None,
            administrative_area: None,
            locality: None,
            sublocality: None,
            address_lines: Vec::new(),
            recipients: Vec::new(),
            organization: None,
        });
        let command =
            UpdateWarehouse { warehouse_id: warehouse.id, name: None, priority: None, closed: Some(closed), address };
        let mut unit = self.store.begin().await.unwrap();
        update_warehouse(&mut unit, command, |_| true).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// The seller sets how its stock is promised, and at how many units a SKU is low.
    pub(crate) async fn set_policy(&self, seller_id: SellerId, strategy: Strategy, thresholds: &[(&str, i64)]) {
        let low_at = |units| SkuPolicyChange { low_stock_threshold: Some(units), ..SkuPolicyChange::default() };
        let changes: Vec<_> = thresholds.iter().map(|(code, units)| (*code, low_at(*units))).collect();
        self.set_policies(seller_id, Some(strategy), &changes).await;
    }

    /// The seller sets how its stock is promised, and what it says of SKUs.
    pub(crate) async fn set_policies(
        &self,
        seller_id: SellerId,
        strategy: Option<Strategy>,
        changes: &[(&str, SkuPolicyChange)],
    ) {
        let sku_policies = changes.iter().map(|(code, change)| (sku(code), *change)).collect();
        let command = SetStockPolicy { seller_id, strategy, sku_policies };
        let mut unit = self.store.begin().await.unwrap();
        set_stock_policy(&mut unit, command).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Everything that inventory recorded about a SKU's stock.
    pub(crate) async fn stock_history(&self, warehouse: &Warehouse, code: &str) -> Vec<String> {
        let found = postgres::find_stock_item(self.store.pool(), warehouse.id, &sku(code)).await.unwrap();
        let mut connection = self.store.pool().acquire().await.unwrap();
        let records = journal::read(&mut connection, found.unwrap().0.id().uuid()).await.unwrap();
        records.iter().map(|record| short_name(&record.event_type).to_owned()).collect()
    }

    pub(crate) async fn add_stock(&self, warehouse: &Warehouse, code: &str, units: i64) {
        let kind = StockChangeKind::Add(Quantity::new(units).unwrap());
        let command = ChangeStock { warehouse_id: warehouse.id, sku: sku(code), kind, reason: String::new() };
        let mut unit = self.store.begin().await.unwrap();
        change_stock(&mut unit, &inventory(), warehouse, command, "seller:test".to_owned()).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Invariant I2 of the whole database, and I4 of every reservation: stock equals what orders hold and what moved, and no
    /// history has a gap.
    pub(crate) async fn assert_books_balance(&self) {
        let rows = sqlx::query(
            "WITH held AS (
                 SELECT (a ->> 'stock_item_id')::uuid AS stock_item_id, r.status,
                        sum((a ->> 'quantity')::bigint - coalesce((a ->> 'dispatched')::bigint, 0)
                            - coalesce((a ->> 'released')::bigint, 0)) AS units
                 FROM reservation r, jsonb_array_elements(r.allocations) a
                 WHERE r.status IN ('active', 'committed') GROUP BY 1, 2
             )
             SELECT s.sku, s.total, s.reserved, s.committed, coalesce(moved.units, 0)::bigint AS moved,
                    coalesce(active.units, 0)::bigint AS active, coalesce(committed.units, 0)::bigint AS sold
             FROM stock_item s
             LEFT JOIN held active ON active.stock_item_id = s.stock_item_id AND active.status = 'active'
             LEFT JOIN held committed ON committed.stock_item_id = s.stock_item_id AND committed.status = 'committed'
             LEFT JOIN (SELECT stock_item_id, sum(quantity) AS units FROM stock_movement GROUP BY 1) moved
                    ON moved.stock_item_id = s.stock_item_id",
        )
        .fetch_all(self.store.pool())
        .await
        .unwrap();
        for row in rows {
            let units = |column: &str| row.get::<i64, _>(column);
            let stock = (units("total"), units("reserved"), units("committed"));
            assert_eq!(stock, (units("moved"), units("active"), units("sold")), "{}", row.get::<String, _>("sku"));
            assert!(stock.1 >= 0 && stock.2 >= 0 && stock.0 >= stock.1 + stock.2, "{stock:?}");
        }
        let mut connection = self.store.pool().acquire().await.unwrap();
        let rows = sqlx::query("SELECT * FROM reservation").fetch_all(&mut *connection).await.unwrap();
        for row in rows {
            let history = journal::read(&mut connection, row.get("order_id")).await.unwrap();
            assert_eq!(journal::verify(&history, Head::from_row(&row).unwrap()), Ok(()));
        }
    }
}

pub(crate) fn short_name(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap()
}

/// An order, as the other services tell of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    seller_id: SellerId,
    lines: Vec<(&'static str, i32)>,
}

impl Order {
    pub(crate) fn new(warehouse: &Warehouse, lines: &[(&'static str, i32)]) -> Self {
        Self { id: Id::generate(), seller_id: warehouse.seller_id, lines: lines.to_vec() }
    }

    pub(crate) fn created(&self) -> Event {
        self.created_for("", "")
    }

    /// The same for an address.
    pub(crate) fn created_for(&self, region_code: &str, postal_code: &str) -> Event {
        let ship_to = PostalAddress {
            region_code: region_code.to_owned(),
            postal_code: postal_code.to_owned(),
            ..PostalAddress::default()
        };
        let line = |(sku, quantity): &(&str, i32)| OrderLine {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            ..OrderLine::default()
        };
        let message = OrderCreated {
            order_id: self.id.to_string(),
            seller_id: self.seller_id.to_string(),
            lines: self.lines.iter().map(line).collect(),
            ship_to: Some(ship_to),
            ..OrderCreated::default()
        };
        Event::new("orders", "order", self.uuid(), 1, &message)
    }

    pub(crate) fn failed(&self) -> Event {
        let message = OrderFailed { order_id: self.id.to_string(), ..OrderFailed::default() };
        Event::new("orders", "order", self.uuid(), 2, &message)
    }

    pub(crate) fn cancelled(&self) -> Event {
        let message = OrderCancelled { order_id: self.id.to_string(), ..OrderCancelled::default() };
        Event::new("orders", "order", self.uuid(), 2, &message)
    }

    pub(crate) fn authorized(&self) -> Event {
        let message = PaymentAuthorized { order_id: self.id.to_string(), ..PaymentAuthorized::default() };
        Event::new("payments", "payment", self.uuid(), 1, &message)
    }

    /// Its money was given back because it had ended.
    pub(crate) fn refunded(&self) -> Event {
        self.refund(0)
    }

    /// All of its money was given back by a refund that was approved.
    pub(crate) fn refund_approved(&self) -> Event {
        self.refund(1)
    }

    fn refund(&self, refund_number: i32) -> Event {
        let order_id = self.id.to_string();
        let message = PaymentRefunded { order_id, refund_number, whole: true, ..PaymentRefunded::default() };
        Event::new("payments", "payment", self.uuid(), 3, &message)
    }

    /// Nothing of it arrived, and it was to be paid at the door.
    pub(crate) fn not_delivered(&self) -> Event {
        let (order_id, reason) = (self.id.to_string(), "DELIVERY_FAILED".to_owned());
        let message = OrderCancelled { order_id, reason, ..OrderCancelled::default() };
        Event::new("orders", "order", self.uuid(), 2, &message)
    }

    /// Nothing of it has left, and nothing will.
    pub(crate) fn stopped(&self) -> Event {
        let message = ShipmentCancelled { order_id: self.id.to_string(), ..ShipmentCancelled::default() };
        Event::new("shipping", "consignment", self.uuid(), 2, &message)
    }

    /// A part of it is stopped: so much in all by then.
    pub(crate) fn part_stopped(&self, warehouse: &Warehouse, so_far: &[(&str, i64)]) -> Event {
        let line = |(sku, quantity): &(&str, i64)| StoppedLine {
            sku: (*sku).to_owned(),
            warehouse_id: warehouse.id.to_string(),
            quantity: *quantity,
        };
        let part = StoppedPart { order_stopped_lines: so_far.iter().map(line).collect(), ..StoppedPart::default() };
        let message = ShipmentCancelled { order_id: self.id.to_string(), refund_number: 1, part: Some(part) };
        Event::new("shipping", "consignment", self.uuid(), 2, &message)
    }

    /// So much of it has come back to a warehouse, in these conditions.
    pub(crate) fn receipt(&self, warehouse: &Warehouse, so_far: &[(&str, i64, ReturnCondition)]) -> ReturnReceived {
        let line = |(sku, quantity, condition): &(&str, i64, ReturnCondition)| ReceivedLine {
            sku: (*sku).to_owned(),
            warehouse_id: warehouse.id.to_string(),
            quantity: *quantity,
            condition: (*condition).into(),
        };
        ReturnReceived {
            order_id: self.id.to_string(),
            return_id: Id::<ReturnReceived>::generate().to_string(),
            order_received_lines: so_far.iter().map(line).collect(),
            ..ReturnReceived::default()
        }
    }

    pub(crate) fn received(&self, receipt: &ReturnReceived) -> Event {
        Event::new("shipping", "consignment", self.uuid(), 3, receipt)
    }

    /// A new parcel of what a warehouse sends for it, with which so much has left there.
    pub(crate) fn parcel(&self, warehouse: &Warehouse, so_far: &[(&str, i64)]) -> ShipmentDispatched {
        let line = |(sku, quantity): &(&str, i64)| ShipmentLine { sku: (*sku).to_owned(), quantity: *quantity };
        ShipmentDispatched {
            order_id: self.id.to_string(),
            // One for each warehouse that sends something.
            shipment_id: warehouse.id.to_string(),
            warehouse_id: warehouse.id.to_string(),
            parcel_id: Id::<ShipmentDispatched>::generate().to_string(),
            dispatched_lines: so_far.iter().map(line).collect(),
            ..ShipmentDispatched::default()
        }
    }

    pub(crate) fn dispatched(&self, parcel: &ShipmentDispatched) -> Event {
        Event::new("shipping", "consignment", self.uuid(), 2, parcel)
    }

    fn uuid(&self) -> Uuid {
        self.id.uuid()
    }
}
