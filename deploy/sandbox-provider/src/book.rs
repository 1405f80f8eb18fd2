use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::operation::{Answer, Kind, Operation, Recorded, Status};
use crate::token::Token;

/// What was authorized, captured, voided and refunded.
#[derive(Debug, Default)]
pub struct Book {
    operations: HashMap<String, Recorded>,
    accounts: BTreeMap<String, Account>,
}

/// A payment that was authorized. Amounts in minor units of its currency.
#[derive(Debug)]
struct Account {
    card_token: String,
    currency: String,
    authorized_minor: i64,
    captured_minor: i64,
    refunded_minor: i64,
    is_voided: bool,
    captures: u32,
    refunds: u32,
}

/// What was really charged for a payment, as `GET /v1/charges` tells it. Amounts in minor units of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Charge {
    /// The caller's name of the payment.
    pub payment: String,
    /// ISO 4217 code.
    pub currency: String,
    /// What was held at first.
    pub authorized_minor: i64,
    /// What is still held: authorized, not voided, not captured.
    pub held_minor: i64,
    /// What was taken in all.
    pub captured_minor: i64,
    /// What was given back in all.
    pub refunded_minor: i64,
    /// What the card's owner has paid: captured less refunded.
    pub charged_minor: i64,
    /// How many captures succeeded.
    pub captures: u32,
    /// How many refunds succeeded.
    pub refunds: u32,
}

impl Book {
    /// The operation under that key, if there is one.
    pub fn find(&self, key: &str) -> Option<&Recorded> {
        self.operations.get(key)
    }

    /// How the card behind an operation behaves; a payment that was never authorized has none.
    pub fn token(&self, operation: &Operation) -> Option<Token> {
        let account_token = || self.accounts.get(&operation.payment).map(|account| account.card_token.as_str());
        operation.card_token.as_deref().or_else(account_token).map(Token::parse)
    }

    /// What becomes of a new operation.
    pub fn decide(&self, operation: &Operation) -> Answer {
        match self.objection(operation) {
            None => Answer::succeeded(),
            Some(reason) => Answer::declined(reason),
        }
    }

    fn objection(&self, operation: &Operation) -> Option<&'static str> {
        let account = self.accounts.get(&operation.payment);
        if operation.kind == Kind::Authorize {
            return match self.token(operation) {
                _ if account.is_some() => Some("ALREADY_AUTHORIZED"),
                Some(Token::Declined(reason)) => Some(reason),
                _ => None,
            };
        }
        let Some(account) = account else { return Some("NOT_AUTHORIZED") };
        if account.currency != operation.currency {
            return Some("CURRENCY_MISMATCH");
        }
        account.objection(operation)
    }

    /// Enters an operation with its answer: a new one, or one read back from the file.
    pub fn enter(&mut self, recorded: Recorded) {
        if recorded.answer.status == Status::Succeeded {
            self.carry_out(&recorded.operation);
        }
        self.operations.insert(recorded.operation.key.clone(), recorded);
    }

    fn carry_out(&mut self, operation: &Operation) {
        let account = self.accounts.entry(operation.payment.clone()).or_insert_with(|| Account::of(operation));
        match operation.kind {
            Kind::Authorize => {}
            Kind::Capture => {
                account.captured_minor += operation.amount_minor;
                account.captures += 1;
            }
            Kind::Void => account.is_voided = true,
            Kind::Refund => {
                account.refunded_minor += operation.amount_minor;
                account.refunds += 1;
            }
        }
    }

    /// What was really charged, of one payment or of all.
    pub fn charges(&self, payment: Option<&str>) -> Vec<Charge> {
        let wanted = |name: &str| payment.is_none_or(|payment| payment == name);
        self.accounts.iter().filter(|(name, _)| wanted(name)).map(|(name, account)| account.charge(name)).collect()
    }
}

impl Account {
    fn of(authorization: &Operation) -> Self {
        Self {
            card_token: authorization.card_token.clone().unwrap_or_default(),
            currency: authorization.currency.clone(),
            authorized_minor: authorization.amount_minor,
            captured_minor: 0,
            refunded_minor: 0,
            is_voided: false,
            captures: 0,
            refunds: 0,
        }
    }

    /// Why a capture, a void or a refund cannot be.
    fn objection(&self, operation: &Operation) -> Option<&'static str> {
        let amount_minor = operation.amount_minor;
        match operation.kind {
            Kind::Authorize => Some("ALREADY_AUTHORIZED"),
            Kind::Capture | Kind::Void if self.is_voided => Some("ALREADY_VOIDED"),
            Kind::Capture if Token::parse(&self.card_token) == Token::CaptureFails => Some("CAPTURE_REFUSED"),
            Kind::Capture if self.captures > 0 => Some("ALREADY_CAPTURED"),
            Kind::Capture if amount_minor > self.authorized_minor => Some("AMOUNT_TOO_LARGE"),
            Kind::Void if self.captured_minor > 0 => Some("ALREADY_CAPTURED"),
            Kind::Refund if amount_minor > self.captured_minor - self.refunded_minor => Some("AMOUNT_TOO_LARGE"),
            Kind::Capture | Kind::Void | Kind::Refund => None,
        }
    }

    fn charge(&self, payment: &str) -> Charge {
        Charge {
            payment: payment.to_owned(),
            currency: self.currency.clone(),
            authorized_minor: self.authorized_minor,
            // What a capture leaves of the authorization is given up with it.
            held_minor: if self.is_voided || self.captures > 0 { 0 } else { self.authorized_minor },
            captured_minor: self.captured_minor,
            refunded_minor: self.refunded_minor,
            charged_minor: self.captured_minor - self.refunded_minor,
            captures: self.captures,
            refunds: self.refunds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(kind: Kind, amount_minor: i64) -> Operation {
        Operation {
            key: format!("p:{kind:?}:{amount_minor}"),
            kind,
            payment: "p".to_owned(),
            amount_minor,
            currency: "EUR".to_owned(),
            card_token: (kind == Kind::Authorize).then(|| "tok_approved".to_owned()),
        }
    }

    fn ask(book: &mut Book, operation: Operation) -> Answer {
        let answer = book.decide(&operation);
        book.enter(Recorded { operation, answer: answer.clone() });
        answer
    }

    fn authorized(token: &str) -> Book {
        let mut book = Book::default();
        let operation = Operation { card_token: Some(token.to_owned()), ..operation(Kind::Authorize, 1_000) };
        assert_eq!(ask(&mut book, operation), Answer::succeeded());
        book
    }

    #[test]
    fn a_declined_card_is_never_charged() {
        for (token, reason) in [
            ("tok_insufficient_funds", "INSUFFICIENT_FUNDS"),
            ("tok_card_expired", "CARD_EXPIRED"),
            ("x", "CARD_UNKNOWN"),
        ] {
            let mut book = Book::default();
            let authorize = Operation { card_token: Some(token.to_owned()), ..operation(Kind::Authorize, 1_000) };
            assert_eq!(ask(&mut book, authorize), Answer::declined(reason));
            assert_eq!(ask(&mut book, operation(Kind::Capture, 1_000)), Answer::declined("NOT_AUTHORIZED"));
            assert_eq!(book.charges(None), []);
        }
    }

    #[test]
    fn one_capture_takes_at_most_what_is_authorized_and_gives_the_rest_up() {
        let mut book = authorized("tok_approved");
        assert_eq!(book.charges(Some("p"))[0].held_minor, 1_000);
        assert_eq!(ask(&mut book, operation(Kind::Capture, 1_001)), Answer::declined("AMOUNT_TOO_LARGE"));
        assert_eq!(ask(&mut book, operation(Kind::Capture, 600)), Answer::succeeded());
        assert_eq!(ask(&mut book, operation(Kind::Capture, 400)), Answer::declined("ALREADY_CAPTURED"));
        let charge = &book.charges(Some("p"))[0];
        assert_eq!((charge.captures, charge.charged_minor, charge.held_minor), (1, 600, 0));
    }

    #[test]
    fn refunds_together_are_at_most_what_is_captured() {
        let mut book = authorized("tok_approved");
        assert_eq!(ask(&mut book, operation(Kind::Refund, 1)), Answer::declined("AMOUNT_TOO_LARGE"));
        ask(&mut book, operation(Kind::Capture, 500));
        assert_eq!(ask(&mut book, operation(Kind::Refund, 300)), Answer::succeeded());
        assert_eq!(ask(&mut book, operation(Kind::Refund, 201)), Answer::declined("AMOUNT_TOO_LARGE"));
        let charge = &book.charges(None)[0];
        assert_eq!((charge.captured_minor, charge.refunded_minor, charge.charged_minor), (500, 300, 200));
    }

    #[test]
    fn only_what_is_not_captured_can_be_voided_and_only_once() {
        let mut book = authorized("tok_approved");
        assert_eq!(ask(&mut book, operation(Kind::Void, 1_000)), Answer::succeeded());
        assert_eq!(book.charges(None)[0].held_minor, 0);
        let again = Operation { key: "again".to_owned(), ..operation(Kind::Void, 1_000) };
        assert_eq!(ask(&mut book, again), Answer::declined("ALREADY_VOIDED"));
        assert_eq!(ask(&mut book, operation(Kind::Capture, 1_000)), Answer::declined("ALREADY_VOIDED"));

        let mut book = authorized("tok_approved");
        ask(&mut book, operation(Kind::Capture, 1));
        assert_eq!(ask(&mut book, operation(Kind::Void, 1_000)), Answer::declined("ALREADY_CAPTURED"));
    }

    #[test]
    fn a_card_whose_capture_fails_can_still_be_voided() {
        let mut book = authorized("tok_capture_fails");
        assert_eq!(ask(&mut book, operation(Kind::Capture, 1_000)), Answer::declined("CAPTURE_REFUSED"));
        assert_eq!(ask(&mut book, operation(Kind::Void, 1_000)), Answer::succeeded());
    }

    #[test]
    fn a_payment_keeps_its_currency_and_is_authorized_once() {
        let mut book = authorized("tok_approved");
        let dollars = Operation { currency: "USD".to_owned(), ..operation(Kind::Capture, 1_000) };
        assert_eq!(ask(&mut book, dollars), Answer::declined("CURRENCY_MISMATCH"));
        let again = Operation { key: "again".to_owned(), ..operation(Kind::Authorize, 1_000) };
        assert_eq!(ask(&mut book, again), Answer::declined("ALREADY_AUTHORIZED"));
    }
}
