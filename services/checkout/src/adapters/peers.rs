//! The services that a quote is made from, and what they answer.

use std::time::Duration;

use chassis::Caller;
use chassis::grpc::{Peer, PeerError};
use contracts::cart::v1 as cart_wire;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::convert::{InvalidField, id_from_wire, money_from_wire};
use contracts::inventory::v1::inventory_service_client::InventoryServiceClient;
use contracts::inventory::v1::{Availability, BatchGetAvailabilityRequest};
use contracts::products::v1 as products_wire;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use contracts::products::v1::{BatchGetVariantsRequest, ProductStatus, VariantOffer};
use kernel::{Currency, Quantity, Sku};
use tonic::{Code, Request};

use crate::app::Error;
use crate::domain::error::Refusal;
use crate::domain::ids::CartId;
use crate::domain::market::{Cart, CartLine, Market, Price, Title, Variant};

/// A buyer waits for the answers.
const TIMEOUT: Duration = Duration::from_secs(2);

const CART: &str = "cart";
const PRODUCTS: &str = "products";
const INVENTORY: &str = "inventory";

/// The services that a quote is made from.
#[derive(Clone, Debug)]
pub struct Peers {
    cart: CartServiceClient<Peer>,
    products: ProductsServiceClient<Peer>,
    inventory: InventoryServiceClient<Peer>,
}

impl Peers {
    /// Connects when first asked.
    ///
    /// # Errors
    /// One of the arguments is no URL.
    pub fn new(cart_url: &str, products_url: &str, inventory_url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            cart: CartServiceClient::new(Peer::new(cart_url, TIMEOUT)?),
            products: ProductsServiceClient::new(Peer::new(products_url, TIMEOUT)?),
            inventory: InventoryServiceClient::new(Peer::new(inventory_url, TIMEOUT)?),
        })
    }

    /// The caller's cart, asked for in the caller's name.
    ///
    /// # Errors
    /// The cart is not the caller's, or cart does not answer.
    pub async fn cart(&self, caller: &Caller, cart_id: CartId) -> Result<Cart, Error> {
        let request = cart_wire::GetCartRequest { cart_id: cart_id.to_string(), guest_token: String::new() };
        let answer = match self.cart.clone().get_cart(caller.request(request)).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Err(Refusal::CartNotFound.into()),
            Err(status) => return Err(PeerError::new(CART, status).into()),
        };
        let cart = answer.cart.ok_or_else(|| InvalidField::new("cart", "is required"));
        cart.and_then(cart_from_wire).map_err(answered(CART))
    }

    /// What products and inventory say about a cart's SKUs, both asked at once.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn market(&self, cart: &Cart) -> Result<Market, Error> {
        if cart.lines.is_empty() {
            return Ok(Market::default());
        }
        let mut skus: Vec<_> = cart.lines.iter().map(|line| line.sku.to_string()).collect();
        skus.sort();
        skus.dedup();
        let (offers, availabilities) = tokio::try_join!(self.offers(skus.clone()), self.availabilities(skus))?;
        let variants = offers.iter().map(|offer| variant_from_wire(offer, cart.currency));
        let available = availabilities.iter().map(|each| Ok((sku_from_wire("sku", &each.sku)?, each.available)));
        Ok(Market {
            variants: variants.collect::<Result<_, _>>().map_err(answered(PRODUCTS))?,
            available: available.collect::<Result<_, _>>().map_err(answered(INVENTORY))?,
        })
    }

    async fn offers(&self, skus: Vec<String>) -> Result<Vec<VariantOffer>, Error> {
        let request = Request::new(BatchGetVariantsRequest { skus });
        let answer = self.products.clone().batch_get_variants(request).await;
        Ok(answer.map_err(|status| PeerError::new(PRODUCTS, status))?.into_inner().offers)
    }

    async fn availabilities(&self, skus: Vec<String>) -> Result<Vec<Availability>, Error> {
        let request = Request::new(BatchGetAvailabilityRequest { skus });
        let answer = self.inventory.clone().batch_get_availability(request).await;
        Ok(answer.map_err(|status| PeerError::new(INVENTORY, status))?.into_inner().availabilities)
    }
}

fn answered(peer: &'static str) -> impl Fn(InvalidField) -> Error {
    move |source| Error::PeerAnswer { peer, source }
}

fn cart_from_wire(cart: cart_wire::Cart) -> Result<Cart, InvalidField> {
    let lines = cart.lines.iter().enumerate();
    Ok(Cart {
        id: id_from_wire("cart_id", &cart.cart_id)?,
        buyer_id: match cart.buyer_id.as_str() {
            "" => None,
            id => Some(id_from_wire("buyer_id", id)?),
        },
        currency: cart.currency_code.parse().map_err(|error| InvalidField::new("currency_code", error))?,
        lines: lines
            .map(|(index, line)| cart_line_from_wire(line).map_err(|error| error.within(&format!("lines[{index}]"))))
            .collect::<Result<_, _>>()?,
    })
}

fn cart_line_from_wire(line: &cart_wire::CartLine) -> Result<CartLine, InvalidField> {
    Ok(CartLine {
        sku: sku_from_wire("sku", &line.sku)?,
        quantity: Quantity::new(line.quantity.into()).map_err(|error| InvalidField::new("quantity", error))?,
        seen_price: money_from_wire("unit_price", line.unit_price.as_ref())?,
    })
}

fn variant_from_wire(offer: &VariantOffer, currency: Currency) -> Result<(Sku, Variant), InvalidField> {
    let variant = offer.variant.as_ref().ok_or_else(|| InvalidField::new("variant", "is required"))?;
    let is_asked_for = |price: &&products_wire::Price| {
        price.amount.as_ref().is_some_and(|amount| amount.currency_code == currency.code())
    };
    let price = variant.prices.iter().find(is_asked_for).map(|price| {
        let amount = money_from_wire("variant.prices.amount", price.amount.as_ref())?;
        Ok(Price { amount, version: price.price_version })
    });
    let known = Variant {
        product_id: id_from_wire("product_id", &offer.product_id)?,
        seller_id: id_from_wire("seller_id", &offer.seller_id)?,
        title: Title::new(offer.title.as_str()).map_err(|error| InvalidField::new("title", error))?,
        is_on_sale: offer.status() == ProductStatus::Published,
        price: price.transpose()?,
        weight_grams: u32::try_from(variant.weight_grams)
            .map_err(|_| InvalidField::new("variant.weight_grams", "must not be negative"))?,
    };
    Ok((sku_from_wire("variant.sku", &variant.sku)?, known))
}

fn sku_from_wire(field: &str, sku: &str) -> Result<Sku, InvalidField> {
    sku.parse().map_err(|error| InvalidField::new(field, error))
}
