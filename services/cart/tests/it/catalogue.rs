//! Products as a cart sees it: the contract's gRPC service over a list that the test writes.
//!
//! A service knows another only by the contract, so its tests stand on the contract too and not on the other's crate; the
//! two meet for real in the fleet's end-to-end tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use contracts::google::r#type::Money;
use contracts::products::v1::products_service_server::{ProductsService, ProductsServiceServer};
use contracts::products::v1::{self as wire, ProductStatus, Variant, VariantOffer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::store::new_uuid;

/// A list of offers, behind gRPC.
#[derive(Clone, Default)]
pub(crate) struct Catalogue {
    offers: Arc<Mutex<BTreeMap<String, VariantOffer>>>,
    is_down: Arc<AtomicBool>,
}

impl Catalogue {
    /// Serves the list, until the test ends, and answers where.
    pub(crate) async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder().add_service(ProductsServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        url
    }

    /// Offers a SKU at a price, on sale.
    pub(crate) fn offer(&self, sku: &str, price: Money) {
        self.put(sku, &[(price, 1)], ProductStatus::Published);
    }

    /// Offers a SKU at prices with their versions.
    pub(crate) fn put(&self, sku: &str, prices: &[(Money, i64)], status: ProductStatus) {
        let price = |(amount, price_version): &(Money, i64)| wire::Price {
            amount: Some(amount.clone()),
            price_version: *price_version,
            effective_time: None,
        };
        let variant = Variant {
            sku: sku.to_owned(),
            option_values: vec![],
            prices: prices.iter().map(price).collect(),
            weight_grams: 350,
        };
        let offer = VariantOffer {
            variant: Some(variant),
            product_id: new_uuid().to_string(),
            seller_id: new_uuid().to_string(),
            title: format!("The {sku}"),
            status: status.into(),
        };
        self.offers.lock().unwrap().insert(sku.to_owned(), offer);
    }

    /// What is offered under a SKU.
    pub(crate) fn get(&self, sku: &str) -> VariantOffer {
        self.offers.lock().unwrap()[sku].clone()
    }

    /// Answers every question with UNAVAILABLE from now on.
    pub(crate) fn go_down(&self) {
        self.is_down.store(true, Ordering::SeqCst);
    }
}

#[tonic::async_trait]
impl ProductsService for Catalogue {
    async fn batch_get_variants(
        &self,
        request: Request<wire::BatchGetVariantsRequest>,
    ) -> Result<Response<wire::BatchGetVariantsResponse>, Status> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(Status::unavailable("database at 10.0.0.7 is down"));
        }
        let offers = self.offers.lock().unwrap();
        let (found, unknown): (Vec<_>, Vec<_>) =
            request.into_inner().skus.into_iter().partition(|sku| offers.contains_key(sku));
        let offers = found.iter().map(|sku| offers[sku].clone()).collect();
        Ok(Response::new(wire::BatchGetVariantsResponse { offers, unknown_skus: unknown }))
    }

    async fn create_product(
        &self,
        _: Request<wire::CreateProductRequest>,
    ) -> Result<Response<wire::CreateProductResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn change_price(
        &self,
        _: Request<wire::ChangePriceRequest>,
    ) -> Result<Response<wire::ChangePriceResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn publish_product(
        &self,
        _: Request<wire::PublishProductRequest>,
    ) -> Result<Response<wire::PublishProductResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn unpublish_product(
        &self,
        _: Request<wire::UnpublishProductRequest>,
    ) -> Result<Response<wire::UnpublishProductResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn get_product(
        &self,
        _: Request<wire::GetProductRequest>,
    ) -> Result<Response<wire::GetProductResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn list_products(
        &self,
        _: Request<wire::ListProductsRequest>,
    ) -> Result<Response<wire::ListProductsResponse>, Status> {
        unreachable!("a cart does not ask this")
    }

    async fn list_price_history(
        &self,
        _: Request<wire::ListPriceHistoryRequest>,
    ) -> Result<Response<wire::ListPriceHistoryResponse>, Status> {
        unreachable!("a cart does not ask this")
    }
}
