//! A seller says what it charges for sending, or an operator for sellers who do not.

use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres;
use crate::domain::rates::{Owner, Profile, Zone, Zones};

/// A profile to set. It replaces what was there.
#[derive(Clone, Debug)]
pub struct SetShippingProfile {
    /// Whose it is.
    pub owner: Owner,
    /// What it charges where.
    pub zones: Vec<Zone>,
}

/// Sets the profile, and answers it in its new version.
pub async fn set_shipping_profile(unit: &mut UnitOfWork, command: SetShippingProfile) -> Result<Profile, Error> {
    let SetShippingProfile { owner, zones } = command;
    let zones = Zones::new(zones)?;
    let version = postgres::rates::set(unit.tx(), owner, &zones).await?;
    Ok(Profile { owner, zones, version })
}
