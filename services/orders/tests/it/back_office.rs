//! Orders between their topics and their callers: checkouts that come in, and what orders say to it.

use std::sync::Arc;
use std::time::Duration;

use contracts::checkout::v1::{CheckoutSubmitted, QuoteLine, SubmittedOrder};
use contracts::convert::money_to_wire;
use contracts::google::r#type::{Money as WireMoney, PostalAddress};
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::orders_service_server::OrdersServiceServer;
use contracts::payments::v1 as payments;
use contracts::payments::v1::payment_method::Method;
use kernel::{Currency, Id, Money, Quantity};
use messaging::read_model::ReadModels as _;
use messaging::{Consumer, Envelope, EventStore, Relay, journal};
use orders::adapters::events::SUBSCRIPTIONS;
use orders::adapters::grpc::Api;
use orders::adapters::postgres::{self, PlacedOrder};
use orders::app::cancel_order::{CancelOrder, cancel_order};
use orders::app::modify_order::{ModifyOrder, modify_order};
use orders::app::request_refund::{RequestRefund, request_refund};
use orders::app::verify_history::{Finding, verify_history};
use orders::domain::fact::Canceller;
use orders::domain::ids::{BuyerId, CheckoutId, OrderId, SellerId};
use orders::domain::order::Standing;
use orders::domain::policy::Policy;
use orders::domain::refund::{RefundRequest, RefundStatus};
use orders::domain::snapshot::{Address, Line, PaymentMethod, Terms};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus};
use orders::jobs::cancel_unpaid_orders::cancel_unpaid_orders;
use orders::jobs::close_orders::close_orders;
use orders::read_model::{self, Views};
use orders::{CONSUMER, Orders, SERVICE};
use testkit::{Database, Event, Kafka, TestClock, eventually};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;

use crate::others::{authorized, captured, committed, delivered, dispatched};

pub(crate) const UNPAID_AFTER: Duration = Duration::from_mins(16);
pub(crate) const RETURN_WINDOW: Duration = Duration::from_hours(24 * 30);
pub(crate) const ORDERS: &str = "tradewind.orders.v1";
pub(crate) const DEAD_LETTERS: &str = "orders.saga.dlq";

pub(crate) fn participant() -> Orders {
    Orders { policy: Policy { unpaid_after: UNPAID_AFTER, return_window: RETURN_WINDOW } }
}

/// A database, topics and a clock of one test's own.
pub(crate) struct BackOffice {
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

impl BackOffice {
    /// Without a replica.
    pub(crate) async fn closed() -> Self {
        let database = Database::migrated(&SERVICE).await;
        let kafka = Kafka::connect().await;
        let others =
            ["tradewind.checkout.v1", "tradewind.inventory.v1", "tradewind.payments.v1", "tradewind.shipping.v1"];
        kafka.create_topics(&[&others[..], &[ORDERS, DEAD_LETTERS, "orders.views.dlq"]].concat()).await;
        let clock = TestClock::now();
        let store = EventStore::new(SERVICE.name, database.pool().clone(), clock.clock());
        Self { database, kafka, clock, store }
    }

    /// With one replica.
    pub(crate) async fn open() -> (Self, Replica) {
        let office = Self::closed().await;
        let replica = Box::pin(office.start_replica()).await;
        (office, replica)
    }

    /// Another replica: a pool, a store, a relay and a consumer of its own.
    pub(crate) async fn start_replica(&self) -> Replica {
        let store = self.another_store().await;
        let stop = CancellationToken::new();
        let relay = Relay::new(store.clone(), self.kafka.config()).run(stop.clone());
        let consumer = Consumer::new(store, self.kafka.config(), CONSUMER, SUBSCRIPTIONS, Arc::new(participant()));
        let views = read_model::consumer(self.another_store().await, self.kafka.config());
        tokio::spawn(relay);
        tokio::spawn(consumer.run(stop.clone()));
        tokio::spawn(views.run(stop.clone()));
        Replica { _stop: stop.drop_guard() }
    }

    pub(crate) async fn another_store(&self) -> EventStore {
        EventStore::new(SERVICE.name, self.database.another_pool().await, self.clock.clock())
    }

    /// A client of a server over this database; it stops with the guard.
    pub(crate) async fn serve(&self) -> (OrdersServiceClient<Channel>, DropGuard) {
        let settings = testkit::settings(&self.database, &self.kafka);
        let verifier = chassis::auth::Verifier::new(&settings).await.unwrap();
        let api = Api::new(self.store.clone(), Arc::new(participant()));
        let server = chassis::grpc::Server::bind(&settings, verifier).await.unwrap().add(OrdersServiceServer::new(api));
        let url = format!("http://{}", server.local_address());
        let stop = CancellationToken::new();
        tokio::spawn(server.serve(stop.clone()));
        (OrdersServiceClient::connect(url).await.unwrap(), stop.drop_guard())
    }

    /// Publishes events one by one, each after the one before took effect: they may be of different topics.
    pub(crate) async fn hear(&self, events: &[Event]) {
        for event in events {
            self.kafka.publish(event).await;
            self.taken(event).await;
        }
    }

    /// Waits until an event has taken effect, or was parked.
    pub(crate) async fn taken(&self, event: &Event) {
        eventually("the event in the inbox", async || {
            let found =
                sqlx::query("SELECT FROM inbox WHERE event_id = $1 AND consumer = $2").bind(event.id()).bind(CONSUMER);
            found.fetch_optional(self.store.pool()).await.unwrap()
        })
        .await;
    }

    /// Waits until the views show all that orders recorded, and so many events of other services.
    pub(crate) async fn viewed(&self, heard: i64) {
        eventually("the views to show everything", async || {
            let counts: (i64, i64) =
                sqlx::query_as("SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM heard_event)")
                    .fetch_one(self.store.pool())
                    .await
                    .unwrap();
            if counts == (0, heard) { Ok(()) } else { Err(counts) }
        })
        .await;
        self.kafka.wait_until_taken(read_model::CONSUMER, Views::OWN_TOPIC).await;
    }

    /// A new order, paid by card.
    pub(crate) async fn new_order(&self) -> OrderId {
        let checkout = Checkout::new(1);
        self.hear(&[checkout.submitted()]).await;
        checkout.order_ids[0]
    }

    /// A new order that was confirmed.
    pub(crate) async fn confirmed_order(&self) -> OrderId {
        let order_id = self.new_order().await;
        self.hear(&[authorized(order_id), committed(order_id)]).await;
        order_id
    }

    /// A new order to be paid in cash, confirmed.
    pub(crate) async fn confirmed_order_in_cash(&self) -> OrderId {
        let checkout = Checkout::cash_on_delivery();
        let order_id = checkout.order_ids[0];
        self.hear(&[checkout.submitted(), authorized(order_id), committed(order_id)]).await;
        order_id
    }

    /// Waits until orders has said these things about an order, and answers them. It must have said them in this order, and
    /// nothing else.
    pub(crate) async fn told(&self, order_id: OrderId, expected: &[&str]) -> Vec<Envelope> {
        let about = |events: &[Envelope]| -> Vec<Envelope> {
            events.iter().filter(|event| event.aggregate_id == order_id.uuid()).cloned().collect()
        };
        let awaited = format!("{expected:?} about {order_id}");
        let events = self.kafka.wait_for(ORDERS, &awaited, |events| about(events).len() >= expected.len()).await;
        let told = about(&events);
        assert_eq!(told.iter().map(|event| short_name(&event.event_type)).collect::<Vec<_>>(), expected);
        assert!(told.iter().zip(1..).all(|(event, version)| event.aggregate_version == version), "{told:?}");
        told
    }

    /// Everything that orders recorded about an order, whether it was published yet or not.
    pub(crate) async fn history(&self, order_id: OrderId) -> Vec<String> {
        let mut connection = self.store.pool().acquire().await.unwrap();
        let records = journal::read(&mut connection, order_id.uuid()).await.unwrap();
        records.iter().map(|record| short_name(&record.event_type).to_owned()).collect()
    }

    pub(crate) async fn order(&self, order_id: OrderId) -> PlacedOrder {
        let mut connection = self.store.pool().acquire().await.unwrap();
        postgres::find(&mut connection, order_id, None).await.unwrap().expect("the order exists")
    }

    pub(crate) async fn assert_stands(
        &self,
        order_id: OrderId,
        milestone: Milestone,
        payment: PaymentStatus,
        fulfilment: FulfilmentStatus,
    ) {
        let Standing { status, payment: actual_payment, fulfilment: actual_fulfilment } =
            self.order(order_id).await.standing;
        assert_eq!((status.milestone(), actual_payment, actual_fulfilment), (milestone, payment, fulfilment));
    }

    /// Cancels an order as its buyer.
    pub(crate) async fn cancel(&self, order_id: OrderId) -> Result<PlacedOrder, orders::app::Error> {
        let mut unit = self.store.begin().await.unwrap();
        let command = CancelOrder { order_id, by: Canceller::Buyer, note: None, actor: "buyer:test".to_owned() };
        let cancelled = cancel_order(&mut unit, &participant(), command).await?;
        unit.commit().await.unwrap();
        Ok(cancelled)
    }

    /// Leaves so many units of these SKUs in an order, as its buyer.
    pub(crate) async fn modify(
        &self,
        order_id: OrderId,
        left: &[(&str, i64)],
    ) -> Result<PlacedOrder, orders::app::Error> {
        let left = left.iter().map(|(sku, units)| (sku.parse().unwrap(), *units)).collect();
        let mut unit = self.store.begin().await.unwrap();
        let command = ModifyOrder { order_id, left, note: None, actor: "buyer:test".to_owned() };
        let modified = modify_order(&mut unit, &participant(), command).await?;
        unit.commit().await.unwrap();
        Ok(modified)
    }

    /// Asks for all of the money of an order back as its buyer, before anything has left.
    pub(crate) async fn request_refund(&self, order_id: OrderId) -> Result<PlacedOrder, orders::app::Error> {
        self.ask_back(order_id, RefundRequest::BeforeDispatch).await
    }

    /// Asks for money back.
    pub(crate) async fn ask_back(
        &self,
        order_id: OrderId,
        request: RefundRequest,
    ) -> Result<PlacedOrder, orders::app::Error> {
        let mut unit = self.store.begin().await.unwrap();
        let command = RequestRefund { order_id, request, note: None, actor: "buyer:test".to_owned() };
        let asked = request_refund(&mut unit, &participant(), command).await?;
        unit.commit().await.unwrap();
        Ok(asked)
    }

    /// A new order that was confirmed and paid.
    pub(crate) async fn paid_order(&self) -> OrderId {
        let order_id = self.confirmed_order().await;
        self.hear(&[captured(order_id)]).await;
        order_id
    }

    /// A new order that was paid and has arrived.
    pub(crate) async fn delivered_order(&self) -> OrderId {
        let order_id = self.paid_order().await;
        self.hear(&[dispatched(order_id, true), delivered(order_id, true)]).await;
        order_id
    }

    /// Runs the job once, and answers how many orders it closed.
    pub(crate) async fn close(&self) -> usize {
        close_orders(&self.store, &participant()).await.unwrap().len()
    }

    /// How far each refund of an order is, and how much it is, in cents.
    pub(crate) async fn refunds(&self, order_id: OrderId) -> Vec<(RefundStatus, i64)> {
        let refunds = self.order(order_id).await.refunds;
        refunds.iter().map(|refund| (refund.status, refund.amount.minor())).collect()
    }

    /// Runs the job once, and answers how many orders it cancelled.
    pub(crate) async fn sweep(&self) -> usize {
        cancel_unpaid_orders(&self.store, &participant()).await.unwrap().len()
    }

    /// Reasons of the events that are parked, in order.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let parked = messaging::parked::list(&self.store, &messaging::parked::Filter::waiting()).await.unwrap();
        parked.into_iter().map(|event| event.reason).collect()
    }

    /// What is wrong with one order, or with any.
    pub(crate) async fn verify(&self, only: Option<OrderId>) -> Vec<Finding> {
        let mut findings = Vec::new();
        verify_history(&self.store, only, |finding| findings.push(finding), |_| {}).await.unwrap();
        findings
    }
}

pub(crate) fn short_name(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap()
}

pub(crate) fn euro(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}

pub(crate) fn euro_on_wire(cents: i64) -> WireMoney {
    money_to_wire(euro(cents))
}

/// A checkout, as the checkout service tells of it: of each seller two mugs at 12.50 and a spoon at 5.00, 4.90 for shipping, 5.70 tax.
#[derive(Clone, Debug)]
pub(crate) struct Checkout {
    pub(crate) id: CheckoutId,
    pub(crate) buyer_id: BuyerId,
    pub(crate) order_ids: Vec<OrderId>,
    pub(crate) seller_ids: Vec<SellerId>,
    pub(crate) method: Method,
}

impl Checkout {
    pub(crate) fn new(sellers: usize) -> Self {
        Self {
            id: Id::generate(),
            buyer_id: Id::generate(),
            order_ids: (0..sellers).map(|_| Id::generate()).collect(),
            seller_ids: (0..sellers).map(|_| Id::generate()).collect(),
            method: Method::CardToken("tok_approved".to_owned()),
        }
    }

    pub(crate) fn cash_on_delivery() -> Self {
        Self { method: Method::CashOnDelivery(payments::CashOnDelivery {}), ..Self::new(1) }
    }

    pub(crate) fn message(&self) -> CheckoutSubmitted {
        let order = |(order_id, seller_id): (&OrderId, &SellerId)| SubmittedOrder {
            order_id: order_id.to_string(),
            seller_id: seller_id.to_string(),
            lines: vec![line("MUG-BLUE", 2, 1_250, 475), line("SPOON", 1, 500, 95)],
            subtotal: Some(euro_on_wire(3_000)),
            shipping: Some(euro_on_wire(490)),
            tax: Some(euro_on_wire(570)),
            total: Some(euro_on_wire(4_060)),
            shipping_service: "express".to_owned(),
        };
        CheckoutSubmitted {
            checkout_id: self.id.to_string(),
            quote_id: Id::<CheckoutSubmitted>::generate().to_string(),
            quote_hash: "00".repeat(32),
            buyer_id: self.buyer_id.to_string(),
            ship_to: Some(PostalAddress {
                region_code: "DE".to_owned(),
                postal_code: "20457".to_owned(),
                locality: "Hamburg".to_owned(),
                address_lines: vec!["Am Sandtorkai 1".to_owned()],
                recipients: vec!["Ada Lovelace".to_owned()],
                ..PostalAddress::default()
            }),
            payment_method: Some(payments::PaymentMethod { method: Some(self.method.clone()) }),
            orders: self.order_ids.iter().zip(&self.seller_ids).map(order).collect(),
            submit_time: None,
        }
    }

    pub(crate) fn submitted(&self) -> Event {
        self.submitted_as(&self.message())
    }

    /// The same checkout with another message.
    pub(crate) fn submitted_as(&self, message: &CheckoutSubmitted) -> Event {
        Event::new("checkout", "checkout", self.id.uuid(), 1, message)
    }
}

/// What the orders of a checkout agree on, for tests that come without Kafka.
pub(crate) fn terms_of(checkout: &Checkout) -> Vec<Terms> {
    let spoon = Line {
        sku: "SPOON".parse().unwrap(),
        product_id: Id::generate(),
        title: "A useful thing".to_owned(),
        quantity: Quantity::ONE,
        unit_price: euro(500),
        price_version: 3,
        line_subtotal: euro(500),
        tax_rate: "0.19".parse().unwrap(),
        tax: euro(95),
    };
    let terms = |(order_id, seller_id): (&OrderId, &SellerId)| Terms {
        order_id: *order_id,
        checkout_id: checkout.id,
        buyer_id: checkout.buyer_id,
        seller_id: *seller_id,
        lines: vec![spoon.clone()],
        ship_to: Address::default(),
        subtotal: euro(500),
        shipping: euro(0),
        tax: euro(95),
        total: euro(595),
        payment_method: PaymentMethod::CashOnDelivery,
        shipping_service: "standard".parse().unwrap(),
    };
    checkout.order_ids.iter().zip(&checkout.seller_ids).map(terms).collect()
}

/// The same with a second spoon, which costs as much again.
pub(crate) fn with_two_spoons(mut terms: Terms) -> Terms {
    let twice = |amount: Money| amount.checked_mul(2).unwrap();
    let spoon = &mut terms.lines[0];
    (spoon.quantity, spoon.line_subtotal, spoon.tax) =
        (Quantity::new(2).unwrap(), twice(spoon.line_subtotal), twice(spoon.tax));
    (terms.subtotal, terms.tax, terms.total) = (twice(terms.subtotal), twice(terms.tax), twice(terms.total));
    terms
}

fn line(sku: &str, quantity: i32, unit_cents: i64, tax_cents: i64) -> QuoteLine {
    QuoteLine {
        sku: sku.to_owned(),
        product_id: Id::<QuoteLine>::generate().to_string(),
        title: "A useful thing".to_owned(),
        quantity,
        unit_price: Some(euro_on_wire(unit_cents)),
        price_version: 3,
        line_subtotal: Some(euro_on_wire(i64::from(quantity) * unit_cents)),
        tax_rate: "0.19".to_owned(),
        tax: Some(euro_on_wire(tax_cents)),
        weight_grams: 350,
    }
}
