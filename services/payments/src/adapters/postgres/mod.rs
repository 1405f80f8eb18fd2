//! Loading and saving. Every writer goes through [`load`] and [`save`], in the transaction of its caller; the orders are locked
//! before that, by id. Only the claims of [`operation`] stand outside: they change nothing but whose turn it is to call.

pub mod ledger;
pub mod operation;
pub mod payment;

use std::collections::BTreeSet;

use kernel::{Currency, Money, Timestamp};
use messaging::{Cause, Caused, Error, Heads};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use self::operation::Claim;
use crate::Heard;
use crate::domain::{OrderId, World};

/// Loads what is known of the orders that the facts are about.
pub async fn load(tx: &mut PgConnection, facts: &[Caused<Heard>]) -> Result<(World, Heads), Error> {
    let mut world = World::default();
    let mut heads = Heads::default();
    payment::load(tx, facts, &mut world, &mut heads).await?;
    Ok((world, heads))
}

/// Saves what changed. `stored` are the orders that a row was loaded of, `causes` are those of what is asked, one each, and `claim` is the worker's that asks at once, if one does.
pub async fn save(
    tx: &mut PgConnection,
    world: &World,
    stored: &BTreeSet<OrderId>,
    causes: &[Cause],
    claim: Option<&Claim>,
    heads: &Heads,
    now: Timestamp,
) -> Result<(), Error> {
    payment::save(tx, world, stored, heads, now).await?;
    operation::save_asked(tx, &world.asked, causes, claim, now).await?;
    operation::save_answered(tx, &world.answered, now).await?;
    operation::save_asked_again(tx, &world.asked_again).await?;
    ledger::save(tx, &world.posted, now).await
}

/// The money of a row: an amount in minor units of its column `currency`.
fn money(row: &PgRow, amount_column: &str) -> Result<Money, Error> {
    let currency: &str = row.try_get("currency")?;
    let currency: Currency = currency.parse().map_err(|error| Error::Corrupt(format!("currency: {error}")))?;
    Ok(Money::from_minor(row.try_get(amount_column)?, currency))
}
