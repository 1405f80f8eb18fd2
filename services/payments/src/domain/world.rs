use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Operation, OperationKey, OperationKind, OrderId, Outcome, Payment, ledger};

/// All that a batch of facts touches, and what the facts made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// What is known, by order. Of an order that is missing nothing was heard yet.
    pub entries: BTreeMap<OrderId, Entry>,
    /// The orders whose entries changed.
    pub changed: BTreeSet<OrderId>,
    /// What is to be asked of the provider.
    pub asked: Vec<Operation>,
    /// What the provider answered.
    pub answered: Vec<Answered>,
    /// What moved in the ledger.
    pub posted: Vec<ledger::Transaction>,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The operation.
    pub key: OperationKey,
    /// What became of it.
    pub outcome: Outcome,
}

impl World {
    /// Puts an entry in the place of the one that was there.
    pub fn put(&mut self, order_id: OrderId, entry: Entry) {
        self.entries.insert(order_id, entry);
        self.changed.insert(order_id);
    }

    /// Has the provider asked for something, about the whole amount: there are no partial captures and refunds yet.
    pub fn ask(&mut self, payment: &Payment, kind: OperationKind) {
        let key = OperationKey { order_id: payment.order_id, kind };
        self.asked.push(Operation { key, amount: payment.amount() });
    }

    /// Notes what became of an operation, and posts what it moved.
    pub fn answer(&mut self, payment: &Payment, key: OperationKey, outcome: &Outcome) {
        if *outcome == Outcome::Succeeded {
            self.posted.extend(ledger::Transaction::of(key, payment.amount()));
        }
        self.answered.push(Answered { key, outcome: outcome.clone() });
    }

    /// Posts the whole amount as collected in cash.
    pub fn collect(&mut self, payment: &Payment) {
        self.posted.push(ledger::Transaction::of_cash(payment.order_id, payment.amount()));
    }
}
