//! Tables `stock_policy` and `low_stock_threshold`.

use std::collections::BTreeMap;

use kernel::Sku;
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::address::Place;
use crate::domain::ids::SellerId;
use crate::domain::stock::StockItem;
use crate::domain::strategy::{Site, Strategy};
use crate::domain::world::World;

/// Tells the world what a row of loaded stock says of its warehouse and its seller.
pub(super) fn add_terms(row: &PgRow, item: &StockItem, world: &mut World) -> Result<(), Error> {
    let text = |column: &str| row.try_get::<Option<&str>, _>(column);
    let place = Place::new(text("region_code")?.unwrap_or_default(), text("postal_code")?.unwrap_or_default());
    let site = Site { priority: row.try_get("priority")?, closed: row.try_get("closed")?, place };
    world.set_site(item.warehouse_id(), site);
    if let Some(strategy) = text("allocation_strategy")? {
        world.set_strategy(item.seller_id(), strategy_from(strategy)?);
    }
    if let Some(threshold) = row.try_get("threshold")? {
        world.set_threshold(item.seller_id(), item.sku().clone(), threshold);
    }
    Ok(())
}

/// The strategy of a seller, whose row is made if there is none, and locked until the transaction ends.
pub async fn strategy_locked(tx: &mut PgConnection, seller_id: SellerId) -> Result<Strategy, Error> {
    let strategy: String = sqlx::query_scalar(
        "INSERT INTO stock_policy (seller_id, allocation_strategy) VALUES ($1, $2)
         ON CONFLICT (seller_id) DO UPDATE SET allocation_strategy = stock_policy.allocation_strategy
         RETURNING allocation_strategy",
    )
    .bind(seller_id.uuid())
    .bind(strategy_to_text(Strategy::default()))
    .fetch_one(tx)
    .await?;
    strategy_from(&strategy)
}

/// Sets the strategy of a seller.
pub async fn set_strategy(tx: &mut PgConnection, seller_id: SellerId, strategy: Strategy) -> Result<(), Error> {
    sqlx::query("UPDATE stock_policy SET allocation_strategy = $2 WHERE seller_id = $1")
        .bind(seller_id.uuid())
        .bind(strategy_to_text(strategy))
        .execute(tx)
        .await?;
    Ok(())
}

/// Sets thresholds of a seller's SKUs; 0 is none.
pub async fn set_thresholds(
    tx: &mut PgConnection,
    seller_id: SellerId,
    thresholds: &BTreeMap<Sku, i64>,
) -> Result<(), Error> {
    let (none, some): (Vec<_>, Vec<_>) = thresholds.iter().partition(|(_, threshold)| **threshold == 0);
    sqlx::query("DELETE FROM low_stock_threshold WHERE seller_id = $1 AND sku = ANY($2)")
        .bind(seller_id.uuid())
        .bind(none.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO low_stock_threshold (seller_id, sku, threshold)
         SELECT $1, t.* FROM unnest($2::text[], $3::bigint[]) AS t
         ON CONFLICT (seller_id, sku) DO UPDATE SET threshold = excluded.threshold",
    )
    .bind(seller_id.uuid())
    .bind(some.iter().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(some.iter().map(|(_, threshold)| **threshold).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Every threshold of a seller.
pub async fn thresholds(tx: &mut PgConnection, seller_id: SellerId) -> Result<BTreeMap<Sku, i64>, Error> {
    let rows = sqlx::query("SELECT sku, threshold FROM low_stock_threshold WHERE seller_id = $1")
        .bind(seller_id.uuid())
        .fetch_all(tx)
        .await?;
    let threshold = |row: &PgRow| Ok((super::stock::sku_from(row)?, row.try_get("threshold")?));
    rows.iter().map(threshold).collect()
}

const fn strategy_to_text(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Priority => "priority",
        Strategy::Nearest => "nearest",
        Strategy::FewestSplits => "fewest_splits",
    }
}

fn strategy_from(text: &str) -> Result<Strategy, Error> {
    match text {
        "priority" => Ok(Strategy::Priority),
        "nearest" => Ok(Strategy::Nearest),
        "fewest_splits" => Ok(Strategy::FewestSplits),
        _ => Err(Error::Corrupt(format!("allocation strategy {text:?}"))),
    }
}
