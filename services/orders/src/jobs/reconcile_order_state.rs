//! Compares orders with payments and inventory, and heals by ordinary commands where they do not agree.
//!
//! Looked at is what changed since the last run and has rested since, what differed before, and what inventory holds stock for although
//! the order is over or does not exist. A difference is a row until a later run no longer finds it.

use std::collections::BTreeSet;
use std::time::Duration;

use chassis::jobs::count;
use kernel::{Classified, ErrorKind, Timestamp};
use messaging::EventStore;

use super::Done;
use crate::adapters::peers::{self, Peers};
use crate::adapters::postgres::{reconcile, watch};
use crate::app::cancel_order::{CancelOrder, cancel_order};
use crate::app::request_refund::{RequestRefund, request_refund};
use crate::domain::fact::{Canceller, Note};
use crate::domain::ids::OrderId;
use crate::domain::reconcile::{Difference, Remedy, compare};
use crate::domain::refund::RefundRequest;
use crate::{Orders, app};

/// The job's name.
pub const JOB: &str = "reconcile_order_state";

/// Orders compared at once, at most: what the peers answer in one call.
const BATCH_MAX: usize = 200;

/// Why a run, or a remedy, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A peer was not asked, or does not answer.
    #[error(transparent)]
    Peers(#[from] peers::Error),
    /// Orders itself refuses the command.
    #[error(transparent)]
    Command(#[from] app::Error),
    /// The database does not answer.
    #[error("storage")]
    Storage(#[from] messaging::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Classified for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Peers(error) => error.kind(),
            Self::Command(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Peers(error) => error.reason(),
            Self::Command(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }
}

/// What is compared, and with whom.
#[derive(Clone, Copy, Debug)]
pub struct Reconciliation<'a> {
    /// Orders.
    pub store: &'a EventStore,
    /// What decides about them.
    pub orders: &'a Orders,
    /// The others.
    pub peers: &'a Peers,
    /// How long an order must have rested.
    pub grace: Duration,
}

impl Reconciliation<'_> {
    /// Compares once, and answers what was found and done about which order; with `dry_run` nothing is done, and nothing noted. `since` looks
    /// further back than the last run did.
    ///
    /// # Errors
    /// A peer or the database does not answer. The next run looks at the same orders again.
    pub async fn run(&self, since: Option<Timestamp>, dry_run: bool) -> Result<Vec<Done>, Error> {
        let pool = self.store.pool();
        let until = self.store.now() - self.grace;
        let from = since.or(watch::looked_until(pool, JOB).await?);
        let mut order_ids: BTreeSet<OrderId> = watch::changed(pool, from, until).await?.into_iter().collect();
        order_ids.extend(reconcile::with_open_differences(pool).await?);
        order_ids.extend(self.holding_stock_for_nothing().await?);
        let order_ids: Vec<OrderId> = order_ids.into_iter().collect();
        let mut done = Vec::new();
        for batch in order_ids.chunks(BATCH_MAX) {
            let (rested, found) = self.compare(batch, until).await?;
            if dry_run {
                done.extend(found.iter().map(would_be_healed));
            } else {
                done.extend(self.settle(&rested, &found).await?);
            }
        }
        if !dry_run {
            watch::note_looked_until(pool, JOB, until).await?;
            count(JOB, "compared", order_ids.len());
            tracing::debug!(orders = order_ids.len(), told = done.len(), "compared orders with payments and inventory");
        }
        Ok(done)
    }

    /// Orders that are over or do not exist, of those that inventory holds stock for.
    async fn holding_stock_for_nothing(&self) -> Result<Vec<OrderId>, Error> {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let (page, next) = self.peers.holding_stock(page_token).await?;
            found.extend(watch::over_or_missing(self.store.pool(), &page).await?);
            if next.is_empty() {
                return Ok(found);
            }
            page_token = next;
        }
    }

    /// Those of the orders that have rested, and what differs about them. The others are asked first: an order that moves on meanwhile has
    /// not rested.
    async fn compare(
        &self,
        order_ids: &[OrderId],
        until: Timestamp,
    ) -> Result<(Vec<OrderId>, Vec<(OrderId, Difference)>), Error> {
        let (payments, stock) = tokio::try_join!(self.peers.payments(order_ids), self.peers.stock(order_ids))?;
        let orders = watch::find_many(self.store.pool(), order_ids).await?;
        let (mut rested, mut found) = (Vec::new(), Vec::new());
        for &order_id in order_ids {
            let order = orders.get(&order_id);
            if order.is_some_and(|(_, changed_at)| *changed_at > until) {
                continue;
            }
            rested.push(order_id);
            let order = order.map(|(order, _)| order);
            let differences = compare(order, payments.get(&order_id), stock.get(&order_id).copied(), until);
            found.extend(differences.into_iter().map(|difference| (order_id, difference)));
        }
        Ok((rested, found))
    }

    /// Notes what was found and what is gone, and heals.
    async fn settle(&self, rested: &[OrderId], found: &[(OrderId, Difference)]) -> Result<Vec<Done>, Error> {
        let (pool, now) = (self.store.pool(), self.store.now());
        let mut done = Vec::new();
        for healed in reconcile::note_healed(pool, rested, found, now).await? {
            let (order_id, kind) = (healed.order_id, healed.kind);
            count(JOB, "found healed", 1);
            tracing::info!(%order_id, %kind, "a difference is gone");
            done.push(Done { order_id, what: format!("{kind}: gone") });
        }
        let new = reconcile::note_found(pool, found, now).await?;
        for (order_id, difference) in found {
            let Difference { kind, remedy, details } = difference;
            let is_new = new.contains(&(*order_id, *kind));
            if is_new {
                count(JOB, kind.as_str(), 1);
            }
            let what = if let Some(remedy) = remedy {
                if is_new {
                    tracing::warn!(%order_id, %kind, details, "the services do not agree about an order");
                }
                let outcome = self.heal(*order_id, difference, *remedy).await?;
                format!("{kind}: {details}; {} {outcome}", remedy.as_str())
            } else {
                if is_new {
                    tracing::error!(%order_id, %kind, details, "the services do not agree about an order, and only a person can heal it");
                }
                format!("{kind}: {details}; a person has to look")
            };
            done.push(Done { order_id: *order_id, what });
        }
        Ok(done)
    }

    /// Gives the command, and answers what became of it. One that fails holds up nobody else; it is given again by the next run.
    async fn heal(&self, order_id: OrderId, difference: &Difference, remedy: Remedy) -> Result<String, Error> {
        let (pool, kind) = (self.store.pool(), difference.kind);
        let Some(request_id) = reconcile::begin_attempt(pool, order_id, kind).await? else {
            return Ok("is not needed any more".to_owned());
        };
        let given = self.give(request_id, order_id, difference, remedy).await;
        let error = given.as_ref().err().map(ToString::to_string);
        reconcile::end_attempt(pool, order_id, kind, error.as_deref()).await?;
        let command = remedy.as_str();
        match given {
            Ok(()) => {
                count(JOB, "commands given", 1);
                tracing::info!(%order_id, %kind, command, "gave a command that heals a difference");
                Ok("was asked for".to_owned())
            }
            Err(error) => {
                count(JOB, "commands failed", 1);
                if error.kind().is_transient() {
                    tracing::warn!(%order_id, %kind, command, %error, "a difference cannot be healed for now");
                } else {
                    tracing::error!(%order_id, %kind, command, %error, "a difference cannot be healed by its command");
                }
                Ok(format!("failed: {error}"))
            }
        }
    }

    async fn give(
        &self,
        request_id: String,
        order_id: OrderId,
        difference: &Difference,
        remedy: Remedy,
    ) -> Result<(), Error> {
        let actor = format!("service:{}", self.store.service());
        let note = || Note::new(format!("{}: {}", difference.kind, difference.details)).ok();
        match remedy {
            Remedy::UndoPayment => self.peers.undo_payment(request_id, order_id).await?,
            Remedy::ReleaseReservation => self.peers.release_reservation(request_id, order_id).await?,
            Remedy::CancelOrder => {
                let mut unit = self.store.begin().await?;
                let command = CancelOrder { order_id, by: Canceller::Operator, note: note(), actor };
                cancel_order(&mut unit, self.orders, command).await?;
                unit.commit().await?;
            }
            Remedy::RequestRefund => {
                let mut unit = self.store.begin().await?;
                let request = RefundRequest::BeforeDispatch;
                let command = RequestRefund { order_id, request, note: note(), actor };
                request_refund(&mut unit, self.orders, command).await?;
                unit.commit().await?;
            }
        }
        Ok(())
    }
}

fn would_be_healed((order_id, difference): &(OrderId, Difference)) -> Done {
    let Difference { kind, remedy, details } = difference;
    let what = match remedy {
        Some(remedy) => format!("{kind}: {details}; {} would be asked for", remedy.as_str()),
        None => format!("{kind}: {details}; a person has to look"),
    };
    Done { order_id: *order_id, what }
}
