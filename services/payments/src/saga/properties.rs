//! Whatever the order, number and delay of facts, money ends where it belongs (invariants I1 and I3).

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use kernel::{Currency, Decision, Money, Timestamp};
use proptest::prelude::*;

use super::decide;
use super::states::policy;
use crate::domain::ledger::Transaction;
use crate::domain::{
    BuyerId, CardToken, Entry, Event, Exchange, Fact, Method, Operation, OperationKey, OperationKind, OrderId, Outcome,
    Payment, RefundStanding, SellerId, Status, Terms, World, commission,
};

const AMOUNT_MINOR: i64 = 9_999;
/// How many refunds orders may approve.
const REFUNDS_MAX: i32 = 3;
/// The last version of what was agreed that orders may tell.
const TERMS_VERSION_MAX: i32 = 4;

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Created,
    /// Units are taken away: so much of what was agreed at first is due, in percent, or more than that.
    Modified {
        terms_version: i32,
        percent: i64,
    },
    Reserved,
    Confirmed,
    Ended,
    Expired,
    Delivered,
    /// The provider answers the operation that waits the longest; whether it says yes is for cards to decide.
    Answer {
        approve: bool,
    },
    /// An answer that was given comes once more.
    AnswerAgain,
    /// A carrier passes on what it collected: in percent of what is due, or more than that.
    Cash {
        percent: i64,
    },
    /// Orders approves a refund, in percent of what was to be paid.
    Approved {
        number: i32,
        percent: i64,
        set_aside: bool,
    },
    /// An operator wants a refund to be asked for again.
    Retried {
        number: i32,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Created),
        3 => (2..=TERMS_VERSION_MAX, 1..=101_i64)
            .prop_map(|(terms_version, percent)| Step::Modified { terms_version, percent }),
        2 => Just(Step::Reserved),
        2 => Just(Step::Confirmed),
        1 => Just(Step::Ended),
        1 => Just(Step::Expired),
        1 => Just(Step::Delivered),
        4 => prop::bool::weighted(0.8).prop_map(|approve| Step::Answer { approve }),
        1 => Just(Step::AnswerAgain),
        1 => (60..=101_i64).prop_map(|percent| Step::Cash { percent }),
        2 => (1..=REFUNDS_MAX, 1..=101_i64, any::<bool>())
            .prop_map(|(number, percent, set_aside)| Step::Approved { number, percent, set_aside }),
        1 => (0..=REFUNDS_MAX).prop_map(|number| Step::Retried { number }),
    ]
}

/// A provider that keeps its own books and takes offence at anything that a correct caller would not ask.
#[derive(Debug, Default)]
struct Provider {
    waiting: Vec<(Operation, i32)>,
    /// The last answer to each operation, and to which attempt it was.
    answers: HashMap<OperationKey, (Operation, i32, Outcome)>,
    authorized_minor: i64,
    held_minor: i64,
    captured_minor: i64,
    /// What was captured for another order, which an exchange gives back.
    charged_before_minor: i64,
    /// What was held and is held no longer, without having been captured.
    given_up_minor: i64,
    refunded_minor: i64,
}

impl Provider {
    fn ask(&mut self, operation: Operation) {
        let key = operation.key;
        let is_waiting = self.waiting.iter().any(|(waiting, _)| waiting.key == key);
        assert!(!self.answers.contains_key(&key) && !is_waiting, "{key} is asked for twice");
        self.waiting.push((operation, 1));
    }

    fn ask_again(&mut self, key: OperationKey) {
        let (operation, attempt, outcome) = self.answers[&key].clone();
        assert!(matches!(outcome, Outcome::Declined(_)), "{key} is asked for again, and was not refused");
        assert!(!self.waiting.iter().any(|(waiting, _)| waiting.key == key), "{key} is asked for again while it waits");
        self.waiting.push((operation, attempt + 1));
    }

    /// Answers the oldest operation. A void is never refused.
    fn answer(&mut self, approve: bool) -> Option<Fact> {
        if self.waiting.is_empty() {
            return None;
        }
        let (operation, attempt) = self.waiting.remove(0);
        let (key, minor) = (operation.key, operation.amount.minor());
        let approve = match key.kind {
            OperationKind::Authorize => {
                self.authorized_minor = if approve { minor } else { 0 };
                self.held_minor = self.authorized_minor;
                approve
            }
            OperationKind::Capture => {
                assert!(self.captured_minor == 0 && minor <= self.held_minor, "capture of what is not held");
                if approve {
                    (self.captured_minor, self.given_up_minor) = (minor, self.held_minor - minor);
                    self.held_minor = 0;
                }
                approve
            }
            OperationKind::Void => {
                assert!(self.held_minor > 0 && minor == self.held_minor, "void of what is not held");
                (self.held_minor, self.given_up_minor) = (0, minor);
                true
            }
            OperationKind::Refund => {
                assert!(
                    self.refunded_minor + minor <= self.captured_minor + self.charged_before_minor,
                    "refund of what was not taken"
                );
                self.refunded_minor += if approve { minor } else { 0 };
                approve
            }
        };
        let outcome = if approve { Outcome::Succeeded } else { Outcome::Declined("SAID_NO".to_owned()) };
        self.answers.insert(key, (operation, attempt, outcome.clone()));
        Some(Fact::ProviderAnswered { key, attempt, outcome })
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
    /// What orders said last that is to be paid, as far as that was taken.
    due_minor: i64,
    /// What was collected in cash and taken in.
    cash_minor: i64,
}

impl Journey {
    fn new(method: Method) -> Self {
        let (buyer_id, seller_id) = (BuyerId::generate(), SellerId::generate());
        let is_charged = matches!(method, Method::Exchange(Exchange { charged_order_id: Some(_), .. }));
        let charged_before_minor = if is_charged { AMOUNT_MINOR } else { 0 };
        Self {
            order_id: OrderId::generate(),
            terms: Terms { buyer_id, seller_id, amount: euros(AMOUNT_MINOR), method },
            world: World::default(),
            provider: Provider { charged_before_minor, ..Provider::default() },
            events: Vec::new(),
            ended: false,
            due_minor: AMOUNT_MINOR,
            cash_minor: 0,
        }
    }

    fn take(&mut self, step: Step) {
        let order_id = self.order_id;
        let share = |percent| euros(AMOUNT_MINOR * percent / 100);
        let (mut now, hold) = (noon(), Duration::from_mins(15));
        let fact = match step {
            Step::Created => Some(Fact::OrderCreated { order_id, terms: self.terms.clone() }),
            Step::Modified { terms_version, percent } => {
                Some(Fact::OrderModified { order_id, terms_version, amount: share(percent) })
            }
            Step::Reserved => Some(Fact::InventoryReserved { order_id, expires_at: now + hold }),
            Step::Confirmed => Some(Fact::OrderConfirmed { order_id }),
            Step::Ended => Some(Fact::OrderEnded { order_id }),
            Step::Expired => {
                now = now + policy().authorization_lifetime;
                Some(Fact::AuthorizationExpired { order_id })
            }
            Step::Delivered => Some(Fact::OrderDelivered { order_id }),
            Step::Cash { percent } => Some(Fact::CashCollected { order_id, amount: share(percent) }),
            Step::Approved { number, percent, set_aside } => {
                Some(Fact::RefundApproved { order_id, number, amount: share(percent), set_aside })
            }
            Step::Retried { number } => Some(Fact::RefundRetried { order_id, number }),
            Step::Answer { approve } => self.provider.answer(approve),
            Step::AnswerAgain => {
                let answers =
                    self.provider.answers.iter().map(|(key, (_, attempt, outcome))| (*key, *attempt, outcome));
                answers.min().map(|(key, attempt, outcome)| Fact::ProviderAnswered {
                    key,
                    attempt,
                    outcome: outcome.clone(),
                })
            }
        };
        let Some(fact) = fact else { return };
        let asked_before = self.world.asked.len();
        let decision = decide(&mut self.world, &fact, policy(), now);
        // An end that comes after the cash is refused, and left to an operator.
        self.ended |= matches!(step, Step::Ended) && !matches!(decision, Decision::Refused(_));
        if let Decision::Applied(events) = decision {
            self.events.extend(events);
            match fact {
                Fact::CashCollected { amount, .. } => self.cash_minor += amount.minor(),
                Fact::OrderModified { amount, .. } => {
                    assert!(amount.minor() <= self.due_minor, "{} is due, and then {amount}", self.due_minor);
                    self.due_minor = amount.minor();
                }
                _ => {}
            }
        }
        for operation in &self.world.asked[asked_before..] {
            let minor = operation.amount.minor();
            let is_right = match operation.key.kind {
                OperationKind::Authorize | OperationKind::Capture => minor == self.due_minor,
                OperationKind::Void => minor == self.provider.held_minor,
                OperationKind::Refund => minor <= self.provider.captured_minor + self.provider.charged_before_minor,
            };
            assert!(is_right, "{operation:?} while {} is due of {:?}", self.due_minor, self.provider);
            self.provider.ask(*operation);
        }
        for key in std::mem::take(&mut self.world.asked_again) {
            self.provider.ask_again(key);
        }
    }

    /// The provider says yes to all that waits, and to what it refused before.
    fn answer_everything(&mut self) {
        for number in 0..=REFUNDS_MAX {
            self.take(Step::Retried { number });
        }
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

    fn balance(&self, account: &str) -> i64 {
        let legs = self.world.posted.iter().flat_map(Transaction::postings);
        legs.filter(|leg| leg.account.as_str() == account).map(|leg| leg.amount.minor()).sum()
    }

    fn count(&self, is_wanted: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is_wanted(event)).count()
    }
}

fn euros(minor: i64) -> Money {
    Money::from_minor(minor, Currency::EUR)
}

fn noon() -> Timestamp {
    Timestamp::from_unix_micros(1_772_366_400_000_000)
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![
        4 => Just(Method::Card(CardToken::new("tok_approved").unwrap())),
        2 => Just(Method::CashOnDelivery),
        2 => any::<bool>().prop_map(|is_charged| Method::Exchange(Exchange {
            order_id: OrderId::generate(),
            refund_number: 1,
            charged_order_id: is_charged.then(OrderId::generate),
        })),
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
                prop_assert!(payment.refunded.minor() <= payment.asked_back().minor());
                prop_assert!(payment.asked_back().minor() <= payment.captured.minor());
                prop_assert!(payment.captured.minor() <= payment.due.minor());
                prop_assert_eq!(payment.due.minor(), journey.due_minor);
                prop_assert!(payment.due.minor() <= payment.held().minor());
                prop_assert!(payment.held().minor() <= AMOUNT_MINOR);
            }
        }
        journey.answer_everything();

        let provider = &journey.provider;
        let by_card = provider.captured_minor;
        let charged = by_card - provider.refunded_minor;
        prop_assert!(by_card == 0 || by_card == journey.due_minor, "{by_card} was captured, and {} is due", journey.due_minor);
        prop_assert_eq!(by_card + provider.given_up_minor + provider.held_minor, provider.authorized_minor);
        let credited = -journey.balance("buyer_credit");
        let collected = journey.cash_minor;
        prop_assert_eq!(journey.balance("provider_clearing"), charged);
        prop_assert_eq!(journey.balance("carrier_clearing"), collected);
        prop_assert!(collected == 0 || by_card == 0);
        prop_assert!(collected <= journey.due_minor);
        let kept = charged + collected - credited;
        let released = journey.payment().and_then(|payment| payment.commission_rate);
        let earned = released.map_or(0, |rate| commission(euros(kept), rate).minor());
        prop_assert_eq!(journey.balance("escrow"), if released.is_some() { 0 } else { -kept });
        prop_assert_eq!(journey.balance("commission"), -earned);
        prop_assert_eq!(journey.balance("seller_balance"), if released.is_some() { earned - kept } else { 0 });
        if let Some(payment) = journey.payment() {
            let set_aside = if payment.is_exchange() { payment.captured.minor() } else { 0 };
            prop_assert_eq!(payment.captured.minor(), by_card + collected + set_aside);
            let is_by_card = matches!(payment.terms.method, Method::Card(_));
            let authorized_minor = payment.authorized.filter(|_| is_by_card).map_or(0, Money::minor);
            prop_assert_eq!(authorized_minor, provider.authorized_minor);
            prop_assert_eq!(payment.kept().minor(), kept);
            let is_on_its_way = matches!(
                payment.status,
                Status::Authorizing | Status::Capturing | Status::Voiding | Status::Refunding
            );
            prop_assert!(!is_on_its_way, "every answer is in, but it is {:?}", payment.status);
            prop_assert!(payment.refunds.iter().all(|refund| refund.standing == RefundStanding::Done));
        }
        if journey.ended {
            prop_assert_eq!(provider.held_minor, 0, "the order ended, and the authorization is open");
            prop_assert_eq!(kept, 0, "the order ended, and the buyer is charged");
            if let Some(payment) = journey.payment().filter(|payment| payment.is_exchange()) {
                prop_assert_eq!(payment.refunded, payment.terms.amount, "the order ended, and keeps what was set aside for it");
            }
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
        prop_assert!(authorized + declined <= 1);
        prop_assert!(captured + capture_failed <= 1 && captured + capture_failed <= authorized);
        prop_assert!(voided + captured <= 1, "what was captured cannot be voided");

        let mut numbers = BTreeSet::new();
        let mut sum = 0;
        for event in &journey.events {
            match event {
                Event::PaymentRefunded { amount, refunded, number, whole, .. } => {
                    prop_assert!(numbers.insert(*number), "refund {number} is told twice");
                    sum += amount.minor();
                    prop_assert_eq!(sum, refunded.minor());
                    let captured = journey.payment().map_or(0, |payment| payment.captured.minor());
                    prop_assert_eq!(*whole, sum == captured);
                }
                Event::RefundFailed { number, .. } => prop_assert!(!numbers.contains(number), "{number} is back"),
                Event::PaymentAuthorized { .. }
                | Event::PaymentDeclined { .. }
                | Event::PaymentCaptured { .. }
                | Event::CaptureFailed { .. }
                | Event::PaymentVoided { .. } => {}
            }
        }
        let is_exchange = journey.payment().is_some_and(Payment::is_exchange);
        prop_assert!(sum == 0 || captured == 1 || is_exchange, "what was set aside goes back without having been taken");
    }
}
