//! What may happen next.

use kernel::Id;
use payments::domain::OperationKey;
use shipping::domain::goods_return::ReturnCondition;
use shipping::domain::parcel::ParcelFailure;

use crate::network::Place;
use crate::provider::Reply;
use crate::services::Service;
use crate::state::{State, letter};

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A service's consumer takes an event: the one that is next, or a later one that overtook it.
    Hear {
        /// Who.
        by: Service,
        /// From which log.
        place: Place,
        /// Which entry of the log.
        index: usize,
        /// Whether the service's clock says that the reservation is in its last minute.
        last_minute: bool,
    },
    /// A service's consumer is to read again from an entry on.
    Rewind {
        /// Who.
        by: Service,
        /// In which log.
        place: Place,
        /// From which entry on.
        index: usize,
    },
    /// A relay sends again from an entry on.
    Resend {
        /// To which log.
        place: Place,
        /// From which entry on.
        index: usize,
    },
    /// A relay publishes the last two events the other way round. Only a mutant does.
    Swap {
        /// To which log.
        place: Place,
    },
    /// The buyer cancels an order.
    Cancel(orders::domain::ids::OrderId),
    /// The buyer keeps one unit of an order of several.
    Modify(orders::domain::ids::OrderId),
    /// One unit of an order of several becomes an order of its own.
    Split(orders::domain::ids::OrderId),
    /// The buyer wants the money of an order back.
    RequestRefund(orders::domain::ids::OrderId),
    /// The buyer wants so many units of an order not to leave, and their money back.
    RequestPart(orders::domain::ids::OrderId, i64),
    /// The time of an unpaid order has passed, and the job finds it.
    UnpaidDeadline(orders::domain::ids::OrderId),
    /// A seller takes a unit in.
    Restock(inventory::domain::ids::StockItemId),
    /// Inventory looks whether there is enough of what an order waits for.
    Look(inventory::domain::ids::OrderId),
    /// An order has waited long enough, and the job finds it.
    BackorderDeadline(inventory::domain::ids::OrderId),
    /// The time of a reservation has passed, and the job finds it.
    ReservationDeadline(inventory::domain::ids::OrderId),
    /// A unit leaves the warehouse, in a parcel of its own.
    Dispatch(shipping::domain::ids::OrderId, shipping::domain::ids::ShipmentId),
    /// A parcel arrives.
    Deliver(shipping::domain::ids::OrderId, shipping::domain::ids::ShipmentId, shipping::domain::ids::ParcelId),
    /// A parcel does not arrive.
    Fail(
        shipping::domain::ids::OrderId,
        shipping::domain::ids::ShipmentId,
        shipping::domain::ids::ParcelId,
        ParcelFailure,
    ),
    /// The carrier passes on what it collected.
    Remit(shipping::domain::ids::OrderId),
    /// The buyer wants to send so many units back.
    RequestReturn(orders::domain::ids::OrderId, i64),
    /// The buyer wants to send so many units back, and the same again.
    RequestExchange(orders::domain::ids::OrderId, i64),
    /// A unit of a return comes back, in that condition; none if nothing more is awaited.
    Receive(shipping::domain::ids::OrderId, shipping::domain::ids::ReturnId, Option<ReturnCondition>),
    /// The seller gives money back of its own accord.
    GiveGoodwill(orders::domain::ids::OrderId, Goodwill),
    /// An operator has the provider asked again for a refund that it refused.
    RetryRefund(payments::domain::OrderId, i32),
    /// The time in which goods may be sent back has passed, and the job finds the order.
    CloseDeadline(orders::domain::ids::OrderId),
    /// The worker of payments calls the provider.
    Ask {
        /// For what.
        key: OperationKey,
        /// What the provider does.
        reply: Reply,
    },
    /// The worker of payments commits what a call brought back.
    Commit(OperationKey),
    /// Another worker, whose call was under way at the same time, commits the same answer after it.
    CommitAgain(OperationKey),
}

/// How much is given back of somebody's own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Goodwill {
    /// A small part of what was paid.
    Little,
    /// All that is left of it.
    Everything,
}

impl Action {
    /// For people: what happens, seen from a state.
    pub fn words(&self, state: &State) -> String {
        let event = |place: Place, index: usize| {
            let log = state.network.logs().find(|(at, _)| *at == place);
            let event = log.map_or("an event", |(_, log)| log.event(index).name());
            format!("{event}{}", of_order(place))
        };
        match *self {
            Self::Hear { by, place, index, last_minute } => {
                let next = state.network.logs().find(|(at, _)| *at == place).and_then(|(_, log)| log.next_of(by));
                let early = if next == Some(index) { "" } else { " ahead of an earlier event" };
                let late = if last_minute { ", in the last minute of the reservation" } else { "" };
                format!("{by} hears {}{early}{late}", event(place, index))
            }
            Self::Rewind { by, place, index } => {
                format!("{by} crashed before it stored its offset: it reads again from {} on", event(place, index))
            }
            Self::Resend { place, index } => {
                format!(
                    "the relay crashed before it deleted what it had sent: it sends again from {} on",
                    event(place, index)
                )
            }
            Self::Swap { place } => {
                format!("the relay publishes the last two events{} the other way round", of_order(place))
            }
            Self::Cancel(id) => format!("the buyer cancels order {}", letter(id)),
            Self::Modify(id) => format!("the buyer keeps one unit of order {}", letter(id)),
            Self::Split(id) => format!("a unit of order {} becomes an order of its own", letter(id)),
            Self::RequestRefund(id) => format!("the buyer wants the money of order {} back", letter(id)),
            Self::RequestPart(id, units) => {
                format!("the buyer wants {units} of order {} not to leave, and their money back", letter(id))
            }
            Self::UnpaidDeadline(id) => format!("the unpaid deadline of order {} passes", letter(id)),
            Self::Restock(_) => "the seller takes a unit in".to_owned(),
            Self::Look(id) => format!("inventory looks whether there is enough for order {}", letter(id)),
            Self::BackorderDeadline(id) => format!("order {} has waited for stock long enough", letter(id)),
            Self::ReservationDeadline(id) => format!("the reservation of order {} is past its time", letter(id)),
            Self::Dispatch(id, _) => format!("a unit of order {} leaves the warehouse", letter(id)),
            Self::Deliver(id, ..) => format!("a parcel of order {} arrives", letter(id)),
            Self::Fail(id, .., failure) => {
                format!("a parcel of order {} does not arrive: {}", letter(id), failure.as_str())
            }
            Self::Remit(id) => format!("the carrier passes on the cash for order {}", letter(id)),
            Self::RequestReturn(id, units) => {
                format!("the buyer wants to send back {units} of what order {} brought", letter(id))
            }
            Self::RequestExchange(id, units) => {
                format!("the buyer wants {units} of what order {} brought exchanged", letter(id))
            }
            Self::Receive(id, _, Some(condition)) => {
                format!("a unit of order {} comes back: {condition:?}", letter(id))
            }
            Self::Receive(id, _, None) => format!("no more of order {} is awaited back", letter(id)),
            Self::GiveGoodwill(id, Goodwill::Little) => {
                format!("the seller gives back a little of the money of order {}", letter(id))
            }
            Self::GiveGoodwill(id, Goodwill::Everything) => {
                format!("the seller gives back all that is left of the money of order {}", letter(id))
            }
            Self::RetryRefund(id, number) => {
                format!("an operator has refund {number} of {} asked for again", letter(id))
            }
            Self::CloseDeadline(id) => format!("the time in which order {} may be sent back passes", letter(id)),
            Self::Ask { key, reply } => {
                let (kind, of) = (key.kind.as_str(), of_operation(key));
                match (reply.yes, reply.arrives) {
                    (Some(true), true) => format!("the provider is asked to {kind} {of}, and says yes"),
                    (Some(false), true) => format!("the provider is asked to {kind} {of}, and says no"),
                    (Some(true), false) => {
                        format!("the provider is asked to {kind} {of} and does so, but its answer is lost")
                    }
                    (Some(false), false) => {
                        format!("the provider is asked to {kind} {of} and refuses, but its answer is lost")
                    }
                    (None, _) => format!("the provider is asked to {kind} {of}, but the call does not reach it"),
                }
            }
            Self::Commit(key) => {
                format!("payments learns the answer to {} {}", key.kind.as_str(), of_operation(key))
            }
            Self::CommitAgain(key) => {
                format!("payments learns the answer to {} {} a second time", key.kind.as_str(), of_operation(key))
            }
        }
    }
}

/// The order that an operation is about, and which of its refunds it is unless it is the first.
fn of_operation(key: OperationKey) -> String {
    let of = letter(key.order_id);
    if key.number == 1 { of.to_string() } else { format!("{of} for refund {}", key.number) }
}

/// The order that a place is about; a checkout has no letter.
fn of_order(place: Place) -> String {
    if place.topic.contains(".checkout.") {
        String::new()
    } else {
        format!(" of {}", letter::<()>(Id::from_uuid(place.key)))
    }
}
