//! A seller says what it charges for sending, or an operator for sellers who do not.

use messaging::UnitOfWork;

use super::Error;
use crate::adapters::postgres;
use crate::domain::ids::SellerId;
use crate::domain::rates::{Profile, Zone, Zones};

/// A profile to set. It replaces what was there.
#[derive(Clone, Debug)]
pub struct SetShippingProfile {
    /// Whose it is; none: the marketplace's.
    pub seller_id: Option<SellerId>,
    /// What it charges where.
    pub zones: Vec<Zone>,
}

/// Sets the profile, and answers it in its new version.
pub async fn set_shipping_profile(unit: &mut UnitOfWork, command: SetShippingProfile) -> Result<Profile, Error> {
    let SetShippingProfile { seller_id, zones } = command;
    let zones = Zones::new(zones)?;
    let version = postgres::rates::set(unit.tx(), seller_id, &zones).await?;
    Ok(Profile { seller_id, zones, version })
}
