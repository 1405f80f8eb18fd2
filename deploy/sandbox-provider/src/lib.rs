//! A payment provider that is not real.
//!
//! It stands where a card processor would: a process of its own behind HTTP, which can be slow, lose its answers, be down,
//! and is asked again by the same key. It moves no money. What it answers is chosen by the card's test token ([`Token`]) and,
//! for a whole fleet under test, by its [`Mode`].
//!
//! | file | holds |
//! | --- | --- |
//! | `operation.rs` | [`Operation`] and [`Answer`]: what is asked and answered |
//! | `token.rs` | [`Token`]: how a test token makes it behave |
//! | `book.rs` | [`Book`]: what was authorized, captured, voided and refunded; the rules on amounts; pure |
//! | `state.rs` | the append-only file behind the book |
//! | `sandbox.rs` | [`Sandbox`]: the book, the file and the [`Mode`] behind one lock |
//! | `http.rs` | `POST /v1/operations`, `GET /v1/operations/{key}`, `GET /v1/charges`, `GET` and `POST /control`, `GET /health` |
//! | `connection.rs` | connections that can be cut before an answer is written |

mod book;
mod connection;
mod http;
mod operation;
mod sandbox;
mod state;
mod token;

pub use book::{Book, Charge};
pub use http::serve;
pub use operation::{Answer, Kind, Operation, Recorded, Status};
pub use sandbox::{Mode, Sandbox, Tuning};
pub use token::Token;
