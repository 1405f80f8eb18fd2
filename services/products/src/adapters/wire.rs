//! From the domain to messages of the contract.

use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::products::v1 as wire;

use super::postgres::offer::Offer;
use super::postgres::product::Stored;
use crate::domain::{Price, Product, ProductOption, Status, Variant};

/// A product as it is stored.
pub fn stored_product(stored: &Stored) -> wire::Product {
    product(&stored.product, stored.head.version)
}

/// A product in one of its versions.
pub fn product(product: &Product, version: i64) -> wire::Product {
    wire::Product {
        product_id: product.id.to_string(),
        seller_id: product.seller_id.to_string(),
        title: product.title.to_string(),
        description: product.description.as_str().to_owned(),
        status: status(product.status).into(),
        options: product.options.iter().map(option).collect(),
        variants: product.variants.iter().map(|of| variant(of, &product.options)).collect(),
        version,
        create_time: Some(timestamp_to_wire(product.created_at)),
        update_time: Some(timestamp_to_wire(product.updated_at)),
    }
}

/// A variant with what a cart or a quote needs to know of its product.
pub fn offer(offer: &Offer) -> wire::VariantOffer {
    wire::VariantOffer {
        variant: Some(variant(&offer.variant, &offer.options)),
        product_id: offer.product_id.to_string(),
        seller_id: offer.seller_id.to_string(),
        title: offer.title.to_string(),
        status: status(offer.status).into(),
    }
}

/// A price.
pub fn price(price: &Price) -> wire::Price {
    wire::Price {
        amount: Some(money_to_wire(price.amount.money())),
        price_version: price.version,
        effective_time: Some(timestamp_to_wire(price.effective_at)),
    }
}

fn variant(variant: &Variant, options: &[ProductOption]) -> wire::Variant {
    let value = |(option, value): (&ProductOption, &crate::domain::OptionValue)| wire::OptionValue {
        name: option.name().to_string(),
        value: value.to_string(),
    };
    wire::Variant {
        sku: variant.sku.to_string(),
        option_values: options.iter().zip(&variant.option_values).map(value).collect(),
        prices: variant.prices.values().map(price).collect(),
        weight_grams: variant.weight.grams(),
    }
}

fn option(option: &ProductOption) -> wire::ProductOption {
    wire::ProductOption {
        name: option.name().to_string(),
        values: option.values().iter().map(ToString::to_string).collect(),
    }
}

const fn status(status: Status) -> wire::ProductStatus {
    match status {
        Status::Draft => wire::ProductStatus::Draft,
        Status::Published => wire::ProductStatus::Published,
        Status::Unpublished => wire::ProductStatus::Unpublished,
    }
}
