use std::time::Duration;

use super::*;
use crate::domain::fixtures::{NOON, cash_on_delivery, euro, order_id, snapshot};
use crate::domain::order::{Cancellation, Wanted};
use crate::domain::policy::Policy;
use crate::domain::refund::{Counting, Refund, RefundKind, RefundStatus};
use crate::domain::status::{CancelReason, FailureReason, PaymentStatus};

const POLICY: Policy = Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::from_hours(24 * 30) };
const TOTAL_CENTS: i64 = 3_465;

fn order(status: Status, payment: PaymentStatus, fulfilment: FulfilmentStatus) -> Order {
    let (mut order, _) = Order::create(&snapshot(order_id(5)), None, &POLICY, NOON);
    order.standing = Standing { status, payment, fulfilment };
    order
}

fn paid(fulfilment: FulfilmentStatus) -> Order {
    let paid = order(Status::Paid, PaymentStatus::Captured, fulfilment);
    Order { captured: Some(euro(TOTAL_CENTS)), ..paid }
}

fn with_refund(mut order: Order, status: RefundStatus, cents: i64) -> Order {
    let (kind, amount, lines) = (RefundKind::BeforeDispatch, euro(cents), Vec::new());
    let (parcel_id, reason, exchange_order_id) = (None, None, None);
    order.refunds.push(Refund { number: 1, kind, status, amount, lines, parcel_id, reason, exchange_order_id });
    order
}

fn payment(holds: MoneyHeld, captured: i64, refunded: i64) -> PaymentSeen {
    PaymentSeen { holds, captured: euro(captured), refunded: euro(refunded), changed_at: NOON }
}

fn found(
    order: Option<&Order>,
    payment: Option<PaymentSeen>,
    stock: Option<StockSeen>,
) -> Vec<(DifferenceKind, Option<Remedy>)> {
    let differences = compare(order, payment.as_ref(), stock, NOON);
    differences.into_iter().map(|difference| (difference.kind, difference.remedy)).collect()
}

const RESERVED: Option<StockSeen> = Some(StockSeen::Reserved);
const COMMITTED: Option<StockSeen> = Some(StockSeen::Committed { is_here: true });
const SENT: Option<StockSeen> = Some(StockSeen::Committed { is_here: false });
const NOT_HELD: Option<StockSeen> = Some(StockSeen::NotHeld);

/// What is compared, and what is found.
type Case<'a> = (Option<&'a Order>, Option<PaymentSeen>, Option<StockSeen>, Vec<(DifferenceKind, Option<Remedy>)>);

#[test]
fn each_difference_is_found_and_has_its_remedy() {
    use DifferenceKind::{
        ConfirmedWithoutStock, PaidWithoutMoney, PaymentHeldForEndedOrder, RefundTotalsDiffer, ReservationWithoutOrder,
        StockHeldForEndedOrder,
    };
    use FulfilmentStatus::{Allocated, Delivered, Failed, PartlyShipped, Released, Shipped, Unallocated};
    let cancelled = order(Status::Cancelled(CancelReason::Unpaid), PaymentStatus::Authorized, Unallocated);
    let failed = order(Status::Failed(FailureReason::OutOfStock), PaymentStatus::Unpaid, Unallocated);
    let created = order(Status::Created, PaymentStatus::Unpaid, Unallocated);
    let confirmed = order(Status::Confirmed, PaymentStatus::Authorized, Allocated);
    let refunded = with_refund(
        Order { captured: Some(euro(TOTAL_CENTS)), ..order(Status::Refunded, PaymentStatus::Refunded, Allocated) },
        RefundStatus::Refunded,
        TOTAL_CENTS,
    );
    let closed = order(Status::Closed, PaymentStatus::Captured, Delivered);
    let not_arrived = order(Status::Cancelled(CancelReason::DeliveryFailed), PaymentStatus::Voided, Failed);
    let cancellation = Cancellation { reason: CancelReason::ByBuyer, note: String::new() };
    let to_be_cancelled = Order { cancellation: Some(cancellation), ..confirmed.clone() };
    let paid_allocated = paid(Allocated);
    let paid_partly_shipped = paid(PartlyShipped);
    let paid_delivered = paid(Delivered);
    let paid_released = paid(Released);
    let paid_shipped = paid(Shipped);
    let asked = with_refund(paid(Allocated), RefundStatus::Requested, TOTAL_CENTS);
    let granted = with_refund(paid(Allocated), RefundStatus::Approved, TOTAL_CENTS);
    let partly = with_refund(paid(Delivered), RefundStatus::Refunded, 500);

    let nothing = Some(payment(MoneyHeld::Nothing, 0, 0));
    let authorized = Some(payment(MoneyHeld::Authorization, 0, 0));
    let set_aside = Some(payment(MoneyHeld::SetAside, 0, 0));
    let being_asked = Some(payment(MoneyHeld::Asked, 0, 0));
    let captured = Some(payment(MoneyHeld::Captured, TOTAL_CENTS, 0));
    let given_back = Some(payment(MoneyHeld::Nothing, TOTAL_CENTS, TOTAL_CENTS));
    let partly_back = Some(payment(MoneyHeld::Captured, TOTAL_CENTS, 500));

    let undo = (PaymentHeldForEndedOrder, Some(Remedy::UndoPayment));
    let release = (StockHeldForEndedOrder, Some(Remedy::ReleaseReservation));
    let told = |kind| (kind, None);
    let cases: Vec<Case<'_>> = vec![
        // As it should be.
        (Some(&created), None, None, vec![]),
        (Some(&created), being_asked, RESERVED, vec![]),
        (Some(&confirmed), authorized, COMMITTED, vec![]),
        (Some(&confirmed), being_asked, COMMITTED, vec![]),
        (Some(&paid_allocated), captured, COMMITTED, vec![]),
        (Some(&paid_partly_shipped), captured, COMMITTED, vec![]),
        (Some(&paid_delivered), captured, SENT, vec![]),
        (Some(&partly), partly_back, SENT, vec![]),
        (Some(&closed), captured, SENT, vec![]),
        (Some(&refunded), given_back, NOT_HELD, vec![]),
        (Some(&failed), nothing, NOT_HELD, vec![]),
        (Some(&failed), None, None, vec![]),
        (Some(&cancelled), nothing, NOT_HELD, vec![]),
        (Some(&cancelled), given_back, NOT_HELD, vec![]),
        (None, None, None, vec![]),
        (None, None, NOT_HELD, vec![]),
        (None, captured, SENT, vec![]),
        // What is set aside is there from the beginning, and goes back with the end.
        (Some(&created), set_aside, RESERVED, vec![]),
        (Some(&failed), set_aside, NOT_HELD, vec![undo]),
        // Money of an order that has ended; what the provider is being asked ends by itself.
        (Some(&cancelled), being_asked, NOT_HELD, vec![]),
        (Some(&cancelled), authorized, NOT_HELD, vec![undo]),
        (Some(&failed), captured, None, vec![undo]),
        // Stock of an order that is over, or never was.
        (Some(&cancelled), nothing, RESERVED, vec![release]),
        (Some(&failed), authorized, COMMITTED, vec![undo, release]),
        (Some(&cancelled), nothing, SENT, vec![]),
        (Some(&refunded), given_back, COMMITTED, vec![release]),
        (Some(&closed), captured, COMMITTED, vec![told(StockHeldForEndedOrder)]),
        (Some(&not_arrived), nothing, COMMITTED, vec![told(StockHeldForEndedOrder)]),
        (Some(&to_be_cancelled), authorized, NOT_HELD, vec![]),
        (None, None, RESERVED, vec![(ReservationWithoutOrder, Some(Remedy::ReleaseReservation))]),
        (None, None, COMMITTED, vec![(ReservationWithoutOrder, Some(Remedy::ReleaseReservation))]),
        // An order without its stock.
        (Some(&confirmed), authorized, NOT_HELD, vec![(ConfirmedWithoutStock, Some(Remedy::CancelOrder))]),
        (Some(&confirmed), authorized, RESERVED, vec![(ConfirmedWithoutStock, Some(Remedy::CancelOrder))]),
        (Some(&paid_allocated), captured, None, vec![(ConfirmedWithoutStock, Some(Remedy::RequestRefund))]),
        (Some(&asked), captured, NOT_HELD, vec![]),
        (Some(&granted), captured, NOT_HELD, vec![]),
        (Some(&paid_released), captured, NOT_HELD, vec![]),
        (Some(&paid_shipped), captured, NOT_HELD, vec![]),
        // Money that is not where orders believes it to be.
        (Some(&paid_delivered), authorized, SENT, vec![told(PaidWithoutMoney)]),
        (Some(&paid_delivered), None, SENT, vec![told(PaidWithoutMoney)]),
        (Some(&paid_delivered), partly_back, SENT, vec![told(RefundTotalsDiffer)]),
        (Some(&partly), captured, SENT, vec![told(RefundTotalsDiffer)]),
        (Some(&refunded), partly_back, NOT_HELD, vec![told(RefundTotalsDiffer)]),
    ];
    for (order, payment, stock, expected) in cases {
        assert_eq!(found(order, payment, stock), expected, "{:?}, {payment:?}, {stock:?}", order.map(|o| o.standing));
    }
}

#[test]
fn what_payments_gave_back_a_moment_ago_is_not_counted_yet() {
    let order = paid(FulfilmentStatus::Delivered);
    let moved =
        PaymentSeen { changed_at: NOON + Duration::from_micros(1), ..payment(MoneyHeld::Captured, TOTAL_CENTS, 500) };
    assert_eq!(found(Some(&order), Some(moved), SENT), []);
}

#[test]
fn cash_that_does_not_come_because_parcels_failed_is_no_difference() {
    let (mut order, _) = Order::create(&cash_on_delivery(order_id(5)), None, &POLICY, NOON);
    order.standing =
        Standing { status: Status::Paid, payment: PaymentStatus::Captured, fulfilment: FulfilmentStatus::Delivered };
    let order = Order { captured: Some(euro(2_965)), ..with_refund(order, RefundStatus::Waived, 500) };
    assert_eq!(found(Some(&order), Some(payment(MoneyHeld::Captured, 2_965, 0)), SENT), []);
}

#[test]
fn a_kind_reads_back_from_its_name() {
    for kind in DifferenceKind::ALL {
        assert_eq!(DifferenceKind::from_name(kind.as_str()), Some(kind));
    }
    assert_eq!(DifferenceKind::from_name("CAPTURED_TWICE"), None);
}

#[test]
fn stock_is_missed_of_an_order_of_which_a_part_is_stopped_and_not_of_one_that_is_stopped_part_by_part() {
    let part = |order: &mut Order, lines: &[(&str, i64)]| {
        let units = lines.iter().map(|(sku, units)| (sku.parse().unwrap(), *units)).collect();
        let lines = order.price(&units, Counting::Asked).unwrap();
        let (kind, amount) = (RefundKind::BeforeDispatch, order.worth(&lines, Counting::Asked));
        order.request_refund(Wanted::new(kind, amount, lines), "");
    };
    let mut order = paid(FulfilmentStatus::Allocated);
    let captured = Some(payment(MoneyHeld::Captured, TOTAL_CENTS, 0));
    part(&mut order, &[("MUG-BLUE", 2)]);
    let missed = (DifferenceKind::ConfirmedWithoutStock, Some(Remedy::RequestRefund));
    assert_eq!(found(Some(&order), captured, NOT_HELD), [missed]);
    // Inventory may have heard before us that both are stopped.
    part(&mut order, &[("SPOON", 1)]);
    assert_eq!(found(Some(&order), captured, NOT_HELD), []);
}
