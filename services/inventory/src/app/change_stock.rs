//! A seller takes goods in, puts a count right, or writes off what cannot be sold.

use std::collections::BTreeSet;

use chassis::grpc::{Peer, PeerError};
use contracts::products::v1::BatchGetVariantsRequest;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use kernel::{Id, Sku};
use messaging::{Cause, Caused, EventStore, UnitOfWork, react};
use tonic::Request;

use super::Error;
use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, StockChange, StockChangeKind};
use crate::domain::ids::{SellerId, WarehouseId};
use crate::domain::stock::StockItem;
use crate::domain::warehouse::Warehouse;

/// A change of what is on hand.
#[derive(Debug, Clone)]
pub struct ChangeStock {
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// The variant.
    pub sku: Sku,
    /// What changes.
    pub kind: StockChangeKind,
    /// Why.
    pub reason: String,
}

/// Finds the warehouse if the caller may change its stock, and makes sure that its seller offers the SKU. Asks products, so it
/// comes before the transaction.
pub async fn check(
    store: &EventStore,
    products: &ProductsServiceClient<Peer>,
    command: &ChangeStock,
    may_change: impl Fn(&Warehouse) -> bool,
) -> Result<Warehouse, Error> {
    let warehouse = postgres::warehouse::find(store.pool(), command.warehouse_id)
        .await?
        .filter(may_change)
        .ok_or(Error::WarehouseNotFound)?;
    check_offered(products, warehouse.seller_id, &[&command.sku]).await?;
    Ok(warehouse)
}

/// Asks products whether a seller offers each of the SKUs.
pub async fn check_offered(
    products: &ProductsServiceClient<Peer>,
    seller_id: SellerId,
    skus: &[&Sku],
) -> Result<(), Error> {
    if skus.is_empty() {
        return Ok(());
    }
    let request = Request::new(BatchGetVariantsRequest { skus: skus.iter().map(ToString::to_string).collect() });
    let answer = products.clone().batch_get_variants(request).await;
    let offers = answer.map_err(|status| PeerError::new("products", status))?.into_inner().offers;
    let seller_id = seller_id.to_string();
    let own = offers.into_iter().filter(|offer| offer.seller_id == seller_id);
    let offered: BTreeSet<String> = own.filter_map(|offer| offer.variant).map(|variant| variant.sku).collect();
    match skus.iter().find(|sku| !offered.contains(sku.as_str())) {
        Some(sku) => Err(Error::SkuUnknown((*sku).clone())),
        None => Ok(()),
    }
}

/// Changes the stock, and answers it as it is then, with its version.
pub async fn change_stock(
    unit: &mut UnitOfWork,
    inventory: &Inventory,
    warehouse: &Warehouse,
    command: ChangeStock,
    actor: String,
) -> Result<(StockItem, i64), Error> {
    let cause = Cause::command(actor.clone());
    let fact = Fact::StockChange(StockChange {
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        warehouse_id: warehouse.id,
        seller_id: warehouse.seller_id,
        sku: command.sku.clone(),
        kind: command.kind,
        reason: command.reason,
        actor,
    });
    for outcome in react(inventory, unit, &[Caused { fact, cause }]).await? {
        outcome.accepted()?;
    }
    let found = postgres::find_stock_item(unit.tx(), warehouse.id, &command.sku).await?;
    found.ok_or(Error::SkuUnknown(command.sku))
}
