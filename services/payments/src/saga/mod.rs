//! What this service does when it hears of something. Pure.

pub mod checkout;
pub mod fulfilment;
pub mod refund;

use kernel::{Decision, Timestamp};

use crate::domain::{Event, Fact, Policy, Refusal, World};

type Answer = Decision<Event, Refusal>;

/// How an answer of the provider finds its payment.
enum Expectation {
    /// The operation was asked for, and this is its first answer since.
    Awaited,
    /// The operation was answered before.
    Known,
    /// The operation was never asked for.
    NeverAsked,
}

/// Decides what a fact does to the world. Only [`Decision::Applied`] changes anything.
pub fn decide(world: &mut World, fact: &Fact, policy: Policy, now: Timestamp) -> Answer {
    match fact {
        Fact::OrderCreated { order_id, terms } => checkout::on_order_created(world, *order_id, terms, policy, now),
        Fact::OrderModified { order_id, terms_version, amount } => {
            checkout::on_order_modified(world, *order_id, *terms_version, *amount)
        }
        Fact::InventoryReserved { order_id, expires_at } => {
            checkout::on_inventory_reserved(world, *order_id, *expires_at, policy, now)
        }
        Fact::OrderConfirmed { order_id } => checkout::on_order_confirmed(world, *order_id),
        Fact::OrderEnded { order_id } => checkout::on_order_ended(world, *order_id),
        Fact::ProviderAnswered { key, attempt, outcome } => {
            checkout::on_provider_answered(world, *key, *attempt, outcome, now)
        }
        Fact::AuthorizationExpired { order_id } => checkout::on_authorization_expired(world, *order_id, policy, now),
        Fact::CashCollected { order_id, amount } => fulfilment::on_cash_collected(world, *order_id, *amount, policy),
        Fact::OrderDelivered { order_id } => fulfilment::on_order_delivered(world, *order_id, policy),
        Fact::RefundApproved { order_id, number, amount, set_aside } => {
            refund::on_refund_approved(world, *order_id, *number, *amount, *set_aside)
        }
        Fact::RefundRetried { order_id, number } => refund::on_refund_retried(world, *order_id, *number),
    }
}

#[cfg(test)]
mod checkout_table;
#[cfg(test)]
mod exchange_table;
#[cfg(test)]
mod fulfilment_table;
#[cfg(test)]
mod modification_table;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refund_table;
#[cfg(test)]
mod states;
