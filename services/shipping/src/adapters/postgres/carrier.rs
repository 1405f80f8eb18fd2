//! Table `carrier_webhook`, and the parcels that a carrier tells of or is asked about, on either way.

use kernel::Timestamp;
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;

use crate::domain::ids::{OrderId, ParcelId, ReturnId, ShipmentId, WarehouseId};
use crate::domain::world::{LabelPlace, Place, Tracked};

/// A webhook that nothing was made of yet.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The carrier.
    pub carrier: String,
    /// Its own id.
    pub webhook_id: String,
    /// As it came.
    pub body: Vec<u8>,
}

/// A parcel of which nothing final was heard.
#[derive(Clone, Debug)]
pub struct UnderWay {
    /// Where it belongs.
    pub tracked: Tracked,
    /// The carrier's number for it.
    pub tracking_number: String,
}

/// Keeps a webhook as it came; one that came before is there already.
pub async fn store_webhook(
    pool: &PgPool,
    carrier: &str,
    webhook_id: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO carrier_webhook (carrier, webhook_id, body, received_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(carrier)
    .bind(webhook_id)
    .bind(body)
    .bind(OffsetDateTime::from(now))
    .execute(pool)
    .await?;
    Ok(())
}

/// Locks the webhooks that nothing was made of, the oldest first, at most `limit`; those that another replica has at hand are left to it.
pub async fn waiting_webhooks(tx: &mut PgConnection, limit: i64) -> Result<Vec<Webhook>, Error> {
    let rows = sqlx::query(
        "SELECT carrier, webhook_id, body FROM carrier_webhook WHERE taken_at IS NULL
         ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(limit)
    .fetch_all(tx)
    .await?;
    let webhook = |row: &PgRow| {
        Ok(Webhook {
            carrier: row.try_get("carrier")?,
            webhook_id: row.try_get("webhook_id")?,
            body: row.try_get("body")?,
        })
    };
    rows.iter().map(webhook).collect()
}

/// Notes what was made of webhooks.
pub async fn note_taken(
    tx: &mut PgConnection,
    webhooks: &[Webhook],
    outcomes: &[String],
    now: Timestamp,
) -> Result<(), Error> {
    let (carriers, ids): (Vec<&str>, Vec<&str>) =
        webhooks.iter().map(|webhook| (webhook.carrier.as_str(), webhook.webhook_id.as_str())).unzip();
    sqlx::query(
        "UPDATE carrier_webhook w SET taken_at = $4, outcome = t.outcome
         FROM unnest($1::text[], $2::text[], $3::text[]) AS t (carrier, webhook_id, outcome)
         WHERE w.carrier = t.carrier AND w.webhook_id = t.webhook_id",
    )
    .bind(carriers)
    .bind(ids)
    .bind(outcomes)
    .bind(OffsetDateTime::from(now))
    .execute(tx)
    .await?;
    Ok(())
}

/// Where the parcels of these numbers belong, in the order of the numbers; none for a number that no parcel has. A number that somebody
/// made up for a parcel, and that a carrier sold a label for the way back under, is that label's.
pub async fn places(
    connection: &mut PgConnection,
    carriers: &[&str],
    tracking_numbers: &[&str],
) -> Result<Vec<Option<Tracked>>, Error> {
    let rows = sqlx::query(
        "SELECT t.n, s.order_id, s.shipment_id, p.parcel_id
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (carrier, tracking_number, n)
         JOIN parcel p ON p.carrier = t.carrier AND p.tracking_number = t.tracking_number
         JOIN shipment s ON s.shipment_id = p.shipment_id",
    )
    .bind(carriers)
    .bind(tracking_numbers)
    .fetch_all(&mut *connection)
    .await?;
    let labels = sqlx::query(
        "SELECT t.n, r.order_id, l.return_id, l.warehouse_id
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (carrier, tracking_number, n)
         JOIN return_label l ON l.carrier = t.carrier AND l.tracking_number = t.tracking_number
         JOIN goods_return r ON r.return_id = l.return_id",
    )
    .bind(carriers)
    .bind(tracking_numbers)
    .fetch_all(connection)
    .await?;
    let mut places = vec![None; tracking_numbers.len()];
    for row in &rows {
        *place_at(&mut places, row)? = Some(Tracked::Parcel(place_from_row(row)?));
    }
    for row in &labels {
        *place_at(&mut places, row)? = Some(Tracked::Return(label_place_from_row(row)?));
    }
    Ok(places)
}

/// Parcels of a carrier of which nothing final was heard and that were not asked about since `before`, those that were not asked about for
/// the longest first, at most `limit`. Whoever takes them notes that they are asked about now.
pub async fn to_ask_about(
    pool: &PgPool,
    carrier: &str,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<UnderWay>, Error> {
    let statement = "WITH due AS (
             SELECT parcel_id FROM parcel
             WHERE delivered_at IS NULL AND failed_at IS NULL AND carrier = $1 AND coalesce(asked_at, dispatched_at) <= $2
             ORDER BY coalesce(asked_at, dispatched_at) LIMIT $4 FOR UPDATE SKIP LOCKED
         ), asked AS (
             UPDATE parcel p SET asked_at = $3 FROM due WHERE p.parcel_id = due.parcel_id
             RETURNING p.parcel_id, p.shipment_id, p.tracking_number
         )
         SELECT s.order_id, a.shipment_id, a.parcel_id, a.tracking_number
         FROM asked a JOIN shipment s ON s.shipment_id = a.shipment_id";
    let tracked = |row: &PgRow| Ok(Tracked::Parcel(place_from_row(row)?));
    claim(pool, statement, tracked, carrier, before, now, limit).await
}

/// The same of what buyers send back by labels.
pub async fn returns_to_ask_about(
    pool: &PgPool,
    carrier: &str,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<UnderWay>, Error> {
    let statement = "WITH due AS (
             SELECT return_id, warehouse_id FROM return_label
             WHERE is_followed AND carrier = $1 AND coalesce(asked_at, bought_at) <= $2
             ORDER BY coalesce(asked_at, bought_at) LIMIT $4 FOR UPDATE SKIP LOCKED
         ), asked AS (
             UPDATE return_label l SET asked_at = $3 FROM due
             WHERE l.return_id = due.return_id AND l.warehouse_id = due.warehouse_id
             RETURNING l.return_id, l.warehouse_id, l.tracking_number
         )
         SELECT r.order_id, a.return_id, a.warehouse_id, a.tracking_number
         FROM asked a JOIN goods_return r ON r.return_id = a.return_id";
    let tracked = |row: &PgRow| Ok(Tracked::Return(label_place_from_row(row)?));
    claim(pool, statement, tracked, carrier, before, now, limit).await
}

/// Notes of what a statement chooses that it is asked about now, and answers it.
async fn claim(
    pool: &PgPool,
    statement: &'static str,
    tracked: impl Fn(&PgRow) -> Result<Tracked, Error>,
    carrier: &str,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<UnderWay>, Error> {
    let rows = sqlx::query(statement)
        .bind(carrier)
        .bind(OffsetDateTime::from(before))
        .bind(OffsetDateTime::from(now))
        .bind(limit)
        .fetch_all(pool)
        .await?;
    let under_way =
        |row: &PgRow| Ok(UnderWay { tracked: tracked(row)?, tracking_number: row.try_get("tracking_number")? });
    rows.iter().map(under_way).collect()
}

/// What is to be collected for an order, in minor units; none for one that is paid for.
pub async fn cash_to_collect(pool: &PgPool, order_id: OrderId) -> Result<Option<i64>, Error> {
    let found: Option<Option<i64>> = sqlx::query_scalar("SELECT cash_minor FROM consignment WHERE order_id = $1")
        .bind(order_id.uuid())
        .fetch_optional(pool)
        .await?;
    Ok(found.flatten())
}

fn place_from_row(row: &PgRow) -> Result<Place, Error> {
    Ok((
        OrderId::from_uuid(row.try_get("order_id")?),
        ShipmentId::from_uuid(row.try_get("shipment_id")?),
        ParcelId::from_uuid(row.try_get("parcel_id")?),
    ))
}

fn label_place_from_row(row: &PgRow) -> Result<LabelPlace, Error> {
    Ok((
        OrderId::from_uuid(row.try_get("order_id")?),
        ReturnId::from_uuid(row.try_get("return_id")?),
        WarehouseId::from_uuid(row.try_get("warehouse_id")?),
    ))
}

/// The place that a row is about, by its ordinality.
fn place_at<'a>(places: &'a mut [Option<Tracked>], row: &PgRow) -> Result<&'a mut Option<Tracked>, Error> {
    let number: i64 = row.try_get("n")?;
    let at = usize::try_from(number - 1).ok().and_then(|index| places.get_mut(index));
    at.ok_or_else(|| Error::Corrupt(format!("ordinality {number}")))
}
