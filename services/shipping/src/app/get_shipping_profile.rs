//! Somebody asks what a seller charges for sending.

use sqlx::PgPool;

use super::Error;
use crate::adapters::postgres;
use crate::domain::ids::SellerId;
use crate::domain::rates::Profile;
use crate::domain::rates::error::RatesError;

/// The profile that holds for a seller; for none that of the marketplace.
pub async fn get_shipping_profile(pool: &PgPool, seller_id: Option<SellerId>) -> Result<Profile, Error> {
    let profiles = postgres::rates::profiles(pool, seller_id).await?;
    Ok(profiles.holding_for(seller_id).cloned().ok_or(RatesError::ProfileNotFound)?)
}
