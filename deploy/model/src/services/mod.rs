//! What each service keeps, in the place of its database, and how it reacts to a fact.
//!
//! A fact is decided by the service's own [`Participant::decide`], an event goes through its own `encode` and `decode`. What is
//! left to this crate is what the messaging library does between them: load, decide, save, record.

pub mod checkout;
pub mod inventory;
pub mod kept;
pub mod orders;
pub mod payments;
pub mod shipping;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kernel::{Classified, Decision, Timestamp};
use messaging::{Envelope, Participant, Subscription};

use crate::network::Told;

/// A service that takes part in a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the services' own documentation says what each is")]
pub enum Service {
    Checkout,
    Orders,
    Inventory,
    Payments,
    Shipping,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 5] = [Self::Checkout, Self::Orders, Self::Inventory, Self::Payments, Self::Shipping];

    /// The events that it reacts to: the table that its consumer subscribes by.
    pub const fn subscriptions(self) -> &'static [Subscription] {
        match self {
            Self::Checkout => ::checkout::adapters::events::SUBSCRIPTIONS,
            Self::Orders => ::orders::adapters::events::SUBSCRIPTIONS,
            Self::Inventory => ::inventory::adapters::events::SUBSCRIPTIONS,
            Self::Payments => ::payments::adapters::events::SUBSCRIPTIONS,
            Self::Shipping => ::shipping::adapters::events::SUBSCRIPTIONS,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Checkout => "checkout",
            Self::Orders => "orders",
            Self::Inventory => "inventory",
            Self::Payments => "payments",
            Self::Shipping => "shipping",
        })
    }
}

/// What a service keeps.
pub trait Store: Clone + PartialEq {
    /// The service.
    type Participant: Participant;

    /// What the service would load.
    fn load(&self) -> <Self::Participant as Participant>::World;

    /// Keeps what the service would save.
    ///
    /// # Errors
    /// A constraint of the database does not hold, in words.
    fn save(&mut self, world: <Self::Participant as Participant>::World) -> Result<(), String>;
}

/// What became of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It took effect.
    Applied,
    /// It had taken effect before.
    AlreadyApplied,
    /// It does not matter, for this reason.
    Ignored(&'static str),
    /// The inbox has it: it is not even decided.
    Seen,
    /// It may not happen, cannot be read, or makes its transaction fail: a command's caller is told, an event is parked.
    Refused(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied => f.write_str("applied"),
            Self::AlreadyApplied => f.write_str("already applied"),
            Self::Ignored(why) => write!(f, "ignored, because {why}"),
            Self::Seen => f.write_str("seen before, dropped by the inbox"),
            Self::Refused(why) => write!(f, "REFUSED: {why}"),
        }
    }
}

/// What a service made of a fact.
#[derive(Debug)]
pub struct Reaction {
    /// What became of the fact.
    pub answer: Answer,
    /// What became true, to be published.
    pub told: Vec<Arc<Told>>,
}

impl Reaction {
    fn silent(answer: Answer) -> Self {
        Self { answer, told: Vec::new() }
    }
}

/// Has a service react to an event of its subscriptions.
pub fn hear<S: Store>(participant: &S::Participant, store: &mut S, event: &Envelope, now: Timestamp) -> Reaction {
    match participant.decode(event) {
        Ok(Some(fact)) => react(participant, store, &fact, now),
        Ok(None) => Reaction::silent(Answer::Ignored("it does not concern us")),
        Err(undecodable) => Reaction::silent(Answer::Refused(undecodable.to_string())),
    }
}

/// Has a service react to a fact, in a transaction: it takes effect as a whole or not at all.
pub fn react<S: Store>(
    participant: &S::Participant,
    store: &mut S,
    fact: &<S::Participant as Participant>::Fact,
    now: Timestamp,
) -> Reaction {
    let before = store.clone();
    let mut world = store.load();
    let decision = catch_unwind(AssertUnwindSafe(|| participant.decide(&mut world, fact, now)));
    let saved = decision.map_err(|_| "the decision panicked".to_owned()).and_then(|decision| {
        store.save(world)?;
        Ok(decision)
    });
    let reaction = match saved {
        Ok(Decision::Applied(events)) => {
            return Reaction {
                answer: Answer::Applied,
                told: events.iter().map(|event| Arc::new(Told::new(participant.encode(event)))).collect(),
            };
        }
        Ok(Decision::AlreadyApplied) => Reaction::silent(Answer::AlreadyApplied),
        Ok(Decision::Ignored(why)) => Reaction::silent(Answer::Ignored(why)),
        Ok(Decision::Refused(refusal)) => {
            Reaction::silent(Answer::Refused(format!("{} ({refusal})", refusal.reason())))
        }
        Err(failure) => {
            store.clone_from(&before);
            Reaction::silent(Answer::Refused(failure))
        }
    };
    if *store == before {
        reaction
    } else {
        store.clone_from(&before);
        Reaction::silent(Answer::Refused("something changed although nothing was applied".to_owned()))
    }
}
