//! Tables `stock_item` and `stock_movement`.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Id, Sku, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::allocation::sum_demand;
use crate::domain::fact::{Fact, StockChange};
use crate::domain::ids::{SellerId, StockItemId, WarehouseId};
use crate::domain::stock::{Levels, Movement, MovementType, StockItem};
use crate::domain::world::World;

/// Makes an empty stock item for the first stock of a SKU in a warehouse. Two at once make one.
pub(super) async fn create_missing(tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(), Error> {
    for change in stock_changes(facts) {
        sqlx::query(
            "INSERT INTO stock_item (stock_item_id, sku, warehouse_id, seller_id, total, reserved, committed, version,
                                     head_hash, correlation_id)
             VALUES ($1, $2, $3, $4, 0, 0, 0, 0, $5, $1)
             ON CONFLICT (sku, warehouse_id) DO NOTHING",
        )
        .bind(change.new_stock_item_id.uuid())
        .bind(change.sku.as_str())
        .bind(change.warehouse_id.uuid())
        .bind(change.seller_id.uuid())
        .bind([0_u8; 32].as_slice())
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Locks and loads the stock that orders may be taken from, that reservations hold, and that sellers change.
///
/// A SKU of which there is too little for every order that asks for it is only looked at. A lock could not make more of it, and
/// those who come after the last unit would queue for it long after it is gone. What is seen to be enough is locked and looked
/// at again: somebody else may have taken it meanwhile.
pub(super) async fn load(
    tx: &mut PgConnection,
    facts: &[Caused<Fact>],
    world: &mut World,
    heads: &mut Heads,
) -> Result<(), Error> {
    let shelves = shelves(facts, world);
    let held: Vec<Uuid> = held_stock(facts, world).into_iter().collect();
    if shelves.is_empty() && held.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query(
        "WITH seen AS (
             SELECT s.stock_item_id,
                    sum(s.total - s.reserved - s.committed) OVER (PARTITION BY s.sku, s.seller_id) >= shelf.least AS enough
             FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS shelf (seller_id, sku, least)
             JOIN stock_item s ON s.sku = shelf.sku AND s.seller_id = shelf.seller_id
         ), locked AS (
             SELECT s.*, (SELECT w.priority FROM warehouse w WHERE w.warehouse_id = s.warehouse_id) AS priority
             FROM stock_item s
             WHERE s.stock_item_id IN (SELECT stock_item_id FROM seen WHERE enough UNION SELECT unnest($4::uuid[]))
             ORDER BY s.sku, s.warehouse_id
             FOR UPDATE OF s
         )
         SELECT *, true AS is_locked FROM locked
         UNION ALL
         SELECT s.*, 0, false FROM seen JOIN stock_item s ON s.stock_item_id = seen.stock_item_id WHERE NOT seen.enough",
    )
    .bind(shelves.keys().map(|(seller_id, _)| *seller_id).collect::<Vec<_>>())
    .bind(shelves.keys().map(|(_, sku)| sku.clone()).collect::<Vec<_>>())
    .bind(shelves.values().copied().collect::<Vec<_>>())
    .bind(held)
    .fetch_all(tx)
    .await?;
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get("is_locked")? {
            heads.insert(row.try_get("stock_item_id")?, Head::from_row(row)?);
            items.push((row.try_get::<i32, _>("priority")?, from_row(row)?));
        } else {
            world.add_sold_out(from_row(row)?);
        }
    }
    // Locked in the order of their keys, taken from in the order of their warehouses' priority.
    items.sort_by_key(|(priority, item)| (*priority, item.warehouse_id()));
    for (_, item) in items {
        world.add_stock_item(item);
    }
    Ok(())
}

/// The shelves, by seller and SKU, that new orders and sellers' changes reach for, each with the least that one of them needs
/// to find there. A seller's change needs nothing.
fn shelves(facts: &[Caused<Fact>], world: &World) -> BTreeMap<(Uuid, String), i64> {
    let mut shelves = BTreeMap::new();
    let mut reach = |seller_id: SellerId, sku: &Sku, needed: i64| {
        let least = shelves.entry((seller_id.uuid(), sku.as_str().to_owned())).or_insert(needed);
        *least = needed.min(*least);
    };
    for caused in facts {
        match &caused.fact {
            Fact::OrderCreated { order_id, seller_id, lines } if world.reservation(*order_id).is_none() => {
                for (sku, needed) in sum_demand(lines) {
                    reach(*seller_id, &sku, needed);
                }
            }
            Fact::StockChange(change) => reach(change.seller_id, &change.sku, 0),
            // What these move is what a reservation holds, or nothing.
            Fact::OrderCreated { .. }
            | Fact::PaymentAuthorized(_)
            | Fact::OrderEnded(_)
            | Fact::ReservationDue(_)
            | Fact::ShipmentDispatched(_)
            | Fact::PaymentRefunded(_) => {}
        }
    }
    shelves
}

/// The stock items that the loaded reservations hold.
fn held_stock(facts: &[Caused<Fact>], world: &World) -> BTreeSet<Uuid> {
    let reservations = facts.iter().filter_map(|caused| world.reservation(caused.fact.order_id()?));
    reservations.flat_map(|reservation| &reservation.allocations).map(|a| a.stock_item_id.uuid()).collect()
}

fn stock_changes(facts: &[Caused<Fact>]) -> impl Iterator<Item = &StockChange> {
    facts.iter().filter_map(|caused| match &caused.fact {
        Fact::StockChange(change) => Some(change),
        Fact::OrderCreated { .. }
        | Fact::PaymentAuthorized(_)
        | Fact::OrderEnded(_)
        | Fact::ReservationDue(_)
        | Fact::ShipmentDispatched(_)
        | Fact::PaymentRefunded(_) => None,
    })
}

/// Updates the stock items that changed.
pub(super) async fn save(tx: &mut PgConnection, world: &World, heads: &Heads) -> Result<(), Error> {
    let changed: Vec<_> = world.changes().stock.iter().filter_map(|id| world.stock_item(*id)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let head = |item: &StockItem| heads.get(item.id().uuid()).unwrap_or(Head::begin(item.id().uuid()));
    sqlx::query(
        "UPDATE stock_item s
         SET total = c.total, reserved = c.reserved, committed = c.committed, version = c.version, head_hash = c.head_hash
         FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[])
              AS c (stock_item_id, total, reserved, committed, version, head_hash)
         WHERE s.stock_item_id = c.stock_item_id",
    )
    .bind(changed.iter().map(|item| item.id().uuid()).collect::<Vec<_>>())
    .bind(changed.iter().map(|item| item.levels().total).collect::<Vec<_>>())
    .bind(changed.iter().map(|item| item.levels().reserved).collect::<Vec<_>>())
    .bind(changed.iter().map(|item| item.levels().committed).collect::<Vec<_>>())
    .bind(changed.iter().map(|item| head(item).version).collect::<Vec<_>>())
    .bind(changed.iter().map(|item| head(item).hash.to_vec()).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends the movements that happened.
pub(super) async fn save_movements(tx: &mut PgConnection, world: &World, now: Timestamp) -> Result<(), Error> {
    let movements = &world.changes().movements;
    if movements.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO stock_movement (movement_id, stock_item_id, movement_type, quantity, reason, actor, created_at)
         SELECT t.*, $7
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[]) AS t",
    )
    .bind(movements.iter().map(|movement| movement.id.uuid()).collect::<Vec<_>>())
    .bind(movements.iter().map(|movement| movement.stock_item_id.uuid()).collect::<Vec<_>>())
    .bind(movements.iter().map(|movement| movement_type_to_text(movement.movement_type)).collect::<Vec<_>>())
    .bind(movements.iter().map(|movement| movement.quantity).collect::<Vec<_>>())
    .bind(movements.iter().map(|movement| movement.reason.as_str()).collect::<Vec<_>>())
    .bind(movements.iter().map(|movement| movement.actor.as_str()).collect::<Vec<_>>())
    .bind(OffsetDateTime::from(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// A stock item and its version.
pub async fn find(
    executor: impl sqlx::PgExecutor<'_>,
    warehouse_id: WarehouseId,
    sku: &Sku,
) -> Result<Option<(StockItem, i64)>, Error> {
    let row = sqlx::query("SELECT * FROM stock_item WHERE warehouse_id = $1 AND sku = $2")
        .bind(warehouse_id.uuid())
        .bind(sku.as_str())
        .fetch_optional(executor)
        .await?;
    row.map(|row| Ok((from_row(&row)?, row.try_get("version")?))).transpose()
}

/// What can still be promised of each SKU; one that was never stocked is absent.
pub async fn availability(pool: &PgPool, skus: &[Sku]) -> Result<BTreeMap<Sku, i64>, Error> {
    let rows = sqlx::query(
        "SELECT sku, sum(total - reserved - committed)::bigint AS available FROM stock_item WHERE sku = ANY($1) GROUP BY sku",
    )
    .bind(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((sku_from(row)?, row.try_get("available")?))).collect()
}

/// The movements of a stock item, newest first, from below `before` on, at most `limit`.
pub async fn movements(
    pool: &PgPool,
    stock_item_id: StockItemId,
    before: Uuid,
    limit: i64,
) -> Result<Vec<(Movement, Timestamp)>, Error> {
    let rows = sqlx::query(
        "SELECT * FROM stock_movement WHERE stock_item_id = $1 AND movement_id < $2 ORDER BY movement_id DESC LIMIT $3",
    )
    .bind(stock_item_id.uuid())
    .bind(before)
    .bind(limit)
    .fetch_all(pool)
    .await?;
    let movement = |row: &PgRow| {
        let movement_type: &str = row.try_get("movement_type")?;
        let created_at: OffsetDateTime = row.try_get("created_at")?;
        let movement = Movement {
            id: Id::from_uuid(row.try_get("movement_id")?),
            stock_item_id,
            movement_type: movement_type_from_text(movement_type)
                .ok_or_else(|| Error::Corrupt(format!("movement type {movement_type:?}")))?,
            quantity: row.try_get("quantity")?,
            reason: row.try_get("reason")?,
            actor: row.try_get("actor")?,
        };
        Ok((movement, created_at.into()))
    };
    rows.iter().map(movement).collect()
}

fn from_row(row: &PgRow) -> Result<StockItem, Error> {
    Ok(StockItem::new(
        StockItemId::from_uuid(row.try_get("stock_item_id")?),
        sku_from(row)?,
        WarehouseId::from_uuid(row.try_get("warehouse_id")?),
        SellerId::from_uuid(row.try_get("seller_id")?),
        Levels {
            total: row.try_get("total")?,
            reserved: row.try_get("reserved")?,
            committed: row.try_get("committed")?,
        },
    ))
}

fn sku_from(row: &PgRow) -> Result<Sku, Error> {
    let sku: &str = row.try_get("sku")?;
    sku.parse().map_err(|error| Error::Corrupt(format!("sku: {error}")))
}

const fn movement_type_to_text(movement_type: MovementType) -> &'static str {
    match movement_type {
        MovementType::Add => "add",
        MovementType::Remove => "remove",
        MovementType::Adjust => "adjust",
    }
}

fn movement_type_from_text(text: &str) -> Option<MovementType> {
    match text {
        "add" => Some(MovementType::Add),
        "remove" => Some(MovementType::Remove),
        "adjust" => Some(MovementType::Adjust),
        _ => None,
    }
}
