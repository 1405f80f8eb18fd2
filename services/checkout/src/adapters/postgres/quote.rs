//! Table `quote`. A row is written once, read whole, and never changed: the service's role may not.

use messaging::Error;
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

/// A quote, and whether it was submitted.
pub async fn find(tx: &mut PgConnection, quote_id: QuoteId) -> Result<Option<(Quote, bool)>, Error> {
    let row = sqlx::query(
        "SELECT offer, EXISTS (SELECT FROM checkout WHERE checkout.quote_id = quote.quote_id) AS is_submitted
         FROM quote WHERE quote_id = $1",
    )
    .bind(quote_id.uuid())
    .fetch_optional(tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let Json(quote) = row.try_get("offer")?;
    Ok(Some((quote, row.try_get("is_submitted")?)))
}
