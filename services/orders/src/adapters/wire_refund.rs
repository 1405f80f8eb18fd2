//! Refunds on the wire: in a request, in an order, in events.

use contracts::convert::{InvalidField, money_from_wire, money_to_wire};
use contracts::orders::v1 as wire;
use contracts::shipping::v1::{ShipmentCancelled, ShipmentLine, StoppedPart};
use kernel::{Quantity, Sku};

use super::wire_units::units_from_wire;
use crate::domain::fact::{self, OrderFact};
use crate::domain::ids::OrderId;
use crate::domain::refund::{Refund, RefundKind, RefundLine, RefundNumber, RefundRequest, RefundStatus, Units};
use crate::domain::snapshot::SkuTotal;

/// What a request asks for. A field that belongs to another kind is refused: it would be lost.
pub(super) fn request_from_wire(request: &wire::RequestRefundRequest) -> Result<RefundRequest, InvalidField> {
    let kind = wire::RefundKind::try_from(request.kind)
        .map_err(|_| InvalidField::new("kind", format!("{} is no kind", request.kind)))?;
    let only_with = |field, kind, is_set| {
        if is_set { Err(InvalidField::new(field, format!("belongs to {kind} alone"))) } else { Ok(()) }
    };
    let only_without = |field, kind, is_empty| {
        if is_empty { Ok(()) } else { Err(InvalidField::new(field, format!("does not belong to {kind}"))) }
    };
    let units = || units_from_wire(request.lines.iter().map(|line| (line.sku.as_str(), line.quantity)));
    if kind != wire::RefundKind::Goodwill {
        only_with("amount", "GOODWILL", request.amount.is_some())?;
    }
    match kind {
        wire::RefundKind::Unspecified | wire::RefundKind::BeforeDispatch if request.lines.is_empty() => {
            Ok(RefundRequest::BeforeDispatch)
        }
        wire::RefundKind::Unspecified | wire::RefundKind::BeforeDispatch => {
            Ok(RefundRequest::PartBeforeDispatch(units()?))
        }
        wire::RefundKind::AfterReturn => Ok(RefundRequest::AfterReturn(units()?)),
        wire::RefundKind::Exchange => Ok(RefundRequest::Exchange { units: units()?, order_id: OrderId::generate() }),
        wire::RefundKind::Goodwill => {
            only_without("lines", "GOODWILL", request.lines.is_empty())?;
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

/// What shipping counted; there may be none.
pub(super) fn units_of_shipment(field: &str, lines: &[ShipmentLine]) -> Result<Units, InvalidField> {
    if lines.is_empty() {
        return Ok(Units::new());
    }
    let lines = lines.iter().map(|line| (line.sku.as_str(), line.quantity));
    units_from_wire(lines).map_err(|invalid| invalid.within(field))
}

/// All of it is stopped, or a part: what is stopped of each SKU, wherever.
pub(super) fn stopped_from_wire(cancelled: &ShipmentCancelled) -> Result<OrderFact, InvalidField> {
    let Some(part) = &cancelled.part else { return Ok(OrderFact::ShipmentCancelled) };
    let number = number_from_wire(cancelled.refund_number);
    let number = number.ok_or_else(|| InvalidField::new("refund_number", "must be above zero"))?;
    let mut units = Units::new();
    for (index, line) in part.lines.iter().enumerate() {
        let at = |field: &str| format!("part.lines[{index}].{field}");
        let sku: Sku = line.sku.parse().map_err(|error| InvalidField::new(at("sku"), error))?;
        let quantity = Quantity::new(line.quantity).map_err(|error| InvalidField::new(at("quantity"), error))?;
        *units.entry(sku).or_default() += i64::from(quantity);
    }
    if units.is_empty() {
        return Err(InvalidField::new("part.lines", "is empty"));
    }
    let StoppedPart { order_dispatched, order_delivered, order_failed, .. } = *part;
    Ok(OrderFact::PartStopped(fact::StoppedPart { number, units, order_dispatched, order_delivered, order_failed }))
}

/// 0 is what a fact says that follows from no refund.
pub(super) fn number_from_wire(number: i32) -> Option<RefundNumber> {
    (number > 0).then_some(number)
}

pub(super) fn refund_to_wire(refund: &Refund) -> wire::Refund {
    let exchange_order_id = refund.exchange_order_id.filter(|_| refund.status.was_granted());
    wire::Refund {
        refund_number: refund.number,
        kind: kind_to_wire(refund.kind).into(),
        status: status_to_wire(refund.status).into(),
        amount: Some(money_to_wire(refund.amount)),
        lines: refund.lines.iter().map(line_to_wire).collect(),
        reason: refund.reason.clone().unwrap_or_default(),
        exchange_order_id: exchange_order_id.map(|id| id.to_string()).unwrap_or_default(),
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
        RefundKind::Exchange => wire::RefundKind::Exchange,
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
