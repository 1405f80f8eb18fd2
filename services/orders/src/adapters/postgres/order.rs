//! Tables `order_snapshot`, `order_line` and `order_state`: how decisions load and save them.

use kernel::{Currency, Money, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::placed_order::find;
use crate::domain::fact::Fact;
use crate::domain::ids::{BuyerId, CheckoutId, OrderId, SellerId};
use crate::domain::order::{Cancellation, Order, Standing};
use crate::domain::snapshot::{Exchange, Line, PaymentMethod, ShippingService, Snapshot, TermsVersion};
use crate::domain::status::{CancelReason, FulfilmentStatus, Milestone, PaymentStatus, Status};
use crate::domain::world::World;

/// Loads and locks the orders that the facts touch, in the order of their ids.
///
/// What was agreed is joined in its first version, and what was agreed since is read afterwards: a row that another transaction modifies
/// meanwhile is waited for, and then joined as it is by then with what could be seen when the statement began, where its new version is not.
/// Both tables are told which orders are meant: a plan that is made while they are empty would walk all first versions else.
///
/// An order that does not exist cannot be locked, and need not be: only one event creates it, and an event is taken once.
/// Two that both claim its id meet at the primary key.
pub async fn load(tx: &mut PgConnection, facts: &[Caused<Fact>]) -> Result<(World, Heads), Error> {
    let ids: Vec<Uuid> = facts.iter().flat_map(|caused| caused.fact.order_ids()).map(OrderId::uuid).collect();
    let rows = sqlx::query(
        "SELECT s.*, n.checkout_id, n.buyer_id, n.seller_id, n.ship_to, n.shipping_service, n.currency, n.total_minor, n.sku_totals,
                n.card_token IS NULL AND n.exchange IS NULL AS cash_on_delivery, n.exchange, n.split_from
         FROM order_state s JOIN order_snapshot n ON n.order_id = s.order_id AND n.terms_version = 1
         WHERE s.order_id = ANY($1) AND n.order_id = ANY($1)
         ORDER BY s.order_id
         FOR UPDATE OF s",
    )
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    let mut heads = Heads::default();
    let mut orders = Vec::with_capacity(rows.len());
    for row in &rows {
        let order = order_from_row(row)?;
        heads.insert(order.id.uuid(), Head::from_row(row)?);
        orders.push(order);
    }
    if orders.iter().any(|order| order.terms_version > 1) {
        take_over_modifications(tx, &mut orders).await?;
    }
    let mut agreed = Vec::new();
    for order_id in facts.iter().filter_map(|caused| caused.fact.needs_terms(&orders)) {
        agreed.extend(find(&mut *tx, order_id, None).await?.map(|order| order.snapshot));
    }
    Ok((World::new(orders).with_agreed(agreed), heads))
}

/// What modified orders cost now, and what of.
async fn take_over_modifications(tx: &mut PgConnection, orders: &mut [Order]) -> Result<(), Error> {
    let modified = || orders.iter().filter(|order| order.terms_version > 1);
    let rows = sqlx::query("SELECT order_id, terms_version, currency, total_minor, sku_totals FROM order_snapshot WHERE order_id = ANY($1)")
        .bind(modified().map(|order| order.id.uuid()).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    for row in &rows {
        let (id, version): (Uuid, TermsVersion) = (row.try_get("order_id")?, row.try_get("terms_version")?);
        let is_meant = |order: &&mut Order| order.id.uuid() == id && order.terms_version == version;
        if let Some(order) = orders.iter_mut().find(is_meant) {
            order.total = Money::from_minor(row.try_get("total_minor")?, currency(row)?);
            order.sku_totals = row.try_get::<Json<_>, _>("sku_totals")?.0;
        }
    }
    Ok(())
}

pub(super) fn order_from_row(row: &PgRow) -> Result<Order, Error> {
    Ok(Order {
        id: OrderId::from_uuid(row.try_get("order_id")?),
        checkout_id: CheckoutId::from_uuid(row.try_get("checkout_id")?),
        buyer_id: BuyerId::from_uuid(row.try_get("buyer_id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        ship_to: row.try_get::<Json<_>, _>("ship_to")?.0,
        shipping_service: shipping_service(row)?,
        terms_version: row.try_get("terms_version")?,
        split_from: row.try_get::<Option<Uuid>, _>("split_from")?.map(OrderId::from_uuid),
        total: Money::from_minor(row.try_get("total_minor")?, currency(row)?),
        cash_on_delivery: row.try_get("cash_on_delivery")?,
        exchange_for: exchange(row)?.map(|exchange| exchange.order_id),
        unpaid_deadline: timestamp(row, "unpaid_deadline")?,
        waits_until: row.try_get::<Option<OffsetDateTime>, _>("waits_until")?.map(Into::into),
        allocations: row.try_get::<Json<_>, _>("allocations")?.0,
        cancellation: cancellation(row)?,
        sku_totals: row.try_get::<Json<_>, _>("sku_totals")?.0,
        refunds: row.try_get::<Json<_>, _>("refunds")?.0,
        captured: captured(row)?,
        close_at: row.try_get::<Option<OffsetDateTime>, _>("close_at")?.map(Into::into),
        standing: standing(row)?,
    })
}

pub(super) fn exchange(row: &PgRow) -> Result<Option<Exchange>, Error> {
    Ok(row.try_get::<Option<Json<_>>, _>("exchange")?.map(|Json(exchange)| exchange))
}

pub(super) fn shipping_service(row: &PgRow) -> Result<ShippingService, Error> {
    let service: &str = row.try_get("shipping_service")?;
    service.parse().map_err(|error| Error::Corrupt(format!("shipping_service {service:?}: {error}")))
}

fn captured(row: &PgRow) -> Result<Option<Money>, Error> {
    let minor: Option<i64> = row.try_get("captured_minor")?;
    minor.map(|minor| Ok(Money::from_minor(minor, currency(row)?))).transpose()
}

fn cancellation(row: &PgRow) -> Result<Option<Cancellation>, Error> {
    let (Some(reason), Some(note)) = (row.try_get::<Option<&str>, _>("cancel_reason")?, row.try_get("cancel_note")?)
    else {
        return Ok(None);
    };
    let unknown = || Error::Corrupt(format!("cancel_reason {reason:?}"));
    Ok(Some(Cancellation { reason: CancelReason::from_name(reason).ok_or_else(unknown)?, note }))
}

/// Saves what was created and what changed. An order's row comes with its head.
pub async fn save(tx: &mut PgConnection, world: &World, heads: &Heads, now: Timestamp) -> Result<(), Error> {
    let created: Vec<&Order> = world.created().collect();
    let agreed: Vec<(&Order, TermsVersion, &Snapshot)> = world.agreements().collect();
    if !agreed.is_empty() {
        insert(tx, &created, &agreed, heads, now).await?;
    }
    let changed: Vec<&Order> = world.changed().collect();
    if !changed.is_empty() {
        update(tx, &changed, heads, now).await?;
    }
    Ok(())
}

/// What was agreed, and where orders stand that are new, in one statement.
async fn insert(
    tx: &mut PgConnection,
    orders: &[&Order],
    agreed: &[(&Order, TermsVersion, &Snapshot)],
    heads: &Heads,
    now: Timestamp,
) -> Result<(), Error> {
    let snapshots: Vec<&Snapshot> = agreed.iter().map(|(.., snapshot)| *snapshot).collect();
    let snapshots = snapshots.as_slice();
    let card_token = |snapshot: &&Snapshot| match &snapshot.terms().payment_method {
        PaymentMethod::Card(token) => Some(token.to_string()),
        PaymentMethod::CashOnDelivery | PaymentMethod::Exchange(_) => None,
    };
    let mut lines: Vec<(OrderId, TermsVersion, i32, &Line)> = Vec::new();
    for (order, version, snapshot) in agreed {
        lines.extend((0..).zip(&snapshot.terms().lines).map(|(position, line)| (order.id, *version, position, line)));
    }
    sqlx::query(
        "WITH snapshot AS (
             INSERT INTO order_snapshot (order_id, checkout_id, buyer_id, seller_id, ship_to, currency, subtotal_minor,
                                         shipping_minor, tax_minor, total_minor, card_token, snapshot_hash, sku_totals, shipping_service,
                                         terms_version, split_from, exchange, created_at)
             SELECT *, $1 FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::jsonb[], $7::text[], $8::bigint[],
                                      $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::bytea[], $35::jsonb[], $36::text[],
                                      $37::integer[], $38::uuid[], $41::jsonb[])
         ), line AS (
             INSERT INTO order_line (order_id, position, sku, product_id, title, quantity, unit_price_minor, price_version,
                                     line_subtotal_minor, tax_rate, tax_minor, terms_version)
             SELECT * FROM unnest($14::uuid[], $15::integer[], $16::text[], $17::uuid[], $18::text[], $19::bigint[],
                                  $20::bigint[], $21::bigint[], $22::bigint[], $23::numeric[], $24::bigint[], $39::integer[])
         )
         INSERT INTO order_state (order_id, status, reason, payment_status, fulfilment_status, version, head_hash,
                                  unpaid_deadline, correlation_id, allocations, terms_version, updated_at)
         SELECT *, $1 FROM unnest($25::uuid[], $26::text[], $27::text[], $28::text[], $29::text[], $30::bigint[],
                                  $31::bytea[], $32::timestamptz[], $33::uuid[], $34::jsonb[], $40::integer[])",
    )
    .bind(OffsetDateTime::from(now))
    .bind(column(snapshots, |snapshot| snapshot.terms().order_id.uuid()))
    .bind(column(snapshots, |snapshot| snapshot.terms().checkout_id.uuid()))
    .bind(column(snapshots, |snapshot| snapshot.terms().buyer_id.uuid()))
    .bind(column(snapshots, |snapshot| snapshot.terms().seller_id.uuid()))
    .bind(column(snapshots, |snapshot| Json(snapshot.terms().ship_to.clone())))
    .bind(column(snapshots, |snapshot| snapshot.terms().total.currency().code().to_owned()))
    .bind(column(snapshots, |snapshot| snapshot.terms().subtotal.minor()))
    .bind(column(snapshots, |snapshot| snapshot.terms().shipping.minor()))
    .bind(column(snapshots, |snapshot| snapshot.terms().tax.minor()))
    .bind(column(snapshots, |snapshot| snapshot.terms().total.minor()))
    .bind(column(snapshots, card_token))
    .bind(column(snapshots, |snapshot| snapshot.hash().as_bytes().to_vec()))
    .bind(column(&lines, |(order_id, ..)| order_id.uuid()))
    .bind(column(&lines, |(_, _, position, _)| *position))
    .bind(column(&lines, |(.., line)| line.sku.to_string()))
    .bind(column(&lines, |(.., line)| line.product_id.uuid()))
    .bind(column(&lines, |(.., line)| line.title.clone()))
    .bind(column(&lines, |(.., line)| i64::from(line.quantity)))
    .bind(column(&lines, |(.., line)| line.unit_price.minor()))
    .bind(column(&lines, |(.., line)| line.price_version))
    .bind(column(&lines, |(.., line)| line.line_subtotal.minor()))
    .bind(column::<_, Decimal>(&lines, |(.., line)| line.tax_rate.fraction()))
    .bind(column(&lines, |(.., line)| line.tax.minor()))
    .bind(column(orders, |order| order.id.uuid()))
    .bind(column(orders, |order| order.standing.status.milestone().as_str()))
    .bind(column(orders, |order| order.standing.status.reason()))
    .bind(column(orders, |order| order.standing.payment.as_str()))
    .bind(column(orders, |order| order.standing.fulfilment.as_str()))
    .bind(column(orders, |order| head(order, heads).version))
    .bind(column(orders, |order| head(order, heads).hash.to_vec()))
    .bind(column(orders, |order| OffsetDateTime::from(order.unpaid_deadline)))
    .bind(column(orders, |order| head(order, heads).correlation_id))
    .bind(column(orders, |order| Json(order.allocations.clone())))
    .bind(column(snapshots, |snapshot| Json(snapshot.terms().sku_totals())))
    .bind(column(snapshots, |snapshot| snapshot.terms().shipping_service.to_string()))
    .bind(column(agreed, |(_, version, _)| *version))
    .bind(column(agreed, |(order, ..)| order.split_from.map(OrderId::uuid)))
    .bind(column(&lines, |(_, version, ..)| *version))
    .bind(column(orders, |order| order.terms_version))
    .bind(column(snapshots, |snapshot| snapshot.terms().payment_method.exchange().copied().map(Json)))
    .execute(tx)
    .await?;
    Ok(())
}

async fn update(tx: &mut PgConnection, changed: &[&Order], heads: &Heads, now: Timestamp) -> Result<(), Error> {
    sqlx::query(
        "UPDATE order_state s
         SET status = t.status, reason = t.reason, payment_status = t.payment_status,
             fulfilment_status = t.fulfilment_status, allocations = t.allocations, cancel_reason = t.cancel_reason,
             cancel_note = t.cancel_note, refunds = t.refunds, captured_minor = t.captured_minor, close_at = t.close_at,
             version = t.version, head_hash = t.head_hash, unpaid_deadline = t.unpaid_deadline, waits_until = t.waits_until,
             terms_version = t.terms_version, updated_at = $14
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[],
                     $9::jsonb[], $10::bigint[], $11::timestamptz[], $12::bigint[], $13::bytea[], $15::timestamptz[],
                     $16::timestamptz[], $17::integer[])
              AS t (order_id, status, reason, payment_status, fulfilment_status, allocations, cancel_reason, cancel_note,
                    refunds, captured_minor, close_at, version, head_hash, unpaid_deadline, waits_until, terms_version)
         WHERE s.order_id = t.order_id",
    )
    .bind(column(changed, |order| order.id.uuid()))
    .bind(column(changed, |order| order.standing.status.milestone().as_str()))
    .bind(column(changed, |order| order.standing.status.reason()))
    .bind(column(changed, |order| order.standing.payment.as_str()))
    .bind(column(changed, |order| order.standing.fulfilment.as_str()))
    .bind(column(changed, |order| Json(order.allocations.clone())))
    .bind(column(changed, |order| order.cancellation.as_ref().map(|cancellation| cancellation.reason.as_str())))
    .bind(column(changed, |order| order.cancellation.as_ref().map(|cancellation| cancellation.note.clone())))
    .bind(column(changed, |order| Json(order.refunds.clone())))
    .bind(column(changed, |order| order.captured.map(Money::minor)))
    .bind(column(changed, |order| order.close_at.map(OffsetDateTime::from)))
    .bind(column(changed, |order| head(order, heads).version))
    .bind(column(changed, |order| head(order, heads).hash.to_vec()))
    .bind(OffsetDateTime::from(now))
    .bind(column(changed, |order| OffsetDateTime::from(order.unpaid_deadline)))
    .bind(column(changed, |order| order.waits_until.map(OffsetDateTime::from)))
    .bind(column(changed, |order| order.terms_version))
    .execute(tx)
    .await?;
    Ok(())
}

fn head(order: &Order, heads: &Heads) -> Head {
    heads.get(order.id.uuid()).expect("an order has a history from its creation on")
}

fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// Unpaid orders whose deadline passed by `now`, the longest overdue first, at most `limit`.
pub async fn past_unpaid_deadline(pool: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "SELECT order_id FROM order_state WHERE status = 'CREATED' AND unpaid_deadline <= $1
         ORDER BY unpaid_deadline LIMIT $2",
    )
    .bind(OffsetDateTime::from(now))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

/// Orders that may be closed by `now`, the longest due first, at most `limit`: what `on_close_deadline_passed` asks of them.
pub async fn past_close_deadline(pool: &PgPool, now: Timestamp, limit: i64) -> Result<Vec<OrderId>, Error> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        r#"SELECT order_id FROM order_state
           WHERE status IN ('PAID', 'DELIVERED', 'REFUNDED') AND close_at <= $1
             AND fulfilment_status IN ('RELEASED', 'DELIVERED', 'FAILED')
             AND NOT jsonb_path_exists(refunds, '$[*] ? (@.status == "REQUESTED" || @.status == "APPROVED" || @.status == "FAILED")')
           ORDER BY close_at LIMIT $2"#,
    )
    .bind(OffsetDateTime::from(now))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(OrderId::from_uuid).collect())
}

pub(super) fn standing(row: &PgRow) -> Result<Standing, Error> {
    let corrupt = |column: &str, text: &str| Error::Corrupt(format!("{column} {text:?}"));
    let (status, reason): (&str, Option<&str>) = (row.try_get("status")?, row.try_get("reason")?);
    let payment: &str = row.try_get("payment_status")?;
    let fulfilment: &str = row.try_get("fulfilment_status")?;
    Ok(Standing {
        status: Milestone::from_name(status)
            .and_then(|milestone| Status::from_parts(milestone, reason))
            .ok_or_else(|| corrupt("status", status))?,
        payment: PaymentStatus::from_name(payment).ok_or_else(|| corrupt("payment_status", payment))?,
        fulfilment: FulfilmentStatus::from_name(fulfilment).ok_or_else(|| corrupt("fulfilment_status", fulfilment))?,
    })
}

pub(super) fn currency(row: &PgRow) -> Result<Currency, Error> {
    row.try_get::<&str, _>("currency")?.parse().map_err(|error| Error::Corrupt(format!("currency: {error}")))
}

pub(super) fn timestamp(row: &PgRow, column: &str) -> Result<Timestamp, Error> {
    Ok(row.try_get::<OffsetDateTime, _>(column)?.into())
}
