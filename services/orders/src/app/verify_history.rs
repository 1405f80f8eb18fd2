//! Proves invariant I4: no history has a gap or was altered, no snapshot has changed, and each order stands where its history
//! leads.
//!
//! What is found is anything that was changed without rewriting all that follows from it. Whoever can rewrite an order's
//! journal and its rows in every place, or delete every trace of it, is beyond what these tables alone can show.

use kernel::Timestamp;
use messaging::journal::{self, Record};
use messaging::{EventStore, Undecodable};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::Error;
use crate::adapters::history::{agreements, later_unpaid_deadline, status_of};
use crate::adapters::postgres::{self, PlacedOrder, Traces};
use crate::domain::ids::OrderId;
use crate::domain::snapshot::{SnapshotHash, Terms, TermsVersion};
use crate::domain::status::Status;

/// Orders verified in one transaction.
const BATCH_MAX: i64 = 200;

/// What is wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The order.
    pub order_id: OrderId,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What can be wrong with an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A table has lost its row.
    #[error("its row in {0} is missing")]
    RowMissing(&'static str),
    /// The journal has nothing of it.
    #[error("its history is missing")]
    HistoryMissing,
    /// The hash chain does not hold.
    #[error("its history is not as it was written: {0}")]
    History(#[from] journal::Fault),
    /// An entry of the history cannot be read.
    #[error("its history cannot be read: {0}")]
    Entry(#[from] Undecodable),
    /// A row cannot be read.
    #[error("its rows cannot be read: {0}")]
    Row(String),
    /// The rows do not have the hash that was taken when they were written.
    #[error("what was agreed was changed in the tables: {0}")]
    SnapshotAltered(Difference),
    /// An entry of the history does not have the hash that it states.
    #[error("what was agreed does not have the hash that its {} states", entry_of(*.0))]
    AgreementAltered(TermsVersion),
    /// The row's hash is not the one that the history states.
    #[error("its snapshot hash is not the one that its {} states", entry_of(*.0))]
    HashReplaced(TermsVersion),
    /// What is agreed is not what was agreed last.
    #[error("version {row} of what was agreed holds, and {history} in its history")]
    VersionAltered {
        /// In the row.
        row: TermsVersion,
        /// In the history.
        history: TermsVersion,
    },
    /// The deadline is not the one that the history states.
    #[error("its unpaid deadline is {row}, and {history} in its history")]
    DeadlineAltered {
        /// In the row.
        row: Timestamp,
        /// In the history.
        history: Timestamp,
    },
    /// The order does not stand where its history leads.
    #[error("it is {row}, and its history leads to {history}")]
    StatusAltered {
        /// In the row.
        row: Status,
        /// Where the history leads.
        history: Status,
    },
}

/// The entry that states a version of what was agreed.
const fn entry_of(version: TermsVersion) -> &'static str {
    if version == 1 { "OrderCreated" } else { "OrderModified" }
}

/// Which of the terms differ from those of the history, such as `lines[2], ship_to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference(Vec<String>);

impl Difference {
    fn between(rows: &Terms, history: &Terms) -> Self {
        let mut fields: Vec<String> = Vec::new();
        for index in 0..rows.lines.len().max(history.lines.len()) {
            if rows.lines.get(index) != history.lines.get(index) {
                fields.push(format!("lines[{index}]"));
            }
        }
        let others = [
            ("checkout_id", rows.checkout_id != history.checkout_id),
            ("buyer_id", rows.buyer_id != history.buyer_id),
            ("seller_id", rows.seller_id != history.seller_id),
            ("ship_to", rows.ship_to != history.ship_to),
            ("shipping_service", rows.shipping_service != history.shipping_service),
            ("subtotal", rows.subtotal != history.subtotal),
            ("shipping", rows.shipping != history.shipping),
            ("tax", rows.tax != history.tax),
            ("total", rows.total != history.total),
            ("payment_method", rows.payment_method != history.payment_method),
        ];
        fields.extend(others.iter().filter(|(_, differs)| *differs).map(|(field, _)| (*field).to_owned()));
        Self(fields)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The terms are those of the history, so it is the stored hash that is not theirs.
        if self.0.is_empty() { f.write_str("snapshot_hash") } else { f.write_str(&self.0.join(", ")) }
    }
}

/// Verifies one order, or every order in the order of their ids, and tells what is wrong as it is found. `progress` hears how
/// many orders were verified so far. Answers how many were verified in all.
pub async fn verify_history(
    store: &EventStore,
    only: Option<OrderId>,
    mut report: impl FnMut(Finding),
    mut progress: impl FnMut(u64),
) -> Result<u64, Error> {
    let mut connection = store.pool().acquire().await?;
    let mut verified = 0;
    let mut after = OrderId::from_uuid(Uuid::nil());
    loop {
        // One view of all tables: an order that moves on meanwhile is not taken for one that was tampered with.
        let mut tx = connection.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
        let batch = match only {
            Some(order_id) => postgres::traces_of(&mut tx, order_id).await?.into_iter().collect(),
            None => postgres::traces_after(&mut tx, after, BATCH_MAX).await?,
        };
        for traces in &batch {
            for fault in faults_of(&mut tx, traces).await? {
                report(Finding { order_id: traces.order_id, fault });
            }
            verified += 1;
        }
        tx.rollback().await?;
        let Some(last) = batch.last() else { return Ok(verified) };
        progress(verified);
        if only.is_some() {
            return Ok(verified);
        }
        after = last.order_id;
    }
}

async fn faults_of(tx: &mut PgConnection, traces: &Traces) -> Result<Vec<Fault>, Error> {
    let mut faults = Vec::new();
    if !traces.has_snapshot {
        faults.push(Fault::RowMissing("order_snapshot"));
    }
    if !traces.has_state {
        faults.push(Fault::RowMissing("order_state"));
    }
    if !traces.has_history {
        faults.push(Fault::HistoryMissing);
    }
    if !faults.is_empty() {
        return Ok(faults);
    }
    match read(tx, traces.order_id).await {
        Ok((versions, history)) => Ok(compare(&versions, &history)),
        Err(error) => not_ours(error).map(|what| vec![Fault::Row(what)]),
    }
}

/// The order as it was agreed in every version that has its row, the present one last, and its history.
async fn read(tx: &mut PgConnection, order_id: OrderId) -> Result<(Vec<PlacedOrder>, Vec<Record>), messaging::Error> {
    let latest = postgres::find(tx, order_id, None).await?.expect("this transaction saw both of its rows");
    let mut versions = Vec::new();
    for version in 1..latest.terms_version {
        versions.extend(postgres::find(tx, order_id, Some(version)).await?);
    }
    versions.push(latest);
    Ok((versions, journal::read(tx, order_id.uuid()).await?))
}

/// What is wrong with a value that this service cannot have written; any other error is one of reading.
fn not_ours(error: messaging::Error) -> Result<String, Error> {
    match error {
        messaging::Error::Corrupt(what) => Ok(what),
        messaging::Error::Database(error @ sqlx::Error::ColumnDecode { .. }) => Ok(error.to_string()),
        error => Err(error.into()),
    }
}

/// Everything that is wrong between an order, in its versions, and its history.
fn compare(versions: &[PlacedOrder], history: &[Record]) -> Vec<Fault> {
    let order = versions.last().expect("the present one");
    let mut faults = Vec::new();
    if let Err(fault) = journal::verify(history, order.head) {
        faults.push(fault.into());
    }
    if history.is_empty() {
        return faults;
    }
    match agreements(history).and_then(|agreed| Ok((agreed, later_unpaid_deadline(history)?))) {
        Ok(((agreed, unpaid_deadline), later)) => {
            faults.extend(compare_versions(versions, &agreed));
            let unpaid_deadline = later.unwrap_or(unpaid_deadline);
            if order.unpaid_deadline != unpaid_deadline {
                faults.push(Fault::DeadlineAltered { row: order.unpaid_deadline, history: unpaid_deadline });
            }
        }
        Err(undecodable) => faults.push(undecodable.into()),
    }
    match status_of(history) {
        Ok(status) if status == order.standing.status => {}
        Ok(status) => faults.push(Fault::StatusAltered { row: order.standing.status, history: status }),
        Err(undecodable) => faults.push(undecodable.into()),
    }
    faults
}

fn compare_versions(versions: &[PlacedOrder], agreed: &[(Terms, String)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (version, (terms, stated_hash)) in (1..).zip(agreed) {
        match versions.iter().find(|order| order.terms_version == version) {
            Some(order) => faults.extend(compare_snapshot(order, terms, stated_hash)),
            None => faults.push(Fault::RowMissing("order_snapshot")),
        }
    }
    let (row, history) = (versions.last().map_or(0, |order| order.terms_version), agreed.len() as TermsVersion);
    if row != history {
        faults.push(Fault::VersionAltered { row, history });
    }
    faults
}

fn compare_snapshot(order: &PlacedOrder, agreed: &Terms, stated_hash: &str) -> Vec<Fault> {
    let is_stated = |hash: SnapshotHash| hash.to_string() == stated_hash;
    let mut faults = Vec::new();
    if order.snapshot.terms().hash() != order.snapshot.hash() {
        faults.push(Fault::SnapshotAltered(Difference::between(order.snapshot.terms(), agreed)));
    }
    if !is_stated(agreed.hash()) {
        faults.push(Fault::AgreementAltered(order.terms_version));
    }
    if !is_stated(order.snapshot.hash()) {
        faults.push(Fault::HashReplaced(order.terms_version));
    }
    faults
}
