//! Orders in lists: a buyer's, a seller's.

use std::collections::BTreeSet;

use contracts::convert::{money_from_wire, timestamp_from_wire};
use contracts::orders::v1 as wire;
use kernel::{Currency, Money, Timestamp};
use messaging::Error;
use messaging::read_model::{Generation, Table};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _};
use time::OffsetDateTime;
use uuid::Uuid;

use super::order_detail::id;
use crate::adapters::wire_status::milestone_from_wire;
use crate::domain::ids::{BuyerId, SellerId};
use crate::domain::status::Milestone;

/// Its table.
pub const TABLE: Table = Table {
    name: "order_list_view",
    differences: "
    SELECT format('the row of order %s', order_id)
    FROM (SELECT * FROM order_list_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM order_list_view WHERE generation = $2) AS b USING (order_id)
    WHERE to_jsonb(a) - 'generation' IS DISTINCT FROM to_jsonb(b) - 'generation'
    ORDER BY order_id LIMIT $3",
};

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Row {
    pub order_id: Uuid,
    pub buyer_id: Uuid,
    pub seller_id: Uuid,
    pub status: Milestone,
    pub reason: String,
    pub total: Money,
    pub refunded: Money,
    pub cash_on_delivery: bool,
    pub title: String,
    pub shipping_service: String,
    pub skus: Vec<String>,
    pub units: i64,
    pub awaits_dispatch: bool,
    pub open_refunds: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The row that follows from a detail.
///
/// # Errors
/// Something in it is not what a history can say.
pub fn project(detail: &wire::OrderDetail) -> Result<Row, Error> {
    let status = milestone_from_wire("status", detail.status).map_err(corrupt)?;
    let total = money_from_wire("total", detail.total.as_ref()).map_err(corrupt)?;
    let refunded = match &detail.refunded_amount {
        Some(refunded) => money_from_wire("refunded_amount", Some(refunded)).map_err(corrupt)?,
        None => Money::from_minor(0, total.currency()),
    };
    let skus: BTreeSet<&String> = detail.lines.iter().map(|line| &line.sku).collect();
    Ok(Row {
        order_id: id(&detail.order_id)?,
        buyer_id: id(&detail.buyer_id)?,
        seller_id: id(&detail.seller_id)?,
        status,
        reason: detail.reason.clone(),
        total,
        refunded,
        cash_on_delivery: detail.cash_on_delivery,
        title: detail.lines.first().map(|line| line.title.clone()).unwrap_or_default(),
        shipping_service: detail.shipping_service.clone(),
        skus: skus.into_iter().cloned().collect(),
        units: detail.lines.iter().map(|line| i64::from(line.quantity)).sum(),
        awaits_dispatch: awaits_dispatch(detail, status),
        open_refunds: detail.refunds.iter().map(|refund| i32::from(is_open(refund.status()))).sum(),
        created_at: timestamp_from_wire("create_time", detail.create_time.as_ref()).map_err(corrupt)?,
        updated_at: timestamp_from_wire("update_time", detail.update_time.as_ref()).map_err(corrupt)?,
    })
}

fn corrupt(error: impl std::fmt::Display) -> Error {
    Error::Corrupt(error.to_string())
}

/// Whether goods may leave, some have not, and nobody is stopping them.
fn awaits_dispatch(detail: &wire::OrderDetail, status: Milestone) -> bool {
    let may_leave = match status {
        Milestone::Confirmed => detail.cash_on_delivery,
        Milestone::Paid => !detail.cash_on_delivery,
        Milestone::Created
        | Milestone::Shipped
        | Milestone::Delivered
        | Milestone::Refunded
        | Milestone::Closed
        | Milestone::Failed
        | Milestone::Cancelled => false,
    };
    // One that names units stops these alone.
    let is_stopped = |refund: &wire::Refund| {
        refund.kind() == wire::RefundKind::BeforeDispatch
            && refund.lines.is_empty()
            && refund.status() != wire::RefundStatus::Rejected
    };
    may_leave && !detail.cancellation_requested && !detail.refunds.iter().any(is_stopped)
}

const fn is_open(status: wire::RefundStatus) -> bool {
    match status {
        wire::RefundStatus::Requested | wire::RefundStatus::Approved | wire::RefundStatus::Failed => true,
        wire::RefundStatus::Unspecified
        | wire::RefundStatus::Rejected
        | wire::RefundStatus::Refunded
        | wire::RefundStatus::Waived => false,
    }
}

/// The rows of these orders as they are, in each of the generations.
pub(super) async fn find_all(
    tx: &mut PgConnection,
    generations: &[Generation],
    order_ids: &[Uuid],
) -> Result<Vec<(Generation, Row)>, Error> {
    let rows = sqlx::query("SELECT * FROM order_list_view WHERE generation = ANY($1) AND order_id = ANY($2)")
        .bind(generations)
        .bind(order_ids)
        .fetch_all(tx)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("generation")?, from_row(row)?))).collect()
}

/// Saves rows, in each of the generations.
pub(super) async fn save(tx: &mut PgConnection, generations: &[Generation], rows: &[Row]) -> Result<(), Error> {
    fn column<T>(rows: &[Row], value: impl Fn(&Row) -> T) -> Vec<T> {
        rows.iter().map(value).collect()
    }
    sqlx::query(
        "INSERT INTO order_list_view AS view
             (generation, order_id, buyer_id, seller_id, status, reason, currency, total_minor, refunded_minor, cash_on_delivery, title,
              skus, units, awaits_dispatch, open_refunds, created_at, updated_at, shipping_service)
         SELECT generation, order_id, buyer_id, seller_id, status, reason, currency, total_minor, refunded_minor, cash_on_delivery, title,
                string_to_array(skus, ' '), units, awaits_dispatch, open_refunds, created_at, updated_at, shipping_service
         FROM unnest($1::integer[]) AS generation,
              unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::boolean[],
                     $11::text[], $12::text[], $13::bigint[], $14::boolean[], $15::integer[], $16::timestamptz[], $17::timestamptz[], $18::text[])
              AS t (order_id, buyer_id, seller_id, status, reason, currency, total_minor, refunded_minor, cash_on_delivery, title, skus,
                    units, awaits_dispatch, open_refunds, created_at, updated_at, shipping_service)
         ON CONFLICT (generation, order_id) DO UPDATE
         SET status = excluded.status, reason = excluded.reason, refunded_minor = excluded.refunded_minor,
             total_minor = excluded.total_minor, title = excluded.title, skus = excluded.skus, units = excluded.units,
             awaits_dispatch = excluded.awaits_dispatch, open_refunds = excluded.open_refunds, updated_at = excluded.updated_at
         WHERE (view.status, view.reason, view.refunded_minor, view.units, view.awaits_dispatch, view.open_refunds, view.updated_at)
               <> (excluded.status, excluded.reason, excluded.refunded_minor, excluded.units, excluded.awaits_dispatch,
                   excluded.open_refunds, excluded.updated_at)",
    )
    .bind(generations)
    .bind(column(rows, |row| row.order_id))
    .bind(column(rows, |row| row.buyer_id))
    .bind(column(rows, |row| row.seller_id))
    .bind(column(rows, |row| row.status.as_str()))
    .bind(column(rows, |row| row.reason.clone()))
    .bind(column(rows, |row| row.total.currency().to_string()))
    .bind(column(rows, |row| row.total.minor()))
    .bind(column(rows, |row| row.refunded.minor()))
    .bind(column(rows, |row| row.cash_on_delivery))
    .bind(column(rows, |row| row.title.clone()))
    // There is no array of arrays of several lengths, and no SKU with a space in it.
    .bind(column(rows, |row| row.skus.join(" ")))
    .bind(column(rows, |row| row.units))
    .bind(column(rows, |row| row.awaits_dispatch))
    .bind(column(rows, |row| row.open_refunds))
    .bind(column(rows, |row| OffsetDateTime::from(row.created_at)))
    .bind(column(rows, |row| OffsetDateTime::from(row.updated_at)))
    .bind(column(rows, |row| row.shipping_service.clone()))
    .execute(tx)
    .await?;
    Ok(())
}

fn from_row(row: &PgRow) -> Result<Row, Error> {
    let currency: Currency = row.try_get::<&str, _>("currency")?.parse().map_err(corrupt)?;
    let status: &str = row.try_get("status")?;
    let moment = |column| row.try_get::<OffsetDateTime, _>(column).map(Timestamp::from);
    Ok(Row {
        order_id: row.try_get("order_id")?,
        buyer_id: row.try_get("buyer_id")?,
        seller_id: row.try_get("seller_id")?,
        status: Milestone::from_name(status).ok_or_else(|| corrupt(format!("{status:?} is no milestone")))?,
        reason: row.try_get("reason")?,
        total: Money::from_minor(row.try_get("total_minor")?, currency),
        refunded: Money::from_minor(row.try_get("refunded_minor")?, currency),
        cash_on_delivery: row.try_get("cash_on_delivery")?,
        title: row.try_get("title")?,
        shipping_service: row.try_get("shipping_service")?,
        skus: row.try_get("skus")?,
        units: row.try_get("units")?,
        awaits_dispatch: row.try_get("awaits_dispatch")?,
        open_refunds: row.try_get("open_refunds")?,
        created_at: moment("created_at")?,
        updated_at: moment("updated_at")?,
    })
}

/// Whose orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A buyer's.
    Buyer(BuyerId),
    /// A seller's.
    Seller(SellerId),
}

/// By which moment a list is sorted, and whether the latest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By the last change, not by the creation.
    pub by_update: bool,
    /// The latest first.
    pub descending: bool,
}

/// Which orders are listed: those to which all of it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose they are.
    pub whose: Whose,
    /// How they are sorted.
    pub sort: Sort,
    /// At one of these milestones; at any, if there is none.
    pub milestones: Vec<Milestone>,
    /// Created then or later.
    pub created_from: Option<Timestamp>,
    /// Created before that.
    pub created_before: Option<Timestamp>,
    /// With that SKU.
    pub sku: Option<String>,
    /// To be sent by the seller.
    pub awaits_dispatch: bool,
    /// With a refund that is asked for or on its way.
    pub has_open_refund: bool,
}

/// The place behind which a page begins: the moment by which the list is sorted, in microseconds, and the order.
pub type Place = (i64, Uuid);

impl Sort {
    /// The place of a row.
    pub fn place(self, row: &Row) -> Place {
        let moment = if self.by_update { row.updated_at } else { row.created_at };
        (moment.unix_micros(), row.order_id)
    }

    /// The place before every row.
    fn beginning(self) -> Place {
        if self.descending {
            (Timestamp::MAX.unix_micros(), Uuid::max())
        } else {
            (Timestamp::MIN.unix_micros(), Uuid::nil())
        }
    }
}

/// The orders behind a place, at most `limit`.
pub async fn list(pool: &PgPool, question: &Question, after: Option<Place>, limit: i64) -> Result<Vec<Row>, Error> {
    let (micros, order_id) = after.unwrap_or_else(|| question.sort.beginning());
    let (owner, owner_id) = match question.whose {
        Whose::Buyer(id) => ("buyer_id", id.uuid()),
        Whose::Seller(id) => ("seller_id", id.uuid()),
    };
    let moment = if question.sort.by_update { "updated_at" } else { "created_at" };
    let (behind, direction) = if question.sort.descending { ("<", "DESC") } else { (">", "ASC") };
    // Made of the words above alone.
    let page = AssertSqlSafe(format!(
        "SELECT * FROM order_list_view
         WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving')
           AND {owner} = $1 AND ({moment}, order_id) {behind} ($2, $3)
           AND (cardinality($4::text[]) = 0 OR status = ANY($4))
           AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
           AND ($7::text IS NULL OR $7 = ANY(skus)) AND (NOT $8 OR awaits_dispatch) AND (NOT $9 OR open_refunds > 0)
         ORDER BY {moment} {direction}, order_id {direction} LIMIT $10"
    ));
    let rows = sqlx::query(page)
        .bind(owner_id)
        .bind(OffsetDateTime::from(Timestamp::from_unix_micros(micros)))
        .bind(order_id)
        .bind(question.milestones.iter().map(|milestone| milestone.as_str()).collect::<Vec<_>>())
        .bind(question.created_from.map(OffsetDateTime::from))
        .bind(question.created_before.map(OffsetDateTime::from))
        .bind(&question.sku)
        .bind(question.awaits_dispatch)
        .bind(question.has_open_refund)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(from_row).collect()
}
