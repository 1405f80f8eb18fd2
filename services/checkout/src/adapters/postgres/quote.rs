//! Table `quote`. A row is written once, read whole, and never changed: the service's role may not.

use std::collections::HashMap;

use messaging::Error;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;

use crate::domain::ids::QuoteId;
use crate::domain::quote::Quote;

/// Keeps a quote.
pub async fn insert(tx: &mut PgConnection, quote: &Quote) -> Result<(), Error> {
    sqlx::query("INSERT INTO quote (quote_id, buyer_id, created_at, offer) VALUES ($1, $2, $3, $4)")
        .bind(quote.id.uuid())
        .bind(quote.buyer_id.uuid())
        .bind(OffsetDateTime::from(quote.created_at))
        .bind(Json(quote))
        .execute(tx)
        .await?;
    Ok(())
}

/// The quotes of these ids that there are, and whether each was submitted.
pub async fn find(tx: &mut PgConnection, quote_ids: &[QuoteId]) -> Result<HashMap<QuoteId, (Quote, bool)>, Error> {
    let rows = sqlx::query(
        "SELECT quote_id, offer, checkout_id IS NOT NULL AS is_submitted
         FROM quote LEFT JOIN checkout USING (quote_id) WHERE quote_id = ANY($1)",
    )
    .bind(quote_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    let read = |row: &PgRow| {
        let Json(quote) = row.try_get("offer")?;
        Ok((QuoteId::from_uuid(row.try_get("quote_id")?), (quote, row.try_get("is_submitted")?)))
    };
    rows.iter().map(read).collect()
}
