//! What payments keeps, with what its worker holds in its hands.

use std::collections::BTreeMap;

use payments::domain::ledger::{Key, Transaction};
use payments::domain::{Entry, Operation, OperationKey, OrderId, Outcome, Payment, World};
use payments::{Loaded, Payments};

use super::Store;

/// The payments, what is asked of the provider, and the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentsStore {
    entries: BTreeMap<OrderId, Entry>,
    operations: BTreeMap<OperationKey, Asked>,
    posted: BTreeMap<Key, Transaction>,
}

/// An operation that is to be asked of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// What is asked.
    pub operation: Operation,
    /// How often the worker set out to call.
    pub attempts: i32,
    /// What the last attempt brought back and nobody has committed yet.
    pub returned: Option<Outcome>,
    /// What became of it, as far as it is committed, and at which attempt.
    pub answered: Option<(i32, Outcome)>,
    /// Whether it is to be asked for: at first, and again after it was refused and somebody wanted it asked for again.
    pub is_open: bool,
}

impl Asked {
    /// Grows with every step: a call, a commit, a wish to ask again.
    fn progress(&self) -> usize {
        let is_answered = self.answered.as_ref().is_some_and(|(attempt, _)| *attempt == self.attempts);
        3 * self.attempts as usize + usize::from(is_answered) + usize::from(is_answered && self.is_open)
    }
}

impl PaymentsStore {
    /// What is known of an order.
    pub fn entry(&self, order_id: OrderId) -> Option<&Entry> {
        self.entries.get(&order_id)
    }

    /// The payment of an order, once its terms are known.
    pub fn payment(&self, order_id: OrderId) -> Option<&Payment> {
        match self.entries.get(&order_id) {
            Some(Entry::Payment(payment)) => Some(payment),
            None | Some(Entry::Hold { .. } | Entry::Tombstone) => None,
        }
    }

    /// What is asked of the provider.
    pub fn operations(&self) -> impl Iterator<Item = &Asked> {
        self.operations.values()
    }

    /// An operation, if it was asked for.
    pub fn operation(&self, key: OperationKey) -> Option<&Asked> {
        self.operations.get(&key)
    }

    /// An operation, to be worked on.
    pub(crate) fn operation_mut(&mut self, key: OperationKey) -> Option<&mut Asked> {
        self.operations.get_mut(&key)
    }

    /// Grows with everything that the worker does.
    pub fn progress(&self) -> usize {
        self.operations.values().map(Asked::progress).sum()
    }

    /// Every transaction of the ledger.
    pub fn posted(&self) -> impl Iterator<Item = &Transaction> {
        self.posted.values()
    }
}

impl Store for PaymentsStore {
    type Participant = Payments;

    fn load(&self) -> Loaded {
        World { entries: self.entries.clone(), ..World::default() }.into()
    }

    fn save(&mut self, loaded: Loaded) -> Result<(), String> {
        let world = loaded.into_world();
        self.entries.extend(world.changed.iter().filter_map(|id| Some((*id, world.entries.get(id)?.clone()))));
        for operation in world.asked {
            let asked = Asked { operation, attempts: 0, returned: None, answered: None, is_open: true };
            if self.operations.insert(operation.key, asked).is_some() {
                return Err(format!("{} is asked for twice", operation.key));
            }
        }
        for answered in world.answered {
            let asked = self.operations.get_mut(&answered.key);
            let asked = asked.ok_or_else(|| format!("{} was never asked for", answered.key))?;
            asked.answered = Some((asked.attempts, answered.outcome));
            (asked.returned, asked.is_open) = (None, false);
        }
        for key in world.asked_again {
            let asked = self.operations.get_mut(&key).filter(|asked| !asked.is_open);
            asked.ok_or_else(|| format!("{key} is not there to be asked for again"))?.is_open = true;
        }
        for transaction in world.posted {
            let key = transaction.key();
            if self.posted.insert(key, transaction).is_some() {
                return Err(format!("{} {} of {} is posted twice", key.kind.as_str(), key.number, key.order_id));
            }
        }
        Ok(())
    }
}
