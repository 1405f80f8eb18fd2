//! Everything that is on record about a checkout and its orders, as the databases have it.

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use kernel::Timestamp;
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow};
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::Event;
use crate::databases::Databases;
use crate::topology::SERVICES;

/// A checkout and what followed from it.
#[derive(Debug)]
pub struct Journey {
    pub(super) checkout_id: Uuid,
    /// Its orders, one for each seller.
    pub(super) orders: Vec<Uuid>,
    pub(super) facts: Vec<Fact>,
    pub(super) parked: Vec<Parked>,
    pub(super) unpublished: Vec<Unpublished>,
    pub(super) operations: Vec<Operation>,
}

/// A fact of a journal.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Fact {
    pub(super) service: String,
    pub(super) event_id: Uuid,
    pub(super) aggregate_id: Uuid,
    pub(super) version: i64,
    pub(super) event_type: String,
    pub(super) payload: Vec<u8>,
    pub(super) causation_id: Option<Uuid>,
    pub(super) actor: String,
    #[sqlx(try_from = "OffsetDateTime")]
    pub(super) occurred_at: Timestamp,
}

/// An event that a consumer could not take, or had to be helped to.
#[derive(Debug, Clone, FromRow, Serialize)]
pub(super) struct Parked {
    pub(super) service: String,
    /// Its number there.
    pub(super) id: i64,
    pub(super) event_id: Uuid,
    pub(super) event_type: String,
    pub(super) aggregate_id: Uuid,
    pub(super) reason: String,
    #[sqlx(try_from = "OffsetDateTime")]
    pub(super) since: Timestamp,
    /// `parked`, `retried` or `skipped`.
    pub(super) state: String,
    pub(super) resolved_by: Option<String>,
    pub(super) resolution: Option<String>,
}

/// An event that the broker is not known to have yet.
#[derive(Debug, Clone, FromRow, Serialize)]
pub(super) struct Unpublished {
    pub(super) service: String,
    /// Its number in the outbox.
    pub(super) id: i64,
    pub(super) event_id: Uuid,
    pub(super) event_type: String,
    pub(super) aggregate_id: Uuid,
    #[sqlx(try_from = "OffsetDateTime")]
    pub(super) since: Timestamp,
    pub(super) attempts: i16,
    pub(super) last_error: Option<String>,
    /// Whether the relay has given up on it until it is released.
    pub(super) held_back: bool,
}

/// Something that the payment provider was asked, and did not do.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Operation {
    pub(super) order_id: Uuid,
    /// `authorize`, `capture`, `void` or `refund`.
    pub(super) kind: String,
    /// Which of the order's refunds; 1 of the other kinds.
    pub(super) number: i32,
    /// `pending` or `declined`.
    pub(super) status: String,
    pub(super) attempts: i32,
    pub(super) reason: Option<String>,
}

const FACT: &str = "event_id, aggregate_id, version, event_type, payload, causation_id, actor, occurred_at";

impl Journey {
    /// Reads all about a checkout, by its own id or by that of one of its orders.
    pub async fn read(databases: &Databases, id: Uuid) -> Result<Self> {
        let orders: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "SELECT checkout_id, order_id FROM checkout.checkout_order
             WHERE checkout_id IN (SELECT checkout_id FROM checkout.checkout_order WHERE order_id = $1 UNION ALL SELECT $1)
             ORDER BY order_id",
        )
        .bind(id)
        .fetch_all(databases.of_service("checkout"))
        .await
        .context("asking checkout for the order")?;
        ensure!(!orders.is_empty(), "no order and no checkout of this fleet has the id {id}");
        let checkout_id = orders[0].0;
        let orders: Vec<_> = orders.into_iter().map(|(_, order_id)| order_id).collect();

        let mut facts = cart(databases, checkout_id).await?;
        facts.extend(journals(databases, checkout_id, &orders).await?);
        facts.extend(stock(databases, &facts).await?);
        let events: Vec<_> = facts.iter().map(|fact| fact.event_id).collect();
        Ok(Self {
            parked: parked(databases, &orders, &events).await?,
            unpublished: unpublished(databases, &facts).await?,
            operations: operations(databases, &orders).await?,
            checkout_id,
            orders,
            facts,
        })
    }
}

/// What was put into the cart, up to the submission. A cart's journey is its own, and goes on; the quote knows which it was.
async fn cart(databases: &Databases, checkout_id: Uuid) -> Result<Vec<Fact>> {
    let cart: Option<(Option<String>, OffsetDateTime)> = sqlx::query_as(
        "SELECT offer ->> 'cart_id', submitted_at FROM checkout.checkout JOIN checkout.quote USING (quote_id) WHERE checkout_id = $1",
    )
    .bind(checkout_id)
    .fetch_optional(databases.of_service("checkout"))
    .await
    .context("asking checkout for the cart")?;
    let Some((Some(cart_id), submitted_at)) = cart else { return Ok(Vec::new()) };
    let query =
        format!("SELECT 'cart' AS service, {FACT} FROM cart.journal WHERE aggregate_id = $1 AND occurred_at <= $2");
    sqlx::query_as(AssertSqlSafe(query))
        .bind(cart_id.parse::<Uuid>().context("the cart of the quote")?)
        .bind(submitted_at)
        .fetch_all(databases.of_service("cart"))
        .await
        .context("reading the journal of cart")
}

/// The facts of the journey, and of whatever goes by the id of its checkout or of one of its orders.
async fn journals(databases: &Databases, checkout_id: Uuid, orders: &[Uuid]) -> Result<Vec<Fact>> {
    let ids = [orders, &[checkout_id]].concat();
    let of_services = sagas().map(|name| {
        let query = format!(
            "SELECT '{name}' AS service, {FACT} FROM {name}.journal WHERE correlation_id = $1 OR aggregate_id = ANY($2)"
        );
        let ids = &ids;
        async move {
            let query = sqlx::query_as(AssertSqlSafe(query)).bind(checkout_id).bind(ids);
            let facts: Vec<Fact> =
                query.fetch_all(databases.of_service(name)).await.context(format!("reading the journal of {name}"))?;
            anyhow::Ok(facts)
        }
    });
    Ok(try_join_all(of_services).await?.concat())
}

/// What followed for stock. A stock item's facts belong to its own journey, so they are found by what caused them, among those of
/// the stock that was held for the orders.
async fn stock(databases: &Databases, facts: &[Fact]) -> Result<Vec<Fact>> {
    let mut skus = Vec::new();
    let mut warehouses = Vec::new();
    for fact in facts {
        if let Ok(Event::InventoryReserved(reserved)) = Event::read(&fact.event_type, &fact.payload) {
            for held in &reserved.allocations {
                skus.push(held.sku.clone());
                warehouses.push(held.warehouse_id.parse::<Uuid>().context("a warehouse's id")?);
            }
        }
    }
    let events: Vec<_> = facts.iter().map(|fact| fact.event_id).collect();
    let query = format!(
        "SELECT 'inventory' AS service, {FACT} FROM inventory.journal
         WHERE aggregate_id IN (SELECT stock_item_id FROM inventory.stock_item
                                WHERE (sku, warehouse_id) IN (SELECT * FROM unnest($1::text[], $2::uuid[])))
           AND causation_id = ANY($3)"
    );
    sqlx::query_as(AssertSqlSafe(query))
        .bind(skus)
        .bind(warehouses)
        .bind(events)
        .fetch_all(databases.of_service("inventory"))
        .await
        .context("reading the histories of the stock")
}

async fn parked(databases: &Databases, orders: &[Uuid], events: &[Uuid]) -> Result<Vec<Parked>> {
    let of_services = sagas().map(|name| {
        let query = format!(
            "SELECT '{name}' AS service, id, event_id, event_type, aggregate_id, reason, parked_at AS since, state, resolved_by, resolution
             FROM {name}.parked_event WHERE aggregate_id = ANY($1) OR event_id = ANY($2) ORDER BY id"
        );
        async move {
            let query = sqlx::query_as(AssertSqlSafe(query)).bind(orders).bind(events);
            let parked: Vec<Parked> = query
                .fetch_all(databases.of_service(name))
                .await
                .context(format!("reading the parked events of {name}"))?;
            anyhow::Ok(parked)
        }
    });
    Ok(try_join_all(of_services).await?.concat())
}

async fn unpublished(databases: &Databases, facts: &[Fact]) -> Result<Vec<Unpublished>> {
    let events: Vec<_> = facts.iter().map(|fact| fact.event_id).collect();
    let aggregates: Vec<_> = facts.iter().map(|fact| fact.aggregate_id).collect();
    let (events, aggregates) = (&events, &aggregates);
    let of_services = sagas().map(|name| {
        let query = format!(
            "SELECT '{name}' AS service, o.id, j.event_id, j.event_type, o.aggregate_id, o.created_at AS since, o.attempts, o.last_error,
                    o.parked_at IS NOT NULL AS held_back
             FROM {name}.outbox o JOIN {name}.journal j USING (aggregate_id, version)
             WHERE o.aggregate_id = ANY($1) AND j.event_id = ANY($2) ORDER BY o.id"
        );
        async move {
            let query = sqlx::query_as(AssertSqlSafe(query)).bind(aggregates).bind(events);
            let unpublished: Vec<Unpublished> =
                query.fetch_all(databases.of_service(name)).await.context(format!("reading the outbox of {name}"))?;
            anyhow::Ok(unpublished)
        }
    });
    Ok(try_join_all(of_services).await?.concat())
}

async fn operations(databases: &Databases, orders: &[Uuid]) -> Result<Vec<Operation>> {
    sqlx::query_as(
        "SELECT order_id, kind, number, status, attempts, reason FROM payments.provider_operation
         WHERE order_id = ANY($1) AND status <> 'succeeded' ORDER BY created_at",
    )
    .bind(orders)
    .fetch_all(databases.of_service("payments"))
    .await
    .context("asking payments what the provider was asked")
}

/// The services that take part in sagas.
fn sagas() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().filter(|service| !service.groups.is_empty()).map(|service| service.name)
}
