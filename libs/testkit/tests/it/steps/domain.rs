//! What becomes of a seat on a train, and how that can be broken.

use std::collections::BTreeMap;

use kernel::{Classified, Decision, ErrorKind};
use uuid::Uuid;

/// A way to break the trains, or their table. Each is caught by one check of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    // Of decisions.
    TellsNothing,
    TakesAnotherSeat,
    ChangesWhatItIgnores,
    RevivedByARepeat,
    KeepsTheSeat,
    NoTombstone,
    RefusesLateLuggage,
    LateLuggageTakesASeat,
    TakesNoSeatAfterLuggage,
    // Of the table.
    Unheard,
    NeverComes,
    SaysNothingOfTheBeginning,
    IsUndoneAfterAll,
    UndoneByTheImpossible,
    // Of loading and saving.
    CommitsInLoad,
    CommitsInSave,
    SwallowsAFailure,
    SavesNothing,
    ForgetsTheLuggage,
    RemembersWhatWasRolledBack,
    ReadsTakenAsSold,
    SavesWhatDidNotChange,
    FreesNoSeatOnRows,
    ForgetsThatItWasFreed,
    ChangesOneRowTwice,
}

impl Flaw {
    /// Every flaw, at the place of its number.
    pub(crate) const ALL: [Self; 26] = [
        Self::None,
        Self::TellsNothing,
        Self::TakesAnotherSeat,
        Self::ChangesWhatItIgnores,
        Self::RevivedByARepeat,
        Self::KeepsTheSeat,
        Self::NoTombstone,
        Self::RefusesLateLuggage,
        Self::LateLuggageTakesASeat,
        Self::TakesNoSeatAfterLuggage,
        Self::Unheard,
        Self::NeverComes,
        Self::SaysNothingOfTheBeginning,
        Self::IsUndoneAfterAll,
        Self::UndoneByTheImpossible,
        Self::CommitsInLoad,
        Self::CommitsInSave,
        Self::SwallowsAFailure,
        Self::SavesNothing,
        Self::ForgetsTheLuggage,
        Self::RemembersWhatWasRolledBack,
        Self::ReadsTakenAsSold,
        Self::SavesWhatDidNotChange,
        Self::FreesNoSeatOnRows,
        Self::ForgetsThatItWasFreed,
        Self::ChangesOneRowTwice,
    ];
}

/// Something happened that concerns a seat.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub(crate) train_id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Booked,
    LuggageAnnounced,
    Paid,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Taken(Uuid),
    Sold(Uuid),
    Freed(Uuid),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// Only luggage was heard of.
    NotYet,
    Taken,
    Sold,
    Freed,
    Tombstone,
}

impl Seat {
    const ALL: [(Self, &'static str); 5] = [
        (Self::NotYet, "not yet"),
        (Self::Taken, "taken"),
        (Self::Sold, "sold"),
        (Self::Freed, "freed"),
        (Self::Tombstone, "tombstone"),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(seat, _)| *seat == self).unwrap().1
    }

    pub(crate) fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, of_seat)| *of_seat == name).unwrap().0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) seat: Seat,
    pub(crate) luggage: bool,
}

/// The trains' free seats, the bookings, and which of those changed, as often as they did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) free: BTreeMap<Uuid, i64>,
    pub(crate) bookings: BTreeMap<Uuid, Booking>,
    pub(crate) changed: Vec<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no seat to pay for")]
pub(crate) struct NothingTaken;

impl Classified for NothingTaken {
    fn kind(&self) -> ErrorKind {
        ErrorKind::FailedPrecondition
    }

    fn reason(&self) -> &'static str {
        "NOTHING_TAKEN"
    }
}

pub(crate) fn decide(world: &mut World, fact: &Fact, flaw: Flaw) -> Decision<Event, NothingTaken> {
    let Fact { train_id, order_id, what } = *fact;
    let known = world.bookings.get(&order_id).copied();
    let mut booking = known.unwrap_or(Booking { seat: Seat::NotYet, luggage: false });
    let (seats, decision) = match what {
        What::Booked => on_booked(&mut booking, order_id, flaw),
        What::LuggageAnnounced => on_luggage_announced(&mut booking, flaw),
        What::Paid => (0, on_paid(&mut booking, order_id, known.is_none(), flaw)),
        What::Cancelled => on_cancelled(&mut booking, order_id, flaw),
    };
    if matches!(decision, Decision::Applied(_)) || (flaw == Flaw::ChangesWhatItIgnores && what == What::Paid) {
        *world.free.get_mut(&train_id).unwrap() += seats;
        world.bookings.insert(order_id, booking);
        world.changed.push(order_id);
    }
    decision
}

fn on_booked(booking: &mut Booking, order_id: Uuid, flaw: Flaw) -> (i64, Decision<Event, NothingTaken>) {
    let takes_seat = match booking.seat {
        Seat::Taken => flaw == Flaw::TakesAnotherSeat,
        Seat::Sold => false,
        Seat::Freed if flaw != Flaw::RevivedByARepeat => return (0, Decision::Ignored("it was cancelled")),
        Seat::Tombstone if flaw != Flaw::NoTombstone => return (0, Decision::Ignored("it was cancelled")),
        Seat::NotYet | Seat::Freed | Seat::Tombstone => true,
    };
    if !takes_seat {
        return (0, Decision::AlreadyApplied);
    }
    booking.seat = Seat::Taken;
    let seats = if flaw == Flaw::TakesNoSeatAfterLuggage && booking.luggage { 0 } else { -1 };
    let decision =
        if flaw == Flaw::TellsNothing { Decision::noted() } else { Decision::applied(Event::Taken(order_id)) };
    (seats, decision)
}

fn on_luggage_announced(booking: &mut Booking, flaw: Flaw) -> (i64, Decision<Event, NothingTaken>) {
    if booking.luggage {
        return (0, Decision::AlreadyApplied);
    }
    match booking.seat {
        Seat::Freed if flaw == Flaw::LateLuggageTakesASeat => {
            booking.luggage = true;
            (-1, Decision::noted())
        }
        Seat::Freed | Seat::Tombstone if flaw == Flaw::RefusesLateLuggage => (0, Decision::Refused(NothingTaken)),
        Seat::Freed | Seat::Tombstone => (0, Decision::Ignored("it was cancelled")),
        Seat::NotYet | Seat::Taken | Seat::Sold => {
            booking.luggage = true;
            (0, Decision::noted())
        }
    }
}

fn on_paid(booking: &mut Booking, order_id: Uuid, is_new: bool, flaw: Flaw) -> Decision<Event, NothingTaken> {
    match booking.seat {
        Seat::NotYet if is_new && flaw == Flaw::ChangesWhatItIgnores => Decision::Ignored("there is no seat"),
        Seat::NotYet => Decision::Refused(NothingTaken),
        Seat::Taken => {
            booking.seat = Seat::Sold;
            Decision::applied(Event::Sold(order_id))
        }
        Seat::Sold => Decision::AlreadyApplied,
        Seat::Freed | Seat::Tombstone => Decision::Ignored("it was cancelled"),
    }
}

fn on_cancelled(booking: &mut Booking, order_id: Uuid, flaw: Flaw) -> (i64, Decision<Event, NothingTaken>) {
    match booking.seat {
        Seat::NotYet => {
            *booking = Booking { seat: Seat::Tombstone, luggage: false };
            (0, Decision::noted())
        }
        Seat::Taken | Seat::Sold => {
            *booking = Booking { seat: Seat::Freed, luggage: false };
            (i64::from(flaw != Flaw::KeepsTheSeat), Decision::applied(Event::Freed(order_id)))
        }
        Seat::Freed | Seat::Tombstone => (0, Decision::AlreadyApplied),
    }
}
