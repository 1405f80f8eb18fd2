//! A seller sends goods to another of its warehouses.

use kernel::{Id, Quantity, Sku};
use messaging::{Cause, Caused, EventStore, UnitOfWork, react};

use super::Error;
use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::{Fact, TransferDispatch};
use crate::domain::ids::WarehouseId;
use crate::domain::transfer::Transfer;
use crate::domain::warehouse::Warehouse;

/// Goods to send.
#[derive(Debug, Clone)]
pub struct DispatchTransfer {
    /// The variant.
    pub sku: Sku,
    /// The warehouse that they leave.
    pub from_warehouse_id: WarehouseId,
    /// The warehouse that they go to.
    pub to_warehouse_id: WarehouseId,
    /// Units.
    pub quantity: Quantity,
}

/// Finds the warehouse that goods leave, if the caller may send them, and makes sure that the other is one of the same seller and open,
/// and that there ever was stock of the SKU.
pub async fn check(
    store: &EventStore,
    command: &DispatchTransfer,
    may_send: impl Fn(&Warehouse) -> bool,
) -> Result<Warehouse, Error> {
    let find = async |id| postgres::warehouse::find(store.pool(), id).await;
    let from = find(command.from_warehouse_id).await?.filter(may_send).ok_or(Error::WarehouseNotFound)?;
    let to = find(command.to_warehouse_id).await?.filter(|to| to.seller_id == from.seller_id);
    let to = to.ok_or(Error::DestinationNotFound)?;
    if to.closed {
        return Err(Error::WarehouseClosed);
    }
    let stocked = postgres::find_stock_item(store.pool(), from.id, &command.sku).await?;
    stocked.map(|_| from).ok_or_else(|| Error::SkuUnknown(command.sku.clone()))
}

/// Sends the goods off, and answers the transfer.
pub async fn dispatch_transfer(
    unit: &mut UnitOfWork,
    inventory: &Inventory,
    from: &Warehouse,
    command: DispatchTransfer,
    actor: String,
) -> Result<Transfer, Error> {
    let transfer_id = Id::generate();
    let cause = Cause::command(actor.clone());
    let fact = Fact::TransferDispatched(TransferDispatch {
        transfer_id,
        seller_id: from.seller_id,
        sku: command.sku,
        from_warehouse_id: from.id,
        to_warehouse_id: command.to_warehouse_id,
        quantity: command.quantity,
        actor,
    });
    for outcome in react(inventory, unit, &[Caused { fact, cause }]).await? {
        outcome.accepted()?;
    }
    let sent = postgres::transfer::find(unit.tx(), transfer_id).await?;
    sent.ok_or(Error::TransferNotFound)
}
