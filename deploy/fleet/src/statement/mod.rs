//! `fleet statement`: the ledger of one order as a bookkeeper reads it.
//!
//! | module | what it does |
//! | --- | --- |
//! | `ledger` | reads the order's transactions from the database |
//! | `text` | the statement: entries, totals, what it comes to |

mod ledger;
mod text;

#[cfg(test)]
mod tests;

use std::io::Write as _;

use anyhow::{Result, ensure};
use uuid::Uuid;

pub use ledger::{Ledger, Posting, Transaction};

use crate::databases::Databases;
use crate::story;

/// Whose statement.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
A debit is money that came onto an account, a credit is money that left it for another: of the clearing accounts the first is what \
the provider or a carrier took from the buyer, of the others the second is what we owe to whom the account is for. What is held in \
escrow is owed until delivery. Exits with 1 if the debits are not the credits.")]
pub struct Options {
    /// The order
    #[arg(value_name = "ORDER", value_parser = story::id)]
    pub order_id: Uuid,
}

/// Prints the statement of an order, of a fleet that another process runs. Fails, after that, if its postings do not sum to zero.
pub async fn statement(fleet: &str, options: &Options) -> Result<()> {
    let ledger = Ledger::read(&Databases::of_running(fleet)?, options.order_id).await?;
    std::io::stdout().write_all(ledger.to_string().as_bytes())?;
    ensure!(ledger.balances(), "the postings of order {} do not sum to zero", ledger.order_id);
    Ok(())
}
