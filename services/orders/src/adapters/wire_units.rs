//! Units of SKUs on the wire, and versions of what was agreed.

use std::collections::BTreeMap;

use contracts::convert::InvalidField;
use contracts::orders::v1::{OrderPart, OrderUnits};
use kernel::Sku;

use crate::domain::refund::Units;
use crate::domain::snapshot::TermsVersion;

/// New orders that one order is split into at once.
const PARTS_MAX: usize = 10;

/// Units by SKU, at least one, each SKU once.
pub(super) fn units_from_wire<'a>(lines: impl ExactSizeIterator<Item = (&'a str, i64)>) -> Result<Units, InvalidField> {
    units_of_at_least(1, lines)
}

/// How many units of SKUs are left: none of some, perhaps.
pub(super) fn units_left_from_wire(lines: &[OrderUnits]) -> Result<Units, InvalidField> {
    units_of_at_least(0, lines.iter().map(|line| (line.sku.as_str(), line.quantity)))
}

fn units_of_at_least<'a>(
    least: i64,
    lines: impl ExactSizeIterator<Item = (&'a str, i64)>,
) -> Result<Units, InvalidField> {
    if lines.len() == 0 {
        return Err(InvalidField::new("lines", "is empty"));
    }
    let mut units = BTreeMap::new();
    for (index, (sku, quantity)) in lines.enumerate() {
        let at = |field: &str| format!("lines[{index}].{field}");
        let sku: Sku = sku.parse().map_err(|error| InvalidField::new(at("sku"), error))?;
        if quantity < least {
            let must = if least == 0 { "must not be below zero" } else { "must be above zero" };
            return Err(InvalidField::new(at("quantity"), must));
        }
        if units.insert(sku, quantity).is_some() {
            return Err(InvalidField::new(at("sku"), "is there twice"));
        }
    }
    Ok(units)
}

/// What is to become orders of their own.
pub(super) fn parts_from_wire(parts: &[OrderPart]) -> Result<Vec<Units>, InvalidField> {
    if parts.is_empty() || parts.len() > PARTS_MAX {
        return Err(InvalidField::new("parts", format!("must be 1 to {PARTS_MAX}")));
    }
    let units = |(index, part): (usize, &OrderPart)| {
        let lines = part.lines.iter().map(|line| (line.sku.as_str(), line.quantity));
        units_from_wire(lines).map_err(|invalid| invalid.within(&format!("parts[{index}]")))
    };
    parts.iter().enumerate().map(units).collect()
}

/// 0 names no version.
pub(super) fn version_from_wire(version: i32) -> Result<Option<TermsVersion>, InvalidField> {
    match version {
        ..0 => Err(InvalidField::new("terms_version", "must not be below zero")),
        0 => Ok(None),
        1.. => Ok(Some(version)),
    }
}
