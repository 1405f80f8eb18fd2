//! Table `payment`.

use std::collections::{BTreeSet, HashMap};

use kernel::{Currency, Money, Rate, Timestamp};
use messaging::{Caused, Error, Head, Heads};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use super::money;
use crate::Heard;
use crate::domain::{
    BuyerId, CardToken, Entry, Exchange, Method, OrderId, Payment, Refund, RefundStanding, SellerId, Status, Terms,
    World,
};

const HOLD: &str = "hold";
const TOMBSTONE: &str = "tombstone";

/// Loads what is known of the orders, which are locked by now.
pub(super) async fn load(
    tx: &mut PgConnection,
    facts: &[Caused<Heard>],
    world: &mut World,
    heads: &mut Heads,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = facts.iter().map(|caused| caused.fact.fact.order_id().uuid()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query("SELECT * FROM payment WHERE order_id = ANY($1)").bind(&ids).fetch_all(tx).await?;
    for row in &rows {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        heads.insert(order_id.uuid(), Head::from_row(row)?);
        world.entries.insert(order_id, entry_from_row(order_id, row)?);
    }
    // What is noted before there is an event keeps the journey that it was heard in.
    for caused in facts {
        let id = caused.fact.fact.order_id().uuid();
        heads.get_or_begin(id, caused.cause.correlation_id.unwrap_or(id));
    }
    Ok(())
}

/// Saves what is new or changed; `stored` are the orders that a row was loaded of.
pub(super) async fn save(
    tx: &mut PgConnection,
    world: &World,
    stored: &BTreeSet<OrderId>,
    heads: &Heads,
    now: Timestamp,
) -> Result<(), Error> {
    let rows = world.changed.iter().map(|id| Columns::new(*id, &world.entries[id], heads));
    let (stored, new): (Vec<_>, Vec<_>) = rows.partition(|row| stored.contains(&row.order_id));
    if !new.is_empty() {
        insert(tx, &new, now).await?;
    }
    if !stored.is_empty() {
        update(tx, &stored, now).await?;
    }
    Ok(())
}

async fn insert(tx: &mut PgConnection, rows: &[Columns<'_>], now: Timestamp) -> Result<(), Error> {
    let query = sqlx::query(
        "INSERT INTO payment (order_id, status, order_ended, needs_operator, buyer_id, amount_minor, captured_minor,
                              refunded_minor, currency, card_token, hold_expires_at, reason, version, head_hash, seller_id,
                              authorized_at, asked_back_minor, refunds, delivered, commission_rate, due_minor,
                              authorized_minor, terms_version, exchange, correlation_id, created_at, updated_at)
         SELECT t.*, $26, $26
         FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::uuid[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::bigint[], $14::bytea[],
                     $15::uuid[], $16::timestamptz[], $17::bigint[], $18::jsonb[], $19::boolean[], $20::numeric[],
                     $21::bigint[], $22::bigint[], $23::integer[], $24::jsonb[], $25::uuid[]) AS t",
    );
    bind_columns(query, rows)
        .bind(column(rows, |row| row.head.correlation_id))
        .bind(OffsetDateTime::from(now))
        .execute(tx)
        .await?;
    Ok(())
}

/// The terms are written once: with the intent, which may come after the hold.
async fn update(tx: &mut PgConnection, rows: &[Columns<'_>], now: Timestamp) -> Result<(), Error> {
    let query = sqlx::query(
        "UPDATE payment p
         SET status = t.status, order_ended = t.order_ended, needs_operator = t.needs_operator, buyer_id = t.buyer_id,
             amount_minor = t.amount_minor, captured_minor = t.captured_minor, refunded_minor = t.refunded_minor,
             currency = t.currency, card_token = t.card_token, hold_expires_at = t.hold_expires_at, reason = t.reason,
             version = t.version, head_hash = t.head_hash, seller_id = t.seller_id, authorized_at = t.authorized_at,
             asked_back_minor = t.asked_back_minor, refunds = t.refunds, delivered = t.delivered,
             commission_rate = t.commission_rate, due_minor = t.due_minor, authorized_minor = t.authorized_minor,
             terms_version = t.terms_version, exchange = t.exchange, updated_at = $25,
             created_at = CASE WHEN p.status = 'hold' THEN $25 ELSE p.created_at END
         FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::uuid[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::bigint[], $14::bytea[],
                     $15::uuid[], $16::timestamptz[], $17::bigint[], $18::jsonb[], $19::boolean[], $20::numeric[],
                     $21::bigint[], $22::bigint[], $23::integer[], $24::jsonb[])
              AS t (order_id, status, order_ended, needs_operator, buyer_id, amount_minor, captured_minor, refunded_minor,
                    currency, card_token, hold_expires_at, reason, version, head_hash, seller_id, authorized_at,
                    asked_back_minor, refunds, delivered, commission_rate, due_minor, authorized_minor, terms_version, exchange)
         WHERE p.order_id = t.order_id",
    );
    bind_columns(query, rows).bind(OffsetDateTime::from(now)).execute(tx).await?;
    Ok(())
}

/// Binds what a statement that writes a payment begins with: $1 to $24.
fn bind_columns<'q>(query: Query<'q, Postgres, PgArguments>, rows: &[Columns<'_>]) -> Query<'q, Postgres, PgArguments> {
    query
        .bind(column(rows, |row| row.order_id.uuid()))
        .bind(column(rows, |row| row.status))
        .bind(column(rows, |row| row.order_ended))
        .bind(column(rows, Columns::needs_operator))
        .bind(column(rows, Columns::buyer_id))
        .bind(column(rows, Columns::amount_minor))
        .bind(column(rows, Columns::captured_minor))
        .bind(column(rows, Columns::refunded_minor))
        .bind(column(rows, Columns::currency))
        .bind(column(rows, Columns::card_token))
        .bind(column(rows, |row| row.hold_expires_at.map(OffsetDateTime::from)))
        .bind(column(rows, Columns::reason))
        .bind(column(rows, |row| row.head.version))
        .bind(column(rows, |row| row.head.hash.to_vec()))
        .bind(column(rows, Columns::seller_id))
        .bind(column(rows, Columns::authorized_at))
        .bind(column(rows, Columns::asked_back_minor))
        .bind(column(rows, Columns::refunds))
        .bind(column(rows, Columns::delivered))
        .bind(column(rows, Columns::commission_rate))
        .bind(column(rows, Columns::due_minor))
        .bind(column(rows, Columns::authorized_minor))
        .bind(column(rows, Columns::terms_version))
        .bind(column(rows, Columns::exchange))
}

fn column<'a, T>(rows: &[Columns<'a>], value: impl Fn(&Columns<'a>) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// A row to write.
struct Columns<'a> {
    order_id: OrderId,
    status: &'static str,
    order_ended: bool,
    hold_expires_at: Option<Timestamp>,
    payment: Option<&'a Payment>,
    head: Head,
}

impl<'a> Columns<'a> {
    fn new(order_id: OrderId, entry: &'a Entry, heads: &Heads) -> Self {
        let head = heads.get(order_id.uuid()).expect("load brings a head for every order that a fact is about");
        let (status, order_ended, hold_expires_at, payment) = match entry {
            Entry::Hold { expires_at } => (HOLD, false, Some(*expires_at), None),
            Entry::Tombstone => (TOMBSTONE, true, None, None),
            Entry::Payment(payment) => {
                (payment.status.as_str(), payment.order_ended, payment.hold_expires_at, Some(payment))
            }
        };
        Self { order_id, status, order_ended, hold_expires_at, payment, head }
    }

    fn needs_operator(&self) -> bool {
        self.payment.is_some_and(|payment| payment.needs_operator)
    }

    fn buyer_id(&self) -> Option<Uuid> {
        self.payment.map(|payment| payment.terms.buyer_id.uuid())
    }

    fn seller_id(&self) -> Option<Uuid> {
        self.payment.map(|payment| payment.terms.seller_id.uuid())
    }

    fn authorized_at(&self) -> Option<OffsetDateTime> {
        self.payment.and_then(|payment| payment.authorized_at).map(OffsetDateTime::from)
    }

    fn asked_back_minor(&self) -> i64 {
        self.payment.map_or(0, |payment| payment.asked_back().minor())
    }

    fn refunds(&self) -> Json<Vec<RefundColumn>> {
        let refunds = self.payment.map_or(&[][..], |payment| &payment.refunds);
        Json(refunds.iter().map(RefundColumn::from).collect())
    }

    fn delivered(&self) -> bool {
        self.payment.is_some_and(|payment| payment.delivered)
    }

    fn commission_rate(&self) -> Option<Decimal> {
        self.payment.and_then(|payment| payment.commission_rate).map(Rate::fraction)
    }

    fn amount_minor(&self) -> Option<i64> {
        self.payment.map(|payment| payment.terms.amount.minor())
    }

    fn due_minor(&self) -> Option<i64> {
        self.payment.map(|payment| payment.due.minor())
    }

    fn authorized_minor(&self) -> Option<i64> {
        self.payment.and_then(|payment| payment.authorized).map(Money::minor)
    }

    fn terms_version(&self) -> i32 {
        self.payment.map_or(1, |payment| payment.terms_version)
    }

    fn captured_minor(&self) -> i64 {
        self.payment.map_or(0, |payment| payment.captured.minor())
    }

    fn refunded_minor(&self) -> i64 {
        self.payment.map_or(0, |payment| payment.refunded.minor())
    }

    fn currency(&self) -> Option<String> {
        self.payment.map(|payment| payment.terms.amount.currency().code().to_owned())
    }

    fn reason(&self) -> Option<String> {
        self.payment.and_then(|payment| payment.reason.clone())
    }

    fn card_token(&self) -> Option<String> {
        match &self.payment?.terms.method {
            Method::Card(token) => Some(token.reveal().to_owned()),
            Method::CashOnDelivery | Method::Exchange(_) => None,
        }
    }

    fn exchange(&self) -> Option<Json<Exchange>> {
        match &self.payment?.terms.method {
            Method::Exchange(exchange) => Some(Json(*exchange)),
            Method::Card(_) | Method::CashOnDelivery => None,
        }
    }
}

/// A refund, as it stands in the row of its payment, whose currency it has.
#[derive(Serialize, Deserialize)]
struct RefundColumn {
    number: i32,
    amount_minor: i64,
    follows_from_end: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_set_aside: bool,
    standing: String,
    refused_attempt: i32,
}

impl From<&Refund> for RefundColumn {
    fn from(refund: &Refund) -> Self {
        Self {
            number: refund.number,
            amount_minor: refund.amount.minor(),
            follows_from_end: refund.follows_from_end,
            is_set_aside: refund.is_set_aside,
            standing: refund.standing.as_str().to_owned(),
            refused_attempt: refund.refused_attempt,
        }
    }
}

impl RefundColumn {
    fn into_refund(self, currency: Currency) -> Result<Refund, Error> {
        let standing = RefundStanding::from_name(&self.standing);
        Ok(Refund {
            number: self.number,
            amount: Money::from_minor(self.amount_minor, currency),
            follows_from_end: self.follows_from_end,
            is_set_aside: self.is_set_aside,
            standing: standing.ok_or_else(|| Error::Corrupt(format!("refund standing {:?}", self.standing)))?,
            refused_attempt: self.refused_attempt,
        })
    }
}

fn entry_from_row(order_id: OrderId, row: &PgRow) -> Result<Entry, Error> {
    let status: &str = row.try_get("status")?;
    let hold_expires_at = row.try_get::<Option<OffsetDateTime>, _>("hold_expires_at")?.map(Timestamp::from);
    match (status, hold_expires_at) {
        (HOLD, Some(expires_at)) => return Ok(Entry::Hold { expires_at }),
        (TOMBSTONE, _) => return Ok(Entry::Tombstone),
        _ => {}
    }
    let status = Status::from_name(status).ok_or_else(|| Error::Corrupt(format!("payment status {status:?}")))?;
    let card_token: Option<String> = row.try_get("card_token")?;
    let exchange: Option<Json<Exchange>> = row.try_get("exchange")?;
    let method = match card_token.map(CardToken::new).transpose() {
        Ok(Some(token)) => Method::Card(token),
        Ok(None) => exchange.map_or(Method::CashOnDelivery, |Json(exchange)| Method::Exchange(exchange)),
        Err(error) => return Err(Error::Corrupt(format!("card token {error}"))),
    };
    let amount = money(row, "amount_minor")?;
    let terms = Terms {
        buyer_id: BuyerId::from_uuid(row.try_get("buyer_id")?),
        seller_id: SellerId::from_uuid(row.try_get("seller_id")?),
        amount,
        method,
    };
    let authorized_minor: Option<i64> = row.try_get("authorized_minor")?;
    let Json(refunds): Json<Vec<RefundColumn>> = row.try_get("refunds")?;
    let commission_rate: Option<Decimal> = row.try_get("commission_rate")?;
    Ok(Entry::Payment(Payment {
        order_id,
        terms,
        due: money(row, "due_minor")?,
        terms_version: row.try_get("terms_version")?,
        hold_expires_at,
        status,
        order_ended: row.try_get("order_ended")?,
        authorized_at: row.try_get::<Option<OffsetDateTime>, _>("authorized_at")?.map(Timestamp::from),
        authorized: authorized_minor.map(|minor| Money::from_minor(minor, amount.currency())),
        captured: money(row, "captured_minor")?,
        refunded: money(row, "refunded_minor")?,
        refunds: refunds.into_iter().map(|refund| refund.into_refund(amount.currency())).collect::<Result<_, _>>()?,
        delivered: row.try_get("delivered")?,
        commission_rate: commission_rate
            .map(Rate::new)
            .transpose()
            .map_err(|error| Error::Corrupt(format!("commission rate {error}")))?,
        reason: row.try_get("reason")?,
        needs_operator: row.try_get("needs_operator")?,
    }))
}

/// Orders whose payments are still only authorized, by card, at `before` or earlier, and since when; oldest first, at most `limit`.
pub async fn authorized_since(
    pool: &PgPool,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(OrderId, Timestamp)>, Error> {
    let rows: Vec<(Uuid, OffsetDateTime)> = sqlx::query_as(
        "SELECT order_id, authorized_at FROM payment WHERE authorized_at <= $1 ORDER BY authorized_at LIMIT $2",
    )
    .bind(OffsetDateTime::from(before))
    .bind(limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(id, since)| (OrderId::from_uuid(id), since.into())).collect())
}

/// A payment, as it is shown.
#[derive(Debug)]
pub struct Found {
    /// The payment.
    pub payment: Payment,
    /// Its version: the number of its events.
    pub version: i64,
    /// When its intent became known.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The payment of an order; none while its intent is not known.
pub async fn find(executor: impl PgExecutor<'_>, order_id: OrderId) -> Result<Option<Found>, Error> {
    let row =
        sqlx::query("SELECT * FROM payment WHERE order_id = $1").bind(order_id.uuid()).fetch_optional(executor).await?;
    row.map_or(Ok(None), |row| found_from_row(order_id, &row))
}

/// The payments of many orders, by order; those whose intent is not known are absent.
pub async fn find_many(pool: &PgPool, order_ids: &[OrderId]) -> Result<HashMap<OrderId, Found>, Error> {
    let ids: Vec<Uuid> = order_ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query("SELECT * FROM payment WHERE order_id = ANY($1)").bind(ids).fetch_all(pool).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let order_id = OrderId::from_uuid(row.try_get("order_id")?);
        found.extend(found_from_row(order_id, row)?.map(|payment| (order_id, payment)));
    }
    Ok(found)
}

fn found_from_row(order_id: OrderId, row: &PgRow) -> Result<Option<Found>, Error> {
    let Entry::Payment(payment) = entry_from_row(order_id, row)? else { return Ok(None) };
    Ok(Some(Found {
        payment,
        version: row.try_get("version")?,
        created_at: row.try_get::<OffsetDateTime, _>("created_at")?.into(),
        updated_at: row.try_get::<OffsetDateTime, _>("updated_at")?.into(),
    }))
}
