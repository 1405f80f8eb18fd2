//! Payments between its topics and its provider: orders that come in, what it says about them, and what was really charged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::inventory::v1::InventoryReserved;
use contracts::orders::v1::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFailed, OrderModified, RefundApproved,
};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{CashOnDelivery, Exchange, PaymentMethod};
use contracts::shipping::v1::CashCollected;
use kernel::{Currency, Id, Money, Timestamp};
use messaging::{Consumer, Envelope, EventStore, Head, Relay, journal};
use payments::adapters::events::SUBSCRIPTIONS;
use payments::adapters::postgres::operation::Claim;
use payments::adapters::postgres::{ledger, operation, payment};
use payments::adapters::providers;
use payments::domain::{
    BuyerId, Method as PaidBy, OrderId, Payment, Policy, RefundStanding, SellerId, Status, commission, commission_rate,
};
use payments::jobs::ask_provider::Asker;
use payments::{CONSUMER, Payments, SERVICE, Work};
use sandbox_provider::{Charge, Sandbox, Tuning};
use sqlx::Row;
use testkit::{Database, Event, Kafka, TestClock, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) const ORDERS: &str = "tradewind.orders.v1";
pub(crate) const INVENTORY: &str = "tradewind.inventory.v1";
pub(crate) const PAYMENTS: &str = "tradewind.payments.v1";
pub(crate) const DEAD_LETTERS: &str = "payments.saga.dlq";

/// How long the provider may take in these tests, unless they say otherwise.
pub(crate) const PROVIDER_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const MARGIN: Duration = Duration::from_mins(1);

pub(crate) const LIFETIME: Duration = Duration::from_hours(7 * 24);

pub(crate) fn policy() -> Policy {
    let commission_rate = commission_rate("0.05").unwrap();
    Policy { authorization_margin: MARGIN, authorization_lifetime: LIFETIME, commission_rate }
}

pub(crate) fn payments() -> Arc<Payments> {
    Arc::new(Payments::new(policy()))
}

pub(crate) fn euros(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

/// A database, topics, a clock and a provider of one test's own.
pub(crate) struct Till {
    pub(crate) database: Database,
    pub(crate) kafka: Kafka,
    pub(crate) clock: TestClock,
    /// For what the test does itself; each replica has a store of its own.
    pub(crate) store: EventStore,
    pub(crate) provider: Sandbox,
    pub(crate) provider_url: String,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Drop for Till {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A running replica; it stops when this is dropped.
pub(crate) struct Replica {
    _stop: DropGuard,
}

/// A worker that asks the provider, to be killed or stopped.
pub(crate) struct Worker {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Worker {
    /// Ends it in the middle of whatever it does, and waits until it is gone.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn drain(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

impl Till {
    /// Without a replica.
    pub(crate) async fn closed() -> Self {
        let database = Database::migrated(&SERVICE).await;
        let kafka = Kafka::connect().await;
        kafka.create_topics(&[ORDERS, INVENTORY, "tradewind.shipping.v1", PAYMENTS, DEAD_LETTERS]).await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let store = EventStore::new(SERVICE.name, database.pool().clone(), clock.clock());
        let tuning = Tuning { slow_delay: Duration::from_millis(500), down_attempts: 3 };
        let provider = Sandbox::open(tuning, None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider_url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(sandbox_provider::serve(listener, provider.clone()));
        Self { database, kafka, clock, store, provider, provider_url, serving }
    }

    /// With one replica.
    pub(crate) async fn open() -> (Self, Replica) {
        let till = Self::closed().await;
        let replica = till.start_replica(SERVICE.name).await;
        (till, replica)
    }

    /// A replica: a pool, a store, a relay, a consumer and a worker of its own.
    pub(crate) async fn start_replica(&self, name: &'static str) -> Replica {
        let (payments, work) = Payments::with_worker(policy(), Claim::new(name.to_owned(), PROVIDER_TIMEOUT));
        let payments = Arc::new(payments);
        let (store, stop) = self.start_consumer(name, payments.clone()).await;
        tokio::spawn(self.asker(store, payments, work, PROVIDER_TIMEOUT).run(stop.clone()));
        Replica { _stop: stop.drop_guard() }
    }

    /// A replica that hears and tells, but asks the provider nothing.
    pub(crate) async fn start_replica_without_worker(&self) -> Replica {
        let (_, stop) = self.start_consumer(SERVICE.name, payments()).await;
        Replica { _stop: stop.drop_guard() }
    }

    async fn start_consumer(&self, name: &'static str, payments: Arc<Payments>) -> (EventStore, CancellationToken) {
        let store = self.another_store(name).await;
        let stop = CancellationToken::new();
        let kafka = self.kafka.config();
        tokio::spawn(Relay::new(store.clone(), kafka.clone()).run(stop.clone()));
        let consumer = Consumer::new(store.clone(), kafka, CONSUMER, SUBSCRIPTIONS, payments);
        tokio::spawn(consumer.run(stop.clone()));
        (store, stop)
    }

    /// A worker alone, with a pool of its own.
    pub(crate) async fn start_worker(&self, name: &'static str, provider_timeout: Duration) -> Worker {
        let (payments, work) = Payments::with_worker(policy(), Claim::new(name.to_owned(), provider_timeout));
        let asker = self.asker(self.another_store(name).await, Arc::new(payments), work, provider_timeout);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let Ok(()) = asker.run(stopped).await;
        });
        Worker { task, stop }
    }

    fn asker(
        &self,
        store: EventStore,
        payments: Arc<Payments>,
        work: Work,
        provider_timeout: Duration,
    ) -> Asker<providers::Sandbox> {
        let provider = providers::Sandbox::new(&self.provider_url, provider_timeout).unwrap();
        Asker::new(store, payments, Arc::new(provider), work)
    }

    async fn another_store(&self, name: &'static str) -> EventStore {
        EventStore::new(name, self.database.another_pool().await, self.clock.clock())
    }

    pub(crate) async fn publish(&self, events: &[&Event]) {
        for event in events {
            self.kafka.publish(event).await;
        }
    }

    /// Publishes events and waits until each has taken effect, or was parked, before the next.
    pub(crate) async fn publish_and_wait(&self, events: &[&Event]) {
        for event in events {
            self.publish(&[event]).await;
            eventually("the event in the inbox", async || {
                let found = sqlx::query("SELECT FROM inbox WHERE event_id = $1").bind(event.id());
                found.fetch_optional(self.store.pool()).await.unwrap()
            })
            .await;
        }
    }

    /// Waits until payments has said these things about an order, and answers them. It must have said them in this order, and
    /// nothing else.
    pub(crate) async fn told(&self, order: &Order, expected: &[&str]) -> Vec<Envelope> {
        let about = |events: &[Envelope]| -> Vec<Envelope> {
            events.iter().filter(|event| event.aggregate_id == order.id.uuid()).cloned().collect()
        };
        let awaited = format!("{expected:?} about {}", order.id);
        let events = self.kafka.wait_for(PAYMENTS, &awaited, |events| about(events).len() >= expected.len()).await;
        let told = about(&events);
        assert_eq!(told.iter().map(|event| short_name(&event.event_type)).collect::<Vec<_>>(), expected);
        told
    }

    /// Everything that payments recorded about an order, whether it was published yet or not.
    pub(crate) async fn history(&self, order: &Order) -> Vec<String> {
        let mut connection = self.store.pool().acquire().await.unwrap();
        let records = journal::read(&mut connection, order.id.uuid()).await.unwrap();
        records.iter().map(|record| short_name(&record.event_type).to_owned()).collect()
    }

    pub(crate) async fn found(&self, order: &Order) -> Option<payment::Found> {
        payment::find(self.store.pool(), order.id).await.unwrap()
    }

    pub(crate) async fn becomes(&self, order: &Order, status: Status) {
        eventually(&format!("the payment of {} to be {status:?}", order.id), async || {
            let seen = self.found(order).await.map(|found| found.payment.status);
            if seen == Some(status) { Ok(()) } else { Err(seen) }
        })
        .await;
    }

    /// What was asked of the provider about an order.
    pub(crate) async fn operations(&self, order: &Order) -> Vec<operation::Found> {
        operation::of_order(self.store.pool(), order.id).await.unwrap()
    }

    /// What the provider really holds and took; none if it never authorized anything.
    pub(crate) fn charge(&self, order: &Order) -> Option<Charge> {
        self.provider.charges(Some(&order.id.to_string())).pop()
    }

    /// Asks the provider for something that payments knows nothing of.
    pub(crate) async fn ask_provider(&self, operation: &sandbox_provider::Operation) {
        let request = reqwest::Client::new().post(format!("{}/v1/operations", self.provider_url)).json(operation);
        request.send().await.unwrap().error_for_status().unwrap();
    }

    /// Kind, account and minor units of each posting about an order, oldest first.
    pub(crate) async fn postings(&self, order: &Order) -> Vec<(String, String, i64)> {
        let postings = ledger::list(self.store.pool(), Some(order.id), 0, 100).await.unwrap();
        postings.into_iter().map(|posting| (posting.kind, posting.account, posting.amount.minor())).collect()
    }

    /// Reasons of the events that are parked, in order.
    pub(crate) async fn parked(&self) -> Vec<String> {
        let parked = messaging::parked::list(&self.store, &messaging::parked::Filter::waiting()).await.unwrap();
        parked.into_iter().map(|event| event.reason).collect()
    }

    /// Account and minor units of each posting of a kind about an order, oldest first.
    pub(crate) async fn posted(&self, order: &Order, kind: &str) -> Vec<(String, i64)> {
        let postings = self.postings(order).await.into_iter().filter(|posting| posting.0 == kind);
        postings.map(|(_, account, minor)| (account, minor)).collect()
    }

    /// Invariant I1 of the whole database, against the provider's own books, and cash apart from them; and I4 of every payment.
    pub(crate) async fn assert_books_balance(&self) {
        let unbalanced: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM (SELECT FROM ledger_posting GROUP BY transaction_id, currency
                                   HAVING sum(amount_minor) <> 0) AS unbalanced",
        )
        .fetch_one(self.store.pool())
        .await
        .unwrap();
        assert_eq!(unbalanced, 0);
        let mut connection = self.store.pool().acquire().await.unwrap();
        // By the order whose card it is about: what the provider owes us, and how many refunds it did. What goes back of an order that an exchange
        // paid for goes back to the card of another.
        let mut by_card: BTreeMap<OrderId, (i64, u32)> = BTreeMap::new();
        for row in sqlx::query("SELECT * FROM payment").fetch_all(&mut *connection).await.unwrap() {
            let order_id: Uuid = row.get("order_id");
            if let Some(found) = payment::find(&mut *connection, Id::from_uuid(order_id)).await.unwrap() {
                let (owed, refunds) = self.assert_ledger_is_of(&found.payment).await;
                if let Some(charged_order_id) = found.payment.charged_order_id() {
                    let sum = by_card.entry(charged_order_id).or_default();
                    *sum = (sum.0 + owed, sum.1 + refunds);
                }
            }
            let history = journal::read(&mut connection, order_id).await.unwrap();
            assert_eq!(journal::verify(&history, Head::from_row(&row).unwrap()), Ok(()));
        }
        for (order_id, (owed, refunds)) in by_card {
            let charge = self.provider.charges(Some(&order_id.to_string())).pop();
            let really = charge.as_ref().map_or((0, 0), |charge| (charge.charged_minor, charge.refunds));
            assert_eq!((owed, refunds), really, "{charge:?}");
            assert!(charge.is_none_or(|charge| charge.captures <= 1));
        }
    }

    /// What the provider owes us for a payment, and how many refunds of it the provider did.
    async fn assert_ledger_is_of(&self, payment: &Payment) -> (i64, u32) {
        let postings = ledger::list(self.store.pool(), Some(payment.order_id), 0, 100).await.unwrap();
        let balance = |account: &str| -> i64 {
            let legs = postings.iter().filter(|posting| posting.account == account);
            legs.map(|posting| posting.amount.minor()).sum()
        };
        let (captured, refunded, kept) = (payment.captured.minor(), payment.refunded.minor(), payment.kept().minor());
        let to_credit = payment.refunds.iter().filter(|refund| payment.goes_to_credit(refund));
        let credited: i64 = to_credit.map(|refund| refund.amount.minor()).sum();
        let (provider, carrier, credit) = match payment.terms.method {
            PaidBy::Card(_) => (kept + credited, 0, -credited),
            PaidBy::CashOnDelivery => (0, captured, -refunded),
            // What the provider gives back of it is of another order's charge.
            PaidBy::Exchange(_) => (credited - refunded, 0, captured - credited),
        };
        let owed = (balance("provider_clearing"), balance("carrier_clearing"), balance("buyer_credit"));
        assert_eq!(owed, (provider, carrier, credit));
        let (escrow, earned) = match payment.commission_rate {
            None => (kept, 0),
            Some(rate) => (0, commission(payment.kept(), rate).minor()),
        };
        let owed = (balance("escrow"), balance("seller_balance"), balance("commission"));
        assert_eq!(owed, (-escrow, escrow + earned - kept, -earned));
        let done = payment.refunds.iter().filter(|refund| refund.standing == RefundStanding::Done);
        (provider, done.filter(|refund| !payment.goes_to_credit(refund)).count() as u32)
    }
}

pub(crate) fn short_name(event_type: &str) -> &str {
    event_type.rsplit('.').next().unwrap()
}

/// An order over 42.00 EUR, as the other services tell of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) buyer_id: BuyerId,
    pub(crate) seller_id: SellerId,
    method: Method,
}

impl Order {
    pub(crate) const TOTAL_MINOR: i64 = 4_200;

    /// Paid by the card of that test token.
    pub(crate) fn by_card(token: &str) -> Self {
        Self::paid_by(Method::CardToken(token.to_owned()))
    }

    pub(crate) fn for_cash() -> Self {
        Self::paid_by(Method::CashOnDelivery(CashOnDelivery {}))
    }

    /// Paid by what was set aside of another order by its first refund.
    pub(crate) fn exchanged_for(other: &Self) -> Self {
        let charged = match &other.method {
            Method::CardToken(_) => other.id.to_string(),
            Method::CashOnDelivery(_) => String::new(),
            Method::Exchange(exchange) => exchange.charged_order_id.clone(),
        };
        let exchange = Exchange { order_id: other.id.to_string(), refund_number: 1, charged_order_id: charged };
        Self { buyer_id: other.buyer_id, seller_id: other.seller_id, ..Self::paid_by(Method::Exchange(exchange)) }
    }

    fn paid_by(method: Method) -> Self {
        Self { id: Id::generate(), buyer_id: Id::generate(), seller_id: Id::generate(), method }
    }

    pub(crate) fn sold_by(self, seller_id: SellerId) -> Self {
        Self { seller_id, ..self }
    }

    pub(crate) fn message(&self) -> OrderCreated {
        OrderCreated {
            order_id: self.id.to_string(),
            buyer_id: self.buyer_id.to_string(),
            seller_id: self.seller_id.to_string(),
            total: Some(money_to_wire(euros(Self::TOTAL_MINOR))),
            payment_method: Some(PaymentMethod { method: Some(self.method.clone()) }),
            ..OrderCreated::default()
        }
    }

    pub(crate) fn created(&self) -> Event {
        self.told(1, &self.message())
    }

    /// So much less is to be paid for it since that version of what was agreed.
    pub(crate) fn modified(&self, terms_version: i32, total: Money) -> Event {
        let (order_id, total) = (self.id.to_string(), Some(money_to_wire(total)));
        let message = OrderModified { order_id, terms_version, total, ..OrderModified::default() };
        self.told(i64::from(terms_version), &message)
    }

    pub(crate) fn confirmed(&self) -> Event {
        self.told(2, &OrderConfirmed { order_id: self.id.to_string(), ..OrderConfirmed::default() })
    }

    pub(crate) fn failed(&self) -> Event {
        self.told(2, &OrderFailed { order_id: self.id.to_string(), ..OrderFailed::default() })
    }

    pub(crate) fn cancelled(&self) -> Event {
        self.told(3, &OrderCancelled { order_id: self.id.to_string(), ..OrderCancelled::default() })
    }

    pub(crate) fn delivered(&self) -> Event {
        self.told(3, &OrderDelivered { order_id: self.id.to_string(), ..OrderDelivered::default() })
    }

    /// So much of it is to be given back by one of its refunds.
    pub(crate) fn refund_approved(&self, refund_number: i32, amount: Money) -> Event {
        let (order_id, amount) = (self.id.to_string(), Some(money_to_wire(amount)));
        self.told(4, &RefundApproved { order_id, amount, refund_number, ..RefundApproved::default() })
    }

    /// All of it is to be set aside by its first refund, for the order of that id.
    pub(crate) fn set_aside_for(&self, new: &Self) -> Event {
        let approved = RefundApproved {
            order_id: self.id.to_string(),
            amount: Some(money_to_wire(euros(Self::TOTAL_MINOR))),
            refund_number: 1,
            exchange_order_id: new.id.to_string(),
            ..RefundApproved::default()
        };
        self.told(4, &approved)
    }

    /// Its cash was collected, so much of it.
    pub(crate) fn collected(&self, amount: Money) -> Event {
        let message = CashCollected {
            order_id: self.id.to_string(),
            amount: Some(money_to_wire(amount)),
            remittance_reference: "REMITTANCE-7".to_owned(),
        };
        Event::new("shipping", "consignment", self.id.uuid(), 5, &message)
    }

    /// Its stock is held for a quarter of an hour.
    pub(crate) fn reserved(&self, till: &Till) -> Event {
        self.reserved_until(till.clock.shown() + Duration::from_mins(15))
    }

    pub(crate) fn reserved_until(&self, expires_at: Timestamp) -> Event {
        let message = InventoryReserved {
            order_id: self.id.to_string(),
            expire_time: Some(timestamp_to_wire(expires_at)),
            ..InventoryReserved::default()
        };
        Event::new("inventory", "reservation", self.id.uuid(), 1, &message)
    }

    fn told<E: prost::Message + prost::Name>(&self, version: i64, message: &E) -> Event {
        Event::new("orders", "order", self.id.uuid(), version, message)
    }
}
