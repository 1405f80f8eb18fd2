use contracts::inventory::v1::{InventoryCommitted, OutOfStock, StockItem, StockRemoved};
use contracts::orders::v1::{OrderCancelled, OrderClosed, OrderConfirmed, OrderCreated, OrderFailed, OrderPaid};
use contracts::payments::v1::{PaymentAuthorized, PaymentCaptured};

use super::event::Event;
use super::fixtures::{
    BUYER, CARD, CHECKOUT, ORDER, SIBLING, STOCK, at, created, delivered, dispatched, event_id, held, instruction,
    journey, reserved, shipment, submitted, usd, uuid,
};
use super::journey::{Parked, Unpublished};
use super::words::words;

#[test]
fn every_event_that_an_order_may_meet_is_told_in_words() {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../libs/contracts/fixtures");
    for event_type in contracts::event::all_types() {
        let payload = std::fs::read(fixtures.join(format!("{event_type}.bin"))).unwrap();
        let told = words(&Event::read(&event_type, &payload).unwrap());
        let is_of_no_order =
            ["tradewind.products.", ".SubmittedOrder", ".Transfer"].iter().any(|part| event_type.contains(part));
        assert_eq!(told.is_none(), is_of_no_order, "{event_type}: {told:?}");
    }
}

#[test]
fn a_story_tells_what_happened_why_what_is_awaited_and_what_is_stuck() {
    let item = |total| Some(StockItem { sku: "CUP".to_owned(), total, ..Default::default() });
    let mut journey = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(31, ORDER, Some(1), created(CARD()))
        .note(31, SIBLING, Some(1), OrderCreated { order_id: SIBLING.to_string(), ..created(CARD()) })
        // The clock of this replica is behind.
        .note(25, ORDER, Some(2), reserved())
        .note(26, STOCK, Some(2), OutOfStock { stock_item: item(2) })
        .note(60, ORDER, Some(4), PaymentAuthorized { amount: usd(2_379), ..Default::default() })
        .note(75, ORDER, Some(6), InventoryCommitted { allocations: held(), ..Default::default() })
        .note(90, ORDER, Some(7), OrderConfirmed::default())
        .note(130, ORDER, Some(8), PaymentCaptured { amount: usd(2_379), ..Default::default() })
        .note(145, ORDER, Some(9), OrderPaid { shipping_instruction: instruction(), ..Default::default() })
        .note(99, SIBLING, Some(3), OrderFailed { reason: "OUT_OF_STOCK".to_owned(), ..Default::default() })
        .note(160, ORDER, Some(10), shipment())
        .note(3_725_004, ORDER, None, dispatched("P", 1, false))
        .note(3_725_019, STOCK, Some(13), StockRemoved { quantity: 1, stock_item: item(1), ..Default::default() })
        .note(90_061_001, ORDER, Some(99), delivered("P", false));
    journey.facts[12].actor = "operator:ada\u{1b}[2J".to_owned();
    journey.parked = vec![
        parked(13, "parked", None, None),
        parked(14, "skipped", Some("ada"), Some("sent twice")),
        parked(3, "parked", None, None),
    ];
    journey.unpublished = vec![unpublished(15, None, false), unpublished(13, Some("too large"), true)];

    assert_eq!(
        journey.story(ORDER).to_string(),
        "\
Order 01890a5d-ac96-774b-bcce-b302099a0002: PAID, 23.79 USD, by card
Checkout 01890a5d-ac96-774b-bcce-b302099a0001, submitted 2026-03-01 09:00:00 UTC
Order 01890a5d-ac96-774b-bcce-b302099a0003 of the same checkout: FAILED, 5.00 USD

 #             time  service    because of             what happened
 1            0.000  checkout   the buyer              submitted: 2 orders, 23.79 USD and 5.00 USD, by card
 2            0.031  orders     #1                     created: 2 CUP for 23.79 USD; to be paid by 09:16:00 UTC
 3            0.025  inventory  #2                     reserved until 09:15:00 UTC: 2 CUP
 4            0.026  inventory  #2                     CUP is out of stock
 5            0.060  payments   #3                     authorized: 23.79 USD are held
 6            0.075  inventory  #5                     committed: 2 CUP
 7            0.090  orders     #6                     confirmed
 8            0.130  payments   #7                     captured: 23.79 USD
 9            0.145  orders     #8                     paid; the goods may leave
10            0.160  shipping   #9                     to be sent: 2 CUP in shipment S
11      1:02:05.004  shipping   operator ada\\u{1b}[2J  left: 1 CUP in parcel P with DHL, JD1
12      1:02:05.019  inventory  #11                    off the stock: 1 CUP; 1 on hand
13  1d 01:01:01.001  shipping   event ..b302099a0163   delivered: parcel P

Awaited now:
  the seller  to hand over 1 CUP of shipment S

Parked:
  shipping  #11 ShipmentDispatched, since 2026-03-01 09:00:07 UTC: failed: no such column
    fleet operate shipping parked show 7
  shipping  #12 ShipmentDispatched, since 2026-03-01 09:00:07 UTC: failed: no such column
    skipped by ada: sent twice

Not known to be published:
  shipping  #13 ShipmentDelivered, since 2026-03-01 09:00:06 UTC
  shipping  #11 ShipmentDelivered, since 2026-03-01 09:00:06 UTC; held back after 10 tries: too large
    fleet operate shipping outbox release 9
"
    );
}

#[test]
fn of_a_checkout_each_order_has_a_story_without_the_facts_of_the_others() {
    let journey = journey()
        .note(0, CHECKOUT, None, submitted(CARD()))
        .note(31, SIBLING, Some(1), OrderCreated::default())
        .note(31, ORDER, Some(1), OrderCreated::default())
        .note(40, ORDER, Some(3), OrderCancelled::default())
        .note(50, STOCK, Some(2), OutOfStock::default());
    let lines = |id| journey.stories(id).iter().map(super::Story::in_a_line).collect::<Vec<_>>();
    let [one, other] = [
        "0 CheckoutSubmitted > 31 OrderCreated > 40 OrderCancelled ms",
        "0 CheckoutSubmitted > 31 OrderCreated > 50 OutOfStock ms",
    ];
    assert_eq!(lines(CHECKOUT), [one, other]);
    assert_eq!(lines(ORDER), [one]);
    assert_eq!(lines(SIBLING), [other]);
    assert_eq!(lines(BUYER), [""; 0]);
}

#[test]
fn a_story_in_json_has_payloads_and_causes() {
    let journey = journey().note(0, CHECKOUT, None, submitted(CARD())).note(31, ORDER, Some(1), created(CARD()));
    let story = serde_json::to_value(journey.story(ORDER)).unwrap();
    assert_eq!(story["siblings"][0]["order_id"], SIBLING.to_string());
    assert_eq!(story["facts"][0]["because"]["actor"], format!("buyer:{BUYER}"));
    assert_eq!(story["facts"][1]["because"]["fact"], 1);
    assert_eq!(story["facts"][1]["after_micros"], 31_000);
    assert_eq!(story["facts"][1]["payload"]["lines"][0]["sku"], "CUP");
    assert_eq!(story["awaited"][0]["from"], "inventory");
}

#[test]
fn a_payload_that_cannot_be_read_is_said_to_be_so() {
    let mut journey =
        journey().note(0, ORDER, None, OrderPaid::default()).note(1, ORDER, Some(1), OrderClosed::default());
    journey.facts[0].payload = vec![0xff];
    journey.facts[1].event_type = "tradewind.orders.v1.OrderFramed".to_owned();
    let story = journey.story(ORDER).to_string();
    assert!(story.contains("OrderPaid cannot be read: "), "{story}");
    assert!(story.contains("  OrderFramed\n"), "{story}");
}

fn parked(fact: u16, state: &str, by: Option<&str>, why: Option<&str>) -> Parked {
    Parked {
        service: "shipping".to_owned(),
        id: 7,
        event_id: event_id(fact),
        event_type: "tradewind.shipping.v1.ShipmentDispatched".to_owned(),
        aggregate_id: uuid(9),
        reason: "failed: no such column".to_owned(),
        since: at(7_000),
        state: state.to_owned(),
        resolved_by: by.map(str::to_owned),
        resolution: why.map(str::to_owned),
    }
}

fn unpublished(fact: u16, error: Option<&str>, held_back: bool) -> Unpublished {
    Unpublished {
        service: "shipping".to_owned(),
        id: 9,
        event_id: event_id(fact),
        event_type: "tradewind.shipping.v1.ShipmentDelivered".to_owned(),
        aggregate_id: ORDER,
        since: at(6_000),
        attempts: 10,
        last_error: error.map(str::to_owned),
        held_back,
    }
}
