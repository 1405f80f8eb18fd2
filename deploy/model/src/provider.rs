//! The payment provider, as an adversary: it says yes or no as it likes, at once or after any time, or does what was asked and
//! loses its answer. What it did under a key it remembers; a refund that it refused it may be asked for again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use messaging::Cause;
use payments::adapters::postgres::operation::Claimed;
use payments::adapters::providers::{NoAnswer, Provider};
use payments::domain::{CardToken, Operation, OperationKind, OrderId, Outcome};
use payments::jobs::ask_provider;

use crate::services::payments::Asked;

/// The provider's books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    done: BTreeMap<String, (Operation, Outcome)>,
}

/// What the provider does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// Whether it says yes; none if the call does not even reach it.
    pub yes: Option<bool>,
    /// Whether its answer arrives.
    pub arrives: bool,
}

impl Reply {
    /// Done, and the caller hears of it.
    pub const YES: Self = Self { yes: Some(true), arrives: true };
    /// Refused, and the caller hears of it.
    pub const NO: Self = Self { yes: Some(false), arrives: true };
    /// What may leave the caller without an answer.
    pub const SILENT: [Self; 3] = [
        Self { yes: Some(true), arrives: false },
        Self { yes: Some(false), arrives: false },
        Self { yes: None, arrives: false },
    ];
}

impl Book {
    /// How often the provider did this for an order, under whatever keys.
    pub fn times(&self, order_id: OrderId, kind: OperationKind) -> usize {
        self.done_of(order_id, kind).count()
    }

    /// What the provider took for an order, in minor units.
    pub fn captured(&self, order_id: OrderId) -> i64 {
        self.done_of(order_id, OperationKind::Capture).map(|operation| operation.amount.minor()).sum()
    }

    /// What the provider gave back for an order, in minor units, by the numbers of the refunds: one as often as it did.
    pub fn refunds(&self, order_id: OrderId) -> Vec<(i32, i64)> {
        let refunds = self.done_of(order_id, OperationKind::Refund);
        let mut refunds: Vec<_> = refunds.map(|operation| (operation.key.number, operation.amount.minor())).collect();
        refunds.sort_unstable();
        refunds
    }

    /// What the provider gave back of what it took for an order, in minor units: for that order, or for one that it pays for.
    pub fn given_back(&self, charged: OrderId) -> i64 {
        let refunds = self.done().filter(|operation| operation.key.kind == OperationKind::Refund);
        refunds.filter(|refund| refund.charged_order_id == charged).map(|refund| refund.amount.minor()).sum()
    }

    fn done_of(&self, order_id: OrderId, kind: OperationKind) -> impl Iterator<Item = &Operation> {
        self.done().filter(move |operation| (operation.key.order_id, operation.key.kind) == (order_id, kind))
    }

    fn done(&self) -> impl Iterator<Item = &Operation> {
        let done = self.done.values().filter(|(_, outcome)| *outcome == Outcome::Succeeded);
        done.map(|(operation, _)| operation)
    }

    /// Whether an amount is held that was neither taken nor given up.
    pub fn is_held(&self, order_id: OrderId) -> bool {
        let given_up = [OperationKind::Capture, OperationKind::Void];
        self.times(order_id, OperationKind::Authorize) > 0
            && given_up.into_iter().all(|kind| self.times(order_id, kind) == 0)
    }

    /// What the provider has to answer to the next attempt, because it did under that key before.
    pub fn known(&self, asked: &Asked) -> Option<&Outcome> {
        self.done.get(&asked.operation.key.at_attempt(asked.attempts + 1)).map(|(_, outcome)| outcome)
    }
}

/// Has the worker that ships call the provider for an operation, and answers the outcome that it came back with.
pub fn call(book: &mut Book, asked: &Asked, reply: Reply) -> Option<Outcome> {
    let line = Arc::new(Line { book: Mutex::new(std::mem::take(book)), reply });
    let claimed = Claimed {
        operation: asked.operation,
        card_token: None,
        attempt: asked.attempts,
        cause: Cause::command("service:payments"),
    };
    let (_, outcome) = ask_provider::call(Arc::clone(&line), claimed).now_or_never().expect("the line never waits");
    *book = line.book().clone();
    outcome.ok()
}

/// The provider during one call.
struct Line {
    book: Mutex<Book>,
    reply: Reply,
}

impl Line {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, outcome: Outcome) -> Result<Outcome, NoAnswer> {
        if self.reply.arrives { Ok(outcome) } else { Err(NoAnswer("silence".to_owned())) }
    }
}

impl Provider for Line {
    async fn perform(&self, key: &str, operation: &Operation, _: Option<&CardToken>) -> Result<Outcome, NoAnswer> {
        let yes = self.reply.yes.ok_or_else(|| NoAnswer("it was not reached".to_owned()))?;
        let outcome = if yes { Outcome::Succeeded } else { Outcome::Declined("SAID_NO".to_owned()) };
        let mut book = self.book();
        if !yes && operation.key.kind == OperationKind::Refund && !book.done.contains_key(key) {
            return self.answer(outcome);
        }
        let (_, outcome) = book.done.entry(key.to_owned()).or_insert((*operation, outcome));
        self.answer(outcome.clone())
    }

    async fn find(&self, key: &str) -> Result<Option<Outcome>, NoAnswer> {
        let known = self.book().done.get(key).map(|(_, outcome)| outcome.clone());
        known.map(|outcome| self.answer(outcome)).transpose()
    }
}
