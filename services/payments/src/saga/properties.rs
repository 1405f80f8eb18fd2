//! Whatever the order, number and delay of facts, money ends where it belongs (invariants I1 and I3).

use std::collections::HashMap;
use std::time::Duration;

use kernel::{Currency, Decision, Money, Timestamp};
use proptest::prelude::*;

use super::decide;
use crate::domain::ledger::{Account, Transaction};
use crate::domain::{
    BuyerId, CardToken, Entry, Event, Fact, Method, OperationKey, OperationKind, OrderId, Outcome, Payment, Policy,
    Status, Terms, World,
};

const POLICY: Policy = Policy { authorization_margin: Duration::from_mins(1) };
const AMOUNT_MINOR: i64 = 9_999;

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Created,
    Reserved,
    Confirmed,
    Ended,
    /// The provider answers the operation that waits the longest; whether it says yes is for cards to decide.
    Answer {
        approve: bool,
    },
    /// An answer that was given comes once more.
    AnswerAgain,
    /// A carrier passes on what it collected; not always what is due.
    Cash {
        is_due: bool,
    },
    /// Orders approves a refund; not always of what was captured.
    Approved {
        is_whole: bool,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Created),
        2 => Just(Step::Reserved),
        2 => Just(Step::Confirmed),
        1 => Just(Step::Ended),
        4 => prop::bool::weighted(0.8).prop_map(|approve| Step::Answer { approve }),
        1 => Just(Step::AnswerAgain),
        1 => prop::bool::weighted(0.8).prop_map(|is_due| Step::Cash { is_due }),
        1 => prop::bool::weighted(0.8).prop_map(|is_whole| Step::Approved { is_whole }),
    ]
}

/// A provider that keeps its own books and takes offence at anything that a correct caller would not ask.
#[derive(Debug, Default)]
struct Provider {
    waiting: Vec<OperationKey>,
    answers: HashMap<OperationKey, Outcome>,
    held: bool,
    captured: bool,
    refunded: bool,
}

impl Provider {
    fn ask(&mut self, key: OperationKey) {
        assert!(!self.answers.contains_key(&key) && !self.waiting.contains(&key), "{key} is asked for twice");
        self.waiting.push(key);
    }

    /// Answers the oldest operation. Giving back is never refused.
    fn answer(&mut self, approve: bool) -> Option<Fact> {
        if self.waiting.is_empty() {
            return None;
        }
        let key = self.waiting.remove(0);
        let approve = match key.kind {
            OperationKind::Authorize => {
                self.held = approve;
                approve
            }
            OperationKind::Capture => {
                assert!(self.held && !self.captured, "capture of what is not held");
                (self.held, self.captured) = (!approve, approve);
                approve
            }
            OperationKind::Void => {
                assert!(self.held && !self.captured, "void of what is not held");
                self.held = false;
                true
            }
            OperationKind::Refund => {
                assert!(self.captured && !self.refunded, "refund of what was not taken");
                self.refunded = true;
                true
            }
        };
        let outcome = if approve { Outcome::Succeeded } else { Outcome::Declined("SAID_NO".to_owned()) };
        self.answers.insert(key, outcome.clone());
        Some(Fact::ProviderAnswered { key, outcome })
    }
}

/// A payment and its provider, with everything that was ever told and posted.
struct Journey {
    order_id: OrderId,
    terms: Terms,
    world: World,
    provider: Provider,
    events: Vec<Event>,
    ended: bool,
    /// What was collected in cash and taken in.
    cash_minor: i64,
}

impl Journey {
    fn new(method: Method) -> Self {
        let amount = Money::from_minor(AMOUNT_MINOR, Currency::EUR);
        Self {
            order_id: OrderId::generate(),
            terms: Terms { buyer_id: BuyerId::generate(), amount, method },
            world: World::default(),
            provider: Provider::default(),
            events: Vec::new(),
            ended: false,
            cash_minor: 0,
        }
    }

    fn take(&mut self, step: Step) {
        let order_id = self.order_id;
        let fact = match step {
            Step::Created => Some(Fact::OrderCreated { order_id, terms: self.terms.clone() }),
            Step::Reserved => Some(Fact::InventoryReserved { order_id, expires_at: now() + Duration::from_mins(15) }),
            Step::Confirmed => Some(Fact::OrderConfirmed { order_id }),
            Step::Ended => Some(Fact::OrderEnded { order_id }),
            Step::Cash { is_due } => {
                let minor = if is_due { AMOUNT_MINOR } else { AMOUNT_MINOR - 1 };
                Some(Fact::CashCollected { order_id, amount: Money::from_minor(minor, Currency::EUR) })
            }
            Step::Approved { is_whole } => {
                let minor = if is_whole { AMOUNT_MINOR } else { AMOUNT_MINOR - 1 };
                Some(Fact::RefundApproved { order_id, amount: Money::from_minor(minor, Currency::EUR) })
            }
            Step::Answer { approve } => self.provider.answer(approve),
            Step::AnswerAgain => {
                let answers = self.provider.answers.iter();
                answers.min().map(|(key, outcome)| Fact::ProviderAnswered { key: *key, outcome: outcome.clone() })
            }
        };
        let Some(fact) = fact else { return };
        let asked_before = self.world.asked.len();
        let decision = decide(&mut self.world, &fact, POLICY, now());
        // An end that comes after the cash is refused, and left to an operator.
        self.ended |= matches!(step, Step::Ended) && !matches!(decision, Decision::Refused(_));
        if let Decision::Applied(events) = decision {
            self.events.extend(events);
            if let Fact::CashCollected { amount, .. } = fact {
                self.cash_minor += amount.minor();
            }
        }
        for operation in &self.world.asked[asked_before..] {
            assert_eq!(operation.amount.minor(), AMOUNT_MINOR);
            self.provider.ask(operation.key);
        }
    }

    fn answer_everything(&mut self) {
        while !self.provider.waiting.is_empty() {
            self.take(Step::Answer { approve: true });
        }
    }

    fn payment(&self) -> Option<&Payment> {
        match self.world.entries.get(&self.order_id) {
            Some(Entry::Payment(payment)) => Some(payment),
            None | Some(Entry::Hold { .. } | Entry::Tombstone) => None,
        }
    }

    fn balance(&self, account: Account) -> i64 {
        let legs = self.world.posted.iter().flat_map(Transaction::postings);
        legs.filter(|leg| leg.account == account).map(|leg| leg.amount.minor()).sum()
    }

    fn count(&self, is_wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is_wanted(event)).count()
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_micros(1_772_366_400_000_000)
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![
        4 => Just(Method::Card(CardToken::new("tok_approved").unwrap())),
        2 => Just(Method::CashOnDelivery),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn books_agree_with_the_provider_and_an_ended_order_holds_nothing(
        method in any_method(),
        steps in prop::collection::vec(any_step(), 0..40),
    ) {
        let mut journey = Journey::new(method);
        for step in steps {
            journey.take(step);
            if let Some(payment) = journey.payment() {
                prop_assert!(payment.refunded.minor() <= payment.captured.minor());
                prop_assert!(payment.captured.minor() <= AMOUNT_MINOR);
            }
        }
        journey.answer_everything();

        let provider = &journey.provider;
        let amount_if = |is_so: bool| if is_so { AMOUNT_MINOR } else { 0 };
        let charged = amount_if(provider.captured) - amount_if(provider.refunded);
        let collected = journey.cash_minor;
        prop_assert_eq!(journey.balance(Account::ProviderClearing), charged);
        prop_assert_eq!(journey.balance(Account::CarrierClearing), collected);
        prop_assert_eq!(journey.balance(Account::Escrow), -charged - collected);
        prop_assert!(collected == 0 || collected == AMOUNT_MINOR && !provider.captured);
        if let Some(payment) = journey.payment() {
            prop_assert_eq!(payment.captured.minor(), amount_if(provider.captured) + collected);
            prop_assert_eq!(payment.refunded.minor(), amount_if(provider.refunded));
            let is_on_its_way = matches!(
                payment.status,
                Status::Authorizing | Status::Capturing | Status::Voiding | Status::Refunding
            );
            prop_assert!(!is_on_its_way, "every answer is in, but it is {:?}", payment.status);
        }
        if journey.ended {
            prop_assert!(!provider.held, "the order ended, and the authorization is open");
            prop_assert_eq!(charged + collected, 0, "the order ended, and the buyer is charged");
        }
    }

    #[test]
    fn each_event_is_told_at_most_once_and_in_an_order_that_makes_sense(
        method in any_method(),
        steps in prop::collection::vec(any_step(), 0..40),
    ) {
        let mut journey = Journey::new(method);
        for step in steps {
            journey.take(step);
        }
        journey.answer_everything();

        let authorized = journey.count(|event| matches!(event, Event::PaymentAuthorized { .. }));
        let declined = journey.count(|event| matches!(event, Event::PaymentDeclined { .. }));
        let captured = journey.count(|event| matches!(event, Event::PaymentCaptured { .. }));
        let capture_failed = journey.count(|event| matches!(event, Event::CaptureFailed { .. }));
        let voided = journey.count(|event| matches!(event, Event::PaymentVoided { .. }));
        let refunded = journey.count(|event| matches!(event, Event::PaymentRefunded { .. }));
        prop_assert!(authorized + declined <= 1);
        prop_assert!(captured + capture_failed <= 1 && captured + capture_failed <= authorized);
        prop_assert!(voided + captured <= 1, "what was captured cannot be voided");
        prop_assert!(refunded <= captured);
    }
}
