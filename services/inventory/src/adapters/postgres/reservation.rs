//! Table `reservation`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Sku, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::address::Place;
use crate::domain::allocation::{Allocation, Returned};
use crate::domain::fact::Fact;
use crate::domain::ids::{OrderId, SellerId};
use crate::domain::reservation::{Backorder, Reservation, Status};
use crate::domain::world::World;

/// An allocation as the table keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct AllocationRow {
    pub(super) stock_item_id: Uuid,
    sku: Sku,
    warehouse_id: Uuid,
    quantity: i64,
    /// Of most it is none, and that is not written.
    #[serde(default, skip_serializing_if = "is_none")]
    dispatched: i64,
    /// Of nearly all it is none, and that is not written.
    #[serde(default, skip_serializing_if = "is_none")]
    released: i64,
    /// Of nearly all it is none, and that is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returned: Option<ReturnedRow>,
}

/// What is waited for, as the table keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct BackorderRow {
    seller_id: Uuid,
    demand: BTreeMap<Sku, i64>,
    short: BTreeSet<Sku>,
    region_code: String,
    postal_code: String,
    until_micros: i64,
}

impl From<&Backorder> for BackorderRow {
    fn from(backorder: &Backorder) -> Self {
        let (region_code, postal_code) = backorder.ship_to.parts();
        Self {
            seller_id: backorder.seller_id.uuid(),
            demand: backorder.demand.clone(),
            short: backorder.short.clone(),
            region_code: region_code.to_owned(),
            postal_code: postal_code.to_owned(),
            until_micros: backorder.until.unix_micros(),
        }
    }
}

impl From<BackorderRow> for Backorder {
    fn from(row: BackorderRow) -> Self {
        Self {
            seller_id: SellerId::from_uuid(row.seller_id),
            demand: row.demand,
            short: row.short,
            ship_to: Place::new(&row.region_code, &row.postal_code),
            until: Timestamp::from_unix_micros(row.until_micros),
        }
    }
}

/// What came back, as the table keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReturnedRow {
    resalable: i64,
    damaged: i64,
    not_accepted: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(units: &i64) -> bool {
    *units == 0
}

impl From<&Allocation> for AllocationRow {
    fn from(allocation: &Allocation) -> Self {
        Self {
            stock_item_id: allocation.stock_item_id.uuid(),
            sku: allocation.sku.clone(),
            warehouse_id: allocation.warehouse_id.uuid(),
            quantity: allocation.quantity,
            dispatched: allocation.dispatched,
            released: allocation.released,
            returned: Some(allocation.returned)
                .filter(|returned| returned.units() > 0)
                .map(|Returned { resalable, damaged, not_accepted }| ReturnedRow { resalable, damaged, not_accepted }),
        }
    }
}

impl From<AllocationRow> for Allocation {
    fn from(row: AllocationRow) -> Self {
        Self {
            stock_item_id: kernel::Id::from_uuid(row.stock_item_id),
            sku: row.sku,
            warehouse_id: kernel::Id::from_uuid(row.warehouse_id),
            quantity: row.quantity,
            dispatched: row.dispatched,
            released: row.released,
            returned: row.returned.map_or_else(Returned::default, |row| Returned {
                resalable: row.resalable,
                damaged: row.damaged,
                not_accepted: row.not_accepted,
            }),
        }
    }
}

/// Loads the reservations of the orders, which are locked by now.
pub(super) async fn load(
    tx: &mut PgConnection,
    facts: &[Caused<Fact>],
    world: &mut World,
    heads: &mut Heads,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = facts.iter().flat_map(|caused| caused.fact.order_ids()).map(OrderId::uuid).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query("SELECT * FROM reservation WHERE order_id = ANY($1)").bind(&ids).fetch_all(tx).await?;
    for row in &rows {
        let reservation = from_row(row)?;
        heads.insert(reservation.order_id.uuid(), Head::from_row(row)?);
        world.add_reservation(reservation);
    }
    Ok(())
}

/// Saves the reservations that are new or changed.
pub(super) async fn save(tx: &mut PgConnection, world: &World, heads: &Heads) -> Result<(), Error> {
    let changed = world.changes().reservations.iter().filter_map(|id| world.reservation(*id));
    let (stored, new): (Vec<_>, Vec<_>) = changed.partition(|reservation| world.is_stored(reservation.order_id));
    if !new.is_empty() {
        insert(tx, &new, heads).await?;
    }
    if !stored.is_empty() {
        update(tx, &stored, heads).await?;
    }
    Ok(())
}

async fn insert(tx: &mut PgConnection, new: &[&Reservation], heads: &Heads) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO reservation (order_id, status, allocations, expires_at, version, head_hash, correlation_id, backorder,
                                  terms_version)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::timestamptz[], $5::bigint[], $6::bytea[], $7::uuid[],
                              $8::jsonb[], $9::integer[])",
    )
    .bind(column(new, |reservation| reservation.order_id.uuid()))
    .bind(column(new, |reservation| status_to_text(reservation.status)))
    .bind(column(new, |reservation| allocation_rows(reservation)))
    .bind(column(new, |reservation| reservation.expires_at.map(OffsetDateTime::from)))
    .bind(column(new, |reservation| head(reservation, heads).version))
    .bind(column(new, |reservation| head(reservation, heads).hash.to_vec()))
    .bind(column(new, |reservation| head(reservation, heads).correlation_id))
    .bind(column(new, |reservation| backorder_row(reservation)))
    .bind(column(new, |reservation| reservation.terms_version))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update(tx: &mut PgConnection, changed: &[&Reservation], heads: &Heads) -> Result<(), Error> {
    sqlx::query(
        "UPDATE reservation r
         SET status = t.status, allocations = t.allocations, expires_at = t.expires_at, backorder = t.backorder,
             version = t.version, head_hash = t.head_hash, terms_version = t.terms_version
         FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::bigint[], $5::bytea[], $6::timestamptz[], $7::jsonb[], $8::integer[])
              AS t (order_id, status, allocations, version, head_hash, expires_at, backorder, terms_version)
         WHERE r.order_id = t.order_id",
    )
    .bind(column(changed, |reservation| reservation.order_id.uuid()))
    .bind(column(changed, |reservation| status_to_text(reservation.status)))
    .bind(column(changed, |reservation| allocation_rows(reservation)))
    .bind(column(changed, |reservation| head(reservation, heads).version))
    .bind(column(changed, |reservation| head(reservation, heads).hash.to_vec()))
    .bind(column(changed, |reservation| reservation.expires_at.map(OffsetDateTime::from)))
    .bind(column(changed, |reservation| backorder_row(reservation)))
    .bind(column(changed, |reservation| reservation.terms_version))
    .execute(tx)
    .await?;
    Ok(())
}

/// A tombstone has no history: no event was recorded about it.
fn head(reservation: &Reservation, heads: &Heads) -> Head {
    let id = reservation.order_id.uuid();
    heads.get(id).unwrap_or(Head::begin(id))
}

fn allocation_rows(reservation: &Reservation) -> Json<Vec<AllocationRow>> {
    Json(reservation.allocations.iter().map(AllocationRow::from).collect())
}

fn backorder_row(reservation: &Reservation) -> Option<Json<BackorderRow>> {
    reservation.backorder.as_ref().map(|backorder| Json(BackorderRow::from(backorder)))
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The reservation of an order, and its version.
pub async fn find(executor: impl PgExecutor<'_>, order_id: OrderId) -> Result<Option<(Reservation, i64)>, Error> {
    let row = sqlx::query("SELECT * FROM reservation WHERE order_id = $1")
        .bind(order_id.uuid())
        .fetch_optional(executor)
        .await?;
    row.map(|row| Ok((from_row(&row)?, row.try_get("version")?))).transpose()
}

/// The reservations of many orders, by order, and their versions; an order without one is absent.
pub async fn find_many(pool: &PgPool, order_ids: &[OrderId]) -> Result<HashMap<OrderId, (Reservation, i64)>, Error> {
    let ids: Vec<Uuid> = order_ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query("SELECT * FROM reservation WHERE order_id = ANY($1)").bind(ids).fetch_all(pool).await?;
    let found =
        |row: &PgRow| Ok((OrderId::from_uuid(row.try_get("order_id")?), (from_row(row)?, row.try_get("version")?)));
    rows.iter().map(found).collect()
}

/// Reservations that hold stock, of orders after `after`, the oldest order first, at most `limit`, and their versions.
pub async fn held(pool: &PgPool, after: OrderId, limit: i64) -> Result<Vec<(Reservation, i64)>, Error> {
    let rows = sqlx::query(
        "SELECT * FROM reservation
         WHERE (status = 'active' OR status = 'committed' AND
                jsonb_path_exists(allocations, '$[*] ? (!exists(@.dispatched) && !exists(@.released) || @.dispatched < @.quantity
                    && !exists(@.released) || @.released < @.quantity && !exists(@.dispatched)
                    || @.dispatched + @.released < @.quantity)'))
           AND order_id > $1
         ORDER BY order_id LIMIT $2",
    )
    .bind(after.uuid())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((from_row(row)?, row.try_get("version")?))).collect()
}

/// Orders whose reservation is past its time, the oldest first, at most `limit`.
pub async fn due(pool: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT order_id FROM reservation WHERE status = 'active' AND expires_at <= $1 ORDER BY expires_at LIMIT $2",
    )
    .bind(OffsetDateTime::from(now))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

/// Orders that wait, and of whose stock there is enough now or that have waited long enough, the oldest first, at most `limit`.
pub async fn backorders_due(pool: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT r.order_id FROM reservation r
         WHERE r.status = 'backordered'
           AND ((r.backorder ->> 'until_micros')::bigint <= $1
                OR NOT EXISTS (
                    SELECT FROM jsonb_each_text(r.backorder -> 'demand') AS wanted (sku, units)
                    WHERE wanted.units::bigint > coalesce((
                        SELECT sum(s.total - s.reserved - s.committed) - coalesce(max(p.safety_stock), 0)
                        FROM stock_item s
                        JOIN warehouse w ON w.warehouse_id = s.warehouse_id AND NOT w.closed
                        LEFT JOIN sku_policy p ON p.seller_id = s.seller_id AND p.sku = s.sku
                        WHERE s.sku = wanted.sku AND s.seller_id = (r.backorder ->> 'seller_id')::uuid), 0)))
         ORDER BY r.order_id LIMIT $2",
    )
    .bind(now.unix_micros())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

fn from_row(row: &PgRow) -> Result<Reservation, Error> {
    let status: &str = row.try_get("status")?;
    let Json(allocations): Json<Vec<AllocationRow>> = row.try_get("allocations")?;
    Ok(Reservation {
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        status: status_from_text(status).ok_or_else(|| Error::Corrupt(format!("reservation status {status:?}")))?,
        allocations: allocations.into_iter().map(Allocation::from).collect(),
        expires_at: row.try_get::<Option<OffsetDateTime>, _>("expires_at")?.map(Timestamp::from),
        backorder: row.try_get::<Option<Json<BackorderRow>>, _>("backorder")?.map(|Json(backorder)| backorder.into()),
        terms_version: row.try_get("terms_version")?,
    })
}

const fn status_to_text(status: Status) -> &'static str {
    match status {
        Status::Backordered => "backordered",
        Status::Active => "active",
        Status::Committed => "committed",
        Status::Released => "released",
        Status::Expired => "expired",
        Status::CommitRefused => "commit_refused",
        Status::Rejected => "rejected",
        Status::Tombstone => "tombstone",
    }
}

fn status_from_text(text: &str) -> Option<Status> {
    Some(match text {
        "backordered" => Status::Backordered,
        "active" => Status::Active,
        "committed" => Status::Committed,
        "released" => Status::Released,
        "expired" => Status::Expired,
        "commit_refused" => Status::CommitRefused,
        "rejected" => Status::Rejected,
        "tombstone" => Status::Tombstone,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_as_it_was_written() {
        let all = [
            Status::Backordered,
            Status::Active,
            Status::Committed,
            Status::Released,
            Status::Expired,
            Status::CommitRefused,
            Status::Rejected,
            Status::Tombstone,
        ];
        assert_eq!(all.map(|status| status_from_text(status_to_text(status))), all.map(Some));
        assert_eq!(status_from_text("reserved"), None);
    }
}
