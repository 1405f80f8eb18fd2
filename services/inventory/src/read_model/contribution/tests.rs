use contracts::inventory::v1::{self as wire, Transfer};
use kernel::Timestamp;
use prost::{Message, Name};

use super::*;

const SELLER: Uuid = Uuid::from_u128(0x5E11);
const MAIN: Uuid = Uuid::from_u128(0xB001);
const SECOND: Uuid = Uuid::from_u128(0xB002);

/// A fact whose version is to be set.
fn fact<E: Message + Name>(message: &E) -> Record {
    Record {
        aggregate_id: Uuid::nil(),
        version: 0,
        event_id: Uuid::nil(),
        aggregate_type: String::new(),
        event_type: E::full_name(),
        payload: message.encode_to_vec(),
        correlation_id: Uuid::nil(),
        causation_id: None,
        actor: String::new(),
        traceparent: None,
        occurred_at: Timestamp::MIN,
        previous_hash: [0; 32],
        hash: [0; 32],
    }
}

fn history(facts: &[Record]) -> Vec<Record> {
    let numbered = |(fact, version): (&Record, i64)| Record { version, ..fact.clone() };
    facts.iter().zip(1..).map(numbered).collect()
}

fn folded(facts: &[Record]) -> Vec<(Uuid, String, Share)> {
    let mut contribution = Contribution::default();
    contribution.fold(&history(facts)).unwrap();
    assert_eq!(contribution.version, facts.len() as i64);
    contribution.shares.into_iter().map(|(place, share)| (place.warehouse_id, place.sku, share)).collect()
}

fn cups() -> wire::StockItem {
    let (sku, warehouse_id, seller_id) = ("CUP".to_owned(), MAIN.to_string(), SELLER.to_string());
    wire::StockItem { sku, warehouse_id, seller_id, ..wire::StockItem::default() }
}

fn added(quantity: i64) -> Record {
    fact(&wire::StockAdded { stock_item: Some(cups()), quantity, ..wire::StockAdded::default() })
}

fn adjusted(delta: i64) -> Record {
    fact(&wire::StockAdjusted { stock_item: Some(cups()), delta, ..wire::StockAdjusted::default() })
}

fn written_off(quantity: i64, order_id: &str) -> Record {
    let order_id = order_id.to_owned();
    fact(&wire::StockWrittenOff { stock_item: Some(cups()), quantity, reason: String::new(), order_id })
}

fn removed(quantity: i64) -> Record {
    fact(&wire::StockRemoved { stock_item: Some(cups()), quantity, order_id: String::new() })
}

fn held(cups: i64, pots: i64) -> Vec<wire::Allocation> {
    let of = |sku: &str, warehouse: Uuid, quantity| {
        let (sku, warehouse_id) = (sku.to_owned(), warehouse.to_string());
        (quantity > 0).then_some(wire::Allocation { sku, warehouse_id, quantity })
    };
    [of("CUP", MAIN, cups), of("POT", SECOND, pots)].into_iter().flatten().collect()
}

fn reserved(cups: i64, pots: i64) -> Record {
    let allocations = held(cups, pots);
    fact(&wire::InventoryReserved { allocations, ..wire::InventoryReserved::default() })
}

fn committed(cups: i64, pots: i64) -> Record {
    let allocations = held(cups, pots);
    fact(&wire::InventoryCommitted { allocations, ..wire::InventoryCommitted::default() })
}

fn released(cups: i64, pots: i64) -> Record {
    fact(&wire::InventoryReleased { order_id: String::new(), allocations: held(cups, pots), partial: false })
}

fn transfer(received: i64, lost: i64) -> Transfer {
    Transfer {
        seller_id: SELLER.to_string(),
        sku: "CUP".to_owned(),
        from_warehouse_id: MAIN.to_string(),
        to_warehouse_id: SECOND.to_string(),
        quantity: 6,
        received,
        lost,
        ..Transfer::default()
    }
}

fn dispatched() -> Record {
    fact(&wire::TransferDispatched { transfer: Some(transfer(0, 0)) })
}

fn received(quantity: i64, received: i64, lost: i64) -> Record {
    fact(&wire::TransferReceived { transfer: Some(transfer(received, lost)), quantity })
}

/// Shares of the seller's stock, or of stock of which nobody says whose it is.
fn shares(seller_id: Option<Uuid>, of: &[(Uuid, &str, [i64; 4])]) -> Vec<(Uuid, String, Share)> {
    let share = |(warehouse, sku, [total, reserved, committed, in_transit]): &(Uuid, &str, [i64; 4])| {
        let figures = Figures { total: *total, reserved: *reserved, committed: *committed, in_transit: *in_transit };
        (*warehouse, (*sku).to_owned(), Share { seller_id, figures })
    };
    of.iter().map(share).collect()
}

#[test]
fn the_history_of_a_stock_item_adds_to_the_total_what_moved_and_takes_off_what_is_committed_what_left() {
    for (facts, expected) in [
        (vec![added(10)], [10, 0, 0, 0]),
        (vec![added(10), adjusted(-3), adjusted(1)], [8, 0, 0, 0]),
        (vec![added(10), written_off(4, "")], [6, 0, 0, 0]),
        // What comes back damaged was not in the total; what comes back sound is added.
        (vec![added(10), written_off(4, "an order"), added(1)], [11, 0, 0, 0]),
        (vec![added(10), removed(2), removed(3)], [5, 0, -5, 0]),
    ] {
        assert_eq!(folded(&facts), shares(Some(SELLER), &[(MAIN, "CUP", expected)]), "{facts:?}");
    }
    // They add nothing, and say whose it is.
    let none = || shares(Some(SELLER), &[(MAIN, "CUP", [0; 4])]);
    assert_eq!(folded(&[fact(&wire::OutOfStock { stock_item: Some(cups()) })]), none());
    assert_eq!(folded(&[fact(&wire::BackInStock { stock_item: Some(cups()) })]), none());
    assert_eq!(folded(&[fact(&wire::LowStock { stock_item: Some(cups()), threshold: 1 })]), none());
}

#[test]
fn the_history_of_a_reservation_adds_what_is_held_and_what_has_left_of_it() {
    let (cup, pot) = (|figures| (MAIN, "CUP", figures), |figures| (SECOND, "POT", figures));
    let expired = fact(&wire::ReservationExpired::default());
    let refused = fact(&wire::InventoryCommitRefused::default());
    for (facts, expected) in [
        (vec![fact(&wire::InventoryRejected::default())], vec![]),
        (vec![reserved(3, 1)], vec![cup([0, 3, 0, 0]), pot([0, 1, 0, 0])]),
        (vec![reserved(3, 1), committed(3, 1)], vec![cup([0, 0, 3, 0]), pot([0, 0, 1, 0])]),
        (vec![reserved(3, 1), released(3, 1)], vec![]),
        (vec![reserved(3, 1), expired, released(3, 1), refused], vec![]),
        (vec![reserved(3, 1), committed(3, 1), released(3, 1)], vec![]),
        // Two cups had left: the stock item takes them off what is committed.
        (vec![reserved(3, 1), committed(3, 1), released(1, 1)], vec![cup([0, 0, 2, 0])]),
    ] {
        assert_eq!(folded(&facts), shares(None, &expected), "{facts:?}");
    }
}

#[test]
fn the_history_of_a_transfer_takes_from_one_warehouse_what_is_on_its_way_to_the_other_and_adds_it_there() {
    for (facts, arrived) in [
        (vec![dispatched()], [0, 0, 0, 6]),
        (vec![dispatched(), received(2, 2, 0)], [2, 0, 0, 4]),
        (vec![dispatched(), received(2, 2, 0), received(3, 5, 1)], [5, 0, 0, 0]),
        (vec![dispatched(), received(0, 0, 6)], [0; 4]),
    ] {
        let expected = [(MAIN, "CUP", [-6, 0, 0, 0]), (SECOND, "CUP", arrived)];
        assert_eq!(folded(&facts), shares(Some(SELLER), &expected), "{facts:?}");
    }
}

#[test]
fn a_history_that_is_folded_in_parts_that_overlap_adds_the_same() {
    let facts = history(&[added(10), removed(2), adjusted(-1), removed(3), added(4)]);
    let mut whole = Contribution::default();
    whole.fold(&facts).unwrap();
    for split in 0..=facts.len() {
        for overlap in 0..=split {
            let mut in_parts = Contribution::default();
            in_parts.fold(&facts[..split]).unwrap();
            in_parts.fold(&facts[split - overlap..]).unwrap();
            assert_eq!(in_parts, whole, "{split} {overlap}");
        }
    }
}

#[test]
fn facts_of_before_sellers_were_named_count_and_later_ones_say_whose_stock_it_is() {
    let nameless = Some(wire::StockItem { seller_id: String::new(), ..cups() });
    let early = fact(&wire::StockAdded { stock_item: nameless, quantity: 5, ..wire::StockAdded::default() });
    assert_eq!(folded(std::slice::from_ref(&early)), shares(None, &[(MAIN, "CUP", [5, 0, 0, 0])]));
    assert_eq!(folded(&[early, removed(1)]), shares(Some(SELLER), &[(MAIN, "CUP", [4, 0, -1, 0])]));
}

#[test]
fn what_newer_code_tells_adds_nothing_and_what_is_damaged_is_told() {
    let mut newer = added(1);
    newer.event_type = "tradewind.inventory.v1.StockBlessed".to_owned();
    assert_eq!(folded(&[newer]), []);
    let mut damaged = added(1);
    damaged.payload = vec![0xff; 9];
    let nowhere = fact(&wire::StockAdded { stock_item: None, quantity: 1, ..wire::StockAdded::default() });
    for broken in [damaged, nowhere] {
        let told = Contribution::default().fold(&history(&[broken])).unwrap_err();
        assert!(matches!(told, Error::Corrupt(_)), "{told:?}");
    }
}
