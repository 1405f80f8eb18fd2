//! A fact in plain words, with the values that matter.

use std::collections::BTreeMap;

use contracts::convert::{InvalidField, money_from_wire, timestamp_from_wire};
use contracts::google::r#type::Money as WireMoney;
use contracts::inventory::v1::{Allocation, Shortage, StockItem};
use contracts::orders::v1::RefundKind;
use contracts::payments::v1::PaymentMethod;
use contracts::payments::v1::payment_method::Method;
use contracts::shipping::v1::{ParcelFailure, ReceivedLine, ReturnCondition, ReturnParcelStatus, ShipmentLine};
use kernel::Timestamp;

use super::event::Event;

/// What an event says. None of an event that is unknown.
#[expect(clippy::too_many_lines, reason = "each event has its own words")]
pub(super) fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::CartCreated(e) => format!("the cart is opened, in {}", e.currency_code),
        Event::CartLineAdded(e) => {
            let line = e.line.clone().unwrap_or_default();
            format!("put into the cart: {}, now {} of it", line.sku, line.quantity)
        }
        Event::CartLineQuantitySet(e) => {
            let line = e.line.clone().unwrap_or_default();
            format!("set in the cart: {} {}", line.quantity, line.sku)
        }
        Event::CartLineRemoved(e) => format!("taken out of the cart: {}", e.sku),
        Event::CartCleared(_) => "the cart is emptied".to_owned(),
        Event::CheckoutSubmitted(e) => {
            let totals: Vec<_> = e.orders.iter().map(|order| money(order.total.as_ref())).collect();
            let orders = if totals.len() == 1 { "1 order".to_owned() } else { format!("{} orders", totals.len()) };
            format!("submitted: {orders}, {}, {}", totals.join(" and "), method(e.payment_method.as_ref()))
        }
        Event::OrderCreated(e) => {
            let lines = e.lines.iter().map(|line| (line.sku.as_str(), i64::from(line.quantity)));
            let deadline = clock(timestamp_from_wire("unpaid_deadline", e.unpaid_deadline.as_ref()));
            let from = match e.split_from_order_id.as_str() {
                "" => String::new(),
                order_id => format!(", split off order {order_id}"),
            };
            let for_goods = match e.payment_method.as_ref().and_then(|method| method.method.as_ref()) {
                Some(Method::Exchange(exchange)) => {
                    format!(", paid by refund {} of order {}", exchange.refund_number, exchange.order_id)
                }
                Some(Method::CardToken(_) | Method::CashOnDelivery(_)) | None => String::new(),
            };
            format!(
                "created: {} for {}{from}{for_goods}; to be paid by {deadline}",
                units(lines),
                money(e.total.as_ref())
            )
        }
        Event::OrderModified(e) => {
            let lines = e.lines.iter().map(|line| (line.sku.as_str(), i64::from(line.quantity)));
            let split_off: Vec<_> = e.split_off.iter().map(|part| part.order_id.as_str()).collect();
            let into =
                if split_off.is_empty() { String::new() } else { format!("; split off: {}", split_off.join(", ")) };
            format!("modified: {} for {} are left{into}{}", units(lines), money(e.total.as_ref()), note(&e.note))
        }
        Event::OrderBackordered(e) => {
            let until = clock(timestamp_from_wire("wait_until_time", e.wait_until_time.as_ref()));
            format!("waits for stock until {until}")
        }
        Event::OrderConfirmed(e) if e.cash_on_delivery => "confirmed; the goods may leave".to_owned(),
        Event::OrderConfirmed(_) => "confirmed".to_owned(),
        Event::OrderPaid(e) if e.shipping_instruction.is_some() => "paid; the goods may leave".to_owned(),
        Event::OrderPaid(_) => "paid".to_owned(),
        Event::OrderShipped(_) => "shipped: every parcel has left".to_owned(),
        Event::OrderDelivered(_) => "delivered: no parcel is on its way any more".to_owned(),
        Event::OrderFailed(e) if e.detail.is_empty() => format!("failed: {}", e.reason),
        Event::OrderFailed(e) => format!("failed: {}, {}", e.reason, e.detail),
        Event::OrderCancelled(e) => format!("cancelled: {}{}", e.reason, note(&e.note)),
        Event::OrderCancellationRequested(_) => "to be cancelled, if its parcels can be stopped".to_owned(),
        Event::RefundRequested(e) => {
            let lines = e.lines.iter().map(|line| (line.sku.as_str(), line.quantity));
            let what = if e.lines.is_empty() { String::new() } else { format!(" for {}", units(lines)) };
            let (number, amount) = (refund_number(e.refund_number), money(e.amount.as_ref()));
            format!("refund {number} asked for: {amount}{what}, {}{}", refund_kind(e.kind()), note(&e.note))
        }
        Event::RefundApproved(e) => {
            let for_order = match e.exchange_order_id.as_str() {
                "" => String::new(),
                order_id => format!(", to pay for order {order_id}"),
            };
            format!("refund {} granted: {}{for_order}", refund_number(e.refund_number), money(e.amount.as_ref()))
        }
        Event::RefundRejected(e) => format!("refund {} not granted: {}", refund_number(e.refund_number), e.reason),
        Event::RefundCompleted(e) => {
            let (amount, in_all) = (money(e.amount.as_ref()), money(e.refunded_amount.as_ref()));
            format!("refund {} done: {amount}; {in_all} in all", refund_number(e.refund_number))
        }
        Event::OrderRefunded(_) => "refunded: all that was paid is back".to_owned(),
        Event::OrderClosed(_) => "closed".to_owned(),
        Event::InventoryReserved(e) => {
            let until = clock(timestamp_from_wire("expire_time", e.expire_time.as_ref()));
            format!("reserved until {until}: {}", allocated(&e.allocations))
        }
        Event::ReservationModified(e) => {
            let how = if e.committed { "committed" } else { "reserved" };
            format!("{how} no longer: {}; left: {}", allocated(&e.released), allocated(&e.allocations))
        }
        Event::InventoryBackordered(e) => {
            let until = clock(timestamp_from_wire("wait_until_time", e.wait_until_time.as_ref()));
            format!("waits until {until}: {}", short(&e.shortages))
        }
        Event::InventoryRejected(e) => format!("nothing reserved: {}", short(&e.shortages)),
        Event::InventoryCommitted(e) => format!("committed: {}", allocated(&e.allocations)),
        Event::InventoryCommitRefused(e) => format!("not committed: {}", e.reason),
        Event::ReservationExpired(_) => "the reservation expired".to_owned(),
        Event::InventoryReleased(e) => {
            let part = if e.partial { ", and the rest stays the order's" } else { "" };
            format!("back on sale: {}{part}", allocated(&e.allocations))
        }
        Event::StockAdded(e) => stock(e.quantity, e.stock_item.as_ref(), "onto the stock", &e.reason),
        Event::StockRemoved(e) => stock(e.quantity, e.stock_item.as_ref(), "off the stock", ""),
        Event::StockWrittenOff(e) => stock(e.quantity, e.stock_item.as_ref(), "written off", &e.reason),
        Event::StockAdjusted(e) => stock(e.delta, e.stock_item.as_ref(), "the count is put right by", &e.reason),
        Event::OutOfStock(e) => format!("{} is out of stock", sku(e.stock_item.as_ref())),
        Event::BackInStock(e) => format!("{} is in stock again", sku(e.stock_item.as_ref())),
        Event::LowStock(e) => {
            format!("{} is running low: {} or fewer to be had", sku(e.stock_item.as_ref()), e.threshold)
        }
        Event::PaymentAuthorized(e) if e.cash_on_delivery => {
            format!("{} are to be collected at the door", money(e.amount.as_ref()))
        }
        Event::PaymentAuthorized(e) => format!("authorized: {} are held", money(e.amount.as_ref())),
        Event::PaymentDeclined(e) => format!("declined: {}", e.reason),
        Event::PaymentCaptured(e) => format!("captured: {}", money(e.amount.as_ref())),
        Event::CaptureFailed(e) => format!("not captured: {}", e.reason),
        Event::PaymentVoided(e) => format!("voided: {} are held no longer", money(e.amount.as_ref())),
        Event::PaymentRefunded(e) => {
            let why = match e.refund_number {
                0 => "because the order ended".to_owned(),
                number => format!("for refund {number}"),
            };
            let place = if e.to_credit { ", to the buyer's credit" } else { "" };
            let rest = if e.whole { ", and so all that was taken" } else { "" };
            format!("given back: {} {why}{place}{rest}", money(e.amount.as_ref()))
        }
        Event::RefundFailed(e) => {
            let why = match e.refund_number {
                0 => String::new(),
                number => format!(" for refund {number}"),
            };
            format!("the provider does not give back {}{why}: {}", money(e.amount.as_ref()), e.reason)
        }
        Event::ShipmentCreated(e) => format!("to be sent: {} in shipment {}", shipped(&e.lines), e.shipment_id),
        Event::ShipmentDispatched(e) => {
            let all = if e.order_dispatched { "; all of the order has left" } else { "" };
            let (lines, carrier, tracking) = (shipped(&e.lines), &e.carrier, &e.tracking_number);
            format!("left: {lines} in parcel {} with {carrier}, {tracking}{all}", e.parcel_id)
        }
        Event::ShipmentDelivered(e) => {
            let all = if e.order_delivered { "; nothing of the order is on its way any more" } else { "" };
            format!("delivered: parcel {}{all}", e.parcel_id)
        }
        Event::ShipmentFailed(e) => {
            let rest = match (e.order_failed, e.order_delivered) {
                (true, _) => "; nothing of the order arrives",
                (false, true) => "; all else was delivered",
                (false, false) => "",
            };
            format!("{}: {} in parcel {}{rest}", failure(e.failure()), shipped(&e.lines), e.parcel_id)
        }
        Event::ReturnLabelBought(e) => {
            let (number, carrier, tracking) = (e.refund_number, &e.carrier, &e.tracking_number);
            format!("a label for the way back, for refund {number}: {carrier}, {tracking}")
        }
        Event::ReturnParcelMoved(e) => {
            format!("what is sent back for refund {} {}", e.refund_number, way_back(e.status()))
        }
        Event::ReturnReceived(e) => {
            let why = match e.refund_number {
                0 => String::new(),
                number => format!(" for refund {number}"),
            };
            let rest = if e.complete { "; nothing more is awaited" } else { "; more is awaited" };
            format!("came back{why}: {}{rest}", received(&e.lines))
        }
        Event::CashCollected(e) => {
            format!("passed on by the carrier: {}, reference {}", money(e.amount.as_ref()), e.remittance_reference)
        }
        Event::ShipmentCancelled(e) => match &e.part {
            Some(part) => {
                let lines = units(part.lines.iter().map(|line| (line.sku.as_str(), line.quantity)));
                format!("stopped for refund {}: {lines} will not leave", e.refund_number)
            }
            None => "stopped: nothing has left, and nothing will".to_owned(),
        },
        Event::ShipmentCancelRefused(e) => format!("cannot be stopped: {}", e.reason),
        Event::Unknown => return None,
    })
}

/// An amount with its currency.
pub(super) fn money(amount: Option<&WireMoney>) -> String {
    money_from_wire("amount", amount).map_or_else(|_| "an unknown amount".to_owned(), |amount| amount.to_string())
}

/// That a buyer pays with cash.
pub(super) const IN_CASH: &str = "in cash at the door";

/// How a buyer pays.
pub(super) fn method(method: Option<&PaymentMethod>) -> &'static str {
    match method.and_then(|method| method.method.as_ref()) {
        Some(Method::CardToken(_)) => "by card",
        Some(Method::CashOnDelivery(_)) => IN_CASH,
        Some(Method::Exchange(_)) => "by what goes back for goods that came back",
        None => "in an unknown way",
    }
}

/// `2 CUP, 1 PAN`, each SKU once, from wherever its units are.
pub(super) fn units<'a>(lines: impl Iterator<Item = (&'a str, i64)>) -> String {
    let mut by_sku: BTreeMap<&str, i64> = BTreeMap::new();
    for (sku, quantity) in lines {
        *by_sku.entry(sku).or_default() += quantity;
    }
    by_sku.iter().map(|(sku, quantity)| format!("{quantity} {sku}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn shipped(lines: &[ShipmentLine]) -> String {
    units(lines.iter().map(|line| (line.sku.as_str(), line.quantity)))
}

/// The time of day of an instant from the wire, in UTC.
pub(super) fn clock(instant: Result<Timestamp, InvalidField>) -> String {
    instant.map_or_else(|_| "an unknown time".to_owned(), |instant| format!("{} UTC", &instant.to_string()[11..19]))
}

/// Facts of before there were several refunds do not number it: it was the first.
pub(super) fn refund_number(number: i32) -> i32 {
    number.max(1)
}

fn short(shortages: &[Shortage]) -> String {
    let short = |short: &Shortage| format!("{} {} wanted, {} to be had", short.requested, short.sku, short.available);
    shortages.iter().map(short).collect::<Vec<_>>().join("; ")
}

fn allocated(allocations: &[Allocation]) -> String {
    let units = units(allocations.iter().map(|held| (held.sku.as_str(), held.quantity)));
    let mut warehouses: Vec<_> = allocations.iter().map(|held| &held.warehouse_id).collect();
    warehouses.sort();
    warehouses.dedup();
    if warehouses.len() < 2 { units } else { format!("{units}, in {} warehouses", warehouses.len()) }
}

fn received(lines: &[ReceivedLine]) -> String {
    let line = |line: &ReceivedLine| {
        let condition = match line.condition() {
            ReturnCondition::Resalable => "as good as new",
            ReturnCondition::Damaged => "damaged",
            ReturnCondition::NotAccepted => "not accepted",
            ReturnCondition::Unspecified => "in an unknown condition",
        };
        format!("{} {} {condition}", line.quantity, line.sku)
    };
    lines.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn stock(quantity: i64, item: Option<&StockItem>, what: &str, reason: &str) -> String {
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let total = item.map_or_else(String::new, |item| format!("; {} on hand", item.total));
    format!("{what}: {quantity} {}{reason}{total}", sku(item))
}

fn sku(item: Option<&StockItem>) -> &str {
    item.map_or("an unknown SKU", |item| &item.sku)
}

fn refund_kind(kind: RefundKind) -> &'static str {
    match kind {
        RefundKind::Unspecified | RefundKind::BeforeDispatch => "before anything leaves",
        RefundKind::AfterReturn => "once it is sent back",
        RefundKind::ParcelFailed => "because its parcel failed",
        RefundKind::Goodwill => "as goodwill",
        RefundKind::Exchange => "once it is sent back, to be exchanged",
    }
}

fn failure(failure: ParcelFailure) -> &'static str {
    match failure {
        ParcelFailure::Lost => "lost",
        ParcelFailure::Refused => "refused at the door",
        ParcelFailure::ReturnedToSender => "returned to its sender",
        ParcelFailure::Unspecified => "not delivered",
    }
}

fn way_back(status: ReturnParcelStatus) -> &'static str {
    match status {
        ReturnParcelStatus::LabelBought => "has a label",
        ReturnParcelStatus::OnItsWay => "is on its way",
        ReturnParcelStatus::Lost => "is lost",
        ReturnParcelStatus::Arrived => "arrived at its warehouse",
        ReturnParcelStatus::Unspecified => "is somewhere",
    }
}

fn note(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(", \"{words}\"") }
}
