//! What instructions, events and shipments have in common on the wire: addresses and lines.

use contracts::convert::InvalidField;
use contracts::google::r#type::PostalAddress;
use contracts::shipping::v1::ShipmentLine;
use kernel::{Quantity, Sku};

use crate::domain::address::Address;
use crate::domain::contents::Contents;

/// An address that a carrier can work with.
pub(super) fn address_from_wire(field: &str, address: Option<&PostalAddress>) -> Result<Address, InvalidField> {
    let address = address.cloned().ok_or_else(|| InvalidField::new(field, "is required"))?;
    let address = Address {
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    };
    match address.missing() {
        Some(part) => Err(InvalidField::new(format!("{field}.{part}"), "is required")),
        None => Ok(address),
    }
}

pub(super) fn address_to_wire(address: &Address) -> PostalAddress {
    let address = address.clone();
    PostalAddress {
        revision: 0,
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    }
}

/// A line that names a SKU and how many of it.
pub(super) fn line_from_wire(sku: &str, quantity: i64) -> Result<(Sku, Quantity), InvalidField> {
    Ok((
        sku.parse().map_err(|error| InvalidField::new("sku", error))?,
        Quantity::new(quantity).map_err(|error| InvalidField::new("quantity", error))?,
    ))
}

pub(super) fn lines_to_wire(contents: &Contents) -> Vec<ShipmentLine> {
    let line = |(sku, quantity): (&Sku, i64)| ShipmentLine { sku: sku.to_string(), quantity };
    contents.lines().map(line).collect()
}
