//! Goods of a transfer arrive, in part or all, or it is known that no more do.

use kernel::{Id, Quantity};
use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Inventory;
use crate::adapters::postgres::transfer;
use crate::domain::fact::{Fact, TransferReceipt};
use crate::domain::ids::TransferId;
use crate::domain::transfer::Transfer;

/// Goods that arrived.
#[derive(Debug, Clone)]
pub struct ReceiveTransfer {
    /// The transfer.
    pub transfer_id: TransferId,
    /// Units; none only where nothing more arrives.
    pub quantity: Option<Quantity>,
    /// Whether nothing more is awaited.
    pub complete: bool,
}

/// Takes goods of a transfer in that the caller may receive, and answers the transfer as it is then.
pub async fn receive_transfer(
    unit: &mut UnitOfWork,
    inventory: &Inventory,
    command: ReceiveTransfer,
    actor: String,
    may_receive: impl Fn(&Transfer) -> bool,
) -> Result<Transfer, Error> {
    let found = transfer::find(unit.tx(), command.transfer_id).await?;
    found.filter(may_receive).ok_or(Error::TransferNotFound)?;
    let cause = Cause::command(actor.clone());
    let fact = Fact::TransferReceived(TransferReceipt {
        transfer_id: command.transfer_id,
        new_stock_item_id: Id::generate(),
        movement_id: Id::generate(),
        quantity: command.quantity,
        complete: command.complete,
        actor,
    });
    for outcome in react(inventory, unit, &[Caused { fact, cause }]).await? {
        outcome.accepted()?;
    }
    transfer::find(unit.tx(), command.transfer_id).await?.ok_or(Error::TransferNotFound)
}
