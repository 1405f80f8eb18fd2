//! Table `shipping_profile`.

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::domain::ids::SellerId;
use crate::domain::rates::{Owner, Profile, Profiles, Zones};

/// Sets somebody's profile, and answers its version.
pub async fn set(tx: &mut PgConnection, owner: Owner, zones: &Zones) -> Result<i64, Error> {
    let version = sqlx::query_scalar(
        "INSERT INTO shipping_profile (seller_id, zones, version) VALUES ($1, $2, 1)
         ON CONFLICT ON CONSTRAINT shipping_profile_one_for_each_seller
         DO UPDATE SET zones = excluded.zones, version = shipping_profile.version + 1
         RETURNING version",
    )
    .bind(column(owner))
    .bind(Json(zones))
    .fetch_one(tx)
    .await?;
    Ok(version)
}

/// The profiles that these have, and that of the marketplace.
pub async fn profiles(pool: &PgPool, owners: &[Owner]) -> Result<Profiles, Error> {
    // Two statements in one, because an index serves no OR with IS NULL.
    let rows = sqlx::query(
        "SELECT seller_id, zones, version FROM shipping_profile WHERE seller_id = ANY($1)
         UNION ALL
         SELECT seller_id, zones, version FROM shipping_profile WHERE seller_id IS NULL",
    )
    .bind(owners.iter().filter_map(|owner| column(*owner)).collect::<Vec<_>>())
    .fetch_all(pool)
    .await?;
    Ok(Profiles::new(rows.iter().map(profile).collect::<Result<Vec<_>, _>>()?))
}

fn profile(row: &PgRow) -> Result<Profile, Error> {
    let Json(zones) = row.try_get("zones")?;
    let seller_id = row.try_get::<Option<Uuid>, _>("seller_id")?.map(SellerId::from_uuid);
    Ok(Profile { owner: seller_id.map_or(Owner::Marketplace, Owner::Seller), zones, version: row.try_get("version")? })
}

/// As it stands in the column `seller_id`.
fn column(owner: Owner) -> Option<Uuid> {
    match owner {
        Owner::Marketplace => None,
        Owner::Seller(seller_id) => Some(seller_id.uuid()),
    }
}
