//! A seller says from where its stock is promised, how much of it, for how long, and when it is low.

use std::collections::BTreeMap;

use kernel::Sku;
use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres::policy;
use crate::domain::ids::SellerId;
use crate::domain::policy::{SkuPolicy, SkuPolicyChange};
use crate::domain::strategy::Strategy;

/// Most SKUs of a seller that may have a policy: they are answered as a whole.
pub const SKU_POLICIES_MAX: usize = 10_000;

/// A change of a seller's policy. What is not given stays.
#[derive(Debug, Clone)]
pub struct SetStockPolicy {
    /// The seller.
    pub seller_id: SellerId,
    /// In which order its warehouses are taken from.
    pub strategy: Option<Strategy>,
    /// What is to be changed of what it says of SKUs.
    pub sku_policies: BTreeMap<Sku, SkuPolicyChange>,
}

/// How a seller's stock is promised and watched.
#[derive(Debug, Clone)]
pub struct StockPolicy {
    /// In which order its warehouses are taken from.
    pub strategy: Strategy,
    /// What it says of SKUs.
    pub sku_policies: BTreeMap<Sku, SkuPolicy>,
}

/// Changes a seller's policy, and answers it as it is then. Nobody else has to know of it, so there is no event. It is about what happens from
/// then on: what is promised stays promised, and a SKU that is low already is told of when it falls to its threshold the next time.
pub async fn set_stock_policy(unit: &mut UnitOfWork, command: SetStockPolicy) -> Result<StockPolicy, Error> {
    let SetStockPolicy { seller_id, strategy, sku_policies: changes } = command;
    let before = policy::strategy_locked(unit.tx(), seller_id).await?;
    if let Some(strategy) = strategy {
        policy::set_strategy(unit.tx(), seller_id, strategy).await?;
    }
    let mut sku_policies = policy::sku_policies(unit.tx(), seller_id).await?;
    if !changes.is_empty() {
        let after = |(sku, change): (Sku, SkuPolicyChange)| {
            let after = sku_policies.get(&sku).copied().unwrap_or_default().with(&change);
            (sku, after)
        };
        let changed: BTreeMap<_, _> = changes.into_iter().map(after).collect();
        policy::set_sku_policies(unit.tx(), seller_id, &changed).await?;
        sku_policies.extend(changed);
        sku_policies.retain(|_, policy| *policy != SkuPolicy::default());
    }
    if sku_policies.len() > SKU_POLICIES_MAX {
        return Err(Error::SkuPolicyLimit);
    }
    Ok(StockPolicy { strategy: strategy.unwrap_or(before), sku_policies })
}
