//! Tables `stock_item` and `stock_movement`.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Id, Sku, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::allocation::sum_demand;
use crate::domain::fact::Fact;
use crate::domain::ids::{MovementId, SellerId, StockItemId, WarehouseId};
use crate::domain::policy::backorder;
use crate::domain::stock::{Levels, Movement, MovementType, StockItem};
use crate::domain::world::World;

use super::policy;

/// Makes an empty stock item for the first stock of a SKU in a warehouse. Two at once make one.
pub(super) async fn create_missing(tx: &mut PgConnection, facts: &[Caused<Fact>], world: &World) -> Result<(), Error> {
    let places: Vec<_> = facts.iter().filter_map(|caused| goes_to(&caused.fact, world)).collect();
    if places.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO stock_item (stock_item_id, sku, warehouse_id, seller_id, total, reserved, committed, version, head_hash,
                                 correlation_id)
         SELECT t.stock_item_id, t.sku, t.warehouse_id, t.seller_id, 0, 0, 0, 0, $5, t.stock_item_id
         FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) AS t (stock_item_id, sku, warehouse_id, seller_id)
         ORDER BY t.sku, t.warehouse_id
         ON CONFLICT (sku, warehouse_id) DO NOTHING",
    )
    .bind(places.iter().map(|place| place.new_id.uuid()).collect::<Vec<_>>())
    .bind(places.iter().map(|place| place.sku.as_str()).collect::<Vec<_>>())
    .bind(places.iter().map(|place| place.warehouse_id.uuid()).collect::<Vec<_>>())
    .bind(places.iter().map(|place| place.seller_id.uuid()).collect::<Vec<_>>())
    .bind([0_u8; 32].as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

/// Where a fact puts goods, and the id of their stock item if they are the first.
struct GoesTo<'a> {
    new_id: StockItemId,
    warehouse_id: WarehouseId,
    seller_id: SellerId,
    sku: &'a Sku,
}

fn goes_to<'a>(fact: &'a Fact, world: &'a World) -> Option<GoesTo<'a>> {
    match fact {
        Fact::StockChange(change) => Some(GoesTo {
            new_id: change.new_stock_item_id,
            warehouse_id: change.warehouse_id,
            seller_id: change.seller_id,
            sku: &change.sku,
        }),
        Fact::TransferReceived(receipt) => {
            let transfer = world.transfer(receipt.transfer_id).filter(|_| receipt.quantity.is_some())?;
            Some(GoesTo {
                new_id: receipt.new_stock_item_id,
                warehouse_id: transfer.to_warehouse_id,
                seller_id: transfer.seller_id,
                sku: &transfer.sku,
            })
        }
        Fact::OrderCreated { .. }
        | Fact::OrderModified(_)
        | Fact::PaymentAuthorized(_)
        | Fact::OrderEnded(_)
        | Fact::ReservationDue(_)
        | Fact::BackorderDue(_)
        | Fact::ShipmentDispatched(_)
        | Fact::ReturnReceived(_)
        | Fact::ShipmentCancelled(_)
        | Fact::PartStopped(_)
        | Fact::DeliveryFailed(_)
        | Fact::PaymentRefunded { .. }
        | Fact::TransferDispatched(_) => None,
    }
}

/// Locks and loads the stock that orders may be taken from, that reservations hold, and that sellers change; and with it, in the same
/// statement, what decides from where it is taken and when it is low. Each row looks its warehouse and its seller's terms up by their keys:
/// `OFFSET 0` keeps the planner from walking those tables instead.
///
/// Where orders may wait, how many may and do is locked before the stock, and read only so: two that come at once wait one after the other, and
/// a seller who lets nobody wait any more is not overlooked.
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
        "WITH queue AS MATERIALIZED (
             SELECT p.seller_id, p.sku, p.backorder_limit, p.waiting
             FROM unnest($1::uuid[], $2::text[]) AS shelf (seller_id, sku)
             JOIN sku_policy p ON p.seller_id = shelf.seller_id AND p.sku = shelf.sku
             WHERE p.backorder_limit > 0 OR p.waiting > 0
             ORDER BY p.sku, p.seller_id
             FOR UPDATE OF p
         ), seen AS (
             SELECT s.stock_item_id,
                    greatest(coalesce(sum(s.total - s.reserved - s.committed) FILTER (WHERE NOT w.closed)
                                      OVER (PARTITION BY s.sku, s.seller_id), 0) - coalesce(p.safety_stock, 0), 0)
                        >= shelf.least AS enough
             FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS shelf (seller_id, sku, least)
             JOIN stock_item s ON s.sku = shelf.sku AND s.seller_id = shelf.seller_id
             CROSS JOIN LATERAL (SELECT closed FROM warehouse WHERE warehouse_id = s.warehouse_id OFFSET 0) AS w
             LEFT JOIN LATERAL (SELECT safety_stock FROM sku_policy WHERE seller_id = shelf.seller_id AND sku = shelf.sku
                                OFFSET 0) AS p ON true
             WHERE (SELECT count(*) FROM queue) >= 0
         ), locked AS (
             SELECT s.* FROM stock_item s
             WHERE s.stock_item_id IN (SELECT stock_item_id FROM seen WHERE enough UNION SELECT unnest($4::uuid[]))
             ORDER BY s.sku, s.warehouse_id
             FOR UPDATE OF s
         ), found AS (
             SELECT *, true AS is_locked FROM locked
             UNION ALL
             SELECT s.*, false FROM seen JOIN stock_item s ON s.stock_item_id = seen.stock_item_id WHERE NOT seen.enough
         )
         SELECT f.*, w.*, p.allocation_strategy, k.*, q.backorder_limit, q.waiting
         FROM found f
         CROSS JOIN LATERAL (SELECT priority, closed, address ->> 'region_code' AS region_code,
                                    address ->> 'postal_code' AS postal_code
                             FROM warehouse WHERE warehouse_id = f.warehouse_id OFFSET 0) AS w
         LEFT JOIN LATERAL (SELECT allocation_strategy FROM stock_policy WHERE seller_id = f.seller_id OFFSET 0) AS p ON true
         LEFT JOIN LATERAL (SELECT low_stock_threshold, safety_stock, order_limit, reservation_seconds
                            FROM sku_policy WHERE seller_id = f.seller_id AND sku = f.sku OFFSET 0) AS k ON true
         LEFT JOIN queue q ON q.seller_id = f.seller_id AND q.sku = f.sku",
    )
    .bind(shelves.keys().map(|(seller_id, _)| *seller_id).collect::<Vec<_>>())
    .bind(shelves.keys().map(|(_, sku)| sku.clone()).collect::<Vec<_>>())
    .bind(shelves.values().copied().collect::<Vec<_>>())
    .bind(held)
    .fetch_all(tx)
    .await?;
    for row in &rows {
        let item = from_row(row)?;
        policy::add_terms(row, &item, world)?;
        if row.try_get("is_locked")? {
            heads.insert(item.id().uuid(), Head::from_row(row)?);
            world.add_stock_item(item);
        } else {
            world.add_sold_out(item);
        }
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
            Fact::OrderCreated { order_id, seller_id, lines, .. } if world.reservation(*order_id).is_none() => {
                for (sku, needed) in sum_demand(lines) {
                    reach(*seller_id, &sku, needed);
                }
            }
            // Unless the order holds what they ask for.
            Fact::OrderModified(modification) => {
                for (sku, needed) in modification.split_off.iter().flat_map(|(_, demand)| demand) {
                    reach(modification.seller_id, sku, *needed);
                }
            }
            Fact::StockChange(change) => reach(change.seller_id, &change.sku, 0),
            Fact::TransferDispatched(dispatch) => reach(dispatch.seller_id, &dispatch.sku, 0),
            Fact::TransferReceived(receipt) => {
                if let Some(transfer) = world.transfer(receipt.transfer_id) {
                    reach(transfer.seller_id, &transfer.sku, 0);
                }
            }
            Fact::BackorderDue(order_id) => {
                let waits = world.reservation(*order_id).and_then(|reservation| reservation.backorder.as_ref());
                if let Some(backorder) = waits {
                    backorder.demand.iter().for_each(|(sku, units)| reach(backorder.seller_id, sku, *units));
                }
            }
            // What these move is what a reservation holds, or nothing.
            Fact::OrderCreated { .. }
            | Fact::PaymentAuthorized(_)
            | Fact::OrderEnded(_)
            | Fact::ReservationDue(_)
            | Fact::ShipmentDispatched(_)
            | Fact::ReturnReceived(_)
            | Fact::ShipmentCancelled(_)
            | Fact::PartStopped(_)
            | Fact::DeliveryFailed(_)
            | Fact::PaymentRefunded { .. } => {}
        }
    }
    shelves
}

/// The stock items that the loaded reservations hold.
fn held_stock(facts: &[Caused<Fact>], world: &World) -> BTreeSet<Uuid> {
    let reservations = facts.iter().filter_map(|caused| world.reservation(caused.fact.order_id()?));
    reservations.flat_map(|reservation| &reservation.allocations).map(|a| a.stock_item_id.uuid()).collect()
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

/// What an order that comes now can have of a SKU, in units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offer {
    /// At once.
    pub available: i64,
    /// If it waits.
    pub backorder_available: i64,
}

/// What one order can have of each SKU; one that was never stocked, or only in warehouses that are closed, is absent.
pub async fn availability(pool: &PgPool, skus: &[Sku]) -> Result<BTreeMap<Sku, Offer>, Error> {
    let rows = sqlx::query(
        "SELECT s.*, k.low_stock_threshold, k.safety_stock, k.order_limit, k.reservation_seconds, k.backorder_limit,
                coalesce(k.waiting, 0) AS waiting
         FROM (SELECT s.seller_id, s.sku, sum(s.total - s.reserved - s.committed)::bigint AS available
               FROM stock_item s JOIN warehouse w ON w.warehouse_id = s.warehouse_id
               WHERE s.sku = ANY($1) AND NOT w.closed GROUP BY s.seller_id, s.sku) AS s
         LEFT JOIN sku_policy k ON k.seller_id = s.seller_id AND k.sku = s.sku",
    )
    .bind(skus.iter().map(Sku::as_str).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    let mut by_sku = BTreeMap::new();
    for row in &rows {
        let policy = policy::of_sku(row)?.unwrap_or_default();
        let waiting = row.try_get("waiting")?;
        let offer: &mut Offer = by_sku.entry(sku_from(row)?).or_default();
        offer.available += policy.for_one_order(row.try_get("available")?, waiting);
        offer.backorder_available += backorder::available(&policy, waiting);
    }
    Ok(by_sku)
}

/// The movements of a stock item, newest first, from below that time and id on if they are given, at most `limit`.
pub async fn movements(
    pool: &PgPool,
    stock_item_id: StockItemId,
    before: Option<(Timestamp, MovementId)>,
    limit: i64,
) -> Result<Vec<(Movement, Timestamp)>, Error> {
    let rows = sqlx::query(
        "SELECT * FROM stock_movement
         WHERE stock_item_id = $1 AND (created_at, movement_id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::uuid, $1))
         ORDER BY created_at DESC, movement_id DESC LIMIT $4",
    )
    .bind(stock_item_id.uuid())
    .bind(before.map(|(at, _)| OffsetDateTime::from(at)))
    .bind(before.map(|(_, id)| id.uuid()))
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

pub(super) fn sku_from(row: &PgRow) -> Result<Sku, Error> {
    let sku: &str = row.try_get("sku")?;
    sku.parse().map_err(|error| Error::Corrupt(format!("sku: {error}")))
}

const fn movement_type_to_text(movement_type: MovementType) -> &'static str {
    match movement_type {
        MovementType::Add => "add",
        MovementType::Remove => "remove",
        MovementType::Adjust => "adjust",
        MovementType::Return => "return",
        MovementType::WriteOff => "write_off",
        MovementType::TransferOut => "transfer_out",
        MovementType::TransferIn => "transfer_in",
    }
}

fn movement_type_from_text(text: &str) -> Option<MovementType> {
    match text {
        "add" => Some(MovementType::Add),
        "remove" => Some(MovementType::Remove),
        "adjust" => Some(MovementType::Adjust),
        "return" => Some(MovementType::Return),
        "write_off" => Some(MovementType::WriteOff),
        "transfer_out" => Some(MovementType::TransferOut),
        "transfer_in" => Some(MovementType::TransferIn),
        _ => None,
    }
}
