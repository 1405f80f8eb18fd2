//! Somebody asks what a seller charges for sending.

use sqlx::PgPool;

use super::Error;
use crate::adapters::postgres;
use crate::domain::rates::error::RatesError;
use crate::domain::rates::{Owner, Profile};

/// The profile that holds for somebody.
pub async fn get_shipping_profile(pool: &PgPool, owner: Owner) -> Result<Profile, Error> {
    let profiles = postgres::rates::profiles(pool, &[owner]).await?;
    Ok(profiles.holding_for(owner).cloned().ok_or(RatesError::ProfileNotFound)?)
}
