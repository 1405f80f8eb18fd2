//! A seller changes a warehouse, closes it or opens it again.

use kernel::Text;
use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres::warehouse;
use crate::domain::address::Address;
use crate::domain::ids::WarehouseId;
use crate::domain::warehouse::{Priority, Warehouse};

/// A change of a warehouse. What is not given stays.
#[derive(Debug, Clone)]
pub struct UpdateWarehouse {
    /// The warehouse.
    pub warehouse_id: WarehouseId,
    /// Its name.
    pub name: Option<Text<100>>,
    /// Which warehouse stock is taken from first.
    pub priority: Option<Priority>,
    /// Whether it is closed.
    pub closed: Option<bool>,
    /// Where it is.
    pub address: Option<Address>,
}

/// Changes a warehouse that the caller may change. Nobody else has to know of it, so there is no event. An order that is decided at this
/// very moment may still be promised stock of a warehouse that is being closed: it holds no lock on it, for the checkout's sake.
pub async fn update_warehouse(
    unit: &mut UnitOfWork,
    command: UpdateWarehouse,
    may_change: impl Fn(&Warehouse) -> bool,
) -> Result<Warehouse, Error> {
    let found = warehouse::find_locked(unit.tx(), command.warehouse_id).await?;
    let before = found.filter(may_change).ok_or(Error::WarehouseNotFound)?;
    let after = Warehouse {
        name: command.name.unwrap_or(before.name),
        priority: command.priority.unwrap_or(before.priority),
        closed: command.closed.unwrap_or(before.closed),
        address: command.address.or(before.address),
        ..before
    };
    warehouse::update(unit.tx(), &after).await?;
    Ok(after)
}
