//! Setting how a seller's stock is promised and watched.

use std::collections::BTreeMap;

use chassis::Fields;
use chassis::idempotency::Key;
use contracts::inventory::v1 as wire;
use kernel::Sku;
use tonic::{Request, Response, Status};

use super::{Api, check_acts_for, seller_of};
use crate::app::change_stock::check_offered;
use crate::app::set_stock_policy::{SetStockPolicy, StockPolicy, set_stock_policy};
use crate::domain::strategy::Strategy;

/// As many SKUs as products answers for in one call.
const THRESHOLDS_PER_REQUEST_MAX: usize = 200;
const THRESHOLD_MAX: i64 = 1_000_000;

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
    let thresholds = thresholds(&mut fields, &request.low_stock_thresholds);
    let (Some(key), Some(seller_id)) = (key, seller_id) else {
        return Err(chassis::status(fields.refuse()));
    };
    fields.finish().map_err(chassis::status)?;
    check_acts_for(&caller, seller_id)?;
    // A repeat is spared the question to products.
    if let Some(answer) = key.lookup(&api.store).await.map_err(chassis::status)? {
        return Ok(Response::new(answer));
    }
    let skus: Vec<&Sku> = thresholds.keys().collect();
    check_offered(&api.products, seller_id, &skus).await.map_err(chassis::status)?;
    let command = SetStockPolicy { seller_id, strategy, thresholds };
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

fn thresholds(fields: &mut Fields, thresholds: &[wire::LowStockThreshold]) -> BTreeMap<Sku, i64> {
    let mut by_sku = BTreeMap::new();
    if thresholds.len() > THRESHOLDS_PER_REQUEST_MAX {
        fields.violation("low_stock_thresholds", format!("are at most {THRESHOLDS_PER_REQUEST_MAX}"));
        return by_sku;
    }
    for (index, wire::LowStockThreshold { sku, threshold }) in thresholds.iter().enumerate() {
        let field = format!("low_stock_thresholds[{index}]");
        if !(0..=THRESHOLD_MAX).contains(threshold) {
            fields.violation(&format!("{field}.threshold"), "is from 0 to 1,000,000");
        }
        if let Some(sku) = fields.check(&format!("{field}.sku"), sku.parse())
            && by_sku.insert(sku, *threshold).is_some()
        {
            fields.violation(&format!("{field}.sku"), "has a threshold in this request already");
        }
    }
    by_sku
}

fn policy_to_wire(policy: &StockPolicy) -> wire::SetStockPolicyResponse {
    let strategy = match policy.strategy {
        Strategy::Priority => wire::AllocationStrategy::Priority,
        Strategy::Nearest => wire::AllocationStrategy::Nearest,
        Strategy::FewestSplits => wire::AllocationStrategy::FewestSplits,
    };
    let threshold =
        |(sku, threshold): (&Sku, &i64)| wire::LowStockThreshold { sku: sku.to_string(), threshold: *threshold };
    wire::SetStockPolicyResponse {
        allocation_strategy: strategy.into(),
        low_stock_thresholds: policy.thresholds.iter().map(threshold).collect(),
    }
}
