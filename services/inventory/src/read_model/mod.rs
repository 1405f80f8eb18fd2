//! Read models: what is asked about stock most, ready to be read. They follow, moments later, from the service's own journal and from what
//! products tells, and from nothing else: they can be made anew at any time (`inventory rebuild`).
//!
//! | view | table | follows from |
//! | --- | --- | --- |
//! | [`contribution`] | `stock_contribution` | each history, as far as it was folded; nobody but the views reads it |
//! | [`warehouse_stock`] | `warehouse_stock_view` | the contributions, summed up by warehouse and SKU |
//! | [`seller_inventory`] | `seller_inventory_view` | the stock of the warehouses, summed up by seller and SKU, and the title that was heard of the product |
//! | [`sku_availability`] | the same | the same, without the title |

pub mod contribution;
pub mod figures;
pub mod listing;
pub mod seller_inventory;
pub mod sku_availability;
pub mod warehouse_stock;

use std::sync::Arc;
use std::time::Duration;

use messaging::read_model::{Generation, Projector, ReadModels, Table, heard_of_many};
use messaging::{Consumer, Envelope, Error, EventStore, KafkaConfig, Subscription, Undecodable};
use sqlx::PgConnection;
use uuid::Uuid;

/// The consumer group of the projector.
pub const CONSUMER: &str = "inventory.views";

/// How long events are gathered before the views follow: a SKU that sells well changes many times meanwhile, and its rows once.
const LINGER: Duration = Duration::from_millis(500);

/// What keeps the views up to date.
pub fn consumer(store: EventStore, kafka: KafkaConfig) -> Consumer<Projector<Views>> {
    Consumer::new(store, kafka, CONSUMER, SUBSCRIPTIONS, Arc::new(Projector(Views))).lingering(LINGER)
}

/// The read models of inventory.
#[derive(Clone, Copy, Debug)]
pub struct Views;

impl ReadModels for Views {
    const OWN_TOPIC: &'static str = "tradewind.inventory.v1";
    const TABLES: &'static [Table] = &[contribution::TABLE, warehouse_stock::TABLE, seller_inventory::TABLE];

    fn follow_from(&self, event: &Envelope) -> Result<bool, Undecodable> {
        if event.event_type != "tradewind.products.v1.ProductCreated" {
            return Ok(false);
        }
        // What cannot be read later must not be kept now.
        seller_inventory::titled(event.decode()?).map_err(Undecodable::new)?;
        Ok(true)
    }

    /// Rows are locked table by table and in the order of their keys, so that two who project never wait for each other in a circle.
    async fn project(
        &self,
        tx: &mut PgConnection,
        generations: &[Generation],
        aggregates: &[Uuid],
    ) -> Result<(), Error> {
        let heard = heard_of_many(tx, aggregates).await?;
        let before = contribution::find_all(tx, generations, aggregates).await?;
        let now = contribution::catch_up(tx, &before).await?;
        contribution::save(tx, &before, &now).await?;
        let sums = warehouse_stock::save(tx, &warehouse_stock::project(&before, &now)).await?;
        let rows = seller_inventory::project(generations, heard.values().flatten(), &sums)?;
        seller_inventory::save(tx, &rows).await
    }
}

/// What the projector hears of: whatever changes a figure, or says whose stock it is.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    own("tradewind.inventory.v1.StockAdded"),
    own("tradewind.inventory.v1.StockAdjusted"),
    own("tradewind.inventory.v1.StockWrittenOff"),
    own("tradewind.inventory.v1.StockRemoved"),
    own("tradewind.inventory.v1.OutOfStock"),
    own("tradewind.inventory.v1.BackInStock"),
    own("tradewind.inventory.v1.LowStock"),
    own("tradewind.inventory.v1.InventoryReserved"),
    own("tradewind.inventory.v1.InventoryCommitted"),
    own("tradewind.inventory.v1.ReservationModified"),
    own("tradewind.inventory.v1.InventoryReleased"),
    own("tradewind.inventory.v1.TransferDispatched"),
    own("tradewind.inventory.v1.TransferReceived"),
    Subscription {
        event: "tradewind.products.v1.ProductCreated",
        reaction: "keeps it, and shows its title in the seller's inventory",
        follows: &[],
        tests: &[
            "services/inventory/tests/it/views.rs::a_title_is_shown_whether_it_is_heard_of_before_the_stock_or_after_it",
        ],
    },
];

const fn own(event: &'static str) -> Subscription {
    let tests = &["services/inventory/tests/it/views.rs::the_views_of_stock_made_anew_are_the_views_that_grew_with_it"];
    Subscription { event, reaction: "brings its views up to date", follows: &[], tests }
}
