//! An operator records what a carrier passed on for an order that is paid in cash on delivery.

use kernel::Money;
use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::domain::consignment::RemittanceReference;
use crate::domain::fact::Fact;
use crate::domain::ids::OrderId;

/// Cash that was passed on.
#[derive(Clone, Debug)]
pub struct RecordRemittance {
    /// The order.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The carrier's reference.
    pub reference: RemittanceReference,
    /// The caller, for the history.
    pub actor: String,
}

/// Notes the remittance. The same again, under the same reference, changes nothing.
pub async fn record_remittance(
    unit: &mut UnitOfWork,
    shipping: Shipping,
    command: RecordRemittance,
) -> Result<(), Error> {
    let RecordRemittance { order_id, amount, reference, actor } = command;
    let fact = Fact::CashRemitted { order_id, amount, reference };
    for outcome in react(&shipping, unit, &[Caused { fact, cause: Cause::command(actor) }]).await? {
        outcome.accepted()?;
    }
    Ok(())
}
