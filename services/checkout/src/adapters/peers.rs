//! The services that a quote is made from, and what they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::Caller;
use chassis::auth::ServiceToken;
use chassis::grpc::{Peer, PeerError};
use contracts::cart::v1 as cart_wire;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::convert::{InvalidField, id_from_wire, money_from_wire, money_to_wire, timestamp_from_wire};
use contracts::google::r#type::PostalAddress;
use contracts::inventory::v1::inventory_service_client::InventoryServiceClient;
use contracts::inventory::v1::{Availability, BatchGetAvailabilityRequest};
use contracts::products::v1 as products_wire;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use contracts::products::v1::{BatchGetVariantsRequest, ProductStatus, VariantOffer};
use contracts::shipping::v1 as shipping_wire;
use contracts::shipping::v1::shipping_rates_service_client::ShippingRatesServiceClient;
use kernel::{Currency, Quantity, Sku};
use tonic::{Code, Request};

use crate::app::Error;
use crate::domain::address::{Address, AddressText};
use crate::domain::error::Refusal;
use crate::domain::ids::{CartId, SellerId};
use crate::domain::market::{Cart, CartLine, Market, Price, Title, Variant};
use crate::domain::shipping::{Consignment, ServiceName, ShippingOffer, ShippingQuote, consignments};

/// A buyer waits for the answers.
const TIMEOUT: Duration = Duration::from_secs(2);

const CART: &str = "cart";
const PRODUCTS: &str = "products";
const INVENTORY: &str = "inventory";
const SHIPPING: &str = "shipping";

/// The services that a quote is made from.
#[derive(Clone, Debug)]
pub struct Peers {
    cart: CartServiceClient<Peer>,
    products: ProductsServiceClient<Peer>,
    inventory: InventoryServiceClient<Peer>,
    shipping: ShippingRatesServiceClient<Peer>,
    service_token: ServiceToken,
}

/// Where they are.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "each is the URL of the service of its name, or those of its replicas")]
pub struct PeerUrls<'a> {
    pub cart: &'a str,
    pub products: &'a str,
    pub inventory: &'a str,
    pub shipping: &'a str,
}

impl Peers {
    /// Connects when first asked.
    ///
    /// # Errors
    /// One of them is no URL.
    pub fn new(urls: PeerUrls<'_>, service_token: ServiceToken) -> anyhow::Result<Self> {
        Ok(Self {
            cart: CartServiceClient::new(Peer::new(urls.cart, TIMEOUT)?),
            products: ProductsServiceClient::new(Peer::new(urls.products, TIMEOUT)?),
            inventory: InventoryServiceClient::new(Peer::new(urls.inventory, TIMEOUT)?),
            shipping: ShippingRatesServiceClient::new(Peer::new(urls.shipping, TIMEOUT)?),
            service_token,
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

    /// What products, inventory and shipping say about a cart. The first two are asked at once; shipping as soon as products have said
    /// who sends what, whether inventory has answered or not.
    ///
    /// # Errors
    /// One of them does not answer, or a sum does not fit.
    pub async fn market(&self, cart: &Cart, ship_to: &Address) -> Result<Market, Error> {
        if cart.lines.is_empty() {
            return Ok(Market::default());
        }
        let mut skus: Vec<_> = cart.lines.iter().map(|line| line.sku.to_string()).collect();
        skus.sort();
        skus.dedup();
        let offered = async {
            let offers = self.offers(skus.clone()).await?;
            let variants = offers.iter().map(|offer| variant_from_wire(offer, cart.currency));
            let variants = variants.collect::<Result<_, _>>().map_err(answered(PRODUCTS))?;
            let shipping = self.shipping(cart.currency, ship_to, &consignments(cart, &variants)?).await?;
            Ok((variants, shipping))
        };
        let ((variants, shipping), availabilities) = tokio::try_join!(offered, self.availabilities(skus.clone()))?;
        let (mut available, mut backorder_available) = (BTreeMap::new(), BTreeMap::new());
        for each in availabilities {
            let sku = sku_from_wire("sku", &each.sku).map_err(answered(INVENTORY))?;
            available.insert(sku.clone(), each.available);
            backorder_available.insert(sku, each.backorder_available);
        }
        Ok(Market { variants, available, backorder_available, shipping })
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

    async fn shipping(
        &self,
        currency: Currency,
        ship_to: &Address,
        consignments: &[Consignment],
    ) -> Result<BTreeMap<SellerId, ShippingQuote>, Error> {
        if consignments.is_empty() {
            return Ok(BTreeMap::new());
        }
        let request = self.service_token.request(shipping_wire::QuoteShippingRequest {
            ship_to: Some(whereabouts(ship_to)),
            consignments: consignments.iter().map(consignment_to_wire).collect(),
        });
        let answer = self.shipping.clone().quote_shipping(request).await;
        let quotes = answer.map_err(|status| PeerError::new(SHIPPING, status))?.into_inner().quotes;
        let quotes = quotes.iter().map(|quote| shipping_quote_from_wire(quote, currency));
        quotes.collect::<Result<_, _>>().map_err(answered(SHIPPING))
    }
}

/// What a price depends on. Whoever asks for a price need not say who lives there.
fn whereabouts(address: &Address) -> PostalAddress {
    PostalAddress {
        region_code: address.region.to_string(),
        postal_code: address.postal_code.as_ref().map(AddressText::to_string).unwrap_or_default(),
        ..PostalAddress::default()
    }
}

fn consignment_to_wire(consignment: &Consignment) -> shipping_wire::Consignment {
    shipping_wire::Consignment {
        seller_id: consignment.seller_id.to_string(),
        weight_grams: consignment.weight_grams,
        subtotal: Some(money_to_wire(consignment.subtotal)),
    }
}

fn shipping_quote_from_wire(
    quote: &shipping_wire::ShippingQuote,
    currency: Currency,
) -> Result<(SellerId, ShippingQuote), InvalidField> {
    let offers = quote.offers.iter().enumerate();
    let offers = offers.map(|(index, offer)| {
        shipping_offer_from_wire(offer, currency).map_err(|error| error.within(&format!("offers[{index}]")))
    });
    let offers = offers.collect::<Result<_, _>>()?;
    let expires_at = timestamp_from_wire("expire_time", quote.expire_time.as_ref())?;
    Ok((id_from_wire("seller_id", &quote.seller_id)?, ShippingQuote { offers, expires_at }))
}

fn shipping_offer_from_wire(
    offer: &shipping_wire::ShippingOffer,
    currency: Currency,
) -> Result<ShippingOffer, InvalidField> {
    let price = money_from_wire("price", offer.price.as_ref())?;
    if price.currency() != currency || price.is_negative() {
        return Err(InvalidField::new("price", "must be in the currency of the goods and not below 0"));
    }
    let days = |field, days| u16::try_from(days).map_err(|error| InvalidField::new(field, error));
    Ok(ShippingOffer {
        service: ServiceName::new(offer.service.as_str()).map_err(|error| InvalidField::new("service", error))?,
        price,
        days_min: days("days_min", offer.days_min)?,
        days_max: days("days_max", offer.days_max)?,
    })
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
