//! What an order that is not at rest waits for, and from whom, by what its facts say so far.

use std::collections::{BTreeMap, BTreeSet};

use contracts::convert::timestamp_from_wire;
use contracts::orders::v1::{RefundKind, RefundRequested};
use contracts::shipping::v1::{ParcelFailure, ShipmentLine, StoppedPart};
use serde::Serialize;

use super::event::Event;
use super::journey::Operation;
use super::words::{IN_CASH, clock, method, money, refund_number, units};

/// Something that has to happen next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// Who has to do it.
    pub from: String,
    /// What.
    pub what: String,
}

/// Where an order is, in all that others do for it.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that was told, or was not")]
pub(super) struct Course {
    created: bool,
    cash: bool,
    total: String,
    unpaid_deadline: String,
    stock: Stock,
    authorized: bool,
    declined: bool,
    captured: bool,
    capture_failed: bool,
    voided: bool,
    /// Money went back because the order ended; or why the provider does not give it back.
    given_back: bool,
    not_given_back: Option<String>,
    /// All that was taken went back.
    whole_back: bool,
    confirmed: bool,
    paid: bool,
    ended: bool,
    shipped: bool,
    delivered: bool,
    refunded: bool,
    closed: bool,
    may_leave: bool,
    cancellation_requested: bool,
    stopping: Stopping,
    /// What each shipment holds that has not left and was not stopped.
    shipments: BTreeMap<String, BTreeMap<String, i64>>,
    /// The shipment of each warehouse.
    sent_from: BTreeMap<String, String>,
    /// With whom each parcel is that is on its way.
    parcels: BTreeMap<String, String>,
    all_left: bool,
    all_arrived: bool,
    all_failed: bool,
    /// Parcels that failed and come back, and returns of such that are complete.
    coming_back: usize,
    came_back: BTreeSet<String>,
    cash_collected: bool,
    refunds: BTreeMap<i32, Refund>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stock {
    #[default]
    Unknown,
    /// There is too little.
    Backordered,
    Reserved,
    Committed,
    /// None was there, or its time has passed.
    Refused,
    Released,
}

/// Whether somebody wants the parcels stopped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    #[default]
    No,
    Asked,
    Stopped,
    Refused,
}

#[derive(Debug)]
struct Refund {
    amount: String,
    request: RefundRequested,
    progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Progress {
    Requested,
    /// The goods are back, or shipping has said whether they were stopped.
    Answered,
    Approved,
    Refused(String),
    GivenBack,
    Over,
}

impl Course {
    /// Takes one more fact of the order in.
    #[expect(clippy::too_many_lines, reason = "each event is met here, and nowhere else")]
    pub(super) fn take(&mut self, event: &Event) {
        match event {
            Event::OrderCreated(e) => {
                self.created = true;
                self.cash = method(e.payment_method.as_ref()) == IN_CASH;
                self.total = money(e.total.as_ref());
                self.unpaid_deadline = clock(timestamp_from_wire("unpaid_deadline", e.unpaid_deadline.as_ref()));
            }
            Event::OrderModified(e) => self.total = money(e.total.as_ref()),
            Event::OrderBackordered(e) => {
                self.unpaid_deadline = clock(timestamp_from_wire("unpaid_deadline", e.unpaid_deadline.as_ref()));
            }
            Event::OrderConfirmed(e) => {
                self.confirmed = true;
                self.may_leave |= e.shipping_instruction.is_some();
            }
            Event::OrderPaid(e) => {
                self.paid = true;
                self.may_leave |= e.shipping_instruction.is_some();
            }
            Event::OrderShipped(_) => self.shipped = true,
            Event::OrderDelivered(_) => self.delivered = true,
            Event::OrderFailed(_) | Event::OrderCancelled(_) => self.ended = true,
            Event::OrderRefunded(_) => self.refunded = true,
            Event::OrderClosed(_) => self.closed = true,
            Event::OrderCancellationRequested(_) => {
                self.cancellation_requested = true;
                self.stopping = Stopping::Asked;
            }
            Event::RefundRequested(e) => {
                if is_before_dispatch(e) {
                    self.stopping = Stopping::Asked;
                }
                let (amount, request) = (money(e.amount.as_ref()), (**e).clone());
                let refund = Refund { amount, request, progress: Progress::Requested };
                self.refunds.insert(refund_number(e.refund_number), refund);
            }
            Event::RefundApproved(e) => {
                self.advance(e.refund_number, Progress::Approved);
                // Less may be granted than was asked for.
                if let Some(refund) = self.refunds.get_mut(&refund_number(e.refund_number)) {
                    refund.amount = money(e.amount.as_ref());
                }
            }
            Event::RefundRejected(e) => self.advance(e.refund_number, Progress::Over),
            Event::RefundCompleted(e) => self.advance(e.refund_number, Progress::Over),
            Event::InventoryBackordered(_) => self.stock = Stock::Backordered,
            Event::InventoryReserved(_) => self.stock = Stock::Reserved,
            Event::InventoryCommitted(_) => self.stock = Stock::Committed,
            Event::InventoryRejected(_) | Event::InventoryCommitRefused(_) | Event::ReservationExpired(_) => {
                self.stock = Stock::Refused;
            }
            // The rest stays committed.
            Event::InventoryReleased(e) if e.partial => {}
            Event::InventoryReleased(_) => self.stock = Stock::Released,
            Event::PaymentAuthorized(_) => self.authorized = true,
            Event::PaymentDeclined(_) => self.declined = true,
            Event::PaymentCaptured(_) => self.captured = true,
            Event::CaptureFailed(_) => self.capture_failed = true,
            Event::PaymentVoided(_) => self.voided = true,
            Event::PaymentRefunded(e) => {
                self.whole_back |= e.whole;
                if self.ended && e.refund_number == 0 {
                    self.given_back = true;
                } else {
                    self.advance(e.refund_number, Progress::GivenBack);
                }
            }
            Event::RefundFailed(e) if self.ended && e.refund_number == 0 => {
                self.not_given_back = Some(e.reason.clone());
            }
            Event::RefundFailed(e) => self.advance(e.refund_number, Progress::Refused(e.reason.clone())),
            Event::ShipmentCreated(e) => {
                let lines = e.lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect();
                self.shipments.insert(e.shipment_id.clone(), lines);
                self.sent_from.insert(e.warehouse_id.clone(), e.shipment_id.clone());
            }
            Event::ShipmentDispatched(e) => {
                self.all_left |= e.order_dispatched;
                self.parcels.insert(e.parcel_id.clone(), format!("{}, {}", e.carrier, e.tracking_number));
                self.leave(&e.shipment_id, &e.lines);
            }
            Event::ShipmentDelivered(e) => {
                self.all_arrived |= e.order_delivered;
                self.parcels.remove(&e.parcel_id);
            }
            Event::ShipmentFailed(e) => {
                self.all_arrived |= e.order_delivered;
                self.all_failed |= e.order_failed;
                self.parcels.remove(&e.parcel_id);
                self.coming_back += usize::from(e.failure() != ParcelFailure::Lost);
            }
            Event::ReturnReceived(e) if e.complete && e.refund_number == 0 => {
                self.came_back.insert(e.return_id.clone());
            }
            Event::ReturnReceived(e) if e.complete => self.advance(e.refund_number, Progress::Answered),
            Event::CashCollected(_) => self.cash_collected = true,
            Event::ShipmentCancelled(e) => match &e.part {
                Some(part) => self.stop(e.refund_number, part),
                None => self.stopping = Stopping::Stopped,
            },
            Event::ShipmentCancelRefused(e) if self.is_part(e.refund_number) => {
                self.advance(e.refund_number, Progress::Answered);
            }
            Event::ShipmentCancelRefused(_) => self.stopping = Stopping::Refused,
            Event::CheckoutSubmitted(_)
            | Event::ReservationModified(_)
            | Event::ReturnLabelBought(_)
            | Event::ReturnParcelMoved(_)
            | Event::ReturnReceived(_)
            | Event::CartCreated(_)
            | Event::CartLineAdded(_)
            | Event::CartLineQuantitySet(_)
            | Event::CartLineRemoved(_)
            | Event::CartCleared(_)
            | Event::StockAdded(_)
            | Event::StockRemoved(_)
            | Event::StockWrittenOff(_)
            | Event::StockAdjusted(_)
            | Event::OutOfStock(_)
            | Event::BackInStock(_)
            | Event::LowStock(_)
            | Event::Unknown => {}
        }
    }

    /// Facts of two services about one refund may stand in either order; the one that is further along counts.
    fn advance(&mut self, number: i32, progress: Progress) {
        let Some(refund) = self.refunds.get_mut(&refund_number(number)) else { return };
        if refund.progress != Progress::Over {
            refund.progress = progress;
        }
    }

    fn leave(&mut self, shipment_id: &str, lines: &[ShipmentLine]) {
        for line in lines {
            self.take_out(shipment_id, &line.sku, line.quantity);
        }
    }

    /// A part will not leave; the rest goes on.
    fn stop(&mut self, refund_number: i32, part: &StoppedPart) {
        for line in &part.lines {
            let shipment_id = self.sent_from.get(&line.warehouse_id).cloned().unwrap_or_default();
            self.take_out(&shipment_id, &line.sku, line.quantity);
        }
        self.all_left |= part.order_dispatched;
        self.all_arrived |= part.order_delivered;
        self.all_failed |= part.order_failed;
        self.advance(refund_number, Progress::Answered);
    }

    fn take_out(&mut self, shipment_id: &str, sku: &str, quantity: i64) {
        let Some(held) = self.shipments.get_mut(shipment_id) else { return };
        if let Some(left) = held.get_mut(sku) {
            *left -= quantity;
        }
        held.retain(|_, left| *left > 0);
    }

    fn is_part(&self, number: i32) -> bool {
        self.refunds.get(&number).is_some_and(|refund| is_part(&refund.request))
    }

    /// What is awaited now. `operations` are those that the payment provider was asked for the order and has not done.
    pub(super) fn awaited(&self, operations: &[&Operation]) -> Vec<Awaited> {
        let mut awaited = List { operations, awaited: Vec::new() };
        if !self.created {
            awaited.of("orders", "to create the order");
        } else if self.ended {
            self.until_undone(&mut awaited);
        } else if self.confirmed {
            self.until_delivered(&mut awaited);
            self.until_refunded(&mut awaited);
        } else {
            self.until_confirmed(&mut awaited);
        }
        awaited.of_provider();
        if awaited.awaited.is_empty() && !self.closed && !self.ended {
            let what = if self.refunded {
                "to close the order"
            } else {
                "to close the order when goods may be sent back no longer"
            };
            awaited.of("orders", what);
        }
        awaited.awaited
    }

    fn until_confirmed(&self, awaited: &mut List<'_>) {
        let Self { total, unpaid_deadline, .. } = self;
        if self.declined || matches!(self.stock, Stock::Refused | Stock::Released) {
            return awaited.of("orders", "to say that the order cannot be had");
        }
        match (self.stock, self.authorized) {
            (Stock::Unknown, _) => awaited.of("inventory", "to reserve the stock"),
            (Stock::Backordered, _) => awaited.of("the seller", "to restock"),
            (_, false) => awaited.of_payments("authorize", &format!("to have {total} authorized")),
            (Stock::Reserved, true) => awaited.of("inventory", "to commit the stock"),
            (Stock::Committed, true) => awaited.of("orders", "to confirm the order"),
            (Stock::Refused | Stock::Released, true) => {}
        }
        awaited.of("orders", &format!("to cancel the order if it is not confirmed by {unpaid_deadline}"));
    }

    /// The order failed or was cancelled.
    fn until_undone(&self, awaited: &mut List<'_>) {
        if matches!(self.stock, Stock::Reserved | Stock::Committed) && !self.all_left {
            awaited.of("inventory", "to put the stock back on sale");
        }
        if self.captured {
            match &self.not_given_back {
                _ if self.given_back || self.whole_back => {}
                Some(why) if !awaited.is_asked("refund", 1) => {
                    awaited.of("an operator", &format!("to have the refund of what was captured tried again: {why}"));
                }
                Some(_) | None => awaited.of_payments("refund", "to give back what was captured"),
            }
        } else if self.authorized && !self.voided {
            awaited.of_payments("void", "to void the authorization");
        }
        self.until_returned(awaited);
    }

    fn until_delivered(&self, awaited: &mut List<'_>) {
        match (self.cash, self.captured, self.paid) {
            (false, false, _) if self.capture_failed => awaited.of("orders", "to cancel the order"),
            (false, false, _) => awaited.of_payments("capture", &format!("to capture {}", self.total)),
            (false, true, false) => awaited.of("orders", "to say that the order is paid"),
            (true, true, false) if self.delivered => awaited.of("orders", "to say that the order is paid"),
            (true, false, _) if self.cash_collected => awaited.of("payments", "to take the cash in"),
            (true, ..) | (false, true, true) => {}
        }
        match self.stopping {
            Stopping::Asked => awaited.of("shipping", "to stop the parcels, or to say that they have left"),
            Stopping::Stopped if self.cancellation_requested => awaited.of("orders", "to cancel the order"),
            Stopping::Stopped => {}
            Stopping::No | Stopping::Refused if self.may_leave && self.shipments.is_empty() => {
                awaited.of("shipping", "to create the shipments");
            }
            Stopping::No | Stopping::Refused => {
                for (shipment_id, lines) in self.shipments.iter().filter(|(_, lines)| !lines.is_empty()) {
                    let lines = units(lines.iter().map(|(sku, quantity)| (sku.as_str(), *quantity)));
                    awaited.of("the seller", &format!("to hand over {lines} of shipment {shipment_id}"));
                }
            }
        }
        for (parcel_id, carrier) in &self.parcels {
            awaited.of("the carrier", &format!("to deliver parcel {parcel_id} ({carrier})"));
        }
        if self.all_left && !self.shipped && !self.delivered {
            awaited.of("orders", "to say that the order is shipped");
        }
        if self.all_arrived && !self.delivered {
            awaited.of("orders", "to say that the order is delivered");
        }
        if self.cash && self.all_failed {
            awaited.of("orders", "to cancel the order, of which nothing arrived");
        } else if self.cash && self.delivered && !self.cash_collected && !self.captured {
            awaited.of("the carrier", "to pass on the cash");
        }
        self.until_returned(awaited);
    }

    fn until_returned(&self, awaited: &mut List<'_>) {
        if self.coming_back > self.came_back.len() {
            awaited.of("the warehouse", "to receive what comes back of a parcel that failed");
        }
    }

    fn until_refunded(&self, awaited: &mut List<'_>) {
        if self.refunded {
            return;
        }
        for (number, Refund { amount, request, progress }) in &self.refunds {
            match progress {
                Progress::Requested => self.until_decided(*number, request, awaited),
                Progress::Answered => awaited.of("orders", &format!("to decide on refund {number}")),
                Progress::Approved | Progress::Refused(_) if awaited.is_asked("refund", *number) => {}
                Progress::Approved => awaited.of("payments", &format!("to give back {amount} for refund {number}")),
                Progress::Refused(why) => {
                    awaited.of("an operator", &format!("to have refund {number} of {amount} tried again: {why}"));
                }
                Progress::GivenBack => awaited.of("orders", &format!("to say that refund {number} is done")),
                Progress::Over => {}
            }
        }
        if self.whole_back && awaited.awaited.is_empty() {
            if self.stock == Stock::Committed && !self.all_left {
                awaited.of("inventory", "to put back on sale what never left");
            }
            awaited.of("orders", "to say that all of the money is back");
        }
    }

    fn until_decided(&self, number: i32, request: &RefundRequested, awaited: &mut List<'_>) {
        let decide = format!("to decide on refund {number}");
        match request.kind() {
            RefundKind::BeforeDispatch if is_part(request) => {
                let lines = units(request.lines.iter().map(|line| (line.sku.as_str(), line.quantity)));
                awaited
                    .of("shipping", &format!("to stop {lines} for refund {number}, or to say that too much has left"));
            }
            RefundKind::Unspecified | RefundKind::BeforeDispatch => match self.stopping {
                Stopping::Stopped | Stopping::Refused => awaited.of("orders", &decide),
                // Shipping is asked for that already.
                Stopping::No | Stopping::Asked => {}
            },
            RefundKind::AfterReturn | RefundKind::Exchange => {
                let lines = units(request.lines.iter().map(|line| (line.sku.as_str(), line.quantity)));
                awaited
                    .of("the warehouse", &format!("to receive {lines} that the buyer sends back for refund {number}"));
            }
            RefundKind::ParcelFailed | RefundKind::Goodwill => awaited.of("orders", &decide),
        }
    }
}

/// Of all that has not left.
fn is_before_dispatch(request: &RefundRequested) -> bool {
    matches!(request.kind(), RefundKind::Unspecified | RefundKind::BeforeDispatch) && request.lines.is_empty()
}

/// Of units that have not left.
fn is_part(request: &RefundRequested) -> bool {
    request.kind() == RefundKind::BeforeDispatch && !request.lines.is_empty()
}

struct List<'a> {
    operations: &'a [&'a Operation],
    awaited: Vec<Awaited>,
}

impl List<'_> {
    fn of(&mut self, from: &str, what: &str) {
        self.awaited.push(Awaited { from: from.to_owned(), what: what.to_owned() });
    }

    /// Something that payments does by an operation of the provider: once that was asked, [`Self::of_provider`] tells of it.
    fn of_payments(&mut self, kind: &str, what: &str) {
        if !self.is_asked(kind, 1) {
            self.of("payments", what);
        }
    }

    fn is_asked(&self, kind: &str, number: i32) -> bool {
        self.operations.iter().any(|asked| asked.kind == kind && asked.number == number && is_open(asked))
    }

    fn of_provider(&mut self) {
        for operation in self.operations.iter().filter(|operation| is_open(operation)) {
            let Operation { kind, number, attempts, reason, .. } = operation;
            let what = match kind.as_str() {
                "authorize" => "the authorization".to_owned(),
                "refund" => format!("refund {number}"),
                kind => format!("the {kind}"),
            };
            match reason {
                Some(reason) => {
                    self.of("an operator", &format!("to settle that the provider refused {what}: {reason}"));
                }
                None => {
                    self.of("the payment provider", &format!("to answer to {what}, asked so far: {attempts}"));
                }
            }
        }
    }
}

/// Whether an operation is awaited still. What the provider refuses to take ends an order; of a refund that it refuses there is a fact.
fn is_open(operation: &Operation) -> bool {
    operation.status == "pending" || operation.kind == "void"
}
