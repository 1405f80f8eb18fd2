//! Read models: what is asked about orders most, ready to be read. They follow, moments later, from the service's own journal and from what
//! payments and shipping tell, and from nothing else: they can be made anew at any time (`orders rebuild`).
//!
//! | view | table | follows from |
//! | --- | --- | --- |
//! | [`order_detail`] | `order_detail_view` | the order's history, and what was heard of its payment and its parcels |
//! | [`order_list`] | `order_list_view` | the detail |
//! | [`seller_dashboard`] | `seller_dashboard_view` | the list, summed up |

pub mod order_detail;
pub mod order_list;
pub mod seller_dashboard;

use std::sync::Arc;
use std::time::Duration;

use contracts::{payments::v1 as payments, shipping::v1 as shipping};
use messaging::read_model::{Generation, Heard, Projector, ReadModels, Table, heard_of_many};
use messaging::{Consumer, Envelope, Error, EventStore, KafkaConfig, Subscription, Undecodable, journal};
use sqlx::PgConnection;
use uuid::Uuid;

/// The consumer group of the projector.
pub const CONSUMER: &str = "orders.views";

/// How long events are gathered before the views follow: an order takes several steps in that time, and one look is enough for all.
const LINGER: Duration = Duration::from_millis(500);

/// What keeps the views up to date.
pub fn consumer(store: EventStore, kafka: KafkaConfig) -> Consumer<Projector<Views>> {
    Consumer::new(store, kafka, CONSUMER, SUBSCRIPTIONS, Arc::new(Projector(Views))).lingering(LINGER)
}

/// The read models of orders.
#[derive(Clone, Copy, Debug)]
pub struct Views;

impl ReadModels for Views {
    const OWN_TOPIC: &'static str = "tradewind.orders.v1";
    const TABLES: &'static [Table] = &[order_detail::TABLE, order_list::TABLE, seller_dashboard::TABLE];

    fn follow_from(&self, event: &Envelope) -> Result<bool, Undecodable> {
        // What cannot be read later must not be kept now.
        match event.event_type.as_str() {
            "tradewind.payments.v1.PaymentCaptured" => event.decode::<payments::PaymentCaptured>().map(drop)?,
            "tradewind.payments.v1.PaymentRefunded" => event.decode::<payments::PaymentRefunded>().map(drop)?,
            "tradewind.payments.v1.RefundFailed" => event.decode::<payments::RefundFailed>().map(drop)?,
            "tradewind.shipping.v1.ShipmentDispatched" => event.decode::<shipping::ShipmentDispatched>().map(drop)?,
            "tradewind.shipping.v1.ShipmentDelivered" => event.decode::<shipping::ShipmentDelivered>().map(drop)?,
            "tradewind.shipping.v1.ShipmentFailed" => event.decode::<shipping::ShipmentFailed>().map(drop)?,
            "tradewind.shipping.v1.ShipmentCancelRefused" => {
                event.decode::<shipping::ShipmentCancelRefused>().map(drop)?;
            }
            "tradewind.shipping.v1.ReturnReceived" => event.decode::<shipping::ReturnReceived>().map(drop)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    async fn project(
        &self,
        tx: &mut PgConnection,
        generations: &[Generation],
        aggregates: &[Uuid],
    ) -> Result<(), Error> {
        let own = journal::read_many(tx, aggregates).await?;
        let heard = heard_of_many(tx, aggregates).await?;
        let nothing: &[Heard] = &[];
        let mut details = Vec::with_capacity(own.len());
        for order_id in aggregates {
            // An order of which others told first has no page yet.
            if let Some(history) = own.get(order_id) {
                details.push(order_detail::project(history, heard.get(order_id).map_or(nothing, Vec::as_slice))?);
            }
        }
        let rows = details.iter().map(order_list::project).collect::<Result<Vec<_>, _>>()?;
        let rows_before = order_list::find_all(tx, generations, aggregates).await?;
        order_detail::save(tx, generations, &details).await?;
        order_list::save(tx, generations, &rows).await?;
        seller_dashboard::save(tx, &seller_dashboard::project(generations, &rows_before, &rows)).await
    }
}

/// What the projector hears of.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    own("tradewind.orders.v1.OrderCreated"),
    own("tradewind.orders.v1.OrderBackordered"),
    own("tradewind.orders.v1.OrderModified"),
    own("tradewind.orders.v1.OrderConfirmed"),
    own("tradewind.orders.v1.OrderPaid"),
    own("tradewind.orders.v1.OrderShipped"),
    own("tradewind.orders.v1.OrderDelivered"),
    own("tradewind.orders.v1.OrderFailed"),
    own("tradewind.orders.v1.OrderCancellationRequested"),
    own("tradewind.orders.v1.OrderCancelled"),
    own("tradewind.orders.v1.RefundRequested"),
    own("tradewind.orders.v1.RefundApproved"),
    own("tradewind.orders.v1.RefundRejected"),
    own("tradewind.orders.v1.RefundCompleted"),
    own("tradewind.orders.v1.OrderRefunded"),
    own("tradewind.orders.v1.OrderClosed"),
    heard("tradewind.payments.v1.PaymentCaptured"),
    heard("tradewind.payments.v1.PaymentRefunded"),
    heard("tradewind.payments.v1.RefundFailed"),
    heard("tradewind.shipping.v1.ShipmentDispatched"),
    heard("tradewind.shipping.v1.ShipmentDelivered"),
    heard("tradewind.shipping.v1.ShipmentFailed"),
    heard("tradewind.shipping.v1.ShipmentCancelRefused"),
    heard("tradewind.shipping.v1.ReturnReceived"),
];

const fn own(event: &'static str) -> Subscription {
    let tests = &["services/orders/tests/it/views.rs::the_views_of_orders_made_anew_are_the_views_that_grew_with_them"];
    Subscription { event, reaction: "brings its views up to date", follows: &[], tests }
}

const fn heard(event: &'static str) -> Subscription {
    let tests = &["services/orders/tests/it/views.rs::the_detail_shows_what_payments_and_shipping_told"];
    Subscription { event, reaction: "keeps it, and brings its views up to date", follows: &[], tests }
}
