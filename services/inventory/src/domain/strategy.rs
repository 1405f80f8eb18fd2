//! From which warehouses an order's demand is taken: all lines or none, in the order that its seller chose, and no more of a SKU than its
//! seller lets one order have.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use kernel::Sku;

use super::address::Place;
use super::allocation::{Allocation, Returned, Shortage};
use super::ids::WarehouseId;
use super::stock::StockItem;

/// In which order warehouses are taken from. What is alike otherwise is taken by priority.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// The lowest priority number first.
    #[default]
    Priority,
    /// The nearest to where the parcels go first.
    Nearest,
    /// From as few warehouses as hold the whole order: the fewest there are among [`EXACT_MAX`] warehouses that hold some of it. Among
    /// more, the one that holds most of what is still missing is taken until nothing is, and that may be more than the fewest.
    FewestSplits,
}

/// Most warehouses among which the fewest are looked for exactly: 1,023 sets of them.
pub const EXACT_MAX: usize = 10;

/// What of a warehouse decides whether stock is taken from it, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The lowest is taken from first.
    pub priority: i32,
    /// Nothing is taken from a warehouse that is closed.
    pub closed: bool,
    /// Where it is.
    pub place: Place,
}

impl Site {
    /// A warehouse of which nothing is known.
    pub const ANY: Self = Self { priority: 0, closed: false, place: Place::UNKNOWN };
}

/// The stock of a SKU in a warehouse.
#[derive(Debug, Clone, Copy)]
pub struct Stocked<'a> {
    /// The stock.
    pub item: &'a StockItem,
    /// The warehouse.
    pub site: &'a Site,
}

/// The demand for one SKU, and the stock that it can be taken from.
struct Need<'a> {
    sku: &'a Sku,
    requested: i64,
    /// How many of those that are available the order may have.
    may_have: i64,
    stock: Vec<Stocked<'a>>,
}

/// Takes the whole demand from the stock, of each SKU no more than `may_have` allows of what is available; or tells every shortage and takes
/// nothing.
pub fn allocate<'a>(
    strategy: Strategy,
    ship_to: &Place,
    demand: &'a BTreeMap<Sku, i64>,
    stock_of: impl Fn(&Sku) -> Vec<Stocked<'a>>,
    may_have: impl Fn(&Sku, i64) -> i64,
) -> Result<Vec<Allocation>, Vec<Shortage>> {
    let need = |(sku, requested): (&'a Sku, &i64)| {
        let mut stock = stock_of(sku);
        stock.retain(|stocked| !stocked.site.closed);
        stock.sort_by_key(|stocked| rank(strategy, ship_to, stocked));
        let available = stock.iter().map(|stocked| stocked.item.available()).sum();
        Need { sku, requested: *requested, may_have: may_have(sku, available), stock }
    };
    let needs: Vec<Need<'_>> = demand.iter().map(need).collect();
    let shortages: Vec<_> = needs.iter().filter_map(shortage).collect();
    if !shortages.is_empty() {
        return Err(shortages);
    }
    Ok(match strategy {
        Strategy::Priority | Strategy::Nearest => take(&needs, |_| true),
        Strategy::FewestSplits => {
            let chosen = fewest(&needs);
            take(&needs, |warehouse_id| chosen.contains(&warehouse_id))
        }
    })
}

/// What comes first has the lowest rank.
fn rank(strategy: Strategy, ship_to: &Place, stocked: &Stocked<'_>) -> (Reverse<usize>, i32, WarehouseId) {
    let nearness = match strategy {
        Strategy::Nearest => ship_to.nearness(&stocked.site.place),
        Strategy::Priority | Strategy::FewestSplits => 0,
    };
    (Reverse(nearness), stocked.site.priority, stocked.item.warehouse_id())
}

fn shortage(need: &Need<'_>) -> Option<Shortage> {
    let short = Shortage { sku: need.sku.clone(), requested: need.requested, available: need.may_have };
    (need.may_have < need.requested).then_some(short)
}

/// Takes what is needed from the warehouses that may be taken from, in their order.
fn take(needs: &[Need<'_>], may_take: impl Fn(WarehouseId) -> bool) -> Vec<Allocation> {
    let mut allocations = Vec::new();
    for need in needs {
        let mut missing = need.requested;
        for Stocked { item, .. } in need.stock.iter().filter(|stocked| may_take(stocked.item.warehouse_id())) {
            let quantity = missing.min(item.available());
            if quantity > 0 {
                missing -= quantity;
                allocations.push(Allocation {
                    stock_item_id: item.id(),
                    sku: need.sku.clone(),
                    warehouse_id: item.warehouse_id(),
                    quantity,
                    dispatched: 0,
                    released: 0,
                    returned: Returned::default(),
                });
            }
        }
    }
    allocations
}

/// The fewest warehouses that together hold all of it; of several such sets the one whose warehouses come first.
fn fewest(needs: &[Need<'_>]) -> BTreeSet<WarehouseId> {
    let holders = needs.iter().flat_map(|need| &need.stock).filter(|stocked| stocked.item.available() > 0);
    let ranked: BTreeSet<_> = holders.map(|stocked| (stocked.site.priority, stocked.item.warehouse_id())).collect();
    let warehouses: Vec<WarehouseId> = ranked.into_iter().map(|(_, warehouse_id)| warehouse_id).collect();
    // A row for each warehouse, a column for each SKU.
    let in_warehouse = |warehouse_id: &WarehouseId| -> Vec<i64> {
        let units = |need: &Need<'_>| {
            let here = need.stock.iter().filter(|stocked| stocked.item.warehouse_id() == *warehouse_id);
            here.map(|stocked| stocked.item.available()).sum()
        };
        needs.iter().map(units).collect()
    };
    let supply: Vec<Vec<i64>> = warehouses.iter().map(in_warehouse).collect();
    let missing: Vec<i64> = needs.iter().map(|need| need.requested).collect();
    let chosen = if supply.len() <= EXACT_MAX {
        (1..=supply.len()).find_map(|count| first_set_of(count, 0, &supply, &missing)).unwrap_or_default()
    } else {
        greedy(&supply, missing)
    };
    chosen.into_iter().map(|index| warehouses[index]).collect()
}

/// The first set of so many rows, from `from` on, that has all that is missing.
fn first_set_of(count: usize, from: usize, supply: &[Vec<i64>], missing: &[i64]) -> Option<Vec<usize>> {
    if missing.iter().all(|units| *units <= 0) {
        return Some(Vec::new());
    }
    if count == 0 {
        return None;
    }
    (from..supply.len()).find_map(|row| {
        let rest = first_set_of(count - 1, row + 1, supply, &without(missing, &supply[row]))?;
        Some(std::iter::once(row).chain(rest).collect())
    })
}

fn without(missing: &[i64], held: &[i64]) -> Vec<i64> {
    missing.iter().zip(held).map(|(missing, held)| missing - held).collect()
}

/// The row that has most of what is missing, again and again, until nothing is.
fn greedy(supply: &[Vec<i64>], mut missing: Vec<i64>) -> Vec<usize> {
    let mut chosen = Vec::new();
    while missing.iter().any(|units| *units > 0) {
        let helps = |row: &usize| -> i64 {
            supply[*row].iter().zip(&missing).map(|(held, missing)| (*held).min(*missing).max(0)).sum()
        };
        // Of equals the first: `max_by_key` would answer the last.
        let rest = (0..supply.len()).filter(|row| !chosen.contains(row));
        let Some(best) = rest.min_by_key(|row| Reverse(helps(row))) else { break };
        missing = without(&missing, &supply[best]);
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests;
