//! Tables `goods_return` and `goods_receipt`: how decisions load and save them, and with them the labels, and how they are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::Timestamp;
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::consignment::column;
use super::return_label;
use super::shipment::{corrupt, timestamp};
use crate::domain::goods_return::{Received, Return, ReturnOrigin, ReturnStatus};
use crate::domain::ids::{OrderId, ParcelId, ReceiptId, ReturnId};
use crate::domain::world::World;

/// A return as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundReturn {
    /// The return.
    pub goods_return: Return,
    /// The order.
    pub order_id: OrderId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The returns of an order, oldest first; in a [`super::snapshot`].
pub async fn returns(connection: &mut PgConnection, order_id: OrderId) -> Result<Vec<FoundReturn>, Error> {
    let rows = sqlx::query("SELECT * FROM goods_return WHERE order_id = $1 ORDER BY created_at, return_id")
        .bind(order_id.uuid())
        .fetch_all(&mut *connection)
        .await?;
    from_rows(connection, &rows).await
}

/// A return, if it exists; under the lock of its consignment.
pub async fn find_return(connection: &mut PgConnection, id: ReturnId) -> Result<Option<FoundReturn>, Error> {
    let rows = sqlx::query("SELECT * FROM goods_return WHERE return_id = $1")
        .bind(id.uuid())
        .fetch_all(&mut *connection)
        .await?;
    Ok(from_rows(connection, &rows).await?.pop())
}

/// The returns of orders whose consignments are locked.
pub(super) async fn load(tx: &mut PgConnection, order_ids: &[Uuid]) -> Result<Vec<(OrderId, Return)>, Error> {
    let rows =
        sqlx::query("SELECT * FROM goods_return WHERE order_id = ANY($1)").bind(order_ids).fetch_all(&mut *tx).await?;
    let found = from_rows(tx, &rows).await?;
    Ok(found.into_iter().map(|found| (found.order_id, found.goods_return)).collect())
}

async fn from_rows(connection: &mut PgConnection, rows: &[PgRow]) -> Result<Vec<FoundReturn>, Error> {
    // Most orders have none.
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids = rows.iter().map(|row| row.try_get("return_id")).collect::<Result<Vec<Uuid>, _>>()?;
    let mut receipts = receipts_of(connection, &ids).await?;
    let mut labels = return_label::labels_of(connection, &ids).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(&ids) {
        let mut one = from_row(row, *id)?;
        one.goods_return.receipts = receipts.remove(id).unwrap_or_default();
        one.goods_return.labels = labels.remove(id).unwrap_or_default();
        found.push(one);
    }
    Ok(found)
}

/// A return without what belongs to it.
fn from_row(row: &PgRow, id: Uuid) -> Result<FoundReturn, Error> {
    let origin = match (row.try_get("refund_number")?, row.try_get("parcel_id")?) {
        (Some(refund_number), None) => ReturnOrigin::Refund(refund_number),
        (None, Some(parcel_id)) => ReturnOrigin::Parcel(ParcelId::from_uuid(parcel_id)),
        (Some(_), Some(_)) | (None, None) => return Err(corrupt("parcel_id", "it is of a refund or of a parcel")),
    };
    let Json(awaited) = row.try_get("awaited")?;
    let status: &str = row.try_get("status")?;
    Ok(FoundReturn {
        goods_return: Return {
            id: ReturnId::from_uuid(id),
            origin,
            awaited,
            receipts: BTreeMap::new(),
            labels: BTreeMap::new(),
            status: ReturnStatus::from_name(status).ok_or_else(|| corrupt("status", status))?,
        },
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        created_at: timestamp(row, "created_at")?,
        updated_at: timestamp(row, "updated_at")?,
    })
}

async fn receipts_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, BTreeMap<ReceiptId, Received>>, Error> {
    let rows = sqlx::query("SELECT return_id, receipt_id, received FROM goods_receipt WHERE return_id = ANY($1)")
        .bind(ids)
        .fetch_all(connection)
        .await?;
    let mut receipts: HashMap<Uuid, BTreeMap<ReceiptId, Received>> = HashMap::with_capacity(ids.len());
    for row in &rows {
        let Json(received) = row.try_get("received")?;
        let receipt_id = ReceiptId::from_uuid(row.try_get("receipt_id")?);
        receipts.entry(row.try_get("return_id")?).or_default().insert(receipt_id, received);
    }
    Ok(receipts)
}

/// Saves returns that were opened or changed, what came back, and labels.
pub(super) async fn save(tx: &mut PgConnection, world: &World, now: Timestamp) -> Result<(), Error> {
    let changes = world.changes();
    let opened = found(world, &changes.opened);
    if !opened.is_empty() {
        insert(tx, &opened, now).await?;
    }
    let changed = found(world, &changes.returns);
    if !changed.is_empty() {
        update(tx, &changed, now).await?;
    }
    let receipts = receipts(world, &changes.receipts);
    if !receipts.is_empty() {
        insert_receipts(tx, &receipts, now).await?;
    }
    return_label::save(tx, world).await
}

async fn insert(tx: &mut PgConnection, opened: &[(OrderId, &Return)], now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO goods_return (return_id, order_id, refund_number, parcel_id, awaited, status, created_at, updated_at)
         SELECT *, $1, $1 FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::uuid[], $6::jsonb[], $7::text[])",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(opened, |(_, goods_return)| goods_return.id.uuid()))
    .bind(column(opened, |(order_id, _)| order_id.uuid()))
    .bind(column(opened, |(_, goods_return)| match goods_return.origin {
        ReturnOrigin::Refund(refund_number) => Some(refund_number),
        ReturnOrigin::Parcel(_) => None,
    }))
    .bind(column(opened, |(_, goods_return)| match goods_return.origin {
        ReturnOrigin::Refund(_) => None,
        ReturnOrigin::Parcel(parcel_id) => Some(parcel_id.uuid()),
    }))
    .bind(column(opened, |(_, goods_return)| Json(goods_return.awaited.clone())))
    .bind(column(opened, |(_, goods_return)| goods_return.status.as_str()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update(tx: &mut PgConnection, changed: &[(OrderId, &Return)], now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "UPDATE goods_return r SET status = t.status, updated_at = $1
         FROM unnest($2::uuid[], $3::text[]) AS t (return_id, status)
         WHERE r.return_id = t.return_id",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(changed, |(_, goods_return)| goods_return.id.uuid()))
    .bind(column(changed, |(_, goods_return)| goods_return.status.as_str()))
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_receipts(tx: &mut PgConnection, receipts: &[Taken<'_>], now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO goods_receipt (receipt_id, return_id, received, received_at)
         SELECT *, $1 FROM unnest($2::uuid[], $3::uuid[], $4::jsonb[])",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(receipts, |taken| taken.receipt_id.uuid()))
    .bind(column(receipts, |taken| taken.return_id.uuid()))
    .bind(column(receipts, |taken| Json(taken.received.clone())))
    .execute(tx)
    .await?;
    Ok(())
}

fn found<'a>(world: &'a World, ids: &BTreeSet<(OrderId, ReturnId)>) -> Vec<(OrderId, &'a Return)> {
    let goods_return = |(order_id, return_id): &(OrderId, ReturnId)| {
        Some((*order_id, world.consignment(*order_id)?.returns.get(return_id)?))
    };
    ids.iter().filter_map(goods_return).collect()
}

/// What was taken in at once.
pub(super) struct Taken<'a> {
    pub(super) order_id: OrderId,
    return_id: ReturnId,
    receipt_id: ReceiptId,
    pub(super) received: &'a Received,
}

/// What was taken in by these receipts.
pub(super) fn receipts<'a>(
    world: &'a World,
    ids: impl IntoIterator<Item = &'a (OrderId, ReturnId, ReceiptId)>,
) -> Vec<Taken<'a>> {
    let taken = |&(order_id, return_id, receipt_id): &(OrderId, ReturnId, ReceiptId)| {
        let goods_return = world.consignment(order_id)?.returns.get(&return_id)?;
        let received = goods_return.receipts.get(&receipt_id)?;
        Some(Taken { order_id, return_id, receipt_id, received })
    };
    ids.into_iter().filter_map(taken).collect()
}
