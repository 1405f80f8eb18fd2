//! What payments keeps, with what its worker holds in its hands.

use std::collections::BTreeMap;

use payments::domain::ledger::Transaction;
use payments::domain::{Entry, Operation, OperationKey, OrderId, Outcome, Payment, World};
use payments::{Loaded, Payments};

use super::Store;

/// The payments, what is asked of the provider, and the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PaymentsStore {
    entries: BTreeMap<OrderId, Entry>,
    operations: BTreeMap<OperationKey, Asked>,
    posted: BTreeMap<OperationKey, Transaction>,
}

/// An operation that is to be asked of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// What is asked.
    pub operation: Operation,
    /// How often the worker set out to call.
    pub attempts: i32,
    /// What a call brought back and nobody has committed yet.
    pub returned: Option<Outcome>,
    /// What became of it, once committed.
    pub outcome: Option<Outcome>,
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

    /// An operation, to be worked on.
    pub(crate) fn operation_mut(&mut self, key: OperationKey) -> Option<&mut Asked> {
        self.operations.get_mut(&key)
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
            let asked = Asked { operation, attempts: 0, returned: None, outcome: None };
            if self.operations.insert(operation.key, asked).is_some() {
                return Err(format!("{} is asked for twice", operation.key));
            }
        }
        for answered in world.answered {
            let asked = self.operations.get_mut(&answered.key);
            let asked = asked.ok_or_else(|| format!("{} was never asked for", answered.key))?;
            (asked.outcome, asked.returned) = (Some(answered.outcome), None);
        }
        for transaction in world.posted {
            let key = transaction.operation();
            if self.posted.insert(key, transaction).is_some() {
                return Err(format!("{key} is posted twice"));
            }
        }
        Ok(())
    }
}
