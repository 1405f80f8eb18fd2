//! How a seller's business goes: the rows of the list, summed up.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use kernel::{Currency, Money};
use messaging::Error;
use messaging::read_model::{Generation, Table};
use sqlx::{PgConnection, PgPool, Row as _};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::order_list::Row;
use crate::domain::ids::SellerId;
use crate::domain::status::Milestone;

/// Its table. What is told is by how many orders a cell differs: of a seller whose orders go on meanwhile that is what stays.
pub const TABLE: Table = Table {
    name: "seller_dashboard_view",
    differences: "
    SELECT format('the sums of seller %s for %s, %s, %s: %s orders', seller_id, day, currency, status,
                  coalesce(a.orders, 0) - coalesce(b.orders, 0))
    FROM (SELECT * FROM seller_dashboard_view WHERE generation = $1) AS a
    FULL JOIN (SELECT * FROM seller_dashboard_view WHERE generation = $2) AS b USING (seller_id, day, currency, status)
    WHERE coalesce(a.orders, 0) <> coalesce(b.orders, 0)
       OR coalesce(a.units, 0) <> coalesce(b.units, 0)
       OR coalesce(a.total_minor, 0) <> coalesce(b.total_minor, 0)
       OR coalesce(a.refunded_minor, 0) <> coalesce(b.refunded_minor, 0)
       OR coalesce(a.awaits_dispatch, 0) <> coalesce(b.awaits_dispatch, 0)
       OR coalesce(a.open_refunds, 0) <> coalesce(b.open_refunds, 0)
    ORDER BY seller_id, day, currency, status LIMIT $3",
};

/// What is summed up apart. Sorted, so that two who save at once never wait for each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    generation: Generation,
    seller_id: Uuid,
    day: Date,
    currency: String,
    status: &'static str,
}

/// The sums of a cell, or by how much they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns' comments are in the migration")]
pub struct Sums {
    pub orders: i64,
    pub units: i64,
    pub total_minor: i64,
    pub refunded_minor: i64,
    pub awaits_dispatch: i64,
    pub open_refunds: i64,
}

impl Sums {
    /// Adds a row, or takes one away.
    fn count(&mut self, row: &Row, times: i64) {
        self.orders += times;
        self.units += times * row.units;
        self.total_minor += times * row.total.minor();
        self.refunded_minor += times * row.refunded.minor();
        self.awaits_dispatch += times * i64::from(row.awaits_dispatch);
        self.open_refunds += times * i64::from(row.open_refunds);
    }
}

/// By how much which sums change when rows of the list take the place of those that were there.
pub fn project(generations: &[Generation], before: &[(Generation, Row)], rows: &[Row]) -> BTreeMap<Cell, Sums> {
    let mut changes: BTreeMap<Cell, Sums> = BTreeMap::new();
    for (generation, row) in before {
        changes.entry(cell(*generation, row)).or_default().count(row, -1);
    }
    for generation in generations {
        for row in rows {
            changes.entry(cell(*generation, row)).or_default().count(row, 1);
        }
    }
    changes.retain(|_, sums| *sums != Sums::default());
    changes
}

fn cell(generation: Generation, row: &Row) -> Cell {
    Cell {
        generation,
        seller_id: row.seller_id,
        day: OffsetDateTime::from(row.created_at).date(),
        currency: row.total.currency().to_string(),
        status: row.status.as_str(),
    }
}

/// Changes sums.
pub(super) async fn save(tx: &mut PgConnection, changes: &BTreeMap<Cell, Sums>) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO seller_dashboard_view AS view
         SELECT * FROM unnest($1::integer[], $2::uuid[], $3::date[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                              $9::bigint[], $10::bigint[], $11::bigint[])
         ON CONFLICT (generation, seller_id, day, currency, status) DO UPDATE
         SET orders = view.orders + excluded.orders, units = view.units + excluded.units,
             total_minor = view.total_minor + excluded.total_minor, refunded_minor = view.refunded_minor + excluded.refunded_minor,
             awaits_dispatch = view.awaits_dispatch + excluded.awaits_dispatch, open_refunds = view.open_refunds + excluded.open_refunds",
    )
    .bind(cells(changes, |cell| cell.generation))
    .bind(cells(changes, |cell| cell.seller_id))
    .bind(cells(changes, |cell| cell.day))
    .bind(cells(changes, |cell| cell.currency.clone()))
    .bind(cells(changes, |cell| cell.status))
    .bind(sums(changes, |sums| sums.orders))
    .bind(sums(changes, |sums| sums.units))
    .bind(sums(changes, |sums| sums.total_minor))
    .bind(sums(changes, |sums| sums.refunded_minor))
    .bind(sums(changes, |sums| sums.awaits_dispatch))
    .bind(sums(changes, |sums| sums.open_refunds))
    .execute(tx)
    .await?;
    Ok(())
}

fn cells<T>(changes: &BTreeMap<Cell, Sums>, value: impl Fn(&Cell) -> T) -> Vec<T> {
    changes.keys().map(value).collect()
}

fn sums(changes: &BTreeMap<Cell, Sums>, value: impl Fn(&Sums) -> i64) -> Vec<i64> {
    changes.values().map(value).collect()
}

/// A seller's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dashboard {
    /// Orders of all time at each milestone at which there is one.
    pub orders: Vec<(Milestone, i64)>,
    /// Orders that the seller is to send.
    pub awaiting_dispatch: i64,
    /// Refunds that are asked for or on their way.
    pub open_refunds: i64,
    /// What was sold, by day and currency.
    pub days: Vec<Sales>,
}

/// What was sold on one day in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the message's comments are in the proto")]
pub struct Sales {
    pub day: Date,
    pub orders: i64,
    pub units: i64,
    pub sold: Money,
    pub refunded: Money,
}

/// Whether an order that stands there was sold.
const fn is_sold(status: Milestone) -> bool {
    match status {
        Milestone::Confirmed
        | Milestone::Paid
        | Milestone::Shipped
        | Milestone::Delivered
        | Milestone::Refunded
        | Milestone::Closed => true,
        Milestone::Created | Milestone::Failed | Milestone::Cancelled => false,
    }
}

/// A seller's business as it is counted now, with the sales of those days.
pub async fn read(pool: &PgPool, seller_id: SellerId, days: RangeInclusive<Date>) -> Result<Dashboard, Error> {
    let counts = sqlx::query(
        "SELECT status, sum(orders)::bigint AS orders, sum(awaits_dispatch)::bigint AS awaits_dispatch,
                sum(open_refunds)::bigint AS open_refunds
         FROM seller_dashboard_view
         WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving') AND seller_id = $1
         GROUP BY status HAVING sum(orders) > 0",
    )
    .bind(seller_id.uuid())
    .fetch_all(pool)
    .await?;
    let sold: Vec<_> = Milestone::ALL.into_iter().filter(|status| is_sold(*status)).map(Milestone::as_str).collect();
    let sales = sqlx::query(
        "SELECT day, currency, sum(orders)::bigint AS orders, sum(units)::bigint AS units, sum(total_minor)::bigint AS total_minor,
                sum(refunded_minor)::bigint AS refunded_minor
         FROM seller_dashboard_view
         WHERE generation = (SELECT generation FROM read_model_generation WHERE state = 'serving') AND seller_id = $1
           AND day BETWEEN $2 AND $3 AND status = ANY($4)
         GROUP BY day, currency HAVING sum(orders) > 0
         ORDER BY day, currency",
    )
    .bind(seller_id.uuid())
    .bind(days.start())
    .bind(days.end())
    .bind(sold)
    .fetch_all(pool)
    .await?;

    let mut dashboard = Dashboard::default();
    for row in &counts {
        let status: &str = row.try_get("status")?;
        let milestone =
            Milestone::from_name(status).ok_or_else(|| Error::Corrupt(format!("{status:?} is no milestone")))?;
        dashboard.orders.push((milestone, row.try_get("orders")?));
        dashboard.awaiting_dispatch += row.try_get::<i64, _>("awaits_dispatch")?;
        dashboard.open_refunds += row.try_get::<i64, _>("open_refunds")?;
    }
    dashboard.orders.sort_by_key(|(milestone, _)| Milestone::ALL.iter().position(|known| known == milestone));
    for row in &sales {
        let currency: Currency = row
            .try_get::<&str, _>("currency")?
            .parse()
            .map_err(|error| Error::Corrupt(format!("currency: {error}")))?;
        dashboard.days.push(Sales {
            day: row.try_get("day")?,
            orders: row.try_get("orders")?,
            units: row.try_get("units")?,
            sold: Money::from_minor(row.try_get("total_minor")?, currency),
            refunded: Money::from_minor(row.try_get("refunded_minor")?, currency),
        });
    }
    Ok(dashboard)
}
