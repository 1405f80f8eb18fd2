//! Shipments as they are read, each with its lines and parcels.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use kernel::{Sku, Timestamp};
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, Row, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::address::Address;
use crate::domain::contents::Contents;
use crate::domain::ids::{BuyerId, OrderId, ParcelId, SellerId, ShipmentId, WarehouseId};
use crate::domain::parcel::{Parcel, ParcelFailure, ParcelState};
use crate::domain::rates::ServiceName;
use crate::domain::shipment::{Shipment, ShipmentStatus};

/// A shipment as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The shipment.
    pub shipment: Shipment,
    /// Where it stands.
    pub status: ShipmentStatus,
    /// The order.
    pub order_id: OrderId,
    /// Whose it is.
    pub parties: Parties,
    /// Where the parcels go.
    pub ship_to: Address,
    /// How it is to be sent.
    pub service: ServiceName,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whose an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The buyer.
    pub buyer_id: BuyerId,
    /// The seller.
    pub seller_id: SellerId,
}

impl Parties {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            buyer_id: BuyerId::from_uuid(row.try_get("buyer_id")?),
            seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        })
    }
}

/// Which shipments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Those of an order.
    Order(OrderId),
    /// A seller's.
    Seller(SellerId),
}

/// A transaction whose statements all see the same state: a shipment is never shown with the parcels of another moment.
pub async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(messaging::begin_snapshot(pool).await?)
}

/// Whose an order is, if something is to be sent for it.
pub async fn parties(connection: &mut PgConnection, order_id: OrderId) -> Result<Option<Parties>, Error> {
    let row = sqlx::query("SELECT buyer_id, seller_id FROM consignment WHERE order_id = $1")
        .bind(order_id.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row.as_ref().map(Parties::from_row).transpose()?)
}

/// A shipment, if it exists; in a [`snapshot`], or under the lock of its consignment.
pub async fn find(connection: &mut PgConnection, id: ShipmentId) -> Result<Option<Found>, Error> {
    let rows = sqlx::query(
        "SELECT s.*, c.buyer_id, c.ship_to, c.shipping_service FROM shipment s JOIN consignment c ON c.order_id = s.order_id
         WHERE s.shipment_id = $1",
    )
    .bind(id.uuid())
    .fetch_all(&mut *connection)
    .await?;
    Ok(read(connection, &rows).await?.pop())
}

/// Shipments of an order or a seller, those of the newest order first: those before `before`, at most `limit`; in a [`snapshot`].
pub async fn list(
    connection: &mut PgConnection,
    whose: Whose,
    status: Option<ShipmentStatus>,
    before: Option<(OrderId, ShipmentId)>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    // Two statements rather than one with conditions, so that each is served by its own index.
    let query = match whose {
        Whose::Order(id) => sqlx::query(
            "SELECT s.*, c.buyer_id, c.ship_to, c.shipping_service FROM shipment s JOIN consignment c ON c.order_id = s.order_id
             WHERE s.order_id = $1 AND (s.order_id, s.shipment_id) < ($2, $3) AND ($4::text IS NULL OR s.status = $4)
             ORDER BY s.order_id DESC, s.shipment_id DESC LIMIT $5",
        )
        .bind(id.uuid()),
        Whose::Seller(id) => sqlx::query(
            "SELECT s.*, c.buyer_id, c.ship_to, c.shipping_service FROM shipment s JOIN consignment c ON c.order_id = s.order_id
             WHERE s.seller_id = $1 AND (s.order_id, s.shipment_id) < ($2, $3) AND ($4::text IS NULL OR s.status = $4)
             ORDER BY s.order_id DESC, s.shipment_id DESC LIMIT $5",
        )
        .bind(id.uuid()),
    };
    let (order_id, shipment_id) = before.map_or((Uuid::max(), Uuid::max()), |(order, id)| (order.uuid(), id.uuid()));
    let rows = query
        .bind(order_id)
        .bind(shipment_id)
        .bind(status.map(ShipmentStatus::as_str))
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    read(connection, &rows).await
}

async fn read(connection: &mut PgConnection, rows: &[PgRow]) -> Result<Vec<Found>, Error> {
    let shipments = shipments_from_rows(connection, rows).await?;
    rows.iter().zip(shipments).map(|(row, shipment)| found_from_row(row, shipment)).collect()
}

fn found_from_row(row: &PgRow, shipment: Shipment) -> Result<Found, Error> {
    let Json(ship_to) = row.try_get("ship_to")?;
    let status: &str = row.try_get("status")?;
    Ok(Found {
        shipment,
        status: ShipmentStatus::from_name(status).ok_or_else(|| corrupt("status", status))?,
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        parties: Parties::from_row(row)?,
        ship_to,
        service: super::consignment::service(row)?,
        created_at: timestamp(row, "created_at")?,
        updated_at: timestamp(row, "updated_at")?,
    })
}

/// The shipments of these rows, in their order, with the lines and parcels that belong to them.
pub(super) async fn shipments_from_rows(connection: &mut PgConnection, rows: &[PgRow]) -> Result<Vec<Shipment>, Error> {
    let ids = rows.iter().map(|row| row.try_get("shipment_id")).collect::<Result<Vec<Uuid>, _>>()?;
    let mut lines = lines_of(connection, &ids).await?;
    let mut parcels = parcels_of(connection, &ids).await?;
    let shipment = |(row, id): (&PgRow, &Uuid)| {
        let lines = lines.remove(id).unwrap_or_default();
        Ok(Shipment {
            id: ShipmentId::from_uuid(*id),
            warehouse_id: WarehouseId::from_uuid(row.try_get("warehouse_id")?),
            holds: Contents::from_units(lines.iter().map(|line| (line.sku.clone(), line.quantity))),
            stopped: Contents::from_units(lines.into_iter().map(|line| (line.sku, line.stopped))),
            parcels: parcels.remove(id).unwrap_or_default(),
        })
    };
    rows.iter().zip(&ids).map(shipment).collect()
}

/// Units of a SKU that a shipment holds, and those of them that will not leave.
struct Line {
    sku: Sku,
    quantity: i64,
    stopped: i64,
}

async fn lines_of(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Line>>, Error> {
    let rows = sqlx::query("SELECT shipment_id, sku, quantity, stopped FROM shipment_line WHERE shipment_id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut lines: HashMap<Uuid, Vec<Line>> = HashMap::with_capacity(ids.len());
    for row in &rows {
        let sku: &str = row.try_get("sku")?;
        let sku = sku.parse().map_err(|error| corrupt("sku", error))?;
        let line = Line { sku, quantity: row.try_get("quantity")?, stopped: row.try_get("stopped")? };
        lines.entry(row.try_get("shipment_id")?).or_default().push(line);
    }
    Ok(lines)
}

async fn parcels_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, BTreeMap<ParcelId, Parcel>>, Error> {
    let rows = sqlx::query("SELECT * FROM parcel WHERE shipment_id = ANY($1)").bind(ids).fetch_all(connection).await?;
    let mut parcels: HashMap<Uuid, BTreeMap<ParcelId, Parcel>> = HashMap::with_capacity(ids.len());
    for row in &rows {
        let parcel = parcel_from_row(row)?;
        parcels.entry(row.try_get("shipment_id")?).or_default().insert(parcel.id, parcel);
    }
    Ok(parcels)
}

fn parcel_from_row(row: &PgRow) -> Result<Parcel, Error> {
    let (carrier, tracking_number): (&str, &str) = (row.try_get("carrier")?, row.try_get("tracking_number")?);
    let Json(contents) = row.try_get("contents")?;
    Ok(Parcel {
        id: ParcelId::from_uuid(row.try_get("parcel_id")?),
        carrier: carrier.parse().map_err(|error| corrupt("carrier", error))?,
        tracking_number: tracking_number.parse().map_err(|error| corrupt("tracking_number", error))?,
        contents,
        dispatched_at: timestamp(row, "dispatched_at")?,
        state: state_from_row(row)?,
    })
}

fn state_from_row(row: &PgRow) -> Result<ParcelState, Error> {
    if let Some(name) = row.try_get::<Option<&str>, _>("failure")? {
        let failure = ParcelFailure::from_name(name).ok_or_else(|| corrupt("failure", name))?;
        return Ok(ParcelState::Failed { failure, at: timestamp(row, "failed_at")? });
    }
    Ok(match row.try_get::<Option<OffsetDateTime>, _>("delivered_at")? {
        Some(at) => ParcelState::Delivered { at: at.into() },
        None => ParcelState::Dispatched,
    })
}

pub(super) fn timestamp(row: &PgRow, column: &str) -> Result<Timestamp, Error> {
    Ok(row.try_get::<OffsetDateTime, _>(column)?.into())
}

pub(super) fn corrupt(column: &str, error: impl Display) -> Error {
    Error::Corrupt(format!("{column}: {error}"))
}
