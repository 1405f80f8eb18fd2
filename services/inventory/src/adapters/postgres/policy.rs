//! Tables `stock_policy` and `sku_policy`.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::Sku;
use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::domain::address::Place;
use crate::domain::ids::SellerId;
use crate::domain::policy::SkuPolicy;
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
    if let Some(policy) = of_sku(row)? {
        let waiting: Option<i64> = row.try_get("waiting")?;
        world.set_sku_policy(item.seller_id(), item.sku().clone(), policy, waiting.unwrap_or_default());
    }
    Ok(())
}

/// What a row says of the policy of its SKU, if there is one.
pub(super) fn of_sku(row: &PgRow) -> Result<Option<SkuPolicy>, Error> {
    let Some(safety_stock) = row.try_get("safety_stock")? else { return Ok(None) };
    let said = |column: &str| Ok::<_, Error>(row.try_get::<Option<i64>, _>(column)?.filter(|units| *units > 0));
    Ok(Some(SkuPolicy {
        low_stock_threshold: said("low_stock_threshold")?,
        safety_stock,
        order_limit: said("order_limit")?,
        backorder_limit: said("backorder_limit")?,
        reservation_ttl: said("reservation_seconds")?.map(|seconds| Duration::from_secs(seconds.unsigned_abs())),
    }))
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

/// Sets the policies of a seller's SKUs; one that says nothing is none.
pub async fn set_sku_policies(
    tx: &mut PgConnection,
    seller_id: SellerId,
    policies: &BTreeMap<Sku, SkuPolicy>,
) -> Result<(), Error> {
    let said = |value: fn(&SkuPolicy) -> Option<i64>| -> Vec<i64> {
        policies.values().map(|policy| value(policy).unwrap_or_default()).collect()
    };
    sqlx::query(
        "INSERT INTO sku_policy (seller_id, sku, low_stock_threshold, safety_stock, order_limit, reservation_seconds, backorder_limit)
         SELECT $1, t.* FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS t
         ORDER BY 2
         ON CONFLICT (seller_id, sku) DO UPDATE
         SET low_stock_threshold = excluded.low_stock_threshold, safety_stock = excluded.safety_stock,
             order_limit = excluded.order_limit, reservation_seconds = excluded.reservation_seconds,
             backorder_limit = excluded.backorder_limit",
    )
    .bind(seller_id.uuid())
    .bind(policies.keys().map(Sku::as_str).collect::<Vec<_>>())
    .bind(said(|policy| policy.low_stock_threshold))
    .bind(said(|policy| Some(policy.safety_stock)))
    .bind(said(|policy| policy.order_limit))
    .bind(said(|policy| policy.reservation_ttl.and_then(|ttl| i64::try_from(ttl.as_secs()).ok())))
    .bind(said(|policy| policy.backorder_limit))
    .execute(&mut *tx)
    .await?;
    let says_nothing = policies.iter().filter(|(_, policy)| **policy == SkuPolicy::default());
    sqlx::query("DELETE FROM sku_policy WHERE seller_id = $1 AND sku = ANY($2) AND waiting = 0")
        .bind(seller_id.uuid())
        .bind(says_nothing.map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts for how many units of SKUs orders wait. They could only begin to where a seller says that they may, so there is a row.
pub(super) async fn save_waiting(tx: &mut PgConnection, world: &World) -> Result<(), Error> {
    let changed: Vec<_> = world.changes().waiting.iter().filter(|(_, units)| **units != 0).collect();
    if changed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE sku_policy p SET waiting = p.waiting + t.units
         FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS t (seller_id, sku, units)
         WHERE p.seller_id = t.seller_id AND p.sku = t.sku",
    )
    .bind(changed.iter().map(|((seller_id, _), _)| seller_id.uuid()).collect::<Vec<_>>())
    .bind(changed.iter().map(|((_, sku), _)| sku.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, units)| **units).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// The policies of a seller's SKUs that say something.
pub async fn sku_policies(tx: &mut PgConnection, seller_id: SellerId) -> Result<BTreeMap<Sku, SkuPolicy>, Error> {
    let rows =
        sqlx::query("SELECT * FROM sku_policy WHERE seller_id = $1").bind(seller_id.uuid()).fetch_all(tx).await?;
    let mut policies = BTreeMap::new();
    for row in &rows {
        let policy = of_sku(row)?.unwrap_or_default();
        if policy != SkuPolicy::default() {
            policies.insert(super::stock::sku_from(row)?, policy);
        }
    }
    Ok(policies)
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
