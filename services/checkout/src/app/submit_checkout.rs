//! A buyer accepts a quote.
//!
//! The busiest transaction of the fleet, so it is short: the quote is read, the checkout and its orders are inserted in one
//! statement, the journal and the outbox in another. A quote is never changed and so never locked; that it is accepted once
//! is the unique constraint's to guarantee.

use kernel::Id;
use messaging::{Cause, Head, UnitOfWork};

use super::Error;
use crate::adapters::{events, postgres};
use crate::domain::checkout::Checkout;
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::ids::{BuyerId, QuoteId};
use crate::domain::payment_method::PaymentMethod;
use crate::domain::quote_hash::QuoteHash;

/// The acceptance of a quote.
#[derive(Debug, Clone)]
pub struct SubmitCheckout {
    /// Who accepts.
    pub buyer_id: BuyerId,
    /// The quote.
    pub quote_id: QuoteId,
    /// The hash of the quote that the buyer was shown.
    pub accepted: QuoteHash,
    /// How it is paid.
    pub payment_method: PaymentMethod,
}

/// Turns the quote into a checkout with one order for each seller, and starts the saga.
pub async fn submit_checkout(unit: &mut UnitOfWork, command: SubmitCheckout, actor: String) -> Result<Checkout, Error> {
    let SubmitCheckout { buyer_id, quote_id, accepted, payment_method } = command;
    let found = postgres::quote::find(unit.tx(), quote_id).await?;
    let (quote, is_submitted) = found.filter(|(quote, _)| quote.buyer_id == buyer_id).ok_or(Refusal::QuoteNotFound)?;
    if is_submitted {
        return Err(Refusal::QuoteAlreadySubmitted.into());
    }
    quote.check_acceptance(accepted, unit.now())?;

    let checkout = Checkout::of_quote(&quote, Id::generate(), Id::generate, unit.now());
    let journey = checkout.id.uuid();
    let mut head = Head::begin(journey);
    let event = Event::CheckoutSubmitted { checkout: &checkout, quote: &quote, payment_method: &payment_method };
    unit.record(&mut head, &Cause::command(actor).in_journey(journey), events::encode(&event))?;
    if !postgres::checkout::insert(unit.tx(), &checkout, head).await? {
        return Err(Refusal::QuoteAlreadySubmitted.into());
    }
    Ok(checkout)
}
