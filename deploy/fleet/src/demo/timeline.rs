//! The story of one order in milliseconds.

use anyhow::Result;

use crate::databases::Databases;
use crate::fleet::Fleet;
use crate::story::Journey;

/// What happened to an order, each with the milliseconds since its checkout was submitted.
pub(super) async fn of_order(fleet: &Fleet, checkout_id: &str, order_id: &str) -> Result<String> {
    let journey = Journey::read(&Databases::of(fleet), checkout_id.parse()?).await?;
    Ok(journey.story(order_id.parse()?).in_a_line())
}
