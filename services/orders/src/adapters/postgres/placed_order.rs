//! View `placed_order`: orders as they are read, with all that was agreed.

use kernel::{Currency, Money, Quantity, Rate, Sku, Timestamp};
use messaging::{Error, Head};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::order::{currency, exchange, shipping_service, standing, timestamp};
use crate::domain::ids::{BuyerId, CheckoutId, OrderId, ProductId, SellerId};
use crate::domain::order::Standing;
use crate::domain::refund::Refund;
use crate::domain::snapshot::{Address, Line, PaymentMethod, Snapshot, SnapshotHash, Terms, TermsVersion};

/// An order as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// What is agreed, or was in the version that was asked for.
    pub snapshot: Snapshot,
    /// The version of that.
    pub terms_version: TermsVersion,
    /// The order that it was split off, if it was.
    pub split_from: Option<OrderId>,
    /// The orders that were split off it, oldest first.
    pub split_into: Vec<OrderId>,
    /// Where it stands.
    pub standing: Standing,
    /// Whether somebody asked to cancel it and its parcels are being stopped.
    pub cancellation_requested: bool,
    /// What was asked back so far, oldest first.
    pub refunds: Vec<Refund>,
    /// When it is closed if nothing else is under way.
    pub close_at: Option<Timestamp>,
    /// When it is cancelled if it is still unpaid.
    pub unpaid_deadline: Timestamp,
    /// Until when it waits for stock, or waited.
    pub waits_until: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How far its history goes.
    pub head: Head,
}

/// An order, if it exists and has that version; the latest, if none is named.
pub async fn find(
    connection: &mut PgConnection,
    id: OrderId,
    terms_version: Option<TermsVersion>,
) -> Result<Option<PlacedOrder>, Error> {
    let row = sqlx::query(
        "SELECT *, ARRAY(SELECT n.order_id FROM order_snapshot n WHERE n.split_from = $1 AND n.terms_version = 1 ORDER BY 1) AS split_into
         FROM agreed_order WHERE order_id = $1 AND terms_version = coalesce($2, latest_terms_version)",
    )
    .bind(id.uuid())
    .bind(terms_version)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let lines = sqlx::query("SELECT * FROM order_line WHERE order_id = $1 AND terms_version = $2 ORDER BY position")
        .bind(id.uuid())
        .bind(row.try_get::<TermsVersion, _>("terms_version")?)
        .fetch_all(connection)
        .await?;
    placed_order_from_row(&row, &lines).map(Some)
}

fn placed_order_from_row(row: &PgRow, lines: &[PgRow]) -> Result<PlacedOrder, Error> {
    let split_into: Vec<Uuid> = row.try_get("split_into")?;
    let hash: &[u8] = row.try_get("snapshot_hash")?;
    let hash = hash.try_into().map_err(|_| Error::Corrupt("snapshot_hash is not 32 bytes".to_owned()))?;
    Ok(PlacedOrder {
        snapshot: Snapshot::restore(terms_from_row(row, lines)?, SnapshotHash::from_bytes(hash)),
        terms_version: row.try_get("terms_version")?,
        split_from: row.try_get::<Option<Uuid>, _>("split_from")?.map(OrderId::from_uuid),
        split_into: split_into.into_iter().map(OrderId::from_uuid).collect(),
        standing: standing(row)?,
        cancellation_requested: row.try_get::<Option<&str>, _>("cancel_reason")?.is_some(),
        refunds: row.try_get::<Json<_>, _>("refunds")?.0,
        close_at: row.try_get::<Option<OffsetDateTime>, _>("close_at")?.map(Into::into),
        unpaid_deadline: timestamp(row, "unpaid_deadline")?,
        waits_until: row.try_get::<Option<OffsetDateTime>, _>("waits_until")?.map(Into::into),
        created_at: timestamp(row, "created_at")?,
        updated_at: timestamp(row, "updated_at")?,
        head: Head::from_row(row)?,
    })
}

fn terms_from_row(row: &PgRow, lines: &[PgRow]) -> Result<Terms, Error> {
    let currency = currency(row)?;
    let Json(ship_to): Json<Address> = row.try_get("ship_to")?;
    let payment_method = match (row.try_get::<Option<&str>, _>("card_token")?, exchange(row)?) {
        (Some(token), _) => PaymentMethod::Card(token.parse().map_err(|error| corrupt("card_token", error))?),
        (None, Some(exchange)) => PaymentMethod::Exchange(exchange),
        (None, None) => PaymentMethod::CashOnDelivery,
    };
    Ok(Terms {
        order_id: OrderId::from_uuid(row.try_get("order_id")?),
        checkout_id: CheckoutId::from_uuid(row.try_get("checkout_id")?),
        buyer_id: BuyerId::from_uuid(row.try_get("buyer_id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        lines: lines.iter().map(|line| line_from_row(line, currency)).collect::<Result<_, _>>()?,
        ship_to,
        subtotal: Money::from_minor(row.try_get("subtotal_minor")?, currency),
        shipping: Money::from_minor(row.try_get("shipping_minor")?, currency),
        tax: Money::from_minor(row.try_get("tax_minor")?, currency),
        total: Money::from_minor(row.try_get("total_minor")?, currency),
        payment_method,
        shipping_service: shipping_service(row)?,
    })
}

fn line_from_row(row: &PgRow, currency: Currency) -> Result<Line, Error> {
    let quantity: i32 = row.try_get("quantity")?;
    let tax_rate: Decimal = row.try_get("tax_rate")?;
    Ok(Line {
        sku: Sku::new(row.try_get("sku")?).map_err(|error| corrupt("sku", error))?,
        product_id: ProductId::from_uuid(row.try_get("product_id")?),
        title: row.try_get("title")?,
        quantity: Quantity::new(quantity.into()).map_err(|error| corrupt("quantity", error))?,
        unit_price: Money::from_minor(row.try_get("unit_price_minor")?, currency),
        price_version: row.try_get("price_version")?,
        line_subtotal: Money::from_minor(row.try_get("line_subtotal_minor")?, currency),
        tax_rate: Rate::new(tax_rate).map_err(|error| corrupt("tax_rate", error))?,
        tax: Money::from_minor(row.try_get("tax_minor")?, currency),
    })
}

fn corrupt(column: &str, error: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("{column}: {error}"))
}
