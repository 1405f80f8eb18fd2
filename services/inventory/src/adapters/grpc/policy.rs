//! Setting how a seller's stock is promised and watched.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::Fields;
use chassis::idempotency::Key;
use contracts::inventory::v1 as wire;
use kernel::Sku;
use tonic::{Request, Response, Status};

use super::{Api, check_acts_for, seller_of};
use crate::app::change_stock::check_offered;
use crate::app::set_stock_policy::{SetStockPolicy, StockPolicy, set_stock_policy};
use crate::domain::policy::{SkuPolicy, SkuPolicyChange, reservation};
use crate::domain::strategy::Strategy;

/// As many SKUs as products answers for in one call.
const SKUS_PER_REQUEST_MAX: usize = 200;
const UNITS_MAX: i64 = 1_000_000;

pub(super) async fn set(
    api: &Api,
    request: Request<wire::SetStockPolicyRequest>,
) -> Result<Response<wire::SetStockPolicyResponse>, Status> {
    let caller = chassis::caller(&request);
    let request = request.into_inner();
    let mut fields = Fields::new();
    let key = fields.take(Key::new(&caller, &request.request_id, &request));
    let seller_id = fields.take(seller_of(&caller, &request.seller_id));
    let strategy = strategy(&mut fields, &request);
    let sku_policies = sku_policies(&mut fields, &request.sku_policies);
    let (Some(key), Some(seller_id)) = (key, seller_id) else {
        return Err(chassis::status(fields.refuse()));
    };
    fields.finish().map_err(chassis::status)?;
    check_acts_for(&caller, seller_id)?;
    // A repeat is spared the question to products.
    if let Some(answer) = key.lookup(&api.store).await.map_err(chassis::status)? {
        return Ok(Response::new(answer));
    }
    let skus: Vec<&Sku> = sku_policies.keys().collect();
    check_offered(&api.products, seller_id, &skus).await.map_err(chassis::status)?;
    let command = SetStockPolicy { seller_id, strategy, sku_policies };
    let answer = key.run(&api.store, async |unit| {
        Ok::<_, crate::app::Error>(policy_to_wire(&set_stock_policy(unit, command).await?))
    });
    Ok(Response::new(answer.await.map_err(chassis::status)?))
}

/// The strategy asked for, if one is.
fn strategy(fields: &mut Fields, request: &wire::SetStockPolicyRequest) -> Option<Strategy> {
    let strategy = request.allocation_strategy?;
    match wire::AllocationStrategy::try_from(strategy) {
        Ok(wire::AllocationStrategy::Unspecified | wire::AllocationStrategy::Priority) => Some(Strategy::Priority),
        Ok(wire::AllocationStrategy::Nearest) => Some(Strategy::Nearest),
        Ok(wire::AllocationStrategy::FewestSplits) => Some(Strategy::FewestSplits),
        Err(_) => {
            fields.violation("allocation_strategy", "is no strategy that there is");
            None
        }
    }
}

fn sku_policies(fields: &mut Fields, policies: &[wire::SkuPolicy]) -> BTreeMap<Sku, SkuPolicyChange> {
    let mut by_sku = BTreeMap::new();
    if policies.len() > SKUS_PER_REQUEST_MAX {
        fields.violation("sku_policies", format!("are at most {SKUS_PER_REQUEST_MAX}"));
        return by_sku;
    }
    for (index, policy) in policies.iter().enumerate() {
        let field = format!("sku_policies[{index}]");
        let change = change(fields, &field, policy);
        if let Some(sku) = fields.check(&format!("{field}.sku"), policy.sku.parse())
            && by_sku.insert(sku, change).is_some()
        {
            fields.violation(&format!("{field}.sku"), "has a policy in this request already");
        }
    }
    by_sku
}

fn change(fields: &mut Fields, field: &str, policy: &wire::SkuPolicy) -> SkuPolicyChange {
    for (name, units) in [
        ("low_stock_threshold", policy.low_stock_threshold),
        ("safety_stock", policy.safety_stock),
        ("order_limit", policy.order_limit),
        ("backorder_limit", policy.backorder_limit),
    ] {
        if units.is_some_and(|units| !(0..=UNITS_MAX).contains(&units)) {
            fields.violation(&format!("{field}.{name}"), "is from 0 to 1,000,000");
        }
    }
    let ttl = policy.reservation_ttl.map(|ttl| Duration::try_from(ttl).ok().filter(may_hold));
    if ttl == Some(None) {
        fields.violation(&format!("{field}.reservation_ttl"), "is whole seconds, from 2 to 15 minutes, or 0");
    }
    SkuPolicyChange {
        low_stock_threshold: policy.low_stock_threshold,
        safety_stock: policy.safety_stock,
        order_limit: policy.order_limit,
        reservation_ttl: ttl.flatten(),
        backorder_limit: policy.backorder_limit,
    }
}

fn may_hold(ttl: &Duration) -> bool {
    ttl.subsec_nanos() == 0 && (ttl.is_zero() || (reservation::TTL_MIN..=reservation::TTL_MAX).contains(ttl))
}

fn policy_to_wire(policy: &StockPolicy) -> wire::SetStockPolicyResponse {
    let strategy = match policy.strategy {
        Strategy::Priority => wire::AllocationStrategy::Priority,
        Strategy::Nearest => wire::AllocationStrategy::Nearest,
        Strategy::FewestSplits => wire::AllocationStrategy::FewestSplits,
    };
    wire::SetStockPolicyResponse {
        allocation_strategy: strategy.into(),
        sku_policies: policy.sku_policies.iter().map(|(sku, policy)| sku_policy_to_wire(sku, policy)).collect(),
    }
}

fn sku_policy_to_wire(sku: &Sku, policy: &SkuPolicy) -> wire::SkuPolicy {
    let ttl = policy.reservation_ttl.unwrap_or_default();
    wire::SkuPolicy {
        sku: sku.to_string(),
        low_stock_threshold: Some(policy.low_stock_threshold.unwrap_or_default()),
        safety_stock: Some(policy.safety_stock),
        order_limit: Some(policy.order_limit.unwrap_or_default()),
        reservation_ttl: ttl.try_into().ok(),
        backorder_limit: Some(policy.backorder_limit.unwrap_or_default()),
    }
}
