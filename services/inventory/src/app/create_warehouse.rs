//! A seller opens a warehouse.

use kernel::{Id, Text};
use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres::warehouse;
use crate::domain::address::Address;
use crate::domain::ids::SellerId;
use crate::domain::warehouse::{PER_SELLER_MAX, Priority, Warehouse, WarehouseCode};

/// A warehouse to open.
#[derive(Debug, Clone)]
pub struct CreateWarehouse {
    /// The seller.
    pub seller_id: SellerId,
    /// Short code, unique for the seller.
    pub code: WarehouseCode,
    /// Name.
    pub name: Text<100>,
    /// Which warehouse stock is taken from first: the lowest.
    pub priority: Priority,
    /// Where it is.
    pub address: Option<Address>,
}

/// Opens a warehouse. Nobody else has to know of it, so there is no event.
pub async fn create_warehouse(unit: &mut UnitOfWork, command: CreateWarehouse) -> Result<Warehouse, Error> {
    if warehouse::count_locked(unit.tx(), command.seller_id).await? >= PER_SELLER_MAX {
        return Err(Error::WarehouseLimit);
    }
    let opened = Warehouse {
        id: Id::generate(),
        seller_id: command.seller_id,
        code: command.code,
        name: command.name,
        priority: command.priority,
        created_at: unit.now(),
        closed: false,
        address: command.address,
    };
    match warehouse::insert(unit.tx(), &opened).await {
        Ok(()) => Ok(opened),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some(warehouse::CODE_TAKEN) => {
            Err(Error::WarehouseCodeTaken)
        }
        Err(error) => Err(error.into()),
    }
}
