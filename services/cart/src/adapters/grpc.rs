//! The RPCs: from the wire to a command or a question, and back.

use chassis::idempotency::Key;
use chassis::{Caller, Fields, caller, status};
use contracts::cart::v1 as wire;
use contracts::cart::v1::cart_service_server::CartService;
use contracts::convert::{InvalidField, id_from_wire};
use kernel::{Currency, Sku};
use messaging::{Cause, EventStore};
use tonic::{Request, Response, Status};

use super::postgres::corrupt;
use super::products::Products;
use super::wire::stored_cart;
use crate::app;
use crate::app::add_line::{AddLine, add_line};
use crate::app::clear_cart::{ClearCart, clear_cart};
use crate::app::create_cart::{CreateCart, create_cart};
use crate::app::get_cart::get_cart;
use crate::app::remove_line::{RemoveLine, remove_line};
use crate::app::set_line_quantity::{SetLineQuantity, set_line_quantity};
use crate::domain::cart::Addition;
use crate::domain::{BuyerId, GuestTokenSecret, LineQuantity, Refusal, Visitor};

/// Serves [`CartService`].
#[derive(Clone, Debug)]
pub struct Api {
    store: EventStore,
    products: Products,
    guest_token_secret: GuestTokenSecret,
}

impl Api {
    /// The RPCs over a store. `products` is asked what is offered; guests' tokens are derived from the secret.
    pub fn new(store: EventStore, products: Products, guest_token_secret: GuestTokenSecret) -> Self {
        Self { store, products, guest_token_secret }
    }
}

#[tonic::async_trait]
impl CartService for Api {
    async fn create_cart(
        &self,
        request: Request<wire::CreateCartRequest>,
    ) -> Result<Response<wire::CreateCartResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let currency = fields.check("currency_code", request.currency_code.parse::<Currency>());
        let (Some(key), Some(currency)) = (key, currency) else { return Err(status(fields.refuse())) };
        let buyer_id = opener(&caller).map_err(status)?;
        let command = CreateCart { buyer_id, currency, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let cart = create_cart(unit, &self.guest_token_secret, command).await?;
            let cart = Some(stored_cart(&cart));
            Ok::<_, app::Error>(wire::CreateCartResponse { cart, guest_token: String::new() })
        });
        let mut answer = answer.await.map_err(status)?;
        if let Some(cart) = answer.cart.as_ref().filter(|cart| cart.buyer_id.is_empty()) {
            // Only now, so that it is not part of the answer that is stored.
            let cart_id = cart.cart_id.parse().map_err(|error| status(corrupt("cart_id", error)))?;
            answer.guest_token = self.guest_token_secret.token_of(cart_id).reveal();
        }
        Ok(Response::new(answer))
    }

    async fn get_cart(
        &self,
        request: Request<wire::GetCartRequest>,
    ) -> Result<Response<wire::GetCartResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let visitor = fields.take(visitor(&caller, &request.guest_token));
        let (Some(cart_id), Some(visitor)) = (cart_id, visitor) else { return Err(status(fields.refuse())) };
        let stored = get_cart(&self.store, cart_id, &visitor).await.map_err(status)?;
        Ok(Response::new(wire::GetCartResponse { cart: Some(stored_cart(&stored)) }))
    }

    async fn add_line(
        &self,
        request: Request<wire::AddLineRequest>,
    ) -> Result<Response<wire::AddLineResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let visitor = fields.take(visitor(&caller, &request.guest_token));
        let sku = fields.check("sku", request.sku.parse::<Sku>());
        let addition = addition(&mut fields, &request);
        let (Some(key), Some(cart_id), Some(visitor), Some(sku), Some(addition)) =
            (key, cart_id, visitor, sku, addition)
        else {
            return Err(status(fields.refuse()));
        };
        // A repeat is answered without asking products, which may not be there or may say something else by now.
        if let Some(answer) = key.lookup(&self.store).await.map_err(status)? {
            return Ok(Response::new(answer));
        }
        let offer = self.products.offer(&sku).await.map_err(status)?;
        let command = AddLine { cart_id, visitor, offer, addition, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let cart = Some(stored_cart(&add_line(unit, command).await?));
            Ok::<_, app::Error>(wire::AddLineResponse { cart })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn set_line_quantity(
        &self,
        request: Request<wire::SetLineQuantityRequest>,
    ) -> Result<Response<wire::SetLineQuantityResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let visitor = fields.take(visitor(&caller, &request.guest_token));
        let sku = fields.check("sku", request.sku.parse());
        let quantity = fields.check("quantity", LineQuantity::new(request.quantity));
        let (Some(key), Some(cart_id), Some(visitor), Some(sku), Some(quantity)) =
            (key, cart_id, visitor, sku, quantity)
        else {
            return Err(status(fields.refuse()));
        };
        let command = SetLineQuantity { cart_id, visitor, sku, quantity, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let cart = Some(stored_cart(&set_line_quantity(unit, command).await?));
            Ok::<_, app::Error>(wire::SetLineQuantityResponse { cart })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn remove_line(
        &self,
        request: Request<wire::RemoveLineRequest>,
    ) -> Result<Response<wire::RemoveLineResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let visitor = fields.take(visitor(&caller, &request.guest_token));
        let sku = fields.check("sku", request.sku.parse());
        let (Some(key), Some(cart_id), Some(visitor), Some(sku)) = (key, cart_id, visitor, sku) else {
            return Err(status(fields.refuse()));
        };
        let command = RemoveLine { cart_id, visitor, sku, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let cart = Some(stored_cart(&remove_line(unit, command).await?));
            Ok::<_, app::Error>(wire::RemoveLineResponse { cart })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn clear_cart(
        &self,
        request: Request<wire::ClearCartRequest>,
    ) -> Result<Response<wire::ClearCartResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let cart_id = fields.take(id_from_wire("cart_id", &request.cart_id));
        let visitor = fields.take(visitor(&caller, &request.guest_token));
        let (Some(key), Some(cart_id), Some(visitor)) = (key, cart_id, visitor) else {
            return Err(status(fields.refuse()));
        };
        let command = ClearCart { cart_id, visitor, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let cart = Some(stored_cart(&clear_cart(unit, command).await?));
            Ok::<_, app::Error>(wire::ClearCartResponse { cart })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }
}

/// Who calls, and what they ask.
fn opened<M>(request: Request<M>) -> (Caller, M) {
    (caller(&request), request.into_inner())
}

/// Who opens a cart: a buyer, or nobody we know, who is a guest. A seller's or an operator's token is neither.
fn opener(caller: &Caller) -> Result<Option<BuyerId>, Refusal> {
    match caller {
        Caller::Anonymous => Ok(None),
        Caller::Principal(principal) => principal.buyer_id().ok_or(Refusal::NotABuyer).map(Some),
    }
}

fn visitor(caller: &Caller, guest_token: &str) -> Result<Visitor, InvalidField> {
    let guest_token = match guest_token {
        "" => None,
        token => Some(token.parse().map_err(|error| InvalidField::new("guest_token", error))?),
    };
    Ok(Visitor { buyer_id: caller.buyer_id(), guest_token })
}

fn addition(fields: &mut Fields, request: &wire::AddLineRequest) -> Option<Addition> {
    let quantity = fields.check("quantity", LineQuantity::new(request.quantity));
    let seen_version = fields.take(seen_version(request.price_version));
    let seen_currency = match request.currency_code.as_str() {
        "" => Some(None),
        code => fields.check("currency_code", code.parse()).map(Some),
    };
    Some(Addition { quantity: quantity?, seen_version: seen_version?, seen_currency: seen_currency? })
}

fn seen_version(version: i64) -> Result<Option<i64>, InvalidField> {
    match version {
        ..0 => Err(InvalidField::new("price_version", "must not be below 0")),
        0 => Ok(None),
        1.. => Ok(Some(version)),
    }
}
