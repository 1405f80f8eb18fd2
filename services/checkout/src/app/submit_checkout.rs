//! Buyers accept quotes.
//!
//! The busiest transaction of the fleet, so those who accept at the same moment share one, and it is short: the quotes are read,
//! the checkouts and their orders are inserted in one statement, the journal and the outbox in another. A quote is never changed
//! and so never locked; that it is accepted once is the unique constraint's to guarantee.

use std::collections::HashMap;

use kernel::{Id, Timestamp};
use messaging::{Cause, Error, Head, UnitOfWork};

use crate::adapters::{events, postgres};
use crate::domain::checkout::Checkout;
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::ids::{BuyerId, QuoteId};
use crate::domain::payment_method::PaymentMethod;
use crate::domain::quote::Quote;
use crate::domain::quote_hash::QuoteHash;

/// The acceptance of a quote.
#[derive(Debug, Clone)]
pub struct SubmitCheckout {
    /// Who accepts.
    pub buyer_id: BuyerId,
    /// The same, as histories tell it.
    pub actor: String,
    /// The quote.
    pub quote_id: QuoteId,
    /// The hash of the quote that the buyer was shown.
    pub accepted: QuoteHash,
    /// How it is paid.
    pub payment_method: PaymentMethod,
}

/// Turns each quote into a checkout with one order for each seller, and starts their sagas.
pub async fn submit_checkouts(
    unit: &mut UnitOfWork,
    commands: &[&SubmitCheckout],
) -> Result<Vec<Result<Checkout, Refusal>>, Error> {
    let quote_ids: Vec<QuoteId> = commands.iter().map(|command| command.quote_id).collect();
    let mut quotes = postgres::quote::find(unit.tx(), &quote_ids).await?;
    let mut answers = Vec::with_capacity(commands.len());
    let mut accepted = Vec::with_capacity(commands.len());
    for command in commands {
        let answer = accept(&mut quotes, command, unit.now());
        if let Ok(checkout) = &answer {
            let journey = checkout.id.uuid();
            let mut head = Head::begin(journey);
            let (quote, payment_method) = (&quotes[&command.quote_id].0, &command.payment_method);
            let event = events::encode(&Event::CheckoutSubmitted { checkout, quote, payment_method });
            unit.record(&mut head, &Cause::command(command.actor.clone()).in_journey(journey), event)?;
            accepted.push((checkout.clone(), head));
        }
        answers.push(answer);
    }
    postgres::checkout::insert(unit.tx(), &accepted).await?;
    Ok(answers)
}

/// The checkout that an acceptance makes of its quote. `quotes` say of each whether it was submitted, and are told when it is.
fn accept(
    quotes: &mut HashMap<QuoteId, (Quote, bool)>,
    command: &SubmitCheckout,
    now: Timestamp,
) -> Result<Checkout, Refusal> {
    let found = quotes.get_mut(&command.quote_id).filter(|(quote, _)| quote.buyer_id == command.buyer_id);
    let (quote, is_submitted) = found.ok_or(Refusal::QuoteNotFound)?;
    if *is_submitted {
        return Err(Refusal::QuoteAlreadySubmitted);
    }
    quote.check_acceptance(command.accepted, now)?;
    *is_submitted = true;
    Ok(Checkout::of_quote(quote, Id::generate(), Id::generate, now))
}
