//! Every interleaving of the sagas, over the functions that ship.
//!
//! A model checker ([stateright](https://docs.rs/stateright)) drives the services' own `Participant::decide`, `encode` and
//! `decode`, their subscription tables, and the worker that calls the payment provider. No rule of a service is written a
//! second time here. What is written here is what surrounds them:
//!
//! | module | holds |
//! | --- | --- |
//! | [`fleet`] | the state machine: where a step leads |
//! | [`state`] | what there is at one moment: the services' databases, the network, the provider's books |
//! | [`steps`], [`action`] | which steps there are; each in words |
//! | [`services`] | what each service keeps, and how it reacts: load, decide, save, tell |
//! | [`network`] | logs, kept in order by topic and key; offsets, inboxes, redelivery |
//! | [`provider`] | the payment provider, as an adversary |
//! | [`clock`] | deadlines, which may pass at any time |
//! | [`market`] | what a scenario begins with: stock, and the quote, accepted |
//! | [`saga`] | a file for each saga: commands, deadlines, invariants, ways to end |
//! | [`scenario`] | who buys what, and what may go wrong how often |
//! | [`scenarios`] | every one that is checked |
//! | [`mutants`] | which scenario must show which mutant |
//! | [`check`], [`story`] | exploring; a counterexample in words |
//!
//! What a step is:
//! - A consumer reads one event. A batch of several in one transaction is the same as several steps in a row.
//! - A crash before a commit leaves nothing behind, so it is no step. A crash after a commit and before the offset is stored has
//!   the consumer read again from an earlier event on, one between producing and deleting has the relay send again.
//! - Two replicas of a service take turns, because each locks the rows that it decides on; that both call the provider at once
//!   shows in a second answer to the same question.
//! - A call of the provider is two steps, the call and the commit of its answer, so an answer may be as slow as anything.
//!
//! Every step uses something up that is finite, which [`fleet`] asserts at each. So no run goes round in circles, and that every
//! saga ends is checked where runs end, not by stateright's `eventually`, which cannot see circles.
//!
//! Different states are told apart by 64-bit hashes: with ten million of them, two are taken for one with a probability of about
//! one in 400,000.

pub mod action;
pub mod check;
pub mod clock;
pub mod fleet;
pub mod market;
pub mod mutants;
pub mod network;
pub mod provider;
pub mod saga;
pub mod scenario;
pub mod scenarios;
pub mod services;
pub mod state;
pub mod steps;
pub mod story;
