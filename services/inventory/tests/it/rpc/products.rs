//! A products service that knows who sells what, and nothing else.

use std::collections::BTreeMap;

use chassis::Settings;
use chassis::auth::Verifier;
use chassis::grpc::Server;
use contracts::products::v1::products_service_server::{ProductsService, ProductsServiceServer};
use contracts::products::v1::{
    BatchGetVariantsRequest, BatchGetVariantsResponse, ChangePriceRequest, ChangePriceResponse, CreateProductRequest,
    CreateProductResponse, GetProductRequest, GetProductResponse, ListPriceHistoryRequest, ListPriceHistoryResponse,
    ListProductsRequest, ListProductsResponse, PublishProductRequest, PublishProductResponse, UnpublishProductRequest,
    UnpublishProductResponse, Variant, VariantOffer,
};
use inventory::domain::ids::SellerId;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

pub(super) struct Catalogue(BTreeMap<&'static str, SellerId>);

impl Catalogue {
    pub(super) fn new(sellers: impl IntoIterator<Item = (&'static str, SellerId)>) -> Self {
        Self(sellers.into_iter().collect())
    }

    /// Serves it, and answers its URL.
    pub(super) async fn serve(self, settings: &Settings, stop: CancellationToken) -> String {
        let server = Server::bind(settings, Verifier::new(settings).await.unwrap()).await.unwrap();
        let url = format!("http://{}", server.local_address());
        tokio::spawn(server.add(ProductsServiceServer::new(self)).serve(stop));
        url
    }
}

#[tonic::async_trait]
impl ProductsService for Catalogue {
    async fn batch_get_variants(
        &self,
        request: Request<BatchGetVariantsRequest>,
    ) -> Result<Response<BatchGetVariantsResponse>, Status> {
        let mut answer = BatchGetVariantsResponse::default();
        for sku in request.into_inner().skus {
            match self.0.get(sku.as_str()) {
                Some(seller) => answer.offers.push(VariantOffer {
                    variant: Some(Variant { sku, ..Variant::default() }),
                    seller_id: seller.to_string(),
                    ..VariantOffer::default()
                }),
                None => answer.unknown_skus.push(sku),
            }
        }
        Ok(Response::new(answer))
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn change_price(&self, _: Request<ChangePriceRequest>) -> Result<Response<ChangePriceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn publish_product(
        &self,
        _: Request<PublishProductRequest>,
    ) -> Result<Response<PublishProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn unpublish_product(
        &self,
        _: Request<UnpublishProductRequest>,
    ) -> Result<Response<UnpublishProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_product(&self, _: Request<GetProductRequest>) -> Result<Response<GetProductResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_products(&self, _: Request<ListProductsRequest>) -> Result<Response<ListProductsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_price_history(
        &self,
        _: Request<ListPriceHistoryRequest>,
    ) -> Result<Response<ListPriceHistoryResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}
