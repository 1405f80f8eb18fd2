//! A seller says from where its stock is promised, and when it is low.

use std::collections::BTreeMap;

use kernel::Sku;
use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres::policy;
use crate::domain::ids::SellerId;
use crate::domain::strategy::Strategy;

/// Most SKUs of a seller that may have a threshold: the policy is answered as a whole.
pub const THRESHOLDS_MAX: usize = 10_000;

/// A change of a seller's policy. What is not given stays.
#[derive(Debug, Clone)]
pub struct SetStockPolicy {
    /// The seller.
    pub seller_id: SellerId,
    /// In which order its warehouses are taken from.
    pub strategy: Option<Strategy>,
    /// At how many units SKUs are low; 0 is never.
    pub thresholds: BTreeMap<Sku, i64>,
}

/// How a seller's stock is promised and watched.
#[derive(Debug, Clone)]
pub struct StockPolicy {
    /// In which order its warehouses are taken from.
    pub strategy: Strategy,
    /// At how many units SKUs are low.
    pub thresholds: BTreeMap<Sku, i64>,
}

/// Changes a seller's policy, and answers it as it is then. Nobody else has to know of it, so there is no event; and a SKU that is low
/// already is told of when it falls to its threshold the next time.
pub async fn set_stock_policy(unit: &mut UnitOfWork, command: SetStockPolicy) -> Result<StockPolicy, Error> {
    let SetStockPolicy { seller_id, strategy, thresholds } = command;
    let before = policy::strategy_locked(unit.tx(), seller_id).await?;
    if let Some(strategy) = strategy {
        policy::set_strategy(unit.tx(), seller_id, strategy).await?;
    }
    if !thresholds.is_empty() {
        policy::set_thresholds(unit.tx(), seller_id, &thresholds).await?;
    }
    let thresholds = policy::thresholds(unit.tx(), seller_id).await?;
    if thresholds.len() > THRESHOLDS_MAX {
        return Err(Error::ThresholdLimit);
    }
    Ok(StockPolicy { strategy: strategy.unwrap_or(before), thresholds })
}
