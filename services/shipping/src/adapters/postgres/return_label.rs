//! Table `return_label`: how decisions save labels for the way back, and how they are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::consignment::column;
use super::shipment::{corrupt, timestamp};
use crate::domain::goods_return::Return;
use crate::domain::ids::WarehouseId;
use crate::domain::return_label::{ReturnLabel, ReturnParcelStatus};
use crate::domain::world::{LabelPlace, World};

/// The labels of a return, by the warehouses that they lead to.
type Labels = BTreeMap<WarehouseId, ReturnLabel>;

/// The labels of returns, by their ids.
pub(super) async fn labels_of(connection: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Labels>, Error> {
    let rows = sqlx::query(
        "SELECT return_id, warehouse_id, carrier, tracking_number, bought_at, status, moved_at
         FROM return_label WHERE return_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    let mut labels: HashMap<Uuid, Labels> = HashMap::new();
    for row in &rows {
        let warehouse_id = WarehouseId::from_uuid(row.try_get("warehouse_id")?);
        labels.entry(row.try_get("return_id")?).or_default().insert(warehouse_id, from_row(row)?);
    }
    Ok(labels)
}

fn from_row(row: &PgRow) -> Result<ReturnLabel, Error> {
    let (carrier, tracking_number): (&str, &str) = (row.try_get("carrier")?, row.try_get("tracking_number")?);
    let status: &str = row.try_get("status")?;
    Ok(ReturnLabel {
        carrier: carrier.parse().map_err(|error| corrupt("carrier", error))?,
        tracking_number: tracking_number.parse().map_err(|error| corrupt("tracking_number", error))?,
        bought_at: timestamp(row, "bought_at")?,
        status: ReturnParcelStatus::from_name(status).ok_or_else(|| corrupt("status", status))?,
        moved_at: row.try_get::<Option<OffsetDateTime>, _>("moved_at")?.map(Into::into),
    })
}

/// Saves labels that were bought, and those that changed.
pub(super) async fn save(tx: &mut PgConnection, world: &World) -> Result<(), Error> {
    let changes = world.changes();
    let labelled = found(world, &changes.labelled);
    if !labelled.is_empty() {
        insert(tx, &labelled).await?;
    }
    let changed = found(world, &changes.labels);
    if !changed.is_empty() {
        update(tx, &changed).await?;
    }
    Ok(())
}

/// A label with what it belongs to.
struct Labelled<'a> {
    goods_return: &'a Return,
    warehouse_id: WarehouseId,
    label: &'a ReturnLabel,
}

fn found<'a>(world: &'a World, places: &BTreeSet<LabelPlace>) -> Vec<Labelled<'a>> {
    let label = |&(order_id, return_id, warehouse_id): &LabelPlace| {
        let goods_return = world.consignment(order_id)?.returns.get(&return_id)?;
        Some(Labelled { goods_return, warehouse_id, label: goods_return.labels.get(&warehouse_id)? })
    };
    places.iter().filter_map(label).collect()
}

async fn insert(tx: &mut PgConnection, labelled: &[Labelled<'_>]) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO return_label (return_id, warehouse_id, carrier, tracking_number, bought_at, status, moved_at, is_followed)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::timestamptz[],
                              $8::boolean[])",
    )
    .bind(column(labelled, |labelled| labelled.goods_return.id.uuid()))
    .bind(column(labelled, |labelled| labelled.warehouse_id.uuid()))
    .bind(column(labelled, |labelled| labelled.label.carrier.to_string()))
    .bind(column(labelled, |labelled| labelled.label.tracking_number.to_string()))
    .bind(column(labelled, |labelled| OffsetDateTime::from(labelled.label.bought_at)))
    .bind(column(labelled, |labelled| labelled.label.status.as_str()))
    .bind(column(labelled, |labelled| labelled.label.moved_at.map(OffsetDateTime::from)))
    .bind(column(labelled, |labelled| labelled.goods_return.follows(labelled.label)))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update(tx: &mut PgConnection, changed: &[Labelled<'_>]) -> Result<(), Error> {
    sqlx::query(
        "UPDATE return_label l SET status = t.status, moved_at = t.moved_at, is_followed = t.is_followed
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::boolean[])
              AS t (return_id, warehouse_id, status, moved_at, is_followed)
         WHERE l.return_id = t.return_id AND l.warehouse_id = t.warehouse_id",
    )
    .bind(column(changed, |changed| changed.goods_return.id.uuid()))
    .bind(column(changed, |changed| changed.warehouse_id.uuid()))
    .bind(column(changed, |changed| changed.label.status.as_str()))
    .bind(column(changed, |changed| changed.label.moved_at.map(OffsetDateTime::from)))
    .bind(column(changed, |changed| changed.goods_return.follows(changed.label)))
    .execute(tx)
    .await?;
    Ok(())
}
