//! Tables `cart` and `cart_line`.

use kernel::{Currency, Money};
use messaging::{Error, Head};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{corrupt, parsed};
use crate::domain::{
    BuyerId, Cart, CartId, Event, GuestTokenHash, Item, Line, LineQuantity, Owner, ProductId, SeenPrice, SellerId,
};

/// A cart and where its history stands.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The cart.
    pub cart: Cart,
    /// Version and hash of its last event.
    pub head: Head,
}

/// Inserts a new cart, which has no lines.
pub async fn insert(tx: &mut PgConnection, stored: &Stored) -> Result<(), Error> {
    let Stored { cart, head } = stored;
    let (buyer_id, guest_token_hash) = match cart.owner() {
        Owner::Buyer(buyer_id) => (Some(buyer_id.uuid()), None),
        Owner::Guest(GuestTokenHash(hash)) => (None, Some(hash.as_slice())),
    };
    sqlx::query(
        "INSERT INTO cart (id, buyer_id, guest_token_hash, currency, created_at, updated_at,
                           version, head_hash, correlation_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(cart.id().uuid())
    .bind(buyer_id)
    .bind(guest_token_hash)
    .bind(cart.currency().code())
    .bind(OffsetDateTime::from(cart.created_at()))
    .bind(OffsetDateTime::from(cart.updated_at()))
    .bind(head.version)
    .bind(head.hash.as_slice())
    .bind(head.correlation_id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Saves a cart's row with its head, and of its lines those that the events are about. The row is locked.
pub async fn save(tx: &mut PgConnection, stored: &Stored, events: &[Event]) -> Result<(), Error> {
    for event in events {
        match event {
            Event::Created { .. } => {}
            Event::LineAdded { cart_id, line } | Event::LineQuantitySet { cart_id, line } => {
                save_line(tx, *cart_id, line).await?;
            }
            Event::LineRemoved { cart_id, sku } => {
                let delete = sqlx::query("DELETE FROM cart_line WHERE cart_id = $1 AND sku = $2");
                delete.bind(cart_id.uuid()).bind(sku.as_str()).execute(&mut *tx).await?;
            }
            Event::Cleared { cart_id } => {
                let delete = sqlx::query("DELETE FROM cart_line WHERE cart_id = $1");
                delete.bind(cart_id.uuid()).execute(&mut *tx).await?;
            }
        }
    }
    sqlx::query("UPDATE cart SET updated_at = $2, version = $3, head_hash = $4 WHERE id = $1")
        .bind(stored.cart.id().uuid())
        .bind(OffsetDateTime::from(stored.cart.updated_at()))
        .bind(stored.head.version)
        .bind(stored.head.hash.as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

/// A line that is there keeps its place; a new one is the last.
async fn save_line(tx: &mut PgConnection, cart_id: CartId, line: &Line) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO cart_line (cart_id, sku, place, product_id, seller_id, title, quantity, unit_price_minor, price_version)
         SELECT $1, $2, coalesce(max(place), 0) + 1, $3, $4, $5, $6, $7, $8 FROM cart_line WHERE cart_id = $1
         ON CONFLICT (cart_id, sku) DO UPDATE
         SET quantity = excluded.quantity, unit_price_minor = excluded.unit_price_minor,
             price_version = excluded.price_version",
    )
    .bind(cart_id.uuid())
    .bind(line.item().sku.as_str())
    .bind(line.item().product_id.uuid())
    .bind(line.item().seller_id.uuid())
    .bind(line.item().title.as_str())
    .bind(line.quantity().units())
    .bind(line.price().unit_price.minor())
    .bind(line.price().version)
    .execute(tx)
    .await?;
    Ok(())
}

/// Loads and locks a cart.
pub async fn load(tx: &mut PgConnection, id: CartId) -> Result<Option<Stored>, Error> {
    let row =
        sqlx::query("SELECT * FROM cart WHERE id = $1 FOR UPDATE").bind(id.uuid()).fetch_optional(&mut *tx).await?;
    complete(tx, row).await
}

/// Reads a cart, in a [`super::snapshot`].
pub async fn find(tx: &mut PgConnection, id: CartId) -> Result<Option<Stored>, Error> {
    let row = sqlx::query("SELECT * FROM cart WHERE id = $1").bind(id.uuid()).fetch_optional(&mut *tx).await?;
    complete(tx, row).await
}

/// Reads the lines that belong to a row of `cart`.
async fn complete(tx: &mut PgConnection, row: Option<PgRow>) -> Result<Option<Stored>, Error> {
    let Some(row) = row else { return Ok(None) };
    let id: Uuid = row.try_get("id")?;
    let lines = sqlx::query("SELECT * FROM cart_line WHERE cart_id = $1 ORDER BY place").bind(id).fetch_all(tx).await?;
    let currency: Currency = parsed(&row, "currency")?;
    let cart = Cart::restore(
        CartId::from_uuid(id),
        owner_from_row(&row)?,
        currency,
        lines.iter().map(|line| line_from_row(line, currency)).collect::<Result<_, _>>()?,
        row.try_get::<OffsetDateTime, _>("created_at")?.into(),
        row.try_get::<OffsetDateTime, _>("updated_at")?.into(),
    )
    .map_err(|error| corrupt("unit_price_minor", error))?;
    Ok(Some(Stored { cart, head: Head::from_row(&row)? }))
}

fn owner_from_row(row: &PgRow) -> Result<Owner, Error> {
    if let Some(buyer_id) = row.try_get("buyer_id")? {
        return Ok(Owner::Buyer(BuyerId::from_uuid(buyer_id)));
    }
    let hash: &[u8] = row.try_get("guest_token_hash")?;
    Ok(Owner::Guest(GuestTokenHash(hash.try_into().map_err(|error| corrupt("guest_token_hash", error))?)))
}

fn line_from_row(row: &PgRow, currency: Currency) -> Result<Line, Error> {
    let item = Item {
        sku: parsed(row, "sku")?,
        product_id: ProductId::from_uuid(row.try_get("product_id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        title: parsed(row, "title")?,
    };
    let units: i16 = row.try_get("quantity")?;
    let quantity = LineQuantity::new(units.into()).map_err(|error| corrupt("quantity", error))?;
    let price = SeenPrice {
        unit_price: Money::from_minor(row.try_get("unit_price_minor")?, currency),
        version: row.try_get("price_version")?,
    };
    Line::new(item, quantity, price).map_err(|error| corrupt("unit_price_minor", error))
}
