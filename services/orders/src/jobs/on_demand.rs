//! The jobs as subcommands, for an operator. One that a replica is running at the moment is waited for.

use std::io::Write as _;
use std::time::Duration;

use chassis::jobs::now;
use clap::Subcommand;
use messaging::EventStore;

use super::detect_stuck_orders::{self, Look, detect_stuck_orders};
use super::reconcile_order_state::{self, Reconciliation};
use super::{Done, cancel_unpaid_orders, close_orders};
use crate::adapters::postgres;
use crate::domain::ids::OrderId;
use crate::{Args, Orders};

/// A job to run now.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Job {
    /// Cancels the orders that are unpaid past their deadline, now
    CancelUnpaidOrders {
        /// Only says which
        #[arg(long)]
        dry_run: bool,
    },
    /// Closes the orders to which nothing more may happen, now
    CloseOrders {
        /// Only says which
        #[arg(long)]
        dry_run: bool,
    },
    /// Looks at all orders for those that wait for a service which does not act, and sends what it should act on again
    DetectStuckOrders {
        /// Only says which
        #[arg(long)]
        dry_run: bool,
        /// Looks at this one alone, and sends again whatever was done about it before
        #[arg(long, value_name = "ORDER_ID")]
        order: Option<OrderId>,
    },
    /// Compares orders with payments and inventory, and heals where they do not agree
    ReconcileOrderState {
        /// Only says what differs
        #[arg(long)]
        dry_run: bool,
        /// Looks at the orders that changed in that time, not only since the last run
        #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
        since: Option<Duration>,
    },
}

/// Runs a job and prints what it did, an order a line.
///
/// # Errors
/// The job fails, or was not told whom to ask.
pub async fn run(job: Job, store: &EventStore, orders: &Orders, args: &Args) -> anyhow::Result<()> {
    const ALL: i64 = i64::MAX;
    let (pool, at) = (store.pool(), store.now());
    let (done, is_dry) = match job {
        Job::CancelUnpaidOrders { dry_run: true } => {
            (Done::each(postgres::past_unpaid_deadline(pool, at, ALL).await?, "would be cancelled: it is unpaid"), true)
        }
        Job::CancelUnpaidOrders { dry_run: false } => {
            let job = cancel_unpaid_orders::cancel_unpaid_orders(store, orders);
            (Done::each(now(cancel_unpaid_orders::JOB, pool, job).await?, "cancelled: it is unpaid"), false)
        }
        Job::CloseOrders { dry_run: true } => {
            (Done::each(postgres::past_close_deadline(pool, at, ALL).await?, "would be closed"), true)
        }
        Job::CloseOrders { dry_run: false } => {
            let job = close_orders::close_orders(store, orders);
            (Done::each(now(close_orders::JOB, pool, job).await?, "closed"), false)
        }
        Job::DetectStuckOrders { dry_run, order } => {
            let look = order.map_or(Look::AtAll, Look::At);
            let job = detect_stuck_orders(store, args.stuck_after, look, dry_run);
            (now(detect_stuck_orders::JOB, pool, job).await?, dry_run)
        }
        Job::ReconcileOrderState { dry_run, since } => {
            let peers = &args.peers()?;
            let reconciliation = Reconciliation { store, orders, peers, grace: args.reconcile_grace };
            let job = reconciliation.run(since.map(|since| at - since), dry_run);
            (now(reconcile_order_state::JOB, pool, job).await?, dry_run)
        }
    };
    let mut stdout = std::io::stdout();
    for each in &done {
        writeln!(stdout, "{each}")?;
    }
    let what = if is_dry { "a dry run: nothing was done" } else { "done" };
    writeln!(stdout, "{} lines; {what}", done.len())?;
    Ok(())
}
