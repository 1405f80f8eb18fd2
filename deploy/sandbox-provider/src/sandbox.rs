use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::book::{Book, Charge};
use crate::operation::{Answer, Kind, Operation, Recorded, Status};
use crate::state::StateFile;
use crate::token::Token;

/// What the test tokens leave open.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// How late `tok_slow` is answered.
    pub slow_delay: Duration,
    /// How often an operation of `tok_down` is answered 503 before it is carried out.
    pub down_attempts: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { slow_delay: Duration::from_secs(5), down_attempts: 3 }
    }
}

/// How the whole provider behaves, whatever the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum Mode {
    /// As the tokens say.
    Up,
    /// Every operation and every question about one is answered 503, and nothing is done.
    Down,
    /// Every new operation is answered that many milliseconds late.
    Slow {
        /// How late, in milliseconds.
        delay_ms: u64,
    },
    /// Every new operation is carried out, and the connection cut instead of its first answer.
    Losing,
}

/// The provider: its book, the file behind it, and how it behaves. Clones are the same provider.
#[derive(Debug, Clone)]
pub struct Sandbox {
    tuning: Tuning,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    file: Option<StateFile>,
    mode: Mode,
    /// Operations that were taken on and are answered later.
    ready_at: HashMap<String, Instant>,
    /// How often an operation of a token whose first attempts fail was tried.
    attempts: HashMap<String, u32>,
}

/// How an operation is met.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    /// Nothing was done; try again.
    Unavailable,
    /// The key was used before, for something else.
    Conflict,
    /// It was taken on before and its answer is not due yet.
    Processing,
    /// The answer, to be given at that instant.
    Answered(Answer, Option<Instant>),
    /// It was carried out, and nobody is told.
    Lost,
}

impl Sandbox {
    /// A provider that remembers in `state`, if a file is given.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds something else.
    pub fn open(tuning: Tuning, state: Option<&Path>) -> anyhow::Result<Self> {
        let (file, book) = match state {
            Some(path) => StateFile::open(path).map(|(file, book)| (Some(file), book))?,
            None => (None, Book::default()),
        };
        let inner = Inner { book, file, mode: Mode::Up, ready_at: HashMap::new(), attempts: HashMap::new() };
        Ok(Self { tuning, inner: Arc::new(Mutex::new(inner)) })
    }

    /// How the whole provider behaves.
    pub fn mode(&self) -> Mode {
        self.lock().mode
    }

    /// Changes how the whole provider behaves.
    pub fn set_mode(&self, mode: Mode) {
        self.lock().mode = mode;
    }

    /// What was really charged, of one payment or of all.
    pub fn charges(&self, payment: Option<&str>) -> Vec<Charge> {
        self.lock().book.charges(payment)
    }

    /// Meets an operation: takes a new one on, answers a known one as before.
    pub(crate) fn receive(&self, operation: Operation, now: Instant) -> std::io::Result<Reception> {
        let mut inner = self.lock();
        if inner.mode == Mode::Down {
            return Ok(Reception::Unavailable);
        }
        if let Some(known) = inner.book.find(&operation.key) {
            return Ok(match inner.ready_at.get(&operation.key) {
                _ if known.operation != operation => Reception::Conflict,
                Some(&ready_at) if now < ready_at => Reception::Processing,
                _ => Reception::Answered(known.answer.clone(), None),
            });
        }
        let token = inner.book.token(&operation);
        if let Some(Token::Down(attempts_max)) = token
            && inner.fails(&operation, attempts_max.unwrap_or(self.tuning.down_attempts))
        {
            return Ok(Reception::Unavailable);
        }
        if operation.kind == Kind::Refund {
            if let Some(Token::RefundFails(attempts)) = token
                && inner.fails(&operation, attempts)
            {
                return Ok(Reception::Answered(Answer::declined("REFUND_REFUSED"), None));
            }
            // Not final: it may be asked for again under its key, so it is not written down.
            let answer = inner.book.decide(&operation);
            if answer.status == Status::Declined {
                return Ok(Reception::Answered(answer, None));
            }
        }
        let ready_at = self.delay(inner.mode, token, operation.kind).map(|delay| now + delay);
        let (key, answer) = inner.take_on(operation)?;
        if let Some(ready_at) = ready_at {
            inner.ready_at.insert(key, ready_at);
        }
        let is_lost = inner.mode == Mode::Losing || token == Some(Token::LostAnswer);
        Ok(if is_lost { Reception::Lost } else { Reception::Answered(answer, ready_at) })
    }

    /// What became of the operation under that key; none if it was never taken on.
    pub(crate) fn find(&self, key: &str, now: Instant) -> Option<Reception> {
        let inner = self.lock();
        if inner.mode == Mode::Down {
            return Some(Reception::Unavailable);
        }
        let known = inner.book.find(key)?;
        Some(match inner.ready_at.get(key) {
            Some(&ready_at) if now < ready_at => Reception::Processing,
            _ => Reception::Answered(known.answer.clone(), None),
        })
    }

    fn delay(&self, mode: Mode, token: Option<Token>, kind: Kind) -> Option<Duration> {
        match (mode, token) {
            (Mode::Slow { delay_ms }, _) => Some(Duration::from_millis(delay_ms)),
            (Mode::Up | Mode::Down | Mode::Losing, Some(Token::Slow(delay))) if kind == Kind::Authorize => {
                Some(delay.unwrap_or(self.tuning.slow_delay))
            }
            (Mode::Up | Mode::Down | Mode::Losing, _) => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether this attempt is one of the first ones, which fail.
    fn fails(&mut self, operation: &Operation, attempts_max: u32) -> bool {
        let attempts = self.attempts.entry(operation.key.clone()).or_default();
        let fails = *attempts < attempts_max;
        *attempts += u32::from(fails);
        fails
    }

    /// Decides on a new operation and writes it down, in the file first.
    fn take_on(&mut self, operation: Operation) -> std::io::Result<(String, Answer)> {
        let answer = self.book.decide(&operation);
        let (key, recorded) = (operation.key.clone(), Recorded { operation, answer: answer.clone() });
        if let Some(file) = &mut self.file {
            file.append(&recorded)?;
        }
        self.book.enter(recorded);
        Ok((key, answer))
    }
}
