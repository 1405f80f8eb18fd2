//! Refunds on the wire: in a request, in an order, in events.

use std::collections::BTreeMap;

use contracts::convert::{InvalidField, money_from_wire, money_to_wire};
use contracts::orders::v1 as wire;
use contracts::shipping::v1::ShipmentLine;
use kernel::Sku;

use crate::domain::refund::{Refund, RefundKind, RefundLine, RefundNumber, RefundRequest, RefundStatus, Units};
use crate::domain::snapshot::SkuTotal;

/// What a request asks for. A field that belongs to another kind is refused: it would be lost.
pub(super) fn request_from_wire(request: &wire::RequestRefundRequest) -> Result<RefundRequest, InvalidField> {
    let kind = wire::RefundKind::try_from(request.kind)
        .map_err(|_| InvalidField::new("kind", format!("{} is no kind", request.kind)))?;
    let only_with = |field, kind, is_set| {
        if is_set { Err(InvalidField::new(field, format!("belongs to {kind} alone"))) } else { Ok(()) }
    };
    if kind != wire::RefundKind::AfterReturn {
        only_with("lines", "AFTER_RETURN", !request.lines.is_empty())?;
    }
    if kind != wire::RefundKind::Goodwill {
        only_with("amount", "GOODWILL", request.amount.is_some())?;
    }
    match kind {
        wire::RefundKind::Unspecified | wire::RefundKind::BeforeDispatch => Ok(RefundRequest::BeforeDispatch),
        wire::RefundKind::AfterReturn => {
            let lines = request.lines.iter().map(|line| (line.sku.as_str(), line.quantity));
            Ok(RefundRequest::AfterReturn(units_from_wire(lines)?))
        }
        wire::RefundKind::Goodwill => {
            let amount = money_from_wire("amount", request.amount.as_ref())?;
            if !amount.is_positive() {
                return Err(InvalidField::new("amount", "must be above zero"));
            }
            Ok(RefundRequest::Goodwill(amount))
        }
        wire::RefundKind::ParcelFailed => {
            Err(InvalidField::new("kind", "PARCEL_FAILED follows from what the carrier says"))
        }
    }
}

/// Units by SKU, at least one, each SKU once.
fn units_from_wire<'a>(lines: impl ExactSizeIterator<Item = (&'a str, i64)>) -> Result<Units, InvalidField> {
    if lines.len() == 0 {
        return Err(InvalidField::new("lines", "is empty"));
    }
    let mut units = BTreeMap::new();
    for (index, (sku, quantity)) in lines.enumerate() {
        let at = |field: &str| format!("lines[{index}].{field}");
        let sku: Sku = sku.parse().map_err(|error| InvalidField::new(at("sku"), error))?;
        if quantity <= 0 {
            return Err(InvalidField::new(at("quantity"), "must be above zero"));
        }
        if units.insert(sku, quantity).is_some() {
            return Err(InvalidField::new(at("sku"), "is there twice"));
        }
    }
    Ok(units)
}

/// What shipping counted; there may be none.
pub(super) fn units_of_shipment(field: &str, lines: &[ShipmentLine]) -> Result<Units, InvalidField> {
    if lines.is_empty() {
        return Ok(Units::new());
    }
    let lines = lines.iter().map(|line| (line.sku.as_str(), line.quantity));
    units_from_wire(lines).map_err(|invalid| invalid.within(field))
}

/// 0 is what a fact says that follows from no refund.
pub(super) fn number_from_wire(number: i32) -> Option<RefundNumber> {
    (number > 0).then_some(number)
}

pub(super) fn refund_to_wire(refund: &Refund) -> wire::Refund {
    wire::Refund {
        refund_number: refund.number,
        kind: kind_to_wire(refund.kind).into(),
        status: status_to_wire(refund.status).into(),
        amount: Some(money_to_wire(refund.amount)),
        lines: refund.lines.iter().map(line_to_wire).collect(),
        reason: refund.reason.clone().unwrap_or_default(),
    }
}

pub(super) fn line_to_wire(line: &RefundLine) -> wire::RefundLine {
    wire::RefundLine { sku: line.sku.to_string(), quantity: line.quantity, amount: Some(money_to_wire(line.amount)) }
}

pub(super) fn sku_total_to_wire(total: &SkuTotal) -> wire::SkuTotal {
    wire::SkuTotal { sku: total.sku.to_string(), quantity: total.quantity, amount: Some(money_to_wire(total.amount)) }
}

pub(super) const fn kind_to_wire(kind: RefundKind) -> wire::RefundKind {
    match kind {
        RefundKind::BeforeDispatch => wire::RefundKind::BeforeDispatch,
        RefundKind::AfterReturn => wire::RefundKind::AfterReturn,
        RefundKind::ParcelFailed => wire::RefundKind::ParcelFailed,
        RefundKind::Goodwill => wire::RefundKind::Goodwill,
    }
}

const fn status_to_wire(status: RefundStatus) -> wire::RefundStatus {
    match status {
        RefundStatus::Requested => wire::RefundStatus::Requested,
        RefundStatus::Approved => wire::RefundStatus::Approved,
        RefundStatus::Rejected => wire::RefundStatus::Rejected,
        RefundStatus::Failed => wire::RefundStatus::Failed,
        RefundStatus::Refunded => wire::RefundStatus::Refunded,
        RefundStatus::Waived => wire::RefundStatus::Waived,
    }
}
