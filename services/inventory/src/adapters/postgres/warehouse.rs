//! Table `warehouse`.

use kernel::Text;
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;

use crate::domain::address::Address;
use crate::domain::ids::{SellerId, WarehouseId};
use crate::domain::warehouse::{Priority, Warehouse, WarehouseCode};

/// Name of the constraint that keeps a code unique for its seller.
pub const CODE_TAKEN: &str = "warehouse_code_taken";

/// How many warehouses a seller has. Counted under a lock, so that two at once cannot pass a limit together.
pub async fn count_locked(tx: &mut PgConnection, seller_id: SellerId) -> Result<i64, Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('warehouses of ' || $1::text, 0))")
        .bind(seller_id.uuid())
        .execute(&mut *tx)
        .await?;
    Ok(sqlx::query_scalar("SELECT count(*) FROM warehouse WHERE seller_id = $1")
        .bind(seller_id.uuid())
        .fetch_one(tx)
        .await?)
}

/// Inserts a warehouse. Fails on [`CODE_TAKEN`].
pub async fn insert(tx: &mut PgConnection, warehouse: &Warehouse) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO warehouse (warehouse_id, seller_id, code, name, priority, created_at, closed, address)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(warehouse.id.uuid())
    .bind(warehouse.seller_id.uuid())
    .bind(warehouse.code.as_str())
    .bind(warehouse.name.as_str())
    .bind(warehouse.priority.get())
    .bind(OffsetDateTime::from(warehouse.created_at))
    .bind(warehouse.closed)
    .bind(warehouse.address.as_ref().map(Json))
    .execute(tx)
    .await?;
    Ok(())
}

/// Saves what can be changed of a warehouse.
pub async fn update(tx: &mut PgConnection, warehouse: &Warehouse) -> Result<(), Error> {
    sqlx::query("UPDATE warehouse SET name = $2, priority = $3, closed = $4, address = $5 WHERE warehouse_id = $1")
        .bind(warehouse.id.uuid())
        .bind(warehouse.name.as_str())
        .bind(warehouse.priority.get())
        .bind(warehouse.closed)
        .bind(warehouse.address.as_ref().map(Json))
        .execute(tx)
        .await?;
    Ok(())
}

/// A warehouse, locked until the transaction ends.
pub async fn find_locked(tx: &mut PgConnection, id: WarehouseId) -> Result<Option<Warehouse>, Error> {
    let row = sqlx::query("SELECT * FROM warehouse WHERE warehouse_id = $1 FOR NO KEY UPDATE")
        .bind(id.uuid())
        .fetch_optional(tx)
        .await?;
    row.as_ref().map(from_row).transpose()
}

/// A warehouse.
pub async fn find(pool: &PgPool, id: WarehouseId) -> Result<Option<Warehouse>, Error> {
    let row =
        sqlx::query("SELECT * FROM warehouse WHERE warehouse_id = $1").bind(id.uuid()).fetch_optional(pool).await?;
    row.as_ref().map(from_row).transpose()
}

/// A seller's warehouses, the first to take from first.
pub async fn of_seller(pool: &PgPool, seller_id: SellerId) -> Result<Vec<Warehouse>, Error> {
    let rows = sqlx::query("SELECT * FROM warehouse WHERE seller_id = $1 ORDER BY priority, warehouse_id")
        .bind(seller_id.uuid())
        .fetch_all(pool)
        .await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &PgRow) -> Result<Warehouse, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("warehouse {what}"));
    Ok(Warehouse {
        id: WarehouseId::from_uuid(row.try_get("warehouse_id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        code: WarehouseCode::new(row.try_get("code")?).map_err(corrupt)?,
        name: Text::new(row.try_get::<String, _>("name")?).map_err(|error| corrupt(&error.to_string()))?,
        priority: Priority::new(row.try_get("priority")?).map_err(corrupt)?,
        created_at: row.try_get::<OffsetDateTime, _>("created_at")?.into(),
        closed: row.try_get("closed")?,
        address: row.try_get::<Option<Json<Address>>, _>("address")?.map(|Json(address)| address),
    })
}
