//! Tables `consignment`, `shipment`, `shipment_line` and `parcel`: how decisions load and save them.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Money, Sku, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::shipment::{corrupt, shipments_from_rows};
use crate::domain::consignment::{Cancellation, Consignment, Terms};
use crate::domain::fact::Fact;
use crate::domain::ids::{BuyerId, OrderId, SellerId, ShipmentId};
use crate::domain::parcel::Parcel;
use crate::domain::shipment::{Shipment, ShipmentStatus};
use crate::domain::world::{Place, World};

/// Name of the constraint that keeps a tracking number unique for its carrier.
pub const TRACKING_NUMBER_TAKEN: &str = "parcel_tracking_number_taken";

/// Loads and locks the consignments that the facts touch, in the order of their ids.
///
/// One that does not exist cannot be locked, and need not be: only one event creates it, and an event is taken once. Two that both
/// claim its id meet at the primary key. What belongs to a consignment is read by statements of its own, after the lock: joined to
/// it, it would be seen as it was before whoever held the lock committed.
pub async fn load(tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
    let ids: Vec<Uuid> = facts.iter().map(|caused| caused.fact.order_id().uuid()).collect();
    let rows = sqlx::query("SELECT * FROM consignment WHERE order_id = ANY($1) ORDER BY order_id FOR UPDATE")
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
    let mut heads = Heads::default();
    if rows.is_empty() {
        return Ok((World::default(), heads));
    }
    let shipments = sqlx::query("SELECT shipment_id, order_id, warehouse_id FROM shipment WHERE order_id = ANY($1)")
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await?;
    let mut of_order: BTreeMap<OrderId, BTreeMap<ShipmentId, Shipment>> = BTreeMap::new();
    for (row, shipment) in shipments.iter().zip(shipments_from_rows(tx, &shipments).await?) {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        of_order.entry(order_id).or_default().insert(shipment.id, shipment);
    }
    let mut consignments = Vec::with_capacity(rows.len());
    for row in &rows {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        heads.insert(order_id.uuid(), Head::from_row(row)?);
        consignments.push(from_row(row, order_id, of_order.remove(&order_id).unwrap_or_default())?);
    }
    Ok((World::new(consignments), heads))
}

fn from_row(row: &PgRow, order_id: OrderId, shipments: BTreeMap<ShipmentId, Shipment>) -> Result<Consignment, Error> {
    let Json(ship_to) = row.try_get("ship_to")?;
    let cash_to_collect = match row.try_get::<Option<i64>, _>("cash_minor")? {
        None => None,
        Some(minor) => {
            let currency: &str = row.try_get("cash_currency")?;
            Some(Money::from_minor(minor, currency.parse().map_err(|error| corrupt("cash_currency", error))?))
        }
    };
    let cancellation = match row.try_get::<Option<&str>, _>("cancellation")? {
        None => None,
        Some(name) => Some(Cancellation::from_name(name).ok_or_else(|| corrupt("cancellation", name))?),
    };
    let remittance: Option<String> = row.try_get("remittance_reference")?;
    Ok(Consignment {
        order_id,
        terms: Terms {
            buyer_id: BuyerId::from_uuid(row.try_get("buyer_id")?),
            seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
            ship_to,
            cash_to_collect,
        },
        shipments,
        cancellation,
        remittance: remittance
            .map(|text| text.parse())
            .transpose()
            .map_err(|error| corrupt("remittance_reference", error))?,
    })
}

/// Saves what was created and what changed. A consignment's row comes with its head.
pub async fn save(tx: &mut PgConnection, world: &World, heads: &Heads, now: Timestamp) -> Result<(), Error> {
    let changes = world.changes();
    let consignments = |ids: &BTreeSet<OrderId>| -> Vec<&Consignment> {
        ids.iter().filter_map(|order_id| world.consignment(*order_id)).collect()
    };
    let created = consignments(&changes.created);
    if !created.is_empty() {
        insert(tx, &created, heads, now).await?;
    }
    let changed = consignments(&changes.changed);
    if !changed.is_empty() {
        update(tx, &changed, world, heads, now).await?;
    }
    let dispatched = parcels(world, &changes.dispatched);
    if !dispatched.is_empty() {
        insert_parcels(tx, &dispatched).await?;
    }
    let delivered = parcels(world, &changes.delivered);
    if !delivered.is_empty() {
        update_parcels(tx, &delivered).await?;
    }
    Ok(())
}

/// New consignments with their shipments and lines, in one statement.
async fn insert(tx: &mut PgConnection, created: &[&Consignment], heads: &Heads, now: Timestamp) -> Result<(), Error> {
    let cash = |consignment: &&Consignment| consignment.terms.cash_to_collect;
    let shipments: Vec<(&Consignment, &Shipment)> = created
        .iter()
        .flat_map(|consignment| consignment.shipments.values().map(|shipment| (*consignment, shipment)))
        .collect();
    let mut lines: Vec<(ShipmentId, &Sku, i64, i64)> = Vec::new();
    for (_, shipment) in &shipments {
        let dispatched = shipment.dispatched();
        lines.extend(shipment.holds.lines().map(|(sku, units)| (shipment.id, sku, units, dispatched.units(sku))));
    }
    sqlx::query(
        "WITH consigned AS (
             INSERT INTO consignment (order_id, buyer_id, seller_id, ship_to, cash_minor, cash_currency, cancellation,
                                      remittance_reference, version, head_hash, correlation_id)
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::bigint[], $7::text[], $8::text[],
                                  $9::text[], $10::bigint[], $11::bytea[], $12::uuid[])
         ), shipped AS (
             INSERT INTO shipment (shipment_id, order_id, warehouse_id, seller_id, status, created_at, updated_at)
             SELECT *, $1, $1 FROM unnest($13::uuid[], $14::uuid[], $15::uuid[], $16::uuid[], $17::text[])
         )
         INSERT INTO shipment_line (shipment_id, sku, quantity, dispatched)
         SELECT * FROM unnest($18::uuid[], $19::text[], $20::bigint[], $21::bigint[])",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(created, |consignment| consignment.order_id.uuid()))
    .bind(column(created, |consignment| consignment.terms.buyer_id.uuid()))
    .bind(column(created, |consignment| consignment.terms.seller_id.uuid()))
    .bind(column(created, |consignment| Json(consignment.terms.ship_to.clone())))
    .bind(column(created, |consignment| cash(consignment).map(Money::minor)))
    .bind(column(created, |consignment| cash(consignment).map(|cash| cash.currency().code().to_owned())))
    .bind(column(created, |consignment| cancellation(consignment)))
    .bind(column(created, |consignment| remittance(consignment)))
    .bind(column(created, |consignment| head(consignment, heads).version))
    .bind(column(created, |consignment| head(consignment, heads).hash.to_vec()))
    .bind(column(created, |consignment| head(consignment, heads).correlation_id))
    .bind(column(&shipments, |(_, shipment)| shipment.id.uuid()))
    .bind(column(&shipments, |(consignment, _)| consignment.order_id.uuid()))
    .bind(column(&shipments, |(_, shipment)| shipment.warehouse_id.uuid()))
    .bind(column(&shipments, |(consignment, _)| consignment.terms.seller_id.uuid()))
    .bind(column(&shipments, |(consignment, shipment)| consignment.status_of(shipment).as_str()))
    .bind(column(&lines, |(shipment_id, ..)| shipment_id.uuid()))
    .bind(column(&lines, |(_, sku, ..)| sku.to_string()))
    .bind(column(&lines, |(_, _, units, _)| *units))
    .bind(column(&lines, |(.., dispatched)| *dispatched))
    .execute(tx)
    .await?;
    Ok(())
}

/// Consignments that were there before, with those of their shipments that changed, in one statement. What left is added to what had
/// left before, so that the CHECK on a line counts for itself.
async fn update(
    tx: &mut PgConnection,
    changed: &[&Consignment],
    world: &World,
    heads: &Heads,
    now: Timestamp,
) -> Result<(), Error> {
    let changes = world.changes();
    let shipment = |(order_id, shipment_id): &(OrderId, ShipmentId)| {
        let consignment = world.consignment(*order_id)?;
        Some((*shipment_id, consignment.status_of(consignment.shipments.get(shipment_id)?)))
    };
    let shipments: Vec<(ShipmentId, ShipmentStatus)> = changes.shipments.iter().filter_map(shipment).collect();
    let mut left: BTreeMap<(ShipmentId, &Sku), i64> = BTreeMap::new();
    let was_there = changes.dispatched.iter().filter(|(order_id, ..)| !changes.created.contains(order_id));
    for (shipment_id, parcel) in parcels(world, was_there) {
        for (sku, units) in parcel.contents.lines() {
            *left.entry((shipment_id, sku)).or_default() += units;
        }
    }
    let left: Vec<_> = left.into_iter().collect();
    sqlx::query(
        "WITH consigned AS (
             UPDATE consignment c
             SET cancellation = t.cancellation, remittance_reference = t.remittance_reference, version = t.version,
                 head_hash = t.head_hash
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bytea[])
                  AS t (order_id, cancellation, remittance_reference, version, head_hash)
             WHERE c.order_id = t.order_id
         ), shipped AS (
             UPDATE shipment s SET status = t.status, updated_at = $1
             FROM unnest($7::uuid[], $8::text[]) AS t (shipment_id, status)
             WHERE s.shipment_id = t.shipment_id
         )
         UPDATE shipment_line l SET dispatched = l.dispatched + t.units
         FROM unnest($9::uuid[], $10::text[], $11::bigint[]) AS t (shipment_id, sku, units)
         WHERE l.shipment_id = t.shipment_id AND l.sku = t.sku",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(changed, |consignment| consignment.order_id.uuid()))
    .bind(column(changed, |consignment| cancellation(consignment)))
    .bind(column(changed, |consignment| remittance(consignment)))
    .bind(column(changed, |consignment| head(consignment, heads).version))
    .bind(column(changed, |consignment| head(consignment, heads).hash.to_vec()))
    .bind(column(&shipments, |(shipment_id, _)| shipment_id.uuid()))
    .bind(column(&shipments, |(_, status)| status.as_str()))
    .bind(column(&left, |((shipment_id, _), _)| shipment_id.uuid()))
    .bind(column(&left, |((_, sku), _)| sku.to_string()))
    .bind(column(&left, |(_, units)| *units))
    .execute(tx)
    .await?;
    Ok(())
}

/// Parcels that left. Fails on [`TRACKING_NUMBER_TAKEN`].
async fn insert_parcels(tx: &mut PgConnection, parcels: &[(ShipmentId, &Parcel)]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO parcel (parcel_id, shipment_id, carrier, tracking_number, contents, dispatched_at, delivered_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[],
                              $7::timestamptz[])",
    )
    .bind(column(parcels, |(_, parcel)| parcel.id.uuid()))
    .bind(column(parcels, |(shipment_id, _)| shipment_id.uuid()))
    .bind(column(parcels, |(_, parcel)| parcel.carrier.to_string()))
    .bind(column(parcels, |(_, parcel)| parcel.tracking_number.to_string()))
    .bind(column(parcels, |(_, parcel)| Json(parcel.contents.clone())))
    .bind(column(parcels, |(_, parcel)| OffsetDateTime::from(parcel.dispatched_at)))
    .bind(column(parcels, |(_, parcel)| parcel.delivered_at.map(OffsetDateTime::from)))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update_parcels(tx: &mut PgConnection, parcels: &[(ShipmentId, &Parcel)]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE parcel p SET delivered_at = t.delivered_at
         FROM unnest($1::uuid[], $2::timestamptz[]) AS t (parcel_id, delivered_at)
         WHERE p.parcel_id = t.parcel_id",
    )
    .bind(column(parcels, |(_, parcel)| parcel.id.uuid()))
    .bind(column(parcels, |(_, parcel)| parcel.delivered_at.map(OffsetDateTime::from)))
    .execute(tx)
    .await?;
    Ok(())
}

/// The parcels at these places, each with its shipment.
fn parcels<'a>(world: &'a World, places: impl IntoIterator<Item = &'a Place>) -> Vec<(ShipmentId, &'a Parcel)> {
    let parcel = |(order_id, shipment_id, parcel_id): &Place| {
        let shipment = world.consignment(*order_id)?.shipments.get(shipment_id)?;
        Some((*shipment_id, shipment.parcels.get(parcel_id)?))
    };
    places.into_iter().filter_map(parcel).collect()
}

fn cancellation(consignment: &Consignment) -> Option<&'static str> {
    consignment.cancellation.map(Cancellation::as_str)
}

fn remittance(consignment: &Consignment) -> Option<String> {
    consignment.remittance.as_ref().map(ToString::to_string)
}

fn head(consignment: &Consignment, heads: &Heads) -> Head {
    heads.get(consignment.order_id.uuid()).expect("a consignment has a history from its creation on")
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
