//! Loading and saving. Every writer goes through [`load`] and [`save`], in the transaction of its caller.
//!
//! Locks are taken in one order everywhere, so that two batches never wait for each other in a circle: first orders and transfers, by id,
//! which is done before [`load`], then stock items, by SKU and warehouse.

pub mod policy;
mod reservation;
mod stock;
pub mod transfer;
pub mod warehouse;

use messaging::{Caused, Error, Heads};
use sqlx::PgConnection;

use crate::domain::fact::Fact;
use crate::domain::world::World;

pub use reservation::{
    backorders_due, due, find as find_reservation, find_many as find_reservations, held as held_reservations,
};
pub use stock::{availability, find as find_stock_item, movements};

/// Loads and locks what the facts touch.
pub async fn load(tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
    let mut world = World::default();
    let mut heads = Heads::default();
    reservation::load(tx, facts, &mut world, &mut heads).await?;
    transfer::load(tx, facts, &mut world, &mut heads).await?;
    stock::create_missing(tx, facts, &world).await?;
    stock::load(tx, facts, &mut world, &mut heads).await?;
    Ok((world, heads))
}

/// Saves what changed.
pub async fn save(tx: &mut PgConnection, world: &World, heads: &Heads, now: kernel::Timestamp) -> Result<(), Error> {
    reservation::save(tx, world, heads).await?;
    transfer::save(tx, world, heads).await?;
    stock::save(tx, world, heads).await?;
    policy::save_waiting(tx, world).await?;
    stock::save_movements(tx, world, now).await
}
