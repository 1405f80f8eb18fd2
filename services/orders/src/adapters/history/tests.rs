use contracts::event::all_types;

use super::*;
use crate::adapters::events::encode;
use crate::domain::event::Event;
use crate::domain::fixtures::{NOON, cash_on_delivery, order_id, snapshot, terms};
use crate::domain::ids::{CheckoutId, OrderId};
use crate::domain::refund::{Refund, RefundKind, RefundStatus, Rejection};
use crate::domain::snapshot::Snapshot;
use crate::domain::status::{CancelReason, FailureReason};

fn record(event: &Event) -> Record {
    let outgoing = encode(event);
    Record {
        aggregate_id: outgoing.aggregate_id,
        version: 1,
        event_id: outgoing.aggregate_id,
        aggregate_type: outgoing.aggregate_type.to_owned(),
        event_type: outgoing.event_type,
        payload: outgoing.payload,
        correlation_id: outgoing.aggregate_id,
        causation_id: None,
        actor: "service:orders".to_owned(),
        traceparent: None,
        occurred_at: NOON,
        previous_hash: [0; 32],
        hash: [0; 32],
    }
}

fn created(agreed: &Snapshot) -> Event {
    Event::Created { snapshot: Box::new(agreed.clone()), unpaid_deadline: NOON, split_from: None }
}

fn ids() -> (OrderId, CheckoutId) {
    let terms = terms(order_id(5));
    (terms.order_id, terms.checkout_id)
}

#[test]
fn what_was_agreed_reads_back_from_the_history_with_the_same_hash() {
    for agreed in [snapshot(order_id(5)), cash_on_delivery(order_id(6))] {
        let left = agreed.terms().with_units_left(&[("SPOON".parse().unwrap(), 0)].into()).unwrap();
        let created = record(&created(&agreed));
        let modified = Event::Modified {
            snapshot: Box::new(left.clone()),
            terms_version: 2,
            split_off: Vec::new(),
            note: String::new(),
        };
        let (versions, unpaid_deadline) = agreements(&[created, record(&modified)]).unwrap();
        assert_eq!(unpaid_deadline, NOON);
        for ((terms, stated_hash), agreed) in versions.iter().zip([agreed, left]) {
            assert_eq!(terms, agreed.terms());
            assert_eq!(terms.hash().to_string(), *stated_hash);
        }
        assert_eq!(versions.len(), 2);
    }
}

#[test]
fn the_status_after_each_entry_reads_back_with_its_reason() {
    let (order_id, checkout_id) = ids();
    assert_eq!(status_after(&record(&created(&snapshot(order_id)))), Ok(Status::Created));
    let confirmed = Event::Confirmed { order_id, checkout_id, cash_on_delivery: true, shipping_instruction: None };
    for (event, status) in [
        (confirmed, Status::Confirmed),
        (Event::Paid { order_id, checkout_id, shipping_instruction: None }, Status::Paid),
        (Event::Shipped { order_id, checkout_id }, Status::Shipped),
        (Event::Delivered { order_id, checkout_id }, Status::Delivered),
        (Event::Refunded { order_id, checkout_id }, Status::Refunded),
    ] {
        assert_eq!(status_after(&record(&event)), Ok(status));
    }
    for reason in FailureReason::ALL {
        let failed = Event::Failed { order_id, checkout_id, reason, detail: String::new() };
        assert_eq!(status_after(&record(&failed)), Ok(Status::Failed(reason)));
    }
    for reason in CancelReason::ALL {
        let cancelled = Event::Cancelled { order_id, checkout_id, reason, note: String::new() };
        assert_eq!(status_after(&record(&cancelled)), Ok(Status::Cancelled(reason)));
    }
}

#[test]
fn every_event_of_ours_in_the_contract_is_a_step_of_an_order_or_leaves_it_where_it_is() {
    let ours = all_types().into_iter().filter(|event_type| event_type.starts_with("tradewind.orders.v1."));
    for event_type in ours {
        assert!(milestone_after(&event_type).is_some() != leaves_status(&event_type), "{event_type}");
    }
}

#[test]
fn what_is_asked_for_in_between_leaves_the_status_as_it_is() {
    use Milestone::{Confirmed, Created, Paid, Shipped};

    let (order_id, checkout_id) = ids();
    let amount = terms(order_id).total;
    let (kind, status) = (RefundKind::BeforeDispatch, RefundStatus::Requested);
    let (lines, parcel_id, reason, exchange_order_id) = (Vec::new(), None, None, None);
    let refund = Refund { number: 1, kind, status, amount, lines, parcel_id, reason, exchange_order_id };
    let history: Vec<_> = [
        created(&snapshot(order_id)),
        Event::Confirmed { order_id, checkout_id, cash_on_delivery: false, shipping_instruction: None },
        Event::Paid { order_id, checkout_id, shipping_instruction: None },
        Event::RefundRequested { order_id, checkout_id, refund, note: String::new() },
        Event::Shipped { order_id, checkout_id },
        Event::RefundRejected { order_id, checkout_id, number: 1, reason: Rejection::AlreadyDispatched },
    ]
    .iter()
    .map(record)
    .collect();
    assert_eq!(milestones(&history), [Created, Confirmed, Paid, Paid, Shipped, Shipped].map(Some));
    assert_eq!(status_of(&history), Ok(Status::Shipped));
}
