//! Tables `consignment`, `shipment`, `shipment_line` and `parcel`: how decisions load and save them, and with them the returns.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Money, Sku, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::goods_return;
use super::shipment::{corrupt, shipments_from_rows};
use crate::domain::consignment::{Cancellation, Consignment, PartStop, Terms};
use crate::domain::fact::Fact;
use crate::domain::goods_return::Return;
use crate::domain::ids::{BuyerId, OrderId, RefundNumber, ReturnId, SellerId, ShipmentId, shipment_id};
use crate::domain::parcel::{Parcel, ParcelState};
use crate::domain::rates::ServiceName;
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
    for row in &rows {
        heads.insert(row.try_get("order_id")?, Head::from_row(row)?);
    }
    Ok((World::new(from_rows(tx, &rows, &ids).await?), heads))
}

/// A consignment, if it exists; in a [`super::snapshot`].
pub async fn find_consignment(connection: &mut PgConnection, order_id: OrderId) -> Result<Option<Consignment>, Error> {
    let rows = sqlx::query("SELECT * FROM consignment WHERE order_id = $1")
        .bind(order_id.uuid())
        .fetch_all(&mut *connection)
        .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(from_rows(connection, &rows, &[order_id.uuid()]).await?.pop())
}

/// Consignments with all that belongs to them.
async fn from_rows(connection: &mut PgConnection, rows: &[PgRow], ids: &[Uuid]) -> Result<Vec<Consignment>, Error> {
    let shipments = sqlx::query("SELECT shipment_id, order_id, warehouse_id FROM shipment WHERE order_id = ANY($1)")
        .bind(ids)
        .fetch_all(&mut *connection)
        .await?;
    let mut of_order: BTreeMap<OrderId, BTreeMap<ShipmentId, Shipment>> = BTreeMap::new();
    for (row, shipment) in shipments.iter().zip(shipments_from_rows(connection, &shipments).await?) {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        of_order.entry(order_id).or_default().insert(shipment.id, shipment);
    }
    let mut returns: BTreeMap<OrderId, BTreeMap<ReturnId, Return>> = BTreeMap::new();
    for (order_id, goods_return) in goods_return::load(connection, ids).await? {
        returns.entry(order_id).or_default().insert(goods_return.id, goods_return);
    }
    let mut consignments = Vec::with_capacity(rows.len());
    for row in rows {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        consignments.push(Consignment {
            shipments: of_order.remove(&order_id).unwrap_or_default(),
            returns: returns.remove(&order_id).unwrap_or_default(),
            ..from_row(row, order_id)?
        });
    }
    Ok(consignments)
}

/// A consignment without what belongs to it.
fn from_row(row: &PgRow, order_id: OrderId) -> Result<Consignment, Error> {
    let Json(ship_to) = row.try_get("ship_to")?;
    let (cash_to_collect, sku_totals) = match row.try_get::<Option<i64>, _>("cash_minor")? {
        None => (None, BTreeMap::new()),
        Some(minor) => {
            let currency: &str = row.try_get("cash_currency")?;
            let currency = currency.parse().map_err(|error| corrupt("cash_currency", error))?;
            let Json(totals) = row.try_get::<Json<BTreeMap<Sku, i64>>, _>("sku_totals")?;
            let totals = totals.into_iter().map(|(sku, minor)| (sku, Money::from_minor(minor, currency)));
            (Some(Money::from_minor(minor, currency)), totals.collect())
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
            service: service(row)?,
            cash_to_collect,
            sku_totals,
        },
        shipments: BTreeMap::new(),
        returns: BTreeMap::new(),
        cancellation,
        part_stops: row.try_get::<Json<_>, _>("part_stops")?.0,
        remittance: remittance
            .map(|text| text.parse())
            .transpose()
            .map_err(|error| corrupt("remittance_reference", error))?,
    })
}

/// How a consignment is to be sent.
pub(super) fn service(row: &PgRow) -> Result<ServiceName, Error> {
    row.try_get::<&str, _>("shipping_service")?.parse().map_err(|error| corrupt("shipping_service", error))
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
    let ended = parcels(world, &changes.ended);
    if !ended.is_empty() {
        update_parcels(tx, &ended).await?;
    }
    goods_return::save(tx, world, now).await
}

/// New consignments with their shipments and lines, in one statement.
async fn insert(tx: &mut PgConnection, created: &[&Consignment], heads: &Heads, now: Timestamp) -> Result<(), Error> {
    let cash = |consignment: &&Consignment| consignment.terms.cash_to_collect;
    let shipments: Vec<(&Consignment, &Shipment)> = created
        .iter()
        .flat_map(|consignment| consignment.shipments.values().map(|shipment| (*consignment, shipment)))
        .collect();
    let mut lines: Vec<(ShipmentId, &Sku, [i64; 4])> = Vec::new();
    for (consignment, shipment) in &shipments {
        let (dispatched, back) = (shipment.dispatched(), consignment.received().accepted_at(shipment.warehouse_id));
        let counts = |sku, units| [units, dispatched.units(sku), back.units(sku), shipment.stopped.units(sku)];
        let line = |(sku, units)| (shipment.id, sku, counts(sku, units));
        lines.extend(shipment.holds.lines().map(line));
    }
    sqlx::query(
        "WITH consigned AS (
             INSERT INTO consignment (order_id, buyer_id, seller_id, ship_to, cash_minor, cash_currency, sku_totals,
                                      cancellation, part_stops, remittance_reference, version, head_hash, correlation_id, shipping_service)
             SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::bigint[], $7::text[], $8::jsonb[],
                                  $9::text[], $10::jsonb[], $11::text[], $12::bigint[], $13::bytea[], $14::uuid[], $26::text[])
         ), shipped AS (
             INSERT INTO shipment (shipment_id, order_id, warehouse_id, seller_id, status, created_at, updated_at)
             SELECT *, $1, $1 FROM unnest($15::uuid[], $16::uuid[], $17::uuid[], $18::uuid[], $19::text[])
         )
         INSERT INTO shipment_line (shipment_id, sku, quantity, dispatched, taken_back, stopped)
         SELECT * FROM unnest($20::uuid[], $21::text[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[])",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(created, |consignment| consignment.order_id.uuid()))
    .bind(column(created, |consignment| consignment.terms.buyer_id.uuid()))
    .bind(column(created, |consignment| consignment.terms.seller_id.uuid()))
    .bind(column(created, |consignment| Json(consignment.terms.ship_to.clone())))
    .bind(column(created, |consignment| cash(consignment).map(Money::minor)))
    .bind(column(created, |consignment| cash(consignment).map(|cash| cash.currency().code().to_owned())))
    .bind(column(created, |consignment| sku_totals(consignment)))
    .bind(column(created, |consignment| cancellation(consignment)))
    .bind(column(created, |consignment| part_stops(consignment)))
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
    .bind(column(&lines, |(.., [units, ..])| *units))
    .bind(column(&lines, |(.., [_, dispatched, ..])| *dispatched))
    .bind(column(&lines, |(.., [_, _, back, _])| *back))
    .bind(column(&lines, |(.., [.., stopped])| *stopped))
    .bind(column(created, |consignment| consignment.terms.service.to_string()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Consignments that were there before, with those of their shipments that changed, in one statement. What left, was taken back or stopped is
/// added to what was before, so that the CHECKs on a line count for themselves.
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
    let moved = moved(world);
    sqlx::query(
        "WITH consigned AS (
             UPDATE consignment c
             SET cancellation = t.cancellation, part_stops = t.part_stops, remittance_reference = t.remittance_reference,
                 version = t.version, head_hash = t.head_hash
             FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::bigint[], $7::bytea[])
                  AS t (order_id, cancellation, part_stops, remittance_reference, version, head_hash)
             WHERE c.order_id = t.order_id
         ), shipped AS (
             UPDATE shipment s SET status = t.status, updated_at = $1
             FROM unnest($8::uuid[], $9::text[]) AS t (shipment_id, status)
             WHERE s.shipment_id = t.shipment_id
         )
         UPDATE shipment_line l SET dispatched = l.dispatched + t.dispatched, taken_back = l.taken_back + t.taken_back,
                stopped = l.stopped + t.stopped
         FROM unnest($10::uuid[], $11::text[], $12::bigint[], $13::bigint[], $14::bigint[])
              AS t (shipment_id, sku, dispatched, taken_back, stopped)
         WHERE l.shipment_id = t.shipment_id AND l.sku = t.sku",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(changed, |consignment| consignment.order_id.uuid()))
    .bind(column(changed, |consignment| cancellation(consignment)))
    .bind(column(changed, |consignment| part_stops(consignment)))
    .bind(column(changed, |consignment| remittance(consignment)))
    .bind(column(changed, |consignment| head(consignment, heads).version))
    .bind(column(changed, |consignment| head(consignment, heads).hash.to_vec()))
    .bind(column(&shipments, |(shipment_id, _)| shipment_id.uuid()))
    .bind(column(&shipments, |(_, status)| status.as_str()))
    .bind(column(&moved, |((shipment_id, _), _)| shipment_id.uuid()))
    .bind(column(&moved, |((_, sku), _)| sku.to_string()))
    .bind(column(&moved, |(_, moved)| moved.dispatched))
    .bind(column(&moved, |(_, moved)| moved.taken_back))
    .bind(column(&moved, |(_, moved)| moved.stopped))
    .execute(tx)
    .await?;
    Ok(())
}

/// Units of a line that moved in a batch.
#[derive(Default)]
struct Moved {
    dispatched: i64,
    taken_back: i64,
    stopped: i64,
}

/// What moved of shipments that were there before.
fn moved(world: &World) -> Vec<((ShipmentId, Sku), Moved)> {
    let changes = world.changes();
    let was_there = |order_id: &OrderId| !changes.created.contains(order_id);
    let mut moved: BTreeMap<(ShipmentId, Sku), Moved> = BTreeMap::new();
    let dispatched = changes.dispatched.iter().filter(|(order_id, ..)| was_there(order_id));
    for (shipment_id, parcel) in parcels(world, dispatched) {
        for (sku, units) in parcel.contents.lines() {
            moved.entry((shipment_id, sku.clone())).or_default().dispatched += units;
        }
    }
    let receipts = changes.receipts.iter().filter(|(order_id, ..)| was_there(order_id));
    for taken in goods_return::receipts(world, receipts) {
        for (warehouse_id, condition, sku, units) in taken.received.lines() {
            if condition.is_accepted() {
                moved.entry((shipment_id(taken.order_id, warehouse_id), sku.clone())).or_default().taken_back += units;
            }
        }
    }
    let part_stops = changes.part_stops.iter().filter(|(order_id, _)| was_there(order_id));
    for (order_id, refund_number) in part_stops {
        let stop = world.consignment(*order_id).and_then(|consignment| consignment.part_stops.get(refund_number));
        for (warehouse_id, contents) in stop.iter().flat_map(|stop| stop.stopped.iter().flatten()) {
            for (sku, units) in contents.lines() {
                moved.entry((shipment_id(*order_id, *warehouse_id), sku.clone())).or_default().stopped += units;
            }
        }
    }
    moved.into_iter().collect()
}

/// Parcels that left. Fails on [`TRACKING_NUMBER_TAKEN`].
async fn insert_parcels(tx: &mut PgConnection, parcels: &[(ShipmentId, &Parcel)]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO parcel (parcel_id, shipment_id, carrier, tracking_number, contents, dispatched_at, delivered_at,
                             failure, failed_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[],
                              $7::timestamptz[], $8::text[], $9::timestamptz[])",
    )
    .bind(column(parcels, |(_, parcel)| parcel.id.uuid()))
    .bind(column(parcels, |(shipment_id, _)| shipment_id.uuid()))
    .bind(column(parcels, |(_, parcel)| parcel.carrier.to_string()))
    .bind(column(parcels, |(_, parcel)| parcel.tracking_number.to_string()))
    .bind(column(parcels, |(_, parcel)| Json(parcel.contents.clone())))
    .bind(column(parcels, |(_, parcel)| OffsetDateTime::from(parcel.dispatched_at)))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).delivered_at))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).failure))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).failed_at))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update_parcels(tx: &mut PgConnection, parcels: &[(ShipmentId, &Parcel)]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE parcel p SET delivered_at = t.delivered_at, failure = t.failure, failed_at = t.failed_at
         FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::timestamptz[])
              AS t (parcel_id, delivered_at, failure, failed_at)
         WHERE p.parcel_id = t.parcel_id",
    )
    .bind(column(parcels, |(_, parcel)| parcel.id.uuid()))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).delivered_at))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).failure))
    .bind(column(parcels, |(_, parcel)| Ended::of(parcel).failed_at))
    .execute(tx)
    .await?;
    Ok(())
}

/// The columns that say how a parcel ended; all null while it is on its way.
#[derive(Default)]
struct Ended {
    delivered_at: Option<OffsetDateTime>,
    failure: Option<&'static str>,
    failed_at: Option<OffsetDateTime>,
}

impl Ended {
    fn of(parcel: &Parcel) -> Self {
        match parcel.state {
            ParcelState::Dispatched => Self::default(),
            ParcelState::Delivered { at } => Self { delivered_at: Some(at.into()), ..Self::default() },
            ParcelState::Failed { failure, at } => {
                Self { failure: Some(failure.as_str()), failed_at: Some(at.into()), ..Self::default() }
            }
        }
    }
}

/// The parcels at these places, each with its shipment.
fn parcels<'a>(world: &'a World, places: impl IntoIterator<Item = &'a Place>) -> Vec<(ShipmentId, &'a Parcel)> {
    let parcel = |(order_id, shipment_id, parcel_id): &Place| {
        let shipment = world.consignment(*order_id)?.shipments.get(shipment_id)?;
        Some((*shipment_id, shipment.parcels.get(parcel_id)?))
    };
    places.into_iter().filter_map(parcel).collect()
}

fn sku_totals(consignment: &Consignment) -> Json<BTreeMap<Sku, i64>> {
    Json(consignment.terms.sku_totals.iter().map(|(sku, total)| (sku.clone(), total.minor())).collect())
}

fn cancellation(consignment: &Consignment) -> Option<&'static str> {
    consignment.cancellation.map(Cancellation::as_str)
}

fn part_stops(consignment: &Consignment) -> Json<BTreeMap<RefundNumber, PartStop>> {
    Json(consignment.part_stops.clone())
}

fn remittance(consignment: &Consignment) -> Option<String> {
    consignment.remittance.as_ref().map(ToString::to_string)
}

fn head(consignment: &Consignment, heads: &Heads) -> Head {
    heads.get(consignment.order_id.uuid()).expect("a consignment has a history from its creation on")
}

pub(super) fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
