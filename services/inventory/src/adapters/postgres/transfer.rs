//! Table `transfer`.

use kernel::{Id, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::fact::Fact;
use crate::domain::ids::{SellerId, TransferId};
use crate::domain::transfer::Transfer;
use crate::domain::world::World;

/// Loads the transfers, which are locked by now.
pub(super) async fn load(
    tx: &mut PgConnection,
    facts: &[Caused<Fact>],
    world: &mut World,
    heads: &mut Heads,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = facts.iter().filter_map(|caused| caused.fact.transfer_id()).map(TransferId::uuid).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query("SELECT * FROM transfer WHERE transfer_id = ANY($1)").bind(&ids).fetch_all(tx).await?;
    for row in &rows {
        let transfer = from_row(row)?;
        heads.insert(transfer.id.uuid(), Head::from_row(row)?);
        world.add_transfer(transfer);
    }
    Ok(())
}

/// Saves the transfers that are new or changed. Of one that was there only what arrived, and was lost, changes.
pub(super) async fn save(tx: &mut PgConnection, world: &World, heads: &Heads) -> Result<(), Error> {
    let changed: Vec<_> = world.changes().transfers.iter().filter_map(|id| world.transfer(*id)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let head = |transfer: &Transfer| heads.get(transfer.id.uuid()).unwrap_or(Head::begin(transfer.id.uuid()));
    sqlx::query(
        "INSERT INTO transfer (transfer_id, seller_id, sku, from_warehouse_id, to_warehouse_id, quantity, received, lost,
                               created_at, updated_at, version, head_hash, correlation_id)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::bigint[], $7::bigint[],
                              $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::bigint[], $12::bytea[], $13::uuid[])
         ON CONFLICT (transfer_id) DO UPDATE
         SET received = excluded.received, lost = excluded.lost, updated_at = excluded.updated_at,
             version = excluded.version, head_hash = excluded.head_hash",
    )
    .bind(column(&changed, |transfer| transfer.id.uuid()))
    .bind(column(&changed, |transfer| transfer.seller_id.uuid()))
    .bind(column(&changed, |transfer| transfer.sku.as_str().to_owned()))
    .bind(column(&changed, |transfer| transfer.from_warehouse_id.uuid()))
    .bind(column(&changed, |transfer| transfer.to_warehouse_id.uuid()))
    .bind(column(&changed, |transfer| transfer.quantity))
    .bind(column(&changed, |transfer| transfer.received))
    .bind(column(&changed, |transfer| transfer.lost))
    .bind(column(&changed, |transfer| OffsetDateTime::from(transfer.created_at)))
    .bind(column(&changed, |transfer| OffsetDateTime::from(transfer.updated_at)))
    .bind(column(&changed, |transfer| head(transfer).version))
    .bind(column(&changed, |transfer| head(transfer).hash.to_vec()))
    .bind(column(&changed, |transfer| head(transfer).correlation_id))
    .execute(tx)
    .await?;
    Ok(())
}

fn column<T>(rows: &[&Transfer], value: impl Fn(&Transfer) -> T) -> Vec<T> {
    rows.iter().map(|transfer| value(transfer)).collect()
}

/// A transfer.
pub async fn find(executor: impl PgExecutor<'_>, id: TransferId) -> Result<Option<Transfer>, Error> {
    let row =
        sqlx::query("SELECT * FROM transfer WHERE transfer_id = $1").bind(id.uuid()).fetch_optional(executor).await?;
    row.as_ref().map(from_row).transpose()
}

/// A seller's transfers, newest first, from below `before` on, at most `limit`.
pub async fn of_seller(
    pool: &PgPool,
    seller_id: SellerId,
    before: TransferId,
    limit: i64,
) -> Result<Vec<Transfer>, Error> {
    let rows = sqlx::query(
        "SELECT * FROM transfer WHERE seller_id = $1 AND transfer_id < $2 ORDER BY transfer_id DESC LIMIT $3",
    )
    .bind(seller_id.uuid())
    .bind(before.uuid())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &PgRow) -> Result<Transfer, Error> {
    let at = |column: &str| row.try_get::<OffsetDateTime, _>(column).map(Timestamp::from);
    Ok(Transfer {
        id: Id::from_uuid(row.try_get("transfer_id")?),
        seller_id: Id::from_uuid(row.try_get("seller_id")?),
        sku: super::stock::sku_from(row)?,
        from_warehouse_id: Id::from_uuid(row.try_get("from_warehouse_id")?),
        to_warehouse_id: Id::from_uuid(row.try_get("to_warehouse_id")?),
        quantity: row.try_get("quantity")?,
        received: row.try_get("received")?,
        lost: row.try_get("lost")?,
        created_at: at("created_at")?,
        updated_at: at("updated_at")?,
    })
}
