//! The RPCs: from the wire to a command or a query, and back. Everything here is the calling buyer's own; operators may look.

use std::sync::Arc;

use chassis::auth::Denied;
use chassis::group_commit::{Answers, GroupCommit, Handler};
use chassis::idempotency::Key;
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::checkout::v1 as wire;
use contracts::checkout::v1::checkout_service_server::CheckoutService;
use contracts::convert::id_from_wire;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use messaging::{EventStore, UnitOfWork};
use tonic::{Request, Response, Status};

use super::peers::Peers;
use super::postgres;
use super::wire::{address_from_wire, checkout_to_wire, choices_from_wire, payment_method_from_wire, quote_to_wire};
use crate::app::Error;
use crate::app::create_quote::{CreateQuote, make_quote};
use crate::app::submit_checkout::{SubmitCheckout, submit_checkouts};
use crate::app::watch_checkout::{Watchers, watch_checkout};
use crate::domain::checkout::Checkout;
use crate::domain::error::Refusal;
use crate::domain::ids::{BuyerId, CheckoutId};
use crate::domain::quote::Terms;

/// Serves [`CheckoutService`].
#[derive(Debug, Clone)]
pub struct Api {
    store: EventStore,
    submissions: GroupCommit<Submissions>,
    peers: Peers,
    terms: Arc<Terms>,
    watchers: Watchers,
}

impl Api {
    /// The RPCs over a store. Quotes are made from what `peers` answer, on `terms`.
    pub fn new(
        store: EventStore,
        submissions: GroupCommit<Submissions>,
        peers: Peers,
        terms: Terms,
        watchers: Watchers,
    ) -> Self {
        Self { store, submissions, peers, terms: Arc::new(terms), watchers }
    }
}

/// Submissions share transactions.
#[derive(Debug, Clone, Copy)]
pub struct Submissions;

impl Handler for Submissions {
    type Command = SubmitCheckout;
    type Answer = wire::SubmitCheckoutResponse;
    type Error = Error;

    async fn handle(
        &self,
        unit: &mut UnitOfWork,
        commands: &[&SubmitCheckout],
    ) -> Result<Answers<wire::SubmitCheckoutResponse, Error>, messaging::Error> {
        let to_wire = |checkout| wire::SubmitCheckoutResponse { checkout: Some(checkout_to_wire(&checkout)) };
        let answers = submit_checkouts(unit, commands).await?;
        Ok(answers.into_iter().map(|answer| answer.map(to_wire).map_err(Error::from)).collect())
    }
}

#[tonic::async_trait]
impl CheckoutService for Api {
    type WatchCheckoutStream = BoxStream<'static, Result<wire::WatchCheckoutResponse, Status>>;

    async fn create_quote(
        &self,
        request: Request<wire::CreateQuoteRequest>,
    ) -> Result<Response<wire::CreateQuoteResponse>, Status> {
        let caller = caller(&request);
        let buyer_id = buyer(&caller)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let ship_to = address_from_wire(&mut fields, request.ship_to);
        let shipping_choices = choices_from_wire(&mut fields, request.shipping_choices);
        let (Some(key), Some(cart_id), Some(ship_to), Some(shipping_choices)) =
            (key, cart_id, ship_to, shipping_choices)
        else {
            return Err(status(fields.refuse()));
        };
        if let Some(answer) = key.lookup(&self.store).await.map_err(status)? {
            return Ok(Response::new(answer));
        }
        let command = CreateQuote { buyer_id, cart_id, ship_to, shipping_choices };
        let quote = make_quote(&self.peers, &self.terms, &caller, command, self.store.now()).await.map_err(status)?;
        let answer = key.run(&self.store, async |unit| {
            postgres::quote::insert(unit.tx(), &quote).await?;
            Ok::<_, Error>(wire::CreateQuoteResponse { quote: Some(quote_to_wire(&quote)) })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn submit_checkout(
        &self,
        request: Request<wire::SubmitCheckoutRequest>,
    ) -> Result<Response<wire::SubmitCheckoutResponse>, Status> {
        let caller = caller(&request);
        let buyer_id = buyer(&caller)?;
        let request = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let quote_id = fields.take(id_from_wire("quote_id", &request.quote_id));
        let accepted = fields.check("quote_hash", request.quote_hash.parse());
        let payment_method = payment_method_from_wire(&mut fields, request.payment_method);
        let (Some(key), Some(quote_id), Some(accepted), Some(payment_method)) =
            (key, quote_id, accepted, payment_method)
        else {
            return Err(status(fields.refuse()));
        };
        let command = SubmitCheckout { buyer_id, actor: caller.actor(), quote_id, accepted, payment_method };
        Ok(Response::new(self.submissions.run(key, command).await.map_err(status)?))
    }

    async fn get_checkout(
        &self,
        request: Request<wire::GetCheckoutRequest>,
    ) -> Result<Response<wire::GetCheckoutResponse>, Status> {
        let id = checkout_id(&request.get_ref().checkout_id)?;
        let found = postgres::checkout::find(self.store.pool(), id).await.map_err(status)?;
        let caller = caller(&request);
        let checkout =
            found.filter(|checkout| may_see(&caller, checkout)).ok_or_else(|| status(Refusal::CheckoutNotFound))?;
        Ok(Response::new(wire::GetCheckoutResponse { checkout: Some(checkout_to_wire(&checkout)) }))
    }

    async fn watch_checkout(
        &self,
        request: Request<wire::WatchCheckoutRequest>,
    ) -> Result<Response<Self::WatchCheckoutStream>, Status> {
        let id = checkout_id(&request.get_ref().checkout_id)?;
        let caller = caller(&request);
        let pool = self.store.pool().clone();
        let watched = watch_checkout(pool, &self.watchers, id, |checkout| may_see(&caller, checkout));
        let to_wire = |checkout: Checkout| wire::WatchCheckoutResponse { checkout: Some(checkout_to_wire(&checkout)) };
        Ok(Response::new(watched.await.map_err(status)?.map_ok(to_wire).map_err(status).boxed()))
    }
}

/// Every RPC that needs a buyer is open to buyers alone, so this finds one.
fn buyer(caller: &Caller) -> Result<BuyerId, Status> {
    caller.buyer_id().ok_or_else(|| status(Denied::TokenMissing))
}

fn checkout_id(id: &str) -> Result<CheckoutId, Status> {
    id_from_wire("checkout_id", id).map_err(|error| status(InvalidRequest::from(error)))
}

fn may_see(caller: &Caller, checkout: &Checkout) -> bool {
    caller.is_operator() || caller.buyer_id() == Some(checkout.buyer_id)
}
