//! People who use the fleet over gRPC: sellers who stock it, buyers who shop.

mod wishes;

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use contracts::access::Role;
use contracts::cart::v1::cart_service_client::CartServiceClient;
use contracts::cart::v1::{AddLineRequest, CreateCartRequest};
use contracts::checkout::v1::checkout_service_client::CheckoutServiceClient;
use contracts::checkout::v1::{
    Checkout, CreateQuoteRequest, GetCheckoutRequest, Quote, ShippingChoice, SubmitCheckoutRequest,
    WatchCheckoutRequest,
};
use contracts::google::r#type::{Money, PostalAddress};
use contracts::inventory::v1::inventory_service_client::InventoryServiceClient;
use contracts::inventory::v1::{
    AddStockRequest, BatchGetAvailabilityRequest, CreateWarehouseRequest, SetStockPolicyRequest, SkuPolicy,
};
use contracts::orders::v1::orders_service_client::OrdersServiceClient;
use contracts::orders::v1::{GetOrderRequest, Order};
use contracts::payments::v1::{CashOnDelivery, PaymentMethod, payment_method::Method};
use contracts::products::v1::products_service_client::ProductsServiceClient;
use contracts::products::v1::{CreateProductRequest, NewVariant, OptionValue, ProductOption, PublishProductRequest};
use contracts::shipping::v1::shipping_rates_service_client::ShippingRatesServiceClient;
use contracts::shipping::v1::shipping_service_client::ShippingServiceClient;
use contracts::shipping::v1::{RateRule, SetShippingProfileRequest, ShippingProfile, ShippingRegion, ShippingZone};
use futures::future::try_join_all;
use kernel::Id;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::catalogue::{Catalogue, Product, Seller};
use crate::fleet::Fleet;
use crate::keys::Keys;

/// How long an order may take to its outcome before the demo gives up on it.
const OUTCOME_MAX: Duration = Duration::from_secs(40);

/// The dearer kind of sending.
pub const EXPRESS: &str = "express";

/// Names a buyer.
pub enum Buyer {}
/// Names a request; only to make its id.
enum Command {}

/// A new idempotency key.
pub fn request_id() -> String {
    Id::<Command>::generate().to_string()
}

/// A request with a bearer token.
pub(crate) fn with_token<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let header = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", header);
    request
}

/// How long a call to a service that is unavailable is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

/// Repeats a call while its service is unavailable, at most for 30 s. Whoever gives it a `request_id` gives it one for all tries.
pub async fn patiently<T>(call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match call().await {
            Err(error) if is_unavailable(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
}

fn is_unavailable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Status>().is_some_and(|status| status.code() == tonic::Code::Unavailable)
}

/// Puts the whole catalogue on sale, as its sellers would. They send at the marketplace's rates.
pub async fn load(fleet: &Fleet, catalogue: &Catalogue) -> Result<()> {
    set_rates(fleet).await.context("setting the rates")?;
    try_join_all(catalogue.sellers.iter().map(|seller| stock_shop(fleet, seller))).await?;
    Ok(())
}

/// Sets what sending costs, as an operator would: the same everywhere, by its weight if it has to be there soon.
async fn set_rates(fleet: &Fleet) -> Result<()> {
    let token = fleet.keys().token(Role::Operator, Id::<Buyer>::generate().uuid(), None);
    let standard = RateRule {
        service: "standard".to_owned(),
        price: Some(usd(499)),
        days_min: 2,
        days_max: 4,
        ..RateRule::default()
    };
    let express = RateRule {
        service: EXPRESS.to_owned(),
        price: Some(usd(999)),
        per_kilogram: Some(usd(150)),
        days_min: 1,
        days_max: 2,
        ..RateRule::default()
    };
    let zone = ShippingZone {
        name: "Everywhere".to_owned(),
        regions: vec![ShippingRegion { region_code: "*".to_owned(), postal_code_prefixes: Vec::new() }],
        rates: vec![standard, express],
    };
    let profile = ShippingProfile { seller_id: String::new(), zones: vec![zone], version: 0 };
    let set = SetShippingProfileRequest { request_id: request_id(), profile: Some(profile) };
    let rates = ShippingRatesServiceClient::new(fleet.channel("shipping")?);
    patiently(async || Ok(rates.clone().set_shipping_profile(with_token(&token, set.clone())).await?)).await?;
    Ok(())
}

async fn stock_shop(fleet: &Fleet, seller: &Seller) -> Result<()> {
    let token = seller_token(fleet, seller);
    for product in &seller.products {
        publish(fleet, &token, product).await.with_context(|| format!("putting {} on sale", product.title))?;
    }
    let variants = seller.products.iter().flat_map(|product| &product.variants);
    let stock: Vec<_> = variants.map(|variant| (variant.sku.as_str(), variant.stock)).collect();
    open_warehouse(fleet, seller, &seller.warehouse, 1, &stock).await
}

fn seller_token(fleet: &Fleet, seller: &Seller) -> String {
    fleet.keys().token(Role::Seller, Id::<Buyer>::generate().uuid(), Some(seller.seller_id))
}

/// Opens a warehouse of a seller and puts stock into it. The lowest priority is taken from first.
pub async fn open_warehouse(
    fleet: &Fleet,
    seller: &Seller,
    code: &str,
    priority: i32,
    stock: &[(&str, i64)],
) -> Result<()> {
    let token = seller_token(fleet, seller);
    let inventory = InventoryServiceClient::new(fleet.channel("inventory")?);
    let warehouse = CreateWarehouseRequest {
        request_id: request_id(),
        seller_id: String::new(),
        code: code.to_owned(),
        name: format!("{}, warehouse {code}", seller.name),
        priority,
        ..CreateWarehouseRequest::default()
    };
    let created = patiently(async || {
        Ok(inventory.clone().create_warehouse(with_token(&token, warehouse.clone())).await?.into_inner())
    });
    let warehouse_id = created.await?.warehouse.context("no warehouse in the answer")?.warehouse_id;
    for (sku, quantity) in stock {
        let stock = AddStockRequest {
            request_id: request_id(),
            warehouse_id: warehouse_id.clone(),
            sku: (*sku).to_owned(),
            quantity: *quantity,
            reason: "first delivery".to_owned(),
        };
        patiently(async || Ok(inventory.clone().add_stock(with_token(&token, stock.clone())).await?)).await?;
    }
    Ok(())
}

/// A seller lets orders wait for so many units of a SKU, where they ask for more than there are.
pub async fn let_orders_wait(fleet: &Fleet, seller: &Seller, sku: &str, units: i64) -> Result<()> {
    let token = seller_token(fleet, seller);
    let mut inventory = InventoryServiceClient::new(fleet.channel("inventory")?);
    let policy = SkuPolicy { sku: sku.to_owned(), backorder_limit: Some(units), ..SkuPolicy::default() };
    let set = SetStockPolicyRequest {
        request_id: request_id(),
        sku_policies: vec![policy],
        ..SetStockPolicyRequest::default()
    };
    inventory.set_stock_policy(with_token(&token, set)).await?;
    Ok(())
}

async fn publish(fleet: &Fleet, token: &str, product: &Product) -> Result<()> {
    let products = ProductsServiceClient::new(fleet.channel("products")?);
    let values = || product.variants.iter().filter_map(|variant| variant.value.clone());
    let options = product.option.iter().map(|name| ProductOption { name: name.clone(), values: values().collect() });
    let variants = product.variants.iter().map(|variant| NewVariant {
        sku: variant.sku.clone(),
        option_values: product
            .option
            .iter()
            .zip(&variant.value)
            .map(|(name, value)| OptionValue { name: name.clone(), value: value.clone() })
            .collect(),
        prices: vec![usd(variant.usd_cents)],
        weight_grams: variant.grams,
    });
    let create = CreateProductRequest {
        request_id: request_id(),
        seller_id: String::new(),
        title: product.title.clone(),
        description: String::new(),
        options: options.collect(),
        variants: variants.collect(),
    };
    let created =
        patiently(async || Ok(products.clone().create_product(with_token(token, create.clone())).await?.into_inner()));
    let product_id = created.await?.product.context("no product in the answer")?.product_id;
    let publish = PublishProductRequest { request_id: request_id(), product_id };
    patiently(async || Ok(products.clone().publish_product(with_token(token, publish.clone())).await?)).await?;
    Ok(())
}

/// What an amount with two decimals is in cents.
pub fn cents(amount: &Money) -> i64 {
    amount.units * 100 + i64::from(amount.nanos / 10_000_000)
}

/// So many cents, in US dollars.
pub fn usd(cents: i64) -> Money {
    let nanos = i32::try_from(cents % 100).expect("below 100") * 10_000_000;
    Money { currency_code: "USD".to_owned(), units: cents / 100, nanos }
}

/// How many of a SKU can be bought now.
pub async fn available(fleet: &Fleet, sku: &str) -> Result<i64> {
    let mut inventory = InventoryServiceClient::new(fleet.channel("inventory")?);
    let request = BatchGetAvailabilityRequest { skus: vec![sku.to_owned()] };
    let answer = inventory.batch_get_availability(request).await?.into_inner();
    Ok(answer.availabilities.first().context("no answer about the SKU")?.available)
}

/// Connections to the services that a buyer talks to.
#[derive(Clone)]
pub struct Channels {
    cart: Channel,
    checkout: Channel,
    orders: Channel,
    shipping: Channel,
}

impl Channels {
    /// Made at the first call, and kept open.
    pub fn open(fleet: &Fleet) -> Result<Self> {
        Ok(Self {
            cart: fleet.channel("cart")?,
            checkout: fleet.channel("checkout")?,
            orders: fleet.channel("orders")?,
            shipping: fleet.channel("shipping")?,
        })
    }
}

/// A buyer with a token.
#[derive(Clone)]
pub struct Shopper {
    /// First name, for the tale.
    pub name: String,
    /// Id.
    pub buyer_id: Uuid,
    token: String,
    cart: CartServiceClient<Channel>,
    checkout: CheckoutServiceClient<Channel>,
    orders: OrdersServiceClient<Channel>,
    shipping: ShippingServiceClient<Channel>,
}

/// A checkout that was acknowledged.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The answer.
    pub checkout: Checkout,
    /// How long the acknowledgement took.
    pub acknowledged_in: Duration,
}

impl Shopper {
    /// A new buyer with connections of his own.
    pub fn new(fleet: &Fleet, name: &str) -> Result<Self> {
        Ok(Self::over(&Channels::open(fleet)?, fleet.keys(), name))
    }

    /// A new buyer who shares connections with others.
    pub fn over(channels: &Channels, keys: &Keys, name: &str) -> Self {
        let buyer_id = Id::<Buyer>::generate().uuid();
        Self {
            name: name.to_owned(),
            buyer_id,
            token: keys.token(Role::Buyer, buyer_id, None),
            cart: CartServiceClient::new(channels.cart.clone()),
            checkout: CheckoutServiceClient::new(channels.checkout.clone()),
            orders: OrdersServiceClient::new(channels.orders.clone()),
            shipping: ShippingServiceClient::new(channels.shipping.clone()),
        }
    }

    fn request<T>(&self, message: T) -> Request<T> {
        with_token(&self.token, message)
    }

    /// Fills a new cart and asks for a quote.
    pub async fn quote(&self, lines: &[(&str, i32)]) -> Result<Quote> {
        let cart_id = self.fill_cart(lines).await?;
        self.quote_cart(cart_id).await
    }

    /// The same with the goods of one seller sent express.
    pub async fn quote_express(&self, lines: &[(&str, i32)], seller_id: Uuid) -> Result<Quote> {
        let cart_id = self.fill_cart(lines).await?;
        let choice = ShippingChoice { seller_id: seller_id.to_string(), service: EXPRESS.to_owned() };
        self.quote_choosing(cart_id, vec![choice]).await
    }

    /// Fills a new cart and answers its id.
    pub async fn fill_cart(&self, lines: &[(&str, i32)]) -> Result<String> {
        let mut cart = self.cart.clone();
        let create = CreateCartRequest { request_id: request_id(), currency_code: "USD".to_owned() };
        let created = cart.create_cart(self.request(create)).await.context("CreateCart")?.into_inner().cart;
        let cart_id = created.context("no cart in the answer")?.cart_id;
        for (sku, quantity) in lines {
            let line = AddLineRequest {
                request_id: request_id(),
                cart_id: cart_id.clone(),
                sku: (*sku).to_owned(),
                quantity: *quantity,
                ..AddLineRequest::default()
            };
            cart.add_line(self.request(line)).await.with_context(|| format!("AddLine {sku}"))?;
        }
        Ok(cart_id)
    }

    /// Asks for a quote of a cart, sent as cheaply as can be.
    pub async fn quote_cart(&self, cart_id: String) -> Result<Quote> {
        self.quote_choosing(cart_id, Vec::new()).await
    }

    async fn quote_choosing(&self, cart_id: String, shipping_choices: Vec<ShippingChoice>) -> Result<Quote> {
        let ship_to = PostalAddress {
            region_code: "DE".to_owned(),
            postal_code: "20457".to_owned(),
            locality: "Hamburg".to_owned(),
            address_lines: vec!["Am Kai 1".to_owned()],
            recipients: vec![self.name.clone()],
            ..PostalAddress::default()
        };
        let (request_id, ship_to) = (request_id(), Some(ship_to));
        let quote = CreateQuoteRequest { request_id, cart_id, ship_to, shipping_choices };
        let quote = self.checkout.clone().create_quote(self.request(quote)).await.context("CreateQuote")?;
        quote.into_inner().quote.context("no quote in the answer")
    }

    /// Accepts a quote with a card.
    pub async fn submit(&self, quote: &Quote, card: &str, request_id: &str) -> Result<Submitted, Status> {
        self.submit_paying(quote, Method::CardToken(card.to_owned()), request_id).await
    }

    /// Accepts a quote, to be paid in cash at the door.
    pub async fn submit_in_cash(&self, quote: &Quote, request_id: &str) -> Result<Submitted, Status> {
        self.submit_paying(quote, Method::CashOnDelivery(CashOnDelivery {}), request_id).await
    }

    async fn submit_paying(&self, quote: &Quote, method: Method, request_id: &str) -> Result<Submitted, Status> {
        let started = Instant::now();
        let submit = SubmitCheckoutRequest {
            request_id: request_id.to_owned(),
            quote_id: quote.quote_id.clone(),
            quote_hash: quote.hash.clone(),
            payment_method: Some(PaymentMethod { method: Some(method) }),
        };
        let answer = self.checkout.clone().submit_checkout(self.request(submit)).await?.into_inner();
        let checkout = answer.checkout.ok_or_else(|| Status::internal("no checkout in the answer"))?;
        Ok(Submitted { checkout, acknowledged_in: started.elapsed() })
    }

    /// The whole journey: cart, quote, submission.
    pub async fn buy(&self, lines: &[(&str, i32)], card: &str) -> Result<Submitted> {
        let quote = self.quote(lines).await?;
        self.submit(&quote, card, &request_id()).await.context("SubmitCheckout")
    }

    /// The whole journey, to be paid in cash at the door.
    pub async fn buy_in_cash(&self, lines: &[(&str, i32)]) -> Result<Submitted> {
        let quote = self.quote(lines).await?;
        self.submit_in_cash(&quote, &request_id()).await.context("SubmitCheckout")
    }

    /// A checkout as it is shown now.
    pub async fn checkout(&self, checkout_id: &str) -> Result<Checkout, Status> {
        let get = GetCheckoutRequest { checkout_id: checkout_id.to_owned() };
        let answer = self.checkout.clone().get_checkout(self.request(get)).await?.into_inner();
        answer.checkout.ok_or_else(|| Status::internal("no checkout in the answer"))
    }

    /// An order as it is shown now.
    pub async fn order(&self, order_id: &str) -> Result<Order, Status> {
        self.order_as_agreed(order_id, 0).await
    }

    /// An order with a version of what was agreed; 0 is the present one.
    pub async fn order_as_agreed(&self, order_id: &str, terms_version: i32) -> Result<Order, Status> {
        let get = GetOrderRequest { order_id: order_id.to_owned(), terms_version };
        let answer = self.orders.clone().get_order(self.request(get)).await?.into_inner();
        answer.order.ok_or_else(|| Status::internal("no order in the answer"))
    }

    /// Watches a checkout until every order has its outcome. A stream that breaks, because its service was killed, is opened
    /// again.
    pub async fn outcome(&self, checkout_id: &str) -> Result<Checkout> {
        let deadline = Instant::now() + OUTCOME_MAX;
        let mut last = None;
        while Instant::now() < deadline {
            let watch = WatchCheckoutRequest { checkout_id: checkout_id.to_owned() };
            if let Ok(stream) = self.checkout.clone().watch_checkout(self.request(watch)).await {
                let mut stream = stream.into_inner();
                while let Ok(Some(update)) = stream.message().await {
                    last = update.checkout;
                    if let Some(checkout) = last.as_ref().filter(|checkout| checkout.complete) {
                        return Ok(checkout.clone());
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("checkout {checkout_id} has no outcome after {} s: {last:?}", OUTCOME_MAX.as_secs())
    }
}
