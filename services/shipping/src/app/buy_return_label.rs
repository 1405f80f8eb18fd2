//! A buyer, a seller or an operator asks for the label by which goods are sent back. The carrier is asked first, outside any transaction and
//! under a key that follows from the return; then what it sold is noted.

use messaging::{Cause, Caused, EventStore, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::adapters::carriers::{CarrierApi, NoLabel, SANDBOX};
use crate::adapters::postgres::{self, FoundReturn};
use crate::domain::error::ShippingError;
use crate::domain::fact::{BoughtLabel, Fact};
use crate::domain::world::LabelPlace;

/// A label that the carrier sold, to be noted.
#[derive(Clone, Debug)]
pub struct BuyReturnLabel {
    /// The label.
    pub bought: BoughtLabel,
    /// The caller, for the history.
    pub actor: String,
}

/// The label of a return to a warehouse: the one that it has, or one that is bought now. Whoever asks again, even after a crash, gets the same.
pub async fn buy(store: &EventStore, api: Option<&impl CarrierApi>, place: LabelPlace) -> Result<BoughtLabel, Error> {
    let (order_id, return_id, warehouse_id) = place;
    let consignment = postgres::find_consignment(&mut *postgres::snapshot(store.pool()).await?, order_id).await?;
    let consignment = consignment.ok_or(ShippingError::OrderNotFound(order_id))?;
    let goods_return = consignment.returns.get(&return_id).ok_or(ShippingError::ReturnNotFound(return_id))?;
    let sold = |carrier, tracking_number| BoughtLabel { order_id, return_id, warehouse_id, carrier, tracking_number };
    if let Some(label) = goods_return.labels.get(&warehouse_id) {
        return Ok(sold(label.carrier.clone(), label.tracking_number.clone()));
    }
    goods_return.awaits_by_label(warehouse_id)?;
    let carriers = consignment.brought_by(goods_return, warehouse_id);
    let carrier = carriers.into_iter().find(|carrier| carrier.as_str() == SANDBOX);
    let carrier = carrier.ok_or(ShippingError::NoReturnCarrier { return_id, warehouse_id })?;
    let api = api.ok_or_else(|| NoLabel::Refused("it sells no labels here".to_owned()))?;
    let key = format!("return:{return_id}:{warehouse_id}");
    let number = api.buy_return_label(&key, &consignment.terms.ship_to, warehouse_id).await?;
    Ok(sold(carrier.clone(), number))
}

/// Notes the label, and answers the return as it is then.
pub async fn buy_return_label(
    unit: &mut UnitOfWork,
    shipping: Shipping,
    command: BuyReturnLabel,
) -> Result<FoundReturn, Error> {
    let BuyReturnLabel { bought, actor } = command;
    let return_id = bought.return_id;
    let caused = Caused { fact: Fact::ReturnLabelBought(bought), cause: Cause::command(actor) };
    for outcome in react(&shipping, unit, &[caused]).await? {
        outcome.accepted()?;
    }
    let found = postgres::find_return(unit.tx(), return_id).await?;
    Ok(found.ok_or(ShippingError::ReturnNotFound(return_id))?)
}
