use std::collections::{BTreeMap, BTreeSet};

use kernel::Money;

use super::{Entry, Operation, OperationKey, OperationKind, OrderId, Outcome, Payment, Refund, ledger};

/// All that a batch of facts touches, and what the facts made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// What is known, by order. Of an order that is missing nothing was heard yet.
    pub entries: BTreeMap<OrderId, Entry>,
    /// The orders whose entries changed.
    pub changed: BTreeSet<OrderId>,
    /// What is to be asked of the provider.
    pub asked: Vec<Operation>,
    /// What the provider answered last, and is not asked for again since.
    pub answered: Vec<Answered>,
    /// What is to be asked of the provider again, because its answer was a refusal, and was not answered since.
    pub asked_again: Vec<OperationKey>,
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

    /// Has the provider asked for something that is asked for once, about that amount.
    pub fn ask(&mut self, order_id: OrderId, kind: OperationKind, amount: Money) {
        let key = OperationKey::new(order_id, kind);
        self.asked.push(Operation { key, amount, charged_order_id: order_id });
    }

    /// Has the provider asked for a refund, of what was charged for that order.
    pub fn ask_refund(&mut self, order_id: OrderId, refund: &Refund, charged_order_id: OrderId) {
        let key = OperationKey::refund(order_id, refund.number);
        self.asked.push(Operation { key, amount: refund.amount, charged_order_id });
    }

    /// Has the provider asked again for what it refused.
    pub fn ask_again(&mut self, key: OperationKey) {
        self.forget_last_word(key);
        self.asked_again.push(key);
    }

    /// Notes what became of an operation.
    pub fn answer(&mut self, key: OperationKey, outcome: &Outcome) {
        self.forget_last_word(key);
        self.answered.push(Answered { key, outcome: outcome.clone() });
    }

    /// Of an operation that is answered and asked for again in one batch the last word holds.
    fn forget_last_word(&mut self, key: OperationKey) {
        self.answered.retain(|answered| answered.key != key);
        self.asked_again.retain(|asked| *asked != key);
    }

    /// Posts what was captured.
    pub fn post_capture(&mut self, payment: &Payment, amount: Money) {
        self.posted.push(ledger::Transaction::capture(payment, amount));
    }

    /// Posts that what is in escrow of a payment becomes the seller's, less the commission.
    pub fn post_release(&mut self, payment: &Payment) {
        self.posted.extend(ledger::Transaction::release(payment));
    }

    /// Posts a refund of a payment that does not count it yet.
    pub fn post_refund(&mut self, payment: &Payment, refund: &Refund) {
        self.posted.push(ledger::Transaction::refund(payment, refund));
    }
}
