//! The RPCs: from the wire to a command or a question, and back.

mod new_product;

use chassis::idempotency::Key;
use chassis::paging::{self, PageSizes};
use chassis::{Caller, Fields, InvalidRequest, caller, status};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire};
use contracts::products::v1 as wire;
use contracts::products::v1::products_service_server::ProductsService;
use kernel::{Currency, Sku};
use messaging::{Cause, EventStore};
use tonic::{Request, Response, Status};

use super::wire::{offer, price, stored_product};
use crate::app;
use crate::app::batch_get_variants::batch_get_variants;
use crate::app::change_price::{ChangePrice, change_price};
use crate::app::create_product::{CreateProduct, create_product};
use crate::app::get_product::get_product;
use crate::app::list_price_history::list_price_history;
use crate::app::list_products::list_products;
use crate::app::publish_product::{PublishProduct, publish_product};
use crate::app::unpublish_product::{UnpublishProduct, unpublish_product};
use crate::domain::{Authority, Listing, ProductId, UnitPrice};

const SKUS_MAX: usize = 200;
const PER_PAGE: PageSizes = PageSizes { default: 20, max: 100 };

/// Serves [`ProductsService`].
#[derive(Clone, Debug)]
pub struct Api {
    store: EventStore,
}

impl Api {
    /// The RPCs over a store.
    pub fn new(store: EventStore) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl ProductsService for Api {
    async fn create_product(
        &self,
        request: Request<wire::CreateProductRequest>,
    ) -> Result<Response<wire::CreateProductResponse>, Status> {
        let (caller, request) = opened(request);
        let authority = authority(&caller);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let product = new_product::read(&mut fields, request, authority);
        let (Some(key), Some(product)) = (key, product) else { return Err(status(fields.refuse())) };
        let command = CreateProduct { authority, product, cause: Cause::command(caller.actor()) };
        let answer = key.run(&self.store, async |unit| {
            let product = Some(stored_product(&create_product(unit, command).await?));
            Ok::<_, app::Error>(wire::CreateProductResponse { product })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn change_price(
        &self,
        request: Request<wire::ChangePriceRequest>,
    ) -> Result<Response<wire::ChangePriceResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let sku = fields.check("sku", request.sku.parse());
        let amount = unit_price(&mut fields, "amount", request.amount.as_ref());
        let expected_version = fields.take(price_version("expected_price_version", request.expected_price_version));
        let (Some(key), Some(sku), Some(amount), Some(expected_version)) = (key, sku, amount, expected_version) else {
            return Err(status(fields.refuse()));
        };
        let (authority, cause) = (authority(&caller), Cause::command(caller.actor()));
        let command = ChangePrice { authority, sku, amount, expected_version, cause };
        let answer = key.run(&self.store, async |unit| {
            let price = Some(price(&change_price(unit, command).await?));
            Ok::<_, app::Error>(wire::ChangePriceResponse { price })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn publish_product(
        &self,
        request: Request<wire::PublishProductRequest>,
    ) -> Result<Response<wire::PublishProductResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let product_id = fields.take(id_from_wire("product_id", &request.product_id));
        let (Some(key), Some(product_id)) = (key, product_id) else { return Err(status(fields.refuse())) };
        let (authority, cause) = (authority(&caller), Cause::command(caller.actor()));
        let command = PublishProduct { authority, product_id, cause };
        let answer = key.run(&self.store, async |unit| {
            let product = Some(stored_product(&publish_product(unit, command).await?));
            Ok::<_, app::Error>(wire::PublishProductResponse { product })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn unpublish_product(
        &self,
        request: Request<wire::UnpublishProductRequest>,
    ) -> Result<Response<wire::UnpublishProductResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let key = fields.take(Key::new(&caller, &request.request_id, &request));
        let product_id = fields.take(id_from_wire("product_id", &request.product_id));
        let (Some(key), Some(product_id)) = (key, product_id) else { return Err(status(fields.refuse())) };
        let (authority, cause) = (authority(&caller), Cause::command(caller.actor()));
        let command = UnpublishProduct { authority, product_id, cause };
        let answer = key.run(&self.store, async |unit| {
            let product = Some(stored_product(&unpublish_product(unit, command).await?));
            Ok::<_, app::Error>(wire::UnpublishProductResponse { product })
        });
        Ok(Response::new(answer.await.map_err(status)?))
    }

    async fn get_product(
        &self,
        request: Request<wire::GetProductRequest>,
    ) -> Result<Response<wire::GetProductResponse>, Status> {
        let (caller, request) = opened(request);
        let product_id = id_from_wire("product_id", &request.product_id).map_err(invalid)?;
        let stored = get_product(&self.store, product_id, authority(&caller)).await.map_err(status)?;
        Ok(Response::new(wire::GetProductResponse { product: Some(stored_product(&stored)) }))
    }

    async fn list_products(
        &self,
        request: Request<wire::ListProductsRequest>,
    ) -> Result<Response<wire::ListProductsResponse>, Status> {
        let (caller, request) = opened(request);
        let mut fields = Fields::new();
        let size = fields.take(PER_PAGE.size(request.page_size));
        let seller_id = match request.seller_id.as_str() {
            "" => Some(None),
            id => fields.take(id_from_wire("seller_id", id)).map(Some),
        };
        let (Some(size), Some(seller_id)) = (size, seller_id) else { return Err(status(fields.refuse())) };
        let listing = Listing::visible_to(authority(&caller), seller_id);
        let before = paging::cursor::<ProductId>(&request.page_token, &listing).map_err(status)?;
        let found = list_products(&self.store, listing, before, size + 1).await.map_err(status)?;
        let (found, next_page_token) = paging::page(found, size, &listing, |last| last.product.id);
        let products = found.iter().map(stored_product).collect();
        Ok(Response::new(wire::ListProductsResponse { products, next_page_token }))
    }

    async fn batch_get_variants(
        &self,
        request: Request<wire::BatchGetVariantsRequest>,
    ) -> Result<Response<wire::BatchGetVariantsResponse>, Status> {
        let skus = skus(&request.get_ref().skus).map_err(status)?;
        let found = batch_get_variants(&self.store, &skus).await.map_err(status)?;
        Ok(Response::new(wire::BatchGetVariantsResponse {
            offers: found.offers.iter().map(offer).collect(),
            unknown_skus: found.unknown.iter().map(Sku::to_string).collect(),
        }))
    }

    async fn list_price_history(
        &self,
        request: Request<wire::ListPriceHistoryRequest>,
    ) -> Result<Response<wire::ListPriceHistoryResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let sku = fields.check("sku", request.sku.parse::<Sku>());
        let currency = fields.check("currency_code", request.currency_code.parse::<Currency>());
        let size = fields.take(PER_PAGE.size(request.page_size));
        let (Some(sku), Some(currency), Some(size)) = (sku, currency, size) else {
            return Err(status(fields.refuse()));
        };
        let question = (&sku, currency);
        let before = paging::cursor(&request.page_token, &question).map_err(status)?;
        let found = list_price_history(&self.store, &sku, currency, before, size + 1).await.map_err(status)?;
        let (found, next_page_token) = paging::page(found, size, &question, |last| last.version);
        let prices = found.iter().map(price).collect();
        Ok(Response::new(wire::ListPriceHistoryResponse { prices, next_page_token }))
    }
}

/// Who calls, and what they ask.
fn opened<M>(request: Request<M>) -> (Caller, M) {
    (caller(&request), request.into_inner())
}

fn invalid(field: InvalidField) -> Status {
    status(InvalidRequest::from(field))
}

/// For whom a caller may act.
fn authority(caller: &Caller) -> Authority {
    if caller.is_operator() {
        return Authority::Operator;
    }
    let seller_id = caller.principal().ok().and_then(chassis::Principal::seller_id);
    seller_id.map_or(Authority::None, Authority::Seller)
}

fn unit_price(fields: &mut Fields, field: &str, money: Option<&contracts::google::r#type::Money>) -> Option<UnitPrice> {
    let amount = fields.take(money_from_wire(field, money))?;
    fields.check(field, UnitPrice::new(amount))
}

fn price_version(field: &str, version: i64) -> Result<i64, InvalidField> {
    if version >= 0 { Ok(version) } else { Err(InvalidField::new(field, "must not be below 0")) }
}

fn skus(skus: &[String]) -> Result<Vec<Sku>, InvalidRequest> {
    let mut fields = Fields::new();
    if !(1..=SKUS_MAX).contains(&skus.len()) {
        fields.violation("skus", format!("must be 1 to {SKUS_MAX}, not {}", skus.len()));
        return Err(fields.refuse());
    }
    let parsed = |(index, sku): (usize, &String)| fields.check(&format!("skus[{index}]"), sku.parse());
    let parsed = skus.iter().enumerate().filter_map(parsed).collect();
    fields.finish()?;
    Ok(parsed)
}
