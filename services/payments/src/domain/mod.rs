//! What a payment is and what may become of it. Pure: no IO, no clock, no wire types.
//!
//! | file | holds |
//! | --- | --- |
//! | `payment.rs` | [`Payment`] and its [`Status`]; [`Entry`]: what is known under an order's id |
//! | `refund.rs` | [`Refund`]: one of the refunds of a payment, and how far it got |
//! | `operation.rs` | [`Operation`]: what is asked of the provider, and its deterministic key; [`Outcome`] |
//! | `ledger.rs` | the double-entry ledger: [`ledger::Transaction`], balanced by construction |
//! | `fact.rs`, `event.rs` | [`Fact`]: what is heard; [`Event`]: what became true |
//! | `world.rs` | [`World`]: all that a batch of facts touches |
//! | `policy.rs` | [`Policy`]: when it is too late to authorize, and what the marketplace keeps |
//! | `error.rs` | [`Refusal`]: what may not happen |

mod error;
mod event;
mod fact;
mod ids;
pub mod ledger;
mod operation;
mod payment;
mod policy;
mod refund;
mod world;

pub use error::Refusal;
pub use event::Event;
pub use fact::Fact;
pub use ids::{BuyerId, Order, OrderId, SellerId};
pub use operation::{Operation, OperationKey, OperationKind, Outcome};
pub use payment::{CardToken, Entry, Exchange, InvalidCardToken, Method, Payment, Status, Terms};
pub use policy::{InvalidCommissionRate, Policy, commission, commission_rate};
pub use refund::{Refund, RefundStanding};
pub use world::{Answered, World};
