//! Payment providers: who holds, takes and gives back money when we ask.
//!
//! A provider is a port because there will be several of them: the sandbox stands here now, a card processor over its REST API
//! will stand beside it and is held to the same contract.

mod sandbox;

use crate::domain::{CardToken, Operation, Outcome};

pub use sandbox::Sandbox;

/// A payment provider.
///
/// Both questions may be asked any number of times. What they must give:
/// - an operation that is repeated under its key has no second effect and the same outcome;
/// - an outcome is final, but that a refund was refused: whoever performs it again under its key asks again, and meanwhile `find` knows of
///   nothing;
/// - an answer that is not certain is [`NoAnswer`], never a guess: a timeout, a broken connection, an overload, "in progress";
/// - each question ends within the time that the provider was made with.
pub trait Provider: Send + Sync + 'static {
    /// Asks for an operation under a key. The card is needed to authorize; what follows goes by the authorization.
    fn perform(
        &self,
        key: &str,
        operation: &Operation,
        card_token: Option<&CardToken>,
    ) -> impl Future<Output = Result<Outcome, NoAnswer>> + Send;

    /// Asks what became of the operation of that key. None: it never reached the provider, so it may be asked for again.
    fn find(&self, key: &str) -> impl Future<Output = Result<Option<Outcome>, NoAnswer>> + Send;
}

/// The provider gave no answer that counts, so the outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no answer: {0}")]
pub struct NoAnswer(pub String);
