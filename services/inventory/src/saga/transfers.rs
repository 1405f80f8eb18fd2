//! What a seller moves from one of its warehouses to another. No saga of an order knows of it: what is promised stays where it is.

use kernel::{Decision, Timestamp};

use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::{TransferDispatch, TransferReceipt};
use crate::domain::transfer::Transfer;
use crate::domain::world::World;

/// Takes goods off the stock of the warehouse that they leave.
pub fn on_transfer_dispatched(
    world: &mut World,
    dispatch: &TransferDispatch,
    now: Timestamp,
) -> Decision<Event, Error> {
    if world.transfer(dispatch.transfer_id).is_some() {
        return Decision::AlreadyApplied;
    }
    let transfer = Transfer::dispatched(dispatch, now);
    if let Err(refusal) = world.send_off(&transfer, dispatch) {
        return Decision::Refused(refusal);
    }
    Decision::applied(Event::TransferDispatched { transfer })
}

/// Takes goods onto the stock of the warehouse where they arrive.
pub fn on_transfer_received(world: &mut World, receipt: &TransferReceipt, now: Timestamp) -> Decision<Event, Error> {
    let Some(before) = world.transfer(receipt.transfer_id).cloned() else {
        return Decision::Refused(Error::NoSuchTransfer(receipt.transfer_id));
    };
    if receipt.quantity.is_none() && !receipt.complete {
        return Decision::Ignored("nothing arrived, and more is awaited");
    }
    let taken = before.after(receipt, now).and_then(|transfer| {
        world.take_in(&transfer, receipt)?;
        Ok(transfer)
    });
    match taken {
        Ok(transfer) => {
            Decision::applied(Event::TransferReceived { transfer, quantity: receipt.quantity.map_or(0, i64::from) })
        }
        Err(refusal) => Decision::Refused(refusal),
    }
}

#[cfg(test)]
mod tests;
