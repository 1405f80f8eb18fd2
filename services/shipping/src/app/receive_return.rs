//! A seller or an operator takes in goods that came back.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::adapters::postgres::{self, FoundReturn};
use crate::domain::error::ShippingError;
use crate::domain::fact::{Fact, Receipt};
use crate::domain::goods_return::Goods;
use crate::domain::ids::{OrderId, ReceiptId, ReturnId};

/// Goods that came back.
#[derive(Clone, Debug)]
pub struct ReceiveReturn {
    /// The order.
    pub order_id: OrderId,
    /// The return.
    pub return_id: ReturnId,
    /// What came, by its condition.
    pub goods: Goods,
    /// Nothing more is awaited, whatever is missing.
    pub complete: bool,
    /// The caller, for the history.
    pub actor: String,
}

/// Takes the goods in, and answers the return as it is then.
pub async fn receive_return(
    unit: &mut UnitOfWork,
    shipping: Shipping,
    command: ReceiveReturn,
) -> Result<FoundReturn, Error> {
    let ReceiveReturn { order_id, return_id, goods, complete, actor } = command;
    let receipt = Receipt { order_id, return_id, receipt_id: ReceiptId::generate(), goods, complete };
    let caused = Caused { fact: Fact::GoodsReceived(receipt), cause: Cause::command(actor) };
    for outcome in react(&shipping, unit, &[caused]).await? {
        outcome.accepted()?;
    }
    let found = postgres::find_return(unit.tx(), return_id).await?;
    Ok(found.ok_or(ShippingError::ReturnNotFound(return_id))?)
}
