//! Tables `checkout` and `checkout_order`.

use std::collections::BTreeMap;

use kernel::{Currency, Id, Money, Timestamp};
use messaging::{Error, Head};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::checkout::{Checkout, CheckoutOrder, Outcome};
use crate::domain::fact::Reason;
use crate::domain::ids::CheckoutId;
use crate::domain::world::World;

/// Inserts checkouts with their orders, all pending. Waits for whoever accepts one of their quotes at this moment.
///
/// # Errors
/// [`Error::Conflict`] if one of their quotes has a checkout by then.
pub async fn insert(tx: &mut PgConnection, checkouts: &[(Checkout, Head)]) -> Result<(), Error> {
    if checkouts.is_empty() {
        return Ok(());
    }
    let orders: Vec<(Uuid, &CheckoutOrder)> = checkouts
        .iter()
        .flat_map(|(checkout, _)| checkout.orders.iter().map(|order| (checkout.id.uuid(), order)))
        .collect();
    let inserted = sqlx::query(
        "WITH accepted AS (
             INSERT INTO checkout (checkout_id, quote_id, buyer_id, currency, submitted_at, version, head_hash,
                                   correlation_id)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::bigint[],
                                  $7::bytea[], $8::uuid[]) AS t (checkout_id, quote_id)
             ORDER BY t.quote_id
         )
         INSERT INTO checkout_order (checkout_id, order_id, seller_id, total_minor, outcome)
         SELECT t.*, 'PENDING' FROM unnest($9::uuid[], $10::uuid[], $11::uuid[], $12::bigint[]) AS t",
    )
    .bind(column(checkouts, |(checkout, _)| checkout.id.uuid()))
    .bind(column(checkouts, |(checkout, _)| checkout.quote_id.uuid()))
    .bind(column(checkouts, |(checkout, _)| checkout.buyer_id.uuid()))
    .bind(column(checkouts, |(checkout, _)| checkout.currency.code().to_owned()))
    .bind(column(checkouts, |(checkout, _)| OffsetDateTime::from(checkout.submitted_at)))
    .bind(column(checkouts, |(_, head)| head.version))
    .bind(column(checkouts, |(_, head)| head.hash.to_vec()))
    .bind(column(checkouts, |(_, head)| head.correlation_id))
    .bind(column(&orders, |(checkout_id, _)| *checkout_id))
    .bind(column(&orders, |(_, order)| order.id.uuid()))
    .bind(column(&orders, |(_, order)| order.seller_id.uuid()))
    .bind(column(&orders, |(_, order)| order.total.minor()))
    .execute(tx)
    .await;
    match inserted {
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("checkout_quote_once") => {
            Err(Error::Conflict("a checkout of the same quote"))
        }
        inserted => Ok(inserted.map(drop)?),
    }
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// A checkout.
pub async fn find(pool: &PgPool, checkout_id: CheckoutId) -> Result<Option<Checkout>, Error> {
    let rows = sqlx::query(
        "SELECT checkout.*, order_id, seller_id, total_minor, outcome, reason, outcome_at
         FROM checkout JOIN checkout_order USING (checkout_id)
         WHERE checkout_id = $1
         ORDER BY order_id",
    )
    .bind(checkout_id.uuid())
    .fetch_all(pool)
    .await?;
    Ok(from_rows(&rows)?.into_values().next())
}

/// Loads checkouts, which are locked by now.
pub async fn load(tx: &mut PgConnection, checkout_ids: &[Uuid]) -> Result<World, Error> {
    let rows = sqlx::query(
        "SELECT checkout.*, order_id, seller_id, total_minor, outcome, reason, outcome_at
         FROM checkout JOIN checkout_order USING (checkout_id)
         WHERE checkout_id = ANY($1)
         ORDER BY order_id",
    )
    .bind(checkout_ids)
    .fetch_all(tx)
    .await?;
    Ok(World::new(from_rows(&rows)?.into_values()))
}

/// Saves the orders that are new, and those that changed.
pub async fn save(tx: &mut PgConnection, world: &World) -> Result<(), Error> {
    let changed: Vec<_> = world.changed().collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO checkout_order (checkout_id, order_id, seller_id, total_minor, outcome, reason, outcome_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[])
         ON CONFLICT (order_id) DO UPDATE
         SET total_minor = excluded.total_minor, outcome = excluded.outcome, reason = excluded.reason,
             outcome_at = excluded.outcome_at",
    )
    .bind(column(&changed, |(checkout_id, _)| checkout_id.uuid()))
    .bind(column(&changed, |(_, order)| order.id.uuid()))
    .bind(column(&changed, |(_, order)| order.seller_id.uuid()))
    .bind(column(&changed, |(_, order)| order.total.minor()))
    .bind(column(&changed, |(_, order)| order.outcome.name()))
    .bind(column(&changed, |(_, order)| order.outcome.reason().map(|reason| reason.as_str().to_owned())))
    .bind(column(&changed, |(_, order)| order.outcome.at().map(OffsetDateTime::from)))
    .execute(tx)
    .await?;
    Ok(())
}

/// One row for each order, with the columns of its checkout.
fn from_rows(rows: &[PgRow]) -> Result<BTreeMap<CheckoutId, Checkout>, Error> {
    let mut checkouts = BTreeMap::new();
    for row in rows {
        let id = Id::from_uuid(row.try_get("checkout_id")?);
        let currency: &str = row.try_get("currency")?;
        let currency: Currency = currency.parse().map_err(|error| Error::Corrupt(format!("checkout {id}: {error}")))?;
        let order = CheckoutOrder {
            id: Id::from_uuid(row.try_get("order_id")?),
            seller_id: Id::from_uuid(row.try_get("seller_id")?),
            total: Money::from_minor(row.try_get("total_minor")?, currency),
            outcome: outcome_from_row(row)?,
        };
        let checkout = checkouts.entry(id).or_insert(Checkout {
            id,
            quote_id: Id::from_uuid(row.try_get("quote_id")?),
            buyer_id: Id::from_uuid(row.try_get("buyer_id")?),
            orders: Vec::new(),
            currency,
            submitted_at: row.try_get::<OffsetDateTime, _>("submitted_at")?.into(),
        });
        checkout.orders.push(order);
    }
    Ok(checkouts)
}

fn outcome_from_row(row: &PgRow) -> Result<Outcome, Error> {
    let name: &str = row.try_get("outcome")?;
    let reason: Option<&str> = row.try_get("reason")?;
    let at = row.try_get::<Option<OffsetDateTime>, _>("outcome_at")?.map(Timestamp::from);
    let corrupt = || Error::Corrupt(format!("outcome {name} with reason {reason:?} at {at:?}"));
    let reason = reason.map(Reason::new).transpose().map_err(|_| corrupt())?;
    match (name, reason, at) {
        ("PENDING", None, None) => Ok(Outcome::Pending),
        ("BACKORDERED", None, Some(at)) => Ok(Outcome::Backordered { at }),
        ("CONFIRMED", None, Some(at)) => Ok(Outcome::Confirmed { at }),
        ("PAID", None, Some(at)) => Ok(Outcome::Paid { at }),
        ("FAILED", Some(reason), Some(at)) => Ok(Outcome::Failed { reason, at }),
        ("CANCELLED", Some(reason), Some(at)) => Ok(Outcome::Cancelled { reason, at }),
        _ => Err(corrupt()),
    }
}
