//! Shipping between orders that let goods leave, sellers and carriers who move them, and what it says about that.

use std::sync::Arc;

use kernel::{Currency, Id, Money, Quantity, Sku};
use messaging::{Cause, Caused, Consumer, Envelope, EventStore, Head, Relay, journal, react};
use shipping::adapters::events::SUBSCRIPTIONS;
use shipping::adapters::postgres::{self, Found, FoundReturn};
use shipping::app::Error;
use shipping::app::buy_return_label::{BuyReturnLabel, buy_return_label};
use shipping::app::dispatch_parcel::{DispatchParcel, dispatch_parcel};
use shipping::app::receive_return::{ReceiveReturn, receive_return};
use shipping::app::record_delivery::{RecordDelivery, record_delivery};
use shipping::app::record_failure::{RecordFailure, record_failure};
use shipping::app::record_remittance::{RecordRemittance, record_remittance};
use shipping::domain::contents::Contents;
use shipping::domain::fact::{BoughtLabel, Fact};
use shipping::domain::goods_return::ReturnCondition;
use shipping::domain::ids::{ParcelId, ReturnId, ShipmentId, WarehouseId};
use shipping::domain::parcel::ParcelFailure;
use shipping::{CONSUMER, SERVICE, Shipping};
use sqlx::Row;
use testkit::{Database, Event, Kafka, TestClock, eventually};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::order::Order;

pub(crate) const SHIPPING: &str = "tradewind.shipping.v1";
pub(crate) const ORDERS: &str = "tradewind.orders.v1";
pub(crate) const DEAD_LETTERS: &str = "shipping.saga.dlq";

/// A database, topics and a clock of one test's own.
pub(crate) struct Depot {
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

impl Depot {
    /// Without a replica, and without topics.
    pub(crate) async fn closed() -> Self {
        let database = Database::migrated(&SERVICE).await;
        let kafka = Kafka::connect().await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let store = EventStore::new(SERVICE.name, database.pool().clone(), clock.clock());
        Self { database, kafka, clock, store }
    }

    /// With so many replicas.
    pub(crate) async fn open(replicas: usize) -> (Self, Vec<Replica>) {
        let depot = Self::closed().await;
        depot.kafka.create_topics(&[ORDERS, SHIPPING, DEAD_LETTERS]).await;
        let mut running = Vec::with_capacity(replicas);
        for _ in 0..replicas {
            running.push(depot.start_replica().await);
        }
        (depot, running)
    }

    /// Goes on with a pool of its own, after the first was closed.
    pub(crate) async fn reopen(&mut self) {
        self.store = EventStore::new(SERVICE.name, self.database.another_pool().await, self.clock.clock());
    }

    /// Another replica: a pool, a store, a relay and a consumer of its own.
    async fn start_replica(&self) -> Replica {
        let store = EventStore::new(SERVICE.name, self.database.another_pool().await, self.clock.clock());
        let stop = CancellationToken::new();
        let relay = Relay::new(store.clone(), self.kafka.config()).run(stop.clone());
        let consumer = Consumer::new(store, self.kafka.config(), CONSUMER, SUBSCRIPTIONS, Arc::new(Shipping));
        tokio::spawn(relay);
        tokio::spawn(consumer.run(stop.clone()));
        Replica { _stop: stop.drop_guard() }
    }

    /// Publishes events of one order, and waits until the last has taken effect, or was parked; so have those before it.
    pub(crate) async fn hear(&self, events: &[&Event]) {
        for event in events {
            self.kafka.publish(event).await;
        }
        self.taken(events.last().unwrap()).await;
    }

    /// Waits until an event has taken effect, or was parked.
    pub(crate) async fn taken(&self, event: &Event) {
        eventually("the event in the inbox", async || {
            let found = sqlx::query("SELECT FROM inbox WHERE event_id = $1").bind(event.id());
            found.fetch_optional(self.store.pool()).await.unwrap()
        })
        .await;
    }

    /// Lets facts take effect without Kafka.
    pub(crate) async fn happen(&self, facts: Vec<Fact>) {
        let caused = |fact| Caused { fact, cause: Cause::command("service:test") };
        let facts: Vec<_> = facts.into_iter().map(caused).collect();
        let mut unit = self.store.begin().await.unwrap();
        for outcome in react(&Shipping, &mut unit, &facts).await.unwrap() {
            outcome.accepted().unwrap();
        }
        unit.commit().await.unwrap();
    }

    /// Waits until shipping has said these things about an order, and answers them. It must have said them in this order, and
    /// nothing else.
    pub(crate) async fn told(&self, order: &Order, expected: &[&str]) -> Vec<Envelope> {
        let about = |events: &[Envelope]| -> Vec<Envelope> {
            events.iter().filter(|event| event.aggregate_id == order.id.uuid()).cloned().collect()
        };
        let awaited = format!("{expected:?} about {}", order.id);
        let events = self.kafka.wait_for(SHIPPING, &awaited, |events| about(events).len() >= expected.len()).await;
        let told = about(&events);
        assert_eq!(told.iter().map(|event| short_name(&event.event_type)).collect::<Vec<_>>(), expected);
        assert!(told.iter().zip(1..).all(|(event, version)| event.aggregate_version == version), "{told:?}");
        told
    }

    /// Everything that shipping recorded about an order, whether it was published yet or not.
    pub(crate) async fn history(&self, order: &Order) -> Vec<String> {
        let mut connection = self.store.pool().acquire().await.unwrap();
        let records = journal::read(&mut connection, order.id.uuid()).await.unwrap();
        records.iter().map(|record| short_name(&record.event_type).to_owned()).collect()
    }

    pub(crate) async fn shipment(&self, id: ShipmentId) -> Found {
        let mut tx = postgres::snapshot(self.store.pool()).await.unwrap();
        postgres::find(&mut tx, id).await.unwrap().expect("the shipment exists")
    }

    /// Hands a parcel to a carrier, under a number that no other has; no lines are everything that is left.
    pub(crate) async fn dispatch(
        &self,
        order: &Order,
        shipment_id: ShipmentId,
        lines: &[(&str, i64)],
    ) -> Result<(ParcelId, Found), Error> {
        let mut unit = self.store.begin().await.unwrap();
        let command = DispatchParcel {
            order_id: order.id,
            shipment_id,
            asked: contents(lines),
            carrier: "DHL".parse().unwrap(),
            tracking_number: Id::<Found>::generate().to_string().parse().unwrap(),
            actor: "seller:test".to_owned(),
        };
        let dispatched = dispatch_parcel(&mut unit, Shipping, command).await?;
        unit.commit().await.unwrap();
        Ok(dispatched)
    }

    pub(crate) async fn deliver(&self, order: &Order, shipment_id: ShipmentId, parcel_id: ParcelId) -> Found {
        let mut unit = self.store.begin().await.unwrap();
        let command = RecordDelivery { order_id: order.id, shipment_id, parcel_id, actor: "operator:test".to_owned() };
        let delivered = record_delivery(&mut unit, Shipping, command).await.unwrap();
        unit.commit().await.unwrap();
        delivered
    }

    pub(crate) async fn fail(
        &self,
        order: &Order,
        shipment_id: ShipmentId,
        parcel_id: ParcelId,
        failure: ParcelFailure,
    ) -> Found {
        let mut unit = self.store.begin().await.unwrap();
        let (order_id, actor) = (order.id, "operator:test".to_owned());
        let command = RecordFailure { order_id, shipment_id, parcel_id, failure, actor };
        let failed = record_failure(&mut unit, Shipping, command).await.unwrap();
        unit.commit().await.unwrap();
        failed
    }

    /// Takes goods in; without any, nothing more comes.
    pub(crate) async fn receive(
        &self,
        order: &Order,
        return_id: ReturnId,
        goods: &[(ReturnCondition, &[(&str, i64)])],
    ) -> Result<FoundReturn, Error> {
        let mut unit = self.store.begin().await.unwrap();
        let command = ReceiveReturn {
            order_id: order.id,
            return_id,
            goods: goods.iter().map(|(condition, lines)| (*condition, contents(lines))).collect(),
            complete: goods.is_empty(),
            actor: "seller:test".to_owned(),
        };
        let received = receive_return(&mut unit, Shipping, command).await?;
        unit.commit().await.unwrap();
        Ok(received)
    }

    /// Notes a label for the way back from the carrier of [`Depot::dispatch`], under a number that no other has.
    pub(crate) async fn label(
        &self,
        order: &Order,
        return_id: ReturnId,
        warehouse_id: WarehouseId,
    ) -> Result<FoundReturn, Error> {
        let mut unit = self.store.begin().await.unwrap();
        let bought = BoughtLabel {
            order_id: order.id,
            return_id,
            warehouse_id,
            carrier: "DHL".parse().unwrap(),
            tracking_number: Id::<Found>::generate().to_string().parse().unwrap(),
        };
        let command = BuyReturnLabel { bought, actor: "buyer:test".to_owned() };
        let labelled = buy_return_label(&mut unit, Shipping, command).await?;
        unit.commit().await.unwrap();
        Ok(labelled)
    }

    pub(crate) async fn returns(&self, order: &Order) -> Vec<FoundReturn> {
        let mut tx = postgres::snapshot(self.store.pool()).await.unwrap();
        postgres::returns(&mut tx, order.id).await.unwrap()
    }

    pub(crate) async fn remit(&self, order: &Order, amount: Money) {
        let mut unit = self.store.begin().await.unwrap();
        let command = RecordRemittance {
            order_id: order.id,
            amount,
            reference: "R-1".parse().unwrap(),
            actor: "operator:test".to_owned(),
        };
        record_remittance(&mut unit, Shipping, command).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// Reasons of the events that are parked, in order.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let parked = messaging::parked::list(&self.store, &messaging::parked::Filter::waiting()).await.unwrap();
        parked.into_iter().map(|event| event.reason).collect()
    }

    /// What is kept twice agrees, no row is without the row that it belongs to, and no history has a gap.
    pub(crate) async fn assert_books_balance(&self) {
        let mut connection = self.store.pool().acquire().await.unwrap();
        for (wrong, query) in [
            (
                "lines that did not let go what is in the parcels",
                "WITH packed AS (
                     SELECT p.shipment_id, c.key AS sku, sum(c.value::bigint) AS units
                     FROM parcel p, jsonb_each_text(p.contents) c GROUP BY 1, 2
                 )
                 SELECT count(*) FROM shipment_line l FULL JOIN packed USING (shipment_id, sku)
                 WHERE l.dispatched IS DISTINCT FROM coalesce(packed.units, 0) OR l.dispatched + l.stopped > l.quantity",
            ),
            (
                "lines that did not stop what their consignment says",
                "WITH stopped AS (
                     SELECT s.shipment_id, l.key AS sku, sum(l.value::bigint) AS units
                     FROM consignment c CROSS JOIN jsonb_each(c.part_stops) p
                          CROSS JOIN jsonb_each(CASE p.value -> 'stopped' WHEN 'null' THEN '{}' ELSE p.value -> 'stopped' END) w
                          CROSS JOIN jsonb_each_text(w.value) l
                          LEFT JOIN shipment s ON s.order_id = c.order_id AND s.warehouse_id = w.key::uuid
                     GROUP BY 1, 2
                 )
                 SELECT count(*) FROM shipment_line l FULL JOIN stopped USING (shipment_id, sku)
                 WHERE l.stopped IS DISTINCT FROM coalesce(stopped.units, 0)",
            ),
            (
                "shipments that stand elsewhere than their parcels",
                "SELECT count(*) FROM shipment s LEFT JOIN consignment c USING (order_id)
                 WHERE s.status IS DISTINCT FROM CASE
                     WHEN c.order_id IS NULL THEN NULL
                     WHEN c.cancellation = 'STOPPED' THEN 'CANCELLED'
                     WHEN NOT EXISTS (SELECT FROM shipment_line l WHERE l.shipment_id = s.shipment_id
                                      AND l.stopped < l.quantity) THEN 'CANCELLED'
                     WHEN NOT EXISTS (SELECT FROM parcel p WHERE p.shipment_id = s.shipment_id) THEN 'PENDING'
                     WHEN EXISTS (SELECT FROM shipment_line l WHERE l.shipment_id = s.shipment_id
                                  AND l.dispatched + l.stopped < l.quantity) THEN 'PARTLY_DISPATCHED'
                     WHEN EXISTS (SELECT FROM parcel p WHERE p.shipment_id = s.shipment_id
                                  AND p.delivered_at IS NULL AND p.failed_at IS NULL) THEN 'DISPATCHED'
                     WHEN EXISTS (SELECT FROM parcel p WHERE p.shipment_id = s.shipment_id
                                  AND p.delivered_at IS NOT NULL) THEN 'DELIVERED'
                     ELSE 'FAILED' END",
            ),
            (
                "lines that did not take back what is accepted in the receipts",
                "WITH back AS (
                     SELECT s.shipment_id, l.key AS sku, sum(l.value::bigint) AS units
                     FROM goods_receipt g JOIN goods_return r USING (return_id) CROSS JOIN jsonb_each(g.received) w
                          CROSS JOIN jsonb_each(w.value) c CROSS JOIN jsonb_each_text(c.value) l
                          LEFT JOIN shipment s ON s.order_id = r.order_id AND s.warehouse_id = w.key::uuid
                     WHERE c.key <> 'NOT_ACCEPTED' GROUP BY 1, 2
                 )
                 SELECT count(*) FROM shipment_line l FULL JOIN back USING (shipment_id, sku)
                 WHERE l.taken_back IS DISTINCT FROM coalesce(back.units, 0) OR l.taken_back > l.dispatched",
            ),
            (
                "returns of which more came back than was awaited, or all and they are open",
                "WITH awaited AS (
                     SELECT r.return_id, r.status, w.key AS warehouse, l.key AS sku, l.value::bigint AS units
                     FROM goods_return r CROSS JOIN jsonb_each(r.awaited) w CROSS JOIN jsonb_each_text(w.value) l
                 ), came AS (
                     SELECT g.return_id, w.key AS warehouse, l.key AS sku, sum(l.value::bigint) AS units
                     FROM goods_receipt g CROSS JOIN jsonb_each(g.received) w CROSS JOIN jsonb_each(w.value) c
                          CROSS JOIN jsonb_each_text(c.value) l GROUP BY 1, 2, 3
                 )
                 SELECT (SELECT count(*) FROM came LEFT JOIN awaited a USING (return_id, warehouse, sku)
                         WHERE came.units > coalesce(a.units, 0))
                      + (SELECT count(*) FROM (
                             SELECT FROM awaited a LEFT JOIN came USING (return_id, warehouse, sku)
                             GROUP BY a.return_id HAVING bool_and(a.status = 'OPEN' AND a.units = coalesce(came.units, 0))) whole)",
            ),
            (
                "labels of no return that is awaited there, or that are followed for nothing",
                "SELECT count(*) FROM return_label l LEFT JOIN goods_return r USING (return_id)
                 WHERE (r.refund_number IS NOT NULL AND r.awaited ? l.warehouse_id::text) IS DISTINCT FROM TRUE
                    OR l.is_followed <> (r.status = 'OPEN' AND l.status IN ('LABEL_BOUGHT', 'ON_ITS_WAY'))",
            ),
            (
                "what belongs to nothing, and parcels that come back without a return",
                "SELECT (SELECT count(*) FROM consignment c
                         WHERE NOT EXISTS (SELECT FROM shipment s WHERE s.order_id = c.order_id))
                      + (SELECT count(*) FROM shipment s
                         WHERE NOT EXISTS (SELECT FROM shipment_line l WHERE l.shipment_id = s.shipment_id))
                      + (SELECT count(*) FROM goods_return r
                         WHERE NOT EXISTS (SELECT FROM consignment c WHERE c.order_id = r.order_id))
                      + (SELECT count(*) FROM goods_receipt g
                         WHERE NOT EXISTS (SELECT FROM goods_return r WHERE r.return_id = g.return_id))
                      + (SELECT count(*) FROM parcel p FULL JOIN (SELECT * FROM goods_return WHERE parcel_id IS NOT NULL) r
                              USING (parcel_id)
                         WHERE (p.failure IN ('REFUSED', 'RETURNED_TO_SENDER')) IS DISTINCT FROM TRUE AND r.return_id IS NOT NULL
                            OR p.failure IN ('REFUSED', 'RETURNED_TO_SENDER') AND r.return_id IS NULL)",
            ),
        ] {
            let count: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap();
            assert_eq!(count, 0, "{wrong}");
        }
        self.assert_histories_are_whole().await;
    }

    async fn assert_histories_are_whole(&self) {
        let mut connection = self.store.pool().acquire().await.unwrap();
        let rows = sqlx::query("SELECT * FROM consignment").fetch_all(&mut *connection).await.unwrap();
        for row in rows {
            let history = journal::read(&mut connection, row.get("order_id")).await.unwrap();
            assert_eq!(journal::verify(&history, Head::from_row(&row).unwrap()), Ok(()));
        }
    }
}

pub(crate) fn short_name(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap()
}

pub(crate) fn contents(lines: &[(&str, i64)]) -> Contents {
    let line = |(sku, units): &(&str, i64)| (sku.parse::<Sku>().unwrap(), Quantity::new(*units).unwrap());
    Contents::of(lines.iter().map(line))
}

pub(crate) fn euro(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}
