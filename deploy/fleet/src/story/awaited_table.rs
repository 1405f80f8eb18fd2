//! Tests: what is awaited after each fact of a journey, journey by journey.

use contracts::inventory::v1::{InventoryCommitted, InventoryReleased};
use contracts::orders::v1::{
    OrderCancelled, OrderClosed, OrderConfirmed, OrderDelivered, OrderFailed, OrderPaid, OrderRefunded, OrderShipped,
    RefundApproved, RefundCompleted, RefundKind, RefundLine, RefundRejected, RefundRequested,
};
use contracts::payments::v1::{PaymentAuthorized, PaymentCaptured, PaymentDeclined, PaymentRefunded, RefundFailed};
use contracts::shipping::v1::{
    CashCollected, ParcelFailure, ReturnReceived, ShipmentCancelRefused, ShipmentCancelled, ShipmentFailed,
    StoppedLine, StoppedPart,
};

use super::fixtures::{
    CARD, CASH, CHECKOUT, ORDER, created, delivered, dispatched, instruction, journey, line, reserved, shipment,
    submitted, usd,
};
use super::journey::{Journey, Operation};

fn refund(number: i32, kind: RefundKind, quantity: i64) -> RefundRequested {
    let lines = vec![RefundLine { sku: "CUP".to_owned(), quantity, ..Default::default() }];
    let lines = if quantity == 0 { Vec::new() } else { lines };
    RefundRequested { refund_number: number, kind: kind.into(), amount: usd(1_000), lines, ..Default::default() }
}

fn failed(parcel: &str, failure: ParcelFailure) -> ShipmentFailed {
    ShipmentFailed { parcel_id: parcel.to_owned(), failure: failure.into(), lines: vec![line(1)], ..Default::default() }
}

fn confirmed_in_cash() -> OrderConfirmed {
    OrderConfirmed { cash_on_delivery: true, shipping_instruction: instruction(), ..Default::default() }
}

/// What is awaited after each fact; where nothing is said, the same as before.
fn expect(journey: impl Fn(usize) -> Journey, awaited: &[&[&str]]) {
    for (n, expected) in awaited.iter().enumerate() {
        let story = journey(n).story(ORDER);
        let told: Vec<_> = story.awaited.iter().map(|awaited| format!("{} {}", awaited.from, awaited.what)).collect();
        assert_eq!(told, *expected, "after {}", story.in_a_line());
    }
}

/// The journey up to the fact of that number, from 0.
fn up_to(journey: Journey) -> impl Fn(usize) -> Journey {
    move |n| Journey { facts: journey.facts[..=n].to_vec(), operations: journey.operations.clone(), ..self::journey() }
}

const OR_CANCEL: &str = "orders to cancel the order if it is not confirmed by 09:16:00 UTC";
const CLOSE: &str = "orders to close the order when goods may be sent back no longer";

#[test]
fn of_an_order_paid_by_card_each_step_awaits_the_next() {
    let journey = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(1, ORDER, Some(1), created(CARD()))
        .note(2, ORDER, Some(2), reserved())
        .note(3, ORDER, Some(3), PaymentAuthorized::default())
        .note(4, ORDER, Some(4), InventoryCommitted::default())
        .note(5, ORDER, Some(5), OrderConfirmed::default())
        .note(6, ORDER, Some(6), PaymentCaptured::default())
        .note(7, ORDER, Some(7), OrderPaid { shipping_instruction: instruction(), ..Default::default() })
        .note(8, ORDER, Some(8), shipment())
        .note(9, ORDER, None, dispatched("P", 2, true))
        .note(10, ORDER, Some(10), OrderShipped::default())
        .note(11, ORDER, None, delivered("P", true))
        .note(12, ORDER, Some(12), OrderDelivered::default())
        .note(13, ORDER, None, OrderClosed::default());
    let carrier = "the carrier to deliver parcel P (DHL, JD1)";
    expect(
        up_to(journey),
        &[
            &["orders to create the order"],
            &["inventory to reserve the stock", OR_CANCEL],
            &["payments to have 23.79 USD authorized", OR_CANCEL],
            &["inventory to commit the stock", OR_CANCEL],
            &["orders to confirm the order", OR_CANCEL],
            &["payments to capture 23.79 USD"],
            &["orders to say that the order is paid"],
            &["shipping to create the shipments"],
            &["the seller to hand over 2 CUP of shipment S"],
            &[carrier, "orders to say that the order is shipped"],
            &[carrier],
            &["orders to say that the order is delivered"],
            &[CLOSE],
            &[],
        ],
    );
}

#[test]
fn of_an_order_paid_at_the_door_the_carrier_is_awaited_with_the_cash() {
    let journey = journey()
        .note(0, CHECKOUT, None, submitted(CASH()))
        .note(1, ORDER, Some(1), created(CASH()))
        .note(2, ORDER, Some(2), reserved())
        .note(3, ORDER, Some(3), PaymentAuthorized { cash_on_delivery: true, ..Default::default() })
        .note(4, ORDER, Some(4), InventoryCommitted::default())
        .note(5, ORDER, Some(5), confirmed_in_cash())
        .note(6, ORDER, Some(6), shipment())
        .note(7, ORDER, None, dispatched("P", 1, false))
        .note(8, ORDER, None, dispatched("Q", 1, true))
        .note(9, ORDER, Some(9), OrderShipped::default())
        .note(10, ORDER, None, failed("P", ParcelFailure::Refused))
        .note(11, ORDER, None, delivered("Q", true))
        .note(12, ORDER, Some(12), OrderDelivered::default())
        .note(13, ORDER, None, CashCollected::default())
        .note(14, ORDER, Some(14), PaymentCaptured::default())
        .note(15, ORDER, Some(15), OrderPaid::default())
        .note(16, ORDER, None, ReturnReceived { return_id: "R".to_owned(), complete: true, ..Default::default() });
    let [p, q] = ["the carrier to deliver parcel P (DHL, JD1)", "the carrier to deliver parcel Q (DHL, JD1)"];
    let back = "the warehouse to receive what comes back of a parcel that failed";
    expect(
        up_to(journey),
        &[
            &["orders to create the order"],
            &["inventory to reserve the stock", OR_CANCEL],
            &["payments to have 23.79 USD authorized", OR_CANCEL],
            &["inventory to commit the stock", OR_CANCEL],
            &["orders to confirm the order", OR_CANCEL],
            &["shipping to create the shipments"],
            &["the seller to hand over 2 CUP of shipment S"],
            &["the seller to hand over 1 CUP of shipment S", p],
            &[p, q, "orders to say that the order is shipped"],
            &[p, q],
            &[q, back],
            &["orders to say that the order is delivered", back],
            &["the carrier to pass on the cash", back],
            &["payments to take the cash in", back],
            &["orders to say that the order is paid", back],
            &[back],
            &[CLOSE],
        ],
    );
}

/// A paid order of which everything has left, or may leave.
fn paid(dispatched_too: bool) -> Journey {
    let paid = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(1, ORDER, Some(1), created(CARD()))
        .note(2, ORDER, Some(2), InventoryCommitted::default())
        .note(3, ORDER, Some(3), PaymentAuthorized::default())
        .note(4, ORDER, Some(4), OrderConfirmed::default())
        .note(5, ORDER, Some(5), PaymentCaptured::default())
        .note(6, ORDER, Some(6), OrderPaid { shipping_instruction: instruction(), ..Default::default() })
        .note(7, ORDER, Some(7), shipment());
    if dispatched_too {
        let paid = paid.note(8, ORDER, None, dispatched("P", 2, true)).note(9, ORDER, None, delivered("P", true));
        paid.note(10, ORDER, Some(10), OrderShipped::default()).note(11, ORDER, Some(10), OrderDelivered::default())
    } else {
        paid
    }
}

fn completed(number: i32) -> RefundCompleted {
    RefundCompleted { refund_number: number, ..Default::default() }
}

#[test]
fn refunds_await_goods_decisions_and_money_each_by_its_number() {
    let approved = |number| RefundApproved { refund_number: number, amount: usd(1_000), ..Default::default() };
    let given_back = |number, whole| PaymentRefunded { refund_number: number, whole, ..Default::default() };
    let refused = RefundFailed { refund_number: 2, reason: "ACCOUNT_CLOSED".to_owned(), ..Default::default() };
    let journey = paid(true)
        .note(20, ORDER, None, refund(1, RefundKind::Goodwill, 0))
        .note(21, ORDER, None, refund(2, RefundKind::AfterReturn, 1))
        .note(22, ORDER, Some(13), approved(1))
        .note(23, ORDER, Some(15), given_back(1, false))
        .note(24, ORDER, Some(16), completed(1))
        .note(25, ORDER, None, ReturnReceived { refund_number: 2, complete: true, ..Default::default() })
        .note(26, ORDER, Some(18), approved(2))
        .note(27, ORDER, Some(19), refused)
        .note(28, ORDER, Some(19), given_back(2, true))
        .note(29, ORDER, Some(21), completed(2))
        .note(30, ORDER, Some(21), OrderRefunded::default())
        .note(31, ORDER, None, OrderClosed::default());
    let back = "the warehouse to receive 1 CUP that the buyer sends back for refund 2";
    let up_to = up_to(journey);
    expect(
        |n| up_to(n + 12),
        &[
            &["orders to decide on refund 1"],
            &["orders to decide on refund 1", back],
            &["payments to give back 10.00 USD for refund 1", back],
            &["orders to say that refund 1 is done", back],
            &[back],
            &["orders to decide on refund 2"],
            &["payments to give back 10.00 USD for refund 2"],
            &["an operator to have refund 2 of 10.00 USD tried again: ACCOUNT_CLOSED"],
            &["orders to say that refund 2 is done"],
            &["orders to say that all of the money is back"],
            &["orders to close the order"],
            &[],
        ],
    );
}

#[test]
fn a_refund_before_dispatch_awaits_that_the_parcels_are_stopped() {
    let journey = paid(false)
        .note(20, ORDER, None, refund(0, RefundKind::Unspecified, 0))
        .note(21, ORDER, Some(9), ShipmentCancelled::default())
        .note(22, ORDER, Some(10), RefundApproved { amount: usd(2_379), ..Default::default() })
        .note(23, ORDER, Some(11), PaymentRefunded { refund_number: 1, whole: true, ..Default::default() })
        .note(24, ORDER, Some(12), completed(1))
        .note(25, ORDER, Some(12), InventoryReleased::default())
        .note(26, ORDER, Some(12), OrderRefunded::default());
    let up_to = up_to(journey);
    expect(
        |n| up_to(n + 8),
        &[
            &["shipping to stop the parcels, or to say that they have left"],
            &["orders to decide on refund 1"],
            &["payments to give back 23.79 USD for refund 1"],
            &["orders to say that refund 1 is done"],
            &["inventory to put back on sale what never left", "orders to say that all of the money is back"],
            &["orders to say that all of the money is back"],
            &["orders to close the order"],
        ],
    );
}

#[test]
fn a_part_that_is_asked_back_awaits_that_it_is_stopped_and_the_rest_is_handed_over() {
    let part = |order_dispatched| {
        let lines = vec![StoppedLine { sku: "CUP".to_owned(), quantity: 1, ..Default::default() }];
        let part = Some(StoppedPart { lines, order_dispatched, ..Default::default() });
        ShipmentCancelled { refund_number: 1, part, ..Default::default() }
    };
    let journey = paid(false)
        .note(20, ORDER, None, refund(1, RefundKind::BeforeDispatch, 1))
        .note(21, ORDER, Some(9), part(false))
        .note(22, ORDER, Some(10), RefundApproved { refund_number: 1, amount: usd(1_000), ..Default::default() })
        .note(23, ORDER, Some(10), InventoryReleased { partial: true, ..Default::default() })
        .note(24, ORDER, Some(11), PaymentRefunded { refund_number: 1, ..Default::default() })
        .note(25, ORDER, Some(13), completed(1))
        .note(26, ORDER, None, refund(2, RefundKind::BeforeDispatch, 1))
        .note(27, ORDER, None, dispatched("P", 1, true))
        .note(28, ORDER, Some(15), ShipmentCancelRefused { refund_number: 2, ..Default::default() })
        .note(29, ORDER, Some(17), RefundRejected { refund_number: 2, ..Default::default() });
    let [two, one] = ["the seller to hand over 2 CUP of shipment S", "the seller to hand over 1 CUP of shipment S"];
    let stop = |number| format!("shipping to stop 1 CUP for refund {number}, or to say that too much has left");
    let (first, second) = (stop(1), stop(2));
    let (give_back, carrier) =
        ("payments to give back 10.00 USD for refund 1", "the carrier to deliver parcel P (DHL, JD1)");
    let shipped = "orders to say that the order is shipped";
    let up_to = up_to(journey);
    expect(
        |n| up_to(n + 8),
        &[
            &[two, &first],
            &[one, "orders to decide on refund 1"],
            &[one, give_back],
            &[one, give_back],
            &[one, "orders to say that refund 1 is done"],
            &[one],
            &[one, &second],
            &[carrier, shipped, &second],
            &[carrier, shipped, "orders to decide on refund 2"],
            &[carrier, shipped],
        ],
    );
}

#[test]
fn an_order_that_ended_awaits_what_gives_back_stock_and_money() {
    let up_to_end = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(1, ORDER, Some(1), created(CARD()))
        .note(2, ORDER, Some(2), reserved())
        .note(3, ORDER, Some(3), PaymentDeclined::default())
        .note(4, ORDER, Some(4), OrderFailed::default())
        .note(5, ORDER, Some(5), InventoryReleased::default());
    let up_to_end = up_to(up_to_end);
    expect(
        |n| up_to_end(n + 3),
        &[&["orders to say that the order cannot be had"], &["inventory to put the stock back on sale"], &[]],
    );

    let captured = paid(false)
        .note(20, ORDER, None, OrderCancelled::default())
        .note(21, ORDER, Some(9), InventoryReleased::default())
        .note(22, ORDER, Some(9), RefundFailed { reason: "ACCOUNT_CLOSED".to_owned(), ..Default::default() })
        .note(23, ORDER, Some(9), PaymentRefunded::default());
    let captured = up_to(captured);
    let money = "payments to give back what was captured";
    let again = "an operator to have the refund of what was captured tried again: ACCOUNT_CLOSED";
    expect(|n| captured(n + 8), &[&["inventory to put the stock back on sale", money], &[money], &[again], &[]]);
}

#[test]
fn once_the_provider_was_asked_its_answer_is_awaited_or_an_operator() {
    let asked = |kind: &str, status: &str, reason: Option<&str>| Operation {
        order_id: ORDER,
        kind: kind.to_owned(),
        number: 1,
        status: status.to_owned(),
        attempts: 3,
        reason: reason.map(str::to_owned),
    };
    let authorizing = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(1, ORDER, Some(1), created(CARD()))
        .note(2, ORDER, Some(2), reserved());
    let authorizing = Journey { operations: vec![asked("authorize", "pending", None)], ..authorizing };
    expect(
        |_| same(&authorizing),
        &[&[OR_CANCEL, "the payment provider to answer to the authorization, asked so far: 3"]],
    );

    let approved = RefundApproved { refund_number: 1, amount: usd(1_000), ..Default::default() };
    let refunding =
        paid(true).note(20, ORDER, None, refund(1, RefundKind::Goodwill, 0)).note(21, ORDER, Some(13), approved);
    let refunding = Journey { operations: vec![asked("refund", "pending", None)], ..refunding };
    expect(|_| same(&refunding), &[&["the payment provider to answer to refund 1, asked so far: 3"]]);

    let cancelled = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(1, ORDER, Some(1), created(CARD()))
        .note(2, ORDER, Some(2), PaymentAuthorized::default())
        .note(3, ORDER, None, OrderCancelled::default());
    let cancelled = Journey { operations: vec![asked("void", "declined", Some("TOO_LATE"))], ..cancelled };
    expect(|_| same(&cancelled), &[&["an operator to settle that the provider refused the void: TOO_LATE"]]);
}

/// A copy.
fn same(journey: &Journey) -> Journey {
    Journey { facts: journey.facts.clone(), operations: journey.operations.clone(), ..self::journey() }
}
