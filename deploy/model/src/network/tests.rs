use super::*;

const KEY: Uuid = Uuid::from_u128(1);
const PLACE: Place = Place { topic: "tradewind.orders.v1", key: KEY };

fn publish(network: &mut Network, event_type: String) {
    let event = Outgoing { aggregate_type: "order", aggregate_id: KEY, event_type, payload: Vec::new() };
    network.publish(&Arc::new(Told::new(event)));
}

/// A log in which orders told these of one order.
fn log(events: &[&str]) -> Log {
    let mut network = Network::default();
    for event in events {
        publish(&mut network, format!("tradewind.orders.v1.{event}"));
    }
    network.logs.remove(&PLACE).unwrap_or_default()
}

/// What a service reads until it has read everything, and whether each is new to it.
fn read_all(log: &mut Log, by: Service) -> Vec<(String, bool)> {
    let mut read = Vec::new();
    while let Some(index) = log.next_of(by) {
        let (entry, is_new) = log.read(by, index);
        read.push((entry.told().name().to_owned(), is_new));
    }
    read
}

fn new(name: &str) -> (String, bool) {
    (name.to_owned(), true)
}

fn seen(name: &str) -> (String, bool) {
    (name.to_owned(), false)
}

#[test]
fn each_service_reads_what_it_subscribes_to_in_order() {
    let mut log = log(&["OrderCreated", "OrderConfirmed", "OrderPaid"]);
    assert_eq!(read_all(&mut log, Service::Inventory), [new("OrderCreated")]);
    assert_eq!(read_all(&mut log, Service::Payments), [new("OrderCreated"), new("OrderConfirmed")]);
    let everything = [new("OrderCreated"), new("OrderConfirmed"), new("OrderPaid")];
    assert_eq!(read_all(&mut log, Service::Checkout), everything);
    assert_eq!(read_all(&mut log, Service::Orders), []);
}

#[test]
fn what_is_read_again_is_known_to_the_inbox() {
    let mut log = log(&["OrderCreated", "OrderConfirmed"]);
    read_all(&mut log, Service::Payments);
    assert_eq!(log.rewinds(Service::Payments).collect::<Vec<_>>(), [0, 1]);
    log.rewind(Service::Payments, 0);
    assert_eq!(read_all(&mut log, Service::Payments), [seen("OrderCreated"), seen("OrderConfirmed")]);
}

#[test]
fn a_relay_that_sends_again_sends_everything_from_there_on_to_everybody() {
    let mut log = log(&["OrderCreated", "OrderConfirmed", "OrderCancelled"]);
    read_all(&mut log, Service::Payments);
    log.resend(1);
    assert_eq!(read_all(&mut log, Service::Payments), [seen("OrderConfirmed"), seen("OrderCancelled")]);
    let once = [new("OrderCreated"), new("OrderConfirmed"), new("OrderCancelled")];
    let again = [seen("OrderConfirmed"), seen("OrderCancelled")];
    assert_eq!(read_all(&mut log, Service::Checkout), [&once[..], &again[..]].concat());
    assert_eq!(log.resends().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn an_event_that_overtook_another_is_known_when_its_turn_comes() {
    let mut log = log(&["OrderCreated", "OrderPaid", "OrderCancelled"]);
    assert_eq!(log.overtakers(Service::Inventory).collect::<Vec<_>>(), [2]);
    assert!(log.read(Service::Inventory, 2).1);
    assert_eq!(log.overtakers(Service::Inventory).count(), 0);
    assert_eq!(read_all(&mut log, Service::Inventory), [new("OrderCreated"), seen("OrderCancelled")]);
}

#[test]
fn events_can_be_published_the_other_way_round_until_somebody_has_read_one() {
    let mut log = log(&["OrderCreated", "OrderCancelled"]);
    assert!(log.may_swap());
    log.swap();
    assert_eq!(read_all(&mut log, Service::Inventory), [new("OrderCancelled"), new("OrderCreated")]);
    assert!(!log.may_swap());
}

#[test]
fn an_event_that_nobody_reads_is_not_kept() {
    for event in ["tradewind.cart.v1.CartCleared", "tradewind.orders.v1.OrderClosed"] {
        let mut network = Network::default();
        publish(&mut network, event.to_owned());
        assert_eq!(network, Network::default());
    }
}
