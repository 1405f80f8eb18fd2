//! Reads what a new product is to be made of.

use chassis::Fields;
use contracts::convert::{InvalidField, id_from_wire};
use contracts::products::v1 as wire;

use super::unit_price;
use crate::domain::{
    Authority, Description, NewProduct, NewVariant, OptionName, OptionValue, ProductOption, SellerId, Title, Weight,
};

/// The parts of a new product, if each is valid by itself. Those that are not are noted.
pub(super) fn read(
    fields: &mut Fields,
    request: wire::CreateProductRequest,
    authority: Authority,
) -> Option<NewProduct> {
    let seller_id = fields.take(seller_id(&request.seller_id, authority));
    let title = fields.check("title", Title::new(request.title));
    let description = fields.check("description", Description::new(request.description));
    let options = all(request.options, |index, given| option(fields, &format!("options[{index}]"), given));
    let variants = all(request.variants, |index, given| variant(fields, &format!("variants[{index}]"), given));
    Some(NewProduct {
        seller_id: seller_id?,
        title: title?,
        description: description?,
        options: options?,
        variants: variants?,
    })
}

/// A seller's employee need not name their seller.
fn seller_id(named: &str, authority: Authority) -> Result<SellerId, InvalidField> {
    match authority {
        Authority::Seller(own) if named.is_empty() => Ok(own),
        Authority::Seller(_) | Authority::Operator | Authority::None => id_from_wire("seller_id", named),
    }
}

fn option(fields: &mut Fields, path: &str, given: wire::ProductOption) -> Option<ProductOption> {
    let name = fields.check(&format!("{path}.name"), OptionName::new(given.name));
    let values =
        all(given.values, |index, value| fields.check(&format!("{path}.values[{index}]"), OptionValue::new(value)));
    fields.check(&format!("{path}.values"), ProductOption::new(name?, values?))
}

fn variant(fields: &mut Fields, path: &str, given: wire::NewVariant) -> Option<NewVariant> {
    let sku = fields.check(&format!("{path}.sku"), given.sku.parse());
    let option_values =
        all(given.option_values, |index, value| option_value(fields, &format!("{path}.option_values[{index}]"), value));
    let prices = all(given.prices, |index, price| unit_price(fields, &format!("{path}.prices[{index}]"), Some(&price)));
    let weight = fields.check(&format!("{path}.weight_grams"), Weight::from_grams(given.weight_grams));
    Some(NewVariant { sku: sku?, option_values: option_values?, prices: prices?, weight: weight? })
}

fn option_value(fields: &mut Fields, path: &str, given: wire::OptionValue) -> Option<(OptionName, OptionValue)> {
    let name = fields.check(&format!("{path}.name"), OptionName::new(given.name));
    let value = fields.check(&format!("{path}.value"), OptionValue::new(given.value));
    Some((name?, value?))
}

/// Reads every item, also after one that is not valid, so that all faults are noted; `None` if there was one.
fn all<G, T>(given: Vec<G>, mut read: impl FnMut(usize, G) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = given.into_iter().enumerate().map(|(index, item)| read(index, item)).collect();
    read.into_iter().collect()
}
