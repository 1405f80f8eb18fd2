//! The products service, as far as a cart asks it.

use std::collections::BTreeMap;

use chassis::grpc::{Peer, PeerError};
use contracts::convert::{InvalidField, id_from_wire, money_from_wire};
use contracts::products::v1::products_service_client::ProductsServiceClient;
use contracts::products::v1::{BatchGetVariantsRequest, Price, ProductStatus, VariantOffer};
use kernel::{Currency, Sku};

use crate::app::Error;
use crate::domain::{Item, Offer, Refusal, SeenPrice};

/// The products service.
#[derive(Clone, Debug)]
pub struct Products(ProductsServiceClient<Peer>);

impl Products {
    /// The service at the other end of `peer`.
    pub fn new(peer: Peer) -> Self {
        Self(ProductsServiceClient::new(peer))
    }

    /// What is offered under a SKU.
    ///
    /// # Errors
    /// [`Refusal::SkuUnknown`] if nobody offers it; products does not answer, or answers what it never should.
    pub async fn offer(&self, sku: &Sku) -> Result<Offer, Error> {
        let request = BatchGetVariantsRequest { skus: vec![sku.to_string()] };
        let answer = self.0.clone().batch_get_variants(request).await;
        let answer = answer.map_err(|status| PeerError::new("products", status))?.into_inner();
        let offer = answer.offers.into_iter().next().ok_or_else(|| Refusal::SkuUnknown(sku.clone()))?;
        Ok(read(offer)?)
    }
}

fn read(offer: VariantOffer) -> Result<Offer, InvalidField> {
    let is_on_sale = offer.status() == ProductStatus::Published;
    let variant = offer.variant.ok_or_else(|| InvalidField::new("variant", "is required"))?;
    let item = Item {
        sku: variant.sku.parse().map_err(|error| InvalidField::new("variant.sku", error))?,
        product_id: id_from_wire("product_id", &offer.product_id)?,
        seller_id: id_from_wire("seller_id", &offer.seller_id)?,
        title: offer.title.parse().map_err(|error| InvalidField::new("title", error))?,
    };
    let prices = variant.prices.iter().map(price).collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Offer { item, is_on_sale, prices })
}

fn price(price: &Price) -> Result<(Currency, SeenPrice), InvalidField> {
    let unit_price = money_from_wire("variant.prices.amount", price.amount.as_ref())?;
    Ok((unit_price.currency(), SeenPrice { unit_price, version: price.price_version }))
}
