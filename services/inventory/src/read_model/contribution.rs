//! What each history adds to the figures of stock. Table `stock_contribution`.
//!
//! | history of | adds |
//! | --- | --- |
//! | a stock item | what came in, was adjusted, was written off or left, to the total; what left for orders, to what is committed, as less |
//! | a reservation | what is held for the order, to what is reserved or committed; also after it has left: the stock item takes that off |
//! | a transfer | what left, to the total of the one warehouse, as less; what arrived, to the other's, and what is on its way there |
//!
//! No order in which these are heard of is wrong: sums do not depend on it.

use std::collections::{BTreeMap, HashMap};

use contracts::inventory::v1 as wire;
use messaging::Error;
use messaging::journal::{self, Record};
use messaging::read_model::{Generation, Table};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::figures::{Figures, Place};

/// Its table. A history that adds nothing says as much as none.
pub const TABLE: Table = Table {
    name: "stock_contribution",
    differences: "
    SELECT format('what %s adds to the stock', aggregate_id)
    FROM (SELECT * FROM stock_contribution WHERE generation = $1 AND shares <> '[]') AS a
    FULL JOIN (SELECT * FROM stock_contribution WHERE generation = $2 AND shares <> '[]') AS b USING (aggregate_id)
    WHERE a.version IS DISTINCT FROM b.version OR a.shares IS DISTINCT FROM b.shares
    ORDER BY aggregate_id LIMIT $3",
};

/// Records of one history that are read at once: a history that is read for the first time may be long.
const RECORDS_MAX: i64 = 1_000;

/// What a history adds, as far as it was folded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution {
    /// The version of the aggregate up to which it was.
    pub version: i64,
    /// What it adds where. That it adds nothing, and does not say whose stock it is, is not kept.
    pub shares: BTreeMap<Place, Share>,
}

/// What a history adds to the stock of one SKU in one warehouse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Whose stock it is, if the history says so.
    pub seller_id: Option<Uuid>,
    /// What it adds.
    pub figures: Figures,
}

impl Contribution {
    /// Goes on with the next facts of the history, in their order. Those that were folded already are passed over.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn fold(&mut self, records: &[Record]) -> Result<(), Error> {
        let version = self.version;
        for record in records.iter().filter(|record| record.version > version) {
            self.apply(record)?;
            self.version = record.version;
        }
        self.shares.retain(|_, share| *share != Share::default());
        Ok(())
    }

    fn apply(&mut self, record: &Record) -> Result<(), Error> {
        match record.event_type.as_str() {
            "tradewind.inventory.v1.StockAdded" => {
                let added: wire::StockAdded = record.read()?;
                self.stock(added.stock_item.as_ref())?.total += added.quantity;
            }
            "tradewind.inventory.v1.StockAdjusted" => {
                let adjusted: wire::StockAdjusted = record.read()?;
                self.stock(adjusted.stock_item.as_ref())?.total += adjusted.delta;
            }
            "tradewind.inventory.v1.StockWrittenOff" => {
                let written_off: wire::StockWrittenOff = record.read()?;
                // What came back damaged from an order was not in the total again.
                let units = if written_off.order_id.is_empty() { written_off.quantity } else { 0 };
                self.stock(written_off.stock_item.as_ref())?.total -= units;
            }
            "tradewind.inventory.v1.StockRemoved" => {
                let removed: wire::StockRemoved = record.read()?;
                let figures = self.stock(removed.stock_item.as_ref())?;
                figures.total -= removed.quantity;
                figures.committed -= removed.quantity;
            }
            "tradewind.inventory.v1.OutOfStock" => {
                self.stock(record.read::<wire::OutOfStock>()?.stock_item.as_ref()).map(drop)?;
            }
            "tradewind.inventory.v1.BackInStock" => {
                self.stock(record.read::<wire::BackInStock>()?.stock_item.as_ref()).map(drop)?;
            }
            "tradewind.inventory.v1.LowStock" => {
                self.stock(record.read::<wire::LowStock>()?.stock_item.as_ref()).map(drop)?;
            }
            "tradewind.inventory.v1.InventoryReserved" => {
                self.held(&record.read::<wire::InventoryReserved>()?.allocations, reserve)?;
            }
            "tradewind.inventory.v1.InventoryCommitted" => {
                self.held(&record.read::<wire::InventoryCommitted>()?.allocations, commit)?;
            }
            "tradewind.inventory.v1.ReservationModified" => {
                self.held(&record.read::<wire::ReservationModified>()?.released, release)?;
            }
            "tradewind.inventory.v1.InventoryReleased" => {
                self.held(&record.read::<wire::InventoryReleased>()?.allocations, release)?;
            }
            "tradewind.inventory.v1.TransferDispatched" => {
                self.transfer(record.read::<wire::TransferDispatched>()?.transfer.as_ref())?;
            }
            "tradewind.inventory.v1.TransferReceived" => {
                self.transfer(record.read::<wire::TransferReceived>()?.transfer.as_ref())?;
            }
            // An order that is rejected holds nothing, one that has expired is released, and one that is refused had expired. What newer
            // code tells is not shown.
            _ => {}
        }
        Ok(())
    }

    /// The figures of the stock item that a fact of its history is about.
    fn stock(&mut self, item: Option<&wire::StockItem>) -> Result<&mut Figures, Error> {
        let item = item.ok_or_else(|| Error::Corrupt("a fact about stock names no stock item".to_owned()))?;
        let seller_id = if item.seller_id.is_empty() { None } else { Some(id(&item.seller_id)?) };
        let share = self.share(&item.warehouse_id, &item.sku)?;
        share.seller_id = share.seller_id.or(seller_id);
        Ok(&mut share.figures)
    }

    fn held(&mut self, allocations: &[wire::Allocation], change: fn(&mut Figures, i64)) -> Result<(), Error> {
        for allocation in allocations {
            let share = self.share(&allocation.warehouse_id, &allocation.sku)?;
            change(&mut share.figures, allocation.quantity);
        }
        Ok(())
    }

    /// A transfer tells how it stands after each fact.
    fn transfer(&mut self, transfer: Option<&wire::Transfer>) -> Result<(), Error> {
        let transfer = transfer.ok_or_else(|| Error::Corrupt("a fact about a transfer names none".to_owned()))?;
        let seller_id = Some(id(&transfer.seller_id)?);
        let left = Figures { total: -transfer.quantity, ..Figures::default() };
        let in_transit = transfer.quantity - transfer.received - transfer.lost;
        let arrived = Figures { total: transfer.received, in_transit, ..Figures::default() };
        *self.share(&transfer.from_warehouse_id, &transfer.sku)? = Share { seller_id, figures: left };
        *self.share(&transfer.to_warehouse_id, &transfer.sku)? = Share { seller_id, figures: arrived };
        Ok(())
    }

    fn share(&mut self, warehouse_id: &str, sku: &str) -> Result<&mut Share, Error> {
        let place = Place { warehouse_id: id(warehouse_id)?, sku: sku.to_owned() };
        Ok(self.shares.entry(place).or_default())
    }
}

fn reserve(figures: &mut Figures, units: i64) {
    figures.reserved += units;
}

fn commit(figures: &mut Figures, units: i64) {
    figures.reserved -= units;
    figures.committed += units;
}

/// An order's stock is all reserved or all committed. Of what is committed, that which has left is not given back.
fn release(figures: &mut Figures, units: i64) {
    if figures.reserved > 0 {
        figures.reserved -= units;
    } else {
        figures.committed -= units;
    }
}

/// An id as the histories say it.
pub(super) fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|error| Error::Corrupt(format!("{text:?} is no id: {error}")))
}

/// What is kept of each aggregate in each generation.
pub type Contributions = BTreeMap<(Generation, Uuid), Contribution>;

/// A share as the table keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct ShareRow {
    #[serde(flatten)]
    place: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seller_id: Option<Uuid>,
    #[serde(flatten)]
    figures: Figures,
}

/// The contributions of these aggregates as they are kept; of one of which nothing is, an empty one.
pub(super) async fn find_all(
    tx: &mut PgConnection,
    generations: &[Generation],
    aggregates: &[Uuid],
) -> Result<Contributions, Error> {
    let keys = generations.iter().flat_map(|generation| aggregates.iter().map(move |id| (*generation, *id)));
    let mut contributions: Contributions = keys.map(|key| (key, Contribution::default())).collect();
    let rows = sqlx::query("SELECT * FROM stock_contribution WHERE generation = ANY($1) AND aggregate_id = ANY($2)")
        .bind(generations)
        .bind(aggregates)
        .fetch_all(tx)
        .await?;
    for row in &rows {
        let Json(shares): Json<Vec<ShareRow>> = row.try_get("shares")?;
        let shares =
            shares.into_iter().map(|row| (row.place, Share { seller_id: row.seller_id, figures: row.figures }));
        let contribution = Contribution { version: row.try_get("version")?, shares: shares.collect() };
        contributions.insert((row.try_get("generation")?, row.try_get("aggregate_id")?), contribution);
    }
    Ok(contributions)
}

/// The contributions with all that the journal has by now.
pub(super) async fn catch_up(tx: &mut PgConnection, before: &Contributions) -> Result<Contributions, Error> {
    let mut contributions = before.clone();
    let mut reached: HashMap<Uuid, i64> = HashMap::new();
    for ((_, id), contribution) in before {
        let least = reached.entry(*id).or_insert(contribution.version);
        *least = contribution.version.min(*least);
    }
    while !reached.is_empty() {
        let after: Vec<_> = reached.drain().collect();
        let histories = journal::read_after(tx, &after, RECORDS_MAX).await?;
        for ((_, id), contribution) in &mut contributions {
            contribution.fold(histories.get(id).map_or(&[], Vec::as_slice))?;
        }
        let has_more = |records: &Vec<Record>| records.len() as i64 == RECORDS_MAX;
        let last = |(id, records): (&Uuid, &Vec<Record>)| records.last().map(|record| (*id, record.version));
        reached.extend(histories.iter().filter(|(_, records)| has_more(records)).filter_map(last));
    }
    Ok(contributions)
}

/// Keeps the contributions that are not what they were before. A history that never added anything, of an order that was rejected, is not worth a row.
pub(super) async fn save(tx: &mut PgConnection, before: &Contributions, now: &Contributions) -> Result<(), Error> {
    let is_kept = |key, now: &Contribution| {
        let before = before.get(key);
        before != Some(now) && (!now.shares.is_empty() || before.is_some_and(|before| before.version > 0))
    };
    let changed: Vec<_> = now.iter().filter(|(key, contribution)| is_kept(key, contribution)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let row = |(place, share): (&Place, &Share)| ShareRow {
        place: place.clone(),
        seller_id: share.seller_id,
        figures: share.figures,
    };
    let shares = |contribution: &Contribution| Json(contribution.shares.iter().map(row).collect::<Vec<_>>());
    sqlx::query(
        "INSERT INTO stock_contribution (generation, aggregate_id, version, shares)
         SELECT * FROM unnest($1::integer[], $2::uuid[], $3::bigint[], $4::jsonb[])
         ON CONFLICT (generation, aggregate_id) DO UPDATE SET version = excluded.version, shares = excluded.shares",
    )
    .bind(changed.iter().map(|((generation, _), _)| *generation).collect::<Vec<_>>())
    .bind(changed.iter().map(|((_, aggregate_id), _)| *aggregate_id).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, contribution)| contribution.version).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, contribution)| shares(contribution)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
