//! A products service of one test's own, and what to ask of it.

use contracts::google::r#type::Money;
use contracts::products::v1::products_service_client::ProductsServiceClient;
use contracts::products::v1::products_service_server::ProductsServiceServer;
use contracts::products::v1::{
    ChangePriceRequest, CreateProductRequest, NewVariant, OptionValue, Product, ProductOption, ProductStatus,
    PublishProductRequest,
};
use kernel::Id;
use messaging::EventStore;
use testkit::{Bearer, Database, Kafka, TestClock, Tokens};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

/// A running service with a client, two sellers' employees and an operator.
pub(crate) struct Shop {
    pub(crate) client: ProductsServiceClient<Channel>,
    pub(crate) tokens: Tokens,
    pub(crate) seller_id: Uuid,
    pub(crate) seller: Bearer,
    pub(crate) other_seller: Bearer,
    pub(crate) operator: Bearer,
    pub(crate) clock: TestClock,
    pub(crate) store: EventStore,
    pub(crate) kafka: Kafka,
    _database: Database,
    _server: DropGuard,
}

/// Names whoever has no type of its own in a test.
enum Anyone {}

pub(crate) fn new_uuid() -> Uuid {
    Id::<Anyone>::generate().uuid()
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let database = Database::migrated(&products::SERVICE).await;
        let kafka = Kafka::connect().await;
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let settings = testkit::settings(&database, &kafka);
        let store = EventStore::new(products::SERVICE.name, database.pool().clone(), clock.clock());

        let verifier = chassis::auth::Verifier::new(&settings).await.unwrap();
        let server = chassis::grpc::Server::bind(&settings, verifier)
            .await
            .unwrap()
            .add(ProductsServiceServer::new(products::adapters::grpc::Api::new(store.clone())));
        let url = format!("http://{}", server.local_address());
        let stop = CancellationToken::new();
        tokio::spawn(server.serve(stop.clone()));

        let (tokens, seller_id) = (Tokens::new(), new_uuid());
        Self {
            client: ProductsServiceClient::connect(url).await.unwrap(),
            seller: tokens.seller(seller_id),
            other_seller: tokens.seller(new_uuid()),
            operator: tokens.operator(),
            seller_id,
            tokens,
            clock,
            store,
            kafka,
            _database: database,
            _server: stop.drop_guard(),
        }
    }

    /// A draft of the seller with these SKUs, in different sizes.
    pub(crate) async fn create(&self, skus: &[&str]) -> Product {
        let request = self.seller.request(mugs(skus));
        self.client.clone().create_product(request).await.unwrap().into_inner().product.unwrap()
    }

    /// A product of the seller that is on sale.
    pub(crate) async fn create_and_publish(&self, skus: &[&str]) -> Product {
        let product_id = self.create(skus).await.product_id;
        let request = self.seller.request(PublishProductRequest { request_id: new_request_id(), product_id });
        self.client.clone().publish_product(request).await.unwrap().into_inner().product.unwrap()
    }

    /// Changes a price in euro as the seller.
    pub(crate) async fn change_price(&self, sku: &str, units: i64, expected_price_version: i64) {
        let request = self.seller.request(price_change(sku, euro(units, 0), expected_price_version));
        self.client.clone().change_price(request).await.unwrap();
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let statement = match table {
            "product" => "SELECT count(*) FROM product",
            "variant" => "SELECT count(*) FROM variant",
            "price" => "SELECT count(*) FROM price",
            "journal" => "SELECT count(*) FROM journal",
            "outbox" => "SELECT count(*) FROM outbox",
            other => panic!("no test counts {other}"),
        };
        sqlx::query_scalar(statement).fetch_one(self.store.pool()).await.unwrap()
    }
}

pub(crate) fn new_request_id() -> String {
    new_uuid().to_string()
}

pub(crate) fn euro(units: i64, nanos: i32) -> Money {
    Money { currency_code: "EUR".to_owned(), units, nanos }
}

/// A product with a variant for each SKU, which differ in size, at 12.50 EUR.
pub(crate) fn mugs(skus: &[&str]) -> CreateProductRequest {
    let size = |index: usize| format!("Size {index}");
    let variant = |(index, sku): (usize, &&str)| NewVariant {
        sku: (*sku).to_owned(),
        option_values: vec![OptionValue { name: "Size".to_owned(), value: size(index) }],
        prices: vec![euro(12, 500_000_000)],
        weight_grams: 350,
    };
    CreateProductRequest {
        request_id: new_request_id(),
        seller_id: String::new(),
        title: "Mug".to_owned(),
        description: "Holds 0.3 l.\nDishwasher-safe.".to_owned(),
        options: vec![ProductOption { name: "Size".to_owned(), values: (0..skus.len()).map(size).collect() }],
        variants: skus.iter().enumerate().map(variant).collect(),
    }
}

pub(crate) fn price_change(sku: &str, amount: Money, expected_price_version: i64) -> ChangePriceRequest {
    ChangePriceRequest {
        request_id: new_request_id(),
        sku: sku.to_owned(),
        amount: Some(amount),
        expected_price_version,
    }
}

pub(crate) fn status_of(product: &Product) -> ProductStatus {
    product.status()
}

/// What a caller who was refused is told: the code, the reason, and the fields at fault.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) fields: Vec<String>,
}

impl Refused {
    pub(crate) fn new(code: Code, reason: &str, fields: &[&str]) -> Self {
        Self { code, reason: reason.to_owned(), fields: fields.iter().map(|field| (*field).to_owned()).collect() }
    }

    pub(crate) fn invalid(fields: &[&str]) -> Self {
        Self::new(Code::InvalidArgument, "INVALID_REQUEST", fields)
    }
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Refused {
    let status = answer.expect_err("this should have been refused");
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    Refused {
        code: status.code(),
        reason: details.error_info().map(|info| info.reason.clone()).unwrap_or_default(),
        fields: violations.into_iter().map(|violation| violation.field).collect(),
    }
}
